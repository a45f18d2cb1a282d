//! Who gets which part, what is held and taken back, and how plans go together.

use trellis_api::incentive::v1 as pb;
use trellis_api::{money, rate};
use trellis_core::{Currency, Money, Rate};
use trellis_store::incentive::terms::{
    Clawback, ClawbackMode, ClawbackTrigger, Fund, FundWeight, Fx, FxDate, FxType, Hold, Holdback,
    Policy, Protection, RoleWeight, Rounding, Sharing, Stack, StackCap, Stacking, Step, Unfilled,
};

use super::limits::{anchor, wire_anchor};
use super::{Reader, names};

names!(unfilled_of, unfilled_on_wire: pb::sharing::Unfilled, Unfilled, VendorKeeps Redistribute);
names!(fund_of, fund_on_wire: pb::fund_weight::Fund, Fund, Rebate Coop);
names!(trigger_of, trigger_on_wire: pb::clawback::Trigger, ClawbackTrigger,
    Refund Churn Revocation);
names!(rounding_of, rounding_on_wire: pb::policy::Rounding, Rounding, HalfUp HalfEven Down Up);
names!(rule_of, rule_on_wire: pb::policy_stack::Rule, Stacking, Add BestOf First);
names!(fx_of, fx_on_wire: pb::policy_exchange::Rate, FxType, Spot MonthAverage PlanFixed);
names!(day_of, day_on_wire: pb::policy_exchange::Day, FxDate, Event Booking);

/// Reads who gets which part.
pub(crate) fn read_sharing(
    reader: &mut Reader<'_>,
    sharing: Option<pb::Sharing>,
) -> Option<Sharing> {
    let pb::Sharing {
        roles,
        unfilled,
        funds,
    } = sharing.unwrap_or_default();
    match (roles.is_empty(), funds.is_empty()) {
        (true, true) => Some(Sharing::Single),
        (false, false) => {
            let otherwise = "cannot be set together with roles; leave one of the two out";
            reader.refuse("sharing.funds", "sharing.kind", otherwise);
            None
        }
        (false, true) => {
            let roles = roles.into_iter().map(|role| {
                Some(RoleWeight {
                    role: role.role,
                    weight: u32::try_from(role.weight).ok()?,
                })
            });
            Some(Sharing::RoleWeights {
                roles: roles.collect::<Option<_>>()?,
                unfilled: unfilled_of(unfilled).unwrap_or(Unfilled::VendorKeeps),
            })
        }
        (true, false) => {
            let funds = funds.into_iter().map(|fund| {
                Some(FundWeight {
                    fund: fund_of(fund.fund)?,
                    weight: u32::try_from(fund.weight).ok()?,
                })
            });
            Some(Sharing::Funds(funds.collect::<Option<_>>()?))
        }
    }
}

/// Who gets which part on the wire; none where the partner gets all of it.
pub(crate) fn wire_sharing(sharing: Sharing) -> Option<pb::Sharing> {
    let weight = |weight: u32| i32::try_from(weight).unwrap_or(i32::MAX);
    match sharing {
        Sharing::Single => None,
        Sharing::RoleWeights { roles, unfilled } => Some(pb::Sharing {
            roles: roles
                .into_iter()
                .map(|role| pb::RoleWeight {
                    role: role.role,
                    weight: weight(role.weight),
                })
                .collect(),
            unfilled: unfilled_on_wire(unfilled),
            funds: Vec::new(),
        }),
        Sharing::Funds(funds) => Some(pb::Sharing {
            funds: funds
                .into_iter()
                .map(|fund| pb::FundWeight {
                    fund: fund_on_wire(fund.fund),
                    weight: weight(fund.weight),
                })
                .collect(),
            ..pb::Sharing::default()
        }),
    }
}

