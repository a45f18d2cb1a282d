//! A posting: what is to be written to the ledger as one journal. Pure.
//!
//! A posting that does not balance cannot be made, for every currency and for every award, and
//! neither can one whose lines do not fit its kind. So whatever a journal says about an award is
//! whole by itself: what the award has on all accounts always adds up to zero, which is to say that
//! its parts (held, in review, payable, in payout, paid, less what is owed) are what it is entitled
//! to.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use sha2::{Digest, Sha256};
use trellis_core::{AwardId, Currency, Date, JournalId};

use super::chart::{Account, Class, Side};

/// What a journal records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// A partner has earned something.
    Accrual,
    /// A hold has ended.
    Release,
    /// Somebody has approved what was earned.
    Approval,
    /// A partner has turned out to have earned less.
    Clawback,
    /// A payout batch has reserved what it will pay.
    PayoutReserve,
    /// A reservation has been undone.
    PayoutCancel,
    /// A payout has been sent.
    PayoutSend,
    /// A payout has been confirmed.
    PayoutSettle,
    /// An approval has been taken back.
    ApprovalReversal,
    /// The bank has not paid a payout that was sent: it is due again.
    PayoutFail,
    /// The bank has returned a payout that it had paid: it is due again.
    PayoutReturn,
    /// Somebody has ruled that something is not paid.
    Rejection,
    /// A rejection has been taken back.
    RejectionReversal,
    /// Somebody has held what waited for approval or was payable.
    Hold,
    /// Somebody has released what was held by hand.
    HoldRelease,
    /// Somebody has ruled that more of an award is due, or less.
    Adjustment,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Accrual,
        Self::Release,
        Self::Approval,
        Self::Clawback,
        Self::PayoutReserve,
        Self::PayoutCancel,
        Self::PayoutSend,
        Self::PayoutSettle,
        Self::ApprovalReversal,
        Self::PayoutFail,
        Self::PayoutReturn,
        Self::Rejection,
        Self::RejectionReversal,
        Self::Hold,
        Self::HoldRelease,
        Self::Adjustment,
    ];

    /// The kind as it is written down.
    #[must_use]
    pub fn name(self) -> String {
        self.to_value()
    }

    /// What this one is the exact inverse of, if it undoes another.
    #[must_use]
    pub const fn inverse_of(self) -> Option<Self> {
        match self {
            Self::PayoutCancel => Some(Self::PayoutReserve),
            Self::ApprovalReversal => Some(Self::Approval),
            Self::RejectionReversal => Some(Self::Rejection),
            Self::Accrual
            | Self::Release
            | Self::Approval
            | Self::Clawback
            | Self::PayoutReserve
            | Self::PayoutSend
            | Self::PayoutSettle
            | Self::PayoutFail
            | Self::PayoutReturn
            | Self::Rejection
            | Self::Hold
            | Self::HoldRelease
            | Self::Adjustment => None,
        }
    }

    /// Whether a journal of this kind may have a line on this side of an account of this class.
    ///
    /// Statements tell what a movement was by the kind of its journal, so a kind must mean what it
    /// says.
    #[must_use]
    pub fn allows(self, class: Class, side: Side) -> bool {
        use Class::{
            Cash, CommissionExpense, ContraRevenue, Held, InPayout, Payable, PayoutClearing,
            Receivable, Review, SetOff,
        };
        if let Some(undone) = self.inverse_of() {
            return undone.allows(class, side.opposite());
        }
        let (debits, credits): (&[Class], &[Class]) = match self {
            Self::Accrual => (
                &[ContraRevenue, CommissionExpense],
                &[Held, Review, Payable, Receivable],
            ),
            Self::Release | Self::HoldRelease => (&[Held], &[Review, Payable]),
            Self::Approval => (&[Held, Review], &[Payable]),
            Self::Clawback => (
                &[Held, Review, Payable, Receivable],
                &[ContraRevenue, CommissionExpense],
            ),
            Self::Hold => (&[Review, Payable], &[Held]),
            Self::Adjustment => (
                &[
                    Held,
                    Review,
                    Payable,
                    Receivable,
                    ContraRevenue,
                    CommissionExpense,
                ],
                &[Held, Review, ContraRevenue, CommissionExpense],
            ),
            Self::Rejection => (&[Held, Review], &[ContraRevenue, CommissionExpense]),
            Self::PayoutReserve => (&[Payable, SetOff], &[InPayout, SetOff, Receivable]),
            Self::PayoutSend => (&[InPayout], &[PayoutClearing]),
            Self::PayoutSettle => (&[PayoutClearing], &[Cash]),
            Self::PayoutFail => (&[PayoutClearing, Receivable, SetOff], &[Payable, SetOff]),
            Self::PayoutReturn => (&[Cash, Receivable, SetOff], &[Payable, SetOff]),
            // Those that undo others, which were answered for above.
            Self::PayoutCancel | Self::ApprovalReversal | Self::RejectionReversal => (&[], &[]),
        };
        match side {
            Side::Debit => debits.contains(&class),
            Side::Credit => credits.contains(&class),
        }
    }
}

