//! Rows that do not fit together are found.

use trellis_core::{PlanId, ProgramId};
use trellis_store::incentive::plan;
use trellis_store::{Error, check, record};

use crate::on_both;
use crate::support::call;

on_both! {
    async fn a_row_that_names_nothing_is_found_and_a_sound_database_has_no_findings(
        fixture: Fixture
    ) {
        fixture.add(call("acme"), "nimbus").await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        assert_eq!(check::references(&view).await.unwrap(), []);
        assert_eq!(check::feed(&view).await.unwrap(), []);

        fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                let now = txn.now();
                let row = plan::Model {
                    ecosystem: txn.ecosystem().clone(),
                    id: PlanId::try_new("lost").unwrap(),
                    display_name: String::new(),
                    description: String::new(),
                    program: ProgramId::try_new("nowhere").unwrap(),
                    version: 1,
                    create_time: now,
                    update_time: now,
                };
                record::insert::<plan::Entity>(&txn, row).await?;
                Ok::<(), Error>(())
            })
            .await
            .unwrap();
        let found = check::references(&view).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.place.as_str(), one.what.as_str())).collect();
        assert_eq!(
            found,
            [("plans lost", "program names nowhere, which is not among programs")]
        );
    }
}
