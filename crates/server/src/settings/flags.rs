//! The flags: one for each setting, made from the same table, so that neither can miss one.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::load::{Loaded, Mistakes, Sources, variable};
use super::table::{DATABASE, Setting, TABLE, TELEMETRY};

/// Which settings a command takes flags for. It reads all of them from the file and the
/// environment whatever it takes.
trait Scope {
    fn takes(setting: &Setting) -> bool;
}

/// All settings.
#[derive(Clone, Copy, Debug)]
pub struct Everything;

/// What reaching the database takes, and what writes log lines.
#[derive(Clone, Copy, Debug)]
pub struct Database;

impl Scope for Everything {
    fn takes(_: &Setting) -> bool {
        true
    }
}

impl Scope for Database {
    fn takes(setting: &Setting) -> bool {
        (setting.heading == DATABASE && setting.name != "migrate")
            || (setting.heading == TELEMETRY && setting.name.starts_with("log-"))
    }
}

/// The flags of a command that serves.
pub type Flags = Given<Everything>;

/// The flags of a command that only needs the database.
pub type DatabaseFlags = Given<Database>;

/// The flags that were given.
#[derive(Clone, Debug)]
pub struct Given<S> {
    file: Option<PathBuf>,
    flags: Vec<(&'static str, String)>,
    scope: PhantomData<S>,
}

impl<S> Given<S> {
    /// Reads the settings from the file, the environment and these flags.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn load(&self) -> Result<Loaded, Mistakes> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let sources = Sources {
            file: self.file.clone(),
            environment,
            flags: self.flags.clone(),
        };
        sources.load()
    }
}

impl<S: Scope> Args for Given<S> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The settings file, TOML [default: trellis.toml if it is there] [env: TRELLIS_CONFIG]");
        TABLE
            .iter()
            .filter(|setting| S::takes(setting))
            .fold(command.arg(config), |command, setting| {
                command.arg(flag(setting))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Scope> FromArgMatches for Given<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &&'static Setting| {
            let text = matches.get_one::<String>(setting.name)?;
            Some((setting.name, text.clone()))
        };
        Ok(Self {
            file: matches.get_one::<PathBuf>("config").cloned(),
            flags: TABLE
                .iter()
                .filter(|setting| S::takes(setting))
                .filter_map(|setting| given(&setting))
                .collect(),
            scope: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a setting. Its text is read by the setting's own parser, so that a wrong flag is
/// told together with all other mistakes.
fn flag(setting: &Setting) -> Arg {
    let about: Vec<_> = setting.about.iter().map(|line| line.trim()).collect();
    let help = format!(
        "{} [default: {}] [env: {}]",
        about.join(" "),
        setting.default,
        variable(setting.name)
    );
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .value_name("VALUE")
        .action(ArgAction::Set)
        .help_heading(setting.heading)
        .help(help);
    if setting.switch {
        arg.num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
    } else {
        arg
    }
}
