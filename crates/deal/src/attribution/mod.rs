//! Who gets how much of the credit for a deal, by several models side by side. Pure.
//!
//! This is reporting. What a partner is paid follows from the plans of its program and from nothing
//! here: a contract has one split, and a report as many views as somebody asks for.
//!
//! A model weighs touches with whole numbers; [`trellis_core::allocate`] makes shares of them. So
//! the shares always add up to the whole: each is cut, and what is left goes, one by one, to those
//! that were cut the most, of equals to the earlier touch. Touches are in the order of their times,
//! of their kinds, of their partners and of their sources, so that the order in which they were
//! found never matters.
//!
//! * [`position`] holds the models that go by the place of a touch.
//! * [`decay`] holds the one that goes by its age.
//! * [`parts`] holds the one that goes by the parts of the partners.

pub mod decay;
pub mod parts;
pub mod position;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use trellis_core::{PartnerId, Timestamp, allocate};
use trellis_store::deal::part::EvidenceKind;

use parts::{Part, Weights};

/// All of a deal, in basis points.
pub const WHOLE: i64 = 10_000;

/// A moment at which a partner had to do with a deal before it was closed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// When.
    pub time: Timestamp,
    /// What it was.
    pub kind: EvidenceKind,
    /// Whose.
    pub partner: PartnerId,
    /// The id of the registration or the lead that it is, or else nothing.
    pub source: Option<String>,
}

/// A way to share the credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// The same to every touch.
    Linear,
    /// 40 percent to the first and to the last touch, the rest to those between.
    UShaped,
    /// 30 percent to the first touch, to the claim and to the one that made the deal; the rest to
    /// the others.
    WShaped,
    /// The later, the more.
    TimeDecay,
    /// By the parts of the partners.
    RoleWeighted,
}

impl Model {
    /// Every model, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::First,
        Self::Last,
        Self::Linear,
        Self::UShaped,
        Self::WShaped,
        Self::TimeDecay,
        Self::RoleWeighted,
    ];
}

/// What the models can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// After how long a touch counts half.
    pub half_life: Duration,
    /// What each part weighs.
    pub weights: Weights,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            half_life: Duration::from_secs(30 * 86_400),
            weights: Weights::default(),
        }
    }
}

/// What is known of a deal that credit is shared for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The touches, in their order.
    pub touches: Vec<Touch>,
    /// Who played which part.
    pub parts: Vec<Part>,
    /// When the deal was made.
    pub create_time: Timestamp,
}

/// The credit of one partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The partner.
    pub partner: PartnerId,
    /// Its share, in basis points.
    pub basis_points: i64,
    /// Its share of what the deal is worth, in minor units.
    pub amount_minor: i64,
}

/// How a model shares the credit for a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// The share of each touch, in basis points; nothing when the model goes by parts.
    pub touches: Vec<i64>,
    /// The partners, by their ids. Without any there was nobody to credit.
    pub credits: Vec<Credit>,
}

/// Shares the credit for a deal that is worth so much.
#[must_use]
pub fn share(model: Model, journey: &Journey, amount_minor: i64, settings: &Settings) -> Shared {
    let touches = &journey.touches;
    let weights = match model {
        Model::First => position::first(touches.len()),
        Model::Last => position::last(touches.len()),
        Model::Linear => position::linear(touches.len()),
        Model::UShaped => position::u_shaped(touches.len()),
        Model::WShaped => position::w_shaped(touches, journey.create_time),
        Model::TimeDecay => decay::weights(touches, settings.half_life),
        Model::RoleWeighted => {
            return Shared {
                touches: Vec::new(),
                credits: credits(
                    parts::share(WHOLE, &journey.parts, settings.weights),
                    parts::share(amount_minor, &journey.parts, settings.weights),
                ),
            };
        }
    };
    let points = allocate(WHOLE, &weights);
    let amounts = allocate(amount_minor, &weights);
    let whose = || touches.iter().map(|touch| touch.partner.clone());
    Shared {
        credits: credits(
            whose().zip(points.iter().copied()).collect(),
            whose().zip(amounts).collect(),
        ),
        touches: points,
    }
}

/// Shares of the whole and of what it is worth, gathered by partner.
fn credits(points: Vec<(PartnerId, i64)>, amounts: Vec<(PartnerId, i64)>) -> Vec<Credit> {
    let mut gathered: BTreeMap<PartnerId, (i64, i64)> = BTreeMap::new();
    for (partner, points) in points {
        gathered.entry(partner).or_default().0 += points;
    }
    for (partner, amount) in amounts {
        gathered.entry(partner).or_default().1 += amount;
    }
    gathered
        .into_iter()
        .map(|(partner, (basis_points, amount_minor))| Credit {
            partner,
            basis_points,
            amount_minor,
        })
        .collect()
}
