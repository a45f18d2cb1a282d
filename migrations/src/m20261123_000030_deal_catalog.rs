//! What an ecosystem sells and where: product families, products, territories.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE product_families (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        description TEXT,
        external_id TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // product_family::by_display_names: an import names families so. Also ListProductFamilies.
    "CREATE UNIQUE INDEX product_families__display_name
        ON product_families (ecosystem, display_name)",
    "CREATE UNIQUE INDEX product_families__external_id ON product_families (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    "CREATE TABLE products (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        product_family TEXT,
        sku TEXT,
        list_price_minor {int} CHECK (list_price_minor >= 0),
        list_price_currency TEXT,
        external_id TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((list_price_minor IS NULL) = (list_price_currency IS NULL))
    ) {strict}",
    // product::lock_by_external_ids: imports find their rows again; no two products may share one.
    "CREATE UNIQUE INDEX products__external_id ON products (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // product::by_skus: the same for the number that it is ordered under.
    "CREATE UNIQUE INDEX products__sku ON products (ecosystem, sku) WHERE sku IS NOT NULL",
    // ListProducts by family, in the order of the ids.
    "CREATE INDEX products_family ON products (ecosystem, product_family, id)",
    "CREATE TABLE territories (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        region_codes {json} NOT NULL,
        parent_territory TEXT CHECK (parent_territory <> id),
        external_id TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // territory::lock_by_external_ids: imports find their rows again; no two may share one.
    "CREATE UNIQUE INDEX territories__external_id ON territories (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // ListTerritories by parent, in the order of the ids.
    "CREATE INDEX territories_parent ON territories (ecosystem, parent_territory, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
