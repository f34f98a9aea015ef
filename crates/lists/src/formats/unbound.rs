//! unbound settings: a blocking `local-zone` means the name and every name below, a `local-data`
//! with a null address that name alone. The zone closest to a name decides, and data beat their zone
//! (unbound.conf(5), local-zone).

mod name_tree;

use std::collections::{BTreeSet, HashSet};

use keyhole_names::hash_wire;
use keyhole_names::list_file::{Action, Effect};
use keyhole_wire::{Name, RecordType};

use self::name_tree::NameTree;
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

/// Zone types whose data are also the answers for every name below.
const REDIRECTING: &[&str] = &["redirect", "inform_redirect"];

/// What earlier lines say about the lines to come.
#[derive(Default)]
pub(super) struct Settings {
    /// Whether the settings are those of a view, which some clients have.
    in_view: bool,
    /// The hashes of the zones that answer for every name below with their data.
    redirecting: HashSet<u64>,
    /// The hashes of names with other data, and the type that these are of; none for all types.
    data: BTreeSet<(u64, Option<u16>)>,
    /// The zones that only clients with a tag have. Tags, zones and data may stand in any order.
    tagged: NameTree,
    /// The hashes of all zones.
    zones: HashSet<u64>,
    /// Names blocked by their data.
    null_names: NameTree,
}

impl Settings {
    /// Reads one line.
    pub(super) fn read(&mut self, line: &str, findings: &mut Findings) {
        let line = before_unquoted_hash(line);
        let (setting, value) = line.split_once(':').unwrap_or((line, ""));
        let (setting, value) = (setting.trim(), value.trim());
        match setting {
            "" if value.is_empty() => {}
            // A clause only says whose settings follow.
            "server" => {
                self.in_view = false;
                // Statements need no line of their own (unbound.conf(5)).
                if !value.is_empty() {
                    self.read(value, findings);
                }
            }
            "local-zone" | "local-data" if self.in_view => {
                let mut found = Findings::new();
                // A view has its own zones: they say nothing about those of all clients.
                Self::default().read_local(setting, value, &mut found);
                findings.extend(found.into_iter().map(|finding| match finding {
                    Ok(entry) if decides_to_block(&entry) => Err(SkipReason::View),
                    // An exception for some clients cannot be honored, so its names are blocked
                    // for none.
                    finding => finding,
                }));
            }
            "local-zone" | "local-data" => self.read_local(setting, value, findings),
            "local-zone-tag" => self.read_tag(value, findings),
            "local-zone-override" => read_override(value, findings),
            _ => {
                if value.is_empty() {
                    self.in_view = setting == "view";
                }
                findings.push(Err(SkipReason::OtherSetting));
            }
        }
    }

    fn read_local(&mut self, setting: &str, value: &str, findings: &mut Findings) {
        if setting == "local-zone" {
            self.read_zone(value, findings);
        } else {
            self.read_data(value, findings);
        }
    }

