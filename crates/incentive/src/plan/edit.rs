//! What a caller writes into a plan version, and what must hold of the version as a whole. Pure.

use trellis_core::{Currency, Date, ProgramId, TierId, Timestamp, Violation};
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version::{Kind, Model, State};
use trellis_store::incentive::terms::{Audience, Limits, Schedule, Source, Terms, Trigger, Window};
use trellis_store::partner::partner::PartnerType;

/// Changes to the fields that a caller sets; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// The first day on which it holds.
    pub(crate) effective_from: Option<Date>,
    /// The first day on which it no longer holds.
    pub(crate) effective_until: Option<Option<Date>>,
    /// The currency that it pays in.
    pub(crate) currency: Option<Currency>,
    /// What sort of payment it is.
    pub(crate) kind: Option<Kind>,
    /// Whom it pays.
    pub(crate) audience: Option<AudienceEdit>,
    /// What makes it look at a partner.
    pub(crate) trigger: Option<Trigger>,
    /// What it measures.
    pub(crate) measure: Option<(Source, Window)>,
    /// How the measure becomes money.
    pub(crate) schedule: Option<Priced<Schedule>>,
    /// The least and the most.
    pub(crate) limits: Option<Priced<Limits>>,
    /// For how many days it holds back.
    pub(crate) hold_days: Option<i32>,
}

/// An audience as a caller named it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AudienceEdit {
    /// The tiers, with the programs that they are tiers of.
    pub(crate) tiers: Vec<(ProgramId, TierId)>,
    /// The kinds of partners.
    pub(crate) partner_types: Vec<PartnerType>,
}

/// Amounts that are kept without their currency, with the currency that each was given in.
#[derive(Clone, Debug)]
pub(crate) struct Priced<T> {
    /// The amounts.
    pub(crate) value: T,
    /// The paths of the amounts, and their currencies.
    pub(crate) currencies: Vec<(String, Currency)>,
}

impl Edit {
    /// The names of the fields that it changes.
    pub(crate) fn fields(&self) -> Vec<String> {
        let Self {
            effective_from,
            effective_until,
            currency,
            kind,
            audience,
            trigger,
            measure,
            schedule,
            limits,
            hold_days,
        } = self;
        [
            ("effective_from_date", effective_from.is_some()),
            ("effective_until_date", effective_until.is_some()),
            ("currency_code", currency.is_some()),
            ("kind", kind.is_some()),
            ("audience", audience.is_some()),
            ("trigger", trigger.is_some()),
            ("measure", measure.is_some()),
            ("schedule", schedule.is_some()),
            ("limits", limits.is_some()),
            ("hold_days", hold_days.is_some()),
        ]
        .into_iter()
        .filter(|(_, changes)| *changes)
        .map(|(field, _)| field.to_owned())
        .collect()
    }
}

/// A draft that says what the edit says; none if a field that it needs is missing.
pub(crate) fn draft(plan: &plan::Model, number: i32, edit: &Edit, now: Timestamp) -> Option<Model> {
    let (source, window) = edit.measure?;
    let mut version = Model {
        ecosystem: plan.ecosystem.clone(),
        plan: plan.id.clone(),
        number,
        program: plan.program.clone(),
        state: State::Draft,
        effective_from: edit.effective_from?,
        effective_until: None,
        retire_date: None,
        currency: edit.currency?,
        kind: edit.kind?,
        terms: Terms {
            audience: Audience::default(),
            trigger: edit.trigger?,
            source,
            window,
            schedule: edit.schedule.as_ref()?.value.clone(),
            limits: Limits::default(),
            hold_days: 0,
        },
        time_zone: None,
        start_time: None,
        end_time: None,
        schedule_time: None,
        catch_up: None,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut version, edit);
    Some(version)
}

/// Changes a version as an edit says.
pub(crate) fn apply(version: &mut Model, edit: &Edit) {
    let Edit {
        effective_from,
        effective_until,
        currency,
        kind,
        audience,
        trigger,
        measure,
        schedule,
        limits,
        hold_days,
    } = edit.clone();
    let terms = &mut version.terms;
    set(&mut version.effective_from, effective_from);
    set(&mut version.effective_until, effective_until);
    set(&mut version.currency, currency);
    set(&mut version.kind, kind);
    set(&mut terms.trigger, trigger);
    set(&mut terms.schedule, schedule.map(|priced| priced.value));
    set(&mut terms.limits, limits.map(|priced| priced.value));
    set(&mut terms.hold_days, hold_days);
    if let Some((source, window)) = measure {
        (terms.source, terms.window) = (source, window);
    }
    if let Some(AudienceEdit {
        tiers,
        partner_types,
    }) = audience
    {
        let tiers = tiers.into_iter().map(|(_, tier)| tier).collect();
        terms.audience = Audience {
            tiers,
            partner_types,
        };
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// What is wrong with a version as a whole, after an edit.
pub(crate) fn broken(
    plan: &plan::Model,
    version: &Model,
    edit: &Edit,
    before: Option<&Model>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refuse = |field: &str, rule: &str, description: String| {
        violations.push(Violation::new(
            format!("plan_version.{field}"),
            rule,
            description,
        ));
    };
    if version
        .effective_until
        .is_some_and(|until| until <= version.effective_from)
    {
        let from = version.effective_from;
        refuse(
            "effective_until_date",
            "date.after",
            format!("must be after {from}"),
        );
    }
    if let Some(AudienceEdit { tiers, .. }) = &edit.audience {
        for (index, _) in tiers
            .iter()
            .enumerate()
            .filter(|(_, (program, _))| *program != plan.program)
        {
            let description = format!("must be a tier of program {}", plan.program);
            refuse(
                &format!("audience.tiers[{index}]"),
                "other_program",
                description,
            );
        }
    }
    let pays = version.currency;
    let given = [
        edit.schedule.as_ref().map(|priced| &priced.currencies),
        edit.limits.as_ref().map(|priced| &priced.currencies),
    ];
    for (path, currency) in given.into_iter().flatten().flatten() {
        if *currency != pays {
            let description = format!("must be in {pays}, the currency of the version");
            refuse(path, "money.currency", description);
        }
    }
    if before.is_some_and(|before| before.currency != pays) {
        for (field, kept) in [
            (
                "schedule",
                edit.schedule.is_none() && names_amounts(&version.terms.schedule),
            ),
            (
                "limits",
                edit.limits.is_none() && version.terms.limits != Limits::default(),
            ),
        ] {
            if kept {
                let description = format!("changes; give the {field} anew in {pays}");
                refuse("currency_code", "currency.kept_amounts", description);
            }
        }
    }
    violations
}

fn names_amounts(schedule: &Schedule) -> bool {
    schedule
        .bands
        .iter()
        .any(|band| band.from_minor != 0 || band.fixed_minor != 0)
}
