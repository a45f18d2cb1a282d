//! `CatalogService`, without its imports.

use std::ops::Deref;

use prost_types::FieldMask;
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type::Money;
use trellis_api::platform::v1::ListEventsRequest;
use trellis_tests::{World, on_both, refused};

/// An ecosystem with the family `gtx`.
struct Shop {
    world: World,
    acme: String,
}

impl Deref for Shop {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

const REQUEST_ID: &str = "7d0c1f8e-64e3-4d3a-9f0d-1b8e0f5a2c11";

fn euros(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "EUR".to_owned(),
        units,
        nanos: 0,
    })
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Some(FieldMask { paths })
}

fn product(display_name: &str) -> pb::Product {
    pb::Product {
        display_name: display_name.to_owned(),
        ..pb::Product::default()
    }
}

fn territory(display_name: &str, parent: &str) -> pb::Territory {
    pb::Territory {
        display_name: display_name.to_owned(),
        parent_territory: parent.to_owned(),
        ..pb::Territory::default()
    }
}

impl Shop {
    async fn open(world: World) -> Self {
        let acme = world.ecosystem("acme").await;
        let shop = Self { world, acme };
        shop.family("gtx", "GTX").await.unwrap();
        shop
    }

    fn gtx(&self) -> String {
        format!("{}/productFamilies/gtx", self.acme)
    }

    async fn family(
        &self,
        id: &str,
        display_name: &str,
    ) -> Result<Response<pb::ProductFamily>, Status> {
        let request = pb::CreateProductFamilyRequest {
            parent: self.acme.clone(),
            product_family_id: id.to_owned(),
            product_family: Some(pb::ProductFamily {
                display_name: display_name.to_owned(),
                ..pb::ProductFamily::default()
            }),
            ..pb::CreateProductFamilyRequest::default()
        };
        self.catalog().create_product_family(request).await
    }

    fn creating(&self, id: &str, product: pb::Product) -> pb::CreateProductRequest {
        pb::CreateProductRequest {
            parent: self.acme.clone(),
            product_id: id.to_owned(),
            product: Some(product),
            ..pb::CreateProductRequest::default()
        }
    }

    async fn product(
        &self,
        id: &str,
        product: pb::Product,
    ) -> Result<Response<pb::Product>, Status> {
        let request = self.creating(id, product);
        self.catalog().create_product(request).await
    }

    async fn update(
        &self,
        product: pb::Product,
        update_mask: Option<FieldMask>,
    ) -> Result<Response<pb::Product>, Status> {
        let request = pb::UpdateProductRequest {
            product: Some(product),
            update_mask,
            ..pb::UpdateProductRequest::default()
        };
        self.catalog().update_product(request).await
    }

    async fn read(&self, name: &str) -> Result<Response<pb::Product>, Status> {
        let name = name.to_owned();
        let request = pb::GetProductRequest { name };
        self.catalog().get_product(request).await
    }

