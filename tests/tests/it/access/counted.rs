//! What a partner hands in takes as many statements whatever there is at the customer: each of them is a
//! round trip, and shows in the time of the answer.

use trellis_api::deal::v1 as pb;
use trellis_core::Role;
use trellis_tests::{Caller, Engine, Issuer, Seat, run};

use super::scene::Scene;
use crate::canary::bare::{BELOW, Bare};

/// What is there before.
#[derive(Clone, Copy, Debug)]
enum There {
    Nothing,
    /// Somebody else's registration, in a territory.
    Registration(&'static str),
    /// A house account, kept there.
    House(&'static str),
    /// A deal of the vendor's own there.
    Deal(&'static str),
}

const THERE: [There; 6] = [
    There::Registration("west"),
    There::Registration("east"),
    There::Registration("bay"),
    There::House("east"),
    There::Deal("west"),
    There::Deal("bay"),
];

struct Way {
    scene: Scene,
    program: String,
    nimbus: Seat,
    cirrus: Seat,
    way: Bare,
    /// The admin of nimbus, on the way that is counted.
    counted: Caller,
}

impl Way {
    fn claim(&self, partner: &str, account: &str, territory: &str) -> pb::Registration {
        pb::Registration {
            program: self.program.clone(),
            territory: match territory {
                "" => String::new(),
                within => self.scene.name("territories", within),
            },
            ..self.scene.claim_at(partner, account)
        }
    }

    /// Puts something at the customer with a domain.
    async fn put(&self, there: There, domain: &str) {
        let scene = &self.scene;
        let id = domain.replace('.', "-");
        match there {
            There::Nothing => {}
            There::Registration(territory) => {
                let account = scene.brings(&self.cirrus, domain).await.name;
                let claim = self.claim(&scene.cirrus, &account, territory);
                scene.claims(&self.cirrus, claim).await;
            }
            There::House(territory) => {
                let request = pb::CreateHouseAccountRequest {
                    parent: scene.parent.clone(),
                    house_account: Some(pb::HouseAccount {
                        account: scene.account(&id, &[domain]).await,
                        territories: vec![scene.name("territories", territory)],
                        ..pb::HouseAccount::default()
                    }),
                    ..pb::CreateHouseAccountRequest::default()
                };
                scene.catalog().create_house_account(request).await.unwrap();
            }
            There::Deal(territory) => {
                let deal = pb::Deal {
                    account: scene.account(&id, &[domain]).await,
                    territory: scene.name("territories", territory),
                    ..scene.ten_firewalls()
                };
                scene.deal(deal).await;
            }
        }
    }

    /// How many statements it takes to hand in a registration for a territory where something is there. No
    /// worker's transaction has as many.
    async fn statements(&self, there: There, territory: &str) -> usize {
        let domain = format!("{there:?}{territory}.example").to_lowercase();
        let domain = domain.replace(['(', ')', '"'], "");
        self.put(there, &domain).await;
        let account = self.scene.brings(&self.nimbus, &domain).await.name;
        let claim = self.claim(&self.scene.nimbus, &account, territory);
        let draft = self.scene.drafts(&self.nimbus, claim).await;
        let request = pb::SubmitRegistrationRequest {
            name: draft.unwrap().into_inner().name,
            ..pb::SubmitRegistrationRequest::default()
        };
        self.way.longest();
        let mut calls = self.counted.registrations();
        calls.submit_registration(request).await.unwrap();
        self.way.longest()
    }
}

/// On PostgreSQL, where what passes between the server and the database can be counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_handed_in_takes_as_many_statements_whatever_is_there() {
    run(Engine::Postgres, &[], async |world| {
        let scene = Scene::open(world.clone()).await;
        let usa = scene.territory("usa", "", &[]).await;
        let west = scene.territory("west", &usa, &["US-CA"]).await;
        scene.territory("bay", &west, &[]).await;
        scene.territory("east", &usa, &["US-NY"]).await;
        let issuer = Issuer::new();
        let (way, acme) = (Bare::open(&world).await, ["acme".to_owned()]);
        let issuers = issuer.setting(&acme);
        let flags = [
            ("database-url", &*way.url(BELOW)),
            ("database-rls", "require"),
            ("issuers", &*issuers),
        ];
        let server = world.beside(&flags).await;
        let role = Some(Role::PartnerAdmin);
        let token = issuer.token(world.clock(), "admin", role, &acme, Some("nimbus"));
        let way = Way {
            program: scene.unlimited().await,
            nimbus: scene.admin("nimbus").await,
            cirrus: scene.admin("cirrus").await,
            counted: world.caller_of(&server).bearing(&token),
            scene,
            way,
        };
        let one = way.statements(There::Nothing, "west").await;
        assert!(one > 12, "{one}");
        // The control: no territory, and where it lies is not read.
        assert_eq!(way.statements(There::Nothing, "").await, one - 1);
        for there in THERE {
            assert_eq!(way.statements(there, "west").await, one, "{there:?}");
        }
        println!("{one} statements, whatever is there");
        server.stop().await;
    })
    .await;
}
