//! How lists spell names: with a last dot or without, in any case, some of them international.

use std::net::IpAddr;

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

/// Reads a host name of at least two labels; the result is in lower case.
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
    let ascii;
    let text = if text.is_ascii() {
        text
    } else {
        ascii = idn::to_ascii(text).ok_or(SkipReason::NotSimple)?;
        &ascii
    };
    if !text.bytes().all(is_name_octet) {
        return Err(SkipReason::NotAName);
    }
    let name = Name::from_text(text).map_err(|error| match error {
        NameError::LabelTooLong | NameError::NameTooLong => SkipReason::NameTooLong,
        _ => SkipReason::NotAName,
    })?;
    let mut labels = name.labels();
    match (labels.next(), labels.last()) {
        (Some(_), None) => Err(SkipReason::SingleLabel),
        // A number at the end is a broken address, never a top-level domain.
        (_, Some(last)) if last.iter().all(u8::is_ascii_digit) => Err(SkipReason::NotAName),
        _ => Ok(name.to_lower()),
    }
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

/// Whether an address in a list means "nothing there": unspecified or loopback.
pub(crate) fn is_nowhere(address: IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback()
}

/// The line up to a comment: a `#` at its start or behind a blank.
pub(crate) fn without_comment(line: &str) -> &str {
    let mut blank = true;
    for (at, octet) in line.bytes().enumerate() {
        if blank && octet == b'#' {
            return line[..at].trim();
        }
        blank = octet == b' ' || octet == b'\t';
    }
    line.trim()
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
        assert!(read_name("_dmarc.example.org").is_ok());
    }

    #[test]
    fn what_is_no_name_has_a_reason() {
        for (text, reason) in [
            ("", SkipReason::NoName),
            (".", SkipReason::NoName),
            ("org", SkipReason::SingleLabel),
            ("org.", SkipReason::SingleLabel),
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

    #[test]
    fn a_comment_starts_at_the_line_or_behind_a_blank() {
        assert_eq!(without_comment("# all of it"), "");
        assert_eq!(without_comment(" a.example.org\t# why"), "a.example.org");
        assert_eq!(without_comment("a.example.org##.banner"), "a.example.org##.banner");
    }
}
