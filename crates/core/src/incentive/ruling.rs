//! What people have ruled about an award, beside what its facts come to.
//!
//! It is kept with the award, oldest first. What a field that is added later needs is a serde default,
//! so that what was ruled before it stays readable.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What was ruled about an award, in the order in which it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Rulings(pub Vec<Ruling>);

/// One ruling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Which of the award's postings wrote it into the ledger.
    pub posting: i64,
    /// What was ruled.
    pub kind: RulingKind,
    /// How much, in minor units.
    pub minor: i64,
    /// What the award came to by its facts when it was ruled.
    pub entitled_minor: i64,
    /// Why, in a word that reports can count.
    pub reason_code: String,
    /// When.
    pub time: Timestamp,
}

/// What can be ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RulingKind {
    /// The last of what the award came to then is not paid.
    Rejected,
}

impl Rulings {
    /// Adds a ruling.
    pub fn add(&mut self, ruling: Ruling) {
        self.0.push(ruling);
    }

    /// Forgets the ruling that a posting wrote into the ledger.
    pub fn forget(&mut self, posting: i64) {
        self.0.retain(|ruling| ruling.posting != posting);
    }
}
