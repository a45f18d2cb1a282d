//! What a deal and its lines are worth. Pure.
//!
//! What always holds afterwards: all amounts are in one currency, none is negative, and where
//! every line has an amount, the deal's is their sum.

use std::collections::HashMap;

use trellis_core::{Currency, Money, ProductId, Violation, allocate};
use trellis_store::deal::deal::Line;

/// A line as a caller gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: i64,
    /// What all of them together are worth, if that was said.
    pub amount: Option<Money>,
}

/// Lines and amount that fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worth {
    /// The lines.
    pub lines: Vec<Line>,
    /// What the deal is worth, if anybody has said.
    pub amount: Option<Money>,
}

/// Fits lines and amount together. `path` is where the lines and the amount stand in the request,
/// for the violations: `deal` for `deal.lines[2].amount`.
///
/// With an amount given, lines without one share what the others leave, by their quantities.
/// Without, a line takes the list price of its product, where it has one in the currency of the
/// deal, times its quantity; and the amount is the sum of what is known.
///
/// # Errors
/// Every amount that does not fit, at once.
pub fn settle(
    path: &str,
    drafts: Vec<Draft>,
    amount: Option<Money>,
    prices: &HashMap<ProductId, Money>,
) -> Result<Worth, Vec<Violation>> {
    let Some(currency) = currency_of(&drafts, amount, prices) else {
        let lines = drafts.into_iter().map(|draft| line(draft, None)).collect();
        return Ok(Worth {
            lines,
            amount: None,
        });
    };
    let mut wrong = foreign(path, &drafts, currency);
    let known: Option<i64> = drafts
        .iter()
        .filter_map(|draft| draft.amount)
        .try_fold(0_i64, |sum, amount| sum.checked_add(amount.minor));
    let Some(known) = known else {
        wrong.push(Violation::new(
            format!("{path}.lines"),
            "money.sum",
            TOO_LARGE,
        ));
        return Err(wrong);
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match amount {
        Some(amount) => share(path, drafts, amount, known),
        None => price(path, drafts, currency, prices),
    }
}

const TOO_LARGE: &str = "adds up to more than can be counted";

/// The currency of a deal: that of its amount, else of the first line that has one, else of the
/// first list price.
fn currency_of(
    drafts: &[Draft],
    amount: Option<Money>,
    prices: &HashMap<ProductId, Money>,
) -> Option<Currency> {
    let given = || drafts.iter().find_map(|draft| draft.amount);
    let priced = || {
        drafts
            .iter()
            .find_map(|draft| prices.get(&draft.product).copied())
    };
    amount
        .or_else(given)
        .or_else(priced)
        .map(|money| money.currency)
}

fn foreign(path: &str, drafts: &[Draft], currency: Currency) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        if draft
            .amount
            .is_some_and(|amount| amount.currency != currency)
        {
            wrong.push(Violation::new(
                format!("{path}.lines[{index}].amount"),
                "money.currency",
                format!("must be in {currency}, the currency of the deal"),
            ));
        }
    }
    wrong
}

/// Lines without an amount share what the others leave of the deal's.
fn share(
    path: &str,
    drafts: Vec<Draft>,
    amount: Money,
    known: i64,
) -> Result<Worth, Vec<Violation>> {
    let open: Vec<u64> = drafts
        .iter()
        .filter(|draft| draft.amount.is_none())
        .map(|draft| draft.quantity.unsigned_abs())
        .collect();
    let rest = amount.minor.saturating_sub(known);
    let fits = if open.is_empty() {
        drafts.is_empty() || rest == 0
    } else {
        rest >= 0
    };
    if !fits {
        let sum = Money::new(known, amount.currency);
        let rule = if open.is_empty() {
            "must be the sum"
        } else {
            "must not be less than the sum"
        };
        return Err(vec![Violation::new(
            format!("{path}.amount"),
            "money.sum",
            format!("{rule} of the lines, {sum}"),
        )]);
    }
    let mut shares = allocate(rest, &open).into_iter();
    let lines = drafts
        .into_iter()
        .map(|draft| {
            let minor = draft
                .amount
                .map(|amount| amount.minor)
                .or_else(|| shares.next());
            line(draft, minor)
        })
        .collect();
    Ok(Worth {
        lines,
        amount: Some(amount),
    })
}

