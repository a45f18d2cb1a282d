//! The line in which registrations of one customer stand: joining it, being granted, leaving it,
//! and who comes next. Everything here runs in a transaction that holds the customer.
//!
//! What it must keep, whatever happens at the same time: of registrations of different partners
//! that overlap, at most one is protected; and nobody overtakes.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use trellis_api::name;
use trellis_core::lifecycle::Named;
use trellis_core::{AccountId, Money, Problem, TerritoryId};
use trellis_store::deal::eligibility::{self, Facts};
use trellis_store::deal::registration::{self, Decision, Entity, Model, State};
use trellis_store::deal::{protection, submission, territory};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program::ConflictDisclosure;
use trellis_store::{Txn, View, record};

use super::conflict::{Line, Verdict};
use super::disclosure::{self, Seen};
use super::eligibility::{Approval, approval, lacks};
use super::lifecycle::{self, Verb};
use super::places::{Place, Places};
use super::protection::window;
use super::{cooling, response, screening};
use crate::Error;
use crate::customer::{self, Customer};

/// A partner may not claim business in a program.
pub(super) const INELIGIBLE: &str = "R1";
/// Another registration came first.
pub(super) const CONFLICT: &str = "R6";
/// It may be another's customer.
pub(super) const UNSURE: &str = "R9";
/// Nothing stands in the way.
pub(super) const FREE: &str = "R10";
/// A person decides whether what its partner tries again brings new evidence.
const COOL_OFF: &str = "COOL_OFF";
/// A person decided.
const STAFF: &str = "STAFF";

/// Customers that nobody else can decide about until the transaction ends.
pub(super) struct Held(HashMap<AccountId, Customer>);

impl Held {
    /// Nothing is held.
    pub(super) fn nothing() -> Self {
        Self(HashMap::new())
    }

    fn of(customers: Vec<Customer>) -> Self {
        Self(
            customers
                .into_iter()
                .map(|one| (one.account.clone(), one))
                .collect(),
        )
    }

    /// The customer of a registration. One that came while the locks were waited for is not held:
    /// the transaction begins anew and finds it.
    pub(super) fn customer(&self, registration: &Model) -> Result<&Customer, Error> {
        let contended = Error::Store(trellis_store::Error::Contended);
        self.0.get(&registration.account).ok_or(contended)
    }
}

/// Holds the customer of a registration, and the customers of all who wait with it and may be next:
/// they need not have all their keys in common, nor the same accounts.
///
/// `seen` was read without a lock. What is decided from it is only which locks to take.
pub(super) async fn hold(txn: &Txn, seen: &Model) -> Result<Held, Error> {
    if !seen.contends {
        return Ok(Held::nothing());
    }
    let mut accounts = BTreeSet::from([seen.account.clone()]);
    for own in customer::read(txn, [seen.account.clone()]).await? {
        if !own.same.is_empty() {
            let standing = customer::contending(txn, &own).await?;
            let waiting = standing
                .into_iter()
                .filter(|other| other.state == State::Waitlisted);
            accounts.extend(waiting.map(|other| other.account));
        }
    }
    Ok(Held::of(customer::hold(txn, accounts).await?))
}

/// What stands at a customer, or at those that may be the same.
pub(super) struct Standing {
    registrations: Vec<Model>,
    places: Places,
}

impl Standing {
    pub(super) async fn at(
        view: &View,
        customer: &Customer,
        asking: &Model,
    ) -> Result<Self, Error> {
        let registrations = customer::contending(view, customer).await?;
        Self::of(view, registrations, asking).await
    }

    pub(super) async fn perhaps_at(
        view: &View,
        customer: &Customer,
        asking: &Model,
    ) -> Result<Self, Error> {
        let registrations = customer::contending_perhaps(view, customer).await?;
        Self::of(view, registrations, asking).await
    }

    pub(super) async fn of(
        view: &View,
        registrations: Vec<Model>,
        asking: &Model,
    ) -> Result<Self, Error> {
        let places = places(view, asking, &registrations).await?;
        Ok(Self {
            registrations,
            places,
        })
    }

