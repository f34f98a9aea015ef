//! Which part of a name its owner registered: what a tunnel has to be paid for, and where it ends.
//!
//! | source | what is taken from it |
//! | --- | --- |
//! | publicsuffix.org, both sections | below which names anybody can register one |
//! | RFC 1035 section 3.5, RFC 3596 section 2.5 | names of addresses: they are delegated by network |

use keyhole_wire::Name;
use keyhole_wire::name::MAX_LABELS;
use psl::Psl;

/// Labels of a delegation below `in-addr.arpa` and `ip6.arpa`: a /24 and a /48.
const IPV4_LABELS: usize = 3;
const IPV6_LABELS: usize = 12;

/// Where the registered domain begins in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredDomain {
    start: u8,
}

impl RegisteredDomain {
    /// The registered domain of a name in lower case. Of a name that is a public suffix or lies above
    /// one, it is all.
    #[inline]
    pub fn of(name: &Name) -> Self {
        let (offsets, count) = offsets(name.as_wire());
        let labels = Labels { wire: name.as_wire(), offsets: &offsets[..count] };
        let kept = labels.delegation().unwrap_or_else(|| labels.suffix() + 1).min(count);
        // A name that is all kept begins at its first label.
        let start = labels.offsets.get(count - kept).copied().unwrap_or(0);
        Self { start }
    }

    /// What stands in front of the domain, and the domain, both in wire form.
    #[inline]
    pub fn split(self, name: &Name) -> (&[u8], &[u8]) {
        name.as_wire().split_at(self.start.into())
    }

    /// The octets in front of the domain, with the dots between them.
    #[inline]
    pub fn octets(self) -> u32 {
        u32::from(self.start).saturating_sub(1)
    }

    /// Whether the domain is the network of the name of an address.
    pub fn is_network(self, name: &Name) -> bool {
        let (_, domain) = self.split(name);
        [&b"\x07in-addr\x04arpa\0"[..], b"\x03ip6\x04arpa\0"]
            .iter()
            .any(|end| domain.ends_with(end))
    }

    /// Whether it is one that somebody could register: below a public suffix that is known, and no
    /// network. Names of one label, and those that end in a label of somebody's own, are not.
    pub fn is_registrable(self, name: &Name) -> bool {
        let (offsets, count) = offsets(name.as_wire());
        let labels = Labels { wire: name.as_wire(), offsets: &offsets[..count] };
        let is_known = psl::List.find(labels.reversed()).typ.is_some();
        is_known && labels.suffix() < count && !self.is_network(name)
    }

    /// Whether the domain lies below a zone that a name lies in, so that the zone is not its own.
    pub fn lies_below(self, name: &Name, zone: &Name) -> bool {
        self.split(name).1.len() > zone.as_wire().len() && name.is_at_or_below(zone)
    }

    /// The domain as a name.
    pub fn domain(self, name: &Name) -> Name {
        Name::from_wire(self.split(name).1).unwrap_or(Name::ROOT)
    }
}

/// The labels of a name, without the root.
struct Labels<'n> {
    wire: &'n [u8],
    offsets: &'n [u8],
}

impl<'n> Labels<'n> {
    #[inline]
    fn at(&self, offset: u8) -> &'n [u8] {
        let length = usize::from(self.wire[usize::from(offset)]);
        &self.wire[usize::from(offset) + 1..][..length]
    }

    /// From right to left.
    #[inline]
    fn reversed(&self) -> impl Iterator<Item = &'n [u8]> + '_ {
        self.offsets.iter().rev().map(|&offset| self.at(offset))
    }

    /// How many labels the public suffix has. That of a domain that is not known is its last label.
    #[inline]
    fn suffix(&self) -> usize {
        let octets = psl::List.find(self.reversed()).len;
        let mut length = 0;
        let beyond = |label: &[u8]| {
            length += label.len() + 1;
            length > octets
        };
        self.reversed().map(beyond).position(|is_end| is_end).map_or(1, |labels| labels + 1)
    }

    /// How many labels the delegated network of the name of an address has; none of other names.
    #[inline]
    fn delegation(&self) -> Option<usize> {
        let mut labels = self.reversed();
        if labels.next()? != b"arpa" {
            return None;
        }
        let (is_part, most, kept): (fn(&[u8]) -> bool, _, _) = match labels.next()? {
            b"in-addr" => (is_octet, 4, IPV4_LABELS),
            b"ip6" => (is_nibble, 32, IPV6_LABELS),
            _ => return None,
        };
        let parts = self.offsets.len() - 2;
        (parts <= most && labels.all(is_part)).then(|| 2 + parts.min(kept))
    }
}

