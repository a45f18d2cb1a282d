//! What the server tells of calls while they are under way: every log line that is written for one
//! is looked through for what its caller may not see.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::leak::{Found, Sight, search};

/// A call that is under way: what its caller may see, and what they said.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) sight: Sight,
    pub(super) asked: Vec<u8>,
}

/// Looks through log lines of all libraries, down to DEBUG: more than the server ever writes.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Nobody listens while the canaries are planted.
    listening: AtomicBool,
    calls: Mutex<HashMap<String, Arc<UnderWay>>>,
    of_calls: AtomicU64,
    others: AtomicU64,
    leaks: Mutex<BTreeMap<String, String>>,
}

impl Log {
    /// What threads write lines to.
    pub(super) fn dispatch(&self) -> Dispatch {
        let layer = self.clone().with_filter(LevelFilter::DEBUG);
        Dispatch::new(Registry::default().with(layer))
    }

    /// Begins to look.
    pub(super) fn listen(&self) {
        self.0.listening.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, id: &str, call: Arc<UnderWay>) {
        self.0.calls.lock().unwrap().insert(id.to_owned(), call);
    }

    pub(super) fn end(&self, id: &str) {
        self.0.calls.lock().unwrap().remove(id);
    }

    /// How many lines were written for calls, and how many others.
    pub(super) fn counts(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.0.of_calls), count(&self.0.others))
    }

    /// The lines that told what they must not.
    pub(super) fn leaks(&self) -> Vec<String> {
        let leaks = self.0.leaks.lock().unwrap();
        leaks
            .iter()
            .map(|(canary, line)| format!("{canary} in the log: {line}"))
            .collect()
    }

    fn line(&self, call: Option<&str>, line: &str) {
        if !self.0.listening.load(Ordering::Relaxed) {
            return;
        }
        let call = call.and_then(|id| self.0.calls.lock().unwrap().get(id).cloned());
        let mut found = Found::default();
        match call {
            Some(call) => {
                self.0.of_calls.fetch_add(1, Ordering::Relaxed);
                search(line.as_bytes(), &call.sight, &call.asked, &mut found);
            }
            // What belongs to no call has no business with anybody's words.
            None => {
                self.0.others.fetch_add(1, Ordering::Relaxed);
                search(line.as_bytes(), &Sight::default(), b"", &mut found);
            }
        }
        let mut leaks = self.0.leaks.lock().unwrap();
        for canary in found.foreign {
            leaks.entry(canary).or_insert_with(|| line.to_owned());
        }
    }
}

/// What a span says, and of which call.
#[derive(Default)]
struct Said {
    text: String,
    call: Option<String>,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let name = field.name();
        write!(self.text, " {name}={value:?}").unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            self.call = Some(value.to_owned());
        }
        self.record_debug(field, &value);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        context.span(id).unwrap().extensions_mut().insert(said);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        record.record(extensions.get_mut::<Said>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let target = Metadata::target(event.metadata());
        let mut line = format!("{target}:{}", said.text);
        let mut call = None;
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let around = extensions.get::<Said>().unwrap();
            write!(line, " in {}{}", span.name(), around.text).unwrap();
            call = call.or_else(|| around.call.clone());
        }
        self.line(call.as_deref(), &line);
    }
}
