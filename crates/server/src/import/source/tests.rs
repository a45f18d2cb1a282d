use std::io::Write;

use proptest::prelude::*;

use super::*;

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn columns(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn open(bytes: &[u8], format: &str, names: &[&str]) -> Result<Source, Error> {
    let format: Format = toml::from_str(format).unwrap();
    Source::open(file(bytes).path(), &format, &columns(names))
}

/// Each row's line and cells.
fn rows(bytes: &[u8], format: &str) -> Vec<(u64, Result<Vec<String>, String>)> {
    let mut source = open(bytes, format, &[]).unwrap();
    let mut rows = Vec::new();
    while let Some(record) = source.next().unwrap() {
        let cells = source.cells(&record).map_err(|wrong| wrong.to_string());
        rows.push((record.line, cells));
    }
    rows
}

fn cells(cells: &[&str]) -> Result<Vec<String>, String> {
    Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
}

#[test]
fn rows_are_known_by_the_line_on_which_they_begin() {
    let bytes = b"id,note\r\n1,\"two\r\nlines\"\r\n\r\n,\r\n2,x\r\n";
    assert_eq!(
        rows(bytes, ""),
        [(2, cells(&["1", "two\r\nlines"])), (6, cells(&["2", "x"]))]
    );
}

#[test]
fn a_byte_order_mark_belongs_to_no_column() {
    let mut source = open("\u{feff}id,name\n1,x\n".as_bytes(), "", &["id"]).unwrap();
    assert_eq!(source.header().names(), ["id", "name"]);
    assert_eq!(source.next().unwrap().unwrap().line, 2);
}

#[test]
fn a_row_that_is_too_short_or_no_text_is_refused_by_itself() {
    let found = rows(b"id,name\n1\n2,x,y\n3,\xfc\n4,z\n", "");
    assert_eq!(
        found,
        [
            (
                2,
                Err("the row has 1 columns and the first line 2".to_owned())
            ),
            (
                3,
                Err("the row has 3 columns and the first line 2".to_owned())
            ),
            (4, Err("column `name` is not UTF-8".to_owned())),
            (5, cells(&["4", "z"])),
        ]
    );
    let western = rows(
        b"id;name\n3;\xfc\n",
        "delimiter = ';'\nencoding = 'windows-1252'",
    );
    assert_eq!(western, [(2, cells(&["3", "ü"]))]);
}

#[test]
fn columns_that_are_missing_or_ambiguous_are_named() {
    let told = |names| open(b"id, name ,id\n", "", names).unwrap_err().to_string();
    let missing = told(&["name", "nick", "kind"]);
    assert!(missing.contains("no column `kind`, `nick`"), "{missing}");
    assert!(
        missing.contains("the columns are `id`, `name`, `id`"),
        "{missing}"
    );
    assert!(told(&["id"]).contains("several columns `id`"));
    let empty = open(b"", "", &["id"]).unwrap_err().to_string();
    assert!(empty.contains("no column `id`"), "{empty}");
}

#[test]
fn a_quotation_mark_that_is_never_closed_ends_the_file_and_fills_no_memory() {
    let mut bytes = b"id,name\n1,x\n2,\"".to_vec();
    bytes.resize(4 << 20, b'y');
    let mut source = open(&bytes, "", &[]).unwrap();
    assert_eq!(source.next().unwrap().unwrap().line, 2);
    let wrong = source.next().unwrap_err().to_string();
    assert!(wrong.contains("from line 3 on"), "{wrong}");
    assert!(wrong.contains("longer than 1 MiB"), "{wrong}");
    assert!(source.position() < 2 << 20);
}

#[test]
fn many_rows_are_not_one_long_row() {
    let mut bytes = b"id\n".to_vec();
    for _ in 0..40_000 {
        bytes.extend_from_slice(&[b'x'; 99]);
        bytes.push(b'\n');
    }
    assert_eq!(rows(&bytes, "").len(), 40_000);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let format = Format::default();
    let wrong = Source::open(Path::new("/gone/x.csv"), &format, &columns(&[])).unwrap_err();
    assert!(wrong.to_string().starts_with("/gone/x.csv: "), "{wrong}");
}

fn words(bytes: &[u8]) -> Result<HashMap<String, String>, String> {
    let file = file(bytes);
    let lookup = Lookup {
        file: file
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned(),
        key: "agent".to_owned(),
        value: "office".to_owned(),
        format: Format::default(),
    };
    look_up(file.path().parent().unwrap(), &lookup)
}

#[test]
fn a_lookup_may_repeat_itself_but_not_contradict_itself() {
    let found = words(b"agent,office\nanna,East\nbert,West\nanna,East\n,East\n").unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found.get("anna").map(String::as_str), Some("East"));
    let wrong = words(b"agent,office\nanna,East\nanna,West\n").unwrap_err();
    assert!(
        wrong.ends_with("line 3: \"anna\" is \"West\" here and \"East\" before"),
        "{wrong}"
    );
}

proptest! {
    #[test]
    fn every_row_is_found_on_its_line(
        rows_and_gaps in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>()), 0..40),
        end_left_out in any::<bool>(),
    ) {
        let mut text = "id,note\n".to_owned();
        let mut line = 2;
        let mut expected = Vec::new();
        for (gap, inside, windows) in rows_and_gaps {
            let end = if windows { "\r\n" } else { "\n" };
            text.push_str(&end.repeat(gap));
            line += u64::try_from(gap).unwrap();
            expected.push(line);
            text.push_str(&format!("{line},\"{}\"{end}", end.repeat(inside)));
            line += 1 + u64::try_from(inside).unwrap();
        }
        if end_left_out {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        let found: Vec<_> = rows(text.as_bytes(), "").into_iter().map(|(line, _)| line).collect();
        prop_assert_eq!(found, expected);
    }
}
