//! Shows how far an import is: a bar on a terminal, a line now and then everywhere else.
//!
//! It writes to the standard error stream, so that the summary on the standard output can be kept by
//! itself.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::kind::Kind;
use super::report::{Tally, grouped};

/// How often a line is written where there is no bar.
const EVERY: Duration = Duration::from_secs(5);

/// How far one kind is.
#[derive(Debug)]
pub(super) struct Progress {
    kind: Kind,
    size: u64,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    /// Nothing is read of so many bytes.
    pub(super) fn begin(kind: Kind, size: u64) -> Self {
        Self::new(kind, size, std::io::stderr().is_terminal())
    }

    fn new(kind: Kind, size: u64, terminal: bool) -> Self {
        let style = ProgressStyle::with_template("{prefix:<11} {wide_bar} {percent:>3}%  {msg}");
        let bar = style.ok().filter(|_| terminal).map(|style| {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(size), target);
            bar.with_style(style).with_prefix(kind.plural())
        });
        let told = Instant::now();
        Self {
            kind,
            size,
            bar,
            told,
        }
    }

    /// So many bytes are read, and the rows that are answered stand so.
    pub(super) fn at(&mut self, bytes: u64, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_message(counts(tally));
            bar.set_position(bytes);
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let percent = bytes.saturating_mul(100) / self.size.max(1);
            tell(&format!("{}: {percent}%, {}", self.kind, counts(tally)));
        }
    }

    /// All is read and answered.
    pub(super) fn end(self, tally: &Tally) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        tell(&format!("{}: {}", self.kind, counts(tally)));
    }
}

fn counts(tally: &Tally) -> String {
    let rows = match tally.rows {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", grouped(rows)),
    };
    match tally.rejected {
        0 => rows,
        rejected => format!("{rows}, {} rejected", grouped(rejected)),
    }
}

/// Writes a line. Nobody is told when nobody can be: the import goes on.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
