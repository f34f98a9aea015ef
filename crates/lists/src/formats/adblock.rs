//! The adblock syntax, as far as it speaks of names.
//!
//! `||x^` and `||x`: `x` and every name below. `|x^`, and `x` with nothing else in the line: `x`
//! alone. `x` with `@@` or modifiers is looked for anywhere in a name: `x` and every name below are
//! taken. `||*.x^` and `*.x`: every name below `x`. Anything else with a `*`, with one anchor only,
//! or with a dot or a hyphen at its end is a pattern over the text of the name; `/.../` is a regular
//! expression. An address is one in an answer. `@@` in front makes an exception.

use keyhole_names::Network;
use keyhole_names::list_file::{Action, EVERYTHING, Effect, Pattern};
use keyhole_wire::RecordType;

use super::hosts;
use super::modifiers::Modifiers;
use super::wildcard::starred_to_ascii;
use crate::comment::{before_hash, before_note, before_spaced_hash, is_comment, is_cosmetic};
use crate::entry::{Findings, ListEntry, Scope, Target};
use crate::name_syntax::{read_address, read_hosts_address, read_name, read_network};
use crate::skip_reason::SkipReason;

/// Reads one line.
pub(super) fn read(line: &str, findings: &mut Findings) {
    let line = line.trim();
    if is_comment(line) {
        return;
    }
    let mut words = line.split_whitespace();
    let starts_with_address = words.next().is_some_and(|first| read_hosts_address(first).is_some());
    // Lines of a hosts file may stand among the others.
    if starts_with_address && words.next().is_some() {
        hosts::read(line, findings);
        return;
    }
    match read_rule(without_note(line)) {
        Ok((entry, clients)) => {
            // An exception for some clients cannot be honored, so its names are blocked for none.
            let is_exception = entry.action == Action::Allow;
            if clients.is_none() {
                findings.push(Ok(entry));
            } else if is_exception && entry.limits.effect == Effect::Decides {
                let exempt =
                    ListEntry { important: entry.important, ..ListEntry::exempt(entry.target) };
                findings.push(Ok(exempt));
                findings.push(Err(SkipReason::ClientException));
                return;
            }
            findings.extend(clients.map(Err));
        }
        Err(skip) => findings.push(Err(skip)),
    }
}

/// A line that is a name alone without the comment of a list of names behind it; any other line as
/// it is, because in rules the same marks may mean something.
fn without_note(line: &str) -> &str {
    let noted = before_note(line);
    let marks = ['|', '^', '$', '@', '/', '*'];
    let is_rule = line.contains('#') || noted.is_empty() || noted.contains(marks);
    if is_rule { line } else { noted }
}

/// The entry of a rule, and why it is for some clients only.
fn read_rule(line: &str) -> Result<(ListEntry, Option<SkipReason>), SkipReason> {
    let (action, rule) =
        line.strip_prefix("@@").map_or((Action::Block, line), |rule| (Action::Allow, rule));
    if let Some((expression, modifiers)) = split_expression(rule) {
        // The names that it is matched with are of A-labels.
        if !expression.is_ascii() {
            return Err(SkipReason::PartOfLabel);
        }
        let pattern = Pattern::Regex(expression.to_owned());
        return finish(action, Target::Pattern(pattern), modifiers);
    }
    if is_cosmetic(rule) {
        return Err(SkipReason::Cosmetic);
    }
    // Neither a name nor a modifier that DNS can honor has a `#`.
    let rule = before_hash(rule);
    let (body, modifiers) = match rule.split_once('$') {
        Some((body, modifiers)) => (body.trim_end(), Some(modifiers)),
        None => (rule, None),
    };
    // AdGuard takes a line for that of a hosts file only if it is a name and nothing else.
    let is_alone = action == Action::Block && modifiers.is_none();
    let target = read_body(body, is_alone, action == Action::Allow);
    let is_everything = matches!(target, Err(SkipReason::TooBroad | SkipReason::NoName));
    if is_everything && modifiers.is_some() {
        return read_everything(action, modifiers);
    }
    finish(action, target?, modifiers)
}

/// A rule for all names, if its modifiers leave the ordinary ones out.
fn read_everything(
    action: Action,
    modifiers: Option<&str>,
) -> Result<(ListEntry, Option<SkipReason>), SkipReason> {
    let target = Target::Pattern(Pattern::Wildcard(EVERYTHING.to_owned()));
    let found = finish(action, target, modifiers)?;
    let limits = &found.0.limits;
    let is_ordinary = |&kind: &u16| matches!(RecordType(kind), RecordType::A | RecordType::AAAA);
    let other_types = !limits.types.is_empty() && !limits.types.iter().any(is_ordinary);
    if limits.except_names.is_empty() && !other_types {
        return Err(SkipReason::TooBroad);
    }
    Ok(found)
}

fn finish(
    action: Action,
    target: Target,
    modifiers: Option<&str>,
) -> Result<(ListEntry, Option<SkipReason>), SkipReason> {
    let read = |text| Modifiers::read(text, action == Action::Allow);
    let Modifiers { important, limits, clients } =
        modifiers.map_or_else(|| Ok(Modifiers::default()), read)?;
    Ok((ListEntry { action, important, limits, ..ListEntry::block(target) }, clients))
}

