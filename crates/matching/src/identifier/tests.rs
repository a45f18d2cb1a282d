use proptest::prelude::*;

use super::*;

fn key(read: Result<Identifier, Error>) -> Result<String, Error> {
    read.map(|identifier| identifier.to_string())
}

#[test]
fn an_lei_is_read_however_it_is_grouped() {
    for given in [
        "HWUPKR0MPOU8FGXBT394",
        "hwupkr0mpou8fgxbt394",
        " HWUP KR0M POU8 FGXB T394 ",
    ] {
        assert_eq!(
            key(Identifier::lei(given)),
            Ok("lei:HWUPKR0MPOU8FGXBT394".to_owned())
        );
    }
    // Bloomberg Finance, Deutsche Bank, Siemens: as GLEIF publishes them.
    for given in [
        "5493001KJTIIGC8Y1R12",
        "7LTWFZYICNSX8D621K86",
        "W38RGI023J3WT1HWRP32",
    ] {
        assert!(Identifier::lei(given).is_ok(), "{given}");
    }
}

#[test]
fn what_is_wrong_with_an_lei_is_told() {
    let length = |found| Error::Length {
        kind: "an LEI",
        expected: "20",
        found,
    };
    for (given, error) in [
        ("", Error::Empty),
        (" - ", Error::Empty),
        ("HWUPKR0MPOU8FGXBT39", length(19)),
        ("HWUPKR0MPOU8FGXBT3944", length(21)),
        (
            "HWUPKR0MPOU8FGXBT3Ü4",
            Error::Sign {
                kind: "an LEI",
                sign: 'Ü',
            },
        ),
        (
            "HWUPKR0MPOU8FGXBT3X4",
            Error::Sign {
                kind: "an LEI",
                sign: 'X',
            },
        ),
        // One digit mistyped, two exchanged.
        ("HWUPKR0MPOU8FGXBT395", Error::CheckDigits),
        ("HWUPKR0MPOU8FGXTB394", Error::CheckDigits),
    ] {
        assert_eq!(Identifier::lei(given), Err(error), "{given}");
    }
}

#[test]
fn a_duns_number_is_nine_digits() {
    for given in ["804735132", "80-473-5132", "80 473 5132"] {
        assert_eq!(
            key(Identifier::duns(given)),
            Ok("duns:804735132".to_owned())
        );
    }
    let kind = "a D-U-N-S number";
    for (given, error) in [
        ("", Error::Empty),
        (
            "80473513",
            Error::Length {
                kind,
                expected: "9",
                found: 8,
            },
        ),
        (
            "8047351320",
            Error::Length {
                kind,
                expected: "9",
                found: 10,
            },
        ),
        ("80473513A", Error::Sign { kind, sign: 'A' }),
        ("000000000", Error::Placeholder),
    ] {
        assert_eq!(Identifier::duns(given), Err(error), "{given}");
    }
}

