//! The rows that were refused, in files that can be mended and imported again.
//!
//! There is one file for each kind, `deals.rejected.csv`. It has the columns of the source after two
//! of its own, the line of the row and what is wrong with it; the first two, so that they stand
//! beside rows that are too short or too long as well. It is written beside its final name and
//! takes that name when its kind is through, so that a folder of rejects can be read and replaced in
//! one run and a run that breaks off destroys nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::error::Error;
use super::kind::Kind;
use super::mapping::row::Reason;
use super::source::{LINE_COLUMN, REASON_COLUMN, Record, Source};

/// The file of the rows of a kind that were refused.
pub(super) fn file_name(kind: Kind) -> String {
    format!("{kind}.rejected.csv")
}

/// A file of refused rows that is being written.
#[derive(Debug)]
pub(super) struct Rejects {
    folder: PathBuf,
    path: PathBuf,
    part: PathBuf,
    writer: Option<csv::Writer<File>>,
}

impl Rejects {
    /// Rejects of a kind in a folder. Nothing is made before a row is refused.
    pub(super) fn new(folder: &Path, kind: Kind) -> Self {
        let name = file_name(kind);
        Self {
            folder: folder.to_owned(),
            path: folder.join(&name),
            part: folder.join(format!("{name}.part")),
            writer: None,
        }
    }

    /// Writes a row down with what is wrong with it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(
        &mut self,
        source: &Source,
        record: &Record,
        reasons: &[Reason],
    ) -> Result<(), Error> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                fs::create_dir_all(&self.folder)
                    .map_err(|wrong| Error::file(&self.folder, wrong))?;
                let file =
                    File::create(&self.part).map_err(|wrong| Error::file(&self.part, wrong))?;
                let mut writer = csv::WriterBuilder::new()
                    .delimiter(source.delimiter())
                    .flexible(true)
                    .from_writer(file);
                let own = [LINE_COLUMN, REASON_COLUMN].map(|name| source.encoding().encode(name));
                append(&mut writer, &own, &source.foreign_header())
                    .map_err(|wrong| Error::file(&self.part, wrong))?;
                none.insert(writer)
            }
        };
        let told: Vec<_> = reasons.iter().map(Reason::to_string).collect();
        let own = [source.origin(record), told.join("; ")];
        let own = own.map(|text| source.encoding().encode(&text));
        append(writer, &own, &source.foreign(&record.raw))
            .map_err(|wrong| Error::file(&self.part, wrong))
    }

    /// Gives the file its name, in place of what an earlier run wrote there, and copies beside it
    /// the files that reading it again takes. When no row was refused, the earlier file goes.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(super) fn publish(
        mut self,
        from: &Path,
        lookups: &BTreeSet<String>,
    ) -> Result<Option<PathBuf>, Error> {
        let path = self.path.clone();
        let unwritable = |wrong| Error::file(&path, wrong);
        let Some(mut writer) = self.writer.take() else {
            return match fs::remove_file(&path) {
                Ok(()) => Ok(None),
                Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => Ok(None),
                // The folder is a file, or not there: there is no earlier file either.
                Err(wrong) if wrong.kind() == io::ErrorKind::NotADirectory => Ok(None),
                Err(wrong) => Err(unwritable(wrong)),
            };
        };
        writer.flush().map_err(unwritable)?;
        drop(writer);
        for file in lookups {
            let (from, to) = (from.join(file), self.folder.join(file));
            copy(&from, &to).map_err(|wrong| Error::file(&to, wrong))?;
        }
        fs::rename(&self.part, &path).map_err(unwritable)?;
        Ok(Some(path.clone()))
    }
}

impl Drop for Rejects {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Only what is left of a run that broke off; the next run writes it anew.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn append(
    writer: &mut csv::Writer<File>,
    own: &[Vec<u8>],
    foreign: &ByteRecord,
) -> Result<(), io::Error> {
    let cells = own.iter().map(Vec::as_slice).chain(foreign.iter());
    writer.write_record(cells).map_err(io::Error::from)
}

/// Copies a file, unless it is the same file.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let (Ok(from), Ok(to)) = (from.canonicalize(), to.canonicalize())
        && from == to
    {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(|_| ())
}

#[cfg(test)]
mod tests;
