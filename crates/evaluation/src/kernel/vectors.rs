//! Worked examples, recomputed with exact arithmetic from public sources. The number of each is the
//! name that it goes by.

use std::collections::BTreeMap;

use num_rational::Ratio;
use trellis_core::incentive::NotPaid;
use trellis_core::incentive::terms::{
    self, Audience, Below, Limits, Mode, Source, Terms, Threshold, Trigger, Window,
};
use trellis_core::incentive::{Fact, Kind, Standing};
use trellis_core::partner::PartnerType;
use trellis_core::{
    Currency, Date, MoneyError, PartnerId, PlanId, ProgramId, Rate, TierId, TimeZone,
};
use trellis_core::{DealId, round_half_up};

use super::entitlement::{Entitlement, Rules};
use super::measure::{Amounts, Group, Sum, standing_win};
use super::period::Scope;
use super::schedule::{Band, Exact, Schedule};
use super::steps::{self, Operation};
use super::trace::Subject;
use super::words;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub(super) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn program() -> ProgramId {
    ProgramId::try_new("channel").unwrap()
}

pub(super) fn standing(tier: &str) -> Standing {
    let held = BTreeMap::from([(program(), TierId::try_new(tier).unwrap())]);
    Standing::new(PartnerType::Reseller, held)
}

pub(super) fn band(from_minor: i64, percent: &str, fixed_minor: i64) -> terms::Band {
    // A percentage is a rate with its point two places further left.
    let rate = Ratio::new(1, 100) * rate(percent).ratio();
    let text = words::decimal(rate);
    terms::Band {
        from_minor,
        rate: text.parse().unwrap(),
        fixed_minor,
    }
}

pub(super) fn terms(mode: Mode, bands: Vec<terms::Band>) -> Terms {
    Terms {
        audience: Audience::default(),
        trigger: Trigger::DealWon,
        source: Source::DealNet,
        window: Window::Quarter,
        schedule: terms::Schedule {
            mode,
            threshold: Threshold::AtOrAbove,
            bands,
        },
        limits: Limits::default(),
        hold_days: 0,
    }
}

pub(super) fn rules(terms: Terms) -> Rules {
    Rules::new(program(), Currency::USD, terms)
}

pub(super) fn amounts(entries: &[(&str, i64, i64)]) -> Amounts {
    let mut amounts = Amounts::new();
    for (day, won, net) in entries {
        let group = Group {
            date: date(day),
            currency: Currency::USD,
            standing: standing("gold"),
        };
        let sum = amounts.entry(group).or_default();
        *sum = sum
            .plus(Sum {
                deals: 1,
                won: *won,
                net: *net,
            })
            .unwrap();
    }
    amounts
}

/// What a measure of so many minor units entitles to.
fn entitled(terms: &Terms, minor: i64) -> i64 {
    entitlement(terms, minor).entitled
}

fn entitlement(terms: &Terms, minor: i64) -> Entitlement {
    rules(terms.clone())
        .entitle(&amounts(&[("2026-05-04", minor, minor)]))
        .unwrap()
}

fn percent(percent: &str) -> Terms {
    terms(Mode::Marginal, vec![band(0, percent, 0)])
}

#[test]
fn a_percent_of_the_deal_n01() {
    assert_eq!(entitled(&percent("12.5"), 1_249_999), 156_250);
}

#[test]
fn a_half_is_rounded_away_from_zero_n02() {
    for (minor, rate, expected) in [
        (500, "2.9", 15),
        (3, "20", 1),
        (15, "10", 2),
        (1, "50", 1),
        (2, "20", 0),
        (7, "20", 1),
    ] {
        assert_eq!(
            entitled(&percent(rate), minor),
            expected,
            "{minor} at {rate} %"
        );
    }
    let nothing = entitlement(&percent("20"), 2);
    assert_eq!(nothing.not_paid, Some(NotPaid::RoundsToZero));
}

#[test]
fn bands_marginal_and_whole_n05() {
    let bands = vec![
        band(0, "5", 0),
        band(10_000_000, "6", 0),
        band(12_500_000, "7", 0),
    ];
    assert_eq!(
        entitled(&terms(Mode::Marginal, bands.clone()), 15_000_000),
        825_000
    );
    assert_eq!(entitled(&terms(Mode::Whole, bands), 15_000_000), 1_050_000);
}

