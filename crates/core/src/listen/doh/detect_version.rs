//! HTTP/2 or HTTP/1.1: what the first octets of a connection say.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use super::super::service::Serve;
use super::super::worker::Worker;

/// What every HTTP/2 client sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until it is clear what the client speaks: whether it is HTTP/2, and what was read. None
/// when the client closes or takes too long.
pub(super) async fn detect<S: Serve>(
    worker: &Worker<S>,
    tcp: &TcpStream,
) -> Option<(bool, Vec<u8>)> {
    let limit = Duration::from_millis(worker.limits().read_ms);
    tokio::select! {
        read = tokio::time::timeout(limit, read_preface(tcp)) => read.ok()?.ok(),
        () = worker.drained() => None,
    }
}

async fn read_preface(tcp: &TcpStream) -> io::Result<(bool, Vec<u8>)> {
    let mut begun = Vec::with_capacity(PREFACE.len());
    loop {
        tcp.readable().await?;
        let mut room = [0; PREFACE.len()];
        let room = &mut room[..PREFACE.len() - begun.len()];
        match tcp.try_read(room) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => begun.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if !PREFACE.starts_with(&begun) {
            return Ok((false, begun));
        }
        if begun.len() == PREFACE.len() {
            return Ok((true, begun));
        }
    }
}
