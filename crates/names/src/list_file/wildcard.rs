//! Patterns with `*`, matched without an automaton: they are many, and each costs only its text.

/// Where the first piece must start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Anywhere,
    /// `|`: at the start of the name.
    Name,
    /// `||`: at the start of a label.
    Label,
}

/// A pattern over the lower-case text of a name. `*` stands for any characters, dots as well; the
/// anchors are those of the adblock syntax: `||`, `|` in front, `^` behind.
#[derive(Debug)]
pub(super) struct Wildcard {
    start: Start,
    /// Whether the last piece must end where the name ends.
    ends: bool,
    /// The pieces with the `*` between them.
    body: Box<str>,
}

impl Wildcard {
    /// Reads the text form, in lower case.
    pub(super) fn new(text: &str) -> Self {
        let (start, rest) = match (text.strip_prefix("||"), text.strip_prefix('|')) {
            (Some(rest), _) => (Start::Label, rest),
            (None, Some(rest)) => (Start::Name, rest),
            (None, None) => (Start::Anywhere, text),
        };
        let body = rest.strip_suffix('^').unwrap_or(rest);
        Self { start, ends: body.len() < rest.len(), body: body.into() }
    }

    /// The longest run of fixed characters: every name that matches holds it.
    pub(super) fn literal(&self) -> &str {
        self.body.split('*').max_by_key(|piece| piece.len()).unwrap_or_default()
    }

    /// Whether the name matches. Each piece is looked for once, from left to right.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let mut pieces = self.body.split('*').map(str::as_bytes);
        let first = pieces.next().unwrap_or_default();
        let Some(last) = pieces.next_back() else {
            return self.matches_single(first, text);
        };
        let Some(start) = self.starts(text).find(|&at| text[at..].starts_with(first)) else {
            return false;
        };
        // The leftmost place for a piece leaves the most room for the next one.
        let mut rest = &text[start + first.len()..];
        for piece in pieces {
            let Some(at) = find(rest, piece) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        if self.ends { rest.ends_with(last) } else { find(rest, last).is_some() }
    }

    fn matches_single(&self, piece: &[u8], text: &[u8]) -> bool {
        self.starts(text).any(|at| {
            let rest = &text[at..];
            if self.ends { rest == piece } else { rest.starts_with(piece) }
        })
    }

    /// The places at which the first piece may start.
    fn starts(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        (0..=text.len()).filter(move |&at| match self.start {
            Start::Anywhere => true,
            Start::Name => at == 0,
            Start::Label => at == 0 || text[at - 1] == b'.',
        })
    }
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    (0..=text.len()).find(|&at| text[at..].starts_with(piece))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn anchors_and_stars_mean_what_the_syntax_says() {
        for (pattern, hits, misses) in [
            (
                "||ads*.example.org^",
                "ads.example.org ads7.example.org x.ads-a.b.example.org",
                "xads.example.org ads.example.org.net example.org",
            ),
            ("|ads*org^", "ads.example.org adsorg", "x.ads.org ads.org.net"),
            ("ads.example.org^", "ads.example.org xads.example.org", "ads.example.org.net"),
            ("-banner-", "a-banner-b.org -banner-", "banner.org"),
            ("||example.*^", "example.org www.example.co.uk", "myexample.org"),
            ("||*ads.org^", "ads.org xads.org x.ads.org", "ads.net"),
            ("|a*a^", "aa aba", "a ab"),
            ("a*b*c", "abc xaxbxcx", "acb cba ab"),
            ("||ads.", "ads.org x.ads.org", "xads.org"),
        ] {
            let wildcard = Wildcard::new(pattern);
            for text in hits.split(' ') {
                assert!(wildcard.is_match(text.as_bytes()), "{pattern} {text}");
            }
            for text in misses.split(' ') {
                assert!(!wildcard.is_match(text.as_bytes()), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn a_match_holds_the_longest_piece() {
        assert_eq!(Wildcard::new("||ads*.example.org^").literal(), ".example.org");
        assert_eq!(Wildcard::new("*").literal(), "");
    }

    #[test]
    fn nothing_and_stars_alone_do_not_panic() {
        for pattern in ["", "*", "**", "|", "||", "^", "||^", "|*^", "||*"] {
            for text in ["", ".", "a", "a.b"] {
                let _ = Wildcard::new(pattern).is_match(text.as_bytes());
            }
        }
    }
}
