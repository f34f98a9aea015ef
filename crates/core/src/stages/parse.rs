//! parse: is it one well-formed question?
//!
//! Nothing later sees raw bytes.

use keyhole_names::HashedName;
use keyhole_wire::{ErrorReply, Malformed};

use crate::Reason;
use crate::question::Question;

/// Why a message is no question that goes on.
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation that clients control")]
pub enum Rejected {
    /// It deserves no answer: answering could feed a loop or a reflection.
    Drop,
    /// It gets this error.
    Error(Reason, ErrorReply),
}

/// Reads the message.
#[inline]
#[expect(clippy::result_large_err, reason = "a box would be an allocation that clients control")]
pub fn parse(packet: &[u8]) -> Result<Question, Rejected> {
    match keyhole_wire::parse(packet) {
        Ok(query) => Ok(Question { hashed: HashedName::new(&query.name), query }),
        Err(Malformed::Drop(_)) => Err(Rejected::Drop),
        Err(Malformed::Respond(error)) => Err(Rejected::Error(reason(&error), error)),
    }
}

fn reason(error: &ErrorReply) -> Reason {
    use keyhole_wire::Rcode;
    match error.rcode {
        Rcode::NOERROR => Reason::CookieAlone,
        Rcode::NOTIMP => Reason::NotImplemented,
        Rcode::BADVERS => Reason::BadVersion,
        Rcode::REFUSED => Reason::ClassNotServed,
        _ => Reason::Malformed,
    }
}
