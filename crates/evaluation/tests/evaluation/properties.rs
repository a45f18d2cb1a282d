//! What holds for all amounts: the invariants of splits, clawbacks, limits, currencies.

use proptest::prelude::*;
use trellis_core::Rate;
use trellis_evaluation::evaluate::{Award, convert};
use trellis_evaluation::plan::*;

use crate::fraction::Fraction;
use crate::scene::*;

fn all_of(minor: i64) -> PlanVersion {
    let mut plan = plan("plan", &[("0", "0", minor)]);
    plan.measure.source = Source::Count;
    plan
}

fn roles(weights: &[u32]) -> Sharing {
    let role = |(index, weight): (usize, &u32)| RoleWeight {
        role: format!("role-{index}"),
        weight: *weight,
    };
    Sharing::RoleWeights {
        roles: weights.iter().enumerate().map(role).collect(),
        unfilled: Unfilled::VendorKeeps,
    }
}

fn sale(count: usize) -> trellis_evaluation::evaluate::Fact {
    let mut sale = invoice("i-1", "2026-01-01", 1);
    let filled = |index: usize| party(&format!("partner-{index}"), &format!("role-{index}"));
    sale.parties = (0..count).map(filled).collect();
    sale
}

fn shares(award: &Award) -> Vec<i64> {
    award.shares.iter().map(|share| share.minor).collect()
}

fn any_weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..1_000_u32, 1..6).prop_filter("weighs something", |weights| {
        weights.iter().any(|weight| *weight > 0)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// I08: shares add up to the total, each within one coin of its exact part and none above it all.
    #[test]
    fn shares_are_the_total(minor in 1..1_000_000_000_i64, weights in any_weights()) {
        let mut plan = all_of(minor);
        plan.sharing = roles(&weights);
        let shares = shares(&only(&plan, &[sale(weights.len())]));
        prop_assert_eq!(shares.iter().sum::<i64>(), minor);
        let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
        for (share, weight) in shares.iter().zip(&weights) {
            let exact = Fraction::from(minor).times(&Fraction::from(i64::from(*weight)));
            let exact = exact.over(&Fraction::from(sum));
            let off = Fraction::from(*share).minus(&exact);
            prop_assert!(off < Fraction::from(1) && off > Fraction::from(-1));
            prop_assert!((0..=minor).contains(share));
        }
    }

    /// I09: no taking back pays anybody or takes more than is left; all of it leaves nothing.
    #[test]
    fn taking_back_pays_nobody(
        minor in 1..10_000_000_i64,
        weights in any_weights(),
        parts in prop::collection::vec(1..500_i64, 1..5),
    ) {
        let mut plan = all_of(minor);
        plan.sharing = roles(&weights);
        plan.protection.clawback = Some(Clawback {
            triggers: vec![ClawbackTrigger::Revocation],
            mode: ClawbackMode::Full,
            window: 365,
            grace: 0,
            anchor: Anchor::Event,
        });
        let mut facts = vec![sale(weights.len())];
        let mut before = shares(&only(&plan, &facts));
        for (index, part) in parts.iter().chain([&1_000]).enumerate() {
            let date = day("2026-01-02").plus_days(i32::try_from(index).unwrap()).to_string();
            let mut back = back(&format!("b-{index}"), FactKind::Revocation, "i-1", &date, 0);
            back.share = Some(format!("{}.{:03}", part / 1_000, part % 1_000).parse().unwrap());
            facts.push(back);
            let after = shares(&only(&plan, &facts));
            for (after, before) in after.iter().zip(&before) {
                prop_assert!(0 <= *after && after <= before, "{:?}", facts);
            }
            before = after;
        }
        prop_assert!(before.iter().all(|share| *share == 0));
    }

    /// I12 and I13: under rates that do not fall, selling more never earns less, and nothing is ever
    /// less than nothing or more than its cap.
    #[test]
    fn selling_more_never_earns_less(
        steps in prop::collection::vec((1..1_000_000_i64, 0..100_i64), 1..6),
        whole in any::<bool>(),
        most in prop::option::of(1..1_000_000_i64),
        less in 0..5_000_000_i64,
        more in 0..5_000_000_i64,
    ) {
        let (mut from, mut percent) = (0, 0);
        let mut bands = Vec::new();
        for (index, (step, rise)) in steps.iter().enumerate() {
            from += if index == 0 { 0 } else { *step };
            percent += rise;
            bands.push((from.to_string(), format!("{}.{:02}", percent / 100, percent % 100), 0));
        }
        let bands: Vec<_> = bands.iter().map(|(from, rate, fixed)| (from.as_str(), rate.as_str(), *fixed)).collect();
        let mode = if whole { Mode::Whole } else { Mode::Marginal };
        let mut plan = over(Window::Quarter, mode, &bands);
        plan.limits.limits = most.map(|most| cap(LimitScope::Award, Window::Event, most)).into_iter().collect();
        let earned = |minor| only(&plan, &[invoice("i-1", "2026-05-04", minor)]).entitled;
        let (one, other) = (earned(less), earned(less + more));
        prop_assert!(0 <= one && one <= other);
        prop_assert!(most.is_none_or(|most| other <= most));
    }

    /// I23 and I24: what is exchanged is a whole number of the coins of its currency, nearest to the
    /// exact amount; and back again it is within what one coin of the other is worth.
    #[test]
    fn exchanging_rounds_once_to_real_coins(
        minor in -1_000_000_000..1_000_000_000_i64,
        millionths in 1..500_000_000_i64,
        from in prop::sample::select(vec!["USD", "JPY", "KWD", "EUR"]),
        to in prop::sample::select(vec!["USD", "JPY", "KWD", "GBP"]),
    ) {
        let (from, to) = (currency(from), currency(to));
        let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
        let rate: Rate = text.parse().unwrap();
        let coins = convert(minor, from, to, rate).unwrap();
        // In whole units: coins of JPY are units, a dinar has a thousand.
        let units = |minor: i64, code: &str| {
            let per = match code { "JPY" => 1, "KWD" => 1_000, _ => 100 };
            Fraction::from(minor).over(&Fraction::from(per))
        };
        let exact = units(minor, from.code()).times(&Fraction::decimal(&text));
        let twice_off = units(coins, to.code()).minus(&exact).times(&Fraction::from(2));
        let coin = units(1, to.code());
        prop_assert!(twice_off <= coin && twice_off >= coin.times(&Fraction::from(-1)));
        let back = units(coins, to.code()).over(&Fraction::decimal(&text));
        let off = back.minus(&units(minor, from.code())).times(&Fraction::decimal(&text));
        prop_assert!(off <= coin && off >= coin.times(&Fraction::from(-1)));
    }
}
