//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Field, Fields, name, time};
use trellis_core::{
    AccountId, FamilyId, HouseAccountId, PageQuery, ProductId, ProgramId, TerritoryId,
};
use trellis_store::deal::house_account::{Families, Model, Territories};
use trellis_store::deal::registration::Products;

use super::house_accounts::{Create, Delete, Edit, Kept, Update};
use crate::edit::some;

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::id::<AccountId>("account"),
    Field::id::<ProgramId>("program"),
    Field::time("valid_from_time"),
    Field::time("valid_until_time"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "account",
    "program",
    "products",
    "product_families",
    "territories",
    "note",
    "valid_from_time",
    "valid_until_time",
];

/// A house account on the wire.
#[must_use]
pub fn wire(house: Model) -> pb::HouseAccount {
    let Model {
        ecosystem,
        id,
        account,
        program,
        products: Products(products),
        product_families: Families(families),
        territories: Territories(territories),
        note,
        valid_from_time,
        valid_until_time,
        version,
        create_time,
        update_time,
    } = house;
    pb::HouseAccount {
        name: name(&ecosystem, &id),
        account: name(&ecosystem, &account),
        program: program
            .map(|program| name(&ecosystem, &program))
            .unwrap_or_default(),
        products: products.iter().map(|one| name(&ecosystem, one)).collect(),
        product_families: families.iter().map(|one| name(&ecosystem, one)).collect(),
        territories: territories
            .iter()
            .map(|one| name(&ecosystem, one))
            .collect(),
        note: note.unwrap_or_default(),
        valid_from_time: valid_from_time.map(time::wire),
        valid_until_time: valid_until_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

pub(crate) fn create(
    request: pb::CreateHouseAccountRequest,
    fields: &mut Fields,
) -> Option<Create> {
    let id = fields.new_id::<HouseAccountId>("house_account_id", &request.house_account_id);
    let sent = request.house_account?;
    let account = fields.id("house_account.account", &sent.account);
    let program = fields.optional_id("house_account.program", &sent.program);
    let products = fields.ids::<ProductId>("house_account.products", &sent.products);
    let families = fields.ids::<FamilyId>("house_account.product_families", &sent.product_families);
    let territories = fields.ids::<TerritoryId>("house_account.territories", &sent.territories);
    let from = fields.optional_time("house_account.valid_from_time", sent.valid_from_time);
    let until = fields.optional_time("house_account.valid_until_time", sent.valid_until_time);
    Some(Create {
        id: id?,
        kept: Kept {
            account: account?,
            program: program?,
            products: products?,
            product_families: families?,
            territories: territories?,
            note: some(sent.note),
            valid_from_time: from?,
            valid_until_time: until?,
        },
    })
}

pub(crate) fn get(
    request: pb::GetHouseAccountRequest,
    fields: &mut Fields,
) -> Option<HouseAccountId> {
    fields.id("name", &request.name)
}

pub(crate) fn list(
    request: pb::ListHouseAccountsRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(crate) fn update(
    request: pb::UpdateHouseAccountRequest,
    fields: &mut Fields,
) -> Option<Update> {
    let sent = fields.required("house_account", request.house_account)?;
    let mask = fields.mask("house_account", &sent, request.update_mask, MUTABLE);
    let id = fields.id("house_account.name", &sent.name);
    let etag = fields.etag("house_account.etag", &sent.etag);
    let mask = mask?;
    let account = mask.read("account", || {
        fields.id("house_account.account", &sent.account)
    });
    let program = mask.read("program", || {
        fields.optional_id("house_account.program", &sent.program)
    });
    let products = mask.read("products", || {
        fields.ids::<ProductId>("house_account.products", &sent.products)
    });
    let families = mask.read("product_families", || {
        fields.ids::<FamilyId>("house_account.product_families", &sent.product_families)
    });
    let territories = mask.read("territories", || {
        fields.ids::<TerritoryId>("house_account.territories", &sent.territories)
    });
    let from = mask.read("valid_from_time", || {
        fields.optional_time("house_account.valid_from_time", sent.valid_from_time)
    });
    let until = mask.read("valid_until_time", || {
        fields.optional_time("house_account.valid_until_time", sent.valid_until_time)
    });
    let edit = Edit {
        account: account?,
        program: program?,
        products: products?,
        product_families: families?,
        territories: territories?,
        note: mask.keep("note", Some(some(sent.note))),
        valid_from_time: from?,
        valid_until_time: until?,
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}

pub(crate) fn delete(
    request: pb::DeleteHouseAccountRequest,
    fields: &mut Fields,
) -> Option<Delete> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    Some(Delete {
        id: id?,
        etag: etag?,
        note: request.note,
    })
}
