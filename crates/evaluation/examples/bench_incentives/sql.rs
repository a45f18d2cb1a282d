//! The same rules as SQL, in SQLite.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::Sums;
use crate::facts::{Made, QUARTERS};
use crate::plans::{BY_CATEGORY, CAP, MARGINAL, PERCENT, Rule, WEIGHTS, WHOLE, WINDOW, Which};

fn filled(made: &Made) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE lines (line INTEGER PRIMARY KEY, partner INTEGER, seller INTEGER, \
             day INTEGER, amount INTEGER, category INTEGER) STRICT;
             CREATE TABLE refunds (line INTEGER PRIMARY KEY, amount INTEGER) STRICT;
             CREATE TABLE churns (line INTEGER PRIMARY KEY, days INTEGER) STRICT;
             CREATE TABLE pays (category INTEGER PRIMARY KEY, thousandths INTEGER) STRICT;",
        )
        .unwrap();
    let all = connection.transaction().unwrap();
    {
        let mut insert = all
            .prepare("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)")
            .unwrap();
        for line in 0..made.amount.len() {
            insert
                .execute(params![
                    line as i64,
                    made.partner[line],
                    made.seller[line],
                    made.day[line],
                    made.amount[line],
                    made.category[line]
                ])
                .unwrap();
        }
        let mut insert = all.prepare("INSERT INTO refunds VALUES (?, ?)").unwrap();
        for (line, amount) in &made.refunds {
            insert.execute(params![line, amount]).unwrap();
        }
        let mut insert = all.prepare("INSERT INTO churns VALUES (?, ?)").unwrap();
        for (line, days) in &made.churns {
            insert.execute(params![line, days]).unwrap();
        }
        let mut insert = all.prepare("INSERT INTO pays VALUES (?, ?)").unwrap();
        for (category, pays) in BY_CATEGORY.iter().enumerate() {
            insert.execute(params![category as i64, pays]).unwrap();
        }
    }
    all.commit().unwrap();
    connection
}

const LEFT: &str = "SELECT lines.*, max(lines.amount - coalesce(refunds.amount, 0), 0) AS net \
    FROM lines LEFT JOIN refunds USING (line)";

/// The first of two parts of a whole by two weights, to the last coin.
fn first(total: &str, one: &str, other: &str) -> String {
    let sum = format!("({one} + {other})");
    format!(
        "iif({sum} = 0, 0, ({total}) * {one} / {sum} + \
         (({total}) * {one} % {sum} > 0 AND 2 * (({total}) * {one} % {sum}) >= {sum}))"
    )
}

fn query(rule: &Rule) -> String {
    let quarters: Vec<String> = QUARTERS
        .iter()
        .map(|day| format!("(day >= {day})"))
        .collect();
    let by_quarter = format!(
        "SELECT sum(net) AS net FROM ({LEFT}) GROUP BY partner, {}",
        quarters.join(" + ")
    );
    match rule.which {
        Which::Percent => {
            format!("SELECT sum((net * {PERCENT} + 500) / 1000), 0 FROM ({LEFT})")
        }
        Which::MarginalWithCap => {
            let parts: Vec<String> = MARGINAL
                .iter()
                .enumerate()
                .map(|(index, (from, pays))| match MARGINAL.get(index + 1) {
                    Some((end, _)) => format!("max(min(net, {end}) - {from}, 0) * {pays}"),
                    None => format!("max(net - {from}, 0) * {pays}"),
                })
                .collect();
            let exact = parts.join(" + ");
            format!("SELECT sum(min(({exact} + 500) / 1000, {CAP})), 0 FROM ({by_quarter})")
        }
        Which::WholeWithRefunds => {
            let bands: Vec<String> = WHOLE
                .iter()
                .rev()
                .map(|(from, pays)| format!("WHEN net >= {from} THEN {pays}"))
                .collect();
            let pays = format!("CASE {} END", bands.join(" "));
            format!("SELECT sum((net * {pays} + 500) / 1000), 0 FROM ({by_quarter})")
        }
        Which::ProductsSplitClawed => {
            let [one, other] = WEIGHTS.map(|weight| weight.to_string());
            let of_gross = first("gross", &one, &other);
            let of_refund = first("gross - earned", "one", "(gross - one)");
            let of_claw = first("claw", "two", "(earned - two)");
            format!(
                "WITH earned AS (SELECT line, partner, seller, \
                   (amount * thousandths + 500) / 1000 AS gross, \
                   (net * thousandths + 500) / 1000 AS earned \
                   FROM ({LEFT}) JOIN pays USING (category)), \
                 clawed AS (SELECT earned.*, {of_gross} AS one, \
                   (2 * earned * max({WINDOW} - coalesce(days, {WINDOW}), 0) + {WINDOW}) / (2 * {WINDOW}) AS claw \
                   FROM earned LEFT JOIN churns USING (line)), \
                 reduced AS (SELECT *, one - {of_refund} AS two FROM clawed), \
                 parts AS (SELECT *, earned - claw AS amount, two - {of_claw} AS part FROM reduced) \
                 SELECT sum(amount), \
                   sum(iif(partner = 0, part, 0)) + sum(iif(seller = 0, amount - part, 0)) FROM parts"
            )
        }
    }
}

/// What a rule comes to, and how long that took once.
pub(crate) fn sums(rule: &Rule, made: &Made) -> (Duration, Sums) {
    let connection = filled(made);
    let query = query(rule);
    let begin = Instant::now();
    let (entitled, first): (i64, i64) = connection
        .query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let sums = Sums {
        entitled: entitled.into(),
        first: first.into(),
    };
    (begin.elapsed(), sums)
}
