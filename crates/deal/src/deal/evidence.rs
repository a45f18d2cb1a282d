//! Why it is believed that a partner played a part. No part that is paid is without evidence.

use std::collections::{BTreeSet, HashMap};

use trellis_core::{Date, LeadId, RegistrationId, TimeZone, Timestamp, Violation};
use trellis_store::deal::deal::{PartnerRole, Role};
use trellis_store::deal::part::{Evidence, EvidenceKind};
use trellis_store::deal::{lead, registration};
use trellis_store::{Txn, record};

use crate::Error;

/// What the record of a deal says by itself: whoever entered or imported it says it.
pub(super) fn of_record(txn: &Txn, date: Option<Date>, description: Option<String>) -> Evidence {
    Evidence {
        kind: EvidenceKind::Record,
        date,
        time: date.map_or_else(|| txn.now(), midnight),
        description,
        sha256: None,
        registration: None,
        lead: None,
        actor: txn.actor().as_str().to_owned(),
        record_time: txn.now(),
    }
}

/// The registration that a deal is made from.
pub(crate) fn of_registration(txn: &Txn, claim: &registration::Model) -> Evidence {
    Evidence {
        kind: EvidenceKind::Registration,
        time: handed_in(claim),
        registration: Some(claim.id.clone()),
        ..of_record(txn, None, None)
    }
}

/// The lead that a deal is made from.
pub(crate) fn of_lead(txn: &Txn, lead: &lead::Model) -> Evidence {
    Evidence {
        kind: EvidenceKind::Lead,
        time: lead.accept_time.unwrap_or(lead.create_time),
        lead: Some(lead.id.clone()),
        ..of_record(txn, None, None)
    }
}

/// When a partner handed its claim in.
pub(super) fn handed_in(claim: &registration::Model) -> Timestamp {
    claim.receive_time.unwrap_or(claim.create_time)
}

/// The first moment of a day.
pub(super) fn midnight(date: Date) -> Timestamp {
    TimeZone::utc().midnight(date)
}

/// Completes the evidence of parts that an import brings; without any the record is it.
pub(super) fn imported(
    txn: &Txn,
    roles: &mut [PartnerRole],
    date: Option<Date>,
    description: &str,
) {
    for role in roles {
        role.evidence.retain(|one| one.kind != EvidenceKind::Record);
        for one in &mut role.evidence {
            *one = stamped(txn, one.clone(), txn.now());
        }
        if role.evidence.is_empty() {
            role.evidence = vec![of_record(txn, date, Some(description.to_owned()))];
        }
    }
}

/// Evidence with who recorded it and when, and when it happened if no day was given.
fn stamped(txn: &Txn, one: Evidence, time: Timestamp) -> Evidence {
    Evidence {
        time: one.date.map_or(time, midnight),
        actor: txn.actor().as_str().to_owned(),
        record_time: txn.now(),
        ..one
    }
}

/// Completes the evidence that a caller gave: what it names exists and is the partner's, what was
/// recorded before stays as it was recorded, and no part that is paid is without. `path` is where the
/// parts stand in the request; `otherwise` is the evidence of parts for which none is given. Answers
/// everything that is wrong.
///
/// # Errors
/// Those of the data layer.
pub(super) async fn complete(
    txn: &Txn,
    path: impl Fn(usize) -> String,
    roles: &mut [PartnerRole],
    held: &[PartnerRole],
    otherwise: Option<Evidence>,
) -> Result<Vec<Violation>, Error> {
    let named = Named::of(txn, roles).await?;
    let mut wrong = Vec::new();
    for (index, role) in roles.iter_mut().enumerate() {
        let before = held.iter().find(|one| one.is_that_of(role));
        let before = before.map_or(&[][..], |one| &one.evidence);
        let given = std::mem::take(&mut role.evidence);
        if given.is_empty() {
            role.evidence = before.to_vec();
        }
        for (place, one) in given.into_iter().enumerate() {
            if let Some(same) = before.iter().find(|old| says_the_same(old, &one)) {
                role.evidence.push(same.clone());
            } else if one.kind != EvidenceKind::Record {
                let at = format!("{}.evidence[{place}]", path(index));
                match named.complete(txn, role, one) {
                    Ok(whole) => role.evidence.push(whole),
                    Err(field) => wrong.push(Violation::new(
                        format!("{at}.{field}"),
                        "evidence.partner",
                        "must be one of the partner that has the part",
                    )),
                }
            }
        }
        if role.evidence.is_empty() {
            role.evidence.extend(otherwise.clone());
        }
        if is_paid(role.role) && role.evidence.is_empty() {
            wrong.push(Violation::new(
                format!("{}.evidence", path(index)),
                "evidence.required",
                "must say why the partner has this part, which is paid",
            ));
        }
    }
    Ok(wrong)
}

/// Whether a part is paid.
pub(super) const fn is_paid(role: Role) -> bool {
    match role {
        Role::Sourced | Role::Fulfil | Role::CoSell => true,
        Role::Influenced => false,
    }
}

fn says_the_same(one: &Evidence, other: &Evidence) -> bool {
    one.kind == other.kind
        && one.date == other.date
        && one.description == other.description
        && one.sha256 == other.sha256
        && one.registration == other.registration
        && one.lead == other.lead
}

/// What evidence names.
struct Named {
    registrations: HashMap<RegistrationId, registration::Model>,
    leads: HashMap<LeadId, lead::Model>,
}

impl Named {
    async fn of(txn: &Txn, roles: &[PartnerRole]) -> Result<Self, Error> {
        let all = || roles.iter().flat_map(|role| &role.evidence);
        let ids: BTreeSet<RegistrationId> =
            all().filter_map(|one| one.registration.clone()).collect();
        let registrations = match ids.is_empty() {
            true => Vec::new(),
            false => record::find_many::<registration::Entity>(txn, ids).await?,
        };
        let ids: BTreeSet<LeadId> = all().filter_map(|one| one.lead.clone()).collect();
        let leads = match ids.is_empty() {
            true => Vec::new(),
            false => record::find_many::<lead::Entity>(txn, ids).await?,
        };
        Ok(Self {
            registrations: registrations
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect(),
            leads: leads.into_iter().map(|one| (one.id.clone(), one)).collect(),
        })
    }

    /// The evidence with the time of what it names, unless a day was given.
    fn complete(
        &self,
        txn: &Txn,
        role: &PartnerRole,
        one: Evidence,
    ) -> Result<Evidence, &'static str> {
        let mut time = txn.now();
        if let Some(id) = &one.registration {
            let claim = self.registrations.get(id);
            let claim = claim.filter(|claim| claim.partner == role.partner);
            time = handed_in(claim.ok_or("registration")?);
        }
        if let Some(id) = &one.lead {
            let lead = self.leads.get(id);
            let lead = lead.filter(|lead| lead.partner.as_ref() == Some(&role.partner));
            let lead = lead.ok_or("lead")?;
            time = lead.accept_time.ok_or("lead")?;
        }
        Ok(stamped(txn, one, time))
    }
}
