//! Which crate may know which.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use trellis_tests::database::root;

use super::texts;

/// For each crate of ours, the others of ours that it may know. Services know the grammar of the
/// wire and the data layer, and never each other; those two know only the values between them.
const OURS: [(&str, &[&str]); 14] = [
    ("trellis-core", &[]),
    ("trellis-api", &["trellis-core"]),
    ("trellis-store", &["trellis-core"]),
    ("trellis-matching", &[]),
    ("trellis-evaluation", &["trellis-core"]),
    ("trellis-migrations", &[]),
    // It is handed what is published, and how that is written down.
    ("trellis-broker", &["trellis-core", "trellis-store"]),
    ("trellis-platform", SHARED),
    ("trellis-partner", SHARED),
    ("trellis-program", SHARED),
    ("trellis-deal", DEAL),
    ("trellis-incentive", INCENTIVE),
    ("trellis-server", EVERYTHING),
    ("trellis-tests", EVERYTHING),
];

const SHARED: &[&str] = &["trellis-core", "trellis-api", "trellis-store"];

/// Who a customer is, is a matter of deals.
const DEAL: &[&str] = &[
    "trellis-core",
    "trellis-api",
    "trellis-store",
    "trellis-matching",
];

/// What partners earn is computed apart from where it is kept.
const INCENTIVE: &[&str] = &[
    "trellis-core",
    "trellis-api",
    "trellis-store",
    "trellis-evaluation",
];

const EVERYTHING: &[&str] = &[
    "trellis-core",
    "trellis-api",
    "trellis-store",
    "trellis-matching",
    "trellis-evaluation",
    "trellis-migrations",
    "trellis-broker",
    "trellis-platform",
    "trellis-partner",
    "trellis-program",
    "trellis-deal",
    "trellis-incentive",
    "trellis-server",
];

/// For libraries that make a layer what it is, the crates that may know them.
const THEIRS: [(&str, &[&str]); 6] = [
    // Values say how they are columns, and nothing else does.
    ("sea-orm", &["trellis-core", "trellis-store"]),
    ("sea-orm-migration", &["trellis-migrations"]),
    // What makes databases for tests, and looks at them from outside.
    ("sqlx", &["trellis-tests"]),
    (
        "tonic",
        &[
            "trellis-api",
            "trellis-platform",
            "trellis-partner",
            "trellis-program",
            "trellis-deal",
            "trellis-incentive",
            "trellis-server",
            "trellis-tests",
        ],
    ),
    ("clap", &["trellis-server"]),
    ("async-nats", &["trellis-broker"]),
];

/// What each crate of ours depends on. What only its own tests need is told apart.
fn dependencies() -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let (mut known, mut in_tests) = (BTreeSet::new(), BTreeSet::new());
            for dependency in package["dependencies"].as_array().expect("dependencies") {
                let name = text(&dependency["name"]);
                if dependency["kind"] == "dev" {
                    in_tests.insert(name)
                } else {
                    known.insert(name)
                };
            }
            (text(&package["name"]), known, in_tests)
        })
        .collect()
}

#[test]
fn a_crate_knows_only_the_layers_below_it() {
    let found = dependencies();
    let names: BTreeSet<_> = found.iter().map(|(name, _, _)| name.as_str()).collect();
    let listed: BTreeSet<_> = OURS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed, "a new crate needs its place in the law");
    for (name, known, _) in &found {
        let (_, allowed) = OURS
            .iter()
            .find(|(listed, _)| listed == name)
            .expect("listed");
        for other in known.iter().filter(|other| other.starts_with("trellis-")) {
            assert!(
                allowed.contains(&other.as_str()),
                "{name} must not know {other}"
            );
        }
    }
}

#[test]
fn no_service_knows_another_even_in_its_tests() {
    let services = [
        "trellis-platform",
        "trellis-partner",
        "trellis-program",
        "trellis-deal",
        "trellis-incentive",
    ];
    for (name, _, in_tests) in dependencies() {
        for other in services
            .iter()
            .filter(|_| services.contains(&name.as_str()))
        {
            assert!(!in_tests.contains(*other), "{name} must not know {other}");
        }
    }
}

#[test]
fn a_library_stays_in_its_layer() {
    for (name, known, _) in dependencies() {
        for (library, allowed) in THEIRS {
            let fine = !known.contains(library) || allowed.contains(&name.as_str());
            assert!(fine, "{name} must not know {library}");
        }
        let wire = ["tonic", "prost", "prost-types", "tonic-types"];
        if name == "trellis-store" || name == "trellis-core" || name == "trellis-migrations" {
            let found = wire.iter().find(|library| known.contains(**library));
            assert_eq!(found, None, "{name} knows nothing of the wire");
        }
    }
}

/// Names that are held in memory may be behind; whatever decides reads the keys, under their locks.
#[test]
fn nothing_that_decides_knows_names_in_memory() {
    let known: Vec<String> = texts("crates", "rs")
        .into_iter()
        .filter(|(_, text)| text.contains("Nearby"))
        .map(|(path, _)| path.display().to_string())
        .filter(|path| !path.starts_with("crates/deal/src/account/nearby/"))
        .collect();
    let allowed = [
        "crates/deal/src/account/matched.rs",
        "crates/deal/src/account/service.rs",
        "crates/server/src/services.rs",
    ];
    assert_eq!(known, allowed);
}
