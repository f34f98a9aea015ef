//! Patterns: wildcards and regular expressions, tried only on names that hold a fixed part of them.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::expression;
use super::format::Attributes;
use super::pattern_error::PatternError;
use super::wildcard::Wildcard;
use crate::Error;

/// The most patterns in a list file, over all lists.
pub const MAX_PATTERNS: usize = 10_000;
/// The most regular expressions among them; each may take 64 KiB.
pub const MAX_EXPRESSIONS: usize = 1_000;
/// The most patterns without a fixed part, which every name has to be tried against.
pub const MAX_SLOW: usize = 250;
/// The fewest octets of a fixed part that is worth looking for.
const MIN_LITERAL: usize = 3;

/// The pattern for all names, which only an entry with limits may have; its reader sees to that.
pub const EVERYTHING: &str = "*";

/// Names that nobody would block together: a pattern that matches all of them is a mistake.
const ORDINARY: &[&[u8]] = &[b"www-3.example.test", b"q7.invalid", b"maps.internal.arpa"];

/// A pattern as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// A name with `*` in it, with the anchors of the adblock syntax.
    Wildcard(String),
    /// A regular expression, without the slashes around it.
    Regex(String),
}

impl Pattern {
    /// Appends kind, length and text.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (kind, text) = match self {
            Self::Wildcard(text) => (0, text),
            Self::Regex(text) => (1, text),
        };
        out.push(kind);
        // A line has at most 4,096 octets.
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    /// Reads the next pattern; none if the octets are broken.
    fn read(octets: &mut &[u8]) -> Option<Self> {
        let (&[kind, l0, l1], rest) = octets.split_first_chunk::<3>()?;
        let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
        *octets = rest;
        let text = std::str::from_utf8(text).ok()?.to_owned();
        match kind {
            0 => Some(Self::Wildcard(text)),
            1 => Some(Self::Regex(text)),
            _ => None,
        }
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Matcher(Program);

#[derive(Debug)]
enum Program {
    Wildcard(Wildcard),
    Regex(regex::bytes::Regex),
}

impl Matcher {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Why it must not be used.
    pub fn new(pattern: &Pattern) -> Result<Self, PatternError> {
        let matcher = Self(match pattern {
            Pattern::Wildcard(text) => {
                let is_fixed =
                    |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
                if text == EVERYTHING {
                    return Ok(Self(Program::Wildcard(Wildcard::new(text))));
                }
                if text.bytes().filter(is_fixed).count() < MIN_LITERAL {
                    return Err(PatternError::TooShort);
                }
                Program::Wildcard(Wildcard::new(text))
            }
            Pattern::Regex(text) => Program::Regex(expression::compile(text)?),
        });
        if ORDINARY.iter().all(|name| matcher.is_match(name)) {
            return Err(PatternError::TooBroad);
        }
        Ok(matcher)
    }

    /// Whether the lower-case text of a name matches.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.0 {
            Program::Wildcard(wildcard) => wildcard.is_match(text),
            Program::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether it is a regular expression.
    pub fn is_expression(&self) -> bool {
        matches!(self.0, Program::Regex(_))
    }

    /// Whether each name has to be tried, because nothing in the pattern is fixed.
    pub fn is_slow(&self) -> bool {
        self.literals().is_empty()
    }

    /// Literals of which every match holds one; empty if they are too short to be worth a search.
    fn literals(&self) -> Vec<String> {
        let literals = match &self.0 {
            Program::Wildcard(wildcard) => vec![wildcard.literal().to_owned()],
            Program::Regex(regex) => expression::literals(regex.as_str()),
        };
        if expression::shortest(&literals) < MIN_LITERAL { Vec::new() } else { literals }
    }
}

/// A pattern and where it stands.
#[derive(Debug)]
pub(super) struct PlacedPattern {
    pub(super) attributes: Attributes,
    pub(super) matcher: Matcher,
    /// As lists write it.
    pub(super) text: Box<str>,
}

/// All patterns of a list file.
#[derive(Debug, Default)]
pub(super) struct PatternSet {
    patterns: Vec<PlacedPattern>,
    /// Looks for all literals in one pass over the name.
    search: Option<AhoCorasick>,
    /// For each literal, the patterns that it may belong to.
    behind: Vec<Vec<u32>>,
    /// Patterns without a literal.
    slow: Vec<u32>,
}

impl PatternSet {
    /// Reads the section of patterns of a list file and prepares them for matching.
    pub(super) fn read(mut octets: &[u8], limits: &[u8]) -> Result<Self, Error> {
        let broken = || Error::invalid("list_file.patterns", "broken; compile the lists again");
        let mut patterns = Vec::new();
        while !octets.is_empty() {
            let (attributes, _) = Attributes::read(&mut octets).ok_or_else(broken)?;
            let pattern = Pattern::read(&mut octets).ok_or_else(broken)?;
            let matcher = Matcher::new(&pattern).map_err(|_| broken())?;
            if attributes.limits as usize >= limits.len().max(1) || patterns.len() == MAX_PATTERNS {
                return Err(broken());
            }
            let text = match pattern {
                Pattern::Regex(text) => format!("/{text}/"),
                Pattern::Wildcard(text) => text,
            };
            patterns.push(PlacedPattern { attributes, matcher, text: text.into() });
        }
        Self::new(patterns)
    }

    fn new(patterns: Vec<PlacedPattern>) -> Result<Self, Error> {
        let mut set = Self { patterns, ..Self::default() };
        let mut literals = std::collections::BTreeMap::<String, Vec<u32>>::new();
        for (index, pattern) in (0u32..).zip(&set.patterns) {
            let found = pattern.matcher.literals();
            if found.is_empty() {
                set.slow.push(index);
            }
            for literal in found {
                literals.entry(literal).or_default().push(index);
            }
        }
        if !literals.is_empty() {
            let search = AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(literals.keys())
                .map_err(|error| Error::invalid("list_file", error.to_string()))?;
            set.search = Some(search);
            set.behind = literals.into_values().collect();
        }
        Ok(set)
    }

    /// Whether there is nothing to match.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The pattern with this index.
    pub(super) fn get(&self, index: u32) -> Option<&PlacedPattern> {
        self.patterns.get(index as usize)
    }

    /// Visits the patterns that may match, some of them more than once, in no order.
    pub(super) fn candidates(&self, text: &[u8], mut visit: impl FnMut(u32, &PlacedPattern)) {
        let mut visit_all = |indices: &[u32]| {
            for &index in indices {
                if let Some(pattern) = self.get(index) {
                    visit(index, pattern);
                }
            }
        };
        visit_all(&self.slow);
        for found in self.search.iter().flat_map(|search| search.find_overlapping_iter(text)) {
            visit_all(self.behind.get(found.pattern().as_usize()).map_or(&[], Vec::as_slice));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_matches_ordinary_names_is_too_broad() {
        for text in [".*", ".", "[a-z]", r"^[a-z0-9.-]+\.[a-z]+$", r"\."] {
            let found = Matcher::new(&Pattern::Regex(text.to_owned()));
            assert_eq!(found.unwrap_err(), PatternError::TooBroad, "{text}");
        }
        for text in ["a*", "*a*.*", "||-*"] {
            let found = Matcher::new(&Pattern::Wildcard(text.to_owned()));
            assert_eq!(found.unwrap_err(), PatternError::TooShort, "{text}");
        }
    }

    #[test]
    fn patterns_without_three_fixed_characters_are_slow() {
        let is_slow = |pattern: Pattern| Matcher::new(&pattern).unwrap().is_slow();
        assert!(is_slow(Pattern::Regex(r"^[a-f0-9]{32}$".into())));
        assert!(is_slow(Pattern::Wildcard("|a*b*c^".into())));
        assert!(!is_slow(Pattern::Wildcard("||ads*.org^".into())));
    }
}
