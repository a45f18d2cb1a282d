//! How fast the product is, beside floors: the same work done without it.
//!
//! Each case runs through the server's real port with a real client, and then each of its floors, in
//! turn, several rounds in one run; medians are printed as ratios, because only ratios hold from
//! machine to machine. Clients, server and database share the machine.
//!
//! `make bench` builds the release binary, starts a PostgreSQL that waits for the disk, and runs
//! this. The environment makes it shorter or longer, or narrows it:
//!
//! * `TRELLIS_BENCH_SECONDS`, `TRELLIS_BENCH_ROUNDS`: how long a round takes, and how many there are
//! * `TRELLIS_BENCH_CASES`, `TRELLIS_BENCH_CLIENTS`, `TRELLIS_BENCH_DATABASES`: which ones, by commas
//! * `TRELLIS_BENCH_KEY`: `on` has every call bear an API key
//! * `TRELLIS_BENCH_BINARIES`: more builds of the server, each on a database of its own, to be measured
//!   beside the first
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that fails should fail loudly, and it prints its results"
)]

mod echo;
mod floor;
mod incentives;
mod load;
#[expect(
    clippy::indexing_slicing,
    dead_code,
    reason = "it belongs to another measurement, which needs more of it"
)]
#[path = "../../../../crates/matching/examples/bench_matching/made_up.rs"]
mod made_up;
mod matching;
mod overload;
mod product;
mod seed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use echo::Echo;
use floor::{Bench, Floor};
use load::{Measured, closed_loop, median};
use product::Product;

/// How many rows the tables hold before anything is measured.
pub(crate) const ROWS: u64 = 100_000;

/// How many clients there are at once.
const CLIENTS: [usize; 3] = [1, 8, 32];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Get a deal by its name.
    Get,
    /// List a page of 50 deals with a filter.
    List,
    /// Create a registration.
    Create,
    /// Win a deal; its award is posted.
    Win,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, port, folder] = arguments.as_slice()
        && word == echo::ARGUMENT
    {
        return echo::serve(port.parse().expect("a port"), Path::new(folder)).await;
    }
    let folder = std::env::temp_dir().join(format!("trellis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the database");
    if arguments
        .get(1)
        .is_some_and(|word| word == overload::ARGUMENT)
    {
        let holds = overload::measure(&folder, &binary()).await;
        drop(std::fs::remove_dir_all(&folder));
        assert!(holds, "overload does harm, or does none without admission");
        return;
    }
    if arguments
        .get(1)
        .is_some_and(|word| word == matching::ARGUMENT)
    {
        matching::measure(&folder, &binary()).await;
        drop(std::fs::remove_dir_all(&folder));
        return;
    }
    if arguments
        .get(1)
        .is_some_and(|word| word == incentives::ARGUMENT)
    {
        incentives::measure(&folder, &binary()).await;
        drop(std::fs::remove_dir_all(&folder));
        return;
    }
    println!(
        "| database | case | clients | product/s | server CPU us | p50 ms | p99 ms | ratio to the floors |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, url) in databases(&folder) {
        if chosen("TRELLIS_BENCH_DATABASES", name) {
            measure_all(name, &url, &folder).await;
        }
    }
    // What was measured stays for nobody.
    drop(std::fs::remove_dir_all(&folder));
}

/// Measures all cases on a database.
async fn measure_all(name: &str, url: &str, folder: &Path) {
    let first = Arc::new(open(url, &binary()).await);
    let mut products = vec![(String::new(), first.clone())];
    let others = variable("TRELLIS_BENCH_BINARIES");
    let others = others.iter().flat_map(|all| all.split(','));
    for (at, binary) in others.enumerate() {
        // So that none works for what another writes.
        let url = seed::database_beside(url, at).await;
        let product = open(&url, Path::new(binary)).await;
        products.push((format!(" ({binary})"), Arc::new(product)));
    }
    let floor = Arc::new(Floor::open(url).await);
    let (deal, page) = first.answers().await;
    let echo = Arc::new(Echo::start(folder, &deal, &page).await);
    let numbers = Numbers::default();
    for case in [Case::Get, Case::List, Case::Create, Case::Win] {
        for clients in CLIENTS {
            if chosen("TRELLIS_BENCH_CASES", &format!("{case:?}"))
                && chosen("TRELLIS_BENCH_CLIENTS", &clients.to_string())
            {
                let bench = Measuring {
                    floor: &floor,
                    echo: &echo,
                    numbers: &numbers,
                    case,
                    clients,
                };
                bench.measure(name, &products).await;
            }
        }
    }
    for (_, product) in &products {
        product.check().await;
    }
}

/// Makes the schema, starts a build of the server, and fills the database.
async fn open(url: &str, binary: &Path) -> Product {
    trellis_migrations::up(url).await.expect("the schema");
    let url_served = seed::serving(url).await;
    let asks = variable("TRELLIS_BENCH_KEY").as_deref() == Some("on");
    let key = asks.then(|| product::make_key(&url_served, binary));
    let product = Product::start(&url_served, binary, key.as_deref()).await;
    seed::fill(&product, url).await;
    product
}

/// Numbers that no two calls get: a deal is won once, a request id is used once.
#[derive(Default)]
struct Numbers {
    product: AtomicU64,
    floor: AtomicU64,
}

/// One case with so many clients.
struct Measuring<'a> {
    floor: &'a Arc<Floor>,
    echo: &'a Arc<Echo>,
    numbers: &'a Numbers,
    case: Case,
    clients: usize,
}

