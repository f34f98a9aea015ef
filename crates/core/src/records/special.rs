//! Names with a special use: answered here and never sent anywhere.
//!
//! Each is a zone of its own (`zones` has the table), with SOA and NS at its apex and its own SOA
//! record in each negative answer (RFC 6303 section 3). A name above a local record exists (RFC
//! 8020 section 2).

use std::sync::{Arc, LazyLock};

use keyhole_names::HashedName;
use keyhole_names::NameMap;
use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType, Synthetic, ZoneAt};

use super::forwarding::Forwarding;
use super::local::Local;
use super::zones::{Content, DEVOLVED, DEVOLVED_LABELS, Parent, ZONES, Zone};

/// Seconds for which these answers may be cached: short enough for a local record to take over.
const TTL: u32 = 600;

/// The addresses of `ipv4only.arpa` (RFC 7050 section 2.2).
const IPV4_ONLY: [[u8; 4]; 2] = [[192, 0, 0, 170], [192, 0, 0, 171]];

static TABLE: LazyLock<NameMap<&Zone>> = LazyLock::new(|| {
    let mut table = NameMap::default();
    for zone in ZONES {
        for text in zone.names.texts() {
            // Every text is a constant or made from numbers; a test reads them all.
            if let Ok(name) = Name::from_text(&text) {
                table.entry(&name, || zone);
            }
        }
    }
    table
});

/// The zone with a special use in which a name lies.
#[derive(Clone, Copy, Debug)]
pub struct SpecialZone {
    zone: &'static Zone,
    /// Where its name begins in the name that lies in it.
    at: ZoneAt,
}

/// The zone with a special use in which a name lies, if there is one.
///
/// Costs a probe per label and allocates nothing.
#[inline]
pub fn special_zone(hashed: &HashedName) -> Option<SpecialZone> {
    let len = hashed.name().as_wire().len();
    hashed.suffixes().find_map(|suffix| {
        let zone = match TABLE.get(&suffix) {
            Some(zone) => zone,
            None if suffix.labels == 2 && is_devolved(suffix.wire) => &DEVOLVED,
            None => return None,
        };
        // A name has at most 255 octets.
        let at = ZoneAt((len - suffix.wire.len()) as u8);
        (zone.content != Content::Absent || at == ZoneAt(0)).then_some(SpecialZone { zone, at })
    })
}

fn is_devolved(wire: &[u8]) -> bool {
    DEVOLVED_LABELS.iter().any(|label| wire.starts_with(label))
}

impl SpecialZone {
    /// Where its name begins in the name asked for; none for a name that is no zone.
    pub(super) fn at(&self) -> Option<ZoneAt> {
        (self.zone.content != Content::Absent).then_some(self.at)
    }

