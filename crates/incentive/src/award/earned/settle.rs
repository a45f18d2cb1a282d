//! Brings the awards of some partners to what is known of them: reads everything that is known, computes
//! all awards of it, posts the differences, writes the rows. Doing it once more changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trellis_core::{AwardId, DealId, PartnerId, PlanId, Timestamp};
use trellis_evaluation::evaluate::{Award, Facts, Key, NotPaid, Posted, Ready, evaluate};
use trellis_store::incentive::award::{self, Basis, Model};
use trellis_store::incentive::ledger::{self, Buckets, Posting};
use trellis_store::incentive::plan_budget;
use trellis_store::incentive::standing::{self, Profile};
use trellis_store::partner::partner::PartnerType;
use trellis_store::{Txn, View, record};

use super::super::postings;
use super::super::ruled;
use super::super::settle::{Settled, report, where_money_is};
use super::adopt::{adopted, are_left};
use super::book::{self, Component};
use super::row::{self, Part};
use super::{alone, budget};
use crate::Error;
use crate::fact::known::{Known, Of, Touched};
use trellis_evaluation::kernel::posting;

/// Settles everything that facts touch.
///
/// # Errors
/// When a row cannot be read, or an amount does not fit.
pub(crate) async fn settle(txn: &Txn, touched: &Touched) -> Result<(), Error> {
    let nobody = touched.of.partners().is_some_and(|all| all.is_empty());
    if nobody {
        return Ok(());
    }
    for component in book::components(txn).await? {
        settle_component(txn, &component, touched.clone()).await?;
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
            settle_component(txn, &component, Touched::whole(of.clone())).await?;
        }
    }
    Ok(())
}

async fn settle_component(txn: &Txn, component: &Component, touched: Touched) -> Result<(), Error> {
    let of = if component.is_of_everybody() {
        Of::Everybody
    } else {
        touched.of.clone()
    };
    // What is taken over from the kernel is taken over with everything that it is for.
    let by_days = touched.days.is_some() && !are_left(txn, component, &of).await?;
    if by_days && alone::settle(txn, component, &touched).await? {
        return Ok(());
    }
    let days = touched.days.filter(|_| by_days);
    let spans = days.and_then(|days| component.spans(&days));
    let spans = spans.as_deref();
    let budget = component.budget();
    if let Some(budget) = &budget {
        plan_budget::lock(txn, &budget.plan).await?;
    }
    let moment = component.known_time(txn.now());
    let known = Known::read(txn, of, spans, component.currencies(), moment).await?;
    let partners = known.partners();
    ledger::lock(txn, &partners).await?;
    let earners = known.of().partners();
    let mut rows = award::lock_earned(txn, &component.plans(), earners.as_deref(), spans).await?;
    rows.extend(adopted(txn, component, &known).await?);
    let buckets = where_money_is(txn, rows.iter()).await?;
    let mut facts = known.for_program(&component.program);
    facts.posted = posted(&rows, &buckets);
    let told = facts.posted.clone();
    let awards = computed(component.ready().to_vec(), facts, moment).await?;
    let mut books = Books::open(txn, component, &known, rows, buckets, &awards).await?;
    // Of other days not everything was read.
    let within = |award: &Award| {
        let spans = spans.unwrap_or_default();
        let mut spans = spans.iter();
        spans.any(|(from, until)| *from <= award.date && award.date < *until)
    };
    let whole = spans.is_none();
    let looked_at = |award: &&Award| whole || told.contains_key(&award.key) || within(award);
    let looked_at: Vec<&Award> = awards.iter().filter(looked_at).collect();
    for award in &looked_at {
        books.enter(award, told.get(&award.key))?;
    }
    let ids = books.close().await?;
    match &budget {
        Some(budget) => budget::keep(txn, budget, spans, &looked_at, &ids).await,
        // It may have had one by other terms.
        None if whole => {
            for plan in component.plans() {
                plan_budget::forget(txn, &plan, None).await?;
            }
            Ok(())
        }
        None => Ok(()),
    }
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
pub(super) fn key(row: &Model) -> Key {
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
        // What is on its way cannot be kept from anybody any longer; what is owed was paid.
        sum.minor += there.map_or(0, |there| ruled::posted(row, there));
        sum.paid_minor += there.map_or(0, |there| ruled::paid(row, there));
        if row.plan_version >= sum.version {
            sum.version = row.plan_version;
            sum.before = row.basis.as_ref().map_or_else(Vec::new, row::paid_before);
        }
    }
    posted
}

