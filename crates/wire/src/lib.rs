//! DNS messages: parsing questions, rebuilding queries, reading and writing answers.
//!
//! Pure: no input or output, no clock, no randomness, no `unsafe`. Time comes in as a parameter.
//!
//! ```text
//! client's octets   -> query::parse        -> Query             (or ErrorReply -> write_error)
//! Query             -> rebuild::write_query -> octets for an upstream, nothing of the client in them
//! upstream's octets -> Answer::read        -> Answer            (checked, filtered, re-encoded once)
//! Answer + Shape    -> reply::write_answer -> octets for the client
//! Synthetic + Shape -> write_synthetic     -> octets for the client
//! ```
#![forbid(unsafe_code)]

mod answer;
mod build;
mod chain;
mod compress;
mod data;
mod edns;
mod encode;
mod error;
mod flaw;
mod header;
pub mod name;
mod opt;
mod packed;
mod query;
mod read;
mod rebuild;
mod record;
mod reply;
mod synthetic;
pub mod types;

pub use answer::Answer;
pub use build::AnswerBuilder;
pub use edns::{Cookie, Edns};
pub use error::{ErrorReply, write_error};
pub use flaw::{AnswerFlaw, Flaw};
pub use name::{Name, NameError};
pub use query::{Malformed, Query, parse};
pub use rebuild::write_query;
pub use record::{Record, Section};
pub use reply::{ReplyEdns, Shape, Written, write_answer};
pub use synthetic::{Synthetic, write_synthetic};
pub use types::{Rcode, RecordType};

/// The EDNS payload size in octets that Keyhole announces: what passes every network without
/// fragments (DNS flag day 2020, RFC 9715 section 3.1).
pub const UDP_OCTETS: u16 = 1232;
