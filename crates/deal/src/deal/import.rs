//! Brings deals from another system. One message of rows is one transaction; a row is found again
//! by its external id, and a rejected one changes nothing and stops nothing.
//!
//! The rows of a message are looked up together, so that a message costs a handful of statements
//! however many rows it has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::import::{Outcome, Row};
use trellis_api::{Fields, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Date, DealId, Money, PartnerId, ProductId, TimeZone, Violation, Written,
};
use trellis_store::deal::deal::{self, Entity, Model, PartnerRole, Role, Stage};
use trellis_store::deal::facts::Fact;
use trellis_store::deal::reference::{self, Found, Missing, References};
use trellis_store::deal::{account, product};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, lock, record};

use super::amounts::{self, Worth};
use super::convert::{described, stage};
use super::deals::{
    Described, New, close, list_price, open_again, period, row, told, won, won_fact, worth_of,
};
use super::lifecycle::{Standing, standing};
use super::roles::{self, sourcing};
use crate::Error;
use crate::edit::some;

/// One import at a time looks for new external ids, so that two of them never make the same one.
const LOCK: &str = "deals/import";

/// A deal as it stands elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it is.
    deal: Described,
    /// Its id there.
    external_id: String,
    /// The sourcing partner, by its id there.
    partner: Option<String>,
    /// The customer, by its id there.
    account: Option<String>,
    /// How far it has come.
    stage: Stage,
    /// When it was won or lost.
    close_date: Option<Date>,
    /// Why it was lost.
    lost_reason_code: Option<String>,
}

