//! Networks of addresses as names, so that lists hold them beside names and with the same rights.
//!
//! A network is the name of its hexadecimal digits, the last one first, as below `ip6.arpa`
//! (RFC 3596 section 2.5), but below a label that no name of DNS has by accident. A list speaks of
//! such a name only about the addresses in an answer.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keyhole_wire::name::NameBuilder;
use keyhole_wire::{Name, NameError};

/// The last label. The zero keeps it apart from every top-level domain.
const ROOT: &[u8] = b"\0address";

/// Addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of so many bits that holds the address; none if an address has fewer bits, or
    /// for no bit at all, which would mean every address. An IPv6 address that carries an IPv4
    /// address is that one (RFC 4291 section 2.5.5.2).
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let (canonical, bits) = (address.to_canonical(), bits_of(address));
        let carried = bits - bits_of(canonical);
        let prefix = prefix.checked_sub(carried).filter(|&prefix| prefix > 0)?;
        (prefix <= bits_of(canonical)).then_some(Self { address: canonical, prefix })
    }

    /// The network of one address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: bits_of(address) }
    }

    /// The names that stand for it and for all that is in it: several where it ends within a
    /// hexadecimal digit.
    pub fn names(&self) -> Vec<Name> {
        let digits = digits_of(self.address);
        let (whole, rest) = (usize::from(self.prefix / 4), self.prefix % 4);
        let fixed = &digits[..whole];
        if rest == 0 {
            return name_of(fixed, None, self.address).into_iter().collect();
        }
        let same = !0u8 << (4 - rest) & 0xf;
        let first = digits[whole] & same;
        let last = (first..=first | !same & 0xf).map(Some);
        last.filter_map(|digit| name_of(fixed, digit, self.address)).collect()
    }

    /// The network that a name stands for, if it is such a name.
    pub fn from_name(name: &Name) -> Option<Self> {
        if !is_address_name(name.as_wire()) {
            return None;
        }
        let mut labels: Vec<&[u8]> = name.labels().collect();
        labels.pop();
        let is_v4 = labels.pop()? == b"4";
        let mut octets = [0u8; 16];
        for (at, label) in labels.iter().rev().enumerate() {
            let digit = u8::from_str_radix(str::from_utf8(label).ok()?, 16).ok()?;
            *octets.get_mut(at / 2)? |= if at % 2 == 0 { digit << 4 } else { digit };
        }
        let [a, b, c, d, ..] = octets;
        let address = if is_v4 {
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        } else {
            IpAddr::V6(Ipv6Addr::from(octets))
        };
        Self::new(address, u8::try_from(labels.len() * 4).ok()?)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if self.prefix == bits_of(self.address) { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// Whether a name in wire form stands for addresses.
pub fn is_address_name(wire: &[u8]) -> bool {
    let end = wire.strip_suffix(&[0]).unwrap_or_default();
    end.strip_suffix(ROOT).is_some_and(|rest| rest.last() == Some(&(ROOT.len() as u8)))
}

/// Reads a name that a person or a list wrote. A name that stands for addresses is refused: only a
/// [`Network`] makes one, so nobody can write an entry for all addresses.
pub fn read_name(text: &str) -> Result<Name, NameError> {
    let name = Name::from_text(text)?;
    if is_address_name(name.to_lower().as_wire()) { Err(NameError::Reserved) } else { Ok(name) }
}

fn name_of(digits: &[u8], last: Option<u8>, address: IpAddr) -> Option<Name> {
    let mut name = NameBuilder::new();
    for digit in last.iter().chain(digits.iter().rev()) {
        let digit = char::from_digit(u32::from(*digit), 16)?;
        name.push(digit.encode_utf8(&mut [0; 4]).as_bytes()).ok()?;
    }
    name.push(if address.is_ipv4() { b"4" } else { b"6" }).ok()?;
    name.push(ROOT).ok()?;
    name.finish().ok()
}

fn digits_of(address: IpAddr) -> Vec<u8> {
    let halves = |octets: &[u8]| octets.iter().flat_map(|one| [one >> 4, one & 0xf]).collect();
    match address {
        IpAddr::V4(address) => halves(&address.octets()),
        IpAddr::V6(address) => halves(&address.octets()),
    }
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> Network {
        Network::new(address.parse().unwrap(), prefix).unwrap()
    }

    fn holds(network: Network, address: &str) -> bool {
        let [name] = Network::of(address.parse().unwrap()).names()[..] else { panic!("one name") };
        network.names().iter().any(|one| name.is_at_or_below(one))
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (address, prefix, inside, outside) in [
            ("192.0.2.7", 32, "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0", 24, "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", 31, "192.0.2.6", "192.0.2.8"),
            ("10.32.0.0", 13, "10.39.1.2", "10.40.0.0"),
            ("128.0.0.0", 1, "255.0.0.1", "127.255.255.255"),
            ("2001:db8::", 33, "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("2001:db8::1", 128, "2001:db8::1", "2001:db8::2"),
            ("192.0.2.7", 32, "::ffff:192.0.2.7", "::192.0.2.7"),
            ("::ffff:192.0.2.0", 120, "192.0.2.9", "192.0.3.9"),
        ] {
            let network = network(address, prefix);
            assert!(holds(network, inside), "{network} {inside}");
            assert!(!holds(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn a_name_tells_its_network() {
        for (address, prefix, text) in [
            ("192.0.2.7", 32, "192.0.2.7"),
            ("192.0.2.7", 24, "192.0.2.0/24"),
            ("2001:db8::7", 128, "2001:db8::7"),
            ("2001:db8::7", 32, "2001:db8::/32"),
        ] {
            let [name] = network(address, prefix).names()[..] else { panic!("one name") };
            assert!(is_address_name(name.as_wire()));
            assert_eq!(Network::from_name(&name).unwrap().to_string(), text);
        }
        for name in ["address", "4.address", "x\\000address", "example.org"] {
            assert_eq!(Network::from_name(&Name::from_text(name).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn nobody_can_write_a_name_that_stands_for_addresses() {
        for text in ["\\000address", "\\000\\097ddress.", "4.\\000address", "0.4.\\000ADDRESS"] {
            assert_eq!(read_name(text), Err(NameError::Reserved), "{text}");
        }
        for text in ["address", "\\000address.example.org", "x\\000address", "."] {
            assert_eq!(read_name(text), Name::from_text(text), "{text}");
        }
    }

    #[test]
    fn no_network_means_every_address() {
        for (address, prefix) in [("0.0.0.0", 0), ("::", 0), ("::ffff:0.0.0.0", 96)] {
            assert_eq!(Network::new(address.parse().unwrap(), prefix), None, "{address}");
        }
        assert_eq!(Network::new("192.0.2.7".parse().unwrap(), 33), None);
    }
}