/// Lines without an amount take their list prices; the deal is worth what is known.
fn price(
    path: &str,
    drafts: Vec<Draft>,
    currency: Currency,
    prices: &HashMap<ProductId, Money>,
) -> Result<Worth, Vec<Violation>> {
    let too_large = || {
        vec![Violation::new(
            format!("{path}.lines"),
            "money.sum",
            TOO_LARGE,
        )]
    };
    let mut lines = Vec::with_capacity(drafts.len());
    let mut sum: Option<i64> = None;
    for draft in drafts {
        let listed = prices
            .get(&draft.product)
            .filter(|price| price.currency == currency);
        let minor = match (draft.amount, listed) {
            (Some(amount), _) => Some(amount.minor),
            (None, Some(price)) => Some(
                price
                    .minor
                    .checked_mul(draft.quantity)
                    .ok_or_else(too_large)?,
            ),
            (None, None) => None,
        };
        if let Some(minor) = minor {
            sum = Some(sum.unwrap_or(0).checked_add(minor).ok_or_else(too_large)?);
        }
        lines.push(line(draft, minor));
    }
    Ok(Worth {
        lines,
        amount: sum.map(|minor| Money::new(minor, currency)),
    })
}

fn line(draft: Draft, amount_minor: Option<i64>) -> Line {
    let Draft {
        product,
        quantity,
        amount: _,
    } = draft;
    Line {
        product,
        quantity,
        amount_minor,
    }
}

