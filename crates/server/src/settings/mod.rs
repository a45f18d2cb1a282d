//! How the server is told what to do: a file, the environment, flags.
//!
//! One precedence: a flag beats the environment, the environment beats the file, the file beats
//! the default. One name in three spellings: `database-url` in the file, `TRELLIS_DATABASE_URL` in
//! the environment, `--database-url` as a flag. Every mistake is told at once, each with where it
//! was made.

mod broker;
mod flags;
mod issuers;
mod load;
mod table;
mod value;

pub use broker::{NatsServers, NatsStart, NatsUser, StreamName, SubjectPrefix};
pub use flags::{DatabaseFlags, Flags};
pub use issuers::IssuerList;
pub use load::{Loaded, Mistake, Mistakes, Origin, Sources};
pub use table::Settings;
pub(crate) use value::Value;
pub use value::{
    ClientCertificates, DatabaseUrl, File, Hosts, Kept, LogFormat, LogLevel, LogName, Origins,
    OtherAddress, OtlpEndpoint, OtlpHeaders, PublicKeys, RowSecurity, Service, Services, Size,
};
