//! Tokens: what a device without a certificate shows, as a label of the server's name over TLS or
//! as a segment of the path over HTTP.
//!
//! The server name of a handshake is not encrypted: who watches the network sees such a token. It
//! tells devices apart, as the path does; it is no proof against somebody on the way.

use crate::client_identity::Credential;

/// What a client shows by the name that it asks for in the handshake: nothing where that is a name
/// of the server or of another one. A label that is no token counts as an unreadable identity, not
/// as no identity.
pub(super) fn of_server_name(asked: Option<&str>, names: &[String]) -> Credential {
    let Some(asked) = asked.filter(|asked| !names.iter().any(|name| name == asked)) else {
        return Credential::Nothing;
    };
    // Below the longest name that fits: one name of the server may lie below another.
    let labels =
        names.iter().filter_map(|name| asked.strip_suffix(name.as_str())?.strip_suffix('.'));
    match labels.min_by_key(|label| label.len()) {
        None => Credential::Nothing,
        Some(label) => Credential::token(label).unwrap_or(Credential::Unreadable),
    }
}

/// What a client shows by the path that it asks for, where that is `path` or one token below it.
/// None where it is another path.
pub(super) fn of_path(asked: &str, path: &str) -> Option<Credential> {
    if asked == path {
        return Some(Credential::Nothing);
    }
    let below = asked.strip_prefix(path.trim_end_matches('/'))?.strip_prefix('/')?;
    Credential::token(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "mfrggzdfmztwq2lknnwg23tpobyxe43u";

    fn word(credential: &Credential) -> &'static str {
        match credential {
            Credential::Nothing => "nothing",
            Credential::Token(_) => "token",
            Credential::Unreadable => "unreadable",
            Credential::Certificate(_) | Credential::Mesh(_) => "something else",
        }
    }

    #[test]
    fn a_label_before_a_name_of_the_server_is_a_token_or_unreadable() {
        let names = ["dns.example.org", "example.org", "other.example"].map(str::to_owned);
        for (asked, shown) in [
            (None, "nothing"),
            (Some("dns.example.org".to_owned()), "nothing"),
            (Some("example.org".to_owned()), "nothing"),
            (Some("localhost".to_owned()), "nothing"),
            (Some("notexample.org".to_owned()), "nothing"),
            (Some(format!("{TOKEN}.dns.example.org")), "token"),
            (Some(format!("{TOKEN}.example.org")), "token"),
            (Some(format!("{TOKEN}.other.example")), "token"),
            (Some(format!("{TOKEN}.x.other.example")), "unreadable"),
            (Some(format!("x{TOKEN}.other.example")), "unreadable"),
            (Some("www.example.org".to_owned()), "unreadable"),
            (Some(".example.org".to_owned()), "unreadable"),
            (Some(format!("{TOKEN}.elsewhere.example")), "nothing"),
        ] {
            assert_eq!(word(&of_server_name(asked.as_deref(), &names)), shown, "{asked:?}");
        }
        assert_eq!(word(&of_server_name(Some(TOKEN), &[])), "nothing");
    }

    #[test]
    fn one_segment_below_the_path_is_a_token_and_everything_else_another_path() {
        for (path, below) in [("/dns-query", "/dns-query/"), ("/", "/"), ("/a/b/", "/a/b/")] {
            assert_eq!(of_path(path, path).as_ref().map(word), Some("nothing"));
            let asked = format!("{below}{TOKEN}");
            assert_eq!(of_path(&asked, path).as_ref().map(word), Some("token"), "{asked}");
            for other in [
                format!("{below}{TOKEN}/"),
                format!("{below}/{TOKEN}"),
                format!("{below}x"),
                format!("{below}{TOKEN}x"),
                format!("{below}{}", TOKEN.to_uppercase()),
                format!("/x{below}{TOKEN}"),
                "/other".to_owned(),
                String::new(),
            ] {
                assert!(of_path(&other, path).is_none(), "{other}");
            }
        }
    }
}
