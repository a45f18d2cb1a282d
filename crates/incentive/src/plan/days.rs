//! On which days a version may hold: for whole periods, and on days of others only where that is said.
//! Pure.

use trellis_core::{Date, Period, Problem, Violation};
use trellis_store::incentive::plan_version::Model;
use trellis_store::incentive::terms::Window;

use crate::Error;

/// A version with a period starts and ends where periods do: an award of half a period would depend
/// on which half its deals fell into.
///
/// # Errors
/// `PRECONDITION`, naming the first day that begins no period.
pub(super) fn whole_periods(version: &Model, resource: &str) -> Result<(), Problem> {
    let window = version.terms.measure.window;
    let days = [Some(version.effective_from), version.effective_until];
    match days
        .into_iter()
        .flatten()
        .find(|date| !begins_period(*date, window))
    {
        Some(date) => Err(cut_period(window, date, resource)),
        None => Ok(()),
    }
}

/// Whether a day is the first of a period, or there are none.
pub(super) fn begins_period(date: Date, window: Window) -> bool {
    window
        .cadence()
        .is_none_or(|cadence| Period::containing(date, cadence).start() == date)
}

fn cut_period(window: Window, date: Date, resource: &str) -> Problem {
    let period = period_word(window);
    unless(
        resource,
        format!("it must start and end where a {period} begins, which {date} is not"),
    )
}

/// What a period of a window is called.
pub(super) const fn period_word(window: Window) -> &'static str {
    match window {
        Window::Event | Window::Lifetime => "deal",
        Window::Month => "month",
        Window::Quarter => "quarter",
        Window::Half => "half year",
        Window::Year => "year",
    }
}

fn unless(resource: &str, requires: String) -> Problem {
    Problem::Precondition {
        resource: resource.to_owned(),
        requires,
    }
}

/// The versions from which one takes days when it is scheduled, of all that are scheduled; `said` is the
/// first of these days as its caller knows it.
///
/// # Errors
/// `VERSION_OVERLAP` when it takes days and that was not said, or another first day; `PRECONDITION` when
/// it may not take them.
pub(super) fn taken<'a>(
    version: &Model,
    all: &'a [Model],
    said: Option<Date>,
    resource: impl Fn(&Model) -> String,
) -> Result<Vec<&'a Model>, Error> {
    let own = resource(version);
    let overlapping: Vec<&Model> = all
        .iter()
        .filter(|other| other.number != version.number && overlap(version, other))
        .collect();
    let start = |other: &Model| version.effective_from.max(other.effective_from);
    let Some(first) = overlapping.iter().min_by_key(|other| start(other)) else {
        return match said {
            None => Ok(Vec::new()),
            Some(_) => {
                let requires = "no other version of its plan holds on its days; leave out \
                                supersede_from_date";
                Err(unless(&own, requires.to_owned()).into())
            }
        };
    };
    if let Some(higher) = overlapping
        .iter()
        .find(|other| other.number > version.number)
    {
        let requires = format!(
            "{} has a higher number and counts on the days of both; make a new version of the plan",
            resource(higher)
        );
        return Err(unless(&own, requires).into());
    }
    if said != Some(start(first)) {
        return Err(Error::VersionOverlap {
            resource: own,
            overlaps: resource(first),
            from: start(first),
        });
    }
    for other in &overlapping {
        may_take(version, other, &own, &resource(other))?;
    }
    Ok(overlapping)
}

/// Whether a version may take days of another one.
fn may_take(version: &Model, other: &Model, own: &str, others: &str) -> Result<(), Problem> {
    if version.currency != other.currency {
        let requires = format!(
            "it must pay in {} as {others} does, from which it takes days: an award has one currency",
            other.currency
        );
        return Err(unless(own, requires));
    }
    let within =
        |day: &Date| other.effective_from < *day && other.end().is_none_or(|end| *day < end);
    let edges = [Some(version.effective_from), version.end()];
    let window = other.terms.measure.window;
    if let Some(day) = edges
        .into_iter()
        .flatten()
        .filter(within)
        .find(|day| !begins_period(*day, window))
    {
        return Err(cut_period(window, day, own));
    }
    match incomparable(version, other) {
        Some(field) if !version.terms.policy.may_reduce_paid => {
            let requires = format!(
                "{field} must be that of {others}, from which it takes days, or policy.keeps_paid must \
                 be false: what was paid for something else cannot be kept"
            );
            Err(unless(own, requires))
        }
        _ => Ok(()),
    }
}

