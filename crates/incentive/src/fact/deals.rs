//! Facts of deals as the evaluation knows them. Pure.
//!
//! A win is one fact and each of its lines another, so that plans may pay for deals or for products.
//! What the deal service calls a refund takes back of the win, and of its lines by what is left of each;
//! a reopening withdraws them all.
//!
//! | What was recorded | Its fact | Beside it |
//! |---|---|---|
//! | a win | `deal:{deal}/wins/{win}`, `DEAL_WON` | a line each: `…/lines/{n}`, `ORDER_LINE` |
//! | a reopening | the next revision of the same, withdrawn | the same of each line |
//! | a refund | `deal:{deal}/refunds/{id}`, `REFUND` of the win | `…/lines/{n}`, `REFUND` of the line |
//! | a churn | `deal:{deal}/churn/{id}`, `CHURN` of the win | `…/lines/{n}`, `CHURN` of the line |
//!
//! An invoice is none: plans pay for what was paid, and that is told by whoever took the money in.

use std::collections::BTreeMap;

use trellis_core::lifecycle::Named;
use trellis_core::{DealId, allocate};
use trellis_evaluation::evaluate::{Fact, Party};
use trellis_evaluation::plan::FactKind;
use trellis_evaluation::predicate::Record;
use trellis_store::deal::deal::{DealType, PartnerRole};
use trellis_store::deal::facts::WonLine;
use trellis_store::incentive::fact::{Detail, Kind, Model};

use super::known::Told;

/// The facts that rows about deals tell, in the order of the deals and their wins.
pub(super) fn of_rows(rows: &[Model]) -> Vec<Told> {
    let mut wins: BTreeMap<(&DealId, i64), Vec<&Model>> = BTreeMap::new();
    for row in rows {
        wins.entry((&row.deal, row.win)).or_default().push(row);
    }
    let mut facts = Vec::new();
    for mut about in wins.into_values() {
        // What was recorded first was there when the next was looked at, whatever day it is of.
        about.sort_by_key(|row| (row.record_time, &row.external_id));
        let of_win = |row: &&&Model| row.kind == Kind::DealWon;
        if let Some(win) = about.iter().find(of_win) {
            Win::new(win).tell(&about, &mut facts);
        }
    }
    facts
}

/// A win and what became of it.
struct Win<'a> {
    row: &'a Model,
    id: String,
    lines: &'a [WonLine],
    /// What is left of each line.
    left: Vec<u64>,
}

impl<'a> Win<'a> {
    fn new(row: &'a Model) -> Self {
        let lines: &[WonLine] = row.detail.as_ref().map_or(&[], |detail| &detail.lines);
        let left = lines.iter().map(|line| line.amount_minor.unsigned_abs());
        Self {
            row,
            id: format!("deal:{}/wins/{}", row.deal, row.win),
            lines,
            left: left.collect(),
        }
    }

    fn tell(mut self, about: &[&Model], facts: &mut Vec<Told>) {
        facts.push(self.told(self.won()));
        for at in 0..self.lines.len() {
            facts.extend(self.line(at).map(|line| self.told(line)));
        }
        for row in about {
            match row.kind {
                Kind::DealWon | Kind::DealInvoiced => {}
                Kind::DealReopened => self.withdraw(row, facts),
                Kind::DealRefunded => self.refund(row, facts),
                Kind::DealChurned => self.churn(row, facts),
            }
        }
    }

    fn told(&self, fact: Fact) -> Told {
        Told {
            fact,
            standing: self.row.standing.clone(),
        }
    }

    fn line_id(&self, at: usize) -> String {
        format!("{}/lines/{}", self.id, at + 1)
    }

    fn won(&self) -> Fact {
        let row = self.row;
        let detail = row.detail.as_ref();
        let quantity = self.lines.iter().map(|line| line.quantity).sum();
        Fact {
            recorded: row.record_time,
            customer: detail.and_then(|detail| detail.customer.as_ref().map(ToString::to_string)),
            deal: Some(row.deal.clone()),
            amount_minor: Some(row.amount_minor),
            currency: row.currency,
            quantity: (!self.lines.is_empty()).then_some(quantity),
            parties: detail.map_or_else(Vec::new, |detail| parties(&detail.roles)),
            fields: self.fields(),
            ..Fact::new(
                &self.id,
                FactKind::DealWon,
                row.partner.clone(),
                row.occur_date,
            )
        }
    }

    fn line(&self, at: usize) -> Option<Fact> {
        let line = self.lines.get(at)?;
        Some(Fact {
            id: self.line_id(at),
            kind: FactKind::OrderLine,
            product: Some(line.product.to_string()),
            amount_minor: Some(line.amount_minor),
            quantity: Some(line.quantity),
            ..self.won()
        })
    }

