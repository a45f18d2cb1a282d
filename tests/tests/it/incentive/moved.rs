//! What is credited to another partner than before takes its awards along.

use trellis_api::incentive::v1 as pb;
use trellis_tests::on_both;

use super::facts::{ACME, PAID, books, entry, invoice, of_invoices, refund, tell};
use super::scene::{Scene, usd};

on_both! {
    async fn a_fact_that_moves_to_another_partner_takes_its_award_along(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("commission", of_invoices("0.1")).await;
        tell(&scene, vec![invoice("INV-1", 80_000, "2026-03-02")]).await;
        let moved = pb::IncentiveFact {
            revision: 2,
            partner: format!("{ACME}/partners/cirrus"),
            ..invoice("INV-1", 80_000, "2026-03-02")
        };
        tell(&scene, vec![moved]).await;
        assert_eq!(books(&scene, "commission").await, [
            entry("cirrus erp:INV-1", 8_000, PAID),
            entry("nimbus erp:INV-1", 0, "NOTHING_LEFT"),
        ]);
        scene.is_sound().await;
    }

    /// Who was credited with a sale and had no part of it has no award of it, and stands in nobody's way when more
    /// becomes known of the sale.
    async fn a_sale_that_moves_leaves_nothing_with_who_had_no_part_of_it(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0.1");
        plan.sharing = Some(pb::Sharing {
            roles: vec![pb::RoleWeight { role: "sourcing".to_owned(), weight: 1 }],
            ..pb::Sharing::default()
        });
        // Such a limit has awards of other facts looked at, by their days.
        plan.limits = Some(pb::Limits {
            shared_limits: vec![pb::SharedLimit {
                scope: pb::shared_limit::Scope::Customer.into(),
                window: pb::shared_limit::Window::Year.into(),
                maximum_amount: usd(1_000_000),
                ..pb::SharedLimit::default()
            }],
            ..pb::Limits::default()
        });
        scene.promise("commission", plan).await;
        let sale = |revision: i32, by: &str| pb::IncentiveFact {
            revision,
            partner: format!("{ACME}/partners/{by}"),
            parties: vec![pb::FactParty {
                partner: format!("{ACME}/partners/nimbus"),
                role: "sourcing".to_owned(),
            }],
            ..invoice("INV-1", 80_000, "2026-03-02")
        };
        tell(&scene, vec![sale(1, "cirrus")]).await;
        let paid = [entry("nimbus erp:INV-1", 8_000, PAID)];
        assert_eq!(books(&scene, "commission").await, paid);
        tell(&scene, vec![sale(2, "nimbus")]).await;
        let gone = entry("nimbus erp:INV-1", 0, "NOTHING_LEFT");
        assert_eq!(books(&scene, "commission").await, [gone.clone(), paid[0].clone()]);
        for (id, cents) in [("CN-1", 10_000), ("CN-2", 5_000)] {
            tell(&scene, vec![refund(id, "INV-1", cents, "2026-03-04")]).await;
        }
        assert_eq!(books(&scene, "commission").await, [gone, entry("nimbus erp:INV-1", 6_500, PAID)]);
        scene.is_sound().await;
    }
}