    pub(super) fn line(&self) -> Line<'_> {
        Line {
            standing: &self.registrations,
            places: &self.places,
        }
    }
}

/// Whether a registration would be stood in the way of if an account that may be the same customer
/// were the same: then a person decides, and nothing else does.
pub(super) async fn unsure(txn: &Txn, customer: &Customer, asking: &Model) -> Result<bool, Error> {
    let standing = Standing::perhaps_at(txn, customer, asking).await?;
    Ok(standing.line().judge(asking, txn.now()) != Verdict::Free)
}

/// Reads the territories that are compared, with all that they lie within. Most registrations
/// compare none.
pub(super) async fn places(
    view: &View,
    asking: &Model,
    standing: &[Model],
) -> Result<Places, Error> {
    let named = |one: &Model| one.territory.clone();
    let others: BTreeSet<TerritoryId> = standing
        .iter()
        .filter(|other| other.id != asking.id)
        .filter_map(named)
        .collect();
    let mut places = Places::default();
    let Some(own) = named(asking) else {
        return Ok(places);
    };
    if others.iter().all(|other| *other == own) {
        return Ok(places);
    }
    for id in others.iter().chain([&own]) {
        if places.0.contains_key(id) {
            continue;
        }
        for territory in territory::chain(view, id).await? {
            let place = Place {
                parent: territory.parent_territory,
                region_codes: territory.region_codes.0,
            };
            places.0.insert(territory.id, place);
        }
    }
    Ok(places)
}

/// How a draft is handed in.
pub(super) struct Asking {
    /// Why, in a sentence.
    pub(super) note: String,
    /// Who is answered.
    pub(super) seen: Seen,
}

/// Hands a locked draft in: it takes its place in the line, and what stands before it decides.
///
/// Whatever is decided, as many events are written: their places in the feed tell nothing.
pub(super) async fn submit(
    txn: &Txn,
    mut registration: Model,
    resource: &str,
    Asking { note, seen }: Asking,
) -> Result<Model, Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Submit, resource)?;
    let facts = eligible(txn, &registration, resource).await?;
    submission::count(txn, &registration.partner).await?;
    let customers = customer::hold(txn, [registration.account.clone()]).await?;
    if let [customer] = &customers[..] {
        // It may have been merged since the draft was written.
        registration.account.clone_from(&customer.account);
    }
    let held = Held::of(customers);
    let customer = held.customer(&registration)?;
    registration.receive_time = Some(txn.now());
    let screened = screening::admit(txn, &mut registration, customer, &facts, seen).await?;
    let standing = Standing::at(txn, customer, &registration).await?;
    let line = standing.line();
    registration.submit_time = Some(line.place(&registration, txn.now()));
    registration.contends = true;
    registration.judged = Some(customer.snapshot().clone());
    let unsure = unsure(txn, customer, &registration).await?;
    let verdict = line.judge(&registration, txn.now());
    let tried_again = match verdict {
        Verdict::SelfDuplicate { .. } => false,
        _ => cooling::is_tried_again(txn, &registration, customer, &facts).await?,
    };
    let kind = match verdict {
        Verdict::SelfDuplicate { of } => {
            return Err(Error::SelfDuplicate {
                resource: name(txn.ecosystem(), &of.id),
            });
        }
        Verdict::Blocked { by } => {
            registration.state = lifecycle::moved(registration.state, Verb::Waitlist, resource)?;
            registration.waitlist_position = Some(line.position(&registration));
            registration.decision = Some(Decision {
                blocked_by: Some(by.id.clone()),
                ..decided(txn, CONFLICT, "DUPLICATE_ACTIVE")
            });
            "registration.waitlisted"
        }
        Verdict::Free if unsure => {
            registration.decision = Some(decided(txn, UNSURE, "IDENTITY_REVIEW"));
            CLEARED
        }
        Verdict::Free if tried_again => {
            registration.decision = Some(decided(txn, FREE, COOL_OFF));
            CLEARED
        }
        Verdict::Free => match approval(&facts, value(&registration), registration.suspicion) {
            Approval::Automatic if seen.waits_for_the_tick() => {
                registration.tick_time = Some(disclosure::tick(txn.now()));
                registration.decision = Some(decided(txn, FREE, "AUTOMATIC"));
                CLEARED
            }
            Approval::Automatic => {
                grant(txn, customer, &line, &facts, &mut registration).await?;
                registration.decision = Some(decided(txn, FREE, "AUTOMATIC"));
                "registration.approved"
            }
            Approval::Manual => {
                registration.decision = Some(decided(txn, FREE, "MANUAL_APPROVAL"));
                CLEARED
            }
            Approval::AboveLimit => {
                registration.decision = Some(decided(txn, FREE, "ABOVE_LIMIT"));
                CLEARED
            }
            Approval::Suspicious(suspicion) => {
                registration.decision = Some(decided(txn, FREE, suspicion.name()));
                CLEARED
            }
        },
    };
    response::begin(&mut registration, &facts, txn.now());
    let registration = record::update::<Entity>(txn, registration).await?;
    let submitted = NewEvent::new("registration.submitted", resource)
        .noting(note)
        .for_partner(&registration.partner)
        .with(told(&handed_in(&registration)));
    event::append(txn, submitted);
    report(txn, kind, &registration, "", facts.conflict_disclosure);
    screening::report(txn, screened, &registration);
    Ok(registration)
}

