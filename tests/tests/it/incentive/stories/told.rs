//! What happens in a history, from a seed: the versions of a plan, facts with their revisions, quotas,
//! rates, deals, and the order in which all of it comes about.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use trellis_core::{Currency, Date, PartnerId, Period, Rate};
use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::{
    Below, FactKind, Fx, FxDate, FxType, Hold, Limit, LimitScope, Mode, PlanVersion, Quantity,
    Rounding, Sharing, Source, Target, Term, Threshold, Window,
};
use trellis_store::deal::facts::Fact as DealFact;

use super::super::scene::{refunded, reopened, won};
use crate::random::{pick, random_history, random_plan, share};
use crate::scene;

/// The partners of a history.
pub(super) const PARTNERS: [&str; 3] = ["nimbus", "cirrus", "orbit"];

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The version with this number is scheduled.
    Schedule(usize),
    /// Facts are recorded.
    Record(Vec<Fact>),
    /// So much is to be reached by everybody in every period.
    Quotas(i64),
    /// A euro is worth so much.
    Rate(String),
    /// The deal service tells of deals.
    Deals(Vec<DealFact>),
    /// What waits is approved, and what is payable is paid.
    Pay,
    /// Some days pass.
    Pass(u64),
    /// Somebody rules about an award: something of it is rejected, it is adjusted, held or released.
    Rule,
    /// The worker has forgotten how far it had read.
    Rewind,
}

/// A history.
#[derive(Clone, Debug)]
pub(super) struct Story {
    /// The versions of the plan as the server is told them.
    pub(super) versions: Vec<PlanVersion>,
    /// All revisions of all facts, as the reference knows them.
    pub(super) facts: Vec<Fact>,
    /// What everybody is to reach in every period, first what was said first.
    pub(super) quotas: Vec<i64>,
    /// What a euro is worth, first what was said first.
    pub(super) rates: Vec<String>,
    /// Whether it is about deals.
    pub(super) of_deals: bool,
    /// What happens, in order.
    pub(super) events: Vec<Event>,
}

impl Story {
    /// The history that follows from a seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        if rng.random_ratio(1, 3) {
            deals(&mut rng)
        } else {
            payments(&mut rng)
        }
    }

    /// The day from which on a version takes days from those before it.
    pub(super) fn supersedes(&self, at: usize) -> Option<Date> {
        (at > 0).then(|| self.versions[at].effective_from)
    }

    /// The periods of which quotas are told.
    pub(super) fn periods(&self) -> Vec<Date> {
        let Some(cadence) = self.versions[0].measure.window.cadence() else {
            return Vec::new();
        };
        let mut starts = Vec::new();
        let mut period = Period::containing(scene::day("2024-10-01"), cadence);
        while period.start() < scene::day("2026-10-01") {
            starts.push(period.start());
            period = Period::containing(period.end(), cadence);
        }
        starts
    }
}

/// Everything that is told in a history about paid invoices.
fn payments(rng: &mut StdRng) -> Story {
    let mut first = sayable(random_plan(rng));
    first.protection.hold = hold(rng, first.measure.window);
    // What is kept depends on when it was paid.
    first.policy.may_reduce_paid = true;
    let mut quotas = Vec::new();
    let calendar = first.measure.window.cadence().is_some();
    if let (Target::Fixed(amount), true) = (first.measure.target.clone(), calendar) {
        first.measure.target = Target::Quota("sales".to_owned());
        quotas = vec![rng.random_range(1..8_000), amount];
    }
    let in_money = first.measure.source.quantity() == Quantity::Money;
    let mut rates = Vec::new();
    if in_money && rng.random_ratio(1, 3) {
        first.policy.fx = Some(Fx {
            rate: FxType::Spot,
            date: FxDate::Event,
        });
        rates = vec!["0.97".to_owned(), "1.0837".to_owned()];
    }
    let versions = numbered(rng, first, |rng, version| {
        version.policy.rounding = rounding(rng);
        version.schedule.threshold = pick(rng, &[Threshold::AtOrAbove, Threshold::Above]);
    });
    let sequences = recorded(rng, !rates.is_empty());
    let facts = sequences.iter().flatten().cloned().collect();
    let mut told: Vec<Vec<Event>> = Vec::new();
    for sequence in sequences {
        let events = sequence.into_iter().map(|fact| Event::Record(vec![fact]));
        told.push(events.collect());
    }
    told.push(quotas.iter().copied().map(Event::Quotas).collect());
    told.push(rates.iter().cloned().map(Event::Rate).collect());
    Story {
        events: in_any_order(rng, told, versions.len()),
        versions,
        facts,
        quotas,
        rates,
        of_deals: false,
    }
}

