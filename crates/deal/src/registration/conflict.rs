//! Who stands in whose way. Pure.
//!
//! The caller brings the registrations that stand at the same customer (the same account, or one that
//! compares as the same customer); what overlaps among them, and who came first, is decided
//! here. A partner's tier is no argument of any of these functions.

use trellis_core::Timestamp;
use trellis_store::deal::registration::{Model, State};

use super::lifecycle::unanswered;
use super::places::Places;

/// What the registrations of a customer mean for one that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nothing stands in its way (R10).
    Free,
    /// An earlier registration of another partner stands in its way (R6).
    Blocked {
        /// The one that does, or the first of them.
        by: &'a Model,
    },
    /// The same partner has a registration for this already (R6).
    SelfDuplicate {
        /// That one.
        of: &'a Model,
    },
}

/// Whether a registration keeps others away by right: it was approved and its protection lasts.
/// A protection is over at the moment of its end, whether or not anybody has acted upon that.
#[must_use]
pub fn protected(registration: &Model, now: Timestamp) -> bool {
    match registration.state {
        State::Approved | State::Converted => registration
            .protection_end_time
            .is_some_and(|end| now < end),
        State::Draft
        | State::Submitted
        | State::Waitlisted
        | State::NeedsInfo
        | State::Rejected
        | State::Expired
        | State::Revoked
        | State::Withdrawn => false,
    }
}

/// Whether a registration has asked and waits for its answer. One whose partner is asked for more keeps
/// its place in the line as long as there is time to answer.
#[must_use]
pub fn pending(registration: &Model, now: Timestamp) -> bool {
    match registration.state {
        State::Submitted | State::Waitlisted => true,
        State::NeedsInfo => registration.contends && !unanswered(registration, now),
        State::Draft
        | State::Approved
        | State::Converted
        | State::Rejected
        | State::Expired
        | State::Revoked
        | State::Withdrawn => false,
    }
}

