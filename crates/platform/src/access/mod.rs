//! Who may do what: API keys, the roles of principals, and answers about both.
//!
//! A key is a principal, `apiKeys/{id}`, and so is a bearer of an issuer's tokens,
//! `{issuer}:{subject}`; roles are granted to principals, and what a role may is said by the
//! contract alone. Nobody grants what they do not have: whoever runs a partner's side gives that
//! partner's roles, and only whoever runs the ecosystem gives the vendor's.
//!
//! What it refuses: to tell a secret twice, to grant a role of a partner without one, to change a
//! grant (take it and make another).

pub mod authenticate;
mod convert;
mod explain;
mod grants;
mod keys;
pub mod secret;
mod service;
mod thing;

pub use keys::{First, bootstrap};
pub use service::Access;
