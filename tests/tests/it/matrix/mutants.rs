//! That the table tells every change of who may call what: each role's extent with each method is
//! changed to every other one, and each flag is flipped, one at a time. What comes of the changed
//! access, as [`authorize`] decides it, must differ from the table in a cell.

use std::collections::BTreeMap;

use trellis_api::{METHODS, Method};
use trellis_core::access::{Extent, authorize, rules};
use trellis_core::lifecycle::Named as _;
use trellis_core::{Access, Actor, EcosystemId, PartnerId, Principal, Role, Scope};

use super::golden;
use super::oracle::Told;
use super::rows::{Act, Row, rows, tells_events};
use super::scene::{ANOTHER_MANAGER, partner};
use super::things::{ELSEWHERE, Kind, Owner, Relation, named};
use super::who::{Who, actor};
use crate::refusals::stage::called;

/// Whether a scope reaches a thing that is there, as the data layer binds its queries.
fn reaches(scope: &Scope, row: &Row, tag: &str) -> bool {
    let partner = PartnerId::try_new(partner(row.kind, tag)).unwrap();
    let manager = match tag {
        ELSEWHERE => ANOTHER_MANAGER.to_owned(),
        _ => actor("manager"),
    };
    let managed = scope.managers().iter().any(|name| name.as_str() == manager);
    let creator = Actor::try_new(&actor(tag)).unwrap();
    // The feed remembers to whom an event is told, and not who created what it is about.
    let remembered = row.kind.owner() == Owner::Creator && !tells_events(row.method);
    // What a partner earns, and who may what, is told in the feed to who reaches all that is the
    // partner's.
    let of_whole = matches!(
        row.kind,
        Kind::Award | Kind::Key | Kind::Grant | Kind::Webhook
    );
    let of_whole = of_whole && tells_events(row.method);
    let own = |(of, by): &(PartnerId, Actor)| {
        *of == partner && !of_whole && (!remembered || *by == creator)
    };
    // What becomes of an engagement is told to each member for itself.
    let of_members = row.kind == Kind::Engagement && tells_events(row.method);
    let of_staff = of_members && !scope.is_staff();
    scope.is_whole()
        || !of_staff
            && match row.kind.owner() {
                Owner::Everybody => true,
                // What no partner has is no manager's.
                Owner::Vendor => {
                    scope.is_staff() && !matches!(row.kind, Kind::NewLead | Kind::DraftEngagement)
                }
                Owner::Partner | Owner::Creator => {
                    managed || scope.partners().contains(&partner) || scope.own().iter().any(own)
                }
            }
}

/// What takes no role.
const EVERYBODY: [&str; 2] = ["ListEcosystems", "WhoAmI"];

/// What gives a role.
const GIVES: [&str; 2] = ["CreateApiKey", "CreateRoleGrant"];

/// Whether the role that a row gives may be given by who reaches so far.
fn may_give(scope: &Scope, row: &Row, tag: &str) -> bool {
    match row.kind {
        Kind::Partner => {
            let partner = PartnerId::try_new(partner(row.kind, tag)).unwrap();
            rules::may_grant(scope, Role::PartnerRep, Some(&partner))
        }
        _ => rules::may_grant(scope, Role::Auditor, None),
    }
}

/// What comes of a cell if a method had this access.
fn predicted(
    access: &Access,
    row: &Row,
    relation: Relation,
    who: Who,
    by: Option<&Principal>,
) -> Told {
    let Some(principal) = by else {
        return Told::Unauthenticated;
    };
    let thing = named(row.kind, relation, who).unwrap();
    let ecosystem = EcosystemId::try_new(thing.ecosystem).unwrap();
    let lists = row.act != Act::Does;
    if EVERYBODY.contains(&row.method) {
        let in_it = access.everybody && !principal.grants(&ecosystem).is_empty();
        return match (in_it, access.everybody) {
            (true, _) => Told::Shown,
            (_, true) => Told::Hidden,
            (_, false) => Told::Denied,
        };
    }
    let Some(scope) = authorize(principal, access, &ecosystem) else {
        return Told::Denied;
    };
    // An event is for the vendor, or for the partner that it belongs to.
    let event = tells_events(row.method);
    if event && (scope.is_staff() || matches!(row.kind.owner(), Owner::Everybody | Owner::Vendor)) {
        let shown = scope.is_staff() && relation != Relation::Absent;
        return if shown { Told::Shown } else { Told::Hidden };
    }
    let names_partner = row.kind == Kind::Partner && !lists;
    let reached = reaches(&scope, row, thing.tag);
    if names_partner && !scope.is_staff() && (relation == Relation::Absent || !reached) {
        return Told::Denied;
    }
    if row.method == "CheckAccess" {
        let about_self = row.kind == Kind::Ecosystem;
        return match about_self || scope.is_whole() {
            true => Told::Through,
            false => Told::Denied,
        };
    }
    let there = match (relation, row.kind, row.method) {
        (Relation::Absent, ..)
        | (Relation::Over, Kind::Partner, "GetPipeline" | "ReportAttribution") => false,
        (Relation::Over, Kind::Tier, method) => method.starts_with("Get"),
        (Relation::Over, Kind::Grant | Kind::VendorGrant, method) => tells_events(method),
        _ => true,
    };
    if there && !reached && ["CreateDeal", "CreateRegistration"].contains(&row.method) {
        return Told::Denied;
    }
    // Whoever reaches partners only has no webhook of the vendor's made.
    if row.method == "CreateWebhook" && row.kind == Kind::Ecosystem && !scope.is_staff() {
        return Told::Denied;
    }
    if there && reached && GIVES.contains(&row.method) && !may_give(&scope, row, thing.tag) {
        return Told::Denied;
    }
    match (there && reached, lists) {
        (true, true) => Told::Shown,
        (true, false) => Told::Through,
        (false, true) => Told::Hidden,
        (false, false) => Told::Absent,
    }
}

