//! Filters mean the same to both databases as they say: thousands of them, made at random and written
//! as a caller would, are asked of a few hundred rows and compared with a reading of their own.

mod meant;

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use trellis_api::{Field, filter};
use trellis_core::{AccountId, EcosystemId, PageQuery, Timestamp};
use trellis_store::deal::account::{self, Domains};
use trellis_store::deal::identity::{Aliases, CrmRecords, Identifiers};
use trellis_store::partner::partner::{self, PartnerType, State};
use trellis_store::record::{self, Record};
use trellis_store::{Error, View};

use self::meant::{BEGIN, Held, Row, any_of, meant, text};
use crate::on_both;
use crate::support::{self, call, everything};

const ACCOUNTS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::text("region_code"),
    Field::text("industry"),
    Field::integer("employee_count"),
    Field::id::<AccountId>("parent_account"),
    Field::time("create_time"),
];

const PARTNERS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::state("partner_type", "PARTNER_TYPE", &["RESELLER", "SUPPLIER"]),
    Field::text("domain"),
    Field::state("state", "STATE", &["PROSPECT", "ACTIVE", "SUSPENDED"]),
    Field::time("create_time"),
];

const ROWS: u32 = 200;
const FILTERS: usize = 1_500;

/// Asks both, and counts the filters of which the database, and of which a careless reader, differ
/// from what is meant.
async fn compare<E: Record>(view: &View, fields: &[Field], rows: &BTreeMap<String, Row>)
where
    E::Id: ToString,
{
    let mut dice = StdRng::seed_from_u64(7);
    let acme = EcosystemId::try_new("acme").unwrap();
    let (mut telling, mut careless) = (0, 0);
    let mut divergences = Vec::new();
    for _ in 0..FILTERS {
        let meant = meant(&mut dice, fields, 3);
        let text = meant.written(&mut dice);
        let filter = match filter::read(&text, fields, Some(&acme)) {
            Ok(filter) => filter,
            Err(violation) if violation.rule == "filter.limit" => continue,
            Err(violation) => panic!("{text}: {violation:?}"),
        };
        let query = PageQuery {
            filter,
            ..everything(1_000)
        };
        let page = record::page::<E>(view, &query).await;
        let page = page.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let found: Vec<String> = page
            .rows
            .iter()
            .map(|row| E::key(row).1.to_string())
            .collect();
        let expected = |careless| -> Vec<String> {
            let holding = rows.iter().filter(|(_, row)| meant.holds(row, careless));
            holding.map(|(id, _)| id.clone()).collect()
        };
        let wanted = expected(false);
        telling += usize::from(!wanted.is_empty() && wanted.len() < rows.len());
        careless += usize::from(expected(true) != wanted);
        if found != wanted {
            divergences.push(text);
        }
    }
    assert!(
        divergences.is_empty(),
        "{} of {FILTERS} filters are read differently: {:#?}",
        divergences.len(),
        &divergences[..divergences.len().min(5)]
    );
    // The controls: most filters tell rows apart, and a reader who is wrong is seen.
    assert!(
        telling * 2 > FILTERS,
        "only {telling} of {FILTERS} filters tell rows apart"
    );
    assert!(
        careless > 20,
        "only {careless} filters show a careless reader"
    );
}

fn held(row: &mut Row, field: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        row.insert(field, Held::Text(text.to_owned()));
    }
}

fn an_account(dice: &mut StdRng, index: u32) -> account::Model {
    let some = |dice: &mut StdRng| dice.random_ratio(2, 3).then(|| text(dice));
    let create_time = Timestamp::from_micros(BEGIN + dice.random_range(0..10) * 1_000_000);
    let parent = (index > 9 && dice.random()).then(|| format!("a-{}", dice.random_range(0..9)));
    account::Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        id: AccountId::try_new(&format!("a-{index}")).unwrap(),
        display_name: text(dice),
        region_code: some(dice),
        domains: Domains::default(),
        registrable_domains: Domains::default(),
        industry: some(dice),
        annual_revenue_minor: None,
        annual_revenue_currency: None,
        employee_count: dice.random_range(0..6),
        founded_year: 0,
        parent_account: parent.map(|id| AccountId::try_new(&id).unwrap()),
        pending_parent_external_id: None,
        external_id: None,
        partner: None,
        canary: false,
        identifiers: Identifiers::default(),
        aliases: Aliases::default(),
        crm_records: CrmRecords::default(),
        ultimate_parent: None,
        successor_account: None,
        state: account::State::Active,
        merged_into: None,
        moved: None,
        key_version: 1,
        version: 1,
        create_time,
        update_time: create_time,
    }
}