/// A plan as the contract can say it: it knows no funds, no role that weighs nothing, and one limit of a
/// single award.
fn sayable(mut plan: PlanVersion) -> PlanVersion {
    match &mut plan.sharing {
        Sharing::Funds(_) => plan.sharing = Sharing::Single,
        Sharing::RoleWeights { roles, .. } => {
            for role in roles {
                role.weight = role.weight.max(1);
            }
        }
        Sharing::Single => {}
    }
    let mut limited = false;
    let limits = &mut plan.limits.limits;
    limits
        .retain(|limit| limit.scope != LimitScope::Award || !std::mem::replace(&mut limited, true));
    plan
}

/// A total that never ends has no day to hold from.
fn hold(rng: &mut StdRng, window: Window) -> Hold {
    match (window, rng.random_range(0..60)) {
        (Window::Lifetime, _) => Hold::None,
        (_, days) => Hold::Days(days),
    }
}

fn rounding(rng: &mut StdRng) -> Rounding {
    let all = [
        Rounding::HalfUp,
        Rounding::HalfEven,
        Rounding::Down,
        Rounding::Up,
    ];
    pick(rng, &all)
}

/// Up to three versions: the first holds always, the others take days from it.
fn numbered(
    rng: &mut StdRng,
    first: PlanVersion,
    change: impl Fn(&mut StdRng, &mut PlanVersion),
) -> Vec<PlanVersion> {
    let mut versions = vec![first];
    for number in 2..=rng.random_range(1..4) {
        let mut version = versions[0].clone();
        version.version = number;
        for band in &mut version.schedule.bands {
            band.rate = share(rng).parse().unwrap();
        }
        version.protection.hold = hold(rng, version.measure.window);
        change(rng, &mut version);
        let mut windows = vec![version.measure.window];
        windows.extend(versions.iter().map(|version| version.measure.window));
        version.effective_from = boundary(rng, &windows);
        let ends = !windows.contains(&Window::Lifetime) && rng.random_ratio(1, 3);
        version.effective_until = ends.then(|| version.effective_from.plus_months(12));
        versions.push(version);
    }
    versions
}

/// A day on which periods of all windows begin.
fn boundary(rng: &mut StdRng, windows: &[Window]) -> Date {
    if windows.contains(&Window::Lifetime) {
        // What adds up always changes as a whole.
        return scene::day("2020-01-01");
    }
    let days = [
        "2020-01-01",
        "2025-01-01",
        "2025-07-01",
        "2025-04-01",
        "2025-02-01",
        "2025-05-17",
    ];
    let begins = |date: Date| {
        windows.iter().all(|window| {
            let cadence = window.cadence();
            cadence.is_none_or(|cadence| Period::containing(date, cadence).start() == date)
        })
    };
    let fit: Vec<Date> = days
        .into_iter()
        .map(scene::day)
        .filter(|date| begins(*date))
        .collect();
    pick(rng, &fit)
}

