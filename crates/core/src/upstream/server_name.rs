//! How an upstream is addressed: its name in TLS, its URI in HTTP, and without TLS neither a name
//! nor any other proof.

use std::net::SocketAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use rustls_pki_types::ServerName;

use crate::Error;
use crate::document::UpstreamDocument;

/// Refuses what only TLS could keep: whoever gave it expects protection that is not there.
pub(super) fn check_cleartext(
    place: &str,
    document: &UpstreamDocument,
    protocol: &str,
) -> Result<(), Error> {
    let useless = [
        (!document.server_name.is_empty(), "server_name"),
        (!document.pins.is_empty(), "pins"),
        (document.server_id.is_some(), "server_id"),
        (!document.crls.is_empty(), "crls"),
        (document.client_identity.is_some(), "client_identity"),
    ];
    let Some((_, field)) = useless.iter().find(|(given, _)| *given) else { return Ok(()) };
    let why = format!("{protocol} proves nothing; leave it out, or use dot or doh");
    Err(Error::invalid(format!("{place}.{field}"), why))
}

/// The name for SNI (RFC 6066 section 3) and, without a SPIFFE ID, for the check.
pub(super) fn server_name(
    place: &str,
    document: &UpstreamDocument,
) -> Result<ServerName<'static>, Error> {
    if is_known_by_id_alone(document) {
        return Ok(document.addresses[0].ip().into());
    }
    ServerName::try_from(document.server_name.clone()).map_err(|_| {
        let why = format!(
            "\"{}\" is neither a host name nor an address; give what its certificate is for",
            document.server_name
        );
        Error::invalid(format!("{place}.server_name"), why)
    })
}

/// Whether the certificate has to carry a SPIFFE ID and there is no name besides.
fn is_known_by_id_alone(document: &UpstreamDocument) -> bool {
    document.server_id.is_some() && document.server_name.is_empty()
}

/// The URI of an upstream over TLS, for its `path` (RFC 8484 section 4.1).
pub(super) fn uri(place: &str, document: &UpstreamDocument) -> Result<Uri, Error> {
    let name = if is_known_by_id_alone(document) {
        document.addresses[0].ip().to_string()
    } else {
        document.server_name.clone()
    };
    let host = match name.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => name,
    };
    let authority = match document.addresses[0].port() {
        443 => host,
        port => format!("{host}:{port}"),
    };
    let authority = Authority::try_from(authority)
        .map_err(|error| Error::invalid(format!("{place}.server_name"), error.to_string()))?;
    build(place, document, Scheme::HTTPS, authority)
}

/// A URI for each address: a sidecar finds the way by the authority, so that must be where the
/// connection leads. It always has its port, as Services have it.
pub(super) fn cleartext_uris(place: &str, document: &UpstreamDocument) -> Result<Vec<Uri>, Error> {
    let one = |address: &SocketAddr| {
        let authority = Authority::try_from(address.to_string())
            .map_err(|error| Error::invalid(format!("{place}.addresses"), error.to_string()))?;
        build(place, document, Scheme::HTTP, authority)
    };
    document.addresses.iter().map(one).collect()
}

fn build(
    place: &str,
    document: &UpstreamDocument,
    scheme: Scheme,
    authority: Authority,
) -> Result<Uri, Error> {
    let bad_path = |why: String| Error::invalid(format!("{place}.path"), why);
    if !document.path.starts_with('/') || document.path.contains(['{', '}', '#']) {
        return Err(bad_path("give a path such as /dns-query, without {?dns}".into()));
    }
    let path = PathAndQuery::try_from(document.path.as_str())
        .map_err(|error| bad_path(error.to_string()))?;
    let built = Uri::builder().scheme(scheme).authority(authority).path_and_query(path);
    built.build().map_err(|error| bad_path(error.to_string()))
}
