//! A client's message: one well-formed question, or why not. Allocates nothing.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 1035 section 4.1 | header, question, records |
//! | RFC 6891 section 6.1 | an OPT record is answered with one; at most one OPT, owned by the root, in the additional section |
//! | RFC 8906 section 3 | unknown flags are ignored, unknown operations are NOTIMP |
//! | RFC 9267 | pointers and counts that lie |
//! | RFC 9619 | exactly one question |

use crate::compressed_name::{
    Frame, copy_name, read_frame, read_name, skip_any_name, skip_plain_name,
};
use crate::edns::{Cookie, Edns};
use crate::error_reply::ErrorReply;
use crate::header::{AD, CD, HEADER, Header, IN, QR, RD, u16_at};
use crate::name::Name;
use crate::opt::{OPT, OPTION};
use crate::parse_error::ParseError;
use crate::types::RecordType;

/// The most additional records that a query may have. Honest ones have an OPT and perhaps a
/// signature; the bound keeps the cost of a packet small (RFC 9267 section 6).
const MAX_ADDITIONAL: u16 = 8;

/// One question as a client sent it. Its class is always IN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The id that the reply repeats.
    pub id: u16,
    /// RD: the client wants recursion.
    pub recursion_desired: bool,
    /// CD: the client checks DNSSEC itself (RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
    /// AD: the client understands this flag in the reply (RFC 6840 section 5.7).
    pub authentic_data: bool,
    /// The name in the case in which it was sent, which the reply repeats.
    pub name: Name,
    /// The type asked for.
    pub kind: RecordType,
    /// The EDNS part, where there is an OPT record.
    pub edns: Option<Edns>,
}

impl Query {
    /// The least octets that a message with this question has.
    #[must_use]
    #[inline]
    pub fn least_octets(&self) -> usize {
        let edns = self.edns.as_ref().map_or(0, |edns| {
            let octets = |cookie: &Cookie| OPTION + cookie.client().len() + cookie.server().len();
            OPT + edns.cookie.as_ref().map_or(0, octets)
        });
        HEADER + self.name.as_wire().len() + 4 + edns
    }
}

/// What to do with a message that is not one well-formed question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation that clients control")]
pub enum Malformed {
    /// Send nothing.
    Drop(ParseError),
    /// Send this.
    Respond(ErrorReply),
}

impl Malformed {
    /// What is wrong.
    #[must_use]
    pub fn error(&self) -> ParseError {
        match self {
            Self::Drop(error) => *error,
            Self::Respond(reply) => reply.error,
        }
    }
}

/// How far the reading of a message got, which decides what an error reply can repeat. The name
/// stays where it is until the end, so that it is copied once.
#[derive(Default)]
struct Progress {
    /// Where the name ends, with type and class, once the question has been read.
    question: Option<(usize, RecordType, u16)>,
}

/// Reads a client's message.
///
/// The cost is bounded by the length of the packet and small: at most nine names are read, and no
/// option list is walked twice.
///
/// # Errors
///
/// [`Malformed`] says whether the message is dropped or answered, with which code, and the error.
#[inline]
#[expect(clippy::result_large_err, reason = "a box would be an allocation that clients control")]
pub fn parse(packet: &[u8]) -> Result<Query, Malformed> {
    let header = Header::read(packet).ok_or(Malformed::Drop(ParseError::TooShort))?;
    if header.has(QR) {
        return Err(Malformed::Drop(ParseError::Response));
    }
    let mut progress = Progress::default();
    match (read_body(packet, header, &mut progress), progress.question) {
        (Ok(edns), Some((end, kind, IN))) => Ok(Query {
            id: header.id,
            recursion_desired: header.has(RD),
            checking_disabled: header.has(CD),
            authentic_data: header.has(AD),
            name: copy_name(&packet[HEADER..end]),
            kind,
            edns,
        }),
        (body, _) => {
            let error = body.err().unwrap_or(ParseError::Class);
            Err(Malformed::Respond(error_reply(packet, header, &progress, error)))
        }
    }
}

