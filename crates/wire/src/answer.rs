//! What an upstream said, checked once and kept ready to be copied out.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 2181 sections 5.4.1, 8 | only what answers the question is kept; TTLs |
//! | RFC 2308 sections 3, 5 | how long a negative answer lives |
//! | RFC 3225 section 3, RFC 4035 section 3.2.1 | no DNSSEC records for who did not ask for them |

use crate::answer_reader::{self, RawAnswer, RawRecords};
use crate::chain;
use crate::compressed_name::read_name;
use crate::encode::{Encoded, Encoder};
use crate::header::{HEADER, Header, u32_at};
use crate::name::Name;
use crate::parse_error::AnswerError;
use crate::record::Record;
use crate::section::Section;
use crate::types::{Rcode, RecordType};

/// An immutable answer to one question, in two forms: with and without DNSSEC records. Share it in
/// an `Arc`.
#[derive(Debug)]
pub struct Answer {
    pub(crate) rcode: Rcode,
    pub(crate) ttl: u32,
    pub(crate) negative: bool,
    pub(crate) authentic: bool,
    pub(crate) authoritative: bool,
    pub(crate) extended_error: Option<u16>,
    /// Seconds for which it may be kept at all, whatever its TTLs say.
    pub(crate) valid_for: u32,
    /// Octets of the question's name.
    pub(crate) name_len: u8,
    /// Every record.
    pub(crate) whole: Encoded,
    /// Without DNSSEC records, where there are some.
    pub(crate) plain: Option<Encoded>,
}

impl Answer {
    /// Reads the message with which an upstream answers the query of that id, name and type.
    ///
    /// Kept are the records that the question leads to, re-encoded; the additional section, other
    /// classes and everything out of place are dropped. A failure keeps no records.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] says why the message is no answer. [`AnswerError::Truncated`] asks for
    /// another try over a stream.
    pub fn read(
        message: &[u8],
        id: u16,
        name: &Name,
        kind: RecordType,
    ) -> Result<Self, AnswerError> {
        let raw = answer_reader::read(message, id, name, kind)?;
        Self::from_raw(raw, name, kind)
    }

    /// Whether the message claims to answer the query of that id, name and type, readable or not.
    /// On a stream no other answer to it will come.
    #[must_use]
    pub fn claims(message: &[u8], id: u16, name: &Name, kind: RecordType) -> bool {
        answer_reader::read_start(message, id, name, kind).is_ok()
    }

    /// Whether the message is a response that repeats a question, but not this one. On a stream it
    /// may be the late answer to a query of before.
    #[must_use]
    pub fn is_for_another(message: &[u8], id: u16, name: &Name, kind: RecordType) -> bool {
        let repeats_one = Header::read(message).is_some_and(|header| header.questions > 0);
        let start = answer_reader::read_start(message, id, name, kind);
        repeats_one && matches!(start, Err(AnswerError::WrongQuestion))
    }

    pub(crate) fn from_raw(
        mut raw: RawAnswer,
        name: &Name,
        kind: RecordType,
    ) -> Result<Self, AnswerError> {
        let failure = is_failure(raw.rcode);
        if failure {
            raw.records = RawRecords::default();
        }
        if raw.rcode == Rcode::NOERROR && is_referral(&raw.records) {
            return Err(AnswerError::Referral);
        }
        let chain = chain::follow(&raw.records, name, kind, raw.rcode)?;
        let negative = chain.negative && !failure;
        let ttl = settle_ttls(&mut raw.records, &chain.kept, negative);
        Self::assemble(name, kind, &raw.records, &chain.kept).map(|(all, plain)| Self {
            rcode: raw.rcode,
            ttl,
            negative,
            // AD speaks of every record (RFC 4035 section 3.2.3), hence also of those that are
            // kept.
            authentic: raw.authentic && !failure,
            authoritative: false,
            extended_error: raw.extended_error,
            valid_for: u32::MAX,
            name_len: name.len,
            whole: all,
            plain,
        })
    }

    /// Encodes the kept records with and, where it makes a difference, without those of DNSSEC.
    pub(crate) fn assemble(
        name: &Name,
        kind: RecordType,
        records: &RawRecords,
        kept: &[usize],
    ) -> Result<(Encoded, Option<Encoded>), AnswerError> {
        let encode = |signed: bool| {
            let mut encoder = Encoder::new(name, kind);
            for entry in kept.iter().map(|&index| &records.entries[index]) {
                if signed || !is_hidden(entry.kind, kind) {
                    let (owner, data) = (records.owner(entry), records.data(entry));
                    encoder.push(entry.section, owner, entry.kind, entry.ttl, data)?;
                }
            }
            Ok(encoder.finish())
        };
        let hides = kept.iter().any(|&index| is_hidden(records.entries[index].kind, kind));
        Ok((encode(true)?, if hides { Some(encode(false)?) } else { None }))
    }

