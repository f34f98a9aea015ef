//! Errors of upstreams.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, OtherError};

use super::quote::quote;
use super::spiffe::IdentityError;
use crate::reason::Reason;

/// Kinds of errors, in rising order of how much they say when several upstreams failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ErrorKind {
    /// Too many queries are under way there.
    Busy,
    /// No connection could be made.
    Unreachable,
    /// The upstream said that it has not processed the query, which may be sent again.
    Unprocessed,
    /// The connection ended before the answer; the same query may go elsewhere.
    Lost,
    /// Nothing came in time.
    Timeout,
    /// What came is no answer.
    Invalid,
    /// The upstream could not prove who it is.
    Untrusted,
}

impl ErrorKind {
    /// Every kind, in the order of the numbers.
    pub(crate) const ALL: [Self; 7] = [
        Self::Busy,
        Self::Unreachable,
        Self::Unprocessed,
        Self::Lost,
        Self::Timeout,
        Self::Invalid,
        Self::Untrusted,
    ];

    /// The word in statistics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Unprocessed => "unprocessed",
            Self::Lost => "lost",
            Self::Timeout => "timeout",
            Self::Invalid => "invalid",
            Self::Untrusted => "untrusted",
        }
    }
}

/// One error.
#[derive(Clone, Debug)]
pub(super) struct UpstreamError {
    pub(super) kind: ErrorKind,
    /// How long the upstream asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// The query may have been processed, hence it is repeated a few times only.
    pub(super) is_processed: bool,
    /// So it looks when an upstream restarts, or the network changes.
    pub(super) may_pass: bool,
    /// It ended the connection, and with it queries that it may not be about.
    pub(super) is_shared: bool,
    /// It is an HTTP response. That came over TLS, hence from the upstream itself.
    pub(super) is_response: bool,
    words: Arc<str>,
}

impl UpstreamError {
    pub(super) fn new(kind: ErrorKind, words: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            retry_after: None,
            is_processed: false,
            may_pass: false,
            is_shared: false,
            is_response: false,
            words: words.into(),
        }
    }

    pub(super) fn lost(words: impl Into<Arc<str>>) -> Self {
        Self { may_pass: true, ..Self::new(ErrorKind::Lost, words) }
    }

    pub(super) fn unprocessed(words: impl Into<Arc<str>>) -> Self {
        Self::new(ErrorKind::Unprocessed, words)
    }

    /// The upstream asks to come back later, perhaps after a time that it names.
    pub(super) fn busy_there(words: impl Into<Arc<str>>, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..Self::unprocessed(words) }
    }

    /// What stands before the upstream did not get an answer from it.
    pub(super) fn lost_behind(words: impl Into<Arc<str>>) -> Self {
        Self { is_processed: true, ..Self::new(ErrorKind::Lost, words) }
    }

    pub(super) fn invalid(words: impl Into<Arc<str>>) -> Self {
        Self::new(ErrorKind::Invalid, words)
    }

    /// The same error of a whole connection.
    pub(super) fn ending_connection(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// The same error, as what the head of an HTTP response says.
    pub(super) fn in_response(self) -> Self {
        Self { is_response: true, ..self }
    }

    /// A connection to `address` that could not be made.
    pub(super) fn connecting(address: SocketAddr, error: &io::Error) -> Self {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable,
        };
        let words = match error.kind() {
            ConnectionRefused => format!("connection refused at {address}"),
            NetworkUnreachable | AddrNotAvailable => format!("no route to {address}"),
            HostUnreachable => format!("host of {address} unreachable"),
            _ => format!("cannot connect to {address}: {error}"),
        };
        Self { may_pass: true, ..Self::new(ErrorKind::Unreachable, words) }
    }

    /// A TLS handshake with `address` that failed.
    pub(super) fn securing(address: SocketAddr, error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => {
                Self::new(ErrorKind::Untrusted, certificate_words(why))
            }
            Some(rustls::Error::InvalidCertRevocationList(_)) => Self::new(
                ErrorKind::Untrusted,
                "a revocation list that names the issuer of the certificate is not signed by it",
            ),
            Some(rustls::Error::AlertReceived(alert)) => {
                let words = format!("{address} refused the TLS handshake with alert {alert:?}");
                // RFC 8446 section 6: these say nothing against either side.
                let may_pass = matches!(
                    alert,
                    AlertDescription::InternalError | AlertDescription::UserCanceled
                );
                Self { may_pass, ..Self::new(ErrorKind::Unreachable, words) }
            }
            Some(rustls::Error::NoApplicationProtocol) => Self::new(
                ErrorKind::Unreachable,
                format!("{address} does not speak the protocol that was asked for"),
            ),
            Some(other) => Self::new(
                ErrorKind::Unreachable,
                format!("TLS handshake with {address} failed: {}", quote(&other.to_string())),
            ),
            None => {
                let words = format!("{address} ended the TLS handshake: {error}");
                Self { may_pass: true, ..Self::new(ErrorKind::Unreachable, words) }
            }
        }
    }

    /// The reason with which a query ends when this error is all there is.
    pub(super) const fn reason(&self) -> Reason {
        match self.kind {
            ErrorKind::Busy => Reason::Overloaded,
            ErrorKind::Unreachable | ErrorKind::Unprocessed | ErrorKind::Lost => {
                Reason::UpstreamUnreachable
            }
            ErrorKind::Timeout => Reason::UpstreamTimeout,
            ErrorKind::Invalid => Reason::UpstreamInvalid,
            ErrorKind::Untrusted => Reason::UpstreamUntrusted,
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn certificate_words(why: &CertificateError) -> String {
    use CertificateError as E;
    match why {
        E::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| bare_name(name)).collect();
            let names = if names.is_empty() { "no name".into() } else { names.join(", ") };
            format!("certificate is for {}, not {}", quote(&names), expected.to_str())
        }
        E::NotValidForName => "certificate is for another name".into(),
        E::Expired | E::ExpiredContext { .. } => "certificate has expired".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "certificate is not valid yet".into(),
        // A root of the same name with another key ends in a bad signature.
        E::UnknownIssuer | E::BadSignature => "certificate is not signed by a trusted root".into(),
        E::Revoked => "certificate is revoked".into(),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "certificate is not made for servers".into()
        }
        E::UnknownRevocationStatus => {
            "no revocation list speaks of the certificate, or of one that signed it".into()
        }
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            "the revocation list of the certificate has expired".into()
        }
        E::Other(other) => other_words(other),
        other => format!("certificate is not valid: {}", quote(&other.to_string())),
    }
}

fn other_words(other: &OtherError) -> String {
    if let Some(identity_error) = other.0.downcast_ref::<IdentityError>() {
        return identity_error.to_string();
    }
    match other.0.downcast_ref::<webpki::Error>() {
        Some(webpki::Error::CaUsedAsEndEntity) => "certificate is that of an authority".into(),
        _ => quote(&other.0.to_string()),
    }
}

/// A presented name comes as `DnsName("example.net")`; the name alone is for people.
fn bare_name(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, rest)| rest);
    inner.trim_end_matches(')').trim_matches('"')
}
