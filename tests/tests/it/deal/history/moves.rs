//! What can happen in a history, and histories at random.

use std::collections::BTreeSet;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// How many accounts there are: a parent and its child; two that count as one customer, and one that may
/// be it.
pub(super) const ACCOUNTS: usize = 5;
pub(super) const PARTNERS: usize = 3;
pub(super) const PRODUCTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    New,
    Renewal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Entity,
    Group,
    Site(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    Mail,
    Meeting,
    Letter,
    Nomination,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) partner: usize,
    pub(super) account: usize,
    pub(super) scope: Scope,
    pub(super) products: BTreeSet<usize>,
    /// Nowhere in particular; 0, 1 within 0, or 2.
    pub(super) territory: Option<usize>,
    pub(super) kind: Kind,
    /// In dollars.
    pub(super) value: i64,
    /// Whether its program approves by itself and lets partners sell with the vendor.
    pub(super) automatic: bool,
    pub(super) proofs: Vec<Proof>,
    pub(super) partial: bool,
    /// When its tender was published, in seconds.
    pub(super) tender: Option<i64>,
}

/// Something that happens. Registrations are counted as they are handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Register(Claim),
    Approve(usize),
    Reject(usize),
    Withdraw(usize),
    Revoke(usize),
    /// Asks the partner for more.
    Ask(usize),
    /// Hands in again.
    Answer(usize),
    /// Names other products.
    Change(usize, BTreeSet<usize>),
    Convert(usize),
    /// Logs an activity and asks for longer.
    Extend(usize),
    Transfer(usize, usize),
    /// Seconds go by.
    Wait(i64),
    /// The vendor keeps an account to itself for some products.
    Keep(usize, BTreeSet<usize>),
    /// The vendor has a deal of its own.
    Direct(usize, BTreeSet<usize>, Kind),
    /// A partner wins a deal.
    Win(usize, usize, BTreeSet<usize>, Kind),
    /// Suspends a partner, or reinstates it.
    Suspend(usize),
}

impl Move {
    /// The registration that it is about.
    pub(super) fn about(&self) -> Option<usize> {
        match self {
            Self::Approve(index)
            | Self::Reject(index)
            | Self::Withdraw(index)
            | Self::Revoke(index)
            | Self::Ask(index)
            | Self::Answer(index)
            | Self::Change(index, _)
            | Self::Convert(index)
            | Self::Extend(index)
            | Self::Transfer(index, _) => Some(*index),
            Self::Register(_)
            | Self::Wait(_)
            | Self::Keep(..)
            | Self::Direct(..)
            | Self::Win(..)
            | Self::Suspend(_) => None,
        }
    }
}

fn products(random: &mut StdRng) -> BTreeSet<usize> {
    let products: BTreeSet<usize> = (0..PRODUCTS).filter(|_| random.random_bool(0.5)).collect();
    match products.is_empty() {
        true => BTreeSet::from([random.random_range(0..PRODUCTS)]),
        false => products,
    }
}

fn kind(random: &mut StdRng) -> Kind {
    match random.random_bool(0.75) {
        true => Kind::New,
        false => Kind::Renewal,
    }
}

/// One history stays at few customers, so that what happens there meets.
fn account(random: &mut StdRng, around: &[usize]) -> usize {
    *around.choose(random).unwrap()
}

fn claim(random: &mut StdRng, around: &[usize]) -> Claim {
    let proofs = [Proof::Mail, Proof::Meeting, Proof::Letter];
    let mut proofs: Vec<Proof> = proofs
        .into_iter()
        .filter(|_| random.random_bool(0.25))
        .collect();
    if random.random_bool(0.1) {
        proofs.push(Proof::Nomination);
    }
    Claim {
        partner: random.random_range(0..PARTNERS),
        account: account(random, around),
        scope: match random.random_range(0..8) {
            0 | 1 => Scope::Group,
            2 => Scope::Site(random.random_range(0..2)),
            _ => Scope::Entity,
        },
        products: products(random),
        territory: random.random_bool(0.4).then(|| random.random_range(0..3)),
        kind: kind(random),
        value: if random.random_bool(0.2) {
            10_001
        } else {
            10_000
        },
        automatic: random.random_bool(0.6),
        proofs,
        partial: random.random_bool(0.3),
        tender: match random.random_range(0..20) {
            0 => Some(1_700_000_000),
            1 => Some(4_000_000_000),
            _ => None,
        },
    }
}

/// A history of so many moves.
pub(super) fn history(random: &mut StdRng, length: usize) -> Vec<Move> {
    let around: &[usize] = match random.random_range(0..3) {
        0 => &[0, 1],
        1 => &[2, 3, 4],
        _ => &[0, 1, 2, 3, 4],
    };
    let mut registrations = 0;
    let mut moves = Vec::with_capacity(length);
    while moves.len() < length {
        if registrations == 0 || random.random_bool(0.35) {
            moves.push(Move::Register(claim(random, around)));
            registrations += 1;
            continue;
        }
        let one = random.random_range(0..registrations);
        moves.push(match random.random_range(0..22) {
            0..=2 => Move::Approve(one),
            3 => Move::Reject(one),
            4 | 5 => Move::Withdraw(one),
            6 => Move::Revoke(one),
            7 | 8 => Move::Ask(one),
            9 | 10 => Move::Answer(one),
            11 => Move::Change(one, products(random)),
            12 => Move::Convert(one),
            13 => Move::Extend(one),
            14 => Move::Transfer(one, random.random_range(0..PARTNERS)),
            15..=18 => Move::Wait(
                *[
                    1,
                    59,
                    60,
                    3_600,
                    86_400,
                    20 * 86_400,
                    91 * 86_400,
                    200 * 86_400,
                ]
                .choose(random)
                .unwrap(),
            ),
            19 => Move::Keep(account(random, around), products(random)),
            20 => Move::Direct(account(random, around), products(random), kind(random)),
            _ => match random.random_bool(0.5) {
                true => Move::Suspend(random.random_range(0..PARTNERS)),
                false => Move::Win(
                    random.random_range(0..PARTNERS),
                    account(random, around),
                    products(random),
                    kind(random),
                ),
            },
        });
    }
    moves
}
