//! Pairs of names that people labelled as one organisation or two.

use std::{collections::BTreeMap, error::Error, fmt, path::Path};

use trellis_matching::{Level, Match, Prepared, Profile, Rules, compare_by};

use crate::Bar;

/// A labelled pair.
pub(crate) struct Pair {
    pub(crate) names: [String; 2],
    pub(crate) is_match: bool,
    quality: String,
    category: String,
}

/// A pair and what comes of it.
pub(crate) struct Judged {
    pair: Pair,
    found: Match,
}

/// What comes of all.
pub(crate) struct Measured(Vec<Judged>);

pub(crate) fn read(data: &Path) -> Result<Vec<Pair>, Box<dyn Error>> {
    let rows = csv::Reader::from_path(data.join("company_name_pairs.csv"))?.into_records();
    rows.map(|row| {
        let row = row?;
        let column = |at: usize| row.get(at).unwrap_or_default().to_owned();
        Ok(Pair {
            names: [column(2), column(3)],
            is_match: column(4) == "true",
            quality: column(5),
            category: column(6),
        })
    })
    .collect()
}

/// The labels say nothing of countries, so both are in one: that is harder than in none, because
/// then equal names are merged without asking.
pub(crate) fn profile(id: &str, name: &str) -> Prepared {
    Prepared::new(Profile {
        id: id.to_owned(),
        legal_name: name.to_owned(),
        country: Some("US".to_owned()),
        ..Profile::default()
    })
}

/// The words that a name is told by.
pub(crate) fn key(profile: &Prepared) -> String {
    profile
        .name()
        .and_then(|name| name.keys().first())
        .map(|key| key.text())
        .unwrap_or_default()
}

pub(crate) fn measure(rules: &Rules, data: &Path) -> Result<Measured, Box<dyn Error>> {
    let judged = read(data)?.into_iter().map(|pair| {
        let [one, other] = &pair.names;
        let found = compare_by(rules, &profile("one", one), &profile("other", other));
        Judged { pair, found }
    });
    Ok(Measured(judged.collect()))
}

/// Pairs that a tier takes for one organisation, by what they are.
#[derive(Default)]
pub(crate) struct Tier {
    pub(crate) right: usize,
    pub(crate) wrong: usize,
    pub(crate) matches: usize,
    pub(crate) others: usize,
}

impl Tier {
    pub(crate) fn count(&mut self, is_match: bool, is_taken: bool) {
        *(if is_match {
            &mut self.matches
        } else {
            &mut self.others
        }) += 1;
        match (is_match, is_taken) {
            (true, true) => self.right += 1,
            (false, true) => self.wrong += 1,
            (_, false) => {}
        }
    }

    pub(crate) fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    pub(crate) fn recall(&self) -> f64 {
        ratio(self.right, self.matches)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            right,
            wrong,
            matches,
            others,
        } = self;
        let (precision, recall) = (self.precision(), self.recall());
        write!(
            out,
            "{precision:.3} | {recall:.3} | {right} of {matches} | {wrong} of {others} |"
        )
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are small")]
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

impl Measured {
    fn tier(&self, least: Level, takes: impl Fn(&Pair) -> bool) -> Tier {
        let mut tier = Tier::default();
        for judged in self.0.iter().filter(|judged| takes(&judged.pair)) {
            tier.count(judged.pair.is_match, judged.found.level >= least);
        }
        tier
    }

    pub(crate) fn bars(&self) -> Vec<Bar> {
        let automatic = self.tier(Level::Same, |_| true);
        let review = self.tier(Level::Probable, |_| true);
        let asked = ratio(review.wrong, review.others);
        let figure = |value: f64| format!("{value:.3}");
        vec![
            Bar::new(
                "labelled pairs, automatic: precision >= .99",
                figure(automatic.precision()),
                automatic.precision() >= 0.99 && automatic.right > 0,
            ),
            Bar::new(
                "labelled pairs, review: recall >= .80",
                figure(review.recall()),
                review.recall() >= 0.80,
            ),
            Bar::new(
                "labelled pairs: others sent to review <= .25",
                figure(asked),
                asked <= 0.25,
            ),
        ]
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "## Labelled pairs of names\n")?;
        writeln!(
            out,
            "| rows | tier | precision | recall | matches taken | others taken |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|")?;
        let tiers = [("automatic", Level::Same), ("review", Level::Probable)];
        for (name, least) in tiers {
            writeln!(out, "| all | {name} | {}", self.tier(least, |_| true))?;
        }
        let group = |by: fn(&Pair) -> &str| -> BTreeMap<String, ()> {
            self.0
                .iter()
                .map(|judged| (by(&judged.pair).to_owned(), ()))
                .collect()
        };
        for quality in group(|pair| &pair.quality).keys() {
            for (name, least) in tiers {
                let tier = self.tier(least, |pair| pair.quality == *quality);
                writeln!(out, "| {quality} | {name} | {tier}")?;
            }
        }
        for category in group(|pair| &pair.category).keys() {
            let tier = self.tier(Level::Probable, |pair| pair.category == *category);
            let category = if category.is_empty() {
                "no category"
            } else {
                category
            };
            writeln!(out, "| {category} | review | {tier}")?;
        }
        writeln!(out, "\nTaken or left wrongly:\n")?;
        for Judged { pair, found } in &self.0 {
            if pair.is_match != (found.level >= Level::Probable) {
                let label = if pair.is_match { "one" } else { "two" };
                let [left, right] = &pair.names;
                let (level, rule) = (found.level.name(), found.rule.name());
                writeln!(
                    out,
                    "* {label}: {left} | {right}: {level} {} {rule}",
                    found.score
                )?;
            }
        }
        Ok(())
    }
}
