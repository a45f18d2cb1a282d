//! The providers of free mail, as a sorted list.

use std::collections::BTreeSet;

/// Big providers that the list lacks.
const MORE: &[&str] = &[
    "bluewin.ch",
    "btinternet.com",
    "daum.net",
    "gmx.ch",
    "nate.com",
    "pm.me",
    "proton.me",
    "sfr.fr",
    "tuta.com",
    "tutanota.com",
    "virginmedia.com",
    "zohomail.com",
];

pub(crate) fn table(list: &str) -> String {
    let domains: BTreeSet<String> = list
        .lines()
        .map(|line| line.trim().to_ascii_lowercase())
        .filter(|line| !line.is_empty() && line.is_ascii())
        .chain(MORE.iter().map(|domain| (*domain).to_owned()))
        .collect();
    let rows: String = domains
        .iter()
        .map(|domain| format!("    {domain:?},\n"))
        .collect();
    format!("&[\n{rows}]\n")
}
