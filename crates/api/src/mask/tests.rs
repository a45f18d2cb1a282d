use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::partner::v1::Partner;
use crate::platform::v1::Ecosystem;

const MUTABLE: &[&str] = &["display_name", "partner_type", "region_code", "external_id"];

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

fn covered(partner: &Partner, update_mask: Option<FieldMask>) -> Vec<&'static str> {
    let mut fields = Fields::new(None, Vec::new());
    let mask = fields
        .mask("partner", partner, update_mask, MUTABLE)
        .unwrap();
    assert!(fields.all_well(), "{fields:?}");
    mask.covered().to_vec()
}

fn nimbus() -> Partner {
    Partner {
        name: "ecosystems/acme/partners/nimbus".to_owned(),
        display_name: "Nimbus".to_owned(),
        partner_type: 1,
        state: 4,
        etag: "\"7\"".to_owned(),
        ..Partner::default()
    }
}

#[test]
fn without_a_mask_the_fields_that_are_set_change() {
    assert_eq!(covered(&nimbus(), None), ["display_name", "partner_type"]);
    assert_eq!(
        covered(&nimbus(), mask(&[])),
        ["display_name", "partner_type"]
    );
}

#[test]
fn a_star_changes_all_that_can_be_changed() {
    assert_eq!(covered(&nimbus(), mask(&["*"])), MUTABLE);
}

#[test]
fn what_only_the_server_sets_is_ignored() {
    let mask = mask(&[
        "state",
        "create_time",
        "name",
        "etag",
        "region_code",
        "region_code",
    ]);
    assert_eq!(covered(&nimbus(), mask), ["region_code"]);
}

#[test]
fn what_is_no_field_is_refused() {
    let cases = [
        (
            mask(&["colour"]),
            "those that can be changed: display_name, partner_type",
        ),
        (mask(&["*", "display_name"]), "stands alone"),
        (
            mask(&["display_name.first"]),
            "name `display_name` as a whole",
        ),
        (mask(&["display_name", ""]), "is not a field"),
    ];
    for (update_mask, expected) in cases {
        let mut fields = Fields::new(None, Vec::new());
        assert_eq!(
            fields.mask("partner", &nimbus(), update_mask, MUTABLE),
            None
        );
        let violation = fields.into_violations().remove(0);
        assert_eq!(
            (violation.field.as_str(), violation.rule.as_str()),
            (PATH, "field_mask")
        );
        assert!(
            violation.description.contains(expected),
            "{}",
            violation.description
        );
    }
}

#[test]
fn only_the_rules_of_covered_fields_are_checked() {
    let broken = Partner {
        region_code: "germany".to_owned(),
        ..Partner::default()
    };
    let mut fields = Fields::new(None, Vec::new());
    fields
        .mask(
            "partner",
            &broken,
            mask(&["region_code", "external_id"]),
            MUTABLE,
        )
        .unwrap();
    let violations = fields.into_violations();
    let paths: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(paths, ["partner.region_code"]);

    let mut fields = Fields::new(None, Vec::new());
    fields
        .mask("partner", &broken, mask(&["*"]), MUTABLE)
        .unwrap();
    assert_eq!(fields.into_violations().len(), 3);
}

#[test]
fn values_are_kept_and_read_only_where_the_mask_covers() {
    let mut fields = Fields::new(None, Vec::new());
    let mask = fields
        .mask("partner", &nimbus(), mask(&["region_code"]), MUTABLE)
        .unwrap();
    assert_eq!(mask.keep("region_code", Some(1)), Some(1));
    assert_eq!(mask.keep("display_name", Some(1)), None);
    assert_eq!(mask.read("region_code", || Some(1)), Some(Some(1)));
    assert_eq!(mask.read("region_code", || None::<i32>), None);
    assert_eq!(mask.read("display_name", || None::<i32>), Some(None));
}

