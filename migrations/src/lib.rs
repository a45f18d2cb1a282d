//! The schema of Trellis, one idea a file, in the order in which they are applied.
//!
//! A migration is SQL in one text for both databases; [`dialect`] turns its few tokens into what
//! each of them says. Published migrations are never edited, and there is no way down: a database
//! that holds money is mended by going forward.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbBackend, QueryResult, Statement,
};

mod isolation;
mod m20261123_000001_platform;
mod m20261123_000010_partner;
mod m20261123_000020_program;
mod m20261123_000030_deal_catalog;
mod m20261123_000031_deal_account;
mod m20261123_000032_deal_registration;
mod m20261123_000033_deal_deal;
mod m20261123_000040_incentive;
mod m20261123_000041_incentive_ledger;
mod m20261123_000042_incentive_payout;
mod m20261125_000050_access_scopes;
mod m20261125_000050_isolation;
mod m20261125_000070_lists;
mod m20261126_000060_access;
mod m20261126_000070_probing;
mod m20261126_000080_account_identity;
mod m20261126_000090_deal_lead;
mod m20261127_000100_registration_rules;
mod m20261127_000130_deal_engagement;
mod m20261127_000140_registration_lifecycle;
mod m20261127_000141_registration_clocks;
mod m20261127_000150_cosell;
mod m20261127_000160_deal_proposals;
mod m20261127_000170_recorded_facts;
mod m20261127_000180_ledger_reversal;
mod m20261127_000181_ledger_period;
mod m20261127_000210_payout_come_back;
mod m20261127_000220_event_order;
mod m20261127_000230_award_rulings;
mod m20261127_000231_award_holds;
mod m20261127_000240_webhooks;
mod m20261127_000250_award_adjustments;
mod m20261127_000260_audit;
mod m20261127_000261_audit_blocks;
mod m20261127_000270_recognition;
mod m20261127_000275_latest_proposals;
mod m20261127_000276_decided_registrations;
mod m20261127_000280_feed_marks;
mod m20261127_000281_event_states;
mod m20261127_000290_plan_budgets;
mod m20261128_000300_decisions_in_rows;
mod m20261128_000301_awards_by_key;
mod m20261128_000302_sealed_by_key;
mod m20261129_000303_heads_of_deliveries;

/// All migrations.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_platform::Migration),
            Box::new(m20261123_000010_partner::Migration),
            Box::new(m20261123_000020_program::Migration),
            Box::new(m20261123_000030_deal_catalog::Migration),
            Box::new(m20261123_000031_deal_account::Migration),
            Box::new(m20261123_000032_deal_registration::Migration),
            Box::new(m20261123_000033_deal_deal::Migration),
            Box::new(m20261123_000040_incentive::Migration),
            Box::new(m20261123_000041_incentive_ledger::Migration),
            Box::new(m20261123_000042_incentive_payout::Migration),
            Box::new(m20261125_000050_access_scopes::Migration),
            Box::new(m20261125_000050_isolation::Migration),
            Box::new(m20261125_000070_lists::Migration),
            Box::new(m20261126_000060_access::Migration),
            Box::new(m20261126_000070_probing::Migration),
            Box::new(m20261126_000080_account_identity::Migration),
            Box::new(m20261126_000090_deal_lead::Migration),
            Box::new(m20261127_000100_registration_rules::Migration),
            Box::new(m20261127_000130_deal_engagement::Migration),
            Box::new(m20261127_000140_registration_lifecycle::Migration),
            Box::new(m20261127_000141_registration_clocks::Migration),
            Box::new(m20261127_000150_cosell::Migration),
            Box::new(m20261127_000160_deal_proposals::Migration),
            Box::new(m20261127_000170_recorded_facts::Migration),
            Box::new(m20261127_000180_ledger_reversal::Migration),
            Box::new(m20261127_000181_ledger_period::Migration),
            Box::new(m20261127_000210_payout_come_back::Migration),
            Box::new(m20261127_000220_event_order::Migration),
            Box::new(m20261127_000230_award_rulings::Migration),
            Box::new(m20261127_000231_award_holds::Migration),
            Box::new(m20261127_000240_webhooks::Migration),
            Box::new(m20261127_000250_award_adjustments::Migration),
            Box::new(m20261127_000260_audit::Migration),
            Box::new(m20261127_000261_audit_blocks::Migration),
            Box::new(m20261127_000270_recognition::Migration),
            Box::new(m20261127_000275_latest_proposals::Migration),
            Box::new(m20261127_000276_decided_registrations::Migration),
            Box::new(m20261127_000280_feed_marks::Migration),
            Box::new(m20261127_000281_event_states::Migration),
            Box::new(m20261127_000290_plan_budgets::Migration),
            Box::new(m20261128_000300_decisions_in_rows::Migration),
            Box::new(m20261128_000301_awards_by_key::Migration),
            Box::new(m20261128_000302_sealed_by_key::Migration),
            Box::new(m20261129_000303_heads_of_deliveries::Migration),
        ]
    }
}

/// One migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The migration's name.
    pub name: String,
    /// Whether it has been applied.
    pub applied: bool,
}

