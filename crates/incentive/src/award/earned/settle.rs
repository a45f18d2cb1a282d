//! Brings the awards of some partners to what is known of them: reads everything that is known, computes
//! all awards of it, posts the differences, writes the rows. Doing it once more changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trellis_core::{AwardId, DealId, PartnerId, PlanId, Timestamp};
use trellis_evaluation::evaluate::{Award, Facts, Key, NotPaid, Posted, Ready, evaluate};
use trellis_store::incentive::award::{self, Model};
use trellis_store::incentive::ledger::{self, Buckets, Posting};
use trellis_store::incentive::standing::{self, Profile};
use trellis_store::partner::partner::PartnerType;
use trellis_store::{Txn, View};

use super::super::postings;
use super::super::settle::{Settled, report, where_money_is};
use super::book::{self, Component};
use super::row::{self, Part};
use crate::Error;
use crate::fact::known::{Known, Of};
use trellis_evaluation::kernel::posting;

/// Settles everything that facts of some partners touch.
///
/// # Errors
/// When a row cannot be read, or an amount does not fit.
pub(crate) async fn settle(txn: &Txn, of: &Of) -> Result<(), Error> {
    let nobody = of.partners().is_some_and(|partners| partners.is_empty());
    if nobody {
        return Ok(());
    }
    for component in book::components(txn).await? {
        settle_component(txn, &component, of.clone()).await?;
    }
    Ok(())
}

/// Settles the component of a plan.
///
/// # Errors
/// As for [`settle`].
pub(crate) async fn settle_plan(txn: &Txn, plan: &PlanId, of: Of) -> Result<(), Error> {
    for component in book::components(txn).await? {
        if component.plans().contains(plan) {
            settle_component(txn, &component, of.clone()).await?;
        }
    }
    Ok(())
}

async fn settle_component(txn: &Txn, component: &Component, of: Of) -> Result<(), Error> {
    let of = if component.is_of_everybody() {
        Of::Everybody
    } else {
        of
    };
    let known = Known::read(txn, of, component.currencies(), txn.now()).await?;
    let partners = known.partners();
    ledger::lock(txn, &partners).await?;
    let earners = known.of().partners();
    let rows = award::lock_earned(txn, &component.plans(), earners.as_deref()).await?;
    let buckets = where_money_is(txn, rows.iter()).await?;
    let mut facts = known.for_program(&component.program);
    facts.posted = posted(&rows, &buckets);
    let told = facts.posted.clone();
    let awards = computed(component.ready().to_vec(), facts, txn.now()).await?;
    let profiles = profiles(txn, &awards).await?;
    let mut books = Books {
        txn,
        component,
        deals: known.deals(),
        profiles,
        rows: HashMap::new(),
        buckets,
        postings: Vec::new(),
        changed: Vec::new(),
    };
    for row in rows {
        books.rows.entry(key(&row)).or_default().push(row);
    }
    for award in awards.iter().filter(|award| component.posts(award)) {
        let posted = told.get(&award.key).copied().unwrap_or_default();
        books.enter(award, posted)?;
    }
    let Books {
        postings, changed, ..
    } = books;
    ledger::append(txn, postings).await?;
    Ok(award::save(txn, changed).await?)
}

/// Computes where it holds up no other call.
pub(super) async fn computed(
    ready: Vec<Ready>,
    facts: Facts,
    known_at: Timestamp,
) -> Result<Vec<Award>, Error> {
    let computed = tokio::task::spawn_blocking(move || evaluate(&ready, &facts, known_at));
    // It cannot be stopped from outside; whoever brought it down has been told of.
    let computed = computed.await.map_err(|_| trellis_store::Error::Panicked)?;
    Ok(computed?)
}

/// What the evaluation calls the award of a row.
fn key(row: &Model) -> Key {
    let scope = row.basis.as_ref().map(|basis| basis.scope.clone());
    Key {
        plan: row.plan.clone(),
        partner: row.earner.clone().unwrap_or_else(|| row.partner.clone()),
        scope: scope.unwrap_or_default(),
    }
}

/// What was posted for each award, for all who got a part.
pub(crate) fn posted(rows: &[Model], buckets: &HashMap<AwardId, Buckets>) -> BTreeMap<Key, Posted> {
    let mut posted: BTreeMap<Key, Posted> = BTreeMap::new();
    for row in rows {
        let there = buckets.get(&row.id);
        let sum = posted.entry(key(row)).or_default();
        sum.minor += there.map_or(0, Buckets::entitled);
        // What is on its way cannot be kept from anybody any longer; what is owed was paid.
        sum.paid_minor += there.map_or(0, |there| there.paid + there.in_payout - there.owed);
        sum.version = sum.version.max(row.plan_version);
    }
    posted
}

/// What those are who get parts, for the rows that are made.
async fn profiles(view: &View, awards: &[Award]) -> Result<HashMap<PartnerId, Profile>, Error> {
    let partners: BTreeSet<PartnerId> = awards
        .iter()
        .flat_map(row::parts)
        .map(|part| part.partner)
        .collect();
    let partners: Vec<PartnerId> = partners.into_iter().collect();
    let mut profiles = HashMap::new();
    for chunk in partners.chunks(500) {
        profiles.extend(standing::of_partners(view, chunk).await?);
    }
    Ok(profiles)
}

/// What is written in the end.
struct Books<'a> {
    txn: &'a Txn,
    component: &'a Component,
    deals: BTreeMap<&'a str, &'a DealId>,
    profiles: HashMap<PartnerId, Profile>,
    rows: HashMap<Key, Vec<Model>>,
    buckets: HashMap<AwardId, Buckets>,
    postings: Vec<Posting>,
    changed: Vec<Model>,
}

