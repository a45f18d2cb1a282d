//! Brings deals from another system. One message of rows is one transaction; a row is found again
//! by its external id, and a rejected one changes nothing and stops nothing.
//!
//! The rows of a message are looked up together, so that a message costs a handful of statements
//! however many rows it has.

mod arrival;
mod checks;
mod differences;
mod ids;
mod offers;
mod redescribed;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::import_deals_response::{Difference, RowDifferences};
use trellis_api::import::{Outcome, Row};
use trellis_api::name;
use trellis_core::{AccountId, Call, DealId, Money, PartnerId, ProductId, Violation, Written};
use trellis_store::deal::deal::{self, Entity, Model, Stage};
use trellis_store::deal::facts::Fact;
use trellis_store::deal::field::Value;
use trellis_store::deal::history::{self as rows_of, Cause, role_change, stage_change};
use trellis_store::deal::reference::{self, Found, Missing, References};
use trellis_store::deal::{account, product};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, lock, record};

use arrival::{Arrival, arrive, tells_otherwise};
use checks::{does_not_exist, position, unsold, worthless};
use ids::Ids;
use offers::{Offers, of_partner};
use redescribed::redescribe;
pub use rows::Imported;
pub(super) use rows::rows;

use super::amounts;
use super::deals::{New, list_price, row, told, worth_of};
use super::evidence;
use super::history;
use super::lifecycle::{Standing, standing};
use super::moves::{open_again, recorded};
use super::ownership::{self, Source};
use super::roles::{self, sourcing};
use crate::Error;

/// One import at a time looks for new external ids, so that two of them never make the same one.
const LOCK: &str = "deals/import";

/// Why a deal moved, where the row says no other reason.
const IMPORTED: &str = "IMPORTED";

/// Brings the rows of one message.
///
/// # Errors
/// Those of the data layer; what is wrong with a row is its outcome.
pub async fn deals(
    store: &Store,
    call: Call,
    rows: Vec<Row<Imported>>,
) -> Result<Written<pb::ImportDealsResponse>, Error> {
    store
        .write(call, rows, |txn, rows| async move {
            lock::keys(&txn, &[LOCK]).await?;
            let mut import = Import::begin(&txn, &rows).await?;
            let mut outcomes = Vec::with_capacity(rows.len());
            let mut row_differences = Vec::new();
            for Row {
                row_number,
                external_id,
                command,
            } in rows
            {
                let outcome = match command {
                    Ok(imported) => import.bring(&txn, imported)?,
                    Err(violations) => Outcome::Rejected(violations),
                };
                let differences = std::mem::take(&mut import.differences);
                if !differences.is_empty() {
                    row_differences.push(RowDifferences {
                        row_number,
                        differences,
                    });
                }
                outcomes.push(outcome.wire(row_number, external_id));
            }
            import.finish(&txn).await?;
            Ok(pb::ImportDealsResponse {
                outcomes,
                row_differences,
            })
        })
        .await
}

/// What the rows of a message name, and what they make.
struct Import {
    partners: HashMap<String, PartnerId>,
    accounts: HashMap<String, AccountId>,
    /// Accounts that were merged, with those that they were merged into.
    merged: BTreeMap<AccountId, AccountId>,
    prices: HashMap<ProductId, Money>,
    missing: Vec<Missing>,
    /// The deals that stand, by external id, as the rows so far have made them.
    deals: HashMap<String, Model>,
    created: BTreeSet<String>,
    updated: BTreeSet<String>,
    moves: Vec<stage_change::Model>,
    parts: Vec<role_change::Model>,
    /// In which fields the row differs that is being brought.
    differences: Vec<Difference>,
    /// What is proposed in the deals that stand.
    offers: Offers,
    /// Which deals have which ids in other systems.
    ids: Ids,
}

