//! Joining the line at a customer: a draft is handed in, and its tick comes. Everything here runs in a
//! transaction that holds the customer.

use trellis_api::name;
use trellis_core::{Problem, Violation};
use trellis_store::Txn;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::{self, Model, State};
use trellis_store::deal::registration_decision::Occasion;
use trellis_store::deal::{eligibility, submission};
use trellis_store::event::{self, NewEvent};

use super::decisions::Judged;
use super::disclosure::{self, Seen};
use super::gather::{Asked, Found};
use super::held::Held;
use super::lifecycle::{self, Verb};
use super::queue::{grant, known, turn_away};
use super::rules::{self, Missing, Outcome, Verdict};
use super::told::{report, report_neighbours, told};
use super::turns;
use super::{cooling, response, screening};
use crate::Error;
use crate::customer::{self, Customer};

/// Nothing stands in the way of a registration; it waits for a person, or for its tick.
pub(super) const CLEARED: &str = "registration.cleared";
/// A registration is refused at its tick, unless something changes until then.
const REFUSAL_DUE: &str = "registration.refusal_due";

/// How a draft is handed in.
pub(super) struct Asking {
    /// Why, in a sentence.
    pub(super) note: String,
    /// Who is answered.
    pub(super) seen: Seen,
}

/// Hands a locked draft in: it takes its place in the line, and the rules decide.
///
/// Whatever is decided, as many events are written: their places in the feed tell nothing.
pub(super) async fn submit(
    txn: &Txn,
    mut registration: Model,
    resource: &str,
    Asking { note, seen }: Asking,
) -> Result<Model, Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Submit, resource)?;
    let facts = known(txn, &registration, resource).await?;
    let counting = submission::counting(&registration.partner);
    let customers =
        customer::hold_after(txn, Some(&counting), [registration.account.clone()]).await?;
    if let [customer] = &customers[..] {
        // It may have been merged since the draft was written.
        registration.account.clone_from(&customer.account);
    }
    let held = Held::of(customers);
    let customer = held.customer(&registration)?;
    registration.receive_time = Some(txn.now());
    let found = Box::pin(Found::about(txn, customer, &registration, facts)).await?;
    found.take_place(&mut registration, txn.now());
    let before = rules::decide(&found.basis(&registration, txn.now(), Asked::default()));
    admissible(&before, resource)?;
    let facts = found.facts.clone();
    let asked = Asked {
        asks_a_person: match before.verdict {
            // That it asks for it already is told first.
            Verdict::SelfDuplicate { .. } => None,
            _ => cooling::is_tried_again(txn, &registration, &found).await?,
        },
        ..Asked::default()
    };
    let screened = screening::admit(txn, &mut registration, customer, &found, seen).await?;
    registration.contends = true;
    registration.judged = Some(customer.snapshot().clone());
    let judged = Judged::of(txn, found, &registration, asked);
    let claimed = registration.clone();
    let kind = join(txn, customer, &judged, &mut registration, (resource, seen)).await?;
    registration.decision = Some(judged.decision(txn));
    response::begin(&mut registration, &facts, txn.now());
    let registration = judged
        .write(txn, registration, Occasion::Submission)
        .await?;
    let submitted = NewEvent::new("registration.submitted", resource)
        .noting(note)
        .for_partner(&registration.partner)
        .with(told(&claimed));
    event::append(txn, submitted);
    report(txn, kind, &registration, "", facts.conflict_disclosure);
    screening::report(txn, screened, &registration);
    if registration.state == State::Approved {
        report_neighbours(txn, &registration, &judged.basis.neighbours);
    }
    Ok(registration)
}

/// Whether a registration can be handed in at all, as far as its partner can tell itself: the call is
/// refused and nothing is kept, so that it can be mended.
pub(super) fn admissible(outcome: &Outcome, resource: &str) -> Result<(), Error> {
    match &outcome.verdict {
        Verdict::Ineligible { requires } => Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: requires.clone(),
        }
        .into()),
        Verdict::NeedsInfo { missing } => Err(incomplete(missing)),
        Verdict::Approve
        | Verdict::Review
        | Verdict::Waitlist { .. }
        | Verdict::Reject
        | Verdict::SelfDuplicate { .. } => Ok(()),
    }
}

/// What becomes of a registration that is handed in and lacks something.
fn incomplete(missing: &[Missing]) -> Error {
    let each = missing.iter();
    let each = each.map(|one| Violation::new(&*one.field, &*one.rule, &*one.description));
    Problem::Invalid(each.collect()).into()
}