    fn fields(&self) -> Record {
        let row = self.row;
        let mut fields = Record::new()
            .with("deal.amount_minor", row.amount_minor)
            .with("deal.won_on", row.occur_date.to_string().as_str());
        let Some(detail) = &row.detail else {
            return fields;
        };
        let Detail {
            deal_type,
            registration_active,
            partner_country,
            partner_status,
            customer: _,
            lines: _,
            roles: _,
        } = detail;
        fields.set("deal.registration_active", *registration_active);
        if let Some(deal_type) = deal_type {
            fields.set("deal.type", type_name(*deal_type));
        }
        if let Some(country) = partner_country {
            fields.set("partner.country", country.as_str());
        }
        if let Some(status) = partner_status {
            fields.set("partner.status", status.as_str());
        }
        fields
    }

    /// A win and its lines did not happen after all.
    fn withdraw(&self, row: &Model, facts: &mut Vec<Told>) {
        let lines = (0..self.lines.len()).filter_map(|at| self.line(at));
        let withdrawn = std::iter::once(self.won()).chain(lines).map(|fact| Fact {
            revision: 2,
            withdrawn: true,
            recorded: row.record_time,
            ..fact
        });
        facts.extend(withdrawn.map(|fact| self.told(fact)));
    }

    fn refund(&mut self, row: &Model, facts: &mut Vec<Told>) {
        let refund = self.takes_back(FactKind::Refund, row);
        // By what is left of each, so that none gives back more than it was.
        let parts = if self.left.iter().any(|left| *left > 0) {
            allocate(row.amount_minor, &self.left)
        } else {
            Vec::new()
        };
        for (at, part) in parts.into_iter().enumerate() {
            if let Some(left) = self.left.get_mut(at) {
                *left = left.saturating_sub(part.unsigned_abs());
            }
            let of_line = Fact {
                id: format!("{}/lines/{}", refund.id, at + 1),
                about: Some(self.line_id(at)),
                amount_minor: Some(part),
                ..refund.clone()
            };
            facts.push(self.told(of_line));
        }
        facts.push(self.told(refund));
    }

    fn churn(&self, row: &Model, facts: &mut Vec<Told>) {
        let churn = Fact {
            amount_minor: None,
            currency: None,
            ..self.takes_back(FactKind::Churn, row)
        };
        for at in 0..self.lines.len() {
            let of_line = Fact {
                id: format!("{}/lines/{}", churn.id, at + 1),
                about: Some(self.line_id(at)),
                ..churn.clone()
            };
            facts.push(self.told(of_line));
        }
        facts.push(self.told(churn));
    }

    fn takes_back(&self, kind: FactKind, row: &Model) -> Fact {
        let partner = self.row.partner.clone();
        Fact {
            recorded: row.record_time,
            deal: Some(row.deal.clone()),
            about: Some(self.id.clone()),
            amount_minor: Some(row.amount_minor),
            currency: row.currency,
            ..Fact::new(
                &format!("deal:{}", row.external_id),
                kind,
                partner,
                row.occur_date,
            )
        }
    }
}

fn parties(roles: &[PartnerRole]) -> Vec<Party> {
    let party = |role: &PartnerRole| Party {
        partner: role.partner.clone(),
        role: role.role.name().to_owned(),
    };
    roles.iter().map(party).collect()
}

/// What conditions call a type of deals.
pub(crate) const fn type_name(deal_type: DealType) -> &'static str {
    match deal_type {
        DealType::New => "NEW",
        DealType::Expansion => "EXPANSION",
        DealType::Renewal => "RENEWAL",
    }
}

#[cfg(test)]
mod tests {
    use trellis_core::incentive::Standing;
    use trellis_core::partner::PartnerType;
    use trellis_core::{Currency, EcosystemId, PartnerId, ProductId, Timestamp};

    use super::*;

