//! The imports of `CatalogService`.

use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type::Money;
use trellis_api::rpc::v1::RowOutcome;
use trellis_api::rpc::v1::row_outcome::Result as Became;
use trellis_tests::{World, on_both};

use super::outcomes::{became, counts, wrong};

/// Row number, external id, display name, family, price.
type Brought<'a> = (i64, &'a str, &'a str, &'a str, i64);

const CARDS: [Brought<'static>; 4] = [
    (2, "p1", "GTX Basic", "GTX", 550),
    (3, "p2", "GTX Pro", "GTX", 4_821),
    (4, "p3", "MG Special", "MG", 55),
    (5, "p4", "Loose", "", 7),
];

fn product((row_number, external_id, name, family, price): Brought<'_>) -> pb::ImportProductRow {
    pb::ImportProductRow {
        row_number,
        product: Some(pb::Product {
            display_name: name.to_owned(),
            external_id: external_id.to_owned(),
            sku: format!("sku-{external_id}"),
            list_price: Some(Money {
                currency_code: "USD".to_owned(),
                units: price,
                nanos: 0,
            }),
            ..pb::Product::default()
        }),
        product_family_display_name: family.to_owned(),
    }
}

async fn products(
    world: &World,
    rows: Vec<pb::ImportProductRow>,
    validate_only: bool,
) -> Vec<RowOutcome> {
    let message = pb::ImportProductsRequest {
        parent: "ecosystems/acme".to_owned(),
        rows,
        validate_only,
    };
    let messages = tokio_stream::iter([message]);
    let answers = world.catalog().import_products(messages).await.unwrap();
    let mut answers = answers.into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    assert_eq!(
        answers.message().await.unwrap(),
        None,
        "one answer for each message"
    );
    answer.outcomes
}

async fn listed(world: &World) -> Vec<pb::Product> {
    let request = pb::ListProductsRequest {
        parent: "ecosystems/acme".to_owned(),
        order_by: "display_name".to_owned(),
        ..pb::ListProductsRequest::default()
    };
    let page = world.catalog().list_products(request).await.unwrap();
    page.into_inner().products
}

async fn families(world: &World) -> Vec<(String, String)> {
    let request = pb::ListProductFamiliesRequest {
        parent: "ecosystems/acme".to_owned(),
        order_by: "display_name".to_owned(),
        ..pb::ListProductFamiliesRequest::default()
    };
    let page = world
        .catalog()
        .list_product_families(request)
        .await
        .unwrap();
    let families = page.into_inner().product_families.into_iter();
    families
        .map(|family| (family.display_name, family.name))
        .collect()
}

fn territory(row_number: i64, external_id: &str, parent: &str) -> pb::ImportTerritoryRow {
    pb::ImportTerritoryRow {
        row_number,
        territory: Some(pb::Territory {
            display_name: external_id.to_uppercase(),
            external_id: external_id.to_owned(),
            ..pb::Territory::default()
        }),
        parent_external_id: parent.to_owned(),
    }
}

async fn territories(world: &World, rows: Vec<pb::ImportTerritoryRow>) -> Vec<RowOutcome> {
    let message = pb::ImportTerritoriesRequest {
        parent: "ecosystems/acme".to_owned(),
        rows,
        validate_only: false,
    };
    let messages = tokio_stream::iter([message]);
    let answers = world.catalog().import_territories(messages).await.unwrap();
    answers
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap()
        .outcomes
}

