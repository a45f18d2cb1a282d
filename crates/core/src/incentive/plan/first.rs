//! The terms that the kernel computes with, as groups, and back where the groups say no more.

use crate::Rate;
use crate::incentive::terms;
use crate::rate::InvalidRate;

use super::{
    Audience, Band, BandBy, Below, FactKind, GroupBy, Hold, Limit, LimitScope, Limits, Measure,
    Mode, PayOn, Policy, Protection, Rounding, Schedule, Sharing, Source, Target, Term, Terms,
    Threshold, Trigger, Window,
};

impl From<terms::Window> for Window {
    fn from(window: terms::Window) -> Self {
        match window {
            terms::Window::Event => Self::Event,
            terms::Window::Month => Self::Month,
            terms::Window::Quarter => Self::Quarter,
            terms::Window::Half => Self::Half,
            terms::Window::Year => Self::Year,
        }
    }
}

impl TryFrom<terms::Terms> for Terms {
    type Error = InvalidRate;

    fn try_from(first: terms::Terms) -> Result<Self, InvalidRate> {
        let terms::Terms {
            audience,
            trigger: terms::Trigger::DealWon,
            source: terms::Source::DealNet,
            window,
            schedule,
            limits,
            hold_days,
        } = first;
        let window = window.into();
        Ok(Self {
            audience: Audience {
                tiers: audience.tiers,
                partner_types: audience.partner_types,
                condition: String::new(),
            },
            trigger: Trigger {
                fact: FactKind::DealWon,
                condition: String::new(),
            },
            measure: Measure {
                source: Source::DealTcv,
                window,
                ..Measure::default()
            },
            schedule: schedule.try_into()?,
            sharing: Sharing::Single,
            limits: limits.into(),
            protection: Protection {
                hold: match u32::try_from(hold_days) {
                    Ok(days) if days > 0 => Hold::Days(days),
                    _ => Hold::None,
                },
                ..Protection::default()
            },
            policy: Policy {
                may_reduce_paid: true,
                ..Policy::default()
            },
        })
    }
}

impl TryFrom<terms::Schedule> for Schedule {
    type Error = InvalidRate;

    fn try_from(schedule: terms::Schedule) -> Result<Self, InvalidRate> {
        let bands = schedule.bands.into_iter().map(|band| {
            Ok(Band {
                from: Rate::try_from(band.from_minor)?,
                rate: band.rate,
                fixed_minor: band.fixed_minor,
            })
        });
        let bands: Vec<Band> = bands.collect::<Result<_, InvalidRate>>()?;
        Ok(Self {
            mode: match schedule.mode {
                terms::Mode::Marginal => Mode::Marginal,
                terms::Mode::Whole => Mode::Whole,
            },
            threshold: match schedule.threshold {
                terms::Threshold::AtOrAbove => Threshold::AtOrAbove,
                terms::Threshold::Above => Threshold::Above,
            },
            // A first band above nothing always was a floor.
            floor: bands.first().is_some_and(|first| first.from > Rate::ZERO),
            bands,
        })
    }
}

