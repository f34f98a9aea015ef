//! What can be wrong with a message, as small closed enums.

use std::fmt;

use crate::types::Rcode;

/// What is wrong with a client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseError {
    /// Fewer than 12 octets: there is no header.
    TooShort,
    /// A response (QR=1); answering it could start a loop between two servers.
    Response,
    /// An operation other than QUERY.
    Opcode,
    /// Not exactly one question (RFC 9619 section 4).
    QuestionCount,
    /// No question but a cookie: the client asks for ours (RFC 7873 section 5.4).
    CookieAlone,
    /// Records in the answer or authority section, where a query has none.
    UnexpectedRecords,
    /// More additional records than any query needs.
    TooManyRecords,
    /// A label or name is too long, or its label type is unknown.
    BadName,
    /// A compression pointer leads forward, to itself, into the header or through too many others.
    BadPointer,
    /// The message ends before what its counts and lengths promise.
    Truncated,
    /// Octets follow the last record.
    TrailingOctets,
    /// The class is not IN.
    Class,
    /// More than one OPT record (RFC 6891 section 6.1.1).
    SeveralOpts,
    /// The owner of the OPT record is not the root (RFC 6891 section 6.1.2).
    OptOwner,
    /// The EDNS version is above 0 (RFC 6891 section 6.1.3).
    OptVersion,
    /// An EDNS option runs over the end of the OPT record, or has a length that it cannot have.
    BadOption,
    /// The COOKIE option has a length that is not 8 or 16 to 40 (RFC 7873 section 5.2.2).
    BadCookie,
    /// The client subnet option contradicts itself (RFC 7871 section 6).
    BadClientSubnet,
    /// A TSIG record is not the last record (RFC 8945 section 5.1).
    MisplacedSignature,
}

impl ParseError {
    /// The response code that answers the error, where it is answered at all.
    #[must_use]
    pub const fn rcode(self) -> Rcode {
        match self {
            Self::Opcode => Rcode::NOTIMP,
            Self::Class => Rcode::REFUSED,
            Self::OptVersion => Rcode::BADVERS,
            Self::CookieAlone => Rcode::NOERROR,
            _ => Rcode::FORMERR,
        }
    }

    /// The error in words, short enough for the text of an extended error (RFC 8914 section 2).
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooShort => "no header",
            Self::Response => "a response instead of a query",
            Self::Opcode => "operation not implemented",
            Self::QuestionCount => "not exactly one question",
            Self::CookieAlone => "a cookie alone",
            Self::UnexpectedRecords => "answer or authority records in a query",
            Self::TooManyRecords => "too many additional records",
            Self::BadName => "bad name",
            Self::BadPointer => "bad compression pointer",
            Self::Truncated => "message ends too early",
            Self::TrailingOctets => "octets behind the message",
            Self::Class => "class is not IN",
            Self::SeveralOpts => "several OPT records",
            Self::OptOwner => "owner of OPT is not the root",
            Self::OptVersion => "EDNS version is not 0",
            Self::BadOption => "bad EDNS option",
            Self::BadCookie => "bad cookie length",
            Self::BadClientSubnet => "bad client subnet",
            Self::MisplacedSignature => "TSIG is not the last record",
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for ParseError {}

/// Why an upstream's message, or a set of records put together here, is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerError {
    /// The message ends before what its counts and lengths promise, or a name in it is broken.
    Unreadable,
    /// The id is another one.
    WrongId,
    /// It is a query (QR=0), or of another operation.
    NotAResponse,
    /// It answers another question.
    WrongQuestion,
    /// The upstream cut it (TC=1): ask again over a stream.
    Truncated,
    /// It names other servers that are to be asked, which a resolver does itself.
    Referral,
    /// The data of a record does not fit its type.
    BadData,
    /// Several OPT records, or one in the wrong place.
    BadOpt,
    /// The chain of CNAME records is longer than any honest one.
    LongChain,
    /// More records or octets than an answer may have.
    TooLarge,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "not a readable DNS message",
            Self::WrongId => "another id than asked",
            Self::NotAResponse => "not a response to a query",
            Self::WrongQuestion => "another question than asked",
            Self::Truncated => "truncated by the upstream",
            Self::Referral => "a referral to other servers",
            Self::BadData => "data of a record does not fit its type",
            Self::BadOpt => "broken OPT record",
            Self::LongChain => "chain of CNAME records is too long",
            Self::TooLarge => "too many records or octets",
        })
    }
}

impl std::error::Error for AnswerError {}
