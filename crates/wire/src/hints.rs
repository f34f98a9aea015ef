//! Taking address hints out of SVCB and HTTPS records.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 9460 section 7.3 | a client may connect to a hint without asking for A or AAAA |
//! | RFC 9460 section 8 | a key that is mandatory must be there, so the mark goes with its key |
//! | RFC 4035 section 3.2.3 | what was changed is not authentic any more, and its signature is void |

use crate::answer::Answer;
use crate::answer_builder::AnswerBuilder;
use crate::header::u16_at;
use crate::parse_error::AnswerError;
use crate::rdata::{IPV4_HINT, IPV6_HINT, MANDATORY, parameter};
use crate::record::Record;
use crate::types::RecordType;

/// Which address hints of a record are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `ipv4hint`.
    pub v4: bool,
    /// `ipv6hint`.
    pub v6: bool,
}

impl Hints {
    /// Whether none is meant.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn has(self, key: u16) -> bool {
        (key == IPV4_HINT && self.v4) || (key == IPV6_HINT && self.v6)
    }
}

impl Answer {
    /// The same answer without those address hints that `withheld` names for each record.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where the records cannot be encoded again.
    pub fn without_hints(
        &self,
        mut withheld: impl FnMut(&Record<'_>) -> Hints,
    ) -> Result<Self, AnswerError> {
        let (name, kind) = self.question();
        let mut builder = AnswerBuilder::new(&name, kind, self.rcode);
        for record in self.records() {
            let data = record.data();
            // A signature over such records cannot be right any more.
            if record.kind == RecordType::RRSIG && u16_at(&data, 0).is_some_and(has_hints) {
                continue;
            }
            let hints = if has_hints(record.kind.0) { withheld(&record) } else { Hints::default() };
            let data = if hints.is_empty() { data } else { strip(&data, hints).into() };
            builder = builder.add(record.section, &record.owner(), record.kind, record.ttl, &data);
        }
        let answer = builder.finish()?;
        let (ttl, negative) = (self.ttl, self.negative);
        let (authoritative, extended_error) = (self.authoritative, self.extended_error);
        Ok(Self { ttl, negative, authoritative, extended_error, ..answer })
    }
}

fn has_hints(kind: u16) -> bool {
    matches!(RecordType(kind), RecordType::SVCB | RecordType::HTTPS)
}

/// The data of an SVCB or HTTPS record, with its name in full, without some hints.
fn strip(data: &[u8], hints: Hints) -> Vec<u8> {
    let mut at = 2;
    while let Some(&label) = data.get(at) {
        at += 1 + usize::from(label);
        if label == 0 {
            break;
        }
    }
    let (head, mut rest) = data.split_at(at.min(data.len()));
    let mut out = head.to_vec();
    while let Some((key, value)) = parameter(rest, 0) {
        rest = &rest[4 + value.len()..];
        let kept = if key == MANDATORY { without_marks(value, hints) } else { value.to_vec() };
        // A list of mandatory keys is never empty (RFC 9460 section 8).
        if hints.has(key) || (key == MANDATORY && kept.is_empty()) {
            continue;
        }
        out.extend_from_slice(&key.to_be_bytes());
        out.extend_from_slice(&(kept.len() as u16).to_be_bytes());
        out.extend_from_slice(&kept);
    }
    out
}

fn without_marks(value: &[u8], hints: Hints) -> Vec<u8> {
    let keys = value.as_chunks::<2>().0.iter();
    keys.filter(|key| !hints.has(u16::from_be_bytes(**key))).flatten().copied().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::name::Name;
    use crate::types::Rcode;

    /// Priority 1, a target, mandatory ipv4hint and ipv6hint, alpn h2, and both hints.
    const DATA: &[u8] = b"\x00\x01\x03svc\x07example\x00\x00\x00\x00\x04\x00\x04\x00\x06\
        \x00\x01\x00\x03\x02h2\x00\x04\x00\x04\xc0\x00\x02\x01\
        \x00\x06\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";

    fn answer() -> Answer {
        let name = Name::from_text("www.example").unwrap();
        let signature = [&65_u16.to_be_bytes()[..], &[0; 16], &[0], b"signature"].concat();
        let mut answer = AnswerBuilder::new(&name, RecordType::HTTPS, Rcode::NOERROR)
            .push(&name, RecordType::HTTPS, 300, DATA)
            .push(&name, RecordType::RRSIG, 300, &signature)
            .finish()
            .unwrap();
        answer.authentic = true;
        answer
    }

    fn stripped(hints: Hints) -> Answer {
        answer().without_hints(|_| hints).unwrap()
    }

    #[test]
    fn a_hint_goes_with_its_mandatory_mark_and_all_else_stays() {
        let without = stripped(Hints { v4: false, v6: true });
        let data = without.records().next().unwrap().data().into_owned();
        let expected = b"\x00\x01\x03svc\x07example\x00\x00\x00\x00\x02\x00\x04\
            \x00\x01\x00\x03\x02h2\x00\x04\x00\x04\xc0\x00\x02\x01";
        assert_eq!(data, expected);
    }

    #[test]
    fn without_any_hint_nothing_is_mandatory() {
        let without = stripped(Hints { v4: true, v6: true });
        let data = without.records().next().unwrap().data().into_owned();
        assert_eq!(data, b"\x00\x01\x03svc\x07example\x00\x00\x01\x00\x03\x02h2");
    }

    #[test]
    fn a_changed_answer_has_no_signature_and_is_not_authentic() {
        let without = stripped(Hints { v4: true, v6: false });
        assert!(!without.authentic);
        assert!(without.records().all(|record| record.kind == RecordType::HTTPS));
        assert_eq!(without.ttl(), 300);
    }
}
