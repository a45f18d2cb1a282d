//! Ids: the last part of a resource name, one type for each kind of resource.
//!
//! An id is chosen by the caller or made by the server. A chosen one is what a DNS label may be; a
//! made one is the text of a UUIDv7, so that ids made later sort later and an index grows at its end.

use std::fmt;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::column::never_counted;
use crate::date::{Cadence, Date, Period};
use crate::time::Timestamp;

/// The longest id that a caller may choose.
pub const LONGEST: usize = 63;

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be lower case letters, digits and hyphens, at most 63, beginning with a letter and not \
     ending with a hyphen, or a lower case UUID"
)]
pub struct InvalidId;

/// What all kinds of ids can do, for code that is generic over the kind.
pub trait Id: Clone + fmt::Display + Sized {
    /// Reads an id as a caller wrote it.
    ///
    /// # Errors
    /// When the text is neither a name that a caller may choose nor a lower case UUID.
    fn parse(text: &str) -> Result<Self, InvalidId>;

    /// The id as text.
    fn text(&self) -> &str;
}

fn is_chosen(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= LONGEST
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.ends_with('-')
}

fn is_made(text: &str) -> bool {
    text.len() == 36
        && Uuid::try_parse(text).is_ok()
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn check(text: &str) -> Result<String, InvalidId> {
    if is_chosen(text) || is_made(text) {
        Ok(text.to_owned())
    } else {
        Err(InvalidId)
    }
}

/// A UUIDv7 of this moment: milliseconds, then the microseconds within, then 64 random bits.
fn make(now: Timestamp) -> String {
    let micros = now.micros().max(0).unsigned_abs();
    let seconds = micros / 1_000_000;
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default();
    let within = u128::from(micros % 1_000);
    Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, nanos, within, 10)).to_string()
}

/// What spells out an account of the ledger: three or four ids, joined by dots.
fn check_spelling(text: &str) -> Result<String, InvalidId> {
    let mut parts = 0;
    for part in text.split('.') {
        check(part)?;
        parts += 1;
    }
    if (3..=4).contains(&parts) {
        Ok(text.to_owned())
    } else {
        Err(InvalidId)
    }
}

