//! The use cases of members. Each that writes is one transaction, under the lock of the engagement.

use std::time::Duration;

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, child_name, name};
use trellis_core::{
    Call, EngagementId, EngagementMemberId, Page, PageQuery, PartnerId, Problem, Timestamp,
    Violation, Written,
};
use trellis_store::deal::engagement::{Entity as EngagementEntity, State as EngagementState};
use trellis_store::deal::engagement_member::{self as member, Model, State};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, View, record};

use super::convert::wire_member;
use super::disclosure::sight;
use super::engagements;
use super::lifecycle::{self, MemberVerb};
use crate::registration::eligibility::at_work;
use crate::{Error, absent, exists};

/// How long an invitation can be accepted, where nothing else is said.
const DEFAULT_TERM: Duration = Duration::from_secs(14 * 24 * 3_600);

/// How long it can be at most.
const LONGEST_TERM: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Invites a partner.
#[derive(Clone, Debug)]
pub struct Invite {
    /// To which engagement.
    pub engagement: EngagementId,
    /// The id that the caller chose.
    pub id: Option<EngagementMemberId>,
    /// Whom.
    pub partner: PartnerId,
    /// To do what.
    pub role: String,
    /// What the invitation says.
    pub message: Option<String>,
    /// Until when it can be accepted.
    pub expire_time: Option<Timestamp>,
    /// Why, in a sentence.
    pub note: String,
}

/// Which member.
pub type Key = (EngagementId, EngagementMemberId);

/// Moves a member.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub key: Key,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Asks for members.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which engagement; none: of all.
    pub engagement: Option<EngagementId>,
    /// Which page.
    pub query: PageQuery,
}

/// Invites a partner.
///
/// # Errors
/// `INVALID_FIELDS` when the invitation would end at once or in more than a year,
/// `RESOURCE_NOT_FOUND`, `RESOURCE_EXISTS` when the id is taken or the partner is in it already,
/// `PRECONDITION` when the engagement or the partner is not active.
pub async fn invite(
    store: &Store,
    call: Call,
    invite: Invite,
) -> Result<Written<pb::EngagementMember>, Error> {
    store
        .write(call, invite, |txn, invite| async move {
            let expire_time = term(&invite, txn.now())?;
            let engagement = engagements::lock(&txn, &invite.engagement).await?;
            must_be_active(&txn, &engagement.id, engagement.state)?;
            must_be_at_work(&txn, &invite.partner).await?;
            let id = invite
                .id
                .unwrap_or_else(|| EngagementMemberId::generate(txn.now()));
            let resource = child_name(txn.ecosystem(), &engagement.id, &id);
            for open in member::lock_open(&txn, &engagement.id, Some(&invite.partner)).await? {
                if !lifecycle::is_overdue(&open, txn.now()) {
                    let field = "partner".to_owned();
                    return Err(Problem::Exists { resource, field }.into());
                }
                expire(&txn, open).await?;
            }
            let invited = Model {
                ecosystem: txn.ecosystem().clone(),
                engagement: engagement.id,
                id,
                partner: invite.partner,
                role: invite.role,
                message: invite.message,
                expire_time,
                state: State::Invited,
                until_time: Some(expire_time),
                accept_time: None,
                end_time: None,
                reason_code: None,
                version: 1,
                create_time: txn.now(),
                update_time: txn.now(),
            };
            let invited = member::insert(&txn, invited)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(
                &txn,
                told("engagement_member.invited", &invited, &invite.note),
            );
            Ok(answer(&txn, invited))
        })
        .await
}

/// When the invitation ends.
fn term(invite: &Invite, now: Timestamp) -> Result<Timestamp, Problem> {
    let Some(until) = invite.expire_time else {
        return Ok(now.saturating_add(DEFAULT_TERM));
    };
    if until <= now || until > now.saturating_add(LONGEST_TERM) {
        let rule = "must lie in the future, and no more than a year away";
        let violation = Violation::new("member.expire_time", "expire_time", rule);
        return Err(Problem::Invalid(vec![violation]));
    }
    Ok(until)
}

/// Checks that partners work together in an engagement.
pub(super) fn must_be_active(
    view: &View,
    id: &EngagementId,
    state: EngagementState,
) -> Result<(), Problem> {
    if state == EngagementState::Active {
        return Ok(());
    }
    Err(Problem::Precondition {
        resource: name(view.ecosystem(), id),
        requires: "the engagement must be ACTIVE".to_owned(),
    })
}

async fn must_be_at_work(txn: &Txn, id: &PartnerId) -> Result<(), Error> {
    let found = record::find::<partner::Entity>(&txn.whole(), id).await?;
    let partner = found.ok_or_else(|| absent(txn, id))?;
    if at_work(partner.state, partner.suspend_until_time, txn.now()) {
        return Ok(());
    }
    Err(Problem::Precondition {
        resource: name(txn.ecosystem(), id),
        requires: "the partner must be ACTIVE".to_owned(),
    }
    .into())
}

/// Gets a member.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, key: Key) -> Result<pb::EngagementMember, Error> {
    let view = store.read(&call).await?;
    let found = member::find(&view, &key.0, &key.1).await?;
    Ok(answer(&view, found.ok_or_else(|| missing(&view, &key))?))
}

