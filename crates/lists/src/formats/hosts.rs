//! Hosts files: `0.0.0.0 name name ...`. Each name is meant alone.

use crate::comment::{before_note, is_comment};
use crate::entry::{Findings, Scope, block_name};
use crate::name_syntax::{is_machine_name, is_nowhere, read_address, read_hosts_address};
use crate::skip_reason::SkipReason;

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    if is_comment(line) {
        return;
    }
    let mut words = before_note(line).split_whitespace();
    let Some(first) = words.next() else {
        return;
    };
    let Some(address) = read_hosts_address(first) else {
        findings.push(Err(SkipReason::NoAddress));
        return;
    };
    let mut names = words.peekable();
    if names.peek().is_none() {
        findings.push(Err(SkipReason::NoName));
    }
    for name in names {
        let is_machine = is_machine_name(name) || read_address(name).is_some_and(is_nowhere);
        if is_machine {
            findings.push(Err(SkipReason::MachineName));
        } else if is_nowhere(address) {
            block_name(name, Scope::Exact, findings);
        } else {
            findings.push(Err(SkipReason::RealAddress));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Hosts;
    use crate::formats::testing::said;

    #[test]
    fn a_line_of_a_hosts_file_blocks_each_of_its_names_alone() {
        let lines = "# title\n\n0.0.0.0 ads.example.org\n\
                     127.0.0.1\tA.example.org b.example.org#c\n::1 c.example.org\n:: d.example.org\n\
                     ! title\n; title\n// title\n0 e.example.org ; a word or two";
        assert_eq!(
            said(Hosts, lines),
            [
                "block ads.example.org",
                "block a.example.org",
                "block b.example.org",
                "block c.example.org",
                "block d.example.org",
                "block e.example.org",
            ]
        );
    }

    #[test]
    fn an_address_that_means_nothing_there_may_be_written_in_any_form() {
        for address in [
            "::ffff:0.0.0.0",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "127.1",
            "127.000.000.001",
            "000.000.000.000",
            "0.0",
            "0",
        ] {
            assert_eq!(said(Hosts, &format!("{address} x.org")), ["block x.org"], "{address}");
        }
        for (address, reason) in [
            ("::ffff:192.0.2.7", "RealAddress"),
            ("127", "NoAddress"),
            ("0.0.0.0.0", "NoAddress"),
            ("0..0", "NoAddress"),
            ("1.2.3", "NoAddress"),
        ] {
            assert_eq!(said(Hosts, &format!("{address} x.org")), [reason], "{address}");
        }
    }

    #[test]
    fn names_of_the_machine_itself_are_left_out() {
        for line in [
            "127.0.0.1 localhost",
            "0.0.0.0 0.0.0.0",
            "::1 ip6-localhost",
            "fe80::1%lo0 localhost",
            "255.255.255.255 broadcasthost",
            "ff02::1 ip6-allnodes",
        ] {
            assert_eq!(said(Hosts, line), ["MachineName"], "{line}");
        }
    }

    #[test]
    fn a_real_address_is_a_record_and_not_a_block() {
        assert_eq!(said(Hosts, "192.0.2.7 printer.example.org"), ["RealAddress"]);
        assert_eq!(said(Hosts, "0.0.0.0"), ["NoName"]);
        assert_eq!(said(Hosts, "ads.example.org"), ["NoAddress"]);
    }
}
