//! PTR records made from A and AAAA records, unless one is declared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keyhole_names::NameMap;
use keyhole_wire::{Name, RecordType};

use super::read::{Data, Owner, RecordSet};
use super::tree::ancestors;

/// A PTR record that is missing.
struct Reverse {
    address: IpAddr,
    target: Name,
    ttl: u32,
    origin: String,
    path: String,
}

/// Adds the reverse of each address. Of several names with one address, the first one declared is
/// its name, as in a hosts file.
pub(super) fn add(owners: &mut NameMap<Owner>) {
    let all: Vec<Reverse> = owners.iter().flat_map(|(_, owner)| of_owner(owner)).collect();
    for one in all {
        let Some(name) = reverse_name(one.address) else { continue };
        if is_declared(owners, &name) {
            continue;
        }
        let (origin, path) = (one.origin, one.path);
        let data = Data::Sets(Vec::new());
        let owner = owners.entry(&name, || Owner { name, data, origin, path });
        if let Data::Sets(sets) = &mut owner.data {
            let data = vec![one.target.as_wire().to_vec()];
            sets.push(RecordSet { kind: RecordType::PTR, ttl: one.ttl, data });
        }
    }
}

/// What a name with addresses is the reverse of. All names below a wildcard have its addresses, so
/// they have no name.
fn of_owner(owner: &Owner) -> Vec<Reverse> {
    let Data::Sets(sets) = &owner.data else { return Vec::new() };
    if owner.is_wildcard() {
        return Vec::new();
    }
    let addresses = sets.iter().flat_map(|set| {
        set.data.iter().filter_map(|data| Some((address(set.kind, data)?, set.ttl)))
    });
    // Addresses that every machine has for itself name none.
    let named =
        addresses.filter(|(address, _)| !address.is_loopback() && !address.is_unspecified());
    named
        .map(|(address, ttl)| Reverse {
            address,
            target: owner.name,
            ttl,
            origin: owner.origin.clone(),
            path: owner.path.clone(),
        })
        .collect()
}

fn address(kind: RecordType, data: &[u8]) -> Option<IpAddr> {
    match kind {
        RecordType::A => Some(Ipv4Addr::from(*data.first_chunk::<4>()?).into()),
        RecordType::AAAA => Some(Ipv6Addr::from(*data.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// Whether the name has a PTR record or alias, of its own or by a wildcard, which a record of its
/// own would hide (RFC 4592 section 2.2.1).
fn is_declared(owners: &NameMap<Owner>, name: &Name) -> bool {
    if let Some(owner) = owners.get_name(name) {
        return match &owner.data {
            Data::Alias { .. } => true,
            Data::Sets(sets) => sets.iter().any(|set| set.kind == RecordType::PTR),
        };
    }
    ancestors(name).any(|ancestor| {
        let wildcard = [b"\x01*", ancestor.as_wire()].concat();
        Name::from_wire(&wildcard).is_ok_and(|name| owners.get_name(&name).is_some())
    })
}

/// RFC 1035 section 3.5 and RFC 3596 section 2.5.
fn reverse_name(address: IpAddr) -> Option<Name> {
    let text = match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let octets = v6.octets();
            let digits = octets.iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
            digits.map(|digit| format!("{digit:x}.")).collect::<String>() + "ip6.arpa"
        }
    };
    Name::from_text(&text).ok()
}
