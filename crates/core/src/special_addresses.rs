//! The table of addresses with a special purpose: which of them a public name must not lead to.
//!
//! The rows come from the registries of IANA, *IPv4 Special-Purpose Address Space* and *IPv6
//! Special-Purpose Address Space*, and from what both call multicast, reserved or deprecated. What
//! is not globally reachable is local, but for the few ranges where no host of a network can be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a row says of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// A public name must not lead there.
    Local,
    /// A public name may lead there: globally reachable, or where no host of a network is.
    Harmless,
    /// It leads to the IPv4 address that begins at this octet, which decides.
    Carries(usize),
}

use Purpose::{Carries, Harmless, Local};

/// An IPv4 network and what is said of it; the first row that holds an address decides.
struct V4(u8, [u8; 4], Purpose, &'static str);

/// An IPv6 network by its first four groups; the first row that holds an address decides. Longer
/// prefixes than 64 bits are in [`v6_row`].
struct V6(u8, [u16; 4], Purpose, &'static str);

const V4_ROWS: &[V4] = &[
    V4(8, [0, 0, 0, 0], Local, "RFC 791 section 3.2: this network"),
    V4(8, [10, 0, 0, 0], Local, "RFC 1918"),
    V4(10, [100, 64, 0, 0], Local, "RFC 6598"),
    V4(8, [127, 0, 0, 0], Local, "RFC 1122 section 3.2.1.3"),
    V4(16, [169, 254, 0, 0], Local, "RFC 3927"),
    V4(12, [172, 16, 0, 0], Local, "RFC 1918"),
    V4(32, [192, 0, 0, 9], Harmless, "RFC 7723, globally reachable"),
    V4(32, [192, 0, 0, 10], Harmless, "RFC 8155, globally reachable"),
    V4(24, [192, 0, 0, 0], Local, "RFC 6890 section 2.1"),
    // Documentation: examples, labs and tests use it in the place of public addresses.
    V4(24, [192, 0, 2, 0], Harmless, "RFC 5737"),
    V4(24, [198, 51, 100, 0], Harmless, "RFC 5737"),
    V4(24, [203, 0, 113, 0], Harmless, "RFC 5737"),
    V4(24, [192, 88, 99, 0], Local, "RFC 7526"),
    V4(16, [192, 168, 0, 0], Local, "RFC 1918"),
    // Benchmarks: networks of tests alone, and the public addresses of the lab.
    V4(15, [198, 18, 0, 0], Harmless, "RFC 2544"),
    V4(4, [224, 0, 0, 0], Local, "RFC 5771"),
    // Reserved, and the limited broadcast address.
    V4(4, [240, 0, 0, 0], Local, "RFC 1112 section 4, RFC 919 section 7"),
];

const V6_ROWS: &[V6] = &[
    V6(48, [0x64, 0xff9b, 1, 0], Local, "RFC 8215"),
    V6(64, [0x100, 0, 0, 0], Local, "RFC 6666"),
    V6(64, [0x100, 0, 0, 1], Local, "RFC 9780"),
    // Teredo: a tunnel to a host behind a NAT, which names are not to lead to.
    V6(32, [0x2001, 0, 0, 0], Local, "RFC 4380"),
    V6(32, [0x2001, 3, 0, 0], Harmless, "RFC 7450, globally reachable"),
    V6(48, [0x2001, 4, 0x112, 0], Harmless, "RFC 7535, globally reachable"),
    V6(28, [0x2001, 0x20, 0, 0], Harmless, "RFC 7343, globally reachable"),
    V6(28, [0x2001, 0x30, 0, 0], Harmless, "RFC 9374, globally reachable"),
    // Also benchmarks (RFC 5180) and the old ORCHID (RFC 4843).
    V6(23, [0x2001, 0, 0, 0], Local, "RFC 2928"),
    // Documentation, as above.
    V6(32, [0x2001, 0xdb8, 0, 0], Harmless, "RFC 3849"),
    V6(20, [0x3fff, 0, 0, 0], Harmless, "RFC 9637"),
    V6(16, [0x2002, 0, 0, 0], Carries(2), "RFC 3056"),
    V6(16, [0x5f00, 0, 0, 0], Local, "RFC 9602"),
    V6(7, [0xfc00, 0, 0, 0], Local, "RFC 4193"),
    V6(10, [0xfe80, 0, 0, 0], Local, "RFC 4291 section 2.5.6"),
    V6(10, [0xfec0, 0, 0, 0], Local, "RFC 3879"),
    V6(8, [0xff00, 0, 0, 0], Local, "RFC 4291 section 2.7"),
];

/// Whether a public name must not lead to the address (DNS rebinding).
pub fn is_private(address: IpAddr) -> bool {
    private_by(address).is_some()
}

/// Where it is written that a public name must not lead to the address; none where it may.
pub fn private_by(address: IpAddr) -> Option<&'static str> {
    let v6 = match address {
        IpAddr::V4(v4) => return private_v4_by(v4),
        IpAddr::V6(v6) => v6,
    };
    let octets = v6.octets();
    match v6_row(v6) {
        (Local, reference) => Some(reference),
        (Carries(at), _) => private_v4_by(carried(&octets, at)?),
        (Harmless, _) if is_isatap(&octets) => private_v4_by(carried(&octets, 12)?),
        (Harmless, _) => None,
    }
}

fn private_v4_by(v4: Ipv4Addr) -> Option<&'static str> {
    let bits = v4.to_bits();
    let V4(.., purpose, reference) = V4_ROWS.iter().find(|V4(prefix, network, ..)| {
        (bits ^ Ipv4Addr::from(*network).to_bits()).leading_zeros() >= u32::from(*prefix)
    })?;
    (*purpose == Local).then_some(*reference)
}

