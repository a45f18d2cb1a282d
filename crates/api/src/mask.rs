//! Update masks: which fields an update changes, as in AIP-134, 161 and 203.

use prost_protovalidate::Validate;
use prost_types::FieldMask;
use trellis_core::{Eyes, Problem, Violation};

use crate::fields::broken_rules;
use crate::{Fields, near};

/// A field of a resource, as the contract declares it.
#[derive(Clone, Copy, Debug)]
pub struct ResourceField {
    /// Its name.
    pub name: &'static str,
    /// Whether callers give it its value: it is neither output only, nor the name or the etag.
    pub given: bool,
    /// Whether only the vendor's staff set it.
    pub guarded: bool,
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
            let ours = |name: &&str| settable(R::FIELDS, fields.eyes(), name);
            mask.covered = mutable.iter().copied().filter(ours).collect();
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
                    Some(known) if !settable(R::FIELDS, fields.eyes(), known.name) => {
                        return refuse_guarded(fields, path);
                    }
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

/// Whether whoever sees with these eyes sets the field.
fn settable(fields: &[ResourceField], eyes: Eyes, name: &str) -> bool {
    let guarded = |known: &ResourceField| known.name == name && known.guarded;
    eyes == Eyes::Staff || !fields.iter().any(guarded)
}

fn refuse_guarded(fields: &mut Fields, path: &str) -> Option<Mask> {
    let description = format!("only the staff of the ecosystem set `{path}`; leave it out");
    fields.refuse(PATH, "staff_sets", description);
    None
}

fn refuse(fields: &mut Fields, path: &str, mutable: &'static [&'static str]) -> Option<Mask> {
    let whole = root(path);
    let description = if path == "*" {
        "`*` means all fields and stands alone".to_owned()
    } else if whole != path && mutable.contains(&whole) {
        let path = near::shown(path);
        format!("`{path}` cannot be changed by itself; name `{whole}` as a whole")
    } else {
        let question = near::question(path, mutable.iter().copied());
        let (path, known) = (near::shown(path), mutable.join(", "));
        format!("`{path}` is not a field; those that can be changed: {known}{question}")
    };
    fields.refuse(PATH, "field_mask", description);
    None
}

/// The first part of a path.
fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
