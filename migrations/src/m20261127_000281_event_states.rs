//! What events tell beside what happened: the resource as it is after the change, which of its fields
//! changed, and where the call that changed it stands in its caller's trace.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // The full name of the message, and the message. Both are missing where nothing is told, and the
    // message alone where it was erased.
    "ALTER TABLE events ADD COLUMN state_kind TEXT",
    "ALTER TABLE events ADD COLUMN state {bytes}",
    // A list of names.
    "ALTER TABLE events ADD COLUMN changed_fields {json}",
    "ALTER TABLE events ADD COLUMN trace_parent TEXT",
    "ALTER TABLE events ADD COLUMN trace_state TEXT",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
