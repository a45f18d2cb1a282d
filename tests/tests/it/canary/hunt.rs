//! The hunt: many make lists of anything at once, and every answer is looked through for what whoever
//! asked may not see.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use prost_types::Any;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::net::TcpStream;
use tokio::task::block_in_place;
use tonic::{Code, Status};
use trellis_api::Routed as _;
use trellis_api::platform::v1::watch_events_request::Start;
use trellis_api::platform::v1::{WatchEventsRequest, WatchEventsResponse};
use trellis_core::Access;
use trellis_core::access::Extent;

use super::ask::{Asked, List};
use super::leak::{Found, Sight, search, search_headers};
use super::listen::{Log, UnderWay};
use super::plant::ecosystem;
use super::who::Who;
use crate::server::raw::{Answer as Raw, collect_told, framed, messages};

/// How many ask at the same time.
const AT_ONCE: usize = 12;

/// How many pages of one list are read on.
const PAGES: usize = 3;

/// Who hunts what, where.
pub(super) struct Hunt {
    pub(super) address: SocketAddr,
    pub(super) log: Log,
    pub(super) everybody: Vec<Who>,
    pub(super) lists: Vec<List>,
    pub(super) seed: u64,
    pub(super) tried: Tried,
}

/// What was asked for so far, by ecosystem. Its audit trail tells of what was refused the name as it was
/// asked for, which may be anybody's: that is what they said, and not what somebody else has.
#[derive(Default)]
pub(super) struct Tried(Mutex<BTreeMap<String, Vec<u8>>>);

impl Tried {
    /// Writes down that a list was asked for, and returns what may be told back of it.
    fn ask(&self, list: &List, asked: &Asked) -> Vec<u8> {
        let mut tried = self.0.lock().unwrap();
        let parent = asked.text("parent");
        let ecosystem: Vec<&str> = parent.split('/').take(2).collect();
        let here = tried.entry(ecosystem.join("/")).or_default();
        here.extend(parent.as_bytes());
        here.push(0);
        let mut told = asked.bytes();
        if list.method.name == "ListAuditEntries" {
            told.extend(&*here);
        }
        told
    }
}

/// What came of a hunt.
#[derive(Debug, Default)]
pub(super) struct Bag {
    pub(super) calls: usize,
    pub(super) codes: BTreeMap<String, usize>,
    /// Whose canaries were rightly seen with which list.
    pub(super) seen: BTreeMap<&'static str, BTreeSet<char>>,
    pub(super) leaks: Vec<String>,
}

/// An answer as it came.
struct Answer {
    code: Code,
    /// The message, if there is one.
    message: Option<DynamicMessage>,
}

impl Answer {
    /// Where the next page begins.
    fn token(&self) -> String {
        let token = self.message.as_ref();
        let token = token.and_then(|message| message.get_field_by_name("next_page_token"));
        token.map_or_else(String::new, |token| token.as_str().unwrap().to_owned())
    }
}

impl Hunt {
    /// The texts that somebody finds in all rows of a list.
    pub(super) async fn texts(&self, who: &Who, list: &List) -> BTreeMap<String, BTreeSet<String>> {
        let mut texts = BTreeMap::new();
        for row in self.rows(who, list).await {
            gather("", &row, &mut texts);
        }
        texts
    }

    /// All rows of a list that somebody finds.
    pub(super) async fn rows(&self, who: &Who, list: &List) -> Vec<DynamicMessage> {
        let mut line = Line::open(self).await;
        let mut rows = Vec::new();
        let mut asked = list.whole(who.ecosystems[0]);
        loop {
            let answer = line.call(who, list, &asked).await;
            let token = answer.token();
            // What the list is of may be nothing that they see.
            let Some(message) = answer.message else {
                return rows;
            };
            rows.extend(list.rows(&message));
            if token.is_empty() {
                return rows;
            }
            asked = asked.at(&token);
        }
    }

