//! What a program needs before it is published. Pure.

use std::collections::BTreeSet;

use trellis_core::Problem;
use trellis_store::program::tier;

/// Whether a program with these living tiers can be published.
///
/// # Errors
/// [`Problem::Precondition`] when there is none, or two have the same rank.
pub fn ready(tiers: &[tier::Model], resource: &str) -> Result<(), Problem> {
    let requires = if tiers.is_empty() {
        "the program must have a tier"
    } else if ranks(tiers).len() < tiers.len() {
        "the ranks of the program's tiers must differ"
    } else {
        return Ok(());
    };
    Err(Problem::Precondition {
        resource: resource.to_owned(),
        requires: requires.to_owned(),
    })
}

fn ranks(tiers: &[tier::Model]) -> BTreeSet<i32> {
    tiers.iter().map(|tier| tier.rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tier;

    fn refused(tiers: &[tier::Model]) -> Option<String> {
        match ready(tiers, "ecosystems/acme/programs/p") {
            Ok(()) => None,
            Err(Problem::Precondition { requires, .. }) => Some(requires),
            Err(other) => panic!("another problem: {other}"),
        }
    }

    #[test]
    fn a_program_without_a_tier_is_not_ready() {
        let requires = refused(&[]).unwrap();
        assert_eq!(requires, "the program must have a tier");
    }

    #[test]
    fn a_program_whose_tiers_share_a_rank_is_not_ready() {
        let requires = refused(&[tier("silver", 1), tier("gold", 2), tier("blue", 2)]).unwrap();
        assert_eq!(requires, "the ranks of the program's tiers must differ");
    }

    #[test]
    fn a_program_with_distinct_ranks_is_ready_whatever_the_gaps() {
        assert_eq!(refused(&[tier("silver", 1)]), None);
        assert_eq!(refused(&[tier("silver", 3), tier("gold", 70)]), None);
    }
}
