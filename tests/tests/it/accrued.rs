//! Lets the worked cases of the evaluation happen in earnest: the plans are scheduled, the facts are
//! recorded, and the awards in the books must come to what the evaluation says.

use std::collections::BTreeSet;

use trellis_api::incentive::v1 as pb;
use trellis_api::{date, deal, money, partner, program};
use trellis_core::{Date, PartnerId};
use trellis_evaluation::evaluate::{Award, Fact, Facts, Recipient, evaluate};
use trellis_evaluation::plan::{FactKind, PlanVersion, Sharing, Source};
use trellis_tests::{World, position};

use crate::backtested;
use crate::scene::ready;
use crate::through::{HOME, KNOWN, exchange_rate, fact, quota, version};

/// What an award comes to for one partner: plan, partner, minor units, and why it is nothing.
type Entry = (String, String, i64, String);

/// Schedules plans and records facts; the awards are those of the evaluation, and each can be computed
/// again.
pub(crate) async fn agree(world: &World, plans: &[PlanVersion], facts: &Facts) {
    if !can_happen(plans, facts) {
        return;
    }
    let (plans, facts) = (paid(plans), told_of_payments(facts));
    let computed = evaluate(&ready(&plans), &known(&facts), KNOWN).unwrap();
    happen(world, &plans, &facts, computed).await;
}

/// Lets it happen, and compares what is in the books with what was computed.
async fn happen(world: &World, plans: &[PlanVersion], facts: &Facts, computed: Vec<Award>) {
    join(world, facts).await;
    // What takes days of others comes when the facts of these days are known.
    let (early, late): (Vec<_>, Vec<_>) =
        plans.iter().partition(|plan| taken(plan, plans).is_none());
    for plan in early {
        schedule(world, plan, None).await;
    }
    let request = pb::RecordFactsRequest {
        parent: HOME.to_owned(),
        source: "case".to_owned(),
        facts: facts.facts.iter().map(unsaid).collect(),
        quotas: facts
            .quotas
            .iter()
            .map(|told| pb::FactQuota {
                record_time: None,
                ..quota(told, plans)
            })
            .collect(),
        exchange_rates: facts
            .rates
            .iter()
            .map(|told| pb::ExchangeRate {
                record_time: None,
                ..exchange_rate(told)
            })
            .collect(),
        ..pb::RecordFactsRequest::default()
    };
    let recorded = world.facts().record_facts(request).await.unwrap();
    let mut latest = position(&recorded);
    for plan in late {
        listed(world, &latest).await;
        latest = schedule(world, plan, taken(plan, plans)).await;
    }
    let awards = listed(world, &latest).await;
    let caller = world.since(&latest);
    let mut entered: Vec<Entry> = awards.iter().map(entry).collect();
    entered.sort();
    let mut expected: Vec<Entry> = computed.iter().flat_map(entries).collect();
    expected.sort();
    assert_eq!(entered, expected);
    backtested::agree(&caller, plans, &awards).await;
    for award in awards {
        let request = pb::ExplainAwardRequest { name: award.name };
        let explained = caller.awards().explain_award(request).await.unwrap();
        let explanation = explained.into_inner().explanation.unwrap();
        assert_eq!(explanation.replay_hash, explanation.trace_hash);
        assert_ne!(explanation.replay_hash, "");
    }
}

/// Whether it can happen: funds are not there yet, and nothing was paid before.
fn can_happen(plans: &[PlanVersion], facts: &Facts) -> bool {
    let funds = |plan: &PlanVersion| matches!(plan.sharing, Sharing::Funds(_));
    let says = |fact: &Fact| fact.validate().is_empty();
    let paid = facts.posted.values().any(|posted| posted.paid_minor != 0);
    !paid && !plans.iter().any(funds) && facts.facts.iter().all(says)
}

/// The first day of a version on which an earlier one of its plan holds, if there is one.
fn taken(plan: &PlanVersion, plans: &[PlanVersion]) -> Option<Date> {
    let end = |plan: &PlanVersion| plan.effective_until.unwrap_or(Date::from_days(i32::MAX));
    let others = plans
        .iter()
        .filter(|other| other.plan == plan.plan && other.version < plan.version);
    others
        .filter(|other| plan.effective_from < end(other) && other.effective_from < end(plan))
        .map(|other| plan.effective_from.max(other.effective_from))
        .min()
}

