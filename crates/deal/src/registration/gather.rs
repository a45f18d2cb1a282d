//! Reads what the rules of a registration look at: whoever stands at its customer, what the vendor
//! keeps to itself there, and the deals there. The statements are the same whatever there is.

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::{AccountId, Money, ProductId, RegistrationId, TerritoryId, Timestamp};
use trellis_matching::{Level, Match, RULES_VERSION as MATCHING_VERSION, Rule};
use trellis_store::View;
use trellis_store::deal::claim::EntityScope;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::Model;
use trellis_store::deal::surroundings::{self, Surroundings};
use trellis_store::deal::{deal, house_account, product, registration, submission, territory};

use super::basis::{
    self, AsksAPerson, Basis, Business, Claim, House, Others, RULES_VERSION, Relation, Rival,
};
use super::budget::{Budget, DAY, MONTH};
use super::conflict::{Line, Place as InLine, pending, place, protected, two_sites};
use super::places::{Place, Places};
use super::rules::has_it;
use super::suspicion::LOOKED_AT;
use crate::Error;
use crate::customer::{self, Customer};

/// What stands at a customer, and where the territories lie that are compared.
pub(super) struct Standing {
    registrations: Vec<Contender>,
    /// What stands at the other accounts of the group, asked for or not.
    beside: Vec<Contender>,
    /// What stands at accounts that may be the customer.
    perhaps: Vec<Contender>,
    places: Places,
}

impl Standing {
    /// What stands at the customer of a registration: at its accounts, and at those of its group as far
    /// as the group is asked for.
    pub(super) async fn at(
        view: &View,
        customer: &Customer,
        asking: &Model,
    ) -> Result<Self, Error> {
        let mut standing = Self::nowhere(view, customer, asking).await?;
        let named = standing.territories(asking).collect();
        standing.places = places(view, asking.territory.as_ref(), named).await?;
        Ok(standing)
    }

    /// The same, before it is known where the territories lie.
    async fn nowhere(view: &View, customer: &Customer, asking: &Model) -> Result<Self, Error> {
        let there = customer::contenders(view, customer).await?;
        let (beside, perhaps) = (there.beside, there.perhaps);
        let own = Contender::from(asking);
        let mut registrations = there.certain;
        let of_the_group = beside.iter().filter(|other| of_the_group(&own, other));
        registrations.extend(of_the_group.cloned());
        Ok(Self {
            registrations,
            beside,
            perhaps,
            places: Places::default(),
        })
    }

    /// The territories of the others.
    fn territories(&self, asking: &Model) -> impl Iterator<Item = TerritoryId> {
        let all = self.registrations.iter();
        let all = all.chain(&self.beside).chain(&self.perhaps);
        let others = all.filter(|other| other.id != asking.id);
        others.filter_map(|other| other.territory.clone())
    }

    pub(super) fn line(&self) -> Line<'_> {
        self.line_of(&self.registrations)
    }

    fn line_of<'a>(&'a self, standing: &'a [Contender]) -> Line<'a> {
        Line {
            standing,
            places: &self.places,
        }
    }
}

/// Whether one of two registrations at accounts of one group asks for the group.
pub(super) fn of_the_group(one: &Contender, other: &Contender) -> bool {
    [one, other]
        .iter()
        .any(|one| one.entity_scope == EntityScope::Group)
}

/// Reads the territories that are compared, with all that they lie within, in one statement, whichever they
/// are. A registration for everywhere compares none.
pub(super) async fn places(
    view: &View,
    own: Option<&TerritoryId>,
    others: BTreeSet<TerritoryId>,
) -> Result<Places, Error> {
    let Some(own) = own else {
        return Ok(Places::default());
    };
    let territories = territory::around(view, others.iter().chain([own])).await?;
    let places = territories.into_iter().map(|territory| {
        let place = Place {
            parent: territory.parent_territory,
            region_codes: territory.region_codes.0,
        };
        (territory.id, place)
    });
    Ok(Places(places.collect()))
}

/// Everything that was found about a registration.
pub(super) struct Found {
    /// What stands at its customer.
    pub(super) standing: Standing,
    house: Vec<House>,
    direct: Vec<Business>,
    won: Vec<Business>,
    relations: BTreeMap<AccountId, Relation>,
    /// What its partner has asked for at its customer before and was refused, or granted once.
    pub(super) before: Vec<registration::Model>,
    /// What its partner's submissions tell, as far as its customer's keys are asked about.
    pub(super) submissions: submission::History,
    /// What counts of its partner and its program.
    pub(super) facts: Facts,
}

