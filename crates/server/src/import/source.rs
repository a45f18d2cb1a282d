//! A CSV file: its columns, and its rows one after the other.
//!
//! No more than one row is held at a time. A row that is absurdly long, as one is whose quotation
//! mark is never closed, ends the file instead of filling the memory.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use csv::ByteRecord;

use super::error::Error;
use super::mapping::Lookup;
use super::mapping::encoding::Encoding;
use super::mapping::format::Format;
use super::mapping::row::{Header, Reason, Row};

/// The longest row, in bytes. A message of an import may have four times as many.
const LONGEST: u64 = 1 << 20;

/// The column of a file of rejects that says on which line of the source the row stood.
pub(super) const LINE_COLUMN: &str = "trellis_line";

/// The column of a file of rejects that says what is wrong with the row.
pub(super) const REASON_COLUMN: &str = "trellis_reason";

/// A CSV file that is being read.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    reader: csv::Reader<Metered>,
    meter: Meter,
    size: u64,
    header: Header,
    encoding: Encoding,
    delimiter: u8,
    /// The columns that are Trellis's own.
    own: BTreeSet<usize>,
    raw_header: ByteRecord,
}

/// A row as it stands in the file.
#[derive(Debug)]
pub(super) struct Record {
    /// The line of this file on which it begins.
    pub(super) line: u64,
    /// Its cells.
    pub(super) raw: ByteRecord,
}

impl Source {
    /// Opens a file that must have these columns.
    ///
    /// # Errors
    /// When it cannot be read or lacks columns.
    pub(super) fn open(
        path: &Path,
        format: &Format,
        columns: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        let unreadable = |source| Error::file(path, source);
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let meter = Meter::default();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(format.delimiter())
            .flexible(true)
            .buffer_capacity(64 << 10)
            .from_reader(Metered {
                file,
                meter: meter.clone(),
            });
        let raw_header = reader
            .byte_headers()
            .map_err(|wrong| unreadable(wrong.into()))?
            .clone();
        let encoding = format.encoding();
        let sheet = |wrong| Error::Sheet {
            path: path.to_owned(),
            wrong,
        };
        let names: Option<Vec<_>> = raw_header
            .iter()
            .map(|name| encoding.decode(name))
            .collect();
        let names = names.ok_or_else(|| sheet(format!("the first line is not {encoding}")))?;
        let header = Header::new(names.iter().map(|name| name.trim().to_owned()).collect());
        check_columns(&header, columns).map_err(sheet)?;
        let own = [LINE_COLUMN, REASON_COLUMN];
        let own = header
            .names()
            .iter()
            .enumerate()
            .filter(|(_, name)| own.contains(&name.as_str()))
            .map(|(place, _)| place)
            .collect();
        Ok(Self {
            path: path.to_owned(),
            reader,
            meter,
            size,
            header,
            encoding,
            delimiter: format.delimiter(),
            own,
            raw_header,
        })
    }

    /// The next row that is not quite empty.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Error> {
        let mut raw = ByteRecord::new();
        loop {
            match self.reader.read_byte_record(&mut raw) {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    let inside = raw.iter().flatten().filter(|byte| **byte == b'\n').count();
                    let line = self.meter.row_until(self.reader.position().byte(), inside);
                    if raw.iter().any(|cell| !cell.is_empty()) {
                        return Ok(Some(Record { line, raw }));
                    }
                }
                Err(wrong) => {
                    let line = self.meter.next_line();
                    let wrong = io::Error::from(wrong);
                    let wrong = format!("cannot be read from line {line} on: {wrong}");
                    let path = self.path.clone();
                    return Err(Error::Sheet { path, wrong });
                }
            }
        }
    }

    /// The texts of a row, or why it has none.
    pub(super) fn cells(&self, record: &Record) -> Result<Vec<String>, Reason> {
        let (found, expected) = (record.raw.len(), self.header.names().len());
        if found != expected {
            let wrong = format!("the row has {found} columns and the first line {expected}");
            return Err(Reason::new("", wrong));
        }
        let mut cells = Vec::with_capacity(expected);
        for (bytes, name) in record.raw.iter().zip(self.header.names()) {
            let cell = self.encoding.decode(bytes);
            let encoding = self.encoding;
            let wrong = || Reason::new("", format!("column `{name}` is not {encoding}"));
            cells.push(cell.ok_or_else(wrong)?);
        }
        Ok(cells)
    }

    /// The columns.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The first line, without what Trellis added to it.
    pub(super) fn foreign_header(&self) -> ByteRecord {
        self.foreign(&self.raw_header)
    }

    /// The cells of a row, without what Trellis added to it.
    pub(super) fn foreign(&self, raw: &ByteRecord) -> ByteRecord {
        let cells = raw.iter().enumerate();
        let foreign = cells.filter(|(place, _)| !self.own.contains(place));
        foreign.map(|(_, cell)| cell).collect()
    }

    /// The line that a row had in the file where it came from at first.
    pub(super) fn origin(&self, record: &Record) -> String {
        let mut named = self.header.names().iter().zip(record.raw.iter());
        let stated = named.find(|(name, _)| *name == LINE_COLUMN);
        let stated = stated.and_then(|(_, cell)| self.encoding.decode(cell));
        stated
            .filter(|line| !line.trim().is_empty())
            .unwrap_or_else(|| record.line.to_string())
    }

    /// What the bytes of the file mean.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What stands between two cells.
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// Finds the columns that are missing or that there are several of.
fn check_columns(header: &Header, columns: &BTreeSet<String>) -> Result<(), String> {
    let quoted = |names: &mut dyn Iterator<Item = &String>| {
        let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let missing = quoted(&mut columns.iter().filter(|column| !header.has(column)));
    if !missing.is_empty() {
        let there = quoted(&mut header.names().iter());
        return Err(format!(
            "there is no column {missing}, which the mapping reads; the columns are {there}"
        ));
    }
    let ambiguous = quoted(&mut columns.iter().filter(|column| header.ambiguous(column)));
    if ambiguous.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "there are several columns {ambiguous}, which the mapping reads"
        ))
    }
}

