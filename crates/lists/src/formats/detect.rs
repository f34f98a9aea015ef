//! Which format a file has, from its first lines.

use super::format::Format;
use crate::name_syntax::{is_name_octet, read_address, without_comment};

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

/// The format that a line has, or none.
fn vote(line: &[u8]) -> Option<Format> {
    let line = str::from_utf8(line).ok()?.trim();
    if line.is_empty() || line.starts_with(['!', ';', '[']) {
        return None;
    }
    if is_cosmetic(line) {
        return Some(Format::Adblock);
    }
    let line = without_comment(line);
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let starts = |marks: &[&str]| marks.iter().any(|mark| line.starts_with(mark));
    if starts(&["address=/", "server=/", "local=/"]) {
        Some(Format::Dnsmasq)
    } else if starts(&["local-zone:", "local-data:", "server:"]) {
        Some(Format::Unbound)
    } else if starts(&["$TTL", "$ORIGIN"]) || is_record(words.clone()) {
        Some(Format::Rpz)
    } else if read_address(first).is_some() {
        words.next().map(|_| Format::Hosts)
    } else if words.next().is_some() {
        None
    } else if starts(&["|", "@@"]) || line.ends_with('^') || line.contains('$') || is_regex(line) {
        Some(Format::Adblock)
    } else if starts(&["*."]) {
        Some(Format::Wildcard)
    } else {
        let is_name = |octet: u8| is_name_octet(octet) || !octet.is_ascii();
        (line.contains('.') && line.bytes().all(is_name)).then_some(Format::Domains)
    }
}

fn is_cosmetic(line: &str) -> bool {
    let is_comment = line.trim_start_matches('#').starts_with([' ', '\t']);
    !is_comment && ["##", "#@#", "#?#"].iter().any(|mark| line.contains(mark)) && {
        !line.bytes().all(|octet| octet == b'#')
    }
}

fn is_regex(line: &str) -> bool {
    line.len() > 2 && line.starts_with('/') && line.ends_with('/')
}

fn is_record<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    words.any(|word| ["CNAME", "SOA"].iter().any(|kind| kind.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

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
            ("server:\nlocal-zone: \"a.example.org\" always_null\n", Format::Unbound),
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
    fn a_web_page_is_no_list() {
        assert!(is_web_page(b"\n <!DOCTYPE html><html>"));
        assert!(is_web_page(b"<HTML>"));
        assert!(!is_web_page(b"||example.org^"));
    }
}
