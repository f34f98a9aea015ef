//! The options of the engine, fixed at its start: role, listeners, limits, cache size.

mod client_certificates;
mod traces;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::network::Network;
use crate::spiffe_id::SpiffeId;
pub use client_certificates::{ClientCertificateOptions, ClientCertificates};
pub use traces::TraceOptions;

/// The version of this document; another one is an error.
pub const OPTIONS_VERSION: u32 = 1;
/// The most events that one worker remembers.
const MAX_EVENTS: u64 = 1_048_576;

/// The options document. Every field is present: Python resolves all defaults.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Always [`OPTIONS_VERSION`].
    pub version: u32,
    /// `resolver` or `forwarder`; the word in metrics and statistics, the path is the same.
    pub role: Role,
    /// Worker threads, 1 to 256; each has its own runtime and sockets.
    pub workers: usize,
    /// Addresses to listen on.
    pub listen: Listen,
    /// Networks whose connections are served; all others are refused.
    pub clients: Vec<Network>,
    /// What clients have to show, by transport.
    pub authentication: AuthenticationOptions,
    /// Where clients are asked for a certificate.
    pub client_certificates: ClientCertificateOptions,
    /// Whose statements about clients the mesh listener accepts.
    pub mesh: MeshOptions,
    /// The names of this server; a label before one of them in a DoT handshake is a token.
    pub names: Vec<String>,
    /// Queries that each worker remembers until they are taken, 0 for none, at most 1048576.
    pub events: usize,
    /// What one connection and all together may use.
    pub limits: Limits,
    /// How much is remembered and for how long.
    pub cache: CacheOptions,
    /// 32 hexadecimal digits that mark Keyhole's own queries (option 65053); empty for none.
    #[serde(default)]
    pub own_mark: String,
    /// The descriptor of memory in which queries are counted, so that the counts outlive the
    /// process; none to count in its own. The process that runs the engine adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<i32>,
    /// Which queries are recorded for traces; none for no traces.
    #[serde(default)]
    pub traces: Option<TraceOptions>,
}

/// What the engine does in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Role {
    Resolver,
    Forwarder,
}

/// Addresses by transport; port 0 takes a free port, which `start` reports.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// DNS over UDP (RFC 1035).
    pub udp: Vec<SocketAddr>,
    /// DNS over TCP (RFC 7766).
    pub tcp: Vec<SocketAddr>,
    /// DNS over TLS (RFC 7858).
    pub dot: Vec<SocketAddr>,
    /// DNS over HTTPS (RFC 8484).
    pub doh: Vec<SocketAddr>,
    /// DoH without TLS, for a sidecar on this machine; loopback addresses only.
    pub doh_cleartext: Vec<SocketAddr>,
    /// DNS over TCP behind PROXY protocol v2, for a sidecar that has authenticated the client.
    pub mesh: Vec<SocketAddr>,
    /// The path of DoH, `/dns-query` by default.
    pub doh_path: String,
}

/// What clients have to show, by transport.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AuthenticationOptions {
    pub udp: Authentication,
    pub tcp: Authentication,
    pub dot: Authentication,
    pub doh: Authentication,
    pub doh_cleartext: Authentication,
}

/// Whether a client that shows nothing is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// Permissive where the listener's own address is a loopback address, strict elsewhere, and for
    /// DoH without TLS where sidecars name the clients.
    #[default]
    Auto,
    /// A certificate or token, or no answer.
    Strict,
    /// The network that it comes from is its subject.
    Permissive,
}

impl Authentication {
    /// Whether a client that shows nothing is served at a listener with this address.
    pub fn admits_networks(self, listener: std::net::IpAddr) -> bool {
        match self {
            Self::Auto => listener.to_canonical().is_loopback(),
            Self::Strict => false,
            Self::Permissive => true,
        }
    }
}

/// Whose statements about clients the mesh listener, and DoH without TLS, accept.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MeshOptions {
    /// Networks of the sidecars; what comes from elsewhere is closed.
    pub peers: Vec<Network>,
    /// Trust domains that they may name; an identity of another one is unknown.
    pub trust_domains: Vec<String>,
}

impl MeshOptions {
    /// Whether sidecars name clients at all.
    pub fn is_used(&self) -> bool {
        !self.trust_domains.is_empty()
    }

    /// Whether an address is that of a sidecar.
    pub fn lists(&self, address: std::net::IpAddr) -> bool {
        self.peers.iter().any(|network| network.contains(address))
    }
}

