//! The modifiers of adblock lines: what stands behind the `$`.

use keyhole_names::list_file::{Effect, Limits, Rewrite};
use keyhole_wire::RecordType;

use crate::name_syntax::{is_nowhere, read_address, read_name};
use crate::skip_reason::SkipReason;

/// What the modifiers of a line say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) important: bool,
    pub(super) limits: Limits,
    /// Why the line is for some clients only.
    pub(super) clients: Option<SkipReason>,
}

impl Modifiers {
    /// Reads `important,dnstype=A|AAAA,...`. One that DNS cannot honor makes the line useless,
    /// since without it the line would mean more than its author meant.
    pub(super) fn read(text: &str, is_exception: bool) -> Result<Self, SkipReason> {
        let mut modifiers = Self::default();
        let mut seen = Vec::new();
        for modifier in split(text) {
            let (name, value) = match modifier.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value)),
                None => (modifier.trim(), None),
            };
            if seen.contains(&name) {
                return Err(SkipReason::ModifierTwice);
            }
            seen.push(name);
            let limits = &mut modifiers.limits;
            match (name, value) {
                ("important", None) => modifiers.important = true,
                ("badfilter", None) => limits.effect = Effect::Cancels,
                ("dnstype", Some(value)) => read_types(value, limits)?,
                ("denyallow", Some(value)) => read_spared(value, limits)?,
                ("client", Some(_)) => modifiers.clients = Some(SkipReason::Client),
                ("ctag", Some(_)) => modifiers.clients = Some(SkipReason::Ctag),
                ("dnsrewrite", None | Some("")) if is_exception => limits.rewrite = Rewrite::Any,
                ("dnsrewrite", Some(value)) => limits.rewrite = read_rewrite(value)?,
                _ => return Err(SkipReason::OtherModifier),
            }
        }
        Ok(modifiers)
    }
}

/// The modifiers; a comma behind a backslash belongs to a value.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut is_escaped = false;
    text.split(move |letter| {
        let ends = letter == ',' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    })
}

