//! Which kinds of resources a snapshot tells of, in their order, and by which method each is read.
//!
//! What there is no end of is not among them: what is only ever added to, such as events, facts and
//! journals, what sums it up, and the history of a single resource. Nor are the months of the ledger, which
//! begin without an event. All that is listed where it is needed.

use trellis_api::Routed as _;
use trellis_api::mask::Resource as _;
use trellis_core::Access;

/// A kind of resources.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::event) struct Kind {
    /// Its type, such as `trellis.dev/Partner`.
    pub(super) name: &'static str,
    /// What says of an `Any` that it holds one.
    pub(super) type_url: &'static str,
    /// The method that it is read by.
    pub(super) method: &'static str,
    /// Who may call that.
    pub(super) access: Access,
    pub(super) read: Read,
}

/// How the resources of a kind are read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It is one: the ecosystem itself.
    Itself,
    /// They are listed all together, below the ecosystem and this.
    Together(&'static str),
    /// They are listed below each resource of this kind.
    Below(&'static str),
}

/// Below the ecosystem itself.
const ECOSYSTEM: Read = Read::Together("");

macro_rules! kinds {
    ($($package:ident $resource:ident by $request:ident: $read:expr;)+) => {
        /// All kinds, those that others hang on before those.
        pub(in crate::event) const KINDS: &[Kind] = &[$(Kind {
            name: trellis_api::$package::v1::$resource::TYPE,
            type_url: concat!(
                "type.googleapis.com/trellis.",
                stringify!($package),
                ".v1.",
                stringify!($resource),
            ),
            method: trellis_api::$package::v1::$request::METHOD,
            access: trellis_api::$package::v1::$request::ACCESS,
            read: $read,
        }),+];
    };
}

kinds! {
    platform Ecosystem by GetEcosystemRequest: Read::Itself;
    program Program by ListProgramsRequest: ECOSYSTEM;
    program Tier by ListTiersRequest: Read::Below("trellis.dev/Program");
    partner Partner by ListPartnersRequest: ECOSYSTEM;
    program Enrollment by ListEnrollmentsRequest: ECOSYSTEM;
    deal ProductFamily by ListProductFamiliesRequest: ECOSYSTEM;
    deal Product by ListProductsRequest: ECOSYSTEM;
    deal Territory by ListTerritoriesRequest: ECOSYSTEM;
    deal Account by ListAccountsRequest: ECOSYSTEM;
    deal HouseAccount by ListHouseAccountsRequest: ECOSYSTEM;
    deal Lead by ListLeadsRequest: ECOSYSTEM;
    deal Registration by ListRegistrationsRequest: ECOSYSTEM;
    deal Deal by ListDealsRequest: ECOSYSTEM;
    deal Engagement by ListEngagementsRequest: ECOSYSTEM;
    deal EngagementMember by ListMembersRequest: Read::Together("/engagements/-");
    incentive Plan by ListPlansRequest: ECOSYSTEM;
    incentive PlanVersion by ListPlanVersionsRequest: Read::Below("trellis.dev/Plan");
    incentive Award by ListAwardsRequest: ECOSYSTEM;
    incentive PayoutBatch by ListBatchesRequest: ECOSYSTEM;
    platform ApiKey by ListApiKeysRequest: ECOSYSTEM;
    platform RoleGrant by ListRoleGrantsRequest: ECOSYSTEM;
    platform Webhook by ListWebhooksRequest: ECOSYSTEM;
}

/// The kind of a type.
pub(in crate::event) fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// All kinds by the full names of their messages, and who may list them.
pub(in crate::event) fn kinds() -> impl Iterator<Item = (&'static str, Access)> {
    KINDS.iter().map(|kind| {
        let (_, message) = kind.type_url.rsplit_once('/').unwrap_or_default();
        (message, kind.access)
    })
}

/// The types of all kinds.
pub(in crate::event) fn names() -> String {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{DescriptorProto, FileDescriptorSet};
    use trellis_api::{FILE_DESCRIPTOR_SET, METHODS, Method};

    use super::*;

    /// What there is no end of, or what is in no ecosystem.
    const BESIDE: [&str; 19] = [
        "ListActivities",
        "ListAuditEntries",
        "ListDealProposals",
        "ListDeliveries",
        "ListEcosystems",
        "ListEvents",
        "ListExchangeRates",
        "ListFacts",
        "ListItems",
        "ListJournals",
        "ListLeadRoutings",
        "ListLedgerAccounts",
        "ListLedgerPeriods",
        "ListLines",
        "ListProgramRevisions",
        "ListQuotas",
        "ListRoleChanges",
        "ListSnapshots",
        "ListStageChanges",
    ];

    fn messages() -> Vec<(String, DescriptorProto)> {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let mut all = Vec::new();
        for file in set.file {
            let package = file.package().to_owned();
            let named =
                |message: DescriptorProto| (format!("{package}.{}", message.name()), message);
            all.extend(file.message_type.into_iter().map(named));
        }
        all
    }

    fn of(kind: &Kind) -> &'static Method {
        let mut found = METHODS.iter().filter(|method| method.path == kind.method);
        found.next().unwrap()
    }

    #[test]
    fn every_list_is_told_or_known_to_stand_beside() {
        for method in METHODS
            .iter()
            .filter(|method| method.name.starts_with("List"))
        {
            let is_told = KINDS.iter().any(|kind| kind.method == method.path);
            assert_ne!(is_told, BESIDE.contains(&method.name), "{}", method.name);
        }
    }

    /// Requests, answers and resources are read by the numbers of their fields.
    #[test]
    fn lists_and_resources_have_the_numbers_by_which_they_are_read() {
        let messages = messages();
        let number = |message: &str, field: &str| {
            let (_, message) = messages.iter().find(|(name, _)| name == message).unwrap();
            let mut found = message.field.iter().filter(|known| known.name() == field);
            found.next().map(|field| field.number())
        };
        for kind in KINDS {
            let method = of(kind);
            let resource = kind.type_url.trim_start_matches("type.googleapis.com/");
            assert_eq!(number(resource, "name"), Some(1), "{resource}");
            if kind.read == Read::Itself {
                assert_eq!(number(method.input, "name"), Some(1));
                assert_eq!(method.output, resource);
                continue;
            }
            for (field, expected) in [("parent", 1), ("page_size", 2), ("page_token", 3)] {
                assert_eq!(
                    number(method.input, field),
                    Some(expected),
                    "{}",
                    method.input
                );
            }
            assert_eq!(number(method.output, "next_page_token"), Some(2));
            let (_, output) = messages
                .iter()
                .find(|(name, _)| name == method.output)
                .unwrap();
            let rows = output
                .field
                .iter()
                .find(|field| field.number() == 1)
                .unwrap();
            assert_eq!(rows.type_name(), format!(".{resource}"));
        }
    }

    #[test]
    fn what_is_read_below_others_comes_after_them_and_is_for_the_same_roles() {
        for (index, kind) in KINDS.iter().enumerate() {
            if let Read::Below(parent) = kind.read {
                let above = KINDS
                    .iter()
                    .take(index)
                    .find(|kind| kind.name == parent)
                    .unwrap();
                assert_eq!(above.access.roles, kind.access.roles, "{}", kind.name);
            }
        }
    }

    /// The roles of whoever reads by a stream are not read anew for each page.
    #[test]
    fn nothing_is_told_that_only_the_newest_roles_may_read() {
        assert!(KINDS.iter().all(|kind| !kind.access.at_once));
    }
}