/// What makes a posting that of its cause and no other. It occurs once in an ecosystem, for ever:
/// the same posting sent again is not posted again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The name of what caused the posting, without the ecosystem: `awards/0198…`.
    pub cause: String,
    /// Which of the postings of its cause it is.
    pub sequence: i64,
}

impl Key {
    /// The posting of a cause with this number.
    pub fn new(cause: impl Into<String>, sequence: i64) -> Self {
        Self {
            cause: cause.into(),
            sequence,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.cause, self.sequence)
    }
}

/// One line of a posting: an amount on one side of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The account.
    pub account: Account,
    /// The award that the line belongs to.
    pub award: Option<AwardId>,
    /// The side.
    pub side: Side,
    /// How much, in minor units of the account's currency.
    pub minor: i64,
}

impl Line {
    /// A line on the debit side.
    #[must_use]
    pub fn debit(account: Account, award: Option<&AwardId>, minor: i64) -> Self {
        Self {
            account,
            award: award.cloned(),
            side: Side::Debit,
            minor,
        }
    }

    /// A line on the credit side.
    #[must_use]
    pub fn credit(account: Account, award: Option<&AwardId>, minor: i64) -> Self {
        Self {
            account,
            award: award.cloned(),
            side: Side::Credit,
            minor,
        }
    }

    /// Two lines that move an amount from the one account to the other.
    #[must_use]
    pub fn pair(debit: Account, credit: Account, award: Option<&AwardId>, minor: i64) -> [Self; 2] {
        [
            Self::debit(debit, award, minor),
            Self::credit(credit, award, minor),
        ]
    }

    /// The same line on the other side.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            side: self.side.opposite(),
            ..self.clone()
        }
    }
}

/// Why something cannot be posted. Each of them is a fault of ours: callers of the API cannot bring
/// one about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There are no lines.
    #[error("it has no lines")]
    Empty,
    /// The amount of a line is not more than zero.
    #[error("the amount of a line on {account} is {minor}, and must be more than zero")]
    NotPositive {
        /// The account.
        account: String,
        /// The amount.
        minor: i64,
    },
    /// The kind does not go with a line.
    #[error("a journal of kind {kind:?} may not have a line on the {side:?} side of {account}")]
    WrongSide {
        /// The kind.
        kind: Kind,
        /// The account.
        account: String,
        /// The side.
        side: Side,
    },
    /// Debits and credits differ.
    #[error("in {currency} the debits exceed the credits of award {award:?} by {excess}")]
    Unbalanced {
        /// The currency.
        currency: Currency,
        /// The award.
        award: Option<AwardId>,
        /// By how much, in minor units.
        excess: i128,
    },
    /// A set-off account is left with a balance.
    #[error("it leaves {account} open")]
    OpenSetOff {
        /// The account.
        account: String,
    },
    /// The totals of an account do not fit 64 bits of minor units.
    #[error("it makes the totals of {account} too large to be counted")]
    TooLarge {
        /// The account.
        account: String,
    },
    /// The line would take a constrained account, or an award on it, below zero.
    #[error("it takes {account} of award {award:?} to {balance}")]
    BelowZero {
        /// The account.
        account: String,
        /// The award, if it is the award's part that falls below zero.
        award: Option<AwardId>,
        /// The balance after the line.
        balance: i64,
    },
    /// Something else was posted under the same key.
    #[error("something else was posted under this key")]
    KeyReused,
}