/// The field by which awards of two versions are for different things.
fn incomparable(version: &Model, other: &Model) -> Option<&'static str> {
    let (one, two) = (&version.terms, &other.terms);
    let fields = [
        ("trigger", one.trigger.fact == two.trigger.fact),
        ("measure.window", one.measure.window == two.measure.window),
        (
            "measure.group_by",
            one.measure.group_by == two.measure.group_by,
        ),
        ("sharing", one.sharing == two.sharing),
    ];
    fields
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(field, _)| field)
}

/// Whether there is a day on which both would hold.
fn overlap(one: &Model, other: &Model) -> bool {
    let start = one.effective_from.max(other.effective_from);
    [one.end(), other.end()]
        .into_iter()
        .flatten()
        .all(|end| start < end)
}

/// The versions that hold again from a day on when one is retired that had taken their days.
///
/// # Errors
/// `INVALID_FIELDS` when the day is before today; `PRECONDITION` when the version ends by then anyway,
/// would cut a period, or has held and others would hold again without anybody having said so.
pub(super) fn left<'a>(
    version: &Model,
    all: &'a [Model],
    (date, today): (Date, Date),
    resource: impl Fn(&Model) -> String,
) -> Result<Vec<&'a Model>, Problem> {
    if date < today {
        let description = format!("must not be before {today}, today in the program's time zone");
        let violation = Violation::new("retire_date", "date.gte_today", description);
        return Err(Problem::Invalid(vec![violation]));
    }
    let own = resource(version);
    if let Some(end) = version.end().filter(|end| *end <= date) {
        let requires = format!("the day must be before {end}, on which it ends anyway");
        return Err(unless(&own, requires));
    }
    let window = version.terms.measure.window;
    let has_held = date > version.effective_from;
    if has_held && !begins_period(date, window) {
        return Err(cut_period(window, date, &own));
    }
    let rest = Model {
        effective_from: date.max(version.effective_from),
        ..version.clone()
    };
    let beneath: Vec<&Model> = all
        .iter()
        .filter(|other| other.number < version.number && overlap(&rest, other))
        .collect();
    match beneath.first() {
        Some(other) if has_held => {
            let requires = format!(
                "{} would hold again from {} on; retire that first, from the same day on or before",
                resource(other),
                other.effective_from.max(date)
            );
            Err(unless(&own, requires))
        }
        _ => Ok(beneath),
    }
}

