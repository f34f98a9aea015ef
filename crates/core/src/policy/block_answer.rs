//! How a blocked name is answered.

use std::net::IpAddr;

use keyhole_wire::{RecordType, Synthetic};

use crate::document::AnswerDocument;

/// How a blocked name is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockAnswer {
    /// The name does not exist.
    Nxdomain,
    /// The name has no records of the type.
    NoData,
    /// Refused.
    Refused,
    /// `0.0.0.0` and `::`; no data for other types.
    Null,
    /// This address for its own type; no data for other types.
    Address(IpAddr),
}

impl From<&AnswerDocument> for BlockAnswer {
    fn from(document: &AnswerDocument) -> Self {
        match *document {
            AnswerDocument::Nxdomain => Self::Nxdomain,
            AnswerDocument::Nodata => Self::NoData,
            AnswerDocument::Refused => Self::Refused,
            AnswerDocument::Null => Self::Null,
            AnswerDocument::Address(address) => Self::Address(address),
        }
    }
}

impl BlockAnswer {
    /// What goes on the wire.
    pub const fn synthetic(self) -> Synthetic {
        match self {
            Self::Nxdomain => Synthetic::Nxdomain,
            Self::NoData => Synthetic::NoData,
            Self::Refused => Synthetic::REFUSED,
            Self::Null => Synthetic::Null,
            Self::Address(address) => Synthetic::Address(address),
        }
    }
}

/// What a client got for a blocked name, for the query log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenAnswer {
    /// The name does not exist.
    Nxdomain,
    /// The name has no records of the type.
    NoData,
    /// Refused.
    Refused,
    /// `0.0.0.0` or `::`.
    Null,
    /// An address of the policy.
    Address,
}

impl GivenAnswer {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Nxdomain, Self::NoData, Self::Refused, Self::Null, Self::Address];

    /// What this answer is to a question for records of this type.
    #[inline]
    pub fn of(what: Synthetic, kind: RecordType) -> Self {
        match what {
            Synthetic::Nxdomain => Self::Nxdomain,
            Synthetic::Null if what.has_address(kind) => Self::Null,
            Synthetic::Address(_) if what.has_address(kind) => Self::Address,
            Synthetic::Failure(_) => Self::Refused,
            _ => Self::NoData,
        }
    }

    /// The word in the query log: that of the documents.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nxdomain => "nxdomain",
            Self::NoData => "nodata",
            Self::Refused => "refused",
            Self::Null => "null",
            Self::Address => "address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_data_to_a_question_for_another_type() {
        let v4 = BlockAnswer::Address(IpAddr::from([192, 0, 2, 1]));
        for (answer, kind, given) in [
            (BlockAnswer::Nxdomain, RecordType::A, GivenAnswer::Nxdomain),
            (BlockAnswer::NoData, RecordType::A, GivenAnswer::NoData),
            (BlockAnswer::Refused, RecordType::A, GivenAnswer::Refused),
            (BlockAnswer::Null, RecordType::AAAA, GivenAnswer::Null),
            (BlockAnswer::Null, RecordType::HTTPS, GivenAnswer::NoData),
            (v4, RecordType::A, GivenAnswer::Address),
            (v4, RecordType::AAAA, GivenAnswer::NoData),
        ] {
            assert_eq!(GivenAnswer::of(answer.synthetic(), kind), given, "{answer:?} {kind}");
        }
    }
}