impl Fault {
    /// Says which posting it is about.
    pub(super) const fn of(self, key: Key) -> Rejected {
        Rejected {
            index: None,
            key,
            fault: self,
        }
    }
}

/// A posting that is refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the posting {key}{} is refused: {fault}", place(*.index))]
pub struct Rejected {
    /// Where it stands in its batch, from 0, if it came that far.
    pub index: Option<usize>,
    /// Its key.
    pub key: Key,
    /// What is wrong with it.
    pub fault: Fault,
}

fn place(index: Option<usize>) -> String {
    index.map_or_else(String::new, |index| {
        format!(", number {index} of its batch,")
    })
}

/// What is to be written as one journal. It balances: there is no other way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    key: Key,
    kind: Kind,
    effective_date: Date,
    belongs_to: Option<Date>,
    reverses: Option<JournalId>,
    lines: Vec<Line>,
}

impl Posting {
    /// Makes a posting of lines that balance.
    ///
    /// # Errors
    /// When they do not, or do not go with the kind.
    pub fn try_new(
        key: Key,
        kind: Kind,
        effective_date: Date,
        lines: Vec<Line>,
    ) -> Result<Self, Rejected> {
        match check(kind, &lines) {
            Ok(()) => Ok(Self {
                key,
                kind,
                effective_date,
                belongs_to: None,
                reverses: None,
                lines,
            }),
            Err(fault) => Err(fault.of(key)),
        }
    }

