//! Regular expressions over names: one set for all rules of a policy, in linear time.

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use keyhole_names::HashedName;

/// Octets that one compiled expression may take.
const ONE_PATTERN: usize = 256 << 10;
/// Octets that all compiled expressions of one policy may take together.
const ALL_PATTERNS: usize = 16 << 20;

/// The expressions of one policy; `rules[i]` is what pattern `i` stands for.
pub(super) struct Patterns {
    set: RegexSet,
    /// The place of the rule of each pattern in the order of precedence.
    places: Vec<u32>,
    /// The smallest place, which decides whether the set needs to be asked at all.
    pub(super) first: u32,
}

impl Patterns {
    /// No expression.
    pub(super) fn none() -> Self {
        Self { set: RegexSet::empty(), places: Vec::new(), first: u32::MAX }
    }

    /// Whether there is none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Compiles expressions that [`check`] has accepted, each with the place of its rule.
    pub(super) fn compile(patterns: &[(&str, u32)]) -> Result<Self, String> {
        let set = RegexSetBuilder::new(patterns.iter().map(|(text, _)| text))
            .unicode(false)
            .size_limit(ALL_PATTERNS)
            .build()
            .map_err(|error| {
                explain(&error, "the expressions of this policy together", ALL_PATTERNS)
            })?;
        let places: Vec<u32> = patterns.iter().map(|(_, place)| *place).collect();
        let first = places.iter().copied().min().unwrap_or(u32::MAX);
        Ok(Self { set, places, first })
    }

    /// Calls `visit` with the place of each expression that finds the name.
    ///
    /// Names that no expression finds, nearly all of them, cost no allocation.
    pub(super) fn visit(&self, hashed: &HashedName, mut visit: impl FnMut(u32)) {
        if self.places.is_empty() {
            return;
        }
        let text = hashed.text();
        if self.set.is_match(text.as_bytes()) {
            for pattern in self.set.matches(text.as_bytes()) {
                visit(self.places[pattern]);
            }
        }
    }
}

/// Whether one expression may be used: valid and small enough.
///
/// Matching is in octets, not Unicode: the text form of a name is ASCII (RFC 1035 section 5.1), and
/// `\w` then takes a hundredth of the space.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("the expression is empty and would match every name".to_owned());
    }
    if !pattern.is_ascii() {
        return Err(format!(
            "/{pattern}/ holds characters beyond ASCII and would match no name; \
             write internationalized labels as xn--"
        ));
    }
    compile_one(pattern)
        .map(drop)
        .map_err(|error| explain(&error, &format!("/{pattern}/"), ONE_PATTERN))
}

/// Whether one expression finds the name; compiles it each time, so only for explanation.
pub(super) fn finds(pattern: &str, hashed: &HashedName) -> bool {
    compile_one(pattern).is_ok_and(|regex| regex.is_match(hashed.text().as_bytes()))
}

fn compile_one(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).size_limit(ONE_PATTERN).build()
}

fn explain(error: &regex::Error, what: &str, limit: usize) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => format!(
            "{what} would take more than {} KiB compiled; use smaller repetitions or split it",
            limit >> 10
        ),
        // The last line of a syntax error says what is wrong; the lines before draw the place.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("{what} is not an expression: {}", last.trim_start_matches("error: "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_is_too_large_says_so_and_shows_itself() {
        let why = check("a{1000}{1000}").unwrap_err();
        assert!(why.contains("/a{1000}{1000}/") && why.contains("256 KiB"), "{why}");
    }

    #[test]
    fn an_expression_that_is_none_says_what_is_wrong() {
        let why = check("(ads").unwrap_err();
        assert_eq!(why, "/(ads/ is not an expression: unclosed group");
    }

    #[test]
    fn an_expression_that_matches_all_or_nothing_by_mistake_is_refused() {
        assert!(check("").is_err());
        assert!(check("bücher").unwrap_err().contains("xn--"));
    }
}
