//! What calls name: the kinds of things, and how the one that is named relates to who calls.

use super::who::Who;

/// How the thing that is named relates to who calls. The caller's organisation is `nimbus`: the
/// partner of those who have a role of a partner, and the partner that the channel manager looks
/// after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    /// Of the caller's organisation, and created by the caller.
    Own,
    /// Of the caller's organisation, and created by somebody else.
    Colleague,
    /// Of `cirrus`, which another channel manager looks after.
    OtherOrganization,
    /// Of an ecosystem in which the caller has no role.
    OtherEcosystem,
    /// Not there at all.
    Absent,
    /// Of the caller's organisation, and deleted; of what is never deleted, in its last state.
    Over,
}

impl Relation {
    pub(super) const ALL: [Self; 6] = [
        Self::Own,
        Self::Colleague,
        Self::OtherOrganization,
        Self::OtherEcosystem,
        Self::Absent,
        Self::Over,
    ];

    /// The head of its row.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Colleague => "same organisation",
            Self::OtherOrganization => "other organisation",
            Self::OtherEcosystem => "other ecosystem",
            Self::Absent => "non-existent",
            Self::Over => "deleted or over",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ecosystem,
    Partner,
    Enrollment,
    Account,
    Draft,
    Submitted,
    Approved,
    NewLead,
    OfferedLead,
    HeldLead,
    QualifiedLead,
    DraftEngagement,
    Engagement,
    Invitation,
    Member,
    Snapshot,
    OpenDeal,
    WonDeal,
    Award,
    Family,
    Product,
    Territory,
    House,
    Program,
    DraftProgram,
    Tier,
    Plan,
    PlanVersion,
    LedgerAccount,
    Journal,
    LedgerPeriod,
    Batch,
    Key,
    VendorKey,
    Grant,
    VendorGrant,
    Webhook,
    VendorWebhook,
}

/// To whom things of a kind belong, as `docs/access.md` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// To the ecosystem: whoever may ask sees it.
    Everybody,
    /// To the vendor: partners see none.
    Vendor,
    /// To a partner.
    Partner,
    /// To a partner, and there to who created it.
    Creator,
}

