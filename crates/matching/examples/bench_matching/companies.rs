//! Made-up companies that are all different: none may be merged with another.

use std::fmt;

use trellis_matching::{Level, Prepared, Profile, Rules, compare_by};

use crate::{
    Bar,
    made_up::MadeUp,
    pairs::{key, profile},
};

/// What became of pairs of companies that are two.
#[derive(Default)]
struct Told {
    pairs: u32,
    merged: u32,
    asked: u32,
}

impl Told {
    fn count(&mut self, rules: &Rules, one: &Prepared, other: &Prepared) {
        let level = compare_by(rules, one, other).level;
        self.pairs += 1;
        self.merged += u32::from(level.is_automatic());
        self.asked += u32::from(level == Level::Probable);
    }
}

/// What became of all.
pub(crate) struct Companies {
    /// Names that have words in common, in one country.
    names: Told,
    /// One name in one country, with legal forms of two classes.
    classes: Told,
    /// One name in two countries.
    countries: Told,
}

/// Compares by `rules` what is two: each of so many names with all others.
pub(crate) fn measure(rules: &Rules, names: usize) -> Companies {
    let mut source = MadeUp::sharing_first_words(11, names);
    let names: Vec<String> = (0..names).map(|_| source.name()).collect();
    let profiles: Vec<Prepared> = names.iter().map(|name| profile(name, name)).collect();
    let mut found = Companies {
        names: Told::default(),
        classes: Told::default(),
        countries: Told::default(),
    };
    for (at, one) in profiles.iter().enumerate() {
        for other in profiles.iter().take(at) {
            found.names.count(rules, one, other);
        }
        let inc = profile("inc", &format!("{} Inc.", key(one)));
        let llc = profile("llc", &format!("{} LLC", key(one)));
        found.classes.count(rules, &inc, &llc);
        let abroad = Prepared::new(Profile {
            id: "abroad".to_owned(),
            country: Some("CA".to_owned()),
            ..inc.profile().clone()
        });
        found.countries.count(rules, &inc, &abroad);
    }
    found
}

impl Companies {
    fn kinds(&self) -> [(&'static str, &Told); 3] {
        [
            ("other names", &self.names),
            ("another legal class", &self.classes),
            ("another country", &self.countries),
        ]
    }

    pub(crate) fn bars(&self) -> Vec<Bar> {
        let kinds = self.kinds().into_iter();
        kinds
            .map(|(kind, told)| {
                let what = format!("made-up companies, {kind}: none merged without asking");
                let holds = told.pairs > 0 && told.merged == 0;
                Bar::new(what, format!("{} of {}", told.merged, told.pairs), holds)
            })
            .collect()
    }
}

impl fmt::Display for Companies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "## Made-up companies that begin alike\n")?;
        writeln!(
            out,
            "| two companies with | pairs | merged | sent to review |"
        )?;
        writeln!(out, "|---|---|---|---|")?;
        for (kind, told) in self.kinds() {
            let Told {
                pairs,
                merged,
                asked,
            } = told;
            writeln!(out, "| {kind} | {pairs} | {merged} | {asked} |")?;
        }
        Ok(())
    }
}
