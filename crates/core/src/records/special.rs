//! Names with a special use: answered here and never sent anywhere.
//!
//! | standard | names | what is said |
//! | --- | --- | --- |
//! | RFC 6761 section 6.3 | `localhost` | loopback addresses |
//! | RFC 6761 sections 6.2, 6.4 | `test`, `invalid` | no such name |
//! | RFC 6762 section 22.1 | `local` | no such name: multicast DNS is not ours |
//! | RFC 7686 section 2 | `onion` | no such name: a question would reveal who uses Tor |
//! | RFC 8375 section 4 | `home.arpa` | an empty zone, but the proof that it is unsigned is public |
//! | RFC 8880 section 7.2 | `ipv4only.arpa` and its reverse names | the two well-known addresses |
//! | RFC 9462 section 6.4 | `resolver.arpa` | no data: no designated resolver is announced yet |
//! | RFC 6303 section 4, RFC 7793 | reverse zones of private addresses | empty zones |
//! | (Firefox) | `use-application-dns.net` | no such name: browsers stay with this resolver |

use std::sync::{Arc, LazyLock};

use keyhole_names::HashedName;
use keyhole_names::NameMap;
use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType, Synthetic};

use super::local::Local;

/// Seconds for which these answers may be cached: short enough for a local record to take over.
const TTL: u32 = 600;

/// The addresses of `ipv4only.arpa` (RFC 7050 section 2.2).
const IPV4_ONLY: [[u8; 4]; 2] = [[192, 0, 0, 170], [192, 0, 0, 171]];

/// Names whose treatment has a rule of its own.
const NAMES: &[(&str, Treatment)] = &[
    ("localhost", Treatment::Loopback),
    ("invalid", Treatment::Nonexistent),
    ("test", Treatment::Nonexistent),
    ("local", Treatment::Nonexistent),
    ("onion", Treatment::Nonexistent),
    ("home.arpa", Treatment::HomeZone),
    ("ipv4only.arpa", Treatment::Ipv4Only),
    ("170.0.0.192.in-addr.arpa", Treatment::Ipv4OnlyReverse),
    ("171.0.0.192.in-addr.arpa", Treatment::Ipv4OnlyReverse),
    ("resolver.arpa", Treatment::NoData),
    ("use-application-dns.net", Treatment::Canary),
];

/// Reverse zones that are empty for everyone: RFC 6303 sections 4.1 to 4.6 without the ranges.
const EMPTY_ZONES: &[&str] = &[
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    "0.in-addr.arpa",
    "127.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
];

/// What is said about a special name and what lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// Loopback addresses; no data for other types.
    Loopback,
    /// Neither it nor anything below exists.
    Nonexistent,
    /// It exists and has nothing; nothing below exists.
    EmptyZone,
    /// The same, but its DS is asked upstream: the proof that there is none (RFC 8375 section 4).
    HomeZone,
    /// Everything exists and has nothing.
    NoData,
    /// It alone does not exist; nothing is said about what lies below.
    Canary,
    /// The two addresses that stand for "IPv4 only"; nothing below exists.
    Ipv4Only,
    /// The names of these addresses.
    Ipv4OnlyReverse,
}

static TABLE: LazyLock<NameMap<Treatment>> = LazyLock::new(|| {
    let mut table = NameMap::default();
    let mut add = |text: &str, treatment| {
        // Every text is a constant of this file or made from numbers; a test reads them all.
        if let Ok(name) = Name::from_text(text) {
            table.entry(&name, || treatment);
        }
    };
    NAMES.iter().for_each(|(text, treatment)| add(text, *treatment));
    EMPTY_ZONES.iter().for_each(|text| add(text, Treatment::EmptyZone));
    for octet in 16..=31 {
        add(&format!("{octet}.172.in-addr.arpa"), Treatment::EmptyZone);
    }
    // RFC 7793: the shared address space of carriers, 100.64.0.0/10.
    for octet in 64..=127 {
        add(&format!("{octet}.100.in-addr.arpa"), Treatment::EmptyZone);
    }
    // The unspecified and the loopback address of IPv6 (RFC 6303 section 4.3).
    for last in 0..=1 {
        add(&format!("{last}.{}ip6.arpa", "0.".repeat(31)), Treatment::EmptyZone);
    }
    table
});

