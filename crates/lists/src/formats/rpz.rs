//! Response policy zones: `x CNAME .` blocks, `x CNAME rpz-passthru.` is an exception. A name is
//! meant alone, `*.x` means every name below `x`, and the closest one counts
//! (draft-vixie-dnsop-dns-rpz-00 section 5.1).

use keyhole_names::Network;
use keyhole_wire::RecordType;

use crate::comment::{before_semicolon, parentheses};
use crate::entry::{Findings, ListEntry, Scope, Target, add_name, add_network};
use crate::name_syntax::{is_nowhere, read_address, read_zone_name};
use crate::skip_reason::SkipReason;

/// Owners whose last label says that the trigger is no name that a client asks for.
const OTHER_TRIGGERS: &[&str] =
    &["rpz-nsip", "rpz-nsdname", "rpz-client-ip", "rpz-mac", "rpz-client-mac"];

/// The last label of owners that speak of addresses in answers.
const ADDRESSES: &str = ".rpz-ip";

/// What earlier lines of a zone file say about the lines to come.
#[derive(Default)]
pub(super) struct Zone {
    /// The name of the policy zone, without the last dot, once it is known.
    apex: Option<String>,
    /// What names without a last dot count from: at first the zone, whatever its name is.
    origin: ZoneName,
    /// The owner that a line without one repeats.
    owner: ZoneName,
    /// Whether a parenthesis is open, so that the record goes on.
    open: bool,
}

/// A name of a zone file, in lower case and without the last dot.
#[derive(Default)]
struct ZoneName {
    text: String,
    /// Whether it counts from the root, and not from a zone whose name nothing says.
    is_absolute: bool,
}

