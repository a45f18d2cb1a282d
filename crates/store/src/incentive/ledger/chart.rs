//! The chart of accounts: what an account can stand for, who can own it, and how it is called.
//!
//! An account is spelled out by its id, `class.owner.currency` with a detail before the currency
//! where a class has one: `payable.nimbus.usd`, `held.nimbus.hold.usd`. So nobody has to look an
//! account up before money is posted to it.

use sea_orm::entity::prelude::*;
use trellis_core::{Currency, LedgerAccountId, PartnerId, ProgramId};

/// A side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where assets and expenses grow.
    Debit,
    /// Where what is owed to others grows.
    Credit,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }

    /// What debits and credits amount to, positive on this side.
    #[must_use]
    pub const fn balance(self, debit: i64, credit: i64) -> i64 {
        match self {
            Self::Debit => debit.saturating_sub(credit),
            Self::Credit => credit.saturating_sub(debit),
        }
    }
}

/// What an account stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Class {
    /// Money at the bank.
    Cash,
    /// Sent and not yet confirmed by the bank.
    PayoutClearing,
    /// What a partner owes: it was paid more than it turned out to have earned.
    Receivable,
    /// Earned, and held until the hold ends.
    Held,
    /// Released, and waiting for approval.
    Review,
    /// Approved, and due at the next payout.
    Payable,
    /// Reserved in a payout batch.
    InPayout,
    /// Carries a set-off from the award that pays to the award that owes. Each journal closes it
    /// again, so that the lines of either award balance by themselves.
    SetOff,
    /// What a program grants to partners who are customers: it reduces revenue.
    ContraRevenue,
    /// What a program grants to partners who bring customers: it is an expense.
    CommissionExpense,
}

impl Class {
    /// Every class, in the order of the chart.
    pub const ALL: [Self; 10] = [
        Self::Cash,
        Self::PayoutClearing,
        Self::Receivable,
        Self::Held,
        Self::Review,
        Self::Payable,
        Self::InPayout,
        Self::SetOff,
        Self::ContraRevenue,
        Self::CommissionExpense,
    ];

    /// The side on which a balance is positive.
    #[must_use]
    pub const fn normal(self) -> Side {
        match self {
            Self::Cash | Self::Receivable | Self::ContraRevenue | Self::CommissionExpense => {
                Side::Debit
            }
            Self::PayoutClearing
            | Self::Held
            | Self::Review
            | Self::Payable
            | Self::InPayout
            | Self::SetOff => Side::Credit,
        }
    }

    /// Whether the balance, of the account and of each award on it, must never fall below zero.
    ///
    /// Cash may: what the bank holds is not the ledger's to know. So may what programs grant, and
    /// the set-off, which every journal closes.
    #[must_use]
    pub const fn constrained(self) -> bool {
        match self {
            Self::PayoutClearing
            | Self::Receivable
            | Self::Held
            | Self::Review
            | Self::Payable
            | Self::InPayout => true,
            Self::Cash | Self::SetOff | Self::ContraRevenue | Self::CommissionExpense => false,
        }
    }

    /// The class as it is spelled in an account's id.
    const fn slug(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::PayoutClearing => "payout-clearing",
            Self::Receivable => "receivable",
            Self::Held => "held",
            Self::Review => "review",
            Self::Payable => "payable",
            Self::InPayout => "in-payout",
            Self::SetOff => "set-off",
            Self::ContraRevenue => "contra-revenue",
            Self::CommissionExpense => "commission-expense",
        }
    }
}

/// Which way money takes out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Rail {
    /// A transfer by the bank.
    #[sea_orm(string_value = "bank")]
    Bank,
}

impl Rail {
    /// The rail as it is spelled in an account's id and on the wire.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Bank => "bank",
        }
    }
}

/// Why something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum HoldReason {
    /// The plan holds what it grants for some days.
    #[sea_orm(string_value = "hold")]
    Hold,
    /// Its partner disputes it.
    #[sea_orm(string_value = "dispute")]
    Dispute,
    /// It may be a fraud.
    #[sea_orm(string_value = "fraud")]
    Fraud,
    /// Somebody looks at it.
    #[sea_orm(string_value = "review")]
    Review,
}

