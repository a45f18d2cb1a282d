//! Who owns what, and what comes of what either side says.

use trellis_core::{DealId, EcosystemId};
use trellis_store::deal::deal::{
    Contacts, Disputes, ExternalIds, Lines, PartnerRole, Role, Roles, Stage, Writes,
};

use super::*;
use crate::deal::lifecycle::editable;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn partner(id: &str) -> PartnerId {
    PartnerId::try_new(id).unwrap()
}

/// A deal that `nimbus` sourced and `cirrus` sells with it, or that nobody sourced.
fn deal(is_sourced: bool) -> Model {
    let sourced = is_sourced.then(|| partner("nimbus"));
    let mut roles = vec![PartnerRole::new(partner("cirrus"), Role::CoSell)];
    roles.extend(
        sourced
            .clone()
            .map(|id| PartnerRole::new(id, Role::Sourced)),
    );
    Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        id: DealId::try_new("d").unwrap(),
        display_name: "Ten firewalls".to_owned(),
        account: None,
        partner: sourced,
        roles: Roles(roles),
        lines: Lines::default(),
        amount_minor: None,
        currency: None,
        deal_type: None,
        territory: None,
        engage_date: None,
        expected_close_date: None,
        external_id: None,
        stage: Stage::Prospect,
        closed_from: None,
        close_date: None,
        period: None,
        lost_reason_code: None,
        win: 0,
        won_time: None,
        invoiced_minor: 0,
        refunded_minor: 0,
        churn_date: None,
        registration: None,
        program: None,
        stage_change_count: 0,
        role_change_count: 0,
        disputes: Disputes::default(),
        next_step: None,
        contacts: Contacts::default(),
        partner_product: None,
        external_ids: ExternalIds::default(),
        writes: Writes::default(),
        proposal_count: 0,
        version: 1,
        create_time: at(0),
        update_time: at(0),
    }
}

fn step(text: &str) -> Value {
    Value::NextStep(Some(text.to_owned()))
}

fn named(text: &str) -> Value {
    Value::DisplayName(text.to_owned())
}

fn proposal(side: Side, with: &str, value: Value) -> proposal::Model {
    proposal::Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        deal: DealId::try_new("d").unwrap(),
        number: 1,
        side,
        partner: partner(with),
        field: value.field().to_owned(),
        value,
        actor: "somebody".to_owned(),
        source_system: None,
        source_time: None,
        state: State::Open,
        decider: None,
        note: None,
        decide_time: None,
        create_time: at(0),
    }
}

/// The table of `docs/deal-fields.md`, read from there.
#[test]
fn the_documented_table_is_the_one_that_holds() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deal-fields.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut told = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let side = match cells[2] {
            "vendor" => Side::Vendor,
            "partner" => Side::Partner,
            other => panic!("{other} owns {row}"),
        };
        let fields = cells[1].split(", ").map(|name| name.trim_matches('`'));
        for field in fields {
            assert_eq!(owner(field, true), side, "{field}");
            assert_eq!(owner(field, false), Side::Vendor, "{field}");
            told.push(field.to_owned());
        }
    }
    for field in editable(Stage::Prospect) {
        assert!(told.iter().any(|told| told == field), "{field} has no row");
    }
}

#[test]
fn a_side_changes_what_it_owns_and_proposes_the_rest() {
    let (nimbus, cirrus) = (partner("nimbus"), partner("cirrus"));
    let both = || vec![named("New"), step("call")];
    let sorted = |deal: &Model, by: By<'_>| {
        let Sorted { written, proposed } = sort(deal, by, both());
        (written.len(), proposed)
    };
    let sourced = deal(true);
    assert_eq!(sorted(&sourced, None), (1, vec![step("call")]));
    assert_eq!(sorted(&sourced, Some(&nimbus)), (1, vec![named("New")]));
    assert_eq!(anothers(&sourced, Some(&nimbus), &both()), [""; 0]);
    assert_eq!(anothers(&sourced, Some(&cirrus), &both()), ["next_step"]);
    // Without a partner that sourced it there is no conflict: the vendor has it all.
    let unsourced = deal(false);
    assert_eq!(sorted(&unsourced, None), (2, vec![]));
    assert_eq!(sorted(&unsourced, Some(&cirrus)), (0, both()));
    // What the deal says already is not proposed.
    let held = vec![named("Ten firewalls")];
    assert_eq!(sort(&sourced, Some(&nimbus), held), Sorted::default());
}

