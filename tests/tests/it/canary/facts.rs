//! Plants what happened elsewhere, and what that earns.

use std::collections::BTreeMap;

use trellis_api::google::r#type::{Date, Decimal};
use trellis_api::incentive::v1 as incentive;
use trellis_tests::position;

use super::business::{owner, tenth};
use super::leak::canary;
use super::plant::{DAY, PARTNERS, Planter, deal_id};

const MARCH: Date = Date {
    year: 2026,
    month: 3,
    day: 2,
};

impl Planter {
    /// What happened to every partner, one of them together with another, and the plans that pay for it.
    pub(super) async fn facts(&self, plan: &str) {
        self.promise(plan, "2").await;
        let mut facts: Vec<_> = (0..PARTNERS).map(|of| self.reported(of)).collect();
        let together = incentive::IncentiveFact {
            external_id: self.text('a'),
            partner: self.partner_name(0),
            deal: self.name("deals", &deal_id(0)),
            parties: vec![self.party(0), self.party(1)],
            ..self.reported(0)
        };
        let revoked = incentive::IncentiveFact {
            kind: incentive::incentive_fact::Kind::Revocation.into(),
            about: facts[0].external_id.clone(),
            ..self.reported(0)
        };
        facts.extend([together, revoked]);
        let quotas = (0..PARTNERS).map(|of| incentive::FactQuota {
            quota: self.text('v'),
            partner: self.partner_name(of),
            period_start_date: Some(MARCH),
            number: 3,
            ..incentive::FactQuota::default()
        });
        let rate = incentive::ExchangeRate {
            external_id: self.text('v'),
            kind: incentive::exchange_rate::Kind::Spot.into(),
            from_currency_code: "EUR".to_owned(),
            to_currency_code: "USD".to_owned(),
            date: Some(MARCH),
            rate: Some(Decimal {
                value: "1.1".to_owned(),
            }),
            ..incentive::ExchangeRate::default()
        };
        let request = incentive::RecordFactsRequest {
            parent: self.parent.clone(),
            source: self.text('a'),
            facts,
            quotas: quotas.collect(),
            exchange_rates: vec![rate],
            ..incentive::RecordFactsRequest::default()
        };
        let recorded = self.staff.facts().record_facts(request).await.unwrap();
        // What was planted is copied: it must have earned something by then.
        let list = incentive::ListAwardsRequest {
            parent: self.parent.clone(),
            ..incentive::ListAwardsRequest::default()
        };
        let now = self.staff.since(&position(&recorded));
        let awards = now.awards().list_awards(list).await.unwrap().into_inner();
        let of = |says: fn(&incentive::Award) -> bool| awards.awards.iter().any(says);
        assert!(of(|award| !award.fact.is_empty()) && of(|award| !award.earner.is_empty()));
        assert!(of(|award| !award.group.is_empty()), "{awards:?}");
    }

    fn party(&self, of: usize) -> incentive::FactParty {
        incentive::FactParty {
            partner: self.partner_name(of),
            role: seller(),
        }
    }

    /// A number that was reported of a partner.
    fn reported(&self, of: usize) -> incentive::IncentiveFact {
        let text = incentive::FactValue {
            text: Some(self.text('v')),
            ..incentive::FactValue::default()
        };
        let texts = incentive::FactValue {
            texts: vec![self.text('v')],
            ..incentive::FactValue::default()
        };
        incentive::IncentiveFact {
            external_id: self.text(owner(of)),
            kind: incentive::incentive_fact::Kind::MetricReported.into(),
            occur_date: Some(MARCH),
            partner: self.partner_name(of),
            customer: self.text(owner(of)),
            product: self.text('v'),
            parties: vec![self.party(of)],
            fields: BTreeMap::from([
                ("event.metric".to_owned(), text),
                ("partner.certifications".to_owned(), texts),
            ]),
            ..incentive::IncentiveFact::default()
        }
    }

    /// Schedules what pays for each report, to all who had a part in it, and for all reports of a customer
    /// in a year.
    async fn promise(&self, plan: &str, number: &str) {
        let program = self.program_name();
        let counted = |window: incentive::measure::Window, group: incentive::measure::GroupBy| {
            let mut version = tenth();
            version.trigger = incentive::plan_version::Trigger::MetricReported.into();
            version.measure = Some(incentive::Measure {
                source: incentive::measure::Source::Count.into(),
                window: window.into(),
                group_by: group.into(),
                ..incentive::Measure::default()
            });
            version.schedule.as_mut().unwrap().bands = vec![incentive::Band {
                from_value: Some(Decimal {
                    value: "0".to_owned(),
                }),
                fixed_amount: super::plant::usd(7),
                ..incentive::Band::default()
            }];
            version.effective_from_date = Some(Date {
                day: 1,
                month: 1,
                ..DAY
            });
            version
        };
        let mut each = counted(
            incentive::measure::Window::Event,
            incentive::measure::GroupBy::Partner,
        );
        each.sharing = Some(incentive::Sharing {
            roles: vec![incentive::RoleWeight {
                role: seller(),
                weight: 1,
            }],
            ..incentive::Sharing::default()
        });
        let all = counted(
            incentive::measure::Window::Year,
            incentive::measure::GroupBy::PartnerCustomer,
        );
        for (at, version) in [each, all].into_iter().enumerate() {
            let mut plans = self.staff.plans();
            let request = incentive::CreatePlanRequest {
                parent: self.parent.clone(),
                plan_id: format!("{}-{number}-{at}", plan.rsplit('/').next().unwrap()),
                plan: Some(incentive::Plan {
                    display_name: self.text('v'),
                    program: program.clone(),
                    ..incentive::Plan::default()
                }),
                ..incentive::CreatePlanRequest::default()
            };
            let made = plans.create_plan(request).await.unwrap().into_inner();
            let request = incentive::CreatePlanVersionRequest {
                parent: made.name,
                plan_version: Some(version),
                ..incentive::CreatePlanVersionRequest::default()
            };
            let draft = plans.create_plan_version(request).await.unwrap();
            let request = incentive::SchedulePlanVersionRequest {
                name: draft.into_inner().name,
                ..incentive::SchedulePlanVersionRequest::default()
            };
            plans.schedule_plan_version(request).await.unwrap();
        }
    }
}

/// The role of whoever has a part.
fn seller() -> String {
    canary(0, 'v', 8_002)
}