impl Import {
    async fn begin(txn: &Txn, rows: &[Row<Imported>]) -> Result<Self, Error> {
        let good = || rows.iter().filter_map(|row| row.command.as_ref().ok());
        let mut named = References::default();
        for row in good() {
            let References {
                partners,
                programs: _,
                accounts,
                products,
                territories,
            } = row.deal.references();
            named.partners.extend(partners);
            named.accounts.extend(accounts);
            named.products.extend(products);
            named.territories.extend(territories);
        }
        let Found { missing, merged } = reference::look_up(txn, &named).await?;
        let external: BTreeSet<String> = good().filter_map(|row| row.partner.clone()).collect();
        let partners = if external.is_empty() {
            Vec::new()
        } else {
            partner::by_external_ids(txn, external).await?
        };
        let external: BTreeSet<String> = good().filter_map(|row| row.account.clone()).collect();
        let accounts = if external.is_empty() {
            Vec::new()
        } else {
            account::by_external_ids(txn, external).await?
        };
        let products = record::find_many::<product::Entity>(txn, named.products).await?;
        let external: BTreeSet<String> = good().map(|row| row.external_id.clone()).collect();
        let deals = deal::lock_by_external_ids(txn, external).await?;
        let offers = Offers::begin(txn, &deals).await?;
        let ids = good().flat_map(|row| &row.deal.particulars.external_ids);
        let ids = Ids::begin(txn, ids.cloned().collect()).await?;
        let keyed = |external_id: Option<String>| external_id.unwrap_or_default();
        Ok(Self {
            partners: partners
                .into_iter()
                .map(|one| (keyed(one.external_id), one.id))
                .collect(),
            accounts: accounts
                .into_iter()
                .map(|one| (keyed(one.external_id), one.merged_into.unwrap_or(one.id)))
                .collect(),
            merged,
            prices: products.iter().filter_map(list_price).collect(),
            missing,
            deals: deals
                .into_iter()
                .map(|one| (keyed(one.external_id.clone()), one))
                .collect(),
            created: BTreeSet::new(),
            updated: BTreeSet::new(),
            moves: Vec::new(),
            parts: Vec::new(),
            differences: Vec::new(),
            offers,
            ids,
        })
    }

    /// Brings one row.
    fn bring(&mut self, txn: &Txn, mut imported: Imported) -> Result<Outcome, Error> {
        let mut wrong = self.absent(&imported);
        wrong.extend(self.resolve(&mut imported));
        if !wrong.is_empty() {
            return Ok(Outcome::Rejected(wrong));
        }
        let external_id = imported.external_id.clone();
        let deal = &mut imported.deal;
        let said = format!("{external_id} in the system that it was imported from");
        evidence::imported(txn, &mut deal.roles, deal.engage_date, &said);
        match self.deals.get(&external_id) {
            Some(stands) => self.revise(txn, stands.clone(), imported, external_id),
            None => self.make(txn, imported, external_id),
        }
    }

    /// What a row names that does not exist.
    fn absent(&self, imported: &Imported) -> Vec<Violation> {
        let deal = &imported.deal;
        let mut wrong = Vec::new();
        for missing in &self.missing {
            let at = |path: String| Some(path);
            let path = match missing {
                Missing::Partner(id) => match sourcing(&deal.roles) {
                    Some(sourced) if sourced == id => at("deal.partner".into()),
                    Some(_) | None => position(&deal.roles, |role| role.partner == *id)
                        .and_then(|index| at(format!("deal.roles[{index}].partner"))),
                },
                Missing::Account(id) => {
                    (deal.account.as_ref() == Some(id)).then(|| "deal.account".into())
                }
                Missing::Product(id) => position(&deal.lines, |line| line.product == *id)
                    .and_then(|index| at(format!("deal.lines[{index}].product"))),
                Missing::Territory(id) => {
                    (deal.territory.as_ref() == Some(id)).then(|| "deal.territory".into())
                }
                Missing::Program(_) => None,
            };
            wrong.extend(path.map(does_not_exist));
        }
        wrong
    }

