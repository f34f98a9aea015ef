//! What is decided about: one name of a chain of aliases.

use keyhole_names::HashedName;

use super::cause::Cause;
use super::compiled_policy::Policy;
use super::schedule::Moment;
use crate::document::DefaultDocument;
use crate::list_table::ListTable;

/// One name of a chain of aliases, as a policy sees it.
#[derive(Clone, Copy)]
pub(super) struct NameInChain<'a> {
    pub(super) lists: &'a ListTable,
    pub(super) policy: &'a Policy,
    pub(super) hashed: &'a HashedName,
    pub(super) moment: Moment,
    /// What happens if nothing speaks of the name.
    pub(super) default: DefaultDocument,
    /// What allowed a name that leads here; it speaks of this name too, at its own place in the
    /// precedence.
    pub(super) allowed_by: Option<Cause>,
}