impl From<terms::Limits> for Limits {
    fn from(limits: terms::Limits) -> Self {
        let terms::Limits {
            minimum_minor,
            below,
            maximum_minor,
        } = limits;
        let limit = Limit {
            scope: LimitScope::Award,
            window: Window::Event,
            max_minor: maximum_minor,
            min_minor: minimum_minor,
            below: match below {
                terms::Below::Forfeit => Below::Forfeit,
                terms::Below::RaiseTo => Below::RaiseTo,
            },
        };
        let says = limits != terms::Limits::default();
        Self {
            limits: says.then_some(limit).into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Terms {
    /// The same as the kernel computes with.
    ///
    /// # Errors
    /// What of them it does not know, in the words of the contract.
    pub fn kernel(&self) -> Result<terms::Terms, Vec<&'static str>> {
        let window = window(self.measure.window);
        let hold_days = hold_days(&self.protection.hold);
        let (schedule, limits) = (of_kernel(&self.schedule), within(&self.limits));
        let knows = [
            ("audience.condition", self.audience.condition.is_empty()),
            ("trigger", self.trigger.fact == FactKind::DealWon),
            ("trigger_condition", self.trigger.condition.is_empty()),
            ("measure.source", self.measure.source == Source::DealTcv),
            ("measure.window", window.is_some()),
            (
                "measure.group_by",
                self.measure.group_by == GroupBy::Partner,
            ),
            ("measure.target", self.measure.target == Target::None),
            ("measure.band_by", self.measure.band_by == BandBy::Measure),
            ("measure.pay_on", self.measure.pay_on == PayOn::Measure),
            ("schedule", schedule.is_some()),
            ("sharing", self.sharing == Sharing::Single),
            ("limits", limits.is_some()),
            ("protection.hold", hold_days.is_some()),
            ("protection.holdback", self.protection.holdback.is_none()),
            ("protection.clawback", self.protection.clawback.is_none()),
            ("policy.stack", self.policy.stack.is_none()),
            ("policy.rounding", self.policy.rounding == Rounding::HalfUp),
            ("policy.exchange", self.policy.fx.is_none()),
            ("policy.keeps_paid", self.policy.may_reduce_paid),
        ];
        let beyond: Vec<&str> = knows
            .into_iter()
            .filter(|(_, known)| !known)
            .map(|(field, _)| field)
            .collect();
        match (window, schedule, limits, hold_days) {
            (Some(window), Some(schedule), Some(limits), Some(hold_days)) if beyond.is_empty() => {
                Ok(terms::Terms {
                    audience: terms::Audience {
                        tiers: self.audience.tiers.clone(),
                        partner_types: self.audience.partner_types.clone(),
                    },
                    trigger: terms::Trigger::DealWon,
                    source: terms::Source::DealNet,
                    window,
                    schedule,
                    limits,
                    hold_days,
                })
            }
            _ => Err(beyond),
        }
    }
}

fn window(window: Window) -> Option<terms::Window> {
    Some(match window {
        Window::Event => terms::Window::Event,
        Window::Month => terms::Window::Month,
        Window::Quarter => terms::Window::Quarter,
        Window::Half => terms::Window::Half,
        Window::Year => terms::Window::Year,
        Window::Lifetime => return None,
    })
}

fn hold_days(hold: &Hold) -> Option<i32> {
    match hold {
        Hold::None => Some(0),
        Hold::Days(days) => i32::try_from(*days).ok(),
        Hold::Months(_) | Hold::Until(_) => None,
    }
}

fn of_kernel(schedule: &Schedule) -> Option<terms::Schedule> {
    let mode = match schedule.mode {
        Mode::Marginal => terms::Mode::Marginal,
        Mode::Whole => terms::Mode::Whole,
        Mode::Linear => return None,
    };
    let threshold = match schedule.threshold {
        Threshold::AtOrAbove => terms::Threshold::AtOrAbove,
        Threshold::Above => terms::Threshold::Above,
    };
    let bands = schedule.bands.iter().map(|band| {
        Some(terms::Band {
            from_minor: band.from.whole()?,
            rate: band.rate,
            fixed_minor: band.fixed_minor,
        })
    });
    Some(terms::Schedule {
        mode,
        threshold,
        bands: bands.collect::<Option<_>>()?,
    })
}

fn within(limits: &Limits) -> Option<terms::Limits> {
    let Limits {
        term: Term::None,
        limits,
        draw: None,
    } = limits
    else {
        return None;
    };
    match limits.as_slice() {
        [] => Some(terms::Limits::default()),
        [
            Limit {
                scope: LimitScope::Award,
                window: Window::Event,
                max_minor,
                min_minor,
                below,
            },
        ] => Some(terms::Limits {
            minimum_minor: *min_minor,
            below: match below {
                Below::Forfeit => terms::Below::Forfeit,
                Below::RaiseTo => terms::Below::RaiseTo,
            },
            maximum_minor: *max_minor,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TierId;
    use crate::partner::PartnerType;

    fn first() -> terms::Terms {
        terms::Terms {
            audience: terms::Audience {
                tiers: vec![TierId::try_new("gold").unwrap()],
                partner_types: vec![PartnerType::Reseller],
            },
            trigger: terms::Trigger::DealWon,
            source: terms::Source::DealNet,
            window: terms::Window::Quarter,
            schedule: terms::Schedule {
                mode: terms::Mode::Whole,
                threshold: terms::Threshold::Above,
                bands: vec![terms::Band {
                    from_minor: 10_000_000_000_000_000,
                    rate: "0.125".parse().unwrap(),
                    fixed_minor: 7,
                }],
            },
            limits: terms::Limits {
                minimum_minor: Some(5),
                below: terms::Below::RaiseTo,
                maximum_minor: None,
            },
            hold_days: 30,
        }
    }

    #[test]
    fn what_was_written_before_there_were_groups_is_read_and_computed_as_before() {
        let written = serde_json::to_string(&first()).unwrap();
        let read: Terms = serde_json::from_str(&written).unwrap();
        assert_eq!(read.kernel(), Ok(first()));
        assert!(read.schedule.floor);
        let anew = serde_json::to_string(&read).unwrap();
        assert!(anew.contains("\"measure\""), "{anew}");
        assert_eq!(serde_json::from_str::<Terms>(&anew).unwrap(), read);
    }

    #[test]
    fn what_the_kernel_does_not_know_is_not_computed_by_it() {
        let plain = Terms::try_from(first()).unwrap();
        type Change = (&'static str, fn(&mut Terms));
        let changes: [Change; 8] = [
            ("audience.condition", |terms| {
                terms.audience.condition = "partner.country == \"DE\"".to_owned();
            }),
            ("trigger", |terms| {
                terms.trigger.fact = FactKind::InvoicePaid;
            }),
            ("measure.window", |terms| {
                terms.measure.window = Window::Lifetime;
            }),
            ("schedule", |terms| terms.schedule.mode = Mode::Linear),
            ("sharing", |terms| {
                terms.sharing = Sharing::Funds(Vec::new());
            }),
            ("limits", |terms| terms.limits.term = Term::FirstEvent),
            ("protection.hold", |terms| {
                terms.protection.hold = Hold::Months(1);
            }),
            ("policy.keeps_paid", |terms| {
                terms.policy.may_reduce_paid = false;
            }),
        ];
        for (field, change) in changes {
            let mut terms = plain.clone();
            change(&mut terms);
            assert_eq!(terms.kernel(), Err(vec![field]));
        }
        assert!(plain.kernel().is_ok());
    }
}