/// What happens to deals is told by deals alone: the same plans pay for invoices as well.
fn paid(plans: &[PlanVersion]) -> Vec<PlanVersion> {
    let mut plans = plans.to_vec();
    for plan in &mut plans {
        if plan.trigger.fact == FactKind::DealWon {
            plan.trigger.fact = FactKind::InvoicePaid;
        }
        if plan.measure.source == Source::DealTcv {
            plan.measure.source = Source::InvoicePaidNet;
        }
    }
    plans
}

/// What happened, all of it told as payments; what was posted for it shall be found out.
fn told_of_payments(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    facts.posted.clear();
    for fact in &mut facts.facts {
        if fact.kind == FactKind::DealWon {
            fact.kind = FactKind::InvoicePaid;
        }
    }
    facts
}

fn unsaid(told: &Fact) -> pb::IncentiveFact {
    pb::IncentiveFact {
        record_time: None,
        ..fact(told)
    }
}

/// The facts with what the server knows of their partners besides.
fn known(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    for fact in &mut facts.facts {
        let date = fact.date.to_string();
        let mut texts = vec![("event.date", date)];
        if fact.partner.is_some() {
            texts.extend([
                ("partner.type", "RESELLER".to_owned()),
                ("partner.tier", "base".to_owned()),
                ("partner.status", "ACTIVE".to_owned()),
                ("enrollment.program", "channel".to_owned()),
                ("enrollment.tier", "base".to_owned()),
                ("program.id", "channel".to_owned()),
            ]);
        }
        texts.extend(
            fact.currency
                .map(|currency| ("event.currency", currency.code().to_owned())),
        );
        texts.extend(
            fact.product
                .clone()
                .map(|product| ("line.product", product)),
        );
        for (field, text) in texts {
            if fact.fields.get(field).is_none() {
                fact.fields.set(field, text.as_str());
            }
        }
        for (field, number) in [
            ("event.amount_minor", fact.amount_minor),
            ("event.quantity", fact.quantity),
        ] {
            if let (Some(number), None) = (number, fact.fields.get(field)) {
                fact.fields.set(field, number);
            }
        }
    }
    facts
}

/// Everybody and every deal that is named.
async fn join(world: &World, facts: &Facts) {
    let credited = facts.facts.iter().filter_map(|fact| fact.partner.as_ref());
    let parties = facts.facts.iter().flat_map(|fact| &fact.parties);
    let partners: BTreeSet<&PartnerId> = credited
        .chain(parties.map(|party| &party.partner))
        .chain(facts.quotas.iter().map(|quota| &quota.partner))
        .collect();
    let request = program::v1::CreateTierRequest {
        parent: format!("{HOME}/programs/channel"),
        tier_id: "base".to_owned(),
        tier: Some(program::v1::Tier {
            display_name: "Base".to_owned(),
            rank: 1,
            ..program::v1::Tier::default()
        }),
        ..program::v1::CreateTierRequest::default()
    };
    let tier = world.programs().create_tier(request).await.unwrap();
    let tier = tier.into_inner().name;
    let request = program::v1::PublishProgramRequest {
        name: format!("{HOME}/programs/channel"),
        ..program::v1::PublishProgramRequest::default()
    };
    world.programs().publish_program(request).await.unwrap();
    for partner in partners {
        let request = partner::v1::CreatePartnerRequest {
            parent: HOME.to_owned(),
            partner_id: partner.to_string(),
            partner: Some(partner::v1::Partner {
                display_name: partner.to_string(),
                partner_type: partner::v1::partner::PartnerType::Reseller.into(),
                ..partner::v1::Partner::default()
            }),
            ..partner::v1::CreatePartnerRequest::default()
        };
        let made = world.partners().create_partner(request).await.unwrap();
        let name = made.into_inner().name;
        enrol(world, &name, &tier).await;
    }
    let deals: BTreeSet<_> = facts
        .facts
        .iter()
        .filter_map(|fact| fact.deal.as_ref())
        .collect();
    for id in deals {
        let request = deal::v1::CreateDealRequest {
            parent: HOME.to_owned(),
            deal_id: id.to_string(),
            deal: Some(deal::v1::Deal {
                display_name: id.to_string(),
                ..deal::v1::Deal::default()
            }),
            ..deal::v1::CreateDealRequest::default()
        };
        world.deals().create_deal(request).await.unwrap();
    }
}

