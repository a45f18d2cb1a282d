//! What partners are now, so that it can be written down with a fact.

use std::collections::{BTreeMap, HashMap};

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
pub use trellis_core::incentive::Standing;
use trellis_core::lifecycle::Named;
use trellis_core::{PartnerId, ProgramId, TierId};

use crate::partner::partner::{self, PartnerType};
use crate::program::enrollment;
use crate::record::scoped;
use crate::{Error, View};

/// What a partner is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its kind and its tiers.
    pub standing: Standing,
    /// Its country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Where it stands, such as `ACTIVE`.
    pub status: &'static str,
}

/// What some partners are now. Those that do not exist are left out.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_partners(
    view: &View,
    partners: &[PartnerId],
) -> Result<HashMap<PartnerId, Profile>, Error> {
    if partners.is_empty() {
        return Ok(HashMap::new());
    }
    let known: Vec<(PartnerId, PartnerType, Option<String>, partner::State)> =
        scoped::<partner::Entity>(view)
            .filter(partner::Column::Id.is_in(partners.to_vec()))
            .select_only()
            .columns([
                partner::Column::Id,
                partner::Column::PartnerType,
                partner::Column::RegionCode,
                partner::Column::State,
            ])
            .into_tuple()
            .all(&view.db())
            .await?;
    let tiers: Vec<(PartnerId, ProgramId, TierId)> = scoped::<enrollment::Entity>(view)
        .filter(enrollment::Column::Partner.is_in(partners.to_vec()))
        .filter(enrollment::Column::State.eq(enrollment::State::Enrolled))
        .select_only()
        .columns([
            enrollment::Column::Partner,
            enrollment::Column::Program,
            enrollment::Column::Tier,
        ])
        .into_tuple()
        .all(&view.db())
        .await?;
    let mut held: HashMap<PartnerId, BTreeMap<ProgramId, TierId>> = HashMap::new();
    for (partner, program, tier) in tiers {
        held.entry(partner).or_default().insert(program, tier);
    }
    Ok(known
        .into_iter()
        .map(|(id, partner_type, country, state)| {
            let tiers = held.remove(&id).unwrap_or_default();
            let profile = Profile {
                standing: Standing::new(partner_type, tiers),
                country,
                status: state.name(),
            };
            (id, profile)
        })
        .collect())
}
