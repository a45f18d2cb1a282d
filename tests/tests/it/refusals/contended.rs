//! A row that somebody else holds: the retries run out, and the call says so. On PostgreSQL, where
//! many write at once; SQLite has one writer, and a call waits for its turn until its deadline.

use sqlx::{Connection as _, PgConnection};
use tonic::Code;
use trellis_api::partner::v1 as pb;
use trellis_tests::{Engine, World, refused, run};

async fn a_row_that_somebody_else_holds_is_contended(world: World) {
    let create = pb::CreatePartnerRequest {
        parent: world.ecosystem("acme").await,
        partner_id: "nimbus".to_owned(),
        partner: Some(pb::Partner {
            display_name: "Nimbus".to_owned(),
            partner_type: pb::partner::PartnerType::Reseller.into(),
            ..pb::Partner::default()
        }),
        ..pb::CreatePartnerRequest::default()
    };
    let created = world.partners().create_partner(create).await.unwrap();
    let invite = pb::InvitePartnerRequest {
        name: created.into_inner().name,
        ..pb::InvitePartnerRequest::default()
    };

    let mut somebody = PgConnection::connect(world.database_url()).await.unwrap();
    // Whoever does not say which ecosystem they mean sees no row, and so locks none.
    let mine = "SET trellis.ecosystem = 'acme'";
    sqlx::query(mine).execute(&mut somebody).await.unwrap();
    let mut held = somebody.begin().await.unwrap();
    let lock = "SELECT id FROM partners WHERE ecosystem = 'acme' FOR UPDATE";
    let locked = sqlx::query(lock).execute(&mut *held).await.unwrap();
    assert_eq!(locked.rows_affected(), 1);
    let invited = world.partners().invite_partner(invite.clone()).await;
    refused(invited, Code::Aborted, "CONTENDED");

    held.rollback().await.unwrap();
    let invited = world.partners().invite_partner(invite).await.unwrap();
    assert_eq!(invited.into_inner().state(), pb::partner::State::Invited);
    somebody.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let soon = [("database-lock-timeout", "50ms")];
    run(
        Engine::Postgres,
        &soon,
        a_row_that_somebody_else_holds_is_contended,
    )
    .await;
}
