//! Makes facts of what the deal service reports, and awards of facts.

use std::collections::{BTreeSet, HashMap, HashSet};

use trellis_core::{
    DealId, EcosystemId, MoneyError, PartnerId, ProgramId, RegistrationId, TimeZone, Timestamp,
};
use trellis_store::deal::facts::{DealRefunded, DealWon, Fact};
use trellis_store::deal::registration;
use trellis_store::incentive::fact::{self, Detail, Kind};
use trellis_store::incentive::standing::{self, Profile};
use trellis_store::incentive::{plan_version, total};
use trellis_store::{Txn, event, record};

use super::{cases, zones};
use crate::Error;
use crate::award::case::{Case, Known};
use crate::award::rulebook::Rulebook;
use crate::award::settle::settle;
use crate::fact::DEALS;
use crate::fact::known::{Of, Things, Touched};
use trellis_evaluation::kernel::measure::{Changes, Group, Sum, changes};

/// Takes in what events say about deals; answers which deals they are about, whose those are, and the days
/// on which they were won.
pub(super) async fn take_in(txn: &Txn, events: &[event::Model]) -> Result<Touched, Error> {
    let mut reported = Vec::new();
    for event in events {
        if let Some(fact) = Fact::read(event)? {
            reported.push((event, fact));
        }
    }
    if reported.is_empty() {
        return Ok(Touched::nothing());
    }
    let deals: BTreeSet<DealId> = reported
        .iter()
        .map(|(_, fact)| fact.deal().clone())
        .collect();
    let known = fact::of_deals(txn, deals).await?;
    let fresh = fresh(txn, &reported, &known).await?;
    if fresh.is_empty() {
        return Ok(Touched::nothing());
    }
    let all = known.iter().chain(&fresh);
    let partners = all.clone().filter_map(|fact| fact.partner.clone());
    let of = Of::Partners(partners.collect());
    let wins = all.filter(|fact| fact.kind == Kind::DealWon);
    let days = Some(wins.map(|win| win.occur_date).collect());
    let things = Things {
        deals: fresh.iter().map(|fact| fact.deal.clone()).collect(),
        ..Things::default()
    };
    let changes = changed(&known, &fresh)?;
    fact::append(txn, fresh.clone()).await?;
    total::add(txn, rows(txn, changes)).await?;
    award(txn, known, fresh).await?;
    Ok(Touched {
        of,
        days,
        things: Some(things),
    })
}

/// What fresh facts change in the sums of partners.
fn changed(known: &[fact::Model], fresh: &[fact::Model]) -> Result<Changes, Error> {
    let known: Vec<_> = known.iter().map(fact::Model::as_fact).collect();
    let fresh: Vec<_> = fresh.iter().map(fact::Model::as_fact).collect();
    Ok(changes(&known, &fresh).ok_or(MoneyError::Overflow)?)
}

/// The facts that are not known yet, each once.
async fn fresh(
    txn: &Txn,
    reported: &[(&event::Model, Fact)],
    known: &[fact::Model],
) -> Result<Vec<fact::Model>, Error> {
    let partners: BTreeSet<PartnerId> = reported
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Won(won) => won.partner.clone(),
            Fact::Refunded(_) | Fact::Invoiced(_) | Fact::Churned(_) | Fact::Reopened(_) => None,
        })
        .collect();
    let partners: Vec<PartnerId> = partners.into_iter().collect();
    let profiles = standing::of_partners(txn, &partners).await?;
    let protecting = protecting(txn, reported).await?;
    let mut seen: HashSet<(&str, i64)> = known
        .iter()
        .map(|fact| (fact.external_id.as_str(), fact.revision))
        .collect();
    let recorded = Recorded {
        ecosystem: txn.ecosystem(),
        now: txn.now(),
        profiles: &profiles,
        protecting: &protecting,
    };
    let rows: Vec<fact::Model> = reported
        .iter()
        .filter_map(|(event, fact)| recorded.row(event.time, fact))
        .collect();
    let keys: Vec<bool> = rows
        .iter()
        .map(|fact| seen.insert((fact.external_id.as_str(), fact.revision)))
        .collect();
    Ok(rows
        .into_iter()
        .zip(keys)
        .filter_map(|(fact, is_new)| is_new.then_some(fact))
        .collect())
}

