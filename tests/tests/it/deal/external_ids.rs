//! The ids of deals in other systems, and what an import says of fields that partners own.

use futures::future::join;
use prost_types::FieldMask;
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::{Role, Side, Stage};
use trellis_api::deal::v1::deal_proposal::State;
use trellis_api::deal::v1::import_deals_response::Difference;
use trellis_api::rpc::v1::row_outcome::Result as Outcome;
use trellis_tests::{on_both, refused};

use super::market::{Market, part, usd};

fn id(system: &str, external_id: &str) -> pb::deal::ExternalId {
    pb::deal::ExternalId {
        system: system.to_owned(),
        external_id: external_id.to_owned(),
    }
}

async fn find(market: &Market, system: &str, id: &str) -> Result<Response<pb::Deal>, Status> {
    let request = pb::LookupDealRequest {
        parent: market.parent.clone(),
        system: system.to_owned(),
        external_id: id.to_owned(),
    };
    market.deals().lookup_deal(request).await
}

async fn update(
    market: &Market,
    deal: pb::Deal,
    paths: &[&str],
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::UpdateDealRequest {
        deal: Some(deal),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdateDealRequest::default()
    };
    market.deals().update_deal(request).await
}

async fn give(
    market: &Market,
    name: &str,
    ids: Vec<pb::deal::ExternalId>,
) -> Result<Response<pb::Deal>, Status> {
    let deal = pb::Deal {
        name: name.to_owned(),
        external_ids: ids,
        ..pb::Deal::default()
    };
    update(market, deal, &["external_ids"]).await
}

/// Sends rows in one message.
async fn import(
    market: &Market,
    deals: Vec<pb::Deal>,
    validate_only: bool,
) -> pb::ImportDealsResponse {
    let rows = (1..)
        .zip(deals)
        .map(|(row_number, deal)| pb::ImportDealRow {
            row_number,
            deal: Some(deal),
            ..pb::ImportDealRow::default()
        });
    let message = pb::ImportDealsRequest {
        parent: market.parent.clone(),
        rows: rows.collect(),
        validate_only,
    };
    let answers = market
        .deals()
        .import_deals(tokio_stream::iter([message]))
        .await;
    let answer = answers.unwrap().into_inner().message().await.unwrap();
    answer.unwrap()
}

fn row(external_id: &str) -> pb::Deal {
    pb::Deal {
        display_name: external_id.to_owned(),
        external_id: external_id.to_owned(),
        amount: usd(1_000),
        stage: Stage::Qualified.into(),
        ..pb::Deal::default()
    }
}

fn results(answer: &pb::ImportDealsResponse) -> Vec<Outcome> {
    answer.outcomes.iter().map(|one| one.result()).collect()
}

fn differences(answer: pb::ImportDealsResponse) -> Vec<Difference> {
    let rows = answer.row_differences.into_iter();
    rows.flat_map(|row| row.differences).collect()
}

