//! Admission: the server takes as many calls as it can answer in time, and tells the others at
//! once to come again.
//!
//! A server that takes everything answers nothing once more comes than it can do: each call waits
//! behind all others, past the deadline of its caller, who sends it again. Refusing costs a
//! tenth of answering or less, the sooner the less: so whoever would queue too long for a processor
//! is refused as soon as it is read ([`porter`]), whoever has done so before anything is asked about
//! it ([`Glances`]), and the others when it is known how long they can wait.
//!
//! Reads and writes are apart, so that a queue at the one writer of a database does not keep anybody
//! from reading. Health and reflection are always answered, and
//! calls that stream are not counted here: they last as long as their clients want, and are bounded
//! by connection and by principal.

mod gate;
mod limit;
#[cfg(test)]
mod overload;
mod porter;
#[cfg(test)]
mod simulation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::sync::oneshot;
use tonic::body::Body;
use trellis_api::Deadline;

use self::gate::{Arrival, Gate, Patience, Verdict};
pub(crate) use self::porter::Porter;
use self::porter::Queueing;
use super::{Rest, Serve, Step};
use crate::listen::Came;
use crate::methods::{Method, Shape, Work};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// The shortest and the longest time after which a refused call should come again.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Lets calls in, or tells them to come again.
#[derive(Clone)]
pub(super) struct Admission(Option<Gates>);

#[derive(Clone)]
struct Gates {
    reads: Arc<Door>,
    writes: Arc<Door>,
}

/// A gate, and the tasks that wait at it.
struct Door {
    /// What passes it, for the log.
    what: &'static str,
    gate: Mutex<Gate<oneshot::Sender<Entered>>>,
    /// Whether an overload has been told of that is not over.
    overloaded: AtomicBool,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Self {
        let door = |what| {
            let waiting = usize::try_from(settings.admission_queue_max).unwrap_or(usize::MAX);
            Arc::new(Door::new(
                what,
                Gate::new(
                    settings.admission_calls_max,
                    waiting,
                    Patience {
                        burst: settings.admission_burst,
                        standing: settings.admission_wait,
                    },
                    Instant::now(),
                ),
            ))
        };
        Self(settings.admission.then(|| Gates {
            reads: door("reads"),
            writes: door("writes"),
        }))
    }

    /// The step that stands before all that costs something.
    pub(super) fn glances(&self) -> Glances {
        Glances(self.clone())
    }

    /// The door that a call must pass, if any.
    fn door_of(&self, request: &Request<Body>) -> Option<Arc<Door>> {
        self.door(request.extensions().get::<Method>()?)
    }

    /// The door that calls of a method must pass, if any.
    fn door(&self, method: &Method) -> Option<Arc<Door>> {
        let gates = self.0.as_ref()?;
        match (method.shape(), method.work()) {
            (Shape::Unary, Work::Read) => Some(gates.reads.clone()),
            (Shape::Unary, Work::Write) => Some(gates.writes.clone()),
            (Shape::Stream | Shape::Watch, _) | (_, Work::None) => None,
        }
    }
}

/// Refuses calls that have waited too long before anything else is done for them.
#[derive(Clone)]
pub(super) struct Glances(Admission);

impl Step for Glances {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let now = Instant::now();
        let queued = queued(&request, now);
        if let Some(queueing) = request.extensions_mut().remove::<Queueing>() {
            queueing.turn(queued);
        }
        let door = self.0.door_of(&request);
        let refused = door.and_then(|door| door.glance(now, queued));
        match refused {
            Some(wait) => refuse(wait),
            None => rest.run(request).await,
        }
    }
}

/// How long a call has queued for a processor.
fn queued(request: &Request<Body>, now: Instant) -> Duration {
    match request.extensions().get::<Came>() {
        Some(Came(came)) => now.saturating_duration_since(*came),
        None => Duration::ZERO,
    }
}

fn refuse(wait: Duration) -> Response<Body> {
    let (least, most) = RETRY;
    let retry = wait.clamp(least, most);
    Refusal::Overloaded { wait, retry }.answer()
}

impl Step for Admission {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let Some(door) = self.door_of(&request) else {
            return rest.run(request).await;
        };
        let now = Instant::now();
        let left = match request.extensions().get::<Deadline>() {
            Some(Deadline(deadline)) => deadline.saturating_duration_since(now),
            None => Duration::MAX,
        };
        match door.enter(now, queued(&request, now), left).await {
            Ok(working) => {
                let response = rest.run(request).await;
                drop(working);
                response
            }
            Err(wait) => refuse(wait),
        }
    }
}

/// What one that waited is told: that it may work, or how long it waited in vain.
type Entered = Result<Working, Duration>;

