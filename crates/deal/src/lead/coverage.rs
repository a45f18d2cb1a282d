//! Which territories of a partner cover where a lead is. Pure.

use trellis_core::TerritoryId;

use crate::registration::places::{Places, covers};

/// Where a lead is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// In a territory.
    Territory(TerritoryId),
    /// In a country, and nobody said in which territory.
    Region(String),
    /// Nobody said, so that no territory speaks against it.
    Unknown,
}

/// Whether one of the territories covers a spot; none named is everywhere. `places` are all
/// territories that there are.
#[must_use]
pub fn is_covered(spot: &Spot, by: &[TerritoryId], places: &Places) -> bool {
    by.is_empty() || by.iter().any(|outer| covered_by(spot, outer, places))
}

/// A territory covers itself and what lies within it, and whatever consists of places that it, or
/// something within it, holds.
fn covered_by(spot: &Spot, outer: &TerritoryId, places: &Places) -> bool {
    match spot {
        Spot::Unknown => true,
        Spot::Region(code) => holds(outer, code, places),
        Spot::Territory(inner) => {
            if inner == outer || places.lies_within(inner, outer) {
                return true;
            }
            let codes = places.0.get(inner).map(|place| &place.region_codes);
            codes.is_some_and(|codes| {
                !codes.is_empty() && codes.iter().all(|code| holds(outer, code, places))
            })
        }
    }
}

fn holds(outer: &TerritoryId, code: &str, places: &Places) -> bool {
    places.0.iter().any(|(id, place)| {
        let within = id == outer || places.lies_within(id, outer);
        within && place.region_codes.iter().any(|own| covers(own, code))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::registration::places::Place;

    fn id(id: &str) -> TerritoryId {
        TerritoryId::try_new(id).unwrap()
    }

    fn places() -> Places {
        let place = |name: &str, parent: Option<&str>, codes: &[&str]| {
            let place = Place {
                parent: parent.map(id),
                region_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            };
            (id(name), place)
        };
        Places(HashMap::from([
            place("emea", None, &[]),
            place("dach", Some("emea"), &["DE", "AT", "CH"]),
            place("bavaria", Some("dach"), &["DE-BY"]),
            place("germany", None, &["DE"]),
            place("usa", None, &["US"]),
        ]))
    }

    #[test]
    fn a_territory_covers_what_lies_within_it_and_the_places_that_it_holds() {
        let territory = |name: &str| Spot::Territory(id(name));
        let region = |code: &str| Spot::Region(code.to_owned());
        let cases = [
            (territory("dach"), "dach", true),
            (territory("bavaria"), "emea", true),
            (territory("emea"), "bavaria", false),
            (territory("germany"), "dach", true),
            (territory("germany"), "emea", true),
            (territory("dach"), "germany", false),
            (territory("bavaria"), "germany", true),
            (territory("germany"), "bavaria", false),
            (territory("germany"), "usa", false),
            (region("DE"), "emea", true),
            (region("DE"), "bavaria", false),
            (region("US"), "emea", false),
            (region("DE"), "unknown", false),
            (Spot::Unknown, "usa", true),
        ];
        for (spot, outer, expected) in cases {
            let covered = is_covered(&spot, &[id(outer)], &places());
            assert_eq!(covered, expected, "{spot:?} by {outer}");
        }
        assert!(is_covered(&territory("usa"), &[], &places()));
        assert!(is_covered(
            &territory("usa"),
            &[id("emea"), id("usa")],
            &places()
        ));
    }
}
