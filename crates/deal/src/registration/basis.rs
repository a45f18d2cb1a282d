//! What the rules of a registration look at, as one value: whoever has it can ask them again. Pure.
//!
//! It is stored with each decision as JSON whose keys are sorted, under the hash of its bytes. A field
//! that is added later needs a default, so that what is stored can still be read.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use trellis_core::{
    AccountId, DealId, HouseAccountId, Money, PartnerId, ProductId, ProgramId, RegistrationId,
    TerritoryId, Timestamp,
};
use trellis_store::deal::claim::{EntityScope, Proof, ProofKind};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::{Screening, State};

use super::conflict::{Place, holds, stands_in_the_way};

/// The version of the ten rules. Any change of what they answer raises it.
pub const RULES_VERSION: u32 = 2;

/// Everything that the rules look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The version of the ten rules.
    pub rules_version: u32,
    /// The version of the rules by which accounts were compared.
    pub matching_version: u32,
    /// When they are asked.
    pub now: Timestamp,
    /// Whether a person decides, who is held to some of them only.
    pub by_a_person: bool,
    /// Whether it waited for others and its turn may have come.
    pub waited: bool,
    /// Whether the program approves it because nobody has responded to it for long.
    #[serde(default)]
    pub overdue: bool,
    /// Why a person goes on with it, whatever its program approves by itself.
    #[serde(default)]
    pub asks_a_person: Option<AsksAPerson>,
    /// What is asked for.
    pub claim: Claim,
    /// Its place in the line.
    pub place: Place,
    /// What counts of its partner and its program.
    pub facts: Facts,
    /// What its partner has handed in so far, and canaries.
    pub screening: Screening,
    /// The registrations at the customer, and at those that may be the same, for the same business: who
    /// is protected, then who waits, each in the order of the line.
    pub rivals: Vec<Rival>,
    /// Those for the same business that are left out there, because no rule asks about them.
    #[serde(default)]
    pub others: Others,
    /// Protected registrations of others in the group of the customer that do not stand in the way.
    pub neighbours: Vec<RegistrationId>,
    /// What the vendor keeps to itself there.
    pub house: Vec<House>,
    /// Open deals of the vendor's own there.
    pub direct: Vec<Business>,
    /// Deals that partners won there.
    pub won: Vec<Business>,
}

/// Why a person goes on with a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AsksAPerson {
    /// Its partner had the same not long ago, and brings new evidence.
    TriedAgain,
    /// A person wanted to know more.
    AskedForMore,
}

/// What a registration asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who asks.
    pub partner: PartnerId,
    /// Under which program's rules.
    pub program: ProgramId,
    /// For which customer.
    pub account: AccountId,
    /// How much of it.
    pub entity_scope: EntityScope,
    /// Which of its sites.
    pub site: Option<String>,
    /// For what.
    pub products: Vec<ProductId>,
    /// Where.
    pub territory: Option<TerritoryId>,
    /// What kind of business.
    pub deal_type: DealType,
    /// What it is expected to be worth.
    pub value: Money,
    /// When it was handed in.
    pub receive_time: Timestamp,
    /// What the partner can prove.
    pub proofs: Vec<Proof>,
    /// When the tender was published that it is about.
    pub tender_publish_time: Option<Timestamp>,
    /// Whether the partner takes what is free where others have some of the products.
    pub accept_partial: bool,
}

/// Another registration for the same business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rival {
    /// The registration.
    pub registration: RegistrationId,
    /// Its partner.
    pub partner: PartnerId,
    /// Its account, and what that is to the one asked for.
    pub account: AccountId,
    /// How the two accounts compare.
    pub relation: Relation,
    /// Which of the products asked for it has too.
    pub products: Vec<ProductId>,
    /// Where it stands.
    pub state: State,
    /// When its protection ends.
    pub protection_end_time: Option<Timestamp>,
    /// Its place in the line.
    pub place: Place,
}

impl Rival {
    fn has_one_of(&self, products: &[ProductId]) -> bool {
        self.products
            .iter()
            .any(|product| products.contains(product))
    }
}

/// How many others stood there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// Those that came before it.
    pub ahead: u32,
    /// Those that came after it.
    pub behind: u32,
}

/// How two accounts compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Whether they count as one customer, or as one group that is asked for. If not they may be one,
    /// and a person decides.
    pub certain: bool,
    /// How sure it is that they are one.
    pub level: String,
    /// By which rule.
    pub rule: String,
    /// How near they are, per mille.
    pub score: u16,
    /// What speaks for it and against it.
    pub evidence: Vec<String>,
}

