//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, Field, Fields, date, money, name, numbered_name, time};
use trellis_core::{AwardId, DealId, Money, PageQuery, PartnerId, Period, PlanId, ProgramId};
use trellis_evaluation::evaluate::{Facts, Key, Posted};
use trellis_store::incentive::award::{Hold, Model, NotPaid};
use trellis_store::incentive::ledger::Buckets;

use super::adjustments::Adjust;
use super::awards::Approve;
use super::holds::{Release, Stop};
use super::rejections::Reject;
use super::replays::Replay;
use super::simulate::Simulate;
use crate::fact::convert::{exchange_rates, facts, quotas};
use crate::plan::asked;
use crate::plan::convert::key;

/// What lists filter and order by.
const FIELDS: &[Field] = &[
    Field::id::<PartnerId>("partner"),
    Field::id::<PlanId>("plan"),
    Field::id::<ProgramId>("program"),
    Field::id::<DealId>("deal"),
    Field::state("not_paid_reason", "NOT_PAID_REASON", REASONS),
    Field::state("hold_reason", "HOLD_REASON", HOLDS),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const REASONS: &[&str] = &[
    NotPaid::NotEnrolled.name(),
    NotPaid::TierNotInAudience.name(),
    NotPaid::PartnerTypeNotInAudience.name(),
    NotPaid::CurrencyMismatch.name(),
    NotPaid::BelowFirstBand.name(),
    NotPaid::RoundsToZero.name(),
    NotPaid::BelowMinimum.name(),
    NotPaid::FullyRefunded.name(),
    NotPaid::NothingSold.name(),
    NotPaid::DealReopened.name(),
    NotPaid::DealMoved.name(),
    NotPaid::NoPlanVersion.name(),
    NotPaid::NotInAudience.name(),
    NotPaid::ConditionNotMet.name(),
    NotPaid::MissingFact.name(),
    NotPaid::NoExchangeRate.name(),
    NotPaid::TermEnded.name(),
    NotPaid::NotFirstEvent.name(),
    NotPaid::NoQuota.name(),
    NotPaid::NoBaseline.name(),
    NotPaid::ClawedBack.name(),
    NotPaid::LimitReached.name(),
    NotPaid::BudgetExhausted.name(),
    NotPaid::StackedOut.name(),
    NotPaid::NoParty.name(),
    NotPaid::NothingLeft.name(),
];

const HOLDS: &[&str] = &[
    Hold::Dispute.name(),
    Hold::Fraud.name(),
    Hold::Review.name(),
];

/// An award on the wire, with where its money is.
pub(super) fn wire(award: Model, buckets: Buckets) -> pb::Award {
    let Model {
        ecosystem,
        id,
        plan,
        plan_version,
        program,
        partner,
        scope: _,
        window,
        deal,
        scope_date,
        currency,
        accounting_class: _,
        entitled_minor,
        rejected_minor,
        adjusted_minor,
        posted_before_minor: _,
        not_paid,
        release_time,
        posting_count: _,
        trace_hash: _,
        earner,
        basis,
        rulings: _,
        hold_reason,
        hold_time,
        hold_payable_minor: _,
        version,
        create_time,
        update_time,
    } = award;
    let told = basis.map(|basis| basis.scope).unwrap_or_default();
    let fact = told.strip_prefix("fact/");
    let group = fact.map_or_else(|| told.split_once('/'), |_| None);
    let group = group.map_or(String::new(), |(_, group)| group.to_owned());
    let fact = fact.unwrap_or_default().to_owned();
    let deal = deal.map(|deal| pb::award::Scope::Deal(name(&ecosystem, &deal)));
    let period = window.cadence().map(|cadence| {
        let period = Period::containing(scope_date, cadence);
        pb::award::Scope::Period(pb::AwardPeriod {
            start_date: Some(date::wire(period.start())),
            end_date: Some(date::wire(period.end())),
        })
    });
    pb::Award {
        name: name(&ecosystem, &id),
        partner: name(&ecosystem, &partner),
        plan: name(&ecosystem, &plan),
        plan_version: numbered_name(&ecosystem, &plan, "versions", plan_version.into()),
        program: name(&ecosystem, &program),
        entitled_amount: Some(money::wire(Money::new(entitled_minor, currency))),
        hold_reason: hold_reason
            .map_or(pb::award::HoldReason::Unspecified, wire_hold)
            .into(),
        hold_time: hold_time.map(time::wire),
        rejected_amount: Some(money::wire(Money::new(rejected_minor, currency))),
        adjusted_amount: Some(money::wire(Money::new(adjusted_minor, currency))),
        buckets: Some(wire_buckets(buckets)),
        not_paid_reason: wire_reason(not_paid).into(),
        release_time: release_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        scope: deal.or(period),
        fact,
        group,
        earner: earner
            .filter(|earner| *earner != partner)
            .map_or(String::new(), |earner| name(&ecosystem, &earner)),
    }
}

fn wire_buckets(buckets: Buckets) -> pb::AwardBuckets {
    let Buckets {
        currency,
        held,
        on_hold,
        review,
        payable,
        in_payout,
        paid,
        owed,
    } = buckets;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    pb::AwardBuckets {
        held_amount: amount(held + on_hold),
        on_hold_amount: amount(on_hold),
        review_amount: amount(review),
        payable_amount: amount(payable),
        in_payout_amount: amount(in_payout),
        paid_amount: amount(paid),
        owed_amount: amount(owed),
    }
}

const fn wire_hold(hold: Hold) -> pb::award::HoldReason {
    match hold {
        Hold::Dispute => pb::award::HoldReason::Dispute,
        Hold::Fraud => pb::award::HoldReason::Fraud,
        Hold::Review => pb::award::HoldReason::Review,
    }
}

/// A version of the arithmetic, on the wire.
pub(super) fn wire_engine(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

/// Why nothing was paid, on the wire.
pub(super) fn wire_reason(not_paid: Option<NotPaid>) -> pb::award::NotPaidReason {
    match not_paid {
        None => pb::award::NotPaidReason::Unspecified,
        Some(NotPaid::NotEnrolled) => pb::award::NotPaidReason::NotEnrolled,
        Some(NotPaid::TierNotInAudience) => pb::award::NotPaidReason::TierNotInAudience,
        Some(NotPaid::PartnerTypeNotInAudience) => {
            pb::award::NotPaidReason::PartnerTypeNotInAudience
        }
        Some(NotPaid::CurrencyMismatch) => pb::award::NotPaidReason::CurrencyMismatch,
        Some(NotPaid::BelowFirstBand) => pb::award::NotPaidReason::BelowFirstBand,
        Some(NotPaid::RoundsToZero) => pb::award::NotPaidReason::RoundsToZero,
        Some(NotPaid::BelowMinimum) => pb::award::NotPaidReason::BelowMinimum,
        Some(NotPaid::FullyRefunded) => pb::award::NotPaidReason::FullyRefunded,
        Some(NotPaid::NothingSold) => pb::award::NotPaidReason::NothingSold,
        Some(NotPaid::DealReopened) => pb::award::NotPaidReason::DealReopened,
        Some(NotPaid::DealMoved) => pb::award::NotPaidReason::DealMoved,
        Some(NotPaid::NoPlanVersion) => pb::award::NotPaidReason::NoPlanVersion,
        Some(NotPaid::NotInAudience) => pb::award::NotPaidReason::NotInAudience,
        Some(NotPaid::ConditionNotMet) => pb::award::NotPaidReason::ConditionNotMet,
        Some(NotPaid::MissingFact) => pb::award::NotPaidReason::MissingFact,
        Some(NotPaid::NoExchangeRate) => pb::award::NotPaidReason::NoExchangeRate,
        Some(NotPaid::TermEnded) => pb::award::NotPaidReason::TermEnded,
        Some(NotPaid::NotFirstEvent) => pb::award::NotPaidReason::NotFirstEvent,
        Some(NotPaid::NoQuota) => pb::award::NotPaidReason::NoQuota,
        Some(NotPaid::NoBaseline) => pb::award::NotPaidReason::NoBaseline,
        Some(NotPaid::ClawedBack) => pb::award::NotPaidReason::ClawedBack,
        Some(NotPaid::LimitReached) => pb::award::NotPaidReason::LimitReached,
        Some(NotPaid::BudgetExhausted) => pb::award::NotPaidReason::BudgetExhausted,
        Some(NotPaid::StackedOut) => pb::award::NotPaidReason::StackedOut,
        Some(NotPaid::NoParty) => pb::award::NotPaidReason::NoParty,
        Some(NotPaid::NothingLeft) => pb::award::NotPaidReason::NothingLeft,
    }
}

pub(super) fn get(request: pb::GetAwardRequest, fields: &mut Fields) -> Option<AwardId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListAwardsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn explain(request: pb::ExplainAwardRequest, fields: &mut Fields) -> Option<AwardId> {
    fields.id("name", &request.name)
}

pub(super) fn replay(request: pb::ReplayAwardsRequest, fields: &mut Fields) -> Option<Replay> {
    /// How many when nothing is said.
    const USUAL: i32 = 100;
    /// How many at most.
    const MOST: i32 = 1_000;
    let limit = if request.limit == 0 {
        USUAL
    } else {
        request.limit.min(MOST)
    };
    Some(Replay {
        after: fields.optional_id("after", &request.after)?,
        limit: u64::try_from(limit).ok()?,
    })
}

pub(super) fn approve(request: pb::ApproveAwardsRequest, fields: &mut Fields) -> Option<Approve> {
    let ids = fields.ids("names", &request.names);
    Some(Approve {
        ids: ids?,
        note: request.note,
    })
}

pub(super) fn adjust(request: pb::AdjustAwardRequest, fields: &mut Fields) -> Option<Adjust> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    let amount = fields.money("amount", request.amount);
    if amount.is_some_and(|amount| amount.minor == 0) {
        let otherwise = "must not be 0: more than 0 adds to the award, less takes off";
        fields.refuse("amount", "money.not_zero", otherwise);
    }
    Some(Adjust {
        id: id?,
        etag: etag?,
        amount: amount?,
        reason_code: request.reason_code,
        note: request.note,
    })
}

pub(super) fn hold(request: pb::HoldAwardRequest, fields: &mut Fields) -> Option<Stop> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    let reason = match request.reason() {
        pb::award::HoldReason::Unspecified => None,
        pb::award::HoldReason::Dispute => Some(Hold::Dispute),
        pb::award::HoldReason::Fraud => Some(Hold::Fraud),
        pb::award::HoldReason::Review => Some(Hold::Review),
    };
    Some(Stop {
        id: id?,
        etag: etag?,
        reason: fields.required("reason", reason)?,
        note: request.note,
    })
}

