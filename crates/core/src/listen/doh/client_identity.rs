//! Who asks with one request: over HTTP a connection may carry the requests of many.

use http::Request;

use super::super::peer::Peer;
use super::super::xfcc::{self, Forwarded};
use super::super::{mesh, token};
use crate::client_identity::{ClientIdentity, Credential};
use crate::options::Options;

/// Who asks with this request, or none where it is who the connection belongs to.
///
/// A certificate of the connection's own comes first: it is the better proof, and nothing in a
/// request changes its owner. Then what a sidecar says, then a token in the path.
pub(super) fn of_request<B>(
    request: &Request<B>,
    peer: &Peer,
    options: &Options,
) -> Option<Box<ClientIdentity>> {
    if matches!(peer.identity.credential, Credential::Certificate(_)) {
        return None;
    }
    let forwarded = match peer.sidecar {
        // Over TLS the handshake says who it is, and the header is not ours to read.
        None => Forwarded::Nothing,
        Some(true) => xfcc::read(request.headers()),
        // Passed over in silence, a client of somebody else would be served as its neighbor.
        Some(false) if xfcc::is_there(request.headers()) => Forwarded::Unreadable,
        Some(false) => Forwarded::Nothing,
    };
    let shown = match forwarded {
        Forwarded::Identity(id) if mesh::may_name(&options.mesh, &id) => Credential::Mesh(id),
        Forwarded::Identity(_) | Forwarded::Unreadable => Credential::Unreadable,
        Forwarded::Nothing => token::of_path(request.uri().path(), &options.listen.doh_path)?,
    };
    match shown {
        Credential::Nothing => None,
        shown => Some(Box::new(ClientIdentity::showing(shown))),
    }
}