#[test]
fn each_side_has_a_clock_for_each_field() {
    let (mut deal, nimbus) = (deal(true), partner("nimbus"));
    let from = |time: i64| Source {
        system: None,
        time: Some(at(time)),
    };
    let is_late = |deal: &Model, by: By<'_>, value: Value, source: &Source| {
        late(deal, by, &[value], source, at(100)).map(|(_, latest)| latest)
    };
    said(&mut deal, None, ["display_name"], at(50));
    assert_eq!(is_late(&deal, None, named("New"), &from(49)), Some(at(50)));
    assert_eq!(is_late(&deal, None, named("New"), &from(50)), None);
    assert_eq!(is_late(&deal, None, step("call"), &from(49)), None);
    assert_eq!(is_late(&deal, Some(&nimbus), named("New"), &from(49)), None);
    // A late word takes nothing back, and who says no time is never late.
    said(&mut deal, None, ["display_name"], at(40));
    assert_eq!(is_late(&deal, None, named("New"), &from(49)), Some(at(50)));
    said(&mut deal, None, ["display_name"], at(200));
    assert_eq!(is_late(&deal, None, named("New"), &Source::default()), None);
    // What has not come yet counts as now.
    assert_eq!(from(999).as_of(at(100)), at(100));
    assert_eq!(
        is_late(&deal, None, named("New"), &from(999)),
        Some(at(200))
    );
}

#[test]
fn a_version_counts_changes_and_tells_whose_the_value_is() {
    let (before, nimbus) = (deal(true), partner("nimbus"));
    let mut deal = before.clone();
    deal.next_step = Some("call".to_owned());
    let crm = Source {
        system: Some("crm".to_owned()),
        time: Some(at(5)),
    };
    let changed = stamp(&mut deal, &before, Some(&nimbus), &crm, at(9));
    assert_eq!(changed, ["next_step"]);
    let again = deal.clone();
    assert_eq!(stamp(&mut deal, &again, None, &crm, at(10)), [""; 0]);
    let [version] = deal.writes.versions.as_slice() else {
        panic!("{:?}", deal.writes);
    };
    assert_eq!((version.version, &version.partner), (1, &Some(nimbus)));
    assert_eq!(
        (version.source_time, version.update_time),
        (Some(at(5)), at(9))
    );
    let again = deal.clone();
    deal.next_step = None;
    stamp(&mut deal, &again, None, &Source::default(), at(11));
    assert_eq!(deal.writes.versions[0].version, 2);
    assert_eq!(deal.writes.versions[0].partner, None);
}

#[test]
fn what_a_partner_wrote_another_one_does_not_see() {
    let mut deal = deal(true);
    let is = |id: &'static str| move |partner: &PartnerId| partner.as_str() == id;
    assert!(shows(&deal, "next_step", is("nimbus")));
    assert!(!shows(&deal, "next_step", is("cirrus")));
    let before = deal.clone();
    deal.next_step = Some("call".to_owned());
    stamp(
        &mut deal,
        &before,
        Some(&partner("nimbus")),
        &Source::default(),
        at(1),
    );
    assert!(shows(&deal, "next_step", is("nimbus")));
    // It is another's deal now: neither sees it.
    deal.partner = Some(partner("cirrus"));
    assert!(!shows(&deal, "next_step", is("nimbus")));
    assert!(!shows(&deal, "next_step", is("cirrus")));
    deal.partner = None;
    assert!(!shows(&deal, "contacts", is("cirrus")));
}

#[test]
fn an_open_proposal_ends_by_what_is_said_of_its_field() {
    let (mut deal, nimbus, cirrus) = (deal(true), partner("nimbus"), partner("cirrus"));
    let of_nimbus = proposal(Side::Partner, "nimbus", named("New"));
    let by = Some(&nimbus);
    assert_eq!(ended(&deal, by, &of_nimbus, &[named("New")]), None);
    assert_eq!(
        ended(&deal, by, &of_nimbus, &[named("Newer")]),
        Some(State::Superseded)
    );
    // It writes what the deal says already: it takes the proposal back.
    assert_eq!(ended(&deal, by, &of_nimbus, &[]), Some(State::Superseded));
    // Others take back nothing.
    assert_eq!(
        ended(&deal, Some(&cirrus), &of_nimbus, &[named("New")]),
        None
    );
    assert_eq!(ended(&deal, None, &of_nimbus, &[]), None);
    // The owner writes the same.
    deal.display_name = "New".to_owned();
    assert_eq!(ended(&deal, None, &of_nimbus, &[]), Some(State::Accepted));
    assert_eq!(ended(&deal, Some(&cirrus), &of_nimbus, &[]), None);
}

#[test]
fn who_decides_follows_from_who_has_the_deal() {
    let to_nimbus = proposal(Side::Vendor, "nimbus", step("call"));
    let of_cirrus = proposal(Side::Partner, "cirrus", named("New"));
    let mut deal = deal(true);
    assert_eq!(decider(&deal, &to_nimbus), Side::Partner);
    assert_eq!(decider(&deal, &of_cirrus), Side::Vendor);
    deal.partner = Some(partner("cirrus"));
    assert_eq!(decider(&deal, &to_nimbus), Side::Vendor);
    assert!(!stands(&deal, &to_nimbus));
    assert!(stands(&deal, &of_cirrus));
}