    /// Where the special use is written.
    pub fn reference(&self) -> &'static str {
        self.zone.reference
    }

    /// Whether the name is left to upstreams, where a setting may let it leave at all.
    pub(super) fn leaves(
        &self,
        hashed: &HashedName,
        kind: RecordType,
        forwarding: &impl Forwarding,
    ) -> bool {
        let octets = hashed.name().as_wire().len() - usize::from(self.at.0);
        self.zone.parent != Parent::Nobody && forwarding.forwards(hashed, kind, octets)
    }

    /// Whether the name is the zone itself.
    fn is_apex(&self) -> bool {
        self.at == ZoneAt(0)
    }

    /// Whether a local record at the apex leaves this type to the zone, or to its parent.
    pub(super) fn owns(&self, kind: RecordType) -> bool {
        let is_of_zone = matches!(kind, RecordType::SOA | RecordType::NS | RecordType::DS);
        self.is_apex() && is_of_zone && self.zone.content != Content::Absent
    }

    /// What is said about a name in the zone that has no local record. None leaves it to an
    /// upstream. `exists` means that a local record lies below the name.
    pub(super) fn say(&self, hashed: &HashedName, kind: RecordType, exists: bool) -> Option<Local> {
        let name = hashed.name();
        if self.is_apex() && kind == RecordType::DS && self.zone.parent == Parent::Public {
            return None;
        }
        let what = match (self.zone.content, self.is_apex()) {
            (Content::Absent, _) => Synthetic::Nxdomain,
            (_, true) if kind == RecordType::SOA => {
                return answer(name, kind, |builder| builder.push_soa(name, TTL));
            }
            // The zone is its own server, which has no address (RFC 6303 section 3).
            (_, true) if kind == RecordType::NS => {
                return answer(name, kind, |builder| builder.push_name(name, kind, TTL, name));
            }
            (Content::Loopback, _) => loopback(kind),
            (Content::Ipv4Only, true) if kind == RecordType::A => {
                return IPV4_ONLY_A.clone().map(Local::Answer);
            }
            (Content::Ipv4OnlyReverse, true) if kind == RecordType::PTR => {
                let target = Name::from_text("ipv4only.arpa").ok()?;
                return answer(name, kind, |builder| builder.push_name(name, kind, TTL, &target));
            }
            (Content::NoData, _) | (_, true) => Synthetic::NoData,
            // RFC 8020 section 2: what has something below it exists.
            (_, false) if exists => Synthetic::NoData,
            (_, false) => Synthetic::Nxdomain,
        };
        Some(Local::Synthetic { what, ttl: TTL, zone: self.at() })
    }
}

static IPV4_ONLY_A: LazyLock<Option<Arc<Answer>>> = LazyLock::new(|| {
    let name = Name::from_text("ipv4only.arpa").ok()?;
    let builder = AnswerBuilder::new(&name, RecordType::A, Rcode::NOERROR).authoritative();
    let builder = IPV4_ONLY
        .iter()
        .fold(builder, |builder, address| builder.push(&name, RecordType::A, TTL, address));
    builder.finish().ok().map(Arc::new)
});

fn answer(
    name: &Name,
    kind: RecordType,
    fill: impl FnOnce(AnswerBuilder) -> AnswerBuilder,
) -> Option<Local> {
    let builder = AnswerBuilder::new(name, kind, Rcode::NOERROR).authoritative();
    fill(builder).finish().ok().map(|answer| Local::Answer(Arc::new(answer)))
}