fn row_of_account(model: &account::Model) -> Row {
    let mut row = Row::new();
    held(&mut row, "display_name", Some(&model.display_name));
    held(&mut row, "region_code", model.region_code.as_deref());
    held(&mut row, "industry", model.industry.as_deref());
    let parent = model.parent_account.as_ref().map(AccountId::as_str);
    held(&mut row, "parent_account", parent);
    row.insert("employee_count", Held::Number(model.employee_count));
    row.insert("create_time", Held::Number(model.create_time.micros()));
    row
}

on_both! {
    async fn filters_of_accounts_are_read_as_they_are_meant(fixture: Fixture) {
        let mut dice = StdRng::seed_from_u64(1);
        let models: Vec<_> = (0..ROWS).map(|index| an_account(&mut dice, index)).collect();
        let row = |model: &account::Model| (model.id.to_string(), row_of_account(model));
        let rows: BTreeMap<_, _> = models.iter().map(row).collect();
        let write = fixture.store.write(call("acme"), models, |txn, models| async move {
            for model in models {
                record::insert::<account::Entity>(&txn, model).await?;
            }
            Ok::<(), Error>(())
        });
        write.await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        compare::<account::Entity>(&view, ACCOUNTS, &rows).await;
    }
}

/// What is drawn of a partner.
#[derive(Clone)]
struct Drawn {
    id: String,
    display_name: String,
    domain: Option<String>,
    state: (State, &'static str),
    partner_type: (PartnerType, &'static str),
}

fn a_partner(dice: &mut StdRng, index: u32) -> Drawn {
    const STATES: [(State, &str); 3] = [
        (State::Prospect, "PROSPECT"),
        (State::Active, "ACTIVE"),
        (State::Suspended, "SUSPENDED"),
    ];
    const TYPES: [(PartnerType, &str); 2] = [
        (PartnerType::Reseller, "RESELLER"),
        (PartnerType::Supplier, "SUPPLIER"),
    ];
    Drawn {
        id: format!("p-{index}"),
        display_name: text(dice),
        domain: dice.random_ratio(2, 3).then(|| text(dice)),
        state: any_of(dice, &STATES),
        partner_type: any_of(dice, &TYPES),
    }
}

fn row_of_partner(drawn: &Drawn) -> Row {
    let mut row = Row::new();
    held(&mut row, "display_name", Some(&drawn.display_name));
    held(&mut row, "domain", drawn.domain.as_deref());
    held(&mut row, "state", Some(drawn.state.1));
    held(&mut row, "partner_type", Some(drawn.partner_type.1));
    // The clock of these tests stands still.
    row.insert("create_time", Held::Number(BEGIN));
    row
}

on_both! {
    async fn filters_of_partners_are_read_as_they_are_meant(fixture: Fixture) {
        let mut dice = StdRng::seed_from_u64(2);
        let drawn: Vec<_> = (0..ROWS).map(|index| a_partner(&mut dice, index)).collect();
        let row = |drawn: &Drawn| (drawn.id.clone(), row_of_partner(drawn));
        let rows: BTreeMap<_, _> = drawn.iter().map(row).collect();
        let write = fixture.store.write(call("acme"), drawn, |txn, drawn| async move {
            for Drawn { id, display_name, domain, state, partner_type } in drawn {
                let (state, partner_type) = (state.0, partner_type.0);
                let model = partner::Model {
                    display_name,
                    domain,
                    state,
                    partner_type,
                    ..support::partner(&txn, &id)
                };
                record::insert::<partner::Entity>(&txn, model).await?;
            }
            Ok::<(), Error>(())
        });
        write.await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        compare::<partner::Entity>(&view, PARTNERS, &rows).await;
    }
}
