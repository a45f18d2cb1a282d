//! What rows say of fields that partners own: proposals, and no overwriting.

use std::collections::BTreeMap;

use trellis_api::deal::v1::import_deals_response::Difference;
use trellis_api::numbered_name;
use trellis_core::DealId;
use trellis_store::Txn;
use trellis_store::deal::deal::Model;
use trellis_store::deal::field::Value;
use trellis_store::deal::proposal::{self, Side, State};

use super::differences;
use crate::Error;
use crate::deal::deals::Particulars;
use crate::deal::ownership::{self, Source};
use crate::deal::proposals::{end, propose};

/// What a row says of the fields that partners own; what it leaves empty it says nothing of.
pub(super) fn of_partner(said: &Particulars) -> Vec<Value> {
    let next_step = said.next_step.clone();
    let contacts = Some(said.contacts.clone()).filter(|contacts| !contacts.is_empty());
    let product = said.partner_product.clone();
    [
        next_step.map(|text| Value::NextStep(Some(text))),
        contacts.map(Value::Contacts),
        product.map(|text| Value::PartnerProduct(Some(text))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A proposal, and whether the rows have made it or ended it.
struct Offer {
    proposal: proposal::Model,
    is_new: bool,
    has_ended: bool,
}

/// The proposals of the deals that stand which are open or were rejected, as the rows so far have made
/// them.
pub(super) struct Offers(BTreeMap<(DealId, i64), Offer>);

impl Offers {
    pub(super) async fn begin(txn: &Txn, deals: &[Model]) -> Result<Self, Error> {
        let with_some = deals.iter().filter(|deal| deal.proposal_count > 0);
        let ids: Vec<_> = with_some.map(|deal| deal.id.clone()).collect();
        let found = if ids.is_empty() {
            Vec::new()
        } else {
            proposal::open_or_rejected(txn, ids).await?
        };
        let offer = |proposal: proposal::Model| {
            let key = (proposal.deal.clone(), proposal.number);
            let offer = Offer {
                proposal,
                is_new: false,
                has_ended: false,
            };
            (key, offer)
        };
        Ok(Self(found.into_iter().map(offer).collect()))
    }

    /// Follows what a row says of some fields of a deal: open proposals end that it fulfils, takes back or
    /// takes the place of, and what it asks for is proposed, unless it is already or the partner has
    /// rejected it. Answers the conflicts.
    pub(super) fn follow(
        &mut self,
        txn: &Txn,
        deal: &mut Model,
        said: &[&'static str],
        asked: Vec<Value>,
    ) -> Vec<Difference> {
        self.end_some(txn, deal, said, &asked);
        let mut conflicts = Vec::with_capacity(asked.len());
        for value in asked {
            let number = match self.known(deal, &value) {
                Some(number) => number,
                None => match propose(txn, deal, None, &Source::default(), value.clone()) {
                    Some(proposal) => self.add(proposal),
                    None => continue,
                },
            };
            let name = numbered_name(txn.ecosystem(), &deal.id, "proposals", number);
            conflicts.push(differences::proposed(deal, &value, name));
        }
        conflicts
    }

    fn end_some(&mut self, txn: &Txn, deal: &mut Model, said: &[&str], asked: &[Value]) {
        let of_deal = (deal.id.clone(), 0)..=(deal.id.clone(), i64::MAX);
        for (_, offer) in self.0.range_mut(of_deal) {
            let is_open = offer.proposal.state == State::Open;
            if !is_open || !said.contains(&offer.proposal.field.as_str()) {
                continue;
            }
            if let Some(state) = ownership::ended(deal, None, &offer.proposal, asked) {
                offer.proposal = end(txn, deal, offer.proposal.clone(), state, "");
                offer.has_ended = true;
            }
        }
    }

    /// The proposal that says the same to the same partner: the last one for the field.
    fn known(&self, deal: &Model, value: &Value) -> Option<i64> {
        let of_deal = (deal.id.clone(), 0)..=(deal.id.clone(), i64::MAX);
        let (_, last) = self.0.range(of_deal).rev().find(|(_, offer)| {
            let one = &offer.proposal;
            one.side == Side::Vendor
                && one.field == value.field()
                && matches!(one.state, State::Open | State::Rejected)
        })?;
        let same = last.proposal.value == *value && ownership::stands(deal, &last.proposal);
        same.then_some(last.proposal.number)
    }

    fn add(&mut self, proposal: proposal::Model) -> i64 {
        let number = proposal.number;
        let offer = Offer {
            proposal,
            is_new: true,
            has_ended: false,
        };
        self.0.insert((offer.proposal.deal.clone(), number), offer);
        number
    }

    /// Writes what the rows have made.
    pub(super) async fn finish(self, txn: &Txn) -> Result<(), Error> {
        let (new, held): (Vec<_>, Vec<_>) = self.0.into_values().partition(|one| one.is_new);
        for offer in held.into_iter().filter(|offer| offer.has_ended) {
            proposal::decide(txn, offer.proposal).await?;
        }
        let new = new.into_iter().map(|offer| offer.proposal).collect();
        Ok(proposal::propose(txn, new).await?)
    }
}
