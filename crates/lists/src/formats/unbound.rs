//! unbound settings: a blocking `local-zone` means the name and every name below, a `local-data`
//! with a null address that name alone.

use crate::entry::{Findings, Scope, block_name};
use crate::name_syntax::{is_nowhere, read_address, without_comment};
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

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = without_comment(line);
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
    if !BLOCKING.contains(&unquoted(kind)) {
        findings.push(Err(SkipReason::NotBlocking));
    } else if unquoted(name) == "." {
        findings.push(Err(SkipReason::TooBroad));
    } else {
        block_name(unquoted(name), Scope::AtAndBelow, findings);
    }
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
    match (rest.next(), rest.next().and_then(read_address)) {
        (Some("A" | "AAAA" | "a" | "aaaa"), Some(address)) if is_nowhere(address) => {
            block_name(name, Scope::Exact, findings);
        }
        (Some("A" | "AAAA" | "a" | "aaaa"), Some(_)) => findings.push(Err(SkipReason::RealAddress)),
        _ => findings.push(Err(SkipReason::OtherAnswer)),
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
    fn other_settings_have_a_reason() {
        for (line, reason) in [
            ("local-zone: \"corp.example.org\" transparent", "NotBlocking"),
            ("local-zone: \".\" refuse", "TooBroad"),
            ("local-zone: \"a.example.org\"", "NoName"),
            ("local-data: \"a.example.org A 192.0.2.7\"", "RealAddress"),
            ("local-data: 'a.example.org TXT \"x\"'", "OtherAnswer"),
            ("verbosity: 1", "OtherSetting"),
            ("local-zone: \"org.\" static", "SingleLabel"),
        ] {
            assert_eq!(said(Unbound, line), [reason], "{line}");
        }
    }
}
