//! Who gets how much of the credit: for a deal, and for all that was won in a period. Reporting;
//! nothing is paid by it.
//!
//! A report reads in two statements, whatever was won: the deals, and the registrations and leads that
//! they came of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trellis_api::deal::v1 as pb;
use trellis_core::{Call, Currency, Date, DealId, PartnerId, Timestamp};
use trellis_store::deal::deal::{self, Entity, Model, PartnerRole, Role, Stage};
use trellis_store::deal::origin::{self, Origin};
use trellis_store::deal::part::EvidenceKind;
use trellis_store::{Store, record};

use super::convert::{wire_attribution, wire_report};
use crate::attribution::parts::Part;
use crate::attribution::{self, Journey, Settings, Shared, Touch};
use crate::{Error, absent};

/// Asks who gets the credit for a deal.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The deal.
    pub deal: DealId,
    /// By which models.
    pub models: Vec<attribution::Model>,
    /// What the models are told.
    pub settings: Settings,
}

/// Asks who gets the credit for what was won in a period.
#[derive(Clone, Debug)]
pub struct Report {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// By which model.
    pub model: attribution::Model,
    /// What the model is told.
    pub settings: Settings,
}

/// The credit for a deal.
#[derive(Clone, Debug)]
pub struct Attributed {
    /// What is shared, if anybody has said.
    pub currency: Option<Currency>,
    /// The touches, in their order.
    pub touches: Vec<Touch>,
    /// How each model that was asked for shares the credit.
    pub shared: Vec<(attribution::Model, Shared)>,
}

/// Answers who gets how much of the credit for a deal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(
    store: &Store,
    call: Call,
    Asked {
        deal,
        models,
        settings,
    }: Asked,
) -> Result<pb::GetAttributionResponse, Error> {
    let view = store.read(&call).await?;
    let deal = record::find::<Entity>(&view, &deal)
        .await?
        .ok_or_else(|| absent(&view, &deal))?;
    let origins = origin::of_deal(&view.whole(), &deal.id).await?;
    let journey = journey(&deal, origins);
    let amount = deal.amount_minor.unwrap_or(0);
    let shared = models
        .into_iter()
        .map(|model| {
            (
                model,
                attribution::share(model, &journey, amount, &settings),
            )
        })
        .collect();
    let attributed = Attributed {
        currency: deal.currency,
        touches: journey.touches,
        shared,
    };
    Ok(wire_attribution(view.ecosystem(), attributed))
}

/// What is known of a deal that credit is shared for.
fn journey(deal: &Model, origins: Vec<Origin>) -> Journey {
    let mut touches: BTreeMap<(PartnerId, String), Touch> = BTreeMap::new();
    // A registration and a lead are one touch, whether or not a part names them as its evidence.
    let origins = origins.into_iter().map(|origin| Touch {
        time: Timestamp::from_micros(origin.time),
        kind: if origin.is_lead {
            EvidenceKind::Lead
        } else {
            EvidenceKind::Registration
        },
        partner: origin.partner,
        source: Some(origin.source),
    });
    let said = deal.roles.0.iter().flat_map(|role| {
        role.evidence.iter().map(|one| Touch {
            time: one.time,
            kind: one.kind,
            partner: role.partner.clone(),
            source: one
                .registration
                .as_ref()
                .map(|id| id.as_str().to_owned())
                .or_else(|| one.lead.as_ref().map(|id| id.as_str().to_owned())),
        })
    });
    for touch in origins.chain(said) {
        // The same evidence of two parts of a partner is one touch.
        let what = match &touch.source {
            Some(source) => format!("{:?} {source}", touch.kind),
            None => format!("{:?} at {}", touch.kind, touch.time.micros()),
        };
        touches
            .entry((touch.partner.clone(), what))
            .or_insert(touch);
    }
    let mut touches: Vec<Touch> = touches.into_values().collect();
    touches.sort();
    Journey {
        touches,
        parts: deal.roles.0.iter().map(|role| part(deal, role)).collect(),
        create_time: deal.create_time,
    }
}

