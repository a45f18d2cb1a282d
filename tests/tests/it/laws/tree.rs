//! The tree speaks of itself alone: whoever has a checkout has everything that it refers to.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::{files, read};

/// The files that are text of ours.
fn ours() -> Vec<(PathBuf, String)> {
    let kinds = ["md", "rs", "proto", "toml", "yaml", "sh", "py", ""];
    files()
        .into_iter()
        .filter(|path| !path.starts_with("third_party"))
        .filter(|path| {
            let extension = path
                .extension()
                .and_then(|found| found.to_str())
                .unwrap_or_default();
            kinds.contains(&extension)
        })
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

/// What `path` says from where `file` stands, without `.` and `..`.
fn resolved(file: &Path, path: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in file
        .parent()
        .unwrap_or(Path::new(""))
        .join(path)
        .components()
    {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::Normal(part) => whole.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    whole
}

#[test]
fn every_link_of_the_documents_leads_somewhere_in_the_tree() {
    let kept: BTreeSet<PathBuf> = files().into_iter().collect();
    let is_kept = |path: &Path| kept.iter().any(|kept| kept.starts_with(path));
    for (file, text) in ours()
        .into_iter()
        .filter(|(path, _)| path.extension() == Some("md".as_ref()))
    {
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next())
        {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            assert!(
                is_kept(&resolved(&file, path)),
                "{file:?} links to {target}"
            );
        }
    }
}

#[test]
fn every_document_that_is_spoken_of_is_in_the_tree() {
    let kept: BTreeSet<String> = files()
        .iter()
        .filter_map(|path| path.file_name()?.to_str().map(ToOwned::to_owned))
        .collect();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    for (file, text) in ours() {
        for (at, _) in text.match_indices(".md") {
            let ends = text[at + 3..]
                .chars()
                .next()
                .is_none_or(|next| !next.is_ascii_alphanumeric());
            let name: String = text[..at]
                .chars()
                .rev()
                .take_while(|letter| is_name(*letter))
                .collect();
            let name: String = name.chars().rev().collect();
            if ends && !name.is_empty() {
                let name = format!("{name}.md");
                assert!(kept.contains(&name), "{file:?} speaks of {name}");
            }
        }
    }
}

#[test]
fn no_path_of_anybodys_machine_is_written_down() {
    // Written in two halves, because this file is searched too.
    let machines = [
        ("/wo", "rk/"),
        ("/ho", "me/"),
        ("/Us", "ers/"),
        ("/op", "t/"),
    ];
    for (file, text) in ours() {
        for (line, content) in text.lines().enumerate() {
            for (first, second) in machines {
                let found = content.contains(&format!("{first}{second}"));
                assert!(!found, "{}:{}: {content}", file.display(), line + 1);
            }
        }
    }
}
