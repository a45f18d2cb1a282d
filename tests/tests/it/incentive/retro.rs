//! Versions that take days from others, also days that have passed.

use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::money;
use trellis_core::{Currency, Money};
use trellis_store::deal::facts::Fact;
use trellis_tests::{on_both, position, refused};

use super::scene::{Scene, band, buckets, day, minor, quarterly, reopened, usd, version, won};

/// A share of every deal, in the kernel's own words.
fn of_deals(rate: &str) -> pb::PlanVersion {
    version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, rate, 0)],
    )
}

/// The same with a condition, which the kernel does not know.
fn beyond(rate: &str) -> pb::PlanVersion {
    pb::PlanVersion {
        trigger_condition: "event.amount_minor > 0".to_owned(),
        ..of_deals(rate)
    }
}

/// A share of every invoice.
fn of_invoices(rate: &str) -> pb::PlanVersion {
    let mut plan = of_deals(rate);
    plan.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
    plan
}

fn keeping(mut plan: pb::PlanVersion) -> pb::PlanVersion {
    plan.policy = Some(pb::Policy {
        keeps_paid: true,
        ..pb::Policy::default()
    });
    plan
}

fn on_days(plan: pb::PlanVersion, from: &str, until: Option<&str>) -> pb::PlanVersion {
    pb::PlanVersion {
        effective_from_date: day(from),
        effective_until_date: until.and_then(day),
        ..plan
    }
}

const PLAN: &str = "ecosystems/acme/plans/spiff";

/// Schedules one more version of the plan, which takes days from its first on.
async fn retro(scene: &Scene, version: pb::PlanVersion) -> pb::PlanVersion {
    let from = version.effective_from_date;
    let draft = scene.draft(PLAN, version).await;
    scene.supersede(&draft.name, from).await
}

async fn record(scene: &Scene, facts: Vec<pb::IncentiveFact>) {
    let request = pb::RecordFactsRequest {
        parent: scene.name.clone(),
        source: "erp".to_owned(),
        facts,
        ..pb::RecordFactsRequest::default()
    };
    let recorded = scene.world.facts().record_facts(request).await.unwrap();
    scene.note(position(&recorded));
}

fn invoice(id: &str, cents: i64, date: &str) -> pb::IncentiveFact {
    pb::IncentiveFact {
        external_id: id.to_owned(),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(date),
        partner: "ecosystems/acme/partners/nimbus".to_owned(),
        amount: usd(cents),
        ..pb::IncentiveFact::default()
    }
}

fn refund(id: &str, about: &str, cents: i64, date: &str) -> pb::IncentiveFact {
    pb::IncentiveFact {
        kind: pb::incentive_fact::Kind::Refund.into(),
        about: about.to_owned(),
        ..invoice(id, cents, date)
    }
}

/// Approves everything that waits and pays it.
async fn pay(scene: &Scene) {
    let awards = scene.awards("").await;
    let waiting: Vec<&pb::Award> = awards
        .iter()
        .filter(|award| buckets(award)[1] > 0)
        .collect();
    scene.approve(&waiting).await;
    scene.pay_out().await;
}

/// What the awards of the plan come to: the number of the version, and how much.
async fn come_to(scene: &Scene) -> Vec<(String, i64)> {
    let awards = scene.of_plan("spiff").await;
    let number = |award: &pb::Award| award.plan_version.rsplit('/').next().unwrap().to_owned();
    awards
        .iter()
        .map(|award| (number(award), minor(&award.entitled_amount)))
        .collect()
}

fn under(version: &str, cents: i64) -> (String, i64) {
    (version.to_owned(), cents)
}

/// What was posted for an award that belongs to February.
async fn belonging_to_february(
    scene: &Scene,
    award: &pb::Award,
) -> Vec<(String, Option<pb::journal::Kind>)> {
    let request = pb::ListJournalsRequest {
        parent: scene.name.clone(),
        filter: format!(
            "attributed_period = \"{}/ledgerPeriods/2026-02\" AND cause = \"{}\"",
            scene.name, award.name
        ),
        ..pb::ListJournalsRequest::default()
    };
    let listed = scene.now().ledger().list_journals(request).await.unwrap();
    let journals = listed.into_inner().journals;
    journals
        .iter()
        .map(|journal| {
            let posted = journal.effective_date.as_ref().unwrap();
            (
                format!("{}-{:02}", posted.year, posted.month),
                Some(journal.kind()),
            )
        })
        .collect()
}

