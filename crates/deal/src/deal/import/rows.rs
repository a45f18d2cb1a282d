//! The rows of an import, each checked for itself.

use trellis_api::Fields;
use trellis_api::deal::v1 as pb;
use trellis_api::import::Row;
use trellis_core::Date;
use trellis_store::deal::deal::{PartnerRole, Stage};

use crate::deal::convert::{described, stage};
use crate::deal::deals::Described;
use crate::deal::lifecycle::{Standing, standing};
use crate::edit::some;

/// A deal as it stands elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it is.
    pub(super) deal: Described,
    /// Its id there.
    pub(super) external_id: String,
    /// The sourcing partner, by its id there.
    pub(super) partner: Option<String>,
    /// The customer, by its id there.
    pub(super) account: Option<String>,
    /// How far it has come.
    pub(super) stage: Stage,
    /// When it was won or lost.
    pub(super) close_date: Option<Date>,
    /// Why it was lost.
    pub(super) lost_reason_code: Option<String>,
}

/// Checks each row of a message for itself.
pub(in crate::deal) fn rows(
    request: pb::ImportDealsRequest,
    fields: &mut Fields,
) -> Option<Vec<Row<Imported>>> {
    let read = |row: pb::ImportDealRow| {
        let deal = row.deal.as_ref();
        let external_id = deal
            .map(|deal| deal.external_id.clone())
            .unwrap_or_default();
        Row::read(fields, row.row_number, external_id, row, imported)
    };
    Some(request.rows.into_iter().map(read).collect())
}

fn imported(row: pb::ImportDealRow, fields: &mut Fields) -> Option<Imported> {
    let sent = row.deal?;
    let partner = some(row.partner_external_id);
    let account = some(row.account_external_id);
    if partner.is_some() && !sent.partner.is_empty() {
        fields.refuse(
            "partner_external_id",
            "exclusive",
            "must be empty beside deal.partner",
        );
    }
    if account.is_some() && !sent.account.is_empty() {
        fields.refuse(
            "account_external_id",
            "exclusive",
            "must be empty beside deal.account",
        );
    }
    let external_id = some(sent.external_id.clone());
    let external_id = fields.required("deal.external_id", external_id);
    let stage = fields.required("deal.stage", stage(sent.stage));
    let close_date = fields.optional_date("deal.close_date", sent.close_date);
    let lost_reason_code = some(sent.lost_reason_code.clone());
    let deal = described(sent, fields);
    let named = |role: &PartnerRole| {
        let mut all = role.evidence.iter();
        all.any(|one| one.registration.is_some() || one.lead.is_some())
    };
    if deal
        .as_ref()
        .is_some_and(|deal| deal.roles.iter().any(named))
    {
        let description = "must not name registrations and leads; SetDealRoles takes those";
        fields.refuse("deal.roles", "evidence.import", description);
    }
    let (stage, close_date) = (stage?, close_date?);
    if close_date.is_some() == (standing(stage) == Standing::Open) {
        let description = "must be set if the deal is won or lost, and only then";
        fields.refuse("deal.close_date", "stage", description);
    }
    if lost_reason_code.is_some() && stage != Stage::Lost {
        fields.refuse(
            "deal.lost_reason_code",
            "stage",
            "must be empty unless the deal is lost",
        );
    }
    Some(Imported {
        deal: deal?,
        external_id: external_id?,
        partner,
        account,
        stage,
        close_date,
        lost_reason_code,
    })
}
