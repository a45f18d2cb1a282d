//! Made-up sales of a year, from a seed: as arrays for the loop and for SQL, and as facts for columns.

use trellis_core::{Currency, Date, PartnerId, Rate, Timestamp};
use trellis_evaluation::compiled::{Columns, Compiled, Loader};
use trellis_evaluation::evaluate::{Fact, Party};
use trellis_evaluation::plan::FactKind;

pub(crate) const CATEGORIES: [&str; 3] = ["hardware", "software", "services"];
pub(crate) const ROLES: [&str; 2] = ["sourcing", "selling"];
/// The days of the year, and the first of each quarter.
pub(crate) const DAYS: usize = 365;
pub(crate) const QUARTERS: [i32; 4] = [0, 90, 181, 273];

/// Random numbers that are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// Sales, by day.
pub(crate) struct Made {
    pub(crate) partners: usize,
    pub(crate) partner: Vec<u32>,
    pub(crate) seller: Vec<u32>,
    pub(crate) day: Vec<i32>,
    pub(crate) amount: Vec<i64>,
    pub(crate) category: Vec<u8>,
    /// What was paid back, by sale.
    pub(crate) refunds: Vec<(u32, i64)>,
    /// Which customers left, by sale, and how many days after it.
    pub(crate) churns: Vec<(u32, i32)>,
}

impl Made {
    pub(crate) fn new(lines: usize) -> Self {
        let mut random = Random(7);
        let partners = (lines / 1_000).max(10);
        let mut made = Self {
            partners,
            partner: Vec::new(),
            seller: Vec::new(),
            day: Vec::new(),
            amount: Vec::new(),
            category: Vec::new(),
            refunds: Vec::new(),
            churns: Vec::new(),
        };
        for line in 0..lines {
            let partner = random.below(partners as u64) as u32;
            made.partner.push(partner);
            made.seller
                .push((partner + 1 + random.below(3) as u32) % partners as u32);
            made.day.push((line * DAYS / lines) as i32);
            made.amount.push(100 + random.below(500_000) as i64);
            made.category.push(random.below(3) as u8);
            match random.below(20) {
                0 => {
                    let most = made.amount[line] as u64;
                    made.refunds
                        .push((line as u32, 1 + random.below(most) as i64));
                }
                1 => made.churns.push((line as u32, random.below(400) as i32)),
                _ => {}
            }
        }
        made
    }

    pub(crate) fn first_day() -> Date {
        Date::try_new(2025, 1, 1).unwrap()
    }

    /// The sales as facts, one at a time, as rows of a database would come.
    pub(crate) fn columns(&self, plans: &[&Compiled]) -> Columns {
        let ids: Vec<PartnerId> = (0..self.partners)
            .map(|partner| PartnerId::try_new(&format!("partner-{partner:06}")).unwrap())
            .collect();
        let mut loader = Loader::new(plans, Timestamp::EPOCH);
        let first = Self::first_day();
        for line in 0..self.partner.len() {
            let partner = self.partner[line] as usize;
            let mut fact = Fact::new(
                &format!("l-{line:08}"),
                FactKind::OrderLine,
                Some(ids[partner].clone()),
                first.plus_days(self.day[line]),
            );
            fact.amount_minor = Some(self.amount[line]);
            fact.currency = Some(Currency::USD);
            let category = CATEGORIES[usize::from(self.category[line])];
            fact.fields.set("line.category", category);
            let holders = [partner, self.seller[line] as usize];
            fact.parties = holders
                .into_iter()
                .zip(ROLES)
                .map(|(holder, role)| Party {
                    partner: ids[holder].clone(),
                    role: role.to_owned(),
                })
                .collect();
            loader.push(&fact).unwrap();
        }
        let back = |line: u32, kind: FactKind, letter: &str, days: i32| {
            let date = first.plus_days(self.day[line as usize] + days);
            let mut back = Fact::new(&format!("{letter}-{line:08}"), kind, None, date);
            back.about = Some(format!("l-{line:08}"));
            back
        };
        for (line, minor) in &self.refunds {
            let mut refund = back(*line, FactKind::Refund, "r", 10);
            refund.amount_minor = Some(*minor);
            refund.currency = Some(Currency::USD);
            loader.push(&refund).unwrap();
        }
        for (line, days) in &self.churns {
            loader
                .push(&back(*line, FactKind::Churn, "c", *days))
                .unwrap();
        }
        loader.finish().unwrap()
    }
}

pub(crate) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}
