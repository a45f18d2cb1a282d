//! The settings by which a program gives leads to partners. Pure.

use trellis_store::program::program::Model;

/// For how many days a lead stays offered, unless the program says otherwise.
pub const ACCEPT_DAYS: i32 = 14;
/// For how many days its partner may take to begin work, unless the program says otherwise.
pub const ACT_DAYS: i32 = 60;
/// To how many partners a lead is offered at most, unless the program says otherwise.
pub const OFFER_LIMIT: i32 = 3;

/// The settings of leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadSettings {
    /// For how many days a lead stays offered to a partner.
    pub accept_days: i32,
    /// For how many days a partner that accepted a lead may take to begin work.
    pub act_days: i32,
    /// To how many partners a lead is offered at most.
    pub offer_limit: i32,
}

impl LeadSettings {
    /// The settings of a program.
    #[must_use]
    pub fn of(program: &Model) -> Self {
        Self {
            accept_days: program.lead_accept_days,
            act_days: program.lead_act_days,
            offer_limit: program.lead_offer_limit,
        }
    }

    /// Makes them the settings of a program.
    pub(crate) fn put(self, program: &mut Model) {
        let Self {
            accept_days,
            act_days,
            offer_limit,
        } = self;
        program.lead_accept_days = accept_days;
        program.lead_act_days = act_days;
        program.lead_offer_limit = offer_limit;
    }
}

impl Default for LeadSettings {
    fn default() -> Self {
        Self {
            accept_days: ACCEPT_DAYS,
            act_days: ACT_DAYS,
            offer_limit: OFFER_LIMIT,
        }
    }
}