impl Found {
    /// Looks for everything about a registration.
    pub(super) async fn about(
        view: &View,
        customer: &Customer,
        asking: &Model,
        facts: Facts,
    ) -> Result<Self, Error> {
        let mut standing = Standing::nowhere(view, customer, asking).await?;
        let relations = relations(customer);
        let accounts: Vec<AccountId> = customer
            .accounts()
            .iter()
            .chain(customer.probable.iter().map(|(account, _)| account))
            .cloned()
            .collect();
        let long_ago = |days: i32| {
            let span = DAY * u32::try_from(days).unwrap_or_default();
            view.now().saturating_sub(span)
        };
        let asked = surroundings::Asked {
            customer: customer.accounts(),
            accounts: &accounts,
            products: &asking.products.0,
            changed_since: long_ago(facts.direct_lookback_days),
            won_since: long_ago(facts.incumbent_days),
            submissions: submission::Asked {
                partner: &asking.partner,
                keys: &customer.keys,
                since: view.now().saturating_sub(MONTH),
                spent: !Budget::of(&facts).is_none(),
                last: LOOKED_AT,
            },
        };
        let Surroundings {
            houses,
            direct,
            won,
            products,
            before,
            submissions,
        } = surroundings::of(view, &asked).await?;
        let named = houses.iter().flat_map(|house| house.territories.0.clone());
        let deals = direct.iter().chain(&won);
        let named = named.chain(deals.filter_map(|deal| deal.territory.clone()));
        let named = named.chain(standing.territories(asking)).collect();
        standing.places = places(view, asking.territory.as_ref(), named).await?;
        let places = &standing.places;
        let reached = |territory: Option<&TerritoryId>| match (&asking.territory, territory) {
            (Some(own), Some(other)) => places.overlap(own, other),
            (None, _) | (_, None) => true,
        };
        let houses = houses
            .into_iter()
            .filter(|house| {
                house
                    .program
                    .as_ref()
                    .is_none_or(|of| *of == asking.program)
            })
            .filter(|house| {
                let territories = &house.territories.0;
                territories.is_empty() || territories.iter().any(|one| reached(Some(one)))
            })
            .filter_map(|house| kept(house, asking, &products, &relations))
            .collect();
        let business = |deals: Vec<deal::Model>| {
            let here = deals
                .into_iter()
                .filter(|deal| reached(deal.territory.as_ref()));
            here.filter_map(|deal| business(deal, asking, &relations))
                .collect()
        };
        let (direct, won) = (business(direct), business(won));
        Ok(Self {
            standing,
            direct,
            won,
            house: houses,
            relations,
            before,
            submissions,
            facts,
        })
    }

    /// Gives a registration that is handed in its place in the line.
    pub(super) fn take_place(&self, asking: &mut Model, now: Timestamp) {
        asking.nominated = basis::nominated(&asking.proofs.0);
        asking.evidence_score = basis::evidence_score(&asking.proofs.0);
        let standing = &self.standing;
        let standing = standing.registrations.iter().chain(&standing.perhaps);
        asking.submit_time = Some(place(&asking.id, standing, now));
        let basis = self.basis(asking, now, Asked::default());
        asking.incumbent = has_it(&basis, &asking.products.0);
    }

    /// What the rules look at.
    pub(super) fn basis(&self, asking: &Model, now: Timestamp, asked: Asked) -> Basis {
        let own = Contender::from(asking);
        Basis {
            rules_version: RULES_VERSION,
            matching_version: MATCHING_VERSION,
            now,
            by_a_person: asked.by_a_person,
            waited: asked.waited,
            overdue: asked.overdue,
            asks_a_person: asked.asks_a_person,
            claim: claim(asking, now),
            place: InLine::of(&own),
            facts: self.facts.clone(),
            screening: asking.screening.clone().unwrap_or_default(),
            rivals: self.rivals(&own, now),
            others: Others::default(),
            neighbours: self.neighbours(&own, now),
            house: self.house.clone(),
            direct: self.direct.clone(),
            won: self.won.clone(),
        }
    }

    fn rivals(&self, asking: &Contender, now: Timestamp) -> Vec<Rival> {
        let certain = self.standing.line().others(asking);
        let perhaps = self.standing.line_of(&self.standing.perhaps);
        // Two sites may be one, written differently.
        let elsewhere = self.standing.registrations.iter();
        let elsewhere = elsewhere.filter(|other| {
            other.id != asking.id
                && two_sites(asking, other)
                && self.standing.line().overlap_anywhere(asking, other)
        });
        let certain = certain.into_iter().map(|other| (other, true));
        let perhaps = perhaps.others(asking).into_iter().chain(elsewhere);
        let perhaps = perhaps.map(|other| (other, false));
        let mut rivals: Vec<(bool, Rival)> = certain
            .chain(perhaps)
            .filter(|(other, _)| protected(other, now) || pending(other, now))
            .map(|(other, certain)| {
                let mut relation = related(&self.relations, &other.account);
                relation.certain = certain;
                (!protected(other, now), rival(other, asking, relation))
            })
            .collect();
        rivals.sort_by_key(|(waits, _)| *waits);
        rivals.into_iter().map(|(_, rival)| rival).collect()
    }