/// Reads what is held and taken back, but for the days of the hold, which stand beside it.
pub(crate) fn read_protection(
    reader: &mut Reader<'_>,
    protection: Option<pb::Protection>,
) -> Option<Protection> {
    let pb::Protection {
        hold_months,
        hold_until,
        holdback,
        clawback,
    } = protection.unwrap_or_default();
    let until = hold_until.trim();
    let hold = match (u32::try_from(hold_months).ok()?, until.is_empty()) {
        (0, true) => Hold::None,
        (0, false) => Hold::Until(until.to_owned()),
        (months, true) => Hold::Months(months),
        (_, false) => {
            let otherwise = "cannot be set together with hold_months; leave one of the two out";
            reader.refuse("protection.hold_until", "protection.hold", otherwise);
            return None;
        }
    };
    let holdback = match holdback {
        None => Some(None),
        Some(pb::Holdback { share, days }) => reader
            .number("protection.holdback.share", share)
            .and_then(|share| {
                Some(Some(Holdback {
                    share: share.unwrap_or(Rate::ZERO),
                    days: u32::try_from(days).ok()?,
                }))
            }),
    };
    let clawback = match clawback {
        None => Some(None),
        Some(clawback) => read_clawback(reader, clawback).map(Some),
    };
    Some(Protection {
        hold,
        holdback: holdback?,
        clawback: clawback?,
    })
}

fn read_clawback(reader: &mut Reader<'_>, clawback: pb::Clawback) -> Option<Clawback> {
    use pb::clawback::Mode as Wire;
    let pb::Clawback {
        triggers,
        mode,
        window,
        grace,
        anchor: begins,
        steps,
    } = clawback;
    let mode = Wire::try_from(mode).ok()?;
    if mode != Wire::Steps && !steps.is_empty() {
        let otherwise = "are those of MODE_STEPS; leave them out";
        reader.refuse("protection.clawback.steps", "clawback.mode", otherwise);
        return None;
    }
    let read: Vec<Option<Step>> = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| {
            let path = format!("protection.clawback.steps[{at}].share");
            Some(Step {
                until_days: u32::try_from(step.until_days).ok()?,
                share: reader.number(&path, step.share)?.unwrap_or(Rate::ZERO),
            })
        })
        .collect();
    Some(Clawback {
        triggers: triggers.into_iter().filter_map(trigger_of).collect(),
        mode: match mode {
            Wire::Unspecified => return None,
            Wire::Full => ClawbackMode::Full,
            Wire::LinearDays => ClawbackMode::LinearDays,
            Wire::LinearMonths => ClawbackMode::LinearMonths,
            Wire::Steps => ClawbackMode::Steps(read.into_iter().collect::<Option<_>>()?),
        },
        window: u32::try_from(window).ok()?,
        grace: u32::try_from(grace).ok()?,
        anchor: anchor(begins),
    })
}

/// What is held and taken back on the wire, but for the days of the hold; none where nothing is.
pub(crate) fn wire_protection(protection: Protection) -> Option<pb::Protection> {
    let Protection {
        hold,
        holdback,
        clawback,
    } = protection;
    let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
    let mut wire = pb::Protection {
        holdback: holdback.map(|holdback| pb::Holdback {
            share: Some(rate::wire(holdback.share)),
            days: days(holdback.days),
        }),
        clawback: clawback.map(wire_clawback),
        ..pb::Protection::default()
    };
    match hold {
        Hold::None | Hold::Days(_) => {}
        Hold::Months(months) => wire.hold_months = days(months),
        Hold::Until(condition) => wire.hold_until = condition,
    }
    (wire != pb::Protection::default()).then_some(wire)
}

