//! Lines of payout batches: what a batch does to one award. Only ever added.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sha2::{Digest, Sha256};
use trellis_core::{AwardId, BatchId, Currency, EcosystemId, Page, PageQuery, PartnerId};

use crate::page::{self, Columns};
use crate::{Error, View};

/// One line.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_lines")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch: BatchId,
    /// The partner: its item.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The award.
    #[sea_orm(primary_key, auto_increment = false)]
    pub award: AwardId,
    /// What was due for the award, in minor units of the batch's currency.
    pub gross_minor: i64,
    /// How much of it is kept for what is owed.
    pub set_off_minor: i64,
    /// How much of what was owed for the award itself is settled.
    pub recovered_minor: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Award;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "partner" => Column::Partner,
            "award" => Column::Award,
            _ => return None,
        })
    }
}

fn of_batch(view: &View, batch: &BatchId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.batch.eq(batch.clone()))
}

/// All lines of a batch, by partner and award.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn all(view: &View, batch: &BatchId) -> Result<Vec<Model>, Error> {
    Ok(of_batch(view, batch)
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::Award)
        .all(&view.db())
        .await?)
}

/// Reads one page of the lines of a batch.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, batch: &BatchId, asked: &PageQuery) -> Result<Page<Model>, Error> {
    page::page(&view.db(), of_batch(view, batch), asked).await
}

/// The hash of the lines of a batch, in the order of partner and award, whatever order they come
/// in. Each is one line of text: the partner, the award, and the three amounts.
#[must_use]
pub fn content_hash(currency: Currency, lines: &[Model]) -> Vec<u8> {
    let mut sorted: Vec<&Model> = lines.iter().collect();
    sorted.sort_unstable_by_key(|line| (&line.partner, &line.award));
    let mut hash = Sha256::new();
    hash.update(format!("{currency}\n"));
    for Model {
        ecosystem: _,
        batch: _,
        partner,
        award,
        gross_minor,
        set_off_minor,
        recovered_minor,
    } in sorted
    {
        hash.update(format!(
            "{partner} {award} {gross_minor} {set_off_minor} {recovered_minor}\n"
        ));
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(partner: &str, award: &str, gross_minor: i64) -> Model {
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            batch: BatchId::try_new("b").unwrap(),
            partner: PartnerId::try_new(partner).unwrap(),
            award: AwardId::try_new(award).unwrap(),
            gross_minor,
            set_off_minor: 0,
            recovered_minor: 0,
        }
    }

    #[test]
    fn the_hash_is_of_what_the_lines_say_and_not_of_their_order() {
        let lines = [
            line("nimbus", "a", 5),
            line("nimbus", "b", 6),
            line("cirrus", "c", 7),
        ];
        let hash = content_hash(Currency::USD, &lines);
        let mut turned = lines.clone();
        turned.reverse();
        assert_eq!(content_hash(Currency::USD, &turned), hash);
        assert_ne!(content_hash(Currency::EUR, &lines), hash);
        assert_ne!(content_hash(Currency::USD, &lines[1..]), hash);
        let mut other = lines;
        other[0].gross_minor += 1;
        assert_ne!(content_hash(Currency::USD, &other), hash);
    }
}