    /// A rival that there is not: what takes as long to write down where nobody stands as one that
    /// there is.
    pub(super) fn nobody(&self, asking: &Model) -> Rival {
        let own = Contender::from(asking);
        rival(&own, &own, related(&self.relations, &own.account))
    }

    /// Protected registrations of others in the group that stand in nobody's way.
    fn neighbours(&self, asking: &Contender, now: Timestamp) -> Vec<RegistrationId> {
        let line = self.standing.line_of(&self.standing.beside);
        let others = line.others(asking).into_iter().filter(|other| {
            protected(other, now) && other.partner != asking.partner && !of_the_group(asking, other)
        });
        others.map(|other| other.id.clone()).collect()
    }
}

/// How an account compares to the one asked for, which is the only one that is not among them.
fn related(relations: &BTreeMap<AccountId, Relation>, account: &AccountId) -> Relation {
    let itself = || Relation {
        certain: true,
        level: Level::Identical.name().to_owned(),
        rule: Rule::SameAccount.name().to_owned(),
        score: 1000,
        evidence: Vec::new(),
    };
    relations.get(account).cloned().unwrap_or_else(itself)
}

/// How the rules are asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// A person decides.
    pub(super) by_a_person: bool,
    /// It waited, and its turn may have come.
    pub(super) waited: bool,
    /// Nobody has responded to it for long.
    pub(super) overdue: bool,
    /// Why a person goes on with it, whatever its program approves by itself.
    pub(super) asks_a_person: Option<AsksAPerson>,
}

fn claim(asking: &Model, now: Timestamp) -> Claim {
    Claim {
        partner: asking.partner.clone(),
        program: asking.program.clone(),
        account: asking.account.clone(),
        entity_scope: asking.entity_scope,
        site: asking.site.clone(),
        products: asking.products.0.clone(),
        territory: asking.territory.clone(),
        deal_type: asking.deal_type,
        value: Money::new(asking.estimated_minor, asking.currency),
        receive_time: asking.receive_time.or(asking.submit_time).unwrap_or(now),
        proofs: asking.proofs.0.clone(),
        tender_publish_time: asking.tender_publish_time,
        accept_partial: asking.accept_partial,
    }
}

fn relations(customer: &Customer) -> BTreeMap<AccountId, Relation> {
    let relation = |certain: bool| {
        move |(account, found): &(AccountId, Match)| {
            let relation = Relation {
                certain,
                level: found.level.name().to_owned(),
                rule: found.rule.name().to_owned(),
                score: found.score,
                evidence: found.evidence.iter().map(ToString::to_string).collect(),
            };
            (account.clone(), relation)
        }
    };
    let same = customer.same.iter().map(relation(true));
    let probable = customer.probable.iter().map(relation(false));
    let related = customer.related.iter().map(relation(true));
    same.chain(probable).chain(related).collect()
}

fn rival(other: &Contender, asking: &Contender, relation: Relation) -> Rival {
    Rival {
        registration: other.id.clone(),
        partner: other.partner.clone(),
        account: other.account.clone(),
        relation,
        products: shared(&asking.products.0, &other.products.0),
        state: other.state,
        protection_end_time: other.protection_end_time,
        place: InLine::of(other),
    }
}

fn shared(asked: &[ProductId], of: &[ProductId]) -> Vec<ProductId> {
    let both = asked.iter().filter(|product| of.contains(product));
    both.cloned().collect()
}

/// A house account, as far as it is about what is asked for.
fn kept(
    house: house_account::Model,
    asking: &Model,
    products: &[product::Model],
    relations: &BTreeMap<AccountId, Relation>,
) -> Option<House> {
    let named = (&house.products.0, &house.product_families.0);
    let all = named.0.is_empty() && named.1.is_empty();
    let about = |product: &&product::Model| {
        let family = product.product_family.as_ref();
        all || named.0.contains(&product.id) || family.is_some_and(|of| named.1.contains(of))
    };
    let about: Vec<ProductId> = products
        .iter()
        .filter(about)
        .map(|product| product.id.clone())
        .collect();
    (!about.is_empty()).then(|| House {
        relation: related(relations, &house.account),
        house_account: house.id,
        products: shared(&asking.products.0, &about),
        valid_from_time: house.valid_from_time,
        valid_until_time: house.valid_until_time,
    })
}

/// A deal, as far as it is about what is asked for.
fn business(
    deal: deal::Model,
    asking: &Model,
    relations: &BTreeMap<AccountId, Relation>,
) -> Option<Business> {
    let about: Vec<ProductId> = deal
        .lines
        .0
        .iter()
        .map(|line| line.product.clone())
        .collect();
    let products = shared(&asking.products.0, &about);
    let account = deal.account.as_ref().filter(|_| !products.is_empty())?;
    Some(Business {
        relation: related(relations, account),
        deal: deal.id,
        partner: deal.partner,
        products,
        deal_type: deal.deal_type,
        create_time: deal.create_time,
        update_time: deal.update_time,
        won_time: deal.won_time,
    })
}
