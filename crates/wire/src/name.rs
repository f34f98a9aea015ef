//! Domain names in wire form, held in place without allocation.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 1035 section 2.3.4 | a label has at most 63 octets, a name at most 255 |
//! | RFC 1035 section 5.1 | the text form and its escapes |
//! | RFC 4343 | names compare without regard to ASCII case |

use std::fmt;

/// The most octets that a name has on the wire, its root label included (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 255;
/// The most octets in one label (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;
/// The most labels in a name, the root not counted: 127 labels of one octet and the root.
pub const MAX_LABELS: usize = 127;

/// An uncompressed, absolute name of at most 255 octets, in the case in which it was given.
///
/// Equality ignores ASCII case (RFC 4343).
#[derive(Clone, Copy)]
pub struct Name {
    pub(crate) len: u8,
    pub(crate) octets: [u8; MAX_NAME],
}

/// Why a text or a run of octets is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// A label is empty (two dots in a row, or a leading dot).
    EmptyLabel,
    /// A label has more than 63 octets.
    LabelTooLong,
    /// The name has more than 255 octets on the wire.
    NameTooLong,
    /// A backslash is not followed by a character or by three digits up to 255.
    BadEscape,
    /// The octets end before the root label, go on behind it, or hold a pointer.
    NotAName,
    /// Its last label is kept for names that stand for addresses.
    Reserved,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyLabel => "a label is empty",
            Self::LabelTooLong => "a label is longer than 63 octets",
            Self::NameTooLong => "the name is longer than 255 octets",
            Self::BadEscape => "a backslash needs a character or three digits up to 255 behind it",
            Self::NotAName => "not a name in wire form",
            Self::Reserved => {
                "such names stand for addresses; write an address or a network instead"
            }
        })
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// The root name, `.`.
    pub const ROOT: Self = Self { len: 1, octets: [0; MAX_NAME] };

    /// Reads one uncompressed name that fills `octets` exactly.
    pub fn from_wire(octets: &[u8]) -> Result<Self, NameError> {
        if octets.len() > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        let mut at = 0;
        loop {
            match octets.get(at) {
                Some(0) if at + 1 == octets.len() => break,
                Some(&len) if len != 0 && usize::from(len) <= MAX_LABEL => {
                    at += 1 + usize::from(len);
                }
                _ => return Err(NameError::NotAName),
            }
        }
        let mut name = Self::ROOT;
        name.octets[..octets.len()].copy_from_slice(octets);
        name.len = octets.len() as u8;
        Ok(name)
    }

    /// Reads the text form, absolute with or without the last dot (RFC 1035 section 5.1).
    pub fn from_text(text: &str) -> Result<Self, NameError> {
        if text == "." || text.is_empty() {
            return if text.is_empty() { Err(NameError::EmptyLabel) } else { Ok(Self::ROOT) };
        }
        let mut builder = NameBuilder::new();
        let mut label = [0u8; MAX_LABEL];
        let mut len = 0;
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let (octet, used) = match bytes[at] {
                b'.' => {
                    builder.push(&label[..len])?;
                    len = 0;
                    at += 1;
                    continue;
                }
                b'\\' => unescape(&bytes[at + 1..])?,
                other => (other, 1),
            };
            if len == MAX_LABEL {
                return Err(NameError::LabelTooLong);
            }
            label[len] = octet;
            len += 1;
            at += used;
        }
        if bytes.last() != Some(&b'.') || text.ends_with("\\.") {
            builder.push(&label[..len])?;
        }
        builder.finish()
    }

    /// The octets on the wire, the root label included.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// The same name in lower case (ASCII only, RFC 4343).
    #[inline]
    pub fn to_lower(&self) -> Self {
        let mut lower = *self;
        // Length octets are at most 63, below 'A' (65), so the whole run may be lowered at once.
        lower.octets[..usize::from(self.len)].make_ascii_lowercase();
        lower
    }

    /// The labels from left to right, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_wire();
        std::iter::from_fn(move || {
            let (&len, behind) = rest.split_first()?;
            if len == 0 {
                return None;
            }
            let (label, behind) = behind.split_at(usize::from(len));
            rest = behind;
            Some(label)
        })
    }

    /// Whether the name is the root.
    #[inline]
    pub fn is_root(&self) -> bool {
        self.len == 1
    }

    /// Whether the name is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        is_at_or_below(self.as_wire(), other.as_wire())
    }
}

