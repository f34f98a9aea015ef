//! What is wrong with a document: everything at once, each with its place.

use std::collections::HashSet;

use crate::Error;

/// Faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(String, String)>);

impl Faults {
    /// Notes that the value at `path` is wrong, and why.
    pub(crate) fn add(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.0.push((path.into(), why.into()));
    }

    /// Notes an error of another part of the core under `path`.
    pub(crate) fn add_error(&mut self, path: &str, error: Error) {
        match error {
            Error::Invalid { path, why } => self.add(path, why),
            other => self.add(path, other.to_string()),
        }
    }

    /// Ends with `value` when nothing was wrong. One fault keeps its path; several are one error at
    /// `whole` with one line each.
    pub(crate) fn into_result<T>(mut self, whole: &str, value: T) -> Result<T, Error> {
        // A record that many policies see is read for each of them.
        let mut said = HashSet::new();
        self.0.retain(|fault| said.insert(fault.clone()));
        match self.0.len() {
            0 => Ok(value),
            1 => {
                let (path, why) = self.0.remove(0);
                Err(Error::invalid(path, why))
            }
            count => {
                let lines: String =
                    self.0.iter().map(|(path, why)| format!("\n{path}: {why}")).collect();
                Err(Error::invalid(whole, format!("{count} faults{lines}")))
            }
        }
    }

    /// Whether nothing was wrong so far.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