on_both! {
    /// N37: 10 % of 1,000.00 is 100.00; at 11 % it is 110.00, and 10.00 are posted now.
    async fn a_version_takes_the_days_of_another_one_and_the_difference_is_posted_now(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-28").await;
        scene.win("deal-2", "nimbus", 100_000, "2026-03-01").await;
        assert_eq!(come_to(&scene).await, [under("1", 10_000), under("1", 10_000)]);
        let second = retro(&scene, on_days(of_deals("0.11"), "2026-02-01", Some("2026-03-01"))).await;
        assert_eq!(second.state(), pb::plan_version::State::Retired);
        assert_eq!(come_to(&scene).await, [under("2", 11_000), under("1", 10_000)]);
        let award = &scene.of_plan("spiff").await[0];
        let explanation = scene.explain(award).await;
        assert_eq!(explanation.posted_before_amount, usd(10_000));
        assert_eq!(explanation.delta_amount, usd(1_000));
        let accrual = ("2026-03".to_owned(), Some(pb::journal::Kind::Accrual));
        assert_eq!(belonging_to_february(&scene, award).await, [accrual.clone(), accrual]);
        // What is told late about these days is paid by the version that holds now.
        scene.win("deal-3", "cirrus", 100_000, "2026-02-15").await;
        scene.win("deal-4", "cirrus", 100_000, "2026-01-15").await;
        let late = [under("2", 11_000), under("1", 10_000), under("2", 11_000), under("1", 10_000)];
        assert_eq!(come_to(&scene).await, late);
        scene.is_sound().await;
    }

    async fn awards_of_facts_follow_too(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice("a", 100_000, "2026-02-28"), invoice("b", 100_000, "2026-03-01")]).await;
        let before = scene.of_plan("spiff").await;
        retro(&scene, on_days(of_invoices("0.11"), "2026-02-01", Some("2026-03-01"))).await;
        assert_eq!(come_to(&scene).await, [under("2", 11_000), under("1", 10_000)]);
        let after = scene.of_plan("spiff").await;
        assert_eq!(after[0].name, before[0].name);
        assert_eq!(after[1], before[1]);
        let accrual = ("2026-03".to_owned(), Some(pb::journal::Kind::Accrual));
        assert_eq!(belonging_to_february(&scene, &after[0]).await, [accrual.clone(), accrual]);
        scene.is_sound().await;
    }

    /// Less than before is taken back where the money is: what was paid is owed.
    async fn what_was_paid_and_is_less_now_is_owed(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-28").await;
        pay(&scene).await;
        retro(&scene, of_deals("0.08")).await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 0, 0, 10_000, 2_000]);
        scene.is_sound().await;
    }

    /// The kernel computes a plan until one of its versions says more than it knows; the awards stay what
    /// they are, with what was paid of them.
    async fn an_award_stays_itself_when_it_is_computed_another_way(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-28").await;
        scene.win("deal-2", "nimbus", 50_000, "2026-01-15").await;
        pay(&scene).await;
        let paid = scene.of_plan("spiff").await;
        retro(&scene, on_days(beyond("0.11"), "2026-02-01", None)).await;
        assert_eq!(come_to(&scene).await, [under("2", 11_000), under("1", 5_000)]);
        let after = scene.of_plan("spiff").await;
        assert_eq!(buckets(&after[0]), [0, 1_000, 0, 0, 10_000, 0]);
        assert_eq!(buckets(&after[1]), [0, 0, 0, 0, 5_000, 0]);
        let names = |awards: &[pb::Award]| awards.iter().map(|award| award.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&after), names(&paid));
        let deal = pb::award::Scope::Deal("ecosystems/acme/deals/deal-1".to_owned());
        assert_eq!(after[0].scope, Some(deal));
        scene.is_sound().await;
        // And back: a version that the kernel would know takes the days again.
        retro(&scene, on_days(of_deals("0.12"), "2026-01-01", None)).await;
        assert_eq!(come_to(&scene).await, [under("3", 12_000), under("3", 6_000)]);
        scene.refund("deal-1", "r-1", 50_000).await;
        scene.win("deal-3", "nimbus", 10_000, "2026-02-03").await;
        assert_eq!(come_to(&scene).await, [under("3", 6_000), under("3", 6_000), under("3", 1_200)]);
        scene.is_sound().await;
    }

    /// 6,000.00 and 5,000.00 of a quarter are 4 % of 11,000.00; by the deal they are 10 % of each.
    async fn another_window_takes_back_what_the_first_paid_and_pays_anew(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", quarterly()).await;
        scene.win("deal-1", "nimbus", 600_000, "2026-02-28").await;
        scene.win("deal-2", "nimbus", 500_000, "2026-01-15").await;
        assert_eq!(come_to(&scene).await, [under("1", 44_000)]);
        retro(&scene, of_deals("0.1")).await;
        let sums = |awards: Vec<(String, i64)>| awards.iter().map(|(_, minor)| minor).sum::<i64>();
        assert_eq!(sums(come_to(&scene).await), 110_000);
        scene.is_sound().await;
        // By the quarter again, beyond the kernel; a fact that comes meanwhile is counted once.
        let mut quarter = quarterly();
        quarter.trigger_condition = "event.amount_minor > 0".to_owned();
        let draft = scene.draft(PLAN, quarter).await;
        let request = pb::SchedulePlanVersionRequest {
            name: draft.name,
            supersede_from_date: day("2026-01-01"),
            ..pb::SchedulePlanVersionRequest::default()
        };
        scene.world.plans().schedule_plan_version(request).await.unwrap();
        scene.win("deal-3", "nimbus", 100_000, "2026-02-03").await;
        assert_eq!(sums(come_to(&scene).await), 48_000);
        scene.is_sound().await;
    }

    /// Whoever sold what somebody else has sold since is told so under the version of their own day, whatever
    /// becomes of the other one.
    async fn what_is_anothers_now_is_of_the_day_on_which_it_was_won(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", on_days(of_deals("0.1"), "2025-01-01", None)).await;
        retro(&scene, on_days(quarterly(), "2025-04-01", None)).await;
        scene.win("deal-1", "cirrus", 100_000, "2025-03-20").await;
        scene.tell(reopened("deal-1", 1)).await;
        scene.tell(won("deal-1", 2, Some("nimbus"), 600_000, Currency::USD, "2026-01-20")).await;
        let of_cirrus = async || {
            let awards = scene.of_plan("spiff").await;
            let mut awards = awards.into_iter().filter(|one| one.partner.ends_with("/cirrus"));
            awards.next().unwrap()
        };
        let moved = of_cirrus().await;
        assert_eq!(moved.not_paid_reason(), pb::award::NotPaidReason::DealMoved);
        assert!(moved.plan_version.ends_with("/versions/1"), "{moved:?}");
        scene.is_sound().await;
        retro(&scene, on_days(of_deals("0.12"), "2025-07-01", None)).await;
        scene.is_sound().await;
        assert_eq!(of_cirrus().await, moved);
    }

    async fn what_was_paid_is_kept_by_a_version_that_says_so_however_often_it_is_computed(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice("a", 100_000, "2026-02-10"), invoice("b", 100_000, "2026-02-11")]).await;
        let awards = scene.of_plan("spiff").await;
        scene.approve(&[&awards[0]]).await;
        scene.pay_out().await;
        retro(&scene, keeping(of_invoices("0.05"))).await;
        // What was paid stays; what was not is what the version pays.
        assert_eq!(come_to(&scene).await, [under("2", 10_000), under("2", 5_000)]);
        record(&scene, vec![invoice("c", 100_000, "2026-02-12")]).await;
        assert_eq!(come_to(&scene).await, [under("2", 10_000), under("2", 5_000), under("2", 5_000)]);
        // A refund takes back all the same: what the first version would pay of the rest is kept.
        record(&scene, vec![refund("r", "a", 40_000, "2026-02-20")]).await;
        let award = &scene.of_plan("spiff").await[0];
        assert_eq!(buckets(award), [0, 0, 0, 0, 10_000, 4_000]);
        scene.is_sound().await;
        // The next version reduces nothing either, and the one after it may.
        retro(&scene, keeping(of_invoices("0.02"))).await;
        assert_eq!(come_to(&scene).await, [under("3", 6_000), under("3", 2_000), under("3", 2_000)]);
        scene.is_sound().await;
        retro(&scene, of_invoices("0.03")).await;
        assert_eq!(come_to(&scene).await, [under("4", 1_800), under("4", 3_000), under("4", 3_000)]);
        assert_eq!(buckets(&scene.of_plan("spiff").await[0]), [0, 0, 0, 0, 10_000, 8_200]);
        scene.is_sound().await;
        // What was taken back then is not given again by one that keeps what is paid.
        retro(&scene, keeping(of_invoices("0.01"))).await;
        assert_eq!(come_to(&scene).await, [under("5", 1_800), under("5", 1_000), under("5", 1_000)]);
        scene.is_sound().await;
    }

    /// A refund takes back of what it is about, whoever is said to have it.
    async fn a_refund_that_is_credited_to_somebody_else_takes_back_all_the_same(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice("a", 100_000, "2026-02-10")]).await;
        let other = pb::IncentiveFact {
            partner: "ecosystems/acme/partners/cirrus".to_owned(),
            ..refund("r", "a", 40_000, "2026-02-20")
        };
        let own = pb::IncentiveFact {
            partner: "ecosystems/acme/partners/cirrus".to_owned(),
            ..invoice("b", 50_000, "2026-02-11")
        };
        record(&scene, vec![other, own]).await;
        assert_eq!(come_to(&scene).await, [under("1", 6_000), under("1", 5_000)]);
        scene.is_sound().await;
    }

    async fn what_the_kernel_had_paid_is_kept_too(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-28").await;
        pay(&scene).await;
        retro(&scene, keeping(of_deals("0.05"))).await;
        scene.win("deal-2", "nimbus", 100_000, "2026-02-28").await;
        assert_eq!(come_to(&scene).await, [under("2", 10_000), under("2", 5_000)]);
        assert_eq!(buckets(&scene.of_plan("spiff").await[0]), [0, 0, 0, 0, 10_000, 0]);
        scene.is_sound().await;
    }

    /// More than the worker looks at in one chunk.
    async fn however_many_awards_there_are_each_is_computed_anew(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", quarterly()).await;
        let wins: Vec<Fact> = (0..520)
            .map(|at| {
                let partner = ["nimbus", "cirrus"][at % 2];
                won(&format!("deal-{at}"), 1, Some(partner), 10_000, Currency::USD, "2026-02-10")
            })
            .collect();
        scene.tell_all(wins).await;
        let sum = |awards: Vec<(String, i64)>| awards.iter().map(|(_, minor)| minor).sum::<i64>();
        assert_eq!(sum(come_to(&scene).await), 2 * 104_000);
        retro(&scene, of_deals("0.1")).await;
        assert_eq!(sum(come_to(&scene).await), 520_000);
        retro(&scene, of_deals("0.2")).await;
        assert_eq!(sum(come_to(&scene).await), 1_040_000);
    }

    async fn days_are_not_taken_by_a_slip_of_the_pen(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-28").await;
        let first = format!("{PLAN}/versions/1");
        let draft = scene.draft(PLAN, on_days(of_deals("0.11"), "2026-02-01", None)).await;
        let ask = |from: Option<&str>| pb::SchedulePlanVersionRequest {
            name: draft.name.clone(),
            supersede_from_date: from.and_then(day),
            ..pb::SchedulePlanVersionRequest::default()
        };
        let mut plans = scene.world.plans();
        for from in [None, Some("2025-02-01"), Some("2026-02-02")] {
            let answer = plans.schedule_plan_version(ask(from)).await;
            refused(answer, Code::FailedPrecondition, "VERSION_OVERLAP")
                .tells("resource", &draft.name)
                .tells("overlaps", &first)
                .tells("from_date", "2026-02-01");
        }
        let tried = pb::SchedulePlanVersionRequest { validate_only: true, ..ask(Some("2026-02-01")) };
        plans.schedule_plan_version(tried).await.unwrap();
        assert_eq!(come_to(&scene).await, [under("1", 10_000)]);
        // Nothing is taken where nothing is, and nothing from a version with a higher number.
        let other = scene.plan("other").await;
        let alone = scene.draft(&other, of_deals("0.1")).await;
        let ask_alone = pb::SchedulePlanVersionRequest {
            name: alone.name.clone(),
            supersede_from_date: day("2026-01-01"),
            ..pb::SchedulePlanVersionRequest::default()
        };
        let requires = |answer, words: &str| {
            let refusal = refused(answer, Code::FailedPrecondition, "PRECONDITION");
            let told = refusal.metadata.get("requires").unwrap();
            assert!(told.contains(words), "{told}");
        };
        requires(plans.schedule_plan_version(ask_alone).await, "leave out");
        let third = retro(&scene, on_days(of_deals("0.12"), "2026-02-01", None)).await;
        requires(plans.schedule_plan_version(ask(Some("2026-02-01"))).await, "higher number");
        // Whoever retires a version that has held says what becomes of the one beneath it.
        let retire = |name: &str, date: &str| pb::RetirePlanVersionRequest {
            name: name.to_owned(),
            retire_date: day(date),
            ..pb::RetirePlanVersionRequest::default()
        };
        requires(plans.retire_plan_version(retire(&third.name, "2026-04-01")).await, "hold again");
        plans.retire_plan_version(retire(&first, "2026-04-01")).await.unwrap();
        plans.retire_plan_version(retire(&third.name, "2026-04-01")).await.unwrap();
    }

    /// Each reason why a version may not take the days of another one, by itself.
    async fn each_reason_why_days_are_not_taken_is_told(world: World) {
        let scene = Scene::new(world).await;
        let mut euros = of_deals("0.2");
        euros.currency_code = "EUR".to_owned();
        for band in &mut euros.schedule.as_mut().unwrap().bands {
            let none = Some(money::wire(Money::new(0, Currency::EUR)));
            (band.from_amount, band.fixed_amount) = (none.clone(), none);
        }
        let monthly = version(
            pb::measure::Window::Month,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.1", 0)],
        );
        let mut by_deal = monthly.clone();
        by_deal.measure.as_mut().unwrap().group_by = pb::measure::GroupBy::Deal.into();
        let mut shared = of_deals("0.2");
        let role = |role: &str| pb::RoleWeight { role: role.to_owned(), weight: 1 };
        shared.sharing = Some(pb::Sharing {
            roles: vec![role("SOURCED"), role("INFLUENCED")],
            ..pb::Sharing::default()
        });
        let january = "2026-01-01";
        let cases = [
            (of_deals("0.1"), january, euros, "it must pay in USD as"),
            (quarterly(), "2026-02-10", of_deals("0.2"), "a quarter begins, which 2026-02-10 is not"),
            (quarterly(), "2026-02-01", monthly.clone(), "a quarter begins, which 2026-02-01 is not"),
            (of_deals("0.1"), january, keeping(of_invoices("0.2")), "trigger must be that of"),
            (of_deals("0.1"), january, keeping(monthly.clone()), "measure.window must be that of"),
            (monthly, january, keeping(by_deal), "measure.group_by must be that of"),
            (of_deals("0.1"), january, keeping(shared), "sharing must be that of"),
        ];
        for (at, (first, from, second, words)) in cases.into_iter().enumerate() {
            let plan = format!("plan-{at}");
            let first = scene.promise(&plan, first).await;
            let plan = first.name.trim_end_matches("/versions/1");
            let draft = scene.draft(plan, on_days(second, from, None)).await;
            let request = pb::SchedulePlanVersionRequest {
                name: draft.name.clone(),
                supersede_from_date: day(from),
                ..pb::SchedulePlanVersionRequest::default()
            };
            let answer = scene.world.plans().schedule_plan_version(request).await;
            let refusal = refused(answer, Code::FailedPrecondition, "PRECONDITION");
            let told = refusal.metadata.get("requires").unwrap();
            assert!(told.contains(words), "{words}: {told}");
            refusal.tells("resource", &draft.name);
        }
    }

    async fn a_version_that_is_retired_before_it_began_leaves_its_days_to_the_one_before(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_deals("0.1")).await;
        let later = retro(&scene, on_days(of_deals("0.2"), "2026-04-01", None)).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-04-02").await;
        assert_eq!(come_to(&scene).await, [under("2", 20_000)]);
        let retire = pb::RetirePlanVersionRequest {
            name: later.name.clone(),
            retire_date: day("2026-04-01"),
            ..pb::RetirePlanVersionRequest::default()
        };
        let retired = scene.world.plans().retire_plan_version(retire).await.unwrap();
        scene.note(position(&retired));
        assert_eq!(come_to(&scene).await, [under("1", 10_000)]);
        scene.win("deal-2", "nimbus", 100_000, "2026-04-03").await;
        assert_eq!(come_to(&scene).await, [under("1", 10_000), under("1", 10_000)]);
        scene.is_sound().await;
    }
}
