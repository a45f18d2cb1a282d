//! Who may do what, told a second time: written from what `docs/access.md` says, and not from the
//! options of the contract, nor by way of what decides. It agrees with every cell, or one of the
//! two is wrong.

use trellis_core::Role;
use trellis_core::Role::{
    Auditor, ChannelManager, EcosystemAdmin, FinanceApprover, PartnerAdmin, PartnerRep, Service,
};

use super::golden;
use super::rows::{rows, tells_events};
use super::things::{Kind, Relation};
use super::who::Who;

/// What somebody is told, as far as who they are decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Unauthenticated,
    Denied,
    Absent,
    Through,
    Hidden,
    Shown,
}

impl Told {
    /// What a word of the table means.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "UNAUTHENTICATED" => Self::Unauthenticated,
            "DENIED" => Self::Denied,
            "NOT_FOUND" => Self::Absent,
            "HIDDEN" => Self::Hidden,
            "SHOWN" => Self::Shown,
            passed => {
                assert!(passed == "OK" || passed.starts_with("PASS:"), "{passed}");
                Self::Through
            }
        }
    }
}

const STAFF: [Role; 5] = [
    EcosystemAdmin,
    ChannelManager,
    FinanceApprover,
    Service,
    Auditor,
];

/// What tells of access and of nothing else.
const QUESTIONS: [&str; 2] = ["WhoAmI", "CheckAccess"];

/// What is done to leads before a partner has them.
const GIVEN: &[&str] = &["CreateLead", "RouteLead", "MarkLead"];

/// What engagements are about.
const ENGAGEMENTS: &[&str] = &[
    "Engagement",
    "Member",
    "Snapshot",
    "RejectInvitation",
    "CancelInvitation",
];

/// What a partner does about an engagement that it is invited to or is in.
const TAKING_PART: &[&str] = &["AcceptInvitation", "RejectInvitation", "LeaveEngagement"];

/// How a method is spoken of: whether it reads, and what about.
fn reads(method: &str) -> bool {
    [
        "Get", "List", "BatchGet", "Explain", "Verify", "Export", "Match", "Report", "Lint",
        "Describe", "Simulate", "Replay", "Backtest", "Watch",
    ]
    .iter()
    .any(|verb| method.starts_with(verb))
}

fn about(method: &str, nouns: &[&str]) -> bool {
    nouns.iter().any(|noun| method.contains(noun))
}