async fn enrol(world: &World, partner: &str, tier: &str) {
    let mut partners = world.partners();
    let name = partner.to_owned();
    let invite = partner::v1::InvitePartnerRequest {
        name: name.clone(),
        ..partner::v1::InvitePartnerRequest::default()
    };
    partners.invite_partner(invite).await.unwrap();
    let accept = partner::v1::AcceptInvitationRequest {
        name: name.clone(),
        ..partner::v1::AcceptInvitationRequest::default()
    };
    partners.accept_invitation(accept).await.unwrap();
    let activate = partner::v1::ActivatePartnerRequest {
        name: name.clone(),
        ..partner::v1::ActivatePartnerRequest::default()
    };
    partners.activate_partner(activate).await.unwrap();
    let request = program::v1::CreateEnrollmentRequest {
        parent: HOME.to_owned(),
        enrollment: Some(program::v1::Enrollment {
            program: format!("{HOME}/programs/channel"),
            partner: name,
            tier: tier.to_owned(),
            ..program::v1::Enrollment::default()
        }),
        ..program::v1::CreateEnrollmentRequest::default()
    };
    world
        .enrollments()
        .create_enrollment(request)
        .await
        .unwrap();
}

/// The awards as they are when everything up to a place in the feed has been looked at.
async fn listed(world: &World, position: &str) -> Vec<pb::Award> {
    let list = pb::ListAwardsRequest {
        parent: HOME.to_owned(),
        page_size: 1_000,
        ..pb::ListAwardsRequest::default()
    };
    let caller = world.since(position);
    let awards = caller.awards().list_awards(list).await.unwrap();
    awards.into_inner().awards
}

async fn schedule(world: &World, plan: &PlanVersion, supersede_from: Option<Date>) -> String {
    let request = pb::CreatePlanVersionRequest {
        parent: format!("{HOME}/plans/{}", plan.plan),
        plan_version: Some(pb::PlanVersion {
            name: String::new(),
            ..version(plan)
        }),
        ..pb::CreatePlanVersionRequest::default()
    };
    let made = world.plans().create_plan_version(request).await.unwrap();
    let request = pb::SchedulePlanVersionRequest {
        name: made.into_inner().name,
        supersede_from_date: supersede_from.map(date::wire),
        ..pb::SchedulePlanVersionRequest::default()
    };
    let scheduled = world.plans().schedule_plan_version(request).await.unwrap();
    position(&scheduled)
}

fn entry(award: &pb::Award) -> Entry {
    let last = |name: &str| name.rsplit('/').next().unwrap().to_owned();
    let reason = award.not_paid_reason().as_str_name();
    let reason = reason.trim_start_matches("NOT_PAID_REASON_");
    (
        last(&award.plan),
        last(&award.partner),
        money::read(award.entitled_amount.as_ref().unwrap())
            .unwrap()
            .minor,
        reason.replace("UNSPECIFIED", ""),
    )
}

/// What an award comes to for each who gets a part of it, or for whoever earned it where nobody does.
fn entries(award: &Award) -> Vec<Entry> {
    let plan = award.key.plan.to_string();
    let mut entries: Vec<Entry> = award
        .shares
        .iter()
        .filter(|share| share.minor != 0)
        .filter_map(|share| match &share.to {
            Recipient::Partner(partner) => Some((
                plan.clone(),
                partner.to_string(),
                share.minor,
                String::new(),
            )),
            Recipient::Fund(_) | Recipient::Vendor => None,
        })
        .collect();
    if entries.is_empty() {
        let because = award
            .not_paid
            .as_ref()
            .map_or("NO_PARTY", |reason| reason.name());
        let partner = award.key.partner.to_string();
        entries.push((plan, partner, 0, because.to_owned()));
    }
    entries
}

/// The control: books that say another amount are noticed.
#[test]
#[should_panic(expected = "assertion")]
fn another_amount_in_the_books_is_noticed() {
    let plan = crate::scene::plan("plan", &[("0", "0.125", 0)]);
    let sale = crate::scene::invoice("i-1", "2026-05-04", 1_249_999);
    let facts = crate::scene::told(&[sale]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(trellis_tests::run(
        trellis_tests::Engine::Sqlite,
        &[],
        |world| async move {
            crate::through::prepare(&world, std::slice::from_ref(&plan)).await;
            let mut other = evaluate(&ready(std::slice::from_ref(&plan)), &facts, KNOWN).unwrap();
            other[0].shares[0].minor += 1;
            happen(&world, &[plan], &facts, other).await;
        },
    ));
}
