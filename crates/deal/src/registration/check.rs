//! What would become of a registration: the rules of [`queue`](super::queue), asked and not acted upon.

use std::collections::HashSet;

use trellis_api::deal::v1 as pb;
use trellis_api::{name, time};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, RegistrationId};
use trellis_matching::RULES_VERSION;
use trellis_store::deal::eligibility;
use trellis_store::deal::registration::{Entity, Model};
use trellis_store::{Store, View, record};

use super::conflict::{Verdict, protected};
use super::convert::wire_state;
use super::eligibility::{Approval, approval, lacks};
use super::queue::{CONFLICT, FREE, INELIGIBLE, Standing, UNSURE, value};
use super::registrations::find;
use super::screening;
use super::suspicion::suspicion;
use crate::customer::{self, Customer};
use crate::{Error, absent};

/// The rule that decides, and the outcome in a word.
struct Decided {
    rule: &'static str,
    reason_code: &'static str,
    /// What the partner lacks.
    requirement: Option<&'static str>,
}

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
    let asking = find(&view, &id).await?;
    // Rules decide over everything, however little the caller sees.
    let whole = view.whole();
    let customer = customer::read(&whole, [asking.account.clone()])
        .await?
        .pop();
    let customer = customer.ok_or_else(|| absent(&view, &asking.account))?;
    let certain = Standing::at(&whole, &customer, &asking).await?;
    let perhaps = Standing::perhaps_at(&whole, &customer, &asking).await?;
    let verdict = certain.line().judge(&asking, view.now());
    let unsure = perhaps.line().rivals(&asking, view.now());
    let Decided {
        rule,
        reason_code,
        requirement,
    } = decide(&whole, &asking, &customer, verdict, !unsure.is_empty()).await?;
    let waits = reason_code == DUPLICATE;
    let position = waits.then(|| certain.line().position(&asking));
    let mut rivals = Vec::new();
    for (certain, standing) in [
        (true, certain.line().rivals(&asking, view.now())),
        (false, unsure),
    ] {
        rivals.extend(told(&view, &asking, &standing, certain).await?);
    }
    Ok(pb::CheckConflictResponse {
        rule: rule.to_owned(),
        reason_code: reason_code.to_owned(),
        requirement: requirement.unwrap_or_default().to_owned(),
        rivals,
        waitlist_position: position
            .map(|position| i32::try_from(position).unwrap_or(i32::MAX))
            .unwrap_or_default(),
        rules_version: i32::try_from(RULES_VERSION).unwrap_or(i32::MAX),
    })
}

/// The outcome of a registration that waits for another one.
const DUPLICATE: &str = "DUPLICATE_ACTIVE";

/// The rules in their order; the first that decides.
async fn decide(
    view: &View,
    asking: &Model,
    customer: &Customer,
    verdict: Verdict<'_>,
    unsure: bool,
) -> Result<Decided, Error> {
    let by = |rule, reason_code| Decided {
        rule,
        reason_code,
        requirement: None,
    };
    let facts = eligibility::facts(view, &asking.partner, &asking.program).await?;
    let facts = facts.ok_or_else(|| absent(view, &asking.program))?;
    if let Some(requirement) = lacks(&facts, view.now()) {
        return Ok(Decided {
            requirement: Some(requirement),
            ..by(INELIGIBLE, "INELIGIBLE")
        });
    }
    match verdict {
        Verdict::SelfDuplicate { .. } => return Ok(by(CONFLICT, "SELF_DUPLICATE")),
        Verdict::Blocked { .. } => return Ok(by(CONFLICT, DUPLICATE)),
        Verdict::Free if unsure => return Ok(by(UNSURE, "IDENTITY_REVIEW")),
        Verdict::Free => {}
    }
    let suspicion = suspicion(&screening::anew(view, asking, customer).await?);
    Ok(match approval(&facts, value(asking), suspicion) {
        Approval::Automatic => by(FREE, "AUTOMATIC"),
        Approval::Manual => by(FREE, "MANUAL_APPROVAL"),
        Approval::AboveLimit => by(FREE, "ABOVE_LIMIT"),
        Approval::Suspicious(suspicion) => by(FREE, suspicion.name()),
    })
}

/// What is told of those that stand in the way: names only of what the caller reaches.
async fn told(
    view: &View,
    asking: &Model,
    rivals: &[&Model],
    certain: bool,
) -> Result<Vec<pb::check_conflict_response::Rival>, Error> {
    let ids = rivals.iter().map(|rival| rival.id.clone());
    let reached: Vec<Model> = record::find_many::<Entity>(view, ids).await?;
    let reached: HashSet<&RegistrationId> = reached.iter().map(|rival| &rival.id).collect();
    let ecosystem = view.ecosystem();
    let tell = |rival: &&Model| {
        let named = |resource: String| match reached.contains(&rival.id) {
            true => resource,
            false => String::new(),
        };
        let both = |product: &&_| asking.products.0.contains(product);
        let products = rival.products.0.iter().filter(both);
        let end = rival
            .protection_end_time
            .filter(|_| protected(rival, view.now()));
        pb::check_conflict_response::Rival {
            registration: named(name(ecosystem, &rival.id)),
            partner: named(name(ecosystem, &rival.partner)),
            account: named(name(ecosystem, &rival.account)),
            state: wire_state(rival.state).into(),
            submit_time: rival.submit_time.map(time::wire),
            protection_end_time: end.map(time::wire),
            certain,
            products: products.map(|product| name(ecosystem, product)).collect(),
        }
    };
    Ok(rivals.iter().map(tell).collect())
}
