//! For how long, how little, how much.

use trellis_api::incentive::v1 as pb;
use trellis_api::money;
use trellis_core::{Currency, Money};
use trellis_store::incentive::terms::{
    Anchor, Below, Draw, Limit, LimitScope, Limits, Term, Window,
};

use super::{Reader, names};

names!(window_of, window_on_wire: pb::shared_limit::Window, Window,
    Event Month Quarter Half Year Lifetime);
names!(below_of, below_on_wire: pb::limits::Below, Below, Forfeit RaiseTo);
names!(anchor_of, anchor_on_wire: pb::TimeAnchor, Anchor, Event ContractStart);

/// Reads limits. The limit of one award comes before those of several.
pub(crate) fn read_limits(reader: &mut Reader<'_>, limits: Option<pb::Limits>) -> Option<Limits> {
    let pb::Limits {
        minimum_amount,
        below,
        maximum_amount,
        term,
        shared_limits,
        draw,
    } = limits.unwrap_or_default();
    let below = below_of(below).unwrap_or(Below::Forfeit);
    let own = least_and_most(reader, "limits", minimum_amount, maximum_amount);
    let shared: Vec<Option<Limit>> = shared_limits
        .into_iter()
        .enumerate()
        .map(|(at, limit)| read_shared(reader, &format!("limits.shared_limits[{at}]"), limit))
        .collect();
    let term = match term {
        None => Some(Term::None),
        Some(term) => read_term(reader, term),
    };
    let draw = match draw {
        None => Some(None),
        Some(draw) => reader
            .positive("limits.draw.amount", draw.amount)
            .flatten()
            .map(|amount_minor| {
                Some(Draw {
                    amount_minor,
                    recoverable: draw.recoverable,
                })
            }),
    };
    let (min_minor, max_minor) = own?;
    let own = (min_minor.is_some() || max_minor.is_some()).then_some(Limit {
        scope: LimitScope::Award,
        window: Window::Event,
        max_minor,
        min_minor,
        below,
    });
    let shared: Vec<Limit> = shared.into_iter().collect::<Option<_>>()?;
    Some(Limits {
        term: term?,
        limits: own.into_iter().chain(shared).collect(),
        draw: draw?,
    })
}

/// The least and the most; a least of nothing is none.
fn least_and_most(
    reader: &mut Reader<'_>,
    path: &str,
    minimum: Option<trellis_api::google::r#type::Money>,
    maximum: Option<trellis_api::google::r#type::Money>,
) -> Option<(Option<i64>, Option<i64>)> {
    let maximum_path = format!("{path}.maximum_amount");
    let minimum = reader.amount(&format!("{path}.minimum_amount"), minimum);
    let maximum = reader.positive(&maximum_path, maximum);
    let minimum = minimum?.filter(|minimum| *minimum > 0);
    let maximum = maximum?;
    if maximum.is_some_and(|maximum| minimum.is_some_and(|minimum| minimum > maximum)) {
        let description = "must not be less than the minimum";
        reader.refuse(&maximum_path, "money.gte", description);
    }
    Some((minimum, maximum))
}

fn read_shared(reader: &mut Reader<'_>, path: &str, limit: pb::SharedLimit) -> Option<Limit> {
    use pb::shared_limit::Scope as Wire;
    let pb::SharedLimit {
        scope,
        window,
        maximum_amount,
        minimum_amount,
    } = limit;
    let (min_minor, max_minor) = least_and_most(reader, path, minimum_amount, maximum_amount)?;
    Some(Limit {
        scope: match Wire::try_from(scope).ok()? {
            Wire::Unspecified => return None,
            Wire::Customer => LimitScope::Customer,
            Wire::Partner => LimitScope::Partner,
            Wire::Plan => LimitScope::Plan,
        },
        window: window_of(window)?,
        max_minor,
        min_minor,
        below: Below::Forfeit,
    })
}

fn read_term(reader: &mut Reader<'_>, term: pb::LimitTerm) -> Option<Term> {
    use pb::limit_term::Kind as Wire;
    let pb::LimitTerm {
        kind,
        months,
        anchor,
    } = term;
    match Wire::try_from(kind).ok()? {
        Wire::Unspecified => None,
        Wire::FirstEvent if months != 0 => {
            let otherwise = "is that of KIND_MONTHS; leave it out";
            reader.refuse("limits.term.months", "term.kind", otherwise);
            None
        }
        Wire::FirstEvent => Some(Term::FirstEvent),
        Wire::Months => Some(Term::Months {
            months: u32::try_from(months).ok()?,
            anchor: anchor_of(anchor).unwrap_or(Anchor::Event),
        }),
    }
}

/// Limits on the wire; none where there are none.
pub(crate) fn wire_limits(limits: Limits, currency: Currency) -> Option<pb::Limits> {
    if limits == Limits::default() {
        return None;
    }
    let Limits { term, limits, draw } = limits;
    let amount = |minor: Option<i64>| minor.map(|minor| money::wire(Money::new(minor, currency)));
    let mut wire = pb::Limits {
        term: wire_term(term),
        draw: draw.map(|draw| pb::LimitDraw {
            amount: amount(Some(draw.amount_minor)),
            recoverable: draw.recoverable,
        }),
        ..pb::Limits::default()
    };
    for limit in limits {
        let scope = match limit.scope {
            LimitScope::Award => {
                wire.minimum_amount = amount(limit.min_minor);
                wire.below = below_on_wire(limit.below);
                wire.maximum_amount = amount(limit.max_minor);
                continue;
            }
            LimitScope::Customer => pb::shared_limit::Scope::Customer,
            LimitScope::Partner => pb::shared_limit::Scope::Partner,
            LimitScope::Plan => pb::shared_limit::Scope::Plan,
        };
        wire.shared_limits.push(pb::SharedLimit {
            scope: scope.into(),
            window: window_on_wire(limit.window),
            maximum_amount: amount(limit.max_minor),
            minimum_amount: amount(limit.min_minor),
        });
    }
    Some(wire)
}

fn wire_term(term: Term) -> Option<pb::LimitTerm> {
    use pb::limit_term::Kind as Wire;
    match term {
        Term::None => None,
        Term::FirstEvent => Some(pb::LimitTerm {
            kind: Wire::FirstEvent.into(),
            ..pb::LimitTerm::default()
        }),
        Term::Months { months, anchor } => Some(pb::LimitTerm {
            kind: Wire::Months.into(),
            months: i32::try_from(months).unwrap_or(i32::MAX),
            anchor: anchor_on_wire(anchor),
        }),
    }
}

/// Where a time begins, for other groups.
pub(super) fn anchor(number: i32) -> Anchor {
    anchor_of(number).unwrap_or(Anchor::Event)
}

/// The same on the wire.
pub(super) fn wire_anchor(anchor: Anchor) -> i32 {
    anchor_on_wire(anchor)
}
