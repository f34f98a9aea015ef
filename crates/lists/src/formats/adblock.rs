//! The adblock syntax, as far as it speaks of names.
//!
//! `||x^` and `||x`: `x` and every name below. `|x^` and plain `x`: `x` alone. `||*.x^` and `*.x`:
//! every name below `x`. Anything else with a `*`, with one anchor only, or with a dot or a hyphen
//! at its end is a pattern over the text of the name; `/.../` is a regular expression. `@@` in
//! front makes an exception.

use keyhole_names::list_file::{Action, Pattern};

use super::hosts;
use super::modifiers::Modifiers;
use crate::entry::{Findings, ListEntry, Scope, Target};
use crate::name_syntax::{is_name_octet, read_address, read_name};
use crate::skip_reason::SkipReason;

/// What separates a name from what a browser does with the page.
const COSMETIC: &[&str] = &["##", "#@#", "#?#", "#@?#", "#$#", "#@$#", "#%#", "#@%#", "$$", "$@$"];

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = line.trim();
    let is_title = line.starts_with('[') && line.ends_with(']');
    if line.is_empty() || line.starts_with('!') || is_title || is_hash_comment(line) {
        return;
    }
    // Lines of a hosts file may stand among the others.
    if line.split_whitespace().next().is_some_and(|first| read_address(first).is_some()) {
        hosts::read(line, findings);
    } else {
        findings.push(read_rule(line));
    }
}

