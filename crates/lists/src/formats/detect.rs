//! Which format a file has, from its first lines, and which form one line has.

use super::format::Format;
use crate::comment::{before_hash, before_spaced_hash, is_comment, is_cosmetic};
use crate::name_syntax::{is_name_octet, read_address, read_hosts_address};

/// How many lines with content decide.
const LINES: usize = 1000;
/// A file with this many plain names for each line of another format is a list of plain names.
const PLAIN_PER_OTHER: usize = 10;

/// Finds the format of a file that starts with `head`. Plain names occur in most formats, so that a
/// few lines of another one decide; a file that looks like nothing is read as plain names.
pub(crate) fn detect(head: &[u8]) -> Format {
    let mut votes = [0usize; Format::ALL.len()];
    for format in head.split(|&octet| octet == b'\n').filter_map(vote).take(LINES) {
        votes[format as usize] += 1;
    }
    let plain = votes[Format::Domains as usize];
    Format::ALL
        .iter()
        .copied()
        .filter(|&format| format != Format::Domains)
        .max_by_key(|&format| votes[format as usize])
        .filter(|&format| {
            votes[format as usize] > 0 && votes[format as usize] * PLAIN_PER_OTHER >= plain
        })
        .unwrap_or(Format::Domains)
}

/// Whether a file that starts with `head` is a web page, as a wrong address gives one.
pub(crate) fn is_web_page(head: &[u8]) -> bool {
    let start = head.trim_ascii_start();
    let starts_with =
        |word: &[u8]| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    starts_with(b"<!doctype") || starts_with(b"<html") || starts_with(b"<?xml")
}

/// The form of one line in a file whose lines mostly have the format `usual`.
pub(super) fn form_of(line: &str, usual: Format) -> Format {
    match form(line.trim()) {
        // Plain names and wildcards have a meaning in filter rules too.
        Some(Format::Domains | Format::Wildcard) if usual == Format::Adblock => usual,
        Some(format) => format,
        // A word alone may be a setting of a program, and a top-level domain elsewhere.
        None if usual == Format::Hosts && is_name(line.trim()) => Format::Domains,
        None => usual,
    }
}

/// The format that a line of the head has, or none.
fn vote(line: &[u8]) -> Option<Format> {
    let line = str::from_utf8(line).ok()?.trim();
    if is_comment(line) { None } else { form(line) }
}

/// The format that a line has by itself; none if it has none, or one of several.
fn form(line: &str) -> Option<Format> {
    let starts = |marks: &[&str]| marks.iter().any(|mark| line.starts_with(mark));
    if is_setting(line) {
        return Some(Format::Dnsmasq);
    }
    if starts(&["|", "@@"]) || is_regex(line) || is_regex(before_spaced_hash(line)) {
        return Some(Format::Adblock);
    }
    let is_cosmetic = is_cosmetic(line);
    let line = before_hash(line);
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    if starts(&["local-zone:", "local-data:", "server:"]) {
        Some(Format::Unbound)
    } else if starts(&["$TTL", "$ORIGIN"]) || is_record(words.clone()) {
        Some(Format::Rpz)
    } else if is_cosmetic {
        Some(Format::Adblock)
    } else if read_hosts_address(first).is_some() {
        words.next().map(|_| Format::Hosts)
    } else if words.next().is_some() {
        None
    } else if line.ends_with('^') || line.contains('$') {
        Some(Format::Adblock)
    } else if line.contains('*') {
        is_name(&line.replace('*', "")).then_some(Format::Wildcard)
    } else {
        (line.contains('.') && is_name(line)).then_some(Format::Domains)
    }
}

/// Whether it is a setting of dnsmasq that names a domain, as in `address=/x/`, or an address in
/// answers.
fn is_setting(line: &str) -> bool {
    let Some((setting, value)) = line.split_once('=') else { return false };
    match setting.trim().trim_start_matches("--") {
        "address" | "server" | "local" => value.trim_start().starts_with('/'),
        setting => matches!(setting, "bogus-nxdomain" | "ignore-address"),
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|octet| is_name_octet(octet) || !octet.is_ascii())
}

fn is_regex(line: &str) -> bool {
    line.len() > 2 && line.starts_with('/') && line.ends_with('/')
}