impl Kind {
    pub(super) const ALL: [Self; 38] = [
        Self::Ecosystem,
        Self::Partner,
        Self::Enrollment,
        Self::Account,
        Self::Draft,
        Self::Submitted,
        Self::Approved,
        Self::NewLead,
        Self::OfferedLead,
        Self::HeldLead,
        Self::QualifiedLead,
        Self::DraftEngagement,
        Self::Engagement,
        Self::Invitation,
        Self::Member,
        Self::Snapshot,
        Self::OpenDeal,
        Self::WonDeal,
        Self::Award,
        Self::Family,
        Self::Product,
        Self::Territory,
        Self::House,
        Self::Program,
        Self::DraftProgram,
        Self::Tier,
        Self::Plan,
        Self::PlanVersion,
        Self::LedgerAccount,
        Self::Journal,
        Self::LedgerPeriod,
        Self::Batch,
        Self::Key,
        Self::VendorKey,
        Self::Grant,
        Self::VendorGrant,
        Self::Webhook,
        Self::VendorWebhook,
    ];

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ecosystem => "ecosystem",
            Self::Partner => "partner",
            Self::Enrollment => "enrolment",
            Self::Account => "account",
            Self::Draft => "draft registration",
            Self::Submitted => "submitted registration",
            Self::Approved => "approved registration",
            Self::NewLead => "new lead",
            Self::OfferedLead => "offered lead",
            Self::HeldLead => "accepted lead",
            Self::QualifiedLead => "qualified lead",
            Self::DraftEngagement => "draft engagement",
            Self::Engagement => "active engagement",
            Self::Invitation => "invitation to an engagement",
            Self::Member => "member of an engagement",
            Self::Snapshot => "snapshot of an engagement",
            Self::OpenDeal => "open deal",
            Self::WonDeal => "won deal",
            Self::Award => "award",
            Self::Family => "product family",
            Self::Product => "product",
            Self::Territory => "territory",
            Self::House => "house account",
            Self::Program => "published program",
            Self::DraftProgram => "draft program",
            Self::Tier => "tier of a published program",
            Self::Plan => "plan",
            Self::PlanVersion => "plan version",
            Self::LedgerAccount => "ledger account",
            Self::Journal => "approval in the ledger",
            Self::LedgerPeriod => "current period of the ledger",
            Self::Batch => "submitted payout batch",
            Self::Key => "API key of a partner",
            Self::VendorKey => "API key of the vendor",
            Self::Grant => "role at a partner",
            Self::VendorGrant => "role of the vendor",
            Self::Webhook => "webhook of a partner",
            Self::VendorWebhook => "webhook of the vendor",
        }
    }

    pub(super) fn owner(self) -> Owner {
        match self {
            Self::Ecosystem
            | Self::Family
            | Self::Product
            | Self::Territory
            | Self::Program
            | Self::Tier => Owner::Everybody,
            Self::DraftProgram
            | Self::House
            | Self::NewLead
            | Self::DraftEngagement
            | Self::Plan
            | Self::PlanVersion
            | Self::LedgerAccount
            | Self::Journal
            | Self::LedgerPeriod
            | Self::Batch
            | Self::VendorKey
            | Self::VendorGrant
            | Self::VendorWebhook => Owner::Vendor,
            Self::Partner
            | Self::Enrollment
            | Self::Account
            | Self::OfferedLead
            | Self::HeldLead
            | Self::QualifiedLead
            | Self::Engagement
            | Self::Invitation
            | Self::Member
            | Self::Snapshot
            | Self::OpenDeal
            | Self::WonDeal
            | Self::Award
            | Self::Key
            | Self::Grant
            | Self::Webhook => Owner::Partner,
            Self::Draft | Self::Submitted | Self::Approved => Owner::Creator,
        }
    }

    /// Where things of the kind stand in an ecosystem, up to the tag that says which; none when
    /// their names are not made of tags.
    pub(super) fn stem(self) -> Option<&'static str> {
        Some(match self {
            Self::Enrollment => "enrollments/",
            Self::Account => "accounts/",
            Self::Draft => "registrations/draft-",
            Self::Submitted => "registrations/submitted-",
            Self::Approved => "registrations/approved-",
            Self::NewLead => "leads/new-",
            Self::OfferedLead => "leads/offered-",
            Self::HeldLead => "leads/held-",
            Self::QualifiedLead => "leads/qualified-",
            Self::DraftEngagement => "engagements/draft-",
            Self::Engagement | Self::Member | Self::Snapshot => "engagements/held-",
            Self::Invitation => "engagements/open-",
            Self::OpenDeal => "deals/open-",
            Self::WonDeal => "deals/won-",
            Self::Family => "productFamilies/",
            Self::Product => "products/",
            Self::Territory => "territories/",
            Self::House => "houseAccounts/",
            Self::Program | Self::Tier => "programs/",
            Self::DraftProgram => "programs/draft-",
            Self::Plan | Self::PlanVersion => "plans/",
            Self::Batch => "payoutBatches/",
            Self::Webhook => "webhooks/",
            Self::VendorWebhook => "webhooks/vendor-",
            Self::Ecosystem
            | Self::Partner
            | Self::Award
            | Self::LedgerAccount
            | Self::Journal
            | Self::LedgerPeriod
            | Self::Key
            | Self::VendorKey
            | Self::Grant
            | Self::VendorGrant => return None,
        })
    }

    /// Why nothing of the kind has this relation to anybody; nothing when there is something.
    pub(super) fn lacks(self, relation: Relation) -> Option<&'static str> {
        match (self, relation) {
            (Self::Ecosystem, Relation::Colleague | Relation::OtherOrganization) => {
                Some("it is what the organisations are in")
            }
            (Self::Partner, Relation::Colleague) => {
                Some("it is the organisation: there is one of the caller's")
            }
            (Self::Award, Relation::Colleague) => Some("no person creates one: a worker does"),
            (Self::LedgerAccount, Relation::Colleague) => {
                Some("no person creates one: the first journal does")
            }
            (Self::LedgerPeriod, Relation::Colleague) => {
                Some("no person creates one: the calendar does")
            }
            (Self::LedgerPeriod, Relation::Over) => Some("what is current is not over"),
            (Self::Journal, Relation::Colleague) => {
                Some("no person writes one: what moves money does")
            }
            (
                Self::Ecosystem
                | Self::Account
                | Self::Family
                | Self::Product
                | Self::Territory
                | Self::Plan,
                Relation::Over,
            ) => Some("it has no end"),
            (Self::Enrollment, Relation::Over) => Some("it has one state"),
            (Self::House | Self::Webhook | Self::VendorWebhook, Relation::Over) => {
                Some("what is deleted is gone")
            }
            (Self::OfferedLead | Self::Invitation | Self::Member, Relation::Over) => {
                Some("once it is over it is no longer the partner's")
            }
            (Self::Award, Relation::Over) => Some("what is taken back is posted to it"),
            (Self::LedgerAccount | Self::Journal, Relation::Over) => Some("it is append-only"),
            (Self::DraftProgram, Relation::Over) => Some("once published it is no draft"),
            (_, Relation::OtherOrganization)
                if matches!(self.owner(), Owner::Everybody | Owner::Vendor)
                    && !matches!(self, Self::LedgerAccount | Self::Journal | Self::Batch) =>
            {
                Some("it belongs to no partner")
            }
            _ => None,
        }
    }
}

/// What is named: something of a kind, in an ecosystem, with a tag that says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) ecosystem: &'static str,
    pub(super) tag: &'static str,
}

/// The tag of nothing. As long as [`COLLEAGUE`], so that names differ in nothing but what they name.
pub(super) const ABSENT: &str = "imaginary";
pub(super) const COLLEAGUE: &str = "colleague";
pub(super) const ELSEWHERE: &str = "elsewhere";
pub(super) const OVER: &str = "over";

/// The caller's ecosystem, another, and one that is not there, whose name is as long.
pub(super) const ACME: &str = "acme";
pub(super) const GLOBEX: &str = "globex";
pub(super) const NOWHERE: &str = "noland";

/// What is named when somebody names something of a kind that has a relation to them; why there is
/// no such thing otherwise.
pub(super) fn named(kind: Kind, relation: Relation, who: Who) -> Result<Thing, &'static str> {
    if let Some(reason) = kind.lacks(relation) {
        return Err(reason);
    }
    let (ecosystem, tag) = match relation {
        Relation::Own => (ACME, who.tag()),
        Relation::Colleague => (ACME, COLLEAGUE),
        Relation::OtherOrganization => (ACME, ELSEWHERE),
        Relation::OtherEcosystem => (GLOBEX, COLLEAGUE),
        Relation::Absent if kind == Kind::Ecosystem => (NOWHERE, COLLEAGUE),
        Relation::Absent => (ACME, ABSENT),
        Relation::Over => (ACME, OVER),
    };
    Ok(Thing {
        kind,
        ecosystem,
        tag,
    })
}