on_both! {
    async fn a_deal_is_found_by_its_id_in_each_system(world: World) {
        let market = Market::open(world).await;
        let deal = pb::Deal {
            external_ids: vec![id("salesforce", "0061"), id("erp", "77")],
            ..market.ten_firewalls()
        };
        let made = market.deal(deal).await;
        // They are answered in the order of the systems.
        assert_eq!(made.external_ids, [id("erp", "77"), id("salesforce", "0061")]);
        for (system, number) in [("salesforce", "0061"), ("erp", "77")] {
            assert_eq!(find(&market, system, number).await.unwrap().into_inner(), made);
        }
        for (system, number) in [("salesforce", "77"), ("erp", "0061"), ("SALESFORCE", "0061")] {
            refused(find(&market, system, number).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        give(&market, &made.name, vec![id("erp", "78")]).await.unwrap();
        refused(find(&market, "erp", "77").await, Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(find(&market, "salesforce", "0061").await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(find(&market, "erp", "78").await.unwrap().into_inner().name, made.name);
        // Whoever has been told that the deal is won does not rely on them.
        market.win(&made.name).await;
        give(&market, &made.name, vec![]).await.unwrap();
        assert_eq!(market.read_deal(&made.name).await.external_ids, []);
    }

    async fn no_two_deals_have_the_same_id_in_a_system(world: World) {
        let market = Market::open(world).await;
        let with = |ids| pb::Deal { external_ids: ids, ..market.ten_firewalls() };
        let first = market.deal(with(vec![id("erp", "1")])).await.name;
        let second = market.deal(with(vec![id("erp", "2")])).await.name;
        let taken = || vec![id("crm", "9"), id("erp", "1")];
        for refusal in [market.try_deal(with(taken())).await, give(&market, &second, taken()).await] {
            refused(refusal, Code::AlreadyExists, "RESOURCE_EXISTS")
                .tells("resource", &first)
                .tells("field", "external_ids[1]");
        }
        // Nothing of it was done.
        refused(find(&market, "crm", "9").await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(find(&market, "erp", "2").await.unwrap().into_inner().name, second);
        let twice = vec![id("erp", "3"), id("erp", "4")];
        refused(give(&market, &second, twice).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("deal.external_ids[1].system", "repeated.unique");
        // What one no longer has another may have.
        give(&market, &first, vec![]).await.unwrap();
        give(&market, &second, vec![id("erp", "1")]).await.unwrap();
        assert_eq!(find(&market, "erp", "1").await.unwrap().into_inner().name, second);
    }

    async fn of_two_that_take_an_id_at_once_one_has_it(world: World) {
        let market = Market::open(world).await;
        let first = market.deal(market.ten_firewalls()).await.name;
        let second = market.deal(market.ten_firewalls()).await.name;
        for round in 0..10 {
            let ids = || vec![id("erp", &round.to_string())];
            let both = join(give(&market, &first, ids()), give(&market, &second, ids())).await;
            let (holder, not) = match both {
                (Ok(holder), Err(not)) | (Err(not), Ok(holder)) => (holder.into_inner().name, not),
                both => panic!("{both:?}"),
            };
            refused::<()>(Err(not), Code::AlreadyExists, "RESOURCE_EXISTS").tells("resource", &holder);
            let found = find(&market, "erp", &round.to_string()).await.unwrap().into_inner();
            assert_eq!((found.external_ids, found.name), (ids(), holder));
        }
    }

    async fn rows_bring_ids_and_take_none_away(world: World) {
        let market = Market::open(world).await;
        let with = |of: &str, ids| pb::Deal { external_ids: ids, ..row(of) };
        let rows = || vec![
            with("a", vec![id("erp", "1")]),
            with("b", vec![id("erp", "2"), id("mall", "2")]),
            with("c", vec![id("erp", "1")]),
        ];
        let answer = import(&market, rows(), false).await;
        assert_eq!(results(&answer), [Outcome::Created, Outcome::Created, Outcome::Rejected]);
        let [wrong] = answer.outcomes[2].violations.as_slice() else { panic!("{answer:?}") };
        let (a, b) = (answer.outcomes[0].name.clone(), answer.outcomes[1].name.clone());
        assert_eq!(wrong.description, format!("1 in erp is the id of {a} already"));
        let again = import(&market, rows(), false).await;
        assert_eq!(results(&again), [Outcome::Unchanged, Outcome::Unchanged, Outcome::Rejected]);
        // They change hands within one message, in the order of the rows.
        let rows = vec![with("a", vec![id("erp", "3")]), with("b", vec![id("erp", "1")])];
        let answer = import(&market, rows, false).await;
        assert_eq!(results(&answer), [Outcome::Updated, Outcome::Updated]);
        let told = differences(answer);
        assert_eq!((told[0].held.as_str(), told[0].given.as_str()), ("1 in erp", "3 in erp"));
        assert_eq!((told[1].held.as_str(), told[1].given.as_str()), ("2 in erp, 2 in mall", "1 in erp, 2 in mall"));
        for (number, name) in [("3", &a), ("1", &b)] {
            assert_eq!(&find(&market, "erp", number).await.unwrap().into_inner().name, name);
        }
        refused(find(&market, "erp", "2").await, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn what_a_row_says_of_the_partners_fields_is_proposed_once(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let sourced = |step: &str| vec![pb::Deal {
            partner: nimbus.clone(), next_step: step.to_owned(), ..row("a")
        }];
        // What comes with a new deal is how it began.
        let answer = import(&market, sourced("Call"), false).await;
        let name = answer.outcomes[0].name.clone();
        assert_eq!(market.read_deal(&name).await.next_step, "Call");
        let told = |number: i32, given: &str| Difference {
            field: "next_step".to_owned(),
            held: "Call".to_owned(),
            given: given.to_owned(),
            applied: false,
            proposal: format!("{name}/proposals/{number}"),
        };
        let dry = import(&market, sourced("Write"), true).await;
        assert_eq!((results(&dry), differences(dry)), (vec![Outcome::Updated], vec![told(1, "Write")]));
        assert_eq!(market.read_deal(&name).await.open_proposals, []);
        for outcome in [Outcome::Updated, Outcome::Unchanged] {
            let real = import(&market, sourced("Write"), false).await;
            assert_eq!((results(&real), differences(real)), (vec![outcome], vec![told(1, "Write")]));
        }
        let read = market.read_deal(&name).await;
        assert_eq!((read.next_step.as_str(), read.open_proposals.len()), ("Call", 1));
        assert_eq!(read.open_proposals[0].side(), Side::Vendor);
        // Another value takes its place, also within one message, beside what the vendor owns.
        let mut rows = sourced("Visit");
        rows[0].amount = usd(2_000);
        rows.extend(sourced("Wait"));
        rows[1].amount = usd(2_000);
        let real = import(&market, rows, false).await;
        assert_eq!(results(&real), [Outcome::Updated, Outcome::Updated]);
        let fields: Vec<_> = differences(real).into_iter().map(|one| (one.field, one.applied)).collect();
        let told_of = |field: &str, applied| (field.to_owned(), applied);
        assert_eq!(fields, [told_of("amount", true), told_of("next_step", false), told_of("next_step", false)]);
        let list = pb::ListDealProposalsRequest { parent: name.clone(), ..Default::default() };
        let states = async || {
            let listed = market.deals().list_deal_proposals(list.clone()).await.unwrap();
            let listed = listed.into_inner().deal_proposals;
            listed.iter().map(|one| one.state()).collect::<Vec<_>>()
        };
        assert_eq!(states().await, [State::Open, State::Superseded, State::Superseded]);
        // What was refused is not proposed by every run anew. The vendor may refuse it here because the
        // partner has left the deal meanwhile, and comes back.
        let set = |roles| pb::SetDealRolesRequest { name: name.clone(), roles, ..Default::default() };
        market.deals().set_deal_roles(set(vec![])).await.unwrap();
        let reject = pb::RejectDealProposalRequest {
            name: format!("{name}/proposals/3"), ..Default::default()
        };
        market.deals().reject_deal_proposal(reject).await.unwrap();
        market.deals().set_deal_roles(set(vec![part(&nimbus, Role::Sourced)])).await.unwrap();
        let mut rows = sourced("Wait");
        rows[0].amount = usd(2_000);
        let again = import(&market, rows, false).await;
        assert_eq!((results(&again), differences(again)), (vec![Outcome::Unchanged], vec![told(3, "Wait")]));
        assert_eq!(states().await, [State::Rejected, State::Superseded, State::Superseded]);
        // Where no partner sourced the deal the vendor has the field.
        market.deals().set_deal_roles(set(vec![])).await.unwrap();
        let alone = pb::Deal { next_step: "Wait".to_owned(), amount: usd(2_000), ..row("a") };
        let real = import(&market, vec![alone], false).await;
        assert_eq!((results(&real), differences(real)[0].applied), (vec![Outcome::Updated], true));
        assert_eq!(market.read_deal(&name).await.next_step, "Wait");
    }

    async fn a_row_that_says_what_the_deal_says_takes_the_proposal_back(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let sourced = |step: &str| pb::Deal { partner: nimbus.clone(), next_step: step.to_owned(), ..row("a") };
        let answer = import(&market, vec![sourced("Call")], false).await;
        let name = answer.outcomes[0].name.clone();
        import(&market, vec![sourced("Write")], false).await;
        import(&market, vec![sourced("Call")], false).await;
        let read = market.read_deal(&name).await;
        assert_eq!((read.next_step.as_str(), read.open_proposals.len()), ("Call", 0));
        let again = import(&market, vec![sourced("Call")], false).await;
        assert_eq!(results(&again), [Outcome::Unchanged]);
    }

    async fn a_line_whose_product_a_part_names_stays(world: World) {
        let market = Market::open(world).await;
        let [nimbus, cirrus] = market.partners_at_work(["nimbus", "cirrus"]).await;
        let deal = pb::Deal {
            lines: vec![market.line("firewall", 10, None), market.line("backup", 5, None)],
            ..market.ten_firewalls()
        };
        let name = market.deal(deal).await.name;
        let fulfils = pb::deal::PartnerRole {
            products: vec![market.name("products", "backup")], ..part(&cirrus, Role::Fulfil)
        };
        let set = |roles| pb::SetDealRolesRequest { name: name.clone(), roles, ..Default::default() };
        market.deals().set_deal_roles(set(vec![part(&nimbus, Role::Sourced), fulfils])).await.unwrap();
        let lines = |lines| pb::Deal { name: name.clone(), lines, ..pb::Deal::default() };
        let without = || lines(vec![market.line("firewall", 10, None)]);
        refused(update(&market, without(), &["lines"]).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("deal.lines", "roles.sold");
        let kept = lines(vec![market.line("backup", 1, None)]);
        update(&market, kept, &["lines"]).await.unwrap();
        // Once nobody has that part any more the line may go.
        market.deals().set_deal_roles(set(vec![part(&nimbus, Role::Sourced)])).await.unwrap();
        update(&market, without(), &["lines"]).await.unwrap();
    }
}
