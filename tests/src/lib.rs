//! The world that whole-server tests live in.
//!
//! A test gets a [`World`]: the real server behind a real port of this machine, over a database of
//! its own, with a clock that stands still until the test moves it. It calls the server through
//! typed clients, as anybody would:
//!
//! ```text
//! on_both! {
//!     async fn a_new_partner_is_a_prospect(world: World) {
//!         let acme = world.ecosystem("acme").await;
//!         let partner = world.partners().create_partner(…).await.unwrap().into_inner();
//!         assert_eq!(partner.state(), pb::partner::State::Prospect);
//!     }
//! }
//! ```
//!
//! [`on_both!`] makes two tests of each: one on SQLite, one on PostgreSQL. [`refused`] looks into
//! an error. Tests live in `tests/it`, a module for each service, all in one binary, because each
//! binary would be linked against the whole server again.
#![expect(
    clippy::expect_used,
    reason = "everything here runs in tests, where what fails should fail loudly and at once"
)]

mod caller;
mod cluster;
pub mod contract;
pub mod database;
mod issuer;
mod refused;
mod seat;
mod witness;
mod world;

pub use caller::{Called, Caller, Saying, position};
pub use cluster::Cluster;
pub use database::Engine;
pub use issuer::Issuer;
pub use refused::{Refused, refused};
pub use seat::Seat;
pub use witness::Witness;
pub use world::{Started, World, run};

/// A number that the environment gives tests: how long they may take, or what chance follows from.
///
/// # Panics
/// When it is set and no number.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says how long tests may take"
)]
pub fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().ok().expect("a number"))
}

/// Makes a test on SQLite and a test on PostgreSQL of each function. The function gets a fresh
/// [`World`], and may take it by value: it can be cloned, into tasks for instance.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn body($world: $crate::World) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::run($crate::Engine::Sqlite, &[], body).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::run($crate::Engine::Postgres, &[], body).await;
            }
        }
    )+};
}
