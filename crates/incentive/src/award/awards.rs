//! The use cases of awards.

use std::collections::HashMap;

use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::{AwardId, Call, Money, Page, PageQuery, Problem, TimeZone, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award::{self, Entity, Model};
use trellis_store::incentive::ledger::{self, Buckets};
use trellis_store::incentive::plan_version;
use trellis_store::{Store, Txn, View, record};

use super::adjustments::seen_by_another;
use super::case::{Case, Known};
use super::convert::wire;
use super::earned::row::maturity;
use super::earned::settle::{mature, take_over};
use super::opened::not_on_hold;
use super::postings;
use super::rulebook::Rulebook;
use super::settle::{self, Cases, Settled};
use crate::Error;
use crate::limit::within_limit;

/// Approves awards.
#[derive(Clone, Debug)]
pub(crate) struct Approve {
    /// Which ones, in the order asked for.
    pub(crate) ids: Vec<AwardId>,
    /// Why, in a sentence.
    pub(crate) note: String,
}

/// Gets an award.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn get(store: &Store, call: Call, id: AwardId) -> Result<pb::Award, Error> {
    let view = store.read(&call).await?;
    let award = record::find::<Entity>(&view, &id)
        .await?
        .ok_or_else(|| absent(&view, &id))?;
    let mut shown = show(&view.whole(), vec![award]).await?;
    shown.pop().ok_or_else(|| absent(&view, &id))
}

/// Lists awards.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(crate) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Award>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = record::page::<Entity>(&view, query).await?;
    Ok(Page {
        rows: show(&view.whole(), rows).await?,
        next,
    })
}

/// Approves what awards have in review: all of them or none.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `AWARD_ON_HOLD` and `NOTHING_TO_APPROVE` naming the first award that is held by hand, or
/// has nothing in review;
/// `FOUR_EYES` naming the first to which the caller has added something; `APPROVAL_LIMIT` naming the first
/// with which the sum is above the caller's limit.
pub(crate) async fn approve(
    store: &Store,
    call: Call,
    approve: Approve,
) -> Result<Written<pb::ApproveAwardsResponse>, Error> {
    store
        .write(call, approve, |txn, Approve { ids, note }| async move {
            let mut settled = settled_anew(&txn, &ids).await?;
            let mut awards = Vec::with_capacity(ids.len());
            let mut changed = Vec::with_capacity(ids.len());
            let mut all_postings = Vec::with_capacity(ids.len());
            let mut approved = HashMap::new();
            for id in ids {
                let resource = name(txn.ecosystem(), &id);
                let Some((
                    Settled {
                        mut award,
                        mut buckets,
                    },
                    zone,
                )) = settled.remove(&id)
                else {
                    return Err(absent(&txn, &id));
                };
                event::was(&txn, wire(award.clone(), buckets));
                not_on_hold(&resource, &award)?;
                let minor = buckets.review;
                if minor == 0 {
                    return Err(Error::NothingToApprove { resource });
                }
                let so_far = Money::new(0, award.currency);
                let so_far = approved.entry(award.currency).or_insert(so_far);
                *so_far = so_far.checked_add(Money::new(minor, award.currency))?;
                within_limit(&txn, &resource, *so_far)?;
                seen_by_another(&txn, &resource, &award)?;
                award.posting_count += 1;
                award.version += 1;
                award.update_time = txn.now();
                let today = zone.local_date(txn.now());
                all_postings.push(postings::of_approval(&award, minor, today)?);
                buckets.review = 0;
                buckets.payable += minor;
                let data = serde_json::json!({
                    "partner": name(txn.ecosystem(), &award.partner),
                    "currency_code": award.currency,
                    "approved_minor": minor,
                });
                let event = NewEvent::new("award.approved", resource)
                    .noting(note.clone())
                    .for_partner(&award.partner);
                event::append(&txn, event.with(data));
                changed.push(award.clone());
                let award = wire(award, buckets);
                event::is(&txn, &award);
                awards.push(award);
            }
            ledger::append(&txn, all_postings).await?;
            award::save(&txn, changed).await?;
            Ok(pb::ApproveAwardsResponse { awards })
        })
        .await
}

