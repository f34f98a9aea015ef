//! Sockets: every address for every worker, claimed before any of them is served.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::bind_hints;
use super::listener::Protocol;
use super::udp_batch;
use crate::Error;
use crate::options::{ClientCertificates, Options};

/// Connections that may wait to be accepted; the system lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Octets of UDP queries that may wait to be read: what a worker that is busy for some ten
/// milliseconds lets pile up. The system lowers it to its own limit.
const UDP_BUFFER: usize = 4 << 20;

/// The sockets of one worker.
#[derive(Default)]
pub struct WorkerSockets {
    pub(super) udp: Vec<UdpSocket>,
    pub(super) streams: Vec<StreamSocket>,
}

/// A socket that accepts connections.
pub(super) struct StreamSocket {
    pub(super) protocol: Protocol,
    pub(super) certificates: ClientCertificates,
    pub(super) socket: TcpListener,
}

/// Every socket of the engine.
pub struct Bound {
    workers: Vec<WorkerSockets>,
    addresses: Vec<(Protocol, SocketAddr)>,
}

impl Bound {
    /// Binds every address once for each worker, so that the system spreads packets and
    /// connections over them. Port 0 is resolved once and then shared.
    ///
    /// # Errors
    /// The first address that cannot be bound: which one, what for, and what to do about it.
    pub fn bind(options: &Options) -> Result<Self, Error> {
        let mut workers: Vec<_> = (0..options.workers).map(|_| WorkerSockets::default()).collect();
        let mut addresses = Vec::new();
        for protocol in Protocol::ALL {
            for &address in protocol.addresses(options) {
                let certificates = protocol.certificates(options, address);
                let address = bind_address(protocol, certificates, address, &mut workers)
                    .map_err(|error| bind_hints::explain(protocol, address, error))?;
                addresses.push((protocol, address));
            }
        }
        Ok(Self { workers, addresses })
    }

    /// The addresses by transport, ports resolved: `{"udp": ["127.0.0.1:5300"], ...}`.
    pub fn addresses(&self) -> Value {
        let of = |protocol: Protocol| -> Vec<String> {
            let own = self.addresses.iter().filter(|(found, _)| *found == protocol);
            own.map(|(_, address)| address.to_string()).collect()
        };
        Protocol::ALL
            .iter()
            .map(|&protocol| (protocol.word().to_owned(), json!(of(protocol))))
            .collect()
    }

    /// The sockets of one worker; nothing when they were taken before.
    pub fn take(&mut self, worker: usize) -> WorkerSockets {
        self.workers.get_mut(worker).map(std::mem::take).unwrap_or_default()
    }
}

fn bind_address(
    protocol: Protocol,
    certificates: ClientCertificates,
    address: SocketAddr,
    workers: &mut [WorkerSockets],
) -> std::io::Result<SocketAddr> {
    // The first socket is bound without SO_REUSEPORT: with it, a second Keyhole of the same user
    // would silently take half of the queries, and port 0 could give a port that is in use. Once
    // the address is ours it is opened for the other workers.
    let first = open(protocol, address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    let mut first = Some(first);
    for worker in workers {
        let socket = match first.take() {
            Some(first) => first,
            None => {
                let socket = open(protocol, address)?;
                socket.set_reuse_port(true)?;
                socket.bind(&address.into())?;
                socket
            }
        };
        if protocol == Protocol::Udp {
            worker.udp.push(socket.into());
        } else {
            socket.listen(BACKLOG)?;
            let socket = socket.into();
            worker.streams.push(StreamSocket { protocol, certificates, socket });
        }
    }
    Ok(address)
}

fn open(protocol: Protocol, address: SocketAddr) -> std::io::Result<Socket> {
    let (kind, transport) = match protocol {
        Protocol::Udp => (Type::DGRAM, socket2::Protocol::UDP),
        _ => (Type::STREAM, socket2::Protocol::TCP),
    };
    let ipv6 = address.is_ipv6();
    let socket = Socket::new(Domain::for_address(address), kind, Some(transport))?;
    socket.set_nonblocking(true)?;
    if ipv6 {
        // [::] means IPv6 alone, so that 0.0.0.0 beside it is no conflict on any system.
        socket.set_only_v6(true)?;
    }
    if protocol == Protocol::Udp {
        socket.set_recv_buffer_size(UDP_BUFFER)?;
        udp_batch::ignore_path_mtu(socket.as_fd(), ipv6)?;
        if is_any(address) {
            udp_batch::ask_for_destination(socket.as_fd(), ipv6)?;
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
