//! How well companies are recognised on labelled data, which lies in the folder `matching` of the
//! one that `TRELLIS_TEST_DATA` names and is no part of this tree. `make bench-matching` prints
//! what is behind the figures.

#[path = "../examples/bench_matching/pairs.rs"]
mod pairs;
#[path = "../examples/bench_matching/restaurants.rs"]
mod restaurants;

use std::path::PathBuf;

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

#[test]
fn labelled_pairs_of_names_are_told_apart() {
    if let Some(data) = data() {
        hold(pairs::measure(&data).expect("the data is whole").bars());
    }
}

#[test]
fn restaurants_of_two_directories_are_found() {
    if let Some(data) = data() {
        hold(
            restaurants::measure(&data)
                .expect("the data is whole")
                .bars(),
        );
    }
}
