//! Reads an upstream's message into raw records, with every name in full.

use std::ops::Range;

use crate::compressed_name::{Frame, read_frame, read_name};
use crate::edns::{EXTENDED_ERROR, options};
use crate::header::{AD, HEADER, Header, IN, QR, TC, u16_at};
use crate::name::Name;
use crate::parse_error::AnswerError;
use crate::rdata::expand;
use crate::section::Section;
use crate::types::{Rcode, RecordType};

/// The most records that a message may have, all sections together: as many as fit into the largest
/// one where each has a compressed owner and no data.
const MAX_RECORDS: usize = 65_535 / 12;
/// The most octets that the records may take with their names in full. It keeps a message whose
/// pointers multiply one long name from taking megabytes, and has room for the longest owner at
/// each of as many records with an address as fit.
const MAX_ARENA: usize = 3 << 19;

/// One record whose owner and data lie in the arena of its [`RawRecords`].
pub(crate) struct RawRecord {
    pub(crate) section: Section,
    pub(crate) kind: RecordType,
    pub(crate) ttl: u32,
    owner: Range<usize>,
    data: Range<usize>,
}

/// Records on their way from one message into another.
#[derive(Default)]
pub(crate) struct RawRecords {
    arena: Vec<u8>,
    pub(crate) entries: Vec<RawRecord>,
}

impl RawRecords {
    pub(crate) fn owner(&self, entry: &RawRecord) -> &[u8] {
        &self.arena[entry.owner.clone()]
    }

    pub(crate) fn data(&self, entry: &RawRecord) -> &[u8] {
        &self.arena[entry.data.clone()]
    }

    /// Adds the record whose data is `message[at..end]`, checked and with its names in full.
    pub(crate) fn push(
        &mut self,
        section: Section,
        owner: &Name,
        kind: RecordType,
        ttl: u32,
        (message, at, end): (&[u8], usize, usize),
    ) -> Result<(), AnswerError> {
        let start = self.arena.len();
        self.arena.extend_from_slice(owner.as_wire());
        let middle = self.arena.len();
        expand(message, at, end, kind, &mut self.arena)?;
        if self.arena.len() > MAX_ARENA || self.entries.len() == MAX_RECORDS {
            return Err(AnswerError::TooLarge);
        }
        let (owner, data) = (start..middle, middle..self.arena.len());
        self.entries.push(RawRecord { section, kind, ttl, owner, data });
        Ok(())
    }
}

/// An upstream's message, read but not yet judged.
pub(crate) struct RawAnswer {
    pub(crate) rcode: Rcode,
    pub(crate) authentic: bool,
    pub(crate) extended_error: Option<u16>,
    pub(crate) records: RawRecords,
}

/// Reads header and question, which must be those of the query; gives the offset behind them.
pub(crate) fn read_start(
    message: &[u8],
    id: u16,
    name: &Name,
    kind: RecordType,
) -> Result<(Header, usize), AnswerError> {
    let header = Header::read(message).ok_or(AnswerError::Unreadable)?;
    if header.id != id {
        return Err(AnswerError::WrongId);
    }
    if !header.has(QR) || header.opcode() != 0 {
        return Err(AnswerError::NotAResponse);
    }
    let at = check_question(message, header, name, kind)?;
    Ok((header, at))
}