#[test]
fn a_vat_number_carries_its_country() {
    for (given, country, read) in [
        ("DE129274202", None, "vat:DE129274202"),
        ("DE 129 274 202", Some("DE"), "vat:DE129274202"),
        ("129274202", Some("de"), "vat:DE129274202"),
        // A German company that is registered in France too.
        ("FR40303265045", Some("DE"), "vat:FR40303265045"),
        ("EL094259216", None, "vat:EL094259216"),
        ("GR094259216", None, "vat:EL094259216"),
        ("IE6388047V", None, "vat:IE6388047V"),
        ("NL004495445B01", None, "vat:NL004495445B01"),
        ("LU20260743", None, "vat:LU20260743"),
        ("ATU13585627", None, "vat:ATU13585627"),
        ("CHE-100.155.212 MWST", None, "vat:CH100155212"),
        ("CHE100155212", Some("CH"), "vat:CH100155212"),
        // A country whose check digits nobody here knows.
        ("AU51824753556", None, "vat:AU51824753556"),
    ] {
        assert_eq!(
            key(Identifier::vat(given, country)),
            Ok(read.to_owned()),
            "{given}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_vat_number_is_told() {
    for (given, country, error) in [
        ("", None, Error::Empty),
        (
            "129274202",
            None,
            Error::Country {
                given: String::new(),
            },
        ),
        (
            "129274202",
            Some("Germany"),
            Error::Country {
                given: "Germany".to_owned(),
            },
        ),
        ("DE129274203", None, Error::CheckDigits),
        (
            "DE12927420",
            None,
            Error::Form {
                country: "DE".to_owned(),
            },
        ),
        ("DE000000000", None, Error::Placeholder),
    ] {
        assert_eq!(Identifier::vat(given, country), Err(error), "{given}");
    }
}

#[test]
fn a_register_number_means_something_in_its_country() {
    for given in ["HRB 12345", "hrb12345", "HRB-12345"] {
        assert_eq!(
            key(Identifier::reg_no(given, "de")),
            Ok("reg:DE:HRB12345".to_owned())
        );
    }
    assert_ne!(
        Identifier::reg_no("12345", "DE"),
        Identifier::reg_no("12345", "AT")
    );
    assert_eq!(Identifier::reg_no("", "DE"), Err(Error::Empty));
    assert_eq!(Identifier::reg_no("0000000", "DE"), Err(Error::Placeholder));
    assert!(matches!(
        Identifier::reg_no("1", ""),
        Err(Error::Country { .. })
    ));
    assert!(matches!(
        Identifier::reg_no("a:b", "DE"),
        Err(Error::Sign { sign: ':', .. })
    ));
}

#[test]
fn an_id_of_a_system_is_kept_as_it_is() {
    assert_eq!(
        key(Identifier::crm_id(" 001A ", "crm")),
        Ok("crm:crm:001A".to_owned())
    );
    assert_ne!(
        Identifier::crm_id("001A", "crm"),
        Identifier::crm_id("001a", "crm")
    );
    assert!(!Kind::CrmId.is_strong());
}

proptest! {
    #[test]
    fn reading_never_panics(given in "\\PC{0,40}", country in "\\PC{0,3}") {
        let _ = Identifier::lei(&given);
        let _ = Identifier::duns(&given);
        let _ = Identifier::reg_no(&given, &country);
        let _ = Identifier::vat(&given, Some(&country));
        let _ = Identifier::vat(&given, None);
    }

    #[test]
    fn numbers_that_look_right_never_panic(country in "(AD|AT|BE|BR|BG|HR|CY|CZ|DK|EE|EU|FI|FR|DE|EL|HU|IE|IT|LV|LT|LU|MT|NL|NO|PL|PT|RO|RU|RS|SK|SI|ES|SE|CH|GB)", number in "[A-Z0-9]{0,15}|[0-9]{7,14}") {
        let _ = Identifier::vat(&format!("{country}{number}"), None);
    }

    #[test]
    fn what_was_read_is_read_the_same(number in "[0-9]{9}", letters in "[A-Z]{1,3}") {
        if let Ok(read) = Identifier::duns(&number) {
            prop_assert_eq!(Identifier::duns(read.value()), Ok(read.clone()));
        }
        if let Ok(read) = Identifier::reg_no(&format!("{letters} {number}"), "DE") {
            prop_assert_eq!(Identifier::reg_no(read.value(), read.scope()), Ok(read.clone()));
        }
    }

    /// ISO 7064 finds every digit that is mistyped for another, and every letter.
    #[test]
    fn one_wrong_sign_of_an_lei_is_found(at in 0_usize..18, letter in "[A-Z]", digit in "[0-9]") {
        let good = "HWUPKR0MPOU8FGXBT394";
        let is_digit = good.as_bytes()[at].is_ascii_digit();
        let sign = if is_digit { digit } else { letter };
        let mut given = good.to_owned();
        given.replace_range(at..=at, &sign);
        prop_assert_eq!(Identifier::lei(&given).is_ok(), given == good);
    }
}
