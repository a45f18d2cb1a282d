//! What is counted, and how much that pays.

use trellis_api::incentive::v1 as pb;
use trellis_api::money;
use trellis_api::rate;
use trellis_core::{Currency, Money, Rate};
use trellis_store::incentive::terms::{
    Band, BandBy, GroupBy, Measure, Mode, PayOn, Quantity, Schedule, Source, Target, Threshold,
    Window,
};

use super::{Reader, names};
use crate::plan::edit::{BEYOND_ONE, BandEdit, ScheduleEdit, in_money, pays_shares};

names!(window_of, window_on_wire: pb::measure::Window, Window,
    Event Month Quarter Half Year Lifetime);
names!(group_of, group_on_wire: pb::measure::GroupBy, GroupBy,
    Partner PartnerCustomer PartnerProduct Deal);
names!(band_by_of, band_by_on_wire: pb::measure::BandBy, BandBy,
    Measure Attainment Growth TenureMonths);
names!(mode_of, mode_on_wire: pb::schedule::Mode, Mode, Marginal Whole Linear);
names!(threshold_of, threshold_on_wire: pb::schedule::Threshold, Threshold, AtOrAbove Above);

/// Reads a measure, whose parts the contract's rules have checked.
pub(crate) fn read_measure(
    reader: &mut Reader<'_>,
    measure: Option<pb::Measure>,
) -> Option<Measure> {
    let pb::Measure {
        source,
        window,
        group_by,
        target,
        band_by,
        pay_on,
        target_payout_amount,
    } = measure?;
    let source = source_of(source)?;
    let target = match target {
        None => Some(Target::None),
        Some(target) => read_target(reader, target, source),
    };
    let payout = reader.positive("measure.target_payout_amount", target_payout_amount);
    let pay_on = read_pay_on(reader, pay_on, payout?);
    Some(Measure {
        source,
        window: window_of(window)?,
        group_by: group_of(group_by).unwrap_or(GroupBy::Partner),
        target: target?,
        band_by: band_by_of(band_by).unwrap_or(BandBy::Measure),
        pay_on: pay_on?,
    })
}

fn source_of(number: i32) -> Option<Source> {
    use pb::measure::Source as Wire;
    Some(match Wire::try_from(number).ok()? {
        Wire::Unspecified => return None,
        Wire::DealNet => Source::DealTcv,
        Wire::LineNet => Source::LineNet,
        Wire::LineMargin => Source::LineMargin,
        Wire::InvoicePaidNet => Source::InvoicePaidNet,
        Wire::DealAnnual => Source::DealAcv,
        Wire::PurchasesNet => Source::PurchasesNet,
        Wire::Units => Source::Units,
        Wire::Count => Source::Count,
        Wire::Metric => Source::Metric,
    })
}

fn source_on_wire(source: Source) -> pb::measure::Source {
    use pb::measure::Source as Wire;
    match source {
        Source::DealTcv => Wire::DealNet,
        Source::LineNet => Wire::LineNet,
        Source::LineMargin => Wire::LineMargin,
        Source::InvoicePaidNet => Wire::InvoicePaidNet,
        Source::DealAcv => Wire::DealAnnual,
        Source::PurchasesNet => Wire::PurchasesNet,
        Source::Units => Wire::Units,
        Source::Count => Wire::Count,
        Source::Metric => Wire::Metric,
    }
}

fn read_target(
    reader: &mut Reader<'_>,
    target: pb::MeasureTarget,
    source: Source,
) -> Option<Target> {
    use pb::measure_target::Kind as Wire;
    let pb::MeasureTarget {
        kind,
        fixed_amount,
        fixed_number,
        quota,
    } = target;
    let kind = Wire::try_from(kind).ok()?;
    let is_money = source.quantity() == Quantity::Money;
    let amount = reader.amount("measure.target.fixed_amount", fixed_amount)?;
    let mut only = |given: bool, field: &str, fits: bool, otherwise: &str| {
        if given && !fits {
            reader.refuse(&format!("measure.target.{field}"), "target.kind", otherwise);
        }
        !given || fits
    };
    let fine = [
        only(
            amount.is_some(),
            "fixed_amount",
            kind == Wire::Fixed && is_money,
            "is that of KIND_FIXED where money is measured; leave it out",
        ),
        only(
            fixed_number != 0,
            "fixed_number",
            kind == Wire::Fixed && !is_money,
            "is that of KIND_FIXED where a number is measured; leave it out",
        ),
        only(
            !quota.is_empty(),
            "quota",
            kind == Wire::Quota,
            "is that of KIND_QUOTA; leave it out",
        ),
    ];
    if fine.contains(&false) {
        return None;
    }
    Some(match kind {
        Wire::Unspecified => return None,
        Wire::Fixed => Target::Fixed(amount.unwrap_or(fixed_number)),
        Wire::Quota => Target::Quota(quota.trim().to_owned()),
        Wire::PriorPeriod => Target::PriorPeriod,
        Wire::SamePeriodLastYear => Target::SamePeriodLastYear,
    })
}

fn read_pay_on(reader: &mut Reader<'_>, pay_on: i32, payout: Option<i64>) -> Option<PayOn> {
    use pb::measure::PayOn as Wire;
    let field = "measure.target_payout_amount";
    match (Wire::try_from(pay_on).ok()?, payout) {
        (Wire::TargetPayout, Some(payout)) => Some(PayOn::TargetPayout(payout)),
        (Wire::TargetPayout, None) => {
            reader.refuse(
                field,
                "required",
                "is what PAY_ON_TARGET_PAYOUT pays shares of",
            );
            None
        }
        (_, Some(_)) => {
            let otherwise = "is that of PAY_ON_TARGET_PAYOUT; leave it out";
            reader.refuse(field, "target.kind", otherwise);
            None
        }
        (Wire::Unspecified | Wire::Measure, None) => Some(PayOn::Measure),
        (Wire::Increment, None) => Some(PayOn::Increment),
    }
}

