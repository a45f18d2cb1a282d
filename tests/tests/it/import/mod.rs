//! `trellis import`: a CRM's export comes in through the mapping that is shipped.
//!
//! The export of these tests is made up. When `TRELLIS_TEST_DATA` names the folder that holds the
//! public data set which the mapping is for, that comes in too and is compared as closely.

mod cut;
mod export;
mod found;
mod plans;

use std::fs;
use std::path::{Path, PathBuf};

use trellis_api::deal::v1 as pb;
use trellis_api::platform::v1::ListEventsRequest;
use trellis_api::program::v1 as program;
use trellis_core::Role;
use trellis_server::import::{self, Arguments, Error, Kind, Outcome, Report, SummaryFormat, Tally};
use trellis_tests::{World, on_both};

use self::cut::Cut;
use self::export::Export;
use self::found::Found;

/// A folder with an export in it, and what to import it with.
struct Import {
    folder: tempfile::TempDir,
    arguments: Arguments,
}

impl Import {
    fn new(world: &World, export: &Export) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let crm = folder.path().join("crm");
        fs::create_dir(&crm).unwrap();
        export.write(&crm);
        let arguments = Arguments {
            folder: crm,
            ecosystem: "acme".to_owned(),
            mapping: shipped(),
            server: format!("http://{}", world.address()),
            only: Vec::new(),
            program: None,
            dry_run: false,
            rejects: folder.path().join("rejects"),
            create_ecosystem: false,
            key: None,
            actor: Some("importer".to_owned()),
            format: SummaryFormat::Text,
        };
        Self { folder, arguments }
    }

    async fn run(&self) -> Report {
        import::import(&self.arguments).await.unwrap()
    }

    async fn refused(&self) -> String {
        import::import(&self.arguments)
            .await
            .unwrap_err()
            .to_string()
    }

    fn rejected(&self, kind: &str) -> PathBuf {
        self.arguments.rejects.join(format!("{kind}.rejected.csv"))
    }
}

/// The mapping that is shipped.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/crm_sales.toml")
}

/// The kinds with how many rows became what.
fn tallies(report: &Report) -> Vec<(Kind, Tally)> {
    report
        .kinds
        .iter()
        .map(|part| (part.kind, part.tally))
        .collect()
}

fn created(rows: u64) -> Tally {
    Tally {
        rows,
        created: rows,
        ..Tally::default()
    }
}

fn unchanged(rows: u64) -> Tally {
    Tally {
        rows,
        unchanged: rows,
        ..Tally::default()
    }
}

/// What a first run makes of an export.
fn all_new(export: &Export) -> Vec<(Kind, Tally)> {
    all(export, created)
}

/// What a second run makes of it.
fn all_there(export: &Export) -> Vec<(Kind, Tally)> {
    all(export, unchanged)
}

fn all(export: &Export, tally: fn(u64) -> Tally) -> Vec<(Kind, Tally)> {
    let rows = [
        (Kind::Territories, export.offices().len()),
        (Kind::Products, export.products.len()),
        (Kind::Partners, export.teams.len()),
        (Kind::Accounts, export.accounts.len()),
        (Kind::Deals, export.pipeline.len()),
    ];
    rows.map(|(kind, rows)| (kind, tally(u64::try_from(rows).unwrap())))
        .into()
}

