//! The server: settings, telemetry, the layers around every call, the accept loop, the wiring of
//! the services, and the command line. It holds no rule of any noun.
//!
//! A call comes in through [`listen`], passes the [`layers`], reaches one of the [`services`], and
//! goes back the same way. [`server`] puts these together, starts them and stops them; the command
//! line ([`cli`]) reads the [`settings`] and says what to start.

mod audit;
mod broker;
pub mod cli;
mod credentials;
pub mod demo;
pub mod identity;
pub mod import;
mod inside;
mod lag;
mod layers;
mod listen;
mod methods;
pub mod peer;
mod reflection;
mod refusal;
mod routes;
pub mod schema;
pub mod server;
mod services;
pub mod settings;
pub mod telemetry;

pub use audit::KeyError;
pub use broker::BrokerError;
pub use listen::Drained;
pub use listen::tls::Error as TlsError;
