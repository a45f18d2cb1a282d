//! Which territories have something in common. Pure.

use std::collections::HashMap;

use trellis_core::TerritoryId;

/// What the rule needs to know of a territory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The territory that it lies within.
    pub parent: Option<TerritoryId>,
    /// The countries (`US`) and subdivisions (`US-CA`) that it consists of.
    pub region_codes: Vec<String>,
}

/// Some territories, with all that they lie within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(pub HashMap<TerritoryId, Place>);

impl Places {
    /// Whether two territories have something in common: they are the same, one lies within the
    /// other, or both hold a country or subdivision.
    #[must_use]
    pub fn overlap(&self, one: &TerritoryId, other: &TerritoryId) -> bool {
        one == other
            || self.lies_within(one, other)
            || self.lies_within(other, one)
            || self.share_a_region(one, other)
    }

    /// Whether `inner` lies within `outer`, at any depth. A walk longer than the map is a circle,
    /// which nobody can make; it ends there.
    #[must_use]
    pub fn lies_within(&self, inner: &TerritoryId, outer: &TerritoryId) -> bool {
        let parent = |of: &TerritoryId| self.0.get(of).and_then(|place| place.parent.as_ref());
        std::iter::successors(parent(inner), |within| parent(within))
            .take(self.0.len())
            .any(|within| within == outer)
    }

    fn share_a_region(&self, one: &TerritoryId, other: &TerritoryId) -> bool {
        let codes = |of: &TerritoryId| {
            self.0
                .get(of)
                .map_or(&[] as &[String], |place| place.region_codes.as_slice())
        };
        codes(one).iter().any(|mine| {
            codes(other)
                .iter()
                .any(|theirs| covers(mine, theirs) || covers(theirs, mine))
        })
    }
}

/// Whether a region is another one or holds it: `US` holds `US-CA`.
#[must_use]
pub fn covers(region: &str, other: &str) -> bool {
    other
        .strip_prefix(region)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> TerritoryId {
        TerritoryId::try_new(id).unwrap()
    }

    fn places() -> Places {
        let place = |name: &str, parent: Option<&str>, codes: &[&str]| {
            let region_codes = codes.iter().map(|code| (*code).to_owned()).collect();
            (
                id(name),
                Place {
                    parent: parent.map(id),
                    region_codes,
                },
            )
        };
        Places(HashMap::from([
            place("emea", None, &[]),
            place("dach", Some("emea"), &["DE", "AT", "CH"]),
            place("bavaria", Some("dach"), &["DE-BY"]),
            place("germany", None, &["DE"]),
            place("west", None, &["US-CA", "US-OR"]),
            place("usa", None, &["US"]),
            place("usurp", None, &["USX"]),
        ]))
    }

    #[test]
    fn territories_overlap_by_identity_nesting_and_regions() {
        let cases = [
            ("dach", "dach", true),
            ("bavaria", "emea", true),
            ("dach", "emea", true),
            ("bavaria", "germany", true),
            ("dach", "germany", true),
            ("west", "usa", true),
            ("usa", "usurp", false),
            ("emea", "usa", false),
            ("germany", "west", false),
            ("unknown", "usa", false),
            ("unknown", "unknown", true),
        ];
        let places = places();
        for (one, other, expected) in cases {
            assert_eq!(
                places.overlap(&id(one), &id(other)),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                places.overlap(&id(other), &id(one)),
                expected,
                "{other} {one}"
            );
        }
    }

    #[test]
    fn a_circle_does_not_hang() {
        let within = |parent: &str| Place {
            parent: Some(id(parent)),
            region_codes: Vec::new(),
        };
        let places = Places(HashMap::from([
            (id("a"), within("b")),
            (id("b"), within("a")),
        ]));
        assert!(!places.overlap(&id("a"), &id("c")));
    }
}
