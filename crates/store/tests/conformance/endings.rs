//! What a write tells, enters and answers at its end fits together, whoever makes it.

use std::time::{Duration, Instant};

use trellis_core::call::Asked;
use trellis_core::{Call, PartnerId, Position, Role, Scope};
use trellis_store::audit::entry;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Error, View};

use crate::on_both;
use crate::support::{Fixture, call, everything, scope};

/// Whom the events of a write are for.
fn tellings() -> Vec<Vec<Option<&'static str>>> {
    let (nimbus, cirrus) = (Some("nimbus"), Some("cirrus"));
    // More than one statement writes.
    let mut many = vec![None; 1_200];
    many.insert(1_100, nimbus);
    vec![
        vec![],
        vec![nimbus],
        vec![None],
        vec![nimbus, None],
        vec![cirrus, nimbus, cirrus, None],
        vec![None, cirrus],
        many,
    ]
}

/// The events after a place, as soon as nothing hides them.
async fn told(view: &View, after: Position, count: usize) -> Vec<event::Model> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let events = event::after(view, after, 2_000).await.unwrap();
        if events.len() == count {
            return events;
        }
        assert!(events.len() < count && Instant::now() < patience);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The position that an entry tells of a resource.
async fn entered(view: &View, resource: &str) -> Option<String> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let entries = entry::page(view, &everything(1_000)).await.unwrap().rows;
        if let Some(entry) = entries.into_iter().find(|entry| entry.resource == resource) {
            return entry.position;
        }
        assert!(
            Instant::now() < patience,
            "nothing is entered of {resource}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write(
    fixture: &Fixture,
    call: &Call,
    telling: &[Option<&'static str>],
) -> Option<Position> {
    let written = fixture
        .store
        .write(call.clone(), telling.to_vec(), |txn, telling| async move {
            for partner in telling {
                let partner = partner.map(|id| PartnerId::try_new(id).unwrap());
                let event = NewEvent::new("thing.happened", "a");
                event::append(&txn, event.for_partner(&partner));
            }
            Ok::<(), Error>(())
        });
    written.await.unwrap().position
}

on_both! {
    async fn the_answer_and_the_entry_tell_the_last_event_of_their_readers(fixture: Fixture) {
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let partners = scope(&[(Role::PartnerAdmin, "nimbus")]);
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let mut place = event::newest_place(&view).await.unwrap();
        let mut number = 0_u128;
        for scope in [Scope::whole(), partners] {
            for telling in tellings() {
                for (sends_id, is_asked) in [(false, false), (true, false), (false, true), (true, true)] {
                    number += 1;
                    let resource = format!("things/{number}");
                    let asked = Asked { resource: resource.clone(), ..Asked::default() };
                    let call = Call {
                        scope: scope.clone(),
                        request_id: sends_id.then(|| uuid::Uuid::from_u128(number)),
                        asked: is_asked.then_some(asked),
                        ..call("acme")
                    };
                    let answered = write(&fixture, &call, &telling).await;
                    let events = told(&view, place, telling.len()).await;
                    let partners: Vec<_> = events.iter().map(|event| event.partner.as_ref().map(PartnerId::as_str)).collect();
                    assert_eq!(partners, telling, "they are told in their order");
                    place = events.last().map_or(place, event::Model::position);
                    let shown = events.iter().rfind(|event| {
                        scope.is_staff() || event.partner.as_ref() == Some(&nimbus)
                    });
                    let shown = shown.map(event::Model::position);
                    assert_eq!(answered, shown, "{number}: {telling:?}");
                    if sends_id {
                        assert_eq!(write(&fixture, &call, &telling).await, shown, "once more");
                    }
                    if is_asked {
                        let last = events.last().map(|event| event.position().to_string());
                        assert_eq!(entered(&view, &resource).await, last);
                    }
                }
            }
        }
        assert_eq!(event::newest_place(&view).await.unwrap(), place, "and nothing else is told");
    }
}