#[test]
fn falling_rates_n06() {
    let bands = vec![
        band(0, "10", 0),
        band(100_000, "5", 0),
        band(1_000_000, "1", 0),
    ];
    assert_eq!(
        entitled(&terms(Mode::Marginal, bands.clone()), 1_500_000),
        60_000
    );
    assert_eq!(entitled(&terms(Mode::Whole, bands), 1_500_000), 15_000);
    let bands = vec![
        band(0, "1", 0),
        band(100_000, "0.8", 0),
        band(1_000_000, "0.5", 0),
    ];
    assert_eq!(entitled(&terms(Mode::Marginal, bands), 1_500_000), 10_700);
}

#[test]
fn rates_above_one_and_fixed_amounts_n07() {
    let rates = vec![
        band(0, "100", 0),
        band(25_000, "200", 0),
        band(50_000, "300", 0),
    ];
    assert_eq!(
        entitled(&terms(Mode::Marginal, rates.clone()), 100_000),
        225_000
    );
    assert_eq!(entitled(&terms(Mode::Whole, rates), 100_000), 300_000);
    let fixed = vec![
        band(0, "0", 1_000),
        band(25_000, "0", 2_000),
        band(50_000, "0", 3_000),
    ];
    assert_eq!(
        entitled(&terms(Mode::Marginal, fixed.clone()), 100_000),
        6_000
    );
    assert_eq!(entitled(&terms(Mode::Whole, fixed), 100_000), 3_000);
}

fn retro() -> Terms {
    terms(
        Mode::Whole,
        vec![band(500_000, "2", 0), band(1_000_000, "4", 0)],
    )
}

#[test]
fn back_to_the_first_dollar_n08() {
    assert_eq!(entitled(&retro(), 300_000), 0);
    assert_eq!(
        entitlement(&retro(), 300_000).not_paid,
        Some(NotPaid::BelowFirstBand)
    );
    assert_eq!(entitled(&retro(), 700_000), 14_000);
    assert_eq!(entitled(&retro(), 2_700_000), 108_000);
    assert_eq!(
        entitled(&retro(), 2_700_000) - entitled(&retro(), 700_000),
        94_000
    );
}

#[test]
fn a_refund_that_falls_below_a_band_takes_back_all_of_it_n09() {
    let refunded = amounts(&[("2026-05-04", 2_700_000, 900_000)]);
    let after = rules(retro()).entitle(&refunded).unwrap();
    assert_eq!(after.entitled, 18_000);
    assert_eq!(after.entitled - entitled(&retro(), 2_700_000), -90_000);
}

#[test]
fn fixed_amounts_are_paid_when_a_band_is_entered_n10() {
    let bands = vec![
        band(0, "1", 20_000),
        band(100_000, "2", 30_000),
        band(1_000_000, "3", 40_000),
    ];
    let plan = terms(Mode::Marginal, bands);
    assert_eq!(entitled(&plan, 50_000), 20_500);
    assert_eq!(entitled(&plan, 105_000), 51_100);
    assert_eq!(entitled(&plan, 505_000), 59_100);
}

#[test]
fn more_than_is_not_at_least_n11() {
    let mut plan = terms(Mode::Whole, vec![band(60_000, "4800", 0)]);
    plan.schedule.threshold = Threshold::Above;
    assert_eq!(entitled(&plan, 60_000), 0);
    assert_eq!(entitled(&plan, 60_100), 2_884_800);
}

#[test]
fn what_needs_more_than_128_bits_is_refused() {
    let bands = (0..64).map(|from| band(from, "0.0000000000000001", i64::MAX));
    let rules = rules(terms(Mode::Marginal, bands.collect()));
    let entitlement = rules.entitle(&amounts(&[("2026-05-04", 100, 100)]));
    assert_eq!(entitlement, Err(MoneyError::Overflow));
}