    /// Makes the exact inverse of a journal, given its lines.
    ///
    /// # Errors
    /// When the lines do not balance, which those of a journal always do.
    pub fn reversing(
        journal: JournalId,
        lines: &[Line],
        key: Key,
        kind: Kind,
        effective_date: Date,
    ) -> Result<Self, Rejected> {
        let inverse = lines.iter().map(Line::inverse).collect();
        let posting = Self::try_new(key, kind, effective_date, inverse)?;
        Ok(Self {
            reverses: Some(journal),
            ..posting
        })
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// What it records.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The same, belonging to a day: if that is of an earlier month than the one in which it counts,
    /// its journal says so.
    #[must_use]
    pub fn belonging_to(self, date: Date) -> Self {
        Self {
            belongs_to: Some(date),
            ..self
        }
    }

    /// The day on which it counts, unless its month is closed.
    #[must_use]
    pub const fn effective_date(&self) -> Date {
        self.effective_date
    }

    /// The day to which it belongs, if not to the one on which it counts.
    #[must_use]
    pub const fn belongs_to(&self) -> Option<Date> {
        self.belongs_to
    }

    /// The journal that it reverses.
    #[must_use]
    pub const fn reverses(&self) -> Option<&JournalId> {
        self.reverses.as_ref()
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// A hash of what it says, to tell a posting that is sent again from another one under the same
    /// key. The days are left out: sent again the next day, it is still the same.
    #[must_use]
    pub fn content_hash(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.kind.to_value());
        hash.update([0]);
        hash.update(self.reverses.as_ref().map_or("", JournalId::as_str));
        for Line {
            account,
            award,
            side,
            minor,
        } in &self.lines
        {
            hash.update([0]);
            hash.update(account.id().as_str());
            hash.update([0]);
            hash.update(award.as_ref().map_or("", AwardId::as_str));
            hash.update(match side {
                Side::Debit => b"\0D",
                Side::Credit => b"\0C",
            });
            hash.update(minor.to_be_bytes());
        }
        hash.finalize().to_vec()
    }
}

fn check(kind: Kind, lines: &[Line]) -> Result<(), Fault> {
    if lines.is_empty() {
        return Err(Fault::Empty);
    }
    let mut excess: BTreeMap<(Currency, Option<&AwardId>), i128> = BTreeMap::new();
    let mut set_off: BTreeMap<&Account, i128> = BTreeMap::new();
    for Line {
        account,
        award,
        side,
        minor,
    } in lines
    {
        if *minor <= 0 {
            let account = account.id().to_string();
            return Err(Fault::NotPositive {
                account,
                minor: *minor,
            });
        }
        if !kind.allows(account.class(), *side) {
            return Err(Fault::WrongSide {
                kind,
                account: account.id().to_string(),
                side: *side,
            });
        }
        let signed = match side {
            Side::Debit => i128::from(*minor),
            Side::Credit => -i128::from(*minor),
        };
        *excess
            .entry((account.currency(), award.as_ref()))
            .or_default() += signed;
        if account.class() == Class::SetOff {
            *set_off.entry(account).or_default() += signed;
        }
    }
    if let Some(((currency, award), excess)) = excess.into_iter().find(|(_, excess)| *excess != 0) {
        return Err(Fault::Unbalanced {
            currency,
            award: award.cloned(),
            excess,
        });
    }
    match set_off.into_iter().find(|(_, excess)| *excess != 0) {
        Some((account, _)) => Err(Fault::OpenSetOff {
            account: account.id().to_string(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trellis_core::{PartnerId, ProgramId};

    use super::*;
    use crate::incentive::ledger::chart::{HoldReason, Rail};

    const DAY: Date = Date::EPOCH;

    fn award(number: usize) -> AwardId {
        AwardId::try_new(&format!("award-{number}")).unwrap()
    }

    fn partner() -> PartnerId {
        PartnerId::try_new("nimbus").unwrap()
    }

    fn program() -> ProgramId {
        ProgramId::try_new("gold").unwrap()
    }

    fn key() -> Key {
        Key::new("awards/a", 1)
    }

    fn accrual(award: Option<&AwardId>, currency: Currency, minor: i64) -> [Line; 2] {
        Line::pair(
            Account::commission_expense(&program(), currency),
            Account::held(&partner(), HoldReason::Hold, currency),
            award,
            minor,
        )
    }

    fn post(kind: Kind, lines: impl IntoIterator<Item = Line>) -> Result<Posting, Fault> {
        Posting::try_new(key(), kind, DAY, lines.into_iter().collect())
            .map_err(|rejected| rejected.fault)
    }

    #[test]
    fn what_balances_can_be_posted() {
        let a = award(1);
        let posting = post(Kind::Accrual, accrual(Some(&a), Currency::USD, 5)).unwrap();
        assert_eq!(posting.lines().len(), 2);
        assert_eq!(posting.reverses(), None);
    }

    #[test]
    fn no_lines_are_no_posting() {
        assert_eq!(post(Kind::Accrual, []), Err(Fault::Empty));
    }

    #[test]
    fn an_amount_must_be_more_than_zero() {
        for minor in [0, -1, i64::MIN] {
            let refused = post(Kind::Accrual, accrual(None, Currency::USD, minor));
            assert!(
                matches!(refused, Err(Fault::NotPositive { .. })),
                "{minor}: {refused:?}"
            );
        }
    }

    #[test]
    fn each_currency_and_each_award_must_balance_by_itself() {
        let (a, b) = (award(1), award(2));
        let [usd, _] = accrual(Some(&a), Currency::USD, 5);
        let [_, eur] = accrual(Some(&a), Currency::EUR, 5);
        let refused = post(Kind::Accrual, [usd.clone(), eur]);
        assert!(
            matches!(refused, Err(Fault::Unbalanced { .. })),
            "{refused:?}"
        );
        let [_, other] = accrual(Some(&b), Currency::USD, 5);
        let refused = post(Kind::Accrual, [usd.clone(), other]);
        assert!(
            matches!(refused, Err(Fault::Unbalanced { .. })),
            "{refused:?}"
        );
        let [_, nobody] = accrual(None, Currency::USD, 5);
        let refused = post(Kind::Accrual, [usd, nobody]);
        assert!(
            matches!(refused, Err(Fault::Unbalanced { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn amounts_that_together_exceed_64_bits_still_balance_or_not() {
        let lines = [
            accrual(None, Currency::USD, i64::MAX),
            accrual(None, Currency::USD, i64::MAX),
        ];
        assert!(post(Kind::Accrual, lines.concat()).is_ok());
    }

    #[test]
    fn a_kind_must_mean_what_it_says() {
        let lines = accrual(None, Currency::USD, 5);
        // What takes a rejection back grants anew, and what adjusts may.
        let grants = [Kind::Accrual, Kind::RejectionReversal, Kind::Adjustment];
        for kind in Kind::ALL.into_iter().filter(|kind| !grants.contains(kind)) {
            let refused = post(kind, lines.clone());
            assert!(
                matches!(refused, Err(Fault::WrongSide { .. })),
                "{kind:?}: {refused:?}"
            );
        }
    }

    /// What every statement relies on: nothing but these lines can be written.
    #[test]
    fn the_kinds_together_move_money_only_along_these_ways() {
        let ways: Vec<String> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let on = |side| {
                    Class::ALL
                        .into_iter()
                        .filter(move |class| kind.allows(*class, side))
                };
                format!(
                    "{kind:?}: {:?} to {:?}",
                    on(Side::Debit).collect::<Vec<_>>(),
                    on(Side::Credit).collect::<Vec<_>>()
                )
            })
            .collect();
        let expected = [
            "Accrual: [ContraRevenue, CommissionExpense] to [Receivable, Held, Review, Payable]",
            "Release: [Held] to [Review, Payable]",
            "Approval: [Held, Review] to [Payable]",
            "Clawback: [Receivable, Held, Review, Payable] to [ContraRevenue, CommissionExpense]",
            "PayoutReserve: [Payable, SetOff] to [Receivable, InPayout, SetOff]",
            "PayoutCancel: [Receivable, InPayout, SetOff] to [Payable, SetOff]",
            "PayoutSend: [InPayout] to [PayoutClearing]",
            "PayoutSettle: [PayoutClearing] to [Cash]",
            "ApprovalReversal: [Payable] to [Held, Review]",
            "PayoutFail: [PayoutClearing, Receivable, SetOff] to [Payable, SetOff]",
            "PayoutReturn: [Cash, Receivable, SetOff] to [Payable, SetOff]",
            "Rejection: [Held, Review] to [ContraRevenue, CommissionExpense]",
            "RejectionReversal: [ContraRevenue, CommissionExpense] to [Held, Review]",
            "Hold: [Review, Payable] to [Held]",
            "HoldRelease: [Held] to [Review, Payable]",
            "Adjustment: [Receivable, Held, Review, Payable, ContraRevenue, CommissionExpense] to \
             [Held, Review, ContraRevenue, CommissionExpense]",
        ];
        assert_eq!(ways, expected);
    }

    fn reservation(a: &AwardId, b: &AwardId) -> Vec<Line> {
        let (partner, usd) = (partner(), Currency::USD);
        let [from_a, set_off_a] = Line::pair(
            Account::payable(&partner, usd),
            Account::set_off(&partner, usd),
            Some(a),
            30,
        );
        let [set_off_b, to_b] = Line::pair(
            Account::set_off(&partner, usd),
            Account::receivable(&partner, usd),
            Some(b),
            30,
        );
        vec![from_a, set_off_a, set_off_b, to_b]
    }

    #[test]
    fn a_set_off_carries_money_from_award_to_award_and_is_closed() {
        let (a, b) = (award(1), award(2));
        assert!(post(Kind::PayoutReserve, reservation(&a, &b)).is_ok());
        let half = reservation(&a, &b).into_iter().take(2);
        assert!(matches!(
            post(Kind::PayoutReserve, half),
            Err(Fault::OpenSetOff { .. })
        ));
    }

    #[test]
    fn a_reversal_is_the_exact_inverse_and_names_its_journal() {
        let (a, b) = (award(1), award(2));
        let lines = reservation(&a, &b);
        let journal = JournalId::try_new("j").unwrap();
        let back =
            Posting::reversing(journal.clone(), &lines, key(), Kind::PayoutCancel, DAY).unwrap();
        assert_eq!(back.reverses(), Some(&journal));
        let twice: Vec<Line> = back.lines().iter().map(Line::inverse).collect();
        assert_eq!(twice, lines);
    }

    #[test]
    fn the_hash_tells_postings_apart_by_what_they_say_and_not_by_their_day() {
        let a = award(1);
        let one = post(Kind::Accrual, accrual(Some(&a), Currency::USD, 5)).unwrap();
        let later = Posting {
            effective_date: DAY.plus_days(1),
            ..one.clone()
        };
        assert_eq!(one.content_hash(), later.content_hash());
        let more = post(Kind::Accrual, accrual(Some(&a), Currency::USD, 6)).unwrap();
        assert_ne!(one.content_hash(), more.content_hash());
        let other = post(Kind::Accrual, accrual(Some(&award(2)), Currency::USD, 5)).unwrap();
        assert_ne!(one.content_hash(), other.content_hash());
    }

    fn any_lines() -> impl Strategy<Value = Vec<Line>> {
        let account = (0..4_usize, prop::bool::ANY).prop_map(|(which, euro)| {
            let currency = if euro { Currency::EUR } else { Currency::USD };
            match which {
                0 => Account::payable(&partner(), currency),
                1 => Account::in_payout(&partner(), currency),
                2 => Account::receivable(&partner(), currency),
                _ => Account::set_off(&partner(), currency),
            }
        });
        let line = (
            account,
            prop::option::of(0..2_usize),
            prop::bool::ANY,
            1..4_i64,
        )
            .prop_map(|(account, number, debit, minor)| Line {
                account,
                award: number.map(award),
                side: if debit { Side::Debit } else { Side::Credit },
                minor,
            });
        prop::collection::vec(line, 0..8)
    }

    proptest! {
        /// I01: whatever can be made balances, counted here in another way than there.
        #[test]
        fn a_posting_that_can_be_made_balances(
            lines in any_lines(),
            kind in prop::sample::select(Kind::ALL.to_vec()),
        ) {
            let Ok(posting) = Posting::try_new(key(), kind, DAY, lines) else { return Ok(()) };
            let lines = posting.lines();
            prop_assert!(!lines.is_empty());
            for one in lines {
                let sum = |side: Side| -> i64 {
                    lines
                        .iter()
                        .filter(|line| line.side == side && line.award == one.award)
                        .filter(|line| line.account.currency() == one.account.currency())
                        .map(|line| line.minor)
                        .sum()
                };
                prop_assert_eq!(sum(Side::Debit), sum(Side::Credit));
            }
        }

        /// I01: a balanced posting that loses a line, or whose amount is changed, cannot be made.
        #[test]
        fn a_posting_that_is_tampered_with_cannot_be_made(
            amounts in prop::collection::vec(1..1_000_000_i64, 1..6),
            at in any::<prop::sample::Index>(),
            by in 1..100_i64,
        ) {
            let lines: Vec<Line> = amounts
                .iter()
                .enumerate()
                .flat_map(|(number, minor)| {
                    accrual(Some(&award(number)), Currency::USD, *minor)
                })
                .collect();
            prop_assert!(post(Kind::Accrual, lines.clone()).is_ok());
            let at = at.index(lines.len());
            let mut fewer = lines.clone();
            fewer.remove(at);
            prop_assert!(post(Kind::Accrual, fewer).is_err());
            let mut other = lines;
            other[at].minor += by;
            prop_assert!(post(Kind::Accrual, other).is_err());
        }
    }

    #[test]
    fn the_accounts_of_the_rail_go_with_their_kinds() {
        let a = award(1);
        let usd = Currency::USD;
        let send = Line::pair(
            Account::in_payout(&partner(), usd),
            Account::payout_clearing(Rail::Bank, usd),
            Some(&a),
            7,
        );
        assert!(post(Kind::PayoutSend, send).is_ok());
        let settle = Line::pair(
            Account::payout_clearing(Rail::Bank, usd),
            Account::cash(Rail::Bank, usd),
            Some(&a),
            7,
        );
        assert!(post(Kind::PayoutSettle, settle).is_ok());
    }
}
