//! There is no entry without its effect, and no effect without its entry; and an entry stays as it is.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tonic::Code;
use trellis_api::partner::v1 as partner;
use trellis_tests::{Engine, World, on_both, refused};

use super::scene::{CREATE, Scene, called, create};

/// Has the database refuse whatever is written into a table.
async fn fail_on(world: &World, table: &str) {
    let sql = match world.engine() {
        Engine::Sqlite => format!(
            "CREATE TRIGGER planted BEFORE INSERT ON {table} \
             BEGIN SELECT RAISE(ABORT, 'planted'); END"
        ),
        Engine::Postgres => format!(
            "CREATE OR REPLACE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'planted'; END $$; \
             CREATE TRIGGER planted BEFORE INSERT ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION planted()"
        ),
    };
    as_owner(world, &sql).await.unwrap();
}

async fn as_owner(world: &World, sql: &str) -> Result<(), sqlx::Error> {
    run(world.engine(), world.owner_url(), sql).await
}

async fn as_server(world: &World, sql: &str) -> Result<(), sqlx::Error> {
    run(world.engine(), world.database_url(), sql).await
}

async fn run(engine: Engine, url: &str, sql: &str) -> Result<(), sqlx::Error> {
    match engine {
        Engine::Sqlite => {
            let mut file = SqliteConnection::connect(url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut file).await?;
            file.close().await
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            let sql = format!("SET trellis.ecosystem = 'acme'; {sql}");
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await?;
            connection.close().await
        }
    }
}

async fn is_there(scene: &Scene, id: &str) -> bool {
    let name = format!("{}/partners/{id}", scene.parent);
    let found = scene
        .admin
        .partners()
        .get_partner(partner::GetPartnerRequest { name })
        .await;
    match found {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound);
            false
        }
    }
}

on_both! {
    async fn what_cannot_be_entered_is_not_done(world: World) {
        let scene = Scene::open(world).await;
        scene.admin.partners().create_partner(create(&scene.parent, "before")).await.unwrap();
        assert!(is_there(&scene, "before").await);
        fail_on(&scene, "audit_entries").await;
        for (id, request_id) in [
            ("plain", ""),
            ("repeated", "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e10"),
        ] {
            let request = partner::CreatePartnerRequest {
                request_id: request_id.to_owned(),
                ..create(&scene.parent, id)
            };
            refused(
                scene.admin.partners().create_partner(request).await,
                Code::Internal,
                "INTERNAL",
            );
            assert!(!is_there(&scene, id).await, "{id} has no entry");
        }
    }

    async fn what_is_not_done_is_not_entered(world: World) {
        let scene = Scene::open(world).await;
        fail_on(&scene, "events").await;
        let request = called("undone", create(&scene.parent, "undone"));
        refused(
            scene.admin.partners().create_partner(request).await,
            Code::Internal,
            "INTERNAL",
        );
        assert!(!is_there(&scene, "undone").await);
        assert!(scene.entries(&format!("method = \"{CREATE}\"")).await.is_empty());
    }

    async fn an_entry_is_never_changed_and_never_removed(world: World) {
        let scene = Scene::open(world).await;
        let request = called("made", create(&scene.parent, "nimbus"));
        scene.admin.partners().create_partner(request).await.unwrap();
        let before = scene.entry_of("made").await;
        for sql in [
            "DELETE FROM audit_entries",
            "UPDATE audit_entries SET code = 'INTERNAL'",
            "UPDATE audit_entries SET time = time + 1",
            "UPDATE audit_entries SET principal = 'somebody-else'",
            "UPDATE audit_entries SET principal = NULL, person = NULL, salt = NULL, call_id = NULL",
            "UPDATE audit_entries SET principal = NULL, person = NULL, salt = NULL, \
             sequence = sequence + 1000",
        ] {
            let held = as_server(&scene, sql).await.unwrap_err().to_string();
            assert!(held.contains("audit: "), "{sql}: {held}");
        }
        assert_eq!(scene.entry_of("made").await, before);
        // Erasing who it was is all that can be done.
        let erase = "UPDATE audit_entries SET principal = NULL, person = NULL, salt = NULL \
                     WHERE call_id = 'made'";
        as_server(&scene, erase).await.unwrap();
        let erased = scene.entry_of("made").await;
        assert_eq!((erased.principal.as_str(), erased.salt.len()), ("", 0));
        assert_eq!(erased.personal_hash, before.personal_hash);
    }
}
