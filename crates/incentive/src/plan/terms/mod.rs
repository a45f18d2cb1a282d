//! The terms of a plan version between the wire and the row: how each group is read, and how it is
//! shown. Pure.
//!
//! * [`measure`] has what is counted and how much that pays.
//! * [`limits`] has for how long, how little, how much.
//! * [`parts`] has who gets which part, what is held and taken back, and how plans go together.

mod limits;
mod measure;
mod parts;

use trellis_api::google::r#type as google;
use trellis_api::incentive::v1 as pb;
use trellis_api::partner::v1::partner::PartnerType as WirePartnerType;
use trellis_api::{Fields, child_name};
use trellis_core::{Currency, EcosystemId, Money, ProgramId, Rate, TierId};
use trellis_store::incentive::plan_version::State;
use trellis_store::incentive::terms::{Audience, FactKind, Kind};
use trellis_store::partner::partner::PartnerType;

use super::edit::AudienceEdit;

pub(crate) use limits::{read_limits, wire_limits};
pub(crate) use measure::{read_measure, read_schedule, wire_measure, wire_schedule};
pub(crate) use parts::{
    read_policy, read_protection, read_sharing, wire_policy, wire_protection, wire_sharing,
};

/// The most that an amount of a plan may be, in minor units: with it the arithmetic of fifty bands
/// stays far inside of what it computes with.
const LARGEST_MINOR: i64 = 10_000_000_000_000_000;

/// A closed list that the wire and the rows name alike: one function each way. What is not said, is
/// nothing.
macro_rules! names {
    ($read:ident, $wire:ident: $on_wire:ty, $kept:ty, $($name:ident)+) => {
        pub(super) fn $read(number: i32) -> Option<$kept> {
            type Wire = $on_wire;
            type Kept = $kept;
            match Wire::try_from(number).ok()? {
                Wire::Unspecified => None,
                $(Wire::$name => Some(Kept::$name),)+
            }
        }

        pub(super) fn $wire(kept: $kept) -> i32 {
            type Wire = $on_wire;
            type Kept = $kept;
            match kept {
                $(Kept::$name => Wire::$name,)+
            }
            .into()
        }
    };
}
use names;

names!(kind_of, kind_on_wire: pb::plan_version::Kind, Kind,
    Commission Rebate Referral Spiff Bonus FundAccrual Draw);

/// Reads amounts of a version, and notes the currency that each was given in.
pub(crate) struct Reader<'a> {
    fields: &'a mut Fields,
    currencies: Vec<(String, Currency)>,
}

impl<'a> Reader<'a> {
    /// A reader that complains to these fields.
    pub(crate) fn new(fields: &'a mut Fields) -> Self {
        Self {
            fields,
            currencies: Vec::new(),
        }
    }

    /// The paths of the amounts that were read, and their currencies.
    pub(crate) fn into_currencies(self) -> Vec<(String, Currency)> {
        self.currencies
    }

    fn refuse(&mut self, path: &str, rule: &str, description: &str) {
        self.fields
            .refuse(format!("plan_version.{path}"), rule, description);
    }

    /// An amount that is not negative; none where none was given.
    fn amount(&mut self, path: &str, amount: Option<google::Money>) -> Option<Option<i64>> {
        let whole_path = format!("plan_version.{path}");
        let Some(Money { minor, currency }) = self.fields.optional_money(&whole_path, amount)?
        else {
            return Some(None);
        };
        if !(0..=LARGEST_MINOR).contains(&minor) {
            let description = "must be 0 or more, and less than 10^16 of the smallest coin";
            self.refuse(path, "money.range", description);
            return None;
        }
        self.currencies.push((path.to_owned(), currency));
        Some(Some(minor))
    }

    /// An amount of more than nothing; none where none was given.
    fn positive(&mut self, path: &str, amount: Option<google::Money>) -> Option<Option<i64>> {
        let read = self.amount(path, amount)?;
        if read == Some(0) {
            self.refuse(path, "money.gt", "must be more than 0");
            return None;
        }
        Some(read)
    }

    /// An exact number; nothing where none was given.
    fn number(&mut self, path: &str, number: Option<google::Decimal>) -> Option<Option<Rate>> {
        self.fields
            .optional_rate(&format!("plan_version.{path}"), number)
    }
}

/// Reads an audience.
pub(crate) fn read_audience(
    fields: &mut Fields,
    audience: Option<pb::Audience>,
) -> Option<AudienceEdit> {
    let pb::Audience {
        tiers,
        partner_types,
        condition,
    } = audience.unwrap_or_default();
    let read: Vec<Option<(ProgramId, TierId)>> = tiers
        .iter()
        .enumerate()
        .map(|(at, tier)| fields.child(&format!("plan_version.audience.tiers[{at}]"), tier))
        .collect();
    let partner_types = partner_types
        .into_iter()
        .filter_map(read_partner_type)
        .collect();
    Some(AudienceEdit {
        tiers: read.into_iter().collect::<Option<_>>()?,
        partner_types,
        condition: condition.trim().to_owned(),
    })
}

