//! base64url without padding (RFC 4648 section 5), strict: one spelling for each value.

use data_encoding::BASE64URL_NOPAD;

/// Appends the octets that the text encodes. On an error `out` stays as it was and the result is
/// none: a foreign character, padding, an impossible length, or unused bits that are not zero.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.resize(start + BASE64URL_NOPAD.decode_len(text.len()).ok()?, 0);
    let decoded = BASE64URL_NOPAD.decode_mut(text, &mut out[start..]);
    out.truncate(start + decoded.as_ref().map_or(0, |octets| *octets));
    decoded.is_ok().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn the_vectors_of_rfc_4648_decode() {
        for (text, value) in [
            ("", ""),
            ("Zg", "f"),
            ("Zm8", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9vYmE", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(value.as_bytes()), "{text}");
        }
        assert_eq!(decoded("-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn padding_other_alphabets_and_second_spellings_are_refused() {
        for text in ["Zg==", "Zg=", "Z", "Zm9vY", "Zm8/", "Zm8+", "Zh", "Zm9", "Zm 8", "Z\u{e9}8"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn a_refused_text_leaves_the_output_as_it_was() {
        let mut out = vec![1, 2];
        assert_eq!(decode(b"Zm9vYmE!", &mut out), None);
        assert_eq!(out, [1, 2]);
    }
}
