//! What one line of a list says, the same for all formats.

use keyhole_names::list_file::{Action, BELOW, EXACT, Limits, Pattern};
use keyhole_wire::Name;

use crate::name_syntax::read_name;
use crate::skip_reason::SkipReason;

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

impl Scope {
    /// The flags that say it in the file.
    pub(crate) const fn flags(self) -> u8 {
        match self {
            Self::Exact => EXACT,
            Self::Below => BELOW,
            Self::AtAndBelow => EXACT | BELOW,
        }
    }
}

/// The names that an entry means.
#[derive(Clone, Debug, PartialEq, Eq)]
// Lives for one line; a box would cost an allocation for each name of a list.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Target {
    /// A lower-case name.
    Name(Name, Scope),
    /// A wildcard or a regular expression.
    Pattern(Pattern),
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

/// Adds an entry that blocks the name which a text gives, in this scope.
pub(crate) fn block_name(text: &str, scope: Scope, findings: &mut Findings) {
    findings.push(read_name(text).map(|name| ListEntry::block(Target::Name(name, scope))));
}
