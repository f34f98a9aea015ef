//! Answers that are made here: local records, special names, aliases put before an answer.

use crate::answer::Answer;
use crate::answer_reader::RawRecords;
use crate::name::Name;
use crate::parse_error::AnswerError;
use crate::record::Record;
use crate::section::Section;
use crate::synthetic::soa_data;
use crate::types::{Rcode, RecordType};

/// A record of the answer section that stands before an answer: an alias that leads to it, or the
/// signature of one.
#[derive(Clone, Debug)]
pub struct LeadingRecord {
    /// The name that the record belongs to.
    pub owner: Name,
    /// Its type.
    pub kind: RecordType,
    /// Seconds that it may be kept.
    pub ttl: u32,
    /// Its data, with names in full.
    pub data: Vec<u8>,
}

/// Puts an answer together record by record.
pub struct AnswerBuilder {
    name: Name,
    kind: RecordType,
    rcode: Rcode,
    authoritative: bool,
    records: RawRecords,
    error: Option<AnswerError>,
}

impl AnswerBuilder {
    /// Begins the answer to a question.
    #[must_use]
    pub fn new(name: &Name, kind: RecordType, rcode: Rcode) -> Self {
        let (name, records) = (*name, RawRecords::default());
        Self { name, kind, rcode, authoritative: false, records, error: None }
    }

    /// Sets AA: the data is our own (RFC 1035 section 4.1.1).
    #[must_use]
    pub fn authoritative(mut self) -> Self {
        self.authoritative = true;
        self
    }

    /// Adds a record to the answer section; `data` holds its names in full. Data that does not fit
    /// the type shows in [`Self::finish`].
    #[must_use]
    pub fn push(self, owner: &Name, kind: RecordType, ttl: u32, data: &[u8]) -> Self {
        self.add(Section::Answer, owner, kind, ttl, data)
    }

    /// Adds a record whose data is one name: CNAME, PTR, NS, DNAME.
    #[must_use]
    pub fn push_name(self, owner: &Name, kind: RecordType, ttl: u32, target: &Name) -> Self {
        self.add(Section::Answer, owner, kind, ttl, target.as_wire())
    }

    /// Adds the SOA record that lets others cache a negative answer for `ttl` seconds
    /// (RFC 2308 section 3). `zone` is where it stands.
    #[must_use]
    pub fn soa(self, zone: &Name, ttl: u32) -> Self {
        self.add(Section::Authority, zone, RecordType::SOA, ttl, &soa_data(zone, ttl))
    }

    /// Adds the SOA record of a zone that is served here to the answer section: it was asked for.
    #[must_use]
    pub fn push_soa(self, zone: &Name, ttl: u32) -> Self {
        self.add(Section::Answer, zone, RecordType::SOA, ttl, &soa_data(zone, ttl))
    }

    pub(crate) fn add(
        mut self,
        section: Section,
        owner: &Name,
        kind: RecordType,
        ttl: u32,
        data: &[u8],
    ) -> Self {
        let ttl = ttl.min(i32::MAX as u32);
        let added = self.records.push(section, owner, kind, ttl, (data, 0, data.len()));
        self.error = self.error.or(added.err());
        self
    }

    /// Encodes the answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError::BadData`] where the data of a record does not fit its type,
    /// [`AnswerError::TooLarge`] where the records do not fit into one message.
    pub fn finish(self) -> Result<Answer, AnswerError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let entries = &self.records.entries;
        let has_answer = |kind: RecordType| {
            entries.iter().any(|entry| {
                entry.section == Section::Answer
                    && (entry.kind == kind || self.kind == RecordType::ANY)
            })
        };
        let failure = !matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let negative = !failure && (self.rcode == Rcode::NXDOMAIN || !has_answer(self.kind));
        // Answers first, then authority, in whatever order they were added.
        let mut kept: Vec<usize> = (0..entries.len()).collect();
        kept.sort_by_key(|&index| entries[index].section == Section::Authority);
        let ttl = entries.iter().map(|entry| entry.ttl).min().unwrap_or(0);
        let (whole, plain) = Answer::assemble(&self.name, self.kind, &self.records, &kept)?;
        Ok(Answer {
            rcode: self.rcode,
            ttl: if failure { 0 } else { ttl },
            negative,
            authentic: false,
            authoritative: self.authoritative,
            extended_error: None,
            valid_for: u32::MAX,
            name_len: self.name.len,
            whole,
            plain,
        })
    }
}

impl Answer {
    /// The answer to another question whose aliases lead to this one: `chain` holds owner, target
    /// and TTL of each CNAME record, from the question on.
    ///
    /// # Errors
    ///
    /// [`AnswerError::TooLarge`] where the records do not fit into one message.
    pub fn with_chain(
        &self,
        name: &Name,
        kind: RecordType,
        chain: &[(Name, Name, u32)],
    ) -> Result<Self, AnswerError> {
        let mut builder = AnswerBuilder::new(name, kind, self.rcode);
        for (owner, target, ttl) in chain {
            builder = builder.push_name(owner, RecordType::CNAME, *ttl, target);
        }
        self.behind(builder, |_| true)
    }

    /// The same behind aliases of another answer, which keep their signatures, and with only those
    /// records of this answer that `keep` names. Without leading records it is the answer to its own
    /// question.
    ///
    /// # Errors
    ///
    /// [`AnswerError::TooLarge`] where the records do not fit into one message.
    pub fn behind_records(
        &self,
        name: &Name,
        kind: RecordType,
        leading: &[LeadingRecord],
        keep: impl Fn(&Record<'_>) -> bool,
    ) -> Result<Self, AnswerError> {
        let builder = AnswerBuilder::new(name, kind, self.rcode);
        let builder = leading.iter().fold(builder, |builder, record| {
            builder.push(&record.owner, record.kind, record.ttl, &record.data)
        });
        self.behind(builder, keep)
    }

    fn behind(
        &self,
        builder: AnswerBuilder,
        keep: impl Fn(&Record<'_>) -> bool,
    ) -> Result<Self, AnswerError> {
        let kept = self.records().filter(keep);
        let builder = kept.fold(builder, |builder, record| {
            let data = record.data();
            builder.add(record.section, &record.owner(), record.kind, record.ttl, &data)
        });
        let answer = builder.finish()?;
        // The part that is kept shortest decides, also where it has no record to say so.
        let ttl = answer.ttl.min(self.ttl);
        Ok(Self { ttl, negative: self.negative, extended_error: self.extended_error, ..answer })
    }
}
