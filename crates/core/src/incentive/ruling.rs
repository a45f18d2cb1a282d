//! What people have ruled about an award, beside what its facts come to.
//!
//! It is kept with the award, oldest first. What a field that is added later needs is a serde default,
//! so that what was ruled before it stays readable.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{Actor, Timestamp};

/// What was ruled about an award, in the order in which it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Rulings(pub Vec<Ruling>);

/// One ruling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Which of the award's postings wrote it into the ledger, if it moved anything.
    pub posting: i64,
    /// What was ruled.
    pub kind: RulingKind,
    /// How much, in minor units. An adjustment takes off where it is below zero.
    pub minor: i64,
    /// What the award came to by its facts when it was ruled.
    pub entitled_minor: i64,
    /// Why, in a word that reports can count.
    pub reason_code: String,
    /// When.
    pub time: Timestamp,
    /// Who added something: somebody else approves the award.
    #[serde(default)]
    pub prepared_by: Option<Actor>,
}

/// What can be ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RulingKind {
    /// The last of what the award came to then is not paid.
    Rejected,
    /// So much more or less of it is due, whatever it comes to.
    Adjusted,
}

impl Rulings {
    /// How many there may be of one award: they are read with it each time it is computed.
    pub const MOST: usize = 100;

    /// Adds a ruling.
    pub fn add(&mut self, ruling: Ruling) {
        self.0.push(ruling);
    }

    /// Forgets the rejection that a posting wrote into the ledger.
    pub fn forget(&mut self, posting: i64) {
        let is_it =
            |ruling: &Ruling| ruling.kind == RulingKind::Rejected && ruling.posting == posting;
        self.0.retain(|ruling| !is_it(ruling));
    }
}