/// The registrations of wins that protected them on the days on which they were won.
async fn protecting(
    txn: &Txn,
    reported: &[(&event::Model, Fact)],
) -> Result<HashSet<RegistrationId>, Error> {
    let wins: HashMap<&RegistrationId, &DealWon> = reported
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Won(won) => Some((won.registration.as_ref()?, won)),
            Fact::Refunded(_) | Fact::Invoiced(_) | Fact::Churned(_) | Fact::Reopened(_) => None,
        })
        .collect();
    if wins.is_empty() {
        return Ok(HashSet::new());
    }
    let asked: Vec<RegistrationId> = wins.keys().copied().cloned().collect();
    let registrations = record::find_many::<registration::Entity>(txn, asked).await?;
    let programs: BTreeSet<ProgramId> = registrations
        .iter()
        .map(|registration| registration.program.clone())
        .collect();
    let zones = zones(txn, programs).await?;
    let protects = |registration: &registration::Model| {
        let won = wins.get(&registration.id)?;
        let zone = zones.get(&registration.program)?;
        let (start, end) = (
            registration.protection_start_time?,
            registration.protection_end_time?,
        );
        let (begin, over) = (
            zone.midnight(won.close_date),
            zone.midnight(won.close_date.plus_days(1)),
        );
        let revoked = registration.state == registration::State::Revoked;
        Some(!revoked && start < over && begin < end)
    };
    Ok(registrations
        .iter()
        .filter(|registration| protects(registration) == Some(true))
        .map(|registration| registration.id.clone())
        .collect())
}

/// What is written down with every fact.
struct Recorded<'a> {
    ecosystem: &'a EcosystemId,
    now: Timestamp,
    profiles: &'a HashMap<PartnerId, Profile>,
    protecting: &'a HashSet<RegistrationId>,
}

impl Recorded<'_> {
    /// What a win says besides its amount, and what its partner is now.
    fn detail(&self, won: &DealWon) -> Detail {
        let partner = won.partner.as_ref();
        let profile = partner.and_then(|partner| self.profiles.get(partner));
        Detail {
            customer: won.account.clone(),
            lines: won.lines.clone(),
            roles: won.roles.clone(),
            deal_type: won.deal_type,
            registration_active: won
                .registration
                .as_ref()
                .is_some_and(|registration| self.protecting.contains(registration)),
            partner_country: profile.and_then(|profile| profile.country.clone()),
            partner_status: profile.map(|profile| profile.status.to_owned()),
        }
    }

    /// A fact as a row.
    ///
    /// A win and its reopening are revisions of one thing, the outcome of the deal: win `n` is
    /// revision `2n - 1`, its reopening revision `2n`. So news that come twice are one fact, and
    /// what replaces what is known without looking.
    fn row(&self, time: Timestamp, fact: &Fact) -> Option<fact::Model> {
        Some(match fact {
            Fact::Won(won) => {
                let DealWon {
                    deal,
                    win,
                    partner,
                    amount_minor,
                    currency,
                    close_date,
                    ..
                } = won;
                fact::Model {
                    revision: 2 * win - 1,
                    supersedes: Some(2 * win - 2).filter(|revision| *revision > 0),
                    standing: partner
                        .as_ref()
                        .and_then(|partner| self.profiles.get(partner))
                        .map(|profile| profile.standing.clone()),
                    detail: Some(self.detail(won)),
                    partner: partner.clone(),
                    amount_minor: *amount_minor,
                    currency: Some(*currency),
                    occur_date: *close_date,
                    ..self.blank(time, deal, *win, Kind::DealWon)
                }
            }
            Fact::Reopened(reopened) => {
                // A lost deal that is open again was never a fact.
                let win = reopened.win?;
                fact::Model {
                    revision: 2 * win,
                    supersedes: Some(2 * win - 1),
                    ..self.blank(time, &reopened.deal, win, Kind::DealReopened)
                }
            }
            Fact::Refunded(refunded) => {
                let DealRefunded {
                    deal,
                    win,
                    external_id,
                    amount_minor,
                    currency,
                    refund_date,
                    ..
                } = refunded;
                fact::Model {
                    external_id: format!("{deal}/refunds/{external_id}"),
                    amount_minor: *amount_minor,
                    currency: Some(*currency),
                    occur_date: *refund_date,
                    ..self.blank(time, deal, *win, Kind::DealRefunded)
                }
            }
            Fact::Invoiced(invoiced) => fact::Model {
                external_id: format!("{}/invoices/{}", invoiced.deal, invoiced.external_id),
                amount_minor: invoiced.amount_minor,
                currency: Some(invoiced.currency),
                occur_date: invoiced.invoice_date,
                ..self.blank(time, &invoiced.deal, invoiced.win, Kind::DealInvoiced)
            },
            Fact::Churned(churned) => fact::Model {
                external_id: format!("{}/churn/{}", churned.deal, churned.external_id),
                occur_date: churned.churn_date,
                ..self.blank(time, &churned.deal, churned.win, Kind::DealChurned)
            },
        })
    }

    /// A fact about a win that names nobody and no amount.
    fn blank(&self, time: Timestamp, deal: &DealId, win: i64, kind: Kind) -> fact::Model {
        fact::Model {
            ecosystem: self.ecosystem.clone(),
            source: DEALS.to_owned(),
            external_id: deal.to_string(),
            revision: 1,
            supersedes: None,
            kind,
            deal: deal.clone(),
            win,
            partner: None,
            standing: None,
            amount_minor: 0,
            currency: None,
            occur_date: TimeZone::utc().local_date(time),
            record_time: self.now,
            detail: None,
        }
    }
}