#[test]
fn a_rate_is_never_rounded_n12() {
    let exact = |rate: Exact| {
        let bands = vec![Band {
            from: 0,
            rate,
            fixed: 0,
        }];
        let schedule = Schedule::new(Mode::Whole, Threshold::AtOrAbove, bands);
        let slices = schedule.slices(3_000_000).unwrap();
        round_half_up(slices.iter().map(|slice| slice.exact).sum()).unwrap()
    };
    assert_eq!(exact(Ratio::new(1_450_000, 150_000)), 29_000_000);
    assert_eq!(
        exact(Ratio::new(967, 100)),
        29_010_000,
        "what a rounded rate would pay"
    );
}

#[test]
fn growth_thresholds_turned_into_amounts_n13() {
    // 2 %, and 1, 3 or 5 % more at 15, 30 and 45 % over a base of 100,000.00.
    let bands = vec![
        band(0, "2", 0),
        band(11_500_000, "3", 0),
        band(13_000_000, "5", 0),
        band(14_500_000, "7", 0),
    ];
    let plan = terms(Mode::Whole, bands);
    for (minor, expected) in [
        (11_499_999, 230_000),
        (11_850_000, 355_500),
        (12_999_999, 390_000),
        (13_000_000, 650_000),
        (14_500_000, 1_015_000),
    ] {
        assert_eq!(entitled(&plan, minor), expected, "{minor}");
    }
}

#[test]
fn limits_look_at_rounded_amounts_n15() {
    let mut plan = percent("2.5");
    plan.limits = Limits {
        minimum_minor: Some(20_000),
        below: Below::Forfeit,
        maximum_minor: Some(1_200_000),
    };
    for (minor, expected) in [
        (799_979, 0),
        (799_980, 20_000),
        (48_000_000, 1_200_000),
        (48_000_040, 1_200_000),
        (50_000_000, 1_200_000),
    ] {
        assert_eq!(entitled(&plan, minor), expected, "{minor}");
    }
    assert_eq!(
        entitlement(&plan, 799_979).not_paid,
        Some(NotPaid::BelowMinimum)
    );
    plan.limits.below = Below::RaiseTo;
    assert_eq!(entitled(&plan, 100), 20_000);
    assert_eq!(entitled(&plan, 10), 0, "nothing is never raised");
}

#[test]
fn accelerators_turned_into_amounts_n35() {
    // A quota of 250,000.00 with cuts at 80 and 100 %.
    let bands = vec![
        band(0, "6", 0),
        band(20_000_000, "8", 0),
        band(25_000_000, "12", 0),
    ];
    assert_eq!(
        entitled(&terms(Mode::Marginal, bands), 28_750_000),
        2_050_000
    );
    let bands = vec![
        band(0, "3", 0),
        band(17_500_000, "6", 0),
        band(25_000_000, "8", 0),
    ];
    assert_eq!(entitled(&terms(Mode::Whole, bands), 15_000_000), 450_000);
}

#[test]
fn the_version_is_that_of_the_local_day_n37() {
    let zone = TimeZone::try_new("America/New_York").unwrap();
    let change = zone.midnight(date("2026-07-01"));
    let last = zone.local_date(trellis_core::Timestamp::from_micros(
        change.micros() - 1_000_000,
    ));
    let first = zone.local_date(change);
    let entitled_on = |day: Date| {
        let plan = if day < date("2026-07-01") {
            percent("10")
        } else {
            percent("12")
        };
        entitled(&plan, 100_000)
    };
    assert_eq!(entitled_on(last), 10_000);
    assert_eq!(entitled_on(first), 12_000);
    // June anew at 11 %: only the difference is posted.
    assert_eq!(entitled(&percent("11"), 100_000) - entitled_on(last), 1_000);
}

/// A fact by itself, as a row holds it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    kind: Kind,
    pub(super) deal: DealId,
    win: i64,
    partner: Option<PartnerId>,
    standing: Option<Standing>,
    amount_minor: i64,
    pub(super) occur_date: Date,
}

impl Told {
    pub(super) fn as_fact(&self) -> Fact<'_> {
        Fact {
            kind: self.kind,
            deal: &self.deal,
            win: self.win,
            partner: self.partner.as_ref(),
            standing: self.standing.as_ref(),
            amount_minor: self.amount_minor,
            currency: Some(Currency::USD),
            occur_date: self.occur_date,
        }
    }
}

