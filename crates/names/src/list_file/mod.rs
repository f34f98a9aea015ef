//! The compiled list file: how it is laid out, and how a packet asks it about a name.
//!
//! A list file holds all lists of a snapshot. It is mapped into memory, never changed, and shared
//! by all threads. A name is found by its hash and confirmed by its octets, so that a collision of
//! hashes can never block a name; each hit says which list, file and line it comes from.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `file` | the file as packets ask it |
//! | `decide` | what the lists in use say about a question |
//! | `candidates` | the entries that speak of a name, and which of them decides |
//! | `format` | header, sections and what a list says about a name |
//! | `limits` | what narrows an entry down, or makes it an exception of its own kind |
//! | `table` | from hashes to names |
//! | `patterns` | wildcards and regular expressions |
//! | `hit` | what was found, and which lists are asked |

mod candidates;
mod decide;
mod entry_text;
mod expression;
mod file;
mod format;
mod hit;
mod limits;
mod pattern_error;
mod patterns;
mod table;
mod wildcard;

pub use file::ListFile;
pub use format::{
    ALLOW, Attributes, BELOW, EXACT, HEADER, Header, IMPORTANT, SECTIONS, SPECIFIC, SourceList,
    Sources, sha256, wire_len,
};
pub use hit::{Action, ListHit, ListKind, ListMask, MAX_LISTS};
pub use limits::{Effect, Limits, Rewrite, write_limits};
pub use pattern_error::PatternError;
pub use patterns::{EVERYTHING, MAX_EXPRESSIONS, MAX_PATTERNS, MAX_SLOW, Matcher, Pattern};
pub use table::build as build_table;
