//! The change feed on NATS: that a consumer gets what the feed lists, in its order and nothing twice,
//! whatever stops and starts again.

mod nats;
mod outages;
mod published;
mod scene;
mod settings;
