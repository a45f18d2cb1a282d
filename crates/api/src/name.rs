//! Resource names: `ecosystems/{ecosystem}/partners/{partner}`.

use trellis_core::id::Id;
use trellis_core::{
    AccountId, ApiKeyId, AwardId, BatchId, DealId, EcosystemId, EngagementId, EngagementMemberId,
    EngagementSnapshotId, EnrollmentId, FamilyId, HouseAccountId, JournalId, LeadId,
    LedgerAccountId, LedgerPeriodId, PartnerId, PayoutItemId, PlanId, ProductId, ProgramId,
    RegistrationId, RoleGrantId, TerritoryId, TierId, Violation, WebhookDeliveryId, WebhookId,
};

/// A kind of id that stands in resource names.
pub trait Collection: Id {
    /// The part of the name before the id.
    const COLLECTION: &'static str;
    /// The type of the resource, as the contract declares it.
    const TYPE: &'static str;
}

macro_rules! collections {
    ($($id:ident $collection:literal $kind:literal;)+) => {$(
        impl Collection for $id {
            const COLLECTION: &'static str = $collection;
            const TYPE: &'static str = concat!("trellis.dev/", $kind);
        }
    )+

        #[cfg(test)]
        const DECLARED: &[(&str, &str)] = &[$(($id::COLLECTION, $id::TYPE)),+];
    };
}

collections! {
    AccountId "accounts" "Account";
    ApiKeyId "apiKeys" "ApiKey";
    AwardId "awards" "Award";
    BatchId "payoutBatches" "PayoutBatch";
    DealId "deals" "Deal";
    EngagementId "engagements" "Engagement";
    EngagementMemberId "members" "EngagementMember";
    EngagementSnapshotId "snapshots" "EngagementSnapshot";
    EnrollmentId "enrollments" "Enrollment";
    FamilyId "productFamilies" "ProductFamily";
    HouseAccountId "houseAccounts" "HouseAccount";
    JournalId "journals" "Journal";
    LeadId "leads" "Lead";
    LedgerAccountId "ledgerAccounts" "LedgerAccount";
    LedgerPeriodId "ledgerPeriods" "LedgerPeriod";
    PartnerId "partners" "Partner";
    PayoutItemId "items" "PayoutItem";
    PlanId "plans" "Plan";
    ProductId "products" "Product";
    ProgramId "programs" "Program";
    RegistrationId "registrations" "Registration";
    RoleGrantId "roleGrants" "RoleGrant";
    TerritoryId "territories" "Territory";
    TierId "tiers" "Tier";
    WebhookDeliveryId "deliveries" "WebhookDelivery";
    WebhookId "webhooks" "Webhook";
}

/// The name of an ecosystem.
#[must_use]
pub fn ecosystem_name(ecosystem: &EcosystemId) -> String {
    format!("ecosystems/{ecosystem}")
}

/// The name of a resource of an ecosystem.
#[must_use]
pub fn name<I: Collection>(ecosystem: &EcosystemId, id: &I) -> String {
    format!("ecosystems/{ecosystem}/{}/{id}", I::COLLECTION)
}

/// Whether a text stands for all resources of a collection: a name with `-` in the place of the id.
pub(crate) fn is_of_all<I: Collection>(ecosystem: &EcosystemId, text: &str) -> bool {
    text == format!("ecosystems/{ecosystem}/{}/-", I::COLLECTION)
}

/// The name of a resource inside of another one, such as a tier of a program.
#[must_use]
pub fn child_name<P: Collection, C: Collection>(
    ecosystem: &EcosystemId,
    parent: &P,
    child: &C,
) -> String {
    format!("{}/{}/{child}", name(ecosystem, parent), C::COLLECTION)
}

/// The name of a numbered resource inside of another one, such as a version of a plan.
#[must_use]
pub fn numbered_name<P: Collection>(
    ecosystem: &EcosystemId,
    parent: &P,
    collection: &str,
    number: i64,
) -> String {
    format!("{}/{collection}/{number}", name(ecosystem, parent))
}

/// Reads the name of a resource of this ecosystem.
///
/// # Errors
/// When it is not such a name.
pub fn read<I: Collection>(ecosystem: &EcosystemId, text: &str) -> Result<I, Violation> {
    let found = match within(ecosystem, text).as_deref() {
        Some([collection, id]) if *collection == I::COLLECTION => I::parse(id).ok(),
        _ => None,
    };
    found.ok_or_else(|| misnamed::<I>(&format!("ecosystems/{ecosystem}/{}/{{id}}", I::COLLECTION)))
}

