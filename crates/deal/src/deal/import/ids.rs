//! The ids in other systems that rows bring.

use std::collections::{BTreeMap, BTreeSet};

use trellis_api::name;
use trellis_core::{DealId, EcosystemId, Violation};
use trellis_store::Txn;
use trellis_store::deal::deal::Model;
use trellis_store::deal::external_id;
use trellis_store::deal::field::ExternalId;

use crate::Error;
use crate::error::overtaken;

/// Which deals have which of the ids, as the rows so far have made it.
pub(super) struct Ids {
    holders: BTreeMap<ExternalId, DealId>,
    changed: BTreeMap<DealId, Vec<ExternalId>>,
}

impl Ids {
    pub(super) async fn begin(txn: &Txn, named: BTreeSet<ExternalId>) -> Result<Self, Error> {
        Ok(Self {
            holders: external_id::holders(txn, &named).await?,
            changed: BTreeMap::new(),
        })
    }

    /// Those of the ids that another deal has than the one that is to have them.
    pub(super) fn taken(
        &self,
        ecosystem: &EcosystemId,
        deal: &DealId,
        ids: &[ExternalId],
    ) -> Vec<Violation> {
        let taken = |id: &ExternalId| {
            let holder = self.holders.get(id).filter(|holder| *holder != deal)?;
            let (of, holder) = (&id.external_id, name(ecosystem, holder));
            let description = format!("{of} in {} is the id of {holder} already", id.system);
            Some(Violation::new("deal.external_ids", "unique", description))
        };
        ids.iter().filter_map(taken).collect()
    }

    /// Takes the ids of a deal for it.
    pub(super) fn take(&mut self, deal: &Model) {
        self.holders.retain(|_, holder| *holder != deal.id);
        let ids = &deal.external_ids.0;
        let of_deal = ids.iter().map(|id| (id.clone(), deal.id.clone()));
        self.holders.extend(of_deal);
        self.changed.insert(deal.id.clone(), ids.clone());
    }

    /// Writes what the rows have made.
    pub(super) async fn finish(self, txn: &Txn) -> Result<(), Error> {
        let changed: Vec<_> = self.changed.into_iter().collect();
        if changed.is_empty() {
            return Ok(());
        }
        external_id::follow(txn, changed).await.map_err(overtaken)
    }
}
