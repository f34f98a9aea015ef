//! DNS messages: parsing questions, rebuilding queries, reading and writing answers.
//!
//! Pure: no input or output, no clock, no randomness, no `unsafe`.
#![forbid(unsafe_code)]

pub mod name;
pub mod types;

pub use name::{Name, NameError};
pub use types::{Rcode, RecordType};
