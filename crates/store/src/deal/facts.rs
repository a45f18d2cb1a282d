//! What the deal service reports about deals, in the shape in which others read it.
//!
//! Each is the `data` of one event of the change feed, named by [`Fact::kind`]; [`Fact::read`] gets
//! it back. The incentive service computes what is owed from these alone, so each says all that it
//! needs: a reader never looks at the deal, which may have changed since.
//!
//! A deal can be won more than once, because a win recorded in error can be taken back by reopening
//! the deal. `win` counts them, beginning with 1. Whatever follows a win names it; a
//! [`DealReopened`] takes its win back together with everything that named it.
//!
//! Amounts are integers in the minor unit of `currency`. None is negative.

use sea_orm::JsonValue;
use serde::{Deserialize, Serialize};
use trellis_core::{
    AccountId, Currency, Date, DealId, PartnerId, ProductId, ProgramId, RegistrationId,
    TerritoryId, Timestamp,
};

use super::deal::{DealType, PartnerRole, Stage};
use crate::Error;
use crate::event::{self, NewEvent};

/// `deal.won`: a deal was won.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealWon {
    /// The deal.
    pub deal: DealId,
    /// Which win of this deal it is.
    pub win: i64,
    /// The partner that sourced it, if one did. It is among `roles`.
    pub partner: Option<PartnerId>,
    /// Who played which part. No partner has the same part twice.
    pub roles: Vec<PartnerRole>,
    /// The customer, where it is known.
    pub account: Option<AccountId>,
    /// What kind of business it is, if that was said.
    pub deal_type: Option<DealType>,
    /// Where the customer is served, if that was said.
    pub territory: Option<TerritoryId>,
    /// The program of the registration that the deal was made from.
    pub program: Option<ProgramId>,
    /// The registration that the deal was made from.
    pub registration: Option<RegistrationId>,
    /// What was bought. Where there are lines, their amounts sum up to `amount_minor`.
    pub lines: Vec<WonLine>,
    /// What it was won for.
    pub amount_minor: i64,
    /// The currency of the deal; it never changes once the deal is won.
    pub currency: Currency,
    /// The day on which it was won. It decides the period in which the deal counts.
    pub close_date: Date,
    /// When the win was recorded. For an imported deal: the beginning of `close_date`, in UTC.
    pub won_time: Timestamp,
}

/// One product of a won deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WonLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: i64,
    /// What all of them together were won for.
    pub amount_minor: i64,
}

/// `deal.refunded`: money of a won deal was paid back to the customer. All refunds of a win
/// together never exceed what it was won for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealRefunded {
    /// The deal.
    pub deal: DealId,
    /// Which of its wins.
    pub win: i64,
    /// The refund's id in the caller's system. A deal has no two refunds with the same one.
    pub external_id: String,
    /// What was paid back.
    pub amount_minor: i64,
    /// What was paid back since the win, this time included.
    pub refunded_minor: i64,
    /// The currency of the deal.
    pub currency: Currency,
    /// When it was paid back.
    pub refund_date: Date,
}

/// `deal.invoiced`: a won deal was invoiced, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealInvoiced {
    /// The deal.
    pub deal: DealId,
    /// Which of its wins.
    pub win: i64,
    /// The invoice's id in the caller's system. A deal has no two invoices with the same one.
    pub external_id: String,
    /// What was invoiced.
    pub amount_minor: i64,
    /// What was invoiced since the win, this time included.
    pub invoiced_minor: i64,
    /// The currency of the deal.
    pub currency: Currency,
    /// The date of the invoice.
    pub invoice_date: Date,
}

/// `deal.churned`: the customer of a won deal has left. At most one for each win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealChurned {
    /// The deal.
    pub deal: DealId,
    /// Which of its wins.
    pub win: i64,
    /// The notice's id in the caller's system.
    pub external_id: String,
    /// When the customer left.
    pub churn_date: Date,
}

