//! `keyhole._core`: convert, call, map; nothing else.
//!
//! Documents go in and out as JSON bytes. No thread of the engine ever attaches to Python; calls
//! that may block release the interpreter.

use std::sync::Arc;
use std::time::Duration;

use keyhole_core::snapshot::Snapshot;
use keyhole_core::{Error, engine, explain as explaining, judge as judging, replay as replaying};
use keyhole_lists as lists;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

create_exception!(_core, CoreError, PyException, "An error of the native core.");
create_exception!(
    _core,
    InvalidError,
    CoreError,
    "A document is not valid: `args` is (path, why)."
);
create_exception!(_core, RefusedError, CoreError, "The system refused a socket or a file.");

fn raise(error: Error) -> PyErr {
    match error {
        Error::Invalid { path, why } => InvalidError::new_err((path, why)),
        Error::System { .. } => RefusedError::new_err(error.to_string()),
        Error::State(why) => CoreError::new_err(why),
    }
}

fn bytes<'py>(py: Python<'py>, document: &serde_json::Value) -> Bound<'py, PyBytes> {
    PyBytes::new(py, document.to_string().as_bytes())
}

fn duration(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| CoreError::new_err("seconds must be a number from 0 on"))
}

/// A checked snapshot that is not in force yet.
#[pyclass(frozen)]
struct Prepared(Arc<Snapshot>);

#[pymethods]
impl Prepared {
    /// The number that the snapshot was given.
    #[getter]
    fn number(&self) -> u64 {
        self.0.number
    }
}

/// The data plane.
#[pyclass(frozen)]
struct Engine(engine::Engine);

#[pymethods]
impl Engine {
    #[new]
    fn new(options: &[u8]) -> PyResult<Self> {
        engine::Engine::new(options).map(Self).map_err(raise)
    }

    /// Binds every address and starts the workers; returns the addresses by transport.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let addresses = py.detach(|| self.0.start()).map_err(raise)?;
        Ok(bytes(py, &addresses))
    }

    /// Stops listening and ends all threads, after at most `seconds` for what is under way.
    fn drain(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let grace = duration(seconds)?;
        py.detach(|| self.0.drain(grace));
        Ok(())
    }

    /// Checks a snapshot and everything that it names; changes nothing.
    fn prepare(&self, py: Python<'_>, snapshot: &[u8]) -> PyResult<Prepared> {
        py.detach(|| self.0.core().prepare(snapshot)).map(Prepared).map_err(raise)
    }

    /// Puts a prepared snapshot in force at once; cannot fail.
    fn commit(&self, prepared: &Prepared) {
        self.0.core().commit(Arc::clone(&prepared.0));
    }

    /// Installs a certificate and its key; `server` is the listeners' own.
    fn install_identity(&self, name: &str, certificate_pem: &[u8], key_pem: &[u8]) -> PyResult<()> {
        self.0.core().install_identity(name, certificate_pem, key_pem).map_err(raise)
    }

    /// Takes at most `most` events; waits at most `seconds` for the first one. Gives JSON lines, how
    /// many of them hold events, how many were lost, and the lines of Keyhole's own queries.
    fn take_events<'py>(
        &self,
        py: Python<'py>,
        most: usize,
        seconds: f64,
    ) -> PyResult<(Bound<'py, PyBytes>, u64, u64, Bound<'py, PyBytes>)> {
        let timeout = duration(seconds)?;
        let batch = py.detach(|| self.0.take_events(most, timeout));
        let (lines, own) = (PyBytes::new(py, &batch.lines), PyBytes::new(py, &batch.own));
        self.0.core().events.give_back(batch.lines);
        Ok((lines, batch.events, batch.lost, own))
    }

    /// Takes at most `most` of each kind of recorded queries as JSON lines; never waits.
    fn take_traces<'py>(&self, py: Python<'py>, most: usize) -> Bound<'py, PyBytes> {
        let lines = py.detach(|| self.0.core().traces.as_ref().map(|traces| traces.take(most)));
        PyBytes::new(py, &lines.unwrap_or_default())
    }

    /// How many queries have ended, and why: a part of `stats`.
    fn query_counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.core().counters.queries_document())
    }

    /// Everything that is counted.
    fn stats<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.core().stats())
    }
}

/// Sends a question through the stages under a snapshot and returns each step.
#[pyfunction]
fn explain<'py>(py: Python<'py>, snapshot: &[u8], query: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let explained = py.detach(|| explaining::explain(snapshot, query)).map_err(raise)?;
    Ok(bytes(py, &explained))
}

/// Judges many questions under one snapshot, without telling the way to each verdict.
#[pyfunction]
fn judge<'py>(py: Python<'py>, snapshot: &[u8], queries: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let verdicts = py.detach(|| judging::judge(snapshot, queries)).map_err(raise)?;
    Ok(bytes(py, &verdicts))
}

/// Replays captured queries against the budgets of names.
#[pyfunction]
fn replay<'py>(py: Python<'py>, request: &[u8], queries: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let report = py.detach(|| replaying::replay(request, queries)).map_err(raise)?;
    Ok(bytes(py, &report))
}

/// Compiles list files into one file for engines and reports what was taken.
#[pyfunction]
fn compile_list<'py>(py: Python<'py>, request: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let report = py.detach(|| lists::compile(request)).map_err(raise)?;
    Ok(PyBytes::new(py, &report))
}

/// Finds every entry of a compiled file that speaks of a name.
#[pyfunction]
fn search_list<'py>(py: Python<'py>, request: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let found = py.detach(|| lists::search(request)).map_err(raise)?;
    Ok(PyBytes::new(py, &found))
}

/// The closed tables: reasons, words, list formats, counters, and the versions of documents.
#[pyfunction]
fn catalogue(py: Python<'_>) -> Bound<'_, PyBytes> {
    let mut tables = keyhole_core::catalogue::catalogue();
    tables.insert("list_formats".into(), lists::format_catalogue());
    bytes(py, &serde_json::Value::Object(tables))
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("CoreError", py.get_type::<CoreError>())?;
    module.add("InvalidError", py.get_type::<InvalidError>())?;
    module.add("RefusedError", py.get_type::<RefusedError>())?;
    module.add_class::<Engine>()?;
    module.add_class::<Prepared>()?;
    module.add_function(wrap_pyfunction!(explain, module)?)?;
    module.add_function(wrap_pyfunction!(judge, module)?)?;
    module.add_function(wrap_pyfunction!(replay, module)?)?;
    module.add_function(wrap_pyfunction!(compile_list, module)?)?;
    module.add_function(wrap_pyfunction!(search_list, module)?)?;
    module.add_function(wrap_pyfunction!(catalogue, module)?)?;
    Ok(())
}
