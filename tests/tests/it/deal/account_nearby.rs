//! Accounts that share no key with what is asked for and whose names come near: who finds them, from
//! when on, and who does not.

use std::ops::Deref;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tonic::transport::Endpoint;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::match_account_response::{Candidate, Level};
use trellis_tests::{Caller, Engine, World, on_both};

use super::market::{Market, automatic, usd};

struct Names(Market);

impl Deref for Names {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.0
    }
}

/// What somebody who calls is told: the ids of candidates, how they compare and by which rule; and
/// whether keys alone found them.
#[derive(Debug, PartialEq)]
struct Told {
    candidates: Vec<(String, Level, String)>,
    keys_only: bool,
}

impl Told {
    fn ids(&self) -> Vec<&str> {
        self.candidates.iter().map(|(id, ..)| id.as_str()).collect()
    }
}

async fn answered(caller: &Caller, parent: &str, name: &str) -> pb::MatchAccountResponse {
    let description = pb::match_account_request::Description {
        display_name: name.to_owned(),
        region_code: "DE".to_owned(),
        ..pb::match_account_request::Description::default()
    };
    let request = pb::MatchAccountRequest {
        parent: parent.to_owned(),
        description: Some(description),
        ..pb::MatchAccountRequest::default()
    };
    let answer = caller.accounts().match_account(request).await;
    answer.unwrap().into_inner()
}

async fn told(caller: &Caller, parent: &str, name: &str) -> Told {
    let answer = answered(caller, parent, name).await;
    let told = |one: Candidate| {
        let id = one.account.rsplit('/').next().unwrap().to_owned();
        (id, one.level(), one.rule)
    };
    Told {
        candidates: answer.candidates.into_iter().map(told).collect(),
        keys_only: answer.keys_only,
    }
}

/// A caller of another server.
fn caller_of(address: std::net::SocketAddr) -> Caller {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    Caller::new(endpoint.connect_lazy())
}

/// An account in Germany by this name.
fn german(name: &str) -> pb::Account {
    pb::Account {
        display_name: name.to_owned(),
        region_code: "DE".to_owned(),
        ..pb::Account::default()
    }
}

async fn make(caller: &Caller, parent: &str, id: &str, account: pb::Account) -> pb::Account {
    let request = pb::CreateAccountRequest {
        parent: parent.to_owned(),
        account_id: id.to_owned(),
        account: Some(account),
        ..pb::CreateAccountRequest::default()
    };
    let made = caller.accounts().create_account(request).await;
    made.unwrap().into_inner()
}

impl Names {
    async fn open(world: World) -> Self {
        Self(Market::open(world).await)
    }

    async fn make(&self, id: &str, name: &str) -> pb::Account {
        make(self, &self.parent, id, german(name)).await
    }