/// Each territory with the one around it, by external id.
async fn map(world: &World) -> Vec<(String, String)> {
    let request = pb::ListTerritoriesRequest {
        parent: "ecosystems/acme".to_owned(),
        order_by: "display_name".to_owned(),
        ..pb::ListTerritoriesRequest::default()
    };
    let all = world
        .catalog()
        .list_territories(request)
        .await
        .unwrap()
        .into_inner()
        .territories;
    let around = |name: &str| {
        let outer = all.iter().find(|outer| outer.name == name);
        outer.map_or_else(String::new, |outer| outer.external_id.clone())
    };
    all.iter()
        .map(|inner| (inner.external_id.clone(), around(&inner.parent_territory)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

on_both! {
    async fn products_come_with_their_families_and_again_change_nothing(world: World) {
        world.ecosystem("acme").await;
        let rows = || CARDS.map(product).to_vec();
        let first = products(&world, rows(), false).await;
        assert_eq!(counts(&first), [4, 0, 0, 0]);
        let numbers: Vec<_> = first.iter().map(|row| (row.row_number, &*row.external_id)).collect();
        assert_eq!(numbers, [(2, "p1"), (3, "p2"), (4, "p3"), (5, "p4")]);

        let families = families(&world).await;
        let names: Vec<_> = families.iter().map(|(display_name, _)| display_name).collect();
        assert_eq!(names, ["GTX", "MG"]);
        let all = listed(&world).await;
        let found: Vec<_> =
            all.iter().map(|product| (&*product.display_name, &*product.product_family)).collect();
        let (gtx, mg) = (families[0].1.as_str(), families[1].1.as_str());
        assert_eq!(
            found,
            [("GTX Basic", gtx), ("GTX Pro", gtx), ("Loose", ""), ("MG Special", mg)]
        );
        assert_eq!(all[0].name, first[0].name);

        let second = products(&world, rows(), false).await;
        assert_eq!(counts(&second), [0, 0, 4, 0]);
        assert_eq!(listed(&world).await, all);
        let names = |outcomes: &[RowOutcome]| -> Vec<String> {
            outcomes.iter().map(|row| row.name.clone()).collect()
        };
        assert_eq!(names(&second), names(&first));
    }

    async fn a_row_that_says_otherwise_changes_its_product(world: World) {
        world.ecosystem("acme").await;
        let first = products(&world, CARDS.map(product).to_vec(), false).await;
        let dearer = product((2, "p1", "GTX Basic", "MG", 600));
        let second = products(&world, vec![dearer, product(CARDS[1])], false).await;
        assert_eq!(became(&second), [Became::Updated, Became::Unchanged]);
        assert_eq!(second[0].name, first[0].name);
        let all = listed(&world).await;
        assert_eq!(all[0].list_price.as_ref().unwrap().units, 600);
        assert_eq!(all[0].product_family, families(&world).await[1].1);
    }

    async fn a_rejected_row_changes_nothing_and_stops_nothing(world: World) {
        world.ecosystem("acme").await;
        products(&world, vec![product(CARDS[0])], false).await;
        let nameless = product((7, "", "Nameless", "New", 1));
        let mut negative = product((8, "p8", "", "New", -1));
        negative.product.as_mut().unwrap().sku = "x".repeat(101);
        let mut clash = product((9, "p9", "Clash", "New", 1));
        clash.product.as_mut().unwrap().sku = "sku-p1".to_owned();
        let mut twice = product((10, "p10", "Twice", "GTX", 1));
        twice.product.as_mut().unwrap().product_family =
            "ecosystems/acme/productFamilies/gtx".to_owned();
        let mut lost = product((11, "p11", "Lost", "", 1));
        lost.product.as_mut().unwrap().product_family =
            "ecosystems/acme/productFamilies/nowhere".to_owned();
        let good = product(CARDS[1]);
        let bad = pb::ImportProductRow { row_number: -1, ..pb::ImportProductRow::default() };
        let rows = vec![nameless, negative, clash, twice, lost, bad, good];
        let outcomes = products(&world, rows, false).await;
        assert_eq!(wrong(&outcomes[0]), [("product.external_id", "required")]);
        let mut second = wrong(&outcomes[1]);
        second.sort_unstable();
        assert_eq!(
            second,
            [
                ("product.display_name", "string.min_len"),
                ("product.list_price", "money.gte_zero"),
                ("product.sku", "string.max_len"),
            ]
        );
        assert_eq!(wrong(&outcomes[2]), [("product.sku", "unique")]);
        assert_eq!(wrong(&outcomes[3]), [("product_family_display_name", "exclusive")]);
        assert_eq!(wrong(&outcomes[4]), [("product.product_family", "reference")]);
        assert_eq!(wrong(&outcomes[5]).len(), 2, "{:?}", outcomes[5]);
        assert_eq!(outcomes[6].result(), Became::Created);

        let names: Vec<_> = listed(&world).await.into_iter().map(|row| row.display_name).collect();
        assert_eq!(names, ["GTX Basic", "GTX Pro"]);
        let families = families(&world).await;
        assert_eq!(families.len(), 1, "a rejected row makes no family: {families:?}");
    }

    async fn order_numbers_may_be_handed_on_within_a_message(world: World) {
        world.ecosystem("acme").await;
        products(&world, CARDS.map(product).to_vec(), false).await;
        let with_sku = |brought, sku: &str| {
            let mut row = product(brought);
            row.product.as_mut().unwrap().sku = sku.to_owned();
            row
        };
        let rows = vec![
            with_sku(CARDS[0], "new"),
            with_sku(CARDS[1], "sku-p1"),
            with_sku(CARDS[2], "sku-p1"),
            with_sku((9, "p9", "Ninth", "", 1), "sku-p2"),
        ];
        let outcomes = products(&world, rows, false).await;
        assert_eq!(counts(&outcomes), [1, 2, 0, 1]);
        assert_eq!(wrong(&outcomes[2]), [("product.sku", "unique")]);
        let skus: Vec<_> = listed(&world).await.into_iter().map(|row| row.sku).collect();
        assert_eq!(skus, ["new", "sku-p1", "sku-p4", "sku-p3", "sku-p2"]);
    }

    async fn trying_an_import_changes_nothing(world: World) {
        world.ecosystem("acme").await;
        let outcomes = products(&world, CARDS.map(product).to_vec(), true).await;
        assert_eq!(counts(&outcomes), [4, 0, 0, 0]);
        assert_eq!(listed(&world).await, []);
        assert_eq!(families(&world).await, []);
    }

    async fn the_same_rows_sent_by_many_at_once_come_once(world: World) {
        world.ecosystem("acme").await;
        let senders = (0..8).map(|_| products(&world, CARDS.map(product).to_vec(), false));
        let answers = futures::future::join_all(senders).await;
        let all: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(counts(&all), [4, 0, 28, 0]);
        assert_eq!(listed(&world).await.len(), 4);
        assert_eq!(families(&world).await.len(), 2);
    }

    async fn territories_come_in_any_order_within_a_message(world: World) {
        world.ecosystem("acme").await;
        let rows = || {
            vec![
                territory(1, "bay", "west"),
                territory(2, "central", ""),
                territory(3, "west", "world"),
                territory(4, "world", ""),
            ]
        };
        let first = territories(&world, rows()).await;
        assert_eq!(counts(&first), [4, 0, 0, 0]);
        let order: Vec<_> = first.iter().map(|row| &*row.external_id).collect();
        assert_eq!(order, ["bay", "central", "west", "world"], "outcomes stand as the rows stood");
        let expected = [("bay", "west"), ("central", ""), ("west", "world"), ("world", "")];
        assert_eq!(map(&world).await, pairs(&expected));
        assert_eq!(counts(&territories(&world, rows()).await), [0, 0, 4, 0]);

        let moved = vec![territory(1, "bay", "central"), territory(2, "west", "")];
        assert_eq!(counts(&territories(&world, moved).await), [0, 2, 0, 0]);
        let expected = [("bay", "central"), ("central", ""), ("west", ""), ("world", "")];
        assert_eq!(map(&world).await, pairs(&expected));
    }

    async fn a_territory_whose_parent_is_nowhere_or_within_it_is_rejected(world: World) {
        world.ecosystem("acme").await;
        territories(&world, vec![territory(1, "world", ""), territory(2, "west", "world")]).await;
        let rows = vec![
            territory(3, "lost", "nowhere"),
            territory(4, "world", "bay"),
            territory(5, "bay", "west"),
            territory(6, "self", "self"),
        ];
        let outcomes = territories(&world, rows).await;
        assert_eq!(wrong(&outcomes[0]), [("parent_external_id", "reference")]);
        assert_eq!(wrong(&outcomes[1]), [("territory.parent_territory", "cycle")]);
        let shown = &outcomes[1].violations[0].description;
        assert_eq!(shown.matches(" in ").count(), 3, "{shown}");
        assert_eq!(outcomes[2].result(), Became::Created);
        assert_eq!(wrong(&outcomes[3]), [("parent_external_id", "reference")]);
        let expected = [("bay", "west"), ("west", "world"), ("world", "")];
        assert_eq!(map(&world).await, pairs(&expected));
    }
}