    /// Puts the partner and the account that a row names by their external ids into the deal.
    fn resolve(&self, imported: &mut Imported) -> Vec<Violation> {
        let mut wrong = Vec::new();
        if let Some(external_id) = &imported.partner {
            let given = std::mem::take(&mut imported.deal.roles);
            match self.partners.get(external_id) {
                None => wrong.push(does_not_exist("partner_external_id".into())),
                Some(id) => match roles::settle("deal.roles", Some(id.clone()), given) {
                    Ok(roles) => imported.deal.roles = roles,
                    Err(violations) => wrong.extend(violations),
                },
            }
        }
        if let Some(account) = &mut imported.deal.account
            && let Some(stands) = self.merged.get(account)
        {
            account.clone_from(stands);
        }
        if let Some(external_id) = &imported.account {
            match self.accounts.get(external_id) {
                None => wrong.push(does_not_exist("account_external_id".into())),
                Some(id) => imported.deal.account = Some(id.clone()),
            }
        }
        wrong
    }

    fn make(
        &mut self,
        txn: &Txn,
        imported: Imported,
        external_id: String,
    ) -> Result<Outcome, Error> {
        let Imported {
            deal,
            stage,
            close_date,
            lost_reason_code,
            ..
        } = imported;
        let worth = match amounts::settle("deal", deal.lines, deal.amount, &self.prices) {
            Ok(worth) => worth,
            Err(wrong) => return Ok(Outcome::Rejected(wrong)),
        };
        if let Some(wrong) = worthless(stage, worth.amount) {
            return Ok(Outcome::Rejected(wrong));
        }
        let mut wrong = unsold(&deal.roles, &worth.lines);
        let id = DealId::generate(txn.now());
        let given = &deal.particulars.external_ids;
        wrong.extend(self.ids.taken(txn.ecosystem(), &id, given));
        if !wrong.is_empty() {
            return Ok(Outcome::Rejected(wrong));
        }
        let mut model = row(
            txn,
            New {
                id,
                display_name: deal.display_name,
                account: deal.account,
                roles: deal.roles,
                worth,
                deal_type: deal.deal_type,
                territory: deal.territory,
                engage_date: deal.engage_date,
                expected_close_date: deal.expected_close_date,
                external_id: Some(external_id.clone()),
                particulars: deal.particulars,
                registration: None,
            },
        );
        let resource = name(txn.ecosystem(), &model.id);
        event::append(
            txn,
            NewEvent::new("deal.created", resource.as_str())
                .because("IMPORTED")
                .for_partner(model.partner.as_ref())
                .with(told(&model)),
        );
        let to = Arrival {
            stage,
            close_date,
            lost_reason_code,
        };
        arrive(txn, &mut model, to, &resource)?;
        // It was never in an open stage here, so there is none that reopening could go back to.
        model.closed_from = None;
        let why = model.lost_reason_code.clone();
        let why = why.as_deref().unwrap_or(IMPORTED);
        let (moved, parts) = history::born(txn, &mut model, Some(why));
        self.moves.push(moved);
        self.parts.extend(parts);
        self.ids.take(&model);
        self.created.insert(external_id.clone());
        self.deals.insert(external_id, model);
        Ok(Outcome::Created(resource))
    }