/// A registration as it stood when it was handed in and nothing was decided yet.
pub(super) fn handed_in(registration: &Model) -> Model {
    Model {
        state: State::Submitted,
        waitlist_position: None,
        protection_end_time: None,
        ..registration.clone()
    }
}

/// Decides about a registration whose tick has come; it was locked after `held`. Nobody has overtaken
/// it meanwhile. If it can no longer be approved by itself, a person decides.
pub(super) async fn decide(txn: &Txn, held: &Held, mut registration: Model) -> Result<(), Error> {
    if registration
        .tick_time
        .take()
        .is_none_or(|tick| tick > txn.now())
    {
        return Ok(());
    }
    let customer = held.customer(&registration)?;
    let standing = Standing::at(txn, customer, &registration).await?;
    let line = standing.line();
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    screening::again(txn, &mut registration, customer).await?;
    registration.judged = Some(customer.snapshot().clone());
    let unsure = unsure(txn, customer, &registration).await?;
    let approval = |facts: &Facts| approval(facts, value(&registration), registration.suspicion);
    let automatic = facts.as_ref().filter(|facts| {
        !unsure
            && lacks(facts, txn.now()).is_none()
            && approval(facts) == Approval::Automatic
            && line.judge(&registration, txn.now()) == Verdict::Free
    });
    let Some(facts) = automatic else {
        if let Some(facts) = &facts {
            response::turn(&mut registration, facts, txn.now());
        }
        let reason = registration
            .suspicion
            .map_or("MANUAL_APPROVAL", Named::name);
        registration.decision = Some(match unsure {
            true => decided(txn, UNSURE, "IDENTITY_REVIEW"),
            false => decided(txn, FREE, reason),
        });
        return Ok(registration::note(txn, &registration).await?);
    };
    grant(txn, customer, &line, facts, &mut registration).await?;
    registration.decision = Some(decided(txn, FREE, "AUTOMATIC"));
    let registration = record::update::<Entity>(txn, registration).await?;
    report(
        txn,
        "registration.approved",
        &registration,
        "",
        facts.conflict_disclosure,
    );
    Ok(())
}

