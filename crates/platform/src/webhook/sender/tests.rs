use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Finds hosts at the addresses of a list, the next one each time.
struct Script(Mutex<Vec<Vec<IpAddr>>>);

impl Resolve for Arc<Script> {
    fn resolve<'a>(
        &'a self,
        _host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let next = self.0.lock().unwrap().remove(0);
        let found = next.into_iter().map(|ip| SocketAddr::new(ip, port));
        let found = found.collect();
        Box::pin(async { Ok(found) })
    }
}

/// Listens on this machine, and counts who connects.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

fn letter() -> Letter {
    Letter {
        id: "1-0-7".to_owned(),
        body: b"{}".to_vec(),
    }
}

async fn send(sender: &Sender, url: &str) -> Sent {
    let signed = (1_800_000_000, "v1,x".to_owned());
    sender
        .send(url, letter(), signed, Duration::from_millis(500))
        .await
}

fn scripted(addresses: &[&[&str]]) -> Sender {
    let read = |all: &&[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
    let script = Arc::new(Script(Mutex::new(addresses.iter().map(read).collect())));
    Sender::of(Named::default(), RootCertStore::empty(), script)
}

#[tokio::test]
async fn a_host_that_has_an_address_inside_is_not_connected_to() {
    let (port, connected) = listener().await;
    let url = format!("https://hooks.example.com:{port}/");
    for addresses in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["10.0.0.1", "127.0.0.1"],
        // One of them is public, and the one that would be taken is not.
        &["127.0.0.1", "93.184.216.34"],
        &["93.184.216.34", "127.0.0.1"],
    ] {
        let sent = send(&scripted(&[addresses]), &url).await;
        assert_eq!(sent.answer, Err(Unanswered::NotPublic), "{addresses:?}");
    }
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_host_is_looked_up_once_and_connected_to_where_it_was_found() {
    // A name that has another address each time it is asked for: what was looked at is what is taken.
    let (port, connected) = listener().await;
    let (named, other) = (Named::new(["hooks.internal".to_owned()]), "192.0.2.1");
    let script = Script(Mutex::new(vec![
        vec!["127.0.0.1".parse().unwrap()],
        vec![other.parse().unwrap()],
    ]));
    let script = Arc::new(script);
    let sender = Sender::of(named, RootCertStore::empty(), script.clone());
    send(&sender, &format!("http://hooks.internal:{port}/")).await;
    assert_eq!(connected.load(Ordering::SeqCst), 1);
    assert_eq!(script.0.lock().unwrap().len(), 1, "it was looked up twice");
}

/// Answers each request with a text, and tells what came.
async fn answering(answer: &'static str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(Mutex::new(String::new()));
    let heard = came.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            heard
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&buffer[..read]));
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
        }
    });
    (port, came)
}

fn named(port: u16) -> Sender {
    let host = format!("{}:{port}", Ipv4Addr::LOCALHOST);
    Sender::new(Named::new([host]))
}

#[tokio::test]
async fn a_request_says_what_the_specification_asks_for() {
    let (port, came) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let sent = send(&named(port), &format!("http://127.0.0.1:{port}/a/b?c=d")).await;
    assert_eq!(sent.answer, Ok(204));
    assert!(sent.is_taken());
    let came = came.lock().unwrap().clone();
    assert!(came.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{came}");
    for line in [
        format!("host: 127.0.0.1:{port}"),
        "content-type: application/cloudevents+json; charset=utf-8".to_owned(),
        "webhook-id: 1-0-7".to_owned(),
        "webhook-timestamp: 1800000000".to_owned(),
        "webhook-signature: v1,x".to_owned(),
    ] {
        assert!(came.contains(&format!("{line}\r\n")), "{line}: {came}");
    }
    assert!(came.ends_with("\r\n\r\n{}"));
}

#[tokio::test]
async fn a_redirect_is_no_success_and_is_not_followed() {
    let (inside, connected) = listener().await;
    let redirect = format!("HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:{inside}/\r\n\r\n");
    let (port, _) = answering(Box::leak(redirect.into_boxed_str())).await;
    let sent = send(&named(port), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(sent.answer, Ok(307));
    assert!(!sent.is_taken());
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn each_way_to_get_no_answer_has_a_word() {
    let unanswered = async |answer: &'static str| {
        let (port, _) = answering(answer).await;
        send(&named(port), &format!("http://127.0.0.1:{port}/"))
            .await
            .answer
    };
    assert_eq!(unanswered("").await, Err(Unanswered::TooSlow));
    assert_eq!(
        unanswered("nonsense\r\n\r\n").await,
        Err(Unanswered::BrokenOff)
    );
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let sent = send(&named(port), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(sent.answer, Err(Unanswered::NotConnected));
    // It speaks no TLS, and proves nothing.
    let (port, _) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let sent = send(&named(port), &format!("https://127.0.0.1:{port}/")).await;
    assert_eq!(sent.answer, Err(Unanswered::Tls));
    let sent = send(&scripted(&[&[]]), "https://nowhere.example.com/").await;
    assert_eq!(sent.answer, Err(Unanswered::NoAddress));
    // What was allowed once may be allowed no more.
    let sent = send(&scripted(&[]), "http://127.0.0.1/").await;
    assert_eq!(sent.answer, Err(Unanswered::Target(InvalidTarget::Plain)));
}

#[tokio::test]
async fn how_long_to_wait_is_read_in_seconds() {
    let (port, _) = answering("HTTP/1.1 503 Busy\r\nretry-after: 120\r\n\r\n").await;
    let sent = send(&named(port), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(sent.retry_after, Some(Duration::from_secs(120)));
}
