//! unbound settings: a blocking `local-zone` means the name and every name below, a `local-data`
//! with a null address that name alone. The zone closest to a name decides, and data beat their zone
//! (unbound.conf(5), local-zone).

use keyhole_wire::RecordType;

use crate::comment::before_unquoted_hash;
use crate::entry::{Findings, ListEntry, Scope, add_name};
use crate::name_syntax::{is_nowhere, read_address, read_zone_name};
use crate::skip_reason::SkipReason;

/// Zone types after which a client gets no real answer.
const BLOCKING: &[&str] = &[
    "always_null",
    "always_nxdomain",
    "always_nodata",
    "always_refuse",
    "always_deny",
    "deny",
    "refuse",
    "static",
    "redirect",
    "inform_deny",
    "inform_redirect",
];
/// The zone type that withholds addresses of one family.
const BLOCKING_A: &str = "block_a";

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = before_unquoted_hash(line);
    let (setting, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.trim();
    match setting.trim() {
        "" if value.is_empty() => {}
        // A clause only says whose settings follow.
        "server" if value.is_empty() => {}
        "local-zone" => read_zone(value, findings),
        "local-data" => read_data(value, findings),
        _ => findings.push(Err(SkipReason::OtherSetting)),
    }
}

fn read_zone(value: &str, findings: &mut Findings) {
    let mut words = value.split_whitespace();
    let (Some(name), Some(kind)) = (words.next(), words.next()) else {
        findings.push(Err(SkipReason::NoName));
        return;
    };
    let kind = unquoted(kind);
    let blocks = BLOCKING.contains(&kind);
    let skip = (!blocks && kind != BLOCKING_A).then_some(SkipReason::NotBlocking);
    let make = |target| {
        if skip.is_some() {
            return ListEntry::exempt_specific(target);
        }
        let mut entry = ListEntry::block_specific(target);
        entry.limits.types = (!blocks).then_some(RecordType::A.0).into_iter().collect();
        entry
    };
    if unquoted(name) == "." {
        findings.push(Err(skip.unwrap_or(SkipReason::TooBroad)));
        return;
    }
    add_name(read_zone_name(unquoted(name)), Scope::AtAndBelow, make, findings);
    findings.extend(skip.map(Err));
}

fn read_data(value: &str, findings: &mut Findings) {
    // name [TTL] [class] type data
    let mut words = unquoted(value).split_whitespace();
    let Some(name) = words.next() else {
        findings.push(Err(SkipReason::NoName));
        return;
    };
    let mut rest = words.skip_while(|word| {
        word.bytes().all(|octet| octet.is_ascii_digit()) || word.eq_ignore_ascii_case("IN")
    });
    let kind = rest.next().and_then(RecordType::from_text);
    let name = read_zone_name(name);
    match (kind, rest.next().and_then(read_address)) {
        (Some(RecordType::A | RecordType::AAAA), Some(address)) if is_nowhere(address) => {
            add_name(name, Scope::Exact, ListEntry::block_specific, findings);
        }
        (Some(RecordType::A | RecordType::AAAA), Some(_)) => {
            add_name(name, Scope::Exact, ListEntry::exempt_specific, findings);
            findings.push(Err(SkipReason::RealAddress));
        }
        // An alias answers for every type, other data for their own.
        (Some(kind), _) => {
            let kind = (kind != RecordType::CNAME).then_some(kind);
            let exempt = |target| ListEntry::exempt_type(target, kind);
            add_name(name, Scope::Exact, exempt, findings);
            findings.push(Err(SkipReason::OtherAnswer));
        }
        (None, _) => findings.push(Err(SkipReason::OtherAnswer)),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Unbound;
    use crate::formats::testing::said;

    #[test]
    fn a_blocking_zone_means_the_name_and_everything_below() {
        let lines = "server:\n  local-zone: \"a.example.org.\" always_null # why\n\
                     local-zone: 'b.example.org' always_nxdomain\nlocal-zone: c.example.org static";
        let names = ["a", "b", "c"];
        assert_eq!(said(Unbound, lines), names.map(|name| format!("block ||{name}.example.org")));
        assert_eq!(said(Unbound, "local-zone: a.org block_a"), ["block ||a.org [1] [] []"]);
    }

    #[test]
    fn a_null_address_means_that_name_alone() {
        assert_eq!(
            said(
                Unbound,
                "local-data: \"a.example.org A 0.0.0.0\"\n\
                 local-data: 'b.example.org. 3600 IN AAAA ::'"
            ),
            ["block a.example.org", "block b.example.org"]
        );
    }

    #[test]
    fn what_is_not_blocked_is_taken_out() {
        for (line, expected) in [
            (
                "local-zone: \"corp.example.org\" transparent",
                ["exempt ||corp.example.org", "NotBlocking"],
            ),
            ("local-data: 'a.example.org A 192.0.2.7'", ["exempt a.example.org", "RealAddress"]),
            ("local-data: 'a.org TXT \"x\"'", ["exempt a.org [16] [] []", "OtherAnswer"]),
            ("local-data: 'a.org CNAME b.org'", ["exempt a.org", "OtherAnswer"]),
        ] {
            assert_eq!(said(Unbound, line), expected, "{line}");
        }
    }

    #[test]
    fn other_settings_have_a_reason() {
        for (line, reason) in [
            ("local-zone: \".\" refuse", "TooBroad"),
            ("local-zone: \"a.example.org\"", "NoName"),
            ("verbosity: 1", "OtherSetting"),
            ("local-zone: \".\" transparent", "NotBlocking"),
        ] {
            assert_eq!(said(Unbound, line), [reason], "{line}");
        }
    }
}
