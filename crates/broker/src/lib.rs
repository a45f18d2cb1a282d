//! The change feed on NATS JetStream, for whoever consumes it with any NATS client: each event is one
//! message of one stream.
//!
//! * [`Settings`] say where NATS is, and what is published there under which names.
//! * [`stream`] makes the stream, or looks whether the one that is there takes our messages.
//! * [`Broker`] publishes. What it is handed, and how far it has come, is the [relay](trellis_store::relay)'s
//!   matter.
//!
//! What always holds:
//! * An event counts as published when the stream has acknowledged it, and not before.
//! * No event is stored before those ahead of it in its ecosystem, because each message of a batch
//!   names the one that it follows and the stream takes it only there, see [`publish`](Broker).
//! * An event that is published again has the same `Nats-Msg-Id`, so that the stream drops it within its
//!   window.

mod publish;
mod settings;
mod stream;

pub use publish::{Broker, Envelope, NAME};
pub use settings::{Login, Settings, Unusable};
