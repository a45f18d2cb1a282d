//! `google.type.Date` and days of the calendar. Only whole days are taken: a year alone, or a month,
//! is not a day.

use trellis_core::{Date, Violation};

use crate::google::r#type::Date as Wire;

/// A day on the wire.
#[must_use]
pub fn wire(date: Date) -> Wire {
    Wire {
        year: date.year(),
        month: date.month(),
        day: date.day(),
    }
}

/// A day from the wire.
///
/// # Errors
/// When the calendar has no such day.
pub fn read(wire: &Wire) -> Result<Date, Violation> {
    let Wire { year, month, day } = *wire;
    Date::try_new(year, month, day).map_err(|error| Violation::new("", "date", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_back_as_it_was_sent() {
        let sent = Wire {
            year: 2026,
            month: 2,
            day: 28,
        };
        assert_eq!(wire(read(&sent).unwrap()), sent);
    }

    #[test]
    fn days_that_are_not_whole_or_not_there_are_refused() {
        for (year, month, day) in [(2026, 2, 29), (2026, 2, 0), (2026, 0, 0), (0, 2, 1)] {
            assert_eq!(read(&Wire { year, month, day }).unwrap_err().rule, "date");
        }
    }
}
