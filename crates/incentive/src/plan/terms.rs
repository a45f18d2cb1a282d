//! The terms of a plan version between the wire and the row: how each part is read, and how it is
//! shown. Pure.

use trellis_api::google::r#type as google;
use trellis_api::incentive::v1 as pb;
use trellis_api::partner::v1::partner::PartnerType as WirePartnerType;
use trellis_api::{Fields, child_name, money};
use trellis_core::{Currency, EcosystemId, Money, ProgramId, Rate, TierId};
use trellis_store::incentive::plan_version::{Kind, State};
use trellis_store::incentive::terms::{
    Audience, Band, Below, Limits, Mode, Schedule, Source, Threshold, Trigger, Window,
};
use trellis_store::partner::partner::PartnerType;

use super::edit::{AudienceEdit, Priced};

/// The most that an amount of a plan may be, in minor units: with it the arithmetic of fifty bands
/// stays far inside of what it computes with.
const LARGEST_MINOR: i64 = 10_000_000_000_000_000;

/// Reads an audience.
pub(crate) fn read_audience(
    fields: &mut Fields,
    audience: Option<pb::Audience>,
) -> Option<AudienceEdit> {
    let pb::Audience {
        tiers,
        partner_types,
    } = audience.unwrap_or_default();
    let read: Vec<Option<(ProgramId, TierId)>> = tiers
        .iter()
        .enumerate()
        .map(|(at, tier)| fields.child(&format!("plan_version.audience.tiers[{at}]"), tier))
        .collect();
    let partner_types = partner_types
        .into_iter()
        .filter_map(read_partner_type)
        .collect();
    Some(AudienceEdit {
        tiers: read.into_iter().collect::<Option<_>>()?,
        partner_types,
    })
}

/// Reads a measure, whose parts the contract's rules have checked.
pub(crate) fn read_measure(measure: Option<pb::Measure>) -> Option<(Source, Window)> {
    let pb::Measure { source, window } = measure?;
    let source = match pb::measure::Source::try_from(source).ok()? {
        pb::measure::Source::Unspecified => return None,
        pb::measure::Source::DealNet => Source::DealNet,
    };
    let window = match pb::measure::Window::try_from(window).ok()? {
        pb::measure::Window::Unspecified => return None,
        pb::measure::Window::Event => Window::Event,
        pb::measure::Window::Month => Window::Month,
        pb::measure::Window::Quarter => Window::Quarter,
        pb::measure::Window::Half => Window::Half,
        pb::measure::Window::Year => Window::Year,
    };
    Some((source, window))
}

/// Reads a trigger, which the contract's rules have checked.
pub(crate) fn read_trigger(trigger: i32) -> Option<Trigger> {
    match pb::plan_version::Trigger::try_from(trigger).ok()? {
        pb::plan_version::Trigger::Unspecified => None,
        pb::plan_version::Trigger::DealWon => Some(Trigger::DealWon),
    }
}

/// Reads a kind, which the contract's rules have checked.
pub(crate) fn read_kind(kind: i32) -> Option<Kind> {
    Some(match pb::plan_version::Kind::try_from(kind).ok()? {
        pb::plan_version::Kind::Unspecified => return None,
        pb::plan_version::Kind::Commission => Kind::Commission,
        pb::plan_version::Kind::Rebate => Kind::Rebate,
        pb::plan_version::Kind::Referral => Kind::Referral,
        pb::plan_version::Kind::Spiff => Kind::Spiff,
        pb::plan_version::Kind::Bonus => Kind::Bonus,
    })
}

/// Reads a schedule.
pub(crate) fn read_schedule(
    fields: &mut Fields,
    schedule: Option<pb::Schedule>,
) -> Option<Priced<Schedule>> {
    let pb::Schedule {
        mode,
        threshold,
        bands,
    } = schedule?;
    let mode = match pb::schedule::Mode::try_from(mode).ok()? {
        pb::schedule::Mode::Unspecified => None,
        pb::schedule::Mode::Marginal => Some(Mode::Marginal),
        pb::schedule::Mode::Whole => Some(Mode::Whole),
    };
    let threshold = match pb::schedule::Threshold::try_from(threshold).ok()? {
        pb::schedule::Threshold::Unspecified | pb::schedule::Threshold::AtOrAbove => {
            Threshold::AtOrAbove
        }
        pb::schedule::Threshold::Above => Threshold::Above,
    };
    let mut currencies = Vec::new();
    let mut read: Vec<Option<Band>> = Vec::with_capacity(bands.len());
    let mut highest = None;
    for (at, band) in bands.into_iter().enumerate() {
        let path = format!("schedule.bands[{at}]");
        let band = read_band(fields, &path, band, &mut currencies);
        if let Some(band) = &band {
            if highest.is_some_and(|highest| band.from_minor <= highest) {
                let path = format!("plan_version.{path}.from_amount");
                fields.refuse(
                    path,
                    "bands.ascending",
                    "must be more than that of the band before",
                );
            }
            highest = Some(band.from_minor);
        }
        read.push(band);
    }
    let bands = read.into_iter().collect::<Option<_>>()?;
    Some(Priced {
        value: Schedule {
            mode: mode?,
            threshold,
            bands,
        },
        currencies,
    })
}

