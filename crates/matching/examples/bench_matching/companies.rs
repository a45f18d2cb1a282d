//! Made-up companies that are all different: none may be merged with another.

use trellis_matching::{Level, compare};

use crate::{Bar, made_up::MadeUp, pairs::profile, search::key};

const NAMES: usize = 1_000;

/// Every pair of names with different keys, in one country.
pub(crate) fn measure() -> Vec<Bar> {
    let mut source = MadeUp::sharing_first_words(11, NAMES);
    let names: Vec<String> = (0..NAMES).map(|_| source.name()).collect();
    let profiles: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| profile(&at.to_string(), name))
        .collect();
    let (mut merged, mut asked, mut pairs) = (0, 0, 0_u64);
    for (at, one) in profiles.iter().enumerate() {
        for other in profiles.iter().take(at) {
            if key(one) == key(other) {
                continue;
            }
            pairs += 1;
            let level = compare(one, other).level;
            merged += u32::from(level.is_automatic());
            asked += u32::from(level == Level::Probable);
        }
    }
    println!("## Made-up companies that begin alike\n");
    println!("{pairs} pairs of different names: {merged} merged, {asked} sent to review\n");
    vec![Bar::new(
        "made-up companies: none merged without asking",
        merged.to_string(),
        merged == 0,
    )]
}
