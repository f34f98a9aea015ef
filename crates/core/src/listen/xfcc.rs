//! `x-forwarded-client-cert`: what a sidecar says of the client whose request it passes on.
//!
//! Envoy writes one element for each hop, separated by commas; an element is `key=value` pairs
//! separated by semicolons, and a value with one of these in it is quoted. A sidecar that replaces
//! what its client sent (`SANITIZE_SET`) writes exactly one element. Whatever else comes could hold
//! a word of the client's own and says nothing.

use http::{HeaderMap, HeaderName};

use crate::spiffe_id::SpiffeId;

/// The header; lower case as HTTP/2 writes it.
const HEADER: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// What the headers of a request say of its client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// Nothing: the client showed no certificate.
    Nothing,
    /// This identity.
    Identity(SpiffeId),
    /// Something that cannot be read, or comes from one who may not say it.
    Unreadable,
}

/// Whether the headers of a request speak for somebody, whatever they say.
pub(super) fn is_there(headers: &HeaderMap) -> bool {
    headers.contains_key(HEADER)
}

/// Reads the header, if there is one.
pub(super) fn read(headers: &HeaderMap) -> Forwarded {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Forwarded::Nothing,
        (Some(value), None) => {
            let uri = value.to_str().ok().and_then(uri_of_element);
            uri.and_then(SpiffeId::read).map_or(Forwarded::Unreadable, Forwarded::Identity)
        }
        (Some(_), Some(_)) => Forwarded::Unreadable,
    }
}

/// The one `URI` of the one element.
fn uri_of_element(text: &str) -> Option<&str> {
    let mut uri = None;
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (pair, after) = split_pair(text)?;
        rest = after;
        let (key, value) = pair.split_once('=')?;
        // No blanks: a second URI must not hide behind one.
        if key.is_empty() || !key.bytes().all(|c| c.is_ascii_alphabetic()) {
            return None;
        }
        if key.eq_ignore_ascii_case("uri") && uri.replace(value).is_some() {
            return None;
        }
    }
    uri
}

/// The first pair, and what follows after its semicolon. None where a second element begins or a
/// quotation does not end.
fn split_pair(text: &str) -> Option<(&str, Option<&str>)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.bytes().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return Some((&text[..at], Some(&text[at + 1..]))),
            b',' if !quoted => return None,
            _ => {}
        }
    }
    (!quoted).then_some((text, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "spiffe://keyhole.lab/ns/shop/sa/web";

    fn said(values: &[&str]) -> Forwarded {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        read(&headers)
    }

    #[test]
    fn the_uri_of_the_one_element_is_the_identity() {
        let web = || Forwarded::Identity(SpiffeId::read(WEB).unwrap());
        assert_eq!(said(&[]), Forwarded::Nothing);
        assert_eq!(said(&[&format!("URI={WEB}")]), web());
        assert_eq!(
            said(&[&format!(
                "By=spiffe://keyhole.lab/ns/keyhole/sa/resolver;Hash=ab12;Subject=\"CN=a,O=\\\"b;c\\\"\";URI={WEB};DNS=web.shop"
            )]),
            web()
        );
        assert_eq!(said(&[&format!("uri={WEB}")]), web());
    }

    #[test]
    fn anything_else_is_unreadable() {
        for value in [
            "",
            ";",
            "URI",
            "URI=",
            "Hash=ab12",
            "By=spiffe://keyhole.lab/ns/keyhole/sa/resolver",
            &format!("URI={WEB},URI={WEB}"),
            &format!("Hash=ab12,URI={WEB}"),
            &format!("URI={WEB};URI={WEB}"),
            &format!("URI={WEB};uri=spiffe://keyhole.lab/ns/shop/sa/payments"),
            &format!("URI={WEB}; URI=spiffe://keyhole.lab/ns/shop/sa/payments"),
            &format!("URI={WEB};"),
            &format!("URI=\"{WEB}\""),
            &format!("URI= {WEB}"),
            &format!("Subject=\"a;URI={WEB}"),
            &format!("Subject=\"a\\\";URI={WEB}\""),
            "URI=https://keyhole.lab/ns",
            "URI=spiffe://keyhole.lab/ns?x=1",
        ] {
            assert_eq!(said(&[value]), Forwarded::Unreadable, "{value}");
        }
        let one = format!("URI={WEB}");
        assert_eq!(said(&[&one, &one]), Forwarded::Unreadable);
    }
}
