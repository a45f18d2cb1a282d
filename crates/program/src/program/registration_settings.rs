//! What the settings of deal registration must be among themselves. Pure.

use trellis_core::{Currency, Money, Violation};
use trellis_store::program::program::{ConflictDisclosure, Model};

/// For how many days a registration is protected, unless the program says otherwise.
pub const PROTECTION_DAYS: i32 = 90;
/// By how many days an extension lengthens it, unless the program says otherwise.
pub const EXTENSION_DAYS: i32 = 60;
/// After how many days it ends whatever was extended, unless the program says otherwise.
pub const HARD_STOP_DAYS: i32 = 180;

/// How many accounts a partner may register business with in 24 hours, unless the program says
/// otherwise.
pub const DAILY_ACCOUNT_BUDGET: i32 = 20;
/// How many in 30 days, unless the program says otherwise.
pub const MONTHLY_ACCOUNT_BUDGET: i32 = 100;
/// How many registrations one person of a partner may hold open, unless the program says otherwise.
pub const PERSON_OPEN_LIMIT: i32 = 100;

/// For how many days the vendor's own open deal counts after it was last changed, unless the program
/// says otherwise.
pub const DIRECT_LOOKBACK_DAYS: i32 = 180;
/// For how many days a partner that won a customer keeps its renewals and expansions, unless the
/// program says otherwise.
pub const INCUMBENT_DAYS: i32 = 365;

/// The settings of deal registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// For how many days an approved registration is protected.
    pub protection_days: i32,
    /// By how many days an extension lengthens the protection.
    pub extension_days: i32,
    /// After how many days the protection ends whatever was extended.
    pub hard_stop_days: i32,
    /// Whether a registration that nothing speaks against is approved without a person.
    pub auto_approve: bool,
    /// The largest value approved so.
    pub auto_approve_limit: Option<Money>,
    /// What partners are told of conflicts.
    pub conflict_disclosure: ConflictDisclosure,
    /// How many accounts a partner may register business with in 24 hours; 0: any number.
    pub daily_account_budget: i32,
    /// How many in 30 days; 0: any number.
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
}

impl RegistrationSettings {
    /// The settings of a program.
    #[must_use]
    pub fn of(program: &Model) -> Self {
        Self {
            protection_days: program.protection_days,
            extension_days: program.extension_days,
            hard_stop_days: program.hard_stop_days,
            auto_approve: program.auto_approve,
            auto_approve_limit: program.auto_approve_limit(),
            conflict_disclosure: program.conflict_disclosure,
            daily_account_budget: program.daily_account_budget,
            monthly_account_budget: program.monthly_account_budget,
            person_open_limit: program.person_open_limit,
            partner_open_limit: program.partner_open_limit,
            direct_lookback_days: program.direct_lookback_days,
            teaming: program.teaming,
            incumbent_days: program.incumbent_days,
            evidence_minimum: program.evidence_minimum,
        }
    }

    /// Makes them the settings of a program, whose currency is the limit's.
    pub(crate) fn put(self, program: &mut Model) {
        let Self {
            protection_days,
            extension_days,
            hard_stop_days,
            auto_approve,
            auto_approve_limit,
            conflict_disclosure,
            daily_account_budget,
            monthly_account_budget,
            person_open_limit,
            partner_open_limit,
            direct_lookback_days,
            teaming,
            incumbent_days,
            evidence_minimum,
        } = self;
        program.protection_days = protection_days;
        program.extension_days = extension_days;
        program.hard_stop_days = hard_stop_days;
        program.auto_approve = auto_approve;
        program.auto_approve_limit_minor = auto_approve_limit.map(|limit| limit.minor);
        program.conflict_disclosure = conflict_disclosure;
        program.daily_account_budget = daily_account_budget;
        program.monthly_account_budget = monthly_account_budget;
        program.person_open_limit = person_open_limit;
        program.partner_open_limit = partner_open_limit;
        program.direct_lookback_days = direct_lookback_days;
        program.teaming = teaming;
        program.incumbent_days = incumbent_days;
        program.evidence_minimum = evidence_minimum;
    }
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            protection_days: PROTECTION_DAYS,
            extension_days: EXTENSION_DAYS,
            hard_stop_days: HARD_STOP_DAYS,
            auto_approve: false,
            auto_approve_limit: None,
            conflict_disclosure: ConflictDisclosure::default(),
            daily_account_budget: DAILY_ACCOUNT_BUDGET,
            monthly_account_budget: MONTHLY_ACCOUNT_BUDGET,
            person_open_limit: PERSON_OPEN_LIMIT,
            partner_open_limit: 0,
            direct_lookback_days: DIRECT_LOOKBACK_DAYS,
            teaming: false,
            incumbent_days: INCUMBENT_DAYS,
            evidence_minimum: 0,
        }
    }
}