/// Whether a label is an octet of an address in decimal digits, as short as can be.
fn is_octet(label: &[u8]) -> bool {
    let digits = label.len() <= 3 && label.iter().all(u8::is_ascii_digit);
    let value = || label.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    digits && (label.len() == 1 || label[0] != b'0') && value() <= 255
}

fn is_nibble(label: &[u8]) -> bool {
    matches!(label, [digit] if digit.is_ascii_hexdigit())
}

/// Where each label begins, and how many there are.
#[inline]
fn offsets(wire: &[u8]) -> ([u8; MAX_LABELS], usize) {
    let (mut offsets, mut count, mut at) = ([0; MAX_LABELS], 0, 0);
    while let (Some(&length @ 1..), Some(place)) = (wire.get(at), offsets.get_mut(count)) {
        // A name has at most 255 octets.
        *place = at as u8;
        count += 1;
        at += 1 + usize::from(length);
    }
    (offsets, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, domain: &str, octets: u32) {
        let name = Name::from_text(name).unwrap();
        let registered = RegisteredDomain::of(&name);
        assert_eq!(registered.domain(&name).to_string(), domain, "{name}");
        assert_eq!(registered.octets(), octets, "{name}");
    }

    #[test]
    fn the_registered_domain_is_one_label_below_a_public_suffix() {
        check("a.b.example.com", "example.com", 3);
        check("www.example.co.uk", "example.co.uk", 3);
        check("example.co.uk", "example.co.uk", 0);
        check("co.uk", "co.uk", 0);
        check("com", "com", 0);
        check(".", ".", 0);
        check("x.city.kawasaki.jp", "city.kawasaki.jp", 1);
        check("x.y.z.kawasaki.jp", "y.z.kawasaki.jp", 1);
        check("x.example.xn--p1ai", "example.xn--p1ai", 1);
    }

    #[test]
    fn the_private_section_of_the_list_counts() {
        check("x.someone.github.io", "someone.github.io", 1);
        check("x.y.someone.blogspot.com", "someone.blogspot.com", 3);
    }

    #[test]
    fn a_domain_that_is_not_in_the_list_is_the_last_two_labels() {
        check("a.b.host.nowhere", "host.nowhere", 3);
        check("nowhere", "nowhere", 0);
    }

    #[test]
    fn what_nobody_can_register_is_told_apart() {
        let is_registrable = |name: &str| {
            let name = Name::from_text(name).unwrap();
            RegisteredDomain::of(&name).is_registrable(&name)
        };
        for name in ["example.com", "a.b.example.co.uk", "someone.github.io"] {
            assert!(is_registrable(name), "{name}");
        }
        let others = ["wpad", "printer.lan", "com", "co.uk", ".", "1.2.0.192.in-addr.arpa"];
        for name in others {
            assert!(!is_registrable(name), "{name}");
        }
    }

    #[test]
    fn names_of_addresses_belong_to_a_delegated_network() {
        check("1.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa", 1);
        check("0.192.in-addr.arpa", "0.192.in-addr.arpa", 0);
        let nibbles = |count: usize| ["a"; 32][..count].join(".");
        let network = format!("{}.ip6.arpa", nibbles(12));
        check(&format!("{}.ip6.arpa", nibbles(32)), &network, 39);
        check(&format!("{}.ip6.arpa", nibbles(5)), &format!("{}.ip6.arpa", nibbles(5)), 0);
        // None of these is the name of an address, so all of them count together.
        for name in ["data.1.2.192", "256.2.0.192", "01.2.0.192", "1.1.2.0.192"] {
            check(&format!("{name}.in-addr.arpa"), "192.in-addr.arpa", name.len() as u32 - 4);
        }
        check("data.a.b.ip6.arpa", "b.ip6.arpa", 6);
    }

    #[test]
    fn every_name_has_a_domain_that_ends_it() {
        let longest = ["a"; 127].join(".");
        check(&longest, "a.a", 249);
        let name = Name::from_text("\\000\\255.example.org").unwrap();
        assert_eq!(RegisteredDomain::of(&name).octets(), 2);
    }
}
