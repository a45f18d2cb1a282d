//! Whose word a field of a deal is: what either side writes to fields of the other is proposed.

use futures::future::join;
use prost_types::{FieldMask, Timestamp};
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::{Role, Side};
use trellis_api::deal::v1::deal_proposal::State;
use trellis_core::Role as Of;
use trellis_tests::{Caller, on_both, refused};

use super::scene::Scene;
use crate::deal::market::{money, part, usd};

/// Somebody who calls.
#[derive(Clone, Copy)]
struct By<'a>(&'a Caller);

impl By<'_> {
    async fn update(self, request: pb::UpdateDealRequest) -> Result<Response<pb::Deal>, Status> {
        self.0.deals().update_deal(request).await
    }

    async fn try_list(self, deal: &str) -> Result<Response<pb::ListDealProposalsResponse>, Status> {
        let request = pb::ListDealProposalsRequest {
            parent: deal.to_owned(),
            ..pb::ListDealProposalsRequest::default()
        };
        self.0.deals().list_deal_proposals(request).await
    }

    async fn list(self, deal: &str) -> Vec<pb::DealProposal> {
        let listed = self.try_list(deal).await.unwrap();
        listed.into_inner().deal_proposals
    }

    async fn accept(self, name: &str) -> Result<Response<pb::DealProposal>, Status> {
        let request = pb::AcceptDealProposalRequest {
            name: name.to_owned(),
            note: "agreed".to_owned(),
            ..pb::AcceptDealProposalRequest::default()
        };
        self.0.deals().accept_deal_proposal(request).await
    }

    async fn reject(self, name: &str) -> Result<Response<pb::DealProposal>, Status> {
        let request = pb::RejectDealProposalRequest {
            name: name.to_owned(),
            note: "not yet".to_owned(),
            ..pb::RejectDealProposalRequest::default()
        };
        self.0.deals().reject_deal_proposal(request).await
    }
}

/// A write of the fields in a mask.
fn write(deal: pb::Deal, paths: &[&str]) -> pb::UpdateDealRequest {
    pb::UpdateDealRequest {
        deal: Some(deal),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdateDealRequest::default()
    }
}

fn worth(name: &str, units: i64) -> pb::UpdateDealRequest {
    let deal = pb::Deal {
        name: name.to_owned(),
        amount: usd(units),
        ..pb::Deal::default()
    };
    write(deal, &["amount"])
}

fn step(name: &str, text: &str) -> pb::UpdateDealRequest {
    let deal = pb::Deal {
        name: name.to_owned(),
        next_step: text.to_owned(),
        ..pb::Deal::default()
    };
    write(deal, &["next_step"])
}

/// The same as a system wrote it that many seconds after 2026 began.
fn as_of(seconds: i64, request: pb::UpdateDealRequest) -> pb::UpdateDealRequest {
    pb::UpdateDealRequest {
        source_system: "crm".to_owned(),
        source_time: Some(Timestamp {
            seconds: 1_767_225_600 + seconds,
            nanos: 0,
        }),
        ..request
    }
}

/// A numbered proposal of a deal.
fn nth(deal: &str, number: usize) -> String {
    format!("{deal}/proposals/{number}")
}

/// What is open in a deal: the fields and who proposed something for them.
fn open(deal: &pb::Deal) -> Vec<(String, Side)> {
    let open = deal.open_proposals.iter();
    open.map(|one| (one.field.clone(), one.side())).collect()
}

fn states(proposals: &[pb::DealProposal]) -> Vec<State> {
    proposals.iter().map(pb::DealProposal::state).collect()
}

impl Scene {
    /// A deal of a thousand dollars that nimbus sourced.
    async fn sourced(&self) -> String {
        let deal = pb::Deal {
            partner: self.nimbus.clone(),
            ..self.ten_firewalls()
        };
        self.deal(deal).await.name
    }

    fn staff(&self) -> By<'_> {
        By(&self.market.world)
    }
}