/// Checks each row of a message for itself.
pub(super) fn rows(
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
                outcomes.push(outcome.wire(row_number, external_id));
            }
            import.finish(&txn).await?;
            Ok(pb::ImportDealsResponse { outcomes })
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
        let mut model = row(
            txn,
            New {
                id: DealId::generate(txn.now()),
                display_name: deal.display_name,
                account: deal.account,
                roles: deal.roles,
                worth,
                deal_type: deal.deal_type,
                territory: deal.territory,
                engage_date: deal.engage_date,
                expected_close_date: deal.expected_close_date,
                external_id: Some(external_id.clone()),
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
        let mut described = match redescribe(stands.clone(), deal, &self.prices) {
            Ok(described) => described,
            Err(wrong) => return Ok(Outcome::Rejected(wrong)),
        };
        if let Some(wrong) = worthless(stage, worth_of(&described)) {
            return Ok(Outcome::Rejected(wrong));
        }
        let moves = to.differs_from(&stands);
        if described == stands && !moves {
            return Ok(Outcome::Unchanged(resource));
        }
        // What incentives were told of a win is not edited: it is taken back and told anew.
        let retold = stands.stage == Stage::Won && (moves || tells_otherwise(&described, &stands));
        if retold && recorded(&stands) {
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
        if !self.created.contains(&external_id) {
            self.updated.insert(external_id.clone());
        }
        self.deals.insert(external_id, described);
        Ok(Outcome::Updated(resource))
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
        Ok(())
    }
}

fn position<T>(list: &[T], test: impl Fn(&T) -> bool) -> Option<usize> {
    list.iter().position(test)
}

fn does_not_exist(field: String) -> Violation {
    Violation::new(field, "exists", "does not exist in this ecosystem")
}

/// A won deal must be worth something that is known.
fn worthless(stage: Stage, amount: Option<Money>) -> Option<Vec<Violation>> {
    let unknown = stage == Stage::Won && amount.is_none();
    unknown.then(|| {
        let description = "must be set if the deal is won and no line says what it is worth";
        vec![Violation::new("deal.amount", "required", description)]
    })
}

/// Where a row says that a deal stands.
struct Arrival {
    stage: Stage,
    close_date: Option<Date>,
    lost_reason_code: Option<String>,
}

impl Arrival {
    fn differs_from(&self, deal: &Model) -> bool {
        let why = &self.lost_reason_code;
        self.stage != deal.stage
            || self.close_date != deal.close_date
            || (why.is_some() && *why != deal.lost_reason_code)
    }
}

/// Brings an open deal to where a row says that it stands, and reports the way.
fn arrive(txn: &Txn, deal: &mut Model, to: Arrival, resource: &str) -> Result<(), Error> {
    let Arrival {
        stage,
        close_date,
        lost_reason_code,
    } = to;
    match (stage, close_date, worth_of(deal)) {
        (Stage::Won, Some(date), Some(amount)) => {
            close(deal, Stage::Won, date);
            won(deal, amount, TimeZone::utc().midnight(date));
            let event = Fact::Won(won_fact(deal)?).event(resource)?;
            event::append(txn, event.for_partner(deal.partner.as_ref()));
        }
        (Stage::Lost, Some(date), _) => {
            close(deal, Stage::Lost, date);
            deal.lost_reason_code = lost_reason_code;
            let event = NewEvent::new("deal.lost", resource)
                .for_partner(deal.partner.as_ref())
                .with(told(deal));
            let event = match &deal.lost_reason_code {
                Some(reason_code) => event.because(reason_code.as_str()),
                None => event,
            };
            event::append(txn, event);
        }
        (open, _, _) => {
            let from = std::mem::replace(&mut deal.stage, open);
            if from != open {
                let moved = json!({ "deal": deal.id, "from": from.name(), "to": open.name() });
                let event =
                    NewEvent::new("deal.advanced", resource).for_partner(deal.partner.as_ref());
                event::append(txn, event.with(moved));
            }
        }
    }
    Ok(())
}

/// Whether anything was recorded about the present win of a deal.
fn recorded(deal: &Model) -> bool {
    deal.invoiced_minor != 0 || deal.refunded_minor != 0 || deal.churn_date.is_some()
}

/// Whether incentives would be told something else of a win.
fn tells_otherwise(one: &Model, other: &Model) -> bool {
    match (won_fact(one), won_fact(other)) {
        (Ok(one), Ok(other)) => one != other,
        (Err(_), _) | (_, Err(_)) => true,
    }
}

/// The deal with what a row says of it, where it says something.
fn redescribe(
    mut deal: Model,
    said: Described,
    prices: &HashMap<ProductId, Money>,
) -> Result<Model, Vec<Violation>> {
    let Described {
        display_name,
        account,
        roles: parts,
        lines,
        amount,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id: _,
    } = said;
    if !lines.is_empty() || amount.is_some() {
        let worth = if lines.is_empty() {
            let scaled = amount.map(|amount| amounts::scale(deal.lines.0.clone(), amount.minor));
            Worth {
                lines: scaled.unwrap_or_default(),
                amount,
            }
        } else {
            amounts::settle("deal", lines, amount, prices)?
        };
        deal.lines.0 = worth.lines;
        deal.amount_minor = worth.amount.map(|amount| amount.minor);
        deal.currency = worth.amount.map(|amount| amount.currency);
    }
    deal.roles.0 = match parts.as_slice() {
        [] => deal.roles.0,
        // A row that names the sourcing partner only says nothing of the others.
        [only] if only.role == Role::Sourced => sourced_by(only, deal.roles.0)?,
        _ => parts,
    };
    deal.partner = sourcing(&deal.roles.0).cloned();
    deal.display_name = display_name;
    deal.account = account.or(deal.account);
    deal.deal_type = deal_type.or(deal.deal_type);
    deal.territory = territory.or(deal.territory);
    deal.engage_date = engage_date.or(deal.engage_date);
    deal.expected_close_date = expected_close_date.or(deal.expected_close_date);
    deal.period = period(deal.close_date, deal.expected_close_date);
    Ok(deal)
}

/// The parts with another sourcing partner, unless it is the same.
fn sourced_by(
    only: &PartnerRole,
    parts: Vec<PartnerRole>,
) -> Result<Vec<PartnerRole>, Vec<Violation>> {
    if parts.contains(only) {
        return Ok(parts);
    }
    let others = parts
        .into_iter()
        .filter(|part| part.role != Role::Sourced)
        .collect();
    roles::settle("deal.roles", Some(only.partner.clone()), others)
}
