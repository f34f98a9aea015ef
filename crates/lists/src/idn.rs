//! Internationalized names as A-labels (RFC 5890 section 2.3.2.1), by UTS 46.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The name with each label that is not ASCII as an A-label; none if it is no such name.
///
/// Nontransitional, as browsers do: `ß` stays a letter of its own. What ASCII may stand in a name
/// is for the caller to say.
pub(crate) fn to_ascii(text: &str) -> Option<String> {
    let (letters, hyphens, length) = (AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore);
    let ascii = Uts46::new().to_ascii(text.as_bytes(), letters, hyphens, length);
    ascii.ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_become_a_labels() {
        for (text, ascii) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("실례.테스트", "xn--9n2bp8q.xn--9t4b11yi5a"),
            ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
            ("उदाहरण.परीक्षा", "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"),
            ("ตัวอย่าง.ทดสอบ", "xn--72c1a1bt4awk9o.xn--l3cfk7dp"),
            ("straße.example", "xn--strae-oqa.example"),
            ("ａ.example", "a.example"),
            ("ﬁ.example", "fi.example"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("_a.bücher.example", "_a.xn--bcher-kva.example"),
        ] {
            assert_eq!(to_ascii(text).as_deref(), Some(ascii), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_in_any_script_is_none() {
        for text in ["a\u{200d}.example", "\u{308}a.example", "\u{fffd}.example"] {
            assert_eq!(to_ascii(text), None, "{text}");
        }
    }
}