/// Applies all migrations that a database has not; answers their names.
///
/// # Errors
/// The database cannot be reached, or refuses a statement.
pub async fn up(url: &str) -> Result<Vec<String>, DbErr> {
    let database = connect(url).await?;
    let pending = pending(&database).await?;
    // With nothing to do, nothing is asked for that only the schema's owner may do.
    if !pending.is_empty() {
        Migrator::up(&database, None).await?;
    }
    database.close().await?;
    Ok(pending)
}

/// Tells which migrations a database has.
///
/// # Errors
/// The database cannot be reached.
pub async fn status(url: &str) -> Result<Vec<Status>, DbErr> {
    let database = connect(url).await?;
    let pending = pending(&database).await?;
    database.close().await?;
    Ok(Migrator::migrations()
        .iter()
        .map(|migration| Status {
            name: migration.name().to_owned(),
            applied: !pending.iter().any(|name| name == migration.name()),
        })
        .collect())
}

/// The names of the migrations that a database lacks. It only reads, so that a role may ask that
/// may not change the schema.
async fn pending(database: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let pending = Migrator::get_pending_migrations_read_only(database).await?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// How long a database may take to answer at all.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(|sqlite| sqlite.create_if_missing(true))
        // Row level security holds the tables' owner too. A migration that touches rows without
        // lifting it would silently touch none; like this the database refuses it.
        .map_sqlx_postgres_opts(|postgres| postgres.options([("row_security", "off")]));
    Database::connect(options).await
}

/// What a token means on each database.
///
/// * `{int}`: a 64-bit integer. Times (microseconds since 1970), money (minor units), counts.
/// * `{day}`: a 32-bit integer. Dates (days since 1970).
/// * `{bool}`, `{json}`, `{bytes}`, `{uuid}`: as they say.
/// * `{strict}`: ends a table; on SQLite it makes the types binding.
/// * `{place}`: the first two parts of an event's place, made by the database.
fn dialect(sql: &str, backend: DbBackend) -> String {
    let tokens: [(&str, &str, &str); 7] = [
        ("{int}", "BIGINT", "INTEGER"),
        ("{day}", "INTEGER", "INTEGER"),
        ("{bool}", "BOOLEAN", "INTEGER"),
        ("{json}", "JSONB", "TEXT"),
        ("{bytes}", "BYTEA", "BLOB"),
        ("{uuid}", "UUID", "BLOB"),
        ("{strict}", "", "STRICT"),
    ];
    tokens
        .iter()
        .fold(sql.to_owned(), |sql, (token, postgres, sqlite)| {
            sql.replace(
                token,
                if backend == DbBackend::Sqlite {
                    sqlite
                } else {
                    postgres
                },
            )
        })
}

/// Runs statements that are the same on both databases but for their tokens.
async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    for statement in statements {
        manager
            .get_connection()
            .execute_unprepared(&dialect(statement, backend))
            .await?;
    }
    Ok(())
}

/// Runs statements that only one database has.
async fn run_on(
    manager: &SchemaManager<'_>,
    backend: DbBackend,
    statements: &[&str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == backend {
        run(manager, statements).await
    } else {
        Ok(())
    }
}

/// Changes what SQLite was told when a table was made, such as its checks, which it cannot alter: makes
/// the table anew by the words that it has by now, each text replaced by the other, and moves rows,
/// indexes and triggers over. Whatever other migrations have added to the table stays.
async fn rebuild(
    manager: &SchemaManager<'_>,
    table: &str,
    changes: &[(&str, &str)],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if manager.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    let words = |kind: &str| {
        let select = format!(
            "SELECT sql FROM sqlite_schema WHERE type = '{kind}' AND tbl_name = '{table}' \
             AND sql IS NOT NULL"
        );
        Statement::from_string(DbBackend::Sqlite, select)
    };
    let sql = |row: &QueryResult| row.try_get::<String>("", "sql");
    let made = connection.query_one_raw(words("table")).await?;
    let made = made.ok_or_else(|| DbErr::Custom(format!("there is no table {table}")))?;
    let mut made = sql(&made)?;
    let indexes = connection.query_all_raw(words("index")).await?;
    // Those of other tables, too: a table that one of them names cannot be given its name again.
    let triggers = format!(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' \
         AND (tbl_name = '{table}' OR instr(sql, '{table}') > 0)"
    );
    let triggers = Statement::from_string(DbBackend::Sqlite, triggers);
    let triggers = connection.query_all_raw(triggers).await?;
    for (from, to) in changes {
        if !made.contains(from) {
            let missing = format!("{table} was not made with: {from}");
            return Err(DbErr::Custom(missing));
        }
        made = made.replacen(from, to, 1);
    }
    let columns = made
        .find('(')
        .map(|at| made.split_off(at))
        .ok_or_else(|| DbErr::Custom(format!("{table} has no columns")))?;
    for trigger in &triggers {
        let name: String = trigger.try_get("", "name")?;
        let drop = format!("DROP TRIGGER {name}");
        connection.execute_unprepared(&drop).await?;
    }
    let rebuilt = format!("{table}__rebuilt");
    for statement in [
        format!("CREATE TABLE {rebuilt} {columns}"),
        format!("INSERT INTO {rebuilt} SELECT * FROM {table}"),
        format!("DROP TABLE {table}"),
        format!("ALTER TABLE {rebuilt} RENAME TO {table}"),
    ] {
        connection.execute_unprepared(&statement).await?;
    }
    for made in indexes.iter().chain(&triggers) {
        connection.execute_unprepared(&sql(made)?).await?;
    }
    Ok(())
}