    /// The response code.
    #[inline]
    #[must_use]
    pub fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Whether the name or the type does not exist: NXDOMAIN or NODATA (RFC 2308 section 2).
    #[inline]
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether the upstream could or would not answer: any code but NOERROR and NXDOMAIN.
    #[inline]
    #[must_use]
    pub fn is_failure(&self) -> bool {
        is_failure(self.rcode)
    }

    /// Seconds for which the answer is good: its smallest TTL. For a negative answer also at most
    /// the MINIMUM of its SOA, and 0 without a SOA (RFC 2308 section 5). 0 for a failure.
    #[inline]
    #[must_use]
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// Seconds for which it may be kept at all, whatever its TTLs say: its signatures are valid for
    /// no longer.
    #[inline]
    #[must_use]
    pub fn valid_for(&self) -> u32 {
        self.valid_for
    }

    /// Whether AD is set for clients that understand it: who was asked, or who validated the answer
    /// here, vouches for all of it.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.authentic
    }

    /// The same as one that was validated here, or was not: with AD or without it, with TTLs of at
    /// most `ttl` seconds (RFC 4035 section 5.3.3), and to be kept for at most `valid_for` seconds.
    #[must_use]
    pub fn vouched(mut self, authentic: bool, ttl: u32, valid_for: u32) -> Self {
        self.authentic = authentic;
        self.ttl = self.ttl.min(ttl);
        self.valid_for = valid_for;
        self.whole.cap_ttls(ttl);
        if let Some(plain) = &mut self.plain {
            plain.cap_ttls(ttl);
        }
        self
    }

    /// Octets of memory that the answer takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of::<Self>() + self.whole.octets() + self.plain.as_ref().map_or(0, Encoded::octets)
    }

    /// Every record, those of DNSSEC included, in the order of the message.
    #[inline]
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        Record::all(&self.whole, usize::from(self.name_len))
    }

    /// The extended error that the upstream gave (RFC 8914).
    #[must_use]
    pub fn extended_error(&self) -> Option<u16> {
        self.extended_error
    }

    /// The question: the name in lower case, and the type.
    #[must_use]
    pub fn question(&self) -> (Name, RecordType) {
        let message = &self.whole.message;
        // The message was written here; its question is readable.
        let (name, at) = read_name(message, HEADER).unwrap_or((Name::ROOT, HEADER));
        (name, RecordType(crate::header::u16_at(message, at).unwrap_or(0)))
    }

    /// The form for a client that does, or does not, want DNSSEC records.
    #[inline]
    pub(crate) fn form(&self, dnssec_ok: bool) -> &Encoded {
        match &self.plain {
            Some(plain) if !dnssec_ok => plain,
            _ => &self.whole,
        }
    }
}

fn is_failure(rcode: Rcode) -> bool {
    !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
}

/// Whether a message only says which servers to ask: NS records without a SOA record beside them (RFC
/// 2308 section 2.2). Taken for an answer, it would say that there is no such record.
fn is_referral(records: &RawRecords) -> bool {
    let mut authority = records.entries.iter().filter(|entry| entry.section == Section::Authority);
    let has_answer = records.entries.iter().any(|entry| entry.section == Section::Answer);
    let names_servers = authority.clone().any(|entry| entry.kind == RecordType::NS);
    !has_answer && names_servers && !authority.any(|entry| entry.kind == RecordType::SOA)
}

/// Whether a record is for clients that understand DNSSEC only: unless asked for, RRSIG, NSEC and
/// NSEC3 are (RFC 4035 section 3.2.1).
fn is_hidden(kind: RecordType, asked: RecordType) -> bool {
    matches!(kind, RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3)
        && kind != asked
        && asked != RecordType::ANY
}

/// Lowers the SOA of a negative answer to its MINIMUM; gives the smallest TTL of all.
fn settle_ttls(records: &mut RawRecords, kept: &[usize], negative: bool) -> u32 {
    let mut soa = false;
    let mut ttl = u32::MAX;
    for &index in kept {
        let entry = &records.entries[index];
        let mut own = entry.ttl;
        if negative && entry.kind == RecordType::SOA {
            let data = records.data(entry);
            let minimum = u32_at(data, data.len() - 4).unwrap_or(0);
            own = own.min(minimum);
            soa = true;
        }
        records.entries[index].ttl = own;
        ttl = ttl.min(own);
    }
    if kept.is_empty() || (negative && !soa) { 0 } else { ttl }
}
