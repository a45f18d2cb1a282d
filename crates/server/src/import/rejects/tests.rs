use std::collections::BTreeSet;

use super::super::mapping::format::Format;
use super::*;

fn reasons() -> Vec<Reason> {
    vec![
        Reason::new("stage", "is \"odd\""),
        Reason::new("", "is too short"),
    ]
}

/// Reads a file and rejects all of its rows, as often as it is told.
fn reject_all(path: &Path, folder: &Path, format: &str) -> Option<PathBuf> {
    let format: Format = toml::from_str(format).unwrap();
    let mut source = Source::open(path, &format, &BTreeSet::new()).unwrap();
    let mut rejects = Rejects::new(folder, Kind::Deals);
    while let Some(record) = source.next().unwrap() {
        rejects.write(&source, &record, &reasons()).unwrap();
    }
    rejects.publish(folder, &BTreeSet::new()).unwrap()
}

#[test]
fn rejects_keep_the_columns_of_the_source_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.csv");
    fs::write(
        &source,
        b"id;\"na;me\"\r\n1;\" M\xfcller\"\r\n2;x;y\r\n3\r\n",
    )
    .unwrap();
    let into = folder.path().join("rejects");
    let format = "delimiter = ';'\nencoding = 'windows-1252'";
    let path = reject_all(&source, &into, format).unwrap();
    assert_eq!(path, into.join("deals.rejected.csv"));
    let expected: &[u8] = b"trellis_line;trellis_reason;id;\"na;me\"\n\
        2;\"stage: is \"\"odd\"\"; is too short\";1; M\xfcller\n\
        3;\"stage: is \"\"odd\"\"; is too short\";2;x;y\n\
        4;\"stage: is \"\"odd\"\"; is too short\";3\n";
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn rejects_of_rejects_have_the_columns_once_and_the_line_of_the_first_source() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.csv");
    fs::write(&source, "id,name\n1,x\n\n2,y\n").unwrap();
    let path = reject_all(&source, folder.path(), "").unwrap();
    let once = fs::read_to_string(&path).unwrap();
    assert!(once.contains("\n4,") && once.ends_with(",2,y\n"), "{once}");
    let again = reject_all(&path, folder.path(), "").unwrap();
    assert_eq!(again, path);
    assert_eq!(fs::read_to_string(&again).unwrap(), once);
}

#[test]
fn a_run_without_rejects_takes_away_those_of_the_run_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.rejected.csv");
    fs::write(&path, "old").unwrap();
    let rejects = Rejects::new(folder.path(), Kind::Deals);
    assert_eq!(
        rejects.publish(folder.path(), &BTreeSet::new()).unwrap(),
        None
    );
    assert!(!path.exists());
    // And where there is no folder, none is made.
    let gone = folder.path().join("gone");
    let rejects = Rejects::new(&gone, Kind::Deals);
    assert_eq!(
        rejects.publish(folder.path(), &BTreeSet::new()).unwrap(),
        None
    );
    assert!(!gone.exists());
}

#[test]
fn a_run_that_breaks_off_leaves_the_rejects_of_the_run_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.rejected.csv");
    fs::write(&path, "id\n1\n").unwrap();
    let mut source = Source::open(&path, &Format::default(), &BTreeSet::new()).unwrap();
    let mut rejects = Rejects::new(folder.path(), Kind::Deals);
    let record = source.next().unwrap().unwrap();
    rejects.write(&source, &record, &reasons()).unwrap();
    drop(rejects);
    assert_eq!(fs::read_to_string(&path).unwrap(), "id\n1\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_files_of_lookups_go_with_the_rejects() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = from.path().join("source.csv");
    fs::write(&source, "id\n1\n").unwrap();
    fs::write(from.path().join("agents.csv"), "agent,office\n").unwrap();
    let lookups = BTreeSet::from(["agents.csv".to_owned()]);
    for folder in [from.path(), into.path(), into.path()] {
        let mut source = Source::open(&source, &Format::default(), &BTreeSet::new()).unwrap();
        let record = source.next().unwrap().unwrap();
        // The second time from a folder into itself.
        let mut rejects = Rejects::new(into.path(), Kind::Deals);
        rejects.write(&source, &record, &reasons()).unwrap();
        rejects.publish(folder, &lookups).unwrap();
        let copied = fs::read_to_string(into.path().join("agents.csv")).unwrap();
        assert_eq!(copied, "agent,office\n");
    }
}
