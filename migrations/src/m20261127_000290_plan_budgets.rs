//! What is spent of budgets, kept beside the awards that spend them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::isolate;
use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // One row for each period of a plan with a budget for all.
    "CREATE TABLE plan_budgets (
        ecosystem TEXT NOT NULL,
        plan TEXT NOT NULL,
        period_start {day} NOT NULL,
        period_end {day} NOT NULL,
        spent_minor {int} NOT NULL CHECK (spent_minor >= 0),
        first_cut TEXT,
        terms TEXT NOT NULL,
        PRIMARY KEY (ecosystem, plan, period_start)
    ) {strict}",
];

/// Awards in the order in which they spend a budget, which is that of the bytes of their scopes:
/// `plan_budget::last_paid` and `plan_budget::first_unpaid`.
const POSTGRES: &[&str] = &[
    "CREATE INDEX awards_paid ON awards (ecosystem, plan, scope_date, scope COLLATE \"C\")
        WHERE earner IS NOT NULL AND entitled_minor > 0",
    "CREATE INDEX awards_unpaid ON awards (ecosystem, plan, scope_date, scope COLLATE \"C\")
        WHERE not_paid = 'BUDGET_EXHAUSTED'",
];

const SQLITE: &[&str] = &[
    "CREATE INDEX awards_paid ON awards (ecosystem, plan, scope_date, scope)
        WHERE earner IS NOT NULL AND entitled_minor > 0",
    "CREATE INDEX awards_unpaid ON awards (ecosystem, plan, scope_date, scope)
        WHERE not_paid = 'BUDGET_EXHAUSTED'",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        run_on(manager, DbBackend::Sqlite, SQLITE).await?;
        isolate(manager, &["plan_budgets"]).await
    }
}
