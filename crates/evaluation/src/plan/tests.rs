//! Every kind of incentive can be said in these terms, and everything that is wrong is named at once.

use trellis_core::{Currency, PlanId, Rate};

use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn band(from: &str, share: &str, fixed_minor: i64) -> Band {
    Band {
        from: rate(from),
        rate: rate(share),
        fixed_minor,
    }
}

fn plan(bands: Vec<Band>) -> PlanVersion {
    let id = PlanId::try_new("plan").unwrap();
    let mut plan = PlanVersion::new(id, 1, Currency::USD, "2026-01-01".parse().unwrap());
    plan.schedule.bands = bands;
    plan
}

fn with(bands: Vec<Band>, change: impl FnOnce(&mut PlanVersion)) -> PlanVersion {
    let mut plan = plan(bands);
    change(&mut plan);
    plan
}

fn most(scope: LimitScope, window: Window, max: i64) -> Limit {
    Limit {
        scope,
        window,
        max_minor: Some(max),
        min_minor: None,
        below: Below::Forfeit,
    }
}

fn least(scope: LimitScope, window: Window, min: i64) -> Limit {
    Limit {
        max_minor: None,
        min_minor: Some(min),
        ..most(scope, window, 1)
    }
}

fn clawback(mode: ClawbackMode) -> Option<Clawback> {
    Some(Clawback {
        triggers: vec![ClawbackTrigger::Churn, ClawbackTrigger::Revocation],
        mode,
        window: 180,
        grace: 30,
        anchor: Anchor::ContractStart,
    })
}

