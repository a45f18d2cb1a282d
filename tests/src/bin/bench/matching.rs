//! `MatchAccount` with the names of accounts in memory and without: two servers over one embedded
//! database that take turns, so that the ratio holds from machine to machine.
//!
//! Names are made up as a register holds them, and asked for as somebody else would have entered them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use trellis_api::deal::v1 as deal;
use trellis_api::deal::v1::account_service_client::AccountServiceClient;
use trellis_api::platform::v1 as platform;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;

use crate::load::{Measured, closed_loop, median};
use crate::made_up::MadeUp;
use crate::product::{Called, Product};
use crate::{number, scattered};

/// The word that asks for it.
pub(crate) const ARGUMENT: &str = "match";

const ECOSYSTEM: &str = "ecosystems/bench";

/// Accounts of one message of an import.
const MESSAGE: usize = 500;

/// Names that are asked for.
const ASKED: usize = 2_000;

/// How long the first answer may take, for which the names are read.
const READING: Duration = Duration::from_secs(60);

/// A name as somebody asks for it, and the account's own.
type Asked = (String, String);

/// A server, and what was measured of it.
struct Side {
    what: &'static str,
    product: Arc<Product>,
    found: usize,
    rounds: Vec<Vec<Measured>>,
}

const CLIENTS: [usize; 2] = [1, 8];

/// Measures on an embedded database of so many accounts as `TRELLIS_BENCH_ACCOUNTS` says.
pub(crate) async fn measure(folder: &Path, binary: &Path) {
    let count = usize::try_from(number("TRELLIS_BENCH_ACCOUNTS", 100_000)).expect("a count");
    let url = format!("sqlite:{}?mode=rwc", folder.join("match.db").display());
    trellis_migrations::up(&url).await.expect("the schema");
    let mut source = MadeUp::new(1, count);
    let names: Vec<String> = (0..count).map(|_| source.name()).collect();
    let asked = (0..ASKED).map(|_| {
        let own = names.get(source.below(count)).expect("a name");
        (source.variant(own), own.clone())
    });
    let asked: Arc<[Asked]> = asked.collect();
    let filling = Product::start(&url, binary, None).await;
    fill(filling.channel(0), &names).await;
    drop(filling);

    let mut sides = Vec::new();
    for (what, most) in [("names in memory", "16"), ("keys alone", "0")] {
        let flags = ["--matching-ecosystems-max", most, "--deadline-max", "60s"];
        let product = Product::start_on(&url, binary, None, &flags, None).await;
        sides.push(Side {
            what,
            product: Arc::new(product),
            found: 0,
            rounds: vec![Vec::new(); CLIENTS.len()],
        });
    }
    println!(
        "| | first answer | memory by that | found of {ASKED} | clients | calls/s | p50 ms | p99 ms | server CPU us |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut first = Vec::new();
    for side in &mut sides {
        // What is only slow the first time is done before: this one has no name.
        ask(side.product.channel(0), "").await.expect("an answer");
        let (before, began) = (side.product.memory(), Instant::now());
        ask(side.product.channel(0), "Nobody")
            .await
            .expect("an answer");
        let (took, after) = (began.elapsed(), side.product.memory());
        first.push((took, after.saturating_sub(before)));
        for (name, own) in asked.iter() {
            let answer = ask(side.product.channel(0), name).await.expect("an answer");
            let is_there = answer.candidates.iter().any(|one| one.display_name == *own);
            side.found += usize::from(is_there);
        }
    }
    let numbers = AtomicU64::new(0);
    let time = Duration::from_secs(number("TRELLIS_BENCH_SECONDS", 2));
    for _ in 0..number("TRELLIS_BENCH_ROUNDS", 3) {
        for (at, clients) in CLIENTS.into_iter().enumerate() {
            for side in &mut sides {
                let measured = side.round(clients, time, &numbers, &asked).await;
                side.rounds.get_mut(at).expect("a list").push(measured);
            }
        }
    }
    for (side, (took, bytes)) in sides.into_iter().zip(first) {
        for (clients, rounds) in CLIENTS.into_iter().zip(side.rounds) {
            let Measured {
                rate,
                p50,
                p99,
                cpu,
                ..
            } = median(rounds).expect("rounds");
            let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
            println!(
                "| {} | {:.0} ms | {} KiB | {} | {clients} | {rate:.0} | {:.2} | {:.2} | {} |",
                side.what,
                ms(took),
                bytes / 1024,
                side.found,
                ms(p50),
                ms(p99),
                cpu.as_micros(),
            );
        }
    }
}

impl Side {
    async fn round(
        &self,
        clients: usize,
        time: Duration,
        numbers: &AtomicU64,
        asked: &Arc<[Asked]>,
    ) -> Measured {
        let (product, asked) = (self.product.clone(), asked.clone());
        let before = self.product.cpu();
        let measured = closed_loop(clients, time, numbers, move |client, number| {
            let channel = product.channel(client);
            let at = scattered(number, ASKED as u64);
            let at = usize::try_from(at).expect("a place");
            let name = asked.get(at).map(|(name, _)| name.clone());
            async move { ask(channel, &name.unwrap_or_default()).await.map(drop) }
        })
        .await;
        measured.with_cpu(self.product.cpu().saturating_sub(before))
    }
}

async fn ask(channel: Called, name: &str) -> Result<deal::MatchAccountResponse, String> {
    let mut request = tonic::Request::new(deal::MatchAccountRequest {
        parent: ECOSYSTEM.into(),
        description: Some(deal::match_account_request::Description {
            display_name: name.into(),
            region_code: "DE".into(),
            ..Default::default()
        }),
        ..Default::default()
    });
    request.set_timeout(READING);
    let answer = AccountServiceClient::new(channel)
        .match_account(request)
        .await;
    let answer = answer.map_err(|refused| format!("{name}: {refused}"))?;
    Ok(answer.into_inner())
}

/// Makes the ecosystem and imports its accounts.
async fn fill(channel: Called, names: &[String]) {
    let create = platform::CreateEcosystemRequest {
        ecosystem_id: "bench".into(),
        ecosystem: Some(platform::Ecosystem {
            display_name: "Bench".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut client = EcosystemServiceClient::new(channel.clone());
    client.create_ecosystem(create).await.expect("an ecosystem");
    let rows = names
        .iter()
        .zip(1_i32..)
        .map(|(name, number)| deal::ImportAccountRow {
            row_number: number.into(),
            account: Some(deal::Account {
                display_name: name.clone(),
                region_code: "DE".into(),
                external_id: format!("crm-{number}"),
                ..Default::default()
            }),
            ..Default::default()
        });
    let rows: Vec<_> = rows.collect();
    let messages = rows
        .chunks(MESSAGE)
        .map(|rows| deal::ImportAccountsRequest {
            parent: ECOSYSTEM.into(),
            rows: rows.to_vec(),
            ..Default::default()
        });
    let messages: Vec<_> = messages.collect();
    let expected = messages.len();
    let mut client = AccountServiceClient::new(channel);
    let answers = client
        .import_accounts(futures::stream::iter(messages))
        .await;
    let mut answers = answers.expect("an import").into_inner();
    let mut answered = 0;
    while answers.message().await.expect("an answer").is_some() {
        answered += 1;
    }
    assert_eq!(answered, expected, "all messages are answered");
}
