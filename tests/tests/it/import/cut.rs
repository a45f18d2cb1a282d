//! A connection that breaks: a door before the server that shuts in the middle of an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// A door that lets so many bytes of answers through each connection before it cuts it, and every
/// connection after those through for good.
pub(super) struct Cut {
    address: SocketAddr,
    cuts: Arc<AtomicUsize>,
}

impl Cut {
    /// Opens a door before a server.
    pub(super) async fn begin(server: SocketAddr, limits: &[u64]) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = door.local_addr().unwrap();
        let cuts = Arc::new(AtomicUsize::new(0));
        let (mut limits, counted) = (Vec::from(limits).into_iter(), Arc::clone(&cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = door.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(pass(client, server, limits.next(), Arc::clone(&counted)));
            }
        });
        Self { address, cuts }
    }

    /// Where the door is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has cut.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: TcpStream, limit: Option<u64>, cuts: Arc<AtomicUsize>) {
    let (mut asked, mut answered) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move { copy(&mut asked, &mut to_server).await });
    let mut answers = from_server.take(limit.unwrap_or(u64::MAX));
    let copied = copy(&mut answers, &mut answered).await;
    if copied.is_ok_and(|bytes| Some(bytes) == limit) {
        cuts.fetch_add(1, Ordering::SeqCst);
    }
    asking.abort();
    let _ = answered.shutdown().await;
}
