//! Random histories of invoices, their corrections and refunds, told in any order and several at once, under
//! a budget that they come to and fall below again. After each step every award is what the plainest code
//! says of the whole period, and comes out the same once more.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use trellis_api::incentive::v1 as pb;
use trellis_core::Date;
use trellis_store::incentive::plan_budget;
use trellis_tests::{number, on_both, position};

use super::ledger::forge;
use super::scene::{Scene, day, minor, percent, usd};

/// What all awards of a year come to at most.
const BUDGET: i64 = 1_000;

/// Invoices at one time: about as many as spend the budgets of two years.
const EARNING: usize = 14;

const PARTNERS: [&str; 2] = ["nimbus", "cirrus"];

/// Something that the plainest code has wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Whoever is told of first is paid first.
    PaysAsTold,
    /// What is withdrawn or paid back makes room for nobody.
    FreesNothing,
    /// The year is that of the first revision.
    ForgetsMoves,
}

impl Fault {
    const ALL: [Self; 3] = [Self::PaysAsTold, Self::FreesNothing, Self::ForgetsMoves];
}

/// An invoice as it was told last.
#[derive(Clone, Debug)]
struct Invoice {
    revision: i32,
    partner: &'static str,
    /// The first day that was told of it, and the last one.
    days: [Date; 2],
    amount: i64,
    refunded: i64,
    withdrawn: bool,
}

impl Invoice {
    fn earns(&self) -> i64 {
        if self.withdrawn {
            return 0;
        }
        (self.amount - self.refunded).max(0) / 10
    }
}

/// Everything that was told, in the order in which it was told first.
#[derive(Clone, Debug)]
struct Told {
    random: StdRng,
    invoices: Vec<Invoice>,
    refunds: usize,
}

impl Told {
    fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            invoices: Vec::new(),
            refunds: 0,
        }
    }

    fn up_to(&mut self, most: i64) -> i64 {
        self.random.random_range(1..=most)
    }

    fn one_of(&mut self, count: usize) -> usize {
        self.random.random_range(0..count)
    }

    /// A day of the end of a year, or of the beginning of the next one.
    fn day(&mut self) -> Date {
        let first: Date = "2025-12-22".parse().unwrap();
        first.plus_days(self.random.random_range(0..20))
    }

    /// Tells something more: an invoice, another revision of one, or a refund.
    fn next(&mut self) -> pb::IncentiveFact {
        let count = self.invoices.len();
        let earning = self.invoices.iter().filter(|invoice| invoice.earns() > 0);
        let few = earning.count() < EARNING;
        if count > 0 && (!few || self.random.random_bool(0.5)) {
            let at = self.one_of(count);
            return if self.random.random_bool(0.7) {
                self.revise(at)
            } else {
                self.refund(at)
            };
        }
        let day = self.day();
        let invoice = Invoice {
            revision: 1,
            partner: PARTNERS[self.one_of(2)],
            days: [day, day],
            amount: self.up_to(300) * 10,
            refunded: 0,
            withdrawn: false,
        };
        self.invoices.push(invoice);
        self.fact(count)
    }

    fn revise(&mut self, at: usize) -> pb::IncentiveFact {
        let (day, partner) = (self.day(), PARTNERS[self.one_of(2)]);
        let (amount, what) = (self.up_to(300) * 10, self.one_of(4));
        let invoice = &mut self.invoices[at];
        invoice.revision += 1;
        match what {
            0 => invoice.days[1] = day,
            1 => invoice.partner = partner,
            2 => invoice.amount = amount,
            _ => invoice.withdrawn = !invoice.withdrawn,
        }
        self.fact(at)
    }

    fn refund(&mut self, at: usize) -> pb::IncentiveFact {
        let amount = self.up_to(self.invoices[at].amount / 10) * 10;
        let invoice = &mut self.invoices[at];
        invoice.refunded += amount;
        self.refunds += 1;
        pb::IncentiveFact {
            external_id: format!("r-{:04}", self.refunds),
            kind: pb::incentive_fact::Kind::Refund.into(),
            occur_date: day("2026-01-31"),
            about: id(at),
            amount: usd(amount),
            ..pb::IncentiveFact::default()
        }
    }

    fn fact(&self, at: usize) -> pb::IncentiveFact {
        let invoice = &self.invoices[at];
        pb::IncentiveFact {
            external_id: id(at),
            revision: invoice.revision,
            withdrawn: invoice.withdrawn,
            kind: pb::incentive_fact::Kind::InvoicePaid.into(),
            occur_date: day(&invoice.days[1].to_string()),
            partner: format!("ecosystems/acme/partners/{}", invoice.partner),
            amount: usd(invoice.amount),
            ..pb::IncentiveFact::default()
        }
    }

    /// What each invoice is paid, of those that are paid something; by their numbers and partners.
    fn paid(&self, fault: Option<Fault>) -> BTreeMap<(usize, String), i64> {
        let mut order: Vec<usize> = (0..self.invoices.len()).collect();
        if fault != Some(Fault::PaysAsTold) {
            order.sort_by_key(|at| (self.invoices[*at].days[1], *at));
        }
        let mut taken: BTreeMap<i32, i64> = BTreeMap::new();
        let mut paid = BTreeMap::new();
        for at in order {
            let invoice = &self.invoices[at];
            let known = usize::from(fault != Some(Fault::ForgetsMoves));
            let taken = taken.entry(invoice.days[known].year()).or_default();
            let minor = invoice.earns().min(BUDGET - *taken);
            *taken += if fault == Some(Fault::FreesNothing) {
                (invoice.amount / 10).min(BUDGET - *taken)
            } else {
                minor
            };
            if minor > 0 {
                paid.insert((at, invoice.partner.to_owned()), minor);
            }
        }
        paid
    }

    /// Whether a year comes to more than its budget.
    fn is_spent(&self) -> bool {
        let mut sums: BTreeMap<i32, i64> = BTreeMap::new();
        for invoice in &self.invoices {
            *sums.entry(invoice.days[1].year()).or_default() += invoice.earns();
        }
        sums.values().any(|sum| *sum > BUDGET)
    }
}

