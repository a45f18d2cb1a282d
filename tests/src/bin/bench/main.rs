//! How fast the product is, beside the same durable work done without it.
//!
//! Each case runs through the server's real port with a real client, and its floor as bare SQL on
//! the same database, in turn, several rounds in one run; medians are printed as a ratio, because
//! only ratios hold from machine to machine. Clients, server and database share the machine.
//!
//! `make bench` builds the release binary, starts a PostgreSQL that waits for the disk, and runs
//! this. `TRELLIS_BENCH_SECONDS` and `TRELLIS_BENCH_ROUNDS` make it shorter or longer.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that fails should fail loudly, and it prints its results"
)]

mod floor;
mod load;
mod product;
mod seed;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use floor::Floor;
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
    let seconds = number("TRELLIS_BENCH_SECONDS", 2);
    let rounds = number("TRELLIS_BENCH_ROUNDS", 3);
    println!("| database | case | clients | product/s | floor/s | ratio | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, url) in databases() {
        trellis_migrations::up(&url).await.expect("the schema");
        let product = Arc::new(Product::start(&url).await);
        seed::fill(&product, &url).await;
        let floor = Arc::new(Floor::open(&url).await);
        let numbers = AtomicU64::new(0);
        for case in [Case::Get, Case::List, Case::Create, Case::Win] {
            for clients in CLIENTS {
                let time = Duration::from_secs(seconds);
                let (mut ours, mut bare) = (Vec::new(), Vec::new());
                for _ in 0..rounds {
                    ours.push(measure_product(&product, case, clients, time, &numbers).await);
                    bare.push(measure_floor(&floor, case, clients, time, &numbers).await);
                }
                let (ours, bare) = (median(ours).expect("rounds"), median(bare).expect("rounds"));
                println!("{}", row(name, case, clients, &ours, &bare));
            }
        }
        product.check().await;
    }
}

async fn measure_product(
    product: &Arc<Product>,
    case: Case,
    clients: usize,
    time: Duration,
    numbers: &AtomicU64,
) -> Measured {
    let copy = product.clone();
    let measured = closed_loop(clients, time, numbers, move |client, number| {
        let product = copy.clone();
        async move { product.call(case, client, number).await }
    })
    .await;
    if case != Case::Win {
        return measured;
    }
    // A win counts when its award is posted: the time until the workers are done belongs to it.
    let waited = product.wait_for_awards().await;
    measured.stretched(time, waited)
}

async fn measure_floor(
    floor: &Arc<Floor>,
    case: Case,
    clients: usize,
    time: Duration,
    numbers: &AtomicU64,
) -> Measured {
    let floor = floor.clone();
    closed_loop(clients, time, numbers, move |_, number| {
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

fn row(name: &str, case: Case, clients: usize, ours: &Measured, bare: &Measured) -> String {
    format!(
        "| {name} | {case:?} | {clients} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} |",
        ours.rate,
        bare.rate,
        ours.rate / bare.rate,
        ours.p50.as_secs_f64() * 1_000.0,
        ours.p99.as_secs_f64() * 1_000.0,
    )
}

/// The databases to measure on.
fn databases() -> Vec<(&'static str, String)> {
    let folder = std::env::temp_dir().join(format!("trellis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the database");
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
