//! How a blocked name is answered.

use std::net::IpAddr;

use keyhole_wire::Synthetic;

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
