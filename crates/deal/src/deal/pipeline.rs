//! Sums the tallies of the database up to the rows of a pipeline. Pure.

use std::collections::BTreeMap;

use num_rational::Ratio;
use trellis_core::{
    Cadence, Currency, Date, MoneyError, PartnerId, Period, ProductId, TerritoryId, round_half_up,
};
use trellis_store::deal::deal::Stage;
use trellis_store::deal::pipeline::Tally;

/// What the deals are gathered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// By stage.
    Stage,
    /// By the partner that sourced them.
    Partner,
    /// By the month of the close, reached or expected.
    Month,
    /// The same by quarter.
    Quarter,
    /// By where the customer is served.
    Territory,
    /// By what they sell.
    Product,
}

/// What the deals of a row have in common. In the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Their stage.
    Stage(Stage),
    /// The partner that sourced them; none: nobody did.
    Partner(Option<PartnerId>),
    /// The first day of their month or quarter.
    Period(Date),
    /// That they have no date.
    Undated,
    /// Where their customers are served; none: nobody has said.
    Territory(Option<TerritoryId>),
    /// What they sell; none: they have no lines.
    Product(Option<ProductId>),
}

/// The deals of one group in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many are open.
    pub open_count: i64,
    /// What they are worth.
    pub open_minor: i64,
    /// The same, weighed by their stages.
    pub weighted_minor: i64,
    /// How many are won.
    pub won_count: i64,
    /// What they were won for.
    pub won_minor: i64,
    /// How many are lost.
    pub lost_count: i64,
}

/// One row of a pipeline: a group, or none for a total; a currency, or none for the deals of which
/// nobody has said what they are worth.
pub type Row<G> = (G, Option<Currency>, Sums);

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// A row for each group and currency, in the order of the groups.
    pub rows: Vec<Row<Group>>,
    /// A row for each currency.
    pub totals: Vec<Row<()>>,
}

/// What a deal of a stage weighs, in percent: about how many of its kind are won in the end. What
/// is won or lost weighs nothing, because it is no longer a question.
#[must_use]
pub fn weight(stage: Stage) -> i64 {
    match stage {
        Stage::Prospect => 10,
        Stage::Qualified => 25,
        Stage::TechnicalValidation => 50,
        Stage::BusinessValidation => 75,
        Stage::Committed => 90,
        Stage::Won | Stage::Lost => 0,
    }
}

/// Sums tallies up.
///
/// # Errors
/// [`MoneyError::Overflow`] when an amount is more than can be counted.
pub fn sum_up(tallies: Vec<Tally>, by: Grouping) -> Result<Pipeline, MoneyError> {
    let mut rows: BTreeMap<(Group, Option<Currency>), Running> = BTreeMap::new();
    let mut totals: BTreeMap<((), Option<Currency>), Running> = BTreeMap::new();
    for tally in tallies {
        if tally.counted {
            totals.entry(((), tally.currency)).or_default().add(&tally);
        }
        if tally.grouped {
            rows.entry((group(&tally, by), tally.currency))
                .or_default()
                .add(&tally);
        }
    }
    Ok(Pipeline {
        rows: finished(rows)?,
        totals: finished(totals)?,
    })
}

fn group(tally: &Tally, by: Grouping) -> Group {
    let period = |cadence| {
        let start = |date| Group::Period(Period::containing(date, cadence).start());
        tally.period.map_or(Group::Undated, start)
    };
    match by {
        Grouping::Stage => Group::Stage(tally.stage),
        Grouping::Partner => Group::Partner(tally.partner.clone()),
        Grouping::Month => period(Cadence::Month),
        Grouping::Quarter => period(Cadence::Quarter),
        Grouping::Territory => Group::Territory(tally.territory.clone()),
        Grouping::Product => Group::Product(tally.product.clone()),
    }
}

/// Sums on the way. Wide enough for every amount there can be, and exact: the weighted amount is
/// hundredths until it is rounded, once.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    open: (i64, i128),
    weighted_hundredths: i128,
    won: (i64, i128),
    lost_count: i64,
}

impl Running {
    fn add(&mut self, tally: &Tally) {
        let amount = i128::from(tally.amount_minor);
        match tally.stage {
            Stage::Won => self.won = (self.won.0 + tally.count, self.won.1 + amount),
            Stage::Lost => self.lost_count += tally.count,
            Stage::Prospect
            | Stage::Qualified
            | Stage::TechnicalValidation
            | Stage::BusinessValidation
            | Stage::Committed => {
                self.open = (self.open.0 + tally.count, self.open.1 + amount);
                self.weighted_hundredths += amount * i128::from(weight(tally.stage));
            }
        }
    }

    fn finish(self) -> Result<Sums, MoneyError> {
        let fit = |minor: i128| i64::try_from(minor).map_err(|_| MoneyError::Overflow);
        Ok(Sums {
            open_count: self.open.0,
            open_minor: fit(self.open.1)?,
            weighted_minor: round_half_up(Ratio::new(self.weighted_hundredths, 100))?,
            won_count: self.won.0,
            won_minor: fit(self.won.1)?,
            lost_count: self.lost_count,
        })
    }
}

