use std::io::Write;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::{mpsc, watch};

use super::super::peer::Peer;
use super::super::reset::Reset;
use super::super::worker::Worker;
use super::super::{ConnectionLimits, stream};
use super::world::{
    Obedient, World, answer, assert_closed, exchange, framed, options, query, read_message,
};
use crate::client_identity::ClientIdentity;
use crate::transport::Transport;

#[test]
fn pipelined_queries_are_all_answered() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    let frames: Vec<u8> = (0..1000).flat_map(|id| framed(&query(id, "one of many"))).collect();
    stream.write_all(&frames).unwrap();
    for id in 0..1000 {
        assert_eq!(read_message(&mut stream), answer(id, "one of many"));
    }
}

#[test]
fn answers_come_as_they_are_ready_and_not_as_they_were_asked() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    for id in 1..=3 {
        stream.write_all(&framed(&query(id, "hold"))).unwrap();
    }
    assert_eq!(exchange(&mut stream, &query(4, "")), answer(4, ""));
    for id in [2, 3, 1] {
        world.service.release(id);
        assert_eq!(read_message(&mut stream), answer(id, "hold"));
    }
}

#[test]
fn a_message_may_come_octet_by_octet() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    for octet in framed(&query(7, "slowly")) {
        stream.write_all(&[octet]).unwrap();
    }
    assert_eq!(read_message(&mut stream), answer(7, "slowly"));
}

#[test]
fn the_largest_messages_pass_in_both_directions() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    let said = "x".repeat(65_535 - 12);
    for id in 0..5 {
        assert_eq!(exchange(&mut stream, &query(id, &said)), answer(id, &said));
        assert_eq!(exchange(&mut stream, &query(id, "big 65535")).len(), 65_535);
    }
}

#[test]
fn many_large_answers_to_one_write_all_arrive() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    let frames: Vec<u8> = (0..300).flat_map(|id| framed(&query(id, "big 60000"))).collect();
    stream.write_all(&frames).unwrap();
    for id in 0..300_u16 {
        let message = read_message(&mut stream);
        assert_eq!((message.len(), &message[..2]), (60_000, &id.to_be_bytes()[..]));
    }
}

#[test]
fn a_client_that_has_closed_its_side_still_gets_its_answers() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    stream.write_all(&framed(&query(1, "hold"))).unwrap();
    stream.write_all(&framed(&query(2, ""))).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_message(&mut stream), answer(2, ""));
    world.service.release(1);
    assert_eq!(read_message(&mut stream), answer(1, "hold"));
    assert_closed(&mut stream);
    world.until_open(0);
}

#[test]
fn nonsense_ends_the_connection_after_what_was_asked_before_it() {
    let world = World::start();
    for nonsense in [vec![0, 0], framed(&[1; 11]), framed(&query(9, "drop"))] {
        let mut stream = world.connect("tcp");
        let mut frames = framed(&query(1, "hold"));
        frames.extend(framed(&query(2, "")));
        frames.extend(nonsense);
        frames.extend(framed(&query(3, "")));
        stream.write_all(&frames).unwrap();
        assert_eq!(read_message(&mut stream), answer(2, ""));
        world.service.release(1);
        assert_eq!(read_message(&mut stream), answer(1, "hold"));
        assert_closed(&mut stream);
    }
}

#[test]
fn a_query_that_panics_costs_its_own_answer_only() {
    let world = World::start();
    let mut stream = world.connect("tcp");
    stream.write_all(&framed(&query(1, "burst"))).unwrap();
    world.service.until_held(1);
    world.service.release(1);
    assert_eq!(exchange(&mut stream, &query(2, "")), answer(2, ""));
}

/// A stream that counts how often it is written to.
struct Counted {
    inner: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, room)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl Reset for Counted {
    fn reset(&self) {}
}

#[tokio::test]
async fn a_batch_of_queries_takes_one_write() {
    let options = options();
    let connection_limits = Arc::new(ConnectionLimits::new(&options.limits));
    let (_sender, drain) = watch::channel(false);
    let (alive, _ended) = mpsc::channel(1);
    let service = Arc::new(Obedient::new(options));
    let worker = Worker { service, connection_limits, index: 0, drain, alive };
    let client = "192.0.2.1:1024".parse().unwrap();
    let peer = Peer::new(client, Transport::Tcp, 0, Arc::new(ClientIdentity::NETWORK));
    let (mut near, inner) = tokio::io::duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted { inner, writes: Arc::clone(&writes) };
    tokio::spawn(stream::serve(worker, counted, peer));

    let frames: Vec<u8> = (0..100).flat_map(|id| framed(&query(id, ""))).collect();
    near.write_all(&frames).await.unwrap();
    let mut answers = vec![0; frames.len()];
    near.read_exact(&mut answers).await.unwrap();
    assert_eq!(writes.load(Ordering::Relaxed), 1);
}