/// `deal.reopened`: a deal that was won or lost is open again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealReopened {
    /// The deal.
    pub deal: DealId,
    /// The win that is taken back; none if the deal was lost.
    pub win: Option<i64>,
    /// The open stage that it is in now.
    pub stage: Stage,
}

/// A fact about a deal that others compute with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A deal was won.
    Won(DealWon),
    /// Money was paid back.
    Refunded(DealRefunded),
    /// A won deal was invoiced.
    Invoiced(DealInvoiced),
    /// The customer of a won deal left.
    Churned(DealChurned),
    /// A deal is open again.
    Reopened(DealReopened),
}

impl Fact {
    /// The kinds of events that are facts.
    pub const KINDS: [&str; 5] = [
        "deal.won",
        "deal.refunded",
        "deal.invoiced",
        "deal.churned",
        "deal.reopened",
    ];

    /// The deal that it is about.
    #[must_use]
    pub fn deal(&self) -> &DealId {
        match self {
            Self::Won(fact) => &fact.deal,
            Self::Refunded(fact) => &fact.deal,
            Self::Invoiced(fact) => &fact.deal,
            Self::Churned(fact) => &fact.deal,
            Self::Reopened(fact) => &fact.deal,
        }
    }

    /// The kind of its event.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Won(_) => "deal.won",
            Self::Refunded(_) => "deal.refunded",
            Self::Invoiced(_) => "deal.invoiced",
            Self::Churned(_) => "deal.churned",
            Self::Reopened(_) => "deal.reopened",
        }
    }

    /// Makes the event that reports it; `resource` is the full name of the deal.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be written as JSON, which no value of these types causes.
    pub fn event(&self, resource: impl Into<String>) -> Result<NewEvent, Error> {
        Ok(NewEvent::new(self.kind(), resource).with(self.data()?))
    }

    fn data(&self) -> Result<JsonValue, Error> {
        let data = match self {
            Self::Won(fact) => serde_json::to_value(fact),
            Self::Refunded(fact) => serde_json::to_value(fact),
            Self::Invoiced(fact) => serde_json::to_value(fact),
            Self::Churned(fact) => serde_json::to_value(fact),
            Self::Reopened(fact) => serde_json::to_value(fact),
        };
        data.map_err(|error| corrupt(&error))
    }

    /// Reads an event back; answers none for an event that is no fact about a deal.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the event's data is not what its kind says.
    pub fn read(event: &event::Model) -> Result<Option<Self>, Error> {
        fn data<T: for<'a> Deserialize<'a>>(data: &JsonValue) -> Result<T, Error> {
            T::deserialize(data).map_err(|error| corrupt(&error))
        }
        Ok(Some(match event.kind.as_str() {
            "deal.won" => Self::Won(data(&event.data)?),
            "deal.refunded" => Self::Refunded(data(&event.data)?),
            "deal.invoiced" => Self::Invoiced(data(&event.data)?),
            "deal.churned" => Self::Churned(data(&event.data)?),
            "deal.reopened" => Self::Reopened(data(&event.data)?),
            _ => return Ok(None),
        }))
    }
}