/// Reads the whole message; it must answer the question. Octets behind its last record, and what is
/// no readable EDNS option, are ignored: they take nothing away from what the message says.
pub(crate) fn read(
    message: &[u8],
    id: u16,
    name: &Name,
    kind: RecordType,
) -> Result<RawAnswer, AnswerError> {
    let (header, mut at) = read_start(message, id, name, kind)?;
    // After the question, so that a forged octet cannot send us to a stream; before the records,
    // which need not be whole (RFC 2181 section 9).
    if header.has(TC) {
        return Err(AnswerError::Truncated);
    }
    let counts = [header.answers, header.authorities, header.additionals];
    if counts.map(usize::from).iter().sum::<usize>() > MAX_RECORDS {
        return Err(AnswerError::TooLarge);
    }
    let mut raw = RawAnswer {
        rcode: Rcode(header.flags & 0x0f),
        authentic: header.has(AD),
        extended_error: None,
        records: RawRecords::default(),
    };
    for (section, count) in [(Section::Answer, counts[0]), (Section::Authority, counts[1])] {
        for _ in 0..count {
            at = raw.take_record(message, at, section)?;
        }
    }
    raw.take_additional(message, at, counts[2])?;
    Ok(raw)
}

/// Compares the question with what was asked; gives the offset behind it.
fn check_question(
    message: &[u8],
    header: Header,
    name: &Name,
    kind: RecordType,
) -> Result<usize, AnswerError> {
    // Servers that cannot read a question answer FORMERR or the like without one.
    if header.questions == 0 && header.flags & 0x0f != 0 && header.flags & 0x0f != 3 {
        return Ok(HEADER);
    }
    if header.questions != 1 {
        return Err(AnswerError::WrongQuestion);
    }
    let (asked, at) = read_name(message, HEADER).map_err(|_| AnswerError::Unreadable)?;
    let fields = u16_at(message, at).zip(u16_at(message, at + 2));
    let (their_kind, class) = fields.ok_or(AnswerError::Unreadable)?;
    if asked != *name || their_kind != kind.0 || class != IN {
        return Err(AnswerError::WrongQuestion);
    }
    Ok(at + 4)
}

impl RawAnswer {
    fn take_record(
        &mut self,
        message: &[u8],
        at: usize,
        section: Section,
    ) -> Result<usize, AnswerError> {
        let (owner, frame) = read_head(message, at)?;
        let kind = RecordType(frame.kind);
        if kind == RecordType::OPT {
            return Err(AnswerError::BadOpt);
        }
        // Types from 128 to 255 are questions or signatures, not data (RFC 6895 section 3.1).
        let meta = (128..=255).contains(&frame.kind);
        if frame.class == IN && !meta {
            // A TTL with the highest bit set means 0 (RFC 2181 section 8).
            let ttl = if frame.ttl > i32::MAX as u32 { 0 } else { frame.ttl };
            let data = (message, frame.at, frame.end);
            self.records.push(section, &owner, kind, ttl, data)?;
        }
        Ok(frame.end)
    }

    /// Steps over the additional section; only its OPT record counts.
    fn take_additional(
        &mut self,
        message: &[u8],
        mut at: usize,
        count: u16,
    ) -> Result<(), AnswerError> {
        let mut seen = false;
        for _ in 0..count {
            let (owner, frame) = read_head(message, at)?;
            at = frame.end;
            if RecordType(frame.kind) == RecordType::OPT {
                if seen || !owner.is_root() {
                    return Err(AnswerError::BadOpt);
                }
                seen = true;
                self.take_opt(message, &frame);
            }
        }
        Ok(())
    }

    fn take_opt(&mut self, message: &[u8], opt: &Frame) {
        // The upper eight bits of the response code (RFC 6891 section 6.1.3).
        self.rcode.0 |= ((opt.ttl >> 24) as u16) << 4;
        for (code, data) in options(&message[opt.at..opt.end]).flatten() {
            if code == EXTENDED_ERROR && self.extended_error.is_none() {
                // An extended error without a code says nothing (RFC 8914 section 2).
                self.extended_error = u16_at(data, 0);
            }
        }
    }
}

fn read_head(message: &[u8], at: usize) -> Result<(Name, Frame), AnswerError> {
    let (owner, behind) = read_name(message, at).map_err(|_| AnswerError::Unreadable)?;
    let frame = read_frame(message, behind).ok_or(AnswerError::Unreadable)?;
    Ok((owner, frame))
}
