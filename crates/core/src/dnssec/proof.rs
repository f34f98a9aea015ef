//! What proofs say: the types that a name has, and what follows from them.

use keyhole_wire::{Name, RecordType};

/// What a proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is so.
    Proved,
    /// There may be what nobody signed: names behind opt-out (RFC 5155 section 9.2), or a proof that
    /// costs too much to check (RFC 9276 section 3.2).
    Unsigned,
}

/// What a proof says of a name without DS records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delegation {
    /// No zone begins there.
    Inside,
    /// A zone that is not signed begins there, or may.
    Unsigned,
}

/// The types of an NSEC or NSEC3 record (RFC 4034 section 4.1.2).
#[derive(Debug)]
pub(super) struct Types(Vec<u8>);

impl Types {
    pub(super) fn read(blocks: &[u8]) -> Self {
        Self(blocks.to_vec())
    }

    pub(super) fn has(&self, kind: RecordType) -> bool {
        let [window, low] = kind.0.to_be_bytes();
        let mut rest = &self.0[..];
        while let [at, len, behind @ ..] = rest {
            let Some((bits, behind)) = behind.split_at_checked(usize::from(*len)) else { break };
            if *at == window {
                let octet = bits.get(usize::from(low / 8)).copied().unwrap_or(0);
                return octet & (0x80 >> (low % 8)) != 0;
            }
            rest = behind;
        }
        false
    }

    /// A zone of others begins here: it proves nothing of what lies below, nor of types at this name
    /// other than DS (RFC 6840 section 4.1).
    pub(super) fn is_delegation(&self) -> bool {
        self.has(RecordType::NS) && !self.has(RecordType::SOA)
    }

    /// Whether names below are not those of this zone (RFC 6840 section 4.1).
    pub(super) fn ends_zone(&self) -> bool {
        self.is_delegation() || self.has(RecordType::DNAME)
    }

    /// Whether a name with these types has none of `kind`, and no alias either (RFC 6840 section
    /// 4.3). The record must come from the side of the delegation that knows.
    pub(super) fn lack(&self, kind: RecordType, name: &Name) -> bool {
        let knows = match kind {
            RecordType::DS if !name.is_root() => !self.has(RecordType::SOA),
            _ => !self.is_delegation(),
        };
        knows && !self.has(kind) && !self.has(RecordType::CNAME)
    }

    /// What they say of a name that may be a delegation; none where there are DS records, or where
    /// the record comes from below.
    pub(super) fn delegation(&self) -> Option<Delegation> {
        if self.has(RecordType::DS) || self.has(RecordType::SOA) {
            None
        } else if self.has(RecordType::NS) {
            Some(Delegation::Unsigned)
        } else {
            Some(Delegation::Inside)
        }
    }
}
