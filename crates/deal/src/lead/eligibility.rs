//! Who can be offered a lead, and what speaks against the others. Pure.

use std::collections::HashMap;

use trellis_core::{PartnerId, ProductId, Timestamp};
use trellis_store::deal::lead::{Offer, Outcome};
use trellis_store::deal::lead_routing::{Candidate, Ineligibility, Member};

use super::coverage::{Spot, is_covered};
use crate::registration::eligibility::at_work;
use crate::registration::places::Places;

/// What is asked of a partner that is to be offered a lead.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Where the lead is.
    pub spot: &'a Spot,
    /// What the company may want.
    pub products: &'a [ProductId],
    /// To whom it was offered before.
    pub offers: &'a [Offer],
    /// All territories.
    pub places: &'a Places,
    /// How many leads each partner has open.
    pub open: &'a HashMap<PartnerId, i64>,
    /// When.
    pub now: Timestamp,
}

impl Asked<'_> {
    /// A member of the program as a candidate, with everything that speaks against it.
    #[must_use]
    pub fn candidate(&self, member: Member) -> Candidate {
        let open_leads = self.open.get(&member.partner).copied().unwrap_or_default();
        let capacity = i64::from(member.lead_capacity);
        let mut against = Vec::new();
        if !at_work(member.state, member.suspend_until_time, self.now) {
            against.push(Ineligibility::PartnerNotActive);
        }
        if !is_covered(self.spot, &member.territories.0, self.places) {
            against.push(Ineligibility::OutsideTerritories);
        }
        let authorized = &member.products.0;
        let lacks = |product: &&ProductId| !authorized.contains(*product);
        if !authorized.is_empty() && self.products.iter().any(|product| lacks(&product)) {
            against.push(Ineligibility::NotAuthorized);
        }
        if capacity > 0 && open_leads >= capacity {
            against.push(Ineligibility::AtCapacity);
        }
        if member.lead_weight <= 0 {
            against.push(Ineligibility::NoWeight);
        }
        against.extend(self.let_go(&member.partner));
        Candidate {
            partner: member.partner,
            ineligibilities: against,
            weight: member.lead_weight,
            open_leads,
            capacity: member.lead_capacity,
            drawn_from: false,
        }
    }

    /// How a partner let the lead go, if it had it: it is never offered it again.
    fn let_go(&self, partner: &PartnerId) -> Option<Ineligibility> {
        let offer = self.offers.iter().find(|offer| offer.partner == *partner)?;
        Some(match offer.outcome {
            Outcome::Declined => Ineligibility::Declined,
            Outcome::Returned => Ineligibility::Returned,
            Outcome::Open | Outcome::Lapsed | Outcome::Accepted | Outcome::Lost => {
                Ineligibility::Lapsed
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use trellis_store::partner::partner;
    use trellis_store::program::enrollment::{Products, Territories};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn partner_id(id: &str) -> PartnerId {
        PartnerId::try_new(id).unwrap()
    }

    fn product(id: &str) -> ProductId {
        ProductId::try_new(id).unwrap()
    }

    fn member() -> Member {
        Member {
            partner: partner_id("nimbus"),
            state: partner::State::Active,
            suspend_until_time: None,
            territories: Territories::default(),
            products: Products::default(),
            lead_capacity: 0,
            lead_weight: 1,
        }
    }

    /// What speaks against a member, with so many leads open and this offer before.
    fn against(member: Member, open: i64, before: Option<Outcome>) -> Vec<Ineligibility> {
        let open = HashMap::from([(partner_id("nimbus"), open)]);
        let offer = |outcome| Offer {
            partner: partner_id("nimbus"),
            offer_time: NOW,
            accept_by_time: NOW,
            outcome,
            reason_code: None,
            end_time: None,
        };
        let offers: Vec<Offer> = before.map(offer).into_iter().collect();
        let asked = Asked {
            spot: &Spot::Region("DE".to_owned()),
            products: &[product("firewall"), product("backup")],
            offers: &offers,
            places: &Places::default(),
            open: &open,
            now: NOW,
        };
        asked.candidate(member).ineligibilities
    }

    #[test]
    fn nothing_speaks_against_an_active_partner_without_limits() {
        assert_eq!(against(member(), 1_000, None), []);
    }

    #[test]
    fn each_thing_that_speaks_against_a_partner_is_named() {
        let suspended = |until| Member {
            state: partner::State::Suspended,
            suspend_until_time: Some(Timestamp::from_micros(until)),
            ..member()
        };
        assert_eq!(against(suspended(1_000), 0, None), []);
        assert_eq!(
            against(suspended(1_001), 0, None),
            [Ineligibility::PartnerNotActive]
        );
        let elsewhere = Member {
            territories: Territories(vec!["usa".parse_id()]),
            ..member()
        };
        assert_eq!(
            against(elsewhere, 0, None),
            [Ineligibility::OutsideTerritories]
        );
        let one = Member {
            products: Products(vec![product("firewall")]),
            ..member()
        };
        assert_eq!(against(one, 0, None), [Ineligibility::NotAuthorized]);
        let both = Member {
            products: Products(vec![product("backup"), product("x"), product("firewall")]),
            ..member()
        };
        assert_eq!(against(both, 0, None), []);
        let two = || Member {
            lead_capacity: 2,
            ..member()
        };
        assert_eq!(against(two(), 1, None), []);
        assert_eq!(against(two(), 2, None), [Ineligibility::AtCapacity]);
        let none = Member {
            lead_weight: 0,
            ..member()
        };
        assert_eq!(against(none, 0, None), [Ineligibility::NoWeight]);
        for (outcome, expected) in [
            (Outcome::Declined, Ineligibility::Declined),
            (Outcome::Lapsed, Ineligibility::Lapsed),
            (Outcome::Returned, Ineligibility::Returned),
        ] {
            assert_eq!(against(member(), 0, Some(outcome)), [expected]);
        }
    }

    trait ParseId {
        fn parse_id(&self) -> trellis_core::TerritoryId;
    }

    impl ParseId for str {
        fn parse_id(&self) -> trellis_core::TerritoryId {
            trellis_core::TerritoryId::try_new(self).unwrap()
        }
    }
}
