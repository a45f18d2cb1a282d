//! The setting that is a list of tables: the issuers whose tokens are accepted.
//!
//! In the file each is a table of its own, `[[issuers]]`. The environment and the flag write the
//! same list as TOML writes it on one line: `[{alias = "…", issuer = "…", …}]`.

use std::fmt;

use super::value::Value;
use crate::identity::{InvalidIssuers, IssuerSettings, read_issuers};

/// The issuers whose tokens are accepted.
#[derive(Clone, PartialEq)]
pub struct IssuerList {
    issuers: Vec<IssuerSettings>,
    /// As written, to show it again.
    written: toml::Value,
}

// What is written has no numbers with a fraction: a list with one is not read.
impl Eq for IssuerList {}

impl IssuerList {
    /// The settings of each issuer.
    #[must_use]
    pub fn values(&self) -> &[IssuerSettings] {
        &self.issuers
    }

    fn try_read(text: &str) -> Result<Self, InvalidIssuers> {
        let invalid = |message: String| InvalidIssuers(vec![message]);
        // A list of nothing in a file has no text.
        let written = if matches!(text, "none" | "") {
            toml::Value::Array(Vec::new())
        } else {
            let read = toml::de::ValueDeserializer::parse(text);
            let read = read.and_then(serde::Deserialize::deserialize);
            read.map_err(|error| invalid(format!("is not a TOML list: {}", error.message())))?
        };
        let toml::Value::Array(list) = &written else {
            return Err(invalid(format!("expects {}", Self::EXPECTS)));
        };
        let issuers = read_issuers(list)?;
        Ok(Self { issuers, written })
    }
}

impl fmt::Debug for IssuerList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.issuers.fmt(formatter)
    }
}

impl Value for IssuerList {
    const EXPECTS: &'static str = "tables [[issuers]] in the file, \
                                   [{alias = \"…\", …}] elsewhere, or none";

    fn read(text: &str) -> Option<Self> {
        Self::try_read(text).ok()
    }

    fn show(&self) -> String {
        if self.issuers.is_empty() {
            "none".to_owned()
        } else {
            self.written.to_string()
        }
    }