    fn row(kind: Kind, win: i64, external_id: &str, amount_minor: i64, at: i64) -> Model {
        let partner = PartnerId::try_new("nimbus").unwrap();
        let standing = Standing::new(PartnerType::Reseller, BTreeMap::new());
        let won = kind == Kind::DealWon;
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            source: "deal".to_owned(),
            external_id: external_id.to_owned(),
            revision: 1,
            supersedes: None,
            kind,
            deal: DealId::try_new("d-1").unwrap(),
            win,
            partner: won.then_some(partner),
            standing: won.then_some(standing),
            amount_minor,
            currency: Some(Currency::EUR),
            occur_date: "2026-05-04".parse().unwrap(),
            record_time: Timestamp::from_micros(at),
            detail: None,
        }
    }

    fn won(amounts: &[i64]) -> Model {
        let lines = amounts.iter().enumerate().map(|(at, amount)| WonLine {
            product: ProductId::try_new(&format!("p-{at}")).unwrap(),
            quantity: 2,
            amount_minor: *amount,
        });
        Model {
            detail: Some(Detail {
                lines: lines.collect(),
                deal_type: Some(DealType::Renewal),
                ..Detail::default()
            }),
            ..row(Kind::DealWon, 1, "d-1", amounts.iter().sum(), 1)
        }
    }

    /// What a fact says: id, revision, whether it is withdrawn, what it is about, how much.
    type Said = (String, u32, bool, Option<String>, Option<i64>);

    fn told(rows: &[Model]) -> Vec<Said> {
        of_rows(rows)
            .into_iter()
            .map(|told| {
                let fact = told.fact;
                (
                    fact.id,
                    fact.revision,
                    fact.withdrawn,
                    fact.about,
                    fact.amount_minor,
                )
            })
            .collect()
    }

    fn refunded(rows: &[Model], line: usize) -> i64 {
        let about = format!("deal:d-1/wins/1/lines/{line}");
        told(rows)
            .into_iter()
            .filter(|(_, _, _, of, _)| *of == Some(about.clone()))
            .filter_map(|(_, _, _, _, amount)| amount)
            .sum()
    }

    #[test]
    fn a_win_and_each_of_its_lines_are_facts() {
        let facts = of_rows(&[won(&[100, 50])]);
        let ids: Vec<&str> = facts.iter().map(|told| told.fact.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "deal:d-1/wins/1",
                "deal:d-1/wins/1/lines/1",
                "deal:d-1/wins/1/lines/2"
            ]
        );
        let [win, line, _] = &facts[..] else {
            panic!("a win and two lines");
        };
        assert_eq!(win.fact.amount_minor, Some(150));
        assert_eq!(win.fact.quantity, Some(4));
        assert_eq!(line.fact.kind, FactKind::OrderLine);
        assert_eq!(line.fact.product.as_deref(), Some("p-0"));
        assert_eq!(
            line.fact.fields.get("deal.type"),
            Some(&trellis_evaluation::predicate::Value::from("RENEWAL"))
        );
        assert!(line.standing.is_some());
    }

    #[test]
    fn refunds_take_back_of_each_line_what_is_left_of_it_and_never_more() {
        // Each alone goes to the first of equal lines; together they are the whole deal.
        let mut rows = vec![won(&[1, 1, 1])];
        for at in 1..=3 {
            let id = format!("d-1/refunds/r-{at}");
            rows.push(row(Kind::DealRefunded, 1, &id, 1, 1 + at));
        }
        assert_eq!([1, 2, 3].map(|line| refunded(&rows, line)), [1, 1, 1]);
        // Another one is recorded first, although it is told last.
        rows.push(row(Kind::DealRefunded, 1, "d-1/refunds/r-0", 0, 1));
        assert_eq!([1, 2, 3].map(|line| refunded(&rows, line)), [1, 1, 1]);
        // A deal that was won for nothing gives nothing back.
        let free = [won(&[0, 0]), row(Kind::DealRefunded, 1, "r", 0, 2)];
        assert_eq!([1, 2].map(|line| refunded(&free, line)), [0, 0]);
    }

    #[test]
    fn a_reopening_withdraws_the_win_and_its_lines_and_the_next_win_is_another_fact() {
        let again = Model {
            win: 2,
            revision: 3,
            ..won(&[70])
        };
        let rows = [won(&[100]), row(Kind::DealReopened, 1, "d-1", 0, 2), again];
        let said: Vec<(String, u32, bool)> = told(&rows)
            .into_iter()
            .map(|(id, revision, withdrawn, _, _)| (id, revision, withdrawn))
            .collect();
        let fact = |id: &str, revision, withdrawn| (format!("deal:d-1/{id}"), revision, withdrawn);
        assert_eq!(
            said,
            [
                fact("wins/1", 1, false),
                fact("wins/1/lines/1", 1, false),
                fact("wins/1", 2, true),
                fact("wins/1/lines/1", 2, true),
                fact("wins/2", 1, false),
                fact("wins/2/lines/1", 1, false),
            ]
        );
    }

    #[test]
    fn a_churn_is_of_the_win_and_of_its_lines_and_an_invoice_is_no_fact() {
        let rows = [
            won(&[100]),
            row(Kind::DealChurned, 1, "d-1/churn/c", 0, 2),
            row(Kind::DealInvoiced, 1, "d-1/invoices/i", 100, 3),
        ];
        let about: Vec<(String, Option<String>)> = told(&rows)
            .into_iter()
            .skip(2)
            .map(|(id, _, _, about, _)| (id, about))
            .collect();
        let fact = |id: &str, of: &str| (format!("deal:d-1/{id}"), Some(format!("deal:d-1/{of}")));
        assert_eq!(
            about,
            [
                fact("churn/c/lines/1", "wins/1/lines/1"),
                fact("churn/c", "wins/1")
            ]
        );
    }
}
