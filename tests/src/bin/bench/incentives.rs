//! From what is told to awards that are posted: many facts at once, one refund in a long history, and a
//! budget that many spend at the same time. What does not come to the same as it should ends it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tonic::metadata::{Ascii, MetadataValue};
use trellis_api::google::r#type::{Date, Decimal, Money};
use trellis_api::incentive::v1 as incentive;
use trellis_api::incentive::v1::award_service_client::AwardServiceClient;
use trellis_api::incentive::v1::backtest_plan_response::Part;
use trellis_api::incentive::v1::fact_service_client::FactServiceClient;
use trellis_api::incentive::v1::measure::{Source, Window};
use trellis_api::incentive::v1::plan_service_client::PlanServiceClient;
use trellis_api::open::POSITION;

use crate::product::{ECOSYSTEM, Product, dollars};
use crate::seed::{self, PARTNERS};
use crate::{chosen, databases, number, scattered};

/// The word that asks for it.
pub(crate) const ARGUMENT: &str = "incentives";

/// Facts of one call where many are told at once.
const MESSAGE: u64 = 500;

/// Who tells them at the same time.
const TELLERS: u64 = 8;

/// Who spends one budget at the same time, and the facts of one of their calls.
const SPENDERS: u64 = 32;
const SPENT_AT_ONCE: u64 = 5;

/// What one sale takes of the budget, in units.
const EACH: i64 = 15;

/// Facts of the partner whose one refund is timed, and how many refunds are.
const HISTORIES: [u64; 2] = [1_000, 10_000];
const REFUNDS: u64 = 11;

/// Until where a quarter pays 5 percent; beyond it, 6.
const STEP: i64 = 100_000;

/// Each plan pays for a year of its own, so that none has to do with what the others are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Five percent of each invoice.
    Each,
    /// Two bands over the quarter.
    Quarter,
    /// A fixed amount for each, until the budget of the year is spent.
    Budget,
}

/// What happened: the invoice of a partner with a number.
#[derive(Clone, Copy, Debug)]
struct Sale {
    rule: Rule,
    partner: u64,
    at: u64,
}

/// Measures on all databases.
pub(crate) async fn measure(folder: &Path, binary: &Path) {
    println!("| database | what | facts | facts/s | ms, p50 | ms, worst | server CPU us |");
    println!("|---|---|---|---|---|---|---|");
    for (name, url) in databases(folder) {
        if chosen("TRELLIS_BENCH_DATABASES", name) {
            trellis_migrations::up(&url).await.expect("the schema");
            let url = seed::serving(&url).await;
            let product = Arc::new(Product::start(&url, binary, None).await);
            product.found().await;
            let many = number("TRELLIS_BENCH_FACTS", 20_000);
            for rule in [Rule::Each, Rule::Quarter] {
                let version = rule.promise(&product, None).await;
                told(name, &product, rule, many).await;
                for (partner, history) in HISTORIES.into_iter().enumerate() {
                    let partner = PARTNERS - 1 - partner as u64;
                    refunded(name, &product, rule, partner, history).await;
                }
                let facts = many + HISTORIES.iter().map(|of| of + REFUNDS).sum::<u64>();
                backtested(name, &product, rule, version, facts).await;
            }
            spent(name, &product, number("TRELLIS_BENCH_SPENT", 9_600)).await;
            product.check().await;
        }
    }
}

/// Many facts of many partners, by some at once, until all awards are posted.
async fn told(database: &str, product: &Arc<Product>, rule: Rule, count: u64) {
    // The last partners have histories of their own.
    let partners = PARTNERS - 2;
    let sale = move |number: u64| Sale {
        rule,
        partner: number % partners,
        at: number / partners,
    };
    let (took, cpu) = all(product, count, TELLERS, MESSAGE, sale).await;
    let expected = rule.pays((0..count).map(sale));
    assert_eq!(entitled(product, rule).await, expected, "{rule:?}");
    row(database, &format!("{rule:?}"), count, Some(took), &[], cpu);
}

/// One refund after the other in a long history, each until its award is posted.
async fn refunded(database: &str, product: &Arc<Product>, rule: Rule, partner: u64, history: u64) {
    let before = entitled(product, rule).await;
    let sale = move |at: u64| Sale { rule, partner, at };
    all(product, history, 1, MESSAGE, sale).await;
    let mut sold: Vec<Sale> = (0..history).map(sale).collect();
    let own = rule.pays(sold.iter().copied());
    assert_eq!(entitled(product, rule).await, before + own, "{rule:?}");
    let (mut taken, cpu) = (Vec::new(), product.cpu());
    for at in 0..REFUNDS {
        let refund = sale(at * (history / REFUNDS));
        let position = tell(product, 0, vec![refund.refund(at)]).await;
        product.note(position.expect("it is told"));
        taken.push(product.wait_for_awards().await);
        sold.retain(|sale| sale.at != refund.at);
    }
    let cpu = product.cpu().saturating_sub(cpu);
    let own = rule.pays(sold.into_iter());
    assert_eq!(entitled(product, rule).await, before + own, "{rule:?}");
    let what = format!("{rule:?}, a refund among {history}");
    row(database, &what, REFUNDS, None, &taken, cpu);
}

