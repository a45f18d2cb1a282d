//! What facts are about that were recorded: whom, which days, and which facts.

use std::collections::{BTreeMap, BTreeSet};

use trellis_store::Txn;
use trellis_store::incentive::recorded_fact;

use crate::Error;
use crate::fact::known::{Of, Touched};
use crate::fact::record::Recorded;

/// Everybody of whom something was recorded, the days and the facts, besides what is touched already.
pub(super) async fn about(
    txn: &Txn,
    touched: Touched,
    recorded: impl Iterator<Item = Recorded>,
) -> Result<Touched, Error> {
    let Touched {
        of,
        mut days,
        mut things,
    } = touched;
    let Of::Partners(mut partners) = of else {
        return Ok(Touched::whole(of));
    };
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for told in recorded {
        if told.everybody {
            return Ok(Touched::whole(Of::Everybody));
        }
        partners.extend(told.partners);
        match told.facts {
            Some(facts) => asked.entry(told.source).or_default().extend(facts),
            None => (days, things) = (None, None),
        }
        if let Some(days) = &mut days {
            days.extend(told.periods);
        }
    }
    for (source, ids) in asked {
        let found = all_of(txn, &source, ids).await?;
        for fact in &found {
            partners.extend(fact.partner.clone());
            // What takes back has no day of its own: its is that of what it is about.
            if let (Some(days), None) = (&mut days, &fact.about) {
                days.insert(fact.occur_date);
            }
        }
        if let Some(things) = &mut things {
            let ids = found.into_iter().map(|fact| fact.external_id);
            things.recorded.entry(source).or_default().extend(ids);
        }
    }
    Ok(Touched {
        of: Of::Partners(partners),
        days,
        things,
    })
}

/// All that is known of some facts, and of those that they were ever about.
async fn all_of(
    txn: &Txn,
    source: &str,
    ids: BTreeSet<String>,
) -> Result<Vec<recorded_fact::Model>, Error> {
    let asked: Vec<String> = ids.iter().cloned().collect();
    let mut found = recorded_fact::of_ids(txn, source, &asked).await?;
    let about = found.iter().filter_map(|fact| fact.about.clone());
    let others: BTreeSet<String> = about.filter(|id| !ids.contains(id)).collect();
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        found.extend(recorded_fact::of_ids(txn, source, &others).await?);
    }
    Ok(found)
}
