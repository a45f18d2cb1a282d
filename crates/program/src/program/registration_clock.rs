//! Between the wire and the clocks of deal registration.

use std::collections::BTreeSet;

use trellis_api::google::r#type::DayOfWeek;
use trellis_api::program::v1 as pb;
use trellis_api::{Fields, date};
use trellis_core::{Calendar, Weekday};
use trellis_store::program::program::{FinalBreach, RegistrationClock};

/// The clocks on the wire, with all that is as usual.
pub(super) fn wire(clock: RegistrationClock) -> pb::RegistrationClock {
    let RegistrationClock {
        calendar: Calendar { weekdays, holidays },
        info_business_days,
        resubmission_limit,
        response_business_days,
        escalation_business_days,
        on_final_breach,
        cool_off_days,
    } = clock;
    let weekdays = weekdays.into_iter();
    pb::RegistrationClock {
        business_days: weekdays.map(|day| wire_weekday(day).into()).collect(),
        holidays: holidays.into_iter().map(date::wire).collect(),
        info_business_days: Some(info_business_days),
        resubmission_limit: Some(resubmission_limit),
        response_business_days: Some(response_business_days),
        escalation_business_days: Some(escalation_business_days),
        on_final_breach: wire_breach(on_final_breach).into(),
        cool_off_days: Some(cool_off_days),
    }
}

fn wire_breach(breach: FinalBreach) -> pb::registration_clock::FinalBreach {
    match breach {
        FinalBreach::Escalate => pb::registration_clock::FinalBreach::Escalate,
        FinalBreach::AutoApprove => pb::registration_clock::FinalBreach::AutoApprove,
    }
}

/// Values that are none are refused by the contract's own rules.
fn breach(sent: i32) -> FinalBreach {
    match pb::registration_clock::FinalBreach::try_from(sent) {
        Ok(pb::registration_clock::FinalBreach::AutoApprove) => FinalBreach::AutoApprove,
        _ => FinalBreach::Escalate,
    }
}

/// The clocks as they were sent; what was left out is as usual.
pub(super) fn read(
    fields: &mut Fields,
    sent: Option<pb::RegistrationClock>,
) -> Option<RegistrationClock> {
    let pb::RegistrationClock {
        business_days,
        holidays,
        info_business_days,
        resubmission_limit,
        response_business_days,
        escalation_business_days,
        on_final_breach,
        cool_off_days,
    } = sent.unwrap_or_default();
    let usual = RegistrationClock::default();
    let mut read = Some(BTreeSet::new());
    for (at, holiday) in holidays.into_iter().enumerate() {
        let field = format!("program.registration_clock.holidays[{at}]");
        let holiday = fields.optional_date(&field, Some(holiday)).flatten();
        match (holiday, &mut read) {
            (Some(holiday), Some(holidays)) => _ = holidays.insert(holiday),
            _ => read = None,
        }
    }
    // Values that are none are refused by the contract's own rules.
    let weekdays = business_days.into_iter().filter_map(weekday);
    let weekdays: BTreeSet<Weekday> = weekdays.collect();
    Some(RegistrationClock {
        calendar: Calendar {
            weekdays: match weekdays.is_empty() {
                true => usual.calendar.weekdays,
                false => weekdays,
            },
            holidays: read?,
        },
        info_business_days: info_business_days.unwrap_or(usual.info_business_days),
        resubmission_limit: resubmission_limit.unwrap_or(usual.resubmission_limit),
        response_business_days: response_business_days.unwrap_or(usual.response_business_days),
        escalation_business_days: escalation_business_days
            .unwrap_or(usual.escalation_business_days),
        on_final_breach: breach(on_final_breach),
        cool_off_days: cool_off_days.unwrap_or(usual.cool_off_days),
    })
}

fn wire_weekday(day: Weekday) -> DayOfWeek {
    match day {
        Weekday::Monday => DayOfWeek::Monday,
        Weekday::Tuesday => DayOfWeek::Tuesday,
        Weekday::Wednesday => DayOfWeek::Wednesday,
        Weekday::Thursday => DayOfWeek::Thursday,
        Weekday::Friday => DayOfWeek::Friday,
        Weekday::Saturday => DayOfWeek::Saturday,
        Weekday::Sunday => DayOfWeek::Sunday,
    }
}

fn weekday(sent: i32) -> Option<Weekday> {
    let sent = DayOfWeek::try_from(sent).ok()?;
    Weekday::ALL
        .into_iter()
        .find(|day| wire_weekday(*day) == sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_week_goes_there_and_back() {
        for day in Weekday::ALL {
            assert_eq!(weekday(wire_weekday(day).into()), Some(day));
        }
        assert_eq!(weekday(0), None);
        assert_eq!(weekday(8), None);
    }

    #[test]
    fn a_clock_that_nobody_has_set_is_as_usual() {
        let stored: RegistrationClock = serde_json::from_str("{}").unwrap();
        assert_eq!(stored, RegistrationClock::default());
        assert_eq!(stored.calendar.weekdays.len(), 5);
        assert!(!stored.calendar.weekdays.contains(&Weekday::Saturday));
    }
}
