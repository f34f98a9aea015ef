//! An upstream of the tests, over plain TCP: what it says depends on the first label of the name.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Ends with the runtime of its test.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    queries: Mutex<Vec<Vec<u8>>>,
    broken: AtomicBool,
    /// What is said whatever the first label, by the question.
    said: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// Turns true when names that begin with `held` are to be answered.
    released: watch::Sender<bool>,
}

impl Upstream {
    pub async fn run() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let noting = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&noting)));
            }
        });
        Self { address, seen }
    }

    /// Every query that came, in order.
    pub fn queries(&self) -> Vec<Vec<u8>> {
        self.seen.queries.lock().unwrap().clone()
    }

    /// Answers the names that begin with `held`.
    pub fn release(&self) {
        self.seen.released.send_replace(true);
    }

    /// Gives this message, whose identifier does not matter, as the answer to its question.
    pub fn says(&self, message: Vec<u8>) {
        self.seen.said.lock().unwrap().insert(question(&message).to_vec(), message);
    }

    /// From now on every connection is closed at the first query.
    pub fn breaks(&self) {
        self.seen.broken.store(true, SeqCst);
    }
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) {
    let (mut reader, writer) = stream.into_split();
    let writer = Arc::new(tokio::sync::Mutex::new(writer));
    while let Ok(length) = reader.read_u16().await {
        let mut query = vec![0; usize::from(length)];
        if reader.read_exact(&mut query).await.is_err() || seen.broken.load(SeqCst) {
            return;
        }
        seen.queries.lock().unwrap().push(query.clone());
        let (mut released, writer) = (seen.released.subscribe(), Arc::clone(&writer));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            if query[13..].starts_with(b"held") {
                let _ = released.wait_for(|released| *released).await;
            }
            let said = noted.said.lock().unwrap().get(question(&query)).cloned();
            let said = said.map(|said| [&query[..2], &said[2..]].concat());
            if let Some(answer) = said.or_else(|| answer(&query)) {
                let mut framed = (answer.len() as u16).to_be_bytes().to_vec();
                framed.extend(answer);
                // The other side may have left.
                let _ = writer.lock().await.write_all(&framed).await;
            }
        });
    }
}

/// Name, type and class.
fn question(message: &[u8]) -> &[u8] {
    let len = message[12..].iter().position(|octet| *octet == 0).unwrap();
    &message[12..12 + len + 5]
}

/// A pointer to the name of the question.
const QUESTION: [u8; 2] = [0xc0, 12];
/// `hidden.ads.example`.
const HIDDEN: &[u8] = b"\x06hidden\x03ads\x07example\x00";

fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let label = &query[13..13 + usize::from(query[12])];
    let mut reply = Reply::to(query);
    match label {
        b"silent" => return None,
        b"garbage" => return Some([&query[..2], &[0x81, 0x80, 0, 9, 9]].concat()),
        b"servfail" => reply.octets[3] |= 2,
        b"missing" => {
            reply.octets[3] |= 3;
            let soa = [HIDDEN, HIDDEN, &[0; 16], &60_u32.to_be_bytes()].concat();
            reply.record(4, &HIDDEN[7..], 6, 60, &soa);
        }
        b"unregistered" => {
            reply.octets[3] |= 3;
            let soa = [&[0, 0][..], &[0; 16], &60_u32.to_be_bytes()].concat();
            reply.record(4, b"\x03com\x00", 6, 60, &soa);
        }
        b"cloaked" | b"observed" => {
            let target = if label == b"cloaked" { HIDDEN } else { b"\x04seen\x07example\x00" };
            reply.record(3, &QUESTION, 5, 300, target);
            reply.record(3, target, 1, 300, &[198, 18, 0, 1]);
        }
        // Each says more than its upstream is asked for: what stands behind the alias, or above.
        b"inward" => reply.forged(b"\x07private\x04corp\x07example\x00"),
        b"outward" => reply.forged(b"\x03www\x07example\x03net\x00"),
        b"backward" => reply.forged(b"\x06inward\x07example\x03net\x00"),
        b"homeward" => reply.forged(b"\x07printer\x07example\x03org\x00"),
        b"lanward" => reply.forged(b"\x01x\x03lan\x00"),
        b"ring" if query.windows(4).any(|part| part == b"corp") => {
            reply.forged(b"\x04ring\x07example\x03net\x00");
        }
        b"ring" => reply.forged(b"\x04ring\x04corp\x07example\x00"),
        b"above" => {
            reply.record(3, b"\x07example\x00", 39, 300, b"\x04evil\x04test\x00");
            reply.record(3, &QUESTION, 1, 300, &[198, 18, 0, 1]);
        }
        b"private" => reply.record(3, &QUESTION, 1, 300, &[10, 0, 0, 1]),
        b"mapped" => {
            reply.record(3, &QUESTION, 28, 300, &[&[0; 10][..], &[255, 255, 10, 0, 0, 1]].concat());
        }
        b"nat64" => {
            let prefix = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
            reply.record(3, &QUESTION, 28, 300, &[&prefix[..], &[192, 168, 0, 1]].concat());
        }
        b"hint" => {
            let data = [&[0, 1, 0][..], &[0, 4, 0, 4, 10, 0, 0, 1]].concat();
            reply.record(3, &QUESTION, 65, 300, &data);
        }
        b"hints" => {
            let params =
                [&[0, 4, 0, 4, 198, 18, 0, 1, 0, 6, 0, 16, 0x26, 6][..], &[0; 14]].concat();
            reply.record(3, &QUESTION, 65, 300, &[&[0, 1, 0][..], &params].concat());
        }
        b"service" => reply.record(3, &QUESTION, 65, 300, &[&[0, 1][..], HIDDEN].concat()),
        told if told.starts_with(b"told") => {
            // TXT of 120 octets, others for each such name.
            let data = [&[119][..], told, &vec![b'x'; 119 - told.len()]].concat();
            reply.record(3, &QUESTION, 16, 0, &data);
        }
        b"big" => {
            for last in 0..100 {
                reply.record(3, &QUESTION, 1, 300, &[198, 18, 1, last]);
            }
        }
        b"brief" => reply.record(3, &QUESTION, 1, 1, &[198, 18, 0, 1]),
        _ => reply.record(3, &QUESTION, 1, 300, &[198, 18, 0, 1]),
    }
    Some(reply.octets)
}

struct Reply {
    octets: Vec<u8>,
}

impl Reply {
    fn to(query: &[u8]) -> Self {
        let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
        let mut octets = query[..2].to_vec();
        octets.extend([0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
        octets.extend(&query[12..end]);
        Self { octets }
    }

    /// An alias, and an address of its target that nobody has.
    fn forged(&mut self, target: &[u8]) {
        self.record(3, &QUESTION, 5, 300, target);
        self.record(3, target, 1, 300, &[198, 18, 6, 6]);
    }

    /// Adds a record; `count` is the word of the header that counts it.
    fn record(&mut self, count: usize, owner: &[u8], kind: u16, ttl: u32, data: &[u8]) {
        self.octets[2 * count + 1] += 1;
        self.octets.extend(owner);
        self.octets.extend(kind.to_be_bytes());
        self.octets.extend([0, 1]);
        self.octets.extend(ttl.to_be_bytes());
        self.octets.extend((data.len() as u16).to_be_bytes());
        self.octets.extend(data);
    }
}
