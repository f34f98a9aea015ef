//! What can go wrong with documents, files and sockets: one enum, one conversion into Python.

use std::fmt;

use serde::de::DeserializeOwned;

/// An error of a call into the native code. Packets never cause one: they end with a reason.
#[derive(Debug)]
pub enum Error {
    /// A document cannot be read or is not valid; `path` says where, `why` what would be right.
    Invalid {
        /// The place in the document, such as `snapshot.upstreams[0].addresses`.
        path: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The system refused something: a socket, a file.
    System {
        /// What was tried, such as `listen on 127.0.0.1:53 (udp)`.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The call does not fit the state, such as a second `start`.
    State(&'static str),
}

impl Error {
    /// A document that is not valid.
    pub fn invalid(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { path: path.into(), why: why.into() }
    }

    /// A document of a version that this build does not read.
    pub fn version(document: &str, found: u32, known: u32) -> Self {
        Self::invalid(
            format!("{document}.version"),
            format!("version {found} is not known here; this build reads version {known}"),
        )
    }

    /// A refusal of the system.
    pub fn system(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::System { what: what.into(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { path, why } => write!(f, "{path}: {why}"),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::State(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Reads a JSON document strictly.
///
/// # Errors
/// [`Error::Invalid`] at `what`, with the line.
pub fn read_document<T: DeserializeOwned>(what: &str, document: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(document).map_err(|error| Error::invalid(what, error.to_string()))
}
