//! What a caller writes into a plan version, and what must hold of the version as a whole. Pure.

use trellis_core::{Currency, Date, ProgramId, Rate, TierId, Timestamp, Violation};
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version::{Kind, Model, State};
use trellis_store::incentive::terms::{
    Audience, Band, BandBy, FactKind, Hold, Limits, Measure, Mode, PayOn, Policy, Protection,
    Quantity, Schedule, Sharing, StackCap, Target, Terms, Threshold,
};
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
    pub(crate) trigger: Option<FactKind>,
    /// Which facts count.
    pub(crate) trigger_condition: Option<String>,
    /// What it measures.
    pub(crate) measure: Option<Measure>,
    /// How the measure becomes money.
    pub(crate) schedule: Option<ScheduleEdit>,
    /// Who gets which part.
    pub(crate) sharing: Option<Sharing>,
    /// For how long, how little, how much.
    pub(crate) limits: Option<Limits>,
    /// For how many days it holds back.
    pub(crate) hold_days: Option<u32>,
    /// What is held otherwise, and taken back.
    pub(crate) protection: Option<Protection>,
    /// How it goes together with other plans.
    pub(crate) policy: Option<Policy>,
    /// The paths of the amounts that it names, and the currencies that they were given in.
    pub(crate) currencies: Vec<(String, Currency)>,
}

/// An audience as a caller named it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AudienceEdit {
    /// The tiers, with the programs that they are tiers of.
    pub(crate) tiers: Vec<(ProgramId, TierId)>,
    /// The kinds of partners.
    pub(crate) partner_types: Vec<PartnerType>,
    /// What else must hold of them.
    pub(crate) condition: String,
}

/// A schedule as a caller gave it.
#[derive(Clone, Debug)]
pub(crate) struct ScheduleEdit {
    /// How the bands work together.
    pub(crate) mode: Mode,
    /// When a band counts as reached.
    pub(crate) threshold: Threshold,
    /// The bands, by rising beginning.
    pub(crate) bands: Vec<BandEdit>,
}

/// A band as a caller gave it.
#[derive(Clone, Debug)]
pub(crate) struct BandEdit {
    /// Where it begins.
    pub(crate) from: Rate,
    /// Whether that was given as an amount of money.
    pub(crate) in_money: bool,
    /// What it pays of the measure.
    pub(crate) rate: Rate,
    /// What it pays once.
    pub(crate) fixed_minor: i64,
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
            trigger_condition,
            measure,
            schedule,
            sharing,
            limits,
            hold_days,
            protection,
            policy,
            currencies: _,
        } = self;
        [
            ("effective_from_date", effective_from.is_some()),
            ("effective_until_date", effective_until.is_some()),
            ("currency_code", currency.is_some()),
            ("kind", kind.is_some()),
            ("audience", audience.is_some()),
            ("trigger", trigger.is_some()),
            ("trigger_condition", trigger_condition.is_some()),
            ("measure", measure.is_some()),
            ("schedule", schedule.is_some()),
            ("sharing", sharing.is_some()),
            ("limits", limits.is_some()),
            ("hold_days", hold_days.is_some()),
            ("protection", protection.is_some()),
            ("policy", policy.is_some()),
        ]
        .into_iter()
        .filter(|(_, changes)| *changes)
        .map(|(field, _)| field.to_owned())
        .collect()
    }
}

