//! Who may do what: every method, for everybody who may call, by how the thing that they name
//! relates to them.
//!
//! [`scene`] makes two ecosystems with something of each kind for each relation ([`things`]); [`rows`]
//! says how each method is asked about it; [`cells`] asks as everybody ([`who`]), and [`golden`]
//! compares what came of it with `access.txt`. The same answers are held against what is out of reach
//! ([`strangers`]), against what `CheckAccess` tells of the calls ([`asked`]), and against the options
//! of the fields ([`fields`]). Without a server, [`oracle`] tells the table a second time, and
//! [`mutants`] changes what decides and looks whether the table tells.

mod asked;
mod cells;
mod cost;
mod fields;
mod golden;
mod mutants;
mod oracle;
mod rows;
mod scene;
mod strangers;
mod things;
mod who;

use std::collections::BTreeSet;
use std::time::Instant;

use trellis_api::METHODS;
use trellis_tests::on_both;

use cells::Caller;
use rows::rows;
use scene::Scene;

use crate::refusals::stage::called;

#[test]
fn every_method_has_a_row() {
    let known: BTreeSet<&str> = rows().iter().map(|row| row.method).collect();
    let there: BTreeSet<&str> = METHODS.iter().map(called).collect();
    let missing: Vec<_> = there.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "say in tests/tests/it/matrix/rows how to ask for {missing:?}"
    );
}

on_both! {
    async fn everybody_may_what_the_table_says(world: World) {
        let started = Instant::now();
        let scene = Scene::build(world).await;
        let mut callers = Caller::all(&scene).await;
        println!("built after {:?}", started.elapsed());
        let rows = rows();
        let cells = cells::all(&mut callers, &rows).await;
        println!("{} cells after {:?}", cells.values().flatten().count(), started.elapsed());
        golden::compare(&golden::written(&rows, &cells));

        let compared = strangers::all(&mut callers, &rows).await;
        println!("{} answers are alike after {:?}", compared.answers, started.elapsed());
        let unlike = compared.unlike;
        assert!(unlike.is_empty(), "{} answers:\n{}", unlike.len(), unlike.join("\n"));

        let asked = asked::all(&mut callers, &rows, &cells).await;
        println!(
            "{} calls are told to be allowed and {} refused after {:?}",
            asked.allowed, asked.refused, started.elapsed()
        );
        let otherwise = asked.otherwise;
        assert!(otherwise.is_empty(), "{}:\n{}", otherwise.len(), otherwise.join("\n"));

        fields::hold(&mut callers, &rows).await;
        println!("done after {:?}", started.elapsed());
    }
}
