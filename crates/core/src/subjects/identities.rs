//! Identities: one by one, and below a path.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::subject_match::{PolicyChoice, SubjectMatch};
use crate::spiffe_id::SpiffeId;

/// Slashes of `spiffe://`.
const SCHEME_SLASHES: usize = 2;

/// Identities that subjects mean.
#[derive(Default)]
pub(super) struct Identities {
    exact: HashMap<Box<str>, SubjectMatch, RandomState>,
    below: HashMap<Box<str>, PolicyChoice, RandomState>,
    /// The most path segments that a prefix in `below` has: nothing deeper is probed, so a long
    /// path costs no more than the documents ask for.
    deepest: usize,
}

impl Identities {
    /// Adds all identities below `prefix`; false if it was there already.
    pub(super) fn add_below(&mut self, prefix: &str, choice: PolicyChoice) -> bool {
        self.deepest = self.deepest.max(segments(prefix));
        self.below.insert(prefix.into(), choice).is_none()
    }

    /// Adds one identity, after all that [`Identities::add_below`] adds; false if it was there
    /// already. One without a policy gets that of the path above it.
    pub(super) fn add(&mut self, id: &SpiffeId, entry: u32, choice: Option<PolicyChoice>) -> bool {
        let choice = choice.or_else(|| self.longest_below(id.as_str()));
        let found = SubjectMatch { named: Some(entry), choice };
        self.exact.insert(id.as_str().into(), found).is_none()
    }

    /// One probe for an identity that is named, else one for each segment of its path.
    #[inline]
    pub(super) fn find(&self, id: &SpiffeId) -> SubjectMatch {
        match self.exact.get(id.as_str()) {
            Some(found) => *found,
            None => SubjectMatch { named: None, choice: self.longest_below(id.as_str()) },
        }
    }

    /// The choice of the longest path below which an identity lies.
    fn longest_below(&self, id: &str) -> Option<PolicyChoice> {
        if self.below.is_empty() {
            return None;
        }
        let mut path = id;
        for depth in (0..segments(id)).rev() {
            path = path.rsplit_once('/')?.0;
            if depth <= self.deepest
                && let Some(choice) = self.below.get(path)
            {
                return Some(*choice);
            }
        }
        None
    }
}

/// How many segments the path of an ID has.
fn segments(id: &str) -> usize {
    id.bytes().filter(|octet| *octet == b'/').count().saturating_sub(SCHEME_SLASHES)
}
