//! What would become of a registration: the rules, asked and not acted upon.

use trellis_api::deal::v1 as pb;
use trellis_api::name;
use trellis_core::{Call, ProductId, RegistrationId};
use trellis_matching::RULES_VERSION;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::eligibility;
use trellis_store::deal::registration::{Model, State};
use trellis_store::{Store, View};

use super::basis::AsksAPerson;
use super::decisions::Judged;
use super::explain::{Reached, wire_answers};
use super::gather::{Asked, Found};
use super::registrations::find;
use super::rules::Verdict;
use super::{cooling, screening};
use crate::customer;
use crate::{Error, absent};

/// Says what would become of a registration if it were handed in or decided about now.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn check(
    store: &Store,
    call: Call,
    id: RegistrationId,
) -> Result<pb::CheckConflictResponse, Error> {
    let view = store.read(&call).await?;
    let mut asking = find(&view, &id).await?;
    // Rules decide over everything, however little the caller sees.
    let whole = view.whole();
    let customer = customer::read(&whole, [asking.account.clone()])
        .await?
        .pop();
    let customer = customer.ok_or_else(|| absent(&view, &asking.account))?;
    let facts = eligibility::facts(&whole, &asking.partner, &asking.program).await?;
    let facts = facts.ok_or_else(|| absent(&view, &asking.program))?;
    let found = Box::pin(Found::about(&whole, &customer, &asking, facts)).await?;
    if asking.submit_time.is_none() {
        asking.receive_time = Some(view.now());
        found.take_place(&mut asking, view.now());
    }
    asking.screening = Some(screening::anew(&whole, &asking, &customer, &found.submissions).await?);
    let asked = Asked {
        waited: asking.state == State::Waitlisted,
        asks_a_person: asks_a_person(&whole, &asking, &found).await?,
        ..Asked::default()
    };
    let judged = Judged::of(&whole, found, &asking, asked);
    // Everybody in its way, where the rules ask about the first of them.
    let basis = judged.found.basis(&asking, view.now(), asked);
    let rivals: Vec<_> = [true, false]
        .into_iter()
        .flat_map(|certain| basis.in_the_way(&asking.products.0, certain))
        .collect();
    let reached = Reached::among(&view, &rivals, []).await?;
    let rivals = rivals.iter().map(|rival| reached.told(&basis, rival));
    let waits = matches!(judged.outcome.verdict, Verdict::Waitlist { .. });
    let position = waits.then(|| {
        judged
            .found
            .standing
            .line()
            .position(&Contender::from(&asking))
    });
    Ok(pb::CheckConflictResponse {
        rule: judged.outcome.rule.clone(),
        reason_code: judged.outcome.reason_code.clone(),
        requirement: judged.outcome.requirement().unwrap_or_default(),
        rivals: rivals.collect(),
        waitlist_position: position
            .map(|position| i32::try_from(position).unwrap_or(i32::MAX))
            .unwrap_or_default(),
        rules_version: i32::try_from(RULES_VERSION).unwrap_or(i32::MAX),
        answers: wire_answers(&judged.outcome.answers),
        free_products: names(&view, &judged.outcome.free),
    })
}

/// Why a person would go on with a registration, whatever its program approves by itself.
async fn asks_a_person(
    view: &View,
    asking: &Model,
    found: &Found,
) -> Result<Option<AsksAPerson>, Error> {
    match asking.state {
        State::NeedsInfo if asking.contends => Ok(Some(AsksAPerson::AskedForMore)),
        _ => cooling::was_tried_again(view, asking, found).await,
    }
}

pub(super) fn names(view: &View, products: &[ProductId]) -> Vec<String> {
    let products = products.iter();
    products
        .map(|product| name(view.ecosystem(), product))
        .collect()
}
