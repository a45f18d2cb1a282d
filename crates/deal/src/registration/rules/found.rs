//! What each rule looks for. Pure.

use std::time::Duration;

use trellis_core::lifecycle::Named as _;
use trellis_core::{ProductId, Timestamp};
use trellis_store::deal::claim::{EntityScope, GrantedRole};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::eligibility::Facts;

use super::{Decides, Finding, Matter, Missing, OfferedRole, Verdict};
use crate::registration::basis::{AsksAPerson, Basis, Business, House};
use crate::registration::budget::DAY;
use crate::registration::eligibility::{Approval, approval, lacks};
use crate::registration::suspicion::suspicion;

fn decides(reason_code: &'static str, explanation: impl Into<String>, verdict: Verdict) -> Finding {
    Finding::Decides(Decides {
        reason_code,
        explanation: explanation.into(),
        verdict,
        offered_role: None,
        free: Vec::new(),
    })
}

/// R1: the partner may not claim business under the program.
pub(super) fn ineligible(basis: &Basis, _: &Matter) -> Finding {
    match lacks(&basis.facts, basis.now) {
        None => Finding::Nothing("The partner may register business under the program."),
        Some(requires) => decides(
            "INELIGIBLE",
            format!("To register business under the program, {requires}."),
            Verdict::Ineligible {
                requires: requires.to_owned(),
            },
        ),
    }
}

/// R2: something is missing.
pub(super) fn incomplete(basis: &Basis, _: &Matter) -> Finding {
    let claim = &basis.claim;
    let mut missing = Vec::new();
    let mut lacks = |field: &str, rule: &str, description: String| {
        missing.push(Missing {
            field: format!("registration.{field}"),
            rule: rule.to_owned(),
            description,
        });
    };
    let minimum = usize::try_from(basis.facts.evidence_minimum).unwrap_or_default();
    if claim.proofs.len() < minimum {
        let description = format!("must be at least {minimum}, which the program asks for");
        lacks("proofs", "proofs.evidence_minimum", description);
    }
    let today = basis.facts.time_zone.local_date(claim.receive_time);
    for (index, proof) in claim.proofs.iter().enumerate() {
        if proof.date > today {
            let description = format!("must not be later than today, which is {today}");
            lacks(&format!("proofs[{index}].date"), "proofs.date", description);
        }
    }
    match (claim.entity_scope, &claim.site) {
        (EntityScope::Site, None) => {
            lacks(
                "site",
                "site.entity_scope",
                "must say which site".to_owned(),
            );
        }
        (EntityScope::Entity | EntityScope::Group, Some(_)) => {
            let description = "must be empty unless entity_scope is SITE".to_owned();
            lacks("site", "site.entity_scope", description);
        }
        (EntityScope::Site, Some(_)) | (EntityScope::Entity | EntityScope::Group, None) => {}
    }
    if missing.is_empty() {
        return Finding::Nothing("Nothing is missing.");
    }
    decides(
        "INCOMPLETE",
        "Something is missing that the program asks for.",
        Verdict::NeedsInfo { missing },
    )
}

/// R3: the tender was public before anybody registered it.
pub(super) fn tender(basis: &Basis, _: &Matter) -> Finding {
    match basis.claim.tender_publish_time {
        None => Finding::Nothing("It is about no tender."),
        Some(published) if published >= basis.claim.receive_time => {
            Finding::Nothing("It was handed in before its tender was published.")
        }
        Some(published) => decides(
            "TENDER",
            format!("Its tender was published at {published}, before it was handed in."),
            Verdict::Reject,
        ),
    }
}

/// Those of the products that are left which something takes.
fn taken<'a>(
    matter: &Matter,
    by: impl IntoIterator<Item = &'a Vec<ProductId>>,
) -> Vec<&'a ProductId> {
    let products = by.into_iter().flatten();
    products
        .filter(|product| matter.products.contains(product))
        .collect()
}

/// What remains of a matter of which some products are taken: less, if the partner takes less and
/// there is something left; otherwise what is decided about all of it.
fn without(
    basis: &Basis,
    matter: &Matter,
    taken: &[&ProductId],
    (reason_code, explanation): (&'static str, &'static str),
    decided: impl FnOnce(Vec<ProductId>) -> Finding,
) -> Finding {
    let mut left = matter.products.clone();
    left.retain(|product| !taken.contains(&product));
    let outweighed = basis.is_nominated() && !basis.by_a_person;
    if basis.claim.accept_partial && !left.is_empty() && !outweighed {
        return Finding::Leaves {
            reason_code,
            explanation,
            products: left,
            role: matter.role,
        };
    }
    decided(left)
}