/// Gives every line its part of a new amount, in proportion to what it was worth; by quantities if
/// none was worth anything. The parts add up to the amount.
#[must_use]
pub fn scale(lines: Vec<Line>, amount_minor: i64) -> Vec<Line> {
    let worth: Vec<u64> = lines
        .iter()
        .map(|line| line.amount_minor.unwrap_or(0).unsigned_abs())
        .collect();
    let weights = if worth.iter().all(|weight| *weight == 0) {
        lines
            .iter()
            .map(|line| line.quantity.unsigned_abs())
            .collect()
    } else {
        worth
    };
    lines
        .into_iter()
        .zip(allocate(amount_minor, &weights))
        .map(|(line, minor)| Line {
            amount_minor: Some(minor),
            ..line
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    fn draft(product: &str, quantity: i64, amount: Option<Money>) -> Draft {
        Draft {
            product: ProductId::try_new(product).unwrap(),
            quantity,
            amount,
        }
    }

    fn prices(list: &[(&str, Money)]) -> HashMap<ProductId, Money> {
        list.iter()
            .map(|(id, price)| (ProductId::try_new(id).unwrap(), *price))
            .collect()
    }

    fn amounts(worth: &Worth) -> Vec<Option<i64>> {
        worth.lines.iter().map(|line| line.amount_minor).collect()
    }

    #[test]
    fn the_amount_is_the_sum_of_the_lines() {
        let drafts = vec![
            draft("a", 1, Some(usd(1_000))),
            draft("b", 2, Some(usd(2_500))),
        ];
        let worth = settle("deal", drafts, None, &HashMap::new()).unwrap();
        assert_eq!(worth.amount, Some(usd(3_500)));
        assert_eq!(amounts(&worth), [Some(1_000), Some(2_500)]);
    }

    #[test]
    fn a_line_without_an_amount_is_worth_its_list_price() {
        let drafts = vec![draft("a", 3, None), draft("b", 1, Some(usd(10)))];
        let list = prices(&[("a", usd(55_000))]);
        let worth = settle("deal", drafts, None, &list).unwrap();
        assert_eq!(amounts(&worth), [Some(165_000), Some(10)]);
        assert_eq!(worth.amount, Some(usd(165_010)));
    }

    #[test]
    fn a_list_price_in_another_currency_says_nothing() {
        let drafts = vec![draft("a", 3, None), draft("b", 1, Some(usd(10)))];
        let list = prices(&[("a", Money::new(500, Currency::EUR))]);
        let worth = settle("deal", drafts, None, &list).unwrap();
        assert_eq!(amounts(&worth), [None, Some(10)]);
        assert_eq!(worth.amount, Some(usd(10)));
    }

    #[test]
    fn lines_without_amounts_share_what_the_others_leave() {
        let drafts = vec![
            draft("a", 1, None),
            draft("b", 2, None),
            draft("c", 1, Some(usd(40))),
        ];
        let worth = settle("deal", drafts, Some(usd(140)), &HashMap::new()).unwrap();
        assert_eq!(amounts(&worth), [Some(33), Some(67), Some(40)]);
        assert_eq!(worth.amount, Some(usd(140)));
    }

    #[test]
    fn nobody_has_said_what_it_is_worth() {
        let worth = settle("deal", vec![draft("a", 1, None)], None, &HashMap::new()).unwrap();
        assert_eq!(worth.amount, None);
        assert_eq!(amounts(&worth), [None]);
        let empty = settle("deal", Vec::new(), None, &HashMap::new()).unwrap();
        assert_eq!(
            empty,
            Worth {
                lines: Vec::new(),
                amount: None
            }
        );
    }

    #[test]
    fn an_amount_needs_no_lines() {
        let worth = settle("deal", Vec::new(), Some(usd(5)), &HashMap::new()).unwrap();
        assert_eq!(
            worth,
            Worth {
                lines: Vec::new(),
                amount: Some(usd(5))
            }
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        let refused = |drafts, amount| {
            let wrong = settle("deal", drafts, amount, &HashMap::new()).unwrap_err();
            wrong
                .into_iter()
                .map(|violation| (violation.field, violation.rule))
                .collect::<Vec<_>>()
        };
        let field = |field: &str, rule: &str| (field.to_owned(), rule.to_owned());
        let two = || vec![draft("a", 1, Some(usd(10))), draft("b", 1, Some(usd(20)))];
        assert_eq!(
            refused(two(), Some(usd(31))),
            [field("deal.amount", "money.sum")]
        );
        let part = vec![draft("a", 1, Some(usd(10))), draft("b", 1, None)];
        assert_eq!(
            refused(part, Some(usd(9))),
            [field("deal.amount", "money.sum")]
        );
        let euro = Some(Money::new(1, Currency::EUR));
        let mixed = vec![
            draft("a", 1, euro),
            draft("b", 1, Some(usd(1))),
            draft("c", 1, euro),
        ];
        assert_eq!(
            refused(mixed.clone(), Some(usd(3))),
            [
                field("deal.lines[0].amount", "money.currency"),
                field("deal.lines[2].amount", "money.currency")
            ]
        );
        assert_eq!(
            refused(mixed, None),
            [field("deal.lines[1].amount", "money.currency")]
        );
        let huge = vec![
            draft("a", 1, Some(usd(i64::MAX))),
            draft("b", 1, Some(usd(1))),
        ];
        assert_eq!(refused(huge, None), [field("deal.lines", "money.sum")]);
        let many = settle(
            "deal",
            vec![draft("a", i64::MAX, None)],
            None,
            &prices(&[("a", usd(2))]),
        );
        assert_eq!(many.unwrap_err().len(), 1);
    }

    #[test]
    fn scaling_keeps_the_proportions_to_the_cent() {
        let lines = |amounts: &[Option<i64>]| -> Vec<Line> {
            let one = |(index, amount): (usize, &Option<i64>)| Line {
                product: ProductId::try_new(&format!("p{index}")).unwrap(),
                quantity: 1 + i64::try_from(index).unwrap(),
                amount_minor: *amount,
            };
            amounts.iter().enumerate().map(one).collect()
        };
        let scaled = |before: &[Option<i64>], amount| {
            scale(lines(before), amount)
                .into_iter()
                .map(|line| line.amount_minor.unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(scaled(&[Some(100), Some(200)], 100), [33, 67]);
        assert_eq!(scaled(&[Some(100), None], 70), [70, 0]);
        assert_eq!(scaled(&[None, None], 90), [30, 60]);
        assert_eq!(scaled(&[Some(0), Some(0)], 90), [30, 60]);
        assert!(scaled(&[], 90).is_empty());
    }

    proptest! {
        #[test]
        fn lines_always_add_up_to_the_amount(
            given in prop::collection::vec((1..100_i64, prop::option::of(0..1_000_000_i64)), 1..12),
            extra in 0..1_000_000_i64,
        ) {
            let drafts: Vec<Draft> = given
                .iter()
                .enumerate()
                .map(|(index, (quantity, amount))| {
                    draft(&format!("p{index}"), *quantity, amount.map(usd))
                })
                .collect();
            let known: i64 = given.iter().filter_map(|(_, amount)| *amount).sum();
            let open = given.iter().any(|(_, amount)| amount.is_none());
            let amount = usd(known + if open { extra } else { 0 });
            let worth = settle("deal", drafts, Some(amount), &HashMap::new()).unwrap();
            let sum: i64 = worth.lines.iter().map(|line| line.amount_minor.unwrap()).sum();
            prop_assert_eq!(sum, amount.minor);
            let scaled: i64 =
                scale(worth.lines, extra).iter().map(|line| line.amount_minor.unwrap()).sum();
            prop_assert_eq!(scaled, extra);
        }
    }
}
