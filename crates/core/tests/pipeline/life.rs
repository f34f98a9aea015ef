//! The life of an engine with sockets and threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keyhole_core::engine::Engine;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::message::{A, Reply, query};
use super::upstream::Upstream;
use super::world::{document, options};

/// Long enough for every test; where nothing is to be waited for.
const GRACE: Duration = Duration::from_secs(30);

async fn engine() -> (Engine, Upstream) {
    let mut options = options();
    options["workers"] = json!(2);
    options["listen"]["udp"] = json!(["127.0.0.1:0"]);
    options["listen"]["tcp"] = json!(["127.0.0.1:0"]);
    let engine = Engine::new(options.to_string().as_bytes()).unwrap();
    let upstream = Upstream::run().await;
    let document = document(upstream.address).to_string();
    engine.core().commit(engine.core().prepare(document.as_bytes()).unwrap());
    (engine, upstream)
}

fn address(addresses: &Value, transport: &str) -> SocketAddr {
    addresses[transport][0].as_str().unwrap().parse().unwrap()
}

async fn ask_udp(server: SocketAddr, name: &str) -> Reply {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&query(name, A).octets(), server).await.unwrap();
    let mut room = vec![0; 4_096];
    let count = socket.recv(&mut room).await.unwrap();
    room.truncate(count);
    Reply::read(room)
}

/// A connection that has sent one query.
async fn asking(server: SocketAddr, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let packet = query(name, A).octets();
    stream.write_u16(packet.len() as u16).await.unwrap();
    stream.write_all(&packet).await.unwrap();
    stream
}

async fn answer(stream: &mut TcpStream) -> Reply {
    let mut octets = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut octets).await.unwrap();
    Reply::read(octets)
}

#[tokio::test]
async fn an_engine_answers_from_its_start_to_its_drain_and_can_start_again() {
    let (engine, _upstream) = engine().await;
    for _ in 0..2 {
        let addresses = engine.start().unwrap();
        assert!(engine.start().is_err(), "it runs already");
        let reply = ask_udp(address(&addresses, "udp"), "www.example.org").await;
        assert_eq!(reply.rcode(), 0);
        engine.drain(GRACE);
        assert!(TcpStream::connect(address(&addresses, "tcp")).await.is_err());
    }
    engine.drain(GRACE);
}

#[tokio::test]
async fn draining_answers_what_waits_even_where_another_worker_asked_for_it() {
    // Which worker gets a connection is up to the system: one time in two it is another one.
    for _ in 0..8 {
        let (engine, upstream) = engine().await;
        let tcp = address(&engine.start().unwrap(), "tcp");
        let waiting = |count: u64| {
            let core = Arc::clone(engine.core());
            async move {
                while core.stats()["waiting"] != count {
                    tokio::task::yield_now().await;
                }
            }
        };
        let first = asking(tcp, "held.example.org").await;
        waiting(1).await;
        let mut second = asking(tcp, "held.example.org").await;
        waiting(2).await;
        // The worker that asks has nobody left to answer, but the other one waits for it.
        // A reset, because one that only closes its side may still read (RFC 7766 section 6.2.4).
        socket2::SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
        drop(first);
        waiting(1).await;
        let draining = std::thread::spawn(move || engine.drain(GRACE));
        // Nothing new is accepted: the drain has begun.
        while TcpStream::connect(tcp).await.is_ok() {
            tokio::task::yield_now().await;
        }
        upstream.release();
        assert_eq!(answer(&mut second).await.rcode(), 0);
        drop(second);
        draining.join().unwrap();
        assert_eq!(upstream.queries().len(), 1);
    }
}

#[tokio::test]
async fn a_drain_ends_with_its_grace_whatever_still_waits() {
    let (engine, upstream) = engine().await;
    let addresses = engine.start().unwrap();
    let _stream = asking(address(&addresses, "tcp"), "silent.example.org").await;
    while upstream.queries().is_empty() {
        tokio::task::yield_now().await;
    }
    engine.drain(Duration::ZERO);
    assert_eq!(engine.core().stats()["waiting"], 0);
    assert_eq!(engine.core().stats()["cache"]["under_way"], 0);
}
