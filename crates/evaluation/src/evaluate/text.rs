//! The steps of an evaluation as sentences.

use num_rational::Ratio;
use trellis_core::Money;

use super::award::Place;
use super::exact::Exact;
use super::schedule::Slice;
use super::trace::{Detail, Exchanged, Measured};
use crate::kernel::words::{amount, decimal, in_words, percent};
use crate::plan::{BandBy, LimitScope, Mode, PlanVersion, Quantity};

/// A step as a sentence; empty where there is nothing to say.
pub(super) fn of(detail: &Detail, plan: &PlanVersion, place: &Place) -> String {
    let money = |minor: i64| Money::new(minor, plan.currency).to_string();
    match detail {
        Detail::SelectVersion { version } => {
            format!(
                "Version {version} of plan {} holds for {}.",
                plan.plan,
                of_what(place)
            )
        }
        Detail::Admit { left_out, .. } => {
            let mut texts: Vec<&str> = Vec::new();
            for out in left_out {
                if !texts.contains(&out.text.as_str()) {
                    texts.push(&out.text);
                }
            }
            texts.join(" ")
        }
        Detail::Exchange { lines } => lines.iter().map(exchanged).collect::<Vec<_>>().join(" "),
        Detail::Measure { lines, total } => {
            let refunded = |line: &Measured| i128::from(line.gross) - i128::from(line.net);
            let refunded: i128 = lines.iter().map(refunded).sum();
            let counted = counted(plan, (*total).into());
            let less = if refunded > 0 {
                format!(
                    ", {} less than before refunds",
                    self::counted(plan, refunded)
                )
            } else {
                String::new()
            };
            match lines.len() {
                0 => String::new(),
                1 => format!("It counts for {counted}{less}."),
                many => format!("{many} of {} reached {counted}{less}.", of_what(place)),
            }
        }
        Detail::Target { amount } => {
            format!("It is compared with {}.", counted(plan, (*amount).into()))
        }
        Detail::Schedule { slices, exact } => schedule(plan, slices, *exact),
        Detail::Round {
            rounded, remainder, ..
        } if *remainder != Ratio::from(0) => {
            format!("Rounded: {}.", money(*rounded))
        }
        Detail::Round { .. } => String::new(),
        Detail::Limit { before, after, .. } if before == after => {
            "That is within the limits.".to_owned()
        }
        Detail::Limit {
            limit,
            taken,
            after,
            ..
        } => {
            let whose = match limit.scope {
                LimitScope::Award => "an award",
                LimitScope::Customer => "a customer",
                LimitScope::Partner => "a partner",
                LimitScope::Plan => "the plan",
            };
            let taken = taken.unwrap_or_default();
            let most = limit
                .max_minor
                .filter(|most| after.saturating_add(taken) >= *most);
            match (most, limit.min_minor) {
                (Some(most), _) => format!(
                    "{whose} gets at most {}, of which {} were taken: {}.",
                    money(most),
                    money(taken),
                    money(*after)
                ),
                (None, Some(least)) if *after == 0 => {
                    format!(
                        "That is less than the minimum of {}, so nothing is paid.",
                        money(least)
                    )
                }
                _ => format!("That is raised to the minimum: {}.", money(*after)),
            }
        }
        Detail::Clawback { claws, after, .. } => {
            let taken: i64 = claws.iter().map(|claw| claw.minor).sum();
            format!(
                "{} are taken back again, which leaves {}.",
                money(taken),
                money(*after)
            )
        }
        Detail::Draw {
            earned,
            debt_before,
            debt_after,
            after,
        } => format!(
            "{} were earned; with the advance {} are paid, and {} instead of {} are owed of advances.",
            money(*earned),
            money(*after),
            money(*debt_after),
            money(*debt_before)
        ),
        Detail::Stack {
            instead: Some(winner),
            ..
        } => {
            format!("Plan {winner} of the same group is paid instead.")
        }
        Detail::Stack { before, after, .. } if before == after => String::new(),
        Detail::Stack { after, .. } => {
            format!(
                "The plans of the group together are capped, which leaves {}.",
                money(*after)
            )
        }
        Detail::KeepPaid { after, .. } => {
            format!(
                "{} were paid under another version, and stay.",
                money(*after)
            )
        }
        Detail::Split { shares, .. } if shares.is_empty() => {
            "Nobody has a role that is paid: it is kept.".to_owned()
        }
        Detail::Split { shares, .. } => {
            let parts: Vec<String> = shares
                .iter()
                .map(|share| {
                    use super::share::Recipient;
                    let whose = match &share.to {
                        Recipient::Partner(partner) => partner.to_string(),
                        Recipient::Fund(crate::plan::Fund::Rebate) => "the rebate".to_owned(),
                        Recipient::Fund(crate::plan::Fund::Coop) => "the co-op fund".to_owned(),
                        Recipient::Vendor => "nobody".to_owned(),
                    };
                    format!("{} for {whose}", money(share.minor))
                })
                .collect();
            format!("Split: {}.", parts.join(", "))
        }
        Detail::Hold { slices } => {
            let parts: Vec<String> = slices
                .iter()
                .map(|held| match held.until {
                    Some(until) => format!("{} are free on {until}", money(held.minor)),
                    None => format!("{} are held until their condition holds", money(held.minor)),
                })
                .collect();
            format!("{}.", parts.join(", "))
        }
        Detail::Delta { posted, delta, .. } => {
            let credited = match *delta {
                0 => "Nothing changes.".to_owned(),
                delta if delta > 0 => format!("Now credited {}.", money(delta)),
                delta => format!("Now taken back {}.", money(delta.saturating_neg())),
            };
            match posted {
                0 => credited,
                posted => format!("Already credited {}. {credited}", money(*posted)),
            }
        }
    }
}

