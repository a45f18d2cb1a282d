use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use trellis_core::{AccountId, PartnerId, ProductId, RegistrationId, TerritoryId};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::registration::Products;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn later(micros: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + micros)
}

/// A registration of partner `partner`, handed in at `submitted`.
fn registration(id: &str, partner: &str, state: State, submitted: i64) -> Contender {
    Contender {
        id: RegistrationId::try_new(id).unwrap(),
        partner: PartnerId::try_new(partner).unwrap(),
        account: AccountId::try_new("initech").unwrap(),
        products: products(&["firewall"]),
        territory: None,
        deal_type: DealType::New,
        entity_scope: EntityScope::Entity,
        site: None,
        accept_partial: false,
        state,
        contends: true,
        submit_time: (state != State::Draft).then(|| Timestamp::from_micros(submitted)),
        nominated: false,
        evidence_score: 0,
        incumbent: false,
        protection_end_time: matches!(state, State::Approved | State::Converted).then(|| later(1)),
        info_due_time: None,
    }
}

fn line(standing: &[Contender]) -> Line<'_> {
    static NOWHERE: LazyLock<Places> = LazyLock::new(Places::default);
    Line {
        standing,
        places: &NOWHERE,
    }
}

/// What the registrations of a customer mean for one that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict<'a> {
    Free,
    Blocked { by: &'a Contender },
    SelfDuplicate { of: &'a Contender },
}

fn judge<'a>(standing: &'a [Contender], asking: &Contender, now: Timestamp) -> Verdict<'a> {
    let mut ways = line(standing).others(asking);
    ways.retain(|other| {
        let stands = (other.state, other.protection_end_time, &Place::of(other));
        stands_in_the_way(stands, &Place::of(asking), false, now)
    });
    if let Some(of) = ways.iter().find(|other| other.partner == asking.partner) {
        return Verdict::SelfDuplicate { of };
    }
    ways.sort_by_key(|other| !protected(other, now));
    let first = ways.first();
    first.map_or(Verdict::Free, |by| Verdict::Blocked { by })
}

fn products(ids: &[&str]) -> Products {
    Products(
        ids.iter()
            .map(|id| ProductId::try_new(id).unwrap())
            .collect(),
    )
}

fn territory(id: &str) -> Option<TerritoryId> {
    Some(TerritoryId::try_new(id).unwrap())
}

#[test]
fn business_overlaps_in_a_product_a_territory_and_the_deal_type() {
    let one = registration("a", "p", State::Draft, 0);
    let with = |change: fn(&mut Contender)| {
        let mut other = registration("b", "q", State::Draft, 0);
        change(&mut other);
        line(&[]).overlap(&one, &other) && line(&[]).overlap(&other, &one)
    };
    assert!(with(|_| {}));
    assert!(with(
        |other| other.products = products(&["backup", "firewall"])
    ));
    assert!(!with(|other| other.products = products(&["backup"])));
    assert!(!with(|other| other.deal_type = DealType::Renewal));
    assert!(with(|other| other.territory = territory("emea")));
}

#[test]
fn two_territories_overlap_only_if_they_are_the_same() {
    let mut one = registration("a", "p", State::Draft, 0);
    let mut other = registration("b", "q", State::Draft, 0);
    one.territory = territory("emea");
    other.territory = territory("emea");
    assert!(line(&[]).overlap(&one, &other));
    other.territory = territory("apac");
    assert!(!line(&[]).overlap(&one, &other));
}

/// For each state: whether such a registration of another partner, handed in earlier, stands
/// in the way; and whether it would if it had been handed in later.
const STANDS: [(State, bool, bool); 10] = [
    (State::Draft, false, false),
    (State::Submitted, true, false),
    (State::Approved, true, true),
    (State::Rejected, false, false),
    (State::Waitlisted, true, false),
    (State::Converted, true, true),
    (State::Expired, false, false),
    (State::Withdrawn, false, false),
    (State::NeedsInfo, true, false),
    (State::Revoked, false, false),
];