fn corrupt(error: &serde_json::Error) -> Error {
    Error::Corrupt {
        table: "events",
        what: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trellis_core::{Actor, EcosystemId};

    use super::*;
    use crate::deal::deal::Role;

    fn event(kind: &str, data: JsonValue) -> event::Model {
        event::Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            epoch: 1,
            xid: 0,
            sequence: 1,
            kind: kind.to_owned(),
            resource: "ecosystems/acme/deals/d".to_owned(),
            actor: Actor::anonymous(),
            time: Timestamp::EPOCH,
            reason_code: None,
            note: None,
            data,
            partner: None,
            state_kind: None,
            state: None,
            changed_fields: None,
            trace_parent: None,
            trace_state: None,
        }
    }

    fn facts() -> Vec<(Fact, JsonValue)> {
        let deal = || DealId::try_new("d").unwrap();
        let date = Date::from_days(17_226);
        vec![
            (
                Fact::Won(DealWon {
                    deal: deal(),
                    win: 1,
                    partner: Some(PartnerId::try_new("nimbus").unwrap()),
                    roles: vec![PartnerRole::new(
                        PartnerId::try_new("nimbus").unwrap(),
                        Role::CoSell,
                    )],
                    account: None,
                    deal_type: Some(DealType::Expansion),
                    territory: None,
                    program: None,
                    registration: None,
                    lines: vec![WonLine {
                        product: ProductId::try_new("gtx").unwrap(),
                        quantity: 2,
                        amount_minor: 105_400,
                    }],
                    amount_minor: 105_400,
                    currency: Currency::USD,
                    close_date: date,
                    won_time: Timestamp::from_micros(7),
                }),
                json!({
                    "deal": "d", "win": 1, "partner": "nimbus",
                    "roles": [{"partner": "nimbus", "role": "CO_SELL"}],
                    "account": null, "deal_type": "EXPANSION", "territory": null,
                    "program": null, "registration": null,
                    "lines": [{"product": "gtx", "quantity": 2, "amount_minor": 105_400}],
                    "amount_minor": 105_400, "currency": "USD", "close_date": 17_226,
                    "won_time": 7
                }),
            ),
            (
                Fact::Refunded(DealRefunded {
                    deal: deal(),
                    win: 2,
                    external_id: "r-1".to_owned(),
                    amount_minor: 5,
                    refunded_minor: 9,
                    currency: Currency::USD,
                    refund_date: date,
                }),
                json!({
                    "deal": "d", "win": 2, "external_id": "r-1", "amount_minor": 5,
                    "refunded_minor": 9, "currency": "USD", "refund_date": 17_226
                }),
            ),
            (
                Fact::Invoiced(DealInvoiced {
                    deal: deal(),
                    win: 1,
                    external_id: "i-1".to_owned(),
                    amount_minor: 5,
                    invoiced_minor: 5,
                    currency: Currency::EUR,
                    invoice_date: date,
                }),
                json!({
                    "deal": "d", "win": 1, "external_id": "i-1", "amount_minor": 5,
                    "invoiced_minor": 5, "currency": "EUR", "invoice_date": 17_226
                }),
            ),
            (
                Fact::Churned(DealChurned {
                    deal: deal(),
                    win: 1,
                    external_id: "c-1".to_owned(),
                    churn_date: date,
                }),
                json!({"deal": "d", "win": 1, "external_id": "c-1", "churn_date": 17_226}),
            ),
            (
                Fact::Reopened(DealReopened {
                    deal: deal(),
                    win: None,
                    stage: Stage::TechnicalValidation,
                }),
                json!({"deal": "d", "win": null, "stage": "TECHNICAL_VALIDATION"}),
            ),
        ]
    }

    /// Events are kept for ever, so what they say may only grow.
    #[test]
    fn each_fact_is_written_and_read_as_it_has_always_been() {
        for ((fact, data), kind) in facts().into_iter().zip(Fact::KINDS) {
            assert_eq!(fact.kind(), kind);
            assert_eq!(fact.deal().as_str(), "d");
            let read = Fact::read(&event(kind, data.clone())).unwrap();
            assert_eq!(read, Some(fact.clone()), "{kind}");
            assert_eq!(fact.data().unwrap(), data, "{kind}");
        }
    }

    #[test]
    fn other_events_are_no_facts_and_broken_ones_are_told() {
        assert_eq!(
            Fact::read(&event("deal.advanced", json!({}))).unwrap(),
            None
        );
        let broken = Fact::read(&event("deal.won", json!({"deal": "d"})));
        assert!(matches!(
            broken,
            Err(Error::Corrupt {
                table: "events",
                ..
            })
        ));
    }
}
