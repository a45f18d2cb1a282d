//! `trellis import`: brings the data of another system into an ecosystem.
//!
//! A mapping says which columns of which CSV files feed which fields. Rows are read one
//! by one, sent to the `Import...` methods in messages of at most 500 over a real connection, and
//! found again there by their external ids, so that a second run changes nothing. A row that cannot
//! be mapped, or that the server refuses, stops nothing: it is written with its reasons to a file of
//! rejects, which can be mended and imported again with the same mapping.
//!
//! Memory is bounded whatever the size of the files: two messages of rows, a cache of names, the
//! files of lookups, and 24 bytes for each row to notice an external id that stands there twice.

mod batch;
mod enrollment;
mod error;
mod importer;
mod kind;
mod mapping;
mod progress;
mod references;
mod rejects;
mod report;
mod resource;
mod retry;
mod seen;
mod sender;
mod session;
mod source;

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

pub use self::error::Error;
pub use self::kind::Kind;
pub use self::report::{Part, Report, Tally};

use self::importer::Folders;
use self::mapping::{LookUp, Mapping, Sheet, Table};
use self::resource::{Accounts, Deals, Partners, Products, Resource, Territories};
use self::session::{Session, Target};
use self::source::Source;

/// The credential of whoever imports. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Key {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// What to import, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The folder with the CSV files: those that the mapping names, or the rejects of another run.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// The ecosystem that everything goes into: its id, such as acme.
    #[arg(long, value_name = "ID")]
    pub ecosystem: String,

    /// The mapping: a TOML file that says which columns feed which fields.
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,

    /// The address of the server: http:// or https://.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    pub server: String,

    /// Imports only these kinds of what the mapping speaks of.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub only: Vec<Kind>,

    /// Enrols every partner that is imported in this program: its id.
    #[arg(long, value_name = "ID")]
    pub program: Option<String>,

    /// Lets the server check every row and changes nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// The folder for the rows that are rejected, in a file for each kind. It holds afterwards what
    /// this run rejected of the kinds that it read, and nothing of an earlier run.
    #[arg(long, value_name = "DIR", default_value = "trellis-rejects")]
    pub rejects: PathBuf,

    /// Makes the ecosystem if there is none.
    #[arg(long)]
    pub create_ecosystem: bool,

    /// The API key, or the token, that the server asks for. It is better put into the environment
    /// than onto the command line, which others on this machine can read.
    #[arg(
        long,
        value_name = "SECRET",
        env = "TRELLIS_KEY",
        hide_env_values = true
    )]
    pub key: Option<Key>,

    /// Who imports: the name that the change feed will show. Without a key it is trellis-import if
    /// it is left out; a key says who imports, and only one with the role service may name somebody.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,

    /// How the summary is written.
    #[arg(long, value_enum, default_value_t)]
    pub format: SummaryFormat,
}

/// How a summary is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SummaryFormat {
    /// A table for people.
    #[default]
    Text,
    /// One JSON object for programs.
    Json,
}

/// How an import that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every row is in.
    Complete,
    /// Some rows were rejected.
    Rejected,
}

impl From<Outcome> for ExitCode {
    /// 0 when every row is in, 1 when some were rejected. An import that could not run ends with 2.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Complete => Self::SUCCESS,
            Outcome::Rejected => Self::from(1),
        }
    }
}

/// Imports, shows how far it is on the standard error stream, and writes the summary to the standard
/// output.
///
/// # Errors
/// When it could not run, or not to its end.
pub async fn run(arguments: &Arguments) -> Result<Outcome, Error> {
    let report = import(arguments).await?;
    let summary = match arguments.format {
        SummaryFormat::Text => report.to_string(),
        SummaryFormat::Json => {
            let json = serde_json::to_string(&report).map_err(std::io::Error::from);
            json.map_err(|wrong| Error::file("standard output", wrong))? + "\n"
        }
    };
    let written = std::io::stdout().write_all(summary.as_bytes());
    written.map_err(|wrong| Error::file("standard output", wrong))?;
    Ok(if report.total().rejected == 0 {
        Outcome::Complete
    } else {
        Outcome::Rejected
    })
}