impl Numbers {
    /// The next number for the product.
    fn next(&self) -> u64 {
        self.product.fetch_add(1, Ordering::Relaxed)
    }
}

impl Measuring<'_> {
    /// Measures all products and all floors in turn, and prints a row for each product; that of the first
    /// tells, too, how it compares with the others.
    async fn measure(&self, database: &str, products: &[(String, Arc<Product>)]) {
        let rounds = number("TRELLIS_BENCH_ROUNDS", 3);
        let time = Duration::from_secs(number("TRELLIS_BENCH_SECONDS", 2));
        let mut ours = vec![Vec::new(); products.len()];
        let mut floors: Vec<(&str, Vec<Measured>)> = Vec::new();
        for _ in 0..rounds {
            for ((_, product), ours) in products.iter().zip(&mut ours) {
                ours.push(self.product(product, time).await);
            }
            for (name, measured) in self.floors(time).await {
                match floors.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, all)) => all.push(measured),
                    None => floors.push((name, vec![measured])),
                }
            }
        }
        let floors: Vec<(&str, Measured)> = floors
            .into_iter()
            .map(|(name, all)| (name, median(all).expect("rounds")))
            .collect();
        let ratio =
            |name: &str, ratio: f64, rate: f64| format!("{ratio:.2} of{name} ({rate:.0}/s)");
        let mut beside = Vec::new();
        if let Some((first, others)) = ours.split_first() {
            for ((name, _), other) in products.iter().skip(1).zip(others) {
                let rate = median(other.clone()).expect("rounds").rate;
                beside.push(ratio(name, load::median_ratio(first, other), rate));
            }
        }
        for ((name, _), ours) in products.iter().zip(ours) {
            let ours = median(ours).expect("rounds");
            let mut ratios: Vec<String> = floors
                .iter()
                .map(|(name, floor)| ratio(&format!(" {name}"), ours.rate / floor.rate, floor.rate))
                .collect();
            ratios.append(&mut beside);
            let row = self.row(&format!("{database}{name}"), &ours, &ratios.join(", "));
            println!("{row}");
        }
    }

    async fn product(&self, product: &Arc<Product>, time: Duration) -> Measured {
        let (copy, case) = (product.clone(), self.case);
        let before = product.cpu();
        let measured = closed_loop(
            self.clients,
            time,
            &self.numbers.product,
            move |client, number| {
                let product = copy.clone();
                async move { product.call(case, client, number).await }
            },
        )
        .await;
        // A win counts when its award is posted: the time until the workers are done belongs to it.
        let waited = match case {
            Case::Win => product.wait_for_awards().await,
            Case::Get | Case::List | Case::Create => Duration::ZERO,
        };
        let cpu = product.cpu().saturating_sub(before);
        measured.with_cpu(cpu).stretched(time, waited)
    }

    async fn floors(&self, time: Duration) -> Vec<(&'static str, Measured)> {
        let mut all = Vec::new();
        match Bench::of(self.case, self.floor) {
            Some(bench) => all.push(("pgbench", bench.run(self.clients, time).await)),
            None => all.push(("SQL", self.sql(time).await)),
        }
        if matches!(self.case, Case::Get | Case::List) {
            all.push(("echo", self.echo(time).await));
        }
        all
    }

    async fn sql(&self, time: Duration) -> Measured {
        let (floor, case) = (self.floor.clone(), self.case);
        closed_loop(self.clients, time, &self.numbers.floor, move |_, number| {
            let floor = floor.clone();
            async move {
                floor
                    .work(case, number)
                    .await
                    .map_err(|error| error.to_string())
            }
        })
        .await
    }

    async fn echo(&self, time: Duration) -> Measured {
        let (echo, case) = (self.echo.clone(), self.case);
        closed_loop(
            self.clients,
            time,
            &self.numbers.floor,
            move |client, number| {
                let channel = product::one_of(&echo.channels, client);
                async move { product::read(channel, case, number).await }
            },
        )
        .await
    }

    fn row(&self, database: &str, ours: &Measured, ratios: &str) -> String {
        format!(
            "| {database} | {:?} | {} | {:.0} | {:.0} | {:.2} | {:.2} | {ratios} |",
            self.case,
            self.clients,
            ours.rate,
            ours.cpu.as_secs_f64() * 1e6,
            ours.p50.as_secs_f64() * 1_000.0,
            ours.p99.as_secs_f64() * 1_000.0,
        )
    }
}

/// Whether a list in the environment names something; no list names everything.
fn chosen(list: &str, name: &str) -> bool {
    variable(list).is_none_or(|list| list.split(',').any(|one| one == name))
}

fn binary() -> PathBuf {
    PathBuf::from(variable("TRELLIS_BENCH_BINARY").expect("`make bench` names the binary"))
}

/// The databases to measure on.
fn databases(folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = vec![(
        "SQLite",
        format!("sqlite:{}/bench.db?mode=rwc", folder.display()),
    )];
    if let Some(url) = variable("TRELLIS_BENCH_POSTGRES_URL") {
        all.push(("PostgreSQL", url));
    }
    all
}

fn number(name: &str, default: u64) -> u64 {
    variable(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is told by the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A number below `below` that looks random and is the same in every run.
pub(crate) fn scattered(number: u64, below: u64) -> u64 {
    number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(23)
        .wrapping_mul(0xff51_afd7_ed55_8ccd)
        % below
}
