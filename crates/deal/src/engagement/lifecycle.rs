//! Which moves engagements, their members and snapshots can make, and what a deadline does. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::deal::{engagement, engagement_member, engagement_snapshot};

/// What can be done to an engagement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Begin it.
    Activate,
    /// Put it on hold.
    Suspend,
    /// Go on with it.
    Resume,
    /// End it.
    Close,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 4] = [Self::Activate, Self::Suspend, Self::Resume, Self::Close];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Activate => "ACTIVATE",
            Self::Suspend => "SUSPEND",
            Self::Resume => "RESUME",
            Self::Close => "CLOSE",
        }
    }
}

/// What can be done to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberVerb {
    /// Accept the invitation.
    Accept,
    /// Decline it.
    Reject,
    /// The time to answer runs out.
    Expire,
    /// Take the invitation back.
    Cancel,
    /// Leave.
    Leave,
    /// Send the partner away.
    Remove,
}

impl MemberVerb {
    /// Every verb.
    pub const ALL: [Self; 6] = [
        Self::Accept,
        Self::Reject,
        Self::Expire,
        Self::Cancel,
        Self::Leave,
        Self::Remove,
    ];
}

impl Named for MemberVerb {
    fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
            Self::Expire => "EXPIRE",
            Self::Cancel => "CANCEL",
            Self::Leave => "LEAVE",
            Self::Remove => "REMOVE",
        }
    }
}

/// What can be done to a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotVerb {
    /// Take it back.
    Revoke,
}

impl Named for SnapshotVerb {
    fn name(self) -> &'static str {
        match self {
            Self::Revoke => "REVOKE",
        }
    }
}

const fn row<S, V>(from: S, verb: V, to: S) -> Transition<S, V>
where
    S: Copy,
    V: Copy,
{
    Transition { from, verb, to }
}

/// Every legal move of an engagement. A draft that comes to nothing is closed, too.
pub const TABLE: &[Transition<engagement::State, Verb>] = {
    use engagement::State::{Active, Closed, Draft, Suspended};
    &[
        row(Draft, Verb::Activate, Active),
        row(Draft, Verb::Close, Closed),
        row(Active, Verb::Suspend, Suspended),
        row(Active, Verb::Close, Closed),
        row(Suspended, Verb::Resume, Active),
        row(Suspended, Verb::Close, Closed),
    ]
};

/// Every legal move of a member.
pub const MEMBERS: &[Transition<engagement_member::State, MemberVerb>] = {
    use engagement_member::State::{
        Accepted, Cancelled, Expired, Invited, Left, Rejected, Removed,
    };
    &[
        row(Invited, MemberVerb::Accept, Accepted),
        row(Invited, MemberVerb::Reject, Rejected),
        row(Invited, MemberVerb::Expire, Expired),
        row(Invited, MemberVerb::Cancel, Cancelled),
        row(Accepted, MemberVerb::Leave, Left),
        row(Accepted, MemberVerb::Remove, Removed),
    ]
};

/// Every legal move of a snapshot.
pub const SNAPSHOTS: &[Transition<engagement_snapshot::State, SnapshotVerb>] = {
    use engagement_snapshot::State::{Revoked, Shared};
    &[row(Shared, SnapshotVerb::Revoke, Revoked)]
};

/// Where a verb leads an engagement from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(
    state: engagement::State,
    verb: Verb,
    resource: &str,
) -> Result<engagement::State, Problem> {
    next(TABLE, state, verb, resource)
}

/// Where a verb leads a member from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn member_moved(
    state: engagement_member::State,
    verb: MemberVerb,
    resource: &str,
) -> Result<engagement_member::State, Problem> {
    next(MEMBERS, state, verb, resource)
}

/// Where a verb leads a snapshot from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn snapshot_moved(
    state: engagement_snapshot::State,
    verb: SnapshotVerb,
    resource: &str,
) -> Result<engagement_snapshot::State, Problem> {
    next(SNAPSHOTS, state, verb, resource)
}

/// Whether the time to answer an invitation is over at `now` and nothing has come of that yet.
#[must_use]
pub fn is_overdue(member: &engagement_member::Model, now: Timestamp) -> bool {
    member.state == engagement_member::State::Invited
        && member.until_time.is_some_and(|until| until <= now)
}

/// The member as it stands at `now`: an invitation whose time is over has expired.
#[must_use]
pub fn as_of(mut member: engagement_member::Model, now: Timestamp) -> engagement_member::Model {
    if is_overdue(&member, now) {
        member.state = engagement_member::State::Expired;
        member.end_time = Some(member.expire_time);
    }
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's own words, written apart from the tables: state, verb, state.
    const CONTRACT: &str = "
        DRAFT ACTIVATE ACTIVE
        ACTIVE SUSPEND SUSPENDED
        SUSPENDED RESUME ACTIVE
        DRAFT CLOSE CLOSED
        ACTIVE CLOSE CLOSED
        SUSPENDED CLOSE CLOSED
        INVITED ACCEPT ACCEPTED
        INVITED REJECT REJECTED
        INVITED EXPIRE EXPIRED
        INVITED CANCEL CANCELLED
        ACCEPTED LEAVE LEFT
        ACCEPTED REMOVE REMOVED
        SHARED REVOKE REVOKED";

    /// Holds what a move comes to against the contract; counts the moves that are legal.
    fn held<S: Named + Copy, V: Named + Copy>(state: S, verb: V, found: Option<S>) -> usize {
        let start = format!("{} {} ", state.name(), verb.name());
        let expected = CONTRACT
            .lines()
            .find_map(|line| line.trim().strip_prefix(start.as_str()));
        assert_eq!(found.map(Named::name), expected, "{start}");
        usize::from(expected.is_some())
    }

    #[test]
    fn every_state_and_verb_does_what_the_contract_says() {
        use engagement_member::State as Member;
        let mut legal = 0;
        for state in [
            engagement::State::Draft,
            engagement::State::Active,
            engagement::State::Suspended,
            engagement::State::Closed,
        ] {
            for verb in Verb::ALL {
                legal += held(state, verb, moved(state, verb, "r").ok());
            }
        }
        for state in [
            Member::Invited,
            Member::Accepted,
            Member::Rejected,
            Member::Expired,
            Member::Cancelled,
            Member::Left,
            Member::Removed,
        ] {
            for verb in MemberVerb::ALL {
                legal += held(state, verb, member_moved(state, verb, "r").ok());
            }
        }
        for state in [
            engagement_snapshot::State::Shared,
            engagement_snapshot::State::Revoked,
        ] {
            let verb = SnapshotVerb::Revoke;
            legal += held(state, verb, snapshot_moved(state, verb, "r").ok());
        }
        let lines = CONTRACT.lines().filter(|line| !line.trim().is_empty());
        assert_eq!(
            legal,
            lines.count(),
            "each line is a move of one of the tables"
        );
    }
}
