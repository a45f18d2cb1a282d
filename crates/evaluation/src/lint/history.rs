//! What the terms come to with the partners, facts and awards that there are.

use trellis_core::Money;

use super::{Findings, Surroundings, conditions};
use crate::plan::{LimitScope, PlanVersion, Quantity, partner_fields};
use crate::predicate::Satisfiable;

/// Within how many days a budget should not run out.
const SOON: i64 = 30;

impl PlanVersion {
    pub(super) fn lint_history(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        self.lint_audience(around, findings);
        self.lint_fields(around, findings);
        if let (Some(usual), Some(least)) = (around.usual_award, around.least_payout)
            && usual.saturating_mul(12) < least
        {
            let message = format!(
                "twelve usual awards of {} do not reach the least that is paid out, {}",
                Money::new(usual, self.currency),
                Money::new(least, self.currency)
            );
            findings.add("L13", "schedule.bands", message);
        }
        if self.measure.source.quantity() == Quantity::Money {
            self.lint_currencies(around, findings);
        }
        let budgets = self.limits.limits.iter().enumerate();
        for (index, limit) in budgets.filter(|(_, limit)| limit.scope == LimitScope::Plan) {
            if let (Some(most), Some(rate)) =
                (limit.max_minor, around.run_rate.filter(|rate| *rate > 0))
                && most / rate < SOON
            {
                let message = format!("runs out after {} days as things go", most / rate);
                findings.add("L16", &format!("limits.limits[{index}].max_minor"), message);
            }
        }
    }

    fn lint_audience(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let Some(audience) = self.audience_read() else {
            return;
        };
        if audience.satisfiable(&partner_fields()) == Satisfiable::No {
            findings.add(
                "L09",
                "audience.condition",
                "can never be true; nobody is ever in the audience",
            );
            return;
        }
        let inside = around
            .partners
            .iter()
            .any(|partner| audience.holds(partner) == Some(true));
        if !around.partners.is_empty() && !inside {
            findings.add(
                "L09",
                "audience.condition",
                "is true of none of the partners that there are",
            );
        }
    }

    fn lint_currencies(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        for currency in around
            .currencies
            .iter()
            .filter(|currency| **currency != self.currency)
        {
            if self.policy.fx.is_none() {
                let message =
                    format!("is not set, and there are facts in {currency}, which will not count");
                findings.add("L14", "policy.fx", message);
            } else if !around.exchanges.contains(&(*currency, self.currency)) {
                let message = format!(
                    "needs rates from {currency} to {}, and there are none",
                    self.currency
                );
                findings.add("L14", "policy.fx", message);
            }
        }
    }

    fn lint_fields(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let (audience, condition) = conditions(self);
        for (field, predicate) in [
            ("audience.condition", audience),
            ("trigger.condition", condition),
        ] {
            let Some(predicate) = predicate else { continue };
            for path in predicate.fields() {
                let count = around.facts.len();
                let without = around
                    .facts
                    .iter()
                    .filter(|fact| fact.get(path).is_none())
                    .count();
                if without * 20 > count {
                    let message = format!(
                        "asks for `{path}`, which {without} of {count} facts do not have; such facts \
                         are not paid. Ask `has({path})` first"
                    );
                    findings.add("L17", field, message);
                }
            }
        }
    }
}