/// A draft that says what the edit says; none if a field that it needs is missing.
pub(crate) fn draft(plan: &plan::Model, number: i32, edit: &Edit, now: Timestamp) -> Option<Model> {
    let all_there = edit.trigger.is_some() && edit.measure.is_some() && edit.schedule.is_some();
    let mut version = Model {
        ecosystem: plan.ecosystem.clone(),
        plan: plan.id.clone(),
        number,
        program: plan.program.clone(),
        state: State::Draft,
        effective_from: edit.effective_from?,
        effective_until: None,
        retire_date: None,
        retire_decision_time: None,
        currency: edit.currency?,
        kind: edit.kind?,
        terms: all_there.then(Terms::default)?,
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
        trigger_condition,
        measure,
        schedule,
        sharing,
        limits,
        hold_days,
        protection,
        policy,
        currencies: _,
    } = edit.clone();
    let terms = &mut version.terms;
    set(&mut version.effective_from, effective_from);
    set(&mut version.effective_until, effective_until);
    set(&mut version.currency, currency);
    set(&mut version.kind, kind);
    set(&mut terms.trigger.fact, trigger);
    set(&mut terms.trigger.condition, trigger_condition);
    set(&mut terms.measure, measure);
    set(&mut terms.schedule, schedule.map(Schedule::from));
    set(&mut terms.sharing, sharing);
    set(&mut terms.limits, limits);
    set(&mut terms.policy, policy);
    if let Some(AudienceEdit {
        tiers,
        partner_types,
        condition,
    }) = audience
    {
        terms.audience = Audience {
            tiers: tiers.into_iter().map(|(_, tier)| tier).collect(),
            partner_types,
            condition,
        };
    }
    hold(terms, protection, hold_days);
}

