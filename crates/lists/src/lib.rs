//! Lists of names: reading the formats in which they are published, and compiling them into the
//! one file that packets ask ([`keyhole_names::list_file`]).

mod builder;
mod comment;
mod compiler;
mod entry;
mod formats;
mod idn;
mod line;
mod name_syntax;
mod protected_names;
mod report;
mod request;
mod skip_reason;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;

pub use compiler::Compiler;
pub use formats::{Format, catalogue as format_catalogue};
pub use report::{Example, FileReport, ListReport, Report, Skipped};
pub use request::{compile, search};
