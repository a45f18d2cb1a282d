//! Whom facts are about that others have recorded.

use std::collections::BTreeSet;

use trellis_core::PartnerId;
use trellis_store::event;

use crate::fact::known::Of;
use crate::fact::record::Recorded;

/// Everybody of whom events tell something, besides those who are named.
pub(super) fn about(mut partners: BTreeSet<PartnerId>, events: &[event::Model]) -> Of {
    for event in events {
        match Recorded::read(event) {
            Some(Recorded {
                everybody: true, ..
            }) => return Of::Everybody,
            Some(Recorded { partners: told, .. }) => partners.extend(told),
            None => {}
        }
    }
    Of::Partners(partners)
}