/// The table, and all that is needed to say what else could stand in it.
struct Table {
    cells: Vec<(Row, Vec<Cell>)>,
    callers: BTreeMap<Who, Option<Principal>>,
}

struct Cell {
    relation: Relation,
    who: Who,
    kept: Told,
}

impl Table {
    fn kept() -> Self {
        let kept = golden::read();
        let cells = rows().into_iter().map(|row| {
            let title = golden::title(&row);
            let of_row = kept.iter().filter(|((block, ..), _)| *block == title);
            let cells = of_row.map(|((_, relation, who), word)| Cell {
                relation: *relation,
                who: *who,
                kept: Told::of(word),
            });
            let cells: Vec<Cell> = cells.collect();
            (row, cells)
        });
        Self {
            cells: cells.collect(),
            callers: Who::ALL.map(|who| (who, who.principal())).into(),
        }
    }

    fn rows(&self, method: &str) -> impl Iterator<Item = &(Row, Vec<Cell>)> {
        self.cells
            .iter()
            .filter(move |(row, _)| row.method == method)
    }

    /// The cells of a method that would be others if it had this access.
    fn differ(&self, method: &str, access: &Access) -> impl Iterator<Item = String> {
        self.rows(method).flat_map(move |(row, cells)| {
            cells.iter().filter_map(move |cell| {
                let by = self.callers[&cell.who].as_ref();
                let found = predicted(access, row, cell.relation, cell.who, by);
                (found != cell.kept).then(|| {
                    let (relation, who) = (cell.relation.name(), cell.who.name());
                    let (title, kept) = (golden::title(row), cell.kept);
                    format!("{title}, {relation}, {who}: {kept:?}, not {found:?}")
                })
            })
        })
    }
}

/// Why two accesses that differ in one role's extent are the same to everybody; nothing when they
/// are not.
fn same(
    table: &Table,
    method: &str,
    role: Role,
    extents: [Option<Extent>; 2],
) -> Option<&'static str> {
    use Extent::{Ecosystem, Managed, Organization, Own};
    if EVERYBODY.contains(&method) {
        return Some("a method for everybody names no role: the build stops");
    }
    let names_partner = |(row, _): &(Row, _)| row.kind == Kind::Partner && row.act == Act::Does;
    if let [None, Some(Own | Organization)] | [Some(Own | Organization), None] = extents
        && !role.is_of_partner()
        && (table.rows(method).all(names_partner) || method == "CreateWebhook")
    {
        return Some("who is of no partner may name none: both are denied");
    }
    if let [None, Some(Own)] | [Some(Own), None] = extents
        && method == "CreateApiKey"
    {
        return Some("who reaches no partner as a whole gives no role: both are denied");
    }
    if let [None, Some(Organization)] | [Some(Organization), None] = extents
        && method == "CreateApiKey"
        && !role.is_of_partner()
    {
        return Some("who is of no partner gives none of its roles: both are denied");
    }
    let [Some(mut from), Some(mut to)] = extents else {
        return None;
    };
    if method == "CheckAccess" && ![from, to].contains(&Ecosystem) {
        return Some("who does not reach the whole ecosystem asks about themselves only");
    }
    if from > to {
        (from, to) = (to, from);
    }
    let owners: Vec<Owner> = table
        .rows(method)
        .map(|(row, _)| row.kind.owner())
        .collect();
    let all = |wanted: &[Owner]| owners.iter().all(|owner| wanted.contains(owner));
    if table
        .rows(method)
        .all(|(row, _)| row.kind == Kind::Ecosystem)
    {
        return Some(
            "a call about the whole ecosystem is let through by every extent: the line above the \
             cells tells it",
        );
    }
    if !tells_events(method) && all(&[Owner::Everybody]) {
        return Some("every extent reaches what belongs to everybody");
    }
    match (from, to) {
        (Own, Organization) if !role.is_of_partner() => {
            Some("a role that is granted for no partner reaches nothing by either")
        }
        (Own, Organization)
            if !tells_events(method)
                && !GIVES.contains(&method)
                && !owners.contains(&Owner::Creator) =>
        {
            Some("of what remembers no creator, a partner's people reach what is the partner's")
        }
        (Managed, Ecosystem) if tells_events(method) => {
            Some("the feed is told to the vendor's staff as a whole")
        }
        (Managed, Ecosystem)
            if all(&[Owner::Everybody, Owner::Vendor])
                && !table
                    .rows(method)
                    .any(|(row, _)| matches!(row.kind, Kind::NewLead | Kind::DraftEngagement)) =>
        {
            Some("no manager looks after what belongs to no partner")
        }
        _ => None,
    }
}

