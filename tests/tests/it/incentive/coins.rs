//! What is due of an award after what was ruled about it, by the plainest code that there is: coin by coin.

/// What was ruled about an award, first what was ruled first.
#[derive(Clone, Debug, Default)]
pub(super) struct Coins(pub(super) Vec<Ruled>);

/// Something that was ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruled {
    /// So many of the coins that were earned then are not paid: the last ones that are left of them, and
    /// then of those that were added.
    Rejected { earned: i64, count: i64 },
    /// So many are added, or taken off where it is below zero.
    Adjusted(i64),
}

impl Coins {
    /// How many are due when so many are earned.
    pub(super) fn due(&self, earned: i64) -> i64 {
        let earned_then = self.0.iter().map(|ruled| match ruled {
            Ruled::Rejected { earned, .. } => *earned,
            Ruled::Adjusted(_) => 0,
        });
        let most = earned_then.chain([earned]).max().unwrap_or_default();
        let mut rejected = vec![false; usize::try_from(most).unwrap()];
        let mut added = 0;
        for ruled in &self.0 {
            match *ruled {
                Ruled::Adjusted(count) => added += count,
                Ruled::Rejected { earned, mut count } => {
                    let earned = usize::try_from(earned).unwrap();
                    for coin in rejected[..earned].iter_mut().rev() {
                        if count > 0 && !*coin {
                            *coin = true;
                            count -= 1;
                        }
                    }
                    added -= count;
                }
            }
        }
        let earned = usize::try_from(earned).unwrap();
        let good = rejected[..earned].iter().filter(|coin| !**coin).count();
        (i64::try_from(good).unwrap() + added).max(0)
    }
}