    fn read_zone(&mut self, value: &str, findings: &mut Findings) {
        let mut words = value.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            findings.push(Err(SkipReason::NoName));
            return;
        };
        if words.next().is_some() {
            findings.push(Err(SkipReason::NotOneName));
        }
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
        let name = read_zone_name(unquoted(name));
        self.zones.extend(name.iter().map(hash_of));
        add_name(name, Scope::AtAndBelow, make, findings);
        findings.extend(skip.map(Err));
        if let Ok(name) = name
            && REDIRECTING.contains(&kind)
        {
            let hash = hash_of(&name);
            self.redirecting.insert(hash);
            for &(_, kind) in self.data.range((hash, None)..=(hash, Some(u16::MAX))) {
                let exempt = |target| ListEntry::exempt_type(target, kind.map(RecordType));
                add_name(Ok(name), Scope::AtAndBelow, exempt, findings);
            }
        }
    }

    /// Only clients with one of its tags have the zone, and with it its data.
    fn read_tag(&mut self, value: &str, findings: &mut Findings) {
        let name = unquoted(value.split_whitespace().next().unwrap_or_default());
        match read_zone_name(name) {
            Ok(name) => self.tagged.add(&name),
            Err(skip) => findings.push(Err(skip)),
        }
        findings.push(Err(SkipReason::View));
    }

    /// Adds what only the whole file tells: zones with tags block for nobody, and neither do the
    /// data in them. Tags of what is no zone mean nothing.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        let mut zones = std::mem::take(&mut self.tagged).into_names();
        zones.retain(|zone| self.zones.contains(&hash_of(zone)));
        let tagged: HashSet<u64> = zones.iter().map(hash_of).collect();
        for zone in zones {
            add_name(Ok(zone), Scope::AtAndBelow, ListEntry::exempt_specific, findings);
            let belongs =
                |data: &Name| self.closest_zone(data).is_some_and(|hash| tagged.contains(&hash));
            for data in self.null_names.below(&zone, belongs) {
                add_name(Ok(data), Scope::Exact, ListEntry::exempt_specific, findings);
            }
        }
    }

    /// The hash of the zone that holds the name, if there is one.
    fn closest_zone(&self, name: &Name) -> Option<u64> {
        let mut left = name.as_wire();
        while let Some((&octets, rest)) = left.split_first() {
            let hash = hash_wire(left);
            if self.zones.contains(&hash) {
                return Some(hash);
            }
            left = rest.get(usize::from(octets)..).unwrap_or_default();
        }
        None
    }

    fn read_data(&mut self, value: &str, findings: &mut Findings) {
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
                if let Ok(name) = &name {
                    self.null_names.add(name);
                }
                add_name(name, Scope::Exact, ListEntry::block_specific, findings);
            }
            (Some(RecordType::A | RecordType::AAAA), Some(_)) => {
                self.exempt(name, None, findings);
                findings.push(Err(SkipReason::RealAddress));
            }
            // An alias answers for every type, other data for their own.
            (Some(kind), _) => {
                self.exempt(name, (kind != RecordType::CNAME).then_some(kind), findings);
                findings.push(Err(SkipReason::OtherAnswer));
            }
            (None, _) => findings.push(Err(SkipReason::OtherAnswer)),
        }
    }

    /// Takes a name with data out, and every name below if its zone answers for these too.
    fn exempt(
        &mut self,
        name: Result<Name, SkipReason>,
        kind: Option<RecordType>,
        findings: &mut Findings,
    ) {
        let mut scope = Scope::Exact;
        if let Ok(name) = &name {
            let hash = hash_of(name);
            // The zone may still follow.
            self.data.insert((hash, kind.map(|kind| kind.0)));
            if self.redirecting.contains(&hash) {
                scope = Scope::AtAndBelow;
            }
        }
        add_name(name, scope, |target| ListEntry::exempt_type(target, kind), findings);
    }
}

/// Some clients have another type of the zone: one that answers cannot be kept for them alone, so its
/// names are blocked for none.
fn read_override(value: &str, findings: &mut Findings) {
    let mut words = value.split_whitespace();
    let (name, kind) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    if !BLOCKING.contains(&unquoted(kind)) {
        let name = read_zone_name(unquoted(name));
        add_name(name, Scope::AtAndBelow, ListEntry::exempt_specific, findings);
    }
    findings.push(Err(SkipReason::View));
}

fn hash_of(name: &Name) -> u64 {
    hash_wire(name.as_wire())
}

