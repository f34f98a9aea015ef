//! dnsmasq settings: `address=/x/`, `local=/x/` and `server=/x/` mean `x` and every name below.

use crate::entry::{Findings, Scope, block_name};
use crate::name_syntax::{is_nowhere, read_address, without_comment};
use crate::skip_reason::SkipReason;

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = without_comment(line);
    if line.is_empty() {
        return;
    }
    let (setting, value) = line.split_once('=').unwrap_or((line, ""));
    let setting = setting.trim().trim_start_matches("--");
    let names = value.trim().strip_prefix('/').and_then(|value| value.rsplit_once('/'));
    let (Some((names, target)), "address" | "server" | "local") = (names, setting) else {
        findings.push(Err(SkipReason::OtherSetting));
        return;
    };
    if let Some(skip) = other_use(setting, target.trim()) {
        findings.push(Err(skip));
        return;
    }
    for name in names.split('/') {
        match name.strip_prefix("*.") {
            _ if name == "#" => findings.push(Err(SkipReason::TooBroad)),
            Some(parent) => block_name(parent, Scope::Below, findings),
            None => {
                let name = name.strip_prefix('.').unwrap_or(name);
                block_name(name, Scope::AtAndBelow, findings);
            }
        }
    }
}

/// Why a setting with this target blocks nothing, or none if it blocks.
fn other_use(setting: &str, target: &str) -> Option<SkipReason> {
    match (setting, target) {
        // `#` is dnsmasq's word for the null address here, and for the usual servers below.
        (_, "") | ("address", "#") => None,
        ("address", target) if read_address(target).is_some_and(is_nowhere) => None,
        ("address", _) => Some(SkipReason::RealAddress),
        _ => Some(SkipReason::OtherServer),
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
    fn other_settings_have_a_reason() {
        for (line, reason) in [
            ("address=/router.example.org/192.0.2.1", "RealAddress"),
            ("server=/corp.example.org/192.0.2.53", "OtherServer"),
            ("server=/corp.example.org/#", "OtherServer"),
            ("address=/#/", "TooBroad"),
            ("address=/", "OtherSetting"),
            ("address=//", "NoName"),
            ("no-resolv", "OtherSetting"),
            ("conf-dir=/etc/dnsmasq.d/,*.conf", "OtherSetting"),
            ("address=/org/", "SingleLabel"),
        ] {
            assert_eq!(said(Dnsmasq, line), [reason], "{line}");
        }
    }
}
