//! Imports one file as one kind: reads rows, sends them, and keeps account of what became of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use prost::Message;

use super::batch::{BYTES_MAX, Batch, Entry, Fate, ROWS_MAX, Settled, number};
use super::enrollment;
use super::error::Error;
use super::kind::Kind;
use super::mapping::Sheet;
use super::mapping::reader::Reader;
use super::mapping::row::{Reason, Row};
use super::progress::Progress;
use super::references::Planned;
use super::rejects::Rejects;
use super::report::{Part, Tally};
use super::resource::{By, Resource};
use super::seen::Seen;
use super::sender::Sender;
use super::session::Session;
use super::source::{Record, Source};

/// Where a kind is read from and where its rejects go.
#[derive(Debug)]
pub(super) struct Folders<'a> {
    /// The folder that is imported.
    pub(super) from: &'a Path,
    /// The file in it that holds the kind.
    pub(super) file: &'a Path,
    /// The folder of the rejects.
    pub(super) rejects: &'a Path,
}

/// Imports one file as one kind.
///
/// # Errors
/// When the file cannot be read, the rejects cannot be written, or the server does not answer.
pub(super) async fn import<R: Resource>(
    session: &mut Session,
    sheet: &Sheet<R::Fields>,
    folders: Folders<'_>,
) -> Result<Part, Error> {
    let begun = Instant::now();
    let source = Source::open(folders.file, &sheet.format, &sheet.columns)?;
    let mut importer = Importer::<R> {
        sender: Sender::new(session.caller.clone(), session.dry_run),
        rejects: Rejects::new(folders.rejects, R::KIND),
        progress: Progress::begin(R::KIND, source.size()),
        session,
        sheet,
        source,
        seen: Seen::default(),
        tally: Tally::default(),
        enrolled: None,
    };
    importer.go_through().await?;
    let Importer {
        rejects,
        progress,
        tally,
        enrolled,
        ..
    } = importer;
    let rejects = rejects.publish(folders.from, &sheet.lookups)?;
    progress.end(&tally);
    Ok(Part {
        kind: R::KIND,
        tally,
        enrolled,
        rejects,
        took: begun.elapsed(),
    })
}

struct Importer<'a, R: Resource> {
    session: &'a mut Session,
    sheet: &'a Sheet<R::Fields>,
    source: Source,
    sender: Sender<R>,
    rejects: Rejects,
    progress: Progress,
    seen: Seen,
    tally: Tally,
    enrolled: Option<Tally>,
}

impl<R: Resource> Importer<'_, R> {
    async fn go_through(&mut self) -> Result<(), Error> {
        let mut through = false;
        loop {
            while !through && self.sender.has_room() {
                match self.next_batch().await? {
                    Some(batch) => self.sender.send(batch).await,
                    None => through = true,
                }
            }
            let Some((batch, outcomes)) = self.sender.answer().await? else {
                break;
            };
            let settled = batch.settle(outcomes)?;
            self.take(settled).await?;
            self.progress.at(self.source.position(), &self.tally);
        }
        self.sender.close().await;
        Ok(())
    }

    /// As many rows as one message holds; nothing at the end of the file.
    async fn next_batch(&mut self) -> Result<Option<Batch<R>>, Error> {
        let mut entries = Vec::new();
        let mut size = 0;
        while entries.len() < ROWS_MAX && size < BYTES_MAX {
            let Some(record) = self.source.next()? else {
                break;
            };
            if let Some(row) = self.read(&record) {
                size += row.as_ref().map_or(0, Message::encoded_len);
                entries.push(Entry { record, row });
            }
        }
        self.refer(&mut entries).await?;
        Ok((!entries.is_empty()).then_some(Batch { entries }))
    }

    /// What a row asks for, or why it cannot; nothing when it is none of this kind.
    fn read(&mut self, record: &Record) -> Option<Result<R::Row, Vec<Reason>>> {
        let cells = match self.source.cells(record) {
            Ok(cells) => cells,
            Err(reason) => return Some(Err(vec![reason])),
        };
        let row = Row::new(self.source.header(), &cells, self.sheet.format.empty());
        if !self.sheet.when.holds(&row) {
            return None;
        }
        if self.sheet.distinct {
            match R::key(&self.sheet.fields).read(&row) {
                Ok(None) => return None,
                Ok(Some(id)) if self.seen.before(&id, record.line).is_some() => return None,
                Ok(Some(_)) | Err(_) => {}
            }
        }
        let mut reader = Reader::new(&row);
        let read = R::read(number(record.line), &self.sheet.fields, &mut reader);
        let mut reasons = reader.finish();
        if reasons.is_empty() && !self.sheet.distinct {
            let id = R::external_id(&read);
            if let Some(first) = self.seen.before(id, record.line) {
                let wrong = format!("{id:?} stands on line {first} already");
                reasons.push(Reason::new("external_id", wrong));
            }
        }
        Some(if reasons.is_empty() {
            Ok(read)
        } else {
            Err(reasons)
        })
    }

    /// Puts names in the place of external ids where the contract wants names.
    async fn refer(&mut self, entries: &mut [Entry<R>]) -> Result<(), Error> {
        let mut needed = BTreeSet::new();
        for row in entries
            .iter_mut()
            .filter_map(|entry| entry.row.as_mut().ok())
        {
            take_out::<R>(&self.session.planned, row);
            let references = R::references(row).into_iter();
            let by_name = references.filter(|reference| reference.by == By::Name);
            needed.extend(by_name.map(|reference| (reference.kind, reference.id.clone())));
        }
        self.session.names.learn(needed).await?;
        for entry in entries {
            let Ok(row) = &mut entry.row else {
                continue;
            };
            let mut reasons = Vec::new();
            for reference in R::references(row) {
                let field = reference.field.clone();
                if let Err(wrong) = self.session.names.put(reference) {
                    reasons.push(Reason::new(field, wrong));
                }
            }
            if !reasons.is_empty() {
                entry.row = Err(reasons);
            }
        }
        Ok(())
    }

    /// Takes account of what became of rows.
    async fn take(&mut self, settled: Vec<Settled<R>>) -> Result<(), Error> {
        let mut names = Vec::new();
        for Settled { record, row, fate } in settled {
            self.tally.count(&fate);
            match fate {
                Fate::Created(name) => {
                    if let (true, Some(row)) = (self.session.dry_run, row) {
                        let id = R::external_id(&row).to_owned();
                        self.session.planned.insert(R::KIND, id);
                    }
                    names.push((name, true));
                }
                Fate::Updated(name) | Fate::Unchanged(name) => names.push((name, false)),
                Fate::Rejected(reasons) => self.rejects.write(&self.source, &record, &reasons)?,
            }
        }
        if let (Kind::Partners, Some(program)) = (R::KIND, &self.session.program) {
            let tally = self.enrolled.get_or_insert_default();
            enrollment::enroll(self.session, program, names, tally).await?;
        }
        Ok(())
    }
}

/// In a dry run, takes out of a row what refers to something that only a real run would have made.
fn take_out<R: Resource>(planned: &Planned, row: &mut R::Row) {
    if planned.take_out(R::references(row)) {
        R::mend(row);
    }
}
