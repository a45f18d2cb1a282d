//! The deal service: what an ecosystem sells, to whom, and who may work on which business.
//!
//! Its nouns are the catalogue (products, their families, territories), accounts, leads, registrations,
//! deals and engagements. A lead is somebody who may buy, given by the vendor to a partner; a
//! registration is a partner's claim to business with a customer before it is won; a deal is that
//! business; an engagement is work of several partners on one customer:
//!
//! ```text
//! lead           NEW ─route─▶ OFFERED ─accept─▶ ACCEPTED ─work─▶ WORKING ─qualify─▶ QUALIFIED ─convert─▶ CONVERTED
//!                  ▲            │ decline,        │ not in time      └─ disqualify ─▶ DISQUALIFIED ◀─┘
//!                  └── routed ──┘ or not in time  └─▶ LOST_AUTO      return: routed anew
//!                  └ nobody is left ─▶ UNROUTABLE, is none ─▶ SPAM, is the same as another ─▶ DUPLICATE
//!
//! registration   DRAFT ─submit─▶ SUBMITTED ─approve─▶ APPROVED ─convert─▶ CONVERTED
//!                  │               │   │                 │
//!                  │        in the │   │ reject          │ protection ends
//!                  │         way   ▼   ▼                 ▼
//!                  │      WAITLISTED ─▶ REJECTED       EXPIRED
//!                  └───── withdraw ───▶ WITHDRAWN ◀─ also SUBMITTED, WAITLISTED
//!                         WAITLISTED ─approve, when its turn has come─▶ APPROVED
//!
//! deal           PROSPECT ◀─▶ QUALIFIED ◀─▶ TECHNICAL_VALIDATION ◀─▶ BUSINESS_VALIDATION ◀─▶ COMMITTED
//!                   └── from each of them: win ─▶ WON, lose ─▶ LOST; reopen leads back ──┘
//!
//! engagement     DRAFT ─activate─▶ ACTIVE ◀─ suspend, resume ─▶ SUSPENDED; from each: close ─▶ CLOSED
//!                member: INVITED ─accept─▶ ACCEPTED ─leave─▶ LEFT, ─remove─▶ REMOVED
//!                        INVITED ─▶ REJECTED, EXPIRED, CANCELLED
//! ```
//!
//! What always holds:
//! * Accounts and territories form trees: nobody is their own ancestor.
//! * Two accounts that compare as IDENTICAL or SAME are the same customer, whoever sells to it.
//! * Of registrations of different partners that overlap, at most one is protected at any moment,
//!   and whoever asked first is served first. A partner's tier never counts.
//! * No partner learns of a member of an engagement beside it, unless the engagement says so.
//! * A lead is offered to one partner at a time, and never again to one that let it go.
//! * A protection is over at the moment of its end, whether or not the worker has come by.
//! * No part in a deal that is paid is without evidence.
//! * Each field of a deal has one owner; what the other side writes is proposed, never lost and never
//!   applied by itself.
//! * The lines of a won deal add up to what it was won for, and no more is paid back than that.
//! * Whatever incentives are paid by is reported as a fact when it happens, in the same transaction,
//!   and is never edited: a win recorded in error is taken back.

pub mod account;
pub mod attribution;
pub mod catalog;
pub mod customer;
pub mod deal;
mod edit;
pub mod engagement;
mod error;
pub mod hierarchy;
pub mod lead;
mod reference;
pub mod registration;

use std::sync::Arc;

use trellis_store::worker::Worker;

pub use error::Error;
pub(crate) use error::{absent, exists};
pub(crate) use reference::all_exist;

/// What this service does in the background.
#[must_use]
pub fn workers() -> Vec<Arc<dyn Worker>> {
    vec![
        Arc::new(registration::Protections),
        Arc::new(lead::Deadlines),
        Arc::new(engagement::Invitations),
    ]
}
