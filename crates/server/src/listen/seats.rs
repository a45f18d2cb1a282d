//! Who has a connection, and who has to leave when there are too many.
//!
//! The loop never waits for room: a newcomer takes the place of the connection that has said
//! nothing for longest, else of the one that has rested longest, and is hung up on when all others
//! are at work. Peers that connect and say nothing thus push out each other, never those who call.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::calls::Calls;
use crate::peer::Network;

/// The places for connections.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    most: usize,
    most_of_peer: usize,
}

#[derive(Debug, Default)]
struct Taken {
    seats: HashMap<u64, Held>,
    of_peers: HashMap<Network, usize>,
    next: u64,
}

#[derive(Debug)]
struct Held {
    peer: Network,
    since: Instant,
    calls: Arc<Calls>,
    cut: CancellationToken,
}

/// The place of one connection; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    seats: Arc<Seats>,
    /// The connection's calls.
    pub(super) calls: Arc<Calls>,
    /// Cancelled when the connection must end at once.
    pub(super) cut: CancellationToken,
}

/// Why a newcomer got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Everybody is at work.
    All,
    /// Every connection of this peer is.
    Peer,
}

impl Seats {
    pub(super) fn new(most: usize, most_of_peer: usize) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            most,
            most_of_peer,
        })
    }

    /// Takes a place. Its connection also ends with `cut`.
    pub(super) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        cut: &CancellationToken,
    ) -> Result<Seat, Full> {
        let peer = Network::of(address);
        let mut taken = self.taken();
        let of_peer = taken.of_peers.get(&peer).copied().unwrap_or_default();
        if of_peer >= self.most_of_peer && !taken.make_room(|held| held.peer == peer) {
            return Err(Full::Peer);
        }
        if taken.seats.len() >= self.most && !taken.make_room(|_| true) {
            return Err(Full::All);
        }
        let id = taken.next;
        taken.next += 1;
        let (calls, cut) = (Calls::new(), cut.child_token());
        taken.seats.insert(
            id,
            Held {
                peer,
                since: Instant::now(),
                calls: calls.clone(),
                cut: cut.clone(),
            },
        );
        *taken.of_peers.entry(peer).or_default() += 1;
        drop(taken);
        Ok(Seat {
            id,
            seats: self.clone(),
            calls,
            cut,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Cuts the connection that is missed least among some; answers whether there was one.
    fn make_room(&mut self, among: impl Fn(&Held) -> bool) -> bool {
        let least = self
            .seats
            .iter()
            .filter(|(_, held)| among(held) && held.calls.under_way() == 0)
            .min_by_key(|(_, held)| match held.calls.rested_since() {
                None => (false, held.since),
                Some(since) => (true, since),
            });
        let Some((&id, held)) = least else {
            return false;
        };
        held.cut.cancel();
        self.free(id);
        true
    }

    fn free(&mut self, id: u64) {
        let Some(Held { peer, .. }) = self.seats.remove(&id) else {
            return;
        };
        if let Some(count) = self.of_peers.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peers.remove(&peer);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().free(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::calls::Call;

    fn peer(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_one_that_said_nothing_for_longest() {
        let (seats, all) = (Seats::new(3, 3), CancellationToken::new());
        let caller = seats.take(peer(1), &all).unwrap();
        drop(Call::begin(&caller.calls));
        let silent = seats.take(peer(2), &all).unwrap();
        let younger = seats.take(peer(3), &all).unwrap();
        let newcomer = seats.take(peer(4), &all).unwrap();
        assert!(silent.cut.is_cancelled());
        assert!(!younger.cut.is_cancelled() && !caller.cut.is_cancelled());
        // The place of the one that was cut is free once, not twice.
        drop(silent);
        assert_eq!(seats.taken().seats.len(), 3);
        drop((caller, younger, newcomer));
        assert!(seats.taken().seats.is_empty() && seats.taken().of_peers.is_empty());
    }

    #[test]
    fn one_that_rests_leaves_before_one_that_works() {
        let (seats, all) = (Seats::new(2, 2), CancellationToken::new());
        let resting = seats.take(peer(1), &all).unwrap();
        drop(Call::begin(&resting.calls));
        let working = seats.take(peer(2), &all).unwrap();
        let call = Call::begin(&working.calls);
        let newcomer = seats.take(peer(3), &all).unwrap();
        assert!(resting.cut.is_cancelled() && !working.cut.is_cancelled());
        let other = Call::begin(&newcomer.calls);
        assert_eq!(seats.take(peer(4), &all).unwrap_err(), Full::All);
        drop((call, other));
    }

    #[test]
    fn one_peer_pushes_out_only_its_own() {
        let (seats, all) = (Seats::new(10, 2), CancellationToken::new());
        let other = seats.take(peer(1), &all).unwrap();
        let first = seats.take(peer(2), &all).unwrap();
        let second = seats.take(peer(2), &all).unwrap();
        let third = seats.take(peer(2), &all).unwrap();
        assert!(first.cut.is_cancelled() && !other.cut.is_cancelled());
        let calls = [Call::begin(&second.calls), Call::begin(&third.calls)];
        assert_eq!(seats.take(peer(2), &all).unwrap_err(), Full::Peer);
        drop(calls);
    }
}
