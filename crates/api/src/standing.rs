//! Whether somebody whose call goes on for long may still make it, as far as they could when it began.

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tonic::{Extensions, Request, Status};
use trellis_core::access::{Access, Denied, Scope, authorize};
use trellis_core::{Call, Code, EcosystemId, Failure, Principal};

use crate::method::Routed;
use crate::open::Unauthenticated;
use crate::{Fields, open, status};

/// What a call that goes on for long was made with. The server puts one into the extensions of such a
/// request, as an `Arc<dyn Credential>`.
pub trait Credential: Send + Sync {
    /// Whether it has expired by now. It asks nobody.
    fn has_expired(&self) -> bool;

    /// Who bears it, by what is known since a moment.
    fn principal(&self, since: Instant) -> BoxFuture<'_, Result<Arc<Principal>, Status>>;
}

/// What a caller was allowed when their call began.
pub struct Standing {
    credential: Option<Arc<dyn Credential>>,
    access: Access,
    ecosystem: EcosystemId,
    resource: String,
    principal: Arc<Principal>,
    scope: Scope,
    extensions: Extensions,
}

/// Opens a request whose call goes on for long.
///
/// # Errors
/// As for [`open()`].
pub fn open_lasting<R: Routed, C>(
    request: Request<R>,
    parse: impl FnOnce(R, &mut Fields) -> Option<C>,
) -> Result<(Call, C, Standing), Status> {
    let extensions = request.extensions().clone();
    let resource = request.get_ref().resource().into_owned();
    let (call, command) = open(request, parse)?;
    let principal = extensions.get::<Arc<Principal>>();
    let principal = principal.ok_or_else(|| status(&Unauthenticated))?.clone();
    let standing = Standing {
        credential: extensions.get().cloned(),
        access: R::ACCESS,
        ecosystem: call.ecosystem.clone(),
        resource,
        principal: as_caller(principal, &call),
        scope: call.scope.clone(),
        extensions,
    };
    Ok((call, command, standing))
}

/// The principal as it calls, which may be for somebody else.
fn as_caller(principal: Arc<Principal>, call: &Call) -> Arc<Principal> {
    if principal.actor == call.actor {
        return principal;
    }
    Arc::new(principal.speaking_for(call.actor.clone()))
}

impl Standing {
    /// Whether the credential has expired by now. It asks nobody.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        let credential = self.credential.as_ref();
        credential.is_some_and(|credential| credential.has_expired())
    }

    /// Looks whether the caller still reaches what they did, by what is known since a moment.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the credential is good no longer, `PERMISSION_DENIED` when the call may
    /// not be made any more, [`AccessChanged`] when it reaches more or less now.
    pub async fn check(&self, since: Instant) -> Result<(), Status> {
        self.bearer(since).await.map(drop)
    }

    /// Looks whether the caller has the very roles that they had, for a call that others are made for.
    ///
    /// # Errors
    /// As for [`check`](Self::check); [`AccessChanged`] also when the call itself reaches as far as before.
    pub async fn check_roles(&self, since: Instant) -> Result<(), Status> {
        let Some(bearer) = self.bearer(since).await? else {
            return Ok(());
        };
        let before = self.principal.grants(&self.ecosystem);
        let now = bearer.grants(&self.ecosystem);
        if now.len() == before.len() && now.iter().all(|grant| before.contains(grant)) {
            return Ok(());
        }
        Err(self.changed())
    }

    /// Who bears the credential now, if they reach what they did; nobody where none was shown.
    async fn bearer(&self, since: Instant) -> Result<Option<Arc<Principal>>, Status> {
        let Some(credential) = &self.credential else {
            return Ok(None);
        };
        let mut principal = credential.principal(since).await?;
        if principal.actor != self.principal.actor {
            principal = Arc::new(principal.speaking_for(self.principal.actor.clone()));
        }
        match authorize(&principal, &self.access, &self.ecosystem) {
            Some(scope) if scope == self.scope => Ok(Some(principal)),
            Some(_) => Err(self.changed()),
            None => Err(self.denied(&self.access)),
        }
    }

    /// Looks whether the caller might call another method in the ecosystem.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`.
    pub fn require(&self, access: &Access) -> Result<(), Status> {
        match authorize(&self.principal, access, &self.ecosystem) {
            Some(_) => Ok(()),
            None => Err(self.denied(access)),
        }
    }

    /// Whether the caller, called by another method, would reach the whole ecosystem.
    #[must_use]
    pub fn reaches_all(&self, access: &Access) -> bool {
        let scope = authorize(&self.principal, access, &self.ecosystem);
        scope.is_some_and(|scope| scope.is_whole())
    }

    /// A request that the same caller makes for this call, as a part of it.
    #[must_use]
    pub fn within<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.extensions_mut() = self.extensions.clone();
        request.extensions_mut().insert(self.principal.clone());
        request
    }

    fn changed(&self) -> Status {
        let resource = self.resource.clone();
        status(&AccessChanged { resource })
    }

    fn denied(&self, access: &Access) -> Status {
        status(&Denied {
            permission: access.permission,
            resource: self.resource.clone(),
        })
    }
}