fn decides_to_block(entry: &ListEntry) -> bool {
    entry.action == Action::Block && entry.limits.effect == Effect::Decides
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
    fn statements_need_no_line_of_their_own() {
        assert_eq!(said(Unbound, "server: local-zone: \"a.org\" static"), ["block ||a.org"]);
        let two = "local-zone: \"a.org\" static local-zone: \"b.org\" static";
        assert_eq!(said(Unbound, two), ["NotOneName", "block ||a.org"]);
    }

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
    fn zones_of_a_view_or_with_tags_block_for_nobody() {
        let lines = "server:\nlocal-zone: a.org static\nview:\n name: \"kids\"\n\
                     local-zone: b.org static\nlocal-data: 'c.org A 0.0.0.0'\n\
                     local-zone: d.org transparent\nlocal-zone: f.org redirect\n\
                     server:\nlocal-zone: e.org static\nlocal-zone-tag: e.org \"x y\"\n\
                     local-data: 'f.org A 192.0.2.7'\nview:\nforward-zone:\nlocal-zone: g.org static";
        let expected = [
            "block ||a.org",
            "OtherSetting",
            "OtherSetting",
            "View",
            "View",
            "exempt ||d.org",
            "NotBlocking",
            "View",
            "block ||e.org",
            "View",
            "exempt f.org",
            "RealAddress",
            "OtherSetting",
            "OtherSetting",
            "block ||g.org",
            "exempt ||e.org",
        ];
        assert_eq!(said(Unbound, lines), expected);
    }

    #[test]
    fn tags_of_a_zone_take_out_what_belongs_to_it_in_any_order() {
        let mut lines = [
            "local-zone: e.org static",
            "local-zone-tag: 'E.org' \"x\"",
            "local-data: 'ads.e.org A 0.0.0.0'",
            "local-zone: open.e.org static",
            "local-data: 'x.open.e.org A 0.0.0.0'",
            "local-data: 'ads.f.org A 0.0.0.0'",
        ];
        for _ in 0..lines.len() {
            lines.rotate_left(1);
            for lines in [lines.to_vec(), lines.iter().rev().copied().collect()] {
                let found = said(Unbound, &lines.join("\n"));
                assert_eq!(found.len(), 8, "{found:?}");
                assert_eq!(found[6..], ["exempt ||e.org", "exempt ads.e.org"], "{lines:?}");
            }
        }
    }

    #[test]
    fn tags_of_what_is_no_zone_mean_nothing() {
        for lines in [
            "local-zone-tag: e.org 'x'\nlocal-data: 'ads.e.org A 0.0.0.0'",
            "local-data: 'ads.e.org A 0.0.0.0'\nlocal-zone-tag: e.org 'x'",
        ] {
            let mut found = said(Unbound, lines);
            found.sort();
            assert_eq!(found, ["View", "block ads.e.org"]);
        }
    }

    #[test]
    fn a_zone_that_some_clients_have_otherwise_is_blocked_for_all_or_for_none() {
        let zone = "local-zone: e.org static\nlocal-zone-override: e.org 192.0.2.0/24";
        let open = said(Unbound, &format!("{zone} transparent"));
        assert_eq!(open, ["block ||e.org", "exempt ||e.org", "View"]);
        let closed = said(Unbound, &format!("{zone} always_nxdomain"));
        assert_eq!(closed, ["block ||e.org", "View"]);
    }

    #[test]
    fn data_of_a_redirecting_zone_answer_for_every_name_below_in_any_order() {
        let zone = "local-zone: a.org redirect";
        for (data, limits) in [("A 192.0.2.7", ""), ("CNAME b.org", ""), ("TXT x", " [16] [] []")] {
            let data = format!("local-data: 'A.org {data}'");
            let all = format!("exempt ||a.org{limits}");
            assert!(said(Unbound, &format!("{zone}\n{data}")).contains(&all), "{data}");
            assert!(said(Unbound, &format!("{data}\n{zone}")).contains(&all), "{data}");
            let other = said(Unbound, &format!("local-zone: a.org static\n{data}"));
            assert!(!other.contains(&all), "{data}");
        }
        let nothing = format!("{zone}\nlocal-data: 'a.org A 0.0.0.0'");
        assert_eq!(said(Unbound, &nothing), ["block ||a.org", "block a.org"]);
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