/// Reads the name of a resource inside of another one of this ecosystem.
///
/// # Errors
/// When it is not such a name.
pub fn read_child<P: Collection, C: Collection>(
    ecosystem: &EcosystemId,
    text: &str,
) -> Result<(P, C), Violation> {
    let found = match within(ecosystem, text).as_deref() {
        Some([parents, parent, children, child])
            if *parents == P::COLLECTION && *children == C::COLLECTION =>
        {
            P::parse(parent).ok().zip(C::parse(child).ok())
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let (parents, children) = (P::COLLECTION, C::COLLECTION);
        misnamed::<C>(&format!(
            "ecosystems/{ecosystem}/{parents}/{{id}}/{children}/{{id}}"
        ))
    })
}

/// Reads the name of a numbered resource inside of another one of this ecosystem.
///
/// # Errors
/// When it is not such a name, or the number is not one from 1 on without leading zeros.
pub fn read_numbered<P: Collection>(
    ecosystem: &EcosystemId,
    collection: &str,
    text: &str,
) -> Result<(P, i64), Violation> {
    let found = match within(ecosystem, text).as_deref() {
        Some([parents, parent, numbered, number])
            if *parents == P::COLLECTION && *numbered == collection =>
        {
            P::parse(parent).ok().zip(counted(number))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let parents = P::COLLECTION;
        let pattern = format!("ecosystems/{ecosystem}/{parents}/{{id}}/{collection}/{{number}}");
        Violation::new("", RULE, format!("must be a name such as {pattern}"))
    })
}

const RULE: &str = "resource_name";

fn misnamed<I: Collection>(pattern: &str) -> Violation {
    Violation::new(
        "",
        RULE,
        format!("must be the name of a {}: {pattern}", I::TYPE),
    )
}

fn counted(text: &str) -> Option<i64> {
    let number = text.parse::<i64>().ok().filter(|number| *number >= 1)?;
    (number.to_string() == text).then_some(number)
}

/// The parts of a name behind its ecosystem, when that is this one.
fn within<'a>(ecosystem: &EcosystemId, text: &'a str) -> Option<Vec<&'a str>> {
    let rest = text
        .strip_prefix("ecosystems/")?
        .strip_prefix(ecosystem.as_str())?;
    Some(rest.strip_prefix('/')?.split('/').collect())
}