/// Splits `/expression/$modifiers`; none if the rule is not an expression. A `#` behind it, and
/// behind a blank, starts a comment.
fn split_expression(rule: &str) -> Option<(&str, Option<&str>)> {
    split_whole_expression(rule).or_else(|| split_whole_expression(before_spaced_hash(rule)))
}

fn split_whole_expression(rule: &str) -> Option<(&str, Option<&str>)> {
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

fn read_body(body: &str, is_alone: bool, exempts: bool) -> Result<Target, SkipReason> {
    let (start, rest) = match (body.strip_prefix("||"), body.strip_prefix('|')) {
        (Some(rest), _) => (Start::Label, rest),
        (None, Some(rest)) => (Start::Name, rest),
        (None, None) => (Start::Anywhere, body),
    };
    // Anything may stand behind the end of a name, and nothing does.
    let open = rest.trim_end_matches('*');
    let rest = if open.ends_with('^') { open } else { rest };
    let inner = rest.strip_suffix('|').unwrap_or(rest);
    let inner = inner.strip_suffix('^').unwrap_or(inner);
    let ends = inner.len() < rest.len();
    if inner.bytes().all(|octet| matches!(octet, b'*' | b'.')) {
        return Err(if inner.is_empty() { SkipReason::NoName } else { SkipReason::TooBroad });
    }
    if is_address_pattern(inner) {
        return read_answer_address(start, inner).ok_or(SkipReason::AnswerAddress);
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
    let cut = inner.starts_with('.')
        || (start == Start::Anywhere && inner.starts_with('-'))
        || (!ends && !dotted && inner.ends_with(['.', '-']));
    let half_anchored = match start {
        Start::Label => false,
        Start::Name => !ends,
        Start::Anywhere => ends,
    };
    if inner.contains('*') || cut || half_anchored {
        return read_pattern(start, inner, ends);
    }
    if start == Start::Anywhere && !inner.contains('.') {
        // One that exempts is looked for anywhere, too: what it spares is not to be blocked.
        return if exempts { read_pattern(start, inner, ends) } else { Err(SkipReason::Word) };
    }
    let is_exact = start == Start::Name || (start == Start::Anywhere && is_alone);
    let scope = if is_exact { Scope::Exact } else { Scope::AtAndBelow };
    Ok(Target::Name(read_name(inner)?, scope))
}

/// Whether the text is an address, a network, or a part of an address: such rules are about answers.
fn is_address_pattern(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default().trim_matches(['[', ']']);
    let is_part = |marks: &[u8], is_digit: fn(&u8) -> bool, dot: u8| {
        text.bytes().all(|octet| is_digit(&octet) || marks.contains(&octet))
            && text.as_bytes().contains(&dot)
            && text.bytes().any(|octet| is_digit(&octet))
    };
    read_address(address).is_some()
        || is_part(b".*", u8::is_ascii_digit, b'.')
        || is_part(b":.*", u8::is_ascii_hexdigit, b':')
}

/// The address that a rule is about, or the network of its first numbers, as `|192.0.2.*`.
fn read_answer_address(start: Start, text: &str) -> Option<Target> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let network = read_network(bare).filter(|_| !bare.contains('/')).or_else(|| {
        let first = text.trim_end_matches('*').strip_suffix('.')?;
        let numbers: Vec<u8> =
            first.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let mut octets = [0; 4];
        octets.get_mut(..numbers.len())?.copy_from_slice(&numbers);
        let bits = u8::try_from(8 * numbers.len()).ok()?;
        // Without a mark at its start the first number may be a part of a longer one.
        Network::new(octets.into(), bits).filter(|_| start != Start::Anywhere && bits < 32)
    })?;
    let name = network.names().first().copied()?;
    Some(Target::Name(name, Scope::AtAndBelow))
}

/// A pattern keeps the anchors of the rule.
fn read_pattern(start: Start, inner: &str, ends: bool) -> Result<Target, SkipReason> {
    let anchor = match start {
        Start::Anywhere => "",
        Start::Name => "|",
        Start::Label => "||",
    };
    // Without an anchor the first label, or the last one, may be a part of a longer one.
    let mut labels = inner.split('.');
    let is_part = (start == Start::Anywhere
        && labels.next().is_some_and(|first| !first.is_ascii()))
        || (!ends && labels.next_back().is_some_and(|last| !last.is_ascii()));
    if is_part {
        return Err(SkipReason::PartOfLabel);
    }
    let text = starred_to_ascii(inner)?;
    // No label is empty.
    if text.contains("..") || (start != Start::Anywhere && text.starts_with('.')) {
        return Err(SkipReason::NeverMatches);
    }
    let end = if ends { "^" } else { "" };
    Ok(Target::Pattern(Pattern::Wildcard(format!("{anchor}{text}{end}"))))
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
    fn an_address_is_one_in_an_answer() {
        for (line, meaning) in [
            ("||192.0.2.1^", "block address 192.0.2.1"),
            ("|192.0.2.1^$important", "block! address 192.0.2.1"),
            ("192.0.2.1", "block address 192.0.2.1"),
            ("@@||192.0.2.1^", "allow address 192.0.2.1"),
            ("|192.0.2.", "block address 192.0.2.0/24"),
            ("||10.*^", "block address 10.0.0.0/8"),
            ("|2001:db8::1^", "block address 2001:db8::1"),
            ("||[2001:DB8::1]^", "block address 2001:db8::1"),
            ("||::ffff:192.0.2.1^$dnstype=AAAA", "block address 192.0.2.1 [28] [] []"),
        ] {
            assert_eq!(says(line), meaning, "{line}");
        }
    }

    #[test]
    fn a_word_alone_exempts_the_names_that_have_it() {
        assert_eq!(says("@@metrics"), "allow wildcard metrics");
        assert_eq!(says("metrics"), "Word");
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
            ("0.0.0.0 ads.example.org#why", "block ads.example.org"),
            ("ads.example.org#why", "block ads.example.org"),
            ("||zip^", "block ||zip"),
            ("||*.zip^", "block *.zip"),
            ("|zip^", "block zip"),
            ("||-dash.example.org^", "block ||-dash.example.org"),
            ("||ads.example.org^*", "block ||ads.example.org"),
            ("||ads.example.org^\t# why", "block ||ads.example.org"),
            ("||ads.example.org^#why", "block ||ads.example.org"),
            ("||ads.example.org^$important#why", "block! ||ads.example.org"),
            ("||ads.example.org^ $important", "block! ||ads.example.org"),
            ("0 ads.example.org", "block ads.example.org"),
            ("ads.example.org ; why", "block ads.example.org"),
            ("ads.example.org // why", "block ads.example.org"),
            ("@@ads.example.org", "allow ||ads.example.org"),
            ("@@ads.example.org$important", "allow! ||ads.example.org"),
            ("ads.example.org$important", "block! ||ads.example.org"),
            ("|ads.example.org^$important", "block! ads.example.org"),
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
            ("||ads*.bücher.example^", "||ads*.xn--bcher-kva.example^"),
        ] {
            assert_eq!(says(line), format!("block wildcard {pattern}"), "{line}");
        }
    }

    #[test]
    fn slashes_around_make_a_regular_expression() {
        assert_eq!(says(r"/^ad[0-9]+\./"), r"block regex ^ad[0-9]+\.");
        assert_eq!(says(r"@@/^ad\./$important"), r"allow! regex ^ad\.");
        assert_eq!(says(r"/^ad$/"), r"block regex ^ad$");
        assert_eq!(says("/^ad#[0-9]/ # why"), "block regex ^ad#[0-9]");
        assert_eq!(says("/^bücher/"), "PartOfLabel");
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
    fn rules_for_all_names_are_taken_if_they_leave_ordinary_ones_out() {
        assert_eq!(
            says("*$denyallow=com|example.org"),
            "block wildcard * [] [] [Name(com), Name(example.org)]"
        );
        for line in ["||*^$dnstype=HTTPS", "||^$dnstype=HTTPS", "$dnstype=HTTPS"] {
            assert_eq!(says(line), "block wildcard * [65] [] []", "{line}");
        }
        for line in ["*", "*$important", "*$dnstype=A", "*$dnstype=~A", "@@*"] {
            assert_eq!(says(line), "TooBroad", "{line}");
        }
    }

    #[test]
    fn exceptions_that_are_not_plain_are_honored() {
        for (line, meaning) in [
            ("||x.example^$badfilter", "cancel ||x.example"),
            ("@@||x.example^$important,badfilter", "cancel! ||x.example"),
            ("||x.example^$dnsrewrite=REFUSED", "block ||x.example Refused"),
            ("@@||x.example^$dnsrewrite", "allow ||x.example Any"),
            ("@@||x.example^$client=tv", "exempt ||x.example, ClientException"),
            ("@@|x.example^$ctag=device_tv,important", "exempt! x.example, ClientException"),
            ("||x.example^$client=tv", "Client"),
        ] {
            assert_eq!(says(line), meaning, "{line}");
        }
    }

    #[test]
    fn comments_say_nothing() {
        for line in ["! title", "[Adblock Plus 2.0]", "# comment", "#", "####", "#||x^", ""] {
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
            ("||example.org^$", "OtherModifier"),
            ("||exa^mple.org", "NeverMatches"),
            ("||.ads*.org^", "NeverMatches"),
            ("ads..*", "NeverMatches"),
            ("/", "Url"),
            ("//example.org^", "Url"),
            ("*", "TooBroad"),
            ("||*^", "TooBroad"),
            ("||", "NoName"),
            ("@@", "NoName"),
            ("ads", "Word"),
            ("192.0.2.", "AnswerAddress"),
            ("||192.*.2.1^", "AnswerAddress"),
            ("||192.0.2.0/24^", "AnswerAddress"),
            ("|2001:db8:*", "AnswerAddress"),
            ("bü*.example^", "PartOfLabel"),
            ("-bücher", "PartOfLabel"),
        ] {
            assert_eq!(says(line), reason, "{line}");
        }
    }
}
