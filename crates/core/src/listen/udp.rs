//! DNS over UDP (RFC 1035 section 4.2.1): read a batch, answer what can be answered, send a batch.

use std::io;
use std::net::UdpSocket as StdSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::bind::is_any;
use super::frames::HEADER;
use super::listener::Listener;
use super::service::Serve;
use super::udp_batch::{BATCH, Batch, Origin};
use super::worker::Worker;
use crate::arrival::{Arrival, Sender};
use crate::client_identity::ClientIdentity;
use crate::pipeline::Progress;
use crate::transport::Transport;

/// Full batches before the other tasks of the worker get their turn.
const TURN: usize = 8;

/// Answers what arrives at one socket until the engine drains. Queries that wait for an upstream
/// go on in tasks of their own.
pub(super) async fn serve<S: Serve>(worker: Worker<S>, listener: Listener, socket: StdSocket) {
    let any_address = socket.local_addr().is_ok_and(is_any);
    let socket = match UdpSocket::from_std(socket) {
        Ok(socket) => Arc::new(socket),
        Err(error) => return worker.complain("serve a UDP socket", &error),
    };
    let (batch, out) = (Batch::new(any_address), Vec::new());
    let mut round = Round { worker, identity: listener.anonymous, socket, batch, out };
    let drained = round.worker.drained();
    tokio::select! {
        () = round.run() => {}
        () = drained => {}
    }
}

/// What one socket needs, reused for each batch.
struct Round<S: Serve> {
    worker: Worker<S>,
    /// Everybody: over UDP there is nothing to show.
    identity: Arc<ClientIdentity>,
    socket: Arc<UdpSocket>,
    batch: Batch,
    /// The answers of one batch, one after the other.
    out: Vec<u8>,
}

impl<S: Serve> Round<S> {
    async fn run(&mut self) {
        let mut full = 0;
        loop {
            match self.receive().await {
                Ok(count) => {
                    self.answer(count);
                    self.send().await;
                    full = if count == BATCH { full + 1 } else { 0 };
                }
                // Errors of UDP belong to single packets, such as an ICMP message about one.
                Err(_) => full += 1,
            }
            if full >= TURN {
                full = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    async fn receive(&mut self) -> io::Result<usize> {
        loop {
            self.socket.readable().await?;
            let mut count = 0;
            let batch = &mut self.batch;
            let read = self.socket.try_io(Interest::READABLE, || {
                count = batch.receive(self.socket.as_fd())?;
                // A batch that is not full has emptied the socket. Saying so here saves the call
                // that would find it empty; epoll reports whatever comes later as a new edge.
                if count < BATCH { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match read {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ if count > 0 => return Ok(count),
                _ => {}
            }
        }
    }

    fn answer(&mut self, count: usize) {
        self.out.clear();
        // The clock is read once for the batch.
        let now = Instant::now();
        for index in 0..count {
            let Some(packet) = self.batch.packet(index).filter(|packet| packet.len() >= HEADER)
            else {
                continue;
            };
            let Some(client) = self.batch.origin(index).client() else { continue };
            let transport = Transport::Udp;
            let (identity, connection, worker) = (&*self.identity, client.ip(), self.worker.index);
            let sender =
                Sender { transport, tls: None, client, connection, identity, worker, trace: None };
            let arrival = Arrival { packet, sender, now };
            let start = self.out.len();
            match self.worker.service.begin(&arrival, &mut self.out) {
                Progress::Replied(_) => self.batch.answer(index, start..self.out.len()),
                Progress::Waiting(waiting) => self.wait(waiting, *self.batch.origin(index)),
                Progress::Dropped => {}
            }
        }
    }

    async fn send(&mut self) {
        let mut first = 0;
        while first < self.batch.answers() {
            let batch = &mut self.batch;
            let send = || batch.send(self.socket.as_fd(), first, &self.out);
            match self.socket.try_io(Interest::WRITABLE, send) {
                Ok(sent) => first += sent.max(1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The send buffer is full: wait, and let the system drop new queries meanwhile.
                    if self.socket.writable().await.is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // This one cannot be sent, such as to a network without a route; the rest can.
                Err(_) => first += 1,
            }
        }
    }

    #[cold]
    fn wait(&self, waiting: S::Waiting, origin: Origin) {
        let (worker, socket) = (self.worker.clone(), Arc::clone(&self.socket));
        tokio::spawn(async move {
            // All of it moves into the task, with the mark that the worker is not done yet.
            let worker = worker;
            let mut out = Vec::new();
            if worker.service.complete(waiting, &mut out).await.is_some() {
                let send = || origin.send(socket.as_fd(), &out);
                // An answer that cannot be sent is lost, as any datagram may be.
                let _ = socket.async_io(Interest::WRITABLE, send).await;
            }
        });
    }
}
