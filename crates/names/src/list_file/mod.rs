//! The compiled list file: how it is laid out, and how a packet asks it about a name.
//!
//! A list file holds all lists of a snapshot. It is mapped into memory, never changed, and shared
//! by all threads. A name is found by its hash and confirmed by its octets, so that a collision of
//! hashes can never block a name; each hit says which list, file and line it comes from.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `file` | the file as packets ask it |
//! | `format` | header, sections and what a list says about a name |
//! | `limits` | record types and names that narrow an entry down |
//! | `table` | from hashes to names |
//! | `patterns` | wildcards and regular expressions |
//! | `hit` | what was found, and which lists are asked |

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
    ALLOW, Attributes, BELOW, EXACT, HEADER, Header, IMPORTANT, SECTIONS, SourceList, Sources,
    sha256, wire_len,
};
pub use hit::{Action, ListHit, ListKind, ListMask, MAX_LISTS};
pub use limits::{Limits, write_limits};
pub use pattern_error::PatternError;
pub use patterns::{MAX_EXPRESSIONS, MAX_PATTERNS, MAX_SLOW, Matcher, Pattern};
pub use table::build as build_table;