#[test]
fn who_stands_in_the_way_depends_on_state_and_order() {
    let asking = registration("asking", "p", State::Submitted, 500);
    for (state, earlier, after) in STANDS {
        for (submitted, expected) in [(499, earlier), (501, after)] {
            let standing = [registration("other", "q", state, submitted)];
            let blocked = judge(&standing, &asking, NOW) != Verdict::Free;
            assert_eq!(blocked, expected, "{state:?} handed in at {submitted}");
        }
    }
}

#[test]
fn the_same_partners_own_registration_is_a_duplicate_and_not_a_rival() {
    let asking = registration("asking", "p", State::Submitted, 500);
    for (state, stands, _) in STANDS {
        let standing = [registration("other", "p", state, 499)];
        let verdict = judge(&standing, &asking, NOW);
        let expected = if stands {
            Verdict::SelfDuplicate { of: &standing[0] }
        } else {
            Verdict::Free
        };
        assert_eq!(verdict, expected, "{state:?}");
    }
}

#[test]
fn a_duplicate_is_told_before_a_rival() {
    let asking = registration("asking", "p", State::Submitted, 500);
    let rival = registration("rival", "q", State::Approved, 1);
    let own = registration("own", "p", State::Waitlisted, 2);
    let standing = [rival, own];
    assert_eq!(
        judge(&standing, &asking, NOW),
        Verdict::SelfDuplicate { of: &standing[1] }
    );
}

#[test]
fn a_protection_is_over_at_the_moment_of_its_end() {
    let asking = registration("asking", "p", State::Submitted, 500);
    let standing = [registration("other", "q", State::Approved, 1)];
    assert_eq!(
        judge(&standing, &asking, NOW),
        Verdict::Blocked { by: &standing[0] }
    );
    assert_eq!(judge(&standing, &asking, later(1)), Verdict::Free);
}

#[test]
fn the_protected_one_is_named_before_those_that_wait() {
    let asking = registration("asking", "p", State::Submitted, 500);
    let standing = [
        registration("waits", "q", State::Waitlisted, 1),
        registration("protected", "r", State::Approved, 2),
    ];
    assert_eq!(
        judge(&standing, &asking, NOW),
        Verdict::Blocked { by: &standing[1] }
    );
}

#[test]
fn one_never_stands_in_its_own_way() {
    let asking = registration("asking", "p", State::Waitlisted, 500);
    let standing = [asking.clone()];
    assert_eq!(judge(&standing, &asking, NOW), Verdict::Free);
    assert_eq!(line(&standing).position(&asking), 1);
}

#[test]
fn of_the_same_moment_the_lower_id_is_first() {
    let one = registration("a", "p", State::Submitted, 5);
    let other = registration("b", "q", State::Submitted, 5);
    assert!(precedes(&one, &other));
    assert!(!precedes(&other, &one));
}

#[test]
fn a_place_in_the_line_is_after_everybody_who_stands_there() {
    let asking = registration("asking", "p", State::Draft, NOW.micros() + 99);
    let ahead = registration("ahead", "q", State::Submitted, NOW.micros() + 7);
    let mut elsewhere = registration("elsewhere", "q", State::Submitted, NOW.micros() + 8);
    elsewhere.products = products(&["backup"]);
    let earlier = registration("earlier", "q", State::Submitted, NOW.micros() - 1);
    assert_eq!(place(&asking.id, [&ahead, &elsewhere], NOW), later(9));
    assert_eq!(place(&asking.id, [&ahead], NOW), later(8));
    assert_eq!(place(&asking.id, [&earlier], NOW), NOW);
    // Not after itself, which it was handed in as before.
    assert_eq!(place(&asking.id, [&asking], NOW), NOW);
}

#[test]
fn whoever_leaves_moves_up_those_behind_and_nobody_else() {
    let first = registration("first", "p", State::Waitlisted, 1);
    let second = registration("second", "q", State::Waitlisted, 2);
    let third = registration("third", "r", State::Waitlisted, 3);
    let mut beside = registration("beside", "s", State::Waitlisted, 4);
    beside.products = products(&["backup"]);
    let standing = [third.clone(), beside, second.clone(), first.clone()];
    let places: Vec<i64> = [&first, &second, &third]
        .map(|one| line(&standing).position(one))
        .to_vec();
    assert_eq!(places, [1, 2, 3]);
    let moved: Vec<_> = line(&standing)
        .behind(&second)
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(moved, ["third"]);
}

