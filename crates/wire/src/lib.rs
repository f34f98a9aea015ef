//! DNS messages: parsing questions, rebuilding queries, reading and writing answers.
//!
//! Pure: no input or output, no clock, no randomness, no `unsafe`. Time comes in as a parameter.
//!
//! ```text
//! client's octets   -> query::parse        -> Query             (or ErrorReply -> write_error)
//! Query             -> write_query         -> octets for an upstream, nothing of the client in them
//! upstream's octets -> Answer::read        -> Answer            (checked, filtered, re-encoded once)
//! Answer + Shape    -> reply::write_answer -> octets for the client
//! Synthetic + Shape -> write_synthetic     -> octets for the client
//! ```
#![forbid(unsafe_code)]

mod answer;
mod answer_builder;
mod answer_reader;
mod chain;
mod compress;
mod compressed_name;
mod edns;
mod encode;
mod error_reply;
mod header;
mod hints;
pub mod name;
mod opt;
mod parse_error;
mod query;
mod rdata;
mod record;
mod reply;
mod reply_opt;
mod section;
mod synthetic;
pub mod types;
mod upstream_query;

pub use answer::Answer;
pub use answer_builder::{AnswerBuilder, LeadingRecord};
pub use edns::{Cookie, Edns, TRACE_CONTEXT_OCTETS};
pub use error_reply::{ErrorReply, write_error};
pub use hints::Hints;
pub use name::{Name, NameError};
pub use parse_error::{AnswerError, ParseError};
pub use query::{Malformed, Query, parse};
pub use record::Record;
pub use reply::{Shape, Written, write_answer, write_truncated};
pub use reply_opt::ReplyEdns;
pub use section::Section;
pub use synthetic::{Synthetic, ZoneAt, write_synthetic};
pub use types::{Rcode, RecordType};
pub use upstream_query::{UpstreamForm, write_query, write_query_as};

/// The EDNS payload size in octets that Keyhole announces: what passes every network without
/// fragments (DNS flag day 2020, RFC 9715 section 3.1).
pub const UDP_OCTETS: u16 = 1232;
