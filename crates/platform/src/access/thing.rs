//! Anything that has a name and belongs to an ecosystem, to ask whether somebody reaches it.

use trellis_api::Fields;
use trellis_api::name::{Collection, read};
use trellis_core::{
    AccountId, ApiKeyId, AwardId, BatchId, DealId, EngagementId, FamilyId, HouseAccountId, LeadId,
    PartnerId, PlanId, ProductId, ProgramId, RegistrationId, RoleGrantId, TerritoryId, WebhookId,
};
use trellis_store::deal::{
    account, deal, engagement, house_account, lead, product, product_family, registration,
    territory,
};
use trellis_store::incentive::{award, payout_batch, plan};
use trellis_store::partner::partner;
use trellis_store::platform::{api_key, role_grant, webhook};
use trellis_store::program::program;
use trellis_store::{View, record};

/// The kinds of things, each with its id and its entity.
macro_rules! things {
    ($($kind:ident($id:ident) $entity:path;)+) => {
        /// One of the things that have a name.
        #[derive(Clone, Debug)]
        pub(super) enum Thing {
            $($kind($id),)+
        }

        impl Thing {
            /// Reads the name of a thing.
            pub(super) fn read(fields: &mut Fields, field: &str, name: &str) -> Option<Self> {
                // A name whose ecosystem is wrong was refused with it.
                let ecosystem = fields.ecosystem()?;
                let collection = name.split('/').nth(2).unwrap_or_default();
                match collection {
                    $($id::COLLECTION => {
                        let id = fields.take(field, read::<$id>(&ecosystem, name))?;
                        Some(Self::$kind(id))
                    })+
                    _ => {
                        fields.refuse(
                            field,
                            "name",
                            "must be the name of something whose reach can be told; \
                             see the comment of the field",
                        );
                        None
                    }
                }
            }

            /// Whether a view reaches the thing.
            ///
            /// # Errors
            /// [`trellis_store::Error::Driver`] and its kin.
            pub(super) async fn is_reached(
                &self,
                view: &View,
            ) -> Result<bool, trellis_store::Error> {
                Ok(match self {
                    $(Self::$kind(id) => record::find::<$entity>(view, id).await?.is_some(),)+
                })
            }
        }
    };
}

things! {
    Account(AccountId) account::Entity;
    ApiKey(ApiKeyId) api_key::Entity;
    Award(AwardId) award::Entity;
    Batch(BatchId) payout_batch::Entity;
    Deal(DealId) deal::Entity;
    Engagement(EngagementId) engagement::Entity;
    Family(FamilyId) product_family::Entity;
    House(HouseAccountId) house_account::Entity;
    Lead(LeadId) lead::Entity;
    Partner(PartnerId) partner::Entity;
    Plan(PlanId) plan::Entity;
    Product(ProductId) product::Entity;
    Program(ProgramId) program::Entity;
    Registration(RegistrationId) registration::Entity;
    RoleGrant(RoleGrantId) role_grant::Entity;
    Territory(TerritoryId) territory::Entity;
    Webhook(WebhookId) webhook::Entity;
}