/// Grants a locked registration that a person approves.
pub(super) async fn approve(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    note: String,
) -> Result<Model, Error> {
    lifecycle::moved(registration.state, Verb::Approve, resource)?;
    let facts = eligible(txn, &registration, resource).await?;
    let customer = held.customer(&registration)?;
    let standing = Standing::at(txn, customer, &registration).await?;
    let line = standing.line();
    match line.judge(&registration, txn.now()) {
        Verdict::Free => {}
        Verdict::Blocked { .. } => {
            return Err(Error::RegistrationConflict {
                resource: resource.to_owned(),
            });
        }
        Verdict::SelfDuplicate { of } => {
            return Err(Error::SelfDuplicate {
                resource: name(txn.ecosystem(), &of.id),
            });
        }
    }
    grant(txn, customer, &line, &facts, &mut registration).await?;
    registration.decision = Some(Decision {
        note: Some(note.clone()).filter(|note| !note.is_empty()),
        ..decided(txn, STAFF, "APPROVED")
    });
    let registration = record::update::<Entity>(txn, registration).await?;
    let disclosure = facts.conflict_disclosure;
    report(
        txn,
        "registration.approved",
        &registration,
        &note,
        disclosure,
    );
    Ok(registration)
}

/// How a registration leaves the line.
pub(super) struct Leaving {
    /// By which move.
    pub(super) verb: Verb,
    /// Why, in a word.
    pub(super) reason_code: Option<String>,
    /// Why, in a sentence.
    pub(super) note: String,
}

/// Takes a locked registration out of the line, and looks who is next.
pub(super) async fn leave(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    leaving: Leaving,
) -> Result<Model, Error> {
    let Leaving {
        verb,
        reason_code,
        note,
    } = leaving;
    let left = registration.clone();
    registration.state = lifecycle::moved(registration.state, verb, resource)?;
    registration.contends = false;
    registration.waitlist_position = None;
    registration.tick_time = None;
    registration.info_due_time = None;
    response::stop(&mut registration);
    let kind = match verb {
        Verb::Reject => {
            submission::decided(txn, &registration, true).await?;
            registration.decision = Some(Decision {
                note: Some(note.clone()).filter(|note| !note.is_empty()),
                ..decided(txn, STAFF, reason_code.as_deref().unwrap_or_default())
            });
            "registration.rejected"
        }
        Verb::Revoke => {
            registration.decision = Some(Decision {
                note: Some(note.clone()).filter(|note| !note.is_empty()),
                ..decided(txn, STAFF, reason_code.as_deref().unwrap_or_default())
            });
            "registration.revoked"
        }
        Verb::Expire => "registration.expired",
        Verb::Submit
        | Verb::Approve
        | Verb::Waitlist
        | Verb::Withdraw
        | Verb::Convert
        | Verb::RequestInfo
        | Verb::Extend
        | Verb::LogActivity
        | Verb::Transfer
        | Verb::Lapse => "registration.withdrawn",
    };
    let registration = record::update::<Entity>(txn, registration).await?;
    let mut event = NewEvent::new(kind, resource)
        .noting(note)
        .for_partner(&registration.partner)
        .with(told(&registration));
    if let Some(reason_code) = reason_code {
        event = event.because(reason_code);
    }
    event::append(txn, event);
    if left.contends {
        next(txn, held, &left).await?;
    }
    Ok(registration)
}

/// Acts upon the end of the protection that a registration had; it was locked after `held`.
/// Answers whether there was anything to act upon.
pub(super) async fn end_protection(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
) -> Result<(), Error> {
    if !registration.contends || !lifecycle::over(&registration, txn.now()) {
        return Ok(());
    }
    protection::release(txn, [registration.id.clone()]).await?;
    if registration.state == State::Approved {
        let resource = name(txn.ecosystem(), &registration.id);
        let leaving = Leaving {
            verb: Verb::Expire,
            reason_code: Some("DEADLINE_PASSED".into()),
            note: String::new(),
        };
        leave(txn, held, registration, &resource, leaving).await?;
        return Ok(());
    }
    registration.contends = false;
    let left = record::update::<Entity>(txn, registration).await?;
    let disclosure = ConflictDisclosure::Sealed;
    report(txn, "registration.protection_ended", &left, "", disclosure);
    next(txn, held, &left).await
}