on_both! {
    async fn a_partner_changes_what_it_owns_and_the_vendor_decides_about_the_rest(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        let said = pb::Deal {
            name: name.clone(),
            amount: usd(2_000),
            next_step: "Send the quote".to_owned(),
            contacts: vec![pb::deal::Contact {
                display_name: "Ida Kern".to_owned(),
                email: "ida@initech.example".to_owned(),
                ..pb::deal::Contact::default()
            }],
            partner_product: "Managed firewall".to_owned(),
            ..pb::Deal::default()
        };
        let fields = ["amount", "next_step", "contacts", "partner_product"];
        let answered = nimbus.update(write(said.clone(), &fields)).await.unwrap().into_inner();
        assert_eq!(answered.amount, usd(1_000));
        assert_eq!(answered.next_step, said.next_step);
        assert_eq!((&answered.contacts, &answered.partner_product), (&said.contacts, &said.partner_product));
        assert_eq!(open(&answered), [("amount".to_owned(), Side::Partner)]);

        let read = scene.read_deal(&name).await;
        assert_eq!((read.amount, &read.contacts), (usd(1_000), &said.contacts));
        let versions = read.field_versions.iter().map(|one| (one.field.as_str(), one.version, one.partner.as_str()));
        let by = scene.nimbus.as_str();
        assert_eq!(
            versions.collect::<Vec<_>>(),
            [("contacts", 1, by), ("next_step", 1, by), ("partner_product", 1, by)]
        );
        // It is told to both, and only the owner decides.
        for by in [nimbus, scene.staff()] {
            let [proposal] = by.list(&name).await.try_into().unwrap();
            assert_eq!((proposal.name.as_str(), proposal.side()), (nth(&name, 1).as_str(), Side::Partner));
            assert_eq!((proposal.state(), proposal.field.as_str()), (State::Open, "amount"));
            assert_eq!(proposal.value, Some(pb::deal_proposal::Value { amount: usd(2_000), ..Default::default() }));
        }
        refused(nimbus.accept(&nth(&name, 1)).await, Code::FailedPrecondition, "PRECONDITION")
            .tells("requires", "be decided by the vendor");
        let accepted = scene.staff().accept(&nth(&name, 1)).await.unwrap().into_inner();
        assert_eq!((accepted.state(), accepted.note.as_str()), (State::Accepted, "agreed"));
        let read = scene.read_deal(&name).await;
        assert_eq!((&read.amount, &read.lines[0].amount), (&usd(2_000), &usd(2_000)));
        assert_eq!(open(&read), []);
        // The partner reads what came of it, and not who decided.
        let request = pb::GetDealProposalRequest { name: nth(&name, 1) };
        let told = seat.deals().get_deal_proposal(request.clone()).await.unwrap().into_inner();
        assert_eq!((told.note.as_str(), told.decider.as_str(), told.actor.as_str()), ("agreed", "", ""));
        let told = scene.deals().get_deal_proposal(request).await.unwrap().into_inner();
        assert!(!told.decider.is_empty() && told.actor.contains("nimbus"));
        scene.tells(&name, &[
            "deal.created", "deal.proposed", "deal.updated", "deal.updated", "deal.proposal_decided",
        ]).await;
        let events = scene.events_of(&seat, 1).await;
        let kinds = events.iter().filter(|event| event.resource == name).map(|event| event.r#type.as_str());
        assert_eq!(kinds.filter(|kind| kind.starts_with("deal.propos")).count(), 2);
    }

    async fn the_vendor_proposes_what_the_partner_owns(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.rep("rep@nimbus.example", "nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        nimbus.update(step(&name, "Send the quote")).await.unwrap();
        for (number, text) in [(1, "Call Ida"), (2, "Wait")] {
            let answered = scene.staff().update(step(&name, text)).await.unwrap().into_inner();
            assert_eq!(answered.next_step, "Send the quote");
            assert_eq!(open(&answered), [("next_step".to_owned(), Side::Vendor)]);
            refused(scene.staff().accept(&nth(&name, number)).await, Code::FailedPrecondition, "PRECONDITION")
                .tells("requires", "be decided by the partner that owns the field");
            match number {
                1 => nimbus.accept(&nth(&name, number)).await.unwrap(),
                _ => nimbus.reject(&nth(&name, number)).await.unwrap(),
            };
            let read = scene.read_deal(&name).await;
            assert_eq!(open(&read), []);
            nimbus.update(step(&name, "Send the quote")).await.unwrap();
        }
        let told = scene.staff().list(&name).await;
        assert_eq!(states(&told), [State::Rejected, State::Accepted]);
        assert_eq!(told[0].note, "not yet");
        refused(nimbus.accept(&nth(&name, 2)).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "REJECTED");
        // Where no partner sourced the deal there is nobody to ask.
        let unsourced = scene.deal(scene.ten_firewalls()).await.name;
        let answered = scene.staff().update(step(&unsourced, "Call Ida")).await.unwrap().into_inner();
        assert_eq!((answered.next_step.as_str(), open(&answered)), ("Call Ida", vec![]));
        assert_eq!(scene.staff().list(&unsourced).await, []);
    }

    async fn a_side_has_one_open_proposal_for_a_field(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        for units in [2_000, 2_000, 3_000] {
            nimbus.update(worth(&name, units)).await.unwrap();
        }
        assert_eq!(states(&nimbus.list(&name).await), [State::Open, State::Superseded]);
        // What was superseded is decided no more.
        refused(scene.staff().accept(&nth(&name, 1)).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "SUPERSEDED");
        // Who says what the deal says takes it back.
        let answered = nimbus.update(worth(&name, 1_000)).await.unwrap().into_inner();
        assert_eq!(open(&answered), []);
        assert_eq!(states(&nimbus.list(&name).await), [State::Superseded; 2]);
        // What the owner writes itself is accepted.
        nimbus.update(worth(&name, 4_000)).await.unwrap();
        scene.staff().update(worth(&name, 3_999)).await.unwrap();
        assert_eq!(states(&nimbus.list(&name).await)[0], State::Open);
        scene.staff().update(worth(&name, 4_000)).await.unwrap();
        assert_eq!(states(&nimbus.list(&name).await)[0], State::Accepted);
        let filtered = pb::ListDealProposalsRequest {
            parent: name.clone(),
            filter: "state = SUPERSEDED AND field = \"amount\"".to_owned(),
            ..pb::ListDealProposalsRequest::default()
        };
        let filtered = seat.deals().list_deal_proposals(filtered).await.unwrap().into_inner();
        assert_eq!(states(&filtered.deal_proposals), [State::Superseded; 2]);
    }

    async fn a_row_of_an_import_that_says_the_same_accepts_it(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let nimbus = By(&seat);
        let row = |units: i64| pb::ImportDealRow {
            row_number: 1,
            deal: Some(pb::Deal {
                display_name: "Ten firewalls".to_owned(),
                external_id: "a".to_owned(),
                partner: scene.nimbus.clone(),
                amount: usd(units),
                stage: pb::deal::Stage::Qualified.into(),
                ..pb::Deal::default()
            }),
            ..pb::ImportDealRow::default()
        };
        let import = async |units: i64| {
            let message = pb::ImportDealsRequest {
                parent: scene.parent.clone(), rows: vec![row(units)], validate_only: false,
            };
            let answers = scene.deals().import_deals(tokio_stream::iter([message])).await;
            let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
            answer.outcomes[0].name.clone()
        };
        let name = import(1_000).await;
        nimbus.update(worth(&name, 2_000)).await.unwrap();
        // The vendor owns the amount: its row is taken, and the proposal waits on.
        import(1_500).await;
        assert_eq!(states(&nimbus.list(&name).await), [State::Open]);
        import(2_000).await;
        assert_eq!(states(&nimbus.list(&name).await), [State::Accepted]);
        assert_eq!(open(&scene.read_deal(&name).await), []);
        // What the import wrote is the vendor's word of that moment.
        refused(scene.staff().update(as_of(0, worth(&name, 5))).await, Code::FailedPrecondition, "LATE_WRITE");
    }

    async fn a_late_write_changes_nothing_and_says_so(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        let both = |units: i64, text: &str| {
            let deal = pb::Deal {
                name: name.clone(),
                amount: usd(units),
                display_name: text.to_owned(),
                ..pb::Deal::default()
            };
            write(deal, &["amount", "display_name"])
        };
        let staff = scene.staff();
        staff.update(as_of(100, both(2_000, "Second"))).await.unwrap();
        staff.update(as_of(200, worth(&name, 3_000))).await.unwrap();
        let before = scene.read_deal(&name).await;
        refused(staff.update(as_of(150, both(1_500, "First"))).await, Code::FailedPrecondition, "LATE_WRITE")
            .tells("fields", "amount")
            .tells("latest_time", "2026-01-01T00:03:20Z");
        assert_eq!(scene.read_deal(&name).await, before);
        // A field that is not late goes through by itself, and so does the same moment again.
        let named = pb::Deal {
            name: name.clone(), display_name: "Third".to_owned(), ..pb::Deal::default()
        };
        staff.update(as_of(150, write(named, &["display_name"]))).await.unwrap();
        staff.update(as_of(200, worth(&name, 3_000))).await.unwrap();
        // Each side has its own clock. A proposal that is late takes no other's place.
        nimbus.update(as_of(60, worth(&name, 5_000))).await.unwrap();
        refused(nimbus.update(as_of(50, worth(&name, 4_000))).await, Code::FailedPrecondition, "LATE_WRITE")
            .tells("fields", "amount");
        let [proposal] = nimbus.list(&name).await.try_into().unwrap();
        assert_eq!(proposal.value.unwrap().amount, usd(5_000));
        assert_eq!(proposal.source_time.unwrap().seconds, 1_767_225_660);
        assert_eq!(proposal.source_system, "");
        // To accept is the owner's word of this moment: its system's older one is late.
        staff.accept(&proposal.name).await.unwrap();
        refused(staff.update(as_of(300, worth(&name, 3_000))).await, Code::FailedPrecondition, "LATE_WRITE");
        assert_eq!(scene.read_deal(&name).await.amount, usd(5_000));
        // Who says no time speaks of now; one that has not come yet is no later than that.
        staff.update(worth(&name, 6_000)).await.unwrap();
        let ahead = as_of(1_000_000_000, worth(&name, 7_000));
        staff.update(ahead).await.unwrap();
        staff.update(worth(&name, 8_000)).await.unwrap();
        let read = scene.read_deal(&name).await;
        assert_eq!(read.amount, usd(8_000));
        let amount = read.field_versions.iter().find(|one| one.field == "amount").unwrap();
        assert_eq!((amount.version, amount.source_system.as_str()), (6, ""));
    }

    async fn no_partner_learns_what_is_between_the_vendor_and_another(world: World) {
        let scene = Scene::open(world).await;
        let seats = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let (nimbus, cirrus) = (By(&seats.0), By(&seats.1));
        let name = scene.sourced().await;
        nimbus.update(step(&name, "Send the quote")).await.unwrap();
        nimbus.update(worth(&name, 2_000)).await.unwrap();
        scene.staff().update(step(&name, "Call Ida")).await.unwrap();
        // Without a part it reaches nothing, and is told nothing else than where nothing is.
        refused(cirrus.update(worth(&name, 5)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(cirrus.try_list(&name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        for number in [1, 2, 7] {
            refused(cirrus.accept(&nth(&name, number)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        let set = |roles: Vec<pb::deal::PartnerRole>| pb::SetDealRolesRequest {
            name: name.clone(), roles, ..pb::SetDealRolesRequest::default()
        };
        let source = |partner: &str| part(partner, Role::Sourced);
        let roles = vec![source(&scene.nimbus), part(&scene.cirrus, Role::CoSell)];
        scene.deals().set_deal_roles(set(roles)).await.unwrap();
        // With one it may propose to the vendor, and neither partner learns of the other.
        let answered = cirrus.update(worth(&name, 3_000)).await.unwrap().into_inner();
        assert_eq!((answered.next_step.as_str(), open(&answered).len()), ("", 1));
        refused(cirrus.update(step(&name, "Ours")).await, Code::FailedPrecondition, "PRECONDITION")
            .tells("requires", "be sourced by who writes next_step; leave it out of the mask");
        for (by, own) in [(nimbus, vec![2, 1]), (cirrus, vec![3])] {
            let own: Vec<_> = own.into_iter().map(|number| nth(&name, number)).collect();
            let listed = by.list(&name).await;
            assert_eq!(listed.iter().map(|one| one.name.clone()).collect::<Vec<_>>(), own);
        }
        for number in [1, 2] {
            refused(cirrus.reject(&nth(&name, number)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        refused(nimbus.reject(&nth(&name, 3)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(scene.staff().list(&name).await.len(), 3);
        // Who sources it in the place of the other does not read what that one wrote, nor decides about
        // what was proposed to it; the vendor takes that back.
        scene.deals().set_deal_roles(set(vec![source(&scene.cirrus)])).await.unwrap();
        let answered = cirrus.update(worth(&name, 3_500)).await.unwrap().into_inner();
        assert_eq!(answered.next_step, "");
        assert_eq!(scene.read_deal(&name).await.next_step, "Send the quote");
        refused(cirrus.accept(&nth(&name, 2)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(scene.staff().accept(&nth(&name, 2)).await, Code::FailedPrecondition, "PRECONDITION")
            .tells("requires", "be for a field that the vendor owns; a partner sources the deal now");
        scene.staff().reject(&nth(&name, 2)).await.unwrap();
        let answered = cirrus.update(step(&name, "Ours")).await.unwrap().into_inner();
        assert_eq!(answered.next_step, "Ours");
    }

    async fn what_could_not_be_taken_is_not_proposed(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        let deal = || pb::Deal { name: name.clone(), ..pb::Deal::default() };
        let mixed = pb::Deal {
            lines: vec![scene.line("firewall", 1, usd(5))], amount: money(7, "EUR"), ..deal()
        };
        refused(nimbus.update(write(mixed, &["lines", "amount"])).await, Code::InvalidArgument, "INVALID_FIELDS");
        // A customer of somebody else's is none that it could name.
        let other = pb::Deal { account: scene.name("accounts", "globex"), ..deal() };
        refused(nimbus.update(write(other, &["account"])).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        for path in ["external_id", "external_ids"] {
            refused(nimbus.update(write(deal(), &[path])).await, Code::InvalidArgument, "INVALID_FIELDS")
                .breaks("update_mask", "staff_sets");
        }
        assert_eq!(nimbus.list(&name).await, []);
        // What the deal says it may say, also of a customer that it does not reach itself.
        let read = seat.deals().get_deal(pb::GetDealRequest { name: name.clone() }).await.unwrap();
        let whole = pb::Deal { partner_product: "Ours".to_owned(), ..read.into_inner() };
        let answered = nimbus.update(write(whole, &["*"])).await.unwrap().into_inner();
        assert_eq!((answered.partner_product.as_str(), open(&answered)), ("Ours", vec![]));
        // Its own customer it may, and the vendor takes it.
        let own = scene.brings(&seat, "initrode.example").await;
        let moved = pb::Deal { account: own.name.clone(), ..deal() };
        nimbus.update(write(moved, &["account"])).await.unwrap();
        scene.staff().accept(&nth(&name, 1)).await.unwrap();
        assert_eq!(scene.read_deal(&name).await.account, own.name);
        // What was proposed before the deal was won is too late afterwards; it can be refused.
        nimbus.update(worth(&name, 2_000)).await.unwrap();
        scene.win(&name).await;
        refused(nimbus.update(worth(&name, 3_000)).await, Code::FailedPrecondition, "NOT_EDITABLE");
        refused(scene.staff().accept(&nth(&name, 2)).await, Code::FailedPrecondition, "NOT_EDITABLE")
            .tells("fields", "amount");
        scene.staff().reject(&nth(&name, 2)).await.unwrap();
        // What the partner knows it may write down after the win too.
        nimbus.update(step(&name, "Renew it")).await.unwrap();
    }

    async fn what_is_sent_again_is_done_once(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        let once = pb::UpdateDealRequest {
            request_id: "7d3c1c55-1f5e-4c4e-9d0b-6f5c0f0a0001".to_owned(), ..worth(&name, 2_000)
        };
        let first = nimbus.update(once.clone()).await.unwrap().into_inner();
        assert_eq!(nimbus.update(once).await.unwrap().into_inner(), first);
        assert_eq!(nimbus.list(&name).await.len(), 1);
        let accept = pb::AcceptDealProposalRequest {
            name: nth(&name, 1),
            etag: first.etag,
            request_id: "7d3c1c55-1f5e-4c4e-9d0b-6f5c0f0a0002".to_owned(),
            ..pb::AcceptDealProposalRequest::default()
        };
        let dry = pb::AcceptDealProposalRequest {
            validate_only: true, request_id: String::new(), ..accept.clone()
        };
        let dry = scene.deals().accept_deal_proposal(dry).await.unwrap().into_inner();
        assert_eq!(dry.state(), State::Accepted);
        assert_eq!(scene.read_deal(&name).await.amount, usd(1_000));
        let first = scene.deals().accept_deal_proposal(accept.clone()).await.unwrap().into_inner();
        let again = scene.deals().accept_deal_proposal(accept.clone()).await.unwrap().into_inner();
        assert_eq!(first, again);
        let anew = pb::AcceptDealProposalRequest { request_id: String::new(), ..accept };
        refused(scene.deals().accept_deal_proposal(anew).await, Code::Aborted, "ETAG_MISMATCH");
    }

    async fn of_two_who_decide_at_once_one_does(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        for round in 1..=10_i64 {
            let units = 2_000 + round;
            nimbus.update(worth(&name, units)).await.unwrap();
            let proposal = nth(&name, usize::try_from(round).unwrap());
            let (one, other) = (scene.staff(), scene.staff());
            let (one, other) = match round % 2 {
                0 => join(one.accept(&proposal), other.accept(&proposal)).await,
                _ => join(one.accept(&proposal), other.reject(&proposal)).await,
            };
            let (done, not) = match (one, other) {
                (Ok(done), Err(not)) | (Err(not), Ok(done)) => (done.into_inner(), not),
                both => panic!("{both:?}"),
            };
            refused::<()>(Err(not), Code::FailedPrecondition, "ILLEGAL_TRANSITION");
            let held = scene.read_deal(&name).await.amount;
            assert_eq!(held == usd(units), done.state() == State::Accepted, "{done:?}");
        }
    }

    async fn who_decides_by_what_they_read_does_not_overwrite_what_came_since(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        let mut overwritten = 0;
        for round in 1..=10_i64 {
            let proposed = nimbus.update(worth(&name, 2_000 + round)).await.unwrap().into_inner();
            let accept = |etag: &str| pb::AcceptDealProposalRequest {
                name: nth(&name, usize::try_from(round).unwrap()),
                etag: etag.to_owned(),
                ..pb::AcceptDealProposalRequest::default()
            };
            let update = pb::UpdateDealRequest {
                deal: Some(pb::Deal {
                    name: name.clone(),
                    amount: usd(9_000 + round),
                    etag: proposed.etag.clone(),
                    ..pb::Deal::default()
                }),
                ..worth(&name, 0)
            };
            let (mut one, mut other) = (scene.deals(), scene.deals());
            let (accepted, updated) = join(
                one.accept_deal_proposal(accept(&proposed.etag)), other.update_deal(update),
            ).await;
            let held = scene.read_deal(&name).await.amount;
            match (accepted, updated) {
                (Ok(_), Err(late)) => {
                    refused::<()>(Err(late), Code::Aborted, "ETAG_MISMATCH");
                    assert_eq!(held, usd(2_000 + round));
                }
                (Err(late), Ok(_)) => {
                    refused::<()>(Err(late), Code::Aborted, "ETAG_MISMATCH");
                    assert_eq!(held, usd(9_000 + round));
                    // The control: who does not say what they read overwrites it.
                    scene.deals().accept_deal_proposal(accept("")).await.unwrap();
                    assert_eq!(scene.read_deal(&name).await.amount, usd(2_000 + round));
                    overwritten += 1;
                }
                both => panic!("{both:?}"),
            }
        }
        println!("{overwritten} of 10 were overwritten on purpose");
    }

    async fn a_manager_decides_for_the_partners_that_she_looks_after(world: World) {
        let scene = Scene::open(world).await;
        let seat = scene.admin("nimbus").await;
        let (nimbus, name) = (By(&seat), scene.sourced().await);
        nimbus.update(worth(&name, 2_000)).await.unwrap();
        let others = scene.seat("lee@vendor.example", Of::ChannelManager, None).await;
        scene.manages("kim@vendor.example", &scene.nimbus).await;
        let hers = scene.seat("kim@vendor.example", Of::ChannelManager, None).await;
        refused(By(&others).accept(&nth(&name, 1)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let auditor = scene.seat("ada@vendor.example", Of::Auditor, None).await;
        refused(By(&auditor).accept(&nth(&name, 1)).await, Code::PermissionDenied, "PERMISSION_DENIED");
        assert_eq!(By(&auditor).list(&name).await.len(), 1);
        By(&hers).accept(&nth(&name, 1)).await.unwrap();
    }
}
