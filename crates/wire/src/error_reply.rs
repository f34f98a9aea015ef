//! The reply to a message that is not one well-formed question.

use crate::edns::Edns;
use crate::header::{Header, QR, RD};
use crate::name::Name;
use crate::parse_error::ParseError;
use crate::reply_opt::{ReplyEdns, write_opt_record};
use crate::types::{Rcode, RecordType};

/// All that goes into the reply to a malformed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// The id of the message.
    pub id: u16,
    /// Its operation, 0 to 15, which the reply repeats.
    pub opcode: u8,
    /// Its RD flag, which the reply repeats.
    pub recursion_desired: bool,
    /// The response code; one above 15 needs `edns` (RFC 6891 section 6.1.3).
    pub rcode: Rcode,
    /// Name, type and class, where one question could be read.
    pub question: Option<(Name, RecordType, u16)>,
    /// What could be read of the message's OPT record, so that the reply has one as well (RFC 6891
    /// section 6.1.1).
    pub edns: Option<Edns>,
    /// What is wrong.
    pub error: ParseError,
}

/// Appends the reply to `out`. `edns` is what its OPT record says, if the message had one. What it
/// says may go, so that the reply has at most `limit` octets.
pub fn write_error(
    reply: &ErrorReply,
    edns: Option<&ReplyEdns<'_>>,
    limit: usize,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let opcode = u16::from(reply.opcode & 0x0f) << 11;
    let flags = QR | opcode | if reply.recursion_desired { RD } else { 0 } | (reply.rcode.0 & 0x0f);
    let opt = reply.edns.as_ref().zip(edns);
    let header = Header {
        id: reply.id,
        flags,
        questions: u16::from(reply.question.is_some()),
        answers: 0,
        authorities: 0,
        additionals: u16::from(opt.is_some()),
    };
    out.extend_from_slice(&header.octets());
    if let Some((name, kind, class)) = &reply.question {
        out.extend_from_slice(name.as_wire());
        out.extend_from_slice(&kind.0.to_be_bytes());
        out.extend_from_slice(&class.to_be_bytes());
    }
    if let Some((asked, edns)) = opt {
        write_opt_record(start, reply.rcode, asked, edns, limit, out);
    }
}
