//! Computes the awards of both sides from the facts of some partners, as they are computed in earnest.

use std::collections::{BTreeMap, HashMap};

use trellis_api::incentive::v1 as pb;
use trellis_core::{MoneyError, PartnerId, PlanId, Timestamp};
use trellis_evaluation::evaluate::{Award, Key as AwardKey, Posted, evaluate};
use trellis_evaluation::kernel::steps;
use trellis_store::View;
use trellis_store::incentive::fact::{self, Kind};
use trellis_store::incentive::{award, fact::Model};

use super::report::{Key, Outcome, Report};
use super::sides::{Side, Sides};
use super::steps::differences;
use crate::Error;
use crate::award::case::{Case, Evaluation, Known as KnownDeals};
use crate::award::earned::row;
use crate::award::earned::settle::posted;
use crate::award::rulebook::Rulebook;
use crate::award::settle::{Cases, where_money_is};
use crate::award::{explanation, simulated};
use crate::fact::known::{Known, Of};

/// As of when it is asked what is known. The snapshot says that: whatever is in it was recorded.
const KNOWN: Timestamp = Timestamp::from_micros(i64::MAX);

/// What is known of some partners.
#[derive(Debug)]
pub(super) struct Facts {
    of: Of,
    /// What was recorded of the deals that they won on the days, where the kernel computes anything.
    deals: Vec<Model>,
    /// Everything that is known of them, where anything is computed from that.
    known: Option<Known>,
    /// What was posted for their awards, where that plays a part: by the terms that hold, and of that
    /// what stays under the proposed ones.
    posted: [BTreeMap<AwardKey, Posted>; 2],
}

impl Facts {
    /// Reads them.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(super) async fn read(view: &View, sides: &Sides, of: &Of) -> Result<Self, Error> {
        let (start, end) = (sides.days.start, sides.days.end);
        let deals = match of.partners() {
            _ if !sides.has_kernel() => Vec::new(),
            Some(partners) => fact::of_period(view, &partners, start, end).await?,
            None => fact::of_partners(view, None, None).await?,
        };
        let known = if sides.has_earned() {
            let currencies = sides.currencies();
            Some(Known::read(view, of.clone(), None, currencies, KNOWN).await?)
        } else {
            None
        };
        let posted = if sides.keeps_paid() {
            read_posted(view, sides, of).await?
        } else {
            [BTreeMap::new(), BTreeMap::new()]
        };
        Ok(Self {
            of: of.clone(),
            deals,
            known,
            posted,
        })
    }
}

/// What was posted. Had the proposed terms held, nothing would have been paid under those that they
/// replace.
async fn read_posted(
    view: &View,
    sides: &Sides,
    of: &Of,
) -> Result<[BTreeMap<AwardKey, Posted>; 2], Error> {
    let plans: Vec<PlanId> = sides.plans.iter().cloned().collect();
    let rows = award::earned(view, &plans, of.partners().as_deref()).await?;
    let buckets = where_money_is(view, rows.iter()).await?;
    let all = posted(&rows, &buckets);
    let staying: Vec<award::Model> = rows
        .into_iter()
        .filter(|row| sides.same_on(&row.plan, row.scope_date))
        .collect();
    Ok([all, posted(&staying, &buckets)])
}

/// The awards of one side.
#[derive(Debug)]
struct Awards<'a> {
    kernel: Vec<(Case, Evaluation<'a>)>,
    earned: Vec<Award>,
}

/// Computes the awards of both sides, and adds what they come to.
///
/// # Errors
/// When an amount does not fit.
pub(super) fn add(report: &mut Report, sides: &Sides, facts: &Facts) -> Result<(), Error> {
    let mut known = KnownDeals::default();
    known.learn_facts(facts.deals.iter().cloned());
    let wins: Vec<&Model> = own_wins(sides, facts);
    let mut partners: Vec<&PartnerId> =
        wins.iter().filter_map(|win| win.partner.as_ref()).collect();
    partners.sort_unstable();
    partners.dedup();
    known.add_up(&partners)?;
    let [posted, staying] = &facts.posted;
    let current = Awards {
        kernel: of_kernel(sides, &sides.current.rulebook, &wins, &known)?,
        earned: of_facts(&sides.current, facts, posted)?,
    };
    let proposed = Awards {
        kernel: of_kernel(sides, &sides.proposed.rulebook, &wins, &known)?,
        earned: of_facts(&sides.proposed, facts, staying)?,
    };
    report
        .budgets
        .use_current(&sides.current, &current.earned)?;
    report
        .budgets
        .use_proposed(&sides.proposed, &proposed.earned)?;
    let mut proposed = entries(sides, &proposed);
    for (key, current) in entries(sides, &current) {
        let proposed = proposed.remove(&key);
        enter(report, key, Some(current), proposed)?;
    }
    for (key, proposed) in proposed {
        enter(report, key, None, Some(proposed))?;
    }
    Ok(())
}

