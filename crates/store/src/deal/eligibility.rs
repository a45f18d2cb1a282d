//! What decides whether a partner may claim business under a program, read in one statement.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};
use trellis_core::{Currency, PartnerId, ProgramId, TimeZone, Timestamp};

use crate::partner::partner;
use crate::program::program;
use crate::{Error, View};

/// A partner and a program as far as registrations ask about them. They are stored with decisions: a
/// field that is added later needs a default.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult, Serialize, Deserialize)]
pub struct Facts {
    /// Where the partner stands.
    pub partner_state: partner::State,
    /// When its suspension ends by itself, if it is suspended and an end was set.
    pub suspend_until_time: Option<Timestamp>,
    /// Where the program stands.
    pub program_state: program::State,
    /// Where the program's days begin and end.
    pub time_zone: TimeZone,
    /// The currency of the program's amounts.
    pub currency: Currency,
    /// The clocks of the program.
    #[serde(default)]
    pub registration_clock: program::RegistrationClock,
    /// For how many days an approved registration is protected.
    pub protection_days: i32,
    /// Whether a registration that nothing speaks against is approved without a person.
    pub auto_approve: bool,
    /// The largest value approved so, in minor units of `currency`; none: no limit.
    pub auto_approve_limit_minor: Option<i64>,
    /// What partners are told of conflicts.
    pub conflict_disclosure: program::ConflictDisclosure,
    /// What a partner may spend in 24 hours; 0: anything.
    pub daily_account_budget: i32,
    /// What a partner may spend in 30 days; 0: anything.
    pub monthly_account_budget: i32,
    /// How many registrations one person of a partner may hold open; 0: any number.
    pub person_open_limit: i32,
    /// How many registrations a partner may hold open; 0: any number.
    pub partner_open_limit: i32,
    /// For how many days the vendor's own open deal counts after it was last changed; 0: not at all.
    pub direct_lookback_days: i32,
    /// Whether partners may sell with the vendor where it has a deal of its own.
    pub teaming: bool,
    /// For how many days a partner that won a customer keeps its renewals and expansions; 0: none.
    pub incumbent_days: i32,
    /// How many proofs a registration needs.
    pub evidence_minimum: i32,
    /// Whether the partner is enrolled in the program.
    pub enrolled: bool,
}

const SELECT: &str = "SELECT partners.state AS partner_state, partners.suspend_until_time, \
    programs.state AS program_state, programs.time_zone, programs.currency, \
    programs.registration_clock, programs.protection_days, programs.auto_approve, programs.auto_approve_limit_minor, \
    programs.conflict_disclosure, programs.daily_account_budget, \
    programs.monthly_account_budget, programs.person_open_limit, programs.partner_open_limit, \
    programs.direct_lookback_days, programs.teaming, programs.incumbent_days, \
    programs.evidence_minimum, \
    EXISTS (SELECT 1 FROM enrollments WHERE enrollments.ecosystem = $1 \
        AND enrollments.program = $3 AND enrollments.partner = $2 \
        AND enrollments.state = 'ENROLLED') AS enrolled \
    FROM partners CROSS JOIN programs \
    WHERE partners.ecosystem = $1 AND partners.id = $2 \
    AND programs.ecosystem = $1 AND programs.id = $3";

/// The facts about a partner and a program; none if one of them does not exist.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn facts(
    view: &View,
    partner: &PartnerId,
    program: &ProgramId,
) -> Result<Option<Facts>, Error> {
    let db = view.db();
    let values = [
        view.ecosystem().as_str().into(),
        partner.as_str().into(),
        program.as_str().into(),
    ];
    let select = Statement::from_sql_and_values(db.get_database_backend(), SELECT, values);
    Ok(Facts::find_by_statement(select).one(&db).await?)
}