/// The caller reaches more or less than when their call began.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "your roles for {resource} have changed, and with them what you may read; call again, after the \
     last position that you read"
)]
pub struct AccessChanged {
    /// What the call is about.
    pub resource: String,
}

impl Failure for AccessChanged {
    fn code(&self) -> Code {
        Code::Aborted
    }

    fn reason(&self) -> &'static str {
        "ACCESS_CHANGED"
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        vec![("resource", self.resource.clone())]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::executor::block_on;
    use trellis_core::access::{Grant, Rights};
    use trellis_core::{Actor, PartnerId, Role};

    use super::*;
    use crate::platform::v1::{ListApiKeysRequest, ListEventsRequest};

    /// A credential whose bearer has these roles, if it is good.
    struct Shown(Mutex<Option<Vec<Grant>>>);

    fn bearer(grants: Vec<Grant>) -> Principal {
        let acme = EcosystemId::try_new("acme").unwrap();
        Principal {
            actor: Actor::try_new("people:ada").unwrap(),
            person: None,
            rights: Rights::Granted(vec![(acme, grants)]),
        }
    }

    impl Credential for Shown {
        fn has_expired(&self) -> bool {
            self.0.lock().unwrap().is_none()
        }

        fn principal(&self, _: Instant) -> BoxFuture<'_, Result<Arc<Principal>, Status>> {
            let grants = self.0.lock().unwrap().clone();
            let found = grants.map(|grants| Arc::new(bearer(grants)));
            Box::pin(async { found.ok_or_else(|| status(&Unauthenticated)) })
        }
    }

    fn opened(grants: Vec<Grant>) -> (Arc<Shown>, Standing) {
        let shown = Arc::new(Shown(Mutex::new(Some(grants.clone()))));
        let parent = "ecosystems/acme".to_owned();
        let mut request = Request::new(ListEventsRequest {
            parent,
            ..Default::default()
        });
        request.extensions_mut().insert(Arc::new(bearer(grants)));
        let credential: Arc<dyn Credential> = shown.clone();
        request.extensions_mut().insert(credential);
        let (_, (), standing) = open_lasting(request, |_, _| Some(())).unwrap();
        (shown, standing)
    }

    #[test]
    fn whoever_keeps_their_roles_goes_on_and_everybody_else_is_told_why_not() {
        let role = |role| Grant::new(role, None);
        let (shown, standing) = opened(vec![role(Role::Auditor)]);
        let ends = |grants: Option<Vec<Grant>>| {
            *shown.0.lock().unwrap() = grants;
            let ended = block_on(standing.check(Instant::now()));
            ended.map_err(|status| status.code())
        };
        // As far as before, by another role too, unless the roles themselves count.
        let roles =
            || block_on(standing.check_roles(Instant::now())).map_err(|status| status.code());
        assert_eq!(ends(Some(vec![role(Role::Auditor)])), Ok(()));
        assert_eq!(roles(), Ok(()));
        assert_eq!(ends(Some(vec![role(Role::Service)])), Ok(()));
        assert_eq!(roles(), Err(tonic::Code::Aborted));
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let of_partner = Grant::new(Role::PartnerAdmin, Some(nimbus));
        assert_eq!(ends(Some(vec![of_partner])), Err(tonic::Code::Aborted));
        assert_eq!(ends(Some(Vec::new())), Err(tonic::Code::PermissionDenied));
        assert!(!standing.has_expired());
        assert_eq!(ends(None), Err(tonic::Code::Unauthenticated));
        assert!(standing.has_expired());
    }

    #[test]
    fn a_request_within_a_call_is_made_by_its_caller_and_reaches_as_far() {
        let (_, standing) = opened(vec![Grant::new(Role::Service, None)]);
        let list = ListEventsRequest {
            parent: "ecosystems/acme".to_owned(),
            ..Default::default()
        };
        let (call, ()) = open(standing.within(list), |_, _| Some(())).unwrap();
        assert_eq!(call.actor, standing.principal.actor);
        assert!(standing.require(&ListEventsRequest::ACCESS).is_ok());
        let denied = standing.require(&ListApiKeysRequest::ACCESS).unwrap_err();
        assert_eq!(denied.code(), tonic::Code::PermissionDenied);
    }
}
