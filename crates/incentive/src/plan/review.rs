//! What is likely to be a mistake in a version, and what the versions of a plan say in plain words.
//! Nothing is written.

use std::collections::BTreeSet;

use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, Date, PlanId};
use trellis_evaluation::lint::{Colour, Finding, Surroundings};
use trellis_evaluation::plan::PlanVersion;
use trellis_evaluation::predicate::Record;
use trellis_store::incentive::plan_version::{self, Model, State};
use trellis_store::incentive::{plan, total};
use trellis_store::partner::partner;
use trellis_store::program::enrollment;
use trellis_store::{Store, View, record};

use super::terms::wire_state;
use super::versions::{Key, absent, resource};
use super::{lifecycle, plans, reading};
use crate::Error;

/// Partners that an audience is tried on.
const PARTNERS_MAX: u64 = 5_000;

/// Versions of one description.
const VERSIONS_MAX: u64 = 100;

/// Looks for what is likely to be a mistake.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn lint(
    store: &Store,
    call: Call,
    key: Key,
) -> Result<pb::LintPlanVersionResponse, Error> {
    let view = store.read(&call).await?;
    let version = plan_version::find(&view, &key.plan, key.number).await?;
    let version = version.ok_or_else(|| absent(&view, &key))?;
    let plan = plans::find(&view, &key.plan).await?;
    let others = others(&view, &version).await?;
    let partners = partners(&view, &version).await?;
    let currencies = total::currencies(&view).await?;
    let read = reading::read(&version, &plan.display_name);
    let around = Surroundings {
        others: &others,
        partners: &partners,
        currencies: &currencies,
        ..Surroundings::default()
    };
    let complexity = read.complexity(&around);
    let colour = match complexity.colour() {
        Colour::Green => pb::lint_plan_version_response::Colour::Green,
        Colour::Amber => pb::lint_plan_version_response::Colour::Amber,
        Colour::Red => pb::lint_plan_version_response::Colour::Red,
    };
    let wired = |finding: Finding| pb::PlanFinding {
        rule: finding.rule.to_owned(),
        field: reading::on_wire(&finding.field, &version.terms),
        text: finding.message,
    };
    Ok(pb::LintPlanVersionResponse {
        findings: read.lint(&around).into_iter().map(wired).collect(),
        complexity: i32::try_from(complexity.0).unwrap_or(i32::MAX),
        colour: colour.into(),
    })
}

/// The other versions that hold or are to hold, of all plans of the program.
async fn others(view: &View, version: &Model) -> Result<Vec<PlanVersion>, Error> {
    let all = plan_version::of_program(view, &version.program).await?;
    let ids: BTreeSet<PlanId> = all.iter().map(|other| other.plan.clone()).collect();
    let plans = record::find_many::<plan::Entity>(view, ids).await?;
    Ok(all
        .iter()
        .filter(|other| (&other.plan, other.number) != (&version.plan, version.number))
        .map(|other| {
            let plan = plans.iter().find(|plan| plan.id == other.plan);
            let name = plan.map_or(other.plan.as_str(), |plan| plan.display_name.as_str());
            reading::read(other, name)
        })
        .collect())
}

/// The partners of the program, as conditions see them.
async fn partners(view: &View, version: &Model) -> Result<Vec<Record>, Error> {
    let enrolled = enrollment::standing(view, &version.program, PARTNERS_MAX).await?;
    let ids = enrolled.iter().map(|enrolled| enrolled.partner.clone());
    let partners = record::find_many::<partner::Entity>(view, ids).await?;
    let zone = trellis_core::TimeZone::utc();
    let today = zone.local_date(view.now());
    Ok(partners
        .into_iter()
        .filter_map(|partner| {
            let enrolled = enrolled
                .iter()
                .find(|enrolled| enrolled.partner == partner.id)?;
            let joined = months(zone.local_date(partner.create_time), today);
            // No condition asks for the id; it is what a finding calls the partner.
            let mut record = Record::new()
                .with("partner.id", partner.id.as_str())
                .with("partner.type", partner.partner_type.name().as_str())
                .with(
                    "partner.status",
                    trellis_core::lifecycle::Named::name(partner.state),
                )
                .with("partner.joined_months", joined)
                .with("program.id", version.program.as_str())
                .with("enrollment.program", version.program.as_str())
                .with("enrollment.tier", enrolled.tier.as_str());
            if let Some(country) = &partner.region_code {
                record.set("partner.country", country.as_str());
            }
            Some(record)
        })
        .collect())
}

/// How many full months lie between two days.
fn months(from: Date, until: Date) -> i64 {
    let begun = (until.year() - from.year()) * 12 + until.month() - from.month();
    i64::from(if from.plus_months(begun) > until {
        begun - 1
    } else {
        begun
    })
}

/// Says what the versions of a plan pay.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn describe(
    store: &Store,
    call: Call,
    id: PlanId,
) -> Result<pb::DescribePlanResponse, Error> {
    let view = store.read(&call).await?;
    let plan = plans::find(&view, &id).await?;
    let versions = plan_version::unretired(&view, &id, VERSIONS_MAX).await?;
    let standing = versions
        .into_iter()
        .map(|version| lifecycle::as_of(version, view.now()))
        .filter(|version| version.state != State::Retired);
    let described = standing.map(|version| {
        let text = reading::read(&version, &plan.display_name).describe();
        let words = text.split_whitespace().count();
        pb::PlanDescription {
            plan_version: resource(&view, &version),
            state: wire_state(version.state).into(),
            text,
            word_count: i32::try_from(words).unwrap_or(i32::MAX),
        }
    });
    Ok(pb::DescribePlanResponse {
        descriptions: described.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_months_count() {
        let between =
            |from: &str, until: &str| months(from.parse().unwrap(), until.parse().unwrap());
        assert_eq!(between("2026-01-31", "2026-02-27"), 0);
        assert_eq!(between("2026-01-31", "2026-02-28"), 1);
        assert_eq!(between("2025-12-15", "2026-11-14"), 10);
        assert_eq!(between("2025-12-15", "2026-11-15"), 11);
    }
}
