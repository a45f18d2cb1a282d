//! The names under which bearers act, and under which roles are granted to them.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, Principal, Role};

use crate::identity::{EcosystemGrant, Identity};
use crate::peer::PeerCertificate;

/// Who a token proves its bearer to be: `{issuer}:{subject}`.
pub(super) fn of_identity(identity: Identity) -> Principal {
    let Identity {
        issuer,
        subject,
        person,
        ecosystems,
        expire_time: _,
    } = identity;
    let granted = ecosystems
        .into_iter()
        .map(|EcosystemGrant { ecosystem, roles }| {
            let grants = roles.into_iter().filter_map(|(role, partner)| {
                // The settings map to these very names.
                let role = Role::try_new(role.as_str()).ok()?;
                Some(Grant::new(role, partner))
            });
            (ecosystem, grants.collect())
        });
    let actor = named(&issuer, &subject);
    let person = person.and_then(|person| Actor::try_new(&person).ok());
    Principal {
        // An issuer that names no persons vouches for its subjects alone.
        person: person.or_else(|| Some(actor.clone())),
        actor,
        rights: Rights::Granted(granted.collect()),
    }
}

/// Who a certificate stands for: `certificate:{name}`, by the first of its names. A URI, such as a
/// SPIFFE id, goes before a DNS name, that before a mail address, and the common name of the subject
/// counts only where there is no other.
pub(super) fn of_certificate(certificate: &PeerCertificate) -> Option<Actor> {
    let PeerCertificate {
        uris,
        dns_names,
        emails,
        common_name,
        ..
    } = certificate;
    let mut names = uris
        .iter()
        .chain(dns_names)
        .chain(emails)
        .chain(common_name);
    names.next().map(|name| named("certificate", name))
}

/// `{kind}:{name}`, with a hash in place of what is too long for a name or has letters that a name
/// has not. Two names of a kind never share one.
fn named(kind: &str, name: &str) -> Actor {
    Actor::try_new(&format!("{kind}:{name}")).unwrap_or_else(|_| {
        let hashed = HEXLOWER.encode(&Sha256::digest(format!("{kind}\0{name}")));
        Actor::try_new(&format!("sha256:{hashed}")).unwrap_or_else(|_| Actor::anonymous())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(
        uris: &[&str],
        dns_names: &[&str],
        common_name: Option<&str>,
    ) -> PeerCertificate {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        PeerCertificate {
            chain: Vec::new(),
            common_name: common_name.map(ToOwned::to_owned),
            dns_names: owned(dns_names),
            emails: Vec::new(),
            uris: owned(uris),
            fingerprint: [0; 32],
        }
    }

    #[test]
    fn a_certificate_stands_for_the_first_of_its_names() {
        let of = |certificate| of_certificate(&certificate).map(|actor| actor.to_string());
        let uri = certificate(&["spiffe://acme/crm"], &["crm.acme.example"], Some("crm"));
        assert_eq!(of(uri).unwrap(), "certificate:spiffe://acme/crm");
        let dns = certificate(&[], &["crm.acme.example", "other"], Some("crm"));
        assert_eq!(of(dns).unwrap(), "certificate:crm.acme.example");
        assert_eq!(
            of(certificate(&[], &[], Some("crm"))).unwrap(),
            "certificate:crm"
        );
        assert_eq!(of(certificate(&[], &[], None)), None);
    }

    #[test]
    fn what_is_no_name_has_one_of_its_own() {
        let (first, second) = ("ä".to_owned(), "x".repeat(200));
        let names = [
            named("people", &first),
            named("people", &second),
            named("jobs", &first),
        ];
        for name in &names {
            assert!(name.as_str().starts_with("sha256:"), "{name}");
        }
        assert!(names[0] != names[1] && names[0] != names[2]);
    }
}
