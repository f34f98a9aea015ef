//! The engine: what all workers share, and their life.
//!
//! One thread for each worker, each with a runtime and sockets of its own. No thread of the engine
//! ever touches Python.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Error;
use crate::cookie::Cookies;
use crate::counters::Counters;
use crate::listen::{self, Bound, ListenShared, Serve, WorkerSockets};
use crate::lookup::Lookup;
use crate::options::Options;
use crate::pipeline::{self, Pending, Progress, Sent};
use crate::snapshot::Snapshot;
use crate::stages::receive::Arrival;
use crate::tls::ServerTls;
use crate::upstream::Upstreams;

/// The name under which `install_identity` gives the listeners their certificate.
pub const SERVER_IDENTITY: &str = "server";

/// What all workers share.
pub struct Core {
    /// What the engine was told at its start.
    pub options: Options,
    /// The policy in force; none refuses everything.
    pub snapshot: ArcSwapOption<Snapshot>,
    /// Cache and look-ups under way.
    pub lookup: Lookup,
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// What was counted.
    pub counters: Counters,
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
        Snapshot::compile(document, &self.upstreams).map(Arc::new)
    }

    /// Puts a prepared snapshot in force. Cannot fail.
    pub fn commit(&self, snapshot: Arc<Snapshot>) {
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
        stats
    }
}

impl Serve for Core {
    type Waiting = Box<Pending>;

    fn options(&self) -> &Options {
        &self.options
    }

    fn tls(&self) -> &ServerTls {
        &self.tls
    }

    #[inline]
    fn begin(&self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
        pipeline::begin(self, arrival, out)
    }

    fn complete(
        &self,
        pending: Box<Pending>,
        out: &mut Vec<u8>,
    ) -> impl Future<Output = Option<Sent>> + Send {
        pipeline::complete(self, pending, out)
    }
}

/// A running engine.
pub struct Engine {
    core: Arc<Core>,
    running: parking_lot::Mutex<Option<Running>>,
}

struct Running {
    drain: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    grace: Arc<parking_lot::Mutex<Duration>>,
}

impl Engine {
    /// An engine that listens to nothing yet.
    pub fn new(options: &[u8]) -> Result<Self, Error> {
        let core = Arc::new(Core::new(Options::read(options)?)?);
        Ok(Self { core, running: parking_lot::Mutex::new(None) })
    }

    /// What the workers share.
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Binds every address, starts the workers and reports the addresses by transport.
    pub fn start(&self) -> Result<Value, Error> {
        let mut running = self.running.lock();
        if running.is_some() {
            return Err(Error::State("the engine has been started already"));
        }
        let mut bound = Bound::bind(&self.core.options)?;
        let addresses = bound.addresses();
        let shared = Arc::new(ListenShared::new(&self.core.options.limits));
        let (drain, _) = watch::channel(false);
        let grace = Arc::new(parking_lot::Mutex::new(Duration::ZERO));
        let (serving, _) = watch::channel(self.core.options.workers);
        let mut threads = Vec::new();
        for worker in 0..self.core.options.workers {
            let task = Worker {
                core: Arc::clone(&self.core),
                sockets: bound.take(worker),
                shared: Arc::clone(&shared),
                worker,
                drain: drain.subscribe(),
                grace: Arc::clone(&grace),
                serving: Serving(serving.clone()),
            };
            let thread = std::thread::Builder::new()
                .name(format!("keyhole-{worker}"))
                .spawn(move || task.run())
                .map_err(|error| Error::system("start a worker thread", error))?;
            threads.push(thread);
        }
        *running = Some(Running { drain, threads, grace });
        Ok(addresses)
    }

    /// Stops listening, lets what is under way finish for at most `grace`, and ends all threads.
    pub fn drain(&self, grace: Duration) {
        let Some(running) = self.running.lock().take() else { return };
        *running.grace.lock() = grace;
        running.drain.send_replace(true);
        for thread in running.threads {
            // A worker that panicked has already said so; the others still have to end.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.drain(Duration::ZERO);
    }
}

struct Worker {
    core: Arc<Core>,
    sockets: WorkerSockets,
    shared: Arc<ListenShared>,
    worker: usize,
    drain: watch::Receiver<bool>,
    grace: Arc<parking_lot::Mutex<Duration>>,
    serving: Serving,
}

/// How many workers still serve; one less when dropped, however its worker ends.
struct Serving(watch::Sender<usize>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.send_modify(|workers| *workers -= 1);
    }
}

impl Worker {
    fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("keyhole: worker {} cannot start: {error}", self.worker);
                return;
            }
        };
        let mut drained = self.drain.clone();
        let grace = Arc::clone(&self.grace);
        let deadline = async move {
            // The sender lives in `Engine`; if it is gone, so is the reason to go on.
            let _ = drained.wait_for(|drain| *drain).await;
            let grace = *grace.lock();
            tokio::time::sleep(grace).await;
        };
        let serve = listen::serve(self.core, self.sockets, self.shared, self.worker, self.drain);
        let serving = self.serving;
        let finish = async move {
            serve.await;
            // Connections to upstreams and questions under way live on the runtime of the worker
            // that began them, and other workers wait for them: all stay until the last is done.
            let mut others = serving.0.subscribe();
            drop(serving);
            let _ = others.wait_for(|workers| *workers == 0).await;
        };
        runtime.block_on(async {
            tokio::select! {
                () = finish => {}
                () = deadline => {}
            }
        });
        runtime.shutdown_background();
    }
}
