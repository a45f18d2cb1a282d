//! What of an engagement a partner sees. Pure.
//!
//! Until it accepts, it knows where the customer is, what it does, how large it is and what kinds of
//! partners are looked for; not who it is, nor what the business may be worth. Of another member it
//! knows, where it may know of one at all, who that is and what it does. Whoever looks is told apart by
//! how far their call reaches, and not by their name.

use trellis_core::Scope;
use trellis_store::deal::engagement::{self, Model};
use trellis_store::deal::{engagement_member, engagement_snapshot};

/// An engagement as it is shown to a call that reaches so far, whose partner has accepted or not.
#[must_use]
pub fn shown(engagement: Model, scope: &Scope, accepted: bool) -> Model {
    if scope.is_staff() {
        return engagement;
    }
    let engagement = Model {
        members_visible: false,
        external_id: None,
        ..engagement
    };
    if accepted {
        return engagement;
    }
    Model {
        customer_name: String::new(),
        description: None,
        estimated_minor: None,
        currency: None,
        reason_code: None,
        ..engagement
    }
}

/// How much of a member somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All that there is to see.
    Whole,
    /// Who it is and what it does: it is another one's.
    Beside,
}

/// How much of a member a call that reaches so far sees.
#[must_use]
pub fn sight(member: &engagement_member::Model, scope: &Scope) -> Sight {
    let own = |partner: &trellis_core::PartnerId| *partner == member.partner;
    let is_own = scope.partners().iter().any(own) || scope.own().iter().any(|(one, _)| own(one));
    if scope.is_staff() || is_own {
        Sight::Whole
    } else {
        Sight::Beside
    }
}

/// Whether what was copied is shown to a call that reaches the snapshot.
#[must_use]
pub fn is_open(
    snapshot: &engagement_snapshot::Model,
    state: engagement::State,
    scope: &Scope,
) -> bool {
    scope.is_staff()
        || snapshot.state == engagement_snapshot::State::Shared
            && state == engagement::State::Active
}
