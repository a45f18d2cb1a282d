use proptest::prelude::*;
use trellis_api::deal::v1::deal::Stage;

use super::super::choice::Choice;
use super::super::row::Header;
use super::*;

fn amount(keys: &[(&str, toml::Value)]) -> Amount {
    let mut amount = Amount::default();
    for (key, value) in keys {
        amount.set(key, value.clone()).unwrap();
    }
    let usd = Format {
        currency: Some(Currency::USD),
        ..Format::default()
    };
    amount.settle(&usd).unwrap();
    amount
}

fn read<T: Reads>(reads: &T, text: &str, cells: [&str; 1]) -> Result<T::Value, String> {
    let header = Header::new(vec!["currency".to_owned()]);
    let cells = cells.map(str::to_owned);
    reads.read(text, &Row::new(&header, &cells, &[]))
}

#[test]
fn an_amount_is_scaled_exactly() {
    let millions = amount(&[("scale", toml::Value::Integer(1_000_000))]);
    let read = |text| read(&millions, text, [""]);
    assert_eq!(
        read("1100.04"),
        Ok(Money::new(110_004_000_000, Currency::USD))
    );
    assert_eq!(read("0.00000001"), Ok(Money::new(1, Currency::USD)));
    assert!(read("0.000000001").unwrap_err().contains("finer"));
}

#[test]
fn an_amount_finer_than_its_currency_is_rounded_only_when_the_mapping_says_so() {
    let exact = amount(&[]);
    assert_eq!(
        read(&exact, "10.005", [""]),
        Err("\"10.005\" is finer than USD is counted, which is to 2 decimals".to_owned())
    );
    let rounded = amount(&[("round", toml::Value::Boolean(true))]);
    assert_eq!(
        read(&rounded, "10.005", [""]),
        Ok(Money::new(1_001, Currency::USD))
    );
    assert_eq!(
        read(&rounded, "-10.005", [""]),
        Ok(Money::new(-1_001, Currency::USD))
    );
}

#[test]
fn a_currency_may_stand_in_a_column() {
    let column = toml::Value::String("currency".to_owned());
    let with_default = amount(&[
        ("currency_column", column.clone()),
        ("currency", toml::Value::String("EUR".to_owned())),
    ]);
    assert_eq!(
        read(&with_default, "12", ["JPY"]).unwrap().to_string(),
        "12 JPY"
    );
    assert_eq!(
        read(&with_default, "12", [""]).unwrap().to_string(),
        "12.00 EUR"
    );
    assert!(
        read(&with_default, "12.5", ["JPY"])
            .unwrap_err()
            .contains("finer")
    );
    assert!(
        read(&with_default, "12", ["Yen"])
            .unwrap_err()
            .contains("ISO 4217")
    );
    let without = amount(&[("currency_column", column)]);
    assert!(read(&without, "12", [""]).unwrap_err().contains("is empty"));
}

#[test]
fn an_amount_that_no_account_can_hold_is_refused() {
    let millions = amount(&[("scale", toml::Value::Integer(1_000_000))]);
    let largest = "999999999999999999";
    assert!(
        read(&millions, largest, [""])
            .unwrap_err()
            .contains("too large")
    );
    assert!(
        read(&amount(&[]), largest, [""])
            .unwrap_err()
            .contains("too large")
    );
    let both = "999999999999999999.999999999999999999";
    assert!(read(&millions, both, [""]).is_err());
}

#[test]
fn an_amount_without_a_currency_is_a_mistake_of_the_mapping() {
    let mut amount = Amount::default();
    assert!(
        amount
            .settle(&Format::default())
            .unwrap_err()
            .contains("needs a currency")
    );
}

#[test]
fn a_scale_is_a_positive_number() {
    for bad in ["0", "-1", "1e3", ""] {
        assert!(scale(toml::Value::String(bad.to_owned())).is_err(), "{bad}");
    }
    assert!(
        scale(toml::Value::Float(0.01))
            .unwrap_err()
            .contains("quotation marks")
    );
    assert_eq!(scale(toml::Value::Integer(1000)), Ok(Rate::from(1000)));
}