/// Settles awards, so that holds that have ended are, and answers them by id with the time zones of
/// their programs.
pub(super) async fn settled_anew(
    txn: &Txn,
    ids: &[AwardId],
) -> Result<HashMap<AwardId, (Settled, TimeZone)>, Error> {
    let rows = record::find_many::<Entity>(txn, ids.to_vec()).await?;
    if let Some(missing) = ids
        .iter()
        .find(|id| rows.iter().all(|award| award.id != **id))
    {
        return Err(absent(txn, missing));
    }
    let rulebook = rulebook_of(txn, &rows).await?;
    let settled = settle_all(txn, rows, &rulebook).await?;
    Ok(settled
        .into_iter()
        .map(|settled| {
            let zone = rulebook.zone(&settled.award.plan);
            (settled.award.id.clone(), (settled, zone))
        })
        .collect())
}

/// Settles awards by the clock: what the kernel knows is computed once more, of what is computed from
/// facts the parts are released whose holds have ended. What the kernel computed and knows no longer is
/// computed from facts from now on.
pub(crate) async fn settle_all(
    txn: &Txn,
    awards: Vec<Model>,
    rulebook: &Rulebook,
) -> Result<Vec<Settled>, Error> {
    let (mut earned, own): (Vec<Model>, Vec<Model>) =
        awards.into_iter().partition(|award| award.basis.is_some());
    let (beyond, own): (Vec<Model>, Vec<Model>) = own
        .into_iter()
        .partition(|award| rulebook.is_beyond(&award.plan));
    earned.extend(take_over(txn, &beyond).await?);
    let cases: Cases = own
        .iter()
        .map(|award| (award.award_key(), Case::of_award(award)))
        .collect();
    let mut settled = settle::settle(txn, &cases, rulebook, Known::default()).await?;
    let earned = earned
        .into_iter()
        .map(|award| {
            let zone = rulebook.zone(&award.plan);
            (award, zone)
        })
        .collect();
    settled.extend(mature(txn, earned).await?);
    Ok(settled)
}

/// The versions of the plans of some awards.
pub(crate) async fn rulebook_of(view: &View, awards: &[Model]) -> Result<Rulebook, Error> {
    Ok(Rulebook::new(versions_of(view, awards).await?))
}

/// The versions that awards of the kernel may have been computed with last: first all that there are,
/// then all but those whose past is still being looked at.
pub(super) async fn rulebooks_of(view: &View, awards: &[Model]) -> Result<[Rulebook; 2], Error> {
    let all = versions_of(view, awards).await?;
    let mut before = all.clone();
    before.retain(|version| version.catch_up.is_none());
    Ok([Rulebook::new(all), Rulebook::new(before)])
}

async fn versions_of(view: &View, awards: &[Model]) -> Result<Vec<plan_version::Model>, Error> {
    let mut plans: Vec<_> = awards.iter().map(|award| award.plan.clone()).collect();
    plans.sort_unstable();
    plans.dedup();
    Ok(plan_version::of_plans(view, plans).await?)
}

/// Awards for the wire, with their buckets by the clock.
pub(super) async fn show(view: &View, awards: Vec<Model>) -> Result<Vec<pb::Award>, Error> {
    let mut buckets = settle::where_money_is(view, awards.iter()).await?;
    let due: Vec<Model> = awards
        .iter()
        .filter(|award| award.release_time.is_some_and(|time| time <= view.now()))
        .cloned()
        .collect();
    let rulebook = if due.is_empty() {
        Rulebook::default()
    } else {
        rulebook_of(view, &due).await?
    };
    let cases: Vec<(AwardId, Case)> = due
        .iter()
        .filter(|award| award.basis.is_none())
        .map(|award| (award.id.clone(), Case::of_award(award)))
        .collect();
    let mut known = Known::default();
    if !cases.is_empty() {
        settle::learn(view, cases.iter().map(|(_, case)| case), &mut known).await?;
    }
    let mut shown = Vec::with_capacity(awards.len());
    for mut award in awards {
        let mut there = buckets
            .remove(&award.id)
            .unwrap_or_else(|| Buckets::empty(award.currency));
        if let Some((_, case)) = cases.iter().find(|(id, _)| *id == award.id) {
            let evaluation = case.evaluate(&rulebook, &known)?;
            let matures = evaluation.maturity(view.now());
            (there, award.release_time) = settle::as_of(&award, there, matures);
        } else if award.basis.is_some() && due.iter().any(|due| due.id == award.id) {
            let matures = maturity(&award, &rulebook.zone(&award.plan), view.now());
            (there, award.release_time) = settle::as_of(&award, there, matures);
        }
        shown.push(wire(award, there));
    }
    Ok(shown)
}

pub(super) fn absent(view: &View, id: &AwardId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}
