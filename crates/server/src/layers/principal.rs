//! Gives every principal its share of the calls under way, so that none can take them all. What is
//! watched is counted apart, because it lasts: it must not take what other calls need.
//!
//! Who a principal is, whoever authenticates says by a [`PrincipalKey`]; without it everybody
//! behind one address is one.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use tonic::Status;
use tonic::body::Body;

use super::{Rest, Serve, Step, body};
use crate::methods::{Method, Shape, Work};
use crate::peer::PrincipalKey;
use crate::refusal::Refusal;
use crate::settings::Settings;

/// When to try again: about as long as a call takes, so that one of the others may have ended.
const RETRY: Duration = Duration::from_millis(100);

/// Counts the calls of each principal and refuses those above the limit.
#[derive(Clone)]
pub(super) struct Principals {
    calls: Limit,
    watches: Limit,
}

/// So many of each principal, and no more.
#[derive(Clone)]
struct Limit {
    counts: Arc<Counts>,
    most: u32,
}

#[derive(Default)]
struct Counts(Mutex<HashMap<PrincipalKey, u32>>);

impl Principals {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            calls: Limit::new(settings.principal_calls_max),
            watches: Limit::new(settings.principal_watches_max),
        }
    }
}

/// Whether a call watches what the deployment holds. What watches its health holds nothing.
fn is_watch(request: &Request<Body>) -> bool {
    let method = request.extensions().get::<Method>();
    method.is_some_and(|method| method.shape() == Shape::Watch && method.work() != Work::None)
}

impl Limit {
    fn new(most: u32) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    fn begin(&self, key: PrincipalKey) -> Option<Share> {
        let mut counts = self.counts.lock();
        let count = counts.entry(key.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Share {
            counts: self.counts.clone(),
            key,
        })
    }
}

impl Step for Principals {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let watch = is_watch(&request);
        let limit = if watch { &self.watches } else { &self.calls };
        let Some(share) = limit.begin(PrincipalKey::of(&request)) else {
            let limit = limit.most;
            let refusal = match watch {
                true => Refusal::Watches { limit },
                false => Refusal::Quota {
                    quota: "calls_under_way",
                    limit,
                    retry: RETRY,
                },
            };
            return refusal.answer();
        };
        let response = rest.run(request).await;
        if body::code(response.headers()).is_some() {
            return response;
        }
        body::through(response, Held { _share: share })
    }
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, HashMap<PrincipalKey, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call of a principal, until it is dropped.
struct Share {
    counts: Arc<Counts>,
    key: PrincipalKey,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// Holds the share until the answer is sent or given up.
struct Held {
    _share: Share,
}

impl body::Frames for Held {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        body.poll_frame(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_its_share_and_takes_none_of_anothers() {
        let principals = Limit::new(2);
        let key = |name: &str| PrincipalKey(name.to_owned());
        let first = principals.begin(key("ada")).unwrap();
        let _second = principals.begin(key("ada")).unwrap();
        assert!(principals.begin(key("ada")).is_none());
        let other = principals.begin(key("bob")).unwrap();
        drop(first);
        assert!(principals.begin(key("ada")).is_some());
        drop(other);
        assert_eq!(principals.counts.lock().len(), 1);
    }
}