fn is_record<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    let is_kind =
        |word: &str, kinds: &[&str]| kinds.iter().any(|one| one.eq_ignore_ascii_case(word));
    while let Some(word) = words.next() {
        if is_kind(word, &["CNAME", "SOA"]) {
            return true;
        }
        // Behind a name, an address of which nothing is left.
        if is_kind(word, &["A", "AAAA"]) && words.next().and_then(read_address).is_some() {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::formats::testing::said_mixed;

    #[test]
    fn each_format_is_recognized() {
        for (text, format) in [
            ("# t\n127.0.0.1 localhost\n0.0.0.0 a.example.org\n", Format::Hosts),
            ("# t\na.example.org\nb.example.org # c\n", Format::Domains),
            ("# t\n*.a.example.org\nb.example.org\n", Format::Wildcard),
            ("! t\n||a.example.org^\nb.example.org\n", Format::Adblock),
            ("[Adblock Plus]\nexample.org##.ad\n", Format::Adblock),
            ("@@||a.example.org^$important\n", Format::Adblock),
            ("/^ad[0-9]/\n", Format::Adblock),
            ("# t\naddress=/a.example.org/#\n", Format::Dnsmasq),
            ("server=/a.example.org/\n", Format::Dnsmasq),
            ("address = /a.example.org/#\n", Format::Dnsmasq),
            ("0 a.example.org\n", Format::Hosts),
            ("// t\n/^ad[0-9]/ # c\n", Format::Adblock),
            ("server:\nlocal-zone: \"a.example.org\" always_null\n", Format::Unbound),
            ("a.example.org A 0.0.0.0\nb.example.org 60 IN AAAA ::\n", Format::Rpz),
            ("$TTL 60\n@ SOA . . 1 1 1 1 1\na.example.org CNAME .\n", Format::Rpz),
            ("\u{feff}a.example.org\r\nb.example.org\r\n", Format::Domains),
            ("", Format::Domains),
            ("\0\0\0", Format::Domains),
        ] {
            assert_eq!(detect(text.as_bytes()), format, "{text:?}");
        }
    }

    #[test]
    fn a_stray_line_does_not_change_the_format_of_a_list() {
        let text = "a.example.org\n".repeat(50) + "||stray.example.org^\n";
        assert_eq!(detect(text.as_bytes()), Format::Domains);
    }

    #[test]
    fn each_line_has_its_own_form() {
        let lines = "0.0.0.0 a.example.org\nb.example.org # c\n||c.example.org^ # why\n*.d.example.org\n\
                     address=/e.example.org/#\nlocal-zone: \"f.example.org\" static\n\
                     g.example.org CNAME .\n! t\n; t\n# t\n[t]\n/^h[0-9]/\ni.example.org##.ad\n\
                     @@||ok.c.example.org^\n1.2.3.4\n";
        let expected = [
            "block a.example.org",
            "block b.example.org",
            "block ||c.example.org",
            "block ||d.example.org",
            "block ||e.example.org",
            "block ||f.example.org",
            "block g.example.org",
            "block regex ^h[0-9]",
            "Cosmetic",
            "allow ||ok.c.example.org",
        ];
        for format in Format::ALL {
            let found = said_mixed(*format, lines);
            let found: Vec<_> = found[..10].iter().map(String::as_str).collect();
            let mut expected = expected;
            if *format == Format::Adblock {
                expected[3] = "block *.d.example.org";
            }
            assert_eq!(found, expected, "{format:?}");
        }
    }

    #[test]
    fn a_word_alone_is_what_most_lines_of_the_file_are() {
        for (format, expected) in [
            (Format::Hosts, "block zip"),
            (Format::Domains, "block zip"),
            (Format::Wildcard, "block zip"),
            (Format::Adblock, "Word"),
            (Format::Dnsmasq, "OtherSetting"),
            (Format::Unbound, "OtherSetting"),
            (Format::Rpz, "NotAName"),
        ] {
            assert_eq!(said_mixed(format, "zip"), [expected], "{format:?}");
        }
    }

    #[test]
    fn a_web_page_is_no_list() {
        assert!(is_web_page(b"\n <!DOCTYPE html><html>"));
        assert!(is_web_page(b"<HTML>"));
        assert!(!is_web_page(b"||example.org^"));
    }
}
