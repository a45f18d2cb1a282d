//! Measures compiled plans: facts in a second on one and two threads and bytes for each, beside a loop
//! written by hand for the one rule and the same rule as SQL, all of which have to come to the same;
//! and what one changed fact costs by how long its history is. Prints tables in Markdown.
//!
//! `TRELLIS_BENCH_LINES` says how many facts, as in `10000,100000`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a measurement that is wrong may stop"
)]

mod bare;
mod change;
mod facts;
mod plans;
mod sql;

use std::env;
use std::time::{Duration, Instant};

use facts::Made;
use plans::Rule;
use trellis_evaluation::compiled::Compiled;

/// SQL takes a second for a million and is not measured beyond.
const MOST_FOR_SQL: usize = 1_000_000;

/// What rules come to: all awards together, and what whoever has the first role gets of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) entitled: i128,
    pub(crate) first: i128,
}

/// The middle of an odd number of runs, and what they came to.
fn timed<T: PartialEq + std::fmt::Debug>(runs: usize, run: impl Fn() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    let result = run();
    for _ in 0..runs {
        let begin = Instant::now();
        let again = run();
        times.push(begin.elapsed());
        assert_eq!(again, result);
    }
    times.sort_unstable();
    (times[runs / 2], result)
}

fn per_second(lines: usize, time: Duration) -> f64 {
    lines as f64 / time.as_secs_f64() / 1e6
}

fn sizes() -> Vec<usize> {
    let told = env::var_os("TRELLIS_BENCH_LINES").unwrap_or_default();
    let told = told.to_string_lossy();
    let told: Vec<usize> = told
        .split(',')
        .filter_map(|size| size.parse().ok())
        .collect();
    if told.is_empty() {
        vec![10_000, 100_000, 1_000_000, 10_000_000]
    } else {
        told
    }
}

/// A bar and the worst that was measured for it.
struct Bar {
    what: &'static str,
    least: f64,
    goal: f64,
    measured: f64,
}

fn main() {
    let rules = Rule::all();
    let mut speed = f64::MAX;
    let mut twice = f64::MAX;
    let mut bytes = 0_f64;
    println!(
        "| rule | lines | M lines/s | two threads | of bare loop | bare M lines/s | times SQL | bytes a line | with ids |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for lines in sizes() {
        let made = Made::new(lines);
        let compiled: Vec<Vec<Compiled>> = rules.iter().map(Rule::compiled).collect();
        let all: Vec<&Compiled> = compiled.iter().flatten().collect();
        let begin = Instant::now();
        let columns = made.columns(&all);
        let loading = begin.elapsed();
        for (rule, plans) in rules.iter().zip(&compiled) {
            let runs = if lines > 1_000_000 { 3 } else { 7 };
            let run = |threads| timed(runs, || plans::sums(rule, plans, &columns, threads));
            let (one, sums) = run(1);
            let (two, of_two) = run(2);
            assert_eq!(sums, of_two);
            let (bare, of_bare) = timed(runs, || bare::sums(rule, &made));
            assert_eq!(sums, of_bare, "{}", rule.name);
            let sql = (lines <= MOST_FOR_SQL).then(|| {
                let (time, of_sql) = sql::sums(rule, &made);
                assert_eq!(sums, of_sql, "{}", rule.name);
                time.as_secs_f64() / one.as_secs_f64()
            });
            let each = columns.bytes() as f64 / columns.len() as f64;
            let ids = columns.bytes_of_ids() as f64 / columns.len() as f64;
            let rate = per_second(lines, one);
            let times = one.as_secs_f64() / two.as_secs_f64();
            if lines >= 1_000_000 {
                speed = speed.min(rate);
                twice = twice.min(times);
            }
            if lines >= 100_000 {
                bytes = bytes.max(each);
            }
            println!(
                "| {} | {lines} | {rate:.1} | {times:.2} x | {:.2} | {:.1} | {} | {each:.1} | {:.1} |",
                rule.name,
                bare.as_secs_f64() / one.as_secs_f64(),
                per_second(lines, bare),
                sql.map_or("-".to_owned(), |times| format!("{times:.0}")),
                each + ids,
            );
        }
        println!(
            "| *loading, sorting* | {lines} | {:.2} | | | | | | |",
            per_second(lines, loading)
        );
    }
    let changed = change::measure();
    let bars = [
        Bar {
            what: "M lines/s on one core, 10^6 lines and more, slowest rule",
            least: 15.0,
            goal: 45.0,
            measured: speed,
        },
        Bar {
            what: "two threads, 10^6 lines and more, slowest rule",
            least: 1.8,
            goal: 1.8,
            measured: twice,
        },
        Bar {
            what: "lines a byte of 40, most of any",
            least: 1.0,
            goal: 1.0,
            measured: 40.0 / bytes,
        },
        Bar {
            what: "50 us by what one changed fact takes, longest history",
            least: 1.0,
            goal: 1.0,
            measured: 50.0 / changed,
        },
    ];
    println!("\n| bar | at least | goal | measured | |\n|---|---|---|---|---|");
    for bar in bars {
        let told = match bar.measured {
            measured if measured >= bar.goal => "goal met",
            measured if measured >= bar.least => "met",
            _ => "MISSED",
        };
        println!(
            "| {} | {} | {} | {:.2} | {told} |",
            bar.what, bar.least, bar.goal, bar.measured
        );
    }
}
