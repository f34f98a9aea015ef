//! Validation of what comes back from upstream, before the cache has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, Name, RecordType};
use tokio::time::timeout_at;

use super::end_of;
use super::flights::{JoinOutcome, Shared};
use crate::cache::{Freshness, KeyRef};
use crate::clock::When;
use crate::dnssec::{Checked, Fetch, Rules, Security, validate};
use crate::policy::Permitted;
use crate::reason::Reason;
use crate::upstream::{ExchangeLog, UpstreamAnswer, UpstreamSet};

/// The longest that an answer is kept waiting for a validation that does not act.
const MAX_OBSERVED: Duration = Duration::from_secs(1);

/// A flight's right to ask for keys: that of the question which started it, and of the same
/// upstreams.
struct Chain<'a> {
    shared: &'a Arc<Shared>,
    permitted: Permitted,
    set: &'a Arc<UpstreamSet>,
    deadline: Instant,
    log: Option<&'a Arc<ExchangeLog>>,
}

impl Shared {
    /// What an upstream of the set said, and what validation found out about it.
    ///
    /// # Errors
    /// Why it is withheld, where validation acts.
    pub(super) async fn judge(
        self: &Arc<Self>,
        permitted: Permitted,
        set: &Arc<UpstreamSet>,
        asked: UpstreamAnswer,
        deadline: Instant,
        log: Option<&Arc<ExchangeLog>>,
    ) -> Result<(UpstreamAnswer, Security), Reason> {
        match set.rules() {
            // Nobody can have signed it, so there is nothing to look for but whose word AD is.
            Some(rules) if rules.is_empty() && !asked.answer.is_failure() => {
                self.dnssec.count(Security::Insecure);
                let answer = asked.answer.vouched(false, u32::MAX, u32::MAX);
                Ok((UpstreamAnswer { answer, ..asked }, Security::Insecure))
            }
            // A failure has no records that could be signed.
            Some(rules) if !asked.answer.is_failure() => {
                let chain = Chain { shared: self, permitted, set, deadline, log };
                chain.judge(rules, asked).await
            }
            None if !set.vouches() => {
                let answer = asked.answer.vouched(false, u32::MAX, u32::MAX);
                Ok((UpstreamAnswer { answer, ..asked }, Security::Unchecked))
            }
            _ => Ok((asked, Security::Unchecked)),
        }
    }
}

impl Chain<'_> {
    async fn judge(
        &self,
        rules: &Rules,
        asked: UpstreamAnswer,
    ) -> Result<(UpstreamAnswer, Security), Reason> {
        let counts = &self.shared.dnssec;
        let until = match rules.acts() {
            true => self.deadline,
            false => self.deadline.min(Instant::now() + MAX_OBSERVED),
        };
        let work = validate(&asked.answer, rules, self, counts, When::Now.unix());
        let late = Checked {
            security: Security::Failed(Reason::Overloaded),
            ttl: u32::MAX,
            valid_for: u32::MAX,
        };
        let checked = timeout_at(until.into(), work).await.unwrap_or(late);
        counts.count(checked.security);
        if !rules.acts() {
            let security = match checked.security {
                Security::Failed(Reason::Overloaded) => {
                    Security::Failed(Reason::DnssecIndeterminate)
                }
                found => found,
            };
            return Ok((asked, security));
        }
        // What ends for want of turns or time of who asked is not stored, so that others ask anew.
        if let Security::Failed(why) = checked.security {
            return Err(why);
        }
        // AD is what was found out here, whatever the upstream said (RFC 4035 section 3.2.3).
        let is_secure = checked.security == Security::Secure;
        // What the answer has spent in HTTP caches does not count for its signatures.
        let ttl = checked.ttl.saturating_add(asked.age);
        let answer = asked.answer.vouched(is_secure, ttl, checked.valid_for);
        Ok((UpstreamAnswer { answer, ..asked }, checked.security))
    }

    fn key<'n>(&self, name: &'n Name, kind: RecordType) -> KeyRef<'n> {
        KeyRef::new(self.set.unchecked().id(), name, kind)
    }
}

impl Fetch for Chain<'_> {
    async fn fetch(&self, name: &Name, kind: RecordType) -> Result<Arc<Answer>, Reason> {
        let (set, now) = (self.set.unchecked(), Instant::now());
        let entry = self.shared.cache.get(self.permitted, self.key(name, kind));
        if entry.is_some_and(|entry| entry.freshness(now) == Freshness::Failed) {
            return Err(Reason::DnssecIndeterminate);
        }
        let answer = loop {
            let (asked, times) = ((name, kind), (self.deadline, Instant::now()));
            let flight = match self.shared.join_within(self.permitted, set, asked, times, self.log)
            {
                JoinOutcome::Answer(found) => break found.answer,
                JoinOutcome::Flight(flight) => flight,
                JoinOutcome::Full => return Err(Reason::Overloaded),
            };
            let is_own = flight.owner == self.permitted.owner();
            match end_of(flight, self.deadline).await {
                Ok(result) => break result.answer,
                Err(_) if self.deadline <= Instant::now() => return Err(Reason::Overloaded),
                // It ended for want of the share of another client: this one has its own.
                Err(failure) if failure.reason == Reason::Overloaded && !is_own => {}
                Err(failure) if failure.reason == Reason::Overloaded => {
                    return Err(Reason::Overloaded);
                }
                Err(_) => return Err(Reason::DnssecIndeterminate),
            }
        };
        match answer.is_failure() {
            true => Err(Reason::DnssecIndeterminate),
            false => Ok(answer),
        }
    }

    async fn pause(&self) {
        tokio::task::yield_now().await;
    }

    fn forget(&self, name: &Name, kind: RecordType) {
        self.shared.cache.forget(self.key(name, kind));
    }
}
