//! Response policy zones: `x CNAME .` blocks, `x CNAME rpz-passthru.` is an exception. A name is
//! meant alone, `*.x` means every name below `x`, and the closest one counts
//! (draft-vixie-dnsop-dns-rpz-00 section 5.1).

use keyhole_wire::RecordType;

use crate::comment::{before_semicolon, parentheses};
use crate::entry::{Findings, ListEntry, Scope, Target, add_name};
use crate::name_syntax::{is_nowhere, read_address, read_zone_name};
use crate::skip_reason::SkipReason;

/// Owners whose last label says that the trigger is no name that a client asks for.
const OTHER_TRIGGERS: &[&str] =
    &["rpz-ip", "rpz-nsip", "rpz-nsdname", "rpz-client-ip", "rpz-mac", "rpz-client-mac"];

/// What earlier lines of a zone file say about the lines to come.
#[derive(Default)]
pub(super) struct Zone {
    /// The name of the policy zone, without the last dot, once it is known.
    origin: String,
    /// The owner that a line without one repeats.
    owner: String,
    /// Whether a parenthesis is open, so that the record goes on.
    open: bool,
}

impl Zone {
    /// Whether the next line goes on with a record.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Reads one line.
    pub(super) fn read(&mut self, line: &str, findings: &mut Findings) {
        let line = before_semicolon(line);
        if self.open {
            self.open = !parentheses(line).1;
            return;
        }
        if line.trim().is_empty() {
            return;
        }
        if let Some(directive) = line.strip_prefix('$') {
            self.read_directive(directive, findings);
            return;
        }
        let (opens, closes) = parentheses(line);
        self.open = opens && !closes;
        let mut words = line.split_whitespace();
        if !line.starts_with(|first: char| first.is_whitespace()) {
            self.owner = words.next().unwrap_or_default().to_ascii_lowercase();
        }
        // The TTL and the class may stand in either order (RFC 1035 section 5.1).
        let mut rest = words.skip_while(|word| is_ttl(word) || word.eq_ignore_ascii_case("IN"));
        let kind = rest.next().unwrap_or_default();
        let data = rest.next().unwrap_or_default();
        self.read_record(kind, data, findings);
    }

    fn read_directive(&mut self, directive: &str, findings: &mut Findings) {
        let mut words = directive.split_whitespace();
        match (words.next().map(str::to_ascii_uppercase).as_deref(), words.next()) {
            (Some("ORIGIN"), Some(origin)) => self.set_origin(origin),
            (Some("TTL"), Some(_)) => {}
            _ => findings.push(Err(SkipReason::OtherSetting)),
        }
    }

    fn set_origin(&mut self, origin: &str) {
        self.origin = origin.trim_end_matches('.').to_ascii_lowercase();
    }

    fn read_record(&mut self, kind: &str, data: &str, findings: &mut Findings) {
        let kind = RecordType::from_text(kind);
        match kind {
            // The records of the zone itself.
            Some(RecordType::SOA) if self.owner.ends_with('.') => {
                let owner = self.owner.clone();
                self.set_origin(&owner);
            }
            Some(RecordType::SOA | RecordType::NS) => {}
            Some(kind) => match self.trigger() {
                Ok((text, scope)) => {
                    let (make, skip) = meaning(kind, data, text);
                    add_name(read_zone_name(text), scope, make, findings);
                    findings.extend(skip.map(Err));
                }
                Err(skip) => findings.push(Err(skip)),
            },
            None => findings.push(Err(SkipReason::NotAName)),
        }
    }

    /// The name that the owner stands for, without the name of the zone.
    fn trigger(&self) -> Result<(&str, Scope), SkipReason> {
        let mut owner = self.owner.as_str();
        if let Some(absolute) = owner.strip_suffix('.') {
            owner = absolute
                .strip_suffix(&self.origin)
                .and_then(|owner| owner.strip_suffix('.'))
                .filter(|_| !self.origin.is_empty())
                .unwrap_or(absolute);
        }
        let last = owner.rsplit('.').next().unwrap_or_default();
        if OTHER_TRIGGERS.contains(&last) {
            return Err(SkipReason::Trigger);
        }
        match owner.strip_prefix("*.") {
            _ if owner == "*" => Err(SkipReason::TooBroad),
            Some(parent) => Ok((parent, Scope::Below)),
            None => Ok((owner, Scope::Exact)),
        }
    }
}