#[test]
fn days_are_read_in_the_format_of_the_file() {
    let mut day = Day::default();
    let format = Format {
        date: Some("%d-%m-%Y".to_owned()),
        ..Format::default()
    };
    day.settle(&format).unwrap();
    assert_eq!(
        read(&day, "01-03-2017", [""]),
        Ok(Date::try_new(2017, 3, 1).unwrap())
    );
    for bad in [
        "31-02-2017",
        "2017-03-01",
        "1.3.2017",
        "01-13-2017",
        "01-03-2017x",
    ] {
        let wrong = read(&day, bad, [""]).unwrap_err();
        assert_eq!(wrong, format!("{bad:?} is not a day written as %d-%m-%Y"));
    }
}

#[test]
fn a_day_may_be_followed_by_a_time_that_nobody_asked_for() {
    let mut day = Day::default();
    let format = toml::Value::String("%Y-%m-%dT%H:%M:%SZ".to_owned());
    day.set("format", format).unwrap();
    assert_eq!(
        read(&day, "2017-03-01T23:59:59Z", [""]),
        Ok(Date::try_new(2017, 3, 1).unwrap())
    );
}

#[test]
fn whole_numbers_are_whole_and_fit() {
    let years = Whole::<i32>::default();
    assert_eq!(read(&years, "1996", [""]), Ok(1996));
    assert_eq!(read(&years, "1996.0", [""]), Ok(1996));
    assert!(read(&years, "1996.5", [""]).unwrap_err().contains("whole"));
    assert!(
        read(&years, "3000000000", [""])
            .unwrap_err()
            .contains("range")
    );
}

#[test]
fn a_list_holds_each_text_once() {
    let mut list = List::default();
    assert_eq!(
        read(&list, "DE; AT;;DE ;CH", [""]).unwrap(),
        ["DE", "AT", "CH"]
    );
    list.set("separator", toml::Value::String(", ".to_owned()))
        .unwrap();
    assert_eq!(read(&list, "a, b", [""]).unwrap(), ["a", "b"]);
    assert!(
        list.set("separator", toml::Value::String(String::new()))
            .is_err()
    );
}

#[test]
fn a_choice_knows_the_words_of_the_contract() {
    let choice = Choice::<Stage>::default();
    assert_eq!(read(&choice, "WON", [""]), Ok(Stage::Won));
    assert_eq!(
        read(&choice, "Won", [""]).unwrap_err(),
        "\"Won\" is none of PROSPECT, QUALIFIED, TECHNICAL_VALIDATION, BUSINESS_VALIDATION, \
         COMMITTED, WON, LOST"
    );
    for word in ["UNSPECIFIED", "STAGE_WON", ""] {
        assert!(choice.check(word).is_err(), "{word}");
    }
}

proptest! {
    #[test]
    fn an_amount_reads_back_as_it_was_shown(minor in -99_999_999_999_999_i64..99_999_999_999_999) {
        let money = Money::new(minor, Currency::USD);
        let grouped = amount(&[
            ("grouping", toml::Value::String(",".to_owned())),
            ("strip", toml::Value::String(" USD".to_owned())),
        ]);
        prop_assert_eq!(read(&grouped, &money.to_string(), [""]), Ok(money));
    }

    #[test]
    fn scaling_moves_the_point_and_loses_nothing(units in 0..1_000_000_i64, power in 0..9_u32) {
        let factor = 10_i64.pow(power);
        let scaled = amount(&[("scale", toml::Value::Integer(factor))]);
        let expected = Money::new(units * factor * 100, Currency::USD);
        prop_assert_eq!(read(&scaled, &units.to_string(), [""]), Ok(expected));
    }

    #[test]
    fn every_day_is_read_back_in_every_format(days in -700_000..2_900_000_i32) {
        let expected = Date::from_days(days);
        let (year, month, dom) = (expected.year(), expected.month(), expected.day());
        let cases = [
            ("%d-%m-%Y", format!("{dom:02}-{month:02}-{year:04}")),
            ("%m/%d/%Y", format!("{month}/{dom}/{year:04}")),
            ("%Y%m%d", format!("{year:04}{month:02}{dom:02}")),
        ];
        for (format, text) in cases {
            let mut day = Day::default();
            day.set("format", toml::Value::String(format.to_owned())).unwrap();
            prop_assert_eq!(read(&day, &text, [""]), Ok(expected));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,40}") {
        let _ = read(&amount(&[("scale", toml::Value::Integer(1_000_000))]), &text, [""]);
        let _ = read(&Day::default(), &text, [""]);
        let _ = read(&Whole::<i64>::default(), &text, [""]);
        let _ = read(&List::default(), &text, [""]);
        let _ = read(&Choice::<Stage>::default(), &text, [""]);
    }
}