/// What the partners won on the days. Deals are known whole, with what others won of them.
fn own_wins<'a>(sides: &Sides, facts: &'a Facts) -> Vec<&'a Model> {
    let own = |partner: &PartnerId| facts.of.has(partner);
    let wins = facts.deals.iter();
    wins.filter(|row| row.kind == Kind::DealWon && sides.days.has(row.occur_date))
        .filter(|row| row.partner.as_ref().is_some_and(own))
        .collect()
}

fn of_kernel<'a>(
    sides: &Sides,
    rulebook: &'a Rulebook,
    wins: &[&Model],
    known: &KnownDeals,
) -> Result<Vec<(Case, Evaluation<'a>)>, Error> {
    let mut cases = Cases::new();
    for win in wins {
        for version in rulebook.holding_on(win.occur_date) {
            cases.extend(Case::of_win(version, win).map(|case| (case.key(), case)));
        }
    }
    let mut computed = Vec::with_capacity(cases.len());
    for case in cases.into_values() {
        let evaluation = case.evaluate(rulebook, known)?;
        if sides.days.has(evaluation.date) {
            computed.push((case, evaluation));
        }
    }
    Ok(computed)
}

fn of_facts(
    side: &Side,
    facts: &Facts,
    posted: &BTreeMap<AwardKey, Posted>,
) -> Result<Vec<Award>, MoneyError> {
    let Some(known) = &facts.known else {
        return Ok(Vec::new());
    };
    let mut computed = Vec::new();
    for component in &side.components {
        let mut told = known.for_program(&component.program);
        let plans = component.plans();
        let own = posted.iter().filter(|(key, _)| plans.contains(&key.plan));
        told.posted = own.map(|(key, told)| (key.clone(), told.clone())).collect();
        computed.extend(evaluate(component.ready(), &told, KNOWN)?);
    }
    Ok(computed)
}

/// An award of one side for one partner, and how it was computed.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    minor: i64,
    told: Told<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Told<'a> {
    Kernel(&'a Case, &'a Evaluation<'a>),
    Earned(&'a Award),
}

/// The awards of one side that are about the days, for each who gets a part.
fn entries<'a>(sides: &Sides, awards: &'a Awards<'a>) -> HashMap<Key, Entry<'a>> {
    let kernel = awards.kernel.iter().map(|(case, evaluation)| {
        let key = Key {
            plan: case.plan.clone(),
            partner: case.partner.clone(),
            scope: case.scope.key(),
            earner: case.partner.clone(),
            currency: case.currency,
        };
        let minor = evaluation.entitlement.entitled;
        let told = Told::Kernel(case, evaluation);
        (key, Entry { minor, told })
    });
    let counts = |award: &&Award| sides.days.has(award.date) || is_for_all_time(award);
    let earned = awards.earned.iter().filter(counts).flat_map(|award| {
        row::parts(award).into_iter().map(move |part| {
            let key = Key {
                plan: award.key.plan.clone(),
                partner: part.partner,
                scope: scope(award),
                earner: award.key.partner.clone(),
                currency: award.currency,
            };
            let told = Told::Earned(award);
            let minor = part.minor;
            (key, Entry { minor, told })
        })
    });
    kernel.chain(earned).collect()
}

fn is_for_all_time(award: &Award) -> bool {
    award.key.scope == "lifetime" || award.key.scope.starts_with("lifetime/")
}

/// What an award is for, so that an award for a won deal is the same whichever way it is computed.
fn scope(award: &Award) -> String {
    let scope = &award.key.scope;
    let win = scope.strip_prefix("fact/deal:");
    match win.and_then(|win| win.split_once("/wins/")) {
        Some((deal, win)) if !win.contains('/') => format!("deal/{deal}"),
        _ => scope.clone(),
    }
}

fn enter(
    report: &mut Report,
    key: Key,
    current: Option<Entry<'_>>,
    proposed: Option<Entry<'_>>,
) -> Result<(), MoneyError> {
    let outcome = |entry: Option<Entry<'_>>| Outcome {
        minor: entry.map_or(0, |entry| entry.minor),
        version: entry.and_then(|entry| entry.told.version()),
    };
    let steps = |entry: Option<Entry<'_>>| entry.map_or(Vec::new(), |entry| entry.told.steps());
    report.enter(key, outcome(current), outcome(proposed), || {
        differences(&steps(current), &steps(proposed))
    })
}

impl Told<'_> {
    fn version(self) -> Option<i32> {
        match self {
            Self::Kernel(_, evaluation) => evaluation.version.map(|version| version.model.number),
            Self::Earned(award) => Some(award.version),
        }
    }

    fn steps(self) -> Vec<pb::AwardStep> {
        match self {
            Self::Kernel(case, evaluation) => {
                let Some(version) = evaluation.version else {
                    return Vec::new();
                };
                let subject = case.subject(evaluation);
                let told = steps::steps(&subject, &version.rules, &evaluation.entitlement, 0);
                told.into_iter().map(explanation::wire_step).collect()
            }
            Self::Earned(award) => award.trace.steps.iter().map(simulated::wire_step).collect(),
        }
    }
}
