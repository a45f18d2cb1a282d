//! What a row says of a deal that stands.

use std::collections::HashMap;

use trellis_core::{Money, ProductId, Violation};
use trellis_store::deal::deal::{Model, PartnerRole, Role};

use crate::deal::amounts::{self, Worth};
use crate::deal::deals::{Described, Particulars, period};
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
        particulars,
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
    particularise(&mut deal, particulars);
    deal.display_name = display_name;
    deal.account = account.or(deal.account);
    deal.deal_type = deal_type.or(deal.deal_type);
    deal.territory = territory.or(deal.territory);
    deal.engage_date = engage_date.or(deal.engage_date);
    deal.expected_close_date = expected_close_date.or(deal.expected_close_date);
    deal.period = period(deal.close_date, deal.expected_close_date);
    Ok(deal)
}

/// What a row says of a deal that no partner sourced, and its ids. Where one did, it owns the rest.
fn particularise(deal: &mut Model, said: Particulars) {
    let Particulars {
        next_step,
        contacts,
        partner_product,
        external_ids,
    } = said;
    for given in external_ids {
        let ids = &mut deal.external_ids.0;
        ids.retain(|held| held.system != given.system);
        ids.push(given);
        ids.sort_unstable();
    }
    if deal.partner.is_some() {
        return;
    }
    deal.next_step = next_step.or(deal.next_step.take());
    if !contacts.is_empty() {
        deal.contacts.0 = contacts;
    }
    deal.partner_product = partner_product.or(deal.partner_product.take());
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
