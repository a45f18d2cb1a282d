use super::*;

fn read(url: &str) -> Result<Target, InvalidTarget> {
    Target::try_new(url, &Named::default())
}

#[test]
fn a_webhook_may_be_at_any_public_host() {
    for url in [
        "https://hooks.example.com/trellis",
        "https://hooks.example.com:8443/a?b=c",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://bücher.example/",
        "HTTPS://EXAMPLE.COM",
    ] {
        assert!(read(url).is_ok(), "{url}");
    }
}

/// Ways to write an address that only this machine or its neighbours reach, or a URL that is read by one program
/// as one host and by another as another.
const HOSTILE: [&str; 84] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://127.0.0.1:443/",
    "https://127.0.0.1./",
    "https://0.0.0.0/",
    "https://0/",
    "https://0x0/",
    "https://10.0.0.1/",
    "https://10.1/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.1/",
    "https://0xc0a80001/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://169.254.43518/",
    "https://192.0.0.1/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://①②⑦.⓪.⓪.①/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::1]/",
    "https://[100::1]/",
    "https://[2001::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:20::1]/",
    "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[febf::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "http://example.com/",
    "http://93.184.216.34/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//example.com/",
    "example.com",
    "https://",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com/#fragment",
];

#[test]
fn what_only_somebody_inside_reaches_is_refused_however_it_is_written() {
    for url in HOSTILE {
        assert!(read(url).is_err(), "{url}: {:?}", read(url));
    }
}

#[test]
fn everything_wrong_is_said_in_its_own_words() {
    assert_eq!(read("http://example.com/"), Err(InvalidTarget::Plain));
    assert_eq!(read("https://10.0.0.1/"), Err(InvalidTarget::NotPublic));
    assert_eq!(read("https://a@example.com/"), Err(InvalidTarget::Extras));
    assert_eq!(read("https://example.com:0/"), Err(InvalidTarget::NoPort));
    assert_eq!(read("ftp://example.com/"), Err(InvalidTarget::NoUrl));
}

#[test]
fn the_operator_allows_hosts_by_name_and_port() {
    let named = Named::new(["Hooks.Internal".to_owned(), "127.0.0.1:8080".to_owned()]);
    let read = |url: &str| Target::try_new(url, &named);
    for url in [
        "http://hooks.internal/",
        "https://hooks.internal:9/",
        "http://127.0.0.1:8080/x",
        "http://0x7f000001:8080/",
    ] {
        let target = read(url).unwrap();
        assert!(target.may_be_at("10.0.0.7".parse().unwrap()), "{url}");
    }
    for url in [
        "http://127.0.0.1/",
        "http://127.0.0.1:8081/",
        "http://other.internal/",
        "http://hooks.internal.example.com/",
        "http://me@hooks.internal/",
    ] {
        assert!(read(url).is_err(), "{url}");
    }
    // The others are held to public addresses as before, once they are looked up.
    let other = read("https://example.com/").unwrap();
    assert!(!other.may_be_at("10.0.0.7".parse().unwrap()));
    assert!(other.may_be_at("93.184.216.34".parse().unwrap()));
}
