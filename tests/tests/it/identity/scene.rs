//! An ecosystem whose server asks everybody who they are.

use std::ops::Deref;

use tonic::{Response, Status};
use trellis_api::options::v1::Role as WireRole;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_core::Role;
use trellis_tests::{Caller, World};

pub(crate) struct Scene {
    pub(crate) world: World,
    /// `ecosystems/acme`.
    pub(crate) parent: String,
    /// Whoever runs the ecosystem.
    pub(crate) admin: Caller,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// A key that is told with its secret.
pub(crate) struct Made {
    pub(crate) key: pb::ApiKey,
    pub(crate) secret: String,
}

/// A request for a key of the vendor's.
pub(crate) fn key(roles: &[WireRole]) -> pb::CreateApiKeyRequest {
    let role = |role: &WireRole| pb::InitialRole {
        role: (*role).into(),
        approval_limit: None,
    };
    pb::CreateApiKeyRequest {
        parent: "ecosystems/acme".to_owned(),
        api_key: Some(pb::ApiKey {
            display_name: "CRM, production".to_owned(),
            ..pb::ApiKey::default()
        }),
        roles: roles.iter().map(role).collect(),
        ..pb::CreateApiKeyRequest::default()
    }
}

/// A request for a key of a partner's.
pub(crate) fn partner_key(partner: &str, roles: &[WireRole]) -> pb::CreateApiKeyRequest {
    let mut request = key(roles);
    if let Some(key) = &mut request.api_key {
        key.partner = format!("ecosystems/acme/partners/{partner}");
    }
    request
}

impl Scene {
    /// An ecosystem that its first key has made.
    pub(crate) async fn open(world: World) -> Self {
        let admin = world.first("acme", Role::EcosystemAdmin).await;
        let create = pb::CreateEcosystemRequest {
            ecosystem_id: "acme".to_owned(),
            ecosystem: Some(pb::Ecosystem {
                display_name: "Acme".to_owned(),
                ..pb::Ecosystem::default()
            }),
            ..pb::CreateEcosystemRequest::default()
        };
        let made = admin.ecosystems().create_ecosystem(create).await;
        Self {
            parent: made.unwrap().into_inner().name,
            admin,
            world,
        }
    }

    /// The same with partners.
    pub(crate) async fn with_partners(world: World, ids: &[&str]) -> Self {
        let scene = Self::open(world).await;
        for id in ids {
            let create = partner::CreatePartnerRequest {
                parent: scene.parent.clone(),
                partner_id: (*id).to_owned(),
                partner: Some(partner::Partner {
                    display_name: (*id).to_owned(),
                    partner_type: partner::partner::PartnerType::Reseller.into(),
                    ..partner::Partner::default()
                }),
                ..partner::CreatePartnerRequest::default()
            };
            scene.admin.partners().create_partner(create).await.unwrap();
        }
        scene
    }

    /// Makes a key as somebody.
    pub(crate) async fn made(&self, by: &Caller, request: pb::CreateApiKeyRequest) -> Made {
        let made = by.access().create_api_key(request).await;
        let made = made.unwrap().into_inner();
        Made {
            key: made.api_key.unwrap(),
            secret: made.secret,
        }
    }

    /// Somebody with a key of these roles.
    pub(crate) async fn bearer(&self, roles: &[WireRole]) -> Caller {
        let Made { secret, .. } = self.made(&self.admin, key(roles)).await;
        self.bearing(&secret)
    }

    /// Somebody of a partner with a key of these roles.
    pub(crate) async fn of_partner(&self, partner: &str, roles: &[WireRole]) -> Caller {
        let request = partner_key(partner, roles);
        let Made { secret, .. } = self.made(&self.admin, request).await;
        self.bearing(&secret)
    }

    /// Somebody who shows a secret.
    pub(crate) fn bearing(&self, secret: &str) -> Caller {
        Caller::new(self.channel()).bearing(secret)
    }

    /// Lists partners, which every role may.
    pub(crate) async fn list(
        &self,
        by: &Caller,
    ) -> Result<Response<partner::ListPartnersResponse>, Status> {
        let list = partner::ListPartnersRequest {
            parent: self.parent.clone(),
            ..partner::ListPartnersRequest::default()
        };
        by.partners().list_partners(list).await
    }

    pub(crate) async fn revoke(&self, by: &Caller, name: &str) -> pb::ApiKey {
        let revoke = pb::RevokeApiKeyRequest {
            name: name.to_owned(),
            ..pb::RevokeApiKeyRequest::default()
        };
        let revoked = by.access().revoke_api_key(revoke).await;
        revoked.unwrap().into_inner()
    }
}
