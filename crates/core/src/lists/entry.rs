//! What one line of a list says, the same for all formats.

use keyhole_wire::Name;

use super::skip_reason::SkipReason;
use crate::snapshot::document::Action;

/// Which names an entry means, seen from the name that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This name alone.
    Exact,
    /// Every name below it, not the name itself.
    Below,
    /// The name and every name below it.
    AtAndBelow,
}

/// What narrows an entry down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Record types that it is for; empty means all (`$dnstype=A`).
    pub(crate) types: Vec<u16>,
    /// Record types that it is not for (`$dnstype=~A`).
    pub(crate) except_types: Vec<u16>,
    /// Names that it spares, with everything below them (`$denyallow=x`).
    pub(crate) except_names: Vec<Name>,
}

impl Limits {
    /// Whether nothing is narrowed down.
    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_empty() && self.except_types.is_empty() && self.except_names.is_empty()
    }
}

/// The names that an entry means.
#[derive(Clone, Debug, PartialEq, Eq)]
// Lives for one line; a box would cost an allocation for each name of a list.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Target {
    /// A lower-case name.
    Name(Name, Scope),
    /// A name with `*` in it, with the anchors of the adblock syntax.
    Wildcard(String),
    /// A regular expression, without the slashes around it.
    Regex(String),
}

/// One thing that a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListEntry {
    pub(crate) target: Target,
    pub(crate) action: Action,
    pub(crate) important: bool,
    pub(crate) limits: Limits,
}

impl ListEntry {
    /// An entry that blocks, without any limit.
    pub(crate) fn block(target: Target) -> Self {
        Self { target, action: Action::Block, important: false, limits: Limits::default() }
    }
}

/// What the reader of a format gets out of a line: entries, or reasons why there are none.
pub(crate) type Findings = Vec<Result<ListEntry, SkipReason>>;
