//! Who asks, among many: 1,000 policies and 100,000 clients.

use std::error::Error;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;
use std::sync::Arc;

use keyhole_core::client_identity::{ClientIdentity, Credential, Svid};
use keyhole_core::clock::When;
use keyhole_core::network::Network;
use keyhole_core::question::Question;
use keyhole_core::snapshot::Snapshot;
use keyhole_core::spiffe_id::SpiffeId;
use keyhole_core::stages::{End, admit, authorize, identify, parse};
use keyhole_core::upstream::Upstreams;
use keyhole_wire::{Name, RecordType, write_query};
use serde_json::{Value, json};

use super::{busy, document, rule};

const POLICIES: usize = 1_000;
/// Clients of each kind.
const IDENTITIES: usize = 40_000;
const TOKENS: usize = 10_000;
const NETWORKS: usize = 50_000;
/// Paths below which identities lie that have no subject of their own.
const PATHS: usize = 2_000;
const RULES: usize = 50;
/// How often every client asks.
const ROUNDS: usize = 10;

/// How far a query goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// The memory of the client itself is read, as its listener has just done with a real one: what
    /// this costs is no part of the decision.
    LookAt,
    Identify,
    Decide,
}

/// The sum of the octets that a client shows.
fn octets(identity: &ClientIdentity) -> u64 {
    let sum = |octets: &[u8]| octets.iter().map(|octet| u64::from(*octet)).sum();
    match &identity.credential {
        Credential::Certificate(svid) => sum(svid.id.as_str().as_bytes()),
        Credential::Mesh(id) => sum(id.as_str().as_bytes()),
        Credential::Token(digest) => sum(digest),
        _ => 0,
    }
}

/// Somebody who asks.
type Client = (ClientIdentity, IpAddr);

pub(super) fn measure() -> Result<(), Box<dyn Error>> {
    let document = everybody().to_string();
    let begin = busy();
    let snapshot = Snapshot::compile(document.as_bytes(), &Upstreams::new())?;
    println!(
        "\n{POLICIES} policies, {} clients, compiled in {:.0} ms ({} MB of document)",
        IDENTITIES + TOKENS + NETWORKS,
        (busy() - begin).as_secs_f64() * 1e3,
        document.len() >> 20,
    );
    let questions = questions()?;
    println!("{:<34} {:>8} {:>8} {:>8}", "client", "look at", "identify", "decision");
    let identity = |text: String| SpiffeId::read(&text).ok_or("it is an ID");
    let mut named = Vec::new();
    let mut below = Vec::new();
    let mut meshed = Vec::new();
    for n in 0..IDENTITIES {
        named.push(certificate(identity(workload(n))?));
        meshed.push((shown(Credential::Mesh(identity(workload(n))?)), here()));
        below.push(certificate(identity(format!("{}/pod/{n}", path(n % PATHS)))?));
    }
    let tokens = (0..TOKENS).map(|n| (shown(Credential::Token(digest(n))), here()));
    let addresses = (0..NETWORKS).map(|n| (ClientIdentity::NETWORK, address(n)));
    for (what, clients) in [
        ("certificate, named", named),
        ("mesh identity, named", meshed),
        ("certificate, below a path", below),
        ("token", tokens.collect()),
        ("network", addresses.collect()),
    ] {
        let mut took = Vec::new();
        for goal in [Goal::LookAt, Goal::Identify, Goal::Decide] {
            took.push(time(&snapshot, &clients, &questions, goal)?);
        }
        println!("{what:<34} {:>8.1} {:>8.1} {:>8.1}", took[0], took[1], took[2]);
    }
    Ok(())
}

/// Nanoseconds of one query, every client in turn and no two neighbors after each other: hardly
/// anything is in the processor's cache. The best of several rounds.
fn time(
    snapshot: &Snapshot,
    clients: &[Client],
    questions: &[Question],
    goal: Goal,
) -> Result<f64, Box<dyn Error>> {
    /// Has no common divisor with the number of clients.
    const STRIDE: usize = 7_919;
    let served = Network::all();
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut known = 0_usize;
        let begin = busy();
        for n in 0..clients.len() {
            let (identity, address) = &clients[n * STRIDE % clients.len()];
            let question = &questions[n % questions.len()];
            let walk = || {
                if goal == Goal::LookAt {
                    black_box(octets(identity));
                    return ControlFlow::Continue(());
                }
                let admitted = admit::admit(&served, *address)?;
                let client = identify::identify(snapshot, identity, *address, admitted, &mut ())?;
                black_box(client.client_ref);
                if goal == Goal::Decide {
                    authorize::authorize(snapshot, &client, question, When::Now, &mut ())?;
                }
                ControlFlow::<End>::Continue(())
            };
            known += usize::from(walk().is_continue());
        }
        let took = busy() - begin;
        if goal == Goal::Identify && known != clients.len() {
            return Err(format!("{} clients are known to nobody", clients.len() - known).into());
        }
        best = best.min(took.as_secs_f64() * 1e9 / clients.len() as f64);
    }
    Ok(best)
}

