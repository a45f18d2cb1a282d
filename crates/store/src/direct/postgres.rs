//! Short reads of PostgreSQL.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::Value;
use sea_orm::sqlx::postgres::{PgArguments, PgConnectOptions};
use sea_orm::sqlx::{Arguments, AssertSqlSafe, ConnectOptions, PgConnection, query_with};
use tokio::sync::Semaphore;

use crate::record::Record;

/// Connections that read and do nothing else.
#[derive(Clone)]
pub(crate) struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    options: PgConnectOptions,
    permits: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

impl Postgres {
    /// Prepares to open so many connections. None is opened before it is needed.
    pub(crate) fn new(options: PgConnectOptions, connections_max: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                options: options.disable_statement_logging(),
                permits: Semaphore::new(connections_max),
                idle: Mutex::default(),
            }),
        }
    }

    pub(super) async fn rows<E: Record>(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Option<Vec<E::Model>> {
        let _permit = self.inner.permits.try_acquire().ok()?;
        let idle = self.idle().pop();
        // From here on the connection is this call's alone. Given up in the middle of an answer, or
        // broken, it is closed and not kept.
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.inner.options.connect().await.ok()?,
        };
        let rows = query_with(AssertSqlSafe(sql), bound(values)?)
            .fetch_all(&mut connection)
            .await
            .ok()?;
        self.idle().push(connection);
        let shape = E::shape();
        rows.iter()
            .map(|row| E::made_of(shape.values_of_postgres(row)))
            .collect()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values as PostgreSQL takes them, in the way that the pool does.
fn bound(values: &[Value]) -> Option<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::String(text) => arguments.add(text.as_deref()),
            Value::BigInt(number) => arguments.add(*number),
            Value::Int(number) => arguments.add(*number),
            Value::BigUnsigned(Some(number)) => arguments.add(i64::try_from(*number).ok()?),
            Value::Bool(truth) => arguments.add(*truth),
            Value::Uuid(uuid) => arguments.add(*uuid),
            _ => return None,
        }
        .ok()?;
    }
    Some(arguments)
}
