//! The row of an award that is computed from facts: what came out for one partner.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use trellis_core::{AwardId, Date, DealId, PartnerId, TimeZone, Timestamp, allocate};
use trellis_evaluation::evaluate::{Award, NotPaid as Because, Paid, Posted, Recipient};
use trellis_store::Txn;
use trellis_store::incentive::award::{Basis, HeldPart, Model, NotPaid, PaidBefore, Window};
use trellis_store::partner::partner::PartnerType;

use super::super::settle::class_of;
use super::book::Component;

/// What an award comes to for one partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Who gets it.
    pub(crate) partner: PartnerId,
    /// How much, in minor units.
    pub(crate) minor: i64,
}

/// Who gets parts of an award. Of one that comes to nothing, whoever earned it is told why.
pub(crate) fn parts(award: &Award) -> Vec<Part> {
    let mut parts: Vec<Part> = award
        .shares
        .iter()
        .filter(|share| share.minor != 0)
        .filter_map(|share| match &share.to {
            Recipient::Partner(partner) => Some(Part {
                partner: partner.clone(),
                minor: share.minor,
            }),
            Recipient::Fund(_) | Recipient::Vendor => None,
        })
        .collect();
    if parts.is_empty() {
        parts.push(Part {
            partner: award.key.partner.clone(),
            minor: 0,
        });
    }
    parts
}

/// The text that keys the row of a partner. It tells nobody whose facts they share in.
pub(super) fn scope(award: &Award, partner: &PartnerId) -> String {
    let own = format!("{}/{}", award.currency, award.key.scope);
    if *partner == award.key.partner {
        return own;
    }
    let digest = HEXLOWER.encode(&Sha256::digest(award.key.partner.as_str()));
    let short: String = digest.chars().take(16).collect();
    format!("{own}/share/{short}")
}

/// A row for a partner that had none.
pub(super) fn new(
    txn: &Txn,
    component: &Component,
    award: &Award,
    partner: &PartnerId,
    partner_type: PartnerType,
    deal: Option<&DealId>,
) -> Model {
    let version = component.version(&award.key.plan, award.version);
    let window = version.map_or(Window::Event, |version| version.terms.measure.window);
    Model {
        ecosystem: txn.ecosystem().clone(),
        id: AwardId::generate(txn.now()),
        plan: award.key.plan.clone(),
        plan_version: award.version,
        program: component.program.clone(),
        partner: partner.clone(),
        scope: scope(award, partner),
        window,
        deal: deal.filter(|_| window == Window::Event).cloned(),
        scope_date: award.date,
        currency: award.currency,
        accounting_class: class_of(partner_type),
        entitled_minor: 0,
        rejected_minor: 0,
        adjusted_minor: 0,
        posted_before_minor: 0,
        not_paid: None,
        release_time: None,
        posting_count: 0,
        trace_hash: String::new(),
        earner: Some(award.key.partner.clone()),
        basis: None,
        rulings: None,
        hold_reason: None,
        hold_time: None,
        hold_payable_minor: 0,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Why a part is nothing.
pub(super) fn not_paid(award: &Award, minor: i64) -> Option<NotPaid> {
    if minor != 0 {
        return None;
    }
    Some(match &award.not_paid {
        Some(because) => reason(because),
        // Others have parts of it, or its part is too small to be a coin.
        None => NotPaid::NoParty,
    })
}

const fn reason(because: &Because) -> NotPaid {
    match because {
        Because::NotInAudience(_) => NotPaid::NotInAudience,
        Because::ConditionNotMet(_) => NotPaid::ConditionNotMet,
        Because::MissingFact(_) => NotPaid::MissingFact,
        Because::CurrencyMismatch(_) => NotPaid::CurrencyMismatch,
        Because::NoExchangeRate { .. } => NotPaid::NoExchangeRate,
        Because::TermEnded => NotPaid::TermEnded,
        Because::NotFirstEvent => NotPaid::NotFirstEvent,
        Because::NoQuota(_) => NotPaid::NoQuota,
        Because::NoBaseline => NotPaid::NoBaseline,
        Because::NothingSold => NotPaid::NothingSold,
        Because::FullyRefunded => NotPaid::FullyRefunded,
        Because::ClawedBack => NotPaid::ClawedBack,
        Because::BelowFirstBand => NotPaid::BelowFirstBand,
        Because::RoundsToZero => NotPaid::RoundsToZero,
        Because::BelowMinimum => NotPaid::BelowMinimum,
        Because::LimitReached => NotPaid::LimitReached,
        Because::BudgetExhausted => NotPaid::BudgetExhausted,
        Because::StackedOut(_) => NotPaid::StackedOut,
        Because::NoParty => NotPaid::NoParty,
        Because::NothingLeft => NotPaid::NothingLeft,
    }
}

/// The parts of a partner's amount that are held: the same parts as those of the whole.
pub(super) fn held(award: &Award, minor: i64) -> Vec<HeldPart> {
    let weights: Vec<u64> = award
        .held
        .iter()
        .map(|held| held.minor.unsigned_abs())
        .collect();
    if weights.iter().all(|weight| *weight == 0) {
        return Vec::new();
    }
    award
        .held
        .iter()
        .zip(allocate(minor, &weights))
        .map(|(held, minor)| HeldPart {
            minor,
            until: held.until,
        })
        .collect()
}

/// What is known besides the facts, and what is needed later. What was paid under other versions is
/// kept in mind where the award's own may not reduce it.
pub(super) fn basis(award: &Award, minor: i64, posted: &Posted, keeps: bool) -> Basis {
    let before = posted.paid_before(award.version).filter(|_| keeps);
    Basis {
        scope: award.key.scope.clone(),
        known_time: award.trace.as_known_at,
        posted_minor: posted.minor,
        paid_minor: posted.paid_minor,
        posted_version: posted.version,
        paid_before: before
            .map(|Paid { version, minor }| PaidBefore { version, minor })
            .collect(),
        engine_version: award.trace.engine_version,
        essence: award.trace.essence(),
        held: held(award, minor),
    }
}

/// What was paid under other versions, as the evaluation is told it.
pub(super) fn paid_before(basis: &Basis) -> Vec<Paid> {
    let paid = basis.paid_before.iter();
    paid.map(|PaidBefore { version, minor }| Paid {
        version: *version,
        minor: *minor,
    })
    .collect()
}

/// What of an award is out of its hold by a moment, and when the next part is.
pub(crate) fn maturity(award: &Model, zone: &TimeZone, now: Timestamp) -> (i64, Option<Timestamp>) {
    let today = zone.local_date(now);
    let held = award.basis.as_ref().map_or(&[][..], |basis| &basis.held);
    let holds = |part: &&HeldPart| part.until.is_none_or(|until| until > today);
    let still: i64 = held.iter().filter(holds).map(|part| part.minor).sum();
    let next: Option<Date> = held
        .iter()
        .filter(holds)
        .filter_map(|part| part.until)
        .min();
    (
        award.entitled_minor - still,
        next.map(|date| zone.midnight(date)),
    )
}
