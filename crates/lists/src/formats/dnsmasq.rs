//! dnsmasq settings: `address=/x/`, `local=/x/` and `server=/x/` mean `x` and every name below, and
//! the line for the more specific name wins (dnsmasq(8), `--server`). `bogus-nxdomain=ADDRESS` is about
//! answers.

use keyhole_names::list_file::{Action, Pattern};

use crate::comment::before_spaced_hash;
use crate::entry::{Findings, ListEntry, Scope, Target, add_name, add_network};
use crate::name_syntax::{is_nowhere, read_address, read_name, read_network};
use crate::skip_reason::SkipReason;

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = before_spaced_hash(line);
    if line.is_empty() {
        return;
    }
    let (setting, value) = line.split_once('=').unwrap_or((line, ""));
    let setting = setting.trim().trim_start_matches("--");
    if matches!(setting, "host-record" | "cname") {
        read_records(setting, value, findings);
        return;
    }
    if matches!(setting, "bogus-nxdomain" | "ignore-address") {
        match read_network(value.trim()) {
            Some(network) => add_network(network, ListEntry::block, findings),
            None => findings.push(Err(SkipReason::OtherSetting)),
        }
        return;
    }
    let names = value.trim().strip_prefix('/').and_then(|value| value.rsplit_once('/'));
    let (Some((names, target)), "address" | "server" | "local") = (names, setting) else {
        findings.push(Err(SkipReason::OtherSetting));
        return;
    };
    let (make, skip) = meaning(setting, target.trim());
    for name in names.split('/') {
        let (name, scope) = match name.strip_prefix("*.") {
            Some(parent) => (parent, Scope::Below),
            None => (name.strip_prefix('.').unwrap_or(name), Scope::AtAndBelow),
        };
        if name == "#" {
            findings.push(Err(skip.unwrap_or(SkipReason::TooBroad)));
        } else if let Some(end) = name.strip_prefix('*') {
            findings.push(read_ending(end, make));
        } else {
            add_name(read_name(name), scope, make, findings);
        }
    }
    findings.extend(skip.map(Err));
}

/// `*x` is every name that ends so, also inside a label. Which of such a line and another one is
/// more specific cannot be told here, so that one which blocks nothing takes its names out.
fn read_ending(end: &str, make: fn(Target) -> ListEntry) -> Result<ListEntry, SkipReason> {
    let name = read_name(end)?;
    let target = Target::Pattern(Pattern::Wildcard(format!("{name}^")));
    let is_block = make(target.clone()).action == Action::Block;
    Ok(if is_block { ListEntry::block(target) } else { ListEntry::exempt(target) })
}

/// `host-record=x,y,address` and `cname=x,y,target` answer for their names alone, whatever else
/// the settings say of them.
fn read_records(setting: &str, value: &str, findings: &mut Findings) {
    let is_ttl = |word: &&str| word.bytes().all(|octet| octet.is_ascii_digit());
    let words = value.split(',').map(str::trim).filter(|word| !is_ttl(word));
    let (addresses, mut names): (Vec<_>, Vec<_>) =
        words.partition(|word| read_address(word).is_some());
    let is_alias = setting == "cname";
    if is_alias {
        names.pop();
    }
    let is_null = |address: &&str| read_address(address).is_some_and(is_nowhere);
    let blocks = !is_alias && !addresses.is_empty() && addresses.iter().all(is_null);
    let make = if blocks { ListEntry::block_specific } else { ListEntry::exempt_specific };
    for name in names {
        add_name(read_name(name), Scope::Exact, make, findings);
    }
    let skip = if is_alias { SkipReason::OtherAnswer } else { SkipReason::RealAddress };
    findings.extend((!blocks).then_some(Err(skip)));
}

/// What a setting with this target does with its names, and why not all of it is done here.
fn meaning(setting: &str, target: &str) -> (fn(Target) -> ListEntry, Option<SkipReason>) {
    match (setting, target) {
        // `#` is dnsmasq's word for the null address here, and for the usual servers below.
        (_, "") | ("address", "#") => (ListEntry::block_specific, None),
        ("address", target) if read_address(target).is_some_and(is_nowhere) => {
            (ListEntry::block_specific, None)
        }
        ("address", _) => (ListEntry::exempt_specific, Some(SkipReason::RealAddress)),
        (_, "#") => (ListEntry::allow_specific, None),
        _ => (ListEntry::exempt_specific, Some(SkipReason::OtherServer)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Dnsmasq;
    use crate::formats::testing::said;

    #[test]
    fn a_domain_without_a_server_is_blocked_with_everything_below() {
        let lines = "# title\naddress=/a.example.org/#\naddress=/b.example.org/\n\
                     address=/c.example.org/d.example.org/0.0.0.0\naddress=/e.example.org/::\n\
                     server=/f.example.org/\nlocal=/.g.example.org/\naddress=/*.h.example.org/#";
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut expected = names.map(|name| format!("block ||{name}.example.org")).to_vec();
        expected.push("block *.h.example.org".into());
        assert_eq!(said(Dnsmasq, lines), expected);
    }

    #[test]
    fn exceptions_take_their_names_out_and_what_is_not_done_has_a_reason() {
        for (line, expected) in [
            ("server=/ok.example.org/#", vec!["allow ||ok.example.org"]),
            (
                "address=/router.example.org/192.0.2.1",
                vec!["exempt ||router.example.org", "RealAddress"],
            ),
            (
                "server=/corp.example.org/192.0.2.53",
                vec!["exempt ||corp.example.org", "OtherServer"],
            ),
        ] {
            assert_eq!(said(Dnsmasq, line), expected, "{line}");
        }
    }

    #[test]
    fn records_of_single_names_come_before_what_is_said_of_domains() {
        for (line, expected) in [
            ("host-record=a.org,b.org,192.0.2.7,60", "exempt a.org, exempt b.org, RealAddress"),
            ("host-record=a.org,0.0.0.0,::", "block a.org"),
            ("cname=a.org,b.org,nas.example", "exempt a.org, exempt b.org, OtherAnswer"),
        ] {
            assert_eq!(said(Dnsmasq, line).join(", "), expected, "{line}");
        }
    }

    #[test]
    fn a_star_in_front_is_any_beginning_of_a_name() {
        for (line, expected) in [
            ("address=/*ads.org/#", "block wildcard ads.org^"),
            ("server=/*ok.org/#", "exempt wildcard ok.org^"),
            ("address=/*/#", "NoName"),
            ("address=/a*.org/#", "NotAName"),
        ] {
            assert_eq!(said(Dnsmasq, line), [expected], "{line}");
        }
    }

    #[test]
    fn some_settings_are_about_addresses_in_answers() {
        let lines =
            "bogus-nxdomain=192.0.2.1\nbogus-nxdomain=192.0.2.0/24\nignore-address=2001:db8::1";
        let networks = ["192.0.2.1", "192.0.2.0/24", "2001:db8::1"];
        assert_eq!(said(Dnsmasq, lines), networks.map(|one| format!("block address {one}")));
        assert_eq!(said(Dnsmasq, "bogus-nxdomain=a.example"), ["OtherSetting"]);
    }

    #[test]
    fn other_settings_have_a_reason() {
        for (line, reason) in [
            ("address=/#/", "TooBroad"),
            ("address=/", "OtherSetting"),
            ("address=//", "NoName"),
            ("no-resolv", "OtherSetting"),
            ("conf-dir=/etc/dnsmasq.d/,*.conf", "OtherSetting"),
        ] {
            assert_eq!(said(Dnsmasq, line), [reason], "{line}");
        }
    }
}
