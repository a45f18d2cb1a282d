//! Finds each setting's value in its sources, and every mistake in them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::table::{Settings, TABLE};
use super::value::Value;

/// What variables of the environment begin with.
const PREFIX: &str = "TRELLIS_";

/// The variable that names the file.
const CONFIG: &str = "TRELLIS_CONFIG";

/// The file that is read when none is named and it exists.
const DEFAULT_FILE: &str = "trellis.toml";

/// Where settings are looked for.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that a flag names. It must exist.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The flags that were given: a setting's name and its text.
    pub flags: Vec<(&'static str, String)>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// A variable of the environment.
    Environment,
    /// A file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("flag"),
            Self::Environment => formatter.write_str("environment"),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// The settings, where each comes from, and what was said that is no setting.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where each comes from, by name.
    pub origins: BTreeMap<&'static str, Origin>,
    /// Variables that begin like a setting but are none: perhaps misspelt, perhaps put there by
    /// an orchestrator that names a service `trellis`.
    pub unknown_variables: Vec<String>,
}

impl fmt::Display for Loaded {
    /// Shows the settings as a file would write them, each with where it comes from. Secrets are
    /// hidden.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.settings.show();
        let lines = || {
            TABLE.iter().zip(&shown).map(|(setting, (name, text))| {
                let word = text == "true" || text == "false";
                let bare = word || text.parse::<u32>().is_ok() || text.starts_with('[');
                let text = if bare {
                    text.clone()
                } else {
                    format!("{text:?}")
                };
                (setting.heading, *name, format!("{name} = {text}"))
            })
        };
        // A list of tables is longer than anybody's screen is wide.
        let width = lines()
            .map(|(_, _, line)| line.len())
            .filter(|width| *width <= 100)
            .max()
            .unwrap_or_default();
        let mut heading = "";
        for (under, name, line) in lines() {
            if under != heading {
                let gap = if heading.is_empty() { "" } else { "\n" };
                writeln!(formatter, "{gap}# {under}")?;
                heading = under;
            }
            let origin = self.origins.get(name).unwrap_or(&Origin::Default);
            writeln!(formatter, "{line:width$}  # {origin}")?;
        }
        for name in &self.unknown_variables {
            writeln!(
                formatter,
                "\n# The variable {name} is no setting and was not read."
            )?;
        }
        Ok(())
    }
}

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: the file and key, the variable or the flag.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => formatter.write_str("one setting is wrong:")?,
            count => write!(formatter, "{count} settings are wrong:")?,
        }
        for mistake in &self.0 {
            write!(formatter, "\n  {}: {}", mistake.place, mistake.message)?;
        }
        Ok(())
    }
}

impl Sources {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn load(&self) -> Result<Loaded, Mistakes> {
        let mut mistakes = Vec::new();
        let file = self.read_file(&mut mistakes);
        let mut reader = Reader {
            sources: self,
            file: file.as_ref(),
            origins: BTreeMap::new(),
            mistakes,
        };
        let settings = Settings::read(&mut reader);
        let Reader {
            origins,
            mut mistakes,
            ..
        } = reader;
        if let Some(settings) = &settings {
            for (name, message) in settings.contradictions() {
                let origin = origins.get(name).unwrap_or(&Origin::Default);
                let shown = settings
                    .show()
                    .into_iter()
                    .find(|(other, _)| *other == name);
                let shown = shown.map(|(_, shown)| shown).unwrap_or_default();
                mistakes.push(Mistake {
                    place: place(name, origin),
                    message: format!("{shown} {message}"),
                });
            }
        }
        match settings {
            Some(settings) if mistakes.is_empty() => Ok(Loaded {
                settings,
                origins,
                unknown_variables: self.unknown_variables(),
            }),
            _ => Err(Mistakes(mistakes)),
        }
    }

