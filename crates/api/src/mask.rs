//! Update masks: which fields an update changes, as in AIP-134, 161 and 203.

use prost_protovalidate::Validate;
use prost_types::FieldMask;
use trellis_core::{Problem, Violation};

use crate::Fields;
use crate::fields::broken_rules;

/// A field of a resource, as the contract declares it.
#[derive(Clone, Copy, Debug)]
pub struct ResourceField {
    /// Its name.
    pub name: &'static str,
    /// Whether callers give it its value: it is neither output only, nor the name or the etag.
    pub given: bool,
    /// The oneof that it belongs to.
    pub oneof: Option<&'static str>,
}

/// A resource of the contract. The implementations are generated from the descriptors.
pub trait Resource: Validate {
    /// Its type, such as `trellis.dev/Partner`.
    const TYPE: &'static str;
    /// Its fields.
    const FIELDS: &'static [ResourceField];

    /// Those of the fields that callers give which are set.
    fn populated(&self) -> Vec<&'static str>;

    /// The value of a field as text, only for finding out whether it is another.
    fn shown(&self, field: &str) -> String;
}

/// Which fields an update changes.
///
/// * Without a mask: those that are set.
/// * `*`: all that can be changed; those that are not set are emptied.
/// * Fields that only the server sets, the name and the etag are ignored.
/// * Fields that a caller gives but an update cannot change must be sent as they are:
///   [`unchanged`](Self::unchanged) holds it.
/// * What is not a field at all is a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    field: String,
    covered: Vec<&'static str>,
    fixed: Vec<(&'static str, String)>,
}

impl Mask {
    /// Whether the update changes this field.
    #[must_use]
    pub fn covers(&self, field: &str) -> bool {
        self.covered.contains(&field)
    }

    /// The fields that the update changes.
    #[must_use]
    pub fn covered(&self) -> &[&'static str] {
        &self.covered
    }

    /// The value, if the update changes this field.
    #[must_use]
    pub fn keep<T>(&self, field: &str, value: Option<T>) -> Option<T> {
        value.filter(|_| self.covers(field))
    }

    /// Reads a field only if the update changes it: `Some(None)` when it does not, `None` when what
    /// is read is wrong.
    pub fn read<T>(&self, field: &str, read: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
        if self.covers(field) {
            read().map(Some)
        } else {
            Some(None)
        }
    }

    /// Checks that fields which an update cannot change were sent as they are.
    ///
    /// # Errors
    /// `Invalid` with every field that was sent with another value.
    pub fn unchanged<R: Resource>(&self, current: &R) -> Result<(), Problem> {
        let changed = self
            .fixed
            .iter()
            .filter(|(field, sent)| current.shown(field) != *sent);
        let violations: Vec<Violation> = changed
            .map(|(field, _)| {
                let path = format!("{}.{field}", self.field);
                Violation::new(path, "immutable", "cannot be changed by an update")
            })
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Problem::Invalid(violations))
        }
    }
}

const PATH: &str = "update_mask";

pub(crate) fn read<R: Resource>(
    fields: &mut Fields,
    field: &str,
    resource: &R,
    update_mask: Option<FieldMask>,
    mutable: &'static [&'static str],
) -> Option<Mask> {
    debug_assert!(
        mutable.iter().all(|name| R::FIELDS
            .iter()
            .any(|known| known.name == *name && known.given)),
        "{}: only fields that callers give can be mutable",
        R::TYPE
    );
    let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
    let mut mask = Mask {
        field: field.to_owned(),
        covered: Vec::new(),
        fixed: Vec::new(),
    };
    match paths.as_slice() {
        [] => {
            for name in resource.populated() {
                mask.add(name, resource, mutable);
            }
        }
        [all] if all == "*" => {
            mask.covered = mutable.to_vec();
            for name in resource
                .populated()
                .into_iter()
                .filter(|name| !mutable.contains(name))
            {
                mask.add(name, resource, mutable);
            }
        }
        paths => {
            for path in paths {
                match R::FIELDS.iter().find(|known| known.name == path) {
                    Some(known) if known.given => mask.add(known.name, resource, mutable),
                    Some(_) => {}
                    None => return refuse(fields, path, mutable),
                }
            }
        }
    }
    for violation in broken_rules(resource) {
        if mask.concerns::<R>(root(&violation.field)) {
            let path = format!("{field}.{}", violation.field);
            fields.complain(Violation {
                field: path,
                ..violation
            });
        }
    }
    Some(mask)
}

impl Mask {
    fn add<R: Resource>(&mut self, name: &'static str, resource: &R, mutable: &[&'static str]) {
        if !mutable.contains(&name) {
            self.fixed.push((name, resource.shown(name)));
        } else if !self.covered.contains(&name) {
            self.covered.push(name);
        }
    }

    /// Whether a rule of this field, or of this oneof, is one that the update can break.
    fn concerns<R: Resource>(&self, root: &str) -> bool {
        let covered = |known: &&ResourceField| self.covered.contains(&known.name);
        R::FIELDS
            .iter()
            .filter(covered)
            .any(|known| known.name == root || known.oneof == Some(root))
    }
}

fn refuse(fields: &mut Fields, path: &str, mutable: &'static [&'static str]) -> Option<Mask> {
    let whole = root(path);
    let description = if path == "*" {
        "`*` means all fields and stands alone".to_owned()
    } else if whole != path && mutable.contains(&whole) {
        format!("`{path}` cannot be changed by itself; name `{whole}` as a whole")
    } else {
        format!(
            "`{path}` is not a field; those that can be changed: {}",
            mutable.join(", ")
        )
    };
    fields.refuse(PATH, "field_mask", description);
    None
}

/// The first part of a path.
fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
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
}
