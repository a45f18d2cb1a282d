//! The search of candidates: how much it finds, how long it takes, how much it holds.

use std::{
    collections::BTreeSet,
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

use trellis_matching::{Index, Prepared, compare};

use crate::{
    Bar,
    made_up::MadeUp,
    pairs::{Pair, profile},
};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const QUERIES: usize = 4_000;

/// What a search of alias pairs found.
pub(crate) struct Aliases {
    found: usize,
    pairs: usize,
    among: usize,
    missed: Vec<String>,
}

/// The words that a name is told by.
pub(crate) fn key(profile: &Prepared) -> String {
    profile
        .name()
        .and_then(|name| name.keys().first())
        .map(|key| key.text())
        .unwrap_or_default()
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

/// Builds indexes of made-up names and asks them for variants of what they hold.
pub(crate) fn measure() -> Vec<Bar> {
    println!("## Search among made-up names\n");
    println!(
        "| names | set | keys made | built | bytes a name | search p50 | p99 | slowest | compare \
         with 5, p50 | recall@5 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut bars = Vec::new();
    for size in SIZES {
        bars.extend(run("any", size, MadeUp::new(1, size)));
        bars.extend(run(
            "sharing first words",
            size,
            MadeUp::sharing_first_words(2, size),
        ));
    }
    bars
}

fn run(set: &str, size: usize, mut source: MadeUp) -> Vec<Bar> {
    let names: Vec<String> = (0..size).map(|_| source.name()).collect();
    let started = Instant::now();
    let profiles: Vec<Prepared> = names.iter().map(|name| profile("known", name)).collect();
    let prepared = started.elapsed();
    let started = Instant::now();
    let index = Index::build((0..).zip(&profiles));
    let built = started.elapsed();
    let asked: Vec<(usize, Prepared)> = (0..QUERIES)
        .map(|_| {
            let at = source.below(size);
            (at, profile("asked", &source.variant(&names[at])))
        })
        .collect();
    let (mut searches, mut compared, mut hits) = (Vec::new(), Vec::new(), 0);
    for (at, query) in &asked {
        let started = Instant::now();
        let found = black_box(index.search(query, 5));
        searches.push(started.elapsed());
        let started = Instant::now();
        for (account, _) in &found {
            black_box(compare(query, &profiles[*account as usize]));
        }
        compared.push(started.elapsed());
        let wanted = key(&profiles[*at]);
        hits += usize::from(
            found
                .iter()
                .any(|(account, _)| key(&profiles[*account as usize]) == wanted),
        );
    }
    searches.sort();
    compared.sort();
    let bytes = index.bytes() / size;
    let of = |part: usize| searches[(QUERIES * part / 1000).min(QUERIES - 1)];
    println!(
        "| {size} | {set} | {} | {} | {bytes} | {} | {} | {} | {} | {:.4} |",
        time(prepared),
        time(built),
        time(of(500)),
        time(of(990)),
        time(of(999)),
        time(compared[QUERIES / 2]),
        share(hits),
    );
    if size != SIZES[SIZES.len() - 1] {
        return Vec::new();
    }
    vec![
        Bar::new(
            format!("search in {size}, {set}: p50 <= 0.3 ms, p99 <= 3 ms"),
            format!("{}, {}", time(of(500)), time(of(990))),
            of(500) <= Duration::from_micros(300) && of(990) <= Duration::from_millis(3),
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
    ]
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