    /// Reads the file that the flag or the environment names, or the default one if it is there.
    fn read_file(&self, mistakes: &mut Vec<Mistake>) -> Option<File> {
        let named = self
            .file
            .clone()
            .or_else(|| self.variable(CONFIG).map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let mut complain = |message: String| {
            mistakes.push(Mistake {
                place: path.display().to_string(),
                message,
            });
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return None;
            }
            Err(error) => {
                complain(format!("cannot be read: {error}"));
                return None;
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                // The parser's own text would quote the line, which may hold a password.
                let line = error.span().map_or(1, |span| line_at(&text, span.start));
                complain(format!("line {line} is not TOML: {}", error.message()));
                return None;
            }
        };
        let mut values = BTreeMap::new();
        for (key, value) in table {
            match (
                TABLE.iter().find(|setting| setting.name == key),
                written(&value),
            ) {
                (Some(setting), Some(text)) => {
                    values.insert(setting.name, text);
                }
                (Some(setting), None) => {
                    complain(format!("{key}: expects {}", setting.expects));
                }
                (None, _) => complain(format!("{key} is not a setting{}", meant(&key))),
            }
        }
        Some(File { path, values })
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .iter()
            .find(|(other, value)| other == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> Option<&str> {
        self.flags
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }

    fn unknown_variables(&self) -> Vec<String> {
        let known = |name: &str| {
            name == CONFIG || TABLE.iter().any(|setting| variable(setting.name) == name)
        };
        self.environment
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.starts_with(PREFIX) && !known(name))
            .cloned()
            .collect()
    }
}

/// What a file says, each value as text.
struct File {
    path: PathBuf,
    values: BTreeMap<&'static str, String>,
}

/// Reads settings one by one and keeps what it finds out.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    file: Option<&'a File>,
    origins: BTreeMap<&'static str, Origin>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// Reads one setting; nothing when what was written is no such value.
    pub(super) fn read<V: Value>(&mut self, name: &'static str, default: &str) -> Option<V> {
        let (text, origin) = self.find(name).unwrap_or((default, Origin::Default));
        let value = V::read(text);
        if value.is_none() {
            let place = place(name, &origin);
            let told = V::mistakes(text).into_iter().map(|message| Mistake {
                place: place.clone(),
                message,
            });
            self.mistakes.extend(told);
        }
        self.origins.insert(name, origin);
        value
    }

    fn find(&self, name: &'static str) -> Option<(&str, Origin)> {
        if let Some(text) = self.sources.flag(name) {
            return Some((text, Origin::Flag));
        }
        if let Some(text) = self.sources.variable(&variable(name)) {
            return Some((text, Origin::Environment));
        }
        let file = self.file?;
        let text = file.values.get(name)?;
        Some((text, Origin::File(file.path.clone())))
    }
}

/// Where a setting was made, in the spelling of that place.
fn place(name: &str, origin: &Origin) -> String {
    match origin {
        Origin::Flag => format!("--{name}"),
        Origin::Environment => variable(name),
        Origin::File(path) => format!("{name} in {}", path.display()),
        Origin::Default => name.to_owned(),
    }
}

/// A setting's name as the environment spells it.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('-', "_").to_uppercase())
}

