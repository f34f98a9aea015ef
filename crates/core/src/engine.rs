//! The engine: the life of the workers.
//!
//! One thread for each worker, each with a runtime and sockets of its own. No thread of the engine
//! ever touches Python.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::Error;
use crate::arrival::Arrival;
use crate::connections::Connections;
use crate::events::{Batch, RefusedHandshake};
use crate::listen::{self, Bound, ConnectionLimits, Serve, WorkerSockets};
use crate::options::Options;
use crate::pipeline::{self, Pending, Progress, ReplyInfo};
use crate::shares::Full;
use crate::state::Core;
use crate::tls::ServerTls;

impl Serve for Core {
    type Waiting = Box<Pending>;

    fn options(&self) -> &Options {
        &self.options
    }

    fn tls(&self) -> &ServerTls {
        &self.tls
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn record_handshake(&self, refused: &RefusedHandshake<'_>) {
        self.events.record_handshake(refused);
    }

    fn over_share(&self, worker: usize, full: Full) {
        self.counters.over_share(worker, full);
    }

    #[inline]
    fn begin(&self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Progress {
        pipeline::begin(self, arrival, out)
    }

    fn complete(
        &self,
        pending: Box<Pending>,
        out: &mut Vec<u8>,
    ) -> impl Future<Output = Option<ReplyInfo>> + Send {
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
        let shared = Arc::new(ConnectionLimits::new(&self.core.options.limits));
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

    /// Takes at most `most` events as JSON lines, see [`crate::events`]; waits at most `timeout`
    /// for the first one. Never wakes a worker, and goes on after a drain until all are taken.
    pub fn take_events(&self, most: usize, timeout: Duration) -> Batch {
        self.core.events.take(most, timeout)
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
    shared: Arc<ConnectionLimits>,
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
