//! A group of upstreams that answer the same question the same way.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::{AttemptState, Question};
use super::server::{Attempt, Budget, Upstream};
use crate::dnssec::Rules;
use crate::document::UpstreamSetDocument;

/// Tries that may be made for one question of a client, over all upstreams; what one of them repeats
/// over other connections of its upstream is counted there (`asking`).
pub(super) const MAX_MESSAGES: u32 = 3;

/// Upstreams in the order of preference, and how long to wait for them.
pub struct UpstreamSet {
    pub(super) id: u64,
    pub(super) document: UpstreamSetDocument,
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// Whether it asks with CD.
    pub(super) checking_disabled: bool,
    /// Whether AD of what they say counts; not where answers are validated here.
    pub(super) vouches: bool,
    /// How what they say is validated.
    pub(super) rules: Option<Arc<Rules>>,
    /// The same upstreams, asked with CD.
    pub(super) unchecked: Option<Arc<UpstreamSet>>,
}

impl UpstreamSet {
    /// Equal for sets with equal upstreams in equal order, within one process and beyond; part of
    /// the key of the cache.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The same upstreams for clients that check DNSSEC themselves (CD, RFC 4035 section 3.2.2):
    /// what they are asked and what they say is kept apart.
    pub fn unchecked(self: &Arc<Self>) -> &Arc<Self> {
        self.unchecked.as_ref().unwrap_or(self)
    }

    /// How answers are validated, if they are.
    #[inline]
    pub fn rules(&self) -> Option<&Rules> {
        self.rules.as_deref()
    }

    /// Whether AD of what they say counts; not where answers are validated here.
    pub fn vouches(&self) -> bool {
        self.vouches
    }

    /// Its name in explanations.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// The index in the snapshot of the upstream at a place, as in [`UpstreamAnswer::upstream`].
    pub fn upstream_index(&self, place: u16) -> Option<u16> {
        let index = self.document.upstreams.get(usize::from(place))?;
        u16::try_from(*index).ok()
    }

    /// The names of its upstreams, preferred first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.upstreams.iter().map(|upstream| upstream.document().name.as_str())
    }

    /// The longest that asking may take when nothing limits it further: every try in turn.
    pub fn max_duration(&self) -> Duration {
        self.attempt_timeout() * MAX_MESSAGES
    }

    /// The places to ask, best first: healthy ones in the order of preference, then the others.
    pub(super) fn order(&self) -> Vec<usize> {
        let (mut healthy, away): (Vec<_>, Vec<_>) =
            (0..self.upstreams.len()).partition(|place| self.upstreams[*place].is_healthy());
        healthy.extend(away);
        healthy
    }

    pub(super) fn hedge_after(&self) -> Duration {
        Duration::from_millis(self.document.hedge_ms)
    }

    pub(super) fn attempt_timeout(&self) -> Duration {
        Duration::from_millis(self.document.timeout_ms)
    }

    /// An attempt at an upstream after which so many others are left to be asked.
    pub(super) fn attempt(&self, question: Question, budget: Arc<Budget>, left: u32) -> Attempt {
        let (limit, silence) = (self.attempt_timeout(), self.hedge_after());
        // Another upstream is the better hope than another connection.
        let least = silence * (left + 1);
        Attempt {
            question,
            limit,
            silence,
            least,
            budget,
            state: Arc::new(AttemptState::default()),
            avoid: 0,
            is_first: false,
            is_placed: Arc::default(),
        }
    }
}
