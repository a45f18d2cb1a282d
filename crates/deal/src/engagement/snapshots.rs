//! The use cases of what is shared. Each that writes is one transaction, under the lock of the
//! engagement.

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, child_name, name};
use trellis_core::{
    AccountId, Call, DealId, EngagementId, EngagementMemberId, EngagementSnapshotId, Page,
    PageQuery, Problem, Written,
};
use trellis_store::deal::engagement_member::{self, State as MemberState};
use trellis_store::deal::engagement_snapshot::{self as snapshot, Chosen, Content, Model, State};
use trellis_store::deal::{account, deal, engagement};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire_snapshot;
use super::disclosure::is_open;
use super::lifecycle::{self, SnapshotVerb};
use super::{content, engagements, members};
use crate::{Error, absent, exists};

/// What can be shared.
#[derive(Clone, Debug)]
pub enum Source {
    /// A deal.
    Deal(DealId),
    /// An account.
    Account(AccountId),
}

/// Shares something with a member.
#[derive(Clone, Debug)]
pub struct Share {
    /// In which engagement.
    pub engagement: EngagementId,
    /// The id that the caller chose.
    pub id: Option<EngagementSnapshotId>,
    /// With whom.
    pub member: EngagementMemberId,
    /// What.
    pub source: Source,
    /// Which of its fields, sorted.
    pub fields: Chosen,
    /// Why, in a sentence.
    pub note: String,
}

/// Which snapshot.
pub type Key = (EngagementId, EngagementSnapshotId);

/// Takes back what was shared.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Which one.
    pub key: Key,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a sentence.
    pub note: String,
}

/// Asks for snapshots.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which engagement.
    pub engagement: EngagementId,
    /// Which page.
    pub query: PageQuery,
}

/// Shares something with a member, as it is now.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `RESOURCE_EXISTS` when the id is taken, `PRECONDITION` when the engagement is
/// not active or the member has ended.
pub async fn share(
    store: &Store,
    call: Call,
    share: Share,
) -> Result<Written<pb::EngagementSnapshot>, Error> {
    store
        .write(call, share, |txn, share| async move {
            let engagement = engagements::lock(&txn, &share.engagement).await?;
            members::must_be_active(&txn, &engagement.id, engagement.state)?;
            let member = recipient(&txn, &share).await?;
            let (resource, content) = copied(&txn, &share.source, &share.fields).await?;
            let before = snapshot::latest(&txn, &engagement.id, &member.id, &resource).await?;
            if let Some(before) = &before
                && before.state == State::Shared
                && before.fields == share.fields
                && before.content == content
            {
                return Ok(wire_snapshot(before.clone(), true));
            }
            let id = share
                .id
                .unwrap_or_else(|| EngagementSnapshotId::generate(txn.now()));
            let own_name = child_name(txn.ecosystem(), &engagement.id, &id);
            let first = before.as_ref().map(|before| before.first_snapshot.clone());
            let shared = Model {
                ecosystem: txn.ecosystem().clone(),
                engagement: engagement.id,
                member: member.id.clone(),
                resource,
                revision: before.map_or(1, |before| before.revision + 1),
                first_snapshot: first.unwrap_or_else(|| id.clone()),
                id,
                fields: share.fields,
                content,
                state: State::Shared,
                revoke_time: None,
                version: 1,
                create_time: txn.now(),
                update_time: txn.now(),
            };
            let shared = snapshot::insert(&txn, shared)
                .await
                .map_err(|error| exists(error, &own_name))?;
            event::append(
                &txn,
                told("engagement_snapshot.shared", &shared, &member, &share.note),
            );
            Ok(wire_snapshot(shared, true))
        })
        .await
}

/// The member that something is shared with.
async fn recipient(txn: &Txn, share: &Share) -> Result<engagement_member::Model, Error> {
    let key = (share.engagement.clone(), share.member.clone());
    let found = engagement_member::lock(txn, &key.0, &key.1).await?;
    let member = found.ok_or_else(|| members::missing(txn, &key))?;
    let member = lifecycle::as_of(member, txn.now());
    if matches!(member.state, MemberState::Invited | MemberState::Accepted) {
        return Ok(member);
    }
    Err(Problem::Precondition {
        resource: child_name(txn.ecosystem(), &key.0, &key.1),
        requires: "the member must be INVITED or ACCEPTED".to_owned(),
    }
    .into())
}

