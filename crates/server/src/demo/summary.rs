//! What the demonstration came to.

use std::fmt;

use serde::Serialize;
use trellis_api::google::r#type::Money;

/// The whole journey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The ecosystem that it lived in.
    pub ecosystem: String,
    /// What happened, pillar by pillar.
    pub pillars: Vec<Pillar>,
    /// How one award was computed, to the cent.
    pub explanation: Vec<String>,
    /// The partner's statement.
    pub statement: Vec<(String, String)>,
    /// The trial balance: class, debits, credits.
    pub trial_balance: Vec<(String, String, String)>,
    /// Whether debits and credits are equal, and every check of the ledger holds.
    pub sound: bool,
    /// The names of what was made, to look at.
    pub names: Names,
}

/// Resources to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The partner that won.
    pub partner: String,
    /// The deal that was won.
    pub deal: String,
    /// Its award.
    pub award: String,
    /// The payout batch.
    pub batch: String,
}

/// One part of running an ecosystem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pillar {
    /// Its name.
    pub name: String,
    /// What happened in it.
    pub steps: Vec<Step>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The method that was called.
    pub method: String,
    /// What came of it.
    pub result: String,
}

impl Summary {
    /// Begins a pillar.
    pub(super) fn pillar(&mut self, name: &str) {
        self.pillars.push(Pillar {
            name: name.to_owned(),
            steps: Vec::new(),
        });
    }

    /// Tells one step of the pillar that was begun last.
    pub(super) fn step(&mut self, method: &str, result: impl Into<String>) {
        if let Some(pillar) = self.pillars.last_mut() {
            pillar.steps.push(Step {
                method: method.to_owned(),
                result: result.into(),
            });
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "The journey of {}", self.ecosystem)?;
        for Pillar { name, steps } in &self.pillars {
            writeln!(to, "\n{name}")?;
            for Step { method, result } in steps {
                writeln!(to, "  {method:<24} {result}")?;
            }
        }
        writeln!(to, "\nHow the award was computed")?;
        for line in &self.explanation {
            writeln!(to, "  {line}")?;
        }
        writeln!(to, "\nThe partner's statement")?;
        for (what, amount) in &self.statement {
            writeln!(to, "  {what:<24} {amount:>18}")?;
        }
        writeln!(to, "\nTrial balance")?;
        writeln!(to, "  {:<24} {:>18} {:>18}", "class", "debits", "credits")?;
        for (class, debits, credits) in &self.trial_balance {
            writeln!(to, "  {class:<24} {debits:>18} {credits:>18}")?;
        }
        let verdict = if self.sound {
            "every check holds"
        } else {
            "NOT SOUND"
        };
        writeln!(to, "  The ledger was verified: {verdict}.")
    }
}

/// An amount as people write it: `1,234.50 USD`.
pub(super) fn amount(money: Option<&Money>) -> String {
    let Some(money) = money else {
        return "-".to_owned();
    };
    match trellis_api::money::read(money) {
        Ok(money) => money.to_string(),
        Err(_) => format!("{} {}", money.units, money.currency_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_every_step_and_the_verdict() {
        let mut summary = Summary {
            ecosystem: "ecosystems/demo".into(),
            ..Summary::default()
        };
        summary.pillar("Recruit");
        summary.step("InvitePartner", "Nimbus is INVITED");
        let text = summary.to_string();
        assert!(
            text.contains("Recruit\n  InvitePartner            Nimbus is INVITED"),
            "{text}"
        );
        assert!(text.contains("NOT SOUND"), "{text}");
        summary.sound = true;
        assert!(summary.to_string().contains("every check holds"));
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        let money = Money {
            currency_code: "USD".into(),
            units: 1_234,
            nanos: 500_000_000,
        };
        assert_eq!(amount(Some(&money)), "1,234.50 USD");
        assert_eq!(amount(None), "-");
    }
}