/// Facts, each with its revisions in order: what it was first, what it is, whether it was taken back.
fn recorded(rng: &mut StdRng, euros: bool) -> Vec<Vec<Fact>> {
    let mut facts = random_history(rng);
    let in_euros: Vec<String> = facts
        .iter()
        .filter(|fact| fact.kind == FactKind::InvoicePaid && euros && rng.random())
        .map(|fact| fact.id.clone())
        .collect();
    for fact in &mut facts {
        fact.deal = None;
        let sale = fact.about.as_ref().unwrap_or(&fact.id);
        if in_euros.contains(sale) {
            fact.currency = Some(Currency::EUR);
        }
        fact.partner = fact.partner.as_ref().map(renamed);
        for party in &mut fact.parties {
            party.partner = renamed(&party.partner);
        }
    }
    facts.into_iter().map(|fact| revised(rng, fact)).collect()
}

/// Partners as histories of the server have them.
fn renamed(partner: &PartnerId) -> PartnerId {
    scene::partner(match partner.as_str() {
        "orbit" => "cirrus",
        "quasar" => "orbit",
        other => other,
    })
}

fn revised(rng: &mut StdRng, fact: Fact) -> Vec<Fact> {
    let mut revisions = Vec::new();
    if rng.random_ratio(1, 4) {
        let days = rng.random_range(-60..60);
        let amount = fact.amount_minor.map(|_| rng.random_range(0..6_000));
        revisions.push(Fact {
            amount_minor: amount,
            date: fact.date.plus_days(days),
            partner: Some(scene::partner(pick(rng, &PARTNERS[..2]))),
            ..fact.clone()
        });
    }
    revisions.push(fact);
    if rng.random_ratio(1, 8) {
        let withdrawn = Fact {
            withdrawn: true,
            ..revisions.last().unwrap().clone()
        };
        revisions.push(withdrawn);
    }
    for (at, fact) in revisions.iter_mut().enumerate() {
        fact.revision = u32::try_from(at + 1).unwrap();
    }
    revisions
}

/// Everything that is told in a history about deals: first in the words of the kernel, then perhaps beyond.
fn deals(rng: &mut StdRng) -> Story {
    let mut first = random_plan(rng);
    let windows = [
        Window::Event,
        Window::Month,
        Window::Quarter,
        Window::Half,
        Window::Year,
    ];
    let bands = loop {
        // Bands of an amount of money that the kernel can be told.
        let other = random_plan(rng);
        let measure = &other.measure;
        let in_money = measure.source.quantity() == Quantity::Money;
        let marginal = other.schedule.mode != Mode::Linear;
        if in_money && marginal && measure.band_by == trellis_evaluation::plan::BandBy::Measure {
            break other.schedule.bands;
        }
    };
    first.trigger.fact = FactKind::DealWon;
    first.measure = trellis_evaluation::plan::Measure {
        source: Source::DealTcv,
        window: pick(rng, &windows),
        ..trellis_evaluation::plan::Measure::default()
    };
    first.schedule.bands = bands;
    first.schedule.mode = pick(rng, &[Mode::Marginal, Mode::Whole]);
    first.policy.rounding = Rounding::HalfUp;
    first.policy.may_reduce_paid = true;
    first.sharing = Sharing::Single;
    first.protection = trellis_evaluation::plan::Protection::default();
    first.protection.hold = hold(rng, first.measure.window);
    first.limits.term = Term::None;
    first.limits.limits = if rng.random_ratio(1, 3) {
        let least = rng.random_range(1..300);
        vec![Limit {
            scope: LimitScope::Award,
            window: Window::Event,
            max_minor: Some(least + rng.random_range(1..2_000)),
            min_minor: Some(least),
            below: Below::Forfeit,
        }]
    } else {
        Vec::new()
    };
    let versions = numbered(rng, first, |rng, version| {
        if rng.random_ratio(1, 3) {
            version.measure.window = pick(rng, &windows);
        }
        if rng.random_ratio(1, 2) {
            // The kernel does not know this.
            version.policy.rounding = pick(rng, &[Rounding::Down, Rounding::Up]);
        }
    });
    let (mut facts, mut told) = (Vec::new(), Vec::new());
    for at in 0..rng.random_range(1..8) {
        let (known, events) = deal(rng, &format!("d-{at}"));
        facts.extend(known);
        told.push(events);
    }
    Story {
        events: in_any_order(rng, told, versions.len()),
        versions,
        facts,
        quotas: Vec::new(),
        rates: Vec::new(),
        of_deals: true,
    }
}