/// A measure on the wire.
pub(crate) fn wire_measure(measure: Measure, currency: Currency) -> pb::Measure {
    let Measure {
        source,
        window,
        group_by,
        target,
        band_by,
        pay_on,
    } = measure;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    let (pay_on, target_payout_amount) = match pay_on {
        PayOn::Measure => (pb::measure::PayOn::Measure, None),
        PayOn::Increment => (pb::measure::PayOn::Increment, None),
        PayOn::TargetPayout(minor) => (pb::measure::PayOn::TargetPayout, amount(minor)),
    };
    pb::Measure {
        source: source_on_wire(source).into(),
        window: window_on_wire(window),
        group_by: group_on_wire(group_by),
        target: wire_target(target, source, currency),
        band_by: band_by_on_wire(band_by),
        pay_on: pay_on.into(),
        target_payout_amount,
    }
}

fn wire_target(target: Target, source: Source, currency: Currency) -> Option<pb::MeasureTarget> {
    use pb::measure_target::Kind as Wire;
    let mut wire = pb::MeasureTarget::default();
    let kind = match target {
        Target::None => return None,
        Target::Fixed(amount) => {
            match source.quantity() {
                Quantity::Money => {
                    wire.fixed_amount = Some(money::wire(Money::new(amount, currency)));
                }
                Quantity::Number => wire.fixed_number = amount,
            }
            Wire::Fixed
        }
        Target::Quota(name) => {
            wire.quota = name;
            Wire::Quota
        }
        Target::PriorPeriod => Wire::PriorPeriod,
        Target::SamePeriodLastYear => Wire::SamePeriodLastYear,
    };
    wire.kind = kind.into();
    Some(wire)
}

/// Reads a schedule, and with the measure, where that is given too, what its rates may be.
pub(crate) fn read_schedule(
    reader: &mut Reader<'_>,
    schedule: Option<pb::Schedule>,
    measure: Option<&Measure>,
) -> Option<ScheduleEdit> {
    let pb::Schedule {
        mode,
        threshold,
        bands,
    } = schedule?;
    let mode = mode_of(mode);
    let shares = measure
        .zip(mode)
        .is_some_and(|(measure, mode)| pays_shares(measure, mode));
    let mut read: Vec<Option<BandEdit>> = Vec::with_capacity(bands.len());
    let mut highest: Option<Rate> = None;
    for (at, band) in bands.into_iter().enumerate() {
        let path = format!("schedule.bands[{at}]");
        let band = read_band(reader, &path, band);
        if let Some(band) = &band {
            if shares && band.rate > Rate::ONE {
                reader.refuse(&format!("{path}.rate"), "rate.range", BEYOND_ONE);
            }
            if highest.is_some_and(|highest| band.from <= highest) {
                let field = if band.in_money {
                    "from_amount"
                } else {
                    "from_value"
                };
                reader.refuse(
                    &format!("{path}.{field}"),
                    "bands.ascending",
                    "must be more than that of the band before",
                );
            }
            highest = Some(band.from);
        }
        read.push(band);
    }
    Some(ScheduleEdit {
        mode: mode?,
        threshold: threshold_of(threshold).unwrap_or(Threshold::AtOrAbove),
        bands: read.into_iter().collect::<Option<_>>()?,
    })
}

fn read_band(reader: &mut Reader<'_>, path: &str, band: pb::Band) -> Option<BandEdit> {
    let pb::Band {
        from_amount,
        rate,
        fixed_amount,
        from_value,
    } = band;
    let from_amount = reader.amount(&format!("{path}.from_amount"), from_amount);
    let from_value = reader.number(&format!("{path}.from_value"), from_value);
    let fixed_minor = reader.amount(&format!("{path}.fixed_amount"), fixed_amount);
    let rate = reader.number(&format!("{path}.rate"), rate);
    let rate = rate?.unwrap_or(Rate::ZERO);
    if rate.is_negative() {
        reader.refuse(
            &format!("{path}.rate"),
            "rate.range",
            "must not be negative",
        );
        return None;
    }
    let (from, in_money) = match (from_amount?, from_value?) {
        (Some(_), Some(_)) => {
            let otherwise = "begins the band already; leave one of the two out";
            reader.refuse(&format!("{path}.from_value"), "band.from", otherwise);
            return None;
        }
        (Some(minor), None) => (Rate::try_from(minor).ok()?, true),
        (None, Some(value)) => (value, false),
        (None, None) => (Rate::ZERO, true),
    };
    Some(BandEdit {
        from,
        in_money,
        rate,
        fixed_minor: fixed_minor?.unwrap_or_default(),
    })
}

/// A schedule on the wire.
pub(crate) fn wire_schedule(
    schedule: Schedule,
    measure: &Measure,
    currency: Currency,
) -> pb::Schedule {
    let Schedule {
        mode,
        threshold,
        bands,
        floor: _,
    } = schedule;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    let in_money = in_money(measure);
    let wired = |band: Band| {
        let Band {
            from,
            rate: share,
            fixed_minor,
        } = band;
        let from_amount = in_money.then(|| from.whole()).flatten();
        pb::Band {
            from_amount: from_amount.and_then(amount),
            from_value: (!in_money).then(|| rate::wire(from)),
            rate: Some(rate::wire(share)),
            fixed_amount: amount(fixed_minor),
        }
    };
    pb::Schedule {
        mode: mode_on_wire(mode),
        threshold: threshold_on_wire(threshold),
        bands: bands.into_iter().map(wired).collect(),
    }
}