/// What the record does with a name that meets its trigger, and why not all of it is done here.
fn meaning(
    kind: RecordType,
    data: &str,
    trigger: &str,
) -> (Box<dyn Fn(Target) -> ListEntry>, Option<SkipReason>) {
    let data = data.to_ascii_lowercase();
    let skip = match kind {
        RecordType::CNAME => match data.as_str() {
            "." | "*." | "rpz-drop." => return (Box::new(ListEntry::block_specific), None),
            "rpz-passthru." => return (Box::new(ListEntry::allow_specific), None),
            // How passthru was written at first: an alias to itself.
            name if name.strip_suffix('.') == Some(trigger) => {
                return (Box::new(ListEntry::allow_specific), None);
            }
            "rpz-tcp-only." => SkipReason::TcpOnly,
            _ => SkipReason::OtherAnswer,
        },
        RecordType::A | RecordType::AAAA => match read_address(&data) {
            Some(address) if is_nowhere(address) => {
                return (Box::new(ListEntry::block_specific), None);
            }
            _ => SkipReason::RealAddress,
        },
        RecordType::DNAME => SkipReason::OtherAnswer,
        // A note beside the record that blocks, such as TXT, takes its own type out and no other.
        _ => {
            let exempt = move |target| ListEntry::exempt_type(target, Some(kind));
            return (Box::new(exempt), Some(SkipReason::OtherAnswer));
        }
    };
    (Box::new(ListEntry::exempt_specific), Some(skip))
}

/// Whether a word is a TTL: a number, or numbers with units.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word.bytes().all(|octet| octet.is_ascii_digit() || b"smhdwSMHDW".contains(&octet))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Rpz;
    use crate::formats::testing::said;

    const HEAD: &str = "$TTL 2h\n@ SOA localhost. root.localhost. (\n 1 6h\n 1h 1w 2h ) ; serial\n\
                        @ IN NS localhost.\n";

    #[test]
    fn every_way_to_withhold_an_answer_blocks() {
        let lines = "a.example.org CNAME .\nb.example.org 60 IN CNAME *.\n\
                     c.example.org IN 1h CNAME rpz-drop.\nd.example.org A 0.0.0.0\n  AAAA ::\n\
                     *.E.example.org CNAME . ; why\n";
        assert_eq!(
            said(Rpz, &format!("{HEAD}{lines}")),
            [
                "block a.example.org",
                "block b.example.org",
                "block c.example.org",
                "block d.example.org",
                "block d.example.org",
                "block *.e.example.org",
            ]
        );
    }

    #[test]
    fn passthru_is_an_exception() {
        for line in ["a.example.org CNAME rpz-passthru.", "a.example.org CNAME a.example.org."] {
            assert_eq!(said(Rpz, line), ["allow a.example.org"]);
        }
    }

    #[test]
    fn whole_top_level_domains_and_escaped_names_are_taken() {
        let lines = "*.link CNAME .\nlink CNAME .\na\\.b.\\042.link CNAME .";
        assert_eq!(said(Rpz, lines), ["block *.link", "block link", "block a\\.b.*.link"]);
    }

    #[test]
    fn what_is_answered_otherwise_is_taken_out() {
        for (data, reason) in [
            ("CNAME garden.example.net.", "OtherAnswer"),
            ("CNAME rpz-tcp-only.", "TcpOnly"),
            ("A 192.0.2.7", "RealAddress"),
        ] {
            let found = said(Rpz, &format!("a.example.org {data}"));
            assert_eq!(found, ["exempt a.example.org", reason], "{data}");
        }
        assert_eq!(said(Rpz, "a.org TXT text"), ["exempt a.org [16] [] []", "OtherAnswer"]);
    }

    #[test]
    fn a_parenthesis_in_quotes_or_in_a_comment_opens_nothing() {
        for text in [r#"TXT "why (see""#, r"TXT why\(see", "TXT why ; (see"] {
            let lines = format!("a.org {text}\nb.org CNAME .");
            assert_eq!(said(Rpz, &lines)[2..], ["block b.org"], "{text}");
        }
    }

    #[test]
    fn absolute_owners_lose_the_name_of_the_zone() {
        let zones = ["$ORIGIN rpz.example.net.\n", "rpz.example.net. SOA . . 1 1 1 1 1\n"];
        for zone in zones {
            let lines =
                format!("{zone}a.example.org.rpz.example.net. CNAME .\nb.example.org CNAME .");
            assert_eq!(said(Rpz, &lines), ["block a.example.org", "block b.example.org"]);
        }
    }

    #[test]
    fn what_blocks_no_name_has_a_reason() {
        for (line, reason) in [
            ("24.0.2.0.192.rpz-ip CNAME .", "Trigger"),
            ("ns.example.org.rpz-nsdname CNAME .", "Trigger"),
            ("* CNAME .", "TooBroad"),
            ("$INCLUDE other.zone", "OtherSetting"),
            ("nonsense", "NotAName"),
        ] {
            assert_eq!(said(Rpz, line), [reason], "{line}");
        }
    }
}
