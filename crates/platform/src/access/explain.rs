//! Answers about access itself: who the caller is, and what a principal may and why.

use trellis_api::platform::v1 as pb;
use trellis_api::{Method, ecosystem_name};
use trellis_core::access::{Grant, Rights, authorize};
use trellis_core::{Actor, Call, EcosystemId, Principal};
use trellis_store::platform::role_grant;
use trellis_store::{Store, View};

use super::convert::{wire_extent, wire_held};
use super::thing::Thing;
use crate::Error;

/// Whether a principal may call a method.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: &'static Method,
    /// None: the caller.
    pub(super) principal: Option<Actor>,
    /// What the call would be about, if anything in particular.
    pub(super) thing: Option<Thing>,
}

/// Tells a caller who they are.
pub(super) fn who_am_i(principal: &Principal) -> pb::WhoAmIResponse {
    let (memberships, unlimited) = match &principal.rights {
        Rights::Unlimited => (Vec::new(), true),
        Rights::Granted(granted) => {
            let membership = |(ecosystem, grants): &(EcosystemId, Vec<Grant>)| {
                let roles = grants.iter().map(|grant| wire_held(ecosystem, grant));
                pb::who_am_i_response::Membership {
                    ecosystem: ecosystem_name(ecosystem),
                    roles: roles.collect(),
                }
            };
            (granted.iter().map(membership).collect(), false)
        }
    };
    let person = principal.person.as_ref().map(Actor::to_string);
    pb::WhoAmIResponse {
        principal: principal.actor.to_string(),
        person: person.unwrap_or_default(),
        memberships,
        unlimited,
    }
}

/// Tells whether a principal may call a method, and why.
///
/// # Errors
/// `PERMISSION_DENIED` when a partner asks about somebody else; those of the data layer.
pub(super) async fn check(
    store: &Store,
    call: Call,
    caller: &Principal,
    question: Question,
) -> Result<pb::CheckAccessResponse, Error> {
    let view = store.read(&call).await?;
    let Question {
        method,
        principal,
        thing,
    } = question;
    let asked = match principal.filter(|principal| *principal != caller.actor) {
        None => caller.clone(),
        Some(_) if !call.scope.is_whole() => {
            return Err(Error::AboutOthers);
        }
        Some(principal) => somebody(&view, principal).await?,
    };
    let (allowed, explanation) = judged(&view, &asked, method, thing).await?;
    let ecosystem = view.ecosystem();
    let verdict = |grant: &Grant| pb::check_access_response::Verdict {
        role: Some(wire_held(ecosystem, grant)),
        extent: wire_extent(method.access.extent(grant.role)).into(),
    };
    Ok(pb::CheckAccessResponse {
        allowed,
        permission: method.access.permission.to_owned(),
        verdicts: asked.grants(ecosystem).iter().map(verdict).collect(),
        explanation,
    })
}

/// Somebody with the roles that were granted to them here.
async fn somebody(view: &View, actor: Actor) -> Result<Principal, trellis_store::Error> {
    let grants = role_grant::of_principal(view, &actor).await?;
    Ok(Principal {
        actor,
        person: None,
        rights: Rights::Granted(vec![(view.ecosystem().clone(), grants)]),
    })
}

/// Whether somebody may, and the reason as a sentence.
async fn judged(
    view: &View,
    asked: &Principal,
    method: &Method,
    thing: Option<Thing>,
) -> Result<(bool, String), trellis_store::Error> {
    let who = &asked.actor;
    let permission = method.access.permission;
    if asked.rights == Rights::Unlimited {
        return Ok((true, "the server asks nobody who they are".to_owned()));
    }
    if method.access.everybody {
        return Ok((
            true,
            format!("everybody who proved who they are has {permission}"),
        ));
    }
    if asked.grants(view.ecosystem()).is_empty() {
        return Ok((false, format!("{who} has no role in this ecosystem")));
    }
    let Some(scope) = authorize(asked, &method.access, view.ecosystem()) else {
        return Ok((false, format!("no role of {who} has {permission}")));
    };
    let reached = match &thing {
        Some(thing) => thing.is_reached(&view.within(scope)).await?,
        None => true,
    };
    if !reached {
        let why = format!(
            "{who} has {permission}, but does not reach the resource, or there is none of this name"
        );
        return Ok((false, why));
    }
    Ok((true, format!("a role of {who} has {permission}")))
}