/// Reads the words of a lookup.
///
/// # Errors
/// When the file cannot be read, or two of its rows contradict each other.
pub(super) fn look_up(folder: &Path, lookup: &Lookup) -> Result<HashMap<String, String>, String> {
    let Lookup {
        file,
        key,
        value,
        format,
    } = lookup;
    let columns = BTreeSet::from([key.clone(), value.clone()]);
    let told = |wrong: Error| wrong.to_string();
    let mut source = Source::open(&folder.join(file), format, &columns).map_err(told)?;
    let mut words: HashMap<String, String> = HashMap::new();
    while let Some(record) = source.next().map_err(told)? {
        let line = record.line;
        let cells = source
            .cells(&record)
            .map_err(|wrong| format!("{file}, line {line}: {wrong}"))?;
        let row = Row::new(source.header(), &cells, format.empty());
        let (word, meaning) = (row.cell(key), row.cell(value));
        if word.is_empty() {
            continue;
        }
        let before = words.insert(word.to_owned(), meaning.to_owned());
        if let Some(before) = before.filter(|before| before != meaning) {
            return Err(format!(
                "{file}, line {line}: {word:?} is {meaning:?} here and {before:?} before"
            ));
        }
    }
    Ok(words)
}

/// A file whose lines are counted, and that is read only so far without a row coming to its end.
#[derive(Debug)]
struct Metered {
    file: File,
    meter: Meter,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if self.meter.pass(bytes) {
            Ok(read)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the row is longer than 1 MiB; is a quotation mark not closed?",
            ))
        }
    }
}

/// Counts the lines of a file while it is read.
///
/// The CSV reader counts them too, but it says of a row after an empty line, or after a line that
/// ends as on Windows, that it begins a line too early.
#[derive(Clone, Debug, Default)]
struct Meter(Arc<Mutex<Count>>);

#[derive(Debug, Default)]
struct Count {
    /// How many bytes have been read.
    read: u64,
    /// How many of them belong to rows that have ended.
    ended: u64,
    /// How many lines have ended there.
    lines: u64,
    /// The places of the ends of lines after that.
    ends: VecDeque<u64>,
}

impl Meter {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of bytes that are read; tells whether the row is still of a sensible length.
    fn pass(&self, bytes: &[u8]) -> bool {
        let mut count = self.count();
        let begin = count.read;
        let places = (begin..).zip(bytes).filter(|(_, byte)| **byte == b'\n');
        count.ends.extend(places.map(|(place, _)| place));
        count.read += u64::try_from(bytes.len()).unwrap_or_default();
        begin.saturating_sub(count.ended) <= LONGEST
    }

    /// The line on which a row began that ended at this place and has so many ends of lines inside
    /// of its cells.
    fn row_until(&self, place: u64, inside: usize) -> u64 {
        let mut count = self.count();
        let mut last = None;
        while let Some(end) = count.ends.front().copied().filter(|end| *end < place) {
            count.ends.pop_front();
            count.lines += 1;
            last = Some(end);
        }
        count.ended = place;
        let inside = u64::try_from(inside).unwrap_or_default();
        let own = u64::from(last.is_some_and(|end| end + 1 == place));
        (count.lines + 1).saturating_sub(own + inside)
    }

    /// The line on which the next row begins, at the earliest.
    fn next_line(&self) -> u64 {
        self.count().lines + 1
    }
}

#[cfg(test)]
mod tests;
