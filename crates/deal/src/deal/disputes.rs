//! Disputes about the parts in a deal, and what comes of them.

use std::time::Duration;

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_core::{Call, PartnerId, Problem, Written};
use trellis_store::deal::deal::{Entity, Model, PartnerRole, Stage};
use trellis_store::deal::facts::{DealWon, Fact};
use trellis_store::deal::history::{self as rows, Cause};
use trellis_store::deal::part::{Dispute, DisputeState};
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::reach::reaches;
use trellis_store::{Store, Txn, record};

use super::convert::{wire, wire_for};
use super::deals::{lock, told};
use super::evidence;
use super::history::assigned;
use super::lifecycle::{Standing, standing};
use super::moves::{Move, recorded, win_again, won_fact};
use super::roles::{given, sourcing, taken};
use crate::{Error, all_exist};

/// How long after a win its parts can be disputed.
pub const AFTER_WIN: Duration = Duration::from_secs(30 * 86_400);

/// How many disputes a deal can have.
const LIMIT: usize = 100;

/// Disputes a part.
#[derive(Clone, Debug)]
pub struct Disputed {
    /// Which deal, and why.
    pub on: Move,
    /// The part.
    pub part: PartnerRole,
}

/// Decides about a dispute.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// Which deal, and why.
    pub on: Move,
    /// The number of the dispute.
    pub number: i32,
    /// Whether who disputed is right.
    pub upheld: bool,
}

/// Disputes a part in a deal.
///
/// # Errors
/// `INVALID_FIELDS` when a part that is paid is claimed without evidence, `RESOURCE_NOT_FOUND`,
/// `ETAG_MISMATCH`, `PRECONDITION`.
pub async fn dispute(
    store: &Store,
    call: Call,
    asked: Disputed,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, asked, |txn, Disputed { on, part }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            disputable(&txn, &deal, &part, &resource)?;
            all_exist(
                &txn,
                &References {
                    partners: [part.partner.clone()].into(),
                    ..References::default()
                },
            )
            .await?;
            let contests = deal.roles.0.iter().any(|held| held.is_that_of(&part));
            let part = supported(&txn, &deal, part).await?;
            let partner = part.partner.clone();
            let number = i32::try_from(deal.disputes.0.len() + 1).unwrap_or(i32::MAX);
            deal.disputes.0.push(Dispute {
                number,
                part,
                contests,
                reason_code: on.reason_code.clone().unwrap_or_default(),
                note: Some(on.note.clone()).filter(|note| !note.is_empty()),
                actor: txn.actor().as_str().to_owned(),
                create_time: txn.now(),
                state: DisputeState::Open,
                resolver: None,
                resolution_code: None,
                resolution_note: None,
                resolve_time: None,
            });
            let deal = record::update::<Entity>(&txn, deal).await?;
            let told = takes_part(&deal, &partner).then_some(&partner);
            event::append(
                &txn,
                about("deal.role_disputed", resource, on, number, told),
            );
            event::is(&txn, &wire(deal.clone()));
            Ok(wire_for(txn.scope(), deal))
        })
        .await
}

/// Whether the parts of a deal can be disputed still, and this one is not already.
fn disputable(txn: &Txn, deal: &Model, part: &PartnerRole, resource: &str) -> Result<(), Problem> {
    let over = match deal.won_time {
        Some(won_time) => txn.now() >= won_time.saturating_add(AFTER_WIN),
        None => deal.stage == Stage::Lost,
    };
    if over {
        return unmet(
            resource,
            "be open, or won not more than 30 days ago; reopen it to change its parts",
        );
    }
    let open = |dispute: &&Dispute| dispute.state == DisputeState::Open;
    let again = |dispute: &Dispute| dispute.part.is_that_of(part);
    if deal.disputes.0.iter().filter(open).any(again) {
        return unmet(resource, "decide about the dispute of this part first");
    }
    if deal.disputes.0.len() >= LIMIT {
        return unmet(
            resource,
            "have less than 100 disputes; set its roles instead",
        );
    }
    Ok(())
}

fn unmet(resource: &str, requires: &str) -> Result<(), Problem> {
    Err(Problem::Precondition {
        resource: resource.to_owned(),
        requires: requires.to_owned(),
    })
}

/// The part with its evidence completed. What is contested needs none.
async fn supported(txn: &Txn, deal: &Model, part: PartnerRole) -> Result<PartnerRole, Error> {
    let mut parts = [part];
    let whole = txn.whole();
    let seen = if txn.scope().is_staff() { &whole } else { txn };
    let at = |_| "role".to_owned();
    let wrong = evidence::complete(seen, at, &mut parts, &deal.roles.0, None).await?;
    if !wrong.is_empty() {
        return Err(Problem::Invalid(wrong).into());
    }
    let [part] = parts;
    Ok(part)
}

