//! What somebody does not reach answers, byte for byte, like what is not there.
//!
//! In an ecosystem in which the caller has no role: something that is there, something that is not,
//! and the same in an ecosystem that is not there. In the caller's own: what belongs to another
//! organisation and is out of reach, and what is not there. The names that are compared are of one
//! length.

use futures::future::join_all;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tonic::Code;
use trellis_api::FILE_DESCRIPTOR_SET;
use trellis_core::Role;

use super::cells::{Caller, refusal};
use super::rows::{Act, Row};
use super::things::{ABSENT, ACME, COLLEAGUE, ELSEWHERE, GLOBEX, Kind, NOWHERE, Relation, Thing};
use super::who::Who;
use crate::server::raw::Answer;

/// Everything that an answer says, but for the name that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    code: Code,
    message: String,
    details: String,
    /// How many bytes the details are: the entries of a map come in any order, but no byte more.
    length: usize,
    headers: Vec<(String, Vec<u8>)>,
}

/// What of the headers is compared as what it means.
const MEANT: [&str; 4] = [
    "grpc-message",
    "grpc-status-details-bin",
    "date",
    "content-length",
];

fn said(pool: &DescriptorPool, answer: &Answer, name: &str) -> Said {
    let status = answer.status();
    let parent = name.split('/').take(2).collect::<Vec<_>>().join("/");
    let unnamed = |text: &str| text.replace(name, "{name}").replace(&parent, "{parent}");
    let descriptor = pool.get_message_by_name("google.rpc.Status").unwrap();
    let details = DynamicMessage::decode(descriptor, status.details()).unwrap();
    assert_eq!(
        details.encode_to_vec().len(),
        status.details().len(),
        "all of it is understood"
    );
    let headers = answer.headers.iter().map(|header| (header, "head"));
    let headers = headers.chain(answer.trailers.iter().map(|trailer| (trailer, "tail")));
    let headers = headers
        .filter(|((key, _), _)| !MEANT.contains(&key.as_str()))
        .map(|((key, value), at)| (format!("{at} {key}"), value.as_bytes().to_vec()));
    Said {
        code: status.code(),
        message: unnamed(status.message()),
        details: unnamed(&super::cells::json_of(&details).to_string()),
        length: status.details().len(),
        headers: headers.collect(),
    }
}

/// The things that must answer alike whoever calls, and those that must where the first is out of
/// reach.
fn strangers(kind: Kind) -> (Vec<Thing>, Vec<Thing>) {
    let thing = |ecosystem, tag| Thing {
        kind,
        ecosystem,
        tag,
    };
    let mut elsewhere = vec![thing(GLOBEX, COLLEAGUE), thing(NOWHERE, COLLEAGUE)];
    if kind != Kind::Ecosystem {
        elsewhere.push(thing(GLOBEX, ABSENT));
    }
    let here = match kind.lacks(Relation::OtherOrganization) {
        None => vec![thing(ACME, ELSEWHERE), thing(ACME, ABSENT)],
        Some(_) => Vec::new(),
    };
    (elsewhere, here)
}

/// How many answers were compared, and which were not alike.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) answers: usize,
    pub(super) unlike: Vec<String>,
}

/// Where somebody is told of a partner that they do not reach that it is there: they read every
/// partner anyway.
const TOLD: [&str; 2] = ["CreateDeal", "CreateRegistration"];

/// Compares what a row answers to somebody about things of which the first is out of reach.
async fn compare(
    caller: &mut Caller<'_>,
    pool: &DescriptorPool,
    row: &Row,
    things: &[Thing],
    compared: &mut Compared,
) {
    let mut all: Vec<(String, Said)> = Vec::new();
    for thing in things {
        let answer = caller.ask(row, *thing).await;
        let reached = refusal(&answer).is_none_or(|word| word.starts_with("PASS"));
        if reached && all.is_empty() {
            return;
        }
        let name = caller.scene.name(*thing);
        let said = said(pool, &answer, &name);
        all.push((name, said));
    }
    let Some(((first, like), others)) = all.split_first() else {
        return;
    };
    compared.answers += all.len();
    let here = things.iter().all(|thing| thing.ecosystem == ACME);
    let manager = caller.who == Who::Granted(Role::ChannelManager);
    let told = here && manager && TOLD.contains(&row.method);
    for (name, other) in others {
        if (other == like) == told {
            let (method, who) = (row.method, caller.who.name());
            let unlike = format!("{method}, {who}\n  {first}: {like:?}\n  {name}: {other:?}");
            compared.unlike.push(unlike);
        }
    }
}

/// Compares everything that every row answers to somebody about what they do not reach.
async fn by(caller: &mut Caller<'_>, rows: &[Row], pool: &DescriptorPool) -> Compared {
    let mut compared = Compared::default();
    for row in rows {
        let (elsewhere, here) = strangers(row.kind);
        compare(caller, pool, row, &elsewhere, &mut compared).await;
        if row.act == Act::Does {
            compare(caller, pool, row, &here, &mut compared).await;
        }
    }
    compared
}

/// The same for everybody.
pub(super) async fn all(callers: &mut [Caller<'_>], rows: &[Row]) -> Compared {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let each = callers.iter_mut().map(|caller| by(caller, rows, &pool));
    let mut compared = Compared::default();
    for of_one in join_all(each).await {
        compared.answers += of_one.answers;
        compared.unlike.extend(of_one.unlike);
    }
    control(callers, rows, &pool).await;
    compared
}

/// What differs is told, be it in a word of the details alone.
async fn control(callers: &mut [Caller<'_>], rows: &[Row], pool: &DescriptorPool) {
    let rep = Who::Granted(Role::PartnerRep);
    let rep = callers.iter_mut().find(|caller| caller.who == rep).unwrap();
    let thing = Thing {
        kind: Kind::OpenDeal,
        ecosystem: ACME,
        tag: ABSENT,
    };
    let mut heard = Vec::new();
    for method in ["WinDeal", "LoseDeal", "GetDeal"] {
        let row = rows.iter().find(|row| row.method == method).unwrap();
        let answer = rep.ask(row, thing).await;
        heard.push(said(pool, &answer, &rep.scene.name(thing)));
    }
    assert_ne!(heard[0].details, heard[1].details);
    assert_ne!(heard[1].code, heard[2].code);
}
