//! The settings themselves: one line for what each is for, its kind, and its default.

use std::net::SocketAddr;
use std::time::Duration;

use super::broker::{NatsServers, NatsStart, NatsUser, StreamName, SubjectPrefix};
use super::issuers::IssuerList;
use super::load::Reader;
use super::value::{
    ClientCertificates, DatabaseUrl, Ecosystems, File, Hosts, Kept, LogFormat, LogLevel, LogName,
    Origins, OtherAddress, OtlpEndpoint, OtlpHeaders, PublicKeys, RowSecurity, Services, Size,
    Value,
};

/// What is known of a setting without its value.
pub(super) struct Setting {
    /// Its name in the file; the environment and the flags spell it their own way.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) heading: &'static str,
    /// What it is for, a line each.
    pub(super) about: &'static [&'static str],
    /// Its value when nobody says anything.
    pub(super) default: &'static str,
    /// What may be written.
    pub(super) expects: &'static str,
    /// Whether the flag needs no value.
    pub(super) switch: bool,
}

/// The heading of what concerns the database: all that a command needs which does not serve.
pub(super) const DATABASE: &str = "Database";

/// The heading of what concerns logs and telemetry.
pub(super) const TELEMETRY: &str = "Telemetry";

/// Makes [`Settings`], its table, and its reader from one list, so that none can forget a setting.
macro_rules! settings {
    ($($heading:expr => {
        $($(#[doc = $about:literal])+ $field:ident ($name:literal): $kind:ty = $default:literal;)+
    })+) => {
        /// Everything that the server can be told, read and checked.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $($($(#[doc = $about])+ pub $field: $kind,)+)+
        }

        /// All settings in the order in which they are shown.
        pub(super) const TABLE: &[Setting] = &[$($(Setting {
            name: $name,
            heading: $heading,
            about: &[$($about),+],
            default: $default,
            expects: <$kind as Value>::EXPECTS,
            switch: <$kind as Value>::SWITCH,
        },)+)+];

        impl Settings {
            /// Reads each setting from the first place that has it; nothing when any is wrong.
            pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                // Every value is read before the first mistake ends it, so that all are told.
                $($(let $field = reader.read::<$kind>($name, $default);)+)+
                Some(Self { $($($field: $field?,)+)+ })
            }

            /// Each setting's name and value, secrets hidden.
            pub(super) fn show(&self) -> Vec<(&'static str, String)> {
                vec![$($(($name, self.$field.show()),)+)+]
            }
        }
    };
}

