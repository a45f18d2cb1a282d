//! Takes the worked cases of the evaluation through the service: each is computed here and answered by
//! a real server, from what the contract can say of it, and the two must agree in every number that
//! anything was computed with. Then it happens in earnest: see [`accrued`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::{date, money, program, rate, time};
use trellis_core::{Currency, Money, Timestamp};
use trellis_evaluation::evaluate::{
    Award, ExchangeRate, Fact, Facts, Key, Party, Posted, Quota, Recipient, evaluate,
};
use trellis_evaluation::plan::{
    Anchor, Band, BandBy, Below, Clawback, ClawbackMode, ClawbackTrigger, FactKind, Fund, FxDate,
    FxType, GroupBy, Hold, Kind, Limit, LimitScope, Limits, Measure, Mode, PayOn, PlanVersion,
    Policy, Protection, Quantity, Rounding, Sharing, Source, StackCap, Stacking, Target, Term,
    Threshold, Unfilled, Window,
};
use trellis_evaluation::predicate::{Record, Value};
use trellis_tests::{Engine, World, refused, run};

use crate::accrued;
use crate::scene::ready;

/// When everything is known that a case tells.
pub(crate) const KNOWN: Timestamp = Timestamp::from_micros(4_102_444_800_000_000);

/// The ecosystem that all of it is in.
pub(crate) const HOME: &str = "ecosystems/acme";

/// Awards of a case, which the server answers too.
pub(crate) fn awards(plans: &[PlanVersion], facts: &Facts) -> Vec<Award> {
    let plainly = as_told(facts);
    let expected = evaluate(&ready(plans), &plainly, KNOWN).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(Engine::Sqlite, &[], |world| {
        agree(world, plans.to_vec(), plainly, expected)
    }));
    evaluate(&ready(plans), facts, Timestamp::from_micros(i64::MAX)).unwrap()
}

/// Facts as the contract can tell them: a currency is that of an amount.
fn as_told(facts: &Facts) -> Facts {
    let mut told = facts.clone();
    for fact in &mut told.facts {
        if (fact.amount_minor, fact.annual_minor, fact.cost_minor) == (None, None, None) {
            fact.currency = None;
        }
    }
    told
}

async fn agree(world: World, plans: Vec<PlanVersion>, facts: Facts, awards: Vec<Award>) {
    prepare(&world, &plans).await;
    let request = request(&plans, &facts);
    let answer = world.awards().simulate_awards(request).await;
    let nobody_may_say = |fact: &Fact| !fact.validate().is_empty();
    if facts.facts.iter().any(nobody_may_say) {
        refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        return;
    }
    let answered = answer.unwrap().into_inner().awards;
    assert_eq!(answered.len(), awards.len(), "{answered:#?}");
    let quantities: BTreeMap<_, _> = plans
        .iter()
        .map(|plan| {
            (
                (plan.plan.clone(), plan.version),
                plan.measure.source.quantity(),
            )
        })
        .collect();
    for (answered, award) in answered.iter().zip(&awards) {
        let quantity = quantities[&(award.key.plan.clone(), award.version)];
        same(answered, award, quantity);
    }
    accrued::agree(&world, &plans, &facts).await;
}