fn refused(
    reason_code: &'static str,
    explanation: &'static str,
    offered_role: Option<OfferedRole>,
    free: Vec<ProductId>,
) -> Finding {
    Finding::Decides(Decides {
        reason_code,
        explanation: explanation.to_owned(),
        verdict: Verdict::Reject,
        offered_role,
        free,
    })
}

/// The part of somebody who had a hand in business that is not theirs, and can prove it.
fn had_a_hand(basis: &Basis) -> Option<OfferedRole> {
    (!basis.claim.proofs.is_empty()).then_some(OfferedRole::Influenced)
}

fn kept(basis: &Basis, certain: bool) -> impl Iterator<Item = &House> {
    let now = basis.now;
    basis.house.iter().filter(move |house| {
        house.relation.certain == certain
            && house.valid_from_time.is_none_or(|from| from <= now)
            && house.valid_until_time.is_none_or(|until| now < until)
    })
}

/// R4: the vendor keeps the customer to itself for a product.
pub(super) fn house(basis: &Basis, matter: &Matter) -> Finding {
    let taken = taken(matter, kept(basis, true).map(|house| &house.products));
    if taken.is_empty() {
        return Finding::Nothing("The vendor keeps none of it to itself.");
    }
    let said = (
        "HOUSE",
        "The vendor keeps this customer to itself for some of the products.",
    );
    without(basis, matter, &taken, said, |free| {
        refused(said.0, said.1, had_a_hand(basis), free)
    })
}

fn days(days: i32) -> Duration {
    DAY * u32::try_from(days).unwrap_or_default()
}

fn direct_deals(basis: &Basis, certain: bool) -> impl Iterator<Item = &Business> {
    let lookback = basis.facts.direct_lookback_days;
    let since = basis.now.saturating_sub(days(lookback));
    basis.direct.iter().filter(move |deal| {
        lookback > 0
            && deal.relation.certain == certain
            && deal.deal_type.is_none_or(|of| of == basis.claim.deal_type)
            && deal.create_time < basis.claim.receive_time
            && deal.update_time >= since
    })
}

/// R5: the vendor works on the same business itself, and has for longer.
pub(super) fn direct(basis: &Basis, matter: &Matter) -> Finding {
    let taken = taken(matter, direct_deals(basis, true).map(|deal| &deal.products));
    if taken.is_empty() {
        return Finding::Nothing("The vendor has no open deal of its own for any of it.");
    }
    if basis.facts.teaming && !basis.claim.proofs.is_empty() && !basis.is_nominated() {
        return Finding::Leaves {
            reason_code: "CO_SELL",
            explanation: "The vendor has an open deal of its own; the partner sells with it.",
            products: matter.products.clone(),
            role: GrantedRole::CoSell,
        };
    }
    let said = (
        "DIRECT_ACTIVE",
        "The vendor has an open deal of its own for some of the products.",
    );
    let offered = match basis.facts.teaming {
        true => Some(OfferedRole::CoSell),
        false => had_a_hand(basis),
    };
    without(basis, matter, &taken, said, |free| {
        refused(said.0, said.1, offered, free)
    })
}

/// R6: somebody asked for it before.
pub(super) fn conflict(basis: &Basis, matter: &Matter) -> Finding {
    let mut ways = basis.in_the_way(&matter.products, true);
    let Some(first) = ways.next() else {
        return Finding::Nothing("Nobody asked for any of it before.");
    };
    let all = || basis.in_the_way(&matter.products, true);
    if let Some(own) = all().find(|rival| rival.partner == basis.claim.partner) {
        return decides(
            "SELF_DUPLICATE",
            "The partner has a registration for the same business.",
            Verdict::SelfDuplicate {
                of: own.registration.clone(),
            },
        );
    }
    let taken = taken(matter, all().map(|rival| &rival.products));
    let partial = "Others asked for some of the products before.";
    without(
        basis,
        matter,
        &taken,
        ("PARTIAL_OVERLAP", partial),
        |free| {
            let (reason_code, explanation) = match free.is_empty() {
                true => ("DUPLICATE_ACTIVE", "Another partner asked for it before."),
                false => ("PARTIAL_OVERLAP", partial),
            };
            Finding::Decides(Decides {
                reason_code,
                explanation: explanation.to_owned(),
                verdict: Verdict::Waitlist {
                    by: first.registration.clone(),
                },
                offered_role: None,
                free,
            })
        },
    )
}

/// The deals that partners won so lately that they keep the customer for these products.
fn won(basis: &Basis, certain: bool) -> impl Iterator<Item = &Business> {
    let kept = basis.facts.incumbent_days;
    let since = basis.now.saturating_sub(days(kept));
    let lately = move |won: Timestamp| kept > 0 && won >= since;
    basis
        .won
        .iter()
        .filter(move |deal| deal.relation.certain == certain && deal.won_time.is_some_and(lately))
}

