//! Short ways to say plans and facts in tests.

use trellis_core::{Currency, Date, DealId, PartnerId, PlanId};
use trellis_evaluation::evaluate::{Award, Fact, Facts, Key, Party, Posted, Ready};
use trellis_evaluation::plan::{
    Band, FactKind, Kind, Limit, LimitScope, Mode, PlanVersion, Source, Window,
};

pub(crate) const USD: Currency = Currency::USD;

pub(crate) fn currency(code: &str) -> Currency {
    Currency::try_new(code).unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn partner(id: &str) -> PartnerId {
    PartnerId::try_new(id).unwrap()
}

pub(crate) fn plan_id(id: &str) -> PlanId {
    PlanId::try_new(id).unwrap()
}

/// `("from", "rate", fixed)`.
pub(crate) fn bands(bands: &[(&str, &str, i64)]) -> Vec<Band> {
    bands
        .iter()
        .map(|(from, rate, fixed)| Band {
            from: from.parse().unwrap(),
            rate: rate.parse().unwrap(),
            fixed_minor: *fixed,
        })
        .collect()
}

/// A plan in dollars that counts paid invoices one by one.
pub(crate) fn plan(id: &str, of: &[(&str, &str, i64)]) -> PlanVersion {
    let mut plan = PlanVersion::new(plan_id(id), 1, USD, day("2020-01-01"));
    plan.kind = Kind::Commission;
    plan.trigger.fact = FactKind::InvoicePaid;
    plan.measure.source = Source::InvoicePaidNet;
    plan.schedule.bands = bands(of);
    plan
}

/// The same, added up over a window.
pub(crate) fn over(window: Window, mode: Mode, of: &[(&str, &str, i64)]) -> PlanVersion {
    let mut plan = plan("plan", of);
    plan.measure.window = window;
    plan.schedule.mode = mode;
    plan.schedule.floor = true;
    plan
}

/// A plan that pays for pieces.
pub(crate) fn units(window: Window, mode: Mode, of: &[(&str, &str, i64)]) -> PlanVersion {
    let mut plan = over(window, mode, of);
    plan.measure.source = Source::Units;
    plan
}

pub(crate) fn cap(scope: LimitScope, window: Window, max: i64) -> Limit {
    Limit {
        scope,
        window,
        max_minor: Some(max),
        min_minor: None,
        below: trellis_evaluation::plan::Below::Forfeit,
    }
}

pub(crate) fn invoice(id: &str, date: &str, minor: i64) -> Fact {
    let mut fact = Fact::new(
        id,
        FactKind::InvoicePaid,
        Some(partner("nimbus")),
        day(date),
    );
    fact.amount_minor = Some(minor);
    fact.currency = Some(USD);
    fact.customer = Some("contoso".to_owned());
    fact.deal = Some(DealId::try_new("deal-1").unwrap());
    fact
}

pub(crate) fn pieces(id: &str, date: &str, count: i64) -> Fact {
    let mut fact = invoice(id, date, 0);
    fact.amount_minor = None;
    fact.quantity = Some(count);
    fact
}

/// Something that takes back of a fact.
pub(crate) fn back(id: &str, kind: FactKind, about: &str, date: &str, minor: i64) -> Fact {
    let mut fact = Fact::new(id, kind, Some(partner("nimbus")), day(date));
    fact.about = Some(about.to_owned());
    fact.amount_minor = Some(minor);
    fact.currency = Some(USD);
    fact
}

pub(crate) fn party(id: &str, role: &str) -> Party {
    Party {
        partner: partner(id),
        role: role.to_owned(),
    }
}

pub(crate) fn told(facts: &[Fact]) -> Facts {
    Facts {
        facts: facts.to_vec(),
        ..Facts::default()
    }
}

pub(crate) fn ready(plans: &[PlanVersion]) -> Vec<Ready> {
    plans
        .iter()
        .map(|plan| Ready::new(plan.clone()).unwrap_or_else(|wrong| panic!("{wrong:#?}")))
        .collect()
}

/// The awards of some plans: computed here, and where whole servers are tested, by one too.
pub(crate) fn awards(plans: &[PlanVersion], facts: &Facts) -> Vec<Award> {
    crate::through::awards(plans, facts)
}

/// What all awards of a plan come to.
pub(crate) fn total(plan: &PlanVersion, facts: &[Fact]) -> i64 {
    awards(std::slice::from_ref(plan), &told(facts))
        .iter()
        .map(|award| award.entitled)
        .sum()
}

/// The only award.
pub(crate) fn only(plan: &PlanVersion, facts: &[Fact]) -> Award {
    let mut awards = awards(std::slice::from_ref(plan), &told(facts));
    assert_eq!(awards.len(), 1, "{awards:#?}");
    awards.remove(0)
}

pub(crate) fn reason(award: &Award) -> &'static str {
    award.not_paid.as_ref().map_or("", |reason| reason.name())
}

/// The amounts of awards, in the order of their days and scopes.
pub(crate) fn amounts(awards: &[Award]) -> Vec<i64> {
    let mut sorted: Vec<&Award> = awards.iter().collect();
    sorted.sort_by_key(|award| (award.date, award.key.scope.clone()));
    sorted.iter().map(|award| award.entitled).collect()
}

/// The facts with what some awards came to as posted.
pub(crate) fn posted(facts: &[Fact], awards: &[Award]) -> Facts {
    let mut told = told(facts);
    told.posted = awards
        .iter()
        .map(|award| {
            let posted = Posted {
                minor: award.entitled,
                paid_minor: 0,
                version: award.version,
                before: Vec::new(),
            };
            (award.key.clone(), posted)
        })
        .collect();
    told
}

pub(crate) fn key(scope: &str) -> Key {
    Key {
        plan: plan_id("plan"),
        partner: partner("nimbus"),
        scope: scope.to_owned(),
    }
}