/// A measure for people: money, or a number of what is counted.
pub(crate) fn counted(plan: &PlanVersion, measure: i128) -> String {
    match plan.measure.source.quantity() {
        Quantity::Money => amount(measure, plan.currency),
        Quantity::Number => measure.to_string(),
    }
}

fn of_what(place: &Place) -> String {
    match (place.period, &place.group) {
        (Some(period), None) => period.label(),
        (Some(period), Some(group)) => format!("{} of {group}", period.label()),
        (None, _) => place.scope.replacen("fact/", "", 1),
    }
}

fn exchanged(line: &Exchanged) -> String {
    let (before, rate) = (Money::new(line.before, line.from), decimal(line.rate));
    format!(
        "{before} of {} were exchanged at {rate} ({}).",
        line.fact, line.rate_id
    )
}

fn schedule(plan: &PlanVersion, slices: &[Slice], total: Exact) -> String {
    let parts: Vec<String> = slices.iter().map(|slice| part(plan, slice)).collect();
    format!("{}: {}.", parts.join(", "), in_words(total, plan.currency))
}

fn part(plan: &PlanVersion, slice: &Slice) -> String {
    let fixed = match slice.fixed {
        0 => String::new(),
        fixed => format!(
            " and {} for reaching the band",
            Money::new(fixed, plan.currency)
        ),
    };
    let of = if slice.each == 1 {
        let base = in_words(slice.base, plan.currency);
        format!("{} of {base}", percent(slice.rate))
    } else {
        // A rate of a number is in units of the currency.
        format!(
            "{} {} for each of {}",
            decimal(slice.rate),
            plan.currency,
            decimal(slice.base)
        )
    };
    let of = match (slice.rate == Ratio::from(0), fixed.is_empty()) {
        (true, false) => fixed.trim_start_matches(" and ").to_owned(),
        _ => format!("{of}{fixed}"),
    };
    match (plan.schedule.mode, plan.schedule.bands.get(slice.band)) {
        (Mode::Whole, Some(band)) if plan.schedule.bands.len() > 1 => {
            format!(
                "The band from {} applies to all of it: {of}",
                begin(plan, band.from.ratio())
            )
        }
        _ => of,
    }
}

/// Where a band begins, for people.
pub(crate) fn begin(plan: &PlanVersion, from: Exact) -> String {
    match plan.measure.band_by {
        BandBy::Measure if plan.measure.source.quantity() == Quantity::Money => {
            in_words(from, plan.currency)
        }
        BandBy::Measure => decimal(from),
        BandBy::Attainment => format!("{} of the target", percent(from)),
        BandBy::Growth => format!("{} growth", percent(from)),
        BandBy::TenureMonths => format!("{} months", decimal(from)),
    }
}

/// What the next band would need, as a sentence.
pub(super) fn missing(plan: &PlanVersion, missing: i64, from: Exact) -> String {
    let more = match plan.measure.band_by {
        BandBy::TenureMonths => format!("{missing} more months"),
        _ => format!("{} more", counted(plan, missing.into())),
    };
    format!("{more} reach the band from {}.", begin(plan, from))
}
