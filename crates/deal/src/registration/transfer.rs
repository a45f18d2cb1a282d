//! Giving a protected registration to another partner. It runs in a transaction that holds the customer.
//!
//! The protection goes on as it is. What the first partner wrote is its own: it is kept for the staff, and
//! the other begins with the claim alone. Neither is told of the other.

use trellis_api::name;
use trellis_core::lifecycle::Named;
use trellis_core::{PartnerId, Problem};
use trellis_store::deal::contender::Contender;
use trellis_store::deal::protection;
use trellis_store::deal::registration::{Entity, Model, Transfer};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Txn, record};

use super::conflict::{pending, protected};
use super::decisions::Judged;
use super::gather::Asked;
use super::held::Held;
use super::lifecycle::{self, Verb};
use super::queue::{self, Leaving};
use super::rules::Verdict;
use super::told::{saying, told};
use crate::Error;

/// Gives a locked registration to another partner.
pub(super) async fn transfer(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    to: PartnerId,
    leaving: Leaving,
) -> Result<Model, Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Transfer, resource)?;
    let reason_code = leaving.reason_code.unwrap_or_default();
    let from = std::mem::replace(&mut registration.partner, to);
    let facts = queue::known(txn, &registration, resource).await?;
    let customer = held.customer(&registration)?;
    let asked = Asked {
        by_a_person: true,
        ..Asked::default()
    };
    let judged = Judged::about(txn, customer, &registration, facts, asked).await?;
    if let Verdict::Ineligible { requires } = &judged.outcome.verdict {
        return Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: requires.clone(),
        }
        .into());
    }
    let line = judged.found.standing.line();
    let taken = Contender::from(&registration);
    // One of the other partner's that waits behind would be of no use to it any more, and is one that
    // it has registered.
    let own = line.standing.iter().find(|other| {
        let stands = pending(other, txn.now()) || protected(other, txn.now());
        other.id != registration.id
            && other.partner == registration.partner
            && stands
            && line.overlap(&taken, other)
    });
    if let Some(own) = own {
        return Err(Error::SelfDuplicate {
            resource: name(txn.ecosystem(), &own.id),
        });
    }
    if let Verdict::Waitlist { .. } | Verdict::SelfDuplicate { .. } = judged.outcome.verdict {
        return Err(Error::RegistrationConflict {
            resource: resource.to_owned(),
        });
    }
    protection::hand_on(txn, &registration.id, &registration.partner).await?;
    registration.transfers.0.push(Transfer {
        partner: from.clone(),
        display_name: registration.display_name.take(),
        note: registration.note.take(),
        evidence: registration.evidence.take(),
        reason_code: reason_code.clone(),
        transfer_time: txn.now(),
    });
    // Nobody at the other partner has drafted it, and nobody there was asked anything.
    registration.creator = txn.actor().to_string();
    registration.info_request = None;
    let registration = record::update::<Entity>(txn, registration).await?;
    for (kind, partner) in [
        ("registration.transferred_away", &from),
        ("registration.transferred", &registration.partner),
    ] {
        let state = match *partner == from {
            true => "TRANSFERRED",
            false => registration.state.name(),
        };
        let data = saying(
            told(&registration),
            [
                ("partner", partner.as_str().into()),
                ("state", state.into()),
            ],
        );
        let event = NewEvent::new(kind, resource)
            .noting(leaving.note.clone())
            .because(reason_code.as_str())
            .for_partner(partner)
            .with(data);
        event::append(txn, event);
    }
    Ok(registration)
}
