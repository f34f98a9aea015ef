//! Writing records into a message that is kept and later copied out as it is.

use crate::compress::Compressor;
use crate::header::{HEADER, Header, IN};
use crate::name::Name;
use crate::parse_error::AnswerError;
use crate::rdata::{Field, fields, is_compressed};
use crate::section::Section;
use crate::types::RecordType;

/// The most octets of a stored message: as many as a stream can carry (RFC 1035 section 4.2.2).
const MAX_MESSAGE: usize = 65_535;

/// A finished message without OPT, with id, flags and the case of the question open.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Header, question, answer, authority.
    pub(crate) message: Box<[u8]>,
    /// The offset of each record's TTL, in the order of the records.
    pub(crate) ttls: Box<[u16]>,
    /// How many of the records are in the answer section; the others are in authority.
    pub(crate) answers: u16,
}

impl Encoded {
    /// Lowers the TTL of each record to at most this.
    pub(crate) fn cap_ttls(&mut self, ttl: u32) {
        for &at in &self.ttls {
            let at = usize::from(at);
            if let Some(field) = self.message.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
                *field = u32::from_be_bytes(*field).min(ttl).to_be_bytes();
            }
        }
    }

    /// Octets of memory behind the pointers.
    pub(crate) fn octets(&self) -> usize {
        self.message.len() + self.ttls.len() * size_of::<u16>()
    }
}

/// A message under construction.
pub(crate) struct Encoder {
    message: Vec<u8>,
    ttls: Vec<u16>,
    answers: u16,
    names: Compressor,
}

impl Encoder {
    /// Begins with the question.
    pub(crate) fn new(name: &Name, kind: RecordType) -> Self {
        let mut message = Vec::with_capacity(512);
        message.resize(HEADER, 0);
        let mut names = Compressor::new();
        // Lower case: each reply gets the case of its question written over it.
        names.write(name.to_lower().as_wire(), &mut message);
        message.extend_from_slice(&kind.0.to_be_bytes());
        message.extend_from_slice(&IN.to_be_bytes());
        Self { message, ttls: Vec::new(), answers: 0, names }
    }

    /// Appends a record whose owner and data hold their names in full, in the form that
    /// [`crate::rdata::expand`] has checked. All answers come before all authority records.
    pub(crate) fn push(
        &mut self,
        section: Section,
        owner: &[u8],
        kind: RecordType,
        ttl: u32,
        data: &[u8],
    ) -> Result<(), AnswerError> {
        self.names.write(owner, &mut self.message);
        self.message.extend_from_slice(&kind.0.to_be_bytes());
        self.message.extend_from_slice(&IN.to_be_bytes());
        let ttl_at = self.message.len();
        self.message.extend_from_slice(&ttl.to_be_bytes());
        self.message.extend_from_slice(&[0, 0]);
        let data_at = self.message.len();
        self.push_data(kind, data);
        if self.message.len() > MAX_MESSAGE {
            return Err(AnswerError::TooLarge);
        }
        let len = (self.message.len() - data_at) as u16;
        self.message[data_at - 2..data_at].copy_from_slice(&len.to_be_bytes());
        // Both fit: the message is below 64 KiB and a record has more than 10 octets.
        self.ttls.push(ttl_at as u16);
        self.answers += u16::from(section == Section::Answer);
        Ok(())
    }

    fn push_data(&mut self, kind: RecordType, data: &[u8]) {
        let mut at = 0;
        if is_compressed(kind) {
            for field in fields(kind) {
                at += match field {
                    Field::Name => self.names.write(&data[at..], &mut self.message),
                    Field::Octets(count) => {
                        self.message.extend_from_slice(&data[at..at + count]);
                        *count
                    }
                    // No type has other fields beside a compressed name.
                    _ => 0,
                };
            }
        }
        self.message.extend_from_slice(&data[at..]);
    }

    /// Fills in the counts.
    pub(crate) fn finish(mut self) -> Encoded {
        let header = Header {
            id: 0,
            flags: 0,
            questions: 1,
            answers: self.answers,
            authorities: self.ttls.len() as u16 - self.answers,
            additionals: 0,
        };
        self.message[..HEADER].copy_from_slice(&header.octets());
        Encoded {
            message: self.message.into_boxed_slice(),
            ttls: self.ttls.into_boxed_slice(),
            answers: self.answers,
        }
    }
}
