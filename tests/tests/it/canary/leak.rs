//! Canaries: strings that say whose they are, and the search for those that are somebody else's.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::HeaderMap;
use memchr::memchr2_iter;

/// How long a canary is, which begins with a `c`: `cnry-e07-p1-0042`.
const LENGTH: usize = 16;

/// How much of one says whose it is. Less may come about by chance, in a page token for instance.
const ENOUGH: usize = 11;

/// Whose a canary is within its ecosystem: partners `0` to `3`; `w` to `z`, all who have a part in the
/// deals of these; `v`, the vendor's staff alone; `a`, all who have a role in it.
pub(super) type Owner = char;

/// A string that names its ecosystem and its owner, and is planted once in each ecosystem.
pub(super) fn canary(ecosystem: usize, owner: Owner, number: usize) -> String {
    format!("cnry-e{ecosystem:02}-p{owner}-{number:04}")
}

/// Where somebody may see whose canaries.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    pub(super) ecosystems: Vec<usize>,
    pub(super) owners: BTreeSet<Owner>,
}

impl Sight {
    fn covers(&self, ecosystem: usize, owner: Owner) -> bool {
        self.ecosystems.contains(&ecosystem) && self.owners.contains(&owner)
    }
}

/// What was found in some bytes.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The owners of the canaries that may be seen.
    pub(super) own: BTreeSet<Owner>,
    /// The canaries that may not.
    pub(super) foreign: BTreeSet<String>,
}

/// Looks for canaries. One that stands in `asked` letter for letter is told back to whoever said it,
/// and is no leak.
pub(super) fn search(bytes: &[u8], sight: &Sight, asked: &[u8], found: &mut Found) {
    // Words that reports count are written in capitals, with underscores.
    let plain = |byte: &u8| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    };
    for begin in memchr2_iter(b'c', b'C', bytes) {
        let end = bytes.len().min(begin + LENGTH);
        let sung: Vec<u8> = bytes[begin..end].iter().map(plain).collect();
        let sung = &sung[..whole(&sung)];
        if sung.len() < ENOUGH {
            continue;
        }
        let whose = read(sung);
        if let Some((ecosystem, owner)) = whose
            && sight.covers(ecosystem, owner)
        {
            found.own.insert(owner);
        } else if !says(asked, &bytes[begin..begin + sung.len()]) {
            found
                .foreign
                .insert(String::from_utf8_lossy(sung).into_owned());
        }
    }
}

/// How much of some bytes a canary is.
fn whole(sung: &[u8]) -> usize {
    let shape = b"cnry-e00-p*-0000";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'*' => byte.is_ascii_alphanumeric(),
        letter => byte == letter,
    };
    sung.iter()
        .zip(shape)
        .take_while(|pair| fits(*pair))
        .count()
}

/// The ecosystem and the owner of a canary.
fn read(sung: &[u8]) -> Option<(usize, Owner)> {
    let text = std::str::from_utf8(sung).ok()?;
    let ecosystem = text.get(6..8)?.parse().ok()?;
    let owner = text.get(10..11)?.chars().next()?;
    Some((ecosystem, owner))
}

/// Whether what was asked says these very bytes.
fn says(asked: &[u8], bytes: &[u8]) -> bool {
    asked.windows(bytes.len()).any(|window| window == bytes)
}

/// Looks through all that headers or trailers say, also where it is packed.
pub(super) fn search_headers(headers: &HeaderMap, sight: &Sight, asked: &[u8], found: &mut Found) {
    for (name, value) in headers {
        search(name.as_str().as_bytes(), sight, asked, found);
        search(value.as_bytes(), sight, asked, found);
        if name.as_str().ends_with("-bin") {
            let unpacked = STANDARD_NO_PAD
                .decode(value.as_bytes())
                .or_else(|_| STANDARD.decode(value.as_bytes()));
            search(&unpacked.unwrap(), sight, asked, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        Sight {
            ecosystems: vec![7],
            owners: BTreeSet::from(['1', 'a']),
        }
    }

    fn foreign(bytes: &[u8], asked: &str) -> Vec<String> {
        let mut found = Found::default();
        search(bytes, &sight(), asked.as_bytes(), &mut found);
        found.foreign.into_iter().collect()
    }

    #[test]
    fn what_is_somebody_elses_is_found_wherever_it_stands() {
        let none: [&str; 0] = [];
        assert_eq!(foreign(b"cnry-e07-p1-0042 cnry-e07-pa-0001", ""), none);
        for leak in ["cnry-e08-p1-0042", "cnry-e07-p2-0042", "cnry-e07-pv-0001"] {
            let among = format!("\u{1}cnry-e07-p1-0042\u{12}{leak}.example");
            assert_eq!(foreign(among.as_bytes(), ""), [leak]);
            let shouted = leak.to_uppercase().replace('-', "_");
            assert_eq!(foreign(shouted.as_bytes(), ""), [leak]);
        }
        // What is cut off is found as soon as it says whose it is.
        assert_eq!(foreign(b"cnry-e08-p1", ""), ["cnry-e08-p1"]);
        assert_eq!(foreign(b"cnry-e08-p", ""), none);
    }

    #[test]
    fn what_was_asked_is_told_back_and_nothing_else() {
        let asked = "account = \"cnry-e08-p1-0042\"";
        assert!(foreign(b"no cnry-e08-p1-0042", asked).is_empty());
        assert!(foreign(b"no cnry-e08-p1-00", asked).is_empty());
        assert_eq!(foreign(b"cnry-e08-p1-0043", asked), ["cnry-e08-p1-0043"]);
    }

    #[test]
    fn what_is_packed_into_a_header_is_found() {
        let mut headers = HeaderMap::new();
        let packed = STANDARD_NO_PAD.encode("\u{1}cnry-e09-pv-0001");
        headers.insert("grpc-status-details-bin", packed.parse().unwrap());
        let mut found = Found::default();
        search_headers(&headers, &sight(), b"", &mut found);
        assert_eq!(found.foreign.len(), 1);
    }
}
