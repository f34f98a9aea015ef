//! Python bindings.
use pyo3::prelude::*;

/// The native core of Keyhole.
#[pymodule]
fn _core(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
