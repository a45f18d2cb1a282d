//! Which protections stand in each other's way that were granted when their accounts were different
//! customers. Nothing is taken from anybody; the staff are told.

use std::collections::BTreeSet;

use trellis_core::RegistrationId;
use trellis_store::Txn;
use trellis_store::deal::contender;

use super::conflict::{Line, protected as is_protected};
use super::gather;
use crate::Error;
use crate::customer::Customer;

/// The protected registrations of different partners at a customer that are about the same business.
pub(crate) async fn protected(
    txn: &Txn,
    customer: &Customer,
) -> Result<BTreeSet<RegistrationId>, Error> {
    let txn = &txn.whole();
    let mut standing = contender::at(txn, customer.accounts().iter().cloned()).await?;
    standing.retain(|one| is_protected(one, txn.now()));
    let mut found = BTreeSet::new();
    for one in &standing {
        let others = standing.iter().filter(|other| other.id != one.id);
        let others = others.filter_map(|other| other.territory.clone());
        let places = gather::places(txn, one.territory.as_ref(), others.collect()).await?;
        let line = Line {
            standing: &standing,
            places: &places,
        };
        let overlapping = standing
            .iter()
            .filter(|other| other.partner != one.partner && line.overlap(one, other));
        for other in overlapping {
            found.extend([one.id.clone(), other.id.clone()]);
        }
    }
    Ok(found)
}