impl ZoneName {
    /// Becomes the name that a text stands for: one without a last dot counts from the origin, which
    /// `@` stands for (RFC 1035 section 5.1).
    fn set(&mut self, text: &str, origin: &Self) {
        let absolute = without_last_dot(text);
        self.text.clear();
        self.text.push_str(absolute.unwrap_or(if text == "@" { "" } else { text }));
        if absolute.is_none() && !origin.text.is_empty() {
            if !self.text.is_empty() {
                self.text.push('.');
            }
            self.text.push_str(&origin.text);
        }
        self.text.make_ascii_lowercase();
        self.is_absolute = absolute.is_some() || origin.is_absolute;
    }
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
            self.owner.set(words.next().unwrap_or_default(), &self.origin);
        }
        // The TTL and the class may stand in either order (RFC 1035 section 5.1).
        let mut rest = words.skip_while(|word| is_ttl(word) || word.eq_ignore_ascii_case("IN"));
        let kind = rest.next().unwrap_or_default();
        let mut data =
            rest.map(|word| word.trim_matches(['(', ')'])).filter(|word| !word.is_empty());
        self.read_record(kind, data.next().unwrap_or_default(), findings);
    }

    fn read_directive(&mut self, directive: &str, findings: &mut Findings) {
        let mut words = directive.split_whitespace();
        match (words.next().map(str::to_ascii_uppercase).as_deref(), words.next()) {
            (Some("ORIGIN"), Some(origin)) => self.set_origin(origin),
            (Some("TTL"), Some(_)) => {}
            _ => findings.push(Err(SkipReason::OtherSetting)),
        }
    }

    fn set_origin(&mut self, text: &str) {
        let mut origin = ZoneName::default();
        origin.set(text, &self.origin);
        if origin.is_absolute {
            // A name beside the zone begins another one: lists are put together from zones.
            let is_beside = self.apex.as_deref().is_none_or(|apex| {
                below(&origin.text, apex).is_none() && below(apex, &origin.text).is_none()
            });
            if is_beside {
                self.apex = Some(origin.text.clone());
            }
        }
        self.origin = origin;
    }

    fn read_record(&mut self, kind: &str, data: &str, findings: &mut Findings) {
        let kind = RecordType::from_text(kind);
        match kind {
            // The records of the zone itself.
            Some(RecordType::SOA) if self.owner.is_absolute => {
                self.apex = Some(self.owner.text.clone());
            }
            Some(RecordType::SOA | RecordType::NS) => {}
            Some(kind) => match self.trigger() {
                Ok((text, scope)) => {
                    let (make, skip) = match kind {
                        RecordType::CNAME => self.meaning_of_alias(data, text),
                        _ => meaning(kind, data),
                    };
                    match scope {
                        _ if !text.ends_with(ADDRESSES) => {
                            add_name(read_zone_name(text), scope, make, findings);
                        }
                        _ => match read_ip_trigger(text) {
                            Some(network) => add_network(network, make, findings),
                            None => findings.push(Err(SkipReason::NotAName)),
                        },
                    }
                    findings.extend(skip.map(Err));
                }
                Err(skip) => findings.push(Err(skip)),
            },
            None => findings.push(Err(SkipReason::NotAName)),
        }
    }

    /// What an alias does with a name that meets its trigger; data count from the origin, too.
    fn meaning_of_alias(&self, data: &str, trigger: &str) -> Meaning {
        let mut target = ZoneName::default();
        target.set(data, &self.origin);
        match target.text.as_str() {
            _ if data.is_empty() || !target.is_absolute => withheld(SkipReason::OtherAnswer),
            "" | "*" | "rpz-drop" => (Box::new(ListEntry::block_specific), None),
            "rpz-passthru" => (Box::new(ListEntry::allow_specific), None),
            // How passthru was written at first: an alias to itself.
            name if name == trigger => (Box::new(ListEntry::allow_specific), None),
            "rpz-tcp-only" => withheld(SkipReason::TcpOnly),
            _ => withheld(SkipReason::OtherAnswer),
        }
    }

    /// The name that the owner stands for, without the name of the zone.
    fn trigger(&self) -> Result<(&str, Scope), SkipReason> {
        let mut owner = self.owner.text.as_str();
        if let Some(apex) = self.apex.as_deref().filter(|_| self.owner.is_absolute) {
            owner = below(owner, apex).unwrap_or(owner);
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

/// What a record does, and why not all of it is done here.
type Meaning = (Box<dyn Fn(Target) -> ListEntry>, Option<SkipReason>);

/// Reads `24.0.2.0.192.rpz-ip`: the number of bits, then the parts of the address, the last one
/// first. In an IPv6 address `zz` stands for `::` (draft-vixie-dnsop-dns-rpz-00 section 4.3).
fn read_ip_trigger(owner: &str) -> Option<Network> {
    let (prefix, parts) = owner.strip_suffix(ADDRESSES)?.split_once('.')?;
    let parts: Vec<&str> = parts.rsplit('.').collect();
    let is_v4 = parts.len() == 4 && !parts.contains(&"zz");
    let text = if is_v4 { parts.join(".") } else { parts.join(":") };
    // A part that is empty at an end, or between colons, makes two colons of one.
    let text = match text.as_str() {
        "zz" => "::".to_owned(),
        text => match (text.strip_prefix("zz"), text.strip_suffix("zz")) {
            (Some(rest), _) => format!(":{rest}"),
            (_, Some(rest)) => format!("{rest}:"),
            _ => text.replace(":zz:", "::"),
        },
    };
    Network::new(text.parse().ok()?, prefix.parse().ok()?)
}

/// A name of a zone file without its last dot; none if it has no such dot.
fn without_last_dot(text: &str) -> Option<&str> {
    let text = text.strip_suffix('.')?;
    // After an odd number of them the dot is a part of the last label.
    let slashes = text.bytes().rev().take_while(|&octet| octet == b'\\').count();
    (slashes % 2 == 0).then_some(text)
}

/// What stands in front of a parent in a name, which may be nothing; none if it is not below.
fn below<'name>(name: &'name str, parent: &str) -> Option<&'name str> {
    let rest = name.strip_suffix(parent)?;
    if rest.is_empty() || parent.is_empty() { Some(rest) } else { rest.strip_suffix('.') }
}

/// What a record that is no alias does with a name that meets its trigger.
fn meaning(kind: RecordType, data: &str) -> Meaning {
    match kind {
        RecordType::A | RecordType::AAAA => match read_address(data) {
            Some(address) if is_nowhere(address) => (Box::new(ListEntry::block_specific), None),
            _ => withheld(SkipReason::RealAddress),
        },
        RecordType::DNAME => withheld(SkipReason::OtherAnswer),
        // A note beside the record that blocks, such as TXT, takes its own type out and no other.
        _ => {
            let exempt = move |target| ListEntry::exempt_type(target, Some(kind));
            (Box::new(exempt), Some(SkipReason::OtherAnswer))
        }
    }
}