/// The full name of what is shared, and what is copied of it.
async fn copied(txn: &Txn, source: &Source, fields: &Chosen) -> Result<(String, Content), Error> {
    match source {
        Source::Deal(id) => {
            let found = record::find::<deal::Entity>(txn, id).await?;
            let deal = found.ok_or_else(|| absent(txn, id))?;
            Ok((name(txn.ecosystem(), id), content::of_deal(&deal, fields)))
        }
        Source::Account(id) => {
            let found = record::find::<account::Entity>(txn, id).await?;
            let account = found.ok_or_else(|| absent(txn, id))?;
            let copied = content::of_account(&account, fields);
            Ok((name(txn.ecosystem(), id), copied))
        }
    }
}

/// Gets a snapshot.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, key: Key) -> Result<pb::EngagementSnapshot, Error> {
    let view = store.read(&call).await?;
    let missing = || missing(&view, &key);
    let engagement = record::find::<engagement::Entity>(&view, &key.0).await?;
    let engagement = engagement.ok_or_else(missing)?;
    let found = snapshot::find(&view, &key.0, &key.1).await?;
    let found = found.ok_or_else(missing)?;
    let open = is_open(&found, engagement.state, view.scope());
    Ok(wire_snapshot(found, open))
}

/// Lists snapshots.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    list: &List,
) -> Result<Page<pb::EngagementSnapshot>, Error> {
    let view = store.read(&call).await?;
    let engagement = engagements::find(&view, &list.engagement).await?;
    let page = snapshot::page(&view, &list.engagement, &list.query).await?;
    Ok(page.map(|snapshot| {
        let open = is_open(&snapshot, engagement.state, view.scope());
        wire_snapshot(snapshot, open)
    }))
}

/// Takes back what was shared.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn revoke(
    store: &Store,
    call: Call,
    revoke: Revoke,
) -> Result<Written<pb::EngagementSnapshot>, Error> {
    store
        .write(call, revoke, |txn, Revoke { key, etag, note }| async move {
            let resource = child_name(txn.ecosystem(), &key.0, &key.1);
            record::lock::<engagement::Entity>(&txn, &key.0).await?;
            let found = snapshot::lock(&txn, &key.0, &key.1).await?;
            let mut revoked = found.ok_or_else(|| missing(&txn, &key))?;
            etag.check(revoked.version, &resource)?;
            event::was(&txn, wire_snapshot(revoked.clone(), true));
            revoked.state =
                lifecycle::snapshot_moved(revoked.state, SnapshotVerb::Revoke, &resource)?;
            revoked.revoke_time = Some(txn.now());
            let revoked = snapshot::update(&txn, revoked).await?;
            let of = (key.0, revoked.member.clone());
            let member = engagement_member::lock(&txn, &of.0, &of.1).await?;
            let member = member.ok_or_else(|| members::missing(&txn, &of))?;
            event::append(
                &txn,
                told("engagement_snapshot.revoked", &revoked, &member, &note),
            );
            Ok(wire_snapshot(revoked, true))
        })
        .await
}

/// What is told of a snapshot: to the vendor, and to its member if it has accepted. Nothing of what was
/// copied, nor of what it was copied.
fn told(
    kind: &'static str,
    shared: &Model,
    member: &engagement_member::Model,
    note: &str,
) -> NewEvent {
    let resource = child_name(&shared.ecosystem, &shared.engagement, &shared.id);
    let partner = Some(&member.partner).filter(|_| member.state == MemberState::Accepted);
    NewEvent::new(kind, resource)
        .noting(note)
        .for_partner(partner)
        .with(json!({ "partner": member.partner, "revision": shared.revision }))
}

/// Says that a snapshot does not exist.
fn missing(view: &View, (engagement, id): &Key) -> Error {
    let resource = child_name(view.ecosystem(), engagement, id);
    Problem::NotFound { resource }.into()
}