impl HoldReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Dispute, Self::Fraud, Self::Review];

    /// The reason as it is spelled in an account's id and on the wire.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Dispute => "dispute",
            Self::Fraud => "fraud",
            Self::Review => "review",
        }
    }
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A partner's.
    Partner(PartnerId),
    /// A program's.
    Program(ProgramId),
    /// A rail's.
    Rail(Rail),
}

/// An account that money can be posted to. Made by the function of its class, so that none has the
/// wrong owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    id: LedgerAccountId,
    class: Class,
    owner: Owner,
    detail: Option<HoldReason>,
    currency: Currency,
}

impl Account {
    /// Money at the bank.
    #[must_use]
    pub fn cash(rail: Rail, currency: Currency) -> Self {
        Self::new(Class::Cash, Owner::Rail(rail), None, currency)
    }

    /// Sent and not yet confirmed by the bank.
    #[must_use]
    pub fn payout_clearing(rail: Rail, currency: Currency) -> Self {
        Self::new(Class::PayoutClearing, Owner::Rail(rail), None, currency)
    }

    /// What a partner owes.
    #[must_use]
    pub fn receivable(partner: &PartnerId, currency: Currency) -> Self {
        Self::of_partner(Class::Receivable, partner, None, currency)
    }

    /// What a partner has earned and is held.
    #[must_use]
    pub fn held(partner: &PartnerId, reason: HoldReason, currency: Currency) -> Self {
        Self::of_partner(Class::Held, partner, Some(reason), currency)
    }

    /// What waits for approval.
    #[must_use]
    pub fn review(partner: &PartnerId, currency: Currency) -> Self {
        Self::of_partner(Class::Review, partner, None, currency)
    }

    /// What is due at the next payout.
    #[must_use]
    pub fn payable(partner: &PartnerId, currency: Currency) -> Self {
        Self::of_partner(Class::Payable, partner, None, currency)
    }

    /// What is reserved in payout batches.
    #[must_use]
    pub fn in_payout(partner: &PartnerId, currency: Currency) -> Self {
        Self::of_partner(Class::InPayout, partner, None, currency)
    }

    /// Where set-offs pass through.
    #[must_use]
    pub fn set_off(partner: &PartnerId, currency: Currency) -> Self {
        Self::of_partner(Class::SetOff, partner, None, currency)
    }

    /// What a program grants to partners who are customers.
    #[must_use]
    pub fn contra_revenue(program: &ProgramId, currency: Currency) -> Self {
        Self::new(
            Class::ContraRevenue,
            Owner::Program(program.clone()),
            None,
            currency,
        )
    }

    /// What a program grants to partners who bring customers.
    #[must_use]
    pub fn commission_expense(program: &ProgramId, currency: Currency) -> Self {
        Self::new(
            Class::CommissionExpense,
            Owner::Program(program.clone()),
            None,
            currency,
        )
    }

    fn of_partner(
        class: Class,
        partner: &PartnerId,
        detail: Option<HoldReason>,
        currency: Currency,
    ) -> Self {
        Self::new(class, Owner::Partner(partner.clone()), detail, currency)
    }

    fn new(class: Class, owner: Owner, detail: Option<HoldReason>, currency: Currency) -> Self {
        let owned = match &owner {
            Owner::Partner(partner) => partner.as_str(),
            Owner::Program(program) => program.as_str(),
            Owner::Rail(rail) => rail.slug(),
        };
        let code = currency.code().to_ascii_lowercase();
        let id = match detail {
            Some(detail) => LedgerAccountId::of(&[class.slug(), owned, detail.slug(), &code]),
            None => LedgerAccountId::of(&[class.slug(), owned, &code]),
        };
        Self {
            id,
            class,
            owner,
            detail,
            currency,
        }
    }