settings! {
    "Listening" => {
        /// The address to listen on. As long as nobody is asked who they are, because there is no API
        /// key and no issuer, only this machine's own (loopback) addresses are taken. Port 0 takes
        /// any free port.
        listen("listen"): SocketAddr = "127.0.0.1:50051";
        /// A second address that alone serves what administers the deployment; the first one then
        /// refuses it. None leaves everything on the first. Loopback only, like the first.
        admin_listen("admin-listen"): OtherAddress = "none";
        /// The services to serve: all, or a list such as deal,incentive.
        services("services"): Services = "all";
        /// Whether to tell clients the contract through gRPC reflection.
        reflection("reflection"): bool = "false";
        /// Whether to answer browsers (gRPC-Web, over HTTP/1.1 too).
        grpc_web("grpc-web"): bool = "true";
        /// The web origins whose pages may call. Pages of other origins are kept out by the
        /// browser.
        grpc_web_origins("grpc-web-origins"): Origins = "none";
    }
    "Identity" => {
        /// Whose tokens are accepted: OpenID Connect issuers, each a table in the file.
        issuers("issuers"): IssuerList = "none";
        /// The ecosystems in which the certificates of clients count as credentials, with the roles
        /// that are granted to their names there.
        client_ca_ecosystems("client-ca-ecosystems"): Ecosystems = "none";
    }
    "Webhooks" => {
        /// The hosts that webhooks may have beside public ones: names or addresses, with or without a
        /// port. Whoever makes webhooks can have the server call them, also without TLS.
        webhook_hosts("webhook-hosts"): Hosts = "none";
    }
    "Feed" => {
        /// How long events stay in the change feed, by their ecosystem's clock: forever, or so long.
        /// Older ones are removed once every worker, webhook and broker has passed them.
        feed_retention("feed-retention"): Kept = "forever";
    }
    "Broker" => {
        /// The servers of NATS to whose JetStream the change feed is published. None: it is not.
        nats_url("nats-url"): NatsServers = "none";
        /// A credentials file (JWT and seed) that says who Trellis is there.
        nats_credentials_file("nats-credentials-file"): File = "none";
        /// A file with the seed of an nkey that says so.
        nats_nkey_file("nats-nkey-file"): File = "none";
        /// A user that says so, with nats-password-file.
        nats_user("nats-user"): NatsUser = "none";
        /// A file with the password of nats-user.
        nats_password_file("nats-password-file"): File = "none";
        /// A file with a token that says so.
        nats_token_file("nats-token-file"): File = "none";
        /// The authorities that the certificates of NATS may come from, PEM. With it, as with a URL
        /// that begins with tls://, nothing is sent but over TLS.
        nats_ca_file("nats-ca-file"): File = "none";
        /// The stream that events are published to. It is made if it is not there.
        nats_stream("nats-stream"): StreamName = "TRELLIS";
        /// What the subjects of events begin with; the ecosystem and the type follow.
        nats_subject_prefix("nats-subject-prefix"): SubjectPrefix = "trellis";
        /// For how long a stream that Trellis makes drops what is published again.
        nats_duplicate_window("nats-duplicate-window"): Duration = "2m";
        /// From when on events are published once it is switched on: first, from all that there are,
        /// or now.
        nats_start("nats-start"): NatsStart = "first";
    }
    "Audit" => {
        /// The name of this deployment in the checkpoints of its audit trails, such as
        /// audit.acme.example. Choose it once: checkpoints of another name are another log's.
        audit_origin("audit-origin"): LogName = "trellis";
        /// The key that checkpoints are signed with: Ed25519, PKCS #8, PEM. None: one that was made with
        /// the database and stands in it.
        audit_key_file("audit-key-file"): File = "none";
        /// The public keys of earlier checkpoints, so that these are still believed.
        audit_trusted_keys("audit-trusted-keys"): PublicKeys = "none";
        /// How often what was entered is sealed and signed.
        audit_seal_interval("audit-seal-interval"): Duration = "5s";
    }
    "TLS" => {
        /// The server's certificate and those that lead from it to its authority, PEM. With it the
        /// server speaks TLS only.
        tls_certificate_file("tls-certificate-file"): File = "none";
        /// The certificate's private key, PEM.
        tls_key_file("tls-key-file"): File = "none";
        /// The authorities that the certificates of clients may come from, PEM.
        client_ca_file("client-ca-file"): File = "none";
        /// Whether a client must show a certificate: optional or required.
        client_certificates("client-certificates"): ClientCertificates = "optional";
        /// How often the files are looked at; what has changed is taken without a restart. SIGHUP
        /// has them looked at once.
        tls_reload_interval("tls-reload-interval"): Duration = "10s";
    }
    DATABASE => {
        /// The database: a SQLite file, or a PostgreSQL server.
        database_url("database-url"): DatabaseUrl = "sqlite:trellis.db";
        /// The most connections to the database at a time.
        database_connections_max("database-connections-max"): u32 = "16";
        /// Whether the threads that write to a SQLite database stay on one processor. Switch it off
        /// where another process is bound to the same one.
        database_pin_writer("database-pin-writer"): bool = "true";
        /// How long a call waits for a free connection.
        database_acquire_timeout("database-acquire-timeout"): Duration = "5s";
        /// How long a statement may run, unless the call's deadline is nearer.
        database_statement_timeout("database-statement-timeout"): Duration = "5s";
        /// How long a statement may wait for a lock.
        database_lock_timeout("database-lock-timeout"): Duration = "2s";
        /// Whether PostgreSQL's row level security must hold the role of database-url: require, warn
        /// or off. SQLite has none.
        database_rls("database-rls"): RowSecurity = "warn";
        /// Whether serve brings the schema of a PostgreSQL database up to date. That of a SQLite
        /// file always is.
        migrate("migrate"): bool = "false";
    }
    "Limits" => {
        /// The largest request message.
        request_size_max("request-size-max"): Size = "1MiB";
        /// The largest request message of an import.
        import_size_max("import-size-max"): Size = "4MiB";
        /// The largest response message.
        response_size_max("response-size-max"): Size = "4MiB";
        /// The largest set of headers of a request.
        header_size_max("header-size-max"): Size = "16KiB";
        /// The most connections at a time. A further one takes the place of one that has not called
        /// yet, else of one that rests; when there is none it is hung up on.
        connections_max("connections-max"): u32 = "1024";
        /// The most connections from one address (or one IPv6 network of 64 bits).
        peer_connections_max("peer-connections-max"): u32 = "64";
        /// The most calls under way on one connection.
        streams_max("streams-max"): u32 = "128";
        /// How many of its streams a connection may make the server reset before it is closed.
        error_resets_max("error-resets-max"): u32 = "64";
        /// How many calls that the client has cancelled already may wait to be accepted before
        /// the connection is closed.
        pending_resets_max("pending-resets-max"): u32 = "20";
        /// How many frames a second a connection may send that belong to no call, such as pings,
        /// before it is closed.
        control_frames_max("control-frames-max"): u32 = "1000";
        /// The most calls under way of one principal: whoever authenticates, else one address.
        principal_calls_max("principal-calls-max"): u32 = "512";
        /// The most streams of events (WatchEvents) of one principal, beside its other calls.
        principal_watches_max("principal-watches-max"): u32 = "64";
    }
    "Load" => {
        /// Whether calls that cannot be answered in time are refused at once.
        admission("admission"): bool = "true";
        /// The most calls at work at a time, reads and writes each. How many are good below that
        /// the server finds out itself.
        admission_calls_max("admission-calls-max"): u32 = "256";
        /// The most calls that wait for their turn, reads and writes each.
        admission_queue_max("admission-queue-max"): u32 = "1024";
        /// How long calls may queue before it counts as overload and no longer as a burst.
        admission_burst("admission-burst"): Duration = "10s";
        /// How long a call may wait for its turn under overload, if its deadline is not nearer.
        admission_wait("admission-wait"): Duration = "1s";
        /// How many calls a second that read one principal may make.
        quota_reads("quota-reads"): u32 = "10000";
        /// How many calls a second that write one principal may make.
        quota_writes("quota-writes"): u32 = "5000";
        /// Of how many ecosystems the names of accounts are held in memory, so that those which come
        /// near are found. 0: of none; an account is found by its exact keys alone.
        matching_ecosystems_max("matching-ecosystems-max"): usize = "16";
        /// The most facts that a backtest holds in memory at once: those of one partner, and of all
        /// partners together under a budget for all.
        backtest_facts_max("backtest-facts-max"): u32 = "200000";
    }
    "Times" => {
        /// How long a call may take when the client sets no deadline.
        deadline_default("deadline-default"): Duration = "10s";
        /// How long a call may take at most, whatever deadline the client sets.
        deadline_max("deadline-max"): Duration = "10s";
        /// How long a call that streams may take at most.
        stream_deadline_max("stream-deadline-max"): Duration = "10m";
        /// How long a peer that connects may take to shake hands (TLS).
        tls_handshake_timeout("tls-handshake-timeout"): Duration = "5s";
        /// How long a peer may take from there to the headers of its first call.
        opening_timeout("opening-timeout"): Duration = "5s";
        /// How long a message may take to arrive once it has begun; each 16 KiB of it that have come
        /// earn it a second more.
        message_timeout("message-timeout"): Duration = "10s";
        /// How long a connection may be without a call.
        idle_timeout("idle-timeout"): Duration = "5m";
        /// How long a peer may take nothing of what waits for it, such as an answer that it does
        /// not read.
        stall_timeout("stall-timeout"): Duration = "10s";
        /// How often a silent connection is asked whether its peer still lives.
        keepalive_interval("keepalive-interval"): Duration = "30s";
        /// How long the peer may take to answer that.
        keepalive_timeout("keepalive-timeout"): Duration = "10s";
        /// How old a connection gets before its client is asked to make a new one, give or take a
        /// tenth, so that load spreads over new servers.
        connection_age_max("connection-age-max"): Duration = "30m";
        /// How long an old connection may still finish its calls.
        connection_age_grace("connection-age-grace"): Duration = "10m";
        /// How long calls under way may still take after the server was asked to stop.
        drain_limit("drain-limit"): Duration = "15s";
    }
    TELEMETRY => {
        /// How log lines are written: text or json.
        log_format("log-format"): LogFormat = "text";
        /// Which log lines are written.
        log_level("log-level"): LogLevel = "info";
        /// Where traces and metrics are sent (OTLP over gRPC).
        otlp_endpoint("otlp-endpoint"): OtlpEndpoint = "none";
        /// Headers that are sent along, such as an api key.
        otlp_headers("otlp-headers"): OtlpHeaders = "none";
        /// How often metrics are sent.
        otlp_interval("otlp-interval"): Duration = "30s";
    }
}

