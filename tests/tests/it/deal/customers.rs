//! Which accounts count as one customer when partners register business with them.

use std::ops::Deref;

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_identifier::Type;
use trellis_api::deal::v1::registration::State;
use trellis_core::{AccountId, Actor, Call, EcosystemId};
use trellis_store::deal::account::{self, Entity};
use trellis_store::deal::account_key;
use trellis_store::record;
use trellis_tests::{World, on_both, refused};

use super::market::{Market, automatic, usd};

/// A market with two partners in a program that approves by itself.
struct Claims {
    market: Market,
    nimbus: String,
    stratus: String,
}

impl Deref for Claims {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.market
    }
}

impl Claims {
    async fn open(world: World) -> Self {
        let market = Market::open(world).await;
        market.program("auto", automatic(usd(100_000))).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        for partner in [&nimbus, &stratus] {
            market.enroll(partner, "auto").await;
        }
        Self {
            market,
            nimbus,
            stratus,
        }
    }

    async fn account(&self, account: pb::Account) -> String {
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account: Some(account),
            ..pb::CreateAccountRequest::default()
        };
        self.accounts()
            .create_account(request)
            .await
            .unwrap()
            .into_inner()
            .name
    }

    /// What becomes of a partner's claim to the firewall at an account.
    async fn claims(&self, partner: &str, account: &str) -> (State, String, String) {
        let claim = pb::Registration {
            account: account.to_owned(),
            program: self.name("programs", "auto"),
            ..self.claim(partner)
        };
        let registration = self.submit(claim).await;
        let decision = registration.decision.clone().unwrap();
        (registration.state(), decision.rule, decision.reason_code)
    }

    /// What becomes of a claim of the second partner at the second account, after one of the first
    /// partner at the first account was granted.
    async fn meets(&self, first: pb::Account, second: pb::Account) -> (State, String, String) {
        let (first, second) = (self.account(first).await, self.account(second).await);
        assert_eq!(self.claims(&self.nimbus, &first).await.0, State::Approved);
        self.claims(&self.stratus, &second).await
    }
}

fn named(display_name: &str, region_code: &str, domains: &[&str]) -> pb::Account {
    pb::Account {
        display_name: display_name.to_owned(),
        region_code: region_code.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..pb::Account::default()
    }
}

fn with(account: pb::Account, r#type: Type, value: &str) -> pb::Account {
    let identifiers = vec![pb::AccountIdentifier {
        r#type: r#type.into(),
        value: value.to_owned(),
        ..pb::AccountIdentifier::default()
    }];
    pb::Account {
        identifiers,
        ..account
    }
}

fn waits() -> (State, String, String) {
    (
        State::Waitlisted,
        "R6".to_owned(),
        "DUPLICATE_ACTIVE".to_owned(),
    )
}

fn is_looked_at() -> (State, String, String) {
    (
        State::Submitted,
        "R9".to_owned(),
        "IDENTITY_REVIEW".to_owned(),
    )
}

fn is_granted() -> (State, String, String) {
    (State::Approved, "R10".to_owned(), "AUTOMATIC".to_owned())
}

const LEI: &str = "HWUPKR0MPOU8FGXBT394";
const OTHER_LEI: &str = "529900T8BM49AURSDO55";

