//! The search of candidates: how much it finds, how long it takes, how much it holds.

use std::{collections::BTreeSet, env, error::Error, fmt, hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use trellis_matching::{Index, Prepared, compare};

use crate::{
    Bar,
    made_up::MadeUp,
    pairs::{Pair, key, profile},
};

const QUERIES: usize = 4_000;
const DEAR: usize = 400;
const FOUND: usize = 5;

/// What a search of alias pairs found.
pub(crate) struct Aliases {
    found: usize,
    pairs: usize,
    among: usize,
    missed: Vec<String>,
}

/// Looks for one name of each labelled pair that shares a word, among the others and made-up ones.
pub(crate) fn aliases(pairs: &[Pair]) -> Aliases {
    let mut source = MadeUp::new(3, 50_000);
    let made_up: Vec<String> = (0..50_000).map(|_| source.name()).collect();
    let labelled = pairs.iter().map(|pair| pair.names[1].clone());
    let names: Vec<String> = labelled.chain(made_up).collect();
    let profiles: Vec<Prepared> = names.iter().map(|name| profile("known", name)).collect();
    let index = Index::build((0..).zip(&profiles));
    let mut aliases = Aliases {
        found: 0,
        pairs: 0,
        among: names.len(),
        missed: Vec::new(),
    };
    for pair in pairs.iter().filter(|pair| pair.is_match) {
        let [asked, known] = [&pair.names[0], &pair.names[1]].map(|name| profile("asked", name));
        let [one, other] = [&asked, &known].map(key);
        let words: BTreeSet<&str> = one.split(' ').collect();
        if !other.split(' ').any(|word| words.contains(word)) {
            continue;
        }
        aliases.pairs += 1;
        let is_it = |account: u32| key(&profiles[account as usize]) == other;
        if index
            .search(&asked, 20)
            .iter()
            .any(|(account, _)| is_it(*account))
        {
            aliases.found += 1;
        } else {
            aliases
                .missed
                .push(format!("{} | {}", pair.names[0], pair.names[1]));
        }
    }
    aliases
}

impl Aliases {
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let Self { found, pairs, .. } = self;
        let holds = *pairs > 0 && found * 100 >= pairs * 85;
        let what = "alias pairs that share a word: recall@20 >= .85";
        vec![Bar::new(what, format!("{found} of {pairs}"), holds)]
    }
}

impl fmt::Display for Aliases {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            found,
            pairs,
            among,
            missed,
        } = self;
        writeln!(out, "## Search of alias pairs\n")?;
        writeln!(
            out,
            "{found} of {pairs} that share a word are among the first 20 of {among}"
        )?;
        for pair in missed {
            writeln!(out, "* missed: {pair}")?;
        }
        Ok(())
    }
}

/// Builds indexes of made-up names and asks them for variants of what they hold. How many names is
/// what `TRELLIS_BENCH_SIZES` lists; the last of them has to hold the bars.
pub(crate) fn measure() -> Result<Vec<Bar>, Box<dyn Error>> {
    println!("## Search among made-up names\n");
    println!("Times are of the processor, so that what else the machine does is not in them.\n");
    println!(
        "| names | set | keys made | built | bytes a name | search p50 | p99 | p99.9 | dear names, p99 | compare \
         with 5, p50 | recall@5 | nearer ones found |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let sizes = env::var_os("TRELLIS_BENCH_SIZES").unwrap_or("10000,100000,1000000".into());
    let sizes = sizes.to_string_lossy();
    let sizes: Vec<usize> = sizes.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let mut bars = Vec::new();
    for size in sizes {
        bars = run("any", size, MadeUp::new(1, size));
        let harder = MadeUp::sharing_first_words(2, size);
        bars.extend(run("sharing first words", size, harder));
    }
    Ok(bars)
}

fn run(set: &str, size: usize, mut source: MadeUp) -> Vec<Bar> {
    let names: Vec<String> = (0..size).map(|_| source.name()).collect();
    let mut prepared = Duration::ZERO;
    let started = now();
    let index = Index::build((0..).zip(&names).map(|(account, name)| {
        let started = now();
        let profile = profile("known", name);
        prepared += now() - started;
        (account, profile)
    }));
    let built = now() - started - prepared;
    let known = |account: u32| profile("known", &names[account as usize]);
    let (mut searches, mut compared, mut hits, mut nearer) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..QUERIES {
        let at = source.below(size);
        let query = profile("asked", &source.variant(&names[at]));
        let started = now();
        let found = black_box(index.search(&query, FOUND));
        searches.push(now() - started);
        let found: Vec<Prepared> = found.iter().map(|(account, _)| known(*account)).collect();
        let started = now();
        let scores: Vec<u16> = found.iter().map(|one| compare(&query, one).score).collect();
        compared.push(now() - started);
        let wanted = profile("known", &names[at]);
        if found.iter().any(|one| key(one) == key(&wanted)) {
            hits += 1;
        } else if found.len() == FOUND {
            let score = compare(&query, &wanted).score;
            nearer += usize::from(scores.iter().all(|other| *other >= score));
        }
    }
    let mut dear: Vec<Duration> = (0..DEAR)
        .map(|_| {
            let query = profile("asked", &source.dear());
            let started = now();
            black_box(index.search(&query, FOUND));
            now() - started
        })
        .collect();
    dear.sort();
    let dear = dear[DEAR * 99 / 100];
    searches.sort();
    compared.sort();
    let bytes = index.bytes() / size;
    let of = |part: usize| searches[(QUERIES * part / 1000).min(QUERIES - 1)];
    println!(
        "| {size} | {set} | {} | {} | {bytes} | {} | {} | {} | {} | {} | {:.4} | {:.4} |",
        time(prepared),
        time(built),
        time(of(500)),
        time(of(990)),
        time(of(999)),
        time(dear),
        time(compared[QUERIES / 2]),
        share(hits),
        share(nearer),
    );
    vec![
        Bar::new(
            format!("search in {size}, {set}: p50 <= 0.3 ms, p99 <= 3 ms"),
            format!("{}, {}", time(of(500)), time(of(990))),
            of(500) <= Duration::from_micros(300) && of(990) <= Duration::from_millis(3),
        ),
        Bar::new(
            format!("search in {size}, {set}, of frequent words alone: p99 <= 10 ms"),
            time(dear),
            dear <= Duration::from_millis(10),
        ),
        Bar::new(
            format!("search in {size}, {set}: recall@5 >= .99"),
            format!("{:.4}", share(hits)),
            share(hits) >= 0.99,
        ),
        Bar::new(
            format!("search in {size}, {set}: <= 120 bytes a name"),
            bytes.to_string(),
            bytes <= 120,
        ),
        Bar::new(
            format!("{size} names, {set}: keys and index in <= 30 s"),
            time(prepared + built),
            prepared + built <= Duration::from_secs(30),
        ),
    ]
}

/// The time that the processor has worked for this thread.
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let part = |given: i64| given.unsigned_abs();
    Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec))
}

fn share(hits: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = hits as f64 / QUERIES as f64;
    share
}

fn time(time: Duration) -> String {
    match time.as_micros() {
        0..1_000 => format!("{} µs", time.as_micros()),
        1_000..1_000_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}
