//! What an award is for: a deal, or a period of the calendar.

use std::fmt;

use trellis_core::incentive::terms::Window;
use trellis_core::{Cadence, Date, DealId, Period};

/// What an award is for. Together with its plan and its partner it is the award's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One deal.
    Deal(DealId),
    /// All deals won in a period.
    Period(Period),
}

impl Scope {
    /// What a deal that was won on a day belongs to, for a plan that adds up over a window.
    pub fn of(deal: &DealId, date: Date, window: Window) -> Self {
        match window.cadence() {
            None => Self::Deal(deal.clone()),
            Some(cadence) => Self::Period(Period::containing(date, cadence)),
        }
    }

    /// The text that keys it: `deal/…` or `2026-Q2`.
    pub fn key(&self) -> String {
        match self {
            Self::Deal(deal) => format!("deal/{deal}"),
            Self::Period(period) => label(*period),
        }
    }
}

impl fmt::Display for Scope {
    /// For people: `the deal` or `2026-Q2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deal(_) => f.write_str("the deal"),
            Self::Period(period) => f.write_str(&label(*period)),
        }
    }
}

/// A period as people and keys write it: `2026-05`, `2026-Q2`, `2026-H1`, `2026`.
fn label(period: Period) -> String {
    let start = period.start();
    let year = start.year();
    match period.cadence() {
        Cadence::Month => format!("{year:04}-{:02}", start.month()),
        Cadence::Quarter => format!("{year:04}-Q{}", start.quarter()),
        Cadence::HalfYear => format!("{year:04}-H{}", if start.month() < 7 { 1 } else { 2 }),
        Cadence::Year => format!("{year:04}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_deal_belongs_to_the_period_of_its_day() {
        let deal = DealId::try_new("deal-1").unwrap();
        let key = |window| Scope::of(&deal, date("2026-06-30"), window).key();
        assert_eq!(key(Window::Event), "deal/deal-1");
        assert_eq!(key(Window::Month), "2026-06");
        assert_eq!(key(Window::Quarter), "2026-Q2");
        assert_eq!(key(Window::Half), "2026-H1");
        assert_eq!(key(Window::Year), "2026");
        let next = Scope::of(&deal, date("2026-07-01"), Window::Half);
        assert_eq!(next.key(), "2026-H2");
    }
}
