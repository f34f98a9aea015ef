//! Where comments start, as the manual or the reader of each format has it.

/// Marks between the names of a rule and what a browser does with the page.
const COSMETIC: &[&str] =
    &["##", "#@#", "#?#", "#@?#", "#$#", "#@$#", "#%#", "#@%#", "#$?#", "#@$?#"];

/// Whether the whole line is a comment of some format: `! text`, `; text`, `# text`, `// text`,
/// `[title]`.
///
/// `##.banner` is none, and neither is `[` in front of an expression.
pub(crate) fn is_comment(line: &str) -> bool {
    let line = line.trim();
    let is_title = line.starts_with('[') && line.ends_with(']');
    if line.is_empty() || line.starts_with(['!', ';']) || is_title {
        return true;
    }
    // Directly behind `//` stands a host in rules for URLs.
    if line.strip_prefix("//").is_some_and(|rest| !rest.starts_with(is_printed)) {
        return true;
    }
    let rest = line.trim_start_matches('#');
    let is_heading = rest.is_empty() || rest.starts_with(char::is_whitespace);
    line.starts_with('#') && (is_heading || !COSMETIC.iter().any(|mark| line.starts_with(mark)))
}

/// Whether the line hides parts of pages. A mark behind a blank is a comment of a hosts file.
pub(crate) fn is_cosmetic(line: &str) -> bool {
    if !line.contains(['#', '$']) {
        return false;
    }
    let line = line.trim();
    let marks = COSMETIC.iter().chain(&["$$", "$@$"]);
    let mut places = marks.filter_map(|mark| line.find(mark));
    !is_comment(line) && places.any(|at| !line[..at].ends_with(char::is_whitespace))
}

fn is_printed(letter: char) -> bool {
    !letter.is_whitespace()
}

/// The line up to a `#`, wherever it stands: hosts(5), and the readers of lists of names.
pub(crate) fn before_hash(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// The line of a list of names up to a comment: a `#` or a `;`, which no name has, or `//` or `!`
/// where a word starts.
pub(crate) fn before_note(line: &str) -> &str {
    let line = line.split(['#', ';']).next().unwrap_or_default();
    let is_start = |at: usize| at == 0 || line[..at].ends_with(char::is_whitespace);
    let marks = ["//", "!"].into_iter().flat_map(|mark| line.match_indices(mark));
    let end = marks.map(|(at, _)| at).filter(|&at| is_start(at)).min();
    line[..end.unwrap_or(line.len())].trim()
}

/// The line up to a `#` at its start or behind a blank, as dnsmasq reads its settings, where
/// `address=/x/#` is a value.
pub(crate) fn before_spaced_hash(line: &str) -> &str {
    let is_start = |at: usize| line[..at].ends_with(char::is_whitespace) || at == 0;
    let end = line.match_indices('#').map(|(at, _)| at).find(|&at| is_start(at));
    line[..end.unwrap_or(line.len())].trim()
}

/// The line up to a comment outside quotes (unbound.conf(5)): a `#` where a word may start.
pub(crate) fn before_unquoted_hash(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if letter == '#' && (before.is_whitespace() || "\"':".contains(before)) => {
                return line[..at].trim();
            }
            None => {}
        }
        before = letter;
    }
    line.trim()
}

/// The line up to a `;` that is neither quoted nor escaped (RFC 1035 section 5.1).
pub(crate) fn before_semicolon(line: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, octet) in line.bytes().enumerate() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return line[..at].trim_end(),
            _ => {}
        }
    }
    line.trim_end()
}

/// Whether parentheses that are neither quoted nor escaped open and close in a line of a zone file
/// (RFC 1035 section 5.1).
pub(crate) fn parentheses(line: &str) -> (bool, bool) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let (mut opens, mut closes) = (false, false);
    for octet in line.bytes() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'(' => opens |= !is_quoted,
            b')' => closes |= !is_quoted,
            _ => {}
        }
    }
    (opens, closes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_comments_in_some_format() {
        for line in [
            "",
            " ",
            "! t",
            "; t",
            "# t",
            "#t",
            "#||x^",
            "####",
            "## T",
            "[Adblock 2.0]",
            "// t",
            "//",
        ] {
            assert!(is_comment(line), "{line}");
        }
        for line in ["##.banner", "#@#.ad", "###id", "x", "||x^", "/[a]/", "//x.org^"] {
            assert!(!is_comment(line), "{line}");
        }
    }

    #[test]
    fn a_mark_of_parts_of_pages_stands_at_the_names() {
        for line in ["##.banner", "x.org##.banner", "x.org#@#.ad", "x.org$$script"] {
            assert!(is_cosmetic(line), "{line}");
        }
        for line in ["# a ##.banner", "0.0.0.0 x.org ## why", "x.org#why", "x.org"] {
            assert!(!is_cosmetic(line), "{line}");
        }
    }

    #[test]
    fn each_format_has_its_own_comments() {
        assert_eq!(before_hash("0.0.0.0 a.org#why"), "0.0.0.0 a.org");
        for line in ["a.org#why", "a.org;why", "a.org // why", "a.org\t! why", "a.org # a // b"] {
            assert_eq!(before_note(line), "a.org", "{line}");
        }
        assert_eq!(before_note("http://a.org"), "http://a.org");
        assert_eq!(before_spaced_hash("address=/a.org/#\t# why"), "address=/a.org/#");
        assert_eq!(before_spaced_hash("# all"), "");
        for (line, rest) in [
            ("local-zone: \"a.org\" static # why", "local-zone: \"a.org\" static"),
            ("local-data: 'a.org TXT \"#x # y\"'#why", "local-data: 'a.org TXT \"#x # y\"'"),
            ("# all", ""),
        ] {
            assert_eq!(before_unquoted_hash(line), rest, "{line}");
        }
        assert_eq!(before_semicolon("a.org CNAME . ; why"), "a.org CNAME .");
        assert_eq!(before_semicolon(r#"a\;b.org TXT ";" ;why"#), r#"a\;b.org TXT ";""#);
    }
}
