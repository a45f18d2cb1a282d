//! The legal forms that names of companies carry, each with its generic class.
//!
//! rigour knows which generic class a form has; ISO 20275 knows forms that rigour lacks and which
//! of them are the same. What would take a part of the name itself is left out: a form that
//! is taken wrongly can make two companies one, a form that stays costs a question.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use serde::Deserialize;

use crate::fold::{Folding, words};

/// Generic classes of rigour whose forms are those of a business. Other organisations carry theirs
/// as a part of their name (Foundation, University), and keep it.
const BUSINESS: &[(&str, &str)] = &[
    ("JSC", "Jsc"),
    ("LLC", "Llc"),
    ("LLP", "Llp"),
    ("LP", "Lp"),
    ("GP", "Gp"),
    ("SP", "Sole"),
];

/// Forms of one or two letters of the Latin alphabet that end many names and are hardly a word of
/// one. All other short ones (`in`, `ca`, `pt`, `is`) stay in the name.
const SHORT: &[&str] = &[
    "ab", "ad", "ag", "as", "bt", "bv", "cv", "gk", "hf", "kb", "kd", "kg", "kk", "lp", "nv", "og",
    "ou", "oy", "sa", "se", "sl",
];

/// Short forms in other scripts.
const SHORT_ELSEWHERE: &[&str] = &["ао", "ип", "ад", "од", "主", "주", "유", "有限", "სს"];

/// What rigour lists and is more often a word of the name than a form.
const WORDS: &[&str] = &[
    "anl",
    "cooperation",
    "joint stock bank",
    "keg",
    "limite",
    "partnerschaft",
    "partnership",
    "private enterprise",
    "public limited",
    "sad",
    "sec",
    "src",
    "tue",
    "unlimited",
    "uue",
];

/// What the lists lack or class otherwise. A corporation is a class of its own here: `Acme Inc` and
/// `Acme LLC` of one state are two companies.
const OWN: &[(&str, &str)] = &[
    ("corp", "Corporation"),
    ("corporation", "Corporation"),
    ("inc", "Corporation"),
    ("incorp", "Corporation"),
    ("incorporated", "Corporation"),
    ("incorporee", "Corporation"),
    ("co", ""),
    ("company", ""),
    ("and co", ""),
    ("and cie", ""),
    ("et cie", ""),
    ("and company", ""),
    ("公司", ""),
    ("sa rl", "Llc"),
    ("limited", "Llc"),
    ("ltd", "Llc"),
    ("pty", "Llc"),
    ("pty ltd", "Llc"),
    ("pty limited", "Llc"),
    ("proprietary limited", "Llc"),
    ("pte", "Llc"),
    ("pte ltd", "Llc"),
    ("pte limited", "Llc"),
    ("pvt ltd", "Llc"),
    ("pvt limited", "Llc"),
    ("private limited", "Llc"),
    ("private ltd", "Llc"),
    ("private limited company", "Llc"),
    ("co ltd", "Llc"),
    ("company ltd", "Llc"),
    ("co limited", "Llc"),
    ("company limited", "Llc"),
    ("ltd co", "Llc"),
    ("limited company", "Llc"),
    ("sdn bhd", "Llc"),
    ("sendirian berhad", "Llc"),
    ("bhd", "Jsc"),
    ("berhad", "Jsc"),
    ("tbk", "Jsc"),
    ("plc", "Jsc"),
    ("public limited company", "Jsc"),
    ("joint stock company", "Jsc"),
    ("ab", ""),
    ("aktiebolag", ""),
    ("abp", "Jsc"),
    ("asa", "Jsc"),
    ("kk", "Jsc"),
    ("kabushiki kaisha", "Jsc"),
    ("gk", "Llc"),
    ("godo kaisha", "Llc"),
    ("ou", "Llc"),
    ("osauhing", "Llc"),
    ("eg", "Coop"),
    ("ev", "NonProfit"),
    ("vzw", "NonProfit"),
    ("asbl", "NonProfit"),
    ("有限责任公司", "Llc"),
    ("有限責任公司", "Llc"),
    ("股份公司", "Jsc"),
    ("ش م م", "Llc"),
    ("شمم", "Llc"),
    ("ذ م م", "Llc"),
    ("ذمم", "Llc"),
    ("شمع", "Jsc"),
    ("شمخ", "Jsc"),
    ("בעמ", "Llc"),
    ("บริษัทจำกัด", "Llc"),
    ("จำกัด", "Llc"),
    ("บริษัท", ""),
    ("มหาชน", "Jsc"),
];