/// What is answered otherwise is blocked by no other line.
fn withheld(why: SkipReason) -> Meaning {
    (Box::new(ListEntry::exempt_specific), Some(why))
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
    fn the_data_of_a_record_count_from_the_origin_as_its_owner_does() {
        let zone = "$ORIGIN rpz.example.net.\n";
        for (line, expected) in [
            ("$ORIGIN .\na.org.rpz.example.net CNAME rpz-passthru", "allow a.org"),
            ("$ORIGIN .\na.org.rpz.example.net CNAME a.org", "allow a.org"),
            ("$ORIGIN .\na.org.rpz.example.net CNAME rpz-drop", "block a.org"),
            ("$ORIGIN .\na.org.rpz.example.net CNAME @", "block a.org"),
            ("a.org CNAME ( . )", "block a.org"),
            ("a.org CNAME (rpz-passthru.)", "allow a.org"),
            ("a.org CNAME rpz-passthru", "exempt a.org"),
            ("a.org CNAME a.org", "exempt a.org"),
            ("a.org CNAME @", "exempt a.org"),
        ] {
            assert_eq!(said(Rpz, &format!("{zone}{line}"))[0], expected, "{line}");
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
    fn owners_count_from_the_current_origin_and_lose_the_name_of_the_zone() {
        let head = "$ORIGIN .\n$TTL 60\nrpz.example.net IN SOA . . 1 1 1 1 1\n\tNS localhost.\n";
        let zone = "$ORIGIN com.rpz.example.net.\nbad CNAME .\n\tTXT why\n*.Bad CNAME .\n\
                    good.bad CNAME rpz-passthru.\n$ORIGIN shop\nads CNAME .\n@ CNAME .\n\
                    $ORIGIN rpz-ip.rpz.example.net.\n\tCNAME .\n24.0.2.0.192 CNAME .\n\
                    $ORIGIN rpz.example.net.\nother.org CNAME .\nnet.rpz.example.net. CNAME .";
        let expected = [
            "block bad.com",
            "exempt bad.com [16] [] []",
            "OtherAnswer",
            "block *.bad.com",
            "allow good.bad.com",
            "block ads.shop.com",
            "block shop.com",
            // A line without an owner repeats the last one, whatever the origin is now.
            "block shop.com",
            "block address 192.0.2.0/24",
            "block other.org",
            "block net",
        ];
        assert_eq!(said(Rpz, &format!("{head}{zone}")), expected);
        for head in
            ["$ORIGIN rpz.example.net.\n@ SOA . . 1 1 1 1 1\n", "$ORIGIN rpz.example.net.\n"]
        {
            assert_eq!(said(Rpz, &format!("{head}{zone}")), expected, "{head}");
        }
    }

    #[test]
    fn a_relative_origin_counts_from_the_one_before_also_if_nothing_names_the_zone() {
        let lines = "@ SOA . . 1 1 1 1 1\n$ORIGIN com\nbad CNAME .\n$ORIGIN shop\nads CNAME .";
        assert_eq!(said(Rpz, lines), ["block bad.com", "block ads.shop.com"]);
    }

    #[test]
    fn an_address_is_one_in_an_answer() {
        for (line, expected) in [
            ("32.7.2.0.192.rpz-ip CNAME .", "block address 192.0.2.7"),
            ("24.0.2.0.192.rpz-ip CNAME rpz-passthru.", "allow address 192.0.2.0/24"),
            ("128.1.zz.db8.2001.rpz-ip A 0.0.0.0", "block address 2001:db8::1"),
            ("32.zz.db8.2001.rpz-ip CNAME *.", "block address 2001:db8::/32"),
            ("128.1.zz.rpz-ip CNAME .", "block address ::1"),
            ("128.8.7.6.5.4.3.2.1.rpz-ip CNAME .", "block address 1:2:3:4:5:6:7:8"),
            ("31.7.2.0.192.rpz-ip CNAME .", "block address 192.0.2.6, block address 192.0.2.7"),
        ] {
            assert_eq!(said(Rpz, line).join(", "), expected, "{line}");
        }
    }

    #[test]
    fn an_origin_beside_the_zone_begins_another_one() {
        let lines =
            "$ORIGIN a.example.net.\nbad.com CNAME .\n$ORIGIN b.example.net.\nbad.org CNAME .";
        assert_eq!(said(Rpz, lines), ["block bad.com", "block bad.org"]);
    }

    #[test]
    fn what_blocks_no_name_has_a_reason() {
        for (line, reason) in [
            ("24.0.2.0.192.rpz-nsip CNAME .", "Trigger"),
            ("33.0.2.0.192.rpz-ip CNAME .", "NotAName"),
            ("0.0.0.0.0.rpz-ip CNAME .", "NotAName"),
            ("ns.example.org.rpz-nsdname CNAME .", "Trigger"),
            ("* CNAME .", "TooBroad"),
            // What would stand for every address, or for every IPv4 address.
            (r"*.\000address CNAME .", "NotAName"),
            (r"4.\000ADDRESS CNAME rpz-passthru.", "NotAName"),
            ("$INCLUDE other.zone", "OtherSetting"),
            ("nonsense", "NotAName"),
        ] {
            assert_eq!(said(Rpz, line), [reason], "{line}");
        }
    }
}