fn changed(access: &Access, role: Role, extent: Option<Extent>) -> Access {
    let others = access.roles.iter().filter(|(of, _)| *of != role).copied();
    let roles: Vec<_> = others.chain(extent.map(|extent| (role, extent))).collect();
    Access {
        roles: roles.leak(),
        ..*access
    }
}

#[test]
fn what_decides_says_what_the_table_says() {
    let table = Table::kept();
    let differ: Vec<String> = METHODS
        .iter()
        .flat_map(|method| table.differ(called(method), &method.access))
        .collect();
    assert!(
        differ.is_empty(),
        "{} cells:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn the_table_tells_every_change_of_an_extent() {
    let table = Table::kept();
    let (mut told, mut equal) = (0, BTreeMap::<&str, usize>::new());
    let mut untold = Vec::new();
    let extents = [
        None,
        Some(Extent::Own),
        Some(Extent::Organization),
        Some(Extent::Managed),
        Some(Extent::Ecosystem),
    ];
    for method in METHODS {
        for role in Role::ALL {
            let from = method.access.extent(role);
            for to in extents.into_iter().filter(|to| *to != from) {
                let access = changed(&method.access, role, to);
                let differs = table.differ(called(method), &access).next().is_some();
                let reason = same(&table, called(method), role, [from, to]);
                match (differs, reason) {
                    (true, None) => told += 1,
                    (false, Some(reason)) => *equal.entry(reason).or_default() += 1,
                    _ => untold.push(format!(
                        "{}: {} from {from:?} to {to:?}: a cell differs: {differs}, said to be the \
                         same: {reason:?}",
                        called(method),
                        role.name()
                    )),
                }
            }
        }
    }
    println!("{told} changes of an extent are told by a cell; the same to everybody: {equal:#?}");
    assert!(
        untold.is_empty(),
        "{}:\n{}",
        untold.len(),
        untold.join("\n")
    );
}

#[test]
fn the_table_tells_every_change_of_what_stands_above_its_cells() {
    let text = golden::kept();
    let kept = |method: &Method, terms: &str| {
        let service = method.service.rsplit('.').next().unwrap();
        let own = format!("{service}.{}", method.name);
        let blocks = text.split("\n== ").filter(|block| {
            let title = block.split_once(':').map_or("", |(title, _)| title);
            title == own || title == format!("== {own}")
        });
        blocks.clone().count() > 0
            && blocks
                .clone()
                .all(|block| block.lines().nth(1) == Some(&format!("   {terms}")))
    };
    for method in METHODS {
        let access = method.access;
        assert!(kept(method, &golden::terms(&access)), "{}", called(method));
        let flipped = [
            Access {
                everybody: !access.everybody,
                ..access
            },
            Access {
                moves_money: !access.moves_money,
                ..access
            },
            Access {
                second_person: !access.second_person,
                ..access
            },
            Access {
                administration: !access.administration,
                ..access
            },
            Access {
                at_once: !access.at_once,
                ..access
            },
            Access {
                audited: !access.audited,
                ..access
            },
            Access {
                permission: "another",
                ..access
            },
        ];
        for mutant in flipped {
            assert!(
                !kept(method, &golden::terms(&mutant)),
                "{}: {mutant:?}",
                called(method)
            );
        }
    }
}
