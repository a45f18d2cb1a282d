//! What comes of each call: a word for each method, relation and caller.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::Code;
use trellis_tests::Seat;

use super::rows::{Act, Row};
use super::scene::Scene;
use super::things::{Relation, Thing, named};
use super::who::Who;
use crate::refusals::stage::{Stage, method};
use crate::server::raw::{Answer, Line};

/// Where a cell stands: which row of [`super::rows::rows`], which relation, who calls.
pub(super) type Place = (usize, Relation, Who);

/// Everybody at a seat of their own.
pub(super) struct Callers<'a> {
    scene: &'a Scene,
    lines: BTreeMap<Who, (Seat, Line)>,
    /// What somebody finds by a list, each field with all of its values.
    found: BTreeMap<(Who, &'static str, String), Result<BTreeSet<String>, String>>,
}

impl<'a> Callers<'a> {
    pub(super) async fn seated(scene: &'a Scene) -> Self {
        let mut lines = BTreeMap::new();
        for who in Who::ALL {
            let seat = match who.principal() {
                Some(principal) => Seat::take(&scene.world, principal).await,
                None => Seat::empty(&scene.world).await,
            };
            let line = Line::open(seat.address()).await;
            lines.insert(who, (seat, line));
        }
        Self {
            scene,
            lines,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn stage(&self) -> &'a Stage {
        &self.scene.stage
    }

    /// Calls a method as somebody.
    pub(super) async fn call(&mut self, who: Who, name: &str, request: &Value) -> Answer {
        let body = self.scene.stage.encoded(name, request);
        let (_, line) = self.lines.get_mut(&who).unwrap();
        line.call(method(name).path, body).await
    }

    /// Asks about a thing as somebody.
    pub(super) async fn ask(&mut self, row: &Row, who: Who, thing: Thing) -> Answer {
        let request = row.request(who, &self.scene.name(thing));
        self.call(who, row.method, &request).await
    }

    /// The word for what comes of asking about a thing.
    async fn cell(&mut self, row: &Row, who: Who, thing: Thing) -> String {
        let Act::Lists(field) = row.act else {
            let answer = self.ask(row, who, thing).await;
            return refusal(&answer).unwrap_or_else(|| "OK".to_owned());
        };
        let name = self.scene.name(thing);
        let request = row.request(who, &name);
        let key = (who, row.method, format!("{field} {request}"));
        if !self.found.contains_key(&key) {
            let found = self.find(who, row.method, field, request).await;
            self.found.insert(key.clone(), found);
        }
        match &self.found[&key] {
            Ok(found) if found.contains(&name) => "SHOWN".to_owned(),
            Ok(_) => "HIDDEN".to_owned(),
            Err(word) => word.clone(),
        }
    }

    /// All values of a field in all pages of a list.
    async fn find(
        &mut self,
        who: Who,
        name: &str,
        field: &str,
        mut request: Value,
    ) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        loop {
            let answer = self.call(who, name, &request).await;
            if let Some(word) = refusal(&answer) {
                return Err(word);
            }
            let page = self.stage().decoded(name, &answer.body).pop().unwrap();
            let page = json_of(&page);
            let values = page.as_object().unwrap().values();
            for item in values.filter_map(Value::as_array).flatten() {
                found.extend(item[field].as_str().map(str::to_owned));
            }
            let Some(token) = page["nextPageToken"].as_str() else {
                return Ok(found);
            };
            request["page_token"] = json!(token);
        }
    }
}

pub(super) fn json_of(message: &DynamicMessage) -> Value {
    serde_json::to_value(message).unwrap()
}

/// The word for a refusal; nothing when the call was answered.
pub(super) fn refusal(answer: &Answer) -> Option<String> {
    if answer.status().code() == Code::Ok {
        return None;
    }
    let (code, reason, _) = answer.error();
    Some(match (code, reason.as_str()) {
        (Code::Unauthenticated, _) => "UNAUTHENTICATED".to_owned(),
        (Code::PermissionDenied, "PERMISSION_DENIED") => "DENIED".to_owned(),
        (Code::NotFound, "RESOURCE_NOT_FOUND") => "NOT_FOUND".to_owned(),
        // Whoever is told what is the matter with a thing has passed.
        (Code::FailedPrecondition | Code::AlreadyExists | Code::PermissionDenied, reason) => {
            format!("PASS:{reason}")
        }
        (code, reason) => {
            format!("{code:?}:{reason}:{}", answer.status().message()).replace(' ', "_")
        }
    })
}

/// Every cell; why there is none, where nothing has the relation.
pub(super) async fn all(
    scene: &Scene,
    rows: &[Row],
) -> BTreeMap<Place, Result<String, &'static str>> {
    let mut callers = Callers::seated(scene).await;
    let mut cells = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        for relation in Relation::ALL {
            for who in Who::ALL {
                let cell = match named(row.kind, relation, who) {
                    Ok(thing) => Ok(callers.cell(row, who, thing).await),
                    Err(reason) => Err(reason),
                };
                cells.insert((index, relation, who), cell);
            }
        }
    }
    cells
}
