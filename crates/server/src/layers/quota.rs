//! Gives every principal its share of calls a second, reads and writes apart.
//!
//! A quota keeps one caller from taking what is there for all, while admission keeps all of them
//! together from taking more than there is. A share that is not used is kept for one second.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{Request, Response};
use tonic::body::Body;

use super::{Rest, Serve, Step};
use crate::methods::{Method, Work};
use crate::peer::PrincipalKey;
use crate::refusal::Refusal;
use crate::settings::Settings;

/// After so many calls whoever has not called for long is forgotten.
const FORGET_EVERY: u32 = 1 << 12;

/// Refuses the calls of those who call too often.
#[derive(Clone)]
pub(super) struct Quotas {
    reads: Arc<Share>,
    writes: Arc<Share>,
}

struct Share {
    name: &'static str,
    limit: u32,
    limiter: DefaultKeyedRateLimiter<PrincipalKey>,
    clock: DefaultClock,
    calls: AtomicU32,
}

impl Quotas {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            reads: Share::new("reads_per_second", settings.quota_reads),
            writes: Share::new("writes_per_second", settings.quota_writes),
        }
    }
}

impl Share {
    fn new(name: &'static str, limit: u32) -> Arc<Self> {
        let quota = Quota::per_second(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN));
        Arc::new(Self {
            name,
            limit,
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            calls: AtomicU32::new(0),
        })
    }

    fn take(&self, key: &PrincipalKey) -> Result<(), Refusal> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| Refusal::Quota {
            quota: self.name,
            limit: self.limit,
            retry: until.wait_time_from(self.clock.now()),
        })
    }
}

impl Step for Quotas {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let work = request
            .extensions()
            .get::<Method>()
            .map_or(Work::None, Method::work);
        let share = match work {
            Work::Read => &self.reads,
            Work::Write => &self.writes,
            Work::None => return rest.run(request).await,
        };
        match share.take(&PrincipalKey::of(&request)) {
            Ok(()) => rest.run(request).await,
            Err(refusal) => refusal.answer(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_principal_has_its_own_share() {
        let share = Share::new("reads_per_second", 5);
        let key = |name: &str| PrincipalKey(name.to_owned());
        let taken = (0..20).filter(|_| share.take(&key("ada")).is_ok()).count();
        assert!((5..=6).contains(&taken), "{taken}");
        assert!(share.take(&key("bob")).is_ok());
        let Err(Refusal::Quota { retry, limit, .. }) = share.take(&key("ada")) else {
            panic!("it is used up");
        };
        assert!(limit == 5 && retry.as_millis() <= 200, "{retry:?}");
    }
}
