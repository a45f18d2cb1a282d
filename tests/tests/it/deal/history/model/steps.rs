//! What moves do, and time that goes by.

use std::collections::{BTreeSet, VecDeque};

use trellis_core::Timestamp;

use super::{Asked, Business, DAY, Fault, Model, Outcome, Registration, State, Verdict};
use crate::deal::history::moves::{Claim, Kind, Move};

impl Model {
    /// The midnight after so many days from a moment on.
    fn midnight_after(&self, moment: i64, days: i32) -> i64 {
        let date = self
            .zone
            .local_date(Timestamp::from_micros(moment * 1_000_000));
        self.zone.midnight(date.plus_days(days + 1)).micros() / 1_000_000
    }

    fn grant(&mut self, index: usize, products: BTreeSet<usize>, outcome: &Outcome) {
        let days = if self.fault == Some(Fault::ADayMore) {
            91
        } else {
            90
        };
        let end = self.midnight_after(self.now, days);
        let now = self.now;
        let one = &mut self.registrations[index];
        one.state = State::Approved;
        one.claim.products = products;
        one.co_sell = outcome.co_sell;
        one.protection = Some((now, end));
    }

    /// Puts a registration where a verdict wants it.
    fn settle(&mut self, index: usize, outcome: Outcome) {
        self.registrations[index].decision = outcome.decision;
        match &outcome.verdict {
            Verdict::Approve(products) => self.grant(index, products.clone(), &outcome),
            Verdict::Review => self.registrations[index].state = State::Submitted,
            Verdict::Wait => self.registrations[index].state = State::Waitlisted,
            Verdict::Reject => self.registrations[index].state = State::Rejected,
            Verdict::Ineligible | Verdict::OwnAlready => unreachable!("the call is refused"),
        }
    }

    /// Those that waited with a registration as it stood have their turn.
    fn next(&mut self, left: Registration) {
        let mut gone = VecDeque::from([left]);
        while let Some(left) = gone.pop_front() {
            let mut waiting: Vec<usize> = (0..self.registrations.len())
                .filter(|one| {
                    let one = &self.registrations[*one];
                    one.state == State::Waitlisted && self.surely(&left.claim, &one.claim)
                })
                .collect();
            waiting.sort_by_key(|one| {
                let one = &self.registrations[*one];
                self.order(one, one.claim.nominated())
            });
            for index in waiting {
                let asking = self.registrations[index].clone();
                if self.stands_behind(index, &asking) {
                    continue;
                }
                let asked = Asked {
                    waited: true,
                    ..Asked::default()
                };
                let outcome = self.decide(Some(index), &asking, asked);
                match outcome.verdict {
                    Verdict::Wait | Verdict::OwnAlready => {}
                    Verdict::Reject | Verdict::Ineligible => {
                        self.registrations[index].decision = outcome.decision;
                        self.registrations[index].state = State::Rejected;
                        gone.push_back(asking);
                    }
                    Verdict::Approve(_) => self.settle(index, outcome),
                    Verdict::Review => {
                        self.registrations[index].decision = outcome.decision;
                    }
                }
            }
        }
    }

    fn leave(&mut self, index: usize, state: State) {
        let left = self.registrations[index].clone();
        self.registrations[index].state = state;
        let in_the_line = !matches!(left.state, State::NeedsInfo) || left.keeps_its_place;
        if in_the_line {
            self.next(left);
        }
    }