    /// Reads back what an id spells out. Nothing, if no account of the chart is called so.
    #[must_use]
    pub fn parse(id: &LedgerAccountId) -> Option<Self> {
        let mut parts = id.as_str().split('.');
        let slug = parts.next()?;
        let class = Class::ALL.into_iter().find(|class| class.slug() == slug)?;
        let owned = parts.next()?;
        let (detail, code) = match (parts.next()?, parts.next()) {
            (code, None) => (None, code),
            (detail, Some(code)) => (Some(detail), code),
        };
        let currency = Currency::try_new(&code.to_ascii_uppercase()).ok()?;
        let partner = || PartnerId::try_new(owned).ok();
        let program = || ProgramId::try_new(owned).ok();
        let rail = || Some(Rail::Bank).filter(|rail| rail.slug() == owned);
        let reason = || {
            HoldReason::ALL
                .into_iter()
                .find(|reason| Some(reason.slug()) == detail)
        };
        let account = match class {
            Class::Cash => Self::cash(rail()?, currency),
            Class::PayoutClearing => Self::payout_clearing(rail()?, currency),
            Class::Receivable => Self::receivable(&partner()?, currency),
            Class::Held => Self::held(&partner()?, reason()?, currency),
            Class::Review => Self::review(&partner()?, currency),
            Class::Payable => Self::payable(&partner()?, currency),
            Class::InPayout => Self::in_payout(&partner()?, currency),
            Class::SetOff => Self::set_off(&partner()?, currency),
            Class::ContraRevenue => Self::contra_revenue(&program()?, currency),
            Class::CommissionExpense => Self::commission_expense(&program()?, currency),
        };
        (parts.next().is_none()
            && account.detail.map(HoldReason::slug) == detail
            && account.id == *id)
            .then_some(account)
    }

    /// The id that spells the account out.
    #[must_use]
    pub const fn id(&self) -> &LedgerAccountId {
        &self.id
    }

    /// What it stands for.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The partner whose it is, if it is a partner's.
    #[must_use]
    pub const fn partner(&self) -> Option<&PartnerId> {
        match &self.owner {
            Owner::Partner(partner) => Some(partner),
            Owner::Program(_) | Owner::Rail(_) => None,
        }
    }

    /// What tells it apart from others of its class and owner.
    #[must_use]
    pub const fn detail(&self) -> Option<HoldReason> {
        self.detail
    }

    /// Its currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_account() -> Vec<Account> {
        let partner = PartnerId::try_new("nimbus").unwrap();
        let program = ProgramId::try_new("01981b2c-7d3e-7abc-8def-0123456789ab").unwrap();
        let currency = Currency::USD;
        vec![
            Account::cash(Rail::Bank, currency),
            Account::payout_clearing(Rail::Bank, currency),
            Account::receivable(&partner, currency),
            Account::held(&partner, HoldReason::Hold, currency),
            Account::review(&partner, currency),
            Account::payable(&partner, currency),
            Account::in_payout(&partner, currency),
            Account::set_off(&partner, currency),
            Account::contra_revenue(&program, currency),
            Account::commission_expense(&program, currency),
        ]
    }

    #[test]
    fn an_id_spells_out_its_account_and_reads_back() {
        let accounts = every_account();
        assert_eq!(accounts.len(), Class::ALL.len());
        for (account, class) in accounts.iter().zip(Class::ALL) {
            assert_eq!(account.class(), class);
            assert_eq!(Account::parse(account.id()).as_ref(), Some(account));
            assert_eq!(
                LedgerAccountId::try_new(account.id().as_str()).as_ref(),
                Ok(account.id())
            );
        }
        let held = &accounts[3];
        assert_eq!(held.id().as_str(), "held.nimbus.hold.usd");
        assert_eq!(accounts[5].id().as_str(), "payable.nimbus.usd");
    }

    #[test]
    fn what_is_held_is_told_apart_by_why() {
        let partner = PartnerId::try_new("nimbus").unwrap();
        for reason in HoldReason::ALL {
            let account = Account::held(&partner, reason, Currency::USD);
            let spelled = format!("held.nimbus.{}.usd", reason.slug());
            assert_eq!(account.id().as_str(), spelled);
            assert_eq!(Account::parse(account.id()), Some(account));
        }
    }

    #[test]
    fn an_id_that_spells_out_no_account_is_none() {
        for text in [
            "payable.nimbus.xxx",
            "payable.nimbus.hold.usd",
            "held.nimbus.usd",
            "held.nimbus.whim.usd",
            "cash.till.usd",
            "savings.nimbus.usd",
        ] {
            let id = LedgerAccountId::try_new(text).unwrap();
            assert_eq!(Account::parse(&id), None, "{text}");
        }
    }

    #[test]
    fn the_side_of_a_class_says_where_its_balance_is_positive() {
        assert_eq!(Side::Debit.balance(7, 2), 5);
        assert_eq!(Side::Credit.balance(7, 2), -5);
        assert_eq!(Class::Payable.normal(), Side::Credit);
        assert_eq!(Class::Receivable.normal(), Side::Debit);
    }
}
