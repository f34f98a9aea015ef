//! How lists spell names: with a last dot or without, in any case and any script.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use keyhole_names::Network;
use keyhole_wire::{Name, NameError};

use crate::idn;
use crate::skip_reason::SkipReason;

/// Names that hosts files give to the machine itself and to its networks.
const MACHINE_NAMES: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
];

/// Reads a host name; the result is in lower case.
pub(crate) fn read_name(text: &str) -> Result<Name, SkipReason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Err(SkipReason::NoName);
    }
    if is_machine_name(text) {
        return Err(SkipReason::MachineName);
    }
    if read_address(text).is_some() {
        return Err(SkipReason::AddressNotName);
    }
    let text = &to_ascii(text)?;
    if !text.bytes().all(is_name_octet) {
        return Err(SkipReason::NotAName);
    }
    let name = from_text(text)?;
    // A number at the end is a broken address, never a top-level domain.
    let last = name.labels().last();
    if last.is_none_or(|last| last.iter().all(u8::is_ascii_digit)) {
        return Err(SkipReason::NotAName);
    }
    Ok(name)
}

/// Reads a name of a zone file or of unbound's settings, where an escape stands for any octet
/// (RFC 1035 section 5.1).
pub(crate) fn read_zone_name(text: &str) -> Result<Name, SkipReason> {
    if text.contains('\\') { from_text(&to_ascii(text)?) } else { read_name(text) }
}

fn from_text(text: &str) -> Result<Name, SkipReason> {
    let name = keyhole_names::read_name(text).map_err(|error| match error {
        NameError::LabelTooLong | NameError::NameTooLong => SkipReason::NameTooLong,
        _ => SkipReason::NotAName,
    })?;
    Ok(name.to_lower())
}

/// The text with A-labels where it has other letters than ASCII.
pub(crate) fn to_ascii(text: &str) -> Result<Cow<'_, str>, SkipReason> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    idn::to_ascii(text).map(Cow::Owned).ok_or(SkipReason::NotIdn)
}

/// Whether the text is a name of the machine itself.
pub(crate) fn is_machine_name(text: &str) -> bool {
    MACHINE_NAMES.iter().any(|name| name.eq_ignore_ascii_case(text))
}

/// Reads an address; a zone (`fe80::1%lo0`) is left out.
pub(crate) fn read_address(text: &str) -> Option<IpAddr> {
    // Every address has a digit or a colon first, and most names have neither.
    if !text.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':') {
        return None;
    }
    text.split('%').next()?.parse().ok()
}

/// Reads the address in front of a line of a hosts file; some have a short form of an address that
/// means nothing there, such as `0`, `000.000.000.000` or `127.1`, as inet_aton(3) reads it.
pub(crate) fn read_hosts_address(text: &str) -> Option<IpAddr> {
    read_address(text).or_else(|| read_short_nowhere(text).map(IpAddr::V4))
}

fn read_short_nowhere(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
    if text.len() > 15 || parts.clone().count() > 4 || !parts.clone().all(is_number) {
        return None;
    }
    if text.bytes().all(|octet| matches!(octet, b'0' | b'.')) {
        return Some(Ipv4Addr::UNSPECIFIED);
    }
    let is_loopback = parts.next() == Some("127") && parts.next().is_some();
    is_loopback.then_some(Ipv4Addr::LOCALHOST)
}

/// Reads an address or a network, as `192.0.2.0/24`.
pub(crate) fn read_network(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
        None => (text, None),
    };
    let address = address.parse().ok()?;
    prefix.map_or_else(|| Some(Network::of(address)), |prefix| Network::new(address, prefix))
}

/// Whether an address in a list means "nothing there": unspecified or loopback, also where an IPv6
/// address holds such an IPv4 address (RFC 4291 section 2.5.5.2).
pub(crate) fn is_nowhere(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_unspecified() || address.is_loopback()
}

/// Whether the octet may stand in a host name as lists write it; `_` is common below services.
pub(crate) fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_with_or_without_the_last_dot() {
        for text in ["Ads.Example.ORG", "ads.example.org."] {
            assert_eq!(read_name(text).unwrap().as_wire(), b"\x03ads\x07example\x03org\x00");
        }
        for text in ["_dmarc.example.org", "-dash-.example.org", "zip", "zip."] {
            assert!(read_name(text).is_ok(), "{text}");
        }
        let name = read_zone_name(r"a\.b.\042.Example.org").unwrap();
        assert_eq!(name.as_wire(), b"\x03a.b\x01*\x07example\x03org\x00");
    }

    #[test]
    fn what_is_no_name_has_a_reason() {
        for (text, reason) in [
            ("", SkipReason::NoName),
            (".", SkipReason::NoName),
            ("1", SkipReason::NotAName),
            ("192.0.2.1", SkipReason::AddressNotName),
            ("2001:db8::1", SkipReason::AddressNotName),
            ("1.2.3", SkipReason::NotAName),
            ("a..example.org", SkipReason::NotAName),
            (".example.org", SkipReason::NotAName),
            ("exa mple.org", SkipReason::NotAName),
            ("a\\.example.org", SkipReason::NotAName),
            ("LocalHost", SkipReason::MachineName),
            ("ip6-allnodes", SkipReason::MachineName),
        ] {
            assert_eq!(read_name(text).unwrap_err(), reason, "{text}");
        }
        assert_eq!(read_name(&format!("{}.org", "a".repeat(64))), Err(SkipReason::NameTooLong));
        assert_eq!(read_name(&"a.".repeat(128)), Err(SkipReason::NameTooLong));
    }
}
