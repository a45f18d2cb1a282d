//! The use cases of accounts. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Money, Page, PageQuery, PartnerId, Problem, Scope, Violation, Written,
};
use trellis_matching::domain;
use trellis_store::deal::account::{self, Domains, Entity, Model, State};
use trellis_store::deal::account_key;
use trellis_store::deal::identity::{Aliases, CrmRecord, CrmRecords, Identifier, Identifiers};
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::convert::wire;
use super::{ancestry, identity};
use crate::edit::set;
use crate::error::{absent, exists};
use crate::{Error, all_exist};

/// Makes an account.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<AccountId>,
    /// Its fields, all of them set.
    pub edit: Edit,
}

/// Changes to the fields of an account; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// Its country.
    pub region_code: Option<Option<String>>,
    /// Its web sites and domains, as given; each names a host.
    pub domains: Option<Vec<String>>,
    /// What it does.
    pub industry: Option<Option<String>>,
    /// What it earns in a year. Not negative.
    pub annual_revenue: Option<Option<Money>>,
    /// How many people work there.
    pub employee_count: Option<i64>,
    /// The year in which it was founded.
    pub founded_year: Option<i64>,
    /// The account that it belongs to.
    pub parent_account: Option<Option<AccountId>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
    /// The partner that brought it.
    pub partner: Option<Option<PartnerId>>,
    /// Whether it is a canary.
    pub canary: Option<bool>,
    /// What registers and authorities know it by; each is valid.
    pub identifiers: Option<Vec<Identifier>>,
    /// Its other names.
    pub aliases: Option<Vec<String>>,
    /// Its records in other systems.
    pub crm_records: Option<Vec<CrmRecord>>,
    /// The account that took its business over.
    pub successor_account: Option<Option<AccountId>>,
}

/// Edits an account.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: AccountId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Creates an account, and puts below it those that wait for its external id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when there is no such parent; `CYCLE` when its parent waits for it;
/// `RESOURCE_EXISTS` when the id or the external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Account>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            if matches!(edit.external_id, Some(Some(_)))
                || matches!(edit.parent_account, Some(Some(_)))
            {
                lock::keys(&txn, &[account::LINKS]).await?;
            }
            let id = id.unwrap_or_else(|| AccountId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let mut account = fresh(&txn, id, edit);
            if !txn.scope().is_staff() {
                account.partner = Some(bringing(txn.scope())?);
            }
            checked(&txn, &account).await?;
            account.ultimate_parent = placed(&txn, &account).await?;
            let account = record::insert::<Entity>(&txn, account)
                .await
                .map_err(|error| exists(error, &resource))?;
            let keys = identity::keys(&account)
                .into_iter()
                .map(|key| (account.id.clone(), key));
            account_key::add(&txn, keys).await?;
            let event = NewEvent::new("account.created", resource);
            event::append(&txn, event.for_partner(account.partner.as_ref()));
            adopt(&txn, &account).await?;
            Ok(wire(account))
        })
        .await
}

/// The row of a new account.
pub(super) fn fresh(txn: &Txn, id: AccountId, edit: Edit) -> Model {
    let now = txn.now();
    let mut account = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        partner: None,
        display_name: String::new(),
        region_code: None,
        domains: Domains::default(),
        registrable_domains: Domains::default(),
        industry: None,
        annual_revenue_minor: None,
        annual_revenue_currency: None,
        employee_count: 0,
        founded_year: 0,
        parent_account: None,
        pending_parent_external_id: None,
        external_id: None,
        canary: false,
        identifiers: Identifiers::default(),
        aliases: Aliases::default(),
        crm_records: CrmRecords::default(),
        ultimate_parent: None,
        successor_account: None,
        state: State::Active,
        merged_into: None,
        moved: None,
        key_version: identity::KEY_VERSION,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut account, edit);
    account
}

/// Gets an account.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: AccountId) -> Result<pb::Account, Error> {
    let view = store.read(&call).await?;
    let account = record::find::<Entity>(&view, &id).await?;
    Ok(wire(account.ok_or_else(|| absent(&view, &id))?))
}

/// Lists accounts.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Account>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits an account, and puts below it those that wait for its new external id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also when there is no such parent; `ETAG_MISMATCH`; `CYCLE` when it would
/// belong to itself; `RESOURCE_EXISTS` when the external id is taken; `NOT_EDITABLE` when it was merged
/// into another one.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Account>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            if edit.parent_account.is_some() || edit.external_id.is_some() {
                lock::keys(&txn, &[account::LINKS]).await?;
            }
            let resource = name(txn.ecosystem(), &id);
            let before = record::lock::<Entity>(&txn, &id).await?;
            let before = before.ok_or_else(|| absent(&txn, &id))?;
            etag.check(before.version, &resource)?;
            stands(&before, &resource, || edit.fields())?;
            let mut after = before.clone();
            apply(&mut after, edit);
            if !txn.scope().is_staff() {
                identity::keep_verified(&before.identifiers, &mut after.identifiers);
            }
            own_canary(&after)?;
            if after.partner != before.partner {
                brought(&txn, &after).await?;
            }
            if after.successor_account != before.successor_account {
                succeeded(&txn, &after).await?;
            }
            let renamed = after.external_id != before.external_id;
            if renamed || after.parent_account != before.parent_account {
                after.ultimate_parent = placed(&txn, &after).await?;
            }
            let after = rewrite(&txn, &before, after)
                .await
                .map_err(|error| exists(error, &resource))?;
            regrouped(&txn, &before, &after).await?;
            let event = NewEvent::new("account.updated", resource);
            event::append(&txn, event.for_partner(after.partner.as_ref()));
            if renamed {
                adopt(&txn, &after).await?;
            }
            Ok(wire(after))
        })
        .await
}