/// Business that the vendor keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct House {
    /// The house account.
    pub house_account: HouseAccountId,
    /// How its account compares to the one asked for.
    pub relation: Relation,
    /// Which of the products asked for it is kept for.
    pub products: Vec<ProductId>,
    /// From when on.
    pub valid_from_time: Option<Timestamp>,
    /// Until when.
    pub valid_until_time: Option<Timestamp>,
}

/// A deal, in territories that are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// The deal.
    pub deal: DealId,
    /// How its account compares to the one asked for.
    pub relation: Relation,
    /// The partner that sourced it.
    pub partner: Option<PartnerId>,
    /// Which of the products asked for it is about.
    pub products: Vec<ProductId>,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was won.
    pub won_time: Option<Timestamp>,
}

impl Basis {
    /// The basis as it is stored.
    ///
    /// # Errors
    /// None that can happen: it consists of texts, numbers and lists.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        canonical(self)
    }

    /// The same without those whom no rule asks about, which are counted: a line may be long, and the first
    /// of those that ask for a product stands for all of them. The rules answer the same. What stays is
    /// whoever is protected, whatever is the partner's own, and for each product the first that is in the
    /// way, certainly and perhaps.
    #[must_use]
    pub fn kept(mut self) -> Self {
        let mut met = BTreeSet::new();
        for rival in std::mem::take(&mut self.rivals) {
            let ahead = self.is_in_the_way(&rival);
            let mut first = false;
            for product in rival.products.iter().filter(|_| ahead) {
                first |= met.insert((rival.relation.certain, product.clone()));
            }
            let protected = holds(rival.state, rival.protection_end_time, self.now);
            if first || protected || rival.partner == self.claim.partner {
                self.rivals.push(rival);
            } else if ahead {
                self.others.ahead += 1;
            } else {
                self.others.behind += 1;
            }
        }
        self
    }

    /// Whether the customer named the partner in a letter that was not written later than the
    /// registration was handed in.
    #[must_use]
    pub fn is_nominated(&self) -> bool {
        self.place.nominated
    }

    /// Those that stand in the way for one of some products, certainly or perhaps.
    pub fn in_the_way<'a>(
        &'a self,
        products: &'a [ProductId],
        certain: bool,
    ) -> impl Iterator<Item = &'a Rival> {
        self.rivals.iter().filter(move |rival| {
            rival.relation.certain == certain
                && rival.has_one_of(products)
                && self.is_in_the_way(rival)
        })
    }

    /// The partner's own for one of some products. Whoever hands in the same again must not come before
    /// itself by bringing more proofs; one that is in the line keeps its place before what came later.
    pub fn own<'a>(&'a self, products: &'a [ProductId]) -> impl Iterator<Item = &'a Rival> {
        let stands = self.by_a_person || self.waited;
        self.rivals.iter().filter(move |rival| {
            rival.partner == self.claim.partner
                && rival.relation.certain
                && rival.has_one_of(products)
                && (!stands || self.is_in_the_way(rival))
        })
    }

    fn is_in_the_way(&self, rival: &Rival) -> bool {
        let stands = (rival.state, rival.protection_end_time, &rival.place);
        stands_in_the_way(stands, &self.place, self.by_a_person, self.now)
    }
}

/// A part of a basis as it is stored.
pub(super) fn canonical(part: &impl Serialize) -> Result<String, serde_json::Error> {
    // A value's keys are sorted.
    serde_json::to_string(&serde_json::to_value(part)?)
}

/// The hash of a stored basis.
#[must_use]
pub fn hash(basis: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(basis.as_bytes()))
}

/// What proofs count together. Each kind counts once: ten mails are no better than one. A nomination
/// counts nothing here, as it puts its partner first once a person has looked at it.
#[must_use]
pub fn evidence_score(proofs: &[Proof]) -> i64 {
    let mut kinds: Vec<ProofKind> = proofs.iter().map(|proof| proof.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let points = |kind| match kind {
        ProofKind::Mail => 1,
        ProofKind::Meeting | ProofKind::Quote => 2,
        ProofKind::Poc => 3,
        ProofKind::CustomerLetter => 4,
        ProofKind::NominationLetter => 0,
    };
    kinds.into_iter().map(points).sum()
}

/// Whether there is a letter in which the customer names the partner.
#[must_use]
pub fn nominated(proofs: &[Proof]) -> bool {
    proofs
        .iter()
        .any(|proof| proof.kind == ProofKind::NominationLetter)
}