/// Lists members.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    list: &List,
) -> Result<Page<pb::EngagementMember>, Error> {
    let view = store.read(&call).await?;
    if let Some(engagement) = &list.engagement {
        engagements::find(&view, engagement).await?;
    }
    let page = member::page(&view, list.engagement.as_ref(), &list.query).await?;
    Ok(page.map(|member| answer(&view, member)))
}

/// Accepts an invitation.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION` when the engagement is
/// on hold.
pub async fn accept(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::EngagementMember>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let (mut member, state) = lock(&txn, &on).await?;
            let resource = child_name(txn.ecosystem(), &member.engagement, &member.id);
            member.state = lifecycle::member_moved(member.state, MemberVerb::Accept, &resource)?;
            must_be_active(&txn, &member.engagement, state)?;
            member.until_time = None;
            member.accept_time = Some(txn.now());
            let member = member::update(&txn, member).await?;
            event::append(&txn, told("engagement_member.accepted", &member, &on.note));
            event::is(&txn, &answer(&txn.whole(), member.clone()));
            Ok(answer(&txn, member))
        })
        .await
}

/// Declines an invitation.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn reject(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::EngagementMember>, Error> {
    ends(store, call, on, MemberVerb::Reject).await
}

/// Takes an invitation back.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn cancel(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::EngagementMember>, Error> {
    ends(store, call, on, MemberVerb::Cancel).await
}

/// Leaves an engagement.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn leave(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::EngagementMember>, Error> {
    ends(store, call, on, MemberVerb::Leave).await
}

/// Removes a member.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn remove(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::EngagementMember>, Error> {
    ends(store, call, on, MemberVerb::Remove).await
}

async fn ends(
    store: &Store,
    call: Call,
    on: Move,
    verb: MemberVerb,
) -> Result<Written<pb::EngagementMember>, Error> {
    store
        .write(call, on, move |txn, on| async move {
            let (member, _) = lock(&txn, &on).await?;
            let ended = end(&txn, member, verb, on.reason_code, &on.note).await?;
            if txn.scope().is_staff() {
                return Ok(answer(&txn, ended));
            }
            // What is over is no longer its partner's affair.
            Ok(pb::EngagementMember {
                name: child_name(txn.ecosystem(), &ended.engagement, &ended.id),
                ..pb::EngagementMember::default()
            })
        })
        .await
}

/// Ends the invitation that nobody answered in time, at that moment. Nothing happens to another.
pub(super) async fn expire(txn: &Txn, member: Model) -> Result<(), Error> {
    if lifecycle::is_overdue(&member, txn.now()) {
        end(txn, member, MemberVerb::Expire, None, "").await?;
    }
    Ok(())
}

/// Ends an invitation or a membership, and tells its partner.
pub(super) async fn end(
    txn: &Txn,
    mut member: Model,
    verb: MemberVerb,
    reason_code: Option<String>,
    note: &str,
) -> Result<Model, Error> {
    let resource = child_name(txn.ecosystem(), &member.engagement, &member.id);
    member.state = lifecycle::member_moved(member.state, verb, &resource)?;
    let (kind, ended) = match verb {
        MemberVerb::Expire => ("engagement_member.expired", member.expire_time),
        MemberVerb::Reject => ("engagement_member.rejected", txn.now()),
        MemberVerb::Leave => ("engagement_member.left", txn.now()),
        MemberVerb::Remove => ("engagement_member.removed", txn.now()),
        MemberVerb::Cancel | MemberVerb::Accept => ("engagement_member.cancelled", txn.now()),
    };
    member.end_time = Some(ended);
    member.until_time = Some(ended);
    member.reason_code = reason_code;
    let member = member::update(txn, member).await?;
    event::append(txn, told(kind, &member, note));
    event::is(txn, &answer(&txn.whole(), member.clone()));
    Ok(member)
}

/// What is told of a member, to the vendor and to its partner.
fn told(kind: &'static str, member: &Model, note: &str) -> NewEvent {
    let resource = child_name(&member.ecosystem, &member.engagement, &member.id);
    let event = NewEvent::new(kind, resource)
        .noting(note)
        .for_partner(&member.partner)
        .with(json!({ "partner": member.partner, "role": member.role }));
    match &member.reason_code {
        Some(reason_code) => event.because(reason_code.as_str()),
        None => event,
    }
}

/// A member as the call may see it now.
fn answer(view: &View, member: Model) -> pb::EngagementMember {
    let sight = sight(&member, view.scope());
    wire_member(lifecycle::as_of(member, view.now()), sight)
}

/// Locks a member that the call reaches, at the version that the caller read, after its engagement;
/// answers it as it stands now, with the state of the engagement.
async fn lock(txn: &Txn, on: &Move) -> Result<(Model, EngagementState), Error> {
    let (engagement, id) = &on.key;
    let missing = || missing(txn, &on.key);
    let held = record::lock::<EngagementEntity>(txn, engagement).await?;
    let held = held.ok_or_else(missing)?;
    let member = member::lock(txn, engagement, id)
        .await?
        .ok_or_else(missing)?;
    on.etag
        .check(member.version, &child_name(txn.ecosystem(), engagement, id))?;
    event::was(txn, answer(&txn.whole(), member.clone()));
    Ok((lifecycle::as_of(member, txn.now()), held.state))
}

/// Says that a member does not exist.
pub(super) fn missing(view: &View, (engagement, id): &Key) -> Error {
    let resource = child_name(view.ecosystem(), engagement, id);
    Problem::NotFound { resource }.into()
}
