//! The plan versions that a question is about: those that it names, and those that it gives as they
//! would be.

use std::collections::{BTreeMap, BTreeSet};

use trellis_api::Fields;
use trellis_api::incentive::v1 as pb;
use trellis_core::{PlanId, Timestamp, Violation};
use trellis_evaluation::evaluate::Ready;
use trellis_store::View;
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version::{self, Model};

use super::convert::{edit, key};
use super::edit::{Edit, broken, draft};
use super::versions::{Key, absent};
use super::{plans, reading};
use crate::Error;

/// The versions that a question is about.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Those that are there.
    named: Vec<Key>,
    /// Those that are given.
    given: Vec<Given>,
}

/// A version as it would be.
#[derive(Clone, Debug)]
struct Given {
    /// Of which plan, and with which number.
    key: Key,
    /// What it says, all of it.
    edit: Edit,
}

/// A version that was asked about.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where the request has it.
    pub(crate) path: String,
    /// Its plan.
    pub(crate) plan: plan::Model,
    /// The version; one that is given is a draft.
    pub(crate) version: Model,
}

/// Reads the fields `plan_versions` and `given_versions` of a request.
pub(crate) fn read(
    plan_versions: &[String],
    given_versions: Vec<pb::PlanVersion>,
    fields: &mut Fields,
) -> Option<Asked> {
    if plan_versions.is_empty() && given_versions.is_empty() {
        let otherwise = "name or give one version at least";
        fields.refuse("plan_versions", "required", otherwise);
    }
    let named: Vec<Option<Key>> = plan_versions
        .iter()
        .enumerate()
        .map(|(at, name)| key(&named_path(at), name, fields))
        .collect();
    let given: Vec<Option<Given>> = given_versions
        .into_iter()
        .enumerate()
        .map(|(at, version)| given(at, version, fields))
        .collect();
    Some(Asked {
        named: named.into_iter().collect::<Option<_>>()?,
        given: given.into_iter().collect::<Option<_>>()?,
    })
}

fn named_path(at: usize) -> String {
    format!("plan_versions[{at}]")
}

fn given_path(at: usize) -> String {
    format!("given_versions[{at}]")
}

/// A version that is a part of the request; what is wrong with it is told beneath its place.
fn given(at: usize, version: pb::PlanVersion, fields: &mut Fields) -> Option<Given> {
    let read = fields.apart(version, |version, own| {
        let key = key("name", &version.name, own);
        let edit = edit(version, None, own);
        Some(Given {
            key: key?,
            edit: edit?,
        })
    });
    match read {
        Ok(given) => Some(given),
        Err(violations) => {
            for violation in beneath(&given_path(at), violations) {
                fields.refuse(violation.field, violation.rule, violation.description);
            }
            None
        }
    }
}

impl Asked {
    /// Finds all of them; answers beside them everything that is wrong with those that are given.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND` when a version or the plan of one is not there.
    pub(crate) async fn find(&self, view: &View) -> Result<(Vec<Found>, Vec<Violation>), Error> {
        let given_keys = self.given.iter().map(|given| &given.key);
        let mut plans: BTreeMap<&PlanId, plan::Model> = BTreeMap::new();
        for key in self.named.iter().chain(given_keys) {
            if !plans.contains_key(&key.plan) {
                plans.insert(&key.plan, plans::find(view, &key.plan).await?);
            }
        }
        let mut found = Vec::new();
        for (at, key) in self.named.iter().enumerate() {
            let version = plan_version::find(view, &key.plan, key.number).await?;
            let version = version.ok_or_else(|| absent(view, key))?;
            let plan = plans.get(&key.plan).cloned();
            found.extend(plan.map(|plan| Found {
                path: named_path(at),
                plan,
                version,
            }));
        }
        let mut violations = self.twice();
        for (at, given) in self.given.iter().enumerate() {
            let path = given_path(at);
            match as_given(given, plans.get(&given.key.plan), view.now()) {
                Ok((plan, version)) => found.push(Found {
                    path,
                    plan,
                    version,
                }),
                Err(wrong) => violations.extend(beneath(&path, wrong)),
            }
        }
        Ok((found, violations))
    }

    /// Each version once: which of two would count cannot be told.
    fn twice(&self) -> Vec<Violation> {
        let named = self.named.iter();
        let mut seen: BTreeSet<(&PlanId, i32)> = named.map(|key| (&key.plan, key.number)).collect();
        let given = self.given.iter().enumerate();
        given
            .filter(|(_, given)| !seen.insert((&given.key.plan, given.key.number)))
            .map(|(at, _)| {
                let otherwise = "names a version that is named already; give it another number";
                let field = format!("{}.name", given_path(at));
                Violation::new(field, "version.unique", otherwise)
            })
            .collect()
    }
}

impl Found {
    /// The field of the request that names it.
    pub(crate) fn name(&self) -> String {
        let given = self.path.starts_with("given_versions");
        format!("{}{}", self.path, if given { ".name" } else { "" })
    }

    /// The version, ready to compute with.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place in the request.
    pub(crate) fn ready(&self) -> Result<Ready, Vec<Violation>> {
        let read = reading::read(&self.version, &self.plan.display_name);
        Ready::new(read).map_err(|wrong| {
            let wrong = wrong.into_iter().map(|violation| Violation {
                field: reading::on_wire(&violation.field, &self.version.terms),
                ..violation
            });
            beneath(&self.path, wrong.collect()).collect()
        })
    }
}

fn as_given(
    given: &Given,
    plan: Option<&plan::Model>,
    now: Timestamp,
) -> Result<(plan::Model, Model), Vec<Violation>> {
    let Given { key, edit } = given;
    let missing = || vec![Violation::new("", "required", "misses a required field")];
    let plan = plan.ok_or_else(missing)?;
    let version = draft(plan, key.number, edit, now).ok_or_else(missing)?;
    let mut wrong = broken(plan, &version, edit, None);
    if wrong.is_empty() {
        wrong = reading::wrong(&version);
    }
    if wrong.is_empty() {
        Ok((plan.clone(), version))
    } else {
        Err(wrong)
    }
}

/// Violations of a version that is a part of the request.
fn beneath(path: &str, violations: Vec<Violation>) -> impl Iterator<Item = Violation> {
    violations.into_iter().map(move |violation| {
        let field = violation.field.trim_start_matches("plan_version.");
        let dot = if field.is_empty() { "" } else { "." };
        Violation {
            field: format!("{path}{dot}{field}"),
            ..violation
        }
    })
}
