//! Regular expressions over the text of a name: linear time, bounded size, ASCII.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::pattern_error::PatternError;

/// The most octets of an expression as written.
const MAX_TEXT: usize = 1000;
/// The most octets of the program that it compiles to.
const MAX_PROGRAM: usize = 64 << 10;
/// The most octets that matching may cache; beyond, it goes on without a cache.
const MAX_CACHE: usize = 64 << 10;
/// How deep groups may nest.
const MAX_DEPTH: u32 = 50;
/// The most literals of which one must occur.
const MAX_LITERALS: usize = 16;

/// Compiles an expression. Case is ignored, since names are compared without it (RFC 4343).
pub(super) fn compile(text: &str) -> Result<Regex, PatternError> {
    if text.len() > MAX_TEXT {
        return Err(PatternError::TooLarge);
    }
    RegexBuilder::new(text)
        .unicode(false)
        .case_insensitive(true)
        .nest_limit(MAX_DEPTH)
        .size_limit(MAX_PROGRAM)
        .dfa_size_limit(MAX_CACHE)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            _ => PatternError::Invalid,
        })
}

/// Lower-case literals of which every match holds at least one; empty if nothing is fixed.
pub(super) fn literals(text: &str) -> Vec<String> {
    let parsed =
        ParserBuilder::new().unicode(false).utf8(false).nest_limit(MAX_DEPTH).build().parse(text);
    let mut literals = parsed.ok().and_then(|hir| required(&hir)).unwrap_or_default();
    literals.iter_mut().for_each(|literal| literal.make_ascii_lowercase());
    literals.sort();
    literals.dedup();
    literals
}

/// The best set of literals that a part requires, or none.
fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.is_ascii().then(|| vec![text.to_owned()])
        }
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => {
            parts.iter().filter_map(required).max_by_key(|literals| shortest(literals))
        }
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(required).collect();
            all.map(|all| all.concat()).filter(|all| all.len() <= MAX_LITERALS)
        }
        _ => None,
    }
}

/// The length of the shortest literal, which is the one that lets most names through.
pub(super) fn shortest(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_match_holds_one_of_the_literals() {
        for (text, expected) in [
            (r"^ad[0-9]+\.", vec!["ad"]),
            (r"^(.+\.)?ADserver\d*\.example\.org$", vec![".example.org"]),
            (r"(doubleclick|adservice)\.", vec!["adservice", "doubleclick"]),
            (r"(ads)+[a-z]*", vec!["ads"]),
            (r"[a-z]{32}", vec![]),
            (r"(ads)?x*", vec![]),
            (r"a|[0-9]", vec![]),
        ] {
            assert_eq!(literals(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_linear_or_not_valid_or_too_large_is_refused() {
        for text in [r"(a)\1", "(?=a)b", "(", "[z-a]", "*", r"\p{Greek}"] {
            assert_eq!(compile(text).unwrap_err(), PatternError::Invalid, "{text}");
        }
        for text in ["(a{1000}){1000}".to_owned(), "a".repeat(1001)] {
            assert_eq!(compile(&text).unwrap_err(), PatternError::TooLarge, "{text}");
        }
        assert!(compile(&"(".repeat(400)).is_err());
    }

    #[test]
    fn case_is_ignored() {
        assert!(compile("^ADS[A-Z]").unwrap().is_match(b"adsx.example.org"));
    }
}