fn id(at: usize) -> String {
    format!("i-{at:04}")
}

/// A tenth of every invoice, until the budget of the year is spent.
fn plan() -> pb::PlanVersion {
    let mut plan = percent("0.1");
    plan.effective_from_date = day("2025-01-01");
    plan.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
    plan.limits = Some(pb::Limits {
        shared_limits: vec![pb::SharedLimit {
            scope: pb::shared_limit::Scope::Plan.into(),
            window: pb::shared_limit::Window::Year.into(),
            maximum_amount: usd(BUDGET),
            ..pb::SharedLimit::default()
        }],
        ..pb::Limits::default()
    });
    plan
}

/// Tells some facts, each in a call of its own, at the same time.
async fn tell(scene: &Scene, facts: Vec<pb::IncentiveFact>) {
    let mut telling = JoinSet::new();
    for fact in facts {
        let mut client = scene.world.facts();
        telling.spawn(async move {
            let request = pb::RecordFactsRequest {
                parent: "ecosystems/acme".to_owned(),
                source: "erp".to_owned(),
                facts: vec![fact],
                ..pb::RecordFactsRequest::default()
            };
            position(&client.record_facts(request).await.unwrap())
        });
    }
    for position in telling.join_all().await {
        scene.note(position);
        scene.awards("").await;
    }
}

/// Lets everything be computed from the whole periods, as if nothing were kept of what is spent: no award is
/// written, and what is kept is the same as before.
async fn nothing_changes_by_the_whole_period(scene: &Scene) {
    let kept = async || {
        let view = scene.world.store().read(&scene.call()).await.unwrap();
        let plan = trellis_core::PlanId::try_new("spiff").unwrap();
        plan_budget::spent(&view, &plan).await.unwrap()
    };
    let (awards, before) = (scene.awards("").await, kept().await);
    assert_eq!(before.len(), 2, "two years were spent of: {before:?}");
    let forget = "UPDATE plan_budgets SET terms = ''";
    forge(&scene.world, &scene.name, forget).await;
    let nothing = |(year, id): (&str, &str)| pb::IncentiveFact {
        external_id: id.to_owned(),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(year),
        partner: format!("ecosystems/acme/partners/{}", PARTNERS[0]),
        amount: usd(0),
        ..pb::IncentiveFact::default()
    };
    let years = [("2025-12-31", "i-9998"), ("2026-01-01", "i-9999")];
    tell(scene, years.map(nothing).to_vec()).await;
    let mut after = scene.awards("").await;
    after.retain(|award| !award.fact.starts_with("erp:i-999"));
    assert_eq!(after, awards);
    assert_eq!(kept().await, before);
}

/// What the server has paid.
async fn found(scene: &Scene) -> BTreeMap<(usize, String), i64> {
    let awards = scene.awards("").await.into_iter();
    awards
        .map(|award| {
            let at = award.fact.trim_start_matches("erp:i-").parse().unwrap();
            let partner = award.partner.rsplit('/').next().unwrap().to_owned();
            ((at, partner), minor(&award.entitled_amount))
        })
        .filter(|(_, minor)| *minor > 0)
        .collect()
}

on_both! {
    async fn whatever_is_told_awards_are_those_of_the_whole_period(world: World) {
        let steps = number("TRELLIS_TESTS_BUDGET_STEPS").unwrap_or(25_usize);
        let seed = number("TRELLIS_TESTS_BUDGET_SEED").unwrap_or(20_261_127);
        let scene = Scene::new(world).await;
        scene.promise("spiff", plan()).await;
        let mut told = Told::new(seed);
        let mut spent = Vec::new();
        for step in 0..steps {
            let count = told.one_of(4) + 1;
            let facts = (0..count).map(|_| told.next()).collect();
            tell(&scene, facts).await;
            assert_eq!(found(&scene).await, told.paid(None), "step {step}: {told:#?}");
            spent.push(told.is_spent());
        }
        scene.is_sound().await;
        nothing_changes_by_the_whole_period(&scene).await;
        let crossed = spent.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(crossed > 0, "no budget was ever spent, or one always was: {spent:?}");
    }
}

/// The control: what is wrong with the plainest code is noticed.
#[test]
fn a_budget_that_is_spent_otherwise_is_noticed() {
    for fault in Fault::ALL {
        let mut told = Told::new(20_261_127);
        let noticed = (0..100).any(|_| {
            told.next();
            told.paid(Some(fault)) != told.paid(None)
        });
        assert!(noticed, "{fault:?}");
    }
}
