//! The arithmetic of money at the edges of what fits, beside the same with numbers that have no bound:
//! to the coin where it fits, and refused where it does not.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::Ratio;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use trellis_core::incentive::Standing;
use trellis_core::incentive::terms;
use trellis_core::partner::PartnerType;
use trellis_core::{Currency, Money, MoneyError, ProgramId, Rate, TierId, allocate, round_half_up};
use trellis_evaluation::evaluate::{Exact, convert, evaluate};
use trellis_evaluation::kernel::entitlement::Rules;
use trellis_evaluation::kernel::measure::{Amounts, Group, Sum};
use trellis_evaluation::plan::Rounding;

use crate::checker::of;
use crate::fraction::Fraction;
use crate::random::pick;
use crate::scene::{currency, day, invoice, plan, ready, told};
use crate::wide::{edge, edge_rate};

/// Currencies of 0, 2, 3 and 4 digits. ISO 4217 has none of one.
const CURRENCIES: [&str; 4] = ["JPY", "USD", "KWD", "CLF"];

/// What is tried: the product's arithmetic, or one with a fault.
#[derive(Clone, Copy)]
struct Arithmetic {
    add: fn(Money, Money) -> Result<Money, MoneyError>,
    round: fn(Exact) -> Result<i64, MoneyError>,
    exchange: fn(i64, Currency, Currency, Rate) -> Result<i64, MoneyError>,
    allocate: fn(i64, &[u64]) -> Vec<i64>,
}

const PRODUCT: Arithmetic = Arithmetic {
    add: Money::checked_add,
    round: round_half_up,
    exchange: convert,
    allocate,
};