/// Reads the value of `$dnsrewrite`, in its short or long form: a response code or an address that
/// leads nowhere withholds the answer, and anything else is another answer.
fn read_rewrite(value: &str) -> Result<Rewrite, SkipReason> {
    let parts: Vec<&str> = value.splitn(3, ';').collect();
    // A short form that is no code is a name; the parts of the long one may have any case.
    let (code, kind, data) = match parts[..] {
        [short] if read_address(short).is_some() => ("NOERROR".to_owned(), "A", short),
        [code] => (code.to_owned(), "", ""),
        [code, kind, data] => (code.to_ascii_uppercase(), kind, data),
        _ => return Err(SkipReason::ModifierValue),
    };
    let is_address = ["A", "AAAA"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    match code.as_str() {
        "NXDOMAIN" => Ok(Rewrite::Nxdomain),
        "REFUSED" => Ok(Rewrite::Refused),
        "NOERROR" if kind.is_empty() => Ok(Rewrite::Nodata),
        "NOERROR" if is_address && read_address(data).is_some_and(is_nowhere) => Ok(Rewrite::Null),
        "NOERROR" => Err(SkipReason::DnsRewrite),
        _ if parts.len() == 3 || code.bytes().all(|octet| octet.is_ascii_uppercase()) => {
            Err(SkipReason::RewriteCode)
        }
        _ => Err(SkipReason::DnsRewrite),
    }
}

fn read_types(value: &str, limits: &mut Limits) -> Result<(), SkipReason> {
    for word in value.split('|') {
        let (except, word) = word.strip_prefix('~').map_or((false, word), |word| (true, word));
        let kind = RecordType::from_text(word.trim()).ok_or(SkipReason::ModifierValue)?;
        let types = if except { &mut limits.except_types } else { &mut limits.types };
        types.push(kind.0);
    }
    limits.types.sort_unstable();
    limits.types.dedup();
    limits.except_types.sort_unstable();
    limits.except_types.dedup();
    Ok(())
}

fn read_spared(value: &str, limits: &mut Limits) -> Result<(), SkipReason> {
    for word in value.split('|') {
        let name = read_name(word.trim()).map_err(|_| SkipReason::ModifierValue)?;
        limits.except_names.push(name);
    }
    // In one order, so that rules which spare the same names are the same for `$badfilter`.
    limits.except_names.sort_unstable_by(|one, other| one.as_wire().cmp(other.as_wire()));
    limits.except_names.dedup();
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use keyhole_wire::Name;

    use super::*;

    #[test]
    fn types_and_spared_names_are_read() {
        let modifiers =
            Modifiers::read("important,dnstype=AAAA|~HTTPS|a,denyallow=b.example.org|zip", false)
                .unwrap();
        assert!(modifiers.important);
        assert_eq!(modifiers.limits.types, [1, 28]);
        assert_eq!(modifiers.limits.except_types, [65]);
        let spared: Vec<_> = modifiers.limits.except_names.iter().map(Name::to_string).collect();
        assert_eq!(spared, ["b.example.org", "zip"]);
    }

    #[test]
    fn a_rewrite_that_withholds_the_answer_is_a_block() {
        for (value, rewrite) in [
            ("NXDOMAIN", Rewrite::Nxdomain),
            ("NXDOMAIN;;", Rewrite::Nxdomain),
            ("REFUSED", Rewrite::Refused),
            ("NOERROR", Rewrite::Nodata),
            ("NOERROR;;", Rewrite::Nodata),
            ("0.0.0.0", Rewrite::Null),
            ("::", Rewrite::Null),
            ("127.0.0.1", Rewrite::Null),
            ("NOERROR;A;0.0.0.0", Rewrite::Null),
            ("NOERROR;AAAA;::", Rewrite::Null),
            ("noerror;a;0.0.0.0", Rewrite::Null),
            ("nxdomain;;", Rewrite::Nxdomain),
        ] {
            assert_eq!(read_rewrite(value), Ok(rewrite), "{value}");
        }
        for value in ["192.0.2.1", "b.example.org", "noerror", "NOERROR;CNAME;b.org", "NOERROR;A;x"]
        {
            assert_eq!(read_rewrite(value), Err(SkipReason::DnsRewrite), "{value}");
        }
        for value in ["SERVFAIL", "servfail;;", "FORMERR"] {
            assert_eq!(read_rewrite(value), Err(SkipReason::RewriteCode), "{value}");
        }
        assert_eq!(read_rewrite("NOERROR;A"), Err(SkipReason::ModifierValue));
        let exception = Modifiers::read("dnsrewrite", true).unwrap();
        assert_eq!(exception.limits.rewrite, Rewrite::Any);
    }

    #[test]
    fn a_modifier_for_some_clients_is_remembered() {
        for (text, reason) in
            [("client=192.0.2.1", SkipReason::Client), ("ctag=device_tv", SkipReason::Ctag)]
        {
            assert_eq!(Modifiers::read(text, false).unwrap().clients, Some(reason), "{text}");
        }
        let escaped = Modifiers::read(r"client=Mary\, Ann,important", false).unwrap();
        assert!(escaped.important);
    }

    #[test]
    fn what_dns_cannot_honor_has_a_reason() {
        for (text, reason) in [
            ("dnsrewrite=192.0.2.1", SkipReason::DnsRewrite),
            ("dnstype=AAAA,dnsrewrite=b.example.org", SkipReason::DnsRewrite),
            ("dnsrewrite", SkipReason::OtherModifier),
            ("third-party", SkipReason::OtherModifier),
            ("", SkipReason::OtherModifier),
            ("important=1", SkipReason::OtherModifier),
            ("badfilter=", SkipReason::OtherModifier),
            ("important,script", SkipReason::OtherModifier),
            ("dnstype=A,dnstype=AAAA", SkipReason::ModifierTwice),
            ("dnstype=", SkipReason::ModifierValue),
            ("dnstype=A|nonsense", SkipReason::ModifierValue),
            ("denyallow=*", SkipReason::ModifierValue),
        ] {
            assert_eq!(Modifiers::read(text, false), Err(reason), "{text}");
        }
    }
}
