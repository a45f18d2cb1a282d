//! Rows for the tests of the pure rules.

use trellis_core::{Currency, EcosystemId, PartnerId, ProgramId, TierId, TimeZone, Timestamp};
use trellis_store::partner::partner;
use trellis_store::program::{program, tier};

fn acme() -> EcosystemId {
    EcosystemId::try_new("acme").unwrap()
}

pub(crate) fn program(state: program::State) -> program::Model {
    program::Model {
        ecosystem: acme(),
        id: ProgramId::try_new("orbit").unwrap(),
        display_name: "Orbit".into(),
        description: "Partners of the platform.".into(),
        time_zone: TimeZone::try_new("Europe/Berlin").unwrap(),
        currency: Currency::EUR,
        protection_days: 90,
        extension_days: 60,
        hard_stop_days: 180,
        auto_approve: true,
        auto_approve_limit_minor: Some(2_500_000),
        conflict_disclosure: program::ConflictDisclosure::Sealed,
        daily_account_budget: 20,
        monthly_account_budget: 100,
        person_open_limit: 100,
        partner_open_limit: 0,
        direct_lookback_days: 180,
        teaming: false,
        incumbent_days: 365,
        evidence_minimum: 0,
        lead_accept_days: 14,
        lead_act_days: 60,
        lead_offer_limit: 3,
        registration_clock: program::RegistrationClock::default(),
        state,
        revision_number: 0,
        publish_time: None,
        retire_time: None,
        version: 1,
        create_time: Timestamp::EPOCH,
        update_time: Timestamp::EPOCH,
    }
}

pub(crate) fn tier(id: &str, rank: i32) -> tier::Model {
    tier::Model {
        ecosystem: acme(),
        program: ProgramId::try_new("orbit").unwrap(),
        id: TierId::try_new(id).unwrap(),
        display_name: id.to_uppercase(),
        rank,
        description: String::new(),
        lead_weight: 1,
        version: 1,
        create_time: Timestamp::EPOCH,
        update_time: Timestamp::EPOCH,
        delete_time: None,
    }
}

pub(crate) fn partner(state: partner::State, until: Option<Timestamp>) -> partner::Model {
    partner::Model {
        ecosystem: acme(),
        id: PartnerId::try_new("nimbus").unwrap(),
        display_name: "Nimbus".into(),
        partner_type: partner::PartnerType::Reseller,
        region_code: None,
        domain: None,
        contact_email: None,
        external_id: None,
        channel_manager: None,
        state,
        invitation_expire_time: None,
        suspend_until_time: until,
        terminate_time: None,
        version: 1,
        create_time: Timestamp::EPOCH,
        update_time: Timestamp::EPOCH,
    }
}
