//! The tables of the platform: ecosystems, who may do what, the change feed, the workers' places in
//! it, and who else is told of it.

pub mod api_key;
pub mod cursor;
pub mod ecosystem;
pub mod feed_mark;
pub mod parked;
pub mod role_grant;
pub mod secret;
pub mod webhook;
pub mod webhook_delivery;
