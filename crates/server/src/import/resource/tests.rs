use std::collections::HashMap;

use trellis_api::deal::v1::deal::Stage;
use trellis_api::google::r#type::{Date, Money};
use trellis_api::partner::v1::partner::PartnerType;

use super::super::mapping::row::{Header, Row};
use super::super::mapping::{Mapping, Sheet};
use super::super::references::Planned;
use super::*;

fn mapping() -> Mapping {
    let shipped = include_str!("../../../../../examples/crm_sales.toml");
    let offices = HashMap::from([("Moses Frase".to_owned(), "Central".to_owned())]);
    Mapping::parse(shipped, &mut |_, _| Ok(offices.clone())).unwrap()
}

/// What a kind makes of one row.
fn read<R: Resource>(sheet: Option<Sheet<R::Fields>>, table: [&str; 2]) -> R::Row {
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let [names, values] = table.map(cells);
    let header = Header::new(names);
    let row = Row::new(&header, &values, &[]);
    let mut reader = Reader::new(&row);
    let read = R::read(2, &sheet.unwrap().fields, &mut reader);
    assert_eq!(reader.finish(), []);
    read
}

fn usd(units: i64) -> Option<Money> {
    let currency_code = "USD".to_owned();
    Some(Money {
        currency_code,
        units,
        nanos: 0,
    })
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

#[test]
fn an_opportunity_becomes_a_deal() {
    let mut row = read::<Deals>(
        mapping().deals,
        [
            "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,\
             close_value",
            "1C1I7A6R,Moses Frase,GTX Plus Basic,Cancity,Won,20-10-2016,01-03-2017,1054",
        ],
    );
    assert_eq!(Deals::external_id(&row), "1C1I7A6R");
    assert_eq!(row.row_number, 2);
    assert_eq!(row.partner_external_id, "Moses Frase");
    assert_eq!(row.account_external_id, "Cancity");
    let deal = row.deal.clone().unwrap();
    assert_eq!(deal.display_name, "GTX Plus Basic (1C1I7A6R)");
    assert_eq!(deal.stage(), Stage::Won);
    assert_eq!(deal.amount, usd(1_054));
    assert_eq!(
        (deal.engage_date, deal.close_date),
        (day(2016, 10, 20), day(2017, 3, 1))
    );
    assert_eq!(deal.territory, "Central");
    let fields: Vec<_> = Deals::references(&mut row)
        .into_iter()
        .map(|reference| (reference.field, reference.kind, reference.by))
        .collect();
    assert_eq!(
        fields,
        [
            ("partner".to_owned(), Kind::Partners, By::ExternalId),
            ("account".to_owned(), Kind::Accounts, By::ExternalId),
            ("territory".to_owned(), Kind::Territories, By::Name),
            ("lines[0].product".to_owned(), Kind::Products, By::Name),
        ]
    );
}

#[test]
fn an_opportunity_without_a_customer_and_a_value_is_a_deal_too() {
    let mut row = read::<Deals>(
        mapping().deals,
        [
            "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,\
             close_value",
            "6MB0RWYI,Moses Frase,GTX Pro,,Prospecting,,,",
        ],
    );
    assert_eq!(Deals::references(&mut row).len(), 3);
    let deal = row.deal.unwrap();
    assert_eq!(deal.stage(), Stage::Prospect);
    assert_eq!(
        (deal.amount, deal.engage_date, deal.close_date),
        (None, None, None)
    );
    assert_eq!(deal.lines.len(), 1);
}

#[test]
fn the_other_kinds_are_what_the_source_calls_them() {
    let account = read::<Accounts>(
        mapping().accounts,
        [
            "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
            "Bluth Company,technolgy,1993,1242.32,3027,Philipines,Acme Corporation",
        ],
    );
    assert_eq!(account.parent_external_id, "Acme Corporation");
    let account = account.account.unwrap();
    assert_eq!(
        (account.industry.as_str(), account.region_code.as_str()),
        ("technology", "PH")
    );
    assert_eq!(account.annual_revenue, usd(1_242_320_000));
    assert_eq!(
        (account.employee_count, account.founded_year),
        (3_027, 1_993)
    );

    let product = read::<Products>(
        mapping().products,
        ["product,series,sales_price", "GTK 500,GTK,26768"],
    );
    assert_eq!(product.product_family_display_name, "GTK");
    assert_eq!(product.product.unwrap().list_price, usd(26_768));

    let teams = [
        "sales_agent,manager,regional_office",
        "Anna Snelling,Dustin Brinkmann,Central",
    ];
    let partner = read::<Partners>(mapping().partners, teams).partner.unwrap();
    assert_eq!(partner.partner_type(), PartnerType::Reseller);
    assert_eq!(partner.channel_manager, "Dustin Brinkmann");
    let territory = read::<Territories>(mapping().territories, teams)
        .territory
        .unwrap();
    assert_eq!(territory.external_id, "Central");
}

#[test]
fn a_dry_run_checks_what_is_left_of_a_deal_without_what_is_not_there_yet() {
    let mut mapping = mapping();
    let mut planned = Planned::default();
    planned.insert(Kind::Products, "GTX Pro".to_owned());
    planned.insert(Kind::Partners, "Moses Frase".to_owned());
    // The account of the same name is another thing.
    planned.insert(Kind::Products, "Cancity".to_owned());
    let mut row = read::<Deals>(
        mapping.deals.take(),
        [
            "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,\
             close_value",
            "Z063OYW0,Moses Frase,GTX Pro,Cancity,Won,25-10-2016,11-03-2017,",
        ],
    );
    let line = &mut row.deal.as_mut().unwrap().lines[0];
    line.amount = usd(4_514);
    assert!(planned.take_out(Deals::references(&mut row)));
    Deals::mend(&mut row);
    assert_eq!(
        (
            row.partner_external_id.as_str(),
            row.account_external_id.as_str()
        ),
        ("", "Cancity")
    );
    let deal = row.deal.unwrap();
    assert_eq!((deal.lines.len(), deal.amount), (0, usd(4_514)));
    assert_eq!(deal.territory, "Central");
}
