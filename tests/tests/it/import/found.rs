//! Compares what is in an ecosystem with the export that came in, through the API alone.

use std::collections::{BTreeMap, BTreeSet};

use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Stage;
use trellis_api::deal::v1::get_pipeline_request::Grouping;
use trellis_api::deal::v1::pipeline_row::Group;
use trellis_api::deal::v1::{
    ListAccountsRequest, ListDealsRequest, ListProductsRequest, ListTerritoriesRequest,
};
use trellis_api::google::r#type::{Date, Money};
use trellis_api::partner::v1::{ListPartnersRequest, Partner};
use trellis_tests::Caller;

use super::export::{Export, Sum, cents, day};

/// Everything that is in an ecosystem, by external id.
pub(super) struct Found {
    pub(super) territories: BTreeMap<String, pb::Territory>,
    pub(super) products: BTreeMap<String, pb::Product>,
    pub(super) partners: BTreeMap<String, Partner>,
    pub(super) accounts: BTreeMap<String, pb::Account>,
    pub(super) deals: BTreeMap<String, pb::Deal>,
}

/// Reads a list to its last page. Every row has an external id of its own.
macro_rules! all {
    ($caller:expr, $client:ident . $method:ident, $request:ident, $rows:ident, $parent:expr) => {{
        let mut all = BTreeMap::new();
        let mut page_token = String::new();
        loop {
            let request = $request {
                parent: $parent.to_owned(),
                page_size: 1_000,
                page_token,
                ..$request::default()
            };
            let page = $caller
                .$client()
                .$method(request)
                .await
                .unwrap()
                .into_inner();
            for row in page.$rows {
                let before = all.insert(row.external_id.clone(), row);
                assert_eq!(before, None, "an external id is given twice");
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break all;
            }
        }
    }};
}

impl Found {
    /// Reads an ecosystem.
    pub(super) async fn read(caller: &Caller, parent: &str) -> Self {
        Self {
            territories: all!(
                caller,
                catalog.list_territories,
                ListTerritoriesRequest,
                territories,
                parent
            ),
            products: all!(
                caller,
                catalog.list_products,
                ListProductsRequest,
                products,
                parent
            ),
            partners: all!(
                caller,
                partners.list_partners,
                ListPartnersRequest,
                partners,
                parent
            ),
            accounts: all!(
                caller,
                accounts.list_accounts,
                ListAccountsRequest,
                accounts,
                parent
            ),
            deals: all!(caller, deals.list_deals, ListDealsRequest, deals, parent),
        }
    }

    /// Compares every resource and every field with the export.
    pub(super) fn is(&self, export: &Export) {
        let offices: BTreeSet<_> = self.territories.keys().map(String::as_str).collect();
        assert_eq!(offices, export.offices());
        assert_eq!(self.products.len(), export.products.len());
        for row in &export.products {
            let product = &self.products[&row["product"]];
            assert_eq!(product.display_name, row["product"]);
            assert_eq!(product.list_price, usd(cents(&row["sales_price"])));
            assert!(!product.product_family.is_empty());
        }
        assert_eq!(self.partners.len(), export.teams.len());
        for row in &export.teams {
            let partner = &self.partners[&row["sales_agent"]];
            assert_eq!(partner.display_name, row["sales_agent"]);
            assert_eq!(partner.channel_manager, row["manager"]);
        }
        self.has_accounts(export);
        self.has_deals(export);
    }

    fn has_accounts(&self, export: &Export) {
        assert_eq!(self.accounts.len(), export.accounts.len());
        for row in &export.accounts {
            let account = &self.accounts[&row["account"]];
            let parent = match row["subsidiary_of"].as_str() {
                "" => "",
                parent => self.accounts[parent].name.as_str(),
            };
            assert_eq!(account.parent_account, parent, "{account:?}");
            assert_eq!(
                account.industry,
                row["sector"].replace("technolgy", "technology")
            );
            assert_eq!(account.founded_year.to_string(), row["year_established"]);
            assert_eq!(account.employee_count.to_string(), row["employees"]);
            // In millions.
            assert_eq!(
                account.annual_revenue,
                usd(cents(&row["revenue"]) * 1_000_000)
            );
            assert_eq!(account.region_code, code(&row["office_location"]));
        }
    }

    fn has_deals(&self, export: &Export) {
        assert_eq!(self.deals.len(), export.pipeline.len());
        let office = |agent: &str| {
            let team = export
                .teams
                .iter()
                .find(|team| team["sales_agent"] == agent);
            &self.territories[&team.unwrap()["regional_office"]]
        };
        for row in &export.pipeline {
            let deal = &self.deals[&row["opportunity_id"]];
            let stage = match row["deal_stage"].as_str() {
                "Won" => Stage::Won,
                "Lost" => Stage::Lost,
                "Engaging" => Stage::Qualified,
                "Prospecting" => Stage::Prospect,
                other => panic!("{other}"),
            };
            assert_eq!(deal.stage(), stage, "{deal:?}");
            assert_eq!(deal.partner, self.partners[&row["sales_agent"]].name);
            let account = match row["account"].as_str() {
                "" => "",
                account => self.accounts[account].name.as_str(),
            };
            assert_eq!(deal.account, account);
            assert_eq!(deal.territory, office(&row["sales_agent"]).name);
            assert_eq!(deal.engage_date, date(&row["engage_date"]));
            assert_eq!(deal.close_date, date(&row["close_date"]));
            let worth = usd(export.worth(row));
            assert_eq!(deal.amount, worth);
            assert_eq!(
                deal.lines,
                [pb::deal::Line {
                    product: self.products[&row["product"]].name.clone(),
                    quantity: 1,
                    amount: worth,
                }]
            );
        }
    }