/// Decides about a dispute.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `PRECONDITION`.
pub async fn resolve(
    store: &Store,
    call: Call,
    resolve: Resolve,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(
            call,
            resolve,
            |txn, Resolve { on, number, upheld }| async move {
                let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
                let decided = decide(&txn, &mut deal, &on, number, upheld, &resource)?;
                let partner = decided.part.partner.clone();
                let took_part = takes_part(&deal, &partner);
                let mut remembered = Vec::new();
                if upheld {
                    follow(&txn, &mut deal, &decided, &resource).await?;
                    remembered.push(assigned(&txn, &mut deal, Cause::Dispute, &on.note));
                }
                let deal = record::update::<Entity>(&txn, deal).await?;
                rows::remember(&txn, Vec::new(), remembered).await?;
                let kind = "deal.role_dispute_resolved";
                let whose = (took_part || takes_part(&deal, &partner)).then_some(&partner);
                event::append(&txn, about(kind, resource.clone(), on, number, whose));
                if upheld {
                    let set = NewEvent::new("deal.roles_set", resource)
                        .because("DISPUTE")
                        .for_partner(deal.partner.as_ref());
                    event::append(&txn, set.with(told(&deal)));
                }
                Ok(wire(deal))
            },
        )
        .await
}

/// Writes the decision into the dispute; answers it.
fn decide(
    txn: &Txn,
    deal: &mut Model,
    on: &Move,
    number: i32,
    upheld: bool,
    resource: &str,
) -> Result<Dispute, Error> {
    let found = deal.disputes.0.iter_mut().find(|one| one.number == number);
    let dispute = found.ok_or_else(|| Problem::NotFound {
        resource: format!("{resource} with dispute {number}"),
    })?;
    if dispute.state != DisputeState::Open {
        unmet(resource, "name a dispute that nobody has decided about")?;
    }
    dispute.state = if upheld {
        DisputeState::Upheld
    } else {
        DisputeState::Dismissed
    };
    dispute.resolver = Some(txn.actor().as_str().to_owned());
    dispute.resolution_code.clone_from(&on.reason_code);
    dispute.resolution_note = Some(on.note.clone()).filter(|note| !note.is_empty());
    dispute.resolve_time = Some(txn.now());
    Ok(dispute.clone())
}

/// Sets the parts as an upheld dispute says. A win that was told is taken back and told anew.
async fn follow(
    txn: &Txn,
    deal: &mut Model,
    decided: &Dispute,
    resource: &str,
) -> Result<(), Error> {
    if deal.stage == Stage::Lost {
        unmet(resource, "be open or won; reopen it first")?;
    }
    if standing(deal.stage) == Standing::Won && recorded(deal) {
        unmet(
            resource,
            "have neither invoices nor refunds nor a leaving recorded; reopen it first",
        )?;
    }
    let before = told_of(deal)?;
    let parts = std::mem::take(&mut deal.roles.0);
    deal.roles.0 = if decided.contests {
        taken(parts, &decided.part)
    } else {
        let all = deal.lines.0.iter().map(|line| line.product.clone());
        given(parts, decided.part.clone(), &all.collect::<Vec<_>>())
    };
    deal.partner = sourcing(&deal.roles.0).cloned();
    if let Some(partner) = &deal.partner
        && !reaches(txn, partner).await?
    {
        return Err(trellis_store::Error::OutOfReach.into());
    }
    if before.is_some() && before != told_of(deal)? {
        let (back, again) = win_again(deal)?;
        event::append(txn, Fact::Reopened(back).event(resource)?);
        let again = Fact::Won(again).event(resource)?;
        event::append(txn, again.for_partner(deal.partner.as_ref()));
    }
    Ok(())
}

/// What incentives were told of a win.
fn told_of(deal: &Model) -> Result<Option<DealWon>, Error> {
    match standing(deal.stage) {
        Standing::Won => Ok(Some(won_fact(deal)?)),
        Standing::Open | Standing::Lost => Ok(None),
    }
}

/// Whether a partner has a part in a deal, and so knows of it.
pub(super) fn takes_part(deal: &Model, partner: &PartnerId) -> bool {
    deal.roles.0.iter().any(|held| held.partner == *partner)
}

/// The event about a dispute, for the partner that it is about if it knows of the deal.
fn about(
    kind: &'static str,
    resource: String,
    on: Move,
    number: i32,
    partner: Option<&PartnerId>,
) -> NewEvent {
    let event = NewEvent::new(kind, resource)
        .noting(on.note)
        .for_partner(partner)
        .with(json!({ "deal": on.id, "dispute": number }));
    match on.reason_code {
        Some(reason_code) => event.because(reason_code),
        None => event,
    }
}
