//! `RouteLead`: who is offered a lead, why, and how often.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead::State;
use trellis_api::deal::v1::lead_routing::{Ineligibility, Obstacle};
use trellis_api::program::v1 as program;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Terms, Verb, does, found, id_of};

/// Whoever an explanation names, with what speaks against each.
fn against(routing: &pb::LeadRouting) -> BTreeMap<&str, Vec<Ineligibility>> {
    let candidates = routing.candidates.iter();
    candidates
        .map(|one| (id_of(&one.partner), one.ineligibilities().collect()))
        .collect()
}

/// Asserts what must hold of every routing, by what it says itself.
fn holds(routing: &pb::LeadRouting) {
    let eligible: Vec<_> = routing
        .candidates
        .iter()
        .filter(|one| one.ineligibilities.is_empty())
        .collect();
    let chosen = eligible.iter().find(|one| one.partner == routing.partner);
    match chosen {
        None => {
            assert_eq!(routing.partner, "", "nobody ineligible is chosen");
            assert!(eligible.is_empty());
            assert_ne!(routing.obstacle(), Obstacle::Unspecified);
        }
        Some(chosen) => {
            assert!(chosen.drawn_from);
            for other in &eligible {
                assert!(
                    chosen.open_lead_count * other.weight <= other.open_lead_count * chosen.weight,
                    "{other:?} has less than {chosen:?}"
                );
            }
        }
    }
    let drawn_from = routing.candidates.iter().filter(|one| one.drawn_from);
    let sum: i64 = drawn_from.map(|one| i64::from(one.weight)).sum();
    assert_eq!(routing.weight_sum, sum);
    assert!(routing.draw < sum.max(1));
}

async fn routings(scene: &Scene, lead: &str) -> Vec<pb::LeadRouting> {
    let request = pb::ListLeadRoutingsRequest {
        parent: lead.to_owned(),
        ..pb::ListLeadRoutingsRequest::default()
    };
    let listed = scene.leads().list_lead_routings(request).await;
    listed.unwrap().into_inner().lead_routings
}