/// The days of a hold stand beside the other ways to hold. Whatever is not given stays, but where the
/// other way is given it goes.
fn hold(terms: &mut Terms, protection: Option<Protection>, hold_days: Option<u32>) {
    let before = terms.protection.hold.clone();
    if let Some(protection) = protection {
        terms.protection = protection;
        if let (Hold::None, Hold::Days(_)) = (&terms.protection.hold, &before) {
            terms.protection.hold = before;
        }
    }
    match (hold_days, &terms.protection.hold) {
        (None, _) | (Some(0), Hold::None | Hold::Months(_) | Hold::Until(_)) => {}
        (Some(0), Hold::Days(_)) => terms.protection.hold = Hold::None,
        (Some(days), _) => terms.protection.hold = Hold::Days(days),
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl From<ScheduleEdit> for Schedule {
    fn from(edit: ScheduleEdit) -> Self {
        let ScheduleEdit {
            mode,
            threshold,
            bands,
        } = edit;
        let bands: Vec<Band> = bands
            .into_iter()
            .map(|band| Band {
                from: band.from,
                rate: band.rate,
                fixed_minor: band.fixed_minor,
            })
            .collect();
        Self {
            mode,
            threshold,
            // A first band that does not begin at the bottom is a floor.
            floor: bands.first().is_some_and(|first| !first.from.is_zero()),
            bands,
        }
    }
}

/// Whether bands begin at amounts of money.
pub(crate) fn in_money(measure: &Measure) -> bool {
    measure.band_by == BandBy::Measure && measure.source.quantity() == Quantity::Money
}

/// What is said of a share that is more than all.
pub(crate) const BEYOND_ONE: &str = "must be between 0 and 1: 0.05 is 5 %";

/// Whether the rates of bands are shares of what was measured, so that none is more than all of it.
pub(crate) fn pays_shares(measure: &Measure, mode: Mode) -> bool {
    measure.source.quantity() == Quantity::Money
        && measure.pay_on == PayOn::Measure
        && mode != Mode::Linear
}

/// What is wrong with a version as a whole, after an edit.
pub(crate) fn broken(
    plan: &plan::Model,
    version: &Model,
    edit: &Edit,
    before: Option<&Model>,
) -> Vec<Violation> {
    let mut wrong = Wrong(Vec::new());
    if version
        .effective_until
        .is_some_and(|until| until <= version.effective_from)
    {
        let from = version.effective_from;
        let otherwise = format!("must be after {from}");
        wrong.add("effective_until_date", "date.after", otherwise);
    }
    if let Some(AudienceEdit { tiers, .. }) = &edit.audience {
        for (index, _) in tiers
            .iter()
            .enumerate()
            .filter(|(_, (program, _))| *program != plan.program)
        {
            let otherwise = format!("must be a tier of program {}", plan.program);
            wrong.add(
                &format!("audience.tiers[{index}]"),
                "other_program",
                otherwise,
            );
        }
    }
    bands(version, edit, before, &mut wrong);
    currencies(version, edit, before, &mut wrong);
    if let (Some(days), Some(Hold::Months(_) | Hold::Until(_))) = (
        edit.hold_days.filter(|days| *days > 0),
        edit.protection.as_ref().map(|protection| &protection.hold),
    ) {
        let otherwise = format!("is {days}, and protection holds otherwise; leave one of them out");
        wrong.add("hold_days", "protection.hold", otherwise);
    }
    wrong.0
}

struct Wrong(Vec<Violation>);

impl Wrong {
    fn add(&mut self, field: &str, rule: &str, description: String) {
        let field = format!("plan_version.{field}");
        self.0.push(Violation::new(field, rule, description));
    }
}

/// Bands begin at what the measure says that they begin at, and pay no more than there is.
fn bands(version: &Model, edit: &Edit, before: Option<&Model>, wrong: &mut Wrong) {
    let measure = &version.terms.measure;
    let in_money = in_money(measure);
    if let Some(schedule) = &edit.schedule {
        let begins_wrong = |band: &BandEdit| !band.from.is_zero() && band.in_money != in_money;
        let bands = schedule.bands.iter().enumerate();
        for (at, _) in bands.filter(|(_, band)| begins_wrong(band)) {
            let (given, otherwise) = if in_money {
                (
                    "from_value",
                    "begins at an amount of money here; use from_amount",
                )
            } else {
                (
                    "from_amount",
                    "does not begin at an amount of money here; use from_value",
                )
            };
            let path = format!("schedule.bands[{at}].{given}");
            wrong.add(&path, "band.from", otherwise.to_owned());
        }
    } else if before.is_some_and(|before| self::in_money(&before.terms.measure) != in_money)
        && version
            .terms
            .schedule
            .bands
            .iter()
            .any(|band| !band.from.is_zero())
    {
        let otherwise = "changes what the bands begin at; give the schedule anew".to_owned();
        wrong.add("measure", "measure.kept_bands", otherwise);
    }
    let schedule = &version.terms.schedule;
    let shares = pays_shares(measure, schedule.mode);
    for (at, band) in schedule.bands.iter().enumerate() {
        if shares && band.rate > Rate::ONE {
            let otherwise = BEYOND_ONE.to_owned();
            wrong.add(
                &format!("schedule.bands[{at}].rate"),
                "rate.range",
                otherwise,
            );
        }
    }
}

/// All amounts are in the currency of the version, those too that stay when the currency changes.
fn currencies(version: &Model, edit: &Edit, before: Option<&Model>, wrong: &mut Wrong) {
    let pays = version.currency;
    for (path, currency) in &edit.currencies {
        if *currency != pays {
            let otherwise = format!("must be in {pays}, the currency of the version");
            wrong.add(path, "money.currency", otherwise);
        }
    }
    if before.is_none_or(|before| before.currency == pays) {
        return;
    }
    let Terms {
        measure,
        schedule,
        limits,
        policy,
        ..
    } = &version.terms;
    let kept = [
        ("measure", edit.measure.is_none() && measure_names(measure)),
        (
            "schedule",
            edit.schedule.is_none() && schedule_names(schedule, in_money(measure)),
        ),
        (
            "limits",
            edit.limits.is_none() && !(limits.limits.is_empty() && limits.draw.is_none()),
        ),
        ("policy", edit.policy.is_none() && policy_names(policy)),
    ];
    for (field, _) in kept.into_iter().filter(|(_, kept)| *kept) {
        let otherwise = format!("changes; give the {field} anew in {pays}");
        wrong.add("currency_code", "currency.kept_amounts", otherwise);
    }
}

/// Whether a measure names amounts of money.
fn measure_names(measure: &Measure) -> bool {
    matches!(measure.pay_on, PayOn::TargetPayout(_))
        || (matches!(measure.target, Target::Fixed(_))
            && measure.source.quantity() == Quantity::Money)
}

/// Whether a schedule does.
fn schedule_names(schedule: &Schedule, in_money: bool) -> bool {
    let names = |band: &Band| (in_money && !band.from.is_zero()) || band.fixed_minor != 0;
    schedule.bands.iter().any(names)
}

/// Whether a policy does.
fn policy_names(policy: &Policy) -> bool {
    let cap = policy.stack.as_ref().and_then(|stack| stack.cap);
    matches!(cap, Some(StackCap::AmountMinor(_)))
}
