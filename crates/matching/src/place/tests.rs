use super::*;

fn place(street: &str, city: &str, phone: &str) -> Place {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let address = Address {
        street: some(street),
        city: some(city),
        postal_code: None,
    };
    Place::new(&address, some(phone).as_deref())
}

#[test]
fn a_phone_number_is_its_digits() {
    let phones = |one: &str, other: &str| place("", "", one).phones(&place("", "", other));
    for (one, other, expected) in [
        ("310/246-1501", "310-246-1501", Agreement::Agree),
        ("+44 20 7946 0000", "020 7946 0000", Agreement::Agree),
        ("+44 (0)20 7946 0000", "0044 20 7946 0000", Agreement::Agree),
        ("310-246-1501", "310-246-1502", Agreement::Differ),
        ("+49 30 1234567", "+43 30 1234567", Agreement::Differ),
        ("310-246-1501", "", Agreement::Unknown),
        // Too short to tell which town it is in.
        ("246-1501", "246-1501", Agreement::Unknown),
    ] {
        assert_eq!(phones(one, other), expected, "{one} | {other}");
        assert_eq!(phones(other, one), expected, "{other} | {one}");
    }
}

#[test]
fn a_house_is_its_number_and_street() {
    for (one, other, expected) in [
        (
            ("12 North Main St.", "Lima"),
            ("12 N. Main Street", "Lima"),
            Agreement::Agree,
        ),
        (
            ("Hauptstraße 5", "Köln"),
            ("Hauptstrasse 5", "Koeln"),
            Agreement::Agree,
        ),
        (
            ("12 Main St.", "Lima"),
            ("12 Main St.", ""),
            Agreement::Agree,
        ),
        (
            ("12 Main St.", "Lima"),
            ("13 Main St.", "Lima"),
            Agreement::Differ,
        ),
        (
            ("12 Main St.", "Lima"),
            ("12 Oak St.", "Lima"),
            Agreement::Differ,
        ),
        (
            ("12 Main St.", "Lima"),
            ("12 Main St.", "Oslo"),
            Agreement::Differ,
        ),
        (
            ("Main St.", "Lima"),
            ("Main St.", "Lima"),
            Agreement::Unknown,
        ),
        (("", "Lima"), ("12 Main St.", "Lima"), Agreement::Unknown),
    ] {
        let (left, right) = (place(one.0, one.1, ""), place(other.0, other.1, ""));
        assert_eq!(left.addresses(&right), expected, "{one:?} | {other:?}");
        assert_eq!(right.addresses(&left), expected, "{other:?} | {one:?}");
    }
}