on_both! {
    async fn everybody_who_was_looked_at_is_explained(world: World) {
        let scene = Scene::open(world).await;
        let emea = scene.territory("emea", "", &[]).await;
        let dach = scene.territory("dach", &emea, &["DE", "AT", "CH"]).await;
        let apac = scene.territory("apac", "", &["JP"]).await;
        scene.tier("idle", 9, 0).await;
        let idle = format!("{}/tiers/idle", scene.name("programs", "gold"));
        let backup = scene.name("products", "backup");
        let terms = |territories: &[&String], products: &[&String], capacity: i32, tier: &str| Terms {
            territories: territories.iter().map(|one| (*one).clone()).collect(),
            products: products.iter().map(|one| (*one).clone()).collect(),
            capacity,
            tier: tier.to_owned(),
        };
        scene.member("covers", terms(&[&apac, &emea], &[], 0, "")).await;
        scene.member("far", terms(&[&apac], &[], 0, "")).await;
        scene.member("full", terms(&[], &[], 1, "")).await;
        scene.member("idle", terms(&[], &[], 0, &idle)).await;
        scene.member("other-products", terms(&[], &[&backup], 0, "")).await;
        let suspended = scene.member("suspended", Terms::default()).await;
        scene.suspend(&suspended).await;
        scene.partner("stranger").await;
        // The one with a capacity is kept busy by a lead that nobody else may have.
        let only = pb::Lead { territory: apac.clone(), ..scene.somebody() };
        scene.suspend(&scene.name("partners", "far")).await;
        scene.suspend(&scene.name("partners", "covers")).await;
        let busy = scene.routed(only).await;
        assert_eq!(id_of(&busy.partner), "full");
        for id in ["far", "covers"] {
            let request = trellis_api::partner::v1::ReinstatePartnerRequest {
                name: scene.name("partners", id),
                ..Default::default()
            };
            scene.partners().reinstate_partner(request).await.unwrap();
        }

        let lead = scene.lead(pb::Lead { territory: dach, ..scene.somebody() }).await;
        let answer = scene.try_route(&lead.name, Some(7)).await.unwrap().into_inner();
        let (offered, routing) = (answer.lead.unwrap(), answer.routing.unwrap());
        assert_eq!((offered.state(), id_of(&offered.partner)), (State::Offered, "covers"));
        let expected = BTreeMap::from([
            ("covers", vec![]),
            ("far", vec![Ineligibility::OutsideTerritories]),
            ("full", vec![Ineligibility::AtCapacity]),
            ("idle", vec![Ineligibility::NoWeight]),
            ("other-products", vec![Ineligibility::NotAuthorized]),
            ("suspended", vec![Ineligibility::PartnerNotActive]),
        ]);
        assert_eq!(against(&routing), expected);
        assert_eq!((routing.seed, &routing.partner), (7, &offered.partner));
        assert_eq!(routing.name, format!("{}/routings/1", lead.name));
        holds(&routing);

        does(&scene, Verb::Decline, &lead.name).await.unwrap();
        let kept = routings(&scene, &lead.name).await;
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[1], routing, "what was answered is what is kept");
        assert_eq!(against(&kept[0])["covers"], [Ineligibility::Declined]);
        assert_eq!(kept[0].obstacle(), Obstacle::NoEligiblePartner);
        let stranded = scene.read(&lead.name).await;
        assert_eq!((stranded.state(), stranded.reason_code.as_str()), (State::Unroutable, "NO_ELIGIBLE_PARTNER"));
        // When what stood in the way has changed, it may be routed again.
        scene.enrol(&scene.name("partners", "stranger"), "gold", Terms::default()).await;
        let again = scene.route(&lead.name).await.lead.unwrap();
        assert_eq!(id_of(&again.partner), "stranger");
    }

    async fn the_same_seed_chooses_the_same_and_a_dry_run_tells_it(world: World) {
        let scene = Scene::open(world).await;
        for id in ["altus", "boreas", "cirrus", "nimbus", "stratus"] {
            scene.member(id, Terms::default()).await;
        }
        let lead = scene.lead(scene.somebody()).await;
        let dry = async |seed: i64| {
            let request = pb::RouteLeadRequest {
                name: lead.name.clone(),
                seed: Some(seed),
                validate_only: true,
                ..pb::RouteLeadRequest::default()
            };
            let answer = scene.leads().route_lead(request).await.unwrap().into_inner();
            answer.routing.unwrap()
        };
        let mut chosen = BTreeSet::new();
        for seed in 0..40 {
            let once = dry(seed).await;
            holds(&once);
            assert_eq!(once, dry(seed).await);
            chosen.insert(once.partner);
        }
        assert_eq!(chosen.len(), 5, "other seeds choose otherwise");
        assert_eq!(scene.read(&lead.name).await, lead, "nothing was done");
        assert_eq!(routings(&scene, &lead.name).await, []);
        let told = dry(11).await;
        let wet = scene.try_route(&lead.name, Some(11)).await.unwrap().into_inner();
        assert_eq!(wet.routing.unwrap(), told);
    }

    async fn a_lead_is_offered_to_as_many_as_its_program_says_and_to_nobody_twice(world: World) {
        let scene = Scene::open(world).await;
        for limit in [1, 3, 5] {
            let settings = program::LeadSettings {
                offer_limit: Some(limit),
                ..program::LeadSettings::default()
            };
            let id = format!("limit-{limit}");
            scene.program_with(&id, settings).await;
            for at in 0..6 {
                let partner = scene.partner(&format!("{id}-{at}")).await;
                scene.enrol(&partner, &id, Terms::default()).await;
            }
            let lead = pb::Lead { program: scene.name("programs", &id), ..scene.somebody() };
            let mut lead = scene.routed(lead).await;
            let mut had = BTreeSet::new();
            while lead.state() == State::Offered {
                assert!(had.insert(lead.partner.clone()), "{} has had it", lead.partner);
                lead = does(&scene, Verb::Decline, &lead.name).await.unwrap();
            }
            assert_eq!(had.len(), usize::try_from(limit).unwrap());
            let stranded = (lead.state(), lead.reason_code.as_str(), lead.partner.as_str());
            assert_eq!(stranded, (State::Unroutable, "OFFER_LIMIT", ""));
            let again = scene.route(&lead.name).await;
            assert_eq!(again.lead.unwrap().reason_code, "OFFER_LIMIT");
            assert_eq!(again.routing.unwrap().candidates, []);
        }
    }

    async fn leads_that_stay_open_are_shared_by_weight(world: World) {
        let scene = Scene::open(world).await;
        let mut weights = BTreeMap::new();
        for (rank, (id, weight)) in (2..).zip([("large", 3), ("middle", 2), ("small", 1)]) {
            let tier = scene.tier(id, rank, weight).await;
            scene.member(id, Terms { tier, ..Terms::default() }).await;
            weights.insert(id, weight);
        }
        let mut got: BTreeMap<String, i32> = BTreeMap::new();
        for leads in 1..=30 {
            let lead = scene.routed(scene.somebody()).await;
            *got.entry(id_of(&lead.partner).to_owned()).or_default() += 1;
            for (id, count) in &got {
                // Nobody has more than one lead above their part of all.
                assert!((count - 1) * 6 <= leads * weights[id.as_str()], "{id}: {got:?} of {leads}");
            }
        }
        let expected = [("large", 15), ("middle", 10), ("small", 5)];
        let expected = expected.map(|(id, count)| (id.to_owned(), count));
        assert_eq!(got, BTreeMap::from(expected));
    }

    async fn whatever_happens_no_routing_breaks_its_rules(world: World) {
        let scene = Scene::open(world).await;
        let seed = rand::rng().random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let capacities = BTreeMap::from([("altus", 1), ("boreas", 2), ("cirrus", 3), ("nimbus", 4)]);
        for (id, capacity) in &capacities {
            scene.member(id, Terms { capacity: *capacity, ..Terms::default() }).await;
        }
        let mut leads = Vec::new();
        for _ in 0..80 {
            if leads.len() < 20 && random.random_bool(0.4) {
                leads.push(scene.routed(scene.somebody()).await.name);
            }
            let Some(name) = leads.choose(&mut random).cloned() else {
                continue;
            };
            let verb = *Verb::ALL[..7].choose(&mut random).unwrap();
            let _illegal = does(&scene, verb, &name).await;
            let mut open: BTreeMap<String, i32> = BTreeMap::new();
            for lead in found(&scene, &scene.parent, "").await {
                use State::{Accepted, Offered, Qualified, Working};
                if [Offered, Accepted, Working, Qualified].contains(&lead.state()) {
                    *open.entry(id_of(&lead.partner).to_owned()).or_default() += 1;
                }
                let had: BTreeSet<_> = lead.offers.iter().map(|offer| &offer.partner).collect();
                assert_eq!(had.len(), lead.offers.len(), "nobody has it twice: {:?}", lead.offers);
                assert!(lead.offers.len() <= 3);
            }
            for (id, count) in &open {
                assert!(*count <= capacities[id.as_str()], "{id} has {count}");
            }
        }
        let mut full = 0;
        for name in &leads {
            for routing in routings(&scene, name).await {
                holds(&routing);
                let one = |one: &Ineligibility| *one == Ineligibility::AtCapacity;
                full += usize::from(against(&routing).values().flatten().any(one));
            }
        }
        assert!(full > 0, "somebody was at their capacity");
    }

    async fn a_lead_without_a_territory_goes_by_its_country(world: World) {
        let scene = Scene::open(world).await;
        let emea = scene.territory("emea", "", &[]).await;
        scene.territory("dach", &emea, &["DE", "AT"]).await;
        let apac = scene.territory("apac", "", &["JP"]).await;
        scene.member("east", Terms { territories: vec![apac], ..Terms::default() }).await;
        scene.member("west", Terms { territories: vec![emea], ..Terms::default() }).await;
        for (code, expected) in [("DE", "west"), ("JP", "east"), ("US", "")] {
            let mut lead = scene.somebody();
            lead.company.as_mut().unwrap().region_code = code.to_owned();
            let partner = scene.routed(lead).await.partner;
            assert_eq!(partner.rsplit('/').next().unwrap(), expected, "{code}");
        }
    }

    async fn a_retired_program_gives_no_leads(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        let waiting = scene.lead(scene.somebody()).await;
        let offered = scene.routed(scene.somebody()).await;
        let request = program::RetireProgramRequest {
            name: scene.name("programs", "gold"),
            ..program::RetireProgramRequest::default()
        };
        scene.programs().retire_program(request).await.unwrap();
        refused(scene.try_route(&waiting.name, None).await, Code::FailedPrecondition, "PRECONDITION")
            .tells("resource", &scene.name("programs", "gold"));
        let declined = does(&scene, Verb::Decline, &offered.name).await.unwrap();
        assert_eq!((declined.state(), declined.reason_code.as_str()), (State::Unroutable, "PROGRAM_NOT_ACTIVE"));
    }
}
