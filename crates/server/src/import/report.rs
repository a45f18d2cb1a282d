//! What became of an import, for people and for programs.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::batch::Fate;
use super::kind::Kind;

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything was only checked.
    pub dry_run: bool,
    /// Each kind, in the order in which they were imported.
    pub kinds: Vec<Part>,
}

/// What became of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The kind.
    pub kind: Kind,
    /// How many rows became what.
    #[serde(flatten)]
    pub tally: Tally,
    /// How many partners were enrolled in the program that was asked for. Those that were in it
    /// already are unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolled: Option<Tally>,
    /// The file with the rows that were rejected, if any were.
    pub rejects: Option<PathBuf>,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many there were.
    pub rows: u64,
    /// How many made something new.
    pub created: u64,
    /// How many changed something.
    pub updated: u64,
    /// How many found everything as they say.
    pub unchanged: u64,
    /// How many were refused.
    pub rejected: u64,
}

impl Tally {
    pub(super) fn count(&mut self, fate: &Fate) {
        self.rows += 1;
        match fate {
            Fate::Created(_) => self.created += 1,
            Fate::Updated(_) => self.updated += 1,
            Fate::Unchanged(_) => self.unchanged += 1,
            Fate::Rejected(_) => self.rejected += 1,
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            created: self.created + other.created,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            rejected: self.rejected + other.rejected,
        }
    }
}

impl Report {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> Tally {
        let parts = self.kinds.iter().map(|part| part.tally);
        parts.fold(Tally::default(), Tally::add)
    }
}

fn seconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<11} {:>10} {:>10} {:>10} {:>10} {:>10} {:>9}",
            "", "rows", "created", "updated", "unchanged", "rejected", "seconds"
        )?;
        let mut line = |name: &str, tally: Tally, took: Duration| {
            let [rows, created, updated, unchanged, rejected] = [
                tally.rows,
                tally.created,
                tally.updated,
                tally.unchanged,
                tally.rejected,
            ]
            .map(grouped);
            let seconds = took.as_secs_f64();
            writeln!(
                f,
                "{name:<11} {rows:>10} {created:>10} {updated:>10} {unchanged:>10} \
                 {rejected:>10} {seconds:>9.1}"
            )
        };
        for part in &self.kinds {
            line(part.kind.plural(), part.tally, part.took)?;
            if let Some(enrolled) = part.enrolled {
                line("enrolments", enrolled, Duration::ZERO)?;
            }
        }
        let took = self.kinds.iter().map(|part| part.took).sum();
        line("total", self.total(), took)?;
        self.conclude(f)
    }
}

impl Report {
    /// What the numbers mean.
    fn conclude(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            rows,
            created,
            updated,
            unchanged: _,
            rejected,
        } = self.total();
        writeln!(f)?;
        if self.dry_run {
            writeln!(f, "This was a dry run: nothing was changed.")?;
        } else if rows == 0 {
            writeln!(f, "There were no rows.")?;
        } else if created == 0 && updated == 0 && rejected == 0 {
            writeln!(f, "Nothing has changed: everything was there already.")?;
        }
        for part in &self.kinds {
            if let Some(rejects) = &part.rejects {
                writeln!(
                    f,
                    "{} rejected {}: {}",
                    grouped(part.tally.rejected),
                    if part.tally.rejected == 1 {
                        part.kind.singular()
                    } else {
                        part.kind.plural()
                    },
                    rejects.display()
                )?;
            }
        }
        if rejected > 0 {
            writeln!(
                f,
                "Mend the rows, as their column trellis_reason says, and import that folder with \
                 the same mapping."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tally: Tally, rejects: Option<&str>, dry_run: bool) -> Report {
        let part = Part {
            kind: Kind::Deals,
            tally,
            enrolled: None,
            rejects: rejects.map(PathBuf::from),
            took: Duration::from_millis(1_250),
        };
        let kinds = vec![part];
        Report { dry_run, kinds }
    }

    #[test]
    fn a_report_is_a_table_and_what_it_means() {
        let tally = Tally {
            rows: 8_800,
            created: 8_798,
            rejected: 2,
            ..Tally::default()
        };
        let report = report(tally, Some("rejects/deals.rejected.csv"), false);
        assert_eq!(
            report.to_string(),
            "                  rows    created    updated  unchanged   rejected   seconds
deals            8,800      8,798          0          0          2       1.2
total            8,800      8,798          0          0          2       1.2

2 rejected deals: rejects/deals.rejected.csv
Mend the rows, as their column trellis_reason says, and import that folder with the same mapping.
"
        );
    }

    #[test]
    fn a_run_that_changes_nothing_says_so() {
        let tally = Tally {
            rows: 3,
            unchanged: 3,
            ..Tally::default()
        };
        let told = report(tally, None, false).to_string();
        assert!(
            told.ends_with("\nNothing has changed: everything was there already.\n"),
            "{told}"
        );
        let told = report(tally, None, true).to_string();
        assert!(
            told.ends_with("\nThis was a dry run: nothing was changed.\n"),
            "{told}"
        );
        let told = report(Tally::default(), None, false).to_string();
        assert!(told.ends_with("\nThere were no rows.\n"), "{told}");
    }

    #[test]
    fn programs_read_the_same_numbers() {
        let tally = Tally {
            rows: 1,
            created: 1,
            ..Tally::default()
        };
        let json = serde_json::to_value(report(tally, None, false)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"dry_run": false, "kinds": [{
                "kind": "deals", "rows": 1, "created": 1, "updated": 0, "unchanged": 0,
                "rejected": 0, "rejects": null, "seconds": 1.25,
            }]})
        );
    }
}
