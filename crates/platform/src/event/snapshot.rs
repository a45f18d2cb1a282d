//! What there is, read page by page for somebody who watches: what the lists of the contract answer the
//! same caller.
//!
//! The lists are called from inside of the server, as the caller's own calls would be, so that who may
//! read what of them is decided where it always is. Of their answers no more is read than where one
//! resource ends and what it is called.

mod kinds;

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use prost::Message;
use prost_types::Any;
use tonic::{Code, Request, Status};
use trellis_api::{Standing, ecosystem_name};
use trellis_core::EcosystemId;

use self::kinds::{KINDS, Read};
pub(super) use self::kinds::{Kind, kinds, named, names};

/// How many resources are read at a time.
const PAGE: i32 = 100;

/// The methods of the contract, to be called from inside of the server.
pub trait Inside: Send + Sync + 'static {
    /// Answers a request, both as the bytes of their messages, as the one who calls would be answered.
    fn call(
        &self,
        method: &'static str,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<Vec<u8>, Status>>;
}

/// Which resources are told before the events.
#[derive(Clone, Debug)]
pub(super) enum Resources {
    /// None.
    None,
    /// Whatever the caller may list.
    All,
    /// Those of these kinds.
    Of(Vec<&'static Kind>),
}

impl Resources {
    /// The kinds that the caller is told; nothing where no resources are.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when one is asked for that the caller may not list.
    pub(super) fn kinds(self, standing: &Standing) -> Result<Option<Vec<&'static Kind>>, Status> {
        let asked = match self {
            Self::None => return Ok(None),
            Self::All => {
                let may = |kind: &&'static Kind| standing.require(&kind.access).is_ok();
                return Ok(Some(KINDS.iter().filter(may).collect()));
            }
            Self::Of(asked) => asked,
        };
        for kind in &asked {
            standing.require(&kind.access)?;
        }
        Ok(Some(asked))
    }
}

/// What every list is asked; and, by the first field alone, what answers a single resource.
#[derive(Clone, PartialEq, Message)]
struct Ask {
    #[prost(string, tag = "1")]
    about: String,
    #[prost(int32, tag = "2")]
    page_size: i32,
    #[prost(string, tag = "3")]
    page_token: String,
}

/// What every list answers.
#[derive(Clone, PartialEq, Message)]
struct Page {
    #[prost(bytes = "vec", repeated, tag = "1")]
    rows: Vec<Vec<u8>>,
    #[prost(string, tag = "2")]
    next_page_token: String,
}

/// What every resource begins with.
#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

/// A snapshot that is under way.
pub(super) struct Snapshot {
    inside: Arc<dyn Inside>,
    /// Which kinds are told. Others are read for what is below them.
    told: Vec<&'static Kind>,
    /// What is still to be read, in its order.
    left: VecDeque<Part>,
}

/// Some resources of one kind.
struct Part {
    kind: &'static Kind,
    ask: Ask,
}

impl Part {
    fn new(kind: &'static Kind, about: String) -> Self {
        let page_size = if kind.read == Read::Itself { 0 } else { PAGE };
        let ask = Ask {
            about,
            page_size,
            page_token: String::new(),
        };
        Self { kind, ask }
    }
}

impl Snapshot {
    /// A snapshot of these kinds.
    pub(super) fn new(
        inside: Arc<dyn Inside>,
        ecosystem: &EcosystemId,
        told: Vec<&'static Kind>,
    ) -> Self {
        let ecosystem = ecosystem_name(ecosystem);
        let below = |kind: &Kind| told.iter().any(|told| told.read == Read::Below(kind.name));
        let part = |kind: &'static Kind| match kind.read {
            _ if !told.contains(&kind) && !below(kind) => None,
            Read::Itself => Some(Part::new(kind, ecosystem.clone())),
            Read::Together(below) => Some(Part::new(kind, format!("{ecosystem}{below}"))),
            Read::Below(_) => None,
        };
        let left = KINDS.iter().filter_map(part).collect();
        Self { inside, told, left }
    }

    /// The next resources, of which there may be none; nothing once all are told.
    ///
    /// # Errors
    /// Those of the lists.
    pub(super) async fn read(&mut self, standing: &Standing) -> Result<Option<Vec<Any>>, Status> {
        let Some(Part { kind, ask }) = self.left.pop_front() else {
            return Ok(None);
        };
        let request = standing.within(ask.encode_to_vec());
        let answer = match self.inside.call(kind.method, request).await {
            // What it hangs on has gone meanwhile, which is told as an event.
            Err(gone) if gone.code() == Code::NotFound && matches!(kind.read, Read::Below(_)) => {
                return Ok(Some(Vec::new()));
            }
            answer => answer?,
        };
        let Page {
            rows,
            next_page_token,
        } = page(kind, answer)?;
        if !next_page_token.is_empty() {
            let page_token = next_page_token;
            let ask = Ask { page_token, ..ask };
            self.left.push_front(Part { kind, ask });
        }
        self.go_below(kind, &rows)?;
        if !self.told.contains(&kind) {
            return Ok(Some(Vec::new()));
        }
        let told = rows.into_iter().map(|value| Any {
            type_url: kind.type_url.to_owned(),
            value,
        });
        Ok(Some(told.collect()))
    }

    /// Puts what is read below these resources before everything else that is left.
    fn go_below(&mut self, kind: &Kind, rows: &[Vec<u8>]) -> Result<(), Status> {
        let below = |told: &&&'static Kind| told.read == Read::Below(kind.name);
        let below: Vec<&'static Kind> = self.told.iter().filter(below).copied().collect();
        if below.is_empty() {
            return Ok(());
        }
        for row in rows.iter().rev() {
            let Named { name } = Named::decode(row.as_slice()).map_err(unreadable)?;
            for kind in below.iter().rev() {
                self.left.push_front(Part::new(kind, name.clone()));
            }
        }
        Ok(())
    }
}

/// What a method has answered, as a page.
fn page(kind: &Kind, answer: Vec<u8>) -> Result<Page, Status> {
    if kind.read == Read::Itself {
        return Ok(Page {
            rows: vec![answer],
            next_page_token: String::new(),
        });
    }
    Page::decode(answer.as_slice()).map_err(unreadable)
}

fn unreadable(error: prost::DecodeError) -> Status {
    Status::internal(format!(
        "a list of the server's own cannot be read: {error}"
    ))
}