static IPV4_ONLY_A: LazyLock<Option<Arc<Answer>>> = LazyLock::new(|| {
    let name = Name::from_text("ipv4only.arpa").ok()?;
    let builder = AnswerBuilder::new(&name, RecordType::A, Rcode::NOERROR);
    let builder = IPV4_ONLY
        .iter()
        .fold(builder, |builder, address| builder.push(&name, RecordType::A, TTL, address));
    builder.finish().ok().map(Arc::new)
});

/// What is said about a name with a special use; none for all others. Local records come first.
///
/// Costs a probe per label and allocates nothing (but for the reverse of `ipv4only.arpa`).
pub fn special(hashed: &HashedName, kind: RecordType) -> Option<Local> {
    let mut is_apex = true;
    for suffix in hashed.suffixes() {
        if let Some(&treatment) = TABLE.get(&suffix) {
            return say(treatment, is_apex, hashed.name(), kind);
        }
        is_apex = false;
    }
    None
}

fn say(treatment: Treatment, is_apex: bool, name: &Name, kind: RecordType) -> Option<Local> {
    let what = match (treatment, is_apex) {
        (Treatment::Loopback, _) => loopback(kind),
        (Treatment::HomeZone, true) if kind == RecordType::DS => return None,
        (Treatment::EmptyZone | Treatment::HomeZone, true) => Synthetic::NoData,
        (Treatment::NoData, _) => Synthetic::NoData,
        (Treatment::Canary, false) => return None,
        (Treatment::Ipv4Only, true) if kind == RecordType::A => {
            return IPV4_ONLY_A.clone().map(Local::Answer);
        }
        (Treatment::Ipv4OnlyReverse, true) if kind == RecordType::PTR => {
            return reverse_of_ipv4_only(name);
        }
        (Treatment::Ipv4Only | Treatment::Ipv4OnlyReverse, true) => Synthetic::NoData,
        (Treatment::Nonexistent | Treatment::Canary, _) | (_, false) => Synthetic::Nxdomain,
    };
    Some(Local::Synthetic { what, ttl: TTL })
}

fn loopback(kind: RecordType) -> Synthetic {
    match kind {
        RecordType::A => Synthetic::Address(std::net::Ipv4Addr::LOCALHOST.into()),
        RecordType::AAAA => Synthetic::Address(std::net::Ipv6Addr::LOCALHOST.into()),
        _ => Synthetic::NoData,
    }
}