#[test]
fn what_cannot_be_changed_must_be_sent_as_it_is() {
    let sandbox = Ecosystem {
        sandbox: true,
        ..Ecosystem::default()
    };
    let open = Ecosystem::default();
    let read = |sent: &Ecosystem, update_mask| {
        Fields::new(None, Vec::new()).mask("ecosystem", sent, update_mask, &["display_name"])
    };
    for update_mask in [None, mask(&["*"]), mask(&["sandbox"])] {
        let mask = read(&sandbox, update_mask).unwrap();
        assert_eq!(mask.unchanged(&sandbox), Ok(()));
        let Err(Problem::Invalid(violations)) = mask.unchanged(&open) else {
            panic!("a changed field was taken")
        };
        assert_eq!(violations.first().unwrap().field, "ecosystem.sandbox");
    }
    // What is not sent is not changed, unless it is named.
    assert_eq!(read(&open, None).unwrap().unchanged(&sandbox), Ok(()));
    assert_eq!(
        read(&open, mask(&["*"])).unwrap().unchanged(&sandbox),
        Ok(())
    );
    assert!(
        read(&open, mask(&["sandbox"]))
            .unwrap()
            .unchanged(&sandbox)
            .is_err()
    );
}

/// A resource with a oneof, whose rule is that one of its fields is set.
struct Choice;

impl Validate for Choice {
    fn validate(&self) -> Result<(), prost_protovalidate::ValidationError> {
        let broken = prost_protovalidate::Violation::new("scope", "required", "choose one");
        Err(prost_protovalidate::ValidationError::single(broken))
    }
}

impl Resource for Choice {
    const TYPE: &'static str = "trellis.dev/Choice";
    const FIELDS: &'static [ResourceField] = &[
        ResourceField {
            name: "title",
            given: true,
            guarded: false,
            oneof: None,
        },
        ResourceField {
            name: "partner",
            given: true,
            guarded: false,
            oneof: Some("scope"),
        },
    ];

    fn populated(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn shown(&self, _: &str) -> String {
        String::new()
    }
}

#[test]
fn the_rule_of_a_oneof_is_checked_with_any_of_its_fields() {
    for (path, broken) in [("title", 0), ("partner", 1)] {
        let mut fields = Fields::new(None, Vec::new());
        fields
            .mask("choice", &Choice, mask(&[path]), &["title", "partner"])
            .unwrap();
        assert_eq!(fields.into_violations().len(), broken, "{path}");
    }
}

#[test]
fn a_misspelt_field_is_met_with_the_one_that_was_meant() {
    let description = |path: &str| {
        let mut fields = Fields::new(None, Vec::new());
        assert_eq!(
            fields.mask("partner", &nimbus(), mask(&[path]), MUTABLE),
            None
        );
        let violations = fields.into_violations();
        violations.first().unwrap().description.clone()
    };
    assert!(description("displayName").ends_with("; did you mean `display_name`?"));
    assert!(description("colour").ends_with("region_code, external_id"));
    assert!(description(&"x".repeat(100_000)).len() < 200);
}

proptest! {
    /// In whatever order and however often: what is covered is what was named and can be changed.
    #[test]
    fn a_mask_covers_what_it_names(paths in prop::collection::vec(prop::sample::select(vec![
        "display_name", "partner_type", "region_code", "external_id", "etag", "name", "state",
        "create_time", "domain",
    ]), 1..12)) {
        let mut fields = Fields::new(None, Vec::new());
        let read = fields.mask("partner", &nimbus(), mask(&paths), MUTABLE).unwrap();
        let named: BTreeSet<&str> =
            paths.iter().copied().filter(|path| MUTABLE.contains(path)).collect();
        let covered: BTreeSet<&str> = read.covered().iter().copied().collect();
        prop_assert_eq!(covered.len(), read.covered().len());
        prop_assert_eq!(covered, named);
        // What cannot be changed was sent as it is.
        prop_assert_eq!(read.unchanged(&nimbus()), Ok(()));
    }

    #[test]
    fn no_mask_panics(paths in prop::collection::vec(".*", 0..4)) {
        let mut fields = Fields::new(None, Vec::new());
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        let read = fields.mask("partner", &nimbus(), mask(&paths), MUTABLE);
        prop_assert!(read.is_some() || !fields.all_well());
    }
}