/// What becomes of a deal: as facts of the reference, and as the deal service tells it.
fn deal(rng: &mut StdRng, id: &str) -> (Vec<Fact>, Vec<Event>) {
    let (mut facts, mut events) = (Vec::new(), Vec::new());
    for win in 1..=rng.random_range(1..3_u32) {
        let date = scene::day("2024-11-20").plus_days(rng.random_range(0..500));
        let (partner, minor) = (pick(rng, &PARTNERS[..2]), rng.random_range(1..6_000));
        let name = format!("deal:{id}/wins/{win}");
        let mut sale = scene::invoice(&name, &date.to_string(), minor);
        sale.partner = Some(scene::partner(partner));
        sale.deal = None;
        let number = i64::from(win);
        if win > 1 {
            let before: &mut Fact = facts
                .iter_mut()
                .rfind(|fact: &&mut Fact| fact.kind == FactKind::InvoicePaid)
                .unwrap();
            before.withdrawn = true;
            events.push(Event::Deals(vec![reopened(id, number - 1)]));
        }
        let day = date.to_string();
        events.push(Event::Deals(vec![won(
            id,
            number,
            Some(partner),
            minor,
            Currency::USD,
            &day,
        )]));
        facts.push(sale);
        if rng.random_ratio(1, 3) {
            let back = rng.random_range(1..=minor);
            let refund = format!("r-{win}");
            events.push(Event::Deals(vec![refunded(id, number, &refund, back)]));
            let known = format!("deal:{id}/refunds/{refund}");
            let kind = FactKind::Refund;
            let mut known = scene::back(&known, kind, &name, "2026-03-03", back);
            known.partner = Some(scene::partner(partner));
            facts.push(known);
        }
    }
    (facts, events)
}

/// All of it in some order: of each sequence in its own, and versions one after the other. In between
/// money is paid, something is ruled, time passes, and what was read is read again.
fn in_any_order(rng: &mut StdRng, told: Vec<Vec<Event>>, versions: usize) -> Vec<Event> {
    let mut sequences = told;
    sequences.push((0..versions).map(Event::Schedule).collect());
    sequences.push((0..rng.random_range(0..3)).map(|_| Event::Pay).collect());
    let days = (0..rng.random_range(0..3)).map(|_| Event::Pass(rng.random_range(1..40)));
    sequences.push(days.collect());
    sequences.push((0..rng.random_range(0..5)).map(|_| Event::Rule).collect());
    if rng.random_ratio(1, 4) {
        sequences.push(vec![Event::Rewind]);
    }
    for sequence in &mut sequences {
        sequence.reverse();
    }
    let mut events = Vec::new();
    loop {
        sequences.retain(|sequence| !sequence.is_empty());
        if sequences.is_empty() {
            return together(rng, events);
        }
        let which = rng.random_range(0..sequences.len());
        events.extend(sequences[which].pop());
    }
}

/// Some of what is told one after the other is told together.
fn together(rng: &mut StdRng, events: Vec<Event>) -> Vec<Event> {
    let mut told: Vec<Event> = Vec::new();
    for event in events {
        let joins = rng.random_ratio(1, 3);
        match (told.last_mut(), event) {
            (Some(Event::Record(before)), Event::Record(facts)) if joins => before.extend(facts),
            (Some(Event::Deals(before)), Event::Deals(facts)) if joins => before.extend(facts),
            (_, event) => told.push(event),
        }
    }
    told
}

/// A rate as a number.
pub(super) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}