/// The ecosystem of a name that has one of these patterns.
pub(crate) fn ecosystem_of(patterns: &[&str], text: &str) -> Result<EcosystemId, Violation> {
    let fits = |pattern: &&str| {
        let (mut wanted, mut given) = (pattern.split('/'), text.split('/'));
        let same = wanted.by_ref().zip(given.by_ref()).all(|(wanted, given)| {
            if wanted.starts_with('{') {
                !given.is_empty()
            } else {
                wanted == given
            }
        });
        same && pattern.split('/').count() == text.split('/').count()
    };
    let refused = || {
        let patterns = patterns.join(" or ");
        Violation::new("", RULE, format!("must be a name such as {patterns}"))
    };
    let ecosystem = text.split('/').nth(1).ok_or_else(refused)?;
    if !patterns.iter().any(fits) {
        return Err(refused());
    }
    EcosystemId::try_new(ecosystem)
        .map_err(|error| Violation::new("", RULE, format!("the ecosystem in it {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::FILE_DESCRIPTOR_SET;

    fn acme() -> EcosystemId {
        EcosystemId::try_new("acme").unwrap()
    }

    #[test]
    fn a_name_reads_back_as_it_was_written() {
        let id = FamilyId::try_new("gtx").unwrap();
        let text = name(&acme(), &id);
        assert_eq!(text, "ecosystems/acme/productFamilies/gtx");
        assert_eq!(read::<FamilyId>(&acme(), &text), Ok(id));

        let (program, tier) = (
            ProgramId::try_new("gold").unwrap(),
            TierId::try_new("silver").unwrap(),
        );
        let text = child_name(&acme(), &program, &tier);
        assert_eq!(text, "ecosystems/acme/programs/gold/tiers/silver");
        assert_eq!(read_child(&acme(), &text), Ok((program, tier)));

        assert!(is_of_all::<FamilyId>(
            &acme(),
            "ecosystems/acme/productFamilies/-"
        ));
        for other in [
            "ecosystems/acme/productFamilies/gtx",
            "ecosystems/other/productFamilies/-",
            "ecosystems/acme/programs/gold/productFamilies/-",
            "-",
        ] {
            assert!(!is_of_all::<FamilyId>(&acme(), other), "{other}");
        }

        let plan = PlanId::try_new("spiff").unwrap();
        let text = numbered_name(&acme(), &plan, "versions", 2);
        assert_eq!(text, "ecosystems/acme/plans/spiff/versions/2");
        assert_eq!(read_numbered(&acme(), "versions", &text), Ok((plan, 2)));
    }

    #[test]
    fn names_of_others_are_refused() {
        for bad in [
            "",
            "nimbus",
            "ecosystems/acme",
            "ecosystems/acme/partners/",
            "ecosystems/acme/partners/Nimbus",
            "ecosystems/acme/partners/nimbus/",
            "/ecosystems/acme/partners/nimbus",
            "ecosystems/acme/deals/nimbus",
            "ecosystems/other/partners/nimbus",
            "ecosystems/acmee/partners/nimbus",
        ] {
            let violation = read::<PartnerId>(&acme(), bad).unwrap_err();
            assert_eq!(violation.rule, "resource_name", "{bad}");
            assert!(
                violation
                    .description
                    .contains("ecosystems/acme/partners/{id}")
            );
        }
        for bad in ["0", "-1", "02", "x", "+2", ""] {
            let text = format!("ecosystems/acme/plans/spiff/versions/{bad}");
            assert!(
                read_numbered::<PlanId>(&acme(), "versions", &text).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_ecosystem_is_found_in_names_of_the_pattern_only() {
        let patterns = ["ecosystems/{ecosystem}/partners/{partner}"];
        assert_eq!(
            ecosystem_of(&patterns, "ecosystems/acme/partners/nimbus"),
            Ok(acme())
        );
        for bad in [
            "",
            "ecosystems/acme",
            "ecosystems/acme/partners/",
            "ecosystems/acme/partners/n/x",
            "ecosystems/Acme/partners/n",
            "ecosystems//partners/n",
        ] {
            assert!(ecosystem_of(&patterns, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn collections_are_those_that_the_contract_declares() {
        // A resource declares its type and then its pattern, which protobuf keeps as plain text.
        let text: String = FILE_DESCRIPTOR_SET
            .iter()
            .map(|byte| char::from(*byte))
            .collect();
        for (collection, kind) in DECLARED
            .iter()
            .filter(|(collection, _)| *collection != "leads")
        {
            assert!(text.contains(kind), "{kind}");
            assert!(text.contains(&format!("/{collection}/{{")), "{collection}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = read::<PartnerId>(&acme(), &text);
            let _ = read_child::<ProgramId, TierId>(&acme(), &text);
            let _ = ecosystem_of(&["ecosystems/{ecosystem}"], &text);
        }

        #[test]
        fn every_name_reads_back_in_its_own_ecosystem_only(
            id in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
            inner in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
            ecosystem in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
            number in 1..i64::MAX,
        ) {
            let ecosystem = EcosystemId::try_new(&ecosystem).unwrap();
            let (partner, program, tier, plan) = (
                PartnerId::try_new(&id).unwrap(),
                ProgramId::try_new(&id).unwrap(),
                TierId::try_new(&inner).unwrap(),
                PlanId::try_new(&id).unwrap(),
            );
            let text = name(&ecosystem, &partner);
            prop_assert_eq!(read(&ecosystem, &text), Ok(partner));
            prop_assert!(ecosystem == acme() || read::<PartnerId>(&acme(), &text).is_err());
            prop_assert!(read::<ProgramId>(&ecosystem, &text).is_err());
            let pattern = ["ecosystems/{ecosystem}/partners/{partner}"];
            prop_assert_eq!(ecosystem_of(&pattern, &text), Ok(ecosystem.clone()));

            let text = child_name(&ecosystem, &program, &tier);
            prop_assert_eq!(read_child(&ecosystem, &text), Ok((program, tier)));
            let text = numbered_name(&ecosystem, &plan, "versions", number);
            prop_assert_eq!(read_numbered(&ecosystem, "versions", &text), Ok((plan, number)));
        }
    }
}
