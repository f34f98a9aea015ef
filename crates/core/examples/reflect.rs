//! The listeners alone, with nothing behind them: each query comes back with its response bit set.
//!
//! What this costs is the least that any answer can cost. Run it, point `dnsperf` at the addresses
//! that it prints, and compare the processor time per query:
//!
//! ```text
//! cargo run --release --example reflect -- [WORKERS] [PORT_BASE]
//! ```
//!
//! UDP and TCP listen at PORT_BASE (5500), DoT one above, DoH two above and DoH without TLS three
//! above, all on 127.0.0.1.

use std::net::SocketAddr;
use std::sync::Arc;

use keyhole_core::arrival::Arrival;
use keyhole_core::connections::Connections;
use keyhole_core::events::RefusedHandshake;
use keyhole_core::listen::{Bound, ConnectionLimits, Serve, serve};
use keyhole_core::options::{
    AuthenticationOptions, CacheOptions, ClientCertificateOptions, Limits, Listen, MeshOptions,
    OPTIONS_VERSION, Options, Role,
};
use keyhole_core::pipeline::{Progress, ReplyInfo};
use keyhole_core::shares::Full;
use keyhole_core::tls::ServerTls;
use tokio::sync::watch;

struct Reflect {
    options: Options,
    tls: ServerTls,
    connections: Connections,
}

impl Serve for Reflect {
    type Waiting = std::convert::Infallible;

    fn options(&self) -> &Options {
        &self.options
    }

    fn tls(&self) -> &ServerTls {
        &self.tls
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn record_handshake(&self, _refused: &RefusedHandshake<'_>) {}

    fn over_share(&self, _worker: usize, _full: Full) {}

    fn begin(&self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress<Self::Waiting> {
        let start = out.len();
        out.extend_from_slice(arrival.packet);
        out[start + 2] |= 0x80;
        Progress::Replied(ReplyInfo { ttl: 300, closes: false, is_private: false })
    }

    async fn complete(&self, waiting: Self::Waiting, _out: &mut Vec<u8>) -> Option<ReplyInfo> {
        match waiting {}
    }
}

fn options(workers: usize, base: u16) -> Options {
    let at = |offset: u16| vec![SocketAddr::from(([127, 0, 0, 1], base + offset))];
    Options {
        version: OPTIONS_VERSION,
        role: Role::Resolver,
        workers,
        listen: Listen {
            udp: at(0),
            tcp: at(0),
            dot: at(1),
            doh: at(2),
            doh_cleartext: at(3),
            mesh: Vec::new(),
            doh_path: "/dns-query".to_owned(),
        },
        clients: Vec::new(),
        authentication: AuthenticationOptions::default(),
        client_certificates: ClientCertificateOptions::default(),
        mesh: MeshOptions::default(),
        names: Vec::new(),
        events: 0,
        limits: Limits {
            connections: 10_000,
            connections_per_client: 10_000,
            connections_per_identity: 10000,
            connections_unserved: 10000,
            new_connections_per_network: 100000,
            new_connections_per_identity: 100000,
            queries_per_connection: 1000,
            waiting: 10_000,
            waiting_per_identity: 10_000,
            waiting_per_network: 10_000,
            streams_per_connection: 100,
            open_requests: 20_000,
            open_requests_per_identity: 1_000,
            open_requests_per_network: 2_000,
            idle_ms: 30_000,
            read_ms: 5000,
            write_ms: 10_000,
            header_octets: 16 << 10,
            query_ms: 5000,
            udp_octets: 1232,
            udp_allowance: 64 * 1_024,
        },
        own_mark: String::new(),
        counts: None,
        traces: None,
        cache: CacheOptions {
            octets: 0,
            min_ttl: 0,
            max_ttl: 0,
            max_negative_ttl: 0,
            failure_ttl: 1,
            stale: 0,
            prefetch: false,
        },
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let workers = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let base = arguments.next().map_or(Ok(5500), |text| text.parse())?;
    let tls = ServerTls::new()?;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    tls.install(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes())?;
    let (options, connections) = (options(workers, base), Connections::default());
    let service = Arc::new(Reflect { options, tls, connections });
    let mut bound = Bound::bind(&service.options)?;
    println!("{}", bound.addresses());
    let shared = Arc::new(ConnectionLimits::new(&service.options.limits));
    let (_drain, drained) = watch::channel(false);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let sockets = bound.take(worker);
            let (service, shared) = (Arc::clone(&service), Arc::clone(&shared));
            let drained = drained.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => {
                        runtime.block_on(serve(service, sockets, shared, worker, drained));
                    }
                    Err(error) => eprintln!("cannot start worker {worker}: {error}"),
                }
            });
        }
    });
    Ok(())
}
