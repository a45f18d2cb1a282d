//! Who a credential proves its bearer to be, and what they were granted.

use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, ApiKeyId, Call, EcosystemId, Principal, Timestamp};
use trellis_store::platform::{api_key, role_grant};
use trellis_store::{Error, Store, record};

use super::keys;
use super::secret::{Pepper, claimed};

/// The bearer of an API key.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Who they are.
    pub principal: Principal,
    /// When the secret ends that they bear, as far as that is known already.
    pub expire_time: Option<Timestamp>,
    /// When the key was last used, roughly.
    pub last_use_time: Option<Timestamp>,
    /// Where the key belongs.
    pub ecosystem: EcosystemId,
    /// The key.
    pub key: ApiKeyId,
}

/// Finds the key whose secret a text is; nothing when it is none, or none any more.
///
/// What is compared is compared in constant time. That there is a key of a name is no secret: whoever
/// tries its secret learns it as little as that of none.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn bearer(store: &Store, pepper: &Pepper, secret: &str) -> Result<Option<Bearer>, Error> {
    let Some((ecosystem, id)) = claimed(secret) else {
        return Ok(None);
    };
    let view = store.read_access(&ecosystem);
    let Some(key) = record::find::<api_key::Entity>(&view, &id).await? else {
        return Ok(None);
    };
    let Some(expire_time) = accepted(&key, pepper, secret, view.now()) else {
        return Ok(None);
    };
    let actor = keys::principal(&id);
    let grants = role_grant::of_principal(&view, &actor).await?;
    Ok(Some(Bearer {
        principal: Principal {
            actor,
            person: key.person,
            rights: Rights::Granted(vec![(ecosystem.clone(), grants)]),
        },
        expire_time,
        last_use_time: key.last_use_time,
        ecosystem,
        key: id,
    }))
}

/// Until when a secret of a key is accepted; nothing when it is not.
fn accepted(
    key: &api_key::Model,
    pepper: &Pepper,
    secret: &str,
    now: Timestamp,
) -> Option<Option<Timestamp>> {
    if !keys::is_active(key, now) {
        return None;
    }
    if pepper.matches(secret, &key.secret_hash) {
        return Some(key.expire_time);
    }
    let (hash, end) = key.previous_hash.as_ref().zip(key.previous_expire_time)?;
    let good = now < end && pepper.matches(secret, hash);
    good.then(|| Some(key.expire_time.map_or(end, |expires| expires.min(end))))
}

/// What a principal was granted in some ecosystems: one entry for each.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn granted(
    store: &Store,
    principal: &Actor,
    ecosystems: &[EcosystemId],
) -> Result<Vec<(EcosystemId, Vec<Grant>)>, Error> {
    let mut granted = Vec::with_capacity(ecosystems.len());
    for ecosystem in ecosystems {
        let view = store.read_access(ecosystem);
        let grants = role_grant::of_principal(&view, principal).await?;
        granted.push((ecosystem.clone(), grants));
    }
    Ok(granted)
}

/// Notes that a key is being used.
///
/// # Errors
/// Those of the data layer.
pub async fn note_use(store: &Store, ecosystem: EcosystemId, key: ApiKeyId) -> Result<(), Error> {
    let now = store.clock_now();
    let call = Call::of_system(ecosystem, "identity");
    // The ecosystem need not exist yet: its first administrator makes it.
    let noted = store.found(call, key, move |txn, key| async move {
        api_key::note_use(&txn, &key, now).await
    });
    noted.await.map(|_| ())
}