fn read_band(
    fields: &mut Fields,
    path: &str,
    band: pb::Band,
    currencies: &mut Vec<(String, Currency)>,
) -> Option<Band> {
    let pb::Band {
        from_amount,
        rate,
        fixed_amount,
    } = band;
    let from_minor = read_amount(
        fields,
        &format!("{path}.from_amount"),
        from_amount,
        currencies,
    );
    let fixed_minor = read_amount(
        fields,
        &format!("{path}.fixed_amount"),
        fixed_amount,
        currencies,
    );
    let rate_path = format!("plan_version.{path}.rate");
    let rate = fields
        .optional_rate(&rate_path, rate)
        .map(|rate| rate.unwrap_or(Rate::ZERO));
    if rate.is_some_and(|rate| rate.is_negative() || rate > Rate::ONE) {
        let description = "must be between 0 and 1: 0.05 is 5 %";
        fields.refuse(rate_path, "rate.range", description);
        return None;
    }
    Some(Band {
        from_minor: from_minor?.unwrap_or_default(),
        rate: rate?,
        fixed_minor: fixed_minor?.unwrap_or_default(),
    })
}

/// Reads limits.
pub(crate) fn read_limits(
    fields: &mut Fields,
    limits: Option<pb::Limits>,
) -> Option<Priced<Limits>> {
    let pb::Limits {
        minimum_amount,
        below,
        maximum_amount,
    } = limits.unwrap_or_default();
    let mut currencies = Vec::new();
    let minimum = read_amount(
        fields,
        "limits.minimum_amount",
        minimum_amount,
        &mut currencies,
    );
    let maximum = read_amount(
        fields,
        "limits.maximum_amount",
        maximum_amount,
        &mut currencies,
    );
    let below = match pb::limits::Below::try_from(below).ok()? {
        pb::limits::Below::Unspecified | pb::limits::Below::Forfeit => Below::Forfeit,
        pb::limits::Below::RaiseTo => Below::RaiseTo,
    };
    let (minimum_minor, maximum_minor) = (minimum?, maximum?);
    let maximum_path = "plan_version.limits.maximum_amount";
    if let Some(maximum) = maximum_minor {
        if maximum == 0 {
            fields.refuse(maximum_path, "money.gt", "must be more than 0");
        } else if minimum_minor.is_some_and(|minimum| minimum > maximum) {
            fields.refuse(
                maximum_path,
                "money.gte",
                "must not be less than the minimum",
            );
        }
    }
    Some(Priced {
        value: Limits {
            minimum_minor,
            below,
            maximum_minor,
        },
        currencies,
    })
}

/// Reads an amount that is not negative, and notes its currency.
fn read_amount(
    fields: &mut Fields,
    path: &str,
    amount: Option<google::Money>,
    currencies: &mut Vec<(String, Currency)>,
) -> Option<Option<i64>> {
    let whole_path = format!("plan_version.{path}");
    let Some(Money { minor, currency }) = fields.optional_money(&whole_path, amount)? else {
        return Some(None);
    };
    if !(0..=LARGEST_MINOR).contains(&minor) {
        let description = "must be 0 or more, and less than 10^16 of the smallest coin";
        fields.refuse(whole_path, "money.range", description);
        return None;
    }
    currencies.push((path.to_owned(), currency));
    Some(Some(minor))
}

fn read_partner_type(number: i32) -> Option<PartnerType> {
    Some(match WirePartnerType::try_from(number).ok()? {
        WirePartnerType::Unspecified => return None,
        WirePartnerType::Reseller => PartnerType::Reseller,
        WirePartnerType::Distributor => PartnerType::Distributor,
        WirePartnerType::Technology => PartnerType::Technology,
        WirePartnerType::CloudProvider => PartnerType::CloudProvider,
        WirePartnerType::SystemIntegrator => PartnerType::SystemIntegrator,
        WirePartnerType::Consultant => PartnerType::Consultant,
        WirePartnerType::Referral => PartnerType::Referral,
        WirePartnerType::Supplier => PartnerType::Supplier,
        WirePartnerType::ManagedServiceProvider => PartnerType::ManagedServiceProvider,
    })
}

