//! Plain names, one a line. Each name is meant alone, without the names below it.

use super::wildcard;
use crate::comment::{before_hash, is_cosmetic};
use crate::entry::{Findings, Scope, block_name};
use crate::skip_reason::SkipReason;

/// Reads one line. A line with a `*` is read as in the wildcard format, for lists that mix both.
pub(super) fn read(line: &str, findings: &mut Findings) {
    if is_cosmetic(line) {
        findings.push(Err(SkipReason::Cosmetic));
        return;
    }
    let mut words = before_hash(line).split_whitespace();
    match (words.next(), words.next()) {
        (None, _) => {}
        (Some(name), None) if name.contains('*') => wildcard::read_starred(name, findings),
        (Some(name), None) => block_name(name, Scope::Exact, findings),
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
    }

    #[test]
    fn what_is_not_one_name_is_left_out() {
        assert_eq!(said(Domains, "a.example.org b.example.org"), ["NotOneName"]);
        assert_eq!(said(Domains, "/"), ["NotAName"]);
        assert_eq!(said(Domains, "*"), ["TooBroad"]);
        assert_eq!(said(Domains, "a.example.org##.banner"), ["Cosmetic"]);
    }
}