/// All facts read and computed twice, by the terms that hold and by the same as proposed ones; nothing is
/// written.
async fn backtested(database: &str, product: &Product, rule: Rule, version: String, facts: u64) {
    let request = incentive::BacktestPlanRequest {
        parent: ECOSYSTEM.into(),
        plan_versions: vec![version],
        start_date: date(rule.year(), 1, 1),
        end_date: date(rule.year() + 1, 1, 1),
        ..Default::default()
    };
    let expected = entitled(product, rule).await;
    let (start, cpu) = (Instant::now(), product.cpu());
    let mut client = PlanServiceClient::new(product.channel(0));
    let told = client.backtest_plan(request).await.expect("a backtest");
    let mut told = told.into_inner();
    let mut result = None;
    while let Some(message) = told.message().await.expect("a message") {
        if let Some(Part::Result(told)) = message.part {
            result = Some(told);
        }
    }
    let (took, cpu) = (start.elapsed(), product.cpu().saturating_sub(cpu));
    let result = result.expect("a result");
    let amounts = result.currencies.iter().flat_map(|one| &one.amounts);
    for amount in amounts.flat_map(|both| [&both.current_amount, &both.proposed_amount]) {
        assert_eq!(amount.as_ref().map(cents), Some(expected), "{rule:?}");
    }
    let what = format!("{rule:?}, backtest");
    row(database, &what, facts, Some(took), &[], cpu);
}

/// A budget that is enough for two thirds of what many tell at the same time, and a part of one more.
async fn spent(database: &str, product: &Arc<Product>, count: u64) {
    let budget = EACH * i64::try_from(count * 2 / 3).expect("a count") + 11;
    Rule::Budget.promise(product, Some(budget)).await;
    let sale = |number: u64| Sale {
        rule: Rule::Budget,
        partner: number % PARTNERS,
        at: number / PARTNERS,
    };
    let (took, cpu) = all(product, count, SPENDERS, SPENT_AT_ONCE, sale).await;
    let spent = entitled(product, Rule::Budget).await;
    assert_eq!(spent, i128::from(budget) * 100, "not more and not less");
    row(database, "Budget, 32 at once", count, Some(took), &[], cpu);
}

/// Tells so many sales, by some at once; answers how long it took until all awards were posted, and the
/// server's processor time.
async fn all(
    product: &Arc<Product>,
    count: u64,
    by: u64,
    message: u64,
    sale: impl Fn(u64) -> Sale + Copy + Send + 'static,
) -> (Duration, Duration) {
    let (start, cpu) = (Instant::now(), product.cpu());
    let tellers = (0..by).map(|teller| {
        let product = product.clone();
        let telling = async move {
            let mut position = None;
            let first = teller * message;
            for from in (first..count).step_by(usize::try_from(by * message).expect("a step")) {
                let some = (from..count.min(from + message)).map(|number| sale(number).invoice());
                let client = usize::try_from(teller).expect("a client");
                position = Some(tell(&product, client, some.collect()).await?);
            }
            Ok::<_, String>(position)
        };
        async { tokio::spawn(telling).await.expect("nobody panics") }
    });
    for position in try_join_all(tellers).await.expect("they are told") {
        product.note(position.flatten());
        product.wait_for_awards().await;
    }
    (start.elapsed(), product.cpu().saturating_sub(cpu))
}

/// Tells some facts, and answers where they stand in the feed.
async fn tell(
    product: &Product,
    client: usize,
    facts: Vec<incentive::IncentiveFact>,
) -> Result<Option<MetadataValue<Ascii>>, String> {
    let request = incentive::RecordFactsRequest {
        parent: ECOSYSTEM.into(),
        source: "erp".into(),
        facts,
        ..Default::default()
    };
    let mut client = FactServiceClient::new(product.channel(client));
    let recorded = client.record_facts(request).await;
    let recorded = recorded.map_err(|refused| refused.to_string())?;
    Ok(recorded.metadata().get(POSITION).cloned())
}

/// What all awards of a plan come to, in cents.
async fn entitled(product: &Product, rule: Rule) -> i128 {
    let mut client = AwardServiceClient::new(product.channel(0));
    let mut list = incentive::ListAwardsRequest {
        parent: ECOSYSTEM.into(),
        page_size: 1_000,
        filter: format!("plan = \"{ECOSYSTEM}/plans/{}\"", rule.plan()),
        ..Default::default()
    };
    let mut sum = 0;
    loop {
        let page = client.list_awards(list.clone()).await.expect("a page");
        let page = page.into_inner();
        for amount in page.awards.iter().flat_map(|award| &award.entitled_amount) {
            sum += cents(amount);
        }
        if page.next_page_token.is_empty() {
            return sum;
        }
        list.page_token = page.next_page_token;
    }
}

fn cents(amount: &Money) -> i128 {
    i128::from(amount.units) * 100 + i128::from(amount.nanos / 10_000_000)
}