/// Limits; each is tested from outside.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Open TCP, DoT and DoH connections, all together.
    pub connections: usize,
    /// Open connections from one network: an IPv4 address or an IPv6 /56.
    pub connections_per_client: usize,
    /// Open connections of one identity.
    pub connections_per_identity: usize,
    /// Open connections from all networks together that are not served.
    pub connections_unserved: usize,
    /// Connections that one network may open in a second.
    pub new_connections_per_network: u32,
    /// Connections that one identity may open in a second.
    pub new_connections_per_identity: u32,
    /// Queries under way on one connection; further ones wait unread (backpressure).
    pub queries_per_connection: usize,
    /// Queries that wait for an upstream, all together; further ones are `Overloaded`.
    pub waiting: usize,
    /// Those of one identity.
    pub waiting_per_identity: usize,
    /// Those from one network: an IPv4 address or an IPv6 /56.
    pub waiting_per_network: usize,
    /// HTTP/2 streams at once on one connection.
    pub streams_per_connection: u32,
    /// Requests that stay open, all together: streams whose body or answer is under way, and
    /// queries whose answers wait to be taken.
    pub open_requests: usize,
    /// Those of one identity.
    pub open_requests_per_identity: usize,
    /// Those from one network: an IPv4 address or an IPv6 /56.
    pub open_requests_per_network: usize,
    /// Milliseconds without a query after which a connection is closed.
    pub idle_ms: u64,
    /// Milliseconds for a TLS handshake, for the first bytes, for HTTP header and body, and for
    /// one DNS message to arrive whole after its first octet.
    pub read_ms: u64,
    /// Milliseconds that a client may take to read what was written.
    pub write_ms: u64,
    /// Octets of HTTP header list.
    pub header_octets: u32,
    /// Milliseconds from the arrival of a query until it is answered, whatever happens.
    pub query_ms: u64,
    /// Largest answer over UDP in octets (RFC 9715: 1232 avoids fragments).
    pub udp_octets: u16,
    /// Octets a second over UDP to one network whose address nobody proved, of what its answers
    /// have above 1.5 for each octet of their questions; 0 for none.
    pub udp_allowance: u32,
}

/// Cache options. All times are seconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CacheOptions {
    /// Octets that all entries together may take, keys and bookkeeping included.
    pub octets: u64,
    /// Shortest time that an answer is kept, 0 for what its TTL says.
    pub min_ttl: u32,
    /// Longest time that an answer is kept.
    pub max_ttl: u32,
    /// Longest time that a negative answer is kept (RFC 2308 section 5 advises 1 to 3 hours).
    pub max_negative_ttl: u32,
    /// How long a failure is remembered, 1 to 300 (RFC 9520 section 3.2).
    pub failure_ttl: u32,
    /// How long an expired answer may still serve when every upstream fails, 0 for never (RFC
    /// 8767).
    pub stale: u32,
    /// Whether hot names are fetched again shortly before they expire.
    pub prefetch: bool,
}

impl Options {
    /// Reads the document; unknown fields and versions are errors.
    pub fn read(document: &[u8]) -> Result<Self, Error> {
        let options: Self = keyhole_names::error::read_document("options", document)?;
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), Error> {
        if self.version != OPTIONS_VERSION {
            return Err(Error::version("options", self.version, OPTIONS_VERSION));
        }
        if !(1..=256).contains(&self.workers) {
            return Err(Error::invalid("options.workers", "give a number from 1 to 256"));
        }
        if let Some(address) = self.listen.doh_cleartext.iter().find(|a| !a.ip().is_loopback()) {
            return Err(Error::invalid(
                "options.listen.doh_cleartext",
                format!(
                    "{address} is not a loopback address; DoH without TLS never leaves the machine"
                ),
            ));
        }
        if !self.listen.doh_path.starts_with('/') {
            return Err(Error::invalid("options.listen.doh_path", "a path starts with /"));
        }
        if !self.own_mark.is_empty() && read_mark(&self.own_mark).is_none() {
            return Err(Error::invalid("options.own_mark", "give 32 hexadecimal digits"));
        }
        if let Some(traces) = &self.traces {
            traces.check(self.role == Role::Forwarder)?;
        }
        self.check_mesh()?;
        self.check_names()?;
        self.client_certificates.check(&self.names, &[&self.listen.dot, &self.listen.doh])?;
        self.limits.check()?;
        in_range("options.events", self.events as u64, 0, MAX_EVENTS)?;
        in_range("options.cache.failure_ttl", self.cache.failure_ttl.into(), 1, 300)
    }
}

impl Options {
    /// A mesh listener that nobody may use, or that may name nobody, would refuse everything.
    fn check_mesh(&self) -> Result<(), Error> {
        let invalid =
            |field: &str, why: String| Err(Error::invalid(format!("options.mesh.{field}"), why));
        if !self.listen.mesh.is_empty() {
            if self.mesh.peers.is_empty() {
                return invalid(
                    "peers",
                    "listen.mesh needs the networks of the sidecars, such as 127.0.0.0/8".into(),
                );
            }
            if self.mesh.trust_domains.is_empty() {
                return invalid(
                    "trust_domains",
                    "listen.mesh needs the trust domains that sidecars may name, such as \
                     cluster.local"
                        .into(),
                );
            }
        }
        let named = self.mesh.trust_domains.iter().enumerate();
        match named.into_iter().find(|(_, name)| !SpiffeId::is_trust_domain(name)) {
            None => Ok(()),
            Some((index, name)) => invalid(
                &format!("trust_domains[{index}]"),
                format!(
                    "{name:?} is not a trust domain; one has lower-case letters, digits, '.', '-' \
                     and '_'"
                ),
            ),
        }
    }

