//! Sockets: every address for every worker, claimed before any of them is served.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;

use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};

use super::advice;
use super::batch;
use crate::Error;
use crate::options::Options;

/// Connections that may wait to be accepted; the system lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Octets of UDP queries that may wait to be read: what a worker that is busy for some ten
/// milliseconds lets pile up. The system lowers it to its own limit.
const UDP_BUFFER: usize = 4 << 20;

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Udp,
    Tcp,
    Dot,
    Doh,
    DohCleartext,
    Mesh,
}

impl Door {
    const ALL: [Self; 6] =
        [Self::Udp, Self::Tcp, Self::Dot, Self::Doh, Self::DohCleartext, Self::Mesh];

    /// The word of the options document.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Dot => "dot",
            Self::Doh => "doh",
            Self::DohCleartext => "doh_cleartext",
            Self::Mesh => "mesh",
        }
    }

    fn wanted(self, options: &Options) -> &[SocketAddr] {
        let listen = &options.listen;
        match self {
            Self::Udp => &listen.udp,
            Self::Tcp => &listen.tcp,
            Self::Dot => &listen.dot,
            Self::Doh => &listen.doh,
            Self::DohCleartext => &listen.doh_cleartext,
            Self::Mesh => &listen.mesh,
        }
    }
}

/// The sockets of one worker.
#[derive(Default)]
pub struct WorkerSockets {
    pub(super) udp: Vec<UdpSocket>,
    pub(super) streams: Vec<(Door, TcpListener)>,
}

/// Every socket of the engine.
pub struct Bound {
    workers: Vec<WorkerSockets>,
    addresses: Vec<(Door, SocketAddr)>,
}

impl Bound {
    /// Binds every address once for each worker, so that the system spreads packets and
    /// connections over them. Port 0 is resolved once and then shared.
    ///
    /// # Errors
    /// The first address that cannot be had: which one, what for, and what to do about it.
    pub fn bind(options: &Options) -> Result<Self, Error> {
        let mut workers: Vec<_> = (0..options.workers).map(|_| WorkerSockets::default()).collect();
        let mut addresses = Vec::new();
        for door in Door::ALL {
            for &wanted in door.wanted(options) {
                let address = bind_address(door, wanted, &mut workers)
                    .map_err(|error| advice::explain(door, wanted, error))?;
                addresses.push((door, address));
            }
        }
        Ok(Self { workers, addresses })
    }

    /// The addresses by transport, ports resolved: `{"udp": ["127.0.0.1:5300"], ...}`.
    pub fn addresses(&self) -> Value {
        let of = |door: Door| -> Vec<String> {
            let own = self.addresses.iter().filter(|(found, _)| *found == door);
            own.map(|(_, address)| address.to_string()).collect()
        };
        Door::ALL.iter().map(|&door| (door.word().to_owned(), json!(of(door)))).collect()
    }

    /// The sockets of one worker; nothing when they were taken before.
    pub fn take(&mut self, worker: usize) -> WorkerSockets {
        self.workers.get_mut(worker).map(std::mem::take).unwrap_or_default()
    }
}

fn bind_address(
    door: Door,
    wanted: SocketAddr,
    workers: &mut [WorkerSockets],
) -> std::io::Result<SocketAddr> {
    // The first socket is bound without SO_REUSEPORT: with it, a second Keyhole of the same user
    // would silently take half of the queries, and port 0 could give a port that is in use. Once
    // the address is ours it is opened for the other workers.
    let first = open(door, wanted)?;
    first.bind(&wanted.into())?;
    first.set_reuse_port(true)?;
    let address = first.local_addr()?.as_socket().unwrap_or(wanted);
    let mut first = Some(first);
    for worker in workers {
        let socket = match first.take() {
            Some(first) => first,
            None => {
                let socket = open(door, address)?;
                socket.set_reuse_port(true)?;
                socket.bind(&address.into())?;
                socket
            }
        };
        if door == Door::Udp {
            worker.udp.push(socket.into());
        } else {
            socket.listen(BACKLOG)?;
            worker.streams.push((door, socket.into()));
        }
    }
    Ok(address)
}

fn open(door: Door, address: SocketAddr) -> std::io::Result<Socket> {
    let (kind, protocol) = match door {
        Door::Udp => (Type::DGRAM, Protocol::UDP),
        _ => (Type::STREAM, Protocol::TCP),
    };
    let ipv6 = address.is_ipv6();
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if ipv6 {
        // [::] means IPv6 alone, so that 0.0.0.0 beside it is no conflict on any system.
        socket.set_only_v6(true)?;
    }
    if door == Door::Udp {
        socket.set_recv_buffer_size(UDP_BUFFER)?;
        batch::ignore_path_mtu(socket.as_fd(), ipv6)?;
        if is_any(address) {
            batch::ask_for_destination(socket.as_fd(), ipv6)?;
        }
    } else {
        // A restart must not wait for connections of the last run to be forgotten (TIME_WAIT).
        socket.set_reuse_address(true)?;
        // Accepted connections inherit it: answers are written whole, waiting gains nothing.
        socket.set_tcp_nodelay(true)?;
    }
    Ok(socket)
}

/// Whether a socket bound here has to ask which address a query was sent to.
pub(super) fn is_any(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(v4) => v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_unspecified(),
    }
}