/// How often each was an amount, and how often it was refused.
#[derive(Debug, Default)]
struct Seen(BTreeMap<&'static str, [usize; 2]>);

impl Seen {
    /// Compares an amount with the exact one, which is to be refused where it does not fit.
    fn compare(
        &mut self,
        what: &'static str,
        ours: Result<i64, MoneyError>,
        exact: &BigInt,
    ) -> Result<(), String> {
        let expected = i64::try_from(exact).map_err(|_| MoneyError::Overflow);
        let count = &mut self.0.entry(what).or_default()[usize::from(expected.is_err())];
        *count += 1;
        if ours == expected {
            Ok(())
        } else {
            Err(format!("{what}: {ours:?} in place of {exact}"))
        }
    }
}

fn sums(rng: &mut StdRng, with: Arithmetic, seen: &mut Seen) -> Result<(), String> {
    let (one, other) = (edge(rng), edge(rng));
    let of = currency(pick(rng, &CURRENCIES));
    let (left, right) = (Money::new(one, of), Money::new(other, of));
    let minor = |money: Result<Money, MoneyError>| money.map(|money| money.minor);
    let (one, other) = (BigInt::from(one), BigInt::from(other));
    let (sum, difference) = (&one + &other, &one - &other);
    seen.compare("sum", minor((with.add)(left, right)), &sum)?;
    seen.compare("difference", minor(left.checked_sub(right)), &difference)?;
    seen.compare("opposite", minor(left.checked_neg()), &-one)
}

/// Products of two amounts over what they may be divided by, and what lies next to halves.
fn roundings(rng: &mut StdRng, with: Arithmetic, seen: &mut Seen) -> Result<(), String> {
    let bottom = match rng.random_range(0..3) {
        0 => 2,
        1 => 10_i128.pow(rng.random_range(0..37)),
        _ => i128::from(edge(rng).unsigned_abs().max(1)),
    };
    let top = match rng.random_range(0..4) {
        0 => i128::from(edge(rng)) * i128::from(edge(rng)),
        1 => i128::from(edge(rng)),
        2 => pick(rng, &[i128::MAX, i128::MIN + 1]),
        _ => i128::from(edge(rng)) * bottom.min(1 << 62) + bottom / 2 + rng.random_range(-1..=1),
    };
    let exact = Ratio::new(top, bottom);
    let expected = of(&exact).rounded(Rounding::HalfUp);
    seen.compare("rounding", (with.round)(exact), &expected)
        .map_err(|wrong| format!("{wrong}, {top}/{bottom}"))
}

fn exchanges(rng: &mut StdRng, with: Arithmetic, seen: &mut Seen) -> Result<(), String> {
    let (from, to) = (
        currency(pick(rng, &CURRENCIES)),
        currency(pick(rng, &CURRENCIES)),
    );
    let (minor, rate) = (edge(rng), edge_rate(rng));
    let rate: Rate = rate.parse().unwrap();
    let scale = Fraction::new(to.minor_per_unit().into(), from.minor_per_unit().into());
    let worth = Fraction::from(minor)
        .times(&of(&rate.ratio()))
        .times(&scale);
    let ours = (with.exchange)(minor, from, to, rate);
    // What needs more than 128 bits on the way may be refused although it would fit in the end.
    let product = BigInt::from(minor) * BigInt::from(*rate.ratio().numer());
    if ours.is_err() && i128::try_from(&product).is_err() {
        return Ok(());
    }
    seen.compare("exchange", ours, &worth.rounded(Rounding::HalfUp))
        .map_err(|wrong| format!("{wrong}, {minor} {from} at {rate} in {to}"))
}

/// Each part is its share cut to a whole number, and one more where fewer than are left were cut more.
fn parts(total: i64, weights: &[u64]) -> Vec<BigInt> {
    let nobody = weights.iter().all(|weight| *weight == 0);
    let weigh = |weight: &u64| BigInt::from(if nobody { 1 } else { *weight });
    let weights: Vec<BigInt> = weights.iter().map(weigh).collect();
    let all: BigInt = weights.iter().sum();
    let amount = BigInt::from(total.unsigned_abs());
    let shares: Vec<BigInt> = weights.iter().map(|weight| &amount * weight).collect();
    let rests: Vec<BigInt> = shares.iter().map(|share| share % &all).collect();
    let left = rests.iter().sum::<BigInt>() / &all;
    let cut_more = |at: usize| {
        let more = |(other, rest): &(usize, &BigInt)| {
            **rest > rests[at] || (**rest == rests[at] && *other < at)
        };
        BigInt::from(rests.iter().enumerate().filter(more).count())
    };
    let part = |(at, share): (usize, &BigInt)| {
        let part = share / &all + i32::from(cut_more(at) < left);
        if total < 0 { -part } else { part }
    };
    shares.iter().enumerate().map(part).collect()
}

fn splits(rng: &mut StdRng, with: Arithmetic, seen: &mut Seen) -> Result<(), String> {
    let total = edge(rng);
    let weight = |rng: &mut StdRng| match rng.random_range(0..4) {
        0 => rng.random_range(0..4),
        1 => u64::MAX - rng.random_range(0..4),
        2 => edge(rng).unsigned_abs(),
        _ => rng.random_range(0..1_000),
    };
    let weights: Vec<u64> = (0..rng.random_range(1..9)).map(|_| weight(rng)).collect();
    let ours = (with.allocate)(total, &weights);
    let exact = parts(total, &weights);
    let told = |wrong| format!("{wrong}, {total} by {weights:?}: {ours:?}");
    if ours.len() != exact.len() {
        return Err(told("other parts".to_owned()));
    }
    for (part, exact) in ours.iter().zip(&exact) {
        seen.compare("part", Ok(*part), exact).map_err(told)?;
    }
    Ok(())
}

/// A percentage of an amount, rounded as a plan says; often a half, which is where that matters.
fn percentages(rng: &mut StdRng, seen: &mut Seen) -> Result<(), String> {
    let (minor, mut rate) = (edge(rng).max(0), edge_rate(rng));
    if rng.random_ratio(1, 4) {
        "0.5".clone_into(&mut rate);
    }
    let mut plan = plan("plan", &[("0", &rate, 0)]);
    plan.currency = currency(pick(rng, &CURRENCIES));
    plan.policy.rounding = pick(
        rng,
        &[
            Rounding::HalfUp,
            Rounding::HalfEven,
            Rounding::Down,
            Rounding::Up,
        ],
    );
    let mut fact = invoice("sale", "2026-03-02", minor);
    fact.currency = Some(plan.currency);
    let awards = evaluate(
        &ready(std::slice::from_ref(&plan)),
        &told(&[fact]),
        trellis_core::Timestamp::EPOCH,
    );
    let ours = awards.map(|awards| awards[0].entitled);
    let how = plan.policy.rounding;
    let exact = Fraction::from(minor).times(&Fraction::decimal(&rate));
    seen.compare("percentage", ours, &exact.rounded(how))
        .map_err(|wrong| format!("{wrong}, {minor} at {rate}, {how:?}"))
}

fn group() -> Group {
    let (program, tier) = (ProgramId::try_new("channel"), TierId::try_new("gold"));
    let held = BTreeMap::from([(program.unwrap(), tier.unwrap())]);
    Group {
        date: day("2026-03-02"),
        currency: Currency::USD,
        standing: Standing::new(PartnerType::Reseller, held),
    }
}

fn edge_terms(rng: &mut StdRng) -> terms::Terms {
    let mut begins: Vec<i64> = (0..rng.random_range(1..=64))
        .map(|_| edge(rng).saturating_abs())
        .collect();
    begins.sort_unstable();
    begins.dedup();
    let fixed = rng.random_ratio(1, 2);
    let band = |rng: &mut StdRng, from_minor| terms::Band {
        from_minor,
        rate: edge_rate(rng).parse().unwrap(),
        fixed_minor: if fixed { edge(rng).saturating_abs() } else { 0 },
    };
    let minimum_minor = rng.random::<bool>().then(|| edge(rng).saturating_abs());
    let most = rng.random::<bool>().then(|| edge(rng).saturating_abs());
    terms::Terms {
        audience: terms::Audience::default(),
        trigger: terms::Trigger::DealWon,
        source: terms::Source::DealNet,
        window: terms::Window::Quarter,
        schedule: terms::Schedule {
            mode: pick(rng, &[terms::Mode::Marginal, terms::Mode::Whole]),
            threshold: pick(rng, &[terms::Threshold::AtOrAbove, terms::Threshold::Above]),
            bands: begins.into_iter().map(|begin| band(rng, begin)).collect(),
        },
        limits: terms::Limits {
            minimum_minor,
            below: pick(rng, &[terms::Below::Forfeit, terms::Below::RaiseTo]),
            maximum_minor: most.map(|most| most.max(minimum_minor.unwrap_or_default())),
        },
        hold_days: 0,
    }
}

/// What bands pay for a measure, exactly.
fn banded(schedule: &terms::Schedule, measure: i64) -> Fraction {
    let reached = |band: &&terms::Band| match schedule.threshold {
        terms::Threshold::AtOrAbove => measure >= band.from_minor,
        terms::Threshold::Above => measure > band.from_minor,
    };
    let pays = |band: &terms::Band, from: i64, to: i64| {
        let base = Fraction::from(to).minus(&Fraction::from(from));
        let rate = Fraction::decimal(&band.rate.to_string());
        base.times(&rate).plus(&Fraction::from(band.fixed_minor))
    };
    let reached: Vec<&terms::Band> = schedule.bands.iter().filter(reached).collect();
    let mut sum = Fraction::from(0);
    if measure <= 0 {
        return sum;
    }
    match schedule.mode {
        terms::Mode::Whole => {
            if let Some(band) = reached.last() {
                sum = sum.plus(&pays(band, 0, measure));
            }
        }
        terms::Mode::Marginal => {
            let ends = reached.iter().skip(1).map(|next| next.from_minor);
            for (band, end) in reached.iter().zip(ends.chain([measure])) {
                sum = sum.plus(&pays(band, band.from_minor, end));
            }
        }
    }
    sum
}

/// What the kernel pays for a measure.
fn entitlements(rng: &mut StdRng, group: &Group, seen: &mut Seen) -> Result<(), String> {
    let terms = edge_terms(rng);
    let measure = edge(rng);
    let sum = Sum {
        deals: 1,
        won: measure,
        net: measure,
    };
    let rules = Rules::new(
        ProgramId::try_new("channel").unwrap(),
        Currency::USD,
        terms.clone(),
    );
    let ours = rules.entitle(&Amounts::from([(group.clone(), sum)]));
    let exact = banded(&terms.schedule, measure).rounded(Rounding::HalfUp);
    let rounded = ours
        .as_ref()
        .map(|ours| ours.rounded)
        .map_err(|error| *error);
    let told = |wrong| format!("{wrong}, {measure} under {terms:?}");
    seen.compare("bands", rounded, &exact).map_err(told)?;
    let Ok(ours) = ours else { return Ok(()) };
    let limits = &terms.limits;
    let least = BigInt::from(limits.minimum_minor.unwrap_or_default());
    let mut within = match limits.below {
        _ if exact >= least => exact,
        terms::Below::RaiseTo if exact > BigInt::from(0) => least,
        terms::Below::RaiseTo => exact,
        terms::Below::Forfeit => BigInt::from(0),
    };
    if let Some(most) = limits.maximum_minor {
        within = within.min(BigInt::from(most));
    }
    seen.compare("limits", Ok(ours.entitled), &within)
        .map_err(told)
}

/// So many of each kind. Tells the first that differs.
fn compared(cases: usize, seed: u64, with: Arithmetic) -> Result<Seen, String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut seen = Seen::default();
    let group = group();
    for case in 0..cases {
        sums(&mut rng, with, &mut seen)
            .and_then(|()| roundings(&mut rng, with, &mut seen))
            .and_then(|()| exchanges(&mut rng, with, &mut seen))
            .and_then(|()| splits(&mut rng, with, &mut seen))
            .and_then(|()| percentages(&mut rng, &mut seen))
            .and_then(|()| entitlements(&mut rng, &group, &mut seen))
            .map_err(|wrong| format!("case {case}: {wrong}"))?;
    }
    Ok(seen)
}