fn reverse_of_ipv4_only(name: &Name) -> Option<Local> {
    let target = Name::from_text("ipv4only.arpa").ok()?;
    let builder = AnswerBuilder::new(name, RecordType::PTR, Rcode::NOERROR);
    let answer = builder.push_name(name, RecordType::PTR, TTL, &target).finish().ok()?;
    Some(Local::Answer(Arc::new(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, kind: RecordType) -> Option<Synthetic> {
        let hashed = HashedName::new(&Name::from_text(text).unwrap());
        match special(&hashed, kind)? {
            Local::Synthetic { what, .. } => Some(what),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_entry_of_the_table_is_a_name() {
        assert_eq!(TABLE.iter().count(), NAMES.len() + EMPTY_ZONES.len() + 16 + 64 + 2);
    }

    #[test]
    fn localhost_and_what_lies_below_is_this_machine() {
        let v4 = Synthetic::Address("127.0.0.1".parse().unwrap());
        let v6 = Synthetic::Address("::1".parse().unwrap());
        for name in ["localhost", "LOCALHOST.", "a.b.localhost"] {
            assert_eq!(said(name, RecordType::A), Some(v4), "{name}");
            assert_eq!(said(name, RecordType::AAAA), Some(v6), "{name}");
            assert_eq!(said(name, RecordType::MX), Some(Synthetic::NoData), "{name}");
        }
    }

    #[test]
    fn reserved_names_do_not_exist_and_are_never_sent_anywhere() {
        for name in
            ["test", "a.test", "x.invalid", "printer.local", "abc.onion", "use-application-dns.net"]
        {
            for kind in [RecordType::A, RecordType::AAAA, RecordType::TXT, RecordType::DS] {
                assert_eq!(said(name, kind), Some(Synthetic::Nxdomain), "{name} {kind}");
            }
        }
    }

    #[test]
    fn private_reverse_zones_are_empty() {
        for zone in ["10", "168.192", "16.172", "31.172", "64.100", "127.100", "254.169", "127"] {
            let zone = format!("{zone}.in-addr.arpa");
            assert_eq!(said(&zone, RecordType::PTR), Some(Synthetic::NoData), "{zone}");
            let name = format!("1.{zone}");
            assert_eq!(said(&name, RecordType::PTR), Some(Synthetic::Nxdomain), "{name}");
        }
        for zone in ["c.d.f.ip6.arpa", "0.8.e.f.ip6.arpa", "f.b.e.f.ip6.arpa"] {
            assert_eq!(said(zone, RecordType::PTR), Some(Synthetic::Nxdomain), "{zone}");
        }
        let loopback = format!("1.{}ip6.arpa", "0.".repeat(31));
        assert_eq!(said(&loopback, RecordType::PTR), Some(Synthetic::NoData));
    }

    #[test]
    fn the_home_zone_is_empty_but_the_proof_that_it_is_unsigned_is_public() {
        assert_eq!(said("home.arpa", RecordType::SOA), Some(Synthetic::NoData));
        assert_eq!(said("printer.home.arpa", RecordType::A), Some(Synthetic::Nxdomain));
        assert_eq!(said("printer.home.arpa", RecordType::DS), Some(Synthetic::Nxdomain));
        assert_eq!(said("home.arpa", RecordType::DS), None);
    }

    #[test]
    fn no_designated_resolver_is_announced() {
        for name in ["resolver.arpa", "_dns.resolver.arpa", "a._dns.resolver.arpa"] {
            assert_eq!(said(name, RecordType::SVCB), Some(Synthetic::NoData), "{name}");
        }
    }

    #[test]
    fn the_name_for_ipv4_only_has_its_two_addresses_and_their_reverse() {
        let name = Name::from_text("IPv4only.arpa").unwrap();
        let Some(Local::Answer(answer)) = special(&HashedName::new(&name), RecordType::A) else {
            panic!("no answer");
        };
        let addresses: Vec<_> = answer.records().filter_map(|record| record.address()).collect();
        assert_eq!(addresses.len(), 2);
        assert_eq!(said("ipv4only.arpa", RecordType::AAAA), Some(Synthetic::NoData));
        assert_eq!(said("a.ipv4only.arpa", RecordType::A), Some(Synthetic::Nxdomain));
        let reverse = Name::from_text("171.0.0.192.in-addr.arpa").unwrap();
        let Some(Local::Answer(answer)) = special(&HashedName::new(&reverse), RecordType::PTR)
        else {
            panic!("no answer");
        };
        let data = answer.records().next().unwrap().data().into_owned();
        assert_eq!(Name::from_wire(&data).unwrap(), name);
    }

    #[test]
    fn names_that_only_look_special_are_left_alone() {
        for name in [
            ".",
            "org",
            "localhost.example.org",
            "mytest",
            "arpa",
            "11.in-addr.arpa",
            "15.172.in-addr.arpa",
            "32.172.in-addr.arpa",
            "63.100.in-addr.arpa",
            "a.use-application-dns.net",
            "c.e.f.ip6.arpa",
            "example.org",
        ] {
            assert_eq!(said(name, RecordType::A), None, "{name}");
        }
    }
}
