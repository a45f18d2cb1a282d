//! Which side owns which field of a deal, and what becomes of what either writes. Pure.
//!
//! A write is by the vendor, or by one of the partners that have a part in the deal. Of the partners it
//! is the one that sourced the deal which owns fields; the others may propose what they like to the
//! vendor, and know nothing of what is between it and that one.

use trellis_core::{PartnerId, Timestamp};
use trellis_store::deal::deal::Model;
use trellis_store::deal::field::{Said, Value, Version};
use trellis_store::deal::proposal::{self, Side, State};

/// The fields that the partner owns. All others are the vendor's.
pub const OF_PARTNER: [&str; 3] = ["next_step", "contacts", "partner_product"];

/// Where values come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The system.
    pub system: Option<String>,
    /// When they were written there.
    pub time: Option<Timestamp>,
}

impl Source {
    /// As of when the values are so. Nobody knows of what has not come yet.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Timestamp {
        self.time.map_or(now, |time| time.min(now))
    }
}

/// Who writes: a partner, or the vendor.
pub type By<'a> = Option<&'a PartnerId>;

/// What becomes of the values that a side writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Those that the deal has from now on.
    pub written: Vec<Value>,
    /// Those that the owner is to decide about. What the deal says already is not proposed.
    pub proposed: Vec<Value>,
}

/// The side that owns a field. What no partner sourced is the vendor's alone.
#[must_use]
pub fn owner(field: &str, is_sourced: bool) -> Side {
    if is_sourced && OF_PARTNER.contains(&field) {
        Side::Partner
    } else {
        Side::Vendor
    }
}

/// Whether who writes owns a field.
#[must_use]
pub fn owns(deal: &Model, by: By<'_>, field: &str) -> bool {
    match owner(field, deal.partner.is_some()) {
        Side::Vendor => by.is_none(),
        Side::Partner => by.is_some() && by == deal.partner.as_ref(),
    }
}

/// Sorts what a side writes.
#[must_use]
pub fn sort(deal: &Model, by: By<'_>, values: Vec<Value>) -> Sorted {
    let mut sorted = Sorted::default();
    for value in values {
        if owns(deal, by, value.field()) {
            sorted.written.push(value);
        } else if !value.is_held(deal) {
            sorted.proposed.push(value);
        }
    }
    sorted
}

/// The fields that a partner writes and another partner owns. To propose something for them would be
/// to speak with that one.
#[must_use]
pub fn anothers(deal: &Model, by: By<'_>, values: &[Value]) -> Vec<&'static str> {
    let anothers = |field: &&str| {
        by.is_some()
            && owner(field, deal.partner.is_some()) == Side::Partner
            && !owns(deal, by, field)
    };
    values.iter().map(Value::field).filter(anothers).collect()
}

/// The fields of which the side has said something newer, and as of when the newest of that is. Who
/// says no time speaks of now, and is never late, whatever the clocks of two servers say.
#[must_use]
pub fn late(
    deal: &Model,
    by: By<'_>,
    values: &[Value],
    source: &Source,
    now: Timestamp,
) -> Option<(Vec<&'static str>, Timestamp)> {
    source.time?;
    let time = source.as_of(now);
    let newer = |value: &Value| {
        let said = deal.writes.said.iter();
        let mut said =
            said.filter(|said| said.field == value.field() && said.partner.as_ref() == by);
        said.find(|said| said.time > time)
            .map(|said| (value.field(), said.time))
    };
    let newer: Vec<_> = values.iter().filter_map(newer).collect();
    let latest = newer.iter().map(|(_, time)| *time).max()?;
    Some((newer.into_iter().map(|(field, _)| field).collect(), latest))
}

/// Remembers that a side has said something of fields.
pub(super) fn said<'a>(
    deal: &mut Model,
    by: By<'_>,
    fields: impl IntoIterator<Item = &'a str>,
    as_of: Timestamp,
) {
    for field in fields {
        let all = &mut deal.writes.said;
        match all
            .iter_mut()
            .find(|said| said.field == field && said.partner.as_ref() == by)
        {
            Some(said) => said.time = said.time.max(as_of),
            None => all.push(Said {
                field: field.to_owned(),
                partner: by.cloned(),
                time: as_of,
            }),
        }
    }
}

/// Counts the fields in which a deal differs from what it was; answers which they are. What the scope
/// of one field takes with it, such as the amount of a deal its lines, counts too.
pub(super) fn stamp(
    deal: &mut Model,
    before: &Model,
    by: By<'_>,
    source: &Source,
    now: Timestamp,
) -> Vec<&'static str> {
    let held = Value::all(before);
    let changed = Value::all(deal)
        .into_iter()
        .zip(held)
        .filter(|(now, before)| now != before);
    let changed: Vec<_> = changed.map(|(now, _)| now.field()).collect();
    for field in &changed {
        let versions = &mut deal.writes.versions;
        let at = versions.binary_search_by(|one| one.field.as_str().cmp(field));
        let version = at.map_or(0, |at| versions.remove(at).version);
        let at = at.unwrap_or_else(|at| at);
        versions.insert(
            at,
            Version {
                field: (*field).to_owned(),
                version: version + 1,
                partner: by.cloned(),
                source_system: source.system.clone(),
                source_time: source.time,
                update_time: now,
            },
        );
    }
    changed
}

/// The side that decides about a proposal: the partner that the vendor proposed it to, while it has the
/// deal, and otherwise the vendor.
#[must_use]
pub fn decider(deal: &Model, proposal: &proposal::Model) -> Side {
    match proposal.side {
        Side::Vendor if deal.partner.as_ref() == Some(&proposal.partner) => Side::Partner,
        Side::Vendor | Side::Partner => Side::Vendor,
    }
}

/// What becomes of an open proposal once a side has said something of its field: a state in which it
/// ends, or nothing. `proposed` is what that side proposes; the deal has what it wrote already.
#[must_use]
pub fn ended(
    deal: &Model,
    by: By<'_>,
    proposal: &proposal::Model,
    proposed: &[Value],
) -> Option<State> {
    let own = is_by(proposal, by);
    if own && stands(deal, proposal) && proposed.contains(&proposal.value) {
        return None;
    }
    if owns(deal, by, &proposal.field) && proposal.value.is_held(deal) {
        return Some(State::Accepted);
    }
    own.then_some(State::Superseded)
}

/// Whether a side made a proposal.
fn is_by(proposal: &proposal::Model, by: By<'_>) -> bool {
    match proposal.side {
        Side::Vendor => by.is_none(),
        Side::Partner => by == Some(&proposal.partner),
    }
}

/// Whether whom a proposal was made to is the one that owns the field.
pub(super) fn stands(deal: &Model, proposal: &proposal::Model) -> bool {
    match proposal.side {
        Side::Vendor => deal.partner.as_ref() == Some(&proposal.partner),
        Side::Partner => owner(&proposal.field, deal.partner.is_some()) == Side::Vendor,
    }
}

/// Whether a partner sees what the deal says in the fields that partners own: what it wrote itself and,
/// if it sourced the deal, what the vendor wrote.
#[must_use]
pub fn shows(deal: &Model, field: &str, is_own: impl Fn(&PartnerId) -> bool) -> bool {
    let versions = &deal.writes.versions;
    let writer = versions.iter().find(|version| version.field == field);
    let writer = writer.and_then(|version| version.partner.as_ref());
    deal.partner.as_ref().is_some_and(&is_own) && writer.is_none_or(is_own)
}

#[cfg(test)]
mod tests;