/// [`Name::is_at_or_below`] for names that lie as valid wire form in a buffer.
pub(crate) fn is_at_or_below(mine: &[u8], theirs: &[u8]) -> bool {
    let Some(start) = mine.len().checked_sub(theirs.len()) else {
        return false;
    };
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(mine[at]);
    }
    at == start && mine[start..].eq_ignore_ascii_case(theirs)
}

/// Puts a name together label by label, from left to right.
pub struct NameBuilder {
    len: usize,
    octets: [u8; MAX_NAME],
}

impl NameBuilder {
    /// An empty name.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { len: 0, octets: [0; MAX_NAME] }
    }

    /// Appends one label of 1 to 63 octets.
    #[inline]
    pub fn push(&mut self, label: &[u8]) -> Result<(), NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        if label.len() > MAX_LABEL {
            return Err(NameError::LabelTooLong);
        }
        // One octet stays free for the root label.
        if self.len + 1 + label.len() + 1 > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        self.octets[self.len] = label.len() as u8;
        self.octets[self.len + 1..self.len + 1 + label.len()].copy_from_slice(label);
        self.len += 1 + label.len();
        Ok(())
    }

    /// Closes the name with the root label.
    #[inline]
    pub fn finish(mut self) -> Result<Name, NameError> {
        self.octets[self.len] = 0;
        Ok(Name { len: (self.len + 1) as u8, octets: self.octets })
    }
}

fn unescape(rest: &[u8]) -> Result<(u8, usize), NameError> {
    match rest {
        [a, b, c, ..] if a.is_ascii_digit() => {
            if !b.is_ascii_digit() || !c.is_ascii_digit() {
                return Err(NameError::BadEscape);
            }
            let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
            u8::try_from(value).map(|octet| (octet, 4)).map_err(|_| NameError::BadEscape)
        }
        [a, ..] if !a.is_ascii_digit() => Ok((*a, 2)),
        _ => Err(NameError::BadEscape),
    }
}

impl fmt::Display for Name {
    /// The text form without the last dot (the root is `.`); what is not printable is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(octet))?;
                    }
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire().eq_ignore_ascii_case(other.as_wire())
    }
}

impl Eq for Name {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_forms_agree() {
        let name = Name::from_text("www.Example.org").unwrap();
        assert_eq!(name.as_wire(), b"\x03www\x07Example\x03org\x00");
        assert_eq!(Name::from_text("www.example.org.").unwrap(), name);
        assert_eq!(name.to_string(), "www.Example.org");
        assert_eq!(Name::from_text(".").unwrap(), Name::ROOT);
    }

    #[test]
    fn escapes_survive_a_round_trip() {
        let name = Name::from_text(r"a\.b\000\255.org").unwrap();
        assert_eq!(name.labels().next().unwrap(), b"a.b\x00\xff");
        assert_eq!(Name::from_text(&name.to_string()).unwrap(), name);
        assert!(Name::from_text(r"a\.").unwrap().labels().eq([b"a."]));
    }

    #[test]
    fn names_beyond_the_limits_are_refused() {
        assert_eq!(Name::from_text("a..b").unwrap_err(), NameError::EmptyLabel);
        assert_eq!(Name::from_text(&"a".repeat(64)).unwrap_err(), NameError::LabelTooLong);
        assert_eq!(Name::from_text(&"a.".repeat(128)).unwrap_err(), NameError::NameTooLong);
        assert!(Name::from_text(&"a.".repeat(127)).is_ok());
        assert_eq!(Name::from_text(r"a\25").unwrap_err(), NameError::BadEscape);
        assert_eq!(Name::from_wire(b"\x01a").unwrap_err(), NameError::NotAName);
        assert_eq!(Name::from_wire(b"\xc0\x00").unwrap_err(), NameError::NotAName);
    }

    #[test]
    fn a_name_lies_below_its_parents_only() {
        let name = Name::from_text("a.b.example.org").unwrap();
        for (parent, expected) in
            [("EXAMPLE.org", true), (".", true), ("xample.org", false), ("a.b.example.org", true)]
        {
            assert_eq!(
                name.is_at_or_below(&Name::from_text(parent).unwrap()),
                expected,
                "{parent}"
            );
        }
    }
}
