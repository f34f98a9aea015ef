//! What one line of a list says, the same for all formats.

use keyhole_names::Network;
use keyhole_names::list_file::{Action, BELOW, EXACT, Effect, Limits, Pattern};
use keyhole_wire::{Name, RecordType};

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
    /// Whether only the most specific of such entries of the list counts.
    pub(crate) specific: bool,
    pub(crate) limits: Limits,
}

impl ListEntry {
    /// An entry that blocks, without any limit.
    pub(crate) fn block(target: Target) -> Self {
        let (action, limits) = (Action::Block, Limits::default());
        Self { target, action, important: false, specific: false, limits }
    }

    /// An entry that blocks unless a more specific one of its list says something else.
    pub(crate) fn block_specific(target: Target) -> Self {
        Self { specific: true, ..Self::block(target) }
    }

    /// An exception among entries of which the most specific one counts.
    pub(crate) fn allow_specific(target: Target) -> Self {
        Self { action: Action::Allow, ..Self::block_specific(target) }
    }

    /// The names for which the list says something that Keyhole does not do: it blocks none of
    /// them, and allows none.
    pub(crate) fn exempt(target: Target) -> Self {
        let limits = Limits { effect: Effect::Exempts, ..Limits::default() };
        Self { limits, action: Action::Allow, ..Self::block(target) }
    }

    /// The same for one record type alone, or for all.
    pub(crate) fn exempt_type(target: Target, kind: Option<RecordType>) -> Self {
        let mut entry = Self::exempt_specific(target);
        entry.limits.types = kind.map(|kind| kind.0).into_iter().collect();
        entry
    }

    /// The same among entries of which the most specific one counts.
    pub(crate) fn exempt_specific(target: Target) -> Self {
        Self { specific: true, ..Self::exempt(target) }
    }
}

/// What the reader of a format gets out of a line: entries, or reasons why there are none.
pub(crate) type Findings = Vec<Result<ListEntry, SkipReason>>;

/// Adds an entry that blocks the name which a text gives, in this scope.
pub(crate) fn block_name(text: &str, scope: Scope, findings: &mut Findings) {
    add_name(read_name(text), scope, ListEntry::block, findings);
}

/// Adds the entries for the addresses of a network in answers.
pub(crate) fn add_network(
    network: Network,
    make: impl Fn(Target) -> ListEntry,
    findings: &mut Findings,
) {
    let names = network.names().into_iter();
    findings.extend(names.map(|name| Ok(make(Target::Name(name, Scope::AtAndBelow)))));
}

/// Adds the entry that is made of a name, or the reason why there is no name.
pub(crate) fn add_name(
    name: Result<Name, SkipReason>,
    scope: Scope,
    make: impl Fn(Target) -> ListEntry,
    findings: &mut Findings,
) {
    findings.push(name.map(|name| make(Target::Name(name, scope))));
}
