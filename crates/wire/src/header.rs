//! The header of a message (RFC 1035 section 4.1.1) and the octets around records.

/// Octets in a header.
pub(crate) const HEADER: usize = 12;
/// Octets of a record behind its owner and before its data: type, class, TTL, length.
pub(crate) const RECORD: usize = 10;
/// The class IN, the only one served.
pub(crate) const IN: u16 = 1;

pub(crate) const QR: u16 = 0x8000;
pub(crate) const AA: u16 = 0x0400;
pub(crate) const TC: u16 = 0x0200;
pub(crate) const RD: u16 = 0x0100;
pub(crate) const RA: u16 = 0x0080;
pub(crate) const AD: u16 = 0x0020;
pub(crate) const CD: u16 = 0x0010;

/// The six 16-bit fields of a header.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    pub(crate) questions: u16,
    pub(crate) answers: u16,
    pub(crate) authorities: u16,
    pub(crate) additionals: u16,
}

impl Header {
    /// Reads the first 12 octets, or nothing where there are fewer.
    #[inline]
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let head = message.first_chunk::<HEADER>()?;
        let field = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        Some(Self {
            id: field(0),
            flags: field(2),
            questions: field(4),
            answers: field(6),
            authorities: field(8),
            additionals: field(10),
        })
    }

    /// The header in wire form.
    #[inline]
    pub(crate) fn octets(self) -> [u8; HEADER] {
        let [a, b] = self.id.to_be_bytes();
        let [c, d] = self.flags.to_be_bytes();
        let [e, f] = self.questions.to_be_bytes();
        let [g, h] = self.answers.to_be_bytes();
        let [i, j] = self.authorities.to_be_bytes();
        let [k, l] = self.additionals.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Whether a flag is set.
    #[inline]
    pub(crate) fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The operation; 0 is QUERY.
    #[inline]
    pub(crate) fn opcode(self) -> u8 {
        ((self.flags >> 11) & 0x0f) as u8
    }
}

/// The 16-bit number at an offset, or nothing behind the end.
#[inline]
pub(crate) fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

/// The 32-bit number at an offset, or nothing behind the end.
#[inline]
pub(crate) fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}
