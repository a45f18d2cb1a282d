//! How far in time facts reach: the awards of which days depend on the facts of a day. Pure.
//!
//! A plan that looks at every fact by itself depends on the facts of a day for the awards of that day. One
//! that adds up periods, or has limits over periods, depends on the facts of the period. Whatever looks
//! further back than that, an advance, a term, an earlier period to compare with, a total that never ends,
//! depends on all there is.

use std::collections::BTreeSet;

use trellis_core::{Cadence, Date, Period};
use trellis_store::incentive::Span;
use trellis_store::incentive::terms::{Limit, LimitScope, Sharing, Target, Term, Terms, Window};

/// Days of one statement; when more are touched, everything is looked at.
const SPANS_MAX: usize = 32;

/// The days whose awards depend on facts of some days, as plans with these terms see it; nothing when that
/// is all of them.
pub(super) fn spans<'a>(
    terms: impl Iterator<Item = &'a Terms>,
    days: &BTreeSet<Date>,
) -> Option<Vec<Span>> {
    let mut widest = None;
    for terms in terms {
        widest = widest.max(reach(terms)?);
    }
    let mut spans: Vec<Span> = Vec::new();
    for day in days {
        let (from, until) = match widest {
            None => (*day, day.plus_days(1)),
            Some(cadence) => {
                let period = Period::containing(*day, cadence);
                (period.start(), period.end())
            }
        };
        match spans.last_mut() {
            Some((_, end)) if *end >= from => *end = until.max(*end),
            _ => spans.push((from, until)),
        }
    }
    (spans.len() <= SPANS_MAX).then_some(spans)
}

/// Whether each fact has an award of its own that depends on what is known of that fact, and on no other
/// one: nothing but a budget for all may take awards of several facts together.
pub(super) fn stands_alone(terms: &Terms) -> bool {
    let apart = |limit: &Limit| limit.scope != LimitScope::Plan;
    let mut terms = terms.clone();
    terms.limits.limits.retain(apart);
    terms.sharing == Sharing::Single && reach(&terms) == Some(None)
}

/// The periods within which awards depend on each other, or each day by itself; nothing when there is no
/// such bound.
fn reach(terms: &Terms) -> Option<Option<Cadence>> {
    let limits = &terms.limits;
    let looks_back = limits.draw.is_some()
        || limits.term != Term::None
        // Plans of a group compete for a deal, whenever its facts are.
        || terms.policy.stack.is_some()
        || matches!(
            terms.measure.target,
            Target::PriorPeriod | Target::SamePeriodLastYear
        );
    if looks_back {
        return None;
    }
    let shared = limits
        .limits
        .iter()
        .filter(|limit| limit.scope != LimitScope::Award)
        .map(|limit| limit.window);
    let mut widest = None;
    for window in shared.chain([terms.measure.window]) {
        if window == Window::Lifetime {
            return None;
        }
        widest = widest.max(window.cadence());
    }
    Some(widest)
}

#[cfg(test)]
mod tests {
    use trellis_store::incentive::terms::Below;

    use super::*;

    fn days(all: &[&str]) -> BTreeSet<Date> {
        all.iter().map(|day| day.parse().unwrap()).collect()
    }

    fn told(all: &[Terms], touched: &[&str]) -> Option<Vec<String>> {
        let spans = spans(all.iter(), &days(touched))?;
        let told = spans.iter().map(|(from, until)| format!("{from}..{until}"));
        Some(told.collect())
    }

    fn over(window: Window) -> Terms {
        let mut terms = Terms::default();
        terms.measure.window = window;
        terms
    }

    fn limited(window: Window) -> Terms {
        let mut terms = over(Window::Event);
        terms.limits.limits = vec![Limit {
            scope: LimitScope::Plan,
            window,
            max_minor: Some(1),
            min_minor: None,
            below: Below::Forfeit,
        }];
        terms
    }

    #[test]
    fn facts_reach_as_far_as_the_widest_period() {
        let touched = ["2026-02-10", "2026-02-11", "2026-05-17"];
        let by_day = ["2026-02-10..2026-02-12", "2026-05-17..2026-05-18"];
        assert_eq!(told(&[over(Window::Event)], &touched).unwrap(), by_day);
        let by_month = ["2026-02-01..2026-03-01", "2026-05-01..2026-06-01"];
        assert_eq!(told(&[over(Window::Month)], &touched).unwrap(), by_month);
        let both = [over(Window::Month), over(Window::Quarter)];
        assert_eq!(told(&both, &touched).unwrap(), ["2026-01-01..2026-07-01"]);
        assert_eq!(
            told(&[limited(Window::Year)], &touched).unwrap(),
            ["2026-01-01..2027-01-01"]
        );
        assert_eq!(told(&[limited(Window::Event)], &touched).unwrap(), by_day);
    }

    #[test]
    fn what_looks_further_back_depends_on_everything() {
        let changes: [fn(&mut Terms); 5] = [
            |terms| terms.measure.window = Window::Lifetime,
            |terms| *terms = limited(Window::Lifetime),
            |terms| terms.limits.term = Term::FirstEvent,
            |terms| terms.measure.target = Target::PriorPeriod,
            |terms| terms.measure.target = Target::SamePeriodLastYear,
        ];
        for change in changes {
            let mut terms = over(Window::Month);
            change(&mut terms);
            assert_eq!(told(&[over(Window::Event), terms], &["2026-02-10"]), None);
        }
        let many: BTreeSet<Date> = (0..100).map(|at| Date::EPOCH.plus_days(at * 2)).collect();
        assert_eq!(spans([over(Window::Event)].iter(), &many), None);
    }
}