impl Settings {
    /// What is wrong with values that are right each for itself.
    pub(super) fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let same = |address: SocketAddr| address == self.listen && address.port() != 0;
        if self.admin_listen.address().is_some_and(same) {
            found.push(("admin-listen", "is the address of listen".to_owned()));
        }
        found.extend(self.contradictions_of_tls());
        found.extend(self.contradictions_of_nats());
        if self.deadline_default > self.deadline_max {
            let most = self.deadline_max.show();
            found.push((
                "deadline-default",
                format!("is longer than deadline-max, {most}"),
            ));
        }
        if self.request_size_max > self.import_size_max {
            let most = self.import_size_max.show();
            found.push((
                "request-size-max",
                format!("is larger than import-size-max, {most}"),
            ));
        }
        if !self.grpc_web && !self.grpc_web_origins.values().is_empty() {
            found.push((
                "grpc-web-origins",
                "is given while grpc-web is off".to_owned(),
            ));
        }
        found
    }

    /// What is wrong with the files of TLS beside each other.
    fn contradictions_of_tls(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let certificate = self.tls_certificate_file.path().is_some();
        if certificate != self.tls_key_file.path().is_some() {
            found.push(if certificate {
                (
                    "tls-certificate-file",
                    "is given without tls-key-file".to_owned(),
                )
            } else {
                (
                    "tls-key-file",
                    "is given without tls-certificate-file".to_owned(),
                )
            });
        }
        let authority = self.client_ca_file.path().is_some();
        if authority && !certificate {
            found.push((
                "client-ca-file",
                "is given without tls-certificate-file: without TLS no client shows a certificate"
                    .to_owned(),
            ));
        }
        if !self.client_ca_ecosystems.values().is_empty() && !authority {
            found.push((
                "client-ca-ecosystems",
                "is given without client-ca-file: nobody says whose certificates are good"
                    .to_owned(),
            ));
        }
        if self.client_certificates == ClientCertificates::Required && !authority {
            found.push((
                "client-certificates",
                "is given without client-ca-file: nobody says whose certificates are good"
                    .to_owned(),
            ));
        }
        found
    }
}