/// A month of the calendar: `2026-03`.
fn check_month(text: &str) -> Result<String, InvalidId> {
    match format!("{text}-01").parse::<Date>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(InvalidId),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])+ $name:ident, $check:path) => {
        $(#[$doc])+
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id as a caller wrote it.
            ///
            /// # Errors
            /// When the text is neither a name that a caller may choose nor a lower case UUID.
            pub fn try_new(text: &str) -> Result<Self, InvalidId> {
                $check(text).map(Self)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id as text, giving it away.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl Id for $name {
            fn parse(text: &str) -> Result<Self, InvalidId> {
                Self::try_new(text)
            }

            fn text(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::try_new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        never_counted!($name);
    };
}

macro_rules! id {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        text_id!($(#[$doc])+ $name, check);

        impl $name {
            /// Makes a new id, unlike any other, that sorts after those made earlier.
            #[must_use]
            pub fn generate(now: Timestamp) -> Self {
                Self(make(now))
            }
        }
    )+};
}

id! {
    /// An ecosystem: the tenant that everything else belongs to.
    EcosystemId;
    /// A partner of an ecosystem.
    PartnerId;
    /// An API key.
    ApiKeyId;
    /// A role that was granted to a principal.
    RoleGrantId;
    /// An address that is told of events.
    WebhookId;
    /// An event on its way to a webhook.
    WebhookDeliveryId;
    /// A partner program.
    ProgramId;
    /// A tier of a program.
    TierId;
    /// A partner's enrolment in a program.
    EnrollmentId;
    /// A family of products.
    FamilyId;
    /// A customer, or business with one, that the vendor keeps to itself.
    HouseAccountId;
    /// A product.
    ProductId;
    /// A territory.
    TerritoryId;
    /// A customer account.
    AccountId;
    /// A deal registration.
    RegistrationId;
    /// A deal.
    DealId;
    /// A lead.
    LeadId;
    /// Work of several partners on one customer.
    EngagementId;
    /// A partner's membership in an engagement.
    EngagementMemberId;
    /// What was shared with a member of an engagement.
    EngagementSnapshotId;
    /// An incentive plan.
    PlanId;
    /// An award of a plan.
    AwardId;
    /// A journal of the ledger.
    JournalId;
    /// A batch of payouts.
    BatchId;
    /// An item of a batch of payouts. It has the id of its partner.
    PayoutItemId;
}

text_id! {
    /// An account of the ledger. Its id spells out what it is, in three or four parts with dots
    /// between them, each of which is an id: `payable.nimbus.usd`.
    LedgerAccountId, check_spelling
}

impl LedgerAccountId {
    /// The account that these parts spell out: what it stands for, whose it is, and so on.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.join("."))
    }
}

text_id! {
    /// A period of the ledger. Its id is its month: `2026-03`.
    LedgerPeriodId, check_month
}

impl LedgerPeriodId {
    /// The month that a period begins with.
    #[must_use]
    pub fn of(period: Period) -> Self {
        Self(Period::containing(period.start(), Cadence::Month).label())
    }

    /// The month.
    #[must_use]
    pub fn period(&self) -> Period {
        let first = format!("{}-01", self.0).parse().unwrap_or(Date::EPOCH);
        Period::containing(first, Cadence::Month)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_caller_may_choose_what_a_dns_label_may_be() {
        let longest = format!("a{}", "b".repeat(62));
        for good in ["a", "acme", "a-1", "spiff-2026-q3", longest.as_str()] {
            assert_eq!(PartnerId::try_new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "a".repeat(64);
        for bad in [
            "", "-", "1a", "-a", "a-", "A", "a_b", "a b", "ä", "a/b", "a\n", &long,
        ] {
            assert_eq!(PartnerId::try_new(bad), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn a_uuid_is_taken_only_in_lower_case_with_hyphens() {
        assert!(DealId::try_new("01981b2c-7d3e-7abc-8def-0123456789ab").is_ok());
        for bad in [
            "01981B2C-7D3E-7ABC-8DEF-0123456789AB",
            "01981b2c7d3e7abc8def0123456789ab",
            "{01981b2c-7d3e-7abc-8def-0123456789ab}",
        ] {
            assert_eq!(DealId::try_new(bad), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn made_ids_are_distinct_and_sort_by_the_microsecond_they_were_made_in() {
        let mut last = DealId::generate(Timestamp::from_micros(1_790_000_000_000_000));
        for micros in 1_790_000_000_000_001..1_790_000_000_003_000 {
            let next = DealId::generate(Timestamp::from_micros(micros));
            assert!(last < next, "{last} before {next}");
            last = next;
        }
        let same = Timestamp::from_micros(5);
        assert_ne!(DealId::generate(same), DealId::generate(same));
    }

    #[test]
    fn an_account_of_the_ledger_is_spelled_out_by_three_or_four_ids() {
        let spelled = LedgerAccountId::of(&["held", "nimbus", "hold", "usd"]);
        assert_eq!(
            LedgerAccountId::try_new("held.nimbus.hold.usd"),
            Ok(spelled)
        );
        let made = "payable.01981b2c-7d3e-7abc-8def-0123456789ab.usd";
        assert_eq!(LedgerAccountId::try_new(made).unwrap().as_str(), made);
        for bad in [
            "",
            "payable",
            "payable.nimbus",
            "a.b.c.d.e",
            "payable..usd",
            "payable.n.USD",
        ] {
            assert_eq!(LedgerAccountId::try_new(bad), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn a_period_of_the_ledger_is_a_month() {
        let march = LedgerPeriodId::try_new("2026-03").unwrap();
        let day = "2026-03-31".parse().unwrap();
        assert!(march.period().contains(day));
        assert_eq!(
            LedgerPeriodId::of(Period::containing(day, Cadence::Month)),
            march
        );
        let quarter = Period::containing(day, Cadence::Quarter);
        assert_eq!(LedgerPeriodId::of(quarter).as_str(), "2026-01");
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-3",
            "2026-03-01",
            "march",
            "2026-0a",
        ] {
            assert_eq!(LedgerPeriodId::try_new(bad), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn json_holds_the_text_and_refuses_what_is_no_id() {
        let id: TierId = serde_json::from_str("\"gold\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"gold\"");
        assert!(serde_json::from_str::<TierId>("\"Gold\"").is_err());
    }

    proptest! {
        #[test]
        fn a_made_id_is_always_an_id(micros in any::<i64>()) {
            let id = AwardId::generate(Timestamp::from_micros(micros));
            prop_assert_eq!(AwardId::try_new(id.as_str()), Ok(id.clone()));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = PartnerId::try_new(&text);
        }
    }
}
