//! RRSIG records: when they are valid, and what they sign.

use keyhole_wire::{Name, RecordType};

use crate::reason::Reason;

/// Octets of an RRSIG record before the name of its signer.
const FIXED: usize = 18;

/// An RRSIG record (RFC 4034 section 3.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) covered: RecordType,
    pub(super) algorithm: u8,
    pub(super) labels: u8,
    pub(super) original_ttl: u32,
    pub(super) window: Window,
    pub(super) tag: u16,
    /// In lower case.
    pub(super) signer: Name,
    /// The data up to the signature, in canonical form.
    pub(super) head: Vec<u8>,
    pub(super) octets: Vec<u8>,
}

/// From when to when something is valid, seconds of Unix time modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: u32,
    pub(super) until: u32,
}

impl Window {
    /// Whether it is open; by serial number arithmetic (RFC 4034 section 3.1.5).
    ///
    /// # Errors
    /// Too late, or too early.
    pub(super) fn check(self, now: u32) -> Result<(), Reason> {
        if (self.until.wrapping_sub(now) as i32) < 0 {
            Err(Reason::DnssecSignatureExpired)
        } else if (now.wrapping_sub(self.from) as i32) < 0 {
            Err(Reason::DnssecSignatureNotYetValid)
        } else {
            Ok(())
        }
    }

    /// Seconds until it closes.
    pub(super) fn left(self, now: u32) -> u32 {
        self.until.wrapping_sub(now)
    }

    /// The time at which both are open, as seen from `now`, when both are.
    pub(super) fn and(self, other: Self, now: u32) -> Self {
        let until = now.wrapping_add(self.left(now).min(other.left(now)));
        let age = |one: Self| now.wrapping_sub(one.from);
        Self { from: now.wrapping_sub(age(self).min(age(other))), until }
    }
}

impl Signature {
    /// Reads the data of a record, whose names are in full.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (fixed, rest) = data.split_first_chunk::<FIXED>()?;
        let u16_at = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let mut len = 0;
        while *rest.get(len)? != 0 {
            len += 1 + usize::from(rest[len]);
        }
        let (signer, octets) = rest.split_at_checked(len + 1)?;
        let signer = Name::from_wire(signer).ok()?.to_lower();
        Some(Self {
            covered: RecordType(u16_at(0)),
            algorithm: fixed[2],
            labels: fixed[3],
            original_ttl: u32_at(4),
            window: Window { from: u32_at(12), until: u32_at(8) },
            tag: u16_at(16),
            head: [&fixed[..], signer.as_wire()].concat(),
            signer,
            octets: octets.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_and_closes_also_where_the_numbers_begin_anew() {
        let window = Window { from: u32::MAX - 10, until: 20 };
        for (now, expected) in [
            (u32::MAX - 11, Err(Reason::DnssecSignatureNotYetValid)),
            (u32::MAX - 10, Ok(())),
            (0, Ok(())),
            (20, Ok(())),
            (21, Err(Reason::DnssecSignatureExpired)),
        ] {
            assert_eq!(window.check(now), expected, "{now}");
        }
        assert_eq!(window.left(5), 15);
        let both = window.and(Window { from: 1, until: 30 }, 5);
        assert_eq!(both, Window { from: 1, until: 20 });
    }
}
