//! What surrounds a registration is read in one statement and as JSON, and is the same as if each row were
//! read by itself.

use trellis_core::{
    AccountId, Currency, FamilyId, HouseAccountId, PartnerId, ProductId, Timestamp,
};
use trellis_store::deal::house_account::{self, Families, Territories};
use trellis_store::deal::registration::Products;
use trellis_store::deal::surroundings::{self, Asked, Surroundings};
use trellis_store::deal::{product, submission};
use trellis_store::{Error, View, record};

use crate::on_both;
use crate::support::call;

fn product(id: &str) -> ProductId {
    ProductId::try_new(id).unwrap()
}

fn account(id: &str) -> AccountId {
    AccountId::try_new(id).unwrap()
}

/// A product with the largest price, texts that JSON writes otherwise, and nothing left out.
fn full(view: &View) -> product::Model {
    product::Model {
        ecosystem: view.ecosystem().clone(),
        id: product("full"),
        display_name: "\"Tür\" \\ 門\u{1f6aa}\n".to_owned(),
        product_family: Some(FamilyId::try_new("doors").unwrap()),
        sku: Some(String::new()),
        list_price_minor: Some(i64::MAX),
        list_price_currency: Some(Currency::try_new("JPY").unwrap()),
        external_id: Some("null".to_owned()),
        version: 1,
        create_time: view.now(),
        update_time: Timestamp::from_micros(0),
    }
}

fn bare(view: &View) -> product::Model {
    product::Model {
        id: product("bare"),
        product_family: None,
        sku: None,
        list_price_minor: None,
        list_price_currency: None,
        external_id: None,
        ..full(view)
    }
}

fn house(view: &View) -> house_account::Model {
    house_account::Model {
        ecosystem: view.ecosystem().clone(),
        id: HouseAccountId::try_new("kept").unwrap(),
        account: account("acme"),
        program: None,
        products: Products(vec![product("full"), product("bare")]),
        product_families: Families::default(),
        territories: Territories::default(),
        note: Some("[\"not JSON\"]".to_owned()),
        valid_from_time: None,
        valid_until_time: Some(view.now()),
        version: 1,
        create_time: view.now(),
        update_time: view.now(),
    }
}

on_both! {
    async fn rows_that_are_read_together_are_those_that_are_read_alone(fixture: Fixture) {
        let added = fixture.store.write(call("acme"), (), |txn, ()| async move {
            record::insert::<product::Entity>(&txn, full(&txn)).await?;
            record::insert::<product::Entity>(&txn, bare(&txn)).await?;
            record::insert::<house_account::Entity>(&txn, house(&txn)).await?;
            Ok::<(), Error>(())
        });
        added.await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let partner = PartnerId::try_new("nimbus").unwrap();
        let asked = Asked {
            customer: &[account("acme")],
            accounts: &[account("acme"), account("zen")],
            products: &[product("full"), product("bare"), product("nothing")],
            changed_since: view.now(),
            won_since: view.now(),
            submissions: submission::Asked {
                partner: &partner,
                keys: &["domain:acme.com".to_owned()],
                since: view.now(),
                spent: true,
                last: 20,
            },
        };
        let Surroundings { houses, direct, won, products, before, submissions } =
            surroundings::of(&view, &asked).await.unwrap();
        assert_eq!(houses, [house(&view)]);
        assert_eq!(products, [bare(&view), full(&view)]);
        let alone = record::find_many::<product::Entity>(&view, asked.products.to_vec()).await;
        assert_eq!(alone.unwrap(), products);
        assert!(direct.is_empty() && won.is_empty() && before.is_empty());
        assert_eq!(submissions, submission::History::default());

        fixture.found("rival", false).await;
        let rival = fixture.store.read(&call("rival")).await.unwrap();
        let theirs = surroundings::of(&rival, &asked).await.unwrap();
        assert!(theirs.houses.is_empty() && theirs.products.is_empty());
    }
}
