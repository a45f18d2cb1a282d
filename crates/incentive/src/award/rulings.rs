//! What people have ruled about an award, on the wire and in words.

use trellis_api::incentive::v1 as pb;
use trellis_api::{money, time};
use trellis_core::Money;
use trellis_store::incentive::award::{Model, Ruling, RulingKind};

/// What is due of an award after all rulings.
pub(super) fn due(award: &Model) -> Money {
    Money::new(award.due_minor(), award.currency)
}

/// The rulings about an award on the wire.
pub(super) fn wire_all(award: &Model) -> Vec<pb::AwardRuling> {
    let rulings = award.rulings().iter();
    rulings.map(|ruling| wire(award, ruling)).collect()
}

/// The story of an award in plain words, with the rulings about it.
pub(super) fn told(summary: String, award: &Model) -> String {
    let rulings = award.rulings();
    if rulings.is_empty() {
        return summary;
    }
    let rulings = rulings.iter().map(|ruling| in_words(award, ruling));
    let mut words: Vec<String> = std::iter::once(summary).chain(rulings).collect();
    words.push(format!("What is due of it is {}.", due(award)));
    words.join(" ")
}

fn wire(award: &Model, ruling: &Ruling) -> pb::AwardRuling {
    let amount = |minor| Some(money::wire(Money::new(minor, award.currency)));
    let kind = match ruling.kind {
        RulingKind::Rejected => pb::award_ruling::Kind::Rejected,
        RulingKind::Adjusted => pb::award_ruling::Kind::Adjusted,
    };
    pb::AwardRuling {
        kind: kind.into(),
        amount: amount(ruling.minor),
        entitled_amount: amount(ruling.entitled_minor),
        reason_code: ruling.reason_code.clone(),
        create_time: Some(time::wire(ruling.time)),
    }
}

fn in_words(award: &Model, ruling: &Ruling) -> String {
    let amount = |minor| Money::new(minor, award.currency);
    let Ruling {
        posting: _,
        kind,
        minor,
        entitled_minor,
        reason_code,
        time: _,
        prepared_by: _,
    } = ruling;
    match kind {
        RulingKind::Rejected => format!(
            "The last {} of {} were rejected ({reason_code}).",
            amount(*minor),
            amount(*entitled_minor)
        ),
        RulingKind::Adjusted if *minor < 0 => {
            format!("{} were taken off ({reason_code}).", amount(-*minor))
        }
        RulingKind::Adjusted => format!("{} were added ({reason_code}).", amount(*minor)),
    }
}
