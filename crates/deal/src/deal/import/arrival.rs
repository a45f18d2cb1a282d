//! Where a row says that a deal stands, and how it gets there.

use serde_json::json;
use trellis_core::lifecycle::Named;
use trellis_core::{Date, TimeZone};
use trellis_store::Txn;
use trellis_store::deal::deal::{Model, Stage};
use trellis_store::deal::facts::Fact;
use trellis_store::event::{self, NewEvent};

use crate::Error;
use crate::deal::deals::{told, worth_of};
use crate::deal::moves::{close, won, won_fact};

/// Where a row says that a deal stands.
pub(super) struct Arrival {
    pub(super) stage: Stage,
    pub(super) close_date: Option<Date>,
    pub(super) lost_reason_code: Option<String>,
}

impl Arrival {
    /// Whether the deal stands elsewhere.
    pub(super) fn differs_from(&self, deal: &Model) -> bool {
        let why = &self.lost_reason_code;
        self.stage != deal.stage
            || self.close_date != deal.close_date
            || (why.is_some() && *why != deal.lost_reason_code)
    }

    /// The deal as it would stand, for comparing it.
    pub(super) fn stands_in(&self, mut deal: Model) -> Model {
        deal.stage = self.stage;
        deal.close_date = self.close_date;
        deal.lost_reason_code.clone_from(&self.lost_reason_code);
        deal
    }
}

/// Brings an open deal to where a row says that it stands, and reports the way.
pub(super) fn arrive(
    txn: &Txn,
    deal: &mut Model,
    to: Arrival,
    resource: &str,
) -> Result<(), Error> {
    let Arrival {
        stage,
        close_date,
        lost_reason_code,
    } = to;
    match (stage, close_date, worth_of(deal)) {
        (Stage::Won, Some(date), Some(amount)) => {
            close(deal, Stage::Won, date);
            won(deal, amount, TimeZone::utc().midnight(date));
            let event = Fact::Won(won_fact(deal)?).event(resource)?;
            event::append(txn, event.for_partner(deal.partner.as_ref()));
        }
        (Stage::Lost, Some(date), _) => {
            close(deal, Stage::Lost, date);
            deal.lost_reason_code = lost_reason_code;
            let event = NewEvent::new("deal.lost", resource)
                .for_partner(deal.partner.as_ref())
                .with(told(deal));
            let event = match &deal.lost_reason_code {
                Some(reason_code) => event.because(reason_code.as_str()),
                None => event,
            };
            event::append(txn, event);
        }
        (open, _, _) => {
            let from = std::mem::replace(&mut deal.stage, open);
            if from != open {
                let moved = json!({ "deal": deal.id, "from": from.name(), "to": open.name() });
                let event =
                    NewEvent::new("deal.advanced", resource).for_partner(deal.partner.as_ref());
                event::append(txn, event.with(moved));
            }
        }
    }
    Ok(())
}

/// Whether incentives would be told something else of a win.
pub(super) fn tells_otherwise(one: &Model, other: &Model) -> bool {
    match (won_fact(one), won_fact(other)) {
        (Ok(one), Ok(other)) => one != other,
        (Err(_), _) | (_, Err(_)) => true,
    }
}