/// One plan for each kind of incentive, and how it is described.
fn kinds() -> Vec<(&'static str, PlanVersion, &'static str)> {
    let percent = || vec![band("0", "0.1", 0)];
    let tiers = || vec![band("0", "0.05", 0), band("1000000", "0.08", 0)];
    let quarter = |plan: &mut PlanVersion| plan.measure.window = Window::Quarter;
    vec![
        (
            "referral fee",
            with(vec![band("0", "0", 50_000)], |plan| {
                plan.kind = Kind::Referral;
                plan.measure.source = Source::Count;
                plan.limits.term = Term::FirstEvent;
            }),
            "For each won deal, pays every partner 500.00 USD of the number. Limits: once per customer.",
        ),
        (
            "commission",
            with(percent(), |plan| {
                plan.audience = "partner.tier in ['gold', 'platinum']".to_owned();
            }),
            "For each won deal, pays partners for whom the partner's tier is one of gold or platinum \
             10 % of the deal's value.",
        ),
        (
            "recurring commission",
            with(percent(), |plan| {
                plan.trigger.fact = FactKind::InvoicePaid;
                plan.measure.source = Source::InvoicePaidNet;
                plan.limits.term = Term::Months {
                    months: 12,
                    anchor: Anchor::ContractStart,
                };
            }),
            "For each paid invoice, pays every partner 10 % of the amount paid. Limits: for 12 months \
             per customer.",
        ),
        (
            "rate by product",
            with(percent(), |plan| {
                plan.trigger.fact = FactKind::OrderLine;
                plan.trigger.condition = "line.category == 'cloud'".to_owned();
                plan.measure.source = Source::LineNet;
            }),
            "For each order line where the category of the product is cloud, pays every partner 10 % \
             of the net amount.",
        ),
        (
            "marginal tiers",
            with(tiers(), quarter),
            "For each quarter's won deals, pays every partner 5 % from 0.00 USD, 8 % from 10,000.00 \
             USD of the deal's value, each on its part.",
        ),
        (
            "whole tiers",
            with(tiers(), |plan| {
                quarter(plan);
                plan.schedule.mode = Mode::Whole;
                plan.schedule.threshold = Threshold::Above;
            }),
            "For each quarter's won deals, pays every partner 5 % above 0.00 USD, 8 % above 10,000.00 \
             USD of the deal's value, the highest reached on all.",
        ),
        (
            "accelerator",
            with(
                vec![
                    band("0", "0.06", 0),
                    band("0.8", "0.08", 0),
                    band("1", "0.12", 0),
                ],
                |plan| {
                    quarter(plan);
                    plan.measure.band_by = BandBy::Attainment;
                    plan.measure.target = Target::Quota("sales".to_owned());
                },
            ),
            "For each quarter's won deals, pays every partner 6 % from 0 % of the target, 8 % from 80 % \
             of the target, 12 % from 100 % of the target of the deal's value, each on its part \
             against quota sales.",
        ),
        (
            "payout curve",
            with(vec![band("0.8", "0.5", 0), band("1", "1", 0)], |plan| {
                quarter(plan);
                plan.schedule.mode = Mode::Linear;
                plan.measure.band_by = BandBy::Attainment;
                plan.measure.target = Target::Fixed(10_000_000);
                plan.measure.pay_on = PayOn::TargetPayout(1_000_000);
            }),
            "For each quarter's won deals, pays every partner 50 % from 80 % of the target, 100 % from \
             100 % of the target of 10,000.00 USD, in between along a line against 10000000.",
        ),
        (
            "growth rebate",
            with(
                vec![band("-1", "0.02", 0), band("0.15", "0.03", 0)],
                |plan| {
                    quarter(plan);
                    plan.kind = Kind::Rebate;
                    plan.measure.source = Source::PurchasesNet;
                    plan.measure.band_by = BandBy::Growth;
                    plan.measure.target = Target::SamePeriodLastYear;
                    plan.measure.pay_on = PayOn::Increment;
                },
            ),
            "For each quarter's won deals, pays every partner 2 % from -100 % growth, 3 % from 15 % \
             growth of the net purchases above the target, each on its part against the year before.",
        ),
        (
            "SPIFF",
            with(vec![band("0", "150", 0)], |plan| {
                plan.kind = Kind::Spiff;
                plan.effective_until = Some("2026-02-01".parse().unwrap());
                plan.measure.source = Source::Units;
                plan.limits.limits = vec![most(LimitScope::Plan, Window::Lifetime, 100_000)];
            }),
            "For each won deal, pays every partner 150 USD each of the units. Limits: at most 1,000.00 \
             USD per plan.",
        ),
        (
            "accrual of a fund",
            with(vec![band("0", "0.03", 0)], |plan| {
                quarter(plan);
                plan.kind = Kind::FundAccrual;
                plan.measure.source = Source::PurchasesNet;
                plan.sharing = Sharing::Funds(vec![
                    FundWeight {
                        fund: Fund::Rebate,
                        weight: 60,
                    },
                    FundWeight {
                        fund: Fund::Coop,
                        weight: 40,
                    },
                ]);
            }),
            "For each quarter's won deals, pays every partner 3 % of the net purchases. Split rebate \
             60, co-op 40.",
        ),
        (
            "deal registration bonus",
            with(percent(), |plan| {
                plan.trigger.condition = "deal.registration_active".to_owned();
                plan.policy.stack = Some(Stack {
                    group: "deals".to_owned(),
                    how: Stacking::BestOf,
                    rank: 1,
                    cap: Some(StackCap::Share(rate("0.2"))),
                });
            }),
            "For each won deal where whether the deal's registration was active is true, pays every \
             partner 10 % of the deal's value. Paid only if the best of group deals.",
        ),
        (
            "certification bonus",
            with(vec![band("0", "0", 25_000)], |plan| {
                plan.kind = Kind::Bonus;
                plan.trigger.fact = FactKind::CertificationEarned;
                plan.measure.source = Source::Count;
                plan.protection.hold = Hold::Until("event.valid".to_owned());
                plan.protection.clawback = clawback(ClawbackMode::Full);
            }),
            "For each earned certification, pays every partner 250.00 USD of the number. Held until \
             whether it is still valid is true, taken back in full on churn or revocation within 180 \
             days.",
        ),
        (
            "bounty",
            with(
                vec![band("5", "0", 10_000), band("10", "0", 5_000)],
                |plan| {
                    plan.trigger.fact = FactKind::SubmissionApproved;
                    plan.measure.source = Source::Count;
                    plan.measure.window = Window::Month;
                    plan.schedule.floor = true;
                },
            ),
            "For each month's approved submissions, pays every partner 100.00 USD from 5, 50.00 USD \
             from 10 of the number, each on its part.",
        ),
        (
            "split among partners",
            with(percent(), |plan| {
                plan.sharing = Sharing::RoleWeights {
                    roles: vec![
                        RoleWeight {
                            role: "sourcing".to_owned(),
                            weight: 60,
                        },
                        RoleWeight {
                            role: "selling".to_owned(),
                            weight: 40,
                        },
                    ],
                    unfilled: Unfilled::Redistribute,
                };
            }),
            "For each won deal, pays every partner 10 % of the deal's value. Shared sourcing 60, \
             selling 40; unfilled roles go to the others.",
        ),
        (
            "draw",
            with(vec![band("0", "1", 0)], |plan| {
                plan.kind = Kind::Draw;
                plan.measure.window = Window::Month;
                plan.limits.draw = Some(Draw {
                    amount_minor: 200_000,
                    recoverable: true,
                });
            }),
            "For each month's won deals, pays every partner 100 % of the deal's value. Limits: at least \
             2,000.00 USD per period (recoverable).",
        ),
        (
            "everything that protects",
            with(percent(), |plan| {
                plan.protection = Protection {
                    hold: Hold::Days(30),
                    holdback: Some(Holdback {
                        share: rate("0.1"),
                        days: 90,
                    }),
                    clawback: clawback(ClawbackMode::Steps(vec![
                        Step {
                            until_days: 30,
                            share: rate("1"),
                        },
                        Step {
                            until_days: 90,
                            share: rate("0.5"),
                        },
                    ])),
                };
                plan.policy.fx = Some(Fx {
                    rate: FxType::MonthAverage,
                    date: FxDate::Booking,
                });
            }),
            "For each won deal, pays every partner 10 % of the deal's value. Held 30 days, 10 % held 90 \
             days, taken back in steps on churn or revocation within 180 days.",
        ),
    ]
}