/// The kind of a partner on the wire.
pub(crate) fn wire_partner_type(partner_type: PartnerType) -> WirePartnerType {
    match partner_type {
        PartnerType::Reseller => WirePartnerType::Reseller,
        PartnerType::Distributor => WirePartnerType::Distributor,
        PartnerType::Technology => WirePartnerType::Technology,
        PartnerType::CloudProvider => WirePartnerType::CloudProvider,
        PartnerType::SystemIntegrator => WirePartnerType::SystemIntegrator,
        PartnerType::Consultant => WirePartnerType::Consultant,
        PartnerType::Referral => WirePartnerType::Referral,
        PartnerType::Supplier => WirePartnerType::Supplier,
        PartnerType::ManagedServiceProvider => WirePartnerType::ManagedServiceProvider,
    }
}

/// An audience on the wire.
pub(crate) fn wire_audience(
    ecosystem: &EcosystemId,
    program: &ProgramId,
    audience: Audience,
) -> pb::Audience {
    let Audience {
        tiers,
        partner_types,
    } = audience;
    pb::Audience {
        tiers: tiers
            .iter()
            .map(|tier| child_name(ecosystem, program, tier))
            .collect(),
        partner_types: partner_types
            .into_iter()
            .map(|partner_type| wire_partner_type(partner_type).into())
            .collect(),
    }
}

/// A measure on the wire.
pub(crate) fn wire_measure(source: Source, window: Window) -> pb::Measure {
    let source = match source {
        Source::DealNet => pb::measure::Source::DealNet,
    };
    let window = match window {
        Window::Event => pb::measure::Window::Event,
        Window::Month => pb::measure::Window::Month,
        Window::Quarter => pb::measure::Window::Quarter,
        Window::Half => pb::measure::Window::Half,
        Window::Year => pb::measure::Window::Year,
    };
    pb::Measure {
        source: source.into(),
        window: window.into(),
    }
}

/// A schedule on the wire.
pub(crate) fn wire_schedule(schedule: Schedule, currency: Currency) -> pb::Schedule {
    let Schedule {
        mode,
        threshold,
        bands,
    } = schedule;
    let mode = match mode {
        Mode::Marginal => pb::schedule::Mode::Marginal,
        Mode::Whole => pb::schedule::Mode::Whole,
    };
    let threshold = match threshold {
        Threshold::AtOrAbove => pb::schedule::Threshold::AtOrAbove,
        Threshold::Above => pb::schedule::Threshold::Above,
    };
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    let bands = bands
        .into_iter()
        .map(
            |Band {
                 from_minor,
                 rate,
                 fixed_minor,
             }| pb::Band {
                from_amount: amount(from_minor),
                rate: Some(trellis_api::rate::wire(rate)),
                fixed_amount: amount(fixed_minor),
            },
        )
        .collect();
    pb::Schedule {
        mode: mode.into(),
        threshold: threshold.into(),
        bands,
    }
}

/// Limits on the wire; none where there are none.
pub(crate) fn wire_limits(limits: Limits, currency: Currency) -> Option<pb::Limits> {
    if limits == Limits::default() {
        return None;
    }
    let Limits {
        minimum_minor,
        below,
        maximum_minor,
    } = limits;
    let below = match below {
        Below::Forfeit => pb::limits::Below::Forfeit,
        Below::RaiseTo => pb::limits::Below::RaiseTo,
    };
    let amount = |minor| money::wire(Money::new(minor, currency));
    Some(pb::Limits {
        minimum_amount: minimum_minor.map(amount),
        below: below.into(),
        maximum_amount: maximum_minor.map(amount),
    })
}

/// A state on the wire.
pub(crate) fn wire_state(state: State) -> pb::plan_version::State {
    match state {
        State::Draft => pb::plan_version::State::Draft,
        State::Scheduled => pb::plan_version::State::Scheduled,
        State::Active => pb::plan_version::State::Active,
        State::Retired => pb::plan_version::State::Retired,
    }
}

/// A kind on the wire.
pub(crate) fn wire_kind(kind: Kind) -> pb::plan_version::Kind {
    match kind {
        Kind::Commission => pb::plan_version::Kind::Commission,
        Kind::Rebate => pb::plan_version::Kind::Rebate,
        Kind::Referral => pb::plan_version::Kind::Referral,
        Kind::Spiff => pb::plan_version::Kind::Spiff,
        Kind::Bonus => pb::plan_version::Kind::Bonus,
    }
}

/// A trigger on the wire.
pub(crate) fn wire_trigger(trigger: Trigger) -> pb::plan_version::Trigger {
    match trigger {
        Trigger::DealWon => pb::plan_version::Trigger::DealWon,
    }
}
