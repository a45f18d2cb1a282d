//! Calls any method with a request that is written as JSON.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;
use tokio::sync::OnceCell;
use tonic::Code;
use trellis_api::open::{ACTOR, MIN_POSITION, POSITION};
use trellis_api::{FILE_DESCRIPTOR_SET, METHODS, Method};
use trellis_tests::World;

use crate::canary::copy::past_everything;
use crate::server::raw::{Line, framed};

/// Where the trace stands of which everything that is made is a part.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A server to call, and the contract to call it by.
pub(crate) struct Stage {
    world: World,
    line: OnceCell<Line>,
    pool: DescriptorPool,
}

/// Why a call was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    #[expect(dead_code, reason = "told when a case goes otherwise")]
    pub(crate) message: String,
}

/// A method of the contract by its name, with that of its service before it where two have the same:
/// `PartnerService.AcceptInvitation`.
pub(crate) fn method(name: &str) -> &'static Method {
    let (service, own) = name.split_once('.').unwrap_or(("", name));
    let mut found = METHODS
        .iter()
        .filter(|method| method.name == own && method.service.ends_with(service));
    let method = found.next().unwrap_or_else(|| panic!("there is no {name}"));
    assert_eq!(found.next(), None, "{name} is two methods");
    method
}

/// What [`method`] finds a method by.
pub(crate) fn called(method: &Method) -> &'static str {
    let namesakes = METHODS.iter().filter(|other| other.name == method.name);
    if namesakes.count() == 1 {
        return method.name;
    }
    let service = method.service.rsplit('.').next().unwrap();
    format!("{service}.{}", method.name).leak()
}

impl Stage {
    pub(crate) fn new(world: World) -> Self {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let line = OnceCell::new();
        Self { world, line, pool }
    }

    /// Has a feed say that its first events have been removed, up to a place before all that there are.
    pub(super) async fn forget(&self) {
        let mark = "INSERT INTO feed_marks VALUES ('acme', 0, 0, 1, 1, 0, 1, 0)";
        past_everything(&self.world, mark).await;
    }

    fn message(&self, name: &str) -> MessageDescriptor {
        self.pool.get_message_by_name(name).unwrap()
    }

    /// Calls a method as somebody: its answer, or why it was refused.
    pub(super) async fn call(
        &self,
        name: &str,
        actor: &str,
        request: &Value,
    ) -> Result<Value, Refused> {
        let (answer, _) = self.say(name, request, &[(ACTOR, actor)]).await?;
        Ok(answer)
    }

    /// Calls a method that must not be refused, and answers its place in the feed.
    pub(super) async fn does(&self, name: &str, request: Value) -> String {
        self.does_as(name, super::scene::MAKER, request).await
    }

    pub(crate) async fn does_as(&self, name: &str, actor: &str, request: Value) -> String {
        self.makes(name, actor, request).await.1
    }

    /// The same, and its answer. It is part of a trace, of which its events tell.
    pub(crate) async fn makes(&self, name: &str, actor: &str, request: Value) -> (Value, String) {
        let trace = [("traceparent", PARENT), ("tracestate", "stage=1")];
        let headers = [&[(ACTOR, actor)], trace.as_slice()].concat();
        let said = self.say(name, &request, &headers).await;
        said.unwrap_or_else(|refused| panic!("{name} {request}: {refused:?}"))
    }

    /// Reads what there is once the workers have come to a place in the feed.
    pub(crate) async fn reads(&self, name: &str, request: Value, position: &str) -> Value {
        let said = self.say(name, &request, &[(MIN_POSITION, position)]).await;
        said.unwrap_or_else(|refused| panic!("{name} {request}: {refused:?}"))
            .0
    }

    async fn say(
        &self,
        name: &str,
        request: &Value,
        headers: &[(&str, &str)],
    ) -> Result<(Value, String), Refused> {
        let method = method(name);
        let body = self.encoded(name, request);
        let line = self.line.get_or_init(|| Line::open(self.world.address()));
        let answer = line.await.call(method.path, headers, body).await;
        if answer.status().code() != Code::Ok {
            let (code, reason, _) = answer.error();
            let message = answer.status().message().to_owned();
            return Err(Refused {
                code,
                reason,
                message,
            });
        }
        let position = answer.headers.get(POSITION);
        let position = position.map_or("", |position| position.to_str().unwrap());
        let message = self.decoded(name, &answer.body).pop().unwrap();
        let json = serde_json::to_value(message).unwrap();
        Ok((json, position.to_owned()))
    }

    /// A request as gRPC frames it.
    pub(crate) fn encoded(&self, name: &str, request: &Value) -> Vec<u8> {
        let input = self.message(method(name).input);
        let message = DynamicMessage::deserialize(input, request.clone())
            .unwrap_or_else(|error| panic!("{name} {request}: {error}"));
        framed(&message.encode_to_vec())
    }

    /// The messages of an answer that came without compression.
    pub(crate) fn decoded(&self, name: &str, mut body: &[u8]) -> Vec<DynamicMessage> {
        let output = self.message(method(name).output);
        let mut messages = Vec::new();
        while let Some((head, rest)) = body.split_first_chunk::<5>() {
            let [_, length @ ..] = *head;
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
            let (message, rest) = rest.split_at(length);
            messages.push(DynamicMessage::decode(output.clone(), message).unwrap());
            body = rest;
        }
        messages
    }
}
