//! Brings awards to what the facts say: computes them, posts the differences, writes the rows.
//!
//! Whatever happened, this is what is done about it, in one transaction and in a fixed number of
//! statements for any number of awards: the locks of the partners, the rows, what is known, where
//! the money is; then the kernel; then the postings and the rows. Doing it once more changes
//! nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use trellis_api::{name, numbered_name};
use trellis_core::{AwardId, Timestamp};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award::{self, AccountingClass};
use trellis_store::incentive::ledger::{self, Buckets};
use trellis_store::incentive::{fact, total};
use trellis_store::partner::partner::PartnerType;
use trellis_store::{Txn, View};

use super::case::{Case, Evaluation, Known};
use super::postings;
use super::rulebook::Rulebook;
use super::ruled;
use crate::Error;
use trellis_evaluation::kernel::period::Scope;
use trellis_evaluation::kernel::posting::{self, Moves};

/// An award after it was settled, and where its money is.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// The award.
    pub(crate) award: award::Model,
    /// Where its money is.
    pub(crate) buckets: Buckets,
}

/// Cases by their keys, each once.
pub(crate) type Cases = BTreeMap<award::Key, Case>;

/// Settles awards; answers them in the order of their keys. What `known` holds of deals must be all
/// that there is of them; what it does not hold is read.
pub(crate) async fn settle(
    txn: &Txn,
    cases: &Cases,
    rulebook: &Rulebook,
    mut known: Known,
) -> Result<Vec<Settled>, Error> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    ledger::lock(txn, cases.values().map(|case| &case.partner)).await?;
    let mut rows: HashMap<award::Key, award::Model> = award::lock_by_keys(txn, cases.keys())
        .await?
        .into_iter()
        .map(|award| (award.award_key(), award))
        .collect();
    learn(txn, cases.values(), &mut known).await?;
    let mut buckets = where_money_is(txn, rows.values()).await?;

    let mut settled = Vec::with_capacity(cases.len());
    let mut all_postings = Vec::new();
    let mut changed = Vec::new();
    for (key, case) in cases {
        let evaluation = case.evaluate(rulebook, &known)?;
        let row = rows.remove(key);
        let is_new = row.is_none();
        let before = match row {
            Some(award) => award,
            None => new_award(txn, case, &evaluation, rulebook)?,
        };
        let empty = Buckets::empty(case.currency);
        let there = buckets.remove(&before.id).unwrap_or(empty);
        let (mut award, moves) = computed(txn, case, &evaluation, &before, &there)?;
        if is_new || award != before {
            award.version += i64::from(!is_new);
            award.update_time = txn.now();
            all_postings.extend(postings::of_moves(
                &award,
                &moves,
                evaluation.today(txn.now()),
            )?);
            report(txn, &before, &award, &moves, is_new);
            changed.push(award.clone());
        }
        settled.push(Settled {
            award,
            buckets: posting::apply(&there, &moves),
        });
    }
    ledger::append(txn, all_postings).await?;
    award::save(txn, changed).await?;
    Ok(settled)
}

/// Reads what the cases are computed from and is not known yet: the facts of deals, the totals of
/// periods.
pub(crate) async fn learn<'a>(
    view: &View,
    cases: impl Iterator<Item = &'a Case>,
    known: &mut Known,
) -> Result<(), Error> {
    let mut deals = Vec::new();
    let mut days = Vec::new();
    for case in cases {
        match &case.scope {
            Scope::Deal(deal) if known.has(deal) => {}
            Scope::Deal(deal) => deals.push(deal.clone()),
            Scope::Period(_) => days.extend(case.days()),
        }
    }
    deals.sort_unstable();
    deals.dedup();
    days.sort_unstable();
    days.dedup();
    if !deals.is_empty() {
        known.learn_facts(fact::of_deals(view, deals).await?);
    }
    known.learn_totals(total::of_days(view, &days).await?);
    Ok(())
}

/// Where the money of awards is. An award without a posting has none.
pub(crate) async fn where_money_is<'a>(
    view: &View,
    awards: impl Iterator<Item = &'a award::Model>,
) -> Result<HashMap<AwardId, Buckets>, Error> {
    let posted: Vec<AwardId> = awards
        .filter(|award| award.posting_count > 0)
        .map(|award| award.id.clone())
        .collect();
    if posted.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(ledger::award_buckets(view, &posted).await?)
}