    /// What there is, as a snapshot tells it to somebody: by the types of the resources, in their order.
    pub(super) async fn whole(&self, who: &Who) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut line = Line::open(self).await;
        let told = line.told(who, who.ecosystems[0], Start::Snapshot).await;
        let mut whole = BTreeMap::<_, Vec<_>>::new();
        for message in messages(&told.body) {
            let message = WatchEventsResponse::decode(message).unwrap();
            if let Some(Any { type_url, value }) = message.resource {
                whole.entry(type_url).or_default().push(value);
            }
        }
        whole
    }

    /// Makes at least so many calls.
    pub(super) async fn go(self, calls: usize) -> Bag {
        let hunt = Arc::new(self);
        let bag = Arc::new(Mutex::new(Bag::default()));
        let made = Arc::new(AtomicUsize::new(0));
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        let hunters = (0..AT_ONCE).map(|_| {
            let (hunt, bag) = (hunt.clone(), bag.clone());
            let (made, next) = (made.clone(), next.clone());
            tokio::spawn(async move {
                let mut line = Line::open(&hunt).await;
                while made.load(Ordering::Relaxed) < calls {
                    let chase = next.fetch_add(1, Ordering::Relaxed);
                    let before = line.bag.calls;
                    line.chase(chase).await;
                    made.fetch_add(line.bag.calls - before, Ordering::Relaxed);
                }
                bag.lock().unwrap().add(std::mem::take(&mut line.bag));
            })
        });
        for hunter in hunters.collect::<Vec<_>>() {
            hunter.await.unwrap();
        }
        let mut bag = std::mem::take(&mut *bag.lock().unwrap());
        bag.leaks.extend(hunt.log.leaks());
        let (of_calls, others) = hunt.log.counts();
        println!(
            "seed {}: {} calls in {:.1} s: {:?}; {of_calls} log lines of calls, {others} others",
            hunt.seed,
            bag.calls,
            began.elapsed().as_secs_f64(),
            bag.codes,
        );
        bag
    }
}

impl Bag {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for (list, owners) in other.seen {
            self.seen.entry(list).or_default().extend(owners);
        }
        self.leaks.extend(other.leaks);
    }
}

/// What somebody may see with a method.
fn sight(who: &Who, access: &Access) -> Sight {
    let extent = who.role.and_then(|role| access.extent(role));
    let everybody = access.everybody.then_some(Extent::Organization);
    let extent = extent.or(everybody);
    extent.map_or_else(Sight::default, |extent| who.sight(Some(extent)))
}

fn asking(home: usize, start: Start) -> WatchEventsRequest {
    WatchEventsRequest {
        parent: format!("ecosystems/{}", ecosystem(home)),
        start: start.into(),
        ..WatchEventsRequest::default()
    }
}

/// The name of a resource, which every one begins with.
pub(super) fn name_of(resource: &[u8]) -> String {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Named {
        #[prost(string, tag = "1")]
        name: String,
    }
    Named::decode(resource).unwrap().name
}

/// Adds each text of a message under the path of its field.
fn gather(at: &str, message: &DynamicMessage, texts: &mut BTreeMap<String, BTreeSet<String>>) {
    for (field, value) in message.fields() {
        let path = format!("{at}{}", field.name());
        let (path, values) = match value {
            Value::List(values) => (path, values.iter().collect()),
            Value::Map(entries) => (format!("{path}.value"), entries.values().collect()),
            other => (path, vec![other]),
        };
        for value in values {
            match value {
                Value::String(text) => {
                    texts.entry(path.clone()).or_default().insert(text.clone());
                }
                Value::Message(inner) => gather(&format!("{path}."), inner, texts),
                _ => {}
            }
        }
    }
}

/// One who hunts, on a connection of their own.
struct Line<'a> {
    hunt: &'a Hunt,
    sender: SendRequest<Full<Bytes>>,
    bag: Bag,
    /// Which chase it is, for whoever wants to see it again.
    chase: usize,
}

