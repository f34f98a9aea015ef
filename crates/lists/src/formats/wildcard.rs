//! Wildcards, one a line: `*.x` is `x` and every name below it.
//!
//! Makers of such lists leave the line for `x` itself out: the programs that read them take it as
//! meant. A rule of a policy is stricter, since a person wrote it for one name or the other.

use keyhole_names::list_file::Pattern;

use crate::entry::{Findings, ListEntry, Scope, Target, block_name};
use crate::name_syntax::{is_name_octet, to_ascii};
use crate::skip_reason::SkipReason;

/// Reads a name with at least one `*`; one inside a label stands for any characters.
pub(super) fn read_starred(text: &str, findings: &mut Findings) {
    match text.strip_prefix("*.") {
        Some(parent) if !parent.contains('*') => block_name(parent, Scope::AtAndBelow, findings),
        _ if text.bytes().all(|octet| octet == b'*' || octet == b'.') => {
            findings.push(Err(SkipReason::TooBroad));
        }
        _ => findings.push(read_pattern(text)),
    }
}

fn read_pattern(text: &str) -> Result<ListEntry, SkipReason> {
    let text = starred_to_ascii(text.strip_suffix('.').unwrap_or(text))?;
    // As in an expression that nothing marks as one: no label is empty.
    if text.starts_with('.') || text.contains("..") {
        return Err(SkipReason::NeverMatches);
    }
    Ok(ListEntry::block(Target::Pattern(Pattern::Wildcard(format!("|{text}^")))))
}

/// A text with stars in lower case, whole labels in other scripts as A-labels.
pub(super) fn starred_to_ascii(text: &str) -> Result<String, SkipReason> {
    let mut ascii = String::with_capacity(text.len());
    for (index, label) in text.split('.').enumerate() {
        if index > 0 {
            ascii.push('.');
        }
        if label.contains('*') && !label.is_ascii() {
            return Err(SkipReason::PartOfLabel);
        }
        ascii.push_str(&to_ascii(label)?.to_ascii_lowercase());
    }
    let is_known = ascii.bytes().all(|octet| octet == b'*' || is_name_octet(octet));
    is_known.then_some(ascii).ok_or(SkipReason::NotAName)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Wildcard;
    use crate::formats::testing::said;

    #[test]
    fn a_star_label_means_the_name_and_every_name_below_it() {
        assert_eq!(
            said(Wildcard, "*.Ads.example.org\nb.example.org"),
            ["block ||ads.example.org", "block b.example.org"]
        );
    }

    #[test]
    fn a_star_elsewhere_makes_a_pattern() {
        assert_eq!(said(Wildcard, "ads*.example.org"), ["block wildcard |ads*.example.org^"]);
        let international = said(Wildcard, "ads*.bücher.example\nbü*.example");
        assert_eq!(international, ["block wildcard |ads*.xn--bcher-kva.example^", "PartOfLabel"]);
        assert_eq!(said(Wildcard, "*.*"), ["TooBroad"]);
        assert_eq!(said(Wildcard, "*.zip"), ["block ||zip"]);
        assert_eq!(said(Wildcard, "*/x"), ["NotAName"]);
        assert_eq!(said(Wildcard, ".*ads.*\nads..*"), ["NeverMatches", "NeverMatches"]);
    }
}