    /// Makes a move; answers why it is refused, if it is.
    pub(in crate::deal::history) fn make(&mut self, one: &Move) -> Result<(), &'static str> {
        match one {
            Move::Register(claim) => self.register(claim),
            Move::Approve(index) => self.approve(*index),
            Move::Reject(index) => {
                self.is(*index, &[State::Submitted, State::Waitlisted])?;
                self.registrations[*index].decision = ("STAFF", "NO_EVIDENCE");
                self.leave(*index, State::Rejected);
                Ok(())
            }
            Move::Withdraw(index) => {
                self.is(
                    *index,
                    &[State::Submitted, State::Waitlisted, State::NeedsInfo],
                )?;
                self.leave(*index, State::Withdrawn);
                Ok(())
            }
            Move::Revoke(index) => {
                self.is(*index, &[State::Approved])?;
                let now = self.now;
                let one = &mut self.registrations[*index];
                one.decision = ("STAFF", "FALSE_EVIDENCE");
                one.protection = one.protection.map(|(start, _)| (start, now));
                self.leave(*index, State::Revoked);
                Ok(())
            }
            Move::Ask(index) => self.ask(*index),
            Move::Answer(index) => self.answer(*index),
            Move::Change(index, products) => self.change(*index, products),
            Move::Convert(index) => {
                self.is(*index, &[State::Approved])?;
                self.registrations[*index].state = State::Converted;
                if self.registrations[*index].co_sell {
                    // The deal that it becomes is the vendor's, and the partner sells with it.
                    let Claim {
                        account,
                        products,
                        kind,
                        ..
                    } = self.registrations[*index].claim.clone();
                    let since = self.now;
                    self.direct.push(Business {
                        account,
                        products,
                        kind,
                        since,
                    });
                }
                Ok(())
            }
            Move::Extend(index) => self.extend(*index),
            Move::Transfer(index, partner) => self.transfer(*index, *partner),
            Move::Wait(seconds) => {
                self.wait(*seconds);
                Ok(())
            }
            Move::Keep(account, products) => {
                self.house.push((*account, products.clone()));
                Ok(())
            }
            Move::Direct(account, products, kind) => {
                let business = self.business(*account, products, *kind);
                self.direct.push(business);
                Ok(())
            }
            Move::Win(partner, account, products, kind) => {
                let business = self.business(*account, products, *kind);
                self.won.push((*partner, business));
                Ok(())
            }
            Move::Suspend(partner) => {
                self.suspended[*partner] = !self.suspended[*partner];
                Ok(())
            }
        }
    }

    fn business(&self, account: usize, products: &BTreeSet<usize>, kind: Kind) -> Business {
        Business {
            account,
            products: products.clone(),
            kind,
            since: self.now,
        }
    }

    fn is(&self, index: usize, states: &[State]) -> Result<(), &'static str> {
        match states.contains(&self.registrations[index].state) {
            true => Ok(()),
            false => Err("ILLEGAL_TRANSITION"),
        }
    }

    /// A registration as it is handed in now.
    fn handed_in(&mut self, claim: &Claim) -> Registration {
        self.arrivals += 1;
        let incumbent = claim
            .products
            .iter()
            .any(|product| self.has_it(claim.partner, claim.account, *product));
        Registration {
            claim: claim.clone(),
            state: State::Submitted,
            decision: ("", ""),
            co_sell: false,
            receive: self.now,
            arrival: self.arrivals,
            incumbent,
            asked: 0,
            info_due: 0,
            keeps_its_place: true,
            protection: None,
            extended: false,
        }
    }

    fn register(&mut self, claim: &Claim) -> Result<(), &'static str> {
        let asking = self.handed_in(claim);
        let outcome = self.decide(None, &asking, Asked::default());
        self.admissible(&outcome)?;
        self.registrations.push(asking);
        self.settle(self.registrations.len() - 1, outcome);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it reads like its neighbours")]
    fn admissible(&self, outcome: &Outcome) -> Result<(), &'static str> {
        match outcome.verdict {
            Verdict::Ineligible => Err("PRECONDITION"),
            Verdict::OwnAlready => Err("SELF_DUPLICATE"),
            _ => Ok(()),
        }
    }

    fn approve(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Submitted, State::Waitlisted])?;
        let asking = self.registrations[index].clone();
        let asked = Asked {
            by_a_person: true,
            ..Asked::default()
        };
        let outcome = self.decide(Some(index), &asking, asked);
        self.admissible(&outcome)?;
        if let Verdict::Wait = outcome.verdict {
            return Err("REGISTRATION_CONFLICT");
        }
        self.settle(index, outcome);
        Ok(())
    }

    fn ask(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Submitted, State::Waitlisted])?;
        if self.registrations[index].asked >= 3 {
            return Err("PRECONDITION");
        }
        let due = self.business_days(10);
        let one = &mut self.registrations[index];
        one.state = State::NeedsInfo;
        one.info_due = due;
        one.keeps_its_place = true;
        Ok(())
    }

    /// The midnight after so many days from Monday to Friday.
    fn business_days(&self, days: usize) -> i64 {
        let mut left = days;
        let mut ahead = 0;
        while left > 0 {
            ahead += 1;
            let end = self.midnight_after(self.now, ahead);
            // The day that ends then; 1970 began on a Thursday. Berlin is ahead of UTC, so its noon is
            // within the same day there.
            let day = (end - DAY / 2).div_euclid(DAY);
            let weekday = (day + 3).rem_euclid(7);
            if weekday < 5 {
                left -= 1;
            }
        }
        self.midnight_after(self.now, ahead)
    }

    fn answer(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::NeedsInfo])?;
        let before = self.registrations[index].clone();
        if before.keeps_its_place {
            let asked = Asked {
                wanted_more: true,
                ..Asked::default()
            };
            let outcome = self.decide(Some(index), &before, asked);
            self.admissible(&outcome)?;
            let one = &mut self.registrations[index];
            one.asked += 1;
            one.decision = outcome.decision;
            one.state = match outcome.verdict {
                Verdict::Wait => State::Waitlisted,
                _ => State::Submitted,
            };
            return Ok(());
        }
        let again = self.handed_in(&before.claim);
        let again = Registration {
            asked: before.asked + 1,
            ..again
        };
        let outcome = self.decide(Some(index), &again, Asked::default());
        self.admissible(&outcome)?;
        self.registrations[index] = again;
        self.settle(index, outcome);
        Ok(())
    }

    fn change(&mut self, index: usize, products: &BTreeSet<usize>) -> Result<(), &'static str> {
        if self.registrations[index].state != State::NeedsInfo {
            return Err("NOT_EDITABLE");
        }
        let before = self.registrations[index].clone();
        if before.claim.products == *products {
            return Ok(());
        }
        let one = &mut self.registrations[index];
        one.claim.products.clone_from(products);
        one.keeps_its_place = false;
        if before.keeps_its_place {
            self.next(before);
        }
        Ok(())
    }

    fn extend(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Approved, State::Converted])?;
        let one = &self.registrations[index];
        let Some((start, end)) = one.protection.filter(|(_, end)| self.now < *end) else {
            return Err("PRECONDITION");
        };
        if one.extended {
            return Err("PRECONDITION");
        }
        let end = self
            .midnight_after(end, 59)
            .min(self.midnight_after(start, 180));
        let one = &mut self.registrations[index];
        one.protection = Some((start, end));
        one.extended = true;
        Ok(())
    }

    fn transfer(&mut self, index: usize, partner: usize) -> Result<(), &'static str> {
        if self.registrations[index].claim.partner == partner {
            return Err("PRECONDITION");
        }
        self.is(index, &[State::Approved])?;
        let mut asking = self.registrations[index].clone();
        asking.claim.partner = partner;
        let asked = Asked {
            by_a_person: true,
            ..Asked::default()
        };
        let outcome = self.decide(Some(index), &asking, asked);
        if let Verdict::Ineligible = outcome.verdict {
            return Err("PRECONDITION");
        }
        let own = self.registrations.iter().enumerate().any(|(other, own)| {
            other != index
                && own.claim.partner == partner
                && (self.pending(own) || self.protected(own))
                && self.surely(&asking.claim, &own.claim)
        });
        if own {
            return Err("SELF_DUPLICATE");
        }
        if let Verdict::Wait | Verdict::OwnAlready = outcome.verdict {
            return Err("REGISTRATION_CONFLICT");
        }
        self.registrations[index].claim.partner = partner;
        Ok(())
    }

    /// Time goes by. What has ended is acted upon in the order in which it did.
    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        let now = self.now;
        let ends = |one: &Registration| match one.state {
            State::Approved => one.protection.map(|(_, end)| end),
            _ => None,
        };
        while let Some(index) = self.earliest(ends) {
            self.leave(index, State::Expired);
        }
        // Whoever waited for a deal's protection has their turn when that is over.
        let mut over: Vec<usize> = (0..self.len())
            .filter(|one| {
                let one = &self.registrations[*one];
                let ended = one.protection.is_some_and(|(_, end)| end <= now);
                one.state == State::Converted && one.keeps_its_place && ended
            })
            .collect();
        over.sort_by_key(|one| self.registrations[*one].protection);
        for index in over {
            self.registrations[index].keeps_its_place = false;
            self.next(self.registrations[index].clone());
        }
        let unanswered = |one: &Registration| match one.state {
            State::NeedsInfo => Some(one.info_due),
            _ => None,
        };
        while let Some(index) = self.earliest(unanswered) {
            self.registrations[index].decision = ("CLOCK", "INFO_DEADLINE_PASSED");
            self.leave(index, State::Withdrawn);
        }
    }

    /// The registration of which something is over for longest.
    fn earliest(&self, due: impl Fn(&Registration) -> Option<i64>) -> Option<usize> {
        let all = self.registrations.iter().enumerate();
        let over = all.filter_map(|(index, one)| Some((due(one)?, index)));
        let over = over.filter(|(due, _)| *due <= self.now);
        over.min().map(|(_, index)| index)
    }
}
