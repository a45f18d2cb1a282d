//! The proof of an evaluation: a hash that shows that the same inputs still give the same result.
//!
//! It covers every input and every number of the evaluation, and none of the words that tell it: a
//! better sentence must not look like another result.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use trellis_core::incentive::{NotPaid, Terms};
use trellis_core::{Currency, Date, PartnerId, PlanId};

use super::entitlement::{Counted, Entitlement};
use super::period::Scope;

/// The version of the arithmetic. It is raised when the same inputs may give another result.
pub const ENGINE_VERSION: i32 = 1;

/// Whose award an evaluation is about, and under which plan version.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The plan.
    pub plan: &'a PlanId,
    /// The version of the plan; none holds any longer if none is given.
    pub version: Option<i32>,
    /// The hash of the version's content.
    pub version_hash: &'a [u8; 32],
    /// The partner.
    pub partner: &'a PartnerId,
    /// The deal or the period.
    pub scope: &'a Scope,
}

/// What a plan version says.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The plan.
    pub plan: &'a PlanId,
    /// The number of the version.
    pub number: i32,
    /// The first day on which it holds.
    pub effective_from: Date,
    /// The day on which it does not hold any longer.
    pub effective_until: Option<Date>,
    /// The currency that it pays in.
    pub currency: Currency,
    /// What it pays.
    pub terms: &'a Terms,
}

/// The hash of what a plan version says, whatever became of it since.
#[must_use]
pub fn version_hash(version: Content<'_>) -> [u8; 32] {
    let mut canon = Canon::default();
    canon.text(version.plan.as_str());
    canon.number(version.number.into());
    canon.number(version.effective_from.days().into());
    canon.number(
        version
            .effective_until
            .map_or(-1, |date| i128::from(date.days())),
    );
    canon.text(version.currency.code());
    // The terms hold texts, integers and lists only, so that their JSON has one form.
    canon.text(&serde_json::to_string(version.terms).unwrap_or_default());
    canon.finish()
}

/// The hash of an evaluation: of all that went in and all that came out.
pub fn hash(subject: &Subject<'_>, entitlement: &Entitlement) -> String {
    let Entitlement {
        counted,
        measure,
        slices,
        exact,
        rounded,
        entitled,
        not_paid,
        next: _,
    } = entitlement;
    let mut canon = Canon::default();
    canon.number(ENGINE_VERSION.into());
    canon.text(subject.plan.as_str());
    canon.number(subject.version.map_or(-1, i128::from));
    canon.bytes(subject.version_hash);
    canon.text(subject.partner.as_str());
    canon.text(&subject.scope.key());
    for Counted {
        group,
        sum,
        excluded,
    } in counted
    {
        canon.number(group.date.days().into());
        canon.text(group.currency.code());
        canon.text(&group.standing.to_string());
        for number in [sum.deals, sum.won, sum.net] {
            canon.number(number.into());
        }
        canon.text(excluded.map_or("", NotPaid::name));
    }
    canon.number((*measure).into());
    for slice in slices {
        canon.number(i128::try_from(slice.band).unwrap_or(-1));
        canon.number(slice.base);
        canon.number(*slice.exact.numer());
        canon.number(*slice.exact.denom());
    }
    canon.number(*exact.numer());
    canon.number(*exact.denom());
    canon.number((*rounded).into());
    canon.number((*entitled).into());
    canon.text(not_paid.map_or("", NotPaid::name));
    HEXLOWER.encode(&canon.finish())
}

/// Values in a form that no two different lists of values share: each with its length before it.
#[derive(Default)]
struct Canon(Sha256);

impl Canon {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0
            .update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: i128) {
        self.bytes(&number.to_be_bytes());
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