fn finished<G>(rows: BTreeMap<(G, Option<Currency>), Running>) -> Result<Vec<Row<G>>, MoneyError> {
    rows.into_iter()
        .map(|((group, currency), running)| Ok((group, currency, running.finish()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(stage: Stage, currency: Option<Currency>, count: i64, amount_minor: i64) -> Tally {
        Tally {
            stage,
            currency,
            partner: None,
            period: None,
            territory: None,
            product: None,
            grouped: true,
            counted: true,
            count,
            amount_minor,
        }
    }

    fn usd(stage: Stage, count: i64, amount_minor: i64) -> Tally {
        tally(stage, Some(Currency::USD), count, amount_minor)
    }

    #[test]
    fn each_stage_weighs_what_the_contract_says() {
        let weights = [
            (Stage::Prospect, 10),
            (Stage::Qualified, 25),
            (Stage::TechnicalValidation, 50),
            (Stage::BusinessValidation, 75),
            (Stage::Committed, 90),
            (Stage::Won, 0),
            (Stage::Lost, 0),
        ];
        for (stage, expected) in weights {
            assert_eq!(weight(stage), expected, "{stage:?}");
        }
    }

    #[test]
    fn open_won_and_lost_are_summed_up_apart() {
        let tallies = vec![
            usd(Stage::Won, 3, 900),
            usd(Stage::Prospect, 2, 105),
            usd(Stage::Committed, 1, 10),
            usd(Stage::Lost, 4, 7),
        ];
        let pipeline = sum_up(tallies, Grouping::Stage).unwrap();
        let groups: Vec<_> = pipeline
            .rows
            .iter()
            .map(|(group, _, _)| group.clone())
            .collect();
        let stages = [Stage::Prospect, Stage::Committed, Stage::Won, Stage::Lost];
        assert_eq!(groups, stages.map(Group::Stage));
        let expected = Sums {
            open_count: 3,
            open_minor: 115,
            // 10.5 + 9 is 19.5: rounded once, for the row and not for each stage.
            weighted_minor: 20,
            won_count: 3,
            won_minor: 900,
            lost_count: 4,
        };
        assert_eq!(pipeline.totals, [((), Some(Currency::USD), expected)]);
    }

    #[test]
    fn currencies_are_never_added_together() {
        let tallies = vec![
            usd(Stage::Won, 1, 5),
            tally(Stage::Won, Some(Currency::EUR), 1, 7),
            tally(Stage::Prospect, None, 2, 0),
        ];
        let pipeline = sum_up(tallies, Grouping::Stage).unwrap();
        let totals: Vec<_> = pipeline
            .totals
            .iter()
            .map(|(_, currency, sums)| (*currency, sums.open_count, sums.won_minor))
            .collect();
        let expected = [
            (None, 2, 0),
            (Some(Currency::EUR), 0, 7),
            (Some(Currency::USD), 0, 5),
        ];
        assert_eq!(totals, expected);
    }

    #[test]
    fn months_become_quarters_and_the_undated_come_last() {
        let dated = |date: Option<&str>, amount| {
            let period = date.map(|date| date.parse().unwrap());
            Tally {
                period,
                ..usd(Stage::Won, 1, amount)
            }
        };
        let tallies = || {
            vec![
                dated(None, 1),
                dated(Some("2017-04-01"), 2),
                dated(Some("2017-03-01"), 4),
                dated(Some("2017-06-01"), 8),
            ]
        };
        let rows = |by| -> Vec<(String, i64)> {
            let shown = |group| match group {
                Group::Period(date) => Date::to_string(&date),
                Group::Undated => "undated".to_owned(),
                _ => panic!("gathered by something else"),
            };
            let rows = sum_up(tallies(), by).unwrap().rows;
            rows.into_iter()
                .map(|(group, _, sums)| (shown(group), sums.won_minor))
                .collect()
        };
        let row = |period: &str, amount| (period.to_owned(), amount);
        assert_eq!(
            rows(Grouping::Quarter),
            [
                row("2017-01-01", 4),
                row("2017-04-01", 10),
                row("undated", 1)
            ]
        );
        assert_eq!(
            rows(Grouping::Month),
            [
                row("2017-03-01", 4),
                row("2017-04-01", 2),
                row("2017-06-01", 8),
                row("undated", 1)
            ]
        );
    }

    #[test]
    fn partners_come_by_name_and_nobody_first() {
        let of = |partner: Option<&str>| Tally {
            partner: partner.map(|id| PartnerId::try_new(id).unwrap()),
            ..usd(Stage::Won, 1, 1)
        };
        let tallies = vec![of(Some("b")), of(None), of(Some("a")), of(Some("b"))];
        let rows = sum_up(tallies, Grouping::Partner).unwrap().rows;
        let found: Vec<_> = rows
            .into_iter()
            .map(|(group, _, sums)| (group, sums.won_count))
            .collect();
        let partner =
            |id: Option<&str>| Group::Partner(id.map(|id| PartnerId::try_new(id).unwrap()));
        assert_eq!(
            found,
            [
                (partner(None), 1),
                (partner(Some("a")), 1),
                (partner(Some("b")), 2)
            ]
        );
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let tallies = vec![usd(Stage::Won, 1, i64::MAX), usd(Stage::Won, 1, 1)];
        assert_eq!(sum_up(tallies, Grouping::Stage), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_deal_is_in_each_of_its_products_and_once_in_the_totals() {
        let of = |product: &str, amount| Tally {
            product: Some(ProductId::try_new(product).unwrap()),
            counted: false,
            ..usd(Stage::Won, 1, amount)
        };
        let whole = Tally {
            grouped: false,
            ..usd(Stage::Won, 1, 30)
        };
        let tallies = vec![of("b", 20), whole, of("a", 10)];
        let pipeline = sum_up(tallies, Grouping::Product).unwrap();
        let rows: Vec<_> = pipeline
            .rows
            .iter()
            .map(|(group, _, sums)| (group.clone(), sums.won_count, sums.won_minor))
            .collect();
        let product = |id| Group::Product(Some(ProductId::try_new(id).unwrap()));
        assert_eq!(rows, [(product("a"), 1, 10), (product("b"), 1, 20)]);
        let [((), _, total)] = pipeline.totals.as_slice() else {
            panic!("one currency has one total");
        };
        assert_eq!((total.won_count, total.won_minor), (1, 30));
    }
}