/// The partner for which somebody brings an account: the only one that they act for.
fn bringing(scope: &Scope) -> Result<PartnerId, Problem> {
    let mut partners: Vec<&PartnerId> = scope.partners().iter().collect();
    partners.extend(scope.own().iter().map(|(partner, _)| partner));
    partners.sort_unstable();
    partners.dedup();
    match partners[..] {
        [partner] => Ok(partner.clone()),
        _ => Err(Problem::Invalid(vec![Violation::new(
            "account.partner",
            "one_partner",
            "cannot be told from who calls; call with a credential that acts for one partner",
        )])),
    }
}

/// Checks what a new account says of others and of itself.
pub(super) async fn checked(txn: &Txn, account: &Model) -> Result<(), Error> {
    own_canary(account)?;
    brought(txn, account).await?;
    succeeded(txn, account).await
}

/// Checks that a canary is the vendor's own. A partner that brought it would be told by its version.
fn own_canary(account: &Model) -> Result<(), Problem> {
    canary(account).map_or(Ok(()), |violation| Err(Problem::Invalid(vec![violation])))
}

/// What is wrong with an account that is a canary, if anything is.
pub(super) fn canary(account: &Model) -> Option<Violation> {
    let wrong = account.canary && account.partner.is_some();
    wrong.then(|| {
        Violation::new(
            "account.canary",
            "exclusive",
            "must be false beside account.partner: a canary is the vendor's own",
        )
    })
}

/// Checks that the partner that brought an account exists.
async fn brought(txn: &Txn, account: &Model) -> Result<(), Error> {
    let partners = account.partner.iter().cloned().collect();
    all_exist(
        txn,
        &References {
            partners,
            ..References::default()
        },
    )
    .await?;
    Ok(())
}

/// Checks that the account that took an account's business over exists and is another one.
async fn succeeded(txn: &Txn, account: &Model) -> Result<(), Error> {
    let Some(successor) = &account.successor_account else {
        return Ok(());
    };
    if *successor == account.id {
        return Err(Problem::Invalid(vec![Violation::new(
            "account.successor_account",
            "other",
            "must be another account",
        )])
        .into());
    }
    let accounts = [successor.clone()].into();
    all_exist(
        txn,
        &References {
            accounts,
            ..References::default()
        },
    )
    .await?;
    Ok(())
}

/// Refuses to change an account that was merged into another one.
fn stands(
    account: &Model,
    resource: &str,
    fields: impl FnOnce() -> Vec<&'static str>,
) -> Result<(), Problem> {
    match account.state {
        State::Active => Ok(()),
        State::Merged => Err(Problem::NotEditable {
            resource: resource.to_owned(),
            state: account.state.name(),
            fields: fields().into_iter().map(str::to_owned).collect(),
        }),
    }
}

/// Checks that an account's parent exists and stands for itself, and that the account does not belong
/// to itself; answers the top of those that it belongs to.
pub(super) async fn placed(txn: &Txn, account: &Model) -> Result<Option<AccountId>, Error> {
    let chain = match &account.parent_account {
        Some(parent) => {
            let chain = account::chain(txn, parent).await?;
            match chain.first().map(|parent| parent.state) {
                Some(State::Active) => chain,
                // What was merged is found by its name and is nobody's parent.
                Some(State::Merged) | None => return Err(absent(txn, parent)),
            }
        }
        None => Vec::new(),
    };
    let Some(circle) = ancestry::circle(account, &chain) else {
        return Ok(chain.last().map(|top| top.id.clone()));
    };
    Err(Error::Cycle {
        resource: name(txn.ecosystem(), &account.id),
        path: circle.iter().map(|id| name(txn.ecosystem(), id)).collect(),
    })
}

