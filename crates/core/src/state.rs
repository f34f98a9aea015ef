//! What all workers share: the policy in force, the cache, the upstreams, the counters.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Value, json};

use crate::Error;
use crate::budgets::Budgets;
use crate::connections::Connections;
use crate::cookie::Cookies;
use crate::counters::Counters;
use crate::dnssec::Rules;
use crate::events::Events;
use crate::lookup::Lookup;
use crate::options::{Limits, Options, read_mark};
use crate::question::Question;
use crate::shares::{Allowance, Full, Owner, Place, Room, Share};
use crate::snapshot::Snapshot;
use crate::tls::ServerTls;
use crate::traces::Traces;
use crate::upstream::Upstreams;

/// The name under which `install_identity` gives the listeners their certificate.
pub const SERVER_IDENTITY: &str = "server";

/// What all workers share.
pub struct Core {
    /// The options of the engine.
    pub options: Options,
    /// The policy in force; none refuses everything.
    pub snapshot: ArcSwapOption<Snapshot>,
    /// Cache and look-ups under way.
    pub lookup: Lookup,
    /// What each client told each domain by names; none where nobody counts.
    pub budgets: Option<Budgets>,
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// What was counted of queries.
    pub counters: Counters,
    /// What was counted of connections.
    pub connections: Connections,
    /// What became of each query, until it is taken.
    pub events: Events,
    /// Queries recorded for traces; none while traces are off.
    pub traces: Option<Traces>,
    /// Maker of server cookies.
    pub cookies: Cookies,
    /// What may go over UDP to addresses that nobody proved.
    pub allowance: Allowance,
    /// The certificate of the listeners.
    pub tls: ServerTls,
    waiting: Arc<Room>,
    own_mark: Option<[u8; 16]>,
    started: Instant,
}

/// How many queries may wait for an upstream, and how many of one client.
fn waiting_share(limits: &Limits) -> Share {
    Share {
        all: limits.waiting,
        per_identity: limits.waiting_per_identity,
        per_network: limits.waiting_per_network,
    }
}

impl Core {
    /// Shared state without threads and sockets.
    pub fn new(options: Options) -> Result<Self, Error> {
        Self::with_budgets(options, Some(Budgets::new()))
    }

    /// The same with budgets of another size, or without any.
    pub fn with_budgets(options: Options, budgets: Option<Budgets>) -> Result<Self, Error> {
        let (mut secret, mut memory_id) = ([0; 16], [0; 8]);
        let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
        random
            .fill(&mut secret)
            .and_then(|()| random.fill(&mut memory_id))
            .map_err(|_| Error::State("the system gives no random bytes"))?;
        let traces = options.traces.as_ref();
        let traces = traces.map(|traces| Traces::new(traces, options.workers)).transpose()?;
        Ok(Self {
            traces,
            snapshot: ArcSwapOption::empty(),
            lookup: Lookup::new(&options.cache).sharing(waiting_share(&options.limits)),
            budgets,
            upstreams: Upstreams::new(),
            counters: Counters::new(options.workers, options.counts, u64::from_ne_bytes(memory_id)),
            connections: Connections::default(),
            events: Events::new(options.workers, options.events),
            cookies: Cookies::new(secret),
            allowance: Allowance::new(options.limits.udp_allowance),
            tls: ServerTls::new()?,
            waiting: Room::new(waiting_share(&options.limits)),
            own_mark: read_mark(&options.own_mark),
            started: Instant::now(),
            options,
        })
    }

    /// Seconds from the beginning of the engine to this moment.
    #[inline]
    pub fn seconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_secs()
    }

    /// The same in nanoseconds.
    #[inline]
    pub fn nanoseconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_nanos() as u64
    }

    /// Whether a query is one of Keyhole's own: it bears the mark that nobody else knows.
    #[inline]
    pub fn is_own(&self, question: &Question) -> bool {
        let shown = question.query.edns.as_ref().and_then(|edns| edns.own_mark);
        match (shown, &self.own_mark) {
            (Some(shown), Some(own)) => verify_slices_are_equal(&shown, own).is_ok(),
            _ => false,
        }
    }

    /// Takes a place among the waiting queries, which is given back when dropped.
    ///
    /// # Errors
    /// Whose share is used up.
    pub fn wait_for_upstream(&self, owner: Owner) -> Result<Place, Full> {
        self.waiting.take(owner)
    }

    /// Checks a snapshot and everything that it names; changes nothing.
    pub fn prepare(&self, document: &[u8]) -> Result<Arc<Snapshot>, Error> {
        let mut snapshot = Snapshot::compile(document, &self.upstreams)?;
        if let Some(current) = self.snapshot.load().as_ref() {
            snapshot.trust = snapshot.trust.or_same(&current.trust);
        }
        Ok(Arc::new(snapshot))
    }

    /// Puts a prepared snapshot in force. Cannot fail.
    pub fn commit(&self, snapshot: Arc<Snapshot>) {
        // Handshakes first: a client that comes in between and is not asked for its certificate yet
        // would have shown nothing for as long as its connection lives.
        self.tls.trust(Arc::clone(&snapshot.trust));
        self.events.remember(&snapshot);
        self.snapshot.store(Some(snapshot));
    }

    /// Installs a certificate and its key: the listeners' own under [`SERVER_IDENTITY`], any
    /// other for the upstreams that name it. Connections already open are not cut.
    pub fn install_identity(
        &self,
        name: &str,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<(), Error> {
        if name == SERVER_IDENTITY {
            self.tls.install(certificate, key)
        } else {
            self.upstreams.install_identity(name, certificate, key)
        }
    }

    /// What keeps answers from being validated, in plain words; none where all is well.
    fn dnssec_fault(&self) -> Option<String> {
        if let Some(fault) = self.lookup.dnssec().clock_fault() {
            return Some(fault.into());
        }
        let snapshot = self.snapshot.load();
        let rules = snapshot.as_ref()?.upstream_sets.iter().filter_map(|set| set.rules());
        rules.filter_map(Rules::fault).next()
    }

    /// Everything that is counted, as a document.
    pub fn stats(&self) -> Value {
        let mut stats = self.counters.document();
        stats["role"] = json!(self.options.role);
        stats["uptime_s"] = json!(self.started.elapsed().as_secs());
        stats["snapshot"] = json!(self.snapshot.load().as_ref().map(|snapshot| snapshot.number));
        stats["waiting"] = json!(self.waiting.taken());
        stats["cache"] = json!({
            "octets": self.lookup.cached_octets(),
            "entries": self.lookup.cached_entries(),
            "under_way": self.lookup.under_way(),
        });
        stats["upstreams"] = self.upstreams.stats();
        stats["connections"] = self.connections.document();
        for (total, count) in self.lookup.dnssec().totals() {
            stats["totals"][total.word()] = json!(count);
        }
        stats["dnssec_fault"] = json!(self.dnssec_fault());
        stats["traces"] = json!(self.traces.as_ref().map(Traces::stats));
        stats
    }
}