pub(super) fn facts(told: &[Told]) -> Vec<Fact<'_>> {
    told.iter().map(Told::as_fact).collect()
}

pub(super) fn fact(kind: Kind, win: i64, minor: i64) -> Told {
    let deal = DealId::try_new("deal-1").unwrap();
    let is_won = kind == Kind::DealWon;
    Told {
        kind,
        deal,
        win,
        partner: is_won.then(|| PartnerId::try_new("nimbus").unwrap()),
        standing: is_won.then(|| standing("gold")),
        amount_minor: minor,
        occur_date: date("2026-05-04"),
    }
}

#[test]
fn a_partial_refund_takes_back_its_share_n48() {
    let won = fact(Kind::DealWon, 1, 80_000);
    let refund = fact(Kind::DealRefunded, 1, 20_000);
    let entitled = |told: &[Told]| {
        let win = standing_win(facts(told)).unwrap();
        let amounts = Amounts::from([(win.group(), win.sum())]);
        rules(percent("10")).entitle(&amounts).unwrap().entitled
    };
    assert_eq!(entitled(std::slice::from_ref(&won)), 8_000);
    assert_eq!(entitled(&[won.clone(), refund.clone()]), 6_000);
    assert_eq!(
        entitled(&[refund, won]),
        6_000,
        "in whatever order they come"
    );
}

#[test]
fn only_the_latest_win_counts_unless_it_was_taken_back() {
    let first = fact(Kind::DealWon, 1, 80_000);
    let refund = fact(Kind::DealRefunded, 1, 20_000);
    let back = fact(Kind::DealReopened, 1, 0);
    let again = fact(Kind::DealWon, 2, 50_000);
    assert_eq!(
        standing_win(facts(&[first.clone(), refund.clone(), back.clone()])),
        None
    );
    let win = standing_win(facts(&[first, refund, back, again])).unwrap();
    assert_eq!((win.number, win.won, win.net), (2, 50_000, 50_000));
}

#[test]
fn other_tiers_kinds_and_currencies_earn_nothing_and_say_why() {
    let sale = amounts(&[("2026-05-04", 80_000, 80_000)]);
    let mut plan = percent("10");
    plan.audience.tiers = vec![TierId::try_new("silver").unwrap()];
    let not_paid = |plan: &Terms, amounts: &Amounts| {
        let result = rules(plan.clone()).entitle(amounts).unwrap();
        assert_eq!(result.entitled, 0);
        result.not_paid
    };
    assert_eq!(not_paid(&plan, &sale), Some(NotPaid::TierNotInAudience));
    plan.audience.tiers = vec![TierId::try_new("gold").unwrap()];
    plan.audience.partner_types = vec![PartnerType::Referral];
    assert_eq!(
        not_paid(&plan, &sale),
        Some(NotPaid::PartnerTypeNotInAudience)
    );
    plan.audience.partner_types.clear();
    let euros: Amounts = sale
        .into_iter()
        .map(|(group, sum)| {
            (
                Group {
                    currency: Currency::EUR,
                    ..group
                },
                sum,
            )
        })
        .collect();
    assert_eq!(not_paid(&plan, &euros), Some(NotPaid::CurrencyMismatch));
    let elsewhere = Standing::new(PartnerType::Reseller, BTreeMap::new());
    let not_enrolled: Amounts = amounts(&[("2026-05-04", 80_000, 80_000)])
        .into_iter()
        .map(|(group, sum)| {
            (
                Group {
                    standing: elsewhere.clone(),
                    ..group
                },
                sum,
            )
        })
        .collect();
    assert_eq!(not_paid(&plan, &not_enrolled), Some(NotPaid::NotEnrolled));
    assert_eq!(
        not_paid(&plan, &amounts(&[("2026-05-04", 80_000, 0)])),
        Some(NotPaid::FullyRefunded)
    );
    assert_eq!(
        not_paid(&plan, &amounts(&[("2026-05-04", 0, 0)])),
        Some(NotPaid::NothingSold)
    );
    assert_eq!(
        not_paid(&plan, &Amounts::new()),
        Some(NotPaid::DealReopened)
    );
}