/// What the server answers is what was computed here.
fn same(answered: &pb::SimulatedAward, award: &Award, quantity: Quantity) {
    let amount = |minor| Some(money::wire(Money::new(minor, award.currency)));
    let plan = format!("{HOME}/plans/{}/versions/{}", award.key.plan, award.version);
    assert_eq!(answered.plan_version, plan);
    assert_eq!(
        answered.partner,
        format!("{HOME}/partners/{}", award.key.partner)
    );
    assert_eq!(answered.scope, award.key.scope);
    assert_eq!(answered.entitled_amount, amount(award.entitled));
    assert_eq!(answered.delta_amount, amount(award.delta));
    match quantity {
        Quantity::Money => assert_eq!(answered.measured_amount, amount(award.measure)),
        Quantity::Number => assert_eq!(answered.measured_number, award.measure),
    }
    let reason = award.not_paid.as_ref().map_or("", |reason| reason.name());
    assert_eq!(answered.not_paid_reason, reason);
    let shares: Vec<_> = award
        .shares
        .iter()
        .map(|share| {
            use pb::simulated_award::Recipient as Wire;
            let (to, partner) = match &share.to {
                Recipient::Partner(partner) => {
                    (Wire::Partner, format!("{HOME}/partners/{partner}"))
                }
                Recipient::Fund(Fund::Rebate) => (Wire::RebateFund, String::new()),
                Recipient::Fund(Fund::Coop) => (Wire::CoopFund, String::new()),
                Recipient::Vendor => (Wire::Vendor, String::new()),
            };
            (to, partner, amount(share.minor))
        })
        .collect();
    let told: Vec<_> = answered
        .shares
        .iter()
        .map(|share| {
            (
                share.recipient(),
                share.partner.clone(),
                share.amount.clone(),
            )
        })
        .collect();
    assert_eq!(told, shares);
    let held: Vec<_> = award
        .held
        .iter()
        .map(|held| (amount(held.minor), held.until.map(date::wire)))
        .collect();
    let told: Vec<_> = answered
        .holds
        .iter()
        .map(|hold| (hold.amount.clone(), hold.release_date))
        .collect();
    assert_eq!(told, held);
    let left_out: Vec<_> = award
        .left_out
        .iter()
        .map(|(fact, reason)| (fact.clone(), reason.name().to_owned()))
        .collect();
    let told: Vec<_> = answered
        .left_out
        .iter()
        .map(|left| (left.external_id.clone(), left.reason.clone()))
        .collect();
    assert_eq!(told, left_out);
    // Every number of the computation, but for the hash of the version, which also covers whether a
    // floor was meant: the contract says that by where the first band begins.
    let numbers = |trace: &str| {
        let mut trace: Json = serde_json::from_str(trace).unwrap();
        trace.as_object_mut().unwrap().remove("plan_hash").unwrap();
        trace
    };
    let computed = String::from_utf8(award.trace.canonical_bytes()).unwrap();
    assert_eq!(numbers(&answered.trace), numbers(&computed));
    assert_eq!(answered.summary, award.trace.summary());
    assert_eq!(answered.steps.len(), award.trace.steps.len());
}

