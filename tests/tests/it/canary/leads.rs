//! Plants leads: what partners may read of each, and what only the staff may.

use trellis_api::deal::v1 as pb;

use super::plant::{Catalog, PARTNERS, Planter, lead_id, usd};

fn owner(partner: usize) -> char {
    char::from_digit(u32::try_from(partner).unwrap(), 10).unwrap()
}

impl Planter {
    /// A lead for a partner. `shown` may read what an offer shows, `hidden` what it hides.
    async fn lead(
        &self,
        (id, shown, hidden): (String, char, char),
        (product, territory): (&str, &str),
        (domain, account): (String, &str),
    ) -> String {
        let request = pb::CreateLeadRequest {
            parent: self.parent.clone(),
            lead_id: id,
            lead: Some(pb::Lead {
                program: self.program_name(),
                source: self.word(shown),
                campaign: self.text(hidden),
                company: Some(pb::lead::Company {
                    display_name: self.text(hidden),
                    region_code: "DE".to_owned(),
                    industry: self.text(shown),
                    domain,
                    account: account.to_owned(),
                }),
                contact: Some(pb::lead::Contact {
                    display_name: self.text(hidden),
                    email: format!("{}@example.com", self.text(hidden)),
                    phone: self.text(hidden),
                }),
                products: vec![product.to_owned()],
                territory: territory.to_owned(),
                estimated_value: usd(900),
                note: self.text(hidden),
                external_id: self.text('v'),
                ..pb::Lead::default()
            }),
            ..pb::CreateLeadRequest::default()
        };
        let made = self.staff.leads().create_lead(request).await;
        made.unwrap().into_inner().name
    }

    async fn route(&self, name: &str) {
        let request = pb::RouteLeadRequest {
            name: name.to_owned(),
            note: self.text('v'),
            ..pb::RouteLeadRequest::default()
        };
        let routed = self.staff.leads().route_lead(request).await;
        let lead = routed.unwrap().into_inner().lead.unwrap();
        assert_eq!(lead.state(), pb::lead::State::Offered);
    }

    /// For each partner a lead that becomes a deal, one that it disqualifies, one that is offered to
    /// it, and one that it declined; and two of nobody's, of which one is the same as the other.
    pub(super) async fn leads(&self, catalog: &Catalog, accounts: &[String; PARTNERS + 1]) {
        let territory = catalog.territory.as_str();
        for number in 0..PARTNERS {
            let of = owner(number);
            let place = (catalog.products[2 + number].as_str(), territory);
            let (vendors, own) = (accounts[0].as_str(), accounts[number + 1].as_str());
            let domain = |of: char| format!("{}.example", self.text(of));
            let id = match number {
                0 => lead_id(0),
                _ => self.text(of),
            };
            let held = self.lead((id, of, of), place, (domain(of), own)).await;
            let wrong = (self.text(of), of, of);
            let wrong = self.lead(wrong, place, (domain(of), own)).await;
            for name in [&held, &wrong] {
                self.route(name).await;
                self.accept(number, name).await;
            }
            self.convert(number, held).await;
            self.disqualify(number, wrong).await;
            let offered = (self.text(of), of, 'v');
            let offered = self.lead(offered, place, (domain('v'), vendors)).await;
            self.route(&offered).await;
            let declined = (self.text(of), of, 'v');
            let declined = self.lead(declined, place, (domain('v'), vendors)).await;
            self.route(&declined).await;
            self.decline(number, declined).await;
        }
        let place = (catalog.products[0].as_str(), territory);
        let domain = format!("{}.example", self.text('v'));
        let mut names = Vec::new();
        for _ in 0..2 {
            let of = (self.text('v'), 'v', 'v');
            names.push(self.lead(of, place, (domain.clone(), &accounts[0])).await);
        }
        let mark = pb::MarkLeadDuplicateRequest {
            name: names.remove(1),
            duplicate_of: names.remove(0),
            note: self.text('v'),
            ..pb::MarkLeadDuplicateRequest::default()
        };
        self.staff.leads().mark_lead_duplicate(mark).await.unwrap();
    }

    async fn accept(&self, number: usize, name: &str) {
        let seat = self.seller(number).await;
        let request = pb::AcceptLeadRequest {
            name: name.to_owned(),
            note: self.text(owner(number)),
            ..pb::AcceptLeadRequest::default()
        };
        seat.leads().accept_lead(request).await.unwrap();
    }

    async fn decline(&self, number: usize, name: String) {
        let seat = self.seller(number).await;
        let request = pb::DeclineLeadRequest {
            name,
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::DeclineLeadRequest::default()
        };
        seat.leads().decline_lead(request).await.unwrap();
    }

    async fn disqualify(&self, number: usize, name: String) {
        let seat = self.seller(number).await;
        let request = pb::DisqualifyLeadRequest {
            name,
            reason_code: self.word(owner(number)),
            note: self.text(owner(number)),
            ..pb::DisqualifyLeadRequest::default()
        };
        seat.leads().disqualify_lead(request).await.unwrap();
    }

    async fn convert(&self, number: usize, name: String) {
        let seat = self.seller(number).await;
        let mut calls = seat.leads();
        let work = pb::WorkLeadRequest {
            name: name.clone(),
            ..pb::WorkLeadRequest::default()
        };
        calls.work_lead(work).await.unwrap();
        let qualify = pb::QualifyLeadRequest {
            name: name.clone(),
            ..pb::QualifyLeadRequest::default()
        };
        calls.qualify_lead(qualify).await.unwrap();
        let convert = pb::ConvertLeadRequest {
            name,
            deal_id: self.text(owner(number)),
            ..pb::ConvertLeadRequest::default()
        };
        self.staff.leads().convert_lead(convert).await.unwrap();
    }
}
