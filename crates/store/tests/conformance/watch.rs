//! Who follows the feed is told what a list would tell them, as it comes.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use trellis_core::filter::{Comparison, Value};
use trellis_core::{Actor, Call, Filter, PageQuery, PartnerId, Position, Role, Scope};
use trellis_store::Error;
use trellis_store::event::{self, Begin, Model, NewEvent, Watch};

use crate::on_both;
use crate::support::{Fixture, call, everything, scope};

const START: Position = Position {
    epoch: 0,
    xid: 0,
    sequence: 0,
};

const KINDS: [&str; 5] = [
    "deal.won",
    "award.accrued",
    "api_key.revoked",
    "partner.created",
    "Deal.Won",
];

const PARTNERS: [&str; 3] = ["nimbus", "cirrus", "stratus"];

const WORDS: [&str; 5] = ["a", "A", "b", "it's", "%"];

fn scopes() -> Vec<Scope> {
    use Role::{PartnerAdmin, PartnerRep};
    vec![
        Scope::whole(),
        scope(&[(PartnerAdmin, "nimbus")]),
        scope(&[(PartnerRep, "nimbus")]),
        scope(&[(PartnerRep, "nimbus"), (PartnerAdmin, "cirrus")]),
        scope(&[(PartnerRep, "nobody")]),
    ]
}

/// A filter of any shape over the fields of events.
fn filter(dice: &mut StdRng, depth: u32) -> Filter {
    let shape = if depth == 0 {
        3
    } else {
        dice.random_range(0..5)
    };
    let parts = |dice: &mut StdRng| {
        let count = dice.random_range(1..4);
        (0..count).map(|_| filter(dice, depth - 1)).collect()
    };
    match shape {
        0 => Filter::All(parts(dice)),
        1 => Filter::Any(parts(dice)),
        2 => Filter::Not(Box::new(filter(dice, depth - 1))),
        _ => test(dice),
    }
}

fn test(dice: &mut StdRng) -> Filter {
    use Comparison::{Equal, Greater, GreaterOrEqual, Has, Less, LessOrEqual, NotEqual};
    let field = *["type", "resource", "actor", "time", "reason_code"]
        .choose(dice)
        .unwrap();
    let comparison = *[
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        Has,
    ]
    .choose(dice)
    .unwrap();
    // What is ordered and searched is left to the database, which each of the others must equal.
    let text = |dice: &mut StdRng| match field {
        "type" => (*KINDS.choose(dice).unwrap()).to_owned(),
        _ => (*WORDS.choose(dice).unwrap()).to_owned(),
    };
    let absent = dice.random_range(0..6) == 0;
    let (comparison, value) = match field {
        _ if absent => (*[Equal, NotEqual].choose(dice).unwrap(), Value::Absent),
        "time" => (
            comparison,
            Value::Integer(1_800_000_000_000_000 + dice.random_range(0..5)),
        ),
        _ => (comparison, Value::Text(text(dice))),
    };
    Filter::Test {
        field,
        comparison,
        value,
    }
}

fn reaching(scope: &Scope) -> Call {
    Call {
        scope: scope.clone(),
        ..call("acme")
    }
}

/// Events of every sort, a few in each write.
async fn happen(fixture: &Fixture, dice: &mut StdRng, writes: usize) {
    for _ in 0..writes {
        let events: Vec<NewEvent> = (0..dice.random_range(1..4))
            .map(|_| {
                let partner = PARTNERS
                    .choose(dice)
                    .map(|id| PartnerId::try_new(id).unwrap());
                let partner = partner.filter(|_| dice.random_range(0..4) > 0);
                let event =
                    NewEvent::new(KINDS.choose(dice).unwrap(), *WORDS.choose(dice).unwrap())
                        .for_partner(&partner);
                match dice.random() {
                    true => event.because(*WORDS.choose(dice).unwrap()),
                    false => event,
                }
            })
            .collect();
        fixture
            .clock
            .advance(Duration::from_micros(dice.random_range(0..2)));
        let by = Call {
            actor: Actor::try_new(WORDS.choose(dice).unwrap()).unwrap(),
            ..call("acme")
        };
        let written = fixture.store.write(by, events, |txn, events| async move {
            for event in events {
                event::append(&txn, event);
            }
            Ok::<(), Error>(())
        });
        written.await.unwrap();
    }
}

async fn listed(
    fixture: &Fixture,
    scope: &Scope,
    filter: Option<&Filter>,
    from: Position,
) -> Vec<Model> {
    let view = fixture.store.read(&reaching(scope)).await.unwrap();
    let query = PageQuery {
        filter: filter.cloned(),
        ..everything(1_000)
    };
    event::page(&view, Some(from), &query).await.unwrap().0.rows
}

async fn head(fixture: &Fixture, scope: &Scope) -> Position {
    let view = fixture.store.read(&reaching(scope)).await.unwrap();
    event::head(&view).await.unwrap()
}

async fn begun(
    fixture: &Fixture,
    scope: &Scope,
    begin: Begin,
    filter: Option<&Filter>,
) -> Result<Watch, Error> {
    Watch::begin(&fixture.store, &reaching(scope), begin, filter.cloned()).await
}