    /// Makes a deal that stands what a row says. What the row leaves empty stays as it is.
    fn revise(
        &mut self,
        txn: &Txn,
        stands: Model,
        imported: Imported,
        external_id: String,
    ) -> Result<Outcome, Error> {
        let resource = name(txn.ecosystem(), &stands.id);
        let Imported {
            deal,
            stage,
            close_date,
            lost_reason_code,
            ..
        } = imported;
        let to = Arrival {
            stage,
            close_date,
            lost_reason_code,
        };
        let said = deal.roles.clone();
        let of_partner = of_partner(&deal.particulars);
        let mut described = match redescribe(stands.clone(), deal, &self.prices) {
            Ok(described) => described,
            Err(wrong) => return Ok(Outcome::Rejected(wrong)),
        };
        if let Some(wrong) = worthless(stage, worth_of(&described)) {
            return Ok(Outcome::Rejected(wrong));
        }
        let said_of_partner: Vec<_> = of_partner.iter().map(Value::field).collect();
        let asked = ownership::sort(&described, None, of_partner).proposed;
        let mut wrong = unsold(&said, &described.lines.0);
        let ids = &described.external_ids.0;
        wrong.extend(self.ids.taken(txn.ecosystem(), &stands.id, ids));
        if !wrong.is_empty() {
            return Ok(Outcome::Rejected(wrong));
        }
        let moves = to.differs_from(&stands);
        if described == stands && !moves {
            let offered = self
                .offers
                .follow(txn, &mut described, &said_of_partner, asked);
            self.differences = offered;
            if described == stands {
                return Ok(Outcome::Unchanged(resource));
            }
            self.keep(external_id, described);
            return Ok(Outcome::Updated(resource));
        }
        // What incentives were told of a win is not edited: it is taken back and told anew.
        let retold = stands.stage == Stage::Won && (moves || tells_otherwise(&described, &stands));
        if retold && recorded(&stands) {
            let given = to.stands_in(described);
            self.differences = differences::between(&stands, &given, false);
            return Ok(Outcome::Rejected(vec![Violation::new(
                "deal.stage",
                "won.recorded",
                "the deal is won, and invoices, refunds or a leaving are recorded; reopen it first",
            )]));
        }
        if described != stands {
            let updated = NewEvent::new("deal.updated", resource.as_str())
                .because("IMPORTED")
                .for_partner(described.partner.as_ref());
            event::append(txn, updated.with(told(&described)));
        }
        if moves || retold {
            if standing(described.stage) != Standing::Open {
                let open = described.closed_from.unwrap_or(Stage::Committed);
                let open = if standing(to.stage) == Standing::Open {
                    to.stage
                } else {
                    open
                };
                let fact = open_again(&mut described, open);
                event::append(txn, Fact::Reopened(fact).event(resource.as_str())?);
            }
            arrive(txn, &mut described, to, &resource)?;
        }
        self.differences = differences::between(&stands, &described, true);
        self.remember(txn, &stands, &mut described);
        let (source, now) = (Source::default(), txn.now());
        let changed = ownership::stamp(&mut described, &stands, None, &source, now);
        ownership::said(&mut described, None, changed.iter().copied(), now);
        let said: Vec<_> = changed.into_iter().chain(said_of_partner).collect();
        let offered = self.offers.follow(txn, &mut described, &said, asked);
        self.differences.extend(offered);
        if described.external_ids != stands.external_ids {
            self.ids.take(&described);
        }
        self.keep(external_id, described);
        Ok(Outcome::Updated(resource))
    }

    /// Keeps a deal that a row has changed.
    fn keep(&mut self, external_id: String, deal: Model) {
        if !self.created.contains(&external_id) {
            self.updated.insert(external_id.clone());
        }
        self.deals.insert(external_id, deal);
    }

    /// What is to be remembered of a deal that a row has changed.
    fn remember(&mut self, txn: &Txn, before: &Model, deal: &mut Model) {
        if deal.stage != before.stage {
            let why = deal.lost_reason_code.clone();
            let why = why.as_deref().unwrap_or(IMPORTED);
            let moved = history::moved(txn, deal, Some(before.stage), Some(why), "");
            self.moves.push(moved);
        }
        if deal.roles != before.roles {
            let parts = history::assigned(txn, deal, Cause::Imported, "");
            self.parts.push(parts);
        }
    }

    /// Writes what the rows have made.
    async fn finish(mut self, txn: &Txn) -> Result<(), Error> {
        let created: Vec<Model> = self
            .created
            .iter()
            .filter_map(|id| self.deals.remove(id))
            .collect();
        record::insert_many::<Entity>(txn, created).await?;
        for external_id in &self.updated {
            if let Some(deal) = self.deals.remove(external_id) {
                record::update::<Entity>(txn, deal).await?;
            }
        }
        rows_of::remember(txn, self.moves, self.parts).await?;
        self.offers.finish(txn).await?;
        self.ids.finish(txn).await
    }
}
