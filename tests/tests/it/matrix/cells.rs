//! What comes of each call: a word for each method, relation and caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::Code;
use trellis_tests::Seat;

use super::rows::{Act, Row, tells_events};
use super::scene::Scene;
use super::things::{Relation, Thing, named};
use super::who::Who;
use crate::refusals::stage::{called, method};
use crate::server::raw::{Answer, Line};

/// Where a cell stands: which row of [`super::rows::rows`], which relation, who calls.
pub(super) type Place = (usize, Relation, Who);

/// Somebody at a seat of their own. Nothing changes what there is, so nobody asks anything twice.
pub(super) struct Caller<'a> {
    pub(super) who: Who,
    pub(super) scene: &'a Scene,
    _seat: Seat,
    line: Line,
    answers: BTreeMap<(&'static str, String), Arc<Answer>>,
    /// What is found by a list: all values of a field, or the word for a refusal.
    found: BTreeMap<(&'static str, String), Result<BTreeSet<String>, String>>,
}

impl<'a> Caller<'a> {
    /// Everybody, each at a seat.
    pub(super) async fn all(scene: &'a Scene) -> Vec<Self> {
        let mut callers = Vec::new();
        for who in Who::ALL {
            let seat = match who.principal() {
                Some(principal) => Seat::take(&scene.world, principal).await,
                None => Seat::empty(&scene.world).await,
            };
            callers.push(Self {
                who,
                scene,
                line: Line::open(seat.address()).await,
                _seat: seat,
                answers: BTreeMap::new(),
                found: BTreeMap::new(),
            });
        }
        callers
    }

    /// Calls a method.
    pub(super) async fn call(&mut self, name: &str, request: &Value) -> Arc<Answer> {
        let key = (called(method(name)), request.to_string());
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let body = self.scene.stage.encoded(name, request);
        let answer = Arc::new(self.line.call(method(name).path, &[], body).await);
        self.answers.insert(key, answer.clone());
        answer
    }

    /// Asks about a thing.
    pub(super) async fn ask(&mut self, row: &Row, thing: Thing) -> Arc<Answer> {
        let request = row.request(&self.scene.name(thing));
        self.call(row.method, &request).await
    }

    /// Every answer that was no refusal so far.
    pub(super) fn answers(&self) -> impl Iterator<Item = DynamicMessage> {
        let answers = self.answers.iter();
        let answered = answers.filter(|(_, answer)| refusal(answer).is_none());
        answered.flat_map(|((name, _), answer)| self.scene.stage.decoded(name, &answer.body))
    }

    /// The word for what comes of asking about a thing.
    async fn cell(&mut self, row: &Row, thing: Thing) -> String {
        let Act::Lists(field) = row.act else {
            let answer = self.ask(row, thing).await;
            return refusal(&answer).unwrap_or_else(|| "OK".to_owned());
        };
        let name = self.scene.name(thing);
        let request = row.request(&name);
        let key = (row.method, format!("{field} {request}"));
        if !self.found.contains_key(&key) {
            let found = self.find(row.method, field, request).await;
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
        name: &str,
        field: &str,
        mut request: Value,
    ) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        loop {
            let answer = self.call(name, &request).await;
            if let Some(word) = refusal(&answer) {
                return Err(word);
            }
            let mut messages = self.scene.stage.decoded(name, &answer.body);
            if tells_events(name) && !name.starts_with("List") {
                let told = messages.iter().map(json_of);
                found.extend(
                    told.filter_map(|told| Some(told["event"][field].as_str()?.to_owned())),
                );
                return Ok(found);
            }
            let page = json_of(&messages.pop().unwrap());
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

    /// Every cell of the caller's column; why there is none, where nothing has the relation.
    async fn column(&mut self, rows: &[Row]) -> Vec<(Place, Result<String, &'static str>)> {
        let mut cells = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for relation in Relation::ALL {
                let cell = match named(row.kind, relation, self.who) {
                    Ok(thing) => Ok(self.cell(row, thing).await),
                    Err(reason) => Err(reason),
                };
                cells.push(((index, relation, self.who), cell));
            }
        }
        cells
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

/// Every cell of the table.
pub(super) async fn all(
    callers: &mut [Caller<'_>],
    rows: &[Row],
) -> BTreeMap<Place, Result<String, &'static str>> {
    let columns = callers.iter_mut().map(|caller| caller.column(rows));
    join_all(columns).await.into_iter().flatten().collect()
}