    /// The products that a filter lets pass, by display name, read in pages of two.
    async fn listed(&self, filter: &str, order_by: &str) -> Vec<String> {
        let mut request = pb::ListProductsRequest {
            parent: self.acme.clone(),
            page_size: 2,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListProductsRequest::default()
        };
        let mut names = Vec::new();
        loop {
            let page = self.catalog().list_products(request.clone()).await.unwrap();
            let page = page.into_inner();
            assert!(page.products.len() <= 2);
            names.extend(
                page.products
                    .into_iter()
                    .map(|product| product.display_name),
            );
            if page.next_page_token.is_empty() {
                return names;
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn territory(
        &self,
        id: &str,
        territory: pb::Territory,
    ) -> Result<Response<pb::Territory>, Status> {
        let request = pb::CreateTerritoryRequest {
            parent: self.acme.clone(),
            territory_id: id.to_owned(),
            territory: Some(territory),
            ..pb::CreateTerritoryRequest::default()
        };
        self.catalog().create_territory(request).await
    }

    fn territory_name(&self, id: &str) -> String {
        format!("{}/territories/{id}", self.acme)
    }

    /// Puts a territory into another one; an empty id takes it out.
    async fn put(&self, id: &str, into: &str) -> Result<Response<pb::Territory>, Status> {
        let parent = if into.is_empty() {
            String::new()
        } else {
            self.territory_name(into)
        };
        let request = pb::UpdateTerritoryRequest {
            territory: Some(pb::Territory {
                name: self.territory_name(id),
                parent_territory: parent,
                ..pb::Territory::default()
            }),
            update_mask: mask(&["parent_territory"]),
            ..pb::UpdateTerritoryRequest::default()
        };
        self.catalog().update_territory(request).await
    }

    /// Kind and resource of every event of the catalogue up to an answer's, oldest first.
    async fn events<T>(&self, last: &Response<T>) -> Vec<(String, String)> {
        let request = ListEventsRequest {
            parent: self.acme.clone(),
            page_size: 1_000,
            ..ListEventsRequest::default()
        };
        let reader = self.after(last);
        let events = reader.events().list_events(request).await.unwrap();
        let events = events.into_inner().events.into_iter();
        let events = events.filter(|event| !event.r#type.starts_with("ecosystem."));
        events.map(|event| (event.r#type, event.resource)).collect()
    }
}

on_both! {
    async fn a_product_is_read_as_it_was_created(world: World) {
        let shop = Shop::open(world).await;
        let given = pb::Product {
            name: "is ignored".to_owned(),
            product_family: shop.gtx(),
            sku: "GTX-P-1".to_owned(),
            list_price: euros(4_821),
            external_id: "crm-7".to_owned(),
            ..product("GTX Pro")
        };
        let created = shop.product("gtx-pro", given.clone()).await.unwrap().into_inner();
        assert_eq!(created.name, "ecosystems/acme/products/gtx-pro");
        assert!(created.create_time.is_some());
        assert_eq!(created.etag, "\"1\"");
        let expected = pb::Product {
            name: created.name.clone(),
            create_time: created.create_time,
            update_time: created.update_time,
            etag: created.etag.clone(),
            ..given
        };
        assert_eq!(created, expected);
        assert_eq!(shop.read(&created.name).await.unwrap().into_inner(), created);

        let made = shop.product("", product("GTX Basic")).await.unwrap().into_inner();
        assert_eq!(made.name.len(), "ecosystems/acme/products/".len() + 36);
        assert_eq!((made.product_family.as_str(), made.list_price), ("", None));
    }

    async fn everything_wrong_with_a_product_is_told_at_once(world: World) {
        let shop = Shop::open(world).await;
        let wrong = pb::Product {
            product_family: "ecosystems/other/productFamilies/gtx".to_owned(),
            sku: "x".repeat(101),
            list_price: euros(-1),
            ..product("")
        };
        let request = shop.creating("Not-An-Id", wrong);
        let answer = shop.catalog().create_product(request).await;
        let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refused.fields();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "product.display_name",
                "product.list_price",
                "product.product_family",
                "product.sku",
                "product_id",
            ]
        );
    }

    async fn a_price_finer_than_its_currency_is_refused_and_not_rounded(world: World) {
        let shop = Shop::open(world).await;
        let list_price = Some(Money { nanos: 1_000_000, ..euros(1).unwrap() });
        let answer = shop.product("x", pb::Product { list_price, ..product("X") }).await;
        let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(refused.fields(), ["product.list_price.nanos"]);
    }

    async fn what_does_not_exist_is_not_found(world: World) {
        let shop = Shop::open(world).await;
        let nowhere = "ecosystems/acme/products/nowhere";
        refused(shop.read(nowhere).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", nowhere);
        let renamed = pb::Product { name: nowhere.to_owned(), ..product("X") };
        refused(shop.update(renamed, None).await, Code::NotFound, "RESOURCE_NOT_FOUND");

        let family = "ecosystems/acme/productFamilies/nowhere".to_owned();
        let lost = pb::Product { product_family: family.clone(), ..product("Lost") };
        refused(shop.product("lost", lost).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &family);
        let made = shop.product("made", product("Made")).await.unwrap().into_inner();
        let moved = pb::Product { product_family: family, ..made };
        let answer = shop.update(moved, mask(&["product_family"])).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");

        let elsewhere = pb::ListProductsRequest {
            parent: "ecosystems/nowhere".to_owned(),
            ..pb::ListProductsRequest::default()
        };
        let answer = shop.catalog().list_products(elsewhere).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn the_products_of_another_ecosystem_are_not_seen(world: World) {
        let shop = Shop::open(world).await;
        shop.ecosystem("rival").await;
        shop.product("gtx-pro", product("GTX Pro")).await.unwrap();
        let answer = shop.read("ecosystems/rival/products/gtx-pro").await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        let request = pb::ListProductsRequest {
            parent: "ecosystems/rival".to_owned(),
            ..pb::ListProductsRequest::default()
        };
        let page = shop.catalog().list_products(request).await.unwrap().into_inner();
        assert_eq!(page.products, []);
    }

    async fn ids_order_numbers_and_external_ids_are_given_once(world: World) {
        let shop = Shop::open(world).await;
        let first = pb::Product {
            sku: "S-1".to_owned(),
            external_id: "crm-1".to_owned(),
            ..product("First")
        };
        shop.product("first", first.clone()).await.unwrap();
        let second = shop.product("second", product("Second")).await.unwrap().into_inner();

        let taken = |answer, resource: &str, field| {
            refused(answer, Code::AlreadyExists, "RESOURCE_EXISTS")
                .tells("resource", resource)
                .tells("field", field);
        };
        taken(shop.product("first", product("X")).await, "ecosystems/acme/products/first", "id");
        for (field, clash) in [
            ("sku", pb::Product { external_id: String::new(), ..first.clone() }),
            ("external_id", pb::Product { sku: String::new(), ..first.clone() }),
        ] {
            let answer = shop.product("third", clash.clone()).await;
            taken(answer, "ecosystems/acme/products/third", field);
            let answer = shop.update(pb::Product { name: second.name.clone(), ..clash }, None).await;
            taken(answer, &second.name, field);
        }
        // Nothing is shared by having neither.
        shop.product("third", product("First")).await.unwrap();
    }

    async fn a_family_s_display_name_is_its_own(world: World) {
        let shop = Shop::open(world).await;
        refused(shop.family("other", "GTX").await, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("field", "display_name");
        let mg = shop.family("mg", "MG").await.unwrap().into_inner();
        let request = pb::UpdateProductFamilyRequest {
            product_family: Some(pb::ProductFamily { display_name: "GTX".to_owned(), ..mg }),
            ..pb::UpdateProductFamilyRequest::default()
        };
        let answer = shop.catalog().update_product_family(request).await;
        refused(answer, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("resource", "ecosystems/acme/productFamilies/mg");
    }

    async fn an_update_changes_what_its_mask_covers_and_nothing_else(world: World) {
        let shop = Shop::open(world).await;
        let made = pb::Product {
            product_family: shop.gtx(),
            sku: "S-1".to_owned(),
            list_price: euros(10),
            external_id: "crm-1".to_owned(),
            ..product("First")
        };
        let made = shop.product("first", made).await.unwrap().into_inner();

        // What the mask leaves alone is not looked at, however wrong it is.
        let wrong = pb::Product {
            name: made.name.clone(),
            sku: "S-2".to_owned(),
            product_family: "nonsense".to_owned(),
            list_price: euros(-5),
            ..pb::Product::default()
        };
        let after = shop.update(wrong, mask(&["sku"])).await.unwrap().into_inner();
        assert_eq!(after.etag, "\"2\"");
        let expected = pb::Product {
            sku: "S-2".to_owned(),
            etag: after.etag.clone(),
            update_time: after.update_time,
            ..made.clone()
        };
        assert_eq!(after, expected);

        // Without a mask: what is set.
        let priced = pb::Product {
            name: made.name.clone(),
            list_price: euros(11),
            ..pb::Product::default()
        };
        let after = shop.update(priced, None).await.unwrap().into_inner();
        assert_eq!(after.list_price, euros(11));
        assert_eq!((after.display_name.as_str(), after.sku.as_str()), ("First", "S-2"));

        // `*`: everything, and what is not set is emptied.
        let bare = pb::Product { name: made.name.clone(), ..product("Bare") };
        let after = shop.update(bare, mask(&["*"])).await.unwrap().into_inner();
        let expected = pb::Product {
            name: made.name,
            create_time: made.create_time,
            update_time: after.update_time,
            etag: "\"4\"".to_owned(),
            ..product("Bare")
        };
        assert_eq!(after, expected);
    }

    async fn an_update_that_cannot_be_is_refused_with_its_fields(world: World) {
        let shop = Shop::open(world).await;
        let made = shop.product("first", product("First")).await.unwrap().into_inner();
        let wrong = pb::Product {
            display_name: String::new(),
            product_family: "nonsense".to_owned(),
            list_price: euros(-1),
            ..made.clone()
        };
        let answer = shop.update(wrong, mask(&["*"])).await;
        let refusal = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refusal.fields();
        fields.sort_unstable();
        let expected = ["product.display_name", "product.list_price", "product.product_family"];
        assert_eq!(fields, expected);
        let answer = shop.update(made, mask(&["colour"])).await;
        let refusal = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert!(refusal.fields().iter().all(|field| field.starts_with("update_mask")));
    }

    async fn a_change_of_what_has_changed_is_refused(world: World) {
        let shop = Shop::open(world).await;
        let read = shop.product("first", product("First")).await.unwrap().into_inner();
        let renamed = pb::Product { display_name: "Mine".to_owned(), ..read.clone() };
        shop.update(renamed, mask(&["display_name"])).await.unwrap();
        let late = pb::Product { display_name: "Late".to_owned(), ..read.clone() };
        let answer = shop.update(late, mask(&["display_name"])).await;
        refused(answer, Code::Aborted, "ETAG_MISMATCH").tells("resource", &read.name);
        let now = shop.read(&read.name).await.unwrap().into_inner();
        assert_eq!(now.display_name, "Mine");
    }

    async fn creating_twice_with_one_request_id_is_one_product(world: World) {
        let shop = Shop::open(world).await;
        let mut request = shop.creating("", product("First"));
        request.request_id = REQUEST_ID.to_owned();
        let first = shop.catalog().create_product(request.clone()).await.unwrap().into_inner();
        let second = shop.catalog().create_product(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(shop.listed("", "").await, ["First"]);
        request.product = Some(product("Second"));
        let answer = shop.catalog().create_product(request).await;
        refused(answer, Code::InvalidArgument, "REQUEST_ID_REUSED");
    }

    async fn asking_whether_it_would_go_changes_nothing(world: World) {
        let shop = Shop::open(world).await;
        let mut request = shop.creating("first", product("First"));
        request.validate_only = true;
        let answer = shop.catalog().create_product(request).await.unwrap().into_inner();
        assert_eq!(answer.name, "ecosystems/acme/products/first");
        refused(shop.read(&answer.name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let next = shop.product("next", product("Next")).await.unwrap();
        let events = shop.events(&next).await;
        let created: Vec<_> = events.iter().map(|(_, resource)| resource.as_str()).collect();
        assert_eq!(created, [shop.gtx().as_str(), "ecosystems/acme/products/next"]);
    }

    async fn lists_are_filtered_ordered_and_paged(world: World) {
        let shop = Shop::open(world).await;
        for (id, name, family) in
            [("a", "Delta", true), ("b", "Alpha", false), ("c", "Echo", true), ("d", "Bravo", true)]
        {
            let product_family = if family { shop.gtx() } else { String::new() };
            let sku = format!("S-{id}");
            let made = pb::Product { product_family, sku, ..product(name) };
            shop.product(id, made).await.unwrap();
        }
        assert_eq!(shop.listed("", "").await, ["Delta", "Alpha", "Echo", "Bravo"]);
        assert_eq!(shop.listed("", "display_name").await, ["Alpha", "Bravo", "Delta", "Echo"]);
        let gtx = format!("product_family = \"{}\"", shop.gtx());
        assert_eq!(shop.listed(&gtx, "display_name desc").await, ["Echo", "Delta", "Bravo"]);
        assert_eq!(shop.listed(&format!("NOT {gtx}"), "").await, ["Alpha"]);
        assert_eq!(shop.listed("sku = \"S-c\"", "").await, ["Echo"]);

        let request = pb::ListProductsRequest {
            parent: shop.acme.clone(),
            filter: "colour = \"red\"".to_owned(),
            order_by: "sku".to_owned(),
            page_token: "x".to_owned(),
            ..pb::ListProductsRequest::default()
        };
        let answer = shop.catalog().list_products(request).await;
        let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(refused.fields(), ["filter", "order_by", "page_token"]);
    }

    async fn families_and_territories_are_read_listed_and_changed(world: World) {
        let shop = Shop::open(world).await;
        shop.family("mg", "MG").await.unwrap();
        let request = pb::UpdateProductFamilyRequest {
            product_family: Some(pb::ProductFamily {
                name: shop.gtx(),
                description: "Cards".to_owned(),
                external_id: "series-1".to_owned(),
                ..pb::ProductFamily::default()
            }),
            ..pb::UpdateProductFamilyRequest::default()
        };
        let updated = shop.catalog().update_product_family(request).await.unwrap().into_inner();
        assert_eq!(updated.display_name, "GTX");
        let request = pb::GetProductFamilyRequest { name: shop.gtx() };
        let read = shop.catalog().get_product_family(request).await.unwrap().into_inner();
        assert_eq!(read, updated);
        let request = pb::ListProductFamiliesRequest {
            parent: shop.acme.clone(),
            filter: "external_id = \"series-1\"".to_owned(),
            ..pb::ListProductFamiliesRequest::default()
        };
        let page = shop.catalog().list_product_families(request).await.unwrap().into_inner();
        assert_eq!(page.product_families, [updated]);

        let west = pb::Territory {
            region_codes: vec!["US-CA".to_owned(), "MX".to_owned()],
            ..territory("West", "")
        };
        let west = shop.territory("west", west).await.unwrap().into_inner();
        assert_eq!(west.region_codes, ["US-CA", "MX"]);
        let bay = shop.territory("bay", territory("Bay", &west.name)).await.unwrap().into_inner();
        let request = pb::ListTerritoriesRequest {
            parent: shop.acme.clone(),
            filter: format!("parent_territory = \"{}\"", west.name),
            ..pb::ListTerritoriesRequest::default()
        };
        let page = shop.catalog().list_territories(request).await.unwrap().into_inner();
        assert_eq!(page.territories, std::slice::from_ref(&bay));
        let request = pb::GetTerritoryRequest { name: bay.name.clone() };
        let read = shop.catalog().get_territory(request).await.unwrap().into_inner();
        assert_eq!(read, bay);
    }

    async fn a_territory_s_places_are_codes_each_once(world: World) {
        let shop = Shop::open(world).await;
        for codes in [vec!["Germany"], vec!["DE", "DE"], vec!["de"], vec!["US-"]] {
            let codes = codes.into_iter().map(str::to_owned).collect();
            let wrong = pb::Territory { region_codes: codes, ..territory("X", "") };
            let answer = shop.territory("x", wrong).await;
            let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
            assert!(refused.fields()[0].starts_with("territory.region_codes"), "{refused:?}");
        }
    }

    async fn a_territory_never_lies_within_itself(world: World) {
        let shop = Shop::open(world).await;
        let name = |id: &str| shop.territory_name(id);
        shop.territory("world", territory("World", "")).await.unwrap();
        shop.territory("west", territory("West", &name("world"))).await.unwrap();
        shop.territory("bay", territory("Bay", &name("west"))).await.unwrap();
        let path = [name("world"), name("bay"), name("west"), name("world")].join(",");
        refused(shop.put("world", "bay").await, Code::FailedPrecondition, "CYCLE")
            .tells("resource", &name("world"))
            .tells("path", &path);
        let path = [name("bay"), name("bay")].join(",");
        refused(shop.put("bay", "bay").await, Code::FailedPrecondition, "CYCLE")
            .tells("path", &path);
        refused(shop.put("bay", "nowhere").await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &name("nowhere"));
        let lost = territory("Lost", &name("nowhere"));
        refused(shop.territory("lost", lost).await, Code::NotFound, "RESOURCE_NOT_FOUND");

        // Once it is no longer in the way, the same move goes.
        shop.put("west", "").await.unwrap();
        let moved = shop.put("world", "bay").await.unwrap().into_inner();
        assert_eq!(moved.parent_territory, name("bay"));
    }

    async fn of_moves_at_once_that_would_close_a_circle_all_but_one_happen(world: World) {
        let shop = Shop::open(world).await;
        let ids = ["a", "b", "c", "d"];
        for round in 0..5 {
            for id in ids {
                let id = format!("{id}{round}");
                shop.territory(&id, territory(&id, "")).await.unwrap();
            }
            let moves = (0..ids.len()).map(|at| {
                let (id, into) = (ids[at], ids[(at + 1) % ids.len()]);
                let (id, into) = (format!("{id}{round}"), format!("{into}{round}"));
                let shop = &shop;
                async move { shop.put(&id, &into).await }
            });
            let answers = futures::future::join_all(moves).await;
            let refusals = answers.into_iter().filter(Result::is_err);
            let refusals: Vec<_> = refusals
                .map(|answer| refused(answer, Code::FailedPrecondition, "CYCLE"))
                .collect();
            assert_eq!(refusals.len(), 1, "round {round}: {refusals:?}");
        }
    }

    async fn each_change_is_reported(world: World) {
        let shop = Shop::open(world).await;
        let made = shop.product("first", product("First")).await.unwrap().into_inner();
        shop.update(pb::Product { sku: "S-1".to_owned(), ..made }, None).await.unwrap();
        shop.territory("west", territory("West", "")).await.unwrap();
        shop.territory("bay", territory("Bay", "")).await.unwrap();
        shop.put("bay", "west").await.unwrap();
        refused(shop.put("west", "bay").await, Code::FailedPrecondition, "CYCLE");
        let request = pb::UpdateProductFamilyRequest {
            product_family: Some(pb::ProductFamily {
                name: shop.gtx(),
                description: "Cards".to_owned(),
                ..pb::ProductFamily::default()
            }),
            ..pb::UpdateProductFamilyRequest::default()
        };
        let last = shop.catalog().update_product_family(request).await.unwrap();
        let events = shop.events(&last).await;
        let expected = [
            ("product_family.created", "productFamilies/gtx"),
            ("product.created", "products/first"),
            ("product.updated", "products/first"),
            ("territory.created", "territories/west"),
            ("territory.created", "territories/bay"),
            ("territory.updated", "territories/bay"),
            ("product_family.updated", "productFamilies/gtx"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, name)| ((*kind).to_owned(), format!("ecosystems/acme/{name}")))
            .collect();
        assert_eq!(events, expected);
    }
}