#[test]
fn who_goes_on_waiting_is_kept_by_somebody_and_could_not_have_its_turn_otherwise() {
    let waiting = registration("waiting", "p", State::Waitlisted, 500);
    for (state, earlier, after) in STANDS {
        for (submitted, expected) in [(499, earlier), (501, after)] {
            let standing = [
                registration("other", "q", state, submitted),
                waiting.clone(),
            ];
            let keeps = line(&standing).keeps_waiting(&waiting, NOW);
            assert_eq!(keeps, expected, "{state:?} handed in at {submitted}");
        }
    }
    let standing = [registration("other", "q", State::Approved, 1)];
    let keeps = |change: fn(&mut Contender), now| {
        let mut asking = waiting.clone();
        change(&mut asking);
        line(&standing).keeps_waiting(&asking, now)
    };
    assert!(keeps(|_| {}, NOW));
    // The protection is over; it is about something else; it takes less; a person looks at a letter; it
    // stands at another account of the group.
    assert!(!keeps(|_| {}, later(1)));
    let elsewhere = AccountId::try_new("branch").unwrap();
    let mut beside = waiting.clone();
    beside.account = elsewhere;
    assert!(!line(&standing).keeps_waiting(&beside, NOW));
    assert!(!keeps(
        |asking| asking.products = products(&["backup"]),
        NOW
    ));
    assert!(!keeps(|asking| asking.accept_partial = true, NOW));
    assert!(!keeps(|asking| asking.nominated = true, NOW));
}

/// A customer's registrations, moved as the use cases move them.
#[derive(Default)]
struct Book {
    rows: Vec<Contender>,
    /// The places that those who wait were told.
    places: BTreeMap<RegistrationId, i64>,
    now: i64,
}

impl Book {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    fn submit(&mut self, mut asking: Contender) {
        asking.submit_time = Some(place(&asking.id, &self.rows, self.now()));
        asking.state = match judge(&self.rows, &asking, self.now()) {
            Verdict::Free => State::Submitted,
            Verdict::Blocked { .. } => State::Waitlisted,
            Verdict::SelfDuplicate { .. } => return,
        };
        if asking.state == State::Waitlisted {
            let place = line(&self.rows).position(&asking);
            self.places.insert(asking.id.clone(), place);
        }
        self.rows.push(asking);
    }

    fn approve(&mut self, index: usize, days: i64) {
        let now = self.now();
        let Some(asking) = self.rows.get(index).cloned() else {
            return;
        };
        if pending(&asking, now) && judge(&self.rows, &asking, now) == Verdict::Free {
            self.leave(&asking);
            let row = &mut self.rows[index];
            row.state = State::Approved;
            row.protection_end_time = Some(Timestamp::from_micros(self.now + days));
        }
    }

    fn reject(&mut self, index: usize) {
        let Some(leaving) = self.rows.get(index).cloned() else {
            return;
        };
        if pending(&leaving, self.now()) {
            self.leave(&leaving);
            self.rows[index].state = State::Rejected;
        }
    }

    /// Moves up those behind, as `registration::move_up` does.
    fn leave(&mut self, leaving: &Contender) {
        if leaving.state != State::Waitlisted {
            return;
        }
        self.places.remove(&leaving.id);
        for one in line(&self.rows).behind(leaving) {
            if let Some(place) = self.places.get_mut(&one.id) {
                *place -= 1;
            }
        }
    }
}