impl Books<'_> {
    /// Enters an award: a row for everybody who gets a part or had one.
    fn enter(&mut self, award: &Award, posted: Posted) -> Result<(), Error> {
        let rows = self.rows.remove(&award.key).unwrap_or_default();
        let mut parts = row::parts(award);
        for row in rows {
            let at = parts.iter().position(|part| part.partner == row.partner);
            let part = at.map(|at| parts.remove(at)).unwrap_or_else(|| Part {
                partner: row.partner.clone(),
                minor: 0,
            });
            self.bring(award, posted, row, part.minor, false)?;
        }
        for Part { partner, minor } in parts {
            let fact = award.key.scope.strip_prefix("fact/");
            let deal = fact.and_then(|fact| self.deals.get(fact)).copied();
            let profile = self.profiles.get(&partner);
            let partner_type = profile.map_or(PartnerType::Reseller, |profile| {
                profile.standing.partner_type()
            });
            let row = row::new(
                self.txn,
                self.component,
                award,
                &partner,
                partner_type,
                deal,
            );
            self.bring(award, posted, row, minor, true)?;
        }
        Ok(())
    }

    /// Brings a row to what the evaluation says, and the money with it.
    fn bring(
        &mut self,
        award: &Award,
        posted: Posted,
        before: Model,
        minor: i64,
        is_new: bool,
    ) -> Result<(), Error> {
        let txn = self.txn;
        let zone = self.component.zone();
        let empty = Buckets::empty(before.currency);
        let there = self.buckets.remove(&before.id).unwrap_or(empty);
        // What is not there any longer has no day; it was of the day that it was of.
        let gone = !is_new && award.not_paid == Some(NotPaid::NothingLeft);
        let scope_date = if gone { before.scope_date } else { award.date };
        let mut after = Model {
            plan_version: award.version,
            scope_date,
            entitled_minor: minor,
            not_paid: row::not_paid(award, minor),
            basis: Some(row::basis(award, minor, posted, txn.now())),
            trace_hash: award.trace.hash(),
            ..before.clone()
        };
        let (matured, next) = row::maturity(&after, &zone, txn.now());
        let moves = posting::moves(minor, matured, &there);
        let held = posting::apply(&there, &moves).held;
        after.release_time = next.filter(|_| held > 0);
        let same = |basis: &Option<award::Basis>| {
            basis
                .as_ref()
                .map(|basis| (basis.essence.clone(), basis.held.clone()))
        };
        let told_again = same(&after.basis) == same(&before.basis)
            && after.entitled_minor == before.entitled_minor
            && after.not_paid == before.not_paid
            && after.release_time == before.release_time
            && moves == posting::Moves::default();
        if told_again && !is_new {
            return Ok(());
        }
        if moves.delta() != 0 {
            after.posted_before_minor = there.entitled();
        }
        after.posting_count += postings::count(&moves);
        after.version += i64::from(!is_new);
        after.update_time = txn.now();
        let today = zone.local_date(txn.now());
        self.postings
            .extend(postings::of_moves(&after, &moves, today)?);
        report(txn, &before, &after, &moves, is_new);
        self.changed.push(after);
        Ok(())
    }
}

/// Releases what is held no longer by the clock, of awards that are locked; answers them in their order.
///
/// # Errors
/// When a posting is refused.
pub(crate) async fn mature(
    txn: &Txn,
    awards: Vec<(Model, trellis_core::TimeZone)>,
) -> Result<Vec<Settled>, Error> {
    if awards.is_empty() {
        return Ok(Vec::new());
    }
    ledger::lock(txn, awards.iter().map(|(award, _)| &award.partner)).await?;
    let zones: HashMap<AwardId, trellis_core::TimeZone> = awards
        .iter()
        .map(|(award, zone)| (award.id.clone(), zone.clone()))
        .collect();
    // As they are now that nobody else can change them.
    let ids = awards.into_iter().map(|(award, _)| award.id);
    let rows = trellis_store::record::lock_many::<award::Entity>(txn, ids).await?;
    let mut buckets = where_money_is(txn, rows.iter()).await?;
    let mut settled = Vec::with_capacity(rows.len());
    let (mut all_postings, mut changed) = (Vec::new(), Vec::new());
    for before in rows {
        let zone = zones
            .get(&before.id)
            .cloned()
            .unwrap_or_else(trellis_core::TimeZone::utc);
        let empty = Buckets::empty(before.currency);
        let there = buckets.remove(&before.id).unwrap_or(empty);
        let (matured, next) = row::maturity(&before, &zone, txn.now());
        let moves = posting::moves(before.entitled_minor, matured, &there);
        let after_moves = posting::apply(&there, &moves);
        let mut after = before.clone();
        after.release_time = next.filter(|_| after_moves.held > 0);
        if after != before || moves != posting::Moves::default() {
            after.posting_count += postings::count(&moves);
            after.version += 1;
            after.update_time = txn.now();
            let today = zone.local_date(txn.now());
            all_postings.extend(postings::of_moves(&after, &moves, today)?);
            report(txn, &before, &after, &moves, false);
            changed.push(after.clone());
        }
        settled.push(Settled {
            award: after,
            buckets: after_moves,
        });
    }
    ledger::append(txn, all_postings).await?;
    award::save(txn, changed).await?;
    Ok(settled)
}
