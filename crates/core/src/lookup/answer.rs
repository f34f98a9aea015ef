//! What a look-up gives: an answer, or why there is none.

use std::sync::Arc;
use std::time::Instant;

use keyhole_wire::Answer;

use crate::cache::CacheEntry;
use crate::dnssec::Security;
use crate::reason::Reason;
use crate::tls_version::TlsVersion;

/// The TTL with which an expired answer serves, seconds (RFC 8767 section 4).
const STALE_TTL: u32 = 30;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerSource {
    /// An upstream was asked for it.
    Forwarded,
    /// The cache held it.
    Cached,
    /// The cache held it, it has expired, and asking again failed or takes long.
    Stale,
}

/// An answer that was found.
#[derive(Clone, Debug)]
pub struct LookupAnswer {
    /// What an upstream said; right after asking this may be that it failed
    /// ([`Answer::is_failure`]).
    pub answer: Arc<Answer>,
    /// Seconds to take off its TTLs.
    pub age: u32,
    /// Where it came from.
    pub source: AnswerSource,
    /// The longest TTL that the reply may show, for stale answers.
    pub ttl_cap: Option<u32>,
    /// The place in its set of the upstream that said so.
    pub upstream: Option<u16>,
    /// The version of TLS over which it was asked now; none over cleartext and for the cache.
    pub tls: Option<TlsVersion>,
    /// What validation found out about it.
    pub security: Security,
    /// The answer is hot and about to expire: call [`super::Lookup::refresh`]. True once per entry.
    pub refresh: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What ended it.
    pub reason: Reason,
    /// For a remembered failure: what the upstream said then, if it said anything.
    pub answer: Option<Arc<Answer>>,
    /// The place in its set of the upstream that said so.
    pub upstream: Option<u16>,
}

impl Failure {
    /// A failure without an answer.
    pub(super) fn without_answer(reason: Reason) -> Self {
        Self { reason, answer: None, upstream: None }
    }
}

/// The answer of a cache entry, fresh or not.
#[inline]
pub(super) fn cached_answer(
    entry: &CacheEntry,
    source: AnswerSource,
    now: Instant,
) -> Option<LookupAnswer> {
    let cached = entry.cached()?;
    Some(LookupAnswer {
        answer: Arc::clone(&cached.answer),
        age: cached.age(now),
        source,
        ttl_cap: (source == AnswerSource::Stale).then_some(STALE_TTL),
        upstream: Some(cached.upstream),
        tls: None,
        security: cached.security,
        refresh: false,
    })
}