/// Writes a changed account back, and its keys if they changed.
///
/// Whatever it is recognised by before and after is locked, together with the account's own key, after
/// its row, also where the keys stay and only what is compared changes: whoever decides about business
/// with a customer holds the same locks and never waits for an account's row.
pub(super) async fn rewrite(
    txn: &Txn,
    before: &Model,
    mut after: Model,
) -> Result<Model, trellis_store::Error> {
    let (old, new) = (identity::keys(before), identity::keys(&after));
    if old != new || identity::compared(before) != identity::compared(&after) {
        let mut locks = vec![account::own_key(&after.id)];
        locks.extend(old.iter().cloned());
        locks.extend(new.iter().cloned());
        lock::keys(txn, &locks).await?;
    }
    if old != new || after.key_version != identity::KEY_VERSION {
        account_key::replace(txn, &after.id, new).await?;
        after.key_version = identity::KEY_VERSION;
    }
    let after = record::update::<Entity>(txn, after).await?;
    event::was(txn, wire(before.clone()));
    event::is(txn, &wire(after.clone()));
    Ok(after)
}

/// Puts all that belong to an account below the top that it has now. The caller holds the lock of the
/// links, and has rewritten the account.
pub(super) async fn regrouped(
    txn: &Txn,
    before: &Model,
    after: &Model,
) -> Result<(), trellis_store::Error> {
    if before.top() == after.top() {
        return Ok(());
    }
    let below = account::descendants(txn, &after.id).await?;
    account::regroup(txn, &below, after.top()).await?;
    account_key::regroup(txn, &below, &account::group_key(after.top())).await
}

/// Like [`regrouped`], for an account that was rewritten before its top was known.
pub(super) async fn regroup(
    txn: &Txn,
    before: &Model,
    after: &Model,
) -> Result<(), trellis_store::Error> {
    if before.top() == after.top() {
        return Ok(());
    }
    let groups = [before.top(), after.top()].map(account::group_key);
    lock::keys(txn, &groups).await?;
    let own = [after.id.clone()];
    account::regroup(txn, &own, after.top()).await?;
    account_key::regroup(txn, &own, &account::group_key(after.top())).await?;
    regrouped(txn, before, after).await
}

/// Puts the accounts that wait for an account's external id below it.
pub(super) async fn adopt(txn: &Txn, account: &Model) -> Result<(), Error> {
    let waiting = account::lock_waiting(txn, account.external_id.clone()).await?;
    for child in waiting {
        let resource = name(txn.ecosystem(), &child.id);
        let after = rewrite(txn, &child, below(account, child.clone())).await?;
        regrouped(txn, &child, &after).await?;
        event::append(
            txn,
            NewEvent::new("account.updated", resource).because(PARENT_ARRIVED),
        );
    }
    Ok(())
}

/// Why an account changed that had waited for its parent.
pub(super) const PARENT_ARRIVED: &str = "PARENT_ARRIVED";

/// An account that has waited, below the parent that has come.
pub(super) fn below(parent: &Model, mut child: Model) -> Model {
    child.parent_account = Some(parent.id.clone());
    child.pending_parent_external_id = None;
    child.ultimate_parent = Some(parent.top().clone());
    child
}

impl Edit {
    /// The names of the fields that it changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name.is_some()),
            ("region_code", self.region_code.is_some()),
            ("domains", self.domains.is_some()),
            ("industry", self.industry.is_some()),
            ("annual_revenue", self.annual_revenue.is_some()),
            ("employee_count", self.employee_count.is_some()),
            ("founded_year", self.founded_year.is_some()),
            ("parent_account", self.parent_account.is_some()),
            ("external_id", self.external_id.is_some()),
            ("partner", self.partner.is_some()),
            ("canary", self.canary.is_some()),
            ("identifiers", self.identifiers.is_some()),
            ("aliases", self.aliases.is_some()),
            ("crm_records", self.crm_records.is_some()),
            ("successor_account", self.successor_account.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }
}

pub(super) fn apply(account: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        region_code,
        domains,
        industry,
        annual_revenue,
        employee_count,
        founded_year,
        parent_account,
        external_id,
        partner,
        canary,
        identifiers,
        aliases,
        crm_records,
        successor_account,
    } = edit;
    set(&mut account.display_name, display_name);
    set(&mut account.region_code, region_code);
    if let Some(domains) = domains {
        account.registrable_domains = Domains(domain::registrable_domains(&domains));
        account.domains = Domains(domains);
    }
    set(&mut account.industry, industry);
    if let Some(revenue) = annual_revenue {
        account.annual_revenue_minor = revenue.map(|revenue| revenue.minor);
        account.annual_revenue_currency = revenue.map(|revenue| revenue.currency);
    }
    set(&mut account.employee_count, employee_count);
    set(&mut account.founded_year, founded_year);
    if let Some(parent) = parent_account {
        account.parent_account = parent;
        account.pending_parent_external_id = None;
    }
    set(&mut account.external_id, external_id);
    set(&mut account.partner, partner);
    set(&mut account.canary, canary);
    set(&mut account.identifiers, identifiers.map(Identifiers));
    set(&mut account.aliases, aliases.map(Aliases));
    set(&mut account.crm_records, crm_records.map(CrmRecords));
    set(&mut account.successor_account, successor_account);
}
