//! What the server does for every call, whatever service it is for.

mod calls;
mod health;
mod limits;
pub(crate) mod raw;
mod reflection;
mod roles;
mod schema;
mod shutdown;
mod web;
