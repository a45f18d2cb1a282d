//! What two profiles say to each other, before anything is decided.

use std::collections::BTreeMap;

use crate::{
    Argues, Evidence, EvidenceKind, Identifier, Name, Rules,
    identifier::Kind,
    name::similarity::{self, Nearness, Similarity},
    place::Agreement,
    profile::Prepared,
};

/// A domain that both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DomainMatch {
    Own,
    Shared,
    None,
}

pub(super) struct Weighed<'a> {
    rules: &'a Rules,
    left: &'a Prepared,
    right: &'a Prepared,
    equal: Vec<(&'a Identifier, &'a Identifier)>,
    contradicting: Vec<(&'a Identifier, &'a Identifier)>,
    pub(super) domain: DomainMatch,
    pub(super) similarity: Similarity,
    pub(super) shares_a_word: bool,
    pub(super) alias: Option<(&'a Name, &'a Name)>,
    pub(super) countries: Agreement,
    pub(super) classes: Agreement,
    pub(super) phones: Agreement,
    pub(super) addresses: Agreement,
    pub(super) towns: Agreement,
    /// Whether one name is the other and perhaps more, the town aside.
    pub(super) names_contain: bool,
}

impl<'a> Weighed<'a> {
    pub(super) fn new(rules: &'a Rules, left: &'a Prepared, right: &'a Prepared) -> Self {
        let (equal, contradicting) = numbers(left, right);
        let names = left.name.as_ref().zip(right.name.as_ref());
        let apart = Similarity {
            nearness: Nearness::Apart,
            score: 0,
        };
        Self {
            rules,
            equal,
            contradicting,
            domain: domains(left, right),
            similarity: names.map_or(apart, |(one, other)| similarity::of(rules, one, other)),
            shares_a_word: names.is_some_and(|(one, other)| similarity::share_a_word(one, other)),
            alias: alias(rules, left, right),
            countries: agreement(left.country.as_ref(), right.country.as_ref()),
            classes: agreement(left.class(), right.class()),
            phones: left.place.phones(&right.place),
            addresses: left.place.addresses(&right.place),
            towns: left.place.towns(&right.place),
            names_contain: names.is_some_and(|(one, other)| {
                let towns = left.place.town_words().chain(right.place.town_words());
                similarity::contains(rules, one, other, &towns.cloned().collect::<Vec<_>>())
            }),
            left,
            right,
        }
    }

    pub(super) fn is_one_account(&self) -> bool {
        !self.left.profile.id.is_empty() && self.left.profile.id == self.right.profile.id
    }

    /// Whether a register gave both the same number.
    pub(super) fn has_equal_number(&self) -> bool {
        self.equal.iter().any(|(one, _)| one.kind().is_strong())
    }

    pub(super) fn has_equal_crm_id(&self) -> bool {
        self.equal.iter().any(|(one, _)| one.kind() == Kind::CrmId)
    }

    /// Whether a register gave them different numbers.
    pub(super) fn is_contradicted(&self) -> bool {
        !self.contradicting.is_empty()
    }

    pub(super) fn has_equal_name(&self) -> bool {
        self.similarity.nearness == Nearness::Equal
    }

    pub(super) fn lacks_a_name(&self) -> bool {
        self.left.name.is_none() || self.right.name.is_none()
    }

    /// Whether one belongs to the other.
    pub(super) fn is_lineal(&self) -> bool {
        let above = |child: &Prepared, id: &str| {
            let parents = [&child.profile.parent, &child.profile.ultimate_parent];
            child.profile.id != id && parents.into_iter().flatten().any(|parent| parent == id)
        };
        above(self.left, &self.right.profile.id) || above(self.right, &self.left.profile.id)
    }

    pub(super) fn is_one_group(&self) -> bool {
        !self.left.ultimate().is_empty() && self.left.ultimate() == self.right.ultimate()
    }