fn row(
    database: &str,
    what: &str,
    facts: u64,
    took: Option<Duration>,
    taken: &[Duration],
    cpu: Duration,
) {
    let mut sorted = taken.to_vec();
    sorted.sort_unstable();
    let ms = |time: Option<&Duration>| {
        time.map_or("-".to_owned(), |time| {
            format!("{:.1}", time.as_secs_f64() * 1e3)
        })
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is shown to a few digits"
    )]
    let rate = took.map_or("-".to_owned(), |took| {
        format!("{:.0}", facts as f64 / took.as_secs_f64())
    });
    println!(
        "| {database} | {what} | {facts} | {rate} | {} | {} | {} |",
        ms(sorted.get(sorted.len() / 2)),
        ms(sorted.last()),
        cpu.as_micros() / u128::from(facts),
    );
}

impl Sale {
    /// What it is worth, in units: a multiple of 100, so that no plan has to round.
    fn units(self) -> i64 {
        let amount = scattered(self.at * PARTNERS + self.partner, 50) + 1;
        i64::try_from(amount * 100).expect("an amount")
    }

    fn id(self) -> String {
        format!("{}-{}-{}", self.rule.plan(), self.partner, self.at)
    }

    /// It happened on a day of the first quarter.
    fn invoice(self) -> incentive::IncentiveFact {
        let day = i32::try_from(self.at * 7 % 84).expect("a day");
        incentive::IncentiveFact {
            external_id: self.id(),
            kind: incentive::incentive_fact::Kind::InvoicePaid.into(),
            occur_date: date(self.rule.year(), 1 + day / 28, 1 + day % 28),
            partner: format!("{ECOSYSTEM}/partners/p-{}", self.partner),
            amount: dollars(self.units()),
            ..Default::default()
        }
    }

    /// All of it is paid back.
    fn refund(self, number: u64) -> incentive::IncentiveFact {
        incentive::IncentiveFact {
            external_id: format!("{}-back-{number}", self.id()),
            kind: incentive::incentive_fact::Kind::Refund.into(),
            about: self.id(),
            ..self.invoice()
        }
    }
}

impl Rule {
    fn plan(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Quarter => "by-quarter",
            Self::Budget => "budget",
        }
    }

    fn year(self) -> i32 {
        match self {
            Self::Each => 2023,
            Self::Quarter => 2024,
            Self::Budget => 2025,
        }
    }

    /// What sales earn, in cents.
    fn pays(self, sales: impl Iterator<Item = Sale>) -> i128 {
        let mut sold = vec![Vec::new(); usize::try_from(PARTNERS).expect("a count")];
        for sale in sales {
            let partner = usize::try_from(sale.partner).expect("a partner");
            sold.get_mut(partner).expect("a partner").push(sale.units());
        }
        let pays = |units: i64| match self {
            Self::Quarter => units.min(STEP) * 5 + (units - STEP).max(0) * 6,
            Self::Each | Self::Budget => units * 5,
        };
        let earned = sold.into_iter().map(|units| pays(units.into_iter().sum()));
        earned.map(i128::from).sum()
    }

    /// Makes the plan, and lets it hold for its year.
    async fn promise(self, product: &Product, budget: Option<i64>) -> String {
        let band = |from: i64, rate: &str, fixed: i64| incentive::Band {
            from_amount: dollars(from),
            rate: Some(Decimal { value: rate.into() }),
            fixed_amount: dollars(fixed),
            ..Default::default()
        };
        let (source, window, bands) = match self {
            Self::Each => (
                Source::InvoicePaidNet,
                Window::Event,
                vec![band(0, "0.05", 0)],
            ),
            Self::Quarter => (
                Source::InvoicePaidNet,
                Window::Quarter,
                vec![band(0, "0.05", 0), band(STEP, "0.06", 0)],
            ),
            Self::Budget => (Source::Count, Window::Event, vec![band(0, "0", EACH)]),
        };
        let limit = budget.map(|budget| incentive::SharedLimit {
            scope: incentive::shared_limit::Scope::Plan.into(),
            window: incentive::shared_limit::Window::Year.into(),
            maximum_amount: dollars(budget),
            ..Default::default()
        });
        let version = incentive::PlanVersion {
            effective_from_date: date(self.year(), 1, 1),
            effective_until_date: date(self.year() + 1, 1, 1),
            currency_code: "USD".into(),
            kind: incentive::plan_version::Kind::Commission.into(),
            trigger: incentive::plan_version::Trigger::InvoicePaid.into(),
            measure: Some(incentive::Measure {
                source: source.into(),
                window: window.into(),
                ..Default::default()
            }),
            schedule: Some(incentive::Schedule {
                mode: incentive::schedule::Mode::Marginal.into(),
                bands,
                ..Default::default()
            }),
            limits: limit.map(|limit| incentive::Limits {
                shared_limits: vec![limit],
                ..Default::default()
            }),
            ..Default::default()
        };
        product.promise(self.plan(), version).await
    }
}

fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}
