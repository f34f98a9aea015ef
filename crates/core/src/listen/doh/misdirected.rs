//! Requests that came over the TLS connection of another server name.
//!
//! A client may use one connection for all names of its certificate (RFC 9113 section 9.1.1). Where
//! one of them asks for a client certificate and another one does not, that is refused: what a name
//! asks for cannot be left out by connecting under another one.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request};

use super::super::peer::Peer;
use crate::options::Options;

/// Whether the server name of a request asks for more than the handshake of its connection did;
/// status 421 tells the client to open another one (RFC 9110 section 15.5.20).
pub(super) fn is_misdirected<B>(request: &Request<B>, peer: &Peer, options: &Options) -> bool {
    // Without TLS there is no handshake to compare with.
    let Some(agreed) = peer.certificates else { return false };
    let asks_more = |host: &str| {
        let wanted = options.client_certificates.of_name(Some(host), &options.names);
        wanted.is_some_and(|wanted| wanted > agreed)
    };
    let mut uri = request.uri().host().into_iter();
    let host_of = |value: &HeaderValue| Authority::try_from(value.as_bytes()).ok();
    let mut headers = request.headers().get_all(HOST).iter().filter_map(host_of);
    uri.any(asks_more) || headers.any(|host| asks_more(host.host()))
}