#[cold]
fn error_reply(
    packet: &[u8],
    header: Header,
    progress: &Progress,
    error: ParseError,
) -> ErrorReply {
    let question =
        progress.question.map(|(end, kind, class)| (copy_name(&packet[HEADER..end]), kind, class));
    let edns = find_opt(packet, header).map(|frame| Edns::read_leniently(packet, &frame));
    // RFC 7873 section 5.4: a client without a question asks for a server cookie.
    let wants_cookie = edns.is_some_and(|edns| edns.cookie.is_some())
        && error == ParseError::QuestionCount
        && header.questions == 0
        && header.answers == 0
        && header.authorities == 0;
    let error = if wants_cookie { ParseError::CookieAlone } else { error };
    ErrorReply {
        id: header.id,
        opcode: header.opcode(),
        recursion_desired: header.has(RD),
        rcode: error.rcode(),
        question,
        edns,
        error,
    }
}

/// The first OPT record of a message that may be wrong anywhere before it, so that the reply has
/// one as well (RFC 6891 section 6.1.1). None where the way there cannot be read.
///
/// Each step takes octets of the packet, and no pointer is followed, so its length bounds the cost.
#[cold]
fn find_opt(packet: &[u8], header: Header) -> Option<Frame> {
    let mut at = HEADER;
    for _ in 0..header.questions {
        at = skip_any_name(packet, at)? + 4;
    }
    let counts = [header.answers, header.authorities, header.additionals];
    for _ in 0..counts.map(u32::from).iter().sum::<u32>() {
        let frame = read_frame(packet, skip_any_name(packet, at)?)?;
        if RecordType(frame.kind) == RecordType::OPT {
            return Some(frame);
        }
        at = frame.end;
    }
    None
}

/// Reads everything behind the header; the whole packet must be used up.
#[inline]
fn read_body(
    packet: &[u8],
    header: Header,
    progress: &mut Progress,
) -> Result<Option<Edns>, ParseError> {
    // What the sections of other operations mean is not known here (RFC 8906 section 3.1.4).
    if header.opcode() != 0 {
        return Err(ParseError::Opcode);
    }
    if header.questions != 1 {
        return Err(ParseError::QuestionCount);
    }
    let at = skip_plain_name(packet, HEADER)?;
    let kind = RecordType(u16_at(packet, at).ok_or(ParseError::Truncated)?);
    let class = u16_at(packet, at + 2).ok_or(ParseError::Truncated)?;
    progress.question = Some((at, kind, class));
    // An IXFR query shows its zone's version as one authority record (RFC 1995 section 3).
    let authorities = u16::from(kind == RecordType::IXFR);
    if header.answers != 0 || header.authorities > authorities {
        return Err(ParseError::UnexpectedRecords);
    }
    if header.additionals > MAX_ADDITIONAL {
        return Err(ParseError::TooManyRecords);
    }
    let mut at = at + 4;
    for _ in 0..header.authorities {
        at = read_outside_additional(packet, at)?;
    }
    let (edns, at) = read_additional(packet, at, header.additionals)?;
    if at != packet.len() {
        return Err(ParseError::TrailingOctets);
    }
    Ok(edns)
}

#[inline]
fn read_additional(
    packet: &[u8],
    mut at: usize,
    count: u16,
) -> Result<(Option<Edns>, usize), ParseError> {
    let mut opt = None;
    for left in (0..count).rev() {
        let root = packet.get(at) == Some(&0);
        let behind = if root { at + 1 } else { read_name(packet, at)?.1 };
        let frame = read_frame(packet, behind).ok_or(ParseError::Truncated)?;
        at = frame.end;
        match RecordType(frame.kind) {
            RecordType::OPT => {
                if opt.is_some() {
                    return Err(ParseError::SeveralOpts);
                }
                if !root {
                    return Err(ParseError::OptOwner);
                }
                opt = Some(frame);
            }
            // Signatures are not checked: a server need not (RFC 2931 section 3.2), and the client
            // sees from the unsigned reply that this one does not.
            RecordType::TSIG if left != 0 => return Err(ParseError::MisplacedSignature),
            _ => {}
        }
    }
    // Last, so that a second OPT or a lying count is found whatever the first OPT says.
    let edns = opt.map(|frame| Edns::read(packet, &frame)).transpose()?;
    Ok((edns, at))
}

/// Steps over a record that must not be OPT, which belongs into the additional section only
/// (RFC 6891 section 6.1.1).
#[cold]
fn read_outside_additional(packet: &[u8], at: usize) -> Result<usize, ParseError> {
    let (_, behind) = read_name(packet, at)?;
    let frame = read_frame(packet, behind).ok_or(ParseError::Truncated)?;
    if RecordType(frame.kind) == RecordType::OPT {
        return Err(ParseError::UnexpectedRecords);
    }
    Ok(frame.end)
}
