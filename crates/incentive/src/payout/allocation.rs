//! How what a partner is due and what it owes come together, award by award. Pure.
//!
//! What the partner owes is set off first, as far as what it is due reaches; the rest is paid. An
//! award pays its own debt first, then awards pay and debts are paid in the order of their ids. So
//! the same amounts always lead to the same lines, whatever order they come in.

use std::collections::BTreeMap;

use trellis_core::AwardId;

/// What an award has, or owes, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The award.
    pub award: AwardId,
    /// How much; more than zero.
    pub minor: i64,
}

/// What becomes of one award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The award.
    pub award: AwardId,
    /// What is due for it.
    pub gross: i64,
    /// How much of that is kept for what is owed, by this award or another.
    pub set_off: i64,
    /// How much of what this award owes is settled.
    pub recovered: i64,
}

impl Line {
    /// What is paid for the award.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross - self.set_off
    }
}

/// What a partner is paid, and of which awards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// What is due.
    pub gross: i64,
    /// How much of it is kept for what is owed.
    pub set_off: i64,
    /// The lines, by the ids of their awards. Those to which nothing happens are left out.
    pub lines: Vec<Line>,
}

impl Allocation {
    /// What is paid.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.gross - self.set_off
    }
}

/// Sets off what is owed against what is due.
#[must_use]
pub fn allocate(due: &[Slice], owed: &[Slice]) -> Allocation {
    /// One award while it is worked on: its line, and what is still due and owed.
    struct Open {
        line: Line,
        due: i64,
        owed: i64,
    }
    let mut open: BTreeMap<&AwardId, Open> = BTreeMap::new();
    for (slices, is_due) in [(due, true), (owed, false)] {
        for Slice { award, minor } in slices {
            let one = open.entry(award).or_insert_with(|| Open {
                line: Line {
                    award: award.clone(),
                    gross: 0,
                    set_off: 0,
                    recovered: 0,
                },
                due: 0,
                owed: 0,
            });
            if is_due {
                one.line.gross += minor;
                one.due += minor;
            } else {
                one.owed += minor;
            }
        }
    }
    for one in open.values_mut() {
        let own = one.due.min(one.owed);
        one.line.set_off += own;
        one.line.recovered += own;
        one.due -= own;
        one.owed -= own;
    }
    let due_by_others: i64 = open.values().map(|one| one.due).sum();
    let owed_by_others: i64 = open.values().map(|one| one.owed).sum();
    let across = due_by_others.min(owed_by_others);
    let (mut to_keep, mut to_settle) = (across, across);
    for one in open.values_mut() {
        let kept = one.due.min(to_keep);
        one.line.set_off += kept;
        to_keep -= kept;
        let settled = one.owed.min(to_settle);
        one.line.recovered += settled;
        to_settle -= settled;
    }
    let lines: Vec<Line> = open
        .into_values()
        .map(|one| one.line)
        .filter(|line| line.gross > 0 || line.recovered > 0)
        .collect();
    Allocation {
        gross: lines.iter().map(|line| line.gross).sum(),
        set_off: lines.iter().map(|line| line.set_off).sum(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn award(number: usize) -> AwardId {
        AwardId::try_new(&format!("a{number}")).unwrap()
    }

    fn slices(amounts: &[(usize, i64)]) -> Vec<Slice> {
        amounts
            .iter()
            .map(|(number, minor)| Slice {
                award: award(*number),
                minor: *minor,
            })
            .collect()
    }

    fn lines(allocation: &Allocation) -> Vec<(&str, i64, i64, i64)> {
        allocation
            .lines
            .iter()
            .map(|line| {
                (
                    line.award.as_str(),
                    line.gross,
                    line.set_off,
                    line.recovered,
                )
            })
            .collect()
    }

    #[test]
    fn without_debts_everything_is_paid() {
        let paid = allocate(&slices(&[(2, 30), (1, 70)]), &[]);
        assert_eq!((paid.gross, paid.set_off, paid.net()), (100, 0, 100));
        assert_eq!(lines(&paid), [("a1", 70, 0, 0), ("a2", 30, 0, 0)]);
    }

    /// 130.00 due, 75.50 owed: 54.50 is paid.
    #[test]
    fn what_is_owed_is_kept_of_what_is_due() {
        let paid = allocate(&slices(&[(1, 12_000), (2, 1_000)]), &slices(&[(3, 7_550)]));
        assert_eq!(
            (paid.gross, paid.set_off, paid.net()),
            (13_000, 7_550, 5_450)
        );
        assert_eq!(
            lines(&paid),
            [
                ("a1", 12_000, 7_550, 0),
                ("a2", 1_000, 0, 0),
                ("a3", 0, 0, 7_550)
            ]
        );
    }

    #[test]
    fn an_award_pays_its_own_debt_first() {
        let paid = allocate(&slices(&[(1, 10), (2, 10)]), &slices(&[(2, 8), (3, 5)]));
        assert_eq!(
            lines(&paid),
            [("a1", 10, 5, 0), ("a2", 10, 8, 8), ("a3", 0, 0, 5)]
        );
    }

    #[test]
    fn a_debt_larger_than_what_is_due_takes_all_of_it_and_stays() {
        let paid = allocate(&slices(&[(1, 10)]), &slices(&[(2, 4), (3, 9), (4, 9)]));
        assert_eq!((paid.gross, paid.set_off, paid.net()), (10, 10, 0));
        assert_eq!(
            lines(&paid),
            [("a1", 10, 10, 0), ("a2", 0, 0, 4), ("a3", 0, 0, 6)]
        );
    }

    #[test]
    fn nothing_due_is_nothing_done() {
        assert_eq!(allocate(&[], &slices(&[(1, 5)])), Allocation::default());
    }

    fn any_slices() -> impl Strategy<Value = Vec<(usize, i64)>> {
        let slice = (0..12_usize, 1..1_000_000_i64);
        prop::collection::vec(slice, 0..10).prop_map(|mut slices| {
            slices.sort_unstable();
            slices.dedup_by_key(|(number, _)| *number);
            slices
        })
    }

    fn total(slices: &[(usize, i64)]) -> i64 {
        slices.iter().map(|(_, minor)| minor).sum()
    }

    proptest! {
        #[test]
        fn no_unit_is_lost_or_made(due in any_slices(), owed in any_slices()) {
            let paid = allocate(&slices(&due), &slices(&owed));
            prop_assert_eq!(paid.gross, total(&due));
            prop_assert_eq!(paid.set_off, total(&due).min(total(&owed)));
            let recovered: i64 = paid.lines.iter().map(|line| line.recovered).sum();
            prop_assert_eq!(recovered, paid.set_off);
            let net: i64 = paid.lines.iter().map(Line::net).sum();
            prop_assert_eq!(net, paid.net());
            prop_assert!(paid.net() >= 0);
        }

        #[test]
        fn no_award_pays_or_is_recovered_more_than_it_has(
            due in any_slices(),
            owed in any_slices(),
        ) {
            let paid = allocate(&slices(&due), &slices(&owed));
            for line in &paid.lines {
                let of = |slices: &[(usize, i64)]| {
                    slices
                        .iter()
                        .find(|(number, _)| award(*number) == line.award)
                        .map_or(0, |(_, minor)| *minor)
                };
                prop_assert_eq!(line.gross, of(&due));
                prop_assert!((0..=line.gross).contains(&line.set_off));
                prop_assert!((0..=of(&owed)).contains(&line.recovered));
            }
        }

        #[test]
        fn the_order_in_which_amounts_come_changes_nothing(
            due in any_slices(),
            owed in any_slices(),
            turn in 0..10_usize,
        ) {
            let expected = allocate(&slices(&due), &slices(&owed));
            let (mut turned_due, mut turned_owed) = (due, owed);
            let by = turn.min(turned_due.len());
            turned_due.rotate_left(by);
            turned_owed.reverse();
            prop_assert_eq!(allocate(&slices(&turned_due), &slices(&turned_owed)), expected);
        }
    }
}
