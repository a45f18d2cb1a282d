//! Measures how well and how fast companies are recognised, and prints tables in Markdown.
//!
//! What is labelled lies in the folder that `TRELLIS_TEST_DATA` names, and is no part of this tree.
//! Names for the search are made up, from a seed. Ends with 1 if a bar is missed.

#![expect(
    clippy::indexing_slicing,
    reason = "a measurement that is wrong may stop"
)]

mod companies;
mod made_up;
mod pairs;
mod restaurants;
mod search;

use std::{env, error::Error, path::PathBuf, process::ExitCode};

use trellis_matching::Rules;

/// A figure and what it has to be.
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) holds: bool,
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

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rules = Rules::default();
    let mut bars = Vec::new();
    match env::var_os("TRELLIS_TEST_DATA") {
        Some(data) => {
            let data = PathBuf::from(data).join("matching");
            let measured = pairs::measure(&rules, &data)?;
            println!("{measured}");
            bars.extend(measured.bars());
            let measured = restaurants::measure(&rules, &data)?;
            println!("{measured}");
            bars.extend(measured.bars());
            let found = search::aliases(&pairs::read(&data)?);
            println!("{found}");
            bars.extend(found.bars());
        }
        None => println!("NOT MEASURED: TRELLIS_TEST_DATA does not say where labelled data is\n"),
    }
    let told = companies::measure(&rules, 1_000);
    println!("{told}");
    bars.extend(told.bars());
    bars.extend(search::measure()?);
    println!("## Bars\n\n| bar | measured | |\n|---|---|---|");
    for Bar {
        what,
        figure,
        holds,
    } in &bars
    {
        println!(
            "| {what} | {figure} | {} |",
            if *holds { "pass" } else { "FAIL" }
        );
    }
    let is_missed = bars.iter().any(|bar| !bar.holds);
    Ok(if is_missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