    fn mistakes(text: &str) -> Vec<String> {
        match Self::try_read(text) {
            Ok(_) => Vec::new(),
            Err(InvalidIssuers(mistakes)) => mistakes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::{Loaded, Mistakes, Origin, Sources};
    use super::*;

    const FILE: &str = r#"
        streams-max = 7

        [[issuers]]
        alias = "people"
        issuer = "https://id.example.com/realms/acme"
        audiences = ["trellis"]
        algorithms = ["ES256", "RS256"]
        ecosystems = ["acme", "acme-test"]
        ecosystem-claim = "https://example.com/ecosystem"
        roles-claim = ["realm_access", "roles"]
        roles = { "channel manager" = "channel_manager" }
        leeway = "0s"

        [[issuers]]
        alias = "services"
        issuer = "ours"
        audiences = ["trellis"]
        algorithms = ["EdDSA"]
        jwks-file = "keys.json"
        ecosystems = ["acme"]
    "#;

    fn file(text: &str) -> Result<Loaded, Mistakes> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.toml");
        std::fs::write(&path, text).unwrap();
        let sources = Sources {
            file: Some(path),
            ..Sources::default()
        };
        sources.load()
    }

    fn wrong(text: &str) -> Vec<String> {
        let Mistakes(mistakes) = file(text).unwrap_err();
        let messages = mistakes.into_iter().map(|mistake| mistake.message);
        messages.collect()
    }

    #[test]
    fn issuers_are_tables_in_the_file_and_one_line_elsewhere() {
        let loaded = file(FILE).unwrap();
        let issuers = &loaded.settings.issuers;
        let aliases: Vec<_> = issuers.values().iter().map(IssuerSettings::alias).collect();
        assert_eq!(aliases, ["people", "services"]);
        assert!(matches!(loaded.origins["issuers"], Origin::File(_)));

        // What is shown is read again, from the environment and from a file.
        let sources = Sources {
            environment: vec![("TRELLIS_ISSUERS".to_owned(), issuers.show())],
            ..Sources::default()
        };
        assert_eq!(&sources.load().unwrap().settings.issuers, issuers);
        let printed = loaded.to_string();
        assert!(printed.contains("\nissuers = [{"), "{printed}");
        assert_eq!(&file(&printed).unwrap().settings.issuers, issuers);
        let long = |line: &&str| line.len() > 200 && !line.starts_with("issuers");
        assert_eq!(printed.lines().find(long), None);
    }

    #[test]
    fn without_issuers_there_are_none() {
        assert!(file("").unwrap().settings.issuers.values().is_empty());
        assert!(
            file("issuers = []")
                .unwrap()
                .settings
                .issuers
                .values()
                .is_empty()
        );
        assert_eq!(file("").unwrap().settings.issuers.show(), "none");
    }

    #[test]
    fn everything_that_is_wrong_with_an_issuer_is_told_at_once() {
        let told = wrong(
            r#"
            [[issuers]]
            alias = "My IdP"
            issuer = "http://id.example.com"
            algorithms = ["HS256", "none"]
            token-types = ["id_token"]
            leeway = "61s"
            lifetime-max = "soon"
            ecosystems = ["acme", "ACME", "globex"]
            roles = { x = "root", y = "partner_rep" }
            person-claim = "name"
            "#,
        );
        let expected = [
            "alias must be lower case letters",
            "issuer expects an https:// URL",
            "audiences expects at least one",
            "algorithms has \"HS256\", but expects ES256, ES384, EdDSA, RS256, PS256",
            "algorithms has \"none\", but expects",
            "token-types has \"id_token\", but expects at+jwt, JWT",
            "leeway must not be longer than 60s",
            "lifetime-max expects a duration",
            "ecosystems has \"ACME\", but expects",
            "ecosystem-claim is needed when there are several",
            "roles has \"root\", but expects ecosystem_admin, ",
            "roles and roles-claim go together",
            "partner-claim is needed for",
            "person-claim expects email or preferred_username",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            let expected = format!("issuers[0] \"My IdP\": {expected}");
            assert!(told.starts_with(&expected), "{told}");
        }
    }

    #[test]
    fn no_algorithm_with_a_shared_secret_or_without_a_signature_can_be_set() {
        for algorithm in [
            "HS256", "HS384", "HS512", "none", "NONE", "", "RS1", "es256",
        ] {
            let text = FILE.replace("\"RS256\"", &format!("{algorithm:?}"));
            assert!(wrong(&text)[0].contains("algorithms has"), "{algorithm}");
        }
    }

    #[test]
    fn no_issuer_speaks_in_the_names_of_others() {
        for alias in ["certificate", "sha256", "system"] {
            let told = wrong(&FILE.replace("\"people\"", &format!("{alias:?}")));
            assert!(
                told[0].contains("alias is what names of others"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn issuers_differ_and_their_keys_are_in_one_place() {
        let twice = FILE.replace("\"services\"", "\"people\"");
        assert_eq!(
            wrong(&twice),
            ["issuers[1] \"people\": alias is another issuer's too"]
        );
        let twice = FILE.replace("\"ours\"", "\"https://id.example.com/realms/acme\"");
        assert!(wrong(&twice)[0].contains("issuer stands twice"));
        let both = FILE.replace("jwks-file", "jwks-url = \"https://a.example/k\"\njwks-file");
        assert!(wrong(&both)[0].contains("jwks-url and jwks-file are two places"));
    }

    #[test]
    fn a_misspelt_key_or_a_value_of_another_kind_is_told() {
        let misspelt = wrong(&FILE.replace("audiences", "audience"));
        assert!(
            misspelt[0].contains("issuers[0]: unknown field `audience`"),
            "{misspelt:?}"
        );
        let kind = wrong(&FILE.replace("\"0s\"", "1.5"));
        assert!(kind[0].starts_with("issuers[0]: "), "{kind:?}");
        for text in ["issuers = 'acme'", "issuers = ['acme']", "issuers = 1"] {
            assert_eq!(wrong(text).len(), 1, "{text}");
        }
    }
    #[test]
    fn every_example_of_the_documentation_can_be_used() {
        let documentation = include_str!("../../../../docs/identity.md");
        let blocks = documentation.split("```toml\n").skip(1);
        let examples: Vec<_> = blocks
            .filter_map(|block| block.split("```").next())
            .collect();
        assert!(examples.len() >= 5);
        for example in examples {
            let loaded = file(example).unwrap();
            assert_eq!(loaded.settings.issuers.values().len(), 1, "{example}");
        }
    }
}
