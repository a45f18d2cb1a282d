//! No account belongs to itself. Pure.
//!
//! An import may name a parent that has not come yet; then the account waits for it. Such a link
//! counts like any other: whoever waits will be below the account that comes with the external id.

use trellis_core::AccountId;
use trellis_store::deal::account::Model;

use crate::hierarchy;

/// The circle that would close if an account stood as given, from the account back to it. `chain`
/// is its parent, its parent's parent, and so on up to the top.
#[must_use]
pub fn circle(account: &Model, chain: &[Model]) -> Option<Vec<AccountId>> {
    let mut ids: Vec<AccountId> = chain.iter().map(|ancestor| ancestor.id.clone()).collect();
    // Only the top can wait: the others have their parents.
    let top = chain.last().unwrap_or(account);
    let awaited = top.pending_parent_external_id.as_ref();
    if awaited.is_some() && awaited == account.external_id.as_ref() {
        ids.push(account.id.clone());
    }
    hierarchy::circle(&account.id, &ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::sample;

    fn account(id: &str, waits_for: Option<&str>) -> Model {
        Model {
            pending_parent_external_id: waits_for.map(str::to_owned),
            external_id: Some(format!("crm-{id}")),
            ..sample::account(id, id)
        }
    }

    fn shown(circle: Option<Vec<AccountId>>) -> Option<String> {
        let ids = circle?.iter().map(AccountId::to_string).collect::<Vec<_>>();
        Some(ids.join(" in "))
    }

    #[test]
    fn a_parent_among_the_descendants_closes_a_circle() {
        let chain = [account("c", None), account("b", None), account("a", None)];
        let found = shown(circle(&account("a", None), &chain));
        assert_eq!(found.as_deref(), Some("a in c in b in a"));
    }

    #[test]
    fn so_does_a_parent_whose_top_waits_for_the_account() {
        let chain = [account("c", None), account("b", Some("crm-a"))];
        let found = shown(circle(&account("a", None), &chain));
        assert_eq!(found.as_deref(), Some("a in c in b in a"));
    }

    #[test]
    fn so_does_waiting_for_oneself() {
        let found = shown(circle(&account("a", Some("crm-a")), &[]));
        assert_eq!(found.as_deref(), Some("a in a"));
    }

    #[test]
    fn waiting_for_somebody_else_closes_none() {
        assert_eq!(circle(&account("a", Some("crm-z")), &[]), None);
        let chain = [account("c", None), account("b", Some("crm-z"))];
        assert_eq!(circle(&account("a", None), &chain), None);
    }

    #[test]
    fn having_no_external_id_is_not_being_waited_for_by_those_who_wait_for_nobody() {
        let nameless = Model {
            external_id: None,
            ..account("a", None)
        };
        assert_eq!(circle(&nameless, &[account("b", None)]), None);
        assert_eq!(circle(&nameless, &[]), None);
    }
}