impl<'a> Line<'a> {
    async fn open(hunt: &'a Hunt) -> Self {
        let stream = TcpStream::connect(hunt.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        // It ends with the sender.
        tokio::spawn(connection);
        Self {
            hunt,
            sender,
            bag: Bag::default(),
            chase: 0,
        }
    }

    /// Asks for a list, reads some of its pages, and misuses the token of one.
    async fn chase(&mut self, chase: usize) {
        self.chase = chase;
        let mixed = self.hunt.seed ^ (chase as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = StdRng::seed_from_u64(mixed);
        let everybody = &self.hunt.everybody;
        let who = &everybody[random.random_range(0..everybody.len())];
        let other = &everybody[random.random_range(0..everybody.len())];
        let (home, away) = (who.ecosystems[0], other.ecosystems[0]);
        let lists = &self.hunt.lists;
        let mut list = &lists[random.random_range(0..lists.len())];
        while !list.is_for(who.role) && who.role.is_some() && random.random_bool(0.8) {
            list = &lists[random.random_range(0..lists.len())];
        }
        let mut asked = list.ask(&mut random, home, away);
        if list.method.name == "ListEvents" {
            self.watch(who, home, Start::First).await;
            self.watch(who, home, Start::Snapshot).await;
        }
        let mut last = self.call(who, list, &asked).await;
        for _ in 0..PAGES {
            let token = last.token();
            if token.is_empty() {
                return;
            }
            if random.random_bool(0.3) {
                return self
                    .misuse(&mut random, (who, other), list, &asked, &token)
                    .await;
            }
            asked = asked.at(&token);
            last = self.call(who, list, &asked).await;
        }
    }

    /// Sends a token that was rightly got where it does not belong. Nobody is answered.
    async fn misuse(
        &mut self,
        random: &mut StdRng,
        (who, other): (&Who, &Who),
        list: &List,
        asked: &Asked,
        token: &str,
    ) {
        let asked = asked.at(token);
        if !std::ptr::eq(who, other) {
            self.refused(other, list, &asked, "by somebody else").await;
        }
        let away = format!("ecosystems/{}", ecosystem(other.ecosystems[0]));
        let parent = asked.text("parent");
        if !parent.is_empty() && !parent.starts_with(&away) {
            let rest = parent.splitn(3, '/').nth(2);
            let moved = rest.map_or(away.clone(), |rest| format!("{away}/{rest}"));
            let elsewhere = asked.below(&moved);
            self.refused(who, list, &elsewhere, "elsewhere").await;
            self.refused(other, list, &elsewhere, "at home with somebody else")
                .await;
        }
        let lists = &self.hunt.lists;
        let stranger = &lists[random.random_range(0..lists.len())];
        if stranger.method.path != list.method.path {
            let page = stranger.page(random, who.ecosystems[0], token);
            self.refused(who, stranger, &page, "for another list").await;
        }
        let other_query = asked.with("order_by", "create_time desc, update_time");
        let other_query = other_query.with("filter", "create_time > \"2020-01-01T00:00:00Z\"");
        if other_query.bytes() != asked.bytes() {
            self.refused(who, list, &other_query, "for another query")
                .await;
        }
        let mut touched = token.to_owned().into_bytes();
        let at = random.random_range(0..touched.len());
        touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
        let touched = asked.at(&String::from_utf8(touched).unwrap());
        self.refused(who, list, &touched, "touched").await;
    }

    async fn refused(&mut self, who: &Who, list: &List, asked: &Asked, how: &str) {
        let answer = self.call(who, list, asked).await;
        if answer.code == Code::Ok {
            let (chase, name) = (self.chase, list.method.name);
            let leak = format!("chase {chase}: a token of {name} was taken {how}");
            self.bag.leaks.push(leak);
        }
    }

    async fn call(&mut self, who: &Who, list: &List, asked: &Asked) -> Answer {
        let message = asked.bytes();
        let told = self.hunt.tried.ask(list, asked);
        let sight = sight(who, &list.method.access);
        let under_way = Arc::new(UnderWay { sight, asked: told });
        let id = format!("chase-{}-{}", self.chase, self.bag.calls);
        self.hunt.log.begin(&id, under_way.clone());
        let request = self.request(who, list.method.path, &id, &message);
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let body = collected.to_bytes();
        self.hunt.log.end(&id);
        // It takes long, and the connections are on these threads too: the server takes whoever answers
        // no ping for gone.
        block_in_place(|| self.look(who, list, &under_way, &head.headers, &body, &trailers))
    }

    /// Has everything told that has happened, or that there is, and looks through it.
    async fn watch(&mut self, who: &Who, home: usize, start: Start) {
        let told = self.told(who, home, start).await;
        block_in_place(|| self.look_at_told(who, home, start, &told));
    }

    fn look_at_told(&mut self, who: &Who, home: usize, start: Start, told: &Raw) {
        let sight_of = |access: &Access| sight(who, access);
        let of_events = sight_of(&WatchEventsRequest::ACCESS);
        let asked = asking(home, start).encode_to_vec();
        let mut found = Found::default();
        search_headers(&told.headers, &of_events, &asked, &mut found);
        search_headers(&told.trailers, &of_events, &asked, &mut found);
        for bytes in messages(&told.body) {
            let message = WatchEventsResponse::decode(bytes).unwrap();
            match message.resource {
                Some(resource) => {
                    let list = self
                        .hunt
                        .lists
                        .iter()
                        .find(|list| list.lists(&resource.type_url));
                    // Of what is in no list there is only the ecosystem, which is everybody's in it.
                    let sight = list.map_or_else(
                        || who.sight(Some(Extent::Organization)),
                        |list| sight_of(&list.method.access),
                    );
                    search(&resource.value, &sight, &asked, &mut found);
                }
                None => search(bytes, &of_events, &asked, &mut found),
            }
        }
        let (chase, role, homes) = (self.chase, who.role, &who.ecosystems);
        let by = match start {
            Start::Snapshot => "a snapshot",
            _ => "WatchEvents",
        };
        self.bag.leaks.extend(found.foreign.into_iter().map(|leak| {
            format!("chase {chase}: {role:?} of {homes:?} was told {leak} by {by}, as it came")
        }));
        self.bag.seen.entry(by).or_default().extend(found.own);
    }

    /// What a stream tells that begins so.
    async fn told(&mut self, who: &Who, home: usize, start: Start) -> Raw {
        let message = asking(home, start).encode_to_vec();
        let request = self.request(who, WatchEventsRequest::METHOD, "watch", &message);
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        collect_told(response).await
    }

    fn request(&self, who: &Who, path: &str, id: &str, message: &[u8]) -> Request<Full<Bytes>> {
        Request::post(format!("http://{}{path}", self.hunt.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("x-request-id", id)
            .header("authorization", format!("Bearer {}", who.token))
            .body(Full::new(Bytes::from(framed(message))))
            .unwrap()
    }

    fn look(
        &mut self,
        who: &Who,
        list: &List,
        call: &UnderWay,
        headers: &HeaderMap,
        body: &[u8],
        trailers: &HeaderMap,
    ) -> Answer {
        let status = Status::from_header_map(headers).or_else(|| Status::from_header_map(trailers));
        let status = status.unwrap();
        let mut found = Found::default();
        search(body, &call.sight, &call.asked, &mut found);
        search_headers(headers, &call.sight, &call.asked, &mut found);
        search_headers(trailers, &call.sight, &call.asked, &mut found);
        let (chase, name) = (self.chase, list.method.name);
        for leak in found.foreign {
            let (role, homes) = (who.role, &who.ecosystems);
            let code = status.code();
            // What was asked stands first.
            let asked = String::from_utf8_lossy(&call.asked[..call.asked.len().min(200)]);
            self.bag.leaks.push(format!(
                "chase {chase}: {role:?} of {homes:?} was told {leak} by {name}, {code:?}, \
                 asked {asked:?}"
            ));
        }
        self.bag.calls += 1;
        // What the server cannot answer, it has not been asked: such calls do not count.
        assert!(
            !matches!(
                status.code(),
                Code::Unauthenticated | Code::Internal | Code::Unknown
            ),
            "chase {chase}: {name}: {status:?}"
        );
        *self
            .bag
            .codes
            .entry(format!("{:?}", status.code()))
            .or_default() += 1;
        self.bag.seen.entry(name).or_default().extend(found.own);
        Answer {
            code: status.code(),
            message: body
                .get(5..)
                .map(|message| DynamicMessage::decode(list.output.clone(), message).unwrap()),
        }
    }
}
