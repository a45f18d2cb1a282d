//! What readers wait for: which workers a deployment has, and what they are told of.

use super::{CLOCK_ADVANCED, Worker};

/// A worker of the deployment, in whatever process it runs, as readers wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// Its name.
    pub name: &'static str,
    /// How the paths of the methods begin whose answers show what it does.
    pub shown_by: &'static [&'static str],
    /// What it does something about.
    pub concern: Concern,
}

impl Awaited {
    /// Whether the answers of a method show what it does.
    pub(crate) fn is_shown_by(&self, method: &str) -> bool {
        self.shown_by.iter().any(|begin| method.starts_with(begin))
    }
}

/// What a worker is told of at once. Past everything else it comes by and by: a transaction that does nothing
/// but move its place takes processors, and a wait for the disk, from those who write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Everything that happens.
    Everything,
    /// These kinds of events, and [`CLOCK_ADVANCED`].
    Kinds(&'static [&'static str]),
}

impl Concern {
    /// That of a worker.
    #[must_use]
    pub fn of(worker: &dyn Worker) -> Self {
        match worker.kinds() {
            Some(kinds) if !worker.follows() => Self::Kinds(kinds),
            _ => Self::Everything,
        }
    }

    /// Whether an event of a kind is among it.
    pub(crate) fn has(self, kind: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Kinds(kinds) => kind == CLOCK_ADVANCED || kinds.contains(&kind),
        }
    }
}
