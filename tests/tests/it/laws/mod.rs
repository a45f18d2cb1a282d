//! The laws of the tree: what no single crate can hold by itself.

mod contract;
mod edges;
mod schema;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use trellis_tests::database::root;

/// Every file that is kept, by its path from the root.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .expect("git is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = String::from_utf8(output.stdout).expect("paths are text");
    listed
        .split('\0')
        .filter(|path| !path.is_empty() && root().join(path).is_file())
        .map(PathBuf::from)
        .collect()
}

/// The kept files below a folder with an extension, each with its text.
fn texts(below: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let wanted = |path: &PathBuf| {
        path.starts_with(below) && path.extension().is_some_and(|found| found == extension)
    };
    let files = files().into_iter().filter(wanted);
    files.map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
