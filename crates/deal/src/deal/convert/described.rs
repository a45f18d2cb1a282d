//! What a caller says of a deal: the requests to make one and to edit one.

use trellis_api::Fields;
use trellis_api::deal::v1 as pb;
use trellis_core::{DealId, ProductId};

use super::deal_type;
use super::parts::{fitting, partner_roles};
use super::proposals::{contacts, external_ids};
use crate::deal::amounts::Draft;
use crate::deal::deals::{Create, Described, Particulars};
use crate::deal::editing::{Edit, Update};
use crate::deal::ownership::Source;
use crate::edit::{not_negative, some};

/// The fields that an update may change, as far as the stage lets.
const MUTABLE: &[&str] = &[
    "display_name",
    "account",
    "lines",
    "amount",
    "deal_type",
    "territory",
    "engage_date",
    "expected_close_date",
    "external_id",
    "external_ids",
    "next_step",
    "contacts",
    "partner_product",
];

pub(in crate::deal) fn create(
    request: pb::CreateDealRequest,
    fields: &mut Fields,
) -> Option<Create> {
    let id = fields.new_id::<DealId>("deal_id", &request.deal_id);
    let deal = described(request.deal?, fields);
    Some(Create {
        id: id?,
        deal: deal?,
    })
}

/// Everything that a caller says of a deal, from its field `deal`.
pub(in crate::deal) fn described(deal: pb::Deal, fields: &mut Fields) -> Option<Described> {
    let account = fields.optional_id("deal.account", &deal.account);
    let sourced = fields.optional_id("deal.partner", &deal.partner);
    let roles = partner_roles("deal.roles", deal.roles, fields);
    let lines = drafts(deal.lines, fields);
    let amount = not_negative(fields, "deal.amount", deal.amount);
    let territory = fields.optional_id("deal.territory", &deal.territory);
    let engage_date = fields.optional_date("deal.engage_date", deal.engage_date);
    let expected_close_date =
        fields.optional_date("deal.expected_close_date", deal.expected_close_date);
    let external_ids = external_ids(deal.external_ids, fields);
    let roles = fitting("deal.roles", sourced?, roles?, fields);
    Some(Described {
        display_name: deal.display_name,
        account: account?,
        roles: roles?,
        lines: lines?,
        amount: amount?,
        deal_type: deal_type(deal.deal_type),
        territory: territory?,
        engage_date: engage_date?,
        expected_close_date: expected_close_date?,
        external_id: some(deal.external_id),
        particulars: Particulars {
            next_step: some(deal.next_step),
            contacts: contacts(deal.contacts),
            partner_product: some(deal.partner_product),
            external_ids: external_ids?,
        },
    })
}

fn drafts(lines: Vec<pb::deal::Line>, fields: &mut Fields) -> Option<Vec<Draft>> {
    let mut drafts: Vec<Option<Draft>> = Vec::with_capacity(lines.len());
    // Also those of lines that are wrong in another way: everything is told at once.
    let mut seen: Vec<ProductId> = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let path = format!("deal.lines[{index}]");
        let product = fields.id::<ProductId>(&format!("{path}.product"), &line.product);
        let amount = not_negative(fields, &format!("{path}.amount"), line.amount);
        let again = product
            .as_ref()
            .is_some_and(|product| seen.contains(product));
        seen.extend(product.clone());
        if again {
            let description = "stands in another line already";
            fields.refuse(format!("{path}.product"), "repeated.unique", description);
        }
        let quantity = if line.quantity == 0 { 1 } else { line.quantity };
        drafts.push(product.zip(amount).map(|(product, amount)| Draft {
            product,
            quantity,
            amount,
        }));
    }
    drafts.into_iter().collect()
}

pub(in crate::deal) fn update(
    request: pb::UpdateDealRequest,
    fields: &mut Fields,
) -> Option<Update> {
    let source_time = fields.optional_time("source_time", request.source_time);
    let sent = fields.required("deal", request.deal)?;
    let mask = fields.mask("deal", &sent, request.update_mask, MUTABLE);
    let id = fields.id("deal.name", &sent.name);
    let etag = fields.etag("deal.etag", &sent.etag);
    let mask = mask?;
    let account = mask.read("account", || {
        fields.optional_id("deal.account", &sent.account)
    });
    let lines = mask.read("lines", || drafts(sent.lines, fields));
    let amount = mask.read("amount", || {
        not_negative(fields, "deal.amount", sent.amount)
    });
    let territory = mask.read("territory", || {
        fields.optional_id("deal.territory", &sent.territory)
    });
    let engage_date = mask.read("engage_date", || {
        fields.optional_date("deal.engage_date", sent.engage_date)
    });
    let expected_close_date = mask.read("expected_close_date", || {
        fields.optional_date("deal.expected_close_date", sent.expected_close_date)
    });
    let external_ids = mask.read("external_ids", || external_ids(sent.external_ids, fields));
    let edit = Edit {
        display_name: mask.keep("display_name", Some(sent.display_name)),
        account: account?,
        lines: lines?,
        amount: amount?,
        deal_type: mask.keep("deal_type", Some(deal_type(sent.deal_type))),
        territory: territory?,
        engage_date: engage_date?,
        expected_close_date: expected_close_date?,
        external_id: mask.keep("external_id", Some(some(sent.external_id))),
        external_ids: external_ids?,
        next_step: mask.keep("next_step", Some(some(sent.next_step))),
        contacts: mask.keep("contacts", Some(contacts(sent.contacts))),
        partner_product: mask.keep("partner_product", Some(some(sent.partner_product))),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        mask,
        edit,
        source: Source {
            system: some(request.source_system),
            time: source_time?,
        },
    })
}