/// A value of a file as text; nothing for what no setting is.
fn written(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(is) => Some(is.to_string()),
        toml::Value::Array(parts) if parts.iter().any(toml::Value::is_table) => {
            Some(value.to_string())
        }
        toml::Value::Array(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(written).collect();
            Some(parts?.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The setting that a misspelt key may have meant.
fn meant(key: &str) -> String {
    let plain = |text: &str| text.replace(['-', '_', '.'], "").to_lowercase();
    let near = |name: &str| {
        let (name, key) = (plain(name), plain(key));
        name == key || (key.len() > 3 && (name.contains(&key) || key.contains(&name)))
    };
    let names: Vec<_> = TABLE
        .iter()
        .map(|setting| setting.name)
        .filter(|name| near(name))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; is {} meant?", names.join(" or "))
    }
}

fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings from a file's text, variables and flags.
    struct Given {
        directory: tempfile::TempDir,
        sources: Sources,
    }

    impl Given {
        fn nothing() -> Self {
            let directory = tempfile::tempdir().unwrap();
            Self {
                directory,
                sources: Sources::default(),
            }
        }

        fn file(mut self, text: &str) -> Self {
            let path = self.directory.path().join("settings.toml");
            std::fs::write(&path, text).unwrap();
            self.sources.file = Some(path);
            self
        }

        fn variable(mut self, name: &str, value: &str) -> Self {
            self.sources
                .environment
                .push((name.to_owned(), value.to_owned()));
            self
        }

        fn flag(mut self, name: &'static str, value: &str) -> Self {
            self.sources.flags.push((name, value.to_owned()));
            self
        }

        fn loaded(&self) -> Loaded {
            self.sources.load().unwrap()
        }

        fn mistakes(&self) -> Vec<(String, String)> {
            let Mistakes(mistakes) = self.sources.load().unwrap_err();
            mistakes
                .into_iter()
                .map(|mistake| (mistake.place, mistake.message))
                .collect()
        }
    }

    #[test]
    fn every_default_is_a_value_and_contradicts_no_other() {
        let loaded = Given::nothing().loaded();
        assert_eq!(loaded.settings.listen.to_string(), "127.0.0.1:50051");
        assert!(!loaded.settings.reflection);
        for (setting, (name, shown)) in TABLE.iter().zip(loaded.settings.show()) {
            assert_eq!((setting.name, setting.default), (name, shown.as_str()));
            assert_eq!(loaded.origins[name], Origin::Default);
        }
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let given = Given::nothing().file("log-level = 'warn'\nstreams-max = 7\n");
        assert_eq!(given.loaded().settings.log_level.show(), "warn");
        assert_eq!(given.loaded().settings.streams_max, 7);
        let given = given.variable("TRELLIS_LOG_LEVEL", "debug");
        assert_eq!(given.loaded().settings.log_level.show(), "debug");
        let given = given.flag("log-level", "trace");
        let loaded = given.loaded();
        assert_eq!(loaded.settings.log_level.show(), "trace");
        assert_eq!(loaded.origins["log-level"], Origin::Flag);
        assert!(matches!(loaded.origins["streams-max"], Origin::File(_)));
        assert_eq!(loaded.origins["listen"], Origin::Default);
    }

    #[test]
    fn the_environment_may_name_the_file_and_a_flag_may_name_another() {
        let other = Given::nothing().file("streams-max = 5");
        let path = other.sources.file.as_ref().unwrap().display().to_string();
        let given = Given::nothing().variable("TRELLIS_CONFIG", &path);
        assert_eq!(given.loaded().settings.streams_max, 5);
        let given = given.file("streams-max = 6");
        assert_eq!(given.loaded().settings.streams_max, 6);
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let loaded = Given::nothing().variable("TRELLIS_LISTEN", "").loaded();
        assert_eq!(loaded.origins["listen"], Origin::Default);
    }

    #[test]
    fn a_file_may_write_a_list_as_a_list() {
        let loaded = Given::nothing()
            .file("services = ['deal', 'incentive']")
            .loaded();
        assert_eq!(loaded.settings.services.show(), "deal,incentive");
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place() {
        let given = Given::nothing()
            .file("streams-max = 0\nlisten-address = 'x'\nreflection = 1.5\n")
            .variable("TRELLIS_DRAIN_LIMIT", "soon")
            .flag("services", "deals");
        let file = given.sources.file.as_ref().unwrap().display().to_string();
        let places: Vec<_> = given
            .mistakes()
            .into_iter()
            .map(|(place, _)| place)
            .collect();
        let streams = format!("streams-max in {file}");
        assert_eq!(
            places,
            [
                file.as_str(),
                &file,
                "--services",
                &streams,
                "TRELLIS_DRAIN_LIMIT"
            ]
        );
    }

    #[test]
    fn a_misspelt_key_is_told_with_what_may_be_meant() {
        let mistakes = Given::nothing()
            .file("database_url = 'sqlite:x.db'")
            .mistakes();
        assert_eq!(
            mistakes[0].1,
            "database_url is not a setting; is database-url meant?"
        );
    }

    #[test]
    fn a_named_file_must_exist() {
        let mut given = Given::nothing();
        given.sources.file = Some(given.directory.path().join("absent.toml"));
        assert!(given.mistakes()[0].1.starts_with("cannot be read: "));
    }

    #[test]
    fn no_mistake_repeats_what_may_be_a_secret() {
        let given = Given::nothing()
            .file("database-url = \"postgres://ada:s3cret@db/x\n")
            .variable("TRELLIS_DATABASE_URL", "postgre://ada:s3cret@db/x")
            .flag("otlp-headers", "s3cret");
        let mistakes = given.sources.load().unwrap_err();
        assert_eq!(mistakes.0.len(), 3, "{mistakes}");
        assert!(!mistakes.to_string().contains("s3cret"), "{mistakes}");
        assert!(
            mistakes.to_string().contains("line 1 is not TOML"),
            "{mistakes}"
        );
    }

    #[test]
    fn values_that_contradict_each_other_are_refused() {
        let mistakes = Given::nothing()
            .flag("deadline-default", "1m")
            .flag("request-size-max", "8MiB")
            .flag("grpc-web", "false")
            .flag("grpc-web-origins", "https://a.b")
            .mistakes();
        let places: Vec<_> = mistakes.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "--deadline-default",
                "--request-size-max",
                "--grpc-web-origins"
            ]
        );
        assert_eq!(mistakes[0].1, "1m is longer than deadline-max, 10s");
    }

    #[test]
    fn the_files_of_tls_go_together() {
        for (flags, place) in [
            (
                &[("tls-certificate-file", "a.pem")][..],
                "--tls-certificate-file",
            ),
            (&[("tls-key-file", "a.key")], "--tls-key-file"),
            (&[("client-ca-file", "ca.pem")], "--client-ca-file"),
            (
                &[("client-certificates", "required")],
                "--client-certificates",
            ),
            (
                &[("client-ca-ecosystems", "acme")],
                "--client-ca-ecosystems",
            ),
            (&[("admin-listen", "127.0.0.1:50051")], "--admin-listen"),
        ] {
            let given = flags.iter().fold(Given::nothing(), |given, (name, value)| {
                given.flag(name, value)
            });
            let mistakes = given.mistakes();
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert_eq!(mistakes[0].0, place);
        }
    }

    #[test]
    fn one_thing_says_who_trellis_is_to_the_broker_and_all_mistakes_are_told_at_once() {
        let given = |flags: &[(&'static str, &str)]| {
            let given = flags.iter().fold(Given::nothing(), |given, (name, value)| {
                given.flag(name, value)
            });
            match given.sources.load() {
                Ok(_) => Vec::new(),
                Err(Mistakes(mistakes)) => {
                    mistakes.into_iter().map(|mistake| mistake.place).collect()
                }
            }
        };
        let url = ("nats-url", "nats://127.0.0.1:4222");
        let user = [url, ("nats-user", "ada"), ("nats-password-file", "p")];
        assert!(given(&user).is_empty());
        assert!(given(&[url, ("nats-token-file", "t"), ("nats-ca-file", "c")]).is_empty());
        assert_eq!(given(&[url, ("nats-user", "ada")]), ["--nats-user"]);
        assert_eq!(
            given(&[("nats-nkey-file", "n"), ("nats-ca-file", "c")]),
            ["--nats-nkey-file", "--nats-ca-file"]
        );
        assert_eq!(
            given(&[
                url,
                ("nats-credentials-file", "c"),
                ("nats-password-file", "p"),
                ("nats-token-file", "t"),
            ]),
            [
                "--nats-password-file",
                "--nats-token-file",
                "--nats-password-file"
            ]
        );
    }

    #[test]
    fn the_settings_are_shown_with_their_sources_and_without_secrets() {
        let shown = Given::nothing()
            .variable("TRELLIS_DATABASE_URL", "postgres://ada:s3cret@db/trellis")
            .variable("TRELLIS_PORT", "tcp://10.0.0.1:80")
            .flag("otlp-headers", "api-key=s3cret")
            .loaded()
            .to_string();
        assert!(!shown.contains("s3cret"), "{shown}");
        let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(
            line("database-url = \"postgres://ada:********@db/trellis\"")
                .ends_with("# environment")
        );
        assert!(line("otlp-headers = \"api-key=********\"").ends_with("# flag"));
        assert!(line("streams-max = 128").ends_with("# default"));
        assert!(shown.contains("TRELLIS_PORT is no setting"), "{shown}");
        assert!(shown.parse::<toml::Table>().is_ok(), "{shown}");
    }
}