/// Looks at those that waited with a registration which has left the line, first come first: whoever
/// nothing stands in the way of any more is granted at once where the program does that by itself,
/// and told that its turn has come where a person decides. Whoever may no longer claim business is
/// refused.
pub(super) async fn next(txn: &Txn, held: &Held, left: &Model) -> Result<(), Error> {
    let mut standing = Standing::at(txn, held.customer(left)?, left).await?;
    if left.waitlist_position.is_some() {
        move_up(txn, &standing.line(), left).await?;
    }
    let waiting: Vec<Model> = standing
        .line()
        .waiting_with(left)
        .into_iter()
        .cloned()
        .collect();
    for seen in waiting {
        // What stands at its own customer may be more than what stands at the one that was left.
        let customer = held.customer(&seen)?;
        if standing.line().judge(&seen, txn.now()) != Verdict::Free {
            continue;
        }
        standing = Standing::at(txn, customer, &seen).await?;
        if standing.line().judge(&seen, txn.now()) != Verdict::Free {
            continue;
        }
        let Some(registration) = record::lock::<Entity>(txn, &seen.id).await? else {
            continue;
        };
        take_turn(txn, customer, &standing.line(), registration).await?;
        standing = Standing::at(txn, held.customer(left)?, left).await?;
    }
    Ok(())
}

/// The turn of a locked registration that waited has come.
async fn take_turn(
    txn: &Txn,
    customer: &Customer,
    line: &Line<'_>,
    mut registration: Model,
) -> Result<(), Error> {
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    let Some(facts) = facts.filter(|facts| lacks(facts, txn.now()).is_none()) else {
        move_up(txn, line, &registration).await?;
        registration.state =
            lifecycle::moved(registration.state, Verb::Reject, registration.id.as_str())?;
        registration.contends = false;
        registration.waitlist_position = None;
        registration.decision = Some(decided(txn, INELIGIBLE, "INELIGIBLE"));
        response::stop(&mut registration);
        submission::decided(txn, &registration, true).await?;
        let registration = record::update::<Entity>(txn, registration).await?;
        let disclosure = ConflictDisclosure::Sealed;
        report(txn, "registration.rejected", &registration, "", disclosure);
        return Ok(());
    };
    let disclosure = facts.conflict_disclosure;
    screening::again(txn, &mut registration, customer).await?;
    registration.judged = Some(customer.snapshot().clone());
    let unsure = unsure(txn, customer, &registration).await?;
    let tried_again = cooling::was_tried_again(txn, &registration, customer, &facts).await?;
    match approval(&facts, value(&registration), registration.suspicion) {
        Approval::Automatic if !unsure && !tried_again => {
            grant(txn, customer, line, &facts, &mut registration).await?;
            registration.decision = Some(decided(txn, FREE, "AUTOMATIC"));
            let registration = record::update::<Entity>(txn, registration).await?;
            report(txn, "registration.approved", &registration, "", disclosure);
        }
        Approval::Automatic | Approval::Manual | Approval::AboveLimit | Approval::Suspicious(_) => {
            registration.decision = Some(decided(txn, FREE, "PROMOTED"));
            response::turn(&mut registration, &facts, txn.now());
            registration::note(txn, &registration).await?;
            report(txn, "registration.promoted", &registration, "", disclosure);
        }
    }
    Ok(())
}

/// Protects a registration that nothing stands in the way of.
pub(super) async fn grant(
    txn: &Txn,
    customer: &Customer,
    line: &Line<'_>,
    facts: &Facts,
    registration: &mut Model,
) -> Result<(), Error> {
    let resource = name(txn.ecosystem(), &registration.id);
    if registration.waitlist_position.take().is_some() {
        move_up(txn, line, registration).await?;
    }
    registration.state = lifecycle::moved(registration.state, Verb::Approve, &resource)?;
    registration.tick_time = None;
    response::stop(registration);
    registration.judged = Some(customer.snapshot().clone());
    // Protections that are over give way, whether or not the sweep has come by.
    let over = line
        .standing
        .iter()
        .filter(|other| lifecycle::over(other, txn.now()));
    let over: Vec<_> = over.map(|other| other.id.clone()).collect();
    if !over.is_empty() {
        protection::release(txn, over).await?;
    }
    let window = window(txn.now(), facts.protection_days, &facts.time_zone);
    registration.protection_start_time = Some(window.start);
    registration.protection_end_time = Some(window.end);
    protection::grant(
        txn,
        registration,
        customer.exclusive(),
        (window.start, window.end),
    )
    .await?;
    Ok(submission::decided(txn, registration, false).await?)
}