#[test]
fn every_kind_of_incentive_can_be_said() {
    for (name, plan, described) in kinds() {
        assert_eq!(plan.validate(), [], "{name}");
        assert_eq!(plan.describe(), described, "{name}");
        assert!(plan.describe().split_whitespace().count() <= 60, "{name}");
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(
            serde_json::from_str::<PlanVersion>(&json).unwrap(),
            plan,
            "{name}"
        );
    }
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let wrong = with(vec![band("5", "-0.1", -1), band("5", "0.2", 0)], |plan| {
        plan.version = 0;
        plan.name = " ".to_owned();
        plan.effective_from = "2026-02-01".parse().unwrap();
        plan.effective_until = Some("2026-01-15".parse().unwrap());
        plan.audience = "partner.teir == 'gold' && 1".to_owned();
        plan.trigger.fact = FactKind::Refund;
        plan.trigger.condition = "deal.amount_minor >".to_owned();
        plan.measure.window = Window::Quarter;
        plan.measure.band_by = BandBy::Attainment;
        plan.sharing = Sharing::RoleWeights {
            roles: vec![RoleWeight {
                role: String::new(),
                weight: 0,
            }],
            unfilled: Unfilled::VendorKeeps,
        };
        plan.limits = Limits {
            term: Term::Months {
                months: 0,
                anchor: Anchor::Event,
            },
            limits: vec![Limit {
                min_minor: Some(200),
                below: Below::RaiseTo,
                ..most(LimitScope::Partner, Window::Month, 100)
            }],
            draw: Some(Draw {
                amount_minor: 0,
                recoverable: false,
            }),
        };
        plan.protection = Protection {
            hold: Hold::Days(0),
            holdback: Some(Holdback {
                share: rate("1"),
                days: 0,
            }),
            clawback: Some(Clawback {
                triggers: vec![ClawbackTrigger::Churn, ClawbackTrigger::Churn],
                mode: ClawbackMode::LinearDays,
                window: 10,
                grace: 10,
                anchor: Anchor::Event,
            }),
        };
        plan.policy.stack = Some(Stack {
            group: String::new(),
            how: Stacking::Add,
            rank: 0,
            cap: Some(StackCap::AmountMinor(0)),
        });
    });
    let named: Vec<String> = wrong
        .validate()
        .into_iter()
        .map(|violation| format!("{} {}", violation.field, violation.rule))
        .collect();
    assert_eq!(
        named,
        [
            "version int32.gt",
            "name string.len",
            "effective_until plan.effective",
            "effective_from plan.period_boundary",
            "effective_until plan.period_boundary",
            "audience.condition condition.unknown_field",
            "audience.condition condition.wrong_type",
            "trigger.condition condition.syntax",
            "trigger.fact plan.trigger",
            "measure.target plan.target",
            "schedule.bands[1].from plan.bands_ascend",
            "schedule.bands[0].rate plan.rate",
            "schedule.bands[0].fixed_minor int64.gte",
            "schedule.bands[0].from plan.floor",
            "sharing.roles string.len",
            "sharing.roles plan.weights",
            "sharing plan.sharing",
            "limits.term.months uint32.range",
            "limits.limits[0].min_minor plan.limit",
            "limits.limits[0].below plan.limit",
            "limits.draw.amount_minor int64.gt",
            "protection.hold uint32.range",
            "protection.holdback.share plan.share",
            "protection.holdback.days uint32.range",
            "protection.clawback.triggers repeated.unique",
            "protection.clawback.grace plan.clawback",
            "protection.clawback.mode plan.clawback",
            "policy.stack.group string.len",
            "policy.stack.rank uint32.gt",
            "policy.stack.cap plan.cap",
        ]
    );
}

