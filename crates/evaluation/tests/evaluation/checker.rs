//! Computes an award again from its trace alone, as somebody would who has nothing else. It shares no
//! code with the evaluation.

use num_bigint::BigInt;
use trellis_evaluation::evaluate::{Detail, Exact, Trace};
use trellis_evaluation::plan::{Below, LimitScope, Rounding};

use crate::fraction::Fraction;

pub(crate) fn of(exact: &Exact) -> Fraction {
    Fraction::new(BigInt::from(*exact.numer()), BigInt::from(*exact.denom()))
}

/// The amount that the steps of a trace lead to. Every step must begin where the one before ended.
pub(crate) fn recompute(trace: &Trace) -> i64 {
    let mut amount = 0_i64;
    let mut measured = 0_i64;
    let mut exact = Fraction::from(0);
    let mut delta = None;
    for step in &trace.steps {
        match &step.detail {
            Detail::SelectVersion { version } => assert_eq!(*version, trace.version),
            Detail::Admit { counted, left_out } => {
                for fact in counted.iter().chain(left_out.iter().map(|out| &out.fact)) {
                    assert!(trace.fact_ids.contains(fact), "{fact}");
                }
            }
            Detail::Exchange { lines } => {
                for line in lines {
                    let scale = Fraction::new(
                        BigInt::from(trace.currency.minor_per_unit()),
                        BigInt::from(line.from.minor_per_unit()),
                    );
                    let worth = Fraction::from(line.before)
                        .times(&of(&line.rate))
                        .times(&scale);
                    assert_eq!(worth.rounded(Rounding::HalfUp), BigInt::from(line.after));
                }
            }
            Detail::Measure { lines, total } => {
                measured = lines.iter().map(|line| line.net).sum();
                assert_eq!(measured, *total);
            }
            Detail::Target { .. } => {}
            Detail::Schedule { slices, exact: sum } => {
                for slice in slices {
                    let pays = of(&slice.base)
                        .times(&of(&slice.rate))
                        .times(&Fraction::from(slice.each))
                        .plus(&Fraction::from(slice.fixed));
                    assert_eq!(pays, of(&slice.exact));
                    exact = exact.plus(&pays);
                }
                assert_eq!(exact, of(sum));
                assert!(measured > 0);
            }
            Detail::Round {
                exact: told,
                how,
                rounded,
                remainder,
            } => {
                assert_eq!(exact, of(told));
                assert_eq!(exact.rounded(*how), BigInt::from(*rounded));
                assert_eq!(Fraction::from(*rounded).plus(&of(remainder)), exact);
                amount = *rounded;
            }
            Detail::Limit {
                limit,
                before,
                taken,
                after,
            } => {
                assert_eq!(*before, amount);
                let mut left = *before;
                if limit.scope == LimitScope::Award {
                    match (limit.min_minor, limit.below) {
                        (Some(least), Below::Forfeit) if left < least => left = 0,
                        (Some(least), Below::RaiseTo) if left > 0 && left < least => left = least,
                        _ => {}
                    }
                } else if limit.min_minor.is_some() && *after == 0 {
                    left = 0;
                }
                if let Some(most) = limit.max_minor {
                    // Where it cut nothing, nobody tells what others had taken.
                    left = left.min((most - taken.unwrap_or_default()).max(0));
                }
                assert_eq!(left, *after);
                amount = left;
            }
            Detail::Clawback {
                before,
                claws,
                after,
            } => {
                assert_eq!(*before, amount);
                let mut left = *before;
                for claw in claws {
                    assert!(claw.minor >= 0 && claw.minor <= left);
                    left -= claw.minor;
                }
                assert_eq!(left, *after);
                amount = left;
            }
            Detail::Draw {
                earned,
                debt_before,
                debt_after,
                after,
            } => {
                assert_eq!(*earned, amount);
                // What is paid more than earned is owed, or it was not recoverable.
                let owed = debt_before + after - earned;
                assert!(owed == *debt_after || (*after > *earned && debt_after == debt_before));
                amount = *after;
            }
            Detail::Stack {
                before,
                instead,
                room,
                after,
            } => {
                assert_eq!(*before, amount);
                let left = match (instead, room) {
                    (Some(_), _) => 0,
                    (None, Some(room)) => amount.min(*room),
                    (None, None) => amount,
                };
                assert_eq!(left, *after);
                amount = left;
            }
            Detail::KeepPaid { before, after } => {
                assert!(*before == amount && after > before);
                amount = *after;
            }
            Detail::Split { weights, shares } => {
                if weights.is_empty() {
                    amount = 0;
                }
                assert_eq!(shares.iter().map(|share| share.minor).sum::<i64>(), amount);
            }
            Detail::Hold { slices } => {
                assert_eq!(slices.iter().map(|held| held.minor).sum::<i64>(), amount);
            }
            Detail::Delta {
                entitled,
                posted,
                delta: told,
            } => {
                assert_eq!((*entitled, *posted), (amount, trace.posted_before));
                delta = Some(*told);
            }
        }
    }
    assert_eq!(delta, Some(amount - trace.posted_before));
    assert_eq!(trace.delta, amount - trace.posted_before);
    assert_eq!(trace.not_paid.is_some(), amount == 0);
    amount
}
