//! What is heard of a call when its request is opened, for whoever keeps a record of calls from outside of
//! the services.

use std::sync::{Arc, OnceLock};

use trellis_core::{Actor, EcosystemId};

/// Where it is written down. The server puts one into the extensions of a request that it wants to know
/// more of.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<OnceLock<About>>);

/// What a call is about, and who makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The ecosystem.
    pub ecosystem: EcosystemId,
    /// The resource that its first message is about, by its full name.
    pub resource: String,
    /// Who calls. Nobody knows, or they are of another ecosystem, whose people are not named in this one.
    pub principal: Option<Actor>,
    /// The person behind it.
    pub person: Option<Actor>,
}

impl Heard {
    /// Writes down what a call is about; what was written down first stays.
    pub fn tell(&self, about: impl FnOnce() -> About) {
        self.0.get_or_init(about);
    }

    /// What was written down.
    #[must_use]
    pub fn about(&self) -> Option<&About> {
        self.0.get()
    }
}
