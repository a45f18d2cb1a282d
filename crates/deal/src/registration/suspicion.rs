//! Why a person decides about a registration, whatever its program approves by itself. Pure.

use trellis_store::deal::registration::{Screening, Suspicion};

/// How many of the last decided registrations of a partner are looked at.
pub const LOOKED_AT: u64 = 20;

/// More than this many of them refused is more than half, also while there are fewer.
const REFUSED: usize = 10;

/// The suspicion that follows from what was looked at; the first that applies.
#[must_use]
pub fn suspicion(screening: &Screening) -> Option<Suspicion> {
    if !screening.canaries.is_empty() {
        return Some(Suspicion::Canary);
    }
    if screening.account_changed {
        return Some(Suspicion::AccountChanged);
    }
    if screening.alarm_time.is_some() {
        return Some(Suspicion::Probing);
    }
    (screening.refused_count > REFUSED).then_some(Suspicion::Refusals)
}

#[cfg(test)]
mod tests {
    use trellis_core::{AccountId, Timestamp};

    use super::*;

    fn refused(refused_count: usize, decided_count: usize) -> Screening {
        Screening {
            decided_count,
            refused_count,
            ..Screening::default()
        }
    }

    #[test]
    fn more_than_ten_of_the_last_twenty_refused_is_more_than_half() {
        assert_eq!(suspicion(&refused(10, 20)), None);
        assert_eq!(suspicion(&refused(11, 20)), Some(Suspicion::Refusals));
        assert_eq!(suspicion(&refused(10, 10)), None);
        assert_eq!(suspicion(&refused(11, 11)), Some(Suspicion::Refusals));
    }

    #[test]
    fn what_weighs_most_is_named() {
        let mut screening = refused(20, 20);
        screening.alarm_time = Some(Timestamp::EPOCH);
        assert_eq!(suspicion(&screening), Some(Suspicion::Probing));
        screening.account_changed = true;
        assert_eq!(suspicion(&screening), Some(Suspicion::AccountChanged));
        screening.canaries = vec![AccountId::try_new("canary").unwrap()];
        assert_eq!(suspicion(&screening), Some(Suspicion::Canary));
    }
}
