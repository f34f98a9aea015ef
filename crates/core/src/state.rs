//! What all workers share: the policy in force, the cache, the upstreams, the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};

use crate::Error;
use crate::connections::Connections;
use crate::cookie::Cookies;
use crate::counters::Counters;
use crate::events::Events;
use crate::lookup::Lookup;
use crate::options::Options;
use crate::snapshot::Snapshot;
use crate::tls::ServerTls;
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
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// What was counted of queries.
    pub counters: Counters,
    /// What was counted of connections.
    pub connections: Connections,
    /// What became of each query, until it is taken.
    pub events: Events,
    /// Maker of server cookies.
    pub cookies: Cookies,
    /// The certificate of the listeners.
    pub tls: ServerTls,
    waiting: Arc<AtomicUsize>,
    started: Instant,
}

/// A place among the queries that wait for an upstream; it is given back when dropped.
pub struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Core {
    /// Shared state without threads and sockets.
    pub fn new(options: Options) -> Result<Self, Error> {
        let mut secret = [0; 16];
        rustls::crypto::aws_lc_rs::default_provider()
            .secure_random
            .fill(&mut secret)
            .map_err(|_| Error::State("the system gives no random bytes"))?;
        Ok(Self {
            snapshot: ArcSwapOption::empty(),
            lookup: Lookup::new(&options.cache),
            upstreams: Upstreams::new(),
            counters: Counters::new(options.workers),
            connections: Connections::default(),
            events: Events::new(options.workers, options.events),
            cookies: Cookies::new(secret),
            tls: ServerTls::new()?,
            waiting: Arc::default(),
            started: Instant::now(),
            options,
        })
    }

    /// Takes a place among the waiting queries, or none when all are taken.
    pub fn wait_for_upstream(&self) -> Option<Waiting> {
        let place = Waiting(Arc::clone(&self.waiting));
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.options.limits.waiting).then_some(place)
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

    /// Everything that is counted, as a document.
    pub fn stats(&self) -> Value {
        let mut stats = self.counters.document();
        stats["role"] = json!(self.options.role);
        stats["uptime_s"] = json!(self.started.elapsed().as_secs());
        stats["snapshot"] = json!(self.snapshot.load().as_ref().map(|snapshot| snapshot.number));
        stats["waiting"] = json!(self.waiting.load(Ordering::Relaxed));
        stats["cache"] = json!({
            "octets": self.lookup.cached_octets(),
            "entries": self.lookup.cached_entries(),
            "under_way": self.lookup.under_way(),
        });
        stats["upstreams"] = self.upstreams.stats();
        stats["connections"] = self.connections.document();
        stats
    }
}