/// `# text` or `####` is a comment; `##.banner` is not.
fn is_hash_comment(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    line.len() > rest.len() && (rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn read_rule(line: &str) -> Result<ListEntry, SkipReason> {
    let (action, rule) =
        line.strip_prefix("@@").map_or((Action::Block, line), |rule| (Action::Allow, rule));
    if let Some((expression, modifiers)) = split_expression(rule) {
        let target = Target::Pattern(Pattern::Regex(expression.to_owned()));
        return finish(action, target, modifiers);
    }
    if COSMETIC.iter().any(|mark| rule.contains(mark)) {
        return Err(SkipReason::Cosmetic);
    }
    let rule = rule.split(" #").next().unwrap_or(rule).trim_end();
    let (body, modifiers) = match rule.split_once('$') {
        Some((body, modifiers)) => (body, Some(modifiers)),
        None => (rule, None),
    };
    finish(action, read_body(body)?, modifiers)
}

fn finish(
    action: Action,
    target: Target,
    modifiers: Option<&str>,
) -> Result<ListEntry, SkipReason> {
    let modifiers = modifiers.map_or_else(|| Ok(Modifiers::default()), Modifiers::read)?;
    Ok(ListEntry { target, action, important: modifiers.important, limits: modifiers.limits })
}

/// Splits `/expression/$modifiers`; none if the rule is not an expression.
fn split_expression(rule: &str) -> Option<(&str, Option<&str>)> {
    let rest = rule.strip_prefix('/')?;
    if let Some((expression, modifiers)) = rest.rsplit_once("/$") {
        return (!expression.is_empty()).then_some((expression, Some(modifiers)));
    }
    let expression = rest.strip_suffix('/')?;
    (!expression.is_empty()).then_some((expression, None))
}

/// Where the text of a rule must start in the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Anywhere,
    /// `|`: at the start of the name.
    Name,
    /// `||`: at the start of a label.
    Label,
}

fn read_body(body: &str) -> Result<Target, SkipReason> {
    let (start, rest) = match (body.strip_prefix("||"), body.strip_prefix('|')) {
        (Some(rest), _) => (Start::Label, rest),
        (None, Some(rest)) => (Start::Name, rest),
        (None, None) => (Start::Anywhere, body),
    };
    let inner = rest.strip_suffix('|').unwrap_or(rest);
    let inner = inner.strip_suffix('^').unwrap_or(inner);
    let ends = inner.len() < rest.len();
    if inner.bytes().all(|octet| matches!(octet, b'*' | b'.')) {
        return Err(if inner.is_empty() { SkipReason::NoName } else { SkipReason::TooBroad });
    }
    if inner.contains(['/', ':', '?', '=', '&']) {
        return Err(SkipReason::Url);
    }
    if inner.contains('^') || inner.contains('|') {
        return Err(SkipReason::NeverMatches);
    }
    if let Some(parent) = inner.strip_prefix("*.")
        && !parent.contains('*')
    {
        return Ok(Target::Name(read_name(parent)?, Scope::Below));
    }
    // A dot at the end of a whole name belongs to the name; `ads.` is the start of many.
    let dotted =
        start == Start::Anywhere && inner.strip_suffix('.').is_some_and(|name| name.contains('.'));
    let cut = inner.starts_with(['.', '-']) || (!ends && !dotted && inner.ends_with(['.', '-']));
    let half_anchored = match start {
        Start::Label => false,
        Start::Name => !ends,
        Start::Anywhere => ends,
    };
    if inner.contains('*') || cut || half_anchored {
        return read_pattern(body, inner);
    }
    let scope = if start == Start::Label { Scope::AtAndBelow } else { Scope::Exact };
    Ok(Target::Name(read_name(inner)?, scope))
}

/// A pattern keeps the anchors of the rule.
fn read_pattern(body: &str, inner: &str) -> Result<Target, SkipReason> {
    if !inner.bytes().all(|octet| octet == b'*' || is_name_octet(octet)) {
        return Err(if inner.is_ascii() { SkipReason::NotAName } else { SkipReason::NotSimple });
    }
    let text = body.trim_end_matches('|').to_ascii_lowercase();
    let anchored = body.ends_with('|') && !text.ends_with('^');
    Ok(Target::Pattern(Pattern::Wildcard(if anchored { text + "^" } else { text })))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use crate::formats::Format::Adblock;
    use crate::formats::testing::said;

    fn says(line: &str) -> String {
        said(Adblock, line).join(", ")
    }

    #[test]
    fn anchors_say_which_names_are_meant() {
        for (line, meaning) in [
            ("||Ads.example.org^", "block ||ads.example.org"),
            ("||ads.example.org", "block ||ads.example.org"),
            ("||ads.example.org^|", "block ||ads.example.org"),
            ("||ads.example.org.^", "block ||ads.example.org"),
            ("|ads.example.org^", "block ads.example.org"),
            ("|ads.example.org|", "block ads.example.org"),
            ("ads.example.org", "block ads.example.org"),
            ("ads.example.org # why", "block ads.example.org"),
            ("ads.example.org.", "block ads.example.org"),
            ("||*.ads.example.org^", "block *.ads.example.org"),
            ("*.ads.example.org", "block *.ads.example.org"),
            ("@@||ads.example.org^", "allow ||ads.example.org"),
            ("@@|ads.example.org^", "allow ads.example.org"),
            ("||bücher.example^", "block ||xn--bcher-kva.example"),
            ("0.0.0.0 ads.example.org", "block ads.example.org"),
        ] {
            assert_eq!(says(line), meaning, "{line}");
        }
    }

    #[test]
    fn stars_single_anchors_and_cut_labels_make_patterns() {
        for (line, pattern) in [
            ("||ads*.example.org^", "||ads*.example.org^"),
            ("||example.*^", "||example.*^"),
            ("|ads.example.org", "|ads.example.org"),
            ("ads.example.org^", "ads.example.org^"),
            ("ads.example.org|", "ads.example.org^"),
            ("-banner-", "-banner-"),
            (".Ads.", ".ads."),
            ("||ads.", "||ads."),
            ("||ads-", "||ads-"),
        ] {
            assert_eq!(says(line), format!("block wildcard {pattern}"), "{line}");
        }
    }

    #[test]
    fn slashes_around_make_a_regular_expression() {
        assert_eq!(says(r"/^ad[0-9]+\./"), r"block regex ^ad[0-9]+\.");
        assert_eq!(says(r"@@/^ad\./$important"), r"allow! regex ^ad\.");
        assert_eq!(says(r"/^ad$/"), r"block regex ^ad$");
    }

    #[test]
    fn modifiers_narrow_a_line_down() {
        assert_eq!(says("||x.example^$important"), "block! ||x.example");
        assert_eq!(says("||x.example^$dnstype=A|~AAAA"), "block ||x.example [1] [28] []");
        assert_eq!(
            says("||x.example^$denyallow=a.x.example"),
            "block ||x.example [] [] [Name(a.x.example)]"
        );
    }

    #[test]
    fn comments_say_nothing() {
        for line in ["! title", "[Adblock Plus 2.0]", "# comment", "#", "####", ""] {
            assert_eq!(says(line), "", "{line}");
        }
    }

    #[test]
    fn what_only_a_browser_can_do_has_a_reason() {
        for (line, reason) in [
            ("##.banner", "Cosmetic"),
            ("example.org##.banner", "Cosmetic"),
            ("example.org#@#.banner", "Cosmetic"),
            ("||example.org/ads/*", "Url"),
            ("|https://example.org^", "Url"),
            ("||example.org:8080^", "Url"),
            ("||example.org^$third-party", "OtherModifier"),
            ("||example.org^$client=tv", "Client"),
            ("||example.org^$", "OtherModifier"),
            ("||exa^mple.org", "NeverMatches"),
            ("/", "Url"),
            ("//", "Url"),
            ("*", "TooBroad"),
            ("||*^", "TooBroad"),
            ("||", "NoName"),
            ("@@", "NoName"),
            ("||org^", "SingleLabel"),
            ("||*.org^", "SingleLabel"),
            ("ads", "SingleLabel"),
            ("||192.0.2.1^", "AddressNotName"),
        ] {
            assert_eq!(says(line), reason, "{line}");
        }
    }
}
