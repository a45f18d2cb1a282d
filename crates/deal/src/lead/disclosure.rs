//! What of a lead its partner sees. Pure.
//!
//! Until it accepts, it knows where the company is, what it does, what it wants and what that may be
//! worth; not who it is, nor whom to speak to. A manager sees leads of the partners that she looks
//! after whole, but for what tells of others. Whoever looks is told apart by how far their call
//! reaches, and not by their name.

use trellis_core::Scope;
use trellis_store::deal::lead::{Leads, Model, Offers, State};

/// A lead as it is shown to a call that reaches so far.
#[must_use]
pub fn shown(lead: Model, scope: &Scope) -> Model {
    if scope.is_whole() {
        return lead;
    }
    if scope.is_staff() {
        return of_one(lead);
    }
    let lead = Model {
        account: None,
        external_id: None,
        possible_duplicates: Leads::default(),
        offers: Offers::default(),
        duplicate_of: None,
        ..lead
    };
    match lead.state {
        State::Accepted
        | State::Working
        | State::Qualified
        | State::Converted
        | State::Disqualified => lead,
        State::Offered
        | State::New
        | State::Unroutable
        | State::Spam
        | State::Duplicate
        | State::LostAuto => hidden(lead),
    }
}

/// A lead as those see it who look after its partner: without who else had it, and other leads.
fn of_one(mut lead: Model) -> Model {
    let partner = lead.partner.clone();
    lead.offers
        .0
        .retain(|offer| Some(&offer.partner) == partner.as_ref());
    Model {
        possible_duplicates: Leads::default(),
        duplicate_of: None,
        ..lead
    }
}

/// A lead without what tells who the company is and whom to speak to.
#[must_use]
pub fn hidden(lead: Model) -> Model {
    Model {
        campaign: None,
        company_name: String::new(),
        domain: None,
        contact_name: None,
        contact_email: None,
        contact_phone: None,
        note: None,
        ..lead
    }
}
