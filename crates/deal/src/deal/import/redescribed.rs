//! What a row says of a deal that stands.

use std::collections::HashMap;

use trellis_core::{Money, ProductId, Violation};
use trellis_store::deal::deal::{Model, PartnerRole, Role};

use crate::deal::amounts::{self, Worth};
use crate::deal::deals::{Described, period};
use crate::deal::roles::{self, sourcing};

/// The deal with what a row says of it, where it says something.
pub(super) fn redescribe(
    mut deal: Model,
    said: Described,
    prices: &HashMap<ProductId, Money>,
) -> Result<Model, Vec<Violation>> {
    let Described {
        display_name,
        account,
        roles: parts,
        lines,
        amount,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id: _,
    } = said;
    if !lines.is_empty() || amount.is_some() {
        let worth = if lines.is_empty() {
            let scaled = amount.map(|amount| amounts::scale(deal.lines.0.clone(), amount.minor));
            Worth {
                lines: scaled.unwrap_or_default(),
                amount,
            }
        } else {
            amounts::settle("deal", lines, amount, prices)?
        };
        deal.lines.0 = worth.lines;
        deal.amount_minor = worth.amount.map(|amount| amount.minor);
        deal.currency = worth.amount.map(|amount| amount.currency);
    }
    deal.roles.0 = match parts.as_slice() {
        [] => deal.roles.0,
        // A row that names the sourcing partner only says nothing of the others.
        [only] if only.role == Role::Sourced => sourced_by(only, deal.roles.0)?,
        _ => as_known(parts, &deal.roles.0),
    };
    deal.partner = sourcing(&deal.roles.0).cloned();
    deal.display_name = display_name;
    deal.account = account.or(deal.account);
    deal.deal_type = deal_type.or(deal.deal_type);
    deal.territory = territory.or(deal.territory);
    deal.engage_date = engage_date.or(deal.engage_date);
    deal.expected_close_date = expected_close_date.or(deal.expected_close_date);
    deal.period = period(deal.close_date, deal.expected_close_date);
    Ok(deal)
}

/// The parts with another sourcing partner, unless it is the same.
fn sourced_by(
    only: &PartnerRole,
    parts: Vec<PartnerRole>,
) -> Result<Vec<PartnerRole>, Vec<Violation>> {
    if parts.iter().any(|part| part.is_that_of(only)) {
        return Ok(parts);
    }
    let others = parts
        .into_iter()
        .filter(|part| part.role != Role::Sourced)
        .collect();
    let mut settled = roles::settle("deal.roles", Some(only.partner.clone()), others)?;
    for part in settled.iter_mut().filter(|part| part.is_that_of(only)) {
        part.evidence.clone_from(&only.evidence);
    }
    Ok(settled)
}

/// The parts, with what is known about those that are there already.
fn as_known(parts: Vec<PartnerRole>, held: &[PartnerRole]) -> Vec<PartnerRole> {
    let known = |part: PartnerRole| match held.iter().find(|held| held.is_that_of(&part)) {
        Some(held) => PartnerRole {
            evidence: held.evidence.clone(),
            ..part
        },
        None => part,
    };
    parts.into_iter().map(known).collect()
}