/// The types of what has happened since a mark.
///
/// It waits until that can be read.
async fn since(world: &World, ecosystem: &str, begin: &str) -> Vec<String> {
    let end = world.mark(ecosystem).await;
    world.settled(ecosystem).await;
    let request = ListEventsRequest {
        parent: ecosystem.to_owned(),
        page_size: 1_000,
        after_position: begin.to_owned(),
        ..ListEventsRequest::default()
    };
    let list = world.events().list_events(request).await;
    let list = list.unwrap().into_inner();
    assert_eq!(
        list.next_page_token, "",
        "more happened than fits on a page"
    );
    let happened = list
        .events
        .into_iter()
        .take_while(|event| event.position != end);
    happened.map(|event| event.r#type).collect()
}

/// The rows of a file, by the names of their columns.
fn rows(path: &Path) -> Vec<export::Row> {
    csv::Reader::from_path(path)
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

async fn comes_in_whole(world: &World, export: &Export, import: &Import) {
    let acme = world.ecosystem("acme").await;
    let first = import.run().await;
    println!("{first}");
    assert_eq!(tallies(&first), all_new(export));
    let found = Found::read(world, &acme).await;
    found.is(export);
    found.adds_up_by_partner(world, &acme, export).await;
    found.adds_up_by_quarter(world, &acme, export).await;
    found
        .adds_up_by_product_and_office(world, &acme, export)
        .await;

    let before = world.mark(&acme).await;
    let second = import.run().await;
    println!("{second}");
    assert_eq!(tallies(&second), all_there(export));
    assert!(second.to_string().contains("Nothing has changed"));
    assert_eq!(since(world, &acme, &before).await, [""; 0]);
    assert!(!import.arguments.rejects.exists());
}

on_both! {
    async fn an_export_comes_in_whole_and_a_second_run_changes_nothing(world: World) {
        // More than fit into two messages.
        let export = Export::made_up(1_203);
        comes_in_whole(&world, &export, &Import::new(&world, &export)).await;
    }

    async fn the_public_data_set_comes_in_whole(world: World) {
        let Some(data) = std::env::var_os("TRELLIS_TEST_DATA") else {
            eprintln!("NOT TESTED: TRELLIS_TEST_DATA does not say where the public data set is");
            return;
        };
        let folder = Path::new(&data).join("crm_sales");
        let export = Export::read(&folder);
        let total = export.total();
        assert_eq!((export.teams.len(), export.accounts.len(), export.products.len()), (35, 85, 7));
        assert_eq!((export.offices().len(), export.pipeline.len()), (3, 8_800));
        assert_eq!((total.won, total.won_cents), (4_238, 1_000_553_400));
        let mut import = Import::new(&world, &Export::default());
        import.arguments.folder = folder;
        comes_in_whole(&world, &export, &import).await;

        let found = Found::read(&world, "ecosystems/acme").await;
        let deals = found.deals.values();
        assert_eq!(deals.clone().filter(|deal| deal.account.is_empty()).count(), 1_425);
        let won = deals.filter(|deal| deal.stage() == pb::deal::Stage::Won);
        let won: i64 = won.map(|deal| deal.amount.as_ref().unwrap().units).sum();
        assert_eq!(won, 10_005_534);
        let daughters = found.accounts.values().filter(|one| !one.parent_account.is_empty());
        assert_eq!(daughters.count(), 15);
        let with_deals: std::collections::BTreeSet<_> =
            found.deals.values().map(|deal| &deal.partner).collect();
        assert_eq!(found.partners.len() - with_deals.len(), 5);
    }

    async fn three_plans_pay_for_an_export_what_a_script_says_that_knows_its_file_alone(world: World) {
        let export = plans::rich(1_203);
        let import = Import::new(&world, &export);
        plans::pay_what_the_script_says(&world, import).await;
    }

    async fn three_plans_pay_for_the_public_data_set_what_the_script_says(world: World) {
        let Some(data) = std::env::var_os("TRELLIS_TEST_DATA") else {
            eprintln!("NOT TESTED: TRELLIS_TEST_DATA does not say where the public data set is");
            return;
        };
        let mut import = Import::new(&world, &Export::default());
        import.arguments.folder = Path::new(&data).join("crm_sales");
        plans::pay_what_the_script_says(&world, import).await;
    }

    async fn what_has_changed_in_the_export_is_updated_and_nothing_else(world: World) {
        let acme = world.ecosystem("acme").await;
        let mut export = Export::made_up(40);
        let import = Import::new(&world, &export);
        import.run().await;
        export.teams[2].insert("manager".to_owned(), "Somebody else".to_owned());
        export.accounts[3].insert("subsidiary_of".to_owned(), "Customer 4".to_owned());
        // The third opportunity is engaging, and is won now.
        assert_eq!(export.pipeline[2]["deal_stage"], "Engaging");
        for (column, value) in [("deal_stage", "Won"), ("close_date", "05-04-2017"), ("close_value", "77")] {
            export.pipeline[2].insert(column.to_owned(), value.to_owned());
        }
        export.write(&import.arguments.folder);
        let report = import.run().await;
        let one = |rows| Tally { rows, updated: 1, unchanged: rows - 1, ..Tally::default() };
        assert_eq!(
            tallies(&report)[2..],
            [(Kind::Partners, one(7)), (Kind::Accounts, one(9)), (Kind::Deals, one(40))]
        );
        Found::read(&world, &acme).await.is(&export);
    }

    async fn only_the_kinds_that_are_asked_for_come_in(world: World) {
        world.ecosystem("acme").await;
        let export = Export::made_up(10);
        let mut import = Import::new(&world, &export);
        import.arguments.only = vec![Kind::Partners, Kind::Territories];
        let report = import.run().await;
        assert_eq!(tallies(&report), [(Kind::Territories, created(2)), (Kind::Partners, created(7))]);
    }

    async fn rejected_rows_are_mended_and_imported_again(world: World) {
        let acme = world.ecosystem("acme").await;
        let whole = Export::made_up(620);
        let mut export = whole.clone();
        // One mistake of each sort, some found by the mapping and some by the server.
        let mistakes = [
            (4, "close_date", "31-02-2017"),
            (5, "deal_stage", "Winning"),
            (6, "sales_agent", "Nobody"),
            (7, "product", "Z9"),
            (8, "account", "Customer 99"),
            (9, "close_date", ""),
            (10, "close_value", "12.345"),
            (601, "opportunity_id", "OPP00003"),
        ];
        for (at, column, value) in mistakes {
            export.pipeline[at].insert(column.to_owned(), value.to_owned());
        }
        export.accounts[3].insert("office_location".to_owned(), "Germoney".to_owned());
        let mut import = Import::new(&world, &export);

        let report = import.run().await;
        let deals = report.kinds.last().unwrap();
        // The customer that is rejected takes its opportunities along.
        let customers = whole.pipeline.iter().filter(|row| row["account"] == "Customer 3").count();
        let rejected = u64::try_from(customers + mistakes.len()).unwrap();
        assert_eq!(deals.tally.rejected, rejected);
        assert_eq!(deals.tally.created, 620 - rejected);
        assert_eq!(deals.rejects.as_deref(), Some(import.rejected("deals").as_path()));
        let told = report.to_string();
        assert!(told.contains(&format!("{rejected} rejected deals: ")), "{told}");
        assert!(told.contains("1 rejected account: "), "{told}");

        let mut mended = rows(&import.rejected("deals"));
        let reasons: Vec<_> = mended
            .iter()
            .filter(|row| row["account"] != "Customer 3")
            .map(|row| (row["trellis_line"].as_str(), row["trellis_reason"].as_str()))
            .collect();
        assert_eq!(
            reasons,
            [
                ("6", "close_date: \"31-02-2017\" is not a day written as %d-%m-%Y (column `close_date`)"),
                (
                    "7",
                    "stage: \"Winning\" is not in the map, which knows \"Engaging\", \"Lost\", \
                     \"Prospecting\", \"Won\" (column `deal_stage`)"
                ),
                (
                    "8",
                    "territory: \"Nobody\" is not in the file that it is looked up in (column \
                     `sales_agent`)"
                ),
                ("9", "lines[0].product: no product has the external id \"Z9\""),
                ("10", "account: does not exist in this ecosystem"),
                ("11", "close_date: must be set if the deal is won or lost, and only then"),
                (
                    "12",
                    "amount: \"12.345\" is finer than USD is counted, which is to 2 decimals (column \
                     `close_value`)"
                ),
                ("603", "external_id: \"OPP00003\" stands on line 5 already"),
            ]
        );

        // Mend half of them first: the rest stays in the same file.
        let mend = |mended: &mut Vec<export::Row>, lines: std::ops::Range<usize>| {
            for row in mended {
                let at = row["trellis_line"].parse::<usize>().unwrap() - 2;
                if lines.contains(&at) {
                    row.extend(whole.pipeline[at].clone());
                }
            }
        };
        mend(&mut mended, 0..8);
        rewrite(&import.rejected("deals"), &mended);
        let mut customer = rows(&import.rejected("accounts"));
        customer[0].insert("office_location".to_owned(), "Germany".to_owned());
        assert_eq!(customer[0]["account"], "Customer 3");
        rewrite(&import.rejected("accounts"), &customer);
        import.arguments.folder.clone_from(&import.arguments.rejects);
        let report = import.run().await;
        assert_eq!(report.kinds.len(), 2);
        assert_eq!(report.kinds[0].tally, created(1));
        assert!(!import.rejected("accounts").exists());
        assert_eq!(report.kinds[1].tally.rejected, 4);
        assert_eq!(report.kinds[1].tally.created, rejected - 4);

        let mut mended = rows(&import.rejected("deals"));
        let lines: Vec<_> = mended.iter().map(|row| row["trellis_line"].as_str()).collect();
        assert_eq!(lines, ["10", "11", "12", "603"]);
        mend(&mut mended, 8..620);
        rewrite(&import.rejected("deals"), &mended);
        let report = import.run().await;
        assert_eq!(tallies(&report), [(Kind::Deals, created(4))]);
        assert!(!import.rejected("deals").exists());

        // Everything is as if there had never been a mistake.
        Found::read(&world, &acme).await.is(&whole);
        whole.write(&import.folder.path().join("crm"));
        import.arguments.folder = import.folder.path().join("crm");
        assert_eq!(tallies(&import.run().await), all_there(&whole));
    }

    async fn a_dry_run_foresees_the_run_and_changes_nothing(world: World) {
        let acme = world.ecosystem("acme").await;
        let mut export = Export::made_up(620);
        export.pipeline[5].insert("account".to_owned(), "Customer 99".to_owned());
        export.pipeline[6].insert("close_date".to_owned(), "01-01-2017".to_owned());
        export.pipeline[6].insert("deal_stage".to_owned(), "Engaging".to_owned());
        let mut import = Import::new(&world, &export);
        let before = world.mark(&acme).await;
        import.arguments.dry_run = true;
        let foreseen = import.run().await;
        assert_eq!(since(&world, &acme, &before).await, [""; 0]);
        assert!(foreseen.to_string().contains("This was a dry run"));
        assert_eq!(rows(&import.rejected("deals")).len(), 2);
        import.arguments.dry_run = false;
        let happened = import.run().await;
        assert_eq!(tallies(&foreseen), tallies(&happened));
        assert_eq!(happened.kinds.last().unwrap().tally.rejected, 2);
        // And with everything there, another dry run foresees that nothing changes.
        import.arguments.dry_run = true;
        let foreseen = import.run().await;
        assert_eq!(foreseen.total().unchanged + 2, foreseen.total().rows);
    }

    async fn an_import_goes_on_when_its_connection_breaks(world: World) {
        let acme = world.ecosystem("acme").await;
        let export = Export::made_up(3_100);
        let mut import = Import::new(&world, &export);
        // Each connection is cut after some of the answers.
        let cut = Cut::begin(world.address(), &[1_500, 40_000, 90_000]).await;
        import.arguments.server = format!("http://{}", cut.address());
        let report = import.run().await;
        assert_eq!(cut.cuts(), 3);
        // What was done and not answered any more came back as unchanged.
        let Tally { rows, created, unchanged, updated, rejected } = report.total();
        assert_eq!((created + unchanged, updated, rejected), (rows, 0, 0));
        Found::read(&world, &acme).await.is(&export);
    }

    async fn partners_can_be_enrolled_as_they_come_in(world: World) {
        let acme = world.ecosystem("acme").await;
        let gold = publish(&world, &acme).await;
        let export = Export::made_up(1);
        let mut import = Import::new(&world, &export);
        import.arguments.program = Some("gold".to_owned());
        let enrolled = |report: &Report| report.kinds[2].enrolled;
        assert_eq!(enrolled(&import.run().await), Some(created(7)));
        assert_eq!(enrolled(&import.run().await), Some(unchanged(7)));
        let request = program::ListEnrollmentsRequest {
            parent: acme,
            filter: format!("program = \"{gold}\""),
            ..program::ListEnrollmentsRequest::default()
        };
        let list = world.enrollments().list_enrollments(request).await.unwrap().into_inner();
        assert_eq!(list.enrollments.len(), 7);
        import.arguments.program = Some("silver".to_owned());
        assert!(import.refused().await.contains("the server refused to enrol"));
    }

    async fn an_ecosystem_is_made_only_when_that_is_asked_for(world: World) {
        let mut import = Import::new(&world, &Export::made_up(1));
        let wrong = import.refused().await;
        assert!(wrong.contains("ecosystems/acme does not exist"), "{wrong}");
        import.arguments.create_ecosystem = true;
        import.arguments.dry_run = true;
        let wrong = import.refused().await;
        assert!(wrong.contains("ecosystems/acme does not exist"), "{wrong}");
        import.arguments.dry_run = false;
        assert_eq!(import.run().await.total().rejected, 0);
        let request = trellis_api::platform::v1::GetEcosystemRequest { name: "ecosystems/acme".to_owned() };
        let made = world.ecosystems().get_ecosystem(request).await.unwrap().into_inner();
        assert_eq!(made.currency_code, "USD");
    }

    async fn a_server_that_asks_who_calls_takes_an_import_with_a_key(world: World) {
        let secret = world.first_secret("acme", Role::EcosystemAdmin).await;
        let mut import = Import::new(&world, &Export::made_up(3));
        import.arguments.create_ecosystem = true;
        import.arguments.actor = None;
        for key in [None, Some("trellis_acme_x_y".to_owned())] {
            import.arguments.key = key.map(Into::into);
            let wrong = import::import(&import.arguments).await.unwrap_err();
            assert!(wrong.to_string().contains("no valid credential"), "{wrong}");
        }
        import.arguments.key = Some(secret.clone().into());
        // Only a system says for whom it calls.
        import.arguments.actor = Some("importer".to_owned());
        let wrong = import::import(&import.arguments).await.unwrap_err();
        assert!(wrong.to_string().contains("trellis-actor"), "{wrong}");
        assert!(!format!("{:?}", import.arguments).contains(&secret), "{:?}", import.arguments);
        import.arguments.actor = None;
        import::import(&import.arguments).await.unwrap();
    }

    async fn an_import_that_cannot_run_says_why_and_sends_nothing(world: World) {
        let acme = world.ecosystem("acme").await;
        let before = world.mark(&acme).await;
        let right = Import::new(&world, &Export::made_up(3));
        let run = |change: &dyn Fn(&mut Arguments)| {
            let mut arguments = right.arguments.clone();
            change(&mut arguments);
            async move { import::import(&arguments).await.unwrap_err() }
        };
        let mapping = right.folder.path().join("wrong.toml");
        let text = fs::read_to_string(shipped()).unwrap();
        let mapped = |text: String| {
            fs::write(&mapping, text).unwrap();
            run(&|arguments| arguments.mapping.clone_from(&mapping))
        };
        let cases = [
            (run(&|arguments| arguments.mapping = "gone.toml".into()).await, "gone.toml"),
            (mapped(text.replace("distinct", "distinkt")).await, "`distinkt`, expected one of"),
            (mapped(text.replace("\"close_value\"", "\"value\"")).await, "no column `value`"),
            (mapped(text.replace("products.csv", "goods.csv")).await, "goods.csv"),
            (run(&|arguments| arguments.folder = "gone".into()).await, "gone"),
            (run(&|arguments| arguments.ecosystem = "A C".into()).await, "--ecosystem \"A C\""),
            (run(&|arguments| arguments.server = "ftp://x".into()).await, "must begin with http:// or"),
            (run(&|arguments| arguments.server = "127.0.0.1:1".into()).await, "cannot be reached"),
        ];
        for (wrong, told) in cases {
            assert!(wrong.to_string().contains(told), "{wrong}");
        }
        let partners = text.split("[accounts]").next().unwrap();
        fs::write(&mapping, partners).unwrap();
        let wrong = run(&|arguments| {
            arguments.mapping.clone_from(&mapping);
            arguments.only = vec![Kind::Deals];
        });
        assert!(matches!(wrong.await, Error::Unmapped(Kind::Deals)));
        assert_eq!(since(&world, &acme, &before).await, [""; 0]);
    }

    async fn a_dry_run_never_replaces_the_rejects_that_it_reads(world: World) {
        world.ecosystem("acme").await;
        let mut export = Export::made_up(3);
        export.pipeline[0].insert("deal_stage".to_owned(), "Winning".to_owned());
        let mut import = Import::new(&world, &export);
        import.run().await;
        import.arguments.folder.clone_from(&import.arguments.rejects);
        import.arguments.dry_run = true;
        let wrong = import.refused().await;
        assert!(wrong.contains("another folder"), "{wrong}");
        import.arguments.rejects = import.folder.path().join("other");
        assert_eq!(import.run().await.total().rejected, 1);
        assert_eq!(rows(&import.rejected("deals")).len(), 1);
        assert_eq!(rows(&import.arguments.folder.join("deals.rejected.csv")).len(), 1);
    }
}

/// Publishes a program `gold` and answers its name.
async fn publish(world: &World, acme: &str) -> String {
    let request = program::CreateProgramRequest {
        parent: acme.to_owned(),
        program_id: "gold".to_owned(),
        program: Some(program::Program {
            display_name: "Gold".to_owned(),
            time_zone: "UTC".to_owned(),
            currency_code: "USD".to_owned(),
            ..program::Program::default()
        }),
        ..program::CreateProgramRequest::default()
    };
    let gold = world
        .programs()
        .create_program(request)
        .await
        .unwrap()
        .into_inner()
        .name;
    let request = program::CreateTierRequest {
        parent: gold.clone(),
        tier_id: "first".to_owned(),
        tier: Some(program::Tier {
            display_name: "First".to_owned(),
            rank: 1,
            ..program::Tier::default()
        }),
        ..program::CreateTierRequest::default()
    };
    world.programs().create_tier(request).await.unwrap();
    let request = program::PublishProgramRequest {
        name: gold.clone(),
        ..program::PublishProgramRequest::default()
    };
    world.programs().publish_program(request).await.unwrap();
    gold
}

/// Writes mended rows back, in some order of columns, as a spreadsheet might.
fn rewrite(path: &Path, rows: &[export::Row]) {
    let mut writer = csv::Writer::from_path(path).unwrap();
    writer.write_record(rows[0].keys()).unwrap();
    for row in rows {
        writer.write_record(row.values()).unwrap();
    }
    writer.flush().unwrap();
}

#[test]
fn the_outcome_is_told_by_the_exit_code() {
    use std::process::ExitCode;

    let shown = |code: ExitCode| format!("{code:?}");
    assert_eq!(shown(Outcome::Complete.into()), shown(ExitCode::from(0)));
    assert_eq!(shown(Outcome::Rejected.into()), shown(ExitCode::from(1)));
}