/// Whether `one` took its place in the line before `other`. A registration that has taken none yet
/// comes after all that have.
#[must_use]
pub fn precedes(one: &Model, other: &Model) -> bool {
    match (one.submit_time, other.submit_time) {
        (Some(mine), Some(theirs)) => (mine, &one.id) < (theirs, &other.id),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// The registrations that stand at one customer, and where their territories lie.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The registrations.
    pub standing: &'a [Model],
    /// The territories that they name.
    pub places: &'a Places,
}

impl<'a> Line<'a> {
    /// Whether two registrations of one customer are about the same business: they share a
    /// product, their territories have something in common (none means everywhere), and they are
    /// of the same deal type.
    #[must_use]
    pub fn overlap(&self, one: &Model, other: &Model) -> bool {
        let territory = match (&one.territory, &other.territory) {
            (Some(one), Some(other)) => self.places.overlap(one, other),
            (None, _) | (_, None) => true,
        };
        territory
            && one.deal_type == other.deal_type
            && one
                .products
                .0
                .iter()
                .any(|product| other.products.0.contains(product))
    }

    /// The others that are about the same business, in the order of the line.
    fn others(&self, than: &Model) -> Vec<&'a Model> {
        let mut others: Vec<&Model> = self
            .standing
            .iter()
            .filter(|other| other.id != than.id && self.overlap(than, other))
            .collect();
        others
            .sort_by(|one, other| (one.submit_time, &one.id).cmp(&(other.submit_time, &other.id)));
        others
    }

    /// Those that stand in the way of a registration: who is protected, then who has asked earlier, each
    /// in the order of the line.
    #[must_use]
    pub fn rivals(&self, asking: &Model, now: Timestamp) -> Vec<&'a Model> {
        let others = self.others(asking);
        let mut rivals: Vec<&Model> = others
            .iter()
            .copied()
            .filter(|other| protected(other, now))
            .collect();
        let earlier = |other: &&Model| pending(other, now) && precedes(other, asking);
        rivals.extend(others.iter().copied().filter(earlier));
        rivals
    }

    /// Decides about a registration.
    ///
    /// Whoever is protected stands in the way. So does whoever has asked earlier and waits for an
    /// answer, even if something else still stands in *its* way: nobody overtakes.
    #[must_use]
    pub fn judge(&self, asking: &Model, now: Timestamp) -> Verdict<'a> {
        let rivals = self.rivals(asking, now);
        if let Some(own) = rivals.iter().find(|other| other.partner == asking.partner) {
            return Verdict::SelfDuplicate { of: own };
        }
        rivals
            .first()
            .map_or(Verdict::Free, |first| Verdict::Blocked { by: first })
    }

    /// The place of a registration among those that wait for the same business, beginning with 1.
    #[must_use]
    pub fn position(&self, asking: &Model) -> i64 {
        let ahead = |other: &&&Model| other.state == State::Waitlisted && precedes(other, asking);
        let count = self.others(asking).iter().filter(ahead).count();
        i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Those that wait for the same business as a registration that goes away, in the order of the
    /// line: one of them may be next.
    #[must_use]
    pub fn waiting_with(&self, leaving: &Model) -> Vec<&'a Model> {
        let mut waiting = self.others(leaving);
        waiting.retain(|other| other.state == State::Waitlisted);
        waiting
    }

    /// Those of them that stand behind it: each moves up one place.
    #[must_use]
    pub fn behind(&self, leaving: &Model) -> Vec<&'a Model> {
        let mut behind = self.waiting_with(leaving);
        behind.retain(|other| precedes(leaving, other));
        behind
    }

    /// When a registration takes its place in the line: now, and in any case after everybody it
    /// overlaps, so that the line is the order in which the locks were had, whatever clocks say.
    #[must_use]
    pub fn place(&self, asking: &Model, now: Timestamp) -> Timestamp {
        let latest = self
            .others(asking)
            .iter()
            .filter_map(|other| other.submit_time)
            .max();
        match latest {
            Some(latest) if latest >= now => {
                Timestamp::from_micros(latest.micros().saturating_add(1))
            }
            Some(_) | None => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use trellis_core::{
        AccountId, Currency, EcosystemId, PartnerId, ProductId, ProgramId, RegistrationId,
        TerritoryId,
    };
    use trellis_store::deal::deal::DealType;
    use trellis_store::deal::registration::{Products, Transfers};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn later(micros: i64) -> Timestamp {
        Timestamp::from_micros(NOW.micros() + micros)
    }

    /// A registration of partner `partner`, handed in at `submitted`.
    fn registration(id: &str, partner: &str, state: State, submitted: i64) -> Model {
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            id: RegistrationId::try_new(id).unwrap(),
            display_name: None,
            partner: PartnerId::try_new(partner).unwrap(),
            creator: String::new(),
            program: ProgramId::try_new("gold").unwrap(),
            account: AccountId::try_new("initech").unwrap(),
            products: products(&["firewall"]),
            territory: None,
            deal_type: DealType::New,
            estimated_minor: 0,
            currency: Currency::USD,
            expected_close_date: None,
            note: None,
            evidence: None,
            state,
            contends: true,
            submit_time: (state != State::Draft).then(|| Timestamp::from_micros(submitted)),
            receive_time: None,
            tick_time: None,
            decision: None,
            suspicion: None,
            screening: None,
            judged: None,
            waitlist_position: None,
            protection_start_time: None,
            protection_end_time: matches!(state, State::Approved | State::Converted)
                .then(|| later(1)),
            deal: None,
            info_request: None,
            info_due_time: None,
            resubmission_count: 0,
            extension_count: 0,
            response_due_time: None,
            response_days_left: None,
            escalation_time: None,
            final_escalation_time: None,
            escalation_level: 0,
            transfers: Transfers::default(),
            version: 1,
            create_time: NOW,
            update_time: NOW,
        }
    }

    fn line(standing: &[Model]) -> Line<'_> {
        static NOWHERE: LazyLock<Places> = LazyLock::new(Places::default);
        Line {
            standing,
            places: &NOWHERE,
        }
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
        let with = |change: fn(&mut Model)| {
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
                let blocked = line(&standing).judge(&asking, NOW) != Verdict::Free;
                assert_eq!(blocked, expected, "{state:?} handed in at {submitted}");
            }
        }
    }

    #[test]
    fn the_same_partners_own_registration_is_a_duplicate_and_not_a_rival() {
        let asking = registration("asking", "p", State::Submitted, 500);
        for (state, stands, _) in STANDS {
            let standing = [registration("other", "p", state, 499)];
            let verdict = line(&standing).judge(&asking, NOW);
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
            line(&standing).judge(&asking, NOW),
            Verdict::SelfDuplicate { of: &standing[1] }
        );
    }

    #[test]
    fn a_protection_is_over_at_the_moment_of_its_end() {
        let asking = registration("asking", "p", State::Submitted, 500);
        let standing = [registration("other", "q", State::Approved, 1)];
        assert_eq!(
            line(&standing).judge(&asking, NOW),
            Verdict::Blocked { by: &standing[0] }
        );
        assert_eq!(line(&standing).judge(&asking, later(1)), Verdict::Free);
    }

    #[test]
    fn the_protected_one_is_named_before_those_that_wait() {
        let asking = registration("asking", "p", State::Submitted, 500);
        let standing = [
            registration("waits", "q", State::Waitlisted, 1),
            registration("protected", "r", State::Approved, 2),
        ];
        assert_eq!(
            line(&standing).judge(&asking, NOW),
            Verdict::Blocked { by: &standing[1] }
        );
    }

    #[test]
    fn one_never_stands_in_its_own_way() {
        let asking = registration("asking", "p", State::Waitlisted, 500);
        let standing = [asking.clone()];
        assert_eq!(line(&standing).judge(&asking, NOW), Verdict::Free);
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
    fn a_place_in_the_line_is_after_everybody_who_overlaps() {
        let asking = registration("asking", "p", State::Draft, 0);
        let ahead = registration("ahead", "q", State::Submitted, NOW.micros() + 7);
        let mut elsewhere = registration("elsewhere", "q", State::Submitted, NOW.micros() + 99);
        elsewhere.products = products(&["backup"]);
        assert_eq!(
            line(&[ahead, elsewhere.clone()]).place(&asking, NOW),
            later(8)
        );
        assert_eq!(line(&[elsewhere]).place(&asking, NOW), NOW);
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

    /// A customer's registrations, moved as the use cases move them.
    #[derive(Default)]
    struct Book {
        rows: Vec<Model>,
        now: i64,
    }

    impl Book {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.now)
        }

        fn submit(&mut self, mut asking: Model) {
            asking.submit_time = Some(line(&self.rows).place(&asking, self.now()));
            asking.state = match line(&self.rows).judge(&asking, self.now()) {
                Verdict::Free => State::Submitted,
                Verdict::Blocked { .. } => State::Waitlisted,
                Verdict::SelfDuplicate { .. } => return,
            };
            if asking.state == State::Waitlisted {
                asking.waitlist_position = Some(line(&self.rows).position(&asking));
            }
            self.rows.push(asking);
        }

        fn approve(&mut self, index: usize, days: i64) {
            let now = self.now();
            let Some(asking) = self.rows.get(index).cloned() else {
                return;
            };
            if pending(&asking, now) && line(&self.rows).judge(&asking, now) == Verdict::Free {
                self.leave(&asking);
                let row = &mut self.rows[index];
                row.state = State::Approved;
                row.waitlist_position = None;
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
                self.rows[index].waitlist_position = None;
            }
        }

        /// Moves up those behind, as `registration::move_up` does.
        fn leave(&mut self, leaving: &Model) {
            if leaving.state != State::Waitlisted {
                return;
            }
            let ids: Vec<_> = line(&self.rows)
                .behind(leaving)
                .into_iter()
                .map(|one| one.id.clone())
                .collect();
            for row in self.rows.iter_mut().filter(|row| ids.contains(&row.id)) {
                row.waitlist_position = row.waitlist_position.map(|position| position - 1);
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
                        prop_assert_eq!(one.waitlist_position, Some(place), "{}", one.id);
                    }
                }
            }
        }
    }
}
