//! Facts of registrations: that one was approved, for the partner whose it was then, on the day of its
//! program; and that it was revoked, which takes that back.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use trellis_core::{Date, PartnerId, ProgramId, RegistrationId, TimeZone};
use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::FactKind;
use trellis_evaluation::predicate::Record;
use trellis_store::deal::registration;
use trellis_store::incentive::{recorded_fact, standing};
use trellis_store::{Txn, event, record};

use super::zones;
use crate::Error;
use crate::fact::REGISTRATIONS;
use crate::fact::deals::type_name;
use crate::fact::record::{Recorded, of_server};

/// What happened to a registration, as its event tells it.
struct Reported<'a> {
    event: &'a event::Model,
    kind: FactKind,
    of: Registered,
}

/// Which registration that was, whose, and under which program.
#[derive(Deserialize)]
struct Registered {
    registration: RegistrationId,
    partner: PartnerId,
    program: ProgramId,
}

impl<'a> Reported<'a> {
    fn read(event: &'a event::Model) -> Result<Option<Self>, Error> {
        let kind = match event.kind.as_str() {
            "registration.approved" => FactKind::RegistrationApproved,
            "registration.revoked" => FactKind::Revocation,
            _ => return Ok(None),
        };
        let of = serde_json::from_value(event.data.clone()).map_err(|error| {
            trellis_store::Error::Corrupt {
                table: "events",
                what: format!("{} of {}: {error}", event.kind, event.resource),
            }
        })?;
        Ok(Some(Self { event, kind, of }))
    }

    /// What the fact is called.
    fn id(&self) -> String {
        let registration = &self.of.registration;
        match self.kind {
            FactKind::Revocation => format!("{registration}/revocation"),
            _ => registration.to_string(),
        }
    }

    fn fact(&self, row: Option<&registration::Model>, date: Date) -> Fact {
        let Registered {
            registration,
            partner,
            program: _,
        } = &self.of;
        if self.kind == FactKind::Revocation {
            return Fact {
                about: Some(registration.to_string()),
                ..Fact::new(&self.id(), self.kind, None, date)
            };
        }
        let deal_type =
            |row: &registration::Model| Record::new().with("deal.type", type_name(row.deal_type));
        Fact {
            customer: row.map(|row| row.account.to_string()),
            amount_minor: row.map(|row| row.estimated_minor),
            currency: row.map(|row| row.currency),
            fields: row.map_or_else(Record::new, deal_type),
            ..Fact::new(&self.id(), self.kind, Some(partner.clone()), date)
        }
    }
}

/// Takes in what events say about registrations; answers what became known, if anything did.
pub(super) async fn take_in(txn: &Txn, events: &[event::Model]) -> Result<Option<Recorded>, Error> {
    let mut reported = Vec::new();
    for event in events {
        reported.extend(Reported::read(event)?);
    }
    if reported.is_empty() {
        return Ok(None);
    }
    let ids: Vec<String> = reported.iter().map(Reported::id).collect();
    let mut known: HashSet<String> = recorded_fact::of_ids(txn, REGISTRATIONS, &ids)
        .await?
        .into_iter()
        .map(|fact| fact.external_id)
        .collect();
    // News that come twice are one fact, as it was told first.
    reported.retain(|reported| known.insert(reported.id()));
    let registrations: BTreeSet<RegistrationId> = reported
        .iter()
        .map(|reported| reported.of.registration.clone())
        .collect();
    let rows: HashMap<RegistrationId, registration::Model> =
        record::find_many::<registration::Entity>(txn, registrations)
            .await?
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
    let programs: BTreeSet<ProgramId> = reported
        .iter()
        .map(|reported| reported.of.program.clone())
        .collect();
    let zones = zones(txn, programs).await?;
    let utc = TimeZone::utc();
    let facts: Vec<Fact> = reported
        .iter()
        .map(|reported| {
            let zone = zones.get(&reported.of.program).unwrap_or(&utc);
            let date = zone.local_date(reported.event.time);
            reported.fact(rows.get(&reported.of.registration), date)
        })
        .collect();
    let partners: BTreeSet<PartnerId> = facts
        .iter()
        .filter_map(|fact| fact.partner.clone())
        .collect();
    let partners: Vec<PartnerId> = partners.into_iter().collect();
    let profiles = standing::of_partners(txn, &partners).await?;
    Ok(Some(of_server(txn, REGISTRATIONS, facts, &profiles).await?))
}