#[cfg(test)]
mod tests {
    use trellis_core::{Currency, EcosystemId, PlanId, ProgramId, Timestamp};
    use trellis_store::incentive::plan_version::{Kind, State};
    use trellis_store::incentive::terms::{FactKind, GroupBy, Sharing, Terms};

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn version(from: &str, until: Option<&str>, retire: Option<&str>) -> Model {
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            plan: PlanId::try_new("spiff").unwrap(),
            number: 1,
            program: ProgramId::try_new("channel").unwrap(),
            state: State::Scheduled,
            effective_from: day(from),
            effective_until: until.map(day),
            retire_date: retire.map(day),
            retire_decision_time: None,
            currency: Currency::USD,
            kind: Kind::Bonus,
            terms: {
                let mut terms = Terms::default();
                terms.measure.window = Window::Quarter;
                terms
            },
            time_zone: None,
            start_time: None,
            end_time: None,
            schedule_time: None,
            catch_up: None,
            version: 1,
            create_time: Timestamp::EPOCH,
            update_time: Timestamp::EPOCH,
        }
    }

    fn second(from: &str, until: Option<&str>) -> Model {
        Model {
            number: 2,
            ..version(from, until, None)
        }
    }

    fn number(version: &Model) -> String {
        format!("version {}", version.number)
    }

    /// What comes of taking days: whose, or the refusal.
    fn takes(version: &Model, all: &[Model], said: Option<&str>) -> Result<Vec<i32>, String> {
        match taken(version, all, said.map(day), number) {
            Ok(taken) => Ok(taken.iter().map(|other| other.number).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn versions_overlap_where_both_hold_on_a_day() {
        let first = version("2026-01-01", Some("2026-07-01"), None);
        let cases = [
            ("2026-07-01", None, None, false),
            ("2026-06-30", None, None, true),
            ("2025-01-01", Some("2026-01-01"), None, false),
            ("2025-01-01", Some("2026-01-02"), None, true),
            ("2025-01-01", None, None, true),
            ("2025-01-01", None, Some("2026-01-01"), false),
            // One that was retired before it began holds on no day.
            ("2026-03-01", None, Some("2026-02-01"), false),
        ];
        for (from, until, retire, expected) in cases {
            let other = version(from, until, retire);
            assert_eq!(
                overlap(&first, &other),
                expected,
                "{from} {until:?} {retire:?}"
            );
            assert_eq!(
                overlap(&other, &first),
                expected,
                "{from} {until:?} {retire:?}"
            );
        }
    }

    #[test]
    fn a_version_with_a_period_starts_and_ends_where_periods_do() {
        let problem = |from, until| whole_periods(&version(from, until, None), "v").is_err();
        assert!(!problem("2026-04-01", None));
        assert!(!problem("2026-04-01", Some("2026-10-01")));
        assert!(problem("2026-05-01", None));
        assert!(problem("2026-04-01", Some("2026-11-01")));
    }

    #[test]
    fn days_are_taken_only_where_the_first_of_them_is_said() {
        let first = [version("2026-01-01", None, None)];
        let retro = second("2026-04-01", None);
        assert_eq!(takes(&retro, &first, Some("2026-04-01")), Ok(vec![1]));
        for said in [None, Some("2025-04-01")] {
            let refusal = takes(&retro, &first, said).unwrap_err();
            assert!(refusal.contains("from 2026-04-01"), "{refusal}");
        }
        // Where it begins before the other one does, the other's first day is the first that it takes.
        let before = second("2025-10-01", None);
        assert!(takes(&before, &first, Some("2025-10-01")).is_err());
        assert_eq!(takes(&before, &first, Some("2026-01-01")), Ok(vec![1]));
        // Whoever means to take days and takes none has mistaken something.
        let ended = [version("2026-01-01", Some("2026-04-01"), None)];
        assert_eq!(takes(&retro, &ended, None), Ok(Vec::new()));
        assert!(takes(&retro, &ended, Some("2026-04-01")).is_err());
    }

    #[test]
    fn a_version_takes_no_days_of_a_higher_one() {
        let second = [second("2026-04-01", None)];
        let first = version("2026-01-01", None, None);
        let refusal = takes(&first, &second, Some("2026-04-01")).unwrap_err();
        assert!(refusal.contains("higher number"), "{refusal}");
    }

    #[test]
    fn a_period_of_another_version_is_not_cut() {
        let quarterly = [version("2026-01-01", None, None)];
        let of_deals = |from: &str, until: Option<&str>| {
            let mut version = second(from, until);
            version.terms.measure.window = Window::Event;
            version.terms.policy.may_reduce_paid = true;
            takes(&version, &quarterly, Some(from))
        };
        assert_eq!(of_deals("2026-04-01", Some("2026-07-01")), Ok(vec![1]));
        assert!(of_deals("2026-05-01", None).is_err());
        assert!(of_deals("2026-04-01", Some("2026-05-17")).is_err());
    }

    #[test]
    fn what_was_paid_is_kept_for_the_same_thing_only() {
        let first = [version("2026-01-01", None, None)];
        let changes: [fn(&mut Model); 4] = [
            |version| version.terms.measure.window = Window::Half,
            |version| {
                version.terms.trigger.fact = FactKind::InvoicePaid;
            },
            |version| {
                version.terms.measure.group_by = GroupBy::PartnerCustomer;
            },
            |version| version.terms.sharing = Sharing::Funds(Vec::new()),
        ];
        for change in changes {
            let mut retro = second("2026-01-01", None);
            change(&mut retro);
            retro.terms.policy.may_reduce_paid = true;
            assert_eq!(takes(&retro, &first, Some("2026-01-01")), Ok(vec![1]));
            retro.terms.policy.may_reduce_paid = false;
            let refusal = takes(&retro, &first, Some("2026-01-01")).unwrap_err();
            assert!(refusal.contains("keeps_paid"), "{refusal}");
        }
        let mut euro = second("2026-01-01", None);
        euro.currency = Currency::EUR;
        assert!(takes(&euro, &first, Some("2026-01-01")).is_err());
    }

    #[test]
    fn a_version_that_has_held_is_not_retired_onto_another_one() {
        let later = second("2026-04-01", None);
        let leaves = |date: &str, first: Model| {
            let days = (day(date), day("2026-03-02"));
            left(&later, &[first], days, number).map(|others| others.len())
        };
        let open = || version("2026-01-01", None, None);
        assert_eq!(leaves("2026-04-01", open()), Ok(1), "it never held");
        assert!(leaves("2026-07-01", open()).is_err());
        let retired = version("2026-01-01", None, Some("2026-07-01"));
        assert_eq!(leaves("2026-07-01", retired), Ok(0));
    }

    #[test]
    fn a_period_begins_on_its_first_day_only() {
        assert!(begins_period(day("2026-04-01"), Window::Quarter));
        assert!(!begins_period(day("2026-05-01"), Window::Quarter));
        assert!(begins_period(day("2026-05-01"), Window::Month));
        assert!(!begins_period(day("2026-04-01"), Window::Half));
        assert!(begins_period(day("2026-07-01"), Window::Half));
        assert!(!begins_period(day("2026-07-01"), Window::Year));
        assert!(begins_period(day("2026-05-17"), Window::Event));
    }
}
