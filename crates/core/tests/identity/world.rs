//! An engine with two encrypted listeners and a local record.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use keyhole_core::engine::Engine;
use keyhole_core::state::SERVER_IDENTITY;
use keyhole_wire::{Name, RecordType, write_query};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

use super::authority::{Authority, Shown};

pub(crate) const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

/// How long anything may take before the test fails.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

pub(crate) struct World {
    engine: Engine,
    addresses: Value,
    certificate: CertificateDer<'static>,
    /// The snapshot in force; change it and [`World::commit`] it.
    pub(crate) document: Value,
}

fn options() -> Value {
    json!({
        "version": 1, "role": "resolver", "workers": 2,
        "listen": {
            "udp": [], "tcp": [], "dot": ["127.0.0.1:0"], "doh": ["127.0.0.1:0"],
            "doh_cleartext": [], "mesh": [], "doh_path": "/dns-query",
        },
        "clients": ["127.0.0.0/8"],
        "authentication": {
            "udp": "strict", "tcp": "strict", "dot": "strict", "doh": "strict",
            "doh_cleartext": "strict",
        },
        "client_certificates": {"dot": "ask", "doh": "ask", "listeners": {}, "names": {}},
        "mesh": {"peers": [], "trust_domains": []}, "names": [], "events": 0,
        "limits": {
            "connections": 100, "connections_per_client": 100,
            "connections_per_identity": 100, "connections_unserved": 100,
            "new_connections_per_network": 100, "new_connections_per_identity": 100,
            "queries_per_connection": 100,
            "waiting": 100, "waiting_per_identity": 100, "waiting_per_network": 100,
            "streams_per_connection": 100, "open_requests": 1000,
            "open_requests_per_identity": 1000, "open_requests_per_network": 1000, "idle_ms": 30_000, "read_ms": 30_000,
            "write_ms": 30_000, "header_octets": 8_192, "query_ms": 30_000, "udp_octets": 1_232, "udp_allowance": 65_536,
        },
        "cache": {
            "octets": 1 << 20, "min_ttl": 0, "max_ttl": 86_400, "max_negative_ttl": 3_600,
            "failure_ttl": 5, "stale": 0, "prefetch": false,
        },
    })
}

/// Everybody who is let in may ask everything; `printer.example.org` is known here.
fn document(root: &Authority) -> Value {
    json!({
        "version": 1, "number": 1, "list_file": null, "lists": [],
        "upstreams": [{
            "name": "none", "protocol": "tcp", "addresses": ["127.0.0.1:1"], "server_name": "",
            "path": "", "pins": [], "server_id": null, "roots": "public", "crls": "",
            "client_identity": null,
        }],
        "upstream_sets": [
            {"name": "none", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1_000},
        ],
        "records": [{
            "name": "printer.example.org", "ttl": 60, "data": {"a": "10.0.0.7"}, "origin": "test",
        }],
        "record_sets": [[0]], "schedules": [],
        "trust": {
            "domains": [
                {"name": "keyhole.lab", "bundle": root.pem(), "crls": "", "origin": "test"},
            ],
            "revoked": {"identities": [], "certificates": []},
        },
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base", "mode": "enforce", "log": "full", "default": "allow", "rules": [],
            "lists": [], "list_answer": "nxdomain", "list_mode": "enforce", "paused": null,
            "private_addresses": "allow", "private_names": [], "forwarded_names": [], "blocked_ttl": 10, "upstream_set": 0, "record_set": 0, "origin": "test",
        }],
        "default_policy": 0, "unlogged": [],
    })
}

/// A query for the local record.
pub(crate) fn query() -> Vec<u8> {
    let mut packet = Vec::new();
    let name = Name::from_text("printer.example.org").unwrap();
    write_query(&name, RecordType::A, 7, 0, &mut packet);
    packet
}

/// What an answer comes to: that it has the record, or why not.
pub(crate) fn told(answer: &[u8]) -> String {
    match (answer[3] & 0x0f, u16::from_be_bytes([answer[6], answer[7]])) {
        (0, 1) => "answered".to_owned(),
        // REFUSED, with the reason as text of the extended error at the end (RFC 8914 section 2).
        (5, 0) => {
            let text =
                answer.iter().rposition(|c| !(c.is_ascii_lowercase() || *c == b'_')).unwrap();
            String::from_utf8(answer[text + 1..].to_vec()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

impl World {
    /// An engine that believes this authority about `keyhole.lab`.
    pub(crate) fn start(root: &Authority) -> Self {
        let engine = Engine::new(options().to_string().as_bytes()).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        engine.core().install_identity(SERVER_IDENTITY, pem.as_bytes(), key.as_bytes()).unwrap();
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let addresses = engine.start().unwrap();
        let world = Self { engine, addresses, certificate, document: document(root) };
        world.commit();
        world
    }

    pub(crate) fn commit(&self) {
        let document = self.document.to_string();
        let core = self.engine.core();
        core.commit(core.prepare(document.as_bytes()).unwrap());
    }

    pub(crate) fn stats(&self) -> Value {
        self.engine.core().stats()
    }

    pub(crate) fn address(&self, transport: &str) -> SocketAddr {
        self.addresses[transport][0].as_str().unwrap().parse().unwrap()
    }

    /// What a client needs that shows this certificate, or none.
    pub(crate) fn client(&self, shown: Option<&Shown>, protocol: &str) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            Some(Shown { chain, key }) => {
                builder.with_client_auth_cert(chain.clone(), key.clone_key()).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config
    }

    /// A DoT connection; its handshake happens with the first read or write.
    pub(crate) fn dot(&self, shown: Option<&Shown>) -> Stream {
        let config = Arc::new(self.client(shown, "dot"));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(self.address("dot")).unwrap();
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream)
    }
}

/// Asks over DoT.
pub(crate) fn ask(stream: &mut Stream) -> String {
    let query = query();
    let mut frame = u16::try_from(query.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(&query);
    stream.write_all(&frame).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    told(&answer)
}

/// Waits for the end of the connection, before which nothing more may come.
pub(crate) fn assert_closed(stream: &mut Stream) {
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}