#[test]
fn a_hold_lasts_from_the_deals_day_or_from_the_end_of_the_period() {
    let held = |window: Window| {
        let mut plan = terms(Mode::Marginal, vec![band(0, "5", 0)]);
        plan.window = window;
        plan.hold_days = 30;
        rules(plan)
    };
    let sales = amounts(&[("2026-01-31", 10_000_000, 10_000_000)]);
    let maturity = |rules: &Rules, day: &str| {
        let maturity = rules.maturity(&sales, 500_000, date(day));
        (maturity.matured, maturity.next)
    };
    // N33: 30 days after January 31 is March 2.
    let deal = held(Window::Event);
    assert_eq!(maturity(&deal, "2026-03-01"), (0, Some(date("2026-03-02"))));
    assert_eq!(maturity(&deal, "2026-03-02"), (500_000, None));
    // What counts for a quarter is held from the first day after it.
    let quarter = held(Window::Quarter);
    assert_eq!(
        maturity(&quarter, "2026-03-02"),
        (0, Some(date("2026-05-01")))
    );
    assert_eq!(maturity(&quarter, "2026-05-01"), (500_000, None));
}

#[test]
fn the_next_band_says_what_is_missing() {
    let plan = terms(Mode::Whole, vec![band(0, "5", 0), band(10_000_000, "6", 0)]);
    let next = entitlement(&plan, 9_999_999).next.unwrap();
    assert_eq!((next.band, next.missing), (1, 1));
    assert_eq!(entitlement(&plan, 10_000_000).next, None);
    let mut above = plan;
    above.schedule.threshold = Threshold::Above;
    assert_eq!(entitlement(&above, 10_000_000).next.unwrap().missing, 1);
}

fn subject<'a>(plan: &'a PlanId, partner: &'a PartnerId, scope: &'a Scope) -> Subject<'a> {
    Subject {
        plan,
        version: Some(2),
        version_hash: &[7; 32],
        partner,
        scope,
    }
}

#[test]
fn the_steps_tell_the_story_in_sentences() {
    let plan = PlanId::try_new("spiff").unwrap();
    let partner = PartnerId::try_new("nimbus").unwrap();
    let deal = DealId::try_new("deal-1").unwrap();
    let scope = Scope::of(&deal, date("2026-05-04"), Window::Quarter);
    let bands = vec![band(0, "5", 0), band(10_000_000, "6", 0)];
    let rules = rules(terms(Mode::Whole, bands));
    let sales = amounts(&[("2026-05-04", 20_000_000, 20_000_000)]);
    let result = rules.entitle(&sales).unwrap();
    let steps = steps::steps(&subject(&plan, &partner, &scope), &rules, &result, 577_125);
    let operations: Vec<Operation> = steps.iter().map(|step| step.operation).collect();
    assert_eq!(
        operations,
        [
            Operation::SelectVersion,
            Operation::Audience,
            Operation::Measure,
            Operation::Schedule,
            Operation::Round,
            Operation::Delta,
        ]
    );
    assert_eq!(
        steps::summary(&steps),
        "Version 2 of plan spiff holds for 2026-Q2. One deal of 2026-Q2 was won for 200,000.00 USD: \
         200,000.00 USD count. The band from 100,000.00 USD applies to all of it: 6 % of 200,000.00 \
         USD: 12,000.00 USD. Already credited 5,771.25 USD. Now credited 6,228.75 USD."
    );
}

#[test]
fn exact_numbers_are_shown_whole() {
    assert_eq!(
        words::decimal(Ratio::new(156_249_875, 100_000)),
        "1562.49875"
    );
    assert_eq!(words::decimal(Ratio::new(-1, 8)), "-0.125");
    assert_eq!(words::decimal(Ratio::from(0)), "0");
    assert_eq!(words::decimal(Ratio::new(29, 3)), "29/3");
    assert_eq!(words::exact(Ratio::new(29, 2), Currency::USD), "0.145");
}