/// What the table says of an IPv6 address; what it does not hold is public.
fn v6_row(v6: Ipv6Addr) -> (Purpose, &'static str) {
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => (Local, "RFC 4291 sections 2.5.2 and 2.5.3"),
        // IPv4-compatible and IPv4-mapped.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] => (Carries(12), "RFC 4291 section 2.5.5"),
        [0, 0, 0, 0, 0xffff, 0, ..] => (Carries(12), "RFC 2765 section 2.1"),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => (Carries(12), "RFC 6052 section 2.1"),
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] => {
            (Harmless, "RFC 7723, RFC 8155, RFC 9665, globally reachable")
        }
        [a, b, c, d, ..] => {
            let bits = first_half([a, b, c, d]);
            let row = V6_ROWS.iter().find(|V6(prefix, network, ..)| {
                (bits ^ first_half(*network)).leading_zeros() >= u32::from(*prefix)
            });
            row.map_or((Harmless, ""), |V6(.., purpose, reference)| (*purpose, *reference))
        }
    }
}

fn first_half(groups: [u16; 4]) -> u64 {
    groups.iter().fold(0, |bits, group| bits << 16 | u64::from(*group))
}

/// RFC 5214 section 6.1: an interface identifier that holds an IPv4 address, below any prefix.
fn is_isatap(octets: &[u8; 16]) -> bool {
    matches!(octets[8..12], [0 | 2, 0, 0x5e, 0xfe])
}

/// The IPv4 address that begins at an octet.
fn carried(octets: &[u8; 16], at: usize) -> Option<Ipv4Addr> {
    octets.get(at..)?.first_chunk::<4>().map(|four| Ipv4Addr::from(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(address: &str) -> bool {
        is_private(address.parse().unwrap())
    }

    #[test]
    fn a_public_name_must_not_lead_to_what_is_not_globally_reachable() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.8",
            "192.0.0.170",
            "192.88.99.1",
            "192.168.1.1",
            "224.0.0.251",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.254",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "100:0:0:1::1",
            "2001:0:c612:1::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:1ff::1",
            "5f00::1",
            "64:ff9b:1::c612:1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::fb",
        ] {
            assert!(private(address), "{address}");
        }
    }

    #[test]
    fn a_public_name_may_lead_to_everything_else() {
        for address in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.0.9",
            "192.0.0.10",
            "192.0.1.1",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.175.48.1",
            "198.18.0.7",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "223.255.255.255",
            "2001:1::1",
            "2001:1::2",
            "2001:1::3",
            "2001:3::1",
            "2001:4:112::1",
            "2001:20::1",
            "2001:30::1",
            "2001:200::1",
            "2001:db8::1",
            "3fff::1",
            "2606:4700::1111",
            "2620:4f:8000::1",
            "2a00:1450::1",
        ] {
            assert!(!private(address), "{address}");
        }
    }

    #[test]
    fn an_address_that_carries_another_one_is_as_private_as_that() {
        for (form, private_v4, public_v4) in [
            ("mapped", "::ffff:10.0.0.1", "::ffff:198.18.0.1"),
            ("compatible", "::192.168.1.1", "::198.18.0.1"),
            ("translated", "::ffff:0:10.0.0.1", "::ffff:0:198.18.0.1"),
            ("NAT64", "64:ff9b::127.0.0.1", "64:ff9b::198.18.0.1"),
            ("6to4", "2002:a00:1::1", "2002:c612:1::1"),
            ("ISATAP", "2606::5efe:10.0.0.1", "2606::5efe:198.18.0.1"),
            ("ISATAP, universal", "2606::200:5efe:10.0.0.1", "2606::200:5efe:198.18.0.1"),
            ("ISATAP, documentation", "2001:db8::5efe:192.168.0.1", "2001:db8::5efe:192.0.2.1"),
            ("mapped, reserved", "::ffff:240.0.0.1", "::ffff:9.9.9.9"),
            ("NAT64, multicast", "64:ff9b::224.0.0.1", "64:ff9b::9.9.9.9"),
        ] {
            assert!(private(private_v4), "{form}: {private_v4}");
            assert!(!private(public_v4), "{form}: {public_v4}");
        }
    }

    #[test]
    fn rows_name_networks_and_each_of_them_decides_for_its_first_address() {
        for (index, V4(prefix, network, purpose, reference)) in V4_ROWS.iter().enumerate() {
            let bits = Ipv4Addr::from(*network).to_bits();
            assert_eq!(bits.checked_shl(u32::from(*prefix)).unwrap_or(0), 0, "{network:?}");
            assert!(!reference.is_empty());
            // An exception stands before the network that holds it.
            let shadowed = V4_ROWS[..index].iter().any(|V4(before, other, ..)| {
                (bits ^ Ipv4Addr::from(*other).to_bits()).leading_zeros() >= u32::from(*before)
            });
            assert!(!shadowed || *purpose == Local, "{network:?}");
        }
        for V6(prefix, network, ..) in V6_ROWS {
            let rest = first_half(*network).checked_shl(u32::from(*prefix)).unwrap_or(0);
            assert_eq!(rest, 0, "{network:x?}");
        }
    }
}
