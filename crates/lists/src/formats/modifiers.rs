//! The modifiers of adblock lines: what stands behind the `$`.

use keyhole_names::list_file::Limits;
use keyhole_wire::RecordType;

use crate::name_syntax::read_name;
use crate::skip_reason::SkipReason;

/// What the modifiers of a line say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) important: bool,
    pub(super) limits: Limits,
}

impl Modifiers {
    /// Reads `important,dnstype=A|AAAA,...`. One that DNS cannot honor makes the line useless,
    /// since without it the line would mean more than its author meant.
    pub(super) fn read(text: &str) -> Result<Self, SkipReason> {
        let mut modifiers = Self::default();
        for modifier in text.split(',') {
            let (name, value) = modifier.split_once('=').unwrap_or((modifier, ""));
            match name.trim() {
                "important" if value.is_empty() => modifiers.important = true,
                "dnstype" => read_types(value, &mut modifiers.limits)?,
                "denyallow" => read_spared(value, &mut modifiers.limits)?,
                "client" => return Err(SkipReason::Client),
                "ctag" => return Err(SkipReason::Ctag),
                "dnsrewrite" => return Err(SkipReason::DnsRewrite),
                "badfilter" => return Err(SkipReason::BadFilter),
                _ => return Err(SkipReason::OtherModifier),
            }
        }
        Ok(modifiers)
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
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn types_and_spared_names_are_read() {
        let modifiers =
            Modifiers::read("important,dnstype=AAAA|~HTTPS|a,denyallow=b.example.org").unwrap();
        assert!(modifiers.important);
        assert_eq!(modifiers.limits.types, [1, 28]);
        assert_eq!(modifiers.limits.except_types, [65]);
        assert_eq!(modifiers.limits.except_names[0].to_string(), "b.example.org");
    }

    #[test]
    fn what_dns_cannot_honor_has_a_reason() {
        for (text, reason) in [
            ("client=192.0.2.1", SkipReason::Client),
            ("ctag=device_tv", SkipReason::Ctag),
            ("dnsrewrite=192.0.2.1", SkipReason::DnsRewrite),
            ("badfilter", SkipReason::BadFilter),
            ("third-party", SkipReason::OtherModifier),
            ("", SkipReason::OtherModifier),
            ("important=1", SkipReason::OtherModifier),
            ("important,script", SkipReason::OtherModifier),
            ("dnstype=", SkipReason::ModifierValue),
            ("dnstype=A|nonsense", SkipReason::ModifierValue),
            ("denyallow=*", SkipReason::ModifierValue),
        ] {
            assert_eq!(Modifiers::read(text), Err(reason), "{text}");
        }
    }
}
