//! How well companies are recognised on labelled data, which lies in the folder `matching` of the
//! one that `TRELLIS_TEST_DATA` names and is no part of this tree. `make bench-matching` prints
//! what is behind the figures.

#[path = "../examples/bench_matching/companies.rs"]
mod companies;
#[expect(dead_code, reason = "the search asks for more than names")]
#[expect(
    clippy::indexing_slicing,
    reason = "a measurement that is wrong may stop"
)]
#[path = "../examples/bench_matching/made_up.rs"]
mod made_up;
#[path = "../examples/bench_matching/pairs.rs"]
mod pairs;
#[path = "../examples/bench_matching/restaurants.rs"]
mod restaurants;

use std::path::PathBuf;

use trellis_matching::Rules;

/// A figure and what it has to be.
pub(crate) struct Bar {
    what: String,
    figure: String,
    holds: bool,
}

impl Bar {
    pub(crate) fn new(what: impl Into<String>, figure: impl Into<String>, holds: bool) -> Self {
        Self {
            what: what.into(),
            figure: figure.into(),
            holds,
        }
    }
}

fn hold(bars: Vec<Bar>) {
    assert!(!bars.is_empty());
    for Bar {
        what,
        figure,
        holds,
    } in bars
    {
        eprintln!("{what}: {figure}");
        assert!(holds, "{what}: {figure}");
    }
}

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("TRELLIS_TEST_DATA");
    if data.is_none() {
        eprintln!("NOT TESTED: TRELLIS_TEST_DATA does not say where labelled data is");
    }
    data.map(|data| PathBuf::from(data).join("matching"))
}

/// The bars that are missed, in words.
fn missed(bars: Vec<Bar>) -> Vec<String> {
    let missed = bars.into_iter().filter(|bar| !bar.holds);
    missed
        .map(|bar| format!("{}: {}", bar.what, bar.figure))
        .inspect(|missed| eprintln!("{missed}"))
        .collect()
}

#[test]
fn labelled_pairs_of_names_are_told_apart() {
    let Some(data) = data() else { return };
    let measure = |rules: &Rules| {
        pairs::measure(rules, &data)
            .expect("the data is whole")
            .bars()
    };
    hold(measure(&Rules::default()));
    let careless = Rules {
        similar: 600,
        ..Rules::default()
    };
    let missed = missed(measure(&careless));
    assert!(
        missed
            .iter()
            .any(|bar| bar.starts_with("labelled pairs: others sent to review")),
        "{missed:?}"
    );
}

#[test]
fn restaurants_of_two_directories_are_found() {
    let Some(data) = data() else { return };
    let measure = |rules: &Rules| {
        restaurants::measure(rules, &data)
            .expect("the data is whole")
            .bars()
    };
    hold(measure(&Rules::default()));
    let careless = Rules {
        similar: 600,
        ..Rules::default()
    };
    let missed = missed(measure(&careless));
    assert!(
        missed
            .iter()
            .any(|bar| bar.contains("recall >= .97 at precision >= .99")),
        "{missed:?}"
    );
}

#[test]
fn companies_that_are_two_are_not_merged() {
    const NAMES: usize = 100;
    hold(companies::measure(&Rules::default(), NAMES).bars());
    for (rules, expected) in [
        (
            Rules {
                same_needs_class: false,
                ..Rules::default()
            },
            "made-up companies, another legal class",
        ),
        (
            Rules {
                same_needs_country: false,
                ..Rules::default()
            },
            "made-up companies, another country",
        ),
    ] {
        let missed = missed(companies::measure(&rules, NAMES).bars());
        assert!(
            matches!(&missed[..], [bar] if bar.starts_with(expected)),
            "{missed:?}"
        );
    }
}
