//! The values that every layer of Trellis speaks of: ids, times, money, rates, incentives, calls,
//! pages and refusals.
//!
//! Nothing here does I/O. `sea-orm` is named only to let a value be a column, so that the store and
//! the contract's grammar mean the same `PartnerId` without knowing each other. Rules of a noun live
//! in that noun's service, never here.

pub mod access;
pub mod business;
pub mod call;
pub mod clock;
mod column;
pub mod date;
pub mod failure;
pub mod filter;
pub mod id;
pub mod incentive;
pub mod lifecycle;
pub mod money;
pub mod page;
pub mod partner;
pub mod position;
pub mod rate;
pub mod stored;
pub mod time;
pub mod trace;
pub mod zone;

pub use access::{Access, Eyes, Principal, Role, Scope};
pub use business::{Calendar, Weekday};
pub use call::{Actor, Asked, Call, InvalidActor};
pub use clock::{Clock, ManualClock, SystemClock};
pub use date::{Cadence, Date, InvalidDate, Period};
pub use failure::{Code, Failure, Problem, Violation};
pub use filter::{Comparison, Filter, Value};
pub use id::{
    AccountId, ApiKeyId, AwardId, BatchId, DealId, EcosystemId, EngagementId, EngagementMemberId,
    EngagementSnapshotId, EnrollmentId, FamilyId, HouseAccountId, InvalidId, JournalId, LeadId,
    LedgerAccountId, LedgerPeriodId, PartnerId, PayoutItemId, PlanId, ProductId, ProgramId,
    RegistrationId, RoleGrantId, TerritoryId, TierId, WebhookDeliveryId, WebhookId,
};
pub use money::{Currency, InvalidCurrency, Money, MoneyError, allocate, round_half_up};
pub use page::{Cursor, Order, Page, PageQuery, Seal};
pub use position::{InvalidPosition, Position, Written};
pub use rate::{InvalidRate, Rate};
pub use stored::{Resource, Stored};
pub use time::Timestamp;
pub use trace::Trace;
pub use zone::{InvalidTimeZone, TimeZone};
