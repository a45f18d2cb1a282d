//! Whether somebody whose call goes on for long may still make it, as far as they could when it began.

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tonic::{Request, Status};
use trellis_core::access::{Access, Denied, Scope, authorize};
use trellis_core::{Actor, Call, Code, EcosystemId, Failure, Principal};

use crate::method::Routed;
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
    actor: Actor,
    scope: Scope,
}

/// Opens a request whose call goes on for long.
///
/// # Errors
/// As for [`open()`].
pub fn open_lasting<R: Routed, C>(
    request: Request<R>,
    parse: impl FnOnce(R, &mut Fields) -> Option<C>,
) -> Result<(Call, C, Standing), Status> {
    let credential = request.extensions().get().cloned();
    let resource = request.get_ref().resource().into_owned();
    let (call, command) = open(request, parse)?;
    let standing = Standing {
        credential,
        access: R::ACCESS,
        ecosystem: call.ecosystem.clone(),
        resource,
        actor: call.actor.clone(),
        scope: call.scope.clone(),
    };
    Ok((call, command, standing))
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
        let Some(credential) = &self.credential else {
            return Ok(());
        };
        let mut principal = credential.principal(since).await?;
        if principal.actor != self.actor {
            principal = Arc::new(principal.speaking_for(self.actor.clone()));
        }
        let scope = authorize(&principal, &self.access, &self.ecosystem);
        match scope {
            Some(scope) if scope == self.scope => Ok(()),
            Some(_) => Err(status(&AccessChanged {
                resource: self.resource.clone(),
            })),
            None => Err(status(&Denied {
                permission: self.access.permission,
                resource: self.resource.clone(),
            })),
        }
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
    use trellis_core::{PartnerId, Role};

    use super::*;
    use crate::open::Unauthenticated;
    use crate::platform::v1::ListEventsRequest;

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
        // As far as before, by another role too.
        assert_eq!(ends(Some(vec![role(Role::Auditor)])), Ok(()));
        assert_eq!(ends(Some(vec![role(Role::Service)])), Ok(()));
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let of_partner = Grant::new(Role::PartnerAdmin, Some(nimbus));
        assert_eq!(ends(Some(vec![of_partner])), Err(tonic::Code::Aborted));
        assert_eq!(ends(Some(Vec::new())), Err(tonic::Code::PermissionDenied));
        assert!(!standing.has_expired());
        assert_eq!(ends(None), Err(tonic::Code::Unauthenticated));
        assert!(standing.has_expired());
    }
}