#[test]
fn terms_that_contradict_each_other_are_refused() {
    let percent = || vec![band("0", "0.1", 0)];
    let rules = |plan: &PlanVersion| {
        let violations = plan.validate();
        violations
            .into_iter()
            .map(|violation| violation.rule)
            .collect::<Vec<_>>()
    };
    let cases: [(PlanVersion, &str); 10] = [
        (
            with(percent(), |plan| plan.measure.target = Target::PriorPeriod),
            "plan.target",
        ),
        (
            with(percent(), |plan| plan.measure.pay_on = PayOn::Increment),
            "plan.target",
        ),
        (
            with(percent(), |plan| {
                plan.measure.pay_on = PayOn::TargetPayout(5);
            }),
            "plan.pay_on",
        ),
        (
            with(percent(), |plan| {
                plan.measure.band_by = BandBy::TenureMonths;
            }),
            "plan.band_by",
        ),
        (
            with(percent(), |plan| plan.measure.group_by = GroupBy::Deal),
            "plan.group_by",
        ),
        (
            with(percent(), |plan| plan.schedule.mode = Mode::Linear),
            "plan.linear",
        ),
        (
            with(percent(), |plan| {
                plan.measure.window = Window::Lifetime;
                plan.protection.hold = Hold::Days(1);
            }),
            "plan.hold",
        ),
        (
            with(percent(), |plan| {
                plan.limits.limits = vec![most(LimitScope::Award, Window::Month, 5)];
            }),
            "plan.limit",
        ),
        (
            with(percent(), |plan| {
                plan.limits.limits = vec![
                    least(LimitScope::Partner, Window::Month, 6),
                    most(LimitScope::Partner, Window::Month, 5),
                ];
            }),
            "plan.limit",
        ),
        (
            with(percent(), |plan| {
                plan.limits.limits = vec![
                    most(LimitScope::Award, Window::Event, 5),
                    least(LimitScope::Award, Window::Event, 6),
                ];
            }),
            "plan.limit",
        ),
    ];
    for (plan, rule) in cases {
        assert_eq!(rules(&plan), [rule], "{plan:#?}");
    }
    // What takes other awards together, or leaves one amount, contradicts nothing.
    let fine = with(percent(), |plan| {
        plan.limits.limits = vec![
            most(LimitScope::Partner, Window::Month, 5),
            least(LimitScope::Partner, Window::Year, 6),
            least(LimitScope::Plan, Window::Month, 6),
            least(LimitScope::Partner, Window::Month, 5),
        ];
    });
    assert_eq!(fine.validate(), []);
}