proptest! {
    #[test]
    fn no_history_protects_two_partners_or_lets_anybody_overtake(
        moves in prop::collection::vec(
            (0..5_u8, 0..6_u8, 0..40_usize, prop::bool::ANY, 0..3_u8), 1..80
        ),
    ) {
        let mut book = Book::default();
        for (number, (what, partner, index, narrow, scope)) in moves.into_iter().enumerate() {
            book.now += i64::from(scope);
            match what {
                0 | 1 => {
                    let id = format!("r{number}");
                    let mut asking =
                        registration(&id, &format!("p{partner}"), State::Draft, 0);
                    asking.products = match scope {
                        0 => products(&["firewall"]),
                        1 => products(&["backup"]),
                        _ => products(&["firewall", "backup"]),
                    };
                    asking.territory = if narrow { territory("emea") } else { None };
                    book.submit(asking);
                }
                2 | 3 => book.approve(index % book.rows.len().max(1), 1 + i64::from(partner)),
                _ => book.reject(index % book.rows.len().max(1)),
            }
            let now = book.now();
            for one in &book.rows {
                for other in &book.rows {
                    let both = protected(one, now) && protected(other, now);
                    prop_assert!(
                        !both || one.id == other.id || !line(&book.rows).overlap(one, other),
                        "{} and {} are both protected", one.id, other.id
                    );
                    let overtaken = protected(one, now)
                        && one.partner != other.partner
                        && pending(other, now)
                        && line(&book.rows).overlap(one, other)
                        && precedes(other, one);
                    prop_assert!(!overtaken, "{} overtook {}", one.id, other.id);
                }
                if one.state == State::Waitlisted {
                    let place = line(&book.rows).position(one);
                    prop_assert_eq!(book.places.get(&one.id), Some(&place), "{}", one.id);
                }
            }
        }
    }
}

/// Handed in at this second of the day.
fn at(second: i64, change: impl FnOnce(&mut Contender)) -> Contender {
    let mut one = registration("b", "q", State::Submitted, second * 1_000_000);
    change(&mut one);
    one
}

#[test]
fn within_a_minute_proofs_count_then_who_has_the_customer_then_who_came_first() {
    let first = registration("a", "p", State::Submitted, 0);
    assert!(precedes(&first, &at(59, |_| {})));
    assert!(precedes(&at(59, |one| one.evidence_score = 1), &first));
    assert!(precedes(&at(59, |one| one.incumbent = true), &first));
    let stronger = at(30, |one| one.evidence_score = 1);
    assert!(precedes(&stronger, &at(0, |one| one.incumbent = true)));
    // In the next minute none of it helps.
    assert!(precedes(&first, &at(60, |one| one.evidence_score = 9)));
    assert!(precedes(&first, &at(60, |one| one.incumbent = true)));
}

#[test]
fn whom_the_customer_nominated_comes_first_once_a_person_has_looked_at_it() {
    let first = registration("a", "p", State::Submitted, 0);
    let nominated = at(86_400, |one| one.nominated = true);
    assert!(precedes(&nominated, &first));
    let both = [first.clone(), nominated.clone()];
    assert_eq!(
        judge(&both, &nominated, NOW),
        Verdict::Blocked { by: &both[0] }
    );
    assert_eq!(judge(&both, &first, NOW), Verdict::Blocked { by: &both[1] });
    let place = (State::Submitted, None, &Place::of(&first));
    assert!(!stands_in_the_way(place, &Place::of(&nominated), true, NOW));
    // Whoever is protected stays so.
    let protected = (State::Approved, Some(later(1)), &Place::of(&first));
    assert!(stands_in_the_way(
        protected,
        &Place::of(&nominated),
        true,
        NOW
    ));
}

#[test]
fn two_sites_do_not_overlap_and_a_site_overlaps_its_customer() {
    let of_site = |id: &str, site: &str| {
        let mut one = registration(id, id, State::Submitted, 0);
        one.entity_scope = EntityScope::Site;
        one.site = Some(site.to_owned());
        one
    };
    let leipzig = of_site("a", "Plant  Leipzig");
    assert!(line(&[]).overlap(&leipzig, &of_site("b", "plant leipzig")));
    assert!(!line(&[]).overlap(&leipzig, &of_site("b", "Plant Kassel")));
    assert!(line(&[]).overlap(&leipzig, &registration("b", "b", State::Submitted, 0)));
}