/// Reads a trigger, which the contract's rules have checked.
pub(crate) fn read_trigger(trigger: i32) -> Option<FactKind> {
    use pb::plan_version::Trigger as Wire;
    Some(match Wire::try_from(trigger).ok()? {
        Wire::Unspecified => return None,
        Wire::DealWon => FactKind::DealWon,
        Wire::InvoicePaid => FactKind::InvoicePaid,
        Wire::OrderLine => FactKind::OrderLine,
        Wire::RegistrationApproved => FactKind::RegistrationApproved,
        Wire::CertificationEarned => FactKind::CertificationEarned,
        Wire::SubmissionApproved => FactKind::SubmissionApproved,
        Wire::MetricReported => FactKind::MetricReported,
    })
}

/// Reads a kind, which the contract's rules have checked.
pub(crate) fn read_kind(kind: i32) -> Option<Kind> {
    kind_of(kind)
}

fn read_partner_type(number: i32) -> Option<PartnerType> {
    Some(match WirePartnerType::try_from(number).ok()? {
        WirePartnerType::Unspecified => return None,
        WirePartnerType::Reseller => PartnerType::Reseller,
        WirePartnerType::Distributor => PartnerType::Distributor,
        WirePartnerType::Technology => PartnerType::Technology,
        WirePartnerType::CloudProvider => PartnerType::CloudProvider,
        WirePartnerType::SystemIntegrator => PartnerType::SystemIntegrator,
        WirePartnerType::Consultant => PartnerType::Consultant,
        WirePartnerType::Referral => PartnerType::Referral,
        WirePartnerType::Supplier => PartnerType::Supplier,
        WirePartnerType::ManagedServiceProvider => PartnerType::ManagedServiceProvider,
    })
}

/// The kind of a partner on the wire.
pub(crate) fn wire_partner_type(partner_type: PartnerType) -> WirePartnerType {
    match partner_type {
        PartnerType::Reseller => WirePartnerType::Reseller,
        PartnerType::Distributor => WirePartnerType::Distributor,
        PartnerType::Technology => WirePartnerType::Technology,
        PartnerType::CloudProvider => WirePartnerType::CloudProvider,
        PartnerType::SystemIntegrator => WirePartnerType::SystemIntegrator,
        PartnerType::Consultant => WirePartnerType::Consultant,
        PartnerType::Referral => WirePartnerType::Referral,
        PartnerType::Supplier => WirePartnerType::Supplier,
        PartnerType::ManagedServiceProvider => WirePartnerType::ManagedServiceProvider,
    }
}

/// An audience on the wire.
pub(crate) fn wire_audience(
    ecosystem: &EcosystemId,
    program: &ProgramId,
    audience: Audience,
) -> pb::Audience {
    let Audience {
        tiers,
        partner_types,
        condition,
    } = audience;
    pb::Audience {
        tiers: tiers
            .iter()
            .map(|tier| child_name(ecosystem, program, tier))
            .collect(),
        partner_types: partner_types
            .into_iter()
            .map(|partner_type| wire_partner_type(partner_type).into())
            .collect(),
        condition,
    }
}

/// A state on the wire.
pub(crate) fn wire_state(state: State) -> pb::plan_version::State {
    match state {
        State::Draft => pb::plan_version::State::Draft,
        State::Scheduled => pb::plan_version::State::Scheduled,
        State::Active => pb::plan_version::State::Active,
        State::Retired => pb::plan_version::State::Retired,
    }
}

/// A kind on the wire.
pub(crate) fn wire_kind(kind: Kind) -> i32 {
    kind_on_wire(kind)
}

/// A trigger on the wire. What takes back of something else triggers nothing.
pub(crate) fn wire_trigger(trigger: FactKind) -> pb::plan_version::Trigger {
    use pb::plan_version::Trigger as Wire;
    match trigger {
        FactKind::DealWon => Wire::DealWon,
        FactKind::InvoicePaid => Wire::InvoicePaid,
        FactKind::OrderLine => Wire::OrderLine,
        FactKind::RegistrationApproved => Wire::RegistrationApproved,
        FactKind::CertificationEarned => Wire::CertificationEarned,
        FactKind::SubmissionApproved => Wire::SubmissionApproved,
        FactKind::MetricReported => Wire::MetricReported,
        FactKind::Refund | FactKind::Churn | FactKind::Revocation => Wire::Unspecified,
    }
}
