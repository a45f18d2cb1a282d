//! Two directories of restaurants, with their addresses and phones, and which are in both.

use std::{collections::BTreeSet, error::Error, fmt, path::Path};

use trellis_matching::{Address, Level, Match, Prepared, Profile, Rules, compare_by};

use crate::{Bar, pairs::Tier};

pub(crate) struct Measured {
    /// With no country known, and with one and the same for all.
    without_country: Outcome,
    with_country: Outcome,
}

#[derive(Default)]
struct Outcome {
    automatic: Tier,
    review: Tier,
    wrong: Vec<(String, Match)>,
    /// Pairs of one directory, whose rows are all different, that are merged without asking.
    merged: Vec<String>,
}

fn read(data: &Path, name: &str, country: Option<&str>) -> Result<Vec<Prepared>, Box<dyn Error>> {
    let rows = csv::Reader::from_path(data.join(format!("{name}.csv")))?.into_records();
    rows.map(|row| {
        let row = row?;
        let column = |at: usize| row.get(at).unwrap_or_default().to_owned();
        Ok(Prepared::new(Profile {
            id: format!("{name}/{}", column(0)),
            legal_name: column(1),
            country: country.map(str::to_owned),
            address: Address {
                street: Some(column(2)),
                city: Some(column(3)),
                postal_code: None,
            },
            phone: Some(column(4)),
            ..Profile::default()
        }))
    })
    .collect()
}

fn labels(data: &Path) -> Result<BTreeSet<(String, String)>, Box<dyn Error>> {
    let rows = csv::Reader::from_path(data.join("matches_fodors_zagats.csv"))?.into_records();
    rows.map(|row| {
        let row = row?;
        let id = |name, at: usize| format!("{name}/{}", row.get(at).unwrap_or_default());
        Ok((id("fodors", 0), id("zagats", 1)))
    })
    .collect()
}

pub(crate) fn measure(rules: &Rules, data: &Path) -> Result<Measured, Box<dyn Error>> {
    let labels = labels(data)?;
    let outcome = |country| -> Result<Outcome, Box<dyn Error>> {
        let (left, right) = (
            read(data, "fodors", country)?,
            read(data, "zagats", country)?,
        );
        Ok(judge(rules, &left, &right, &labels))
    };
    Ok(Measured {
        without_country: outcome(None)?,
        with_country: outcome(Some("US"))?,
    })
}

fn judge(
    rules: &Rules,
    left: &[Prepared],
    right: &[Prepared],
    labels: &BTreeSet<(String, String)>,
) -> Outcome {
    let mut outcome = Outcome::default();
    for (one, other) in left
        .iter()
        .flat_map(|one| right.iter().map(move |other| (one, other)))
    {
        let is_match = labels.contains(&(one.profile().id.clone(), other.profile().id.clone()));
        let found = compare_by(rules, one, other);
        outcome
            .automatic
            .count(is_match, found.level >= Level::Same);
        outcome
            .review
            .count(is_match, found.level >= Level::Probable);
        if is_match != (found.level >= Level::Probable) {
            let [one, other] = [one, other].map(|profile| &profile.profile().legal_name);
            outcome.wrong.push((format!("{one} | {other}"), found));
        }
    }
    for list in [left, right] {
        for (at, one) in list.iter().enumerate() {
            for other in list.iter().take(at) {
                if compare_by(rules, one, other).level.is_automatic() {
                    let [one, other] = [one, other].map(|profile| &profile.profile().legal_name);
                    outcome.merged.push(format!("{one} | {other}"));
                }
            }
        }
    }
    outcome
}

impl Measured {
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let mut bars = Vec::new();
        for (name, outcome) in self.outcomes() {
            let (recall, precision) = (outcome.review.recall(), outcome.review.precision());
            bars.push(Bar::new(
                format!("restaurants, {name}: recall >= .97 at precision >= .99"),
                format!("{recall:.3} at {precision:.3}"),
                recall >= 0.97 && precision >= 0.99,
            ));
            let merged = outcome.merged.len() + outcome.automatic.wrong;
            bars.push(Bar::new(
                format!("restaurants, {name}: no two merged without asking"),
                merged.to_string(),
                merged == 0,
            ));
        }
        bars
    }

    fn outcomes(&self) -> [(&'static str, &Outcome); 2] {
        [
            ("no country", &self.without_country),
            ("one country", &self.with_country),
        ]
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "## Two directories of restaurants\n")?;
        writeln!(
            out,
            "| rows | tier | precision | recall | matches taken | others taken |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|")?;
        for (name, outcome) in self.outcomes() {
            writeln!(out, "| {name} | automatic | {}", outcome.automatic)?;
            writeln!(out, "| {name} | review | {}", outcome.review)?;
        }
        writeln!(out, "\nTaken or left wrongly:\n")?;
        for (name, outcome) in self.outcomes() {
            for (names, found) in &outcome.wrong {
                let (level, rule) = (found.level.name(), found.rule.name());
                writeln!(out, "* {name}: {names}: {level} {} {rule}", found.score)?;
            }
            for names in &outcome.merged {
                writeln!(out, "* {name}: merged within one directory: {names}")?;
            }
        }
        Ok(())
    }
}
