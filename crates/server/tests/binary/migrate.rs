//! `trellis migrate`.

use crate::binary::{run, trellis};

#[test]
fn a_new_database_lacks_everything_until_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let (code, shown, _) = run(&mut trellis(folder.path(), &["migrate", "status"]));
    assert_eq!(code, 1);
    assert!(!shown.is_empty() && shown.lines().all(|line| line.starts_with("missing m2")));

    let (code, up, told) = run(&mut trellis(folder.path(), &["migrate", "up"]));
    assert_eq!(code, 0, "{told}");
    assert_eq!(up, shown.replace("missing", "applied"));

    let (code, after, _) = run(&mut trellis(folder.path(), &["migrate", "status"]));
    assert_eq!((code, after), (0, shown.replace("missing", "applied")));
    let (code, again, _) = run(&mut trellis(folder.path(), &["migrate", "up"]));
    assert_eq!((code, again.as_str()), (0, "the schema is up to date\n"));
}

#[test]
fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://ada:s3cret@127.0.0.1:1/trellis";
    for level in ["info", "trace"] {
        let arguments = ["migrate", "up", "--database-url", url, "--log-level", level];
        let (code, shown, told) = run(&mut trellis(folder.path(), &arguments));
        assert_eq!((code, shown.as_str()), (1, ""));
        assert!(told.contains("error: "), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}