/// Imports and tells what became of the rows.
///
/// # Errors
/// When it could not run, or not to its end.
pub async fn import(arguments: &Arguments) -> Result<Report, Error> {
    let plan = Plan::make(arguments)?;
    let Mapping {
        currency,
        territories,
        products,
        partners,
        accounts,
        deals,
    } = &plan.mapping;
    let target = Target {
        server: &arguments.server,
        ecosystem: &arguments.ecosystem,
        key: arguments.key.as_ref().map(Key::reveal),
        actor: arguments.actor.as_deref(),
        program: arguments.program.as_deref(),
        dry_run: arguments.dry_run,
        create: arguments.create_ecosystem.then_some(*currency),
    };
    let mut run = Run {
        session: target.open().await?,
        arguments,
        files: &plan.files,
        parts: Vec::new(),
    };
    run.import::<Territories>(territories.as_ref()).await?;
    run.import::<Products>(products.as_ref()).await?;
    run.import::<Partners>(partners.as_ref()).await?;
    run.import::<Accounts>(accounts.as_ref()).await?;
    run.import::<Deals>(deals.as_ref()).await?;
    Ok(Report {
        dry_run: arguments.dry_run,
        kinds: run.parts,
    })
}

/// A run under way.
struct Run<'a> {
    session: Session,
    arguments: &'a Arguments,
    files: &'a BTreeMap<Kind, PathBuf>,
    parts: Vec<Part>,
}

impl Run<'_> {
    /// Imports one kind, if it is to be.
    async fn import<R: Resource>(&mut self, sheet: Option<&Sheet<R::Fields>>) -> Result<(), Error> {
        let (Some(sheet), Some(file)) = (sheet, self.files.get(&R::KIND)) else {
            return Ok(());
        };
        let folders = Folders {
            from: &self.arguments.folder,
            file,
            rejects: &self.arguments.rejects,
        };
        let part = importer::import::<R>(&mut self.session, sheet, folders).await?;
        self.parts.push(part);
        Ok(())
    }
}

/// What is imported, known before anything is sent.
#[derive(Debug)]
struct Plan {
    mapping: Mapping,
    /// Each kind with its file.
    files: BTreeMap<Kind, PathBuf>,
}

impl Plan {
    /// Reads the mapping, finds the files, and checks that they have the columns.
    fn make(arguments: &Arguments) -> Result<Self, Error> {
        let folder = &arguments.folder;
        let mended = |kind: Kind| folder.join(rejects::file_name(kind));
        // A folder of rejects is read as such, and kinds of which it holds none are done.
        let of_rejects = Kind::value_variants()
            .iter()
            .any(|kind| mended(*kind).exists());
        if of_rejects && arguments.dry_run && is_same(folder, &arguments.rejects) {
            let folder = folder.clone();
            return Err(Error::OwnRejects { folder });
        }
        let wanted = |kind: Kind| {
            let asked = arguments.only.is_empty() || arguments.only.contains(&kind);
            asked && (!of_rejects || mended(kind).exists())
        };
        let mapping = read_mapping(&arguments.mapping, &mut |lookup, users| {
            if users.iter().any(|kind| wanted(*kind)) {
                source::look_up(folder, lookup)
            } else {
                Ok(HashMap::new())
            }
        })?;
        let mut files = BTreeMap::new();
        let mut mapped = Vec::new();
        for Table {
            kind,
            file,
            format,
            columns,
        } in mapping.tables()
        {
            mapped.push(kind);
            if wanted(kind) {
                let path = if of_rejects {
                    mended(kind)
                } else {
                    folder.join(file)
                };
                Source::open(&path, format, columns)?;
                files.insert(kind, path);
            }
        }
        if let Some(kind) = arguments.only.iter().find(|kind| !mapped.contains(*kind)) {
            return Err(Error::Unmapped(*kind));
        }
        if files.is_empty() {
            let folder = folder.clone();
            return Err(Error::Nothing { folder });
        }
        Ok(Self { mapping, files })
    }
}

fn read_mapping(path: &Path, look_up: LookUp<'_>) -> Result<Mapping, Error> {
    let text = std::fs::read_to_string(path).map_err(|wrong| Error::file(path, wrong))?;
    Mapping::parse(&text, look_up).map_err(|wrong| Error::Mapping {
        path: path.to_owned(),
        wrong,
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
