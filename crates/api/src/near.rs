//! What somebody may have meant by a name that is not known.

/// Names longer than this are nobody's slip, and comparing them costs time.
const LONGEST: usize = 64;

/// How many letters of a message a name that is not known may take.
const SHOWN: usize = 64;

/// The known name that is nearest to this one, when it is near enough to have been meant: it differs
/// in case and hyphens only, or in no more than every third letter.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().count() > LONGEST {
        return None;
    }
    let name = plain(name);
    let slips = |known: &&str| strsim::osa_distance(&name, &plain(known));
    let nearest = known.into_iter().min_by_key(slips)?;
    let length = name.chars().count().min(nearest.len());
    (slips(&nearest) <= length / 3).then_some(nearest)
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A question after the name that is nearest, to be put at the end of a message; empty when none is
/// near.
pub(crate) fn question<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known)
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default()
}

/// What somebody wrote, as a message shows it: not more than a part of it, however long it is.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["display_name", "state", "create_time", "close_date", "rank"];

    #[test]
    fn a_slip_is_understood() {
        let cases = [
            ("displayname", "display_name"),
            ("displayName", "display_name"),
            ("DISPLAY-NAME", "display_name"),
            ("dispaly_name", "display_name"),
            ("stat", "state"),
            ("sate", "state"),
            ("created_time", "create_time"),
            ("closing_date", "close_date"),
            ("rnak", "rank"),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, KNOWN), Some(meant), "{name}");
        }
        assert_eq!(question("stat", KNOWN), "; did you mean `state`?");
    }

    #[test]
    fn what_is_far_from_all_is_not_guessed_at() {
        let long = "display_name".repeat(9);
        for name in ["", "colour", "r", "x", "s", "time", long.as_str()] {
            assert_eq!(nearest(name, KNOWN), None, "{name}");
            assert_eq!(question(name, KNOWN), "");
        }
        assert_eq!(nearest("state", []), None);
    }

    #[test]
    fn what_is_long_is_shown_in_part() {
        assert_eq!(shown("ä"), "ä");
        assert_eq!(shown(&"ä".repeat(64)), "ä".repeat(64));
        assert_eq!(shown(&"ä".repeat(65)), format!("{}…", "ä".repeat(64)));
    }
}