/// Whether the partner has the customer for one of some products itself.
pub(crate) fn has_it(basis: &Basis, products: &[ProductId]) -> bool {
    won(basis, true).any(|deal| {
        deal.partner.as_ref() == Some(&basis.claim.partner)
            && deal
                .products
                .iter()
                .any(|product| products.contains(product))
    })
}

fn goes_on(basis: &Basis) -> bool {
    match basis.claim.deal_type {
        DealType::Renewal | DealType::Expansion => true,
        DealType::New => false,
    }
}

/// R7: another partner won the customer for the product not long ago.
pub(super) fn incumbent(basis: &Basis, matter: &Matter) -> Finding {
    if !goes_on(basis) {
        return Finding::Nothing("It is new business, which nobody has.");
    }
    let of_others = won(basis, true)
        .filter(|deal| deal.partner.as_ref() != Some(&basis.claim.partner))
        .map(|deal| &deal.products);
    let mut taken = taken(matter, of_others);
    taken.retain(|product| !has_it(basis, std::slice::from_ref(*product)));
    if taken.is_empty() {
        return Finding::Nothing("No other partner has the customer for any of it.");
    }
    let said = (
        "INCUMBENT",
        "Another partner has the customer for some of the products.",
    );
    without(basis, matter, &taken, said, |free| {
        refused(said.0, said.1, had_a_hand(basis), free)
    })
}

/// R8: the customer named the partner, which a person looks at.
pub(super) fn nomination(basis: &Basis, matter: &Matter) -> Finding {
    if matter.set_aside {
        let why =
            "The customer's nomination outweighs what was found; a person looks at the letter.";
        return decides("NOMINATION", why, Verdict::Review);
    }
    Finding::Nothing(match basis.is_nominated() {
        true => "The customer nominated the partner, and there was nothing to outweigh.",
        false => "The customer nominated nobody.",
    })
}

/// R9: one of the rules before it would decide, if accounts that may be one customer were.
pub(super) fn unsure(basis: &Basis, matter: &Matter) -> Finding {
    let rivals = basis.in_the_way(&matter.products, false).count() > 0;
    let house = kept(basis, false).map(|house| &house.products);
    let direct = direct_deals(basis, false).map(|deal| &deal.products);
    let of_others = won(basis, false)
        .filter(|deal| goes_on(basis) && deal.partner.as_ref() != Some(&basis.claim.partner))
        .map(|deal| &deal.products);
    let others = taken(matter, house.chain(direct).chain(of_others));
    if !rivals && others.is_empty() {
        return Finding::Nothing("No account that may be the same customer matters to it.");
    }
    decides(
        "IDENTITY_REVIEW",
        "An account that may be the same customer matters to it; a person tells whether it is.",
        Verdict::Review,
    )
}

/// R10: nothing stands in the way.
pub(super) fn free(basis: &Basis, _: &Matter) -> Finding {
    if basis.by_a_person {
        return decides("APPROVED", "A person approved it.", Verdict::Approve);
    }
    let suspicion = suspicion(&basis.screening);
    let facts = Facts {
        auto_approve: basis.facts.auto_approve || basis.overdue,
        ..basis.facts.clone()
    };
    let approval = approval(&facts, basis.claim.value, suspicion);
    let asks_a_person = basis.asks_a_person.is_some();
    if basis.waited && (approval != Approval::Automatic || asks_a_person) {
        let why = "What stood in its way has ended; a person decides.";
        return decides("PROMOTED", why, Verdict::Review);
    }
    if basis.asks_a_person == Some(AsksAPerson::TriedAgain) {
        let why = "Its partner had it not long ago; a person tells whether the evidence is new.";
        return decides("COOL_OFF", why, Verdict::Review);
    }
    match approval {
        Approval::Automatic if asks_a_person => {
            let why = "Nothing stands in its way; a person wanted to know more.";
            decides("MANUAL_APPROVAL", why, Verdict::Review)
        }
        Approval::Automatic if basis.overdue => {
            let why = "Nothing stands in its way, and nobody has responded to it for long.";
            decides("RESPONSE_OVERDUE", why, Verdict::Approve)
        }
        Approval::Automatic => {
            let why = "Nothing stands in its way, and the program approves by itself.";
            decides("AUTOMATIC", why, Verdict::Approve)
        }
        Approval::Manual => {
            let why = "Nothing stands in its way; the program asks a person.";
            decides("MANUAL_APPROVAL", why, Verdict::Review)
        }
        Approval::AboveLimit => {
            let why = "Nothing stands in its way; its value is above what the program approves.";
            decides("ABOVE_LIMIT", why, Verdict::Review)
        }
        Approval::Suspicious(suspicion) => {
            let why = "Nothing stands in its way; a person looks at it because of its screening.";
            decides(suspicion.name(), why, Verdict::Review)
        }
    }
}