fn wire_clawback(clawback: Clawback) -> pb::Clawback {
    use pb::clawback::Mode as Wire;
    let Clawback {
        triggers,
        mode,
        window,
        grace,
        anchor,
    } = clawback;
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let (mode, steps) = match mode {
        ClawbackMode::Full => (Wire::Full, Vec::new()),
        ClawbackMode::LinearDays => (Wire::LinearDays, Vec::new()),
        ClawbackMode::LinearMonths => (Wire::LinearMonths, Vec::new()),
        ClawbackMode::Steps(steps) => (Wire::Steps, steps),
    };
    pb::Clawback {
        triggers: triggers.into_iter().map(trigger_on_wire).collect(),
        mode: mode.into(),
        window: count(window),
        grace: count(grace),
        anchor: wire_anchor(anchor),
        steps: steps
            .into_iter()
            .map(|step| pb::ClawbackStep {
                until_days: count(step.until_days),
                share: Some(rate::wire(step.share)),
            })
            .collect(),
    }
}

/// Reads how a plan goes together with others.
pub(crate) fn read_policy(reader: &mut Reader<'_>, policy: Option<pb::Policy>) -> Option<Policy> {
    let pb::Policy {
        stack,
        rounding,
        exchange,
        keeps_paid,
    } = policy.unwrap_or_default();
    let stack = match stack {
        None => Some(None),
        Some(stack) => read_stack(reader, stack).map(Some),
    };
    let fx = match exchange {
        None => None,
        Some(pb::PolicyExchange { rate, day }) => Some(Fx {
            rate: fx_of(rate)?,
            date: day_of(day).unwrap_or(FxDate::Event),
        }),
    };
    Some(Policy {
        stack: stack?,
        rounding: rounding_of(rounding).unwrap_or_default(),
        fx,
        may_reduce_paid: !keeps_paid,
    })
}

fn read_stack(reader: &mut Reader<'_>, stack: pb::PolicyStack) -> Option<Stack> {
    let pb::PolicyStack {
        group,
        rule,
        rank,
        cap_amount,
        cap_share,
    } = stack;
    let amount = reader.positive("policy.stack.cap_amount", cap_amount);
    let share = reader.number("policy.stack.cap_share", cap_share);
    let cap = match (amount?, share?) {
        (None, None) => None,
        (Some(minor), None) => Some(StackCap::AmountMinor(minor)),
        (None, Some(share)) => Some(StackCap::Share(share)),
        (Some(_), Some(_)) => {
            let otherwise = "cannot be set together with cap_amount; leave one of the two out";
            reader.refuse("policy.stack.cap_share", "stack.cap", otherwise);
            return None;
        }
    };
    Some(Stack {
        group: group.trim().to_owned(),
        how: rule_of(rule)?,
        rank: u32::try_from(rank).ok()?,
        cap,
    })
}

/// How a plan goes together with others on the wire; none where nothing is said.
pub(crate) fn wire_policy(policy: Policy, currency: Currency) -> Option<pb::Policy> {
    let Policy {
        stack,
        rounding,
        fx,
        may_reduce_paid,
    } = policy;
    if stack.is_none() && rounding == Rounding::HalfUp && fx.is_none() && may_reduce_paid {
        return None;
    }
    Some(pb::Policy {
        stack: stack.map(|stack| wire_stack(stack, currency)),
        rounding: rounding_on_wire(rounding),
        exchange: fx.map(|fx| pb::PolicyExchange {
            rate: fx_on_wire(fx.rate),
            day: day_on_wire(fx.date),
        }),
        keeps_paid: !may_reduce_paid,
    })
}

fn wire_stack(stack: Stack, currency: Currency) -> pb::PolicyStack {
    let Stack {
        group,
        how,
        rank,
        cap,
    } = stack;
    let (cap_amount, cap_share) = match cap {
        None => (None, None),
        Some(StackCap::AmountMinor(minor)) => {
            (Some(money::wire(Money::new(minor, currency))), None)
        }
        Some(StackCap::Share(share)) => (None, Some(rate::wire(share))),
    };
    pb::PolicyStack {
        group,
        rule: rule_on_wire(how),
        rank: i32::try_from(rank).unwrap_or(i32::MAX),
        cap_amount,
        cap_share,
    }
}
