//! Who comes next in the line of a customer, when somebody has left it or its accounts are recognised
//! by something else. Everything here runs in a transaction that holds the customer.

use std::collections::VecDeque;

use trellis_store::deal::contender::Contender;
use trellis_store::deal::eligibility;
use trellis_store::deal::registration::{self, Decision, Entity, Model, State};
use trellis_store::deal::registration_decision::Occasion;
use trellis_store::{Txn, record};

use super::decisions::Judged;
use super::gather::{Asked, Found, Standing};
use super::held::Held;
use super::queue::{grant, move_up, turn_away};
use super::rules::Verdict;
use super::told::{report, report_neighbours};
use super::{cooling, response, screening};
use crate::Error;
use crate::customer::Customer;

/// Looks at those that waited with a registration which has left the line, in the order of the line:
/// whoever nothing stands in the way of any more is granted at once where the program does that by
/// itself, and told that its turn has come where a person decides. Whoever the rules refuse then leaves
/// the line too, and those that waited with it are looked at in turn. Who still stands behind somebody is
/// not asked about, whatever has become of it: it is when its turn comes.
pub(super) async fn next(txn: &Txn, held: &Held, left: &Model) -> Result<(), Error> {
    let mut gone = VecDeque::from([left.clone()]);
    while let Some(left) = gone.pop_front() {
        let mut standing = Standing::at(txn, held.customer(&left)?, &left).await?;
        let leaving = Contender::from(&left);
        if left.waitlist_position.is_some() {
            move_up(txn, &standing.line(), &leaving).await?;
        }
        let waiting: Vec<Contender> = standing
            .line()
            .waiting_with(&leaving)
            .into_iter()
            .cloned()
            .collect();
        for seen in &waiting {
            // Most go on waiting, and that is seen without asking the rules.
            if standing.line().keeps_waiting(seen, txn.now()) {
                continue;
            }
            let Some(seen) = record::find::<Entity>(txn, &seen.id).await? else {
                continue;
            };
            // What stands at its own customer may be more than what stands at the one that was left.
            let customer = held.customer(&seen)?;
            match Box::pin(take_turn(txn, customer, &seen, Occasion::Promotion)).await? {
                Turn::Waits(_) | Turn::StandsBehind => {}
                // Who was granted a part of what it asked for is not in the way of the rest any more.
                Turn::Taken => {
                    standing = Standing::at(txn, held.customer(&left)?, &left).await?;
                }
                Turn::Refused(left) => gone.push_back(*left),
            }
        }
    }
    Ok(())
}

/// Looks again at registrations that wait, in the order of the line, because what their customers are
/// recognised by has changed: what stood in their way may be somebody else's now.
pub(super) async fn look_again(txn: &Txn, held: &Held, waiting: &[Model]) -> Result<(), Error> {
    for seen in waiting {
        let customer = held.customer(seen)?;
        match Box::pin(take_turn(txn, customer, seen, Occasion::Recognition)).await? {
            Turn::Refused(left) => next(txn, held, &left).await?,
            Turn::Waits(judged) => stand(txn, &judged, seen).await?,
            Turn::Taken | Turn::StandsBehind => {}
        }
    }
    Ok(())
}

/// Notes behind whom, and at which place, a registration waits.
async fn stand(txn: &Txn, judged: &Judged, seen: &Model) -> Result<(), Error> {
    let Some(mut registration) = record::lock::<Entity>(txn, &seen.id).await? else {
        return Ok(());
    };
    let place = judged
        .found
        .standing
        .line()
        .position(&Contender::from(&registration));
    let decision = judged.decision(txn);
    let blocked_by = |decision: &Decision| decision.blocked_by.clone();
    let behind = registration.decision.as_ref().and_then(blocked_by);
    if registration.state != State::Waitlisted
        || (registration.waitlist_position == Some(place) && behind == decision.blocked_by)
    {
        return Ok(());
    }
    registration.waitlist_position = Some(place);
    registration.decision = Some(decision);
    registration::note(txn, &registration).await?;
    judged.keep(txn, &registration, Occasion::Recognition).await
}

/// What comes of looking whether the turn of a registration has come.
enum Turn {
    /// It goes on waiting.
    Waits(Box<Judged>),
    /// It goes on waiting, and will be refused when its turn comes if nothing changes.
    StandsBehind,
    /// Its turn has come, or it is gone.
    Taken,
    /// It is refused; this is how it stood.
    Refused(Box<Model>),
}

/// Looks, on some occasion, whether the turn of a registration that waits has come.
async fn take_turn(
    txn: &Txn,
    customer: &Customer,
    seen: &Model,
    occasion: Occasion,
) -> Result<Turn, Error> {
    let facts = eligibility::facts(txn, &seen.partner, &seen.program).await?;
    let Some(facts) = facts else {
        return Ok(Turn::Taken);
    };
    let disclosure = facts.conflict_disclosure;
    let found = Box::pin(Found::about(txn, customer, seen, facts)).await?;
    let asked = Asked {
        waited: true,
        asks_a_person: cooling::was_tried_again(txn, seen, &found).await?,
        ..Asked::default()
    };
    let judged = Judged::of(txn, found, seen, asked);
    match judged.outcome.verdict {
        Verdict::Waitlist { .. } => return Ok(Turn::Waits(Box::new(judged))),
        Verdict::SelfDuplicate { .. } => return Ok(Turn::Taken),
        _ => {}
    }
    let refused = matches!(
        judged.outcome.verdict,
        Verdict::Ineligible { .. } | Verdict::Reject
    );
    let line = judged.found.standing.line();
    if refused && line.stands_behind(&Contender::from(seen), txn.now()) {
        return Ok(Turn::StandsBehind);
    }
    let Some(mut registration) = record::lock::<Entity>(txn, &seen.id).await? else {
        return Ok(Turn::Taken);
    };
    if registration.state != State::Waitlisted {
        return Ok(Turn::Taken);
    }
    if refused {
        registration.decision = Some(judged.decision(txn));
        let left = registration.clone();
        turn_away(txn, &judged, registration, occasion).await?;
        return Ok(Turn::Refused(Box::new(left)));
    }
    let submissions = &judged.found.submissions;
    screening::again(txn, &mut registration, customer, submissions).await?;
    registration.judged = Some(customer.snapshot().clone());
    let judged = judged.screened(txn, &registration);
    registration.decision = Some(judged.decision(txn));
    let kind = if let Verdict::Approve = judged.outcome.verdict {
        grant(txn, customer, &judged, &mut registration).await?;
        registration = judged.write(txn, registration, occasion).await?;
        report_neighbours(txn, &registration, &judged.basis.neighbours);
        "registration.approved"
    } else {
        response::turn(&mut registration, &judged.basis.facts, txn.now());
        registration::note(txn, &registration).await?;
        judged.keep(txn, &registration, occasion).await?;
        "registration.promoted"
    };
    report(txn, kind, &registration, "", disclosure);
    Ok(Turn::Taken)
}