/// All clients, each with one of the policies.
fn everybody() -> Value {
    let mut all = document(0);
    let mut base = all["policies"][0].take();
    base["rules"] = json!([]);
    let policy = |n: usize| {
        let mut policy = base.clone();
        let exact =
            (0..RULES / 2).map(|r| rule(json!({"exact": format!("p{n}r{r}.example")}), "block"));
        let below =
            (0..RULES / 2).map(|r| rule(json!({"below": format!("b{r}.p{n}.example")}), "allow"));
        policy["rules"] = exact.chain(below).collect();
        policy
    };
    all["policies"] = (0..POLICIES).map(policy).collect();
    let one = |key: &str, value: String, n: usize| {
        json!({
            key: value, "client": format!("client {n}"), "policy": n % POLICIES, "subject": value,
        })
    };
    let token = |n: usize| {
        let mut token = one("sha256", hexadecimal(digest(n)), n);
        token["name"] = json!(format!("token {n}"));
        token
    };
    let below = |n: usize| json!({"prefix": path(n), "policy": n % POLICIES, "subject": path(n)});
    let network = |n: usize| one("network", network_of(n), n);
    all["subjects"] = json!({
        "identities": (0..IDENTITIES).map(|n| one("id", workload(n), n)).collect::<Value>(),
        "below": (0..PATHS).map(below).collect::<Value>(),
        "tokens": (0..TOKENS).map(token).collect::<Value>(),
        "networks": (0..NETWORKS).map(network).collect::<Value>(),
        "expired": null,
    });
    all
}

fn workload(n: usize) -> String {
    format!("{}/sa/workload-{n}", path(n % PATHS))
}

fn path(n: usize) -> String {
    format!("spiffe://example.org/ns/namespace-{n}")
}

fn digest(n: usize) -> [u8; 32] {
    let mut digest = [0; 32];
    // Scattered, as digests are.
    for (octet, part) in digest.iter_mut().zip((0..).map(|at| n.wrapping_mul(0x9e37_79b9) >> at)) {
        *octet = part as u8;
    }
    digest[31] = (n >> 8) as u8;
    digest[30] = n as u8;
    digest
}

fn hexadecimal(digest: [u8; 32]) -> String {
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Single addresses, /24s and /48s in turn.
fn network_of(n: usize) -> String {
    match (address(n), n % 3) {
        (IpAddr::V4(v4), 1) => format!("{}/24", Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        (IpAddr::V4(v4), _) => format!("{v4}/32"),
        (IpAddr::V6(v6), _) => format!("{}/48", Ipv6Addr::from_bits(v6.to_bits() & !0 << 80)),
    }
}

fn address(n: usize) -> IpAddr {
    let bits = n as u32;
    match n % 3 {
        0 => Ipv4Addr::from_bits(0x0a00_0000 | bits << 3).into(),
        1 => Ipv4Addr::from_bits(0xac00_0007 | bits << 8).into(),
        _ => Ipv6Addr::from_bits(0x2001_0db8 << 96 | (n as u128) << 80 | 7).into(),
    }
}

fn shown(credential: Credential) -> ClientIdentity {
    ClientIdentity { credential, by_network: false }
}

fn certificate(id: SpiffeId) -> Client {
    (shown(Credential::Certificate(Arc::new(Svid::assumed(id, false)))), here())
}

fn here() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// Names that rules mean and names that no rule means.
fn questions() -> Result<Vec<Question>, Box<dyn Error>> {
    let names = ["www.example.org", "p7r7.example", "a.b.b7.p7.example", "a.long.name.example.net"];
    names
        .iter()
        .map(|name| {
            let mut packet = Vec::new();
            write_query(&Name::from_text(name)?, RecordType::A, 1, 0, &mut packet);
            parse::parse(&packet).map_err(|_| "it is a question".into())
        })
        .collect()
}