/// Reads until everything up to a place was told that the watch may know of.
async fn told(watch: &mut Watch, until: Position) -> Vec<Model> {
    let mut told = Vec::new();
    while !(watch.has_told() && watch.position() >= until) {
        let waited = tokio::time::timeout(Duration::from_secs(20), watch.wait()).await;
        waited.expect("what has happened is told").unwrap();
        told.extend(watch.read().await.unwrap());
    }
    told
}

on_both! {
    async fn what_is_told_is_what_is_listed(fixture: Fixture) {
        let dice = &mut StdRng::seed_from_u64(7);
        happen(&fixture, dice, 5).await;
        fixture.settled().await;
        let mut watches = Vec::new();
        for scope in scopes() {
            for count in 0..40 {
                let filter = (count > 0).then(|| filter(dice, 3));
                let from = head(&fixture, &scope).await;
                let watch = begun(&fixture, &scope, Begin::Now, filter.as_ref()).await.unwrap();
                assert_eq!(watch.position(), from);
                watches.push((scope.clone(), filter, from, watch));
            }
        }
        happen(&fixture, dice, 40).await;
        fixture.settled().await;
        let mut some = 0;
        for (scope, filter, from, watch) in &mut watches {
            let head = head(&fixture, scope).await;
            let told = told(watch, head).await;
            assert_eq!(told, listed(&fixture, scope, filter.as_ref(), *from).await, "{scope:?} {filter:?}");
            assert_eq!(watch.position(), head);
            some += usize::from(!told.is_empty() && filter.is_some());
            // And whoever comes later is told the same from the table.
            let again = begun(&fixture, scope, Begin::After(*from), filter.as_ref()).await;
            assert_eq!(self::told(&mut again.unwrap(), head).await, told);
        }
        assert!(some > 20, "{some} filters told anything");
    }
}

on_both! {
    async fn whoever_is_slow_misses_nothing_and_holds_up_nobody(fixture: Fixture) {
        let begin = || async {
            Watch::begin(&fixture.store, &call("acme"), Begin::Now, None).await.unwrap()
        };
        let (mut fast, mut slow) = (begin().await, begin().await);
        let mut numbers = Vec::new();
        for number in 0..150_u32 {
            let event = NewEvent::new("thing.happened", "a").with(json!(number));
            let write = fixture.store.write(call("acme"), event, |txn, event| async move {
                event::append(&txn, event);
                Ok::<(), Error>(())
            });
            let place = write.await.unwrap().position.unwrap();
            // Each is handed out by itself, so that more is handed out than is kept.
            numbers.extend(told(&mut fast, place).await.into_iter().map(|event| event.data));
        }
        let all: Vec<_> = (0..150_u32).map(|number| json!(number)).collect();
        assert_eq!(numbers, all);
        assert_eq!(slow.take_access(), None);
        let missed = told(&mut slow, fast.position()).await;
        assert_eq!(missed.into_iter().map(|event| event.data).collect::<Vec<_>>(), all);
        // The control: what was kept for the slow one was not enough.
        assert!(slow.take_access().is_some(), "it was told everything without looking it up");
    }
}

on_both! {
    async fn a_place_to_which_the_feed_has_not_come_is_refused(fixture: Fixture) {
        let dice = &mut StdRng::seed_from_u64(11);
        happen(&fixture, dice, 20).await;
        let nimbus = scope(&[(Role::PartnerAdmin, "nimbus")]);
        let own = NewEvent::new("deal.won", "a").for_partner(&Some(PartnerId::try_new("nimbus").unwrap()));
        let write = async |event: NewEvent| {
            let write = fixture.store.write(call("acme"), event, |txn, event| async move {
                event::append(&txn, event);
                Ok::<(), Error>(())
            });
            write.await.unwrap().position.unwrap()
        };
        let known = write(own).await;
        let foreign = write(NewEvent::new("deal.won", "b")).await;
        let knows = async |scope: &Scope, place: Position| {
            let watched = begun(&fixture, scope, Begin::After(place), None).await.map(drop);
            let view = fixture.store.read(&reaching(scope)).await.unwrap();
            let listed = event::page(&view, Some(place), &everything(10)).await.map(drop);
            for refused in [watched.as_ref().err(), listed.as_ref().err()].into_iter().flatten() {
                assert!(matches!(refused, Error::PositionUnknown { .. }), "{refused:?}");
            }
            assert_eq!(watched.is_ok(), listed.is_ok());
            watched.is_ok()
        };
        let beyond = |place: Position| Position { sequence: place.sequence + 1, ..place };
        let later = |place: Position| Position { epoch: place.epoch + 1, ..place };
        let whole = Scope::whole();
        // Also what cannot be read yet is known to whoever wrote it.
        assert!(knows(&whole, foreign).await && knows(&whole, START).await);
        assert!(!knows(&whole, beyond(foreign)).await && !knows(&whole, later(foreign)).await);
        assert!(!knows(&whole, later(known)).await);
        // A partner learns nothing of what others did after.
        assert!(knows(&nimbus, known).await && !knows(&nimbus, beyond(known)).await);
        assert!(!knows(&nimbus, foreign).await);
    }
}