/// Settles awards that the kernel computed, of plans that it does not compute any longer; answers them
/// as they are then.
///
/// # Errors
/// As for [`settle`].
pub(crate) async fn take_over(txn: &Txn, awards: &[Model]) -> Result<Vec<Model>, Error> {
    let mut plans: BTreeMap<&PlanId, BTreeSet<PartnerId>> = BTreeMap::new();
    for award in awards {
        let partners = plans.entry(&award.plan).or_default();
        partners.insert(award.partner.clone());
    }
    for (plan, partners) in plans {
        settle_plan(txn, plan, Of::Partners(partners)).await?;
    }
    let ids: Vec<AwardId> = awards.iter().map(|award| award.id.clone()).collect();
    Ok(record::find_many::<award::Entity>(txn, ids).await?)
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
pub(super) struct Books<'a> {
    txn: &'a Txn,
    component: &'a Component,
    deals: BTreeMap<&'a str, &'a DealId>,
    profiles: HashMap<PartnerId, Profile>,
    rows: HashMap<Key, Vec<Model>>,
    ids: HashMap<Key, AwardId>,
    buckets: HashMap<AwardId, Buckets>,
    postings: Vec<Posting>,
    changed: Vec<Model>,
}

impl<'a> Books<'a> {
    /// Opens the books for some awards: the rows that there are, and where their money is.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(super) async fn open(
        txn: &'a Txn,
        component: &'a Component,
        known: &'a Known,
        found: Vec<Model>,
        buckets: HashMap<AwardId, Buckets>,
        awards: &[Award],
    ) -> Result<Self, Error> {
        let profiles = profiles(txn, awards).await?;
        let mut rows: HashMap<Key, Vec<Model>> = HashMap::new();
        let mut ids = HashMap::new();
        for row in found {
            let key = key(&row);
            ids.insert(key.clone(), row.id.clone());
            rows.entry(key).or_default().push(row);
        }
        Ok(Self {
            txn,
            component,
            deals: known.deals(),
            profiles,
            rows,
            ids,
            buckets,
            postings: Vec::new(),
            changed: Vec::new(),
        })
    }

    /// Writes what was entered; answers the ids of all awards, old and new: of one that several have parts
    /// of, of one of these.
    ///
    /// # Errors
    /// When a posting is refused.
    pub(super) async fn close(self) -> Result<HashMap<Key, AwardId>, Error> {
        let Self {
            txn,
            postings,
            changed,
            mut ids,
            ..
        } = self;
        ids.extend(changed.iter().map(|row| (key(row), row.id.clone())));
        ledger::append(txn, postings).await?;
        award::save(txn, changed).await?;
        Ok(ids)
    }

    /// Enters an award: a row for everybody who gets a part or had one.
    ///
    /// # Errors
    /// When an amount does not fit.
    pub(super) fn enter(&mut self, award: &Award, posted: Option<&Posted>) -> Result<(), Error> {
        let posted = &posted.cloned().unwrap_or_default();
        let rows = self.rows.remove(&award.key).unwrap_or_default();
        let mut parts = row::parts(award);
        for row in rows {
            // A row of another currency is that of a version which held before.
            let is_its =
                |part: &Part| part.partner == row.partner && row.currency == award.currency;
            let at = parts.iter().position(is_its);
            let part = at.map(|at| parts.remove(at)).unwrap_or_else(|| Part {
                partner: row.partner.clone(),
                minor: 0,
            });
            self.bring(award, posted, row, part.minor, false)?;
        }
        if award.not_paid == Some(NotPaid::NothingLeft) {
            // Who had a part of it was told. Who had none has no row, and needs none now: it would be of no
            // day, by which nobody found it again.
            parts.retain(|part| part.minor != 0);
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

    /// What an award is told besides its facts. What was paid before is not forgotten under a version
    /// that may not reduce it.
    fn basis(&self, award: &Award, minor: i64, posted: &Posted) -> Basis {
        let version = self.component.version(&award.key.plan, award.version);
        let keeps = version.is_some_and(|version| !version.terms.policy.may_reduce_paid);
        row::basis(award, minor, posted, keeps)
    }

    /// Brings a row to what the evaluation says, and the money with it.
    fn bring(
        &mut self,
        award: &Award,
        posted: &Posted,
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
            basis: Some(self.basis(award, minor, posted)),
            ..before.clone()
        };
        let matures = row::maturity(&after, &zone, txn.now());
        let moves = ruled::moves(&mut after, matures, &there);
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
        after.trace_hash = award.trace.hash();
        let posted_before = ruled::posted(&before, &there);
        if posted_before != minor {
            after.posted_before_minor = posted_before;
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
    let rows = record::lock_many::<award::Entity>(txn, ids).await?;
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
        let matures = row::maturity(&before, &zone, txn.now());
        let mut after = before.clone();
        let moves = ruled::moves(&mut after, matures, &there);
        let after_moves = posting::apply(&there, &moves);
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
