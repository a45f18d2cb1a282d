use super::*;

const READ: Access = Access {
    permission: "things.get",
    roles: &[
        (Role::EcosystemAdmin, Extent::Ecosystem),
        (Role::ChannelManager, Extent::Managed),
        (Role::PartnerAdmin, Extent::Organization),
        (Role::PartnerRep, Extent::Own),
    ],
    everybody: false,
    moves_money: false,
    second_person: false,
    administration: false,
    at_once: false,
    audited: false,
};

fn acme() -> EcosystemId {
    EcosystemId::try_new("acme").unwrap()
}

fn partner(id: &str) -> PartnerId {
    PartnerId::try_new(id).unwrap()
}

fn actor(name: &str) -> Actor {
    Actor::try_new(name).unwrap()
}

fn grant(role: Role, of: Option<&str>) -> Grant {
    Grant::new(role, of.map(partner))
}

fn principal(grants: Vec<Grant>) -> Principal {
    Principal {
        actor: actor("key:ci"),
        person: Some(actor("ada@acme.example")),
        rights: Rights::Granted(vec![(acme(), grants)]),
    }
}

fn scope(grants: Vec<Grant>) -> Option<Scope> {
    authorize(&principal(grants), &READ, &acme())
}

#[test]
fn a_role_reaches_as_far_as_the_method_says() {
    assert_eq!(
        scope(vec![grant(Role::EcosystemAdmin, None)]),
        Some(Scope::whole())
    );
    let managed = scope(vec![grant(Role::ChannelManager, None)]).unwrap();
    assert_eq!(
        managed.managers(),
        [actor("ada@acme.example"), actor("key:ci")]
    );
    assert!(managed.is_staff() && !managed.is_whole());
    assert_eq!(
        scope(vec![grant(Role::PartnerAdmin, Some("nimbus"))]),
        Some(Scope::of_partners(vec![partner("nimbus")]))
    );
    let own = scope(vec![grant(Role::PartnerRep, Some("nimbus"))]).unwrap();
    assert_eq!(own.own(), [(partner("nimbus"), actor("key:ci"))]);
}

#[test]
fn a_role_that_the_method_does_not_name_reaches_nothing() {
    assert_eq!(scope(vec![grant(Role::Auditor, None)]), None);
    assert_eq!(scope(Vec::new()), None);
}

#[test]
fn a_role_of_a_partner_without_one_reaches_nothing() {
    let scope = scope(vec![grant(Role::PartnerAdmin, None)]).unwrap();
    assert_eq!(scope, Scope::nothing());
    assert!(!scope.may_name(&partner("nimbus")));
}

#[test]
fn roles_count_together() {
    let scope = scope(vec![
        grant(Role::PartnerRep, Some("nimbus")),
        grant(Role::PartnerAdmin, Some("cirrus")),
        grant(Role::Auditor, None),
    ])
    .unwrap();
    assert!(scope.may_name(&partner("nimbus")));
    assert!(scope.may_name(&partner("cirrus")));
    assert!(!scope.may_name(&partner("stratus")));
    assert!(!scope.is_staff());
}

#[test]
fn rights_hold_in_their_own_ecosystem_only() {
    let other = EcosystemId::try_new("globex").unwrap();
    let admin = principal(vec![grant(Role::EcosystemAdmin, None)]);
    assert!(authorize(&admin, &READ, &acme()).is_some());
    assert_eq!(authorize(&admin, &READ, &other), None);
}

#[test]
fn whom_nothing_identifies_may_everything_on_a_server_without_identities() {
    let anybody = Principal::unidentified(Actor::anonymous());
    let scope = authorize(&anybody, &READ, &acme()).unwrap();
    assert!(scope.is_whole());
    assert_eq!(anybody.person, None);
    assert_eq!(anybody.eyes(), Eyes::Staff);
}

#[test]
fn one_role_of_the_vendors_makes_staff() {
    let of_partner = grant(Role::PartnerRep, Some("nimbus"));
    assert_eq!(principal(vec![of_partner.clone()]).eyes(), Eyes::Partner);
    let both = vec![of_partner, grant(Role::Auditor, None)];
    assert_eq!(principal(both).eyes(), Eyes::Staff);
    assert_eq!(principal(Vec::new()).eyes(), Eyes::Partner);
}

#[test]
fn only_systems_speak_for_others() {
    assert!(principal(vec![grant(Role::Service, None)]).speaks_for_others());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Service) {
        assert!(!principal(vec![grant(role, Some("nimbus"))]).speaks_for_others());
    }
}

#[test]
fn a_role_in_one_ecosystem_widens_nothing_in_another() {
    let globex = EcosystemId::try_new("globex").unwrap();
    let both = |here: Role, there: Vec<Grant>| Principal {
        rights: Rights::Granted(vec![
            (acme(), vec![grant(here, None)]),
            (globex.clone(), there),
        ]),
        ..principal(Vec::new())
    };
    let of_partner = vec![grant(Role::PartnerRep, Some("nimbus"))];
    assert_eq!(
        both(Role::EcosystemAdmin, of_partner.clone()).eyes(),
        Eyes::Partner
    );
    assert!(!both(Role::Service, of_partner).speaks_for_others());
    // The controls: staff in both, and nothing at all in the other.
    let staff = vec![grant(Role::Service, None)];
    assert_eq!(both(Role::Service, staff.clone()).eyes(), Eyes::Staff);
    assert!(both(Role::Service, staff).speaks_for_others());
    assert_eq!(both(Role::Auditor, Vec::new()).eyes(), Eyes::Staff);
}

#[test]
fn roles_are_read_by_their_names() {
    for role in Role::ALL {
        assert_eq!(Role::try_new(role.name()), Ok(role));
    }
    assert_eq!(Role::try_new("root"), Err(InvalidRole));
}
