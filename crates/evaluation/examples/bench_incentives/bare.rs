//! The same rules as a loop over arrays, for one rule each and nothing else: what a machine can do.

use crate::Sums;
use crate::facts::{Made, QUARTERS};
use crate::plans::{BY_CATEGORY, CAP, MARGINAL, PERCENT, Rule, WEIGHTS, WHOLE, WINDOW, Which};

/// Rounds thousandths, a half up.
fn rounded(thousandths: i64) -> i64 {
    (thousandths + 500) / 1_000
}

pub(crate) fn sums(rule: &Rule, made: &Made) -> Sums {
    match rule.which {
        Which::Percent => percent(made),
        Which::MarginalWithCap => by_quarter(made, |sum| {
            let mut paid = 0;
            for (index, (from, pays)) in MARGINAL.iter().enumerate() {
                let end = MARGINAL
                    .get(index + 1)
                    .map_or(sum, |(end, _)| sum.min(*end));
                paid += (end - from).max(0) * pays;
            }
            rounded(paid).min(CAP)
        }),
        Which::WholeWithRefunds => by_quarter(made, |sum| {
            let reached = WHOLE.iter().rev().find(|(from, _)| sum >= *from);
            rounded(sum * reached.map_or(0, |(_, pays)| *pays))
        }),
        Which::ProductsSplitClawed => products(made),
    }
}

/// What is left of each sale, one after the other.
fn left(made: &Made) -> impl Iterator<Item = i64> {
    let mut next = 0;
    made.amount.iter().enumerate().map(move |(line, amount)| {
        let mut left = *amount;
        while made
            .refunds
            .get(next)
            .is_some_and(|(of, _)| *of as usize == line)
        {
            left = (left - made.refunds[next].1).max(0);
            next += 1;
        }
        left
    })
}

fn percent(made: &Made) -> Sums {
    let entitled: i64 = left(made).map(|left| rounded(left * PERCENT)).sum();
    Sums {
        entitled: entitled.into(),
        first: 0,
    }
}

fn by_quarter(made: &Made, pays: impl Fn(i64) -> i64) -> Sums {
    let mut sums = vec![[0_i64; 4]; made.partners];
    for ((left, day), partner) in left(made).zip(&made.day).zip(&made.partner) {
        let quarter = QUARTERS.iter().filter(|first| day >= *first).count() - 1;
        sums[*partner as usize][quarter] += left;
    }
    let entitled: i64 = sums.iter().flatten().map(|sum| pays(*sum)).sum();
    Sums {
        entitled: entitled.into(),
        first: 0,
    }
}

/// Two parts of a whole by two weights, to the last coin.
fn halves(total: i64, weights: [i64; 2]) -> [i64; 2] {
    let sum = weights[0] + weights[1];
    if sum == 0 {
        return [0, 0];
    }
    let (one, rest) = (total * weights[0] / sum, total * weights[0] % sum);
    let first = one + i64::from(rest > 0 && rest >= sum - rest);
    [first, total - first]
}

fn products(made: &Made) -> Sums {
    let mut got = vec![0_i64; made.partners];
    let mut entitled = 0;
    let mut next = 0;
    let mut refund = 0;
    for line in 0..made.amount.len() {
        let pays = BY_CATEGORY[usize::from(made.category[line])];
        let gross = rounded(made.amount[line] * pays);
        let mut parts = halves(gross, WEIGHTS.map(i64::from));
        let mut amount = gross;
        if made
            .refunds
            .get(refund)
            .is_some_and(|(of, _)| *of as usize == line)
        {
            amount = rounded((made.amount[line] - made.refunds[refund].1).max(0) * pays);
            let less = halves(gross - amount, parts);
            parts = [parts[0] - less[0], parts[1] - less[1]];
            refund += 1;
        }
        if made
            .churns
            .get(next)
            .is_some_and(|(of, _)| *of as usize == line)
        {
            let not_served = i64::from((WINDOW - made.churns[next].1).max(0));
            let window = i64::from(WINDOW);
            let claw = (2 * amount * not_served + window) / (2 * window);
            let less = halves(claw, parts);
            parts = [parts[0] - less[0], parts[1] - less[1]];
            amount -= claw;
            next += 1;
        }
        entitled += amount;
        got[made.partner[line] as usize] += parts[0];
        got[made.seller[line] as usize] += parts[1];
    }
    Sums {
        entitled: entitled.into(),
        first: got[0].into(),
    }
}