/// Puts a registration where the rules want it; answers what is reported.
async fn join(
    txn: &Txn,
    customer: &Customer,
    judged: &Judged,
    registration: &mut Model,
    (resource, seen): (&str, Seen),
) -> Result<&'static str, Error> {
    match &judged.outcome.verdict {
        Verdict::Approve if seen.waits_for_the_tick() => {
            registration.tick_time = Some(disclosure::tick(txn.now()));
            Ok(CLEARED)
        }
        Verdict::Reject if seen.waits_for_the_tick() => {
            registration.tick_time = Some(disclosure::tick(txn.now()));
            Ok(REFUSAL_DUE)
        }
        Verdict::Approve => {
            grant(txn, customer, judged, registration).await?;
            Ok("registration.approved")
        }
        Verdict::Reject => {
            registration.state = lifecycle::moved(registration.state, Verb::Reject, resource)?;
            registration.contends = false;
            submission::decided(txn, registration, true).await?;
            Ok("registration.rejected")
        }
        Verdict::Waitlist { .. } => {
            wait(txn, judged, registration, resource).await?;
            Ok("registration.waitlisted")
        }
        Verdict::Review => Ok(CLEARED),
        Verdict::SelfDuplicate { of } => Err(Error::SelfDuplicate {
            resource: name(txn.ecosystem(), of),
        }),
        Verdict::Ineligible { .. } | Verdict::NeedsInfo { .. } => {
            Err(admissible(&judged.outcome, resource)
                .err()
                .unwrap_or_else(|| incomplete(&[])))
        }
    }
}

/// Lets a registration wait, at its place in the line.
pub(super) async fn wait(
    txn: &Txn,
    judged: &Judged,
    registration: &mut Model,
    resource: &str,
) -> Result<(), Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Waitlist, resource)?;
    let line = judged.found.standing.line();
    let asking = Contender::from(&*registration);
    registration.waitlist_position = Some(line.position(&asking));
    // Few come before those who wait already; whoever does puts them one place back.
    let behind: Vec<_> = line
        .behind(&asking)
        .into_iter()
        .map(|one| one.id.clone())
        .collect();
    if !behind.is_empty() {
        registration::move_down(txn, behind).await?;
    }
    Ok(())
}

/// Decides about a registration whose tick has come; it was locked after `held`.
pub(super) async fn tick(txn: &Txn, held: &Held, mut registration: Model) -> Result<(), Error> {
    if registration
        .tick_time
        .take()
        .is_none_or(|tick| tick > txn.now())
    {
        return Ok(());
    }
    let customer = held.customer(&registration)?;
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    let Some(facts) = facts else {
        return Ok(registration::note(txn, &registration).await?);
    };
    let disclosure = facts.conflict_disclosure;
    let found = Box::pin(Found::about(txn, customer, &registration, facts)).await?;
    screening::again(txn, &mut registration, customer, &found.submissions).await?;
    registration.judged = Some(customer.snapshot().clone());
    let asked = Asked {
        asks_a_person: cooling::was_tried_again(txn, &registration, &found).await?,
        ..Asked::default()
    };
    let judged = Judged::of(txn, found, &registration, asked);
    registration.decision = Some(judged.decision(txn));
    match judged.outcome.verdict {
        Verdict::Approve => {
            grant(txn, customer, &judged, &mut registration).await?;
            let registration = judged.write(txn, registration, Occasion::Tick).await?;
            report(txn, "registration.approved", &registration, "", disclosure);
            report_neighbours(txn, &registration, &judged.basis.neighbours);
            Ok(())
        }
        Verdict::Reject | Verdict::Ineligible { .. } => {
            let left = registration.clone();
            turn_away(txn, &judged, registration, Occasion::Tick).await?;
            Box::pin(turns::next(txn, held, &left)).await
        }
        Verdict::Waitlist { .. } => {
            // Somebody came before it since.
            let resource = name(txn.ecosystem(), &registration.id);
            wait(txn, &judged, &mut registration, &resource).await?;
            registration::note(txn, &registration).await?;
            report(
                txn,
                "registration.waitlisted",
                &registration,
                "",
                disclosure,
            );
            judged.keep(txn, &registration, Occasion::Tick).await
        }
        Verdict::Review | Verdict::NeedsInfo { .. } | Verdict::SelfDuplicate { .. } => {
            response::turn(&mut registration, &judged.basis.facts, txn.now());
            registration::note(txn, &registration).await?;
            judged.keep(txn, &registration, Occasion::Tick).await
        }
    }
}
