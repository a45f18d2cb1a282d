//! Computes awards twice, by `evaluate` and by a compiled plan, and says where they differ.

use std::collections::BTreeMap;

use trellis_core::{MoneyError, Timestamp};
use trellis_evaluation::compiled::{Columns, Compiled, NotEntitled};
use trellis_evaluation::evaluate::{Facts, Held, Key, Ready, Share, evaluate};

/// What an award is entitled to, who gets which part of something, and until when it is held.
type Awards = BTreeMap<Key, (i64, Vec<Share>, Vec<Held>)>;

fn plainly(ready: &Ready, facts: &Facts, now: Timestamp) -> Result<Awards, MoneyError> {
    let awards = evaluate(std::slice::from_ref(ready), facts, now)?;
    let parts = |entitled: i64, shares: Vec<Share>| if entitled == 0 { Vec::new() } else { shares };
    Ok(awards
        .into_iter()
        .map(|award| {
            let shares = parts(award.entitled, award.shares);
            (award.key, (award.entitled, shares, award.held))
        })
        .collect())
}

fn quickly(
    compiled: &Compiled,
    facts: &Facts,
    now: Timestamp,
    threads: usize,
) -> Result<Awards, MoneyError> {
    let columns = Columns::new(&[compiled], facts, now).unwrap();
    let entitlements = match compiled.entitle(&columns, threads) {
        Ok(entitlements) => entitlements,
        Err(NotEntitled::Money(error)) => return Err(error),
        Err(other) => panic!("{other}"),
    };
    let mut awards = Awards::new();
    for award in entitlements.iter() {
        let shares = if award.minor == 0 {
            Vec::new()
        } else {
            award.shares()
        };
        let twice = awards.insert(award.key(), (award.minor, shares, award.held()));
        assert_eq!(twice, None, "{:?}", award.key());
    }
    let total: i128 = awards.values().map(|(minor, ..)| i128::from(*minor)).sum();
    assert_eq!(entitlements.total(), total);
    assert_eq!(entitlements.paid().values().sum::<i128>(), total);
    Ok(awards)
}

/// What came of comparing.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// How many awards were something.
    pub(crate) paid: usize,
    /// Whether an amount did not fit.
    pub(crate) overflowed: bool,
    /// What differs.
    pub(crate) difference: Option<String>,
}

/// Compares a compiled plan with the version that it should be.
pub(crate) fn compare(
    ready: &Ready,
    compiled: &Compiled,
    facts: &Facts,
    threads: usize,
) -> Compared {
    let now = Timestamp::from_micros(1_000);
    let plain = plainly(ready, facts, now);
    let quick = quickly(compiled, facts, now, threads);
    let paid = |awards: &Awards| awards.values().filter(|(minor, ..)| *minor > 0).count();
    Compared {
        paid: plain.as_ref().map_or(0, paid),
        overflowed: plain.is_err(),
        difference: (plain != quick).then(|| differences(&plain, &quick)),
    }
}

fn differences(plain: &Result<Awards, MoneyError>, quick: &Result<Awards, MoneyError>) -> String {
    let (Ok(plain), Ok(quick)) = (plain, quick) else {
        return format!("evaluate: {plain:?}\ncompiled: {quick:?}");
    };
    let keys = plain.keys().chain(quick.keys());
    let differ = keys.filter(|key| plain.get(key) != quick.get(key));
    differ
        .map(|key| format!("{key:?}\n{:?}\n{:?}\n", plain.get(key), quick.get(key)))
        .collect()
}