    /// Whether phone and town both say that these are two places.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.phones == Agreement::Differ && self.towns == Agreement::Differ
    }

    /// Whether the name is all that speaks for one company, and too little against the place.
    ///
    /// A registered company has more than one office, so its name in its country stays a question.
    /// A name without a legal form is a sign over a door, and there are many with the same. A name
    /// that is only near, with another number in another house, is another company's.
    pub(super) fn is_unsustained(&self) -> bool {
        let is_another_house =
            self.phones == Agreement::Differ && self.addresses == Agreement::Differ;
        if self.has_equal_name() {
            let is_registered = self.left.class().or(self.right.class()).is_some();
            self.is_elsewhere() && !(is_registered && self.countries == Agreement::Agree)
        } else {
            self.is_elsewhere() || is_another_house
        }
    }

    /// All of it for a person to read: numbers, domains, names, places, the group.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let mut out = Vec::new();
        let mut say = |kind, left: &str, right: &str, argues| {
            let (left, right) = (left.to_owned(), right.to_owned());
            out.push(Evidence {
                kind,
                left,
                right,
                argues,
            });
        };
        let (left, right) = (&self.left.profile, &self.right.profile);
        if self.is_one_account() {
            say(EvidenceKind::Account, &left.id, &right.id, Argues::For);
        }
        for (pairs, argues) in [
            (&self.equal, Argues::For),
            (&self.contradicting, Argues::Against),
        ] {
            for (one, other) in pairs {
                say(
                    number_kind(one.kind()),
                    &number(one),
                    &number(other),
                    argues,
                );
            }
        }
        for domain in common_domains(self.left, self.right) {
            let kind = match domain.1 {
                false => EvidenceKind::Domain,
                true => EvidenceKind::SharedDomain,
            };
            say(kind, domain.0, domain.0, Argues::For);
        }
        if let (Some(one), Some(other)) = (&self.left.name, &self.right.name) {
            let argues = if self.similarity.score >= self.rules.similar {
                Argues::For
            } else {
                Argues::Against
            };
            say(EvidenceKind::Name, one.given(), other.given(), argues);
        }
        if let Some((one, other)) = self.alias {
            say(EvidenceKind::Alias, one.given(), other.given(), Argues::For);
        }
        if let (Some(one), Some(other)) = (self.left.class(), self.right.class()) {
            say(
                EvidenceKind::LegalClass,
                one.name(),
                other.name(),
                argues(self.classes),
            );
        }
        if let (Some(one), Some(other)) = (&self.left.country, &self.right.country) {
            say(EvidenceKind::Country, one, other, argues(self.countries));
        }
        if let (Some(one), Some(other)) = (&left.phone, &right.phone)
            && self.phones != Agreement::Unknown
        {
            say(EvidenceKind::Phone, one, other, argues(self.phones));
        }
        if self.addresses != Agreement::Unknown {
            let (one, other) = (self.left.place.text(), self.right.place.text());
            say(EvidenceKind::Address, &one, &other, argues(self.addresses));
        }
        if self.is_lineal() || (self.is_one_group() && left.id != right.id) {
            say(
                EvidenceKind::Group,
                self.left.ultimate(),
                self.right.ultimate(),
                Argues::Against,
            );
        }
        out
    }
}

fn argues(agreement: Agreement) -> Argues {
    if agreement == Agreement::Agree {
        Argues::For
    } else {
        Argues::Against
    }
}

fn agreement<T: PartialEq>(one: Option<T>, other: Option<T>) -> Agreement {
    match (one, other) {
        (Some(one), Some(other)) if one == other => Agreement::Agree,
        (Some(_), Some(_)) => Agreement::Differ,
        _ => Agreement::Unknown,
    }
}

type Pairs<'a> = Vec<(&'a Identifier, &'a Identifier)>;

/// The numbers that both have, and those that tell them apart: of one kind and scope, each has one
/// that the other lacks.
fn numbers<'a>(left: &'a Prepared, right: &'a Prepared) -> (Pairs<'a>, Pairs<'a>) {
    let equal = left.identifiers.intersection(&right.identifiers);
    let equal = equal.map(|same| (same, same)).collect();
    let (only_left, only_right) = (lacking(left, right), lacking(right, left));
    let contradicting = only_left.iter().filter_map(|(kind, one)| {
        let other = only_right.get(kind)?;
        Some((*one, *other))
    });
    (equal, contradicting.collect())
}

/// By kind and scope, a number that one has and the other lacks.
fn lacking<'a>(
    one: &'a Prepared,
    other: &'a Prepared,
) -> BTreeMap<(Kind, &'a str), &'a Identifier> {
    let lacking = one.identifiers.difference(&other.identifiers);
    let strong = lacking.filter(|number| number.kind().is_strong());
    strong
        .map(|number| ((number.kind(), number.scope()), number))
        .collect()
}

fn common_domains<'a>(
    left: &'a Prepared,
    right: &'a Prepared,
) -> impl Iterator<Item = (&'a str, bool)> {
    left.profile.domains.iter().filter_map(|one| {
        let other = right
            .profile
            .domains
            .iter()
            .find(|other| other.name == one.name)?;
        Some((one.name.as_str(), one.shared || other.shared))
    })
}

fn domains(left: &Prepared, right: &Prepared) -> DomainMatch {
    common_domains(left, right).fold(DomainMatch::None, |found, (_, shared)| match found {
        DomainMatch::Own => DomainMatch::Own,
        _ if shared => DomainMatch::Shared,
        _ => DomainMatch::Own,
    })
}

/// Two names that are equal, of which at least one is a further one.
fn alias<'a>(
    rules: &Rules,
    left: &'a Prepared,
    right: &'a Prepared,
) -> Option<(&'a Name, &'a Name)> {
    let is_hit = |one: &Name, other: &Name| {
        matches!(
            similarity::of(rules, one, other).nearness,
            Nearness::Equal | Nearness::Spacing
        )
    };
    let with_left = left
        .aliases
        .iter()
        .flat_map(|one| right.names().map(move |other| (one, other)));
    let with_right = left
        .name
        .iter()
        .flat_map(|one| right.aliases.iter().map(move |other| (one, other)));
    with_left
        .chain(with_right)
        .find(|(one, other)| is_hit(one, other))
}

fn number_kind(kind: Kind) -> EvidenceKind {
    match kind {
        Kind::Lei => EvidenceKind::Lei,
        Kind::Duns => EvidenceKind::Duns,
        Kind::Vat => EvidenceKind::Vat,
        Kind::RegNo => EvidenceKind::RegNo,
        Kind::CrmId => EvidenceKind::CrmId,
    }
}

/// The number as people write it.
fn number(identifier: &Identifier) -> String {
    match identifier.kind() {
        Kind::Vat => format!("{}{}", identifier.scope(), identifier.value()),
        Kind::RegNo | Kind::CrmId => format!("{} {}", identifier.scope(), identifier.value()),
        Kind::Lei | Kind::Duns => identifier.value().to_owned(),
    }
}