#[derive(Deserialize)]
struct OrgType {
    display: Option<String>,
    generic: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
}

type Forms = BTreeMap<String, &'static str>;

pub(crate) fn table(rigour: &str, elf: &str) -> Result<String, Box<dyn Error>> {
    let types: Vec<OrgType> = serde_json::from_str(rigour)?;
    let mut forms = Forms::new();
    for kind in &types {
        let Some((_, class)) = business(kind.generic.as_deref()) else {
            continue;
        };
        for alias in kind.aliases.iter().chain(&kind.display) {
            add(&mut forms, alias, class);
        }
    }
    for row in csv::Reader::from_reader(elf.as_bytes()).records() {
        relate(&mut forms, &row?);
    }
    for (form, class) in OWN {
        forms.insert((*form).to_owned(), class);
    }
    Ok(write(&forms))
}

fn business(generic: Option<&str>) -> Option<&'static (&'static str, &'static str)> {
    BUSINESS.iter().find(|(name, _)| Some(*name) == generic)
}

/// A form in both foldings, unless it would take words of names.
fn add(forms: &mut Forms, alias: &str, class: &'static str) {
    for form in foldings(alias) {
        if may_be_taken(&form) {
            // The first of the list wins, where two classes write one form alike.
            forms.entry(form).or_insert(class);
        }
    }
}

fn foldings(alias: &str) -> BTreeSet<String> {
    [Folding::Plain, Folding::Expanded]
        .map(|folding| words(alias, folding).join(" "))
        .into()
}

fn may_be_taken(form: &str) -> bool {
    let letters = form.chars().count();
    if WORDS.contains(&form) || letters == 0 {
        return false;
    }
    if form.is_ascii() {
        letters > 2 || SHORT.contains(&form)
    } else {
        letters > 2 || SHORT_ELSEWHERE.contains(&form)
    }
}

/// Gives what ISO 20275 holds for one form the class that rigour knows for a part of it.
///
/// English names of that list describe (`Business Corporation`, `Savings Bank`) more than companies
/// bear them, and single words do so in every language: those are not taken.
fn relate(forms: &mut Forms, row: &csv::StringRecord) {
    let [local, language, transliterated, short, short_transliterated] =
        [5, 7, 8, 9, 10].map(|column| row.get(column).unwrap_or_default());
    if language == "en" {
        return;
    }
    let names = [local, transliterated];
    let shorts = short
        .split([';', ','])
        .chain(short_transliterated.split([';', ',']));
    let all: BTreeSet<String> = names.into_iter().chain(shorts).flat_map(foldings).collect();
    let classes: BTreeSet<&str> = all
        .iter()
        .filter_map(|form| forms.get(form.as_str()).copied())
        .collect();
    let [class] = Vec::from_iter(classes)[..] else {
        return;
    };
    for form in all {
        let is_phrase = form.contains(' ') && form.chars().count() > 8;
        let is_short = !form.contains(' ') && (3..=5).contains(&form.chars().count());
        let is_unspaced = !form.is_ascii() && form.chars().count() > 3;
        if (is_phrase || is_short || is_unspaced) && may_be_taken(&form) {
            forms.entry(form).or_insert(class);
        }
    }
}

fn write(forms: &Forms) -> String {
    let rows = forms.iter().map(|(form, class)| match *class {
        "" => format!("    ({form:?}, None),\n"),
        class => format!("    ({form:?}, Some(LegalClass::{class})),\n"),
    });
    format!("&[\n{}]\n", rows.collect::<String>())
}