/// Those behind a registration that leaves the waiting line move up one place.
pub(super) async fn move_up(txn: &Txn, line: &Line<'_>, leaving: &Model) -> Result<(), Error> {
    let behind: Vec<_> = line
        .behind(leaving)
        .into_iter()
        .map(|one| one.id.clone())
        .collect();
    if !behind.is_empty() {
        registration::move_up(txn, behind).await?;
    }
    Ok(())
}

/// What is known of the partner and its program, if the partner may claim business there (R1).
pub(super) async fn eligible(
    txn: &Txn,
    registration: &Model,
    resource: &str,
) -> Result<Facts, Error> {
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    let refused = |requires: &str| Problem::Precondition {
        resource: resource.to_owned(),
        requires: requires.to_owned(),
    };
    let facts = facts.ok_or_else(|| refused("its partner and its program must exist"))?;
    match lacks(&facts, txn.now()) {
        None => Ok(facts),
        Some(requires) => Err(refused(requires).into()),
    }
}

pub(super) fn value(registration: &Model) -> Money {
    Money::new(registration.estimated_minor, registration.currency)
}

pub(super) fn decided(txn: &Txn, rule: &str, reason_code: &str) -> Decision {
    Decision {
        rule: rule.to_owned(),
        reason_code: reason_code.to_owned(),
        note: None,
        blocked_by: None,
        actor: txn.actor().as_str().to_owned(),
        decide_time: txn.now(),
    }
}

/// Nothing stands in the way of a registration; it waits for a person, or for its tick.
pub(super) const CLEARED: &str = "registration.cleared";

/// Whether the partner of a registration may read an event of this kind under a program that tells
/// so much. That nothing stands in the way, or nothing any more, tells of others as well.
fn is_for_partner(kind: &str, disclosure: ConflictDisclosure) -> bool {
    match kind {
        "registration.approved" | "registration.rejected" | "registration.protection_ended" => true,
        "registration.waitlisted" => disclosure == ConflictDisclosure::State,
        _ => false,
    }
}

/// Reports what a decision made of a registration.
pub(super) fn report(
    txn: &Txn,
    kind: &'static str,
    registration: &Model,
    note: &str,
    disclosure: ConflictDisclosure,
) {
    let partner = is_for_partner(kind, disclosure).then_some(&registration.partner);
    let mut event = NewEvent::new(kind, name(txn.ecosystem(), &registration.id))
        .noting(note)
        .for_partner(partner)
        .with(told(registration));
    if let Some(decision) = &registration.decision {
        event = event.because(decision.reason_code.as_str());
    }
    event::append(txn, event);
}

/// What an event says of a registration whose partner must not learn from it where it stands.
pub(super) fn told_of_claim(registration: &Model) -> serde_json::Value {
    json!({
        "registration": registration.id,
        "partner": registration.partner,
        "program": registration.program,
        "account": registration.account,
        "products": registration.products,
    })
}

/// What the other events of a registration say.
pub(super) fn told(registration: &Model) -> serde_json::Value {
    json!({
        "registration": registration.id,
        "partner": registration.partner,
        "program": registration.program,
        "account": registration.account,
        "products": registration.products,
        "state": registration.state.name(),
        "waitlist_position": registration.waitlist_position,
        "protection_end_time": registration.protection_end_time,
        "deal": registration.deal,
    })
}