/// The roles that do it at all.
fn roles(method: &str) -> Vec<Role> {
    let partners = [PartnerAdmin, PartnerRep];
    if about(
        method,
        &["ApiKey", "RoleGrant", "Webhook", "Deliveries", "Redeliver"],
    ) {
        let auditor = reads(method).then_some(Auditor);
        return [EcosystemAdmin, PartnerAdmin]
            .into_iter()
            .chain(auditor)
            .collect();
    }
    if about(method, &["Audit"]) {
        return vec![EcosystemAdmin, Auditor];
    }
    if method == "ErasePersonalData" {
        return vec![EcosystemAdmin];
    }
    if method == "GetCheckpoint" {
        return vec![EcosystemAdmin, Service, Auditor];
    }
    if QUESTIONS.contains(&method) {
        return [STAFF.as_slice(), &partners].concat();
    }
    if method == "TransferRegistration" {
        return vec![EcosystemAdmin];
    }
    if method == "LookupDeal" {
        return STAFF.to_vec();
    }
    if method == "CheckConflict" {
        return vec![EcosystemAdmin, ChannelManager, Service, Auditor];
    }
    if about(method, ENGAGEMENTS) {
        return if reads(method) {
            [STAFF.as_slice(), &partners].concat()
        } else if about(method, TAKING_PART) {
            [&[EcosystemAdmin, ChannelManager, Service][..], &partners].concat()
        } else {
            vec![EcosystemAdmin, Service]
        };
    }
    if reads(method) {
        return if about(
            method,
            &[
                "Ledger",
                "Journal",
                "Balance",
                "Batches",
                "GetBatch",
                "Items",
                "Lines",
                "Routing",
                "Facts",
                "Quotas",
                "ExchangeRates",
                "Replay",
                "Backtest",
            ],
        ) {
            STAFF
                .into_iter()
                .filter(|role| *role != ChannelManager)
                .collect()
        } else if about(
            method,
            &["GetAward", "ListAwards", "ExplainAward", "Statement"],
        ) {
            [&STAFF[..], &[PartnerAdmin]].concat()
        } else if about(
            method,
            &[
                "Plan",
                "Simulate",
                "Revision",
                "Match",
                "House",
                "RoleChange",
                "Attribution",
            ],
        ) {
            STAFF.to_vec()
        } else {
            [STAFF.as_slice(), &partners].concat()
        };
    }
    let mut roles = vec![EcosystemAdmin];
    if about(method, &["Import", "AdvanceClock"]) {
        roles.push(Service);
    } else if about(
        method,
        &[
            "Record",
            "SendBatch",
            "SettleItems",
            "FailItem",
            "ReturnItem",
        ],
    ) {
        roles.extend([FinanceApprover, Service]);
    } else if about(method, &["Plan", "Award", "Batch", "Journal", "Period"]) {
        roles.push(FinanceApprover);
    } else if about(method, GIVEN) {
        roles.push(Service);
    } else if about(method, &["PublishProgram", "RetireProgram"]) {
        roles.push(ChannelManager);
    } else if !about(method, &["Ecosystem"]) {
        roles.extend([ChannelManager, Service]);
    }
    if about(method, &["Lead"]) && !about(method, GIVEN)
        || about(method, &["DisputeDealRole", "UpdateDeal", "DealProposal"])
    {
        roles.extend(partners);
    }
    if about(method, &["UpdatePartner", "Invitation"]) {
        roles.push(PartnerAdmin);
    }
    let decides = about(method, &["Approve", "Reject", "Request", "Revoke"]);
    let of_staff = decides || about(method, &["Import", "Merge", "Split", "House"]);
    if about(method, &["Account", "Registration", "Activity"]) && !of_staff {
        roles.extend(partners);
    }
    roles
}

/// Whether a channel manager does it for the partners that she looks after only.
fn managed(method: &str) -> bool {
    about(
        method,
        &[
            "Registration",
            "Activit",
            "Conflict",
            "Decision",
            "Lead",
            "Deal",
            "Award",
            "Statement",
            "Pipeline",
            "StageChange",
            "RoleChange",
            "Attribution",
        ],
    ) || about(method, ENGAGEMENTS)
        || (!reads(method) && about(method, &["Partner", "Invitation", "Notice", "Enrollment"]))
}

/// Whether a thing belongs to a partner.
fn owned(kind: Kind) -> bool {
    use Kind::{
        Account, Approved, Award, Draft, Engagement, Enrollment, Grant, HeldLead, Invitation, Key,
        Member, OfferedLead, OpenDeal, Partner, QualifiedLead, Snapshot, Submitted, Webhook,
        WonDeal,
    };
    matches!(
        kind,
        Partner
            | Enrollment
            | Account
            | Draft
            | Submitted
            | Approved
            | OfferedLead
            | HeldLead
            | QualifiedLead
            | Engagement
            | Invitation
            | Member
            | Snapshot
            | OpenDeal
            | WonDeal
            | Award
            | Key
            | Grant
            | Webhook
    )
}

/// Whether of what is the partner's only its administrators are told.
fn of_admins(kind: Kind) -> bool {
    matches!(kind, Kind::Award | Kind::Key | Kind::Grant | Kind::Webhook)
}

/// Whether a thing is the vendor's alone, so that partners who may ask do not find it.
fn of_vendor(kind: Kind) -> bool {
    use Kind::{
        DraftEngagement, DraftProgram, House, NewLead, VendorGrant, VendorKey, VendorWebhook,
    };
    matches!(
        kind,
        DraftEngagement | DraftProgram | House | NewLead | VendorKey | VendorGrant | VendorWebhook
    )
}

