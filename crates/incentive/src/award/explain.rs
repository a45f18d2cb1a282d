//! Explains an award: computes it once more from its facts, not from the totals that are kept, and
//! tells each step. Nothing is written.

use trellis_api::incentive::v1 as pb;
use trellis_core::{AwardId, Call};
use trellis_store::incentive::award::{Basis, Entity, Model};
use trellis_store::incentive::fact;
use trellis_store::{Store, View, record};

use super::awards::{absent, rulebooks_of, show};
use super::case::{Case, Evaluation, Known};
use super::earned::replay::replay;
use super::rulebook::{Rulebook, Version};
use super::{earned, explanation};
use crate::Error;
use trellis_evaluation::kernel::period::Scope;

/// How often an award that is being changed meanwhile is read anew.
const ATTEMPTS_MAX: u32 = 5;

/// An award, computed once more.
pub(crate) struct Explained<'a> {
    /// The award.
    pub(crate) award: &'a Model,
    /// What it is about.
    pub(crate) case: &'a Case,
    /// Its facts.
    pub(crate) known: &'a Known,
    /// The result.
    pub(crate) evaluation: &'a Evaluation<'a>,
    /// The version that holds, or the one under which it was computed last.
    pub(crate) version: &'a Version,
}

/// Explains an award. Whoever reaches the award is told all of its computation, which does not depend
/// on how much of the rest they reach.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn explain(
    store: &Store,
    call: Call,
    id: AwardId,
) -> Result<pb::ExplainAwardResponse, Error> {
    let view = store.read(&call).await?;
    let mut award = get(&view, &id).await?;
    if let Some(basis) = award.basis.clone() {
        return tell_earned(&view, award, &basis).await;
    }
    for _ in 1..ATTEMPTS_MAX {
        let known = facts_of(&view.whole(), &award).await?;
        let after = get(&view, &id).await?;
        if after.version == award.version {
            return tell(&view.whole(), award, &known).await;
        }
        // The facts may be newer than the award that was read before them.
        award = after;
    }
    let known = facts_of(&view.whole(), &award).await?;
    tell(&view.whole(), award, &known).await
}

/// Tells an award that is computed from facts, as they were known when it was computed last.
async fn tell_earned(
    view: &View,
    award: Model,
    basis: &Basis,
) -> Result<pb::ExplainAwardResponse, Error> {
    let whole = view.whole();
    let replayed = replay(&whole, &award, basis).await?;
    let (explanation, computation) = match replayed {
        Some(replayed) => {
            let told = earned::explanation::wire(view, &award, basis, replayed);
            (told.0, Some(told.1))
        }
        // What comes out no longer has no hash that could be the same.
        None => {
            let nothing = pb::AwardExplanation {
                trace_hash: award.trace_hash.clone(),
                ..pb::AwardExplanation::default()
            };
            (nothing, None)
        }
    };
    Ok(pb::ExplainAwardResponse {
        award: show(&whole, vec![award]).await?.pop(),
        explanation: Some(explanation),
        computation,
    })
}

async fn get(view: &View, id: &AwardId) -> Result<Model, Error> {
    record::find::<Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

/// Everything that an award is computed from.
pub(super) async fn facts_of(view: &View, award: &Model) -> Result<Known, Error> {
    let case = Case::of_award(award);
    let mut known = Known::default();
    match &case.scope {
        Scope::Deal(deal) => known.learn_facts(fact::of_deals(view, [deal.clone()]).await?),
        Scope::Period(period) => {
            let (partner, from, until) = (&award.partner, period.start(), period.end());
            let own = std::slice::from_ref(partner);
            known.learn_facts(fact::of_period(view, own, from, until).await?);
            known.add_up(&[partner])?;
        }
    }
    Ok(known)
}

async fn tell(view: &View, award: Model, known: &Known) -> Result<pb::ExplainAwardResponse, Error> {
    let case = Case::of_award(&award);
    let [mut rulebook, before] = rulebooks_of(view, std::slice::from_ref(&award)).await?;
    let comes_out = |rulebook: &Rulebook| {
        let evaluation = case.evaluate(rulebook, known)?;
        Ok::<bool, Error>(case.hash(&evaluation) == award.trace_hash)
    };
    // While the past of a version is looked at, what it has not come to stands as it was.
    if !comes_out(&rulebook)? && comes_out(&before)? {
        rulebook = before;
    }
    let evaluation = case.evaluate(&rulebook, known)?;
    let last = rulebook.numbered(&award.plan, award.plan_version);
    let version = evaluation
        .version
        .or(last)
        .ok_or_else(|| trellis_store::Error::Corrupt {
            table: "plan_versions",
            what: format!(
                "version {} of plan {} is not there",
                award.plan_version, award.plan
            ),
        })?;
    let explained = Explained {
        award: &award,
        case: &case,
        known,
        evaluation: &evaluation,
        version,
    };
    let explanation = explanation::wire(view.ecosystem(), view.now(), &explained);
    let shown = show(view, vec![award]).await?.pop();
    Ok(pb::ExplainAwardResponse {
        award: shown,
        explanation: Some(explanation),
        computation: None,
    })
}