    /// Compares what the deals of each partner come to.
    pub(super) async fn adds_up_by_partner(&self, caller: &Caller, parent: &str, export: &Export) {
        let (rows, totals) = pipeline(caller, parent, Grouping::Partner).await;
        let agents = self
            .partners
            .values()
            .map(|one| (one.name.as_str(), &one.external_id));
        let agents: BTreeMap<_, _> = agents.collect();
        let found: BTreeMap<String, Sum> = rows
            .iter()
            .map(|row| match &row.group {
                Some(Group::Partner(name)) => (agents[name.as_str()].clone(), sum(row)),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, export.by_agent());
        assert_eq!(totals.iter().map(sum).collect::<Vec<_>>(), [export.total()]);
    }

    /// Compares what the deals of each quarter come to.
    pub(super) async fn adds_up_by_quarter(&self, caller: &Caller, parent: &str, export: &Export) {
        let (rows, totals) = pipeline(caller, parent, Grouping::Quarter).await;
        let found: BTreeMap<_, Sum> = rows
            .iter()
            .map(|row| match &row.group {
                Some(Group::PeriodStartDate(Date {
                    year,
                    month,
                    day: 1,
                })) => (Some((*year, *month)), sum(row)),
                Some(Group::Undated(true)) => (None, sum(row)),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, export.by_quarter());
        assert_eq!(totals.iter().map(sum).collect::<Vec<_>>(), [export.total()]);
    }

    /// Compares what the deals with each product and of each territory come to.
    pub(super) async fn adds_up_by_product_and_office(
        &self,
        caller: &Caller,
        parent: &str,
        export: &Export,
    ) {
        let products = self.products.values();
        let mut known: BTreeMap<_, _> = products.map(|one| (&one.name, &one.external_id)).collect();
        let offices = self.territories.values();
        known.extend(offices.map(|one| (&one.name, &one.external_id)));
        for (by, expected) in [
            (Grouping::Product, export.by_product()),
            (Grouping::Territory, export.by_office()),
        ] {
            let (rows, totals) = pipeline(caller, parent, by).await;
            let named = |row: &pb::PipelineRow| match &row.group {
                Some(Group::Product(name) | Group::Territory(name)) => known[name].clone(),
                other => panic!("{other:?}"),
            };
            let found: BTreeMap<String, Sum> =
                rows.iter().map(|row| (named(row), sum(row))).collect();
            assert_eq!(found, expected, "{by:?}");
            let total: Vec<_> = totals.iter().map(sum).collect();
            assert_eq!(total, [export.total()], "{by:?}");
        }
    }
}

async fn pipeline(
    caller: &Caller,
    parent: &str,
    by: Grouping,
) -> (Vec<pb::PipelineRow>, Vec<pb::PipelineRow>) {
    let request = pb::GetPipelineRequest {
        parent: parent.to_owned(),
        group_by: by.into(),
        ..pb::GetPipelineRequest::default()
    };
    let answer = caller
        .deals()
        .get_pipeline(request)
        .await
        .unwrap()
        .into_inner();
    (answer.rows, answer.totals)
}

fn sum(row: &pb::PipelineRow) -> Sum {
    assert_eq!(row.currency_code, "USD");
    let cents = |money: &Option<Money>| {
        let money = money.clone().unwrap_or_default();
        money.units * 100 + i64::from(money.nanos / 10_000_000)
    };
    Sum {
        open: row.open_count,
        open_cents: cents(&row.open_amount),
        won: row.won_count,
        won_cents: cents(&row.won_amount),
        lost: row.lost_count,
    }
}

fn usd(cents: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        units: cents / 100,
        nanos: i32::try_from(cents % 100).unwrap() * 10_000_000,
    })
}

fn date(text: &str) -> Option<Date> {
    day(text).map(|(year, month, day)| Date { year, month, day })
}

fn code(country: &str) -> &'static str {
    match country {
        "Belgium" => "BE",
        "Brazil" => "BR",
        "China" => "CN",
        "Germany" => "DE",
        "Italy" => "IT",
        "Japan" => "JP",
        "Jordan" => "JO",
        "Kenya" => "KE",
        "Korea" => "KR",
        "Norway" => "NO",
        "Panama" => "PA",
        "Philipines" => "PH",
        "Poland" => "PL",
        "Romania" => "RO",
        "United States" => "US",
        other => panic!("{other}"),
    }
}
