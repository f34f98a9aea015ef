//! The table of zones with a special use: what is said about each, and where that is written.
//!
//! The rows come from the registries of IANA, *Special-Use Domain Names* and *Locally-Served DNS
//! Zones*, and from what is reserved or withheld for private use. `example` and its relatives are
//! left out: resolvers do not treat them as special (RFC 6761 section 6.5).

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    /// The zones of this row.
    pub(super) names: Names,
    /// What they hold.
    pub(super) content: Content,
    /// Who answers for the DS record at their apex.
    pub(super) parent: Parent,
    /// Where it is written.
    pub(super) reference: &'static str,
}

/// The zones of one row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// This one.
    One(&'static str),
    /// One for each number, which is the first label, and this name behind it.
    Each(u8, u8, &'static str),
}

/// What a zone holds. Each has SOA and NS at its apex (RFC 6303 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing: the apex has no other record, and nothing below exists.
    Empty,
    /// Loopback addresses, at the apex and everywhere below.
    Loopback,
    /// Every name exists and has nothing.
    NoData,
    /// The two addresses that stand for "IPv4 only".
    Ipv4Only,
    /// The name of these addresses.
    Ipv4OnlyReverse,
    /// It is no zone: this name alone does not exist, and nothing is said about what lies below.
    Absent,
}

/// Who answers for the DS record at an apex, which belongs to the parent (RFC 4035 section 3.1.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// A public zone, which proves that there is none. It is asked: without its signed answer, a
    /// validator behind this resolver would call everything in the zone bogus.
    Public,
    /// The root, which delegates no such name. Nobody is asked, because these names must not leave
    /// unless the user says so.
    Root,
    /// The same, and no setting lets these names leave.
    Nobody,
}

use Content::{Absent, Empty, Ipv4Only, Ipv4OnlyReverse, Loopback, NoData};
use Names::{Each, One};
use Parent::{Nobody, Public, Root};

const fn row(names: Names, content: Content, parent: Parent, reference: &'static str) -> Zone {
    Zone { names, content, parent, reference }
}

/// Names like `wpad.com`: what a machine asks for that takes too much off its own name, looking for
/// a proxy or tunnel of its network.
pub(super) const DEVOLVED: Zone = row(One("wpad"), Empty, Public, "US-CERT TA16-144A");

/// The first labels of such names.
pub(super) const DEVOLVED_LABELS: [&[u8]; 2] = [b"\x04wpad", b"\x06isatap"];

pub(super) const ZONES: &[Zone] = &[
    // Top-level names of the registry of special-use names.
    row(One("localhost"), Loopback, Nobody, "RFC 6761 section 6.3"),
    row(One("test"), Empty, Root, "RFC 6761 section 6.2"),
    row(One("invalid"), Empty, Nobody, "RFC 6761 section 6.4"),
    // Multicast DNS is not ours.
    row(One("local"), Empty, Root, "RFC 6762 section 22.1"),
    // A question would reveal who uses Tor.
    row(One("onion"), Empty, Nobody, "RFC 7686 section 2"),
    row(One("alt"), Empty, Root, "RFC 9476"),
    // Top-level names for private networks, which will not be delegated.
    row(One("internal"), Empty, Root, "ICANN resolution 2024.07.29.06"),
    row(One("intranet"), Empty, Root, "RFC 6762 appendix G"),
    row(One("private"), Empty, Root, "RFC 6762 appendix G"),
    row(One("corp"), Empty, Root, "RFC 6762 appendix G"),
    row(One("home"), Empty, Root, "RFC 6762 appendix G"),
    row(One("lan"), Empty, Root, "RFC 6762 appendix G"),
    row(One("mail"), Empty, Root, "ICANN, name collisions"),
    // Not registered; the domain of a machine that was given none.
    row(One("localdomain"), Empty, Root, "hosts(5)"),
    // Looked for by machines that want a proxy or a tunnel of their network.
    row(One("wpad"), Empty, Root, "US-CERT TA16-144A"),
    row(One("isatap"), Empty, Root, "RFC 5214 section 8.3.2"),
    // Names below arpa.
    row(One("home.arpa"), Empty, Public, "RFC 8375 section 4"),
    row(One("service.arpa"), Empty, Public, "RFC 9665 section 8.4"),
    // No designated resolver is announced yet.
    row(One("resolver.arpa"), NoData, Public, "RFC 9462 section 6.4"),
    row(One("ipv4only.arpa"), Ipv4Only, Public, "RFC 8880 section 7.1"),
    row(One("170.0.0.192.in-addr.arpa"), Ipv4OnlyReverse, Public, "RFC 8880 section 7.2"),
    row(One("171.0.0.192.in-addr.arpa"), Ipv4OnlyReverse, Public, "RFC 8880 section 7.2"),
    row(One("6tisch.arpa"), Empty, Public, "RFC 9031 section 11"),
    row(One("eap-noob.arpa"), Empty, Public, "RFC 9140 section 5.6"),
    row(One("eap.arpa"), Empty, Public, "IANA, special-use domain names"),
    // Reverse zones of private addresses.
    row(One("10.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.1"),
    row(Each(16, 31, "172.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.1"),
    row(One("168.192.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.1"),
    // The shared address space of carriers, 100.64.0.0/10.
    row(Each(64, 127, "100.in-addr.arpa"), Empty, Public, "RFC 7793 section 4"),
    // Reverse zones of this network, of this machine, of links and of documentation.
    row(One("0.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("127.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("254.169.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("2.0.192.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("100.51.198.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("113.0.203.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(One("255.255.255.255.in-addr.arpa"), Empty, Public, "RFC 6303 section 4.2"),
    row(Each(0, 1, LOWEST), Empty, Public, "RFC 6303 section 4.3"),
    row(One("d.f.ip6.arpa"), Empty, Public, "RFC 6303 section 4.4"),
    row(One("8.e.f.ip6.arpa"), Empty, Public, "RFC 6303 section 4.5"),
    row(One("9.e.f.ip6.arpa"), Empty, Public, "RFC 6303 section 4.5"),
    row(One("a.e.f.ip6.arpa"), Empty, Public, "RFC 6303 section 4.5"),
    row(One("b.e.f.ip6.arpa"), Empty, Public, "RFC 6303 section 4.5"),
    row(One("8.b.d.0.1.0.0.2.ip6.arpa"), Empty, Public, "RFC 6303 section 4.6"),
    // Browsers that find it missing stay with this resolver.
    row(One("use-application-dns.net"), Absent, Public, "Firefox, canary domain"),
];

/// The unspecified and the loopback address of IPv6 differ in their first label alone.
const LOWEST: &str = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";

impl Names {
    /// Each name as text.
    pub(super) fn texts(self) -> Vec<String> {
        match self {
            One(name) => vec![name.to_owned()],
            Each(first, last, name) => {
                (first..=last).map(|label| format!("{label}.{name}")).collect()
            }
        }
    }
}