/// A part with what its lines are worth.
fn part(deal: &Model, role: &PartnerRole) -> Part {
    let lines = deal.lines.0.iter();
    let fulfilled = lines
        .filter(|line| role.products.is_empty() || role.products.contains(&line.product))
        .filter_map(|line| line.amount_minor)
        .fold(0_u64, |sum, minor| sum.saturating_add(minor.unsigned_abs()));
    Part {
        partner: role.partner.clone(),
        role: role.role,
        worth: if role.role == Role::Fulfil {
            fulfilled
        } else {
            0
        },
    }
}

/// What one partner, or all, have to do with what was won, in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many deals.
    pub deals: i64,
    /// The credit, in minor units.
    pub attributed: i128,
    /// What was won in deals that were sourced.
    pub sourced: i128,
    /// What was won in deals that were influenced.
    pub influenced: i128,
    /// What was won in deals that were one or the other.
    pub either: i128,
    /// What was won.
    pub won: i128,
}

/// The credit for what was won in a period.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    /// By partner and currency.
    pub rows: BTreeMap<(PartnerId, Currency), Sums>,
    /// By currency.
    pub totals: BTreeMap<Currency, Sums>,
}

/// Answers who gets how much of the credit for what was won in a period.
///
/// # Errors
/// `INTERNAL` when an amount is more than can be counted.
pub async fn report(
    store: &Store,
    call: Call,
    asked: Report,
) -> Result<pb::ReportAttributionResponse, Error> {
    let view = store.read(&call).await?;
    let deals = deal::won_between(&view, asked.from, asked.until).await?;
    let mut origins: HashMap<DealId, Vec<Origin>> = HashMap::new();
    for (deal, origin) in origin::of_won(&view.whole(), asked.from, asked.until).await? {
        origins.entry(deal).or_default().push(origin);
    }
    let mut reported = Reported::default();
    for deal in &deals {
        let journey = journey(deal, origins.remove(&deal.id).unwrap_or_default());
        reported.add(deal, &journey, &asked);
    }
    wire_report(view.ecosystem(), reported).map_err(|error| {
        Error::Store(trellis_store::Error::Corrupt {
            table: "deals",
            what: error.to_string(),
        })
    })
}

impl Reported {
    fn add(&mut self, deal: &Model, journey: &Journey, asked: &Report) {
        let Some((minor, currency)) = deal.amount_minor.zip(deal.currency) else {
            return;
        };
        debug_assert_eq!(deal.stage, Stage::Won);
        let amount = i128::from(minor);
        let shared = attribution::share(asked.model, journey, minor, &asked.settings);
        let credits: BTreeMap<&PartnerId, i64> = shared
            .credits
            .iter()
            .map(|credit| (&credit.partner, credit.amount_minor))
            .collect();
        let have = |role: fn(Role) -> bool| -> BTreeSet<&PartnerId> {
            let held = deal.roles.0.iter().filter(|held| role(held.role));
            held.map(|held| &held.partner).collect()
        };
        let sourced = have(|role| role == Role::Sourced);
        let influenced = have(|role| matches!(role, Role::Influenced | Role::CoSell));
        let all: BTreeSet<&PartnerId> = credits
            .keys()
            .copied()
            .chain(deal.roles.0.iter().map(|held| &held.partner))
            .collect();
        for partner in all {
            let key = (partner.clone(), currency);
            self.rows.entry(key).or_default().count(
                amount,
                credits.get(partner).copied().unwrap_or(0).into(),
                sourced.contains(partner),
                influenced.contains(partner),
            );
        }
        self.totals.entry(currency).or_default().count(
            amount,
            credits.values().copied().map(i128::from).sum(),
            !sourced.is_empty(),
            !influenced.is_empty(),
        );
    }
}

impl Sums {
    fn count(&mut self, amount: i128, attributed: i128, sourced: bool, influenced: bool) {
        let if_so = |holds| if holds { amount } else { 0 };
        self.deals += 1;
        self.attributed += attributed;
        self.sourced += if_so(sourced);
        self.influenced += if_so(influenced);
        self.either += if_so(sourced || influenced);
        self.won += amount;
    }
}
