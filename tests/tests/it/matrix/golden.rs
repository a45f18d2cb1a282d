//! The table that is kept: written from cells, compared as a whole, and read again by what needs no
//! server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use trellis_core::lifecycle::Named as _;
use trellis_core::{Access, Role};
use trellis_tests::database::root;

use super::cells::Place;
use super::rows::Row;
use super::things::Relation;
use super::who::Who;
use crate::refusals::stage::method;

/// Set, the table is written instead of compared.
const WRITE: &str = "TRELLIS_WRITE_MATRIX";

/// How wide the heads of rows are.
const LABEL: usize = 20;

const HEAD: &str = "\
# Who may do what: what comes of every method, for everybody who calls, by how the thing that is named
# relates to them. Made from calls to the real services, and compared as a whole by the tests of the
# module `matrix`, which say what each row and column stands for. `docs/access.md` tells how to read
# it. Review every line that changes.
";

fn path() -> PathBuf {
    root().join("tests/tests/it/matrix/access.txt")
}

/// What the table says of a method above its cells: the permission, what is special about it, and
/// the extent of each role.
pub(super) fn terms(access: &Access) -> String {
    let mut terms = vec![access.permission.to_owned()];
    let flags = [
        ("everybody", access.everybody),
        ("moves money", access.moves_money),
        ("second person", access.second_person),
        ("administration", access.administration),
        ("at once", access.at_once),
        ("audited", access.audited),
    ];
    let flags = flags.into_iter().filter(|(_, set)| *set);
    terms.extend(flags.map(|(flag, _)| flag.to_owned()));
    terms.extend(Role::ALL.into_iter().filter_map(|role| {
        let extent = access.extent(role)?;
        Some(format!("{}={}", role.name(), extent.name()))
    }));
    terms.join(", ")
}

/// The head of a row's block.
pub(super) fn title(row: &Row) -> String {
    let method = method(row.method);
    let service = method.service.rsplit('.').next().unwrap();
    format!("{service}.{}: {}", method.name, row.kind.name())
}

pub(super) fn written(
    rows: &[Row],
    cells: &BTreeMap<Place, Result<String, &'static str>>,
) -> String {
    let mut text = HEAD.to_owned();
    for (index, row) in rows.iter().enumerate() {
        let widths = Who::ALL.map(|who| {
            let words = Relation::ALL.map(|relation| match &cells[&(index, relation, who)] {
                Ok(word) => word.len(),
                Err(_) => 0,
            });
            words.into_iter().chain([who.name().len()]).max().unwrap()
        });
        let line = |text: &mut String, label: &str, words: [&str; 9]| {
            let mut line = format!("{label:LABEL$}");
            for (word, width) in words.into_iter().zip(widths) {
                write!(line, "{word:width$}  ").unwrap();
            }
            writeln!(text, "{}", line.trim_end()).unwrap();
        };
        writeln!(text, "\n== {}", title(row)).unwrap();
        writeln!(text, "   {}", terms(&method(row.method).access)).unwrap();
        line(&mut text, "", Who::ALL.map(Who::name));
        for relation in Relation::ALL {
            match &cells[&(index, relation, Who::Anonymous)] {
                Err(reason) => writeln!(text, "{:LABEL$}-  {reason}", relation.name()).unwrap(),
                Ok(_) => line(
                    &mut text,
                    relation.name(),
                    Who::ALL.map(|who| cells[&(index, relation, who)].as_deref().unwrap()),
                ),
            }
        }
    }
    text
}

/// The lines of a table, each with the block that it stands in.
fn lines(text: &str) -> Vec<(&str, &str)> {
    let mut block = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            block = title;
        }
        lines.push((block, line));
    }
    lines
}

/// The words of a line, two spaces apart.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join("  ")
}

/// What differs between two tables, line by line. A longer word moves all words beside and below it,
/// so lines are compared by their words.
pub(super) fn differences(kept: &str, found: &str) -> Vec<String> {
    if kept == found {
        return Vec::new();
    }
    let words = |(block, line)| (block, words(line));
    let kept: Vec<_> = lines(kept).into_iter().map(words).collect();
    let found: Vec<_> = lines(found).into_iter().map(words).collect();
    let gone = kept.iter().filter(|line| !found.contains(line));
    let new = found.iter().filter(|line| !kept.contains(line));
    let mut differences: Vec<String> = gone
        .map(|(block, line)| format!("- {block} | {line}"))
        .chain(new.map(|(block, line)| format!("+ {block} | {line}")))
        .collect();
    if differences.is_empty() {
        differences.push("the lines stand in another order, or the words elsewhere".to_owned());
    }
    differences
}

/// Compares what was found with the table that is kept, or keeps it.
pub(super) fn compare(found: &str) {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path(), found).unwrap();
        return;
    }
    let differences = differences(&kept(), found);
    assert!(
        differences.is_empty(),
        "who may do what has changed in {} lines (-: as kept, +: as found).\n{}\n\
         If all of it is meant, write the table anew and review its diff:\n\
         {WRITE}=1 cargo test -p trellis-tests --test it matrix::",
        differences.len(),
        differences.join("\n")
    );
}

/// The table as it is kept.
pub(super) fn kept() -> String {
    std::fs::read_to_string(path()).unwrap_or_default()
}

/// The cells of the table as it is kept, by the titles of their blocks.
pub(super) fn read() -> BTreeMap<(String, Relation, Who), String> {
    let mut cells = BTreeMap::new();
    let text = kept();
    for (block, line) in lines(&text) {
        let relation = |relation: &Relation| {
            let label = line.get(..LABEL).unwrap_or_default();
            label.trim_end() == relation.name()
        };
        let Some(relation) = Relation::ALL.into_iter().find(relation) else {
            continue;
        };
        let words: Vec<&str> = line[LABEL..].split_whitespace().collect();
        if words.first() == Some(&"-") {
            continue;
        }
        assert_eq!(words.len(), Who::ALL.len(), "{block}: {line}");
        for (who, word) in Who::ALL.into_iter().zip(words) {
            cells.insert((block.to_owned(), relation, who), word.to_owned());
        }
    }
    cells
}

#[test]
fn a_word_that_changed_is_told_with_its_block() {
    let kept = kept();
    assert_eq!(differences(&kept, &kept), Vec::<String>::new());
    let (_, after) = kept.split_once("GetBatch").unwrap();
    let (_, row) = after.split_once("own  ").unwrap();
    let row = format!("own  {}", row.lines().next().unwrap());
    let wider = row.replacen("DENIED", "PASS:WIDER", 1);
    let at = kept.len() - after.len();
    let found = format!("{}{}", &kept[..at], after.replacen(&row, &wider, 1));
    let block = "PayoutService.GetBatch: submitted payout batch";
    assert_eq!(
        differences(&kept, &found),
        [
            format!("- {block} | {}", words(&row)),
            format!("+ {block} | {}", words(&wider)),
        ]
    );
}
