//! Plain names, one a line. Each name is meant alone, without the names below it; with a dot in
//! front, as Squid has it (`dstdomain`), also they.

use super::wildcard;
use crate::comment::{before_note, is_comment, is_cosmetic};
use crate::entry::{Findings, Scope, block_name};
use crate::skip_reason::SkipReason;

/// Reads one line. A line with a `*` is read as in the wildcard format, for lists that mix both.
pub(super) fn read(line: &str, findings: &mut Findings) {
    if is_comment(line) {
        return;
    }
    if is_cosmetic(line) {
        findings.push(Err(SkipReason::Cosmetic));
        return;
    }
    let mut words = before_note(line).split_whitespace();
    match (words.next(), words.next()) {
        (None, _) => {}
        (Some(name), None) if name.contains('*') => wildcard::read_starred(name, findings),
        (Some(name), None) => match name.strip_prefix('.') {
            Some(parent) => block_name(parent, Scope::AtAndBelow, findings),
            None => block_name(name, Scope::Exact, findings),
        },
        _ => findings.push(Err(SkipReason::NotOneName)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Domains;
    use crate::formats::testing::said;

    #[test]
    fn a_line_is_one_name_that_is_meant_alone() {
        assert_eq!(
            said(Domains, "# title\r\nAds.Example.org.\r\n\r\nb.example.org#why\nzip"),
            ["block ads.example.org", "block b.example.org", "block zip"]
        );
        assert_eq!(said(Domains, "bücher.example"), ["block xn--bcher-kva.example"]);
        let notes = "! title\n; title\n// title\na.example.org ; why\nb.example.org // why";
        assert_eq!(said(Domains, notes), ["block a.example.org", "block b.example.org"]);
        assert_eq!(said(Domains, ".a.example.org"), ["block ||a.example.org"]);
    }

    #[test]
    fn what_is_not_one_name_is_left_out() {
        assert_eq!(said(Domains, "a.example.org b.example.org"), ["NotOneName"]);
        assert_eq!(said(Domains, "/"), ["NotAName"]);
        assert_eq!(said(Domains, "..a.example.org"), ["NotAName"]);
        assert_eq!(said(Domains, "*"), ["TooBroad"]);
        assert_eq!(said(Domains, "a.example.org##.banner"), ["Cosmetic"]);
    }
}
