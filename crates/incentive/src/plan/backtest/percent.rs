//! Percentages: exact, rounded once to hundredths, half away from zero. Pure.

/// A part of a whole in percent, as a plain decimal number. Nothing where there is no whole.
pub(super) fn percent(part: i128, whole: i128) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let exact = part.checked_mul(10_000)?;
    let (cut, rest) = (exact / whole, (exact % whole).unsigned_abs());
    let away = rest >= whole.unsigned_abs() - rest;
    let rounded = if away { cut + exact.signum() } else { cut };
    Some(decimal(rounded))
}

/// Hundredths as a decimal number without needless zeros.
fn decimal(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100,
    );
    let text = format!("{sign}{whole}.{rest:02}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero_and_needless_zeros_go() {
        for (part, whole, expected) in [
            (0, 7, "0"),
            (1, 8, "12.5"),
            (-1, 8, "-12.5"),
            (1, 3, "33.33"),
            (2, 3, "66.67"),
            (-2, 3, "-66.67"),
            // A half of a hundredth.
            (1, 20_000, "0.01"),
            (-1, 20_000, "-0.01"),
            (1, 20_001, "0"),
            (-1, 20_001, "0"),
            (5, 2, "250"),
            (1, 1_000, "0.1"),
            (i128::from(i64::MAX), 1, "922337203685477580700"),
        ] {
            let found = percent(part, whole);
            assert_eq!(found.as_deref(), Some(expected), "{part}/{whole}");
        }
    }

    #[test]
    fn of_nothing_there_is_no_percentage() {
        assert_eq!(percent(5, 0), None);
        assert_eq!(percent(5, -5), None);
    }
}
