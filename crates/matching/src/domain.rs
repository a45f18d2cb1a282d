//! Which part of a web site or domain identifies the organisation behind it.
//!
//! People give what they have: `www.acme.co.uk`, `https://shop.acme.co.uk/offers`, `info@acme.co.uk`.
//! All three belong to whoever registered `acme.co.uk`, which the public suffix list tells: its
//! ICANN part knows that `co.uk` is nobody's own, its private part that `github.io` and
//! `myshopify.com` are not either, so that two shops of one platform stay two customers.
//!
//! A wrong "these are one customer" takes business away from a partner, a missed one costs a
//! question. So whatever many organisations share identifies none of them.

use std::net::IpAddr;

use idna::AsciiDenyList;

use crate::free_mail::is_free_mail;

/// The longest name of the domain name system, in its own letters (RFC 1035).
const LONGEST_HOST: usize = 253;

/// The longest of the parts between its dots.
const LONGEST_LABEL: usize = 63;

/// Ends of names that exist inside one network only, so that two organisations may use the same:
/// RFC 6761 and RFC 6762 with its appendix G. The public suffix list does not know them.
const NOT_OF_THE_INTERNET: &[&str] = &[
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
];

/// Reads the host out of a domain, a web address or an e-mail address: in lower case, in the
/// letters of the domain name system, without what stands around it. `None` if there is none.
pub fn host(given: &str) -> Option<String> {
    let rest = given.trim();
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next()?;
    let rest = rest.rsplit('@').next()?;
    let rest = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) => return None,
        None => rest,
    };
    let ascii = idna::domain_to_ascii_cow(rest.as_bytes(), AsciiDenyList::STD3).ok()?;
    let host = ascii.strip_suffix('.').unwrap_or(&ascii);
    let is_name = host.len() <= LONGEST_HOST
        && host.split('.').all(|label| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    is_name.then(|| host.to_owned())
}

/// The part of a host that somebody registered, if it identifies whoever that is.
///
/// `None` for names that nobody can register (`com`, `co.uk`, `localhost`), for addresses of
/// machines, for names of a network of one's own, and for providers of free mail.
pub fn registrable(host: &str) -> Option<&str> {
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let domain = psl::domain_str(host)?;
    let shared = domain
        .rsplit('.')
        .next()
        .is_none_or(|end| NOT_OF_THE_INTERNET.contains(&end))
        || is_free_mail(domain);
    (!shared).then_some(domain)
}

/// What of the domains given identifies an account, each once, in the order in which they were
/// given. What is no domain is left out.
pub fn registrable_domains<S: AsRef<str>>(given: &[S]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for host in given.iter().filter_map(|given| host(given.as_ref())) {
        if let Some(domain) = registrable(&host)
            && !found.iter().any(|known| known == domain)
        {
            found.push(domain.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(given: &str) -> Option<String> {
        registrable_domains(&[given]).pop()
    }

    #[test]
    fn what_somebody_registered_identifies_them() {
        for (given, domain) in [
            ("www.acme.co.uk", "acme.co.uk"),
            ("WWW.ACME.CO.UK", "acme.co.uk"),
            ("acme.co.uk.", "acme.co.uk"),
            ("https://shop.acme.co.uk/offers?page=2#top", "acme.co.uk"),
            ("http://user:secret@acme.co.uk:8080/", "acme.co.uk"),
            ("info@mail.acme.co.uk", "acme.co.uk"),
            (" acme.com ", "acme.com"),
            ("a.b.c.acme.com", "acme.com"),
            ("city.kyoto.jp", "city.kyoto.jp"),
            ("acme.example", "acme.example"),
        ] {
            assert_eq!(key(given).as_deref(), Some(domain), "{given}");
        }
    }

    #[test]
    fn a_platform_is_not_one_customer() {
        assert_eq!(
            key("shop.acme.myshopify.com").as_deref(),
            Some("acme.myshopify.com")
        );
        assert_eq!(
            key("zen.myshopify.com").as_deref(),
            Some("zen.myshopify.com")
        );
        assert_eq!(key("acme.github.io").as_deref(), Some("acme.github.io"));
    }

    #[test]
    fn letters_of_other_alphabets_and_their_plain_form_are_one_domain() {
        assert_eq!(key("www.münchen.de").as_deref(), Some("xn--mnchen-3ya.de"));
        assert_eq!(key("MÜNCHEN.de"), key("xn--mnchen-3ya.de"));
        assert_eq!(key("例え.テスト.jp"), key("www.xn--zckzah.jp"));
        assert_eq!(
            key("acme。com").as_deref(),
            Some("acme.com"),
            "the ideographic full stop"
        );
    }

    #[test]
    fn what_many_share_identifies_nobody() {
        for given in [
            "com",
            "co.uk",
            "kyoto.jp",
            "localhost",
            "github.io",
            "gmail.com",
            "joe@gmail.com",
            "https://www.googlemail.com/",
            "192.168.0.1",
            "http://10.0.0.1:8080/",
            "erp.acme.local",
            "files.corp",
            "web.de",
            "QQ.com",
        ] {
            assert!(host(given).is_some(), "{given} is a host");
            assert_eq!(key(given), None, "{given}");
        }
    }

    #[test]
    fn what_is_no_host_is_told_apart() {
        let label = "a".repeat(64);
        let long = format!("{}com", "abcdefg.".repeat(32));
        for given in [
            "",
            " ",
            "not a domain",
            "acme..com",
            ".acme.com",
            "-acme.com",
            "acme-.com",
            "acme_inc.com",
            "https://",
            "http:///path",
            "acme.com:port",
            "[::1]",
            "a\u{0}b.com",
            "acme!.com",
            "xn--a.de",
            label.as_str(),
            long.as_str(),
        ] {
            assert_eq!(host(given), None, "{given:?}");
        }
    }

    #[test]
    fn each_domain_counts_once() {
        let given = [
            "acme.de",
            "www.acme.de",
            "acme.com",
            "gmail.com",
            "shop.acme.com",
            "?",
        ];
        assert_eq!(registrable_domains(&given), ["acme.de", "acme.com"]);
    }

    #[test]
    fn the_list_of_free_mail_is_sorted_and_whole() {
        use crate::free_mail::FREE_MAIL;

        assert!(FREE_MAIL.is_sorted(), "binary search needs it");
        assert!(FREE_MAIL.len() > 4_400);
        for domain in ["gmail.com", "qq.com", "web.de", "proton.me", "yahoo.co.in"] {
            assert!(FREE_MAIL.contains(&domain), "{domain}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(label in "[a-z0-9]{1,20}", host in "[a-z0-9.]{0,20}", end in "(com|co\\.uk|de|io|jp)") {
            if let Some(found) = key(&format!("{host}{label}.{end}")) {
                prop_assert_eq!(key(&found), Some(found.clone()));
                prop_assert_eq!(key(&format!("https://www.{found}/about")), Some(found));
            }
        }

        #[test]
        fn reading_never_panics(given in "\\PC{0,60}") {
            let _ = registrable_domains(&[given]);
        }
    }
}
