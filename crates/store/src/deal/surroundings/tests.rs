use sea_orm::{DatabaseBackend, Statement};
use trellis_core::{AccountId, PartnerId};

use super::*;
use crate::deal::contender;
use crate::query_plan::plan;
use crate::support::{Fixture, call, postgres, sqlite};

async fn view(fixture: &Fixture) -> View {
    fixture.store.read(&call("acme")).await.unwrap()
}

/// The statements that ask about so many accounts of a customer.
fn statements(view: &View, accounts: usize) -> [Statement; 2] {
    let named = |number| AccountId::try_new(&format!("a{number}")).unwrap();
    let accounts: Vec<AccountId> = (0..accounts).map(named).collect();
    let partner = PartnerId::try_new("nimbus").unwrap();
    let asked = Asked {
        customer: &accounts,
        accounts: &accounts,
        products: &[ProductId::try_new("doors").unwrap()],
        changed_since: view.now(),
        won_since: view.now(),
        submissions: submission::Asked {
            partner: &partner,
            keys: &["domain:one.example".to_owned()],
            since: view.now(),
            spent: true,
            last: 10,
        },
    };
    let standing = contender::standing(view, &accounts.iter().cloned().collect());
    let standing = view.db().get_database_backend().build(&standing);
    [asked.statement(view), standing]
}

fn assert_one_text(view: &View) {
    for (one, three) in statements(view, 1).into_iter().zip(statements(view, 3)) {
        assert_eq!(one.sql, three.sql);
        assert_ne!(one.values, three.values);
    }
}

#[tokio::test]
async fn however_many_accounts_there_are_the_statements_are_the_same() {
    assert_one_text(&view(&sqlite().await).await);
    if let Some(fixture) = postgres().await {
        let view = view(&fixture).await;
        assert_eq!(view.db().get_database_backend(), DatabaseBackend::Postgres);
        assert_one_text(&view);
    }
}

#[tokio::test]
async fn each_account_is_looked_up_in_an_index_of_accounts() {
    let fixture = sqlite().await;
    let view = view(&fixture).await;
    let [around, standing] = statements(&view, 2);
    let plan = [plan(&view, around).await, plan(&view, standing).await].concat();
    for index in [
        "house_accounts_account (ecosystem=? AND account=?)",
        "accounts_merged (ecosystem=? AND merged_into=?)",
        "deals_account (ecosystem=? AND account=?)",
        "registrations_decided (ecosystem=? AND partner=? AND account=?)",
        "registrations_contending (ecosystem=? AND account=?)",
    ] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
    assert!(!plan.contains("(ecosystem=?)\n"), "{plan}");
}
