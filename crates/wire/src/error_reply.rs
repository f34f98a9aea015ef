//! The reply to a message that is not one well-formed question.

use crate::UDP_OCTETS;
use crate::edns::EXTENDED_ERROR;
use crate::header::{Header, QR, RD};
use crate::name::Name;
use crate::opt;
use crate::parse_error::ParseError;
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
    /// Whether the message had an OPT record, so that the reply has one (RFC 6891 section 6.1.1).
    pub edns: bool,
    /// What is wrong.
    pub error: ParseError,
}

/// Appends the reply to `out`, with an extended error (RFC 8914) where EDNS allows it. At most 512
/// octets: the text is cut to 128.
pub fn write_error(reply: &ErrorReply, extended_error: Option<(u16, &str)>, out: &mut Vec<u8>) {
    let opcode = u16::from(reply.opcode & 0x0f) << 11;
    let flags = QR | opcode | if reply.recursion_desired { RD } else { 0 } | (reply.rcode.0 & 0x0f);
    let header = Header {
        id: reply.id,
        flags,
        questions: u16::from(reply.question.is_some()),
        answers: 0,
        authorities: 0,
        additionals: u16::from(reply.edns),
    };
    out.extend_from_slice(&header.octets());
    if let Some((name, kind, class)) = &reply.question {
        out.extend_from_slice(name.as_wire());
        out.extend_from_slice(&kind.0.to_be_bytes());
        out.extend_from_slice(&class.to_be_bytes());
    }
    if reply.edns {
        let options = opt::begin(UDP_OCTETS, reply.rcode, false, out);
        if let Some((code, text)) = extended_error {
            let data = [&code.to_be_bytes(), opt::cut(text, 128).as_bytes()];
            opt::push(EXTENDED_ERROR, &data, out);
        }
        opt::end(options, out);
    }
}