    async fn rename(&self, id: &str, name: &str, aliases: &[&str]) {
        let account = pb::Account {
            name: self.name("accounts", id),
            display_name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ..pb::Account::default()
        };
        let request = pb::UpdateAccountRequest {
            account: Some(account),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".to_owned(), "aliases".to_owned()],
            }),
            ..pb::UpdateAccountRequest::default()
        };
        self.accounts().update_account(request).await.unwrap();
    }

    async fn told(&self, name: &str) -> Told {
        told(self, &self.parent, name).await
    }

    /// Who is found near a name.
    async fn near(&self, name: &str) -> Vec<String> {
        let told = self.told(name).await;
        assert!(!told.keys_only, "{told:?}");
        told.ids().into_iter().map(str::to_owned).collect()
    }

    /// Changes the database as no call does.
    async fn sql(&self, sql: &str) {
        match self.engine() {
            Engine::Sqlite => {
                let mut database = SqliteConnection::connect(self.database_url())
                    .await
                    .unwrap();
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
            }
            Engine::Postgres => {
                let mut database = PgConnection::connect(self.database_url()).await.unwrap();
                let sql = format!("SELECT set_config('trellis.ecosystem', 'acme', false); {sql}");
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut database)
                    .await
                    .unwrap();
            }
        }
    }

    /// Waits until the feed tells of an event.
    async fn is_told(&self, id: &str, kind: &str) {
        for _ in 0..200 {
            let events = self.told_so_far(&self.name("accounts", id)).await;
            if events.iter().any(|event| event.r#type == kind) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody is told of {kind} at {id}");
    }
}

on_both! {
    async fn a_near_name_is_found_and_without_names_in_memory_only_an_equal_one(world: World) {
        let names = Names::open(world).await;
        names.make("contoso", "Contoso Systems GmbH").await;
        let near = ["Conttoso Systems", "Contoso Sytems AG", "CONTOSO SISTEMS"];
        for asked in near {
            let found = names.told(asked).await;
            let expected = ("contoso".to_owned(), Level::Probable, "SIMILAR_NAME".to_owned());
            assert_eq!(found.candidates, [expected], "{asked}");
            assert!(!found.keys_only);
            let answer = answered(&names, &names.parent, asked).await;
            let evidence = &answer.candidates[0].evidence;
            assert!(evidence.iter().any(|one| one.kind == "NAME" && !one.against), "{evidence:?}");
        }
        assert_eq!(names.near("Ganz Anders").await, [] as [&str; 0], "nobody who is somebody else");
        // The order is that of how they compare, whichever way they were found.
        names.make("equal", "Conttoso Systems GmbH").await;
        let found = names.told("Conttoso Systems GmbH").await;
        assert_eq!(found.ids(), ["equal", "contoso"], "{found:?}");
        assert_eq!(found.candidates[0].1, Level::Same);

        // The control.
        let without = names.beside(&[("matching-ecosystems-max", "0")]).await;
        let caller = caller_of(without.address());
        for asked in near {
            let found = told(&caller, &names.parent, asked).await;
            let equal = if asked == "Conttoso Systems" { vec!["equal"] } else { vec![] };
            assert_eq!((found.ids(), found.keys_only), (equal, true), "{asked}");
        }
        let equal = told(&caller, &names.parent, "Contoso Systems GmbH").await;
        assert_eq!(equal.ids(), ["contoso"], "an equal name shares a key");
        without.stop().await;
    }

    async fn each_ecosystem_has_its_own_however_few_are_held(world: World) {
        let names = Names::open(world).await;
        let other = names.ecosystem("other").await;
        make(&names, &other, "theirs", german("Contoso Systems GmbH")).await;
        let few = names.beside(&[("matching-ecosystems-max", "1")]).await;
        let caller = caller_of(few.address());
        for round in 0..3 {
            for asking in [&names, &caller] {
                let found = told(asking, &names.parent, "Contoso Sytems").await;
                let ours: Vec<String> = (0..round).map(|at| format!("ours-{at}")).collect();
                assert_eq!((found.ids(), found.keys_only), (ours.iter().map(String::as_str).collect(), false));
                let found = told(asking, &other, "Contoso Sytems").await;
                assert_eq!((found.ids(), found.keys_only), (vec!["theirs"], false));
            }
            names.make(&format!("ours-{round}"), "Contoso Systems GmbH").await;
        }
        few.stop().await;
    }

    async fn what_becomes_of_accounts_is_followed(world: World) {
        let names = Names::open(world).await;
        names.make("stays", "Contoso Systems GmbH").await;
        assert_eq!(names.near("Contoso Sytems").await, ["stays"]);
        // Right after a write, and with its position.
        names.make("goes", "Zenith Maschinenbau GmbH").await;
        assert_eq!(names.near("Zenit Maschinenbau").await, ["goes"]);
        let merge = pb::MergeAccountsRequest {
            name: names.name("accounts", "stays"),
            merged_account: names.name("accounts", "goes"),
            ..pb::MergeAccountsRequest::default()
        };
        let merged = names.accounts().merge_accounts(merge).await.unwrap();
        // Its name went over, and a further name counts if it is only spaced otherwise.
        assert_eq!(names.near("Zenith Maschinen Bau").await, ["stays"]);
        assert_eq!(names.near("Contoso Sytems").await, ["stays"]);
        assert_eq!(names.near("Zenit Maschinenbau").await, [] as [&str; 0], "the other is gone");
        let after = told(&names.after(&merged), &names.parent, "Zenith Maschinen Bau").await;
        assert_eq!(after.ids(), ["stays"]);
        let split = pb::SplitAccountRequest {
            name: names.name("accounts", "stays"),
            merged_account: names.name("accounts", "goes"),
            ..pb::SplitAccountRequest::default()
        };
        names.accounts().split_account(split).await.unwrap();
        assert_eq!(names.near("Zenith Maschinen Bau").await, ["goes"]);
        assert_eq!(names.near("Zenit Maschinenbau").await, ["goes"]);
        assert_eq!(names.near("Contoso Sytems").await, ["stays"]);

        names.rename("stays", "Apex Logistik GmbH", &[]).await;
        assert_eq!(names.near("Contoso Sytems").await, [] as [&str; 0], "the old name is gone");
        assert_eq!(names.near("Apex Logistk").await, ["stays"]);
        names.rename("stays", "Apex Logistik GmbH", &["Contoso Fahrzeugbau"]).await;
        assert_eq!(names.near("Contoso Fahrzeug Bau").await, ["stays"], "by its further name");
    }

    async fn servers_of_one_deployment_find_what_each_other_wrote(world: World) {
        let names = Names::open(world).await;
        let (running, other) = names.another().await;
        for (at, name) in ["Contoso Systems", "Zenith Maschinenbau", "Apex Logistik"].into_iter().enumerate() {
            let (here, there): (&Caller, &Caller) =
                if at % 2 == 0 { (&names, &other) } else { (&other, &names) };
            let slip = name.replacen('i', "", 1).replacen("Systems", "Sytems", 1);
            // Both hold the names by now.
            assert_eq!(told(there, &names.parent, &slip).await.ids(), [] as [&str; 0]);
            let id = format!("account-{at}");
            make(here, &names.parent, &id, german(name)).await;
            assert_eq!(told(there, &names.parent, &slip).await.ids(), [&id], "{slip}");
            assert_eq!(told(here, &names.parent, &slip).await.ids(), [&id], "{slip}");
        }
        running.stop().await;
    }

    async fn who_asks_at_once_is_told_the_same(world: World) {
        let names = Names::open(world).await;
        names.make("contoso", "Contoso Systems GmbH").await;
        let asking = (0..16).map(|_| names.near("Contoso Sytems"));
        for found in futures::future::join_all(asking).await {
            assert_eq!(found, ["contoso"]);
        }
    }

    async fn nothing_is_decided_by_what_only_comes_near(world: World) {
        let names = Names::open(world).await;
        names.program("auto", automatic(usd(10_000))).await;
        let [nimbus, stratus] = names.partners_at_work(["nimbus", "stratus"]).await;
        for partner in [&nimbus, &stratus] {
            names.enroll(partner, "auto").await;
        }
        names.make("one", "Contoso Systems GmbH").await;
        names.make("near", "Contoso Sytems GmbH").await;
        names.make("equal", "Contoso Systems S.A.").await;
        let found = names.near("Contoso Sytems GmbH").await;
        assert_eq!(found[0], "near");
        assert!(found.iter().any(|id| id == "one"), "{found:?}");
        let claim = |partner: &str, account: &str| pb::Registration {
            program: names.name("programs", "auto"),
            account: names.name("accounts", account),
            ..names.claim(partner)
        };
        let mut rules = Vec::new();
        for (partner, account) in [(&nimbus, "one"), (&stratus, "near"), (&stratus, "equal")] {
            let became = names.submit(claim(partner, account)).await;
            rules.push(became.decision.unwrap().reason_code);
        }
        // The last is the control: an equal name shares a key, and a person looks at it.
        assert_eq!(rules, ["AUTOMATIC", "AUTOMATIC", "IDENTITY_REVIEW"]);
    }

    async fn a_restored_database_is_read_again(world: World) {
        let names = Names::open(world).await;
        names.make("one", "Contoso Systems GmbH").await;
        names.is_told("one", "account.created").await;
        assert_eq!(names.near("Contoso Sytems").await, ["one"]);
        names.rename("one", "Zenith Maschinenbau GmbH", &[]).await;
        names.is_told("one", "account.updated").await;
        assert_eq!(names.near("Zenit Maschinenbau").await, ["one"]);
        let back = "UPDATE accounts SET display_name = 'Contoso Systems GmbH' WHERE id = 'one'";
        names.sql(back).await;
        // The control: nobody notices it by the row alone, and what is held shows nobody who is gone.
        assert_eq!(names.near("Contoso Sytems").await, [] as [&str; 0]);
        assert_eq!(names.near("Zenit Maschinenbau").await, [] as [&str; 0]);
        names.sql("DELETE FROM events WHERE kind = 'account.updated'").await;
        assert_eq!(names.near("Contoso Sytems").await, ["one"], "the feed went back");

        // The feed goes on after it went back, and is longer than before when somebody asks.
        names.rename("one", "Apex Logistik GmbH", &[]).await;
        names.is_told("one", "account.updated").await;
        assert_eq!(names.near("Apex Logistk").await, ["one"]);
        names.sql("DELETE FROM events WHERE kind = 'account.updated'").await;
        names.sql(back).await;
        for at in 0..3 {
            names.make(&format!("more-{at}"), &format!("Firma{at} Nord")).await;
        }
        names.is_told("more-2", "account.created").await;
        assert_eq!(names.near("Contoso Sytems").await, ["one"], "it is another feed");
    }
}

/// On PostgreSQL the feed tells of nothing while an older transaction runs, whoever's it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_is_found_before_the_feed_tells_of_it() {
    trellis_tests::run(Engine::Postgres, &[], async |world: World| {
        let names = Names::open(world).await;
        names.make("early", "Contoso Systems GmbH").await;
        names.is_told("early", "account.created").await;
        assert_eq!(names.near("Contoso Sytems").await, ["early"]);
        let mut database = PgConnection::connect(names.database_url()).await.unwrap();
        let mut older = database.begin().await.unwrap();
        sqlx::query("SELECT pg_current_xact_id()")
            .execute(&mut *older)
            .await
            .unwrap();

        names.make("late", "Zenith Maschinenbau GmbH").await;
        // The control: the feed does not tell of it.
        let events = names.told_so_far(&names.name("accounts", "late")).await;
        assert_eq!(events, []);
        assert_eq!(names.near("Zenit Maschinenbau").await, ["late"]);
        names.rename("late", "Apex Logistik GmbH", &[]).await;
        assert_eq!(names.near("Apex Logistk").await, ["late"]);
        assert_eq!(names.near("Zenit Maschinenbau").await, [] as [&str; 0]);
        names.rename("late", "Nordwind Handel GmbH", &[]).await;
        assert_eq!(names.near("Nordwnd Handel").await, ["late"]);
        older.commit().await.unwrap();
        names.is_told("late", "account.updated").await;
        names.rename("early", "Hanse Werkzeug GmbH", &[]).await;
        assert_eq!(names.near("Hanse Wekzeug").await, ["early"]);
        assert_eq!(names.near("Nordwnd Handel").await, ["late"]);
    })
    .await;
}
