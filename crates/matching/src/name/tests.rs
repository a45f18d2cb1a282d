use proptest::prelude::*;

use super::*;

fn key(given: &str) -> String {
    Name::new(given).expect("a name").keys()[0].text()
}

fn keys(given: &str) -> Vec<String> {
    Name::new(given)
        .expect("a name")
        .keys()
        .iter()
        .map(Key::text)
        .collect()
}

fn class(given: &str) -> Option<LegalClass> {
    Name::new(given).expect("a name").class()
}

#[test]
fn what_is_written_now_so_and_now_otherwise_is_one() {
    for (given, expected) in [
        ("ACME", "acme"),
        ("Ａｃｍｅ", "acme"),
        ("ﬁrst oﬃce", "first office"),
        ("Weiß", "weiss"),
        ("Procter & Gamble", "procter and gamble"),
        ("Procter＆Gamble", "procter and gamble"),
        ("Canal+", "canal plus"),
        ("Arnie Morton's", "arnie mortons"),
        ("Arnie Morton’s", "arnie mortons"),
        ("Al Qa'ida", "al qaida"),
        ("S.C. Johnson", "sc johnson"),
        ("J. P. Morgan", "jp morgan"),
        ("L.X.C Aviation", "lxc aviation"),
        ("Daimler-Benz", "daimler benz"),
        ("Yahoo!", "yahoo"),
        ("\"Acme\" (Europe)", "acme europe"),
        ("The Gap", "gap"),
        ("Gap, The", "gap"),
        ("The The", "the"),
        ("Işık", "isik"),
        ("IŞIK", "isik"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("Acme\u{AD} So\u{200B}ft", "acme soft"),
    ] {
        assert_eq!(key(given), expected, "{given}");
    }
}

#[test]
fn letters_with_marks_are_written_in_two_ways() {
    for (given, expected) in [
        ("Müller", &["muller", "mueller"][..]),
        ("MÜLLER", &["muller", "mueller"]),
        ("Mu\u{308}ller", &["muller", "mueller"]),
        ("Mueller", &["mueller"]),
        ("Søren", &["soren", "soeren"]),
        ("Åberg", &["aberg", "aaberg"]),
        ("Straße", &["strasse"]),
        ("Œuvre", &["oeuvre"]),
        ("Société", &["societe"]),
    ] {
        assert_eq!(keys(given), expected, "{given}");
    }
}

#[test]
fn legal_forms_of_every_country_are_taken_off() {
    use LegalClass::*;
    for (given, expected, legal) in [
        ("Siemens AG", "siemens", Some(Jsc)),
        ("Siemens Aktiengesellschaft", "siemens", Some(Jsc)),
        ("Acme GmbH", "acme", Some(Llc)),
        ("Acme G.m.b.H.", "acme", Some(Llc)),
        (
            "Acme Gesellschaft mit beschränkter Haftung",
            "acme",
            Some(Llc),
        ),
        (
            "Acme Gesellschaft mit beschraenkter Haftung",
            "acme",
            Some(Llc),
        ),
        ("Acme GmbH & Co. KG", "acme", Some(Lp)),
        ("Acme Limited Liability Company", "acme", Some(Llc)),
        ("Acme, LLC", "acme", Some(Llc)),
        ("Acme L.L.C.", "acme", Some(Llc)),
        ("Acme Ltd.", "acme", Some(Llc)),
        ("Acme Pty Ltd", "acme", Some(Llc)),
        ("Acme (Pty) Limited", "acme", Some(Llc)),
        ("Acme plc", "acme", Some(Jsc)),
        ("Acme p.l.c.", "acme", Some(Jsc)),
        ("Acme Inc.", "acme", Some(Corporation)),
        ("Acme Corporation", "acme", Some(Corporation)),
        ("Acme & Co.", "acme", None),
        ("Acme S.A.", "acme", Some(Jsc)),
        ("Acme S. A. de C. V.", "acme", Some(Jsc)),
        ("Acme S.à r.l.", "acme", Some(Llc)),
        ("Acme Sp. z o.o.", "acme", Some(Llc)),
        ("Acme s.r.o.", "acme", Some(Llc)),
        ("Acme A/S", "acme", Some(Jsc)),
        ("Acme Oy", "acme", Some(Llc)),
        ("Acme B.V.", "acme", Some(Llc)),
        (
            "Samsung Electronics Co., Ltd.",
            "samsung electronics",
            Some(Llc),
        ),
        ("PT Acme Tbk", "acme", Some(Jsc)),
        ("ООО Газпром", "газпром", Some(Llc)),
        (
            "ОБЩЕСТВО С ОГРАНИЧЕННОЙ ОТВЕТСТВЕННОСТЬЮ \"БАЙ\"",
            "бай",
            Some(Llc),
        ),
        ("OOO Acme", "acme", Some(Llc)),
        ("JSC Acme Corp.", "acme", Some(Jsc)),
        ("Limited Liability Company Acme", "acme", Some(Llc)),
        ("Societatea cu Răspundere Limitată Acme", "acme", Some(Llc)),
        ("华为技术有限公司", "华为技术", Some(Llc)),
        ("中国石油天然气股份有限公司", "中国石油天然气", Some(Jsc)),
        ("株式会社トヨタ", "トヨタ", Some(Jsc)),
        ("トヨタ自動車株式会社", "トヨタ自動車", Some(Jsc)),
        ("㈜삼성", "삼성", Some(Jsc)),
        ("삼성전자 주식회사", "삼성전자", Some(Jsc)),
        ("삼성전자주식회사", "삼성전자", Some(Jsc)),
        ("شركة أكمي ش.م.م", "شركة اكمي", Some(Llc)),
        ("אקמה בע\"מ", "אקמה", Some(Llc)),
        ("אקמה בע״מ", "אקמה", Some(Llc)),
        ("Ακμή Α.Ε.", "ακμη αε", None),
    ] {
        assert_eq!(key(given), expected, "{given}");
        assert_eq!(class(given), legal, "{given}");
    }
}

#[test]
fn a_name_is_never_taken_to_nothing() {
    for (given, expected) in [
        ("KT Corp.", "kt"),
        ("AG", "ag"),
        ("The Limited", "limited"),
        ("Limited", "limited"),
        ("Company Limited", "company"),
        ("GmbH & Co. KG", "gmbh"),
        ("有限公司", "有限公司"),
        ("株式会社", "株式会社"),
        ("!!!", "!!!"),
        ("The", "the"),
    ] {
        assert_eq!(key(given), expected, "{given}");
    }
    assert_eq!(Name::new(""), None);
    assert_eq!(Name::new(" \t "), None);
}

#[test]
fn words_that_look_like_forms_stay_where_they_name_somebody() {
    for (given, expected) in [
        ("AS Roma", "as roma"),
        ("SAS Institute Inc.", "sas institute"),
        ("SE Health", "se health"),
        ("Plug In", "plug in"),
        ("Stiftung Warentest", "stiftung warentest"),
        ("Bank of America", "bank of america"),
        ("Northern Trust", "northern trust"),
        ("Bank of Louisville KY", "bank of louisville ky"),
        ("Unlimited", "unlimited"),
        ("Possibilities Unlimited", "possibilities unlimited"),
        ("Acme Savings Bank", "acme savings bank"),
        ("Acme Group", "acme group"),
    ] {
        assert_eq!(key(given), expected, "{given}");
    }
}

#[test]
fn classes_that_are_two_companies_are_told_apart() {
    assert_ne!(class("Rio Tinto plc"), class("Rio Tinto Ltd"));
    assert_ne!(class("Acme Inc"), class("Acme LLC"));
    assert_ne!(class("Acme AG"), class("Acme GmbH"));
    assert_eq!(class("Acme Inc"), class("Acme Corp"));
    assert_eq!(class("Acme Group"), None);
}

#[test]
fn scripts_keep_their_letters_and_do_not_collide() {
    let names = [
        "华为技术有限公司",
        "化为技术有限公司",
        "がくや",
        "かくや",
        "บริษัท น้ำ จำกัด",
        "บริษัท นำ จำกัด",
    ];
    let found: std::collections::BTreeSet<String> = names.iter().map(|name| key(name)).collect();
    assert_eq!(found.len(), names.len(), "{found:?}");
    for name in names {
        assert!(!key(name).is_ascii(), "{name}");
    }
}

#[test]
fn names_in_other_scripts_have_latin_letters_too() {
    let latin = |given: &str| Name::new(given).expect("a name").latin().map(Key::text);
    assert_eq!(latin("ООО Газпром").as_deref(), Some("gazprom"));
    assert_eq!(latin("华为有限公司").as_deref(), Some("huawei"));
    assert_eq!(latin("Acme GmbH"), None);
    assert_eq!(latin("Müller"), None);
}

#[test]
fn the_forms_are_sorted() {
    assert!(
        legal_form::LEGAL_FORMS.is_sorted_by_key(|(form, _)| *form),
        "binary search needs it"
    );
    assert!(legal_form::LEGAL_FORMS.len() > 1_000);
}

/// Names as they come: letters of many scripts, forms, signs.
pub(crate) fn any_name() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-zA-Z]{1,9}",
        1 => "[äöüßøåæœłéñıİςΣ]{1,4}",
        1 => "[а-яА-Я]{1,6}",
        1 => "[一-龥]{1,5}",
        1 => "[가-힣]{1,4}",
        1 => "(有限公司|株式会社|주식회사|ООО|GmbH|AG|Ltd\\.|Inc|S\\.A\\.|& Co\\. KG|The|\\(Pty\\) Ltd)",
        1 => "\\PC{0,5}",
    ];
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn whatever_it_is_called_it_has_a_key(given in any_name()) {
        match Name::new(&given) {
            None => prop_assert!(given.trim().is_empty()),
            Some(name) => for key in name.keys() {
                prop_assert!(!key.text().is_empty());
                prop_assert!(!key.words.iter().any(String::is_empty));
            },
        }
    }

    #[test]
    fn any_text_at_all_is_read(given in any::<String>()) {
        if let Some(name) = Name::new(&given) {
            prop_assert!(!name.keys()[0].text().is_empty());
        }
    }

    /// Folded words fold to themselves.
    #[test]
    fn folding_is_done_once(given in any_name()) {
        for folding in [Folding::Plain, Folding::Expanded] {
            let once = words(&given, folding).join(" ");
            prop_assert_eq!(words(&once, folding).join(" "), once);
        }
    }

    #[test]
    fn case_and_spaces_do_not_matter(given in "[a-zA-ZäöüÄÖÜéñøå&.' ]{1,30}") {
        if let (Some(one), Some(other)) = (Name::new(&given), Name::new(&given.to_uppercase())) {
            prop_assert_eq!(one.keys(), other.keys());
        }
    }
}