impl Door {
    fn new(what: &'static str, gate: Gate<oneshot::Sender<Entered>>) -> Self {
        Self {
            what,
            gate: Mutex::new(gate),
            overloaded: AtomicBool::new(false),
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate<oneshot::Sender<Entered>>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was read. Answers its place in the queue for a processor, or how long it would have
    /// had to queue.
    fn come(self: &Arc<Self>, now: Instant) -> Result<Queueing, Duration> {
        let among = self.gate().come(now)?;
        Ok(Queueing::new(self.clone(), among))
    }

    /// How long a call would wait that has queued so long, if that is too long.
    fn glance(&self, now: Instant, queued: Duration) -> Option<Duration> {
        let mut gate = self.gate();
        let refused = gate.glance(now, queued);
        let overloaded = gate.overloaded();
        drop(gate);
        // Each refusal is counted; to log each of them would cost more than refusing it.
        if self.overloaded.swap(overloaded, Ordering::Relaxed) != overloaded {
            let what = self.what;
            if overloaded {
                tracing::warn!(what, "overload: more is asked for than can be done");
            } else {
                tracing::info!(what, "the overload is over");
            }
        }
        refused
    }

    /// Goes in, or learns how long that would take.
    async fn enter(self: Arc<Self>, now: Instant, queued: Duration, left: Duration) -> Entered {
        let (sender, told) = oneshot::channel();
        // The gate is let go before anything is waited for.
        let arrival = self.gate().arrive(now, queued, left, || sender);
        match arrival {
            Arrival::Go => Ok(Working::begin(self)),
            Arrival::Refused(wait) => Err(wait),
            Arrival::Wait => told.await.unwrap_or(Err(Duration::ZERO)),
        }
    }

    /// Tells those who waited. One who is gone already gives its place up again by dropping it.
    fn tell(self: &Arc<Self>, told: Vec<(oneshot::Sender<Entered>, Verdict)>) {
        for (sender, verdict) in told {
            let entered = match verdict {
                Verdict::Go => Ok(Working::begin(self.clone())),
                Verdict::Refused(waited) => Err(waited),
            };
            if let Err(Ok(mut working)) = sender.send(entered) {
                working.began = None;
            }
        }
    }
}

/// A call at work, until this is dropped.
struct Working {
    door: Arc<Door>,
    /// When it began; nothing when its caller was gone before.
    began: Option<Instant>,
}

impl Working {
    fn begin(door: Arc<Door>) -> Self {
        Self {
            door,
            began: Some(Instant::now()),
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut gate = self.door.gate();
        let told = match self.began {
            Some(began) => gate.leave(now, now.saturating_duration_since(began)),
            None => gate.abandon(now),
        };
        drop(gate);
        self.door.tell(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(most: u32) -> Arc<Door> {
        let now = Instant::now();
        let patience = Patience {
            burst: Duration::from_secs(5),
            standing: Duration::from_secs(5),
        };
        let gate = Gate::new(most, 10, patience, now);
        Arc::new(Door::new("tests", gate))
    }

    #[tokio::test]
    async fn who_waits_is_let_in_when_another_is_done() {
        let door = door(1);
        let long = Duration::from_secs(5);
        let working = door
            .clone()
            .enter(Instant::now(), Duration::ZERO, long)
            .await
            .ok()
            .unwrap();
        let waiting = tokio::spawn(door.clone().enter(Instant::now(), Duration::ZERO, long));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(working);
        assert!(waiting.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_went_away_while_waiting_leaves_its_place_to_the_next() {
        let door = door(1);
        let long = Duration::from_secs(5);
        let working = door
            .clone()
            .enter(Instant::now(), Duration::ZERO, long)
            .await
            .ok()
            .unwrap();
        let gone = tokio::spawn(door.clone().enter(Instant::now(), Duration::ZERO, long));
        tokio::task::yield_now().await;
        let next = tokio::spawn(door.clone().enter(Instant::now(), Duration::ZERO, long));
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(working);
        assert!(next.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_when_to_come_again() {
        use tonic_types::StatusExt as _;

        let door = door(1);
        let second = Duration::from_secs(1);
        // A call that took a second is what others are expected to take.
        let mut working = door
            .clone()
            .enter(Instant::now(), Duration::ZERO, second)
            .await
            .ok()
            .unwrap();
        working.began = Instant::now().checked_sub(second);
        drop(working);
        let _working = door
            .clone()
            .enter(Instant::now(), Duration::ZERO, second)
            .await
            .ok()
            .unwrap();
        let soon = Duration::from_millis(1);
        let wait = door
            .enter(Instant::now(), Duration::ZERO, soon)
            .await
            .err()
            .unwrap();
        let refused = Refusal::Overloaded { wait, retry: wait }.answer();
        let status = tonic::Status::from_header_map(refused.headers()).unwrap();
        assert_eq!(status.code(), tonic::Code::Unavailable);
        assert_eq!(
            status.get_details_error_info().unwrap().reason,
            "OVERLOADED"
        );
        assert!(status.get_details_retry_info().is_some());
    }
}
