//! base64url without padding (RFC 4648 section 5), strict: one spelling for each value.

/// The value of each octet, or 255 for one that is not of the alphabet.
const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [255; 256];
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Appends the octets that the text stands for, or leaves `out` as it was and says none: a foreign
/// character, padding, a length that no octets have, or bits left over that are not zero.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let decoded = decode_groups(text, out);
    if decoded.is_none() {
        out.truncate(start);
    }
    decoded
}

fn decode_groups(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.reserve(text.len() / 4 * 3 + 2);
    let groups = text.chunks_exact(4);
    let rest = groups.remainder();
    for group in groups {
        let bits = value(group)?;
        out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
    }
    match *rest {
        [] => Some(()),
        [_, _] => {
            let bits = value(rest)?;
            out.push((bits >> 4) as u8);
            (bits & 0xf == 0).then_some(())
        }
        [_, _, _] => {
            let bits = value(rest)?;
            out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]);
            (bits & 0x3 == 0).then_some(())
        }
        _ => None,
    }
}

/// The bits of up to four characters, the first one highest.
fn value(group: &[u8]) -> Option<u32> {
    let mut bits = 0;
    let mut worst = 0;
    for &character in group {
        let value = VALUES[usize::from(character)];
        worst |= value;
        bits = bits << 6 | u32::from(value & 0x3f);
    }
    // Only 255 has the top bits set.
    (worst & 0xc0 == 0).then_some(bits)
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