fn new_award(
    txn: &Txn,
    case: &Case,
    evaluation: &Evaluation<'_>,
    rulebook: &Rulebook,
) -> Result<award::Model, Error> {
    let version = rulebook.numbered(&case.plan, case.version);
    let program = version.map(|version| version.model.program.clone());
    let deal = match &case.scope {
        Scope::Deal(deal) => Some(deal.clone()),
        Scope::Period(_) => None,
    };
    Ok(award::Model {
        ecosystem: txn.ecosystem().clone(),
        id: AwardId::generate(txn.now()),
        plan: case.plan.clone(),
        plan_version: case.version,
        program: program.ok_or_else(|| trellis_store::Error::Corrupt {
            table: "plan_versions",
            what: format!(
                "version {} of plan {} is not there",
                case.version, case.plan
            ),
        })?,
        partner: case.partner.clone(),
        scope: case.key().scope,
        window: case.window,
        deal,
        scope_date: evaluation.date,
        currency: case.currency,
        accounting_class: class_of(case.partner_type),
        entitled_minor: 0,
        rejected_minor: 0,
        adjusted_minor: 0,
        posted_before_minor: 0,
        not_paid: None,
        release_time: None,
        posting_count: 0,
        trace_hash: String::new(),
        earner: None,
        basis: None,
        rulings: None,
        hold_reason: None,
        hold_time: None,
        hold_payable_minor: 0,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    })
}

/// What is paid to partners who buy and sell on is paid to customers, and reduces revenue (ASC
/// 606-10-32-25); what is paid to others is an expense.
pub(super) fn class_of(partner_type: PartnerType) -> AccountingClass {
    match partner_type {
        PartnerType::Reseller | PartnerType::Distributor => AccountingClass::ContraRevenue,
        PartnerType::Technology
        | PartnerType::CloudProvider
        | PartnerType::SystemIntegrator
        | PartnerType::Consultant
        | PartnerType::Referral
        | PartnerType::Supplier
        | PartnerType::ManagedServiceProvider => AccountingClass::CommissionExpense,
    }
}

/// The award as the evaluation says, and what has to move for that.
fn computed(
    txn: &Txn,
    case: &Case,
    evaluation: &Evaluation<'_>,
    before: &award::Model,
    there: &Buckets,
) -> Result<(award::Model, Moves), Error> {
    let entitled = evaluation.entitlement.entitled;
    let matures = evaluation.maturity(txn.now());
    let mut award = before.clone();
    award.entitled_minor = entitled;
    let moves = ruled::moves(&mut award, matures, there);
    if let Some(version) = evaluation.version {
        award.plan_version = version.model.number;
        award.scope_date = evaluation.date;
    }
    let posted = ruled::posted(before, there);
    if posted != entitled {
        award.posted_before_minor = posted;
    }
    award.not_paid = evaluation.entitlement.not_paid;
    award.trace_hash = case.hash(evaluation);
    award.posting_count = before.posting_count + postings::count(&moves);
    Ok((award, moves))
}

/// Tells the feed what became of an award.
pub(super) fn report(
    txn: &Txn,
    before: &award::Model,
    award: &award::Model,
    moves: &Moves,
    is_new: bool,
) {
    let resource = name(txn.ecosystem(), &award.id);
    let version = award.plan_version.into();
    let data = json!({
        "partner": name(txn.ecosystem(), &award.partner),
        "plan_version": numbered_name(txn.ecosystem(), &award.plan, "versions", version),
        "scope": award.scope,
        "currency_code": award.currency,
        "entitled_minor": award.entitled_minor,
        "delta_minor": moves.delta(),
        "released_minor": moves.release,
        "not_paid_reason": award.not_paid.map(award::NotPaid::name),
    });
    if is_new || moves.delta() != 0 || before.not_paid != award.not_paid {
        event::append(
            txn,
            NewEvent::new("award.posted", resource)
                .for_partner(&award.partner)
                .with(data),
        );
    } else if moves.release > 0 {
        event::append(
            txn,
            NewEvent::new("award.released", resource)
                .for_partner(&award.partner)
                .with(data),
        );
    }
}

/// What an award has in its buckets by the clock, given how much of it is out of its hold and when the
/// next part is: a hold that has ended counts as ended, unless somebody holds the award.
pub(crate) fn as_of(
    award: &award::Model,
    there: Buckets,
    (matured, next): (i64, Option<Timestamp>),
) -> (Buckets, Option<Timestamp>) {
    if award.hold_reason.is_some() {
        return (there, None);
    }
    let release = (there.held - (award.entitled_minor - matured).max(0)).max(0);
    let after = posting::apply(
        &there,
        &Moves {
            release,
            ..Moves::default()
        },
    );
    (after, next.filter(|_| after.held > 0))
}