/// What takes no role.
const EVERYBODY: [&str; 2] = ["ListEcosystems", "WhoAmI"];

pub(super) fn may(who: Who, relation: Relation, kind: Kind, method: &str, list: bool) -> Told {
    let (yes, no) = if list {
        (Told::Shown, Told::Hidden)
    } else {
        (Told::Through, Told::Absent)
    };
    let role = match who {
        Who::Anonymous => return Told::Unauthenticated,
        Who::Revoked if EVERYBODY.contains(&method) => return Told::Hidden,
        Who::Revoked => return Told::Denied,
        Who::Granted(role) => role,
    };
    let elsewhere = relation == Relation::OtherEcosystem
        || (relation == Relation::Absent && kind == Kind::Ecosystem);
    match elsewhere {
        true if EVERYBODY.contains(&method) => return Told::Hidden,
        true => return Told::Denied,
        _ if !roles(method).contains(&role) => return Told::Denied,
        _ => {}
    }
    let of_partner = !STAFF.contains(&role);
    // A partner's people name no other partner, whether or not there is such a one.
    if of_partner && kind == Kind::Partner && relation != Relation::Own && !list {
        return Told::Denied;
    }
    match (method, kind) {
        // The staff ask about anybody, there or not, and a partner's people about themselves.
        ("CheckAccess", Kind::Key) if of_partner => return Told::Denied,
        ("CheckAccess", _) => return Told::Through,
        // Nobody gives a role of the vendor's for a partner, or has the vendor told of something.
        ("CreateApiKey" | "CreateRoleGrant" | "CreateWebhook", Kind::Ecosystem) if of_partner => {
            return Told::Denied;
        }
        _ => {}
    }
    let foreign = relation == Relation::OtherOrganization && owned(kind)
        || relation == Relation::Over && kind == Kind::Partner && of_partner;
    let reached = match role {
        // What no partner has is no manager's.
        ChannelManager if managed(method) => {
            !foreign && !matches!(kind, Kind::NewLead | Kind::DraftEngagement)
        }
        PartnerRep if !reads(method) && about(method, &["Registration", "Activity"]) => {
            !foreign && relation == Relation::Own
        }
        PartnerRep if tells_events(method) && of_admins(kind) => false,
        // What becomes of an engagement is told to each member for itself.
        PartnerAdmin | PartnerRep if tells_events(method) => {
            !foreign && owned(kind) && kind != Kind::Engagement
        }
        PartnerAdmin | PartnerRep => !foreign && !of_vendor(kind),
        _ => true,
    };
    let there = match (relation, kind, method) {
        (Relation::Absent, ..)
        | (Relation::Over, Kind::Partner, "GetPipeline" | "ReportAttribution") => false,
        // A tier that was deleted is still read, and no longer changed.
        (Relation::Over, Kind::Tier, _) => reads(method),
        // A role that was taken is told of by the feed alone.
        (Relation::Over, Kind::Grant | Kind::VendorGrant, _) => tells_events(method),
        _ => true,
    };
    if !reached && there && ["CreateDeal", "CreateRegistration"].contains(&method) {
        return Told::Denied;
    }
    if reached && there { yes } else { no }
}

#[test]
fn the_text_says_what_the_table_says() {
    use super::rows::Act;
    let kept = golden::read();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for row in rows() {
        let title = golden::title(&row);
        let list = row.act != Act::Does;
        let cells = kept.iter().filter(|((block, ..), _)| *block == title);
        for ((_, relation, who), word) in cells {
            compared += 1;
            let told = may(*who, *relation, row.kind, row.method, list);
            if told != Told::of(word) {
                let (relation, who) = (relation.name(), who.name());
                wrong.push(format!(
                    "{title}, {relation}, {who}: {word}, and the text says {told:?}"
                ));
            }
        }
    }
    assert_eq!(compared, kept.len());
    assert!(
        wrong.is_empty(),
        "{} of {compared} cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{compared} cells agree");
}
