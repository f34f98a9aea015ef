//! Lists of names: reading the formats in which they are published, compiling them into one file,
//! and asking that file about a name.
//!
//! A list file holds all lists of a snapshot. It is mapped into memory, never changed, and shared
//! by all threads. A name is found by its hash and confirmed by its octets, so that a collision of
//! hashes can never block a name; each hit says which list, file and line it comes from.

mod builder;
mod compiler;
mod entry;
mod expression;
mod file;
mod file_format;
mod formats;
mod hit;
mod idn;
mod line;
mod name_syntax;
mod patterns;
mod protected_names;
mod report;
mod request;
mod skip_reason;
mod table;
mod wildcard;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

pub use compiler::Compiler;
pub use file::ListFile;
pub use formats::Format;
pub use hit::{ListHit, ListMask};
pub use report::{Example, FileReport, ListReport, Report, Skipped};
pub use request::{compile, search};

/// The most lists in a file, so that a set of them is a small array of bits.
pub const MAX_LISTS: usize = 1024;
