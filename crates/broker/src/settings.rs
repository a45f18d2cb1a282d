//! Where NATS is, who we are there, and under which names events are published.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectOptions;
use nkeys::KeyPair;

/// How often a silent connection is asked whether NATS still lives.
const PING: Duration = Duration::from_secs(10);

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long it is waited at most between two attempts to connect.
const LONGEST: Duration = Duration::from_secs(4);

/// Where and how events are published.
pub struct Settings {
    /// The URLs of the servers of one NATS.
    pub servers: Vec<String>,
    /// Who we are there.
    pub login: Login,
    /// The authorities that the servers' certificates may come from, PEM, if not those that the
    /// machine trusts.
    pub authorities: Option<PathBuf>,
    /// The name of the stream.
    pub stream: String,
    /// What subjects begin with.
    pub prefix: String,
    /// For how long a stream that we make knows what was published.
    pub duplicate_window: Duration,
}

/// Who we are at NATS.
pub enum Login {
    /// Nobody in particular.
    Nobody,
    /// The text of a credentials file: a JWT, and the seed of its key.
    Credentials(String),
    /// The seed of an nkey.
    Nkey(String),
    /// A user with a password.
    User {
        /// The user.
        name: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
}

/// Settings that cannot be used. What is secret is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The text of a credentials file is none.
    #[error("the credentials have no JWT and seed; make them with `nsc generate creds`")]
    Credentials,
    /// A seed is none.
    #[error("the nkey is no seed of a user, which begins with SU; make one with `nk -gen user`")]
    Nkey,
    /// A URL is none.
    #[error("{0}")]
    Servers(String),
}

impl Settings {
    /// How to connect. A lost connection is made again for ever, and so is the first one.
    pub(crate) fn options(&self) -> Result<ConnectOptions, Unusable> {
        let options = ConnectOptions::new()
            .name("trellis")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(CONNECTING)
            .ping_interval(PING)
            .reconnect_delay_callback(delay);
        let options = match &self.authorities {
            Some(path) => options
                .add_root_certificates(path.clone())
                .require_tls(true),
            None => options,
        };
        Ok(match &self.login {
            Login::Nobody => options,
            Login::Credentials(text) => options
                .credentials(text)
                .map_err(|_| Unusable::Credentials)?,
            Login::Nkey(seed) => {
                KeyPair::from_seed(seed).map_err(|_| Unusable::Nkey)?;
                options.nkey(seed.clone())
            }
            Login::User { name, password } => {
                options.user_and_password(name.clone(), password.clone())
            }
            Login::Token(token) => options.token(token.clone()),
        })
    }
}

/// How long to wait before an attempt to connect: longer each time, and by chance, so that not all who
/// were cut off come back at once.
fn delay(attempt: usize) -> Duration {
    let doubled = u32::try_from(attempt.saturating_sub(1).min(10)).unwrap_or_default();
    let most = Duration::from_millis(20).saturating_mul(1 << doubled);
    most.min(LONGEST).mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(login: Login) -> Settings {
        Settings {
            servers: vec!["nats://127.0.0.1:4222".to_owned()],
            login,
            authorities: None,
            stream: "TRELLIS".to_owned(),
            prefix: "trellis".to_owned(),
            duplicate_window: Duration::from_secs(120),
        }
    }

    #[test]
    fn what_proves_nothing_is_refused_before_anybody_is_called() {
        let refused = |login| settings(login).options().err();
        let seed = KeyPair::new_user().seed().unwrap();
        assert_eq!(refused(Login::Nkey(seed)), None);
        let wrong = Login::Nkey("SUSECRET".to_owned());
        assert_eq!(refused(wrong), Some(Unusable::Nkey));
        let wrong = Login::Credentials("secret".to_owned());
        assert_eq!(refused(wrong), Some(Unusable::Credentials));
    }

    #[test]
    fn attempts_to_connect_come_further_apart() {
        assert!(delay(1) <= Duration::from_millis(20));
        assert!(delay(5) >= Duration::from_millis(160));
        for attempt in [9, 40, usize::MAX] {
            assert!(delay(attempt) >= LONGEST / 2 && delay(attempt) <= LONGEST);
        }
    }
}