pub(super) fn release(request: pb::ReleaseAwardRequest, fields: &mut Fields) -> Option<Release> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    Some(Release {
        id: id?,
        etag: etag?,
        note: request.note,
    })
}

pub(super) fn reject(request: pb::RejectAwardRequest, fields: &mut Fields) -> Option<Reject> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    let amount = fields.optional_money("amount", request.amount);
    if amount.flatten().is_some_and(|amount| amount.minor <= 0) {
        let otherwise = "must be more than 0; leave it out to reject all that is not payable yet";
        fields.refuse("amount", "money.gt", otherwise);
    }
    Some(Reject {
        id: id?,
        etag: etag?,
        amount: amount?,
        reason_code: request.reason_code,
        note: request.note,
    })
}

pub(super) fn simulate(
    request: pb::SimulateAwardsRequest,
    fields: &mut Fields,
) -> Option<Simulate> {
    let pb::SimulateAwardsRequest {
        parent: _,
        plan_versions,
        given_versions,
        facts: told,
        quotas: set,
        exchange_rates: rates,
        posted,
        as_known_time,
    } = request;
    let asked = asked::read(&plan_versions, given_versions, fields);
    let facts = facts(fields, "facts", told);
    let quotas = quotas(fields, "quotas", set);
    let rates = exchange_rates(fields, "exchange_rates", rates);
    let posted: Vec<Option<_>> = posted
        .into_iter()
        .enumerate()
        .map(|(at, told)| self::posted(fields, &format!("posted[{at}]"), told))
        .collect();
    let as_known_at = fields.optional_time("as_known_time", as_known_time);
    Some(Simulate {
        asked: asked?,
        facts: Facts {
            facts: facts?,
            quotas: quotas?,
            rates: rates?,
            posted: posted.into_iter().collect::<Option<_>>()?,
            ..Facts::default()
        },
        as_known_at: as_known_at?,
    })
}

fn posted(fields: &mut Fields, path: &str, told: pb::PostedAward) -> Option<(Key, Posted)> {
    let pb::PostedAward {
        plan_version,
        partner,
        scope,
        amount,
        paid_amount,
    } = told;
    let version = key(&format!("{path}.plan_version"), &plan_version, fields);
    let partner = fields.id(&format!("{path}.partner"), &partner);
    let amount = fields.money(&format!("{path}.amount"), amount);
    let paid = fields.optional_money(&format!("{path}.paid_amount"), paid_amount);
    let version = version?;
    let key = Key {
        plan: version.plan,
        partner: partner?,
        scope,
    };
    let posted = Posted {
        minor: amount?.minor,
        paid_minor: paid?.map_or(0, |paid| paid.minor),
        version: version.number,
        before: Vec::new(),
    };
    Some((key, posted))
}
