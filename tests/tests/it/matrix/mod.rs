//! Who may do what: every method, for everybody who may call, by how the thing that they name
//! relates to them.

mod cells;
mod golden;
mod rows;
mod scene;
mod things;
mod who;

use std::collections::BTreeSet;

use trellis_api::METHODS;
use trellis_tests::on_both;

use rows::rows;
use scene::Scene;

#[test]
fn every_method_has_a_row() {
    let known: BTreeSet<&str> = rows().iter().map(|row| row.method).collect();
    let there: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    let missing: Vec<_> = there.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "say in tests/tests/it/matrix/rows how to ask for {missing:?}"
    );
}

on_both! {
    async fn the_table_is_as_it_is_kept(world: World) {
        let started = std::time::Instant::now();
        let scene = Scene::build(world).await;
        eprintln!("built {:?}", started.elapsed());
        let rows = rows();
        let cells = cells::all(&scene, &rows).await;
        eprintln!("called {:?}", started.elapsed());
        golden::compare(&golden::written(&rows, &cells));
    }
}
