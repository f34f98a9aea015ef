//! Patterns: wildcards and regular expressions, tried only on names that hold a fixed part of them.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::builder::read_pattern;
use super::entry::Target;
use super::file_format::Attributes;
use super::skip_reason::SkipReason;
use super::wildcard::Wildcard;
use super::{expression, name_syntax};
use crate::Error;

/// The most patterns in a list file, over all lists.
pub(crate) const MAX_PATTERNS: usize = 10_000;
/// The most regular expressions among them; each may take 64 KiB.
pub(crate) const MAX_EXPRESSIONS: usize = 1_000;
/// The most patterns without a fixed part, which every name has to be tried against.
pub(crate) const MAX_SLOW: usize = 250;
/// The fewest octets of a fixed part that is worth looking for.
const MIN_LITERAL: usize = 3;

/// Names that nobody would block together: a pattern that matches all of them is a mistake.
const ORDINARY: &[&[u8]] = &[b"www-3.example.test", b"q7.invalid", b"maps.internal.arpa"];

/// One compiled pattern.
#[derive(Debug)]
pub(crate) enum Matcher {
    Wildcard(Wildcard),
    Regex(regex::bytes::Regex),
}

impl Matcher {
    /// Compiles what an entry aims at; none if it is a name.
    pub(crate) fn new(target: &Target) -> Result<Option<Self>, SkipReason> {
        let matcher = match target {
            Target::Name(..) => return Ok(None),
            Target::Wildcard(text) => {
                let fixed = text.bytes().filter(|&octet| {
                    octet != b'.' && octet != b'*' && name_syntax::is_name_octet(octet)
                });
                if fixed.count() < MIN_LITERAL {
                    return Err(SkipReason::TooBroad);
                }
                Self::Wildcard(Wildcard::new(text))
            }
            Target::Regex(text) => Self::Regex(expression::compile(text)?),
        };
        if ORDINARY.iter().all(|name| matcher.is_match(name)) {
            return Err(SkipReason::TooBroad);
        }
        Ok(Some(matcher))
    }

    /// Whether the lower-case text of a name matches.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Self::Wildcard(wildcard) => wildcard.is_match(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether each name has to be tried, because nothing in the pattern is fixed.
    pub(crate) fn is_slow(&self) -> bool {
        self.literals().is_empty()
    }

    /// Literals of which every match holds one; empty if they are too short to be worth a search.
    fn literals(&self) -> Vec<String> {
        let literals = match self {
            Self::Wildcard(wildcard) => vec![wildcard.literal().to_owned()],
            Self::Regex(regex) => expression::literals(regex.as_str()),
        };
        if expression::shortest(&literals) < MIN_LITERAL { Vec::new() } else { literals }
    }
}

/// A pattern and where it stands.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) attributes: Attributes,
    pub(crate) matcher: Matcher,
    /// As lists write it.
    pub(crate) text: Box<str>,
}

/// All patterns of a list file.
#[derive(Debug, Default)]
pub(crate) struct PatternSet {
    patterns: Vec<Pattern>,
    /// Looks for all literals in one pass over the name.
    search: Option<AhoCorasick>,
    /// For each literal, the patterns that it may belong to.
    behind: Vec<Vec<u32>>,
    /// Patterns without a literal.
    slow: Vec<u32>,
}

impl PatternSet {
    /// Reads the section of patterns of a list file and prepares them for matching.
    pub(crate) fn read(mut octets: &[u8], limits: &[u8]) -> Result<Self, Error> {
        let broken = || Error::invalid("list_file.patterns", "broken; compile the lists again");
        let mut patterns = Vec::new();
        while !octets.is_empty() {
            let (attributes, _) = Attributes::read(&mut octets).ok_or_else(broken)?;
            let target = read_pattern(&mut octets).ok_or_else(broken)?;
            let matcher = Matcher::new(&target).ok().flatten().ok_or_else(broken)?;
            if attributes.limits as usize >= limits.len().max(1) || patterns.len() == MAX_PATTERNS {
                return Err(broken());
            }
            let text = match target {
                Target::Regex(text) => format!("/{text}/"),
                Target::Wildcard(text) => text,
                Target::Name(name, _) => name.to_string(),
            };
            patterns.push(Pattern { attributes, matcher, text: text.into() });
        }
        Self::new(patterns)
    }

    fn new(patterns: Vec<Pattern>) -> Result<Self, Error> {
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
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The pattern with this index.
    pub(crate) fn get(&self, index: u32) -> Option<&Pattern> {
        self.patterns.get(index as usize)
    }

    /// Visits the patterns that may match, some of them more than once, in no order.
    pub(crate) fn candidates(&self, text: &[u8], mut visit: impl FnMut(u32, &Pattern)) {
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
            let found = Matcher::new(&Target::Regex(text.to_owned()));
            assert_eq!(found.unwrap_err(), SkipReason::TooBroad, "{text}");
        }
        for text in ["a*", "*a*.*", "||-*"] {
            let found = Matcher::new(&Target::Wildcard(text.to_owned()));
            assert_eq!(found.unwrap_err(), SkipReason::TooBroad, "{text}");
        }
    }

    #[test]
    fn patterns_without_three_fixed_characters_are_slow() {
        let is_slow = |target: Target| Matcher::new(&target).unwrap().unwrap().is_slow();
        assert!(is_slow(Target::Regex(r"^[a-f0-9]{32}$".into())));
        assert!(is_slow(Target::Wildcard("|a*b*c^".into())));
        assert!(!is_slow(Target::Wildcard("||ads*.org^".into())));
    }
}