fn loopback(kind: RecordType) -> Synthetic {
    match kind {
        RecordType::A => Synthetic::Address(std::net::Ipv4Addr::LOCALHOST.into()),
        RecordType::AAAA => Synthetic::Address(std::net::Ipv6Addr::LOCALHOST.into()),
        _ => Synthetic::NoData,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(text: &str) -> HashedName {
        HashedName::new(&Name::from_text(text).unwrap())
    }

    fn say(text: &str, kind: RecordType) -> Option<Local> {
        special_zone(&hashed(text))?.say(&hashed(text), kind, false)
    }

    fn said(text: &str, kind: RecordType) -> Option<Synthetic> {
        match say(text, kind)? {
            Local::Synthetic { what, .. } => Some(what),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The zones whose apex is a name that exists, each with its row.
    fn zones() -> impl Iterator<Item = (String, &'static Zone)> {
        let zones = ZONES.iter().filter(|zone| zone.content != Content::Absent);
        zones.flat_map(|zone| zone.names.texts().into_iter().map(move |text| (text, zone)))
    }

    #[test]
    fn every_row_of_the_table_is_a_name_and_no_two_are_the_same() {
        let texts: Vec<String> = ZONES.iter().flat_map(|zone| zone.names.texts()).collect();
        assert_eq!(TABLE.iter().count(), texts.len());
        assert!(texts.iter().all(|text| Name::from_text(text).is_ok()));
        assert!(texts.iter().all(|text| special_zone(&hashed(text)).is_some()));
    }

    #[test]
    fn every_zone_has_soa_and_ns_at_its_apex_and_its_soa_in_negative_answers() {
        for (zone, _) in zones() {
            for (kind, least) in [(RecordType::SOA, 1), (RecordType::NS, 1)] {
                let Some(Local::Answer(answer)) = say(&zone, kind) else { panic!("{zone} {kind}") };
                assert_eq!(answer.records().count(), least, "{zone}");
                let record = answer.records().next().unwrap();
                assert_eq!(record.owner(), Name::from_text(&zone).unwrap(), "{zone}");
                assert_eq!(record.kind, kind, "{zone}");
            }
            let below = format!("a.b.{zone}");
            let Some(Local::Synthetic { what, zone: at, .. }) = say(&below, RecordType::TXT) else {
                panic!("{below}");
            };
            assert!(matches!(what, Synthetic::Nxdomain | Synthetic::NoData), "{below}");
            assert_eq!(at, Some(ZoneAt(4)), "{below}");
        }
    }

    #[test]
    fn the_ds_record_of_a_zone_belongs_to_its_parent_and_what_lies_below_does_not() {
        for (zone, row) in zones() {
            let here = row.parent != Parent::Public;
            assert_eq!(said(&zone, RecordType::DS), here.then_some(Synthetic::NoData), "{zone}");
            assert_eq!(zone.contains('.'), !here, "only the root is not asked: {zone}");
            assert!(say(&format!("a.{zone}"), RecordType::DS).is_some(), "{zone}");
        }
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
        for name in [
            "a.test",
            "x.invalid",
            "printer.local",
            "abc.onion",
            "host.internal",
            "a.b.alt",
            "nas.lan",
            "dc.corp",
            "tv.home",
            "x.mail",
            "x.localdomain",
            "a.wpad",
            "x.isatap",
            "x.wpad.com",
            "printer.home.arpa",
            "x.service.arpa",
            "use-application-dns.net",
        ] {
            for kind in [RecordType::A, RecordType::AAAA, RecordType::TXT, RecordType::SOA] {
                assert_eq!(said(name, kind), Some(Synthetic::Nxdomain), "{name} {kind}");
            }
        }
        for name in ["test", "internal", "wpad", "wpad.com", "ISATAP.org", "home.arpa"] {
            assert_eq!(said(name, RecordType::A), Some(Synthetic::NoData), "{name}");
        }
    }

    #[test]
    fn what_has_a_record_below_it_exists() {
        let name = hashed("3.10.in-addr.arpa");
        let zone = special_zone(&name).unwrap();
        for (exists, wanted) in [(true, Synthetic::NoData), (false, Synthetic::Nxdomain)] {
            let said = zone.say(&name, RecordType::PTR, exists);
            assert!(matches!(said, Some(Local::Synthetic { what, .. }) if what == wanted));
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
    fn no_designated_resolver_is_announced() {
        for name in ["resolver.arpa", "_dns.resolver.arpa", "a._dns.resolver.arpa"] {
            assert_eq!(said(name, RecordType::SVCB), Some(Synthetic::NoData), "{name}");
        }
    }

    #[test]
    fn the_name_for_ipv4_only_has_its_two_addresses_and_their_reverse() {
        let Some(Local::Answer(answer)) = say("IPv4only.arpa", RecordType::A) else {
            panic!("no answer");
        };
        let addresses: Vec<_> = answer.records().filter_map(|record| record.address()).collect();
        assert_eq!(addresses.len(), 2);
        assert_eq!(said("ipv4only.arpa", RecordType::AAAA), Some(Synthetic::NoData));
        assert_eq!(said("a.ipv4only.arpa", RecordType::A), Some(Synthetic::Nxdomain));
        let Some(Local::Answer(answer)) = say("171.0.0.192.in-addr.arpa", RecordType::PTR) else {
            panic!("no answer");
        };
        let data = answer.records().next().unwrap().data().into_owned();
        assert_eq!(Name::from_wire(&data), Name::from_text("ipv4only.arpa"));
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
            "example",
            "www.example.org",
            "wpad.example.org",
            "wpads.com",
            "internal.example",
            "x.alternate",
        ] {
            assert_eq!(said(name, RecordType::A), None, "{name}");
        }
    }
}