    /// Names are compared with what a client asks for in its handshake, which is in lower case and
    /// never an address (RFC 6066 section 3).
    fn check_names(&self) -> Result<(), Error> {
        for (index, name) in self.names.iter().enumerate() {
            if !is_host_name(name) || name.parse::<std::net::IpAddr>().is_ok() {
                return Err(Error::invalid(
                    format!("options.names[{index}]"),
                    format!(
                        "{name:?} is not the name of a server; write it in lower case without the \
                         last dot, such as dns.example.org"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The octets of a mark.
pub(crate) fn read_mark(text: &str) -> Option<[u8; 16]> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Letters, digits and hyphens (RFC 1123 section 2.1), in lower case.
fn is_host_name(name: &str) -> bool {
    let is_letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl Limits {
    /// A limit of nothing would stop the engine; times far away do not fit its clock.
    fn check(&self) -> Result<(), Error> {
        const COUNT: u64 = 1_000_000;
        const DAY: u64 = 86_400_000;
        let per_client = self.connections_per_client as u64;
        for (field, value, least, most) in [
            ("connections", self.connections as u64, 1, COUNT),
            ("connections_per_client", per_client, 1, COUNT),
            ("connections_per_identity", self.connections_per_identity as u64, 1, COUNT),
            ("connections_unserved", self.connections_unserved as u64, 0, COUNT),
            ("new_connections_per_network", self.new_connections_per_network.into(), 1, COUNT),
            ("new_connections_per_identity", self.new_connections_per_identity.into(), 1, COUNT),
            ("queries_per_connection", self.queries_per_connection as u64, 1, COUNT),
            ("waiting", self.waiting as u64, 1, COUNT),
            ("waiting_per_identity", self.waiting_per_identity as u64, 1, COUNT),
            ("waiting_per_network", self.waiting_per_network as u64, 1, COUNT),
            ("streams_per_connection", self.streams_per_connection.into(), 1, COUNT),
            ("open_requests", self.open_requests as u64, 1, COUNT),
            ("open_requests_per_identity", self.open_requests_per_identity as u64, 1, COUNT),
            ("open_requests_per_network", self.open_requests_per_network as u64, 1, COUNT),
            ("idle_ms", self.idle_ms, 1, DAY),
            ("read_ms", self.read_ms, 1, DAY),
            ("write_ms", self.write_ms, 1, DAY),
            ("header_octets", self.header_octets.into(), 256, 1 << 20),
            ("query_ms", self.query_ms, 1, DAY),
            ("udp_octets", self.udp_octets.into(), 512, 65_535),
            ("udp_allowance", self.udp_allowance.into(), 0, 1 << 30),
        ] {
            in_range(&format!("options.limits.{field}"), value, least, most)?;
        }
        Ok(())
    }
}

fn in_range(path: &str, value: u64, least: u64, most: u64) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(path, format!("give a number from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(set: impl FnOnce(&mut Options)) -> String {
        let mut options = crate::explain::options();
        set(&mut options);
        options.check().err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn mesh(options: &mut Options) {
        options.listen.mesh = vec!["127.0.0.1:1054".parse().unwrap()];
        options.mesh.peers = vec!["127.0.0.0/8".parse().unwrap()];
        options.mesh.trust_domains = vec!["cluster.local".to_owned()];
    }

    #[test]
    fn a_mesh_listener_needs_sidecars_and_trust_domains() {
        assert_eq!(refused(mesh), "");
        let text = refused(|options| {
            mesh(options);
            options.mesh.peers.clear();
        });
        assert!(text.starts_with("options.mesh.peers: listen.mesh needs"), "{text}");
        let text = refused(|options| {
            mesh(options);
            options.mesh.trust_domains.clear();
        });
        assert!(text.starts_with("options.mesh.trust_domains: listen.mesh needs"), "{text}");
        let text = refused(|options| {
            options.mesh.trust_domains = vec!["keyhole.lab".into(), "Cluster.local".into()];
        });
        assert!(text.starts_with("options.mesh.trust_domains[1]: \"Cluster.local\""), "{text}");
    }

    #[test]
    fn a_name_of_the_server_is_one_that_a_client_can_ask_for() {
        let with = |name: &str| refused(|options| options.names = vec![name.to_owned()]);
        for name in ["dns.example.org", "localhost", "a-1.example"] {
            assert_eq!(with(name), "", "{name}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for name in
            ["", "Dns.example", "dns.example.", "*.example", "-a.example", "192.0.2.1", &long]
        {
            let text = with(name);
            assert!(text.starts_with(&format!("options.names[0]: {name:?}")), "{text}");
        }
    }
}