/// Everything that is wrong with settings that are right one by one. `currency` is the program's,
/// if that is known; the limit is kept in it, so that it is always comparable.
#[must_use]
pub fn violations(settings: &RegistrationSettings, currency: Option<Currency>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut refuse = |field: &str, rule: &str, description: String| {
        violations.push(Violation::new(
            format!("program.deal_registration.{field}"),
            rule,
            description,
        ));
    };
    if settings.hard_stop_days < settings.protection_days {
        refuse(
            "hard_stop_days",
            "hard_stop_days.protection_days",
            format!(
                "must be at least protection_days, which is {}",
                settings.protection_days
            ),
        );
    }
    let RegistrationSettings {
        daily_account_budget: daily,
        monthly_account_budget: monthly,
        ..
    } = *settings;
    if monthly != 0 && daily > monthly {
        refuse(
            "monthly_account_budget",
            "monthly_account_budget.daily_account_budget",
            format!("must be at least daily_account_budget, which is {daily}, or 0"),
        );
    }
    if let Some(limit) = settings.auto_approve_limit {
        if limit.minor <= 0 {
            refuse(
                "auto_approve_limit",
                "money.gt",
                "must be more than nothing".into(),
            );
        }
        if let Some(currency) = currency
            && limit.currency != currency
        {
            refuse(
                "auto_approve_limit.currency_code",
                "auto_approve_limit.currency_code",
                format!("must be the program's currency, which is {currency}"),
            );
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: RegistrationSettings, currency: Currency) -> Vec<String> {
        violations(&settings, Some(currency))
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn the_defaults_are_right_in_every_currency() {
        for currency in [Currency::USD, Currency::EUR] {
            assert!(fields(RegistrationSettings::default(), currency).is_empty());
        }
    }

    #[test]
    fn the_hard_stop_may_be_as_short_as_the_protection_and_no_shorter() {
        let stop = |hard_stop_days| RegistrationSettings {
            hard_stop_days,
            ..RegistrationSettings::default()
        };
        assert!(fields(stop(90), Currency::USD).is_empty());
        assert_eq!(
            fields(stop(89), Currency::USD),
            ["program.deal_registration.hard_stop_days"]
        );
    }

    #[test]
    fn a_month_holds_at_least_what_a_day_does_unless_one_is_without_limit() {
        let budget = |daily_account_budget, monthly_account_budget| {
            let settings = RegistrationSettings {
                daily_account_budget,
                monthly_account_budget,
                ..RegistrationSettings::default()
            };
            fields(settings, Currency::USD)
        };
        for (daily, monthly) in [(20, 20), (0, 1), (20, 0), (0, 0)] {
            assert!(budget(daily, monthly).is_empty(), "{daily} {monthly}");
        }
        assert_eq!(
            budget(21, 20),
            ["program.deal_registration.monthly_account_budget"]
        );
    }

    #[test]
    fn a_limit_is_an_amount_of_the_programs_currency() {
        let limit = |minor, currency| RegistrationSettings {
            auto_approve_limit: Some(Money::new(minor, currency)),
            ..RegistrationSettings::default()
        };
        assert!(fields(limit(1, Currency::USD), Currency::USD).is_empty());
        for nothing in [0, -1] {
            assert_eq!(
                fields(limit(nothing, Currency::USD), Currency::USD),
                ["program.deal_registration.auto_approve_limit"]
            );
        }
        assert_eq!(
            fields(limit(1, Currency::EUR), Currency::USD),
            ["program.deal_registration.auto_approve_limit.currency_code"]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let settings = RegistrationSettings {
            protection_days: 30,
            hard_stop_days: 10,
            auto_approve_limit: Some(Money::zero(Currency::EUR)),
            ..RegistrationSettings::default()
        };
        assert_eq!(fields(settings, Currency::USD).len(), 3);
        assert_eq!(violations(&settings, None).len(), 2);
    }
}
