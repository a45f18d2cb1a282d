//! What a partner is entitled to: a pure function of the amounts and the plan version.
//!
//! It knows no clock, no database and no floating-point number. The steps are always the same and
//! in this order: audience, currency, measure, schedule, one rounding, limits. Amounts come as a
//! sorted map of sums, so the order in which facts arrived cannot be seen here.

use num_rational::Ratio;
use trellis_core::incentive::NotPaid;
use trellis_core::incentive::terms::{Audience, Below, Limits, Terms};
use trellis_core::{Currency, Date, MoneyError, Period, ProgramId, round_half_up};

use super::measure::{Amounts, Group, Sum};
use super::schedule::{Exact, Next, Schedule, Slice};
use crate::evaluate::{add, remainder};

/// A plan version, ready to compute with.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The program whose tiers its audience names.
    pub program: ProgramId,
    /// The currency that it pays in.
    pub currency: Currency,
    /// What it pays.
    pub terms: Terms,
    /// The bands of the terms.
    pub schedule: Schedule,
}

/// A group of amounts and whether it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The group.
    pub group: Group,
    /// Its sum.
    pub sum: Sum,
    /// Why it does not count; none if it does.
    pub excluded: Option<NotPaid>,
}

/// The result of an evaluation, with everything that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Every group that was looked at, in order.
    pub counted: Vec<Counted>,
    /// What was measured, in minor units.
    pub measure: i64,
    /// What each band pays.
    pub slices: Vec<Slice>,
    /// The sum of the slices.
    pub exact: Exact,
    /// The same, rounded.
    pub rounded: i64,
    /// The same within the limits: what the partner is entitled to.
    pub entitled: i64,
    /// Why it is nothing; none if it is something.
    pub not_paid: Option<NotPaid>,
    /// What the next band would need.
    pub next: Option<Next>,
}

/// What of an entitlement is out of its hold on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maturity {
    /// What of it is not held any longer, in minor units.
    pub matured: i64,
    /// The next day on which more may be.
    pub next: Option<Date>,
}

impl Entitlement {
    /// Nothing, for a reason that was known before anything was computed.
    pub fn nothing(not_paid: NotPaid) -> Self {
        Self {
            counted: Vec::new(),
            measure: 0,
            slices: Vec::new(),
            exact: Ratio::from(0),
            rounded: 0,
            entitled: 0,
            not_paid: Some(not_paid),
            next: None,
        }
    }

    /// What rounding took away; negative where it added.
    pub fn remainder(&self) -> Exact {
        remainder(self.exact, self.rounded)
    }
}

impl Rules {
    /// Makes terms ready.
    #[must_use]
    pub fn new(program: ProgramId, currency: Currency, terms: Terms) -> Self {
        let schedule = Schedule::from(&terms.schedule);
        Self {
            program,
            currency,
            terms,
            schedule,
        }
    }

    /// What amounts entitle to.
    ///
    /// # Errors
    /// When an amount does not fit 64 bits of minor units, or an exact one 128 bits.
    pub fn entitle(&self, amounts: &Amounts) -> Result<Entitlement, MoneyError> {
        let counted: Vec<Counted> = amounts
            .iter()
            .filter(|(_, sum)| sum.deals != 0)
            .map(|(group, sum)| Counted {
                group: group.clone(),
                sum: *sum,
                excluded: self.excludes(group),
            })
            .collect();
        let mut total = Sum::default();
        for counted in counted.iter().filter(|counted| counted.excluded.is_none()) {
            total = total.plus(counted.sum).ok_or(MoneyError::Overflow)?;
        }
        let slices = self.schedule.slices(total.net.into())?;
        let exact = slices
            .iter()
            .try_fold(Ratio::from(0), |exact, slice| add(exact, slice.exact))?;
        let rounded = round_half_up(exact)?;
        let entitled = within(&self.terms.limits, rounded);
        let not_paid = (entitled == 0).then(|| why_nothing(&counted, total, &slices, rounded));
        Ok(Entitlement {
            next: self.schedule.next(total.net.into()),
            measure: total.net,
            counted,
            slices,
            exact,
            rounded,
            entitled,
            not_paid,
        })
    }

    /// What of an entitlement is out of its hold on a day: all of it once the hold has ended. Its days
    /// count from that of the deal, or from the end of the period.
    pub fn maturity(&self, amounts: &Amounts, entitled: i64, today: Date) -> Maturity {
        let begin = |date: Date| match self.terms.window.cadence() {
            Some(cadence) => Period::containing(date, cadence).end(),
            None => date,
        };
        let end = amounts
            .iter()
            .filter(|(group, sum)| sum.deals != 0 && self.excludes(group).is_none())
            .map(|(group, _)| begin(group.date).plus_days(self.terms.hold_days))
            .max();
        let next = end.filter(|end| self.terms.hold_days > 0 && *end > today);
        Maturity {
            matured: if next.is_some() { 0 } else { entitled },
            next,
        }
    }

    fn excludes(&self, group: &Group) -> Option<NotPaid> {
        let Some(tier) = group.standing.tier(&self.program) else {
            return Some(NotPaid::NotEnrolled);
        };
        let Audience {
            tiers,
            partner_types,
        } = &self.terms.audience;
        let partner_type = group.standing.partner_type();
        if !tiers.is_empty() && !tiers.contains(tier) {
            Some(NotPaid::TierNotInAudience)
        } else if !partner_types.is_empty() && !partner_types.contains(&partner_type) {
            Some(NotPaid::PartnerTypeNotInAudience)
        } else if group.currency != self.currency {
            Some(NotPaid::CurrencyMismatch)
        } else {
            None
        }
    }
}

/// Why amounts do not count, in the order in which it is looked at.
const EXCLUSIONS: [NotPaid; 4] = [
    NotPaid::NotEnrolled,
    NotPaid::TierNotInAudience,
    NotPaid::PartnerTypeNotInAudience,
    NotPaid::CurrencyMismatch,
];

/// The amount within the limits. They look at the rounded amount; nothing is never raised.
fn within(limits: &Limits, rounded: i64) -> i64 {
    let at_least = match (limits.minimum_minor, limits.below) {
        (Some(minimum), Below::Forfeit) if rounded < minimum => 0,
        (Some(minimum), Below::RaiseTo) if rounded > 0 => rounded.max(minimum),
        _ => rounded,
    };
    limits
        .maximum_minor
        .map_or(at_least, |maximum| at_least.min(maximum))
}

/// The first step that left nothing. Of amounts that were excluded, the one that came furthest says
/// why.
fn why_nothing(counted: &[Counted], total: Sum, slices: &[Slice], rounded: i64) -> NotPaid {
    if total.deals == 0 {
        return counted
            .iter()
            .filter_map(|counted| counted.excluded)
            .max_by_key(|excluded| EXCLUSIONS.iter().position(|known| known == excluded))
            .unwrap_or(NotPaid::DealReopened);
    }
    if total.won == 0 {
        NotPaid::NothingSold
    } else if total.net == 0 {
        NotPaid::FullyRefunded
    } else if slices.is_empty() {
        NotPaid::BelowFirstBand
    } else if rounded == 0 {
        NotPaid::RoundsToZero
    } else {
        NotPaid::BelowMinimum
    }
}
