//! What a partner was when something happened: its kind, and the tier that it held in each program.
//!
//! It is written down with the fact, so that an award can be computed again when the partner has
//! long become something else.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sea_orm::{ActiveEnum, DeriveValueType};

use crate::column::never_counted;
use crate::partner::PartnerType;
use crate::{ProgramId, TierId};

/// A partner's kind and tiers. Its text, `RESELLER gold=silver plus=base`, is the same for equal
/// standings, so that it can be part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct Standing {
    partner_type: PartnerType,
    tiers: BTreeMap<ProgramId, TierId>,
}

never_counted!(Standing);

/// The text is not a standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a partner's kind followed by its tiers")]
pub struct InvalidStanding;

impl Standing {
    /// A partner of this kind that holds these tiers.
    #[must_use]
    pub fn new(partner_type: PartnerType, tiers: BTreeMap<ProgramId, TierId>) -> Self {
        Self {
            partner_type,
            tiers,
        }
    }

    /// What kind of partner it was.
    #[must_use]
    pub fn partner_type(&self) -> PartnerType {
        self.partner_type
    }

    /// The kind's name, such as `RESELLER`.
    #[must_use]
    pub fn partner_type_name(&self) -> String {
        self.partner_type.name()
    }

    /// The tier that it held in a program; none if it was not enrolled there.
    #[must_use]
    pub fn tier(&self, program: &ProgramId) -> Option<&TierId> {
        self.tiers.get(program)
    }

    /// The programs that it was enrolled in.
    pub fn programs(&self) -> impl Iterator<Item = &ProgramId> {
        self.tiers.keys()
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.partner_type.name())?;
        for (program, tier) in &self.tiers {
            write!(f, " {program}={tier}")?;
        }
        Ok(())
    }
}

impl FromStr for Standing {
    type Err = InvalidStanding;

    fn from_str(text: &str) -> Result<Self, InvalidStanding> {
        let mut parts = text.split(' ');
        let partner_type = parts.next().unwrap_or_default().to_owned();
        let partner_type =
            PartnerType::try_from_value(&partner_type).map_err(|_| InvalidStanding)?;
        let mut tiers = BTreeMap::new();
        for part in parts {
            let (program, tier) = part.split_once('=').ok_or(InvalidStanding)?;
            tiers.insert(
                ProgramId::try_new(program).map_err(|_| InvalidStanding)?,
                TierId::try_new(tier).map_err(|_| InvalidStanding)?,
            );
        }
        Ok(Self {
            partner_type,
            tiers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_back_from_its_text() {
        let program = |id: &str| ProgramId::try_new(id).unwrap();
        let tier = |id: &str| TierId::try_new(id).unwrap();
        let tiers = [("plus", "base"), ("gold", "silver")];
        let standing = Standing::new(
            PartnerType::Reseller,
            tiers
                .iter()
                .map(|(at, held)| (program(at), tier(held)))
                .collect(),
        );
        assert_eq!(standing.to_string(), "RESELLER gold=silver plus=base");
        assert_eq!(standing.to_string().parse(), Ok(standing.clone()));
        assert_eq!(standing.tier(&program("gold")), Some(&tier("silver")));
        assert_eq!(standing.tier(&program("none")), None);
    }

    #[test]
    fn what_is_no_standing_is_refused() {
        for bad in [
            "",
            "NOBODY",
            "RESELLER gold",
            "RESELLER gold=",
            "RESELLER =silver",
        ] {
            assert_eq!(bad.parse::<Standing>(), Err(InvalidStanding), "{bad:?}");
        }
    }
}