/// The changes of the totals, as rows.
fn rows(txn: &Txn, changes: Changes) -> Vec<total::Model> {
    changes
        .into_iter()
        .map(|((partner, group), sum)| {
            let Group {
                date,
                currency,
                standing,
            } = group;
            let Sum { deals, won, net } = sum;
            total::Model {
                ecosystem: txn.ecosystem().clone(),
                partner,
                occur_date: date,
                currency,
                standing,
                deal_count: deals,
                won_minor: won,
                net_minor: net,
            }
        })
        .collect()
}

/// Settles the awards that fresh facts touch: those of every win of their deals, since a deal may
/// have been won for somebody else, or in another period, before.
async fn award(
    txn: &Txn,
    known_facts: Vec<fact::Model>,
    fresh: Vec<fact::Model>,
) -> Result<(), Error> {
    let touched: HashSet<DealId> = fresh
        .iter()
        .filter(|fact| match fact.kind {
            Kind::DealWon | Kind::DealReopened | Kind::DealRefunded => true,
            Kind::DealInvoiced | Kind::DealChurned => false,
        })
        .map(|fact| fact.deal.clone())
        .collect();
    let mut known = Known::default();
    known.learn_facts(known_facts.into_iter().chain(fresh));
    let wins: Vec<&fact::Model> = known
        .facts()
        .filter(|fact| fact.kind == Kind::DealWon && touched.contains(&fact.deal))
        .collect();
    let dates = || wins.iter().map(|win| win.occur_date);
    let (Some(first), Some(last)) = (dates().min(), dates().max()) else {
        return Ok(());
    };
    let rulebook = Rulebook::new(plan_version::of_plans_holding(txn, first, last).await?);
    let cases = cases(wins.iter().flat_map(|win| {
        let versions = rulebook.holding_on(win.occur_date);
        versions.filter_map(|version| Case::of_win(version, win))
    }));
    settle(txn, &cases, &rulebook, known).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use trellis_core::Currency;
    use trellis_store::deal::deal::Stage;
    use trellis_store::deal::facts::{DealChurned, DealInvoiced, DealReopened};
    use trellis_store::incentive::standing::Standing;
    use trellis_store::partner::partner::PartnerType;

    use super::*;

    fn deal() -> DealId {
        DealId::try_new("deal-1").unwrap()
    }

    fn row(fact: Fact) -> Option<fact::Model> {
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let profile = Profile {
            standing: Standing::new(PartnerType::Reseller, BTreeMap::new()),
            country: Some("DE".to_owned()),
            status: "ACTIVE",
        };
        let recorded = Recorded {
            ecosystem: &EcosystemId::try_new("acme").unwrap(),
            now: Timestamp::from_micros(7),
            profiles: &HashMap::from([(nimbus, profile)]),
            protecting: &HashSet::new(),
        };
        recorded.row(Timestamp::EPOCH, &fact)
    }

    fn won(win: i64, partner: &str) -> Fact {
        Fact::Won(DealWon {
            deal: deal(),
            win,
            partner: Some(PartnerId::try_new(partner).unwrap()),
            roles: Vec::new(),
            account: None,
            deal_type: None,
            territory: None,
            program: None,
            registration: None,
            lines: Vec::new(),
            amount_minor: 500,
            currency: Currency::EUR,
            close_date: "2026-05-04".parse().unwrap(),
            won_time: Timestamp::EPOCH,
        })
    }

    #[test]
    fn wins_and_reopenings_are_revisions_of_one_outcome() {
        let reopened = |win| {
            Fact::Reopened(DealReopened {
                deal: deal(),
                win,
                stage: Stage::Committed,
            })
        };
        let key = |fact: Fact| {
            let row = row(fact).unwrap();
            assert_eq!(row.external_id, "deal-1");
            (row.revision, row.supersedes, row.win)
        };
        assert_eq!(key(won(1, "nimbus")), (1, None, 1));
        assert_eq!(key(reopened(Some(1))), (2, Some(1), 1));
        assert_eq!(key(won(2, "nimbus")), (3, Some(2), 2));
        assert_eq!(key(reopened(Some(2))), (4, Some(3), 2));
        assert_eq!(row(reopened(None)), None, "a lost deal was never a fact");
    }

    #[test]
    fn a_win_is_written_down_with_what_its_partner_was_then() {
        let known = row(won(1, "nimbus")).unwrap();
        assert_eq!(
            known.standing.unwrap().partner_type(),
            PartnerType::Reseller
        );
        let detail = known.detail.unwrap();
        assert_eq!(detail.partner_country.as_deref(), Some("DE"));
        assert_eq!(detail.partner_status.as_deref(), Some("ACTIVE"));
        assert_eq!(known.occur_date, "2026-05-04".parse().unwrap());
        assert_eq!(known.record_time, Timestamp::from_micros(7));
        assert_eq!(
            (known.amount_minor, known.currency),
            (500, Some(Currency::EUR))
        );
        let unknown = row(won(1, "cirrus")).unwrap();
        assert_eq!(unknown.partner.unwrap().as_str(), "cirrus");
        assert_eq!(unknown.standing, None);
    }

    #[test]
    fn what_follows_a_win_is_keyed_by_its_own_id() {
        let date = "2026-05-05".parse().unwrap();
        let refunded = Fact::Refunded(DealRefunded {
            deal: deal(),
            win: 1,
            external_id: "r-1".to_owned(),
            amount_minor: 200,
            refunded_minor: 200,
            currency: Currency::EUR,
            refund_date: date,
        });
        let invoiced = Fact::Invoiced(DealInvoiced {
            deal: deal(),
            win: 1,
            external_id: "i-1".to_owned(),
            amount_minor: 300,
            invoiced_minor: 300,
            currency: Currency::EUR,
            invoice_date: date,
        });
        let churned = Fact::Churned(DealChurned {
            deal: deal(),
            win: 1,
            external_id: "c-1".to_owned(),
            churn_date: date,
        });
        let told = |fact| {
            let row = row(fact).unwrap();
            assert_eq!(
                (row.revision, row.supersedes, row.occur_date),
                (1, None, date)
            );
            (row.external_id, row.kind, row.amount_minor)
        };
        assert_eq!(
            told(refunded),
            ("deal-1/refunds/r-1".to_owned(), Kind::DealRefunded, 200)
        );
        assert_eq!(
            told(invoiced),
            ("deal-1/invoices/i-1".to_owned(), Kind::DealInvoiced, 300)
        );
        assert_eq!(
            told(churned),
            ("deal-1/churn/c-1".to_owned(), Kind::DealChurned, 0)
        );
    }
}