on_both! {
    async fn what_compares_as_one_customer_has_one_protected_partner(world: World) {
        let claims = Claims::open(world).await;
        let cases = [
            ("a domain, and names with a word in common",
                named("Acme Ltd", "GB", &["acme.co.uk"]),
                named("ACME LIMITED", "", &["https://www.shop.acme.co.uk/cart"])),
            ("the name in two spellings, the country and the kind of company",
                named("Müller Maschinenbau GmbH", "DE", &[]),
                named("Mueller Maschinenbau Gesellschaft mit beschränkter Haftung", "DE", &[])),
            ("an identifier, whatever the names",
                with(named("Umbrella", "US", &[]), Type::Lei, LEI),
                with(named("Regenschirm AG", "CH", &[]), Type::Lei, "hwup kr0m pou8 fgxb t394")),
            ("names in another script",
                named("株式会社 日立製作所", "JP", &[]), named("株式会社日立製作所", "JP", &[])),
        ];
        for (what, first, second) in cases {
            assert_eq!(claims.meets(first, second).await, waits(), "{what}");
        }
    }

    async fn what_may_be_one_customer_is_looked_at_by_a_person(world: World) {
        let claims = Claims::open(world).await;
        let cases = [
            ("the name in another country",
                named("Thomson Corp", "CA", &[]), named("Thomson S.A.", "FR", &[])),
            ("the name in no country", named("Ζεύς", "GR", &[]), named("ΖΕΥΣ", "", &[])),
            ("a domain under a name of no meaning",
                named("Initrode", "US", &["initrode.example"]),
                named("Qqq", "", &["initrode.example"])),
            ("a domain, and identifiers that contradict each other",
                with(named("Hooli One", "US", &["hooli.example"]), Type::Lei, LEI),
                with(named("Hooli Two", "US", &["hooli.example"]), Type::Lei, OTHER_LEI)),
        ];
        for (what, first, second) in cases {
            assert_eq!(claims.meets(first, second).await, is_looked_at(), "{what}");
        }
        // Even under two of them.
        let third = claims.account(named("Zzz", "", &["initrode.example"])).await;
        assert_eq!(claims.claims(&claims.stratus, &third).await, is_looked_at());
    }

    async fn different_customers_stand_in_nobodys_way(world: World) {
        let claims = Claims::open(world).await;
        let cases = [
            ("mail of one provider and a word in common",
                named("Blue Harbor Dental", "US", &["joe@gmail.com"]),
                named("Ridge Dental", "US", &["ann@gmail.com"])),
            ("two shops of one platform",
                named("Acme", "US", &["acme.myshopify.com"]),
                named("Zen", "US", &["zen.myshopify.com"])),
            ("nothing at all", named("Umbrella", "US", &[]), named("Cyberdyne", "US", &[])),
        ];
        for (what, first, second) in cases {
            assert_eq!(claims.meets(first, second).await, is_granted(), "{what}");
        }
    }

    async fn a_person_approves_what_turned_out_to_be_another_customer(world: World) {
        let claims = Claims::open(world).await;
        let first = claims.account(named("Thomson Corp", "CA", &[])).await;
        let second = claims.account(named("Thomson S.A.", "FR", &[])).await;
        claims.claims(&claims.nimbus, &first).await;
        let claim = pb::Registration {
            account: second.clone(),
            program: claims.name("programs", "auto"),
            ..claims.claim(&claims.stratus)
        };
        let asked = claims.submit(claim).await;
        let approved = claims.approve(&asked.name).await.unwrap().into_inner();
        assert_eq!(approved.state(), State::Approved);
        // The control: the same customer cannot be approved.
        let third = claims.account(named("Thomson Inc", "CA", &[])).await;
        let claim = pb::Registration { account: third, ..claims.claim(&claims.stratus) };
        let asked = claims.submit(claim).await;
        let refusal = claims.approve(&asked.name).await;
        refused(refusal, Code::FailedPrecondition, "REGISTRATION_CONFLICT");
    }

    async fn of_claims_at_once_at_one_customer_by_name_one_is_granted(world: World) {
        let claims = Claims::open(world).await;
        for round in 0..6 {
            let spelled = |form: &str| named(&format!("Großhandel Nummer {round} {form}"), "DE", &[]);
            let first = claims.account(spelled("GmbH")).await;
            let second = claims.account(spelled("Gesellschaft mbH")).await;
            let claim = |partner: &str, account: String| pb::Registration {
                account,
                program: claims.name("programs", "auto"),
                ..claims.claim(partner)
            };
            let one = claims.draft(claim(&claims.nimbus, first)).await;
            let other = claims.draft(claim(&claims.stratus, second)).await;
            let (one, other) = futures::join!(claims.hand_in(&one.name), claims.hand_in(&other.name));
            let mut states = [one, other].map(|answer| answer.unwrap().into_inner().state());
            states.sort_unstable();
            assert_eq!(states, [State::Approved, State::Waitlisted], "round {round}");
        }
    }

    async fn a_rename_beside_a_claim_is_seen_or_comes_after_it(world: World) {
        let claims = Claims::open(world).await;
        for round in 0..6 {
            let first = named(&format!("Alpha {round} GmbH"), "DE", &[]);
            let first = claims.account(first).await;
            assert_eq!(claims.claims(&claims.nimbus, &first).await.0, State::Approved);
            let second = claims.account(named(&format!("Beta {round} GmbH"), "DE", &[])).await;
            let claim = pb::Registration {
                account: second.clone(),
                program: claims.name("programs", "auto"),
                ..claims.claim(&claims.stratus)
            };
            let draft = claims.draft(claim).await;
            let rename = pb::UpdateAccountRequest {
                account: Some(pb::Account {
                    name: second,
                    ..named(&format!("ALPHA {round} GmbH"), "DE", &[])
                }),
                ..pb::UpdateAccountRequest::default()
            };
            let mut accounts = claims.accounts();
            let (answer, renamed) =
                futures::join!(claims.hand_in(&draft.name), accounts.update_account(rename));
            renamed.unwrap();
            let state = answer.unwrap().into_inner().state();
            assert!([State::Approved, State::Waitlisted].contains(&state), "{state:?}");
        }
    }

    async fn a_database_of_the_previous_version_comes_up_right(world: World) {
        let claims = Claims::open(world).await;
        let first = named("Müller Maschinenbau GmbH", "DE", &["mueller.example"]);
        let first = claims.account(first).await;
        let child = pb::Account { parent_account: first.clone(), ..named("Enkel KG", "DE", &[]) };
        let child = claims.account(child).await;
        let second = claims.account(named("Mueller Maschinenbau GmbH", "DE", &[])).await;
        let ids: Vec<AccountId> = [&first, &child, &second]
            .map(|name| AccountId::try_new(name.rsplit('/').next().unwrap()).unwrap())
            .to_vec();
        let keys = async || {
            let view = claims.store().read(&call()).await.unwrap();
            let mut keys = Vec::new();
            for id in &ids {
                keys.push(account::identity_keys(&view, id).await.unwrap());
            }
            let child = record::find::<Entity>(&view, &ids[1]).await.unwrap().unwrap();
            (keys, child.ultimate_parent, child.version)
        };
        let right = keys().await;
        assert!(right.0[2].contains(&"name:mueller maschinenbau".to_owned()), "{right:?}");
        // As the previous version left it: domains are keys, and nothing else is.
        let forget = |txn: trellis_store::Txn, ids: Vec<AccountId>| async move {
            for id in ids {
                let mut row = record::lock::<Entity>(&txn, &id).await?.unwrap();
                row.ultimate_parent = None;
                let domains = row.registrable_domains.0.iter();
                let domains = domains.map(|domain| format!("domain:{domain}")).collect();
                account_key::replace(&txn, &id, domains).await?;
                account::keyed(&txn, &row, 0).await?;
            }
            Ok::<(), trellis_store::Error>(())
        };
        claims.store().write(call(), ids.clone(), forget).await.unwrap();
        assert_eq!(keys().await.0[2].len(), 1, "the control");
        assert_eq!(claims.claims(&claims.nimbus, &first).await, is_granted());
        let (running, _) = claims.another().await;
        assert_eq!(keys().await, right);
        assert_eq!(claims.claims(&claims.stratus, &second).await, waits());
        running.stop().await;
    }
}

fn call() -> Call {
    Call {
        actor: Actor::anonymous(),
        method: "/test",
        ..Call::of_system(EcosystemId::try_new("acme").unwrap(), "test")
    }
}