/// The plans that versions are given of.
pub(crate) async fn prepare(world: &World, plans: &[PlanVersion]) {
    let acme = world.ecosystem("acme").await;
    let request = program::v1::CreateProgramRequest {
        parent: acme.clone(),
        program_id: "channel".to_owned(),
        program: Some(program::v1::Program {
            display_name: "Channel".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            currency_code: "USD".to_owned(),
            ..program::v1::Program::default()
        }),
        ..program::v1::CreateProgramRequest::default()
    };
    let program = world
        .programs()
        .create_program(request)
        .await
        .unwrap()
        .into_inner();
    let names: BTreeSet<_> = plans.iter().map(|plan| (&plan.plan, &plan.name)).collect();
    for (id, name) in names {
        let request = pb::CreatePlanRequest {
            parent: acme.clone(),
            plan_id: id.to_string(),
            plan: Some(pb::Plan {
                display_name: name.clone(),
                program: program.name.clone(),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        world.plans().create_plan(request).await.unwrap();
    }
}

fn request(plans: &[PlanVersion], facts: &Facts) -> pb::SimulateAwardsRequest {
    pb::SimulateAwardsRequest {
        parent: HOME.to_owned(),
        plan_versions: Vec::new(),
        given_versions: plans.iter().map(version).collect(),
        facts: facts.facts.iter().map(fact).collect(),
        quotas: facts.quotas.iter().map(|told| quota(told, plans)).collect(),
        exchange_rates: facts.rates.iter().map(exchange_rate).collect(),
        posted: facts
            .posted
            .iter()
            .map(|(key, told)| posted(key, told, plans))
            .collect(),
        as_known_time: Some(time::wire(KNOWN)),
    }
}

pub(crate) fn version(plan: &PlanVersion) -> pb::PlanVersion {
    let amount = |minor| money::wire(Money::new(minor, plan.currency));
    let hold_days = match plan.protection.hold {
        Hold::Days(days) => i32::try_from(days).unwrap(),
        _ => 0,
    };
    pb::PlanVersion {
        name: format!("{HOME}/plans/{}/versions/{}", plan.plan, plan.version),
        effective_from_date: Some(date::wire(plan.effective_from)),
        effective_until_date: plan.effective_until.map(date::wire),
        currency_code: plan.currency.code().to_owned(),
        kind: kind(plan.kind).into(),
        audience: Some(pb::Audience {
            condition: plan.audience.clone(),
            ..pb::Audience::default()
        }),
        trigger: trigger(plan.trigger.fact).into(),
        trigger_condition: plan.trigger.condition.clone(),
        measure: Some(measure(&plan.measure, &amount)),
        schedule: Some(schedule(plan, &amount)),
        sharing: sharing(&plan.sharing),
        limits: Some(limits(&plan.limits, &amount)),
        hold_days,
        protection: Some(protection(&plan.protection)),
        policy: Some(policy(&plan.policy, &amount)),
        ..pb::PlanVersion::default()
    }
}

type Amount<'a> = dyn Fn(i64) -> trellis_api::google::r#type::Money + 'a;

fn kind(kind: Kind) -> pb::plan_version::Kind {
    match kind {
        Kind::Referral => pb::plan_version::Kind::Referral,
        Kind::Commission => pb::plan_version::Kind::Commission,
        Kind::Rebate => pb::plan_version::Kind::Rebate,
        Kind::Spiff => pb::plan_version::Kind::Spiff,
        Kind::Bonus => pb::plan_version::Kind::Bonus,
        Kind::FundAccrual => pb::plan_version::Kind::FundAccrual,
        Kind::Draw => pb::plan_version::Kind::Draw,
    }
}

fn trigger(fact: FactKind) -> pb::plan_version::Trigger {
    match fact {
        FactKind::DealWon => pb::plan_version::Trigger::DealWon,
        FactKind::InvoicePaid => pb::plan_version::Trigger::InvoicePaid,
        FactKind::OrderLine => pb::plan_version::Trigger::OrderLine,
        FactKind::RegistrationApproved => pb::plan_version::Trigger::RegistrationApproved,
        FactKind::CertificationEarned => pb::plan_version::Trigger::CertificationEarned,
        FactKind::SubmissionApproved => pb::plan_version::Trigger::SubmissionApproved,
        FactKind::MetricReported => pb::plan_version::Trigger::MetricReported,
        FactKind::Refund | FactKind::Churn | FactKind::Revocation => {
            panic!("it triggers nothing")
        }
    }
}

fn measure(measure: &Measure, amount: &Amount<'_>) -> pb::Measure {
    use pb::measure::{BandBy as WireBandBy, GroupBy as WireGroupBy, PayOn as WirePayOn};
    use pb::measure::{Source as WireSource, Window as WireWindow};
    let source = match measure.source {
        Source::LineNet => WireSource::LineNet,
        Source::LineMargin => WireSource::LineMargin,
        Source::InvoicePaidNet => WireSource::InvoicePaidNet,
        Source::DealAcv => WireSource::DealAnnual,
        Source::DealTcv => WireSource::DealNet,
        Source::PurchasesNet => WireSource::PurchasesNet,
        Source::Units => WireSource::Units,
        Source::Count => WireSource::Count,
        Source::Metric => WireSource::Metric,
    };
    let window = match measure.window {
        Window::Event => WireWindow::Event,
        Window::Month => WireWindow::Month,
        Window::Quarter => WireWindow::Quarter,
        Window::Half => WireWindow::Half,
        Window::Year => WireWindow::Year,
        Window::Lifetime => WireWindow::Lifetime,
    };
    let group_by = match measure.group_by {
        GroupBy::Partner => WireGroupBy::Partner,
        GroupBy::PartnerCustomer => WireGroupBy::PartnerCustomer,
        GroupBy::PartnerProduct => WireGroupBy::PartnerProduct,
        GroupBy::Deal => WireGroupBy::Deal,
    };
    let band_by = match measure.band_by {
        BandBy::Measure => WireBandBy::Measure,
        BandBy::Attainment => WireBandBy::Attainment,
        BandBy::Growth => WireBandBy::Growth,
        BandBy::TenureMonths => WireBandBy::TenureMonths,
    };
    let (pay_on, payout) = match measure.pay_on {
        PayOn::Measure => (WirePayOn::Measure, None),
        PayOn::Increment => (WirePayOn::Increment, None),
        PayOn::TargetPayout(minor) => (WirePayOn::TargetPayout, Some(amount(minor))),
    };
    pb::Measure {
        source: source.into(),
        window: window.into(),
        group_by: group_by.into(),
        target: target(&measure.target, measure.source.quantity(), amount),
        band_by: band_by.into(),
        pay_on: pay_on.into(),
        target_payout_amount: payout,
    }
}

fn target(target: &Target, quantity: Quantity, amount: &Amount<'_>) -> Option<pb::MeasureTarget> {
    use pb::measure_target::Kind;
    let mut wire = pb::MeasureTarget::default();
    wire.kind = match target {
        Target::None => return None,
        Target::Fixed(fixed) => {
            match quantity {
                Quantity::Money => wire.fixed_amount = Some(amount(*fixed)),
                Quantity::Number => wire.fixed_number = *fixed,
            }
            Kind::Fixed
        }
        Target::Quota(name) => {
            wire.quota.clone_from(name);
            Kind::Quota
        }
        Target::PriorPeriod => Kind::PriorPeriod,
        Target::SamePeriodLastYear => Kind::SamePeriodLastYear,
    }
    .into();
    Some(wire)
}

fn schedule(plan: &PlanVersion, amount: &Amount<'_>) -> pb::Schedule {
    let in_money = plan.measure.band_by == BandBy::Measure
        && plan.measure.source.quantity() == Quantity::Money;
    let band = |band: &Band| pb::Band {
        from_amount: in_money.then(|| amount(band.from.to_string().parse().unwrap())),
        from_value: (!in_money).then(|| rate::wire(band.from)),
        rate: Some(rate::wire(band.rate)),
        fixed_amount: Some(amount(band.fixed_minor)),
    };
    let mode = match plan.schedule.mode {
        Mode::Marginal => pb::schedule::Mode::Marginal,
        Mode::Whole => pb::schedule::Mode::Whole,
        Mode::Linear => pb::schedule::Mode::Linear,
    };
    let threshold = match plan.schedule.threshold {
        Threshold::AtOrAbove => pb::schedule::Threshold::AtOrAbove,
        Threshold::Above => pb::schedule::Threshold::Above,
    };
    pb::Schedule {
        mode: mode.into(),
        threshold: threshold.into(),
        bands: plan.schedule.bands.iter().map(band).collect(),
    }
}

fn sharing(sharing: &Sharing) -> Option<pb::Sharing> {
    let weight = |weight: u32| i32::try_from(weight).unwrap();
    let mut wire = pb::Sharing::default();
    match sharing {
        Sharing::Single => return None,
        Sharing::RoleWeights { roles, unfilled } => {
            wire.unfilled = match unfilled {
                Unfilled::VendorKeeps => pb::sharing::Unfilled::VendorKeeps,
                Unfilled::Redistribute => pb::sharing::Unfilled::Redistribute,
            }
            .into();
            let roles = roles.iter().map(|role| pb::RoleWeight {
                role: role.role.clone(),
                weight: weight(role.weight),
            });
            wire.roles = roles.collect();
        }
        Sharing::Funds(funds) => {
            let funds = funds.iter().map(|fund| pb::FundWeight {
                fund: match fund.fund {
                    Fund::Rebate => pb::fund_weight::Fund::Rebate,
                    Fund::Coop => pb::fund_weight::Fund::Coop,
                }
                .into(),
                weight: weight(fund.weight),
            });
            wire.funds = funds.collect();
        }
    }
    Some(wire)
}

fn anchor(anchor: Anchor) -> i32 {
    match anchor {
        Anchor::Event => pb::TimeAnchor::Event,
        Anchor::ContractStart => pb::TimeAnchor::ContractStart,
    }
    .into()
}

fn limits(limits: &Limits, amount: &Amount<'_>) -> pb::Limits {
    let Limits { term, limits, draw } = limits;
    let term = match term {
        Term::None => None,
        Term::FirstEvent => Some(pb::LimitTerm {
            kind: pb::limit_term::Kind::FirstEvent.into(),
            ..pb::LimitTerm::default()
        }),
        Term::Months {
            months,
            anchor: begins,
        } => Some(pb::LimitTerm {
            kind: pb::limit_term::Kind::Months.into(),
            months: i32::try_from(*months).unwrap(),
            anchor: anchor(*begins),
        }),
    };
    let mut wire = pb::Limits {
        term,
        draw: draw.map(|draw| pb::LimitDraw {
            amount: Some(amount(draw.amount_minor)),
            recoverable: draw.recoverable,
        }),
        ..pb::Limits::default()
    };
    for limit in limits {
        let Limit {
            scope,
            window,
            max_minor,
            min_minor,
            below,
        } = limit;
        let scope = match scope {
            LimitScope::Award => {
                assert!(wire.maximum_amount.is_none() && wire.minimum_amount.is_none());
                wire.maximum_amount = max_minor.map(amount);
                wire.minimum_amount = min_minor.map(amount);
                wire.below = match below {
                    Below::Forfeit => pb::limits::Below::Forfeit,
                    Below::RaiseTo => pb::limits::Below::RaiseTo,
                }
                .into();
                continue;
            }
            LimitScope::Customer => pb::shared_limit::Scope::Customer,
            LimitScope::Partner => pb::shared_limit::Scope::Partner,
            LimitScope::Plan => pb::shared_limit::Scope::Plan,
        };
        let window = match window {
            Window::Event => pb::shared_limit::Window::Event,
            Window::Month => pb::shared_limit::Window::Month,
            Window::Quarter => pb::shared_limit::Window::Quarter,
            Window::Half => pb::shared_limit::Window::Half,
            Window::Year => pb::shared_limit::Window::Year,
            Window::Lifetime => pb::shared_limit::Window::Lifetime,
        };
        wire.shared_limits.push(pb::SharedLimit {
            scope: scope.into(),
            window: window.into(),
            maximum_amount: max_minor.map(amount),
            minimum_amount: min_minor.map(amount),
        });
    }
    wire
}

fn protection(protection: &Protection) -> pb::Protection {
    let Protection {
        hold,
        holdback,
        clawback,
    } = protection;
    let count = |count: u32| i32::try_from(count).unwrap();
    let mut wire = pb::Protection {
        holdback: holdback.map(|holdback| pb::Holdback {
            share: Some(rate::wire(holdback.share)),
            days: count(holdback.days),
        }),
        clawback: clawback.as_ref().map(self::clawback),
        ..pb::Protection::default()
    };
    match hold {
        Hold::None | Hold::Days(_) => {}
        Hold::Months(months) => wire.hold_months = count(*months),
        Hold::Until(condition) => wire.hold_until.clone_from(condition),
    }
    wire
}

fn clawback(clawback: &Clawback) -> pb::Clawback {
    use pb::clawback::Mode as Wire;
    let count = |count: u32| i32::try_from(count).unwrap();
    let mut steps = Vec::new();
    let mode = match &clawback.mode {
        ClawbackMode::Full => Wire::Full,
        ClawbackMode::LinearDays => Wire::LinearDays,
        ClawbackMode::LinearMonths => Wire::LinearMonths,
        ClawbackMode::Steps(of) => {
            steps.extend(of.iter().map(|step| pb::ClawbackStep {
                until_days: count(step.until_days),
                share: Some(rate::wire(step.share)),
            }));
            Wire::Steps
        }
    };
    let trigger = |trigger: &ClawbackTrigger| match trigger {
        ClawbackTrigger::Refund => pb::clawback::Trigger::Refund.into(),
        ClawbackTrigger::Churn => pb::clawback::Trigger::Churn.into(),
        ClawbackTrigger::Revocation => pb::clawback::Trigger::Revocation.into(),
    };
    pb::Clawback {
        triggers: clawback.triggers.iter().map(trigger).collect(),
        mode: mode.into(),
        window: count(clawback.window),
        grace: count(clawback.grace),
        anchor: anchor(clawback.anchor),
        steps,
    }
}

fn policy(policy: &Policy, amount: &Amount<'_>) -> pb::Policy {
    let stack = policy.stack.as_ref().map(|stack| pb::PolicyStack {
        group: stack.group.clone(),
        rule: match stack.how {
            Stacking::Add => pb::policy_stack::Rule::Add,
            Stacking::BestOf => pb::policy_stack::Rule::BestOf,
            Stacking::First => pb::policy_stack::Rule::First,
        }
        .into(),
        rank: i32::try_from(stack.rank).unwrap(),
        cap_amount: match stack.cap {
            Some(StackCap::AmountMinor(minor)) => Some(amount(minor)),
            _ => None,
        },
        cap_share: match stack.cap {
            Some(StackCap::Share(share)) => Some(rate::wire(share)),
            _ => None,
        },
    });
    let rounding = match policy.rounding {
        Rounding::HalfUp => pb::policy::Rounding::HalfUp,
        Rounding::HalfEven => pb::policy::Rounding::HalfEven,
        Rounding::Down => pb::policy::Rounding::Down,
        Rounding::Up => pb::policy::Rounding::Up,
    };
    pb::Policy {
        stack,
        rounding: rounding.into(),
        exchange: policy.fx.map(|fx| pb::PolicyExchange {
            rate: match fx.rate {
                FxType::Spot => pb::policy_exchange::Rate::Spot,
                FxType::MonthAverage => pb::policy_exchange::Rate::MonthAverage,
                FxType::PlanFixed => pb::policy_exchange::Rate::PlanFixed,
            }
            .into(),
            day: match fx.date {
                FxDate::Event => pb::policy_exchange::Day::Event,
                FxDate::Booking => pb::policy_exchange::Day::Booking,
            }
            .into(),
        }),
        keeps_paid: !policy.may_reduce_paid,
    }
}

pub(crate) fn fact(fact: &Fact) -> pb::IncentiveFact {
    use pb::incentive_fact::Kind as Wire;
    let partner = |id: &trellis_core::PartnerId| format!("{HOME}/partners/{id}");
    let currency = fact.currency.unwrap_or(Currency::USD);
    let amount = |minor: Option<i64>| minor.map(|minor| money::wire(Money::new(minor, currency)));
    let kind = match fact.kind {
        FactKind::DealWon => Wire::DealWon,
        FactKind::InvoicePaid => Wire::InvoicePaid,
        FactKind::OrderLine => Wire::OrderLine,
        FactKind::RegistrationApproved => Wire::RegistrationApproved,
        FactKind::CertificationEarned => Wire::CertificationEarned,
        FactKind::SubmissionApproved => Wire::SubmissionApproved,
        FactKind::MetricReported => Wire::MetricReported,
        FactKind::Refund => Wire::Refund,
        FactKind::Churn => Wire::Churn,
        FactKind::Revocation => Wire::Revocation,
    };
    pb::IncentiveFact {
        external_id: fact.id.clone(),
        revision: i32::try_from(fact.revision).unwrap(),
        withdrawn: fact.withdrawn,
        kind: kind.into(),
        occur_date: Some(date::wire(fact.date)),
        partner: fact.partner.as_ref().map(partner).unwrap_or_default(),
        customer: fact.customer.clone().unwrap_or_default(),
        product: fact.product.clone().unwrap_or_default(),
        deal: fact
            .deal
            .as_ref()
            .map(|deal| format!("{HOME}/deals/{deal}"))
            .unwrap_or_default(),
        about: fact.about.clone().unwrap_or_default(),
        amount: amount(fact.amount_minor),
        annual_amount: amount(fact.annual_minor),
        cost_amount: amount(fact.cost_minor),
        quantity: fact.quantity,
        share: fact.share.map(rate::wire),
        contract_start_date: fact.contract_start.map(date::wire),
        book_date: fact.booked.map(date::wire),
        parties: fact
            .parties
            .iter()
            .map(|Party { partner: id, role }| pb::FactParty {
                partner: partner(id),
                role: role.clone(),
            })
            .collect(),
        fields: fields(&fact.fields),
        record_time: Some(time::wire(fact.recorded)),
    }
}

fn fields(record: &Record) -> BTreeMap<String, pb::FactValue> {
    record
        .iter()
        .map(|(path, value)| {
            let mut wire = pb::FactValue::default();
            match value {
                Value::Bool(truth) => wire.truth = Some(*truth),
                Value::Int(number) => wire.number = Some(*number),
                Value::Text(text) => wire.text = Some(text.clone()),
                Value::List(values) => {
                    let text = |value: &Value| match value {
                        Value::Text(text) => text.clone(),
                        other => panic!("{other} is no text"),
                    };
                    wire.texts = values.iter().map(text).collect();
                }
            }
            (path.to_owned(), wire)
        })
        .collect()
}

pub(crate) fn quota(told: &Quota, plans: &[PlanVersion]) -> pb::FactQuota {
    let plan = plans
        .iter()
        .find(|plan| plan.measure.target == Target::Quota(told.name.clone()));
    let in_money = plan.filter(|plan| plan.measure.source.quantity() == Quantity::Money);
    pb::FactQuota {
        quota: told.name.clone(),
        partner: format!("{HOME}/partners/{}", told.partner),
        period_start_date: Some(date::wire(told.period_start)),
        amount: in_money.map(|plan| money::wire(Money::new(told.amount, plan.currency))),
        number: if in_money.is_some() { 0 } else { told.amount },
        record_time: Some(time::wire(told.recorded)),
    }
}

pub(crate) fn exchange_rate(told: &ExchangeRate) -> pb::ExchangeRate {
    pb::ExchangeRate {
        external_id: told.id.clone(),
        kind: match told.kind {
            FxType::Spot => pb::exchange_rate::Kind::Spot,
            FxType::MonthAverage => pb::exchange_rate::Kind::MonthAverage,
            FxType::PlanFixed => pb::exchange_rate::Kind::PlanFixed,
        }
        .into(),
        from_currency_code: told.from.code().to_owned(),
        to_currency_code: told.to.code().to_owned(),
        date: Some(date::wire(told.date)),
        rate: Some(rate::wire(told.rate)),
        record_time: Some(time::wire(told.recorded)),
    }
}

fn posted(key: &Key, told: &Posted, plans: &[PlanVersion]) -> pb::PostedAward {
    let plan = plans.iter().find(|plan| plan.plan == key.plan).unwrap();
    let amount = |minor| Some(money::wire(Money::new(minor, plan.currency)));
    pb::PostedAward {
        plan_version: format!("{HOME}/plans/{}/versions/{}", key.plan, told.version),
        partner: format!("{HOME}/partners/{}", key.partner),
        scope: key.scope.clone(),
        amount: amount(told.minor),
        paid_amount: amount(told.paid_minor),
    }
}

/// The control: what differs in one number is told apart.
#[test]
#[should_panic(expected = "assertion")]
fn another_amount_is_noticed() {
    let plan = crate::scene::plan("plan", &[("0", "0.125", 0)]);
    let sale = crate::scene::invoice("i-1", "2026-05-04", 1_249_999);
    let mut award = crate::scene::only(&plan, std::slice::from_ref(&sale));
    award.entitled += 1;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(Engine::Sqlite, &[], |world| {
        agree(world, vec![plan], crate::scene::told(&[sale]), vec![award])
    }));
}