fn exact(cases: usize, seed: u64) {
    let seen = compared(cases, seed, PRODUCT).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!(
        "{cases} cases of each, as often an amount and refused: {:?}",
        seen.0
    );
    for (what, [fit, refused]) in seen.0 {
        assert!(fit > cases / 5, "{what} fit {fit} times");
        let always = ["part", "limits", "opposite"].contains(&what);
        assert!(
            always || refused > cases / 50,
            "{what} was refused {refused} times"
        );
    }
}

#[test]
fn money_is_exact_at_the_edges() {
    exact(3_000, 38);
}

/// The same a million times, or as often as `TRELLIS_TESTS_MONEY_CASES` says. `make endurance` runs it
/// with optimisation and with checks of every sum.
#[test]
#[ignore = "takes minutes"]
fn a_million_times_money_is_exact_at_the_edges() {
    exact(crate::support::money_cases(), 39);
}

#[test]
fn faults_of_arithmetic_are_found() {
    let wraps = |one: Money, other: Money| {
        let minor = one.minor.wrapping_add(other.minor);
        Ok(Money::new(minor, one.currency))
    };
    let half_down = |exact: Exact| {
        let rounded = round_half_up(exact)?;
        let half = exact.fract() == Exact::new(1, 2);
        Ok(if half { rounded - 1 } else { rounded })
    };
    let rounds_the_rate = |minor, from, to, rate: Rate| {
        let Ok(rate) = Rate::try_from(round_half_up(rate.ratio())?) else {
            return convert(minor, from, to, rate);
        };
        convert(minor, from, to, rate)
    };
    let drops_the_rest = |total: i64, weights: &[u64]| {
        let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        let part = |weight: &u64| i128::from(total) * i128::from(*weight) / sum.max(1);
        let parts = weights.iter().map(part);
        parts.map(|part| i64::try_from(part).unwrap()).collect()
    };
    let rest_to_the_first = |total: i64, weights: &[u64]| {
        let mut parts = allocate(total, weights);
        let last = parts.len() - 1;
        parts.swap(0, last);
        parts
    };
    let faults: [(&str, Arithmetic); 5] = [
        (
            "sum",
            Arithmetic {
                add: wraps,
                ..PRODUCT
            },
        ),
        (
            "rounding",
            Arithmetic {
                round: half_down,
                ..PRODUCT
            },
        ),
        (
            "exchange",
            Arithmetic {
                exchange: rounds_the_rate,
                ..PRODUCT
            },
        ),
        (
            "part",
            Arithmetic {
                allocate: drops_the_rest,
                ..PRODUCT
            },
        ),
        (
            "part",
            Arithmetic {
                allocate: rest_to_the_first,
                ..PRODUCT
            },
        ),
    ];
    for (what, fault) in faults {
        let found = compared(1_000, 40, fault).unwrap_err();
        assert!(found.contains(&format!("{what}: ")), "{found}");
    }
}
