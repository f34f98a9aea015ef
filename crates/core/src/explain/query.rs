//! What is to be explained: a question, who asks it, and when.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use keyhole_wire::{Name, RecordType};
use serde::Deserialize;

use crate::Error;
use crate::client_identity::{ClientIdentity, Credential, Svid};
use crate::clock::When;
use crate::spiffe_id::SpiffeId;
use crate::subjects::Subjects;
use crate::transport::Transport;

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    pub(crate) transport: Transport,
    /// Who asks; none is somebody on this machine who shows nothing.
    #[serde(rename = "as", default)]
    client: Option<As>,
    /// Whether the certificate of an identity has expired.
    #[serde(default)]
    expired: bool,
    /// The second of Unix time at which it is asked; none for now.
    #[serde(default)]
    at: Option<i64>,
    /// Whether upstreams are asked, to see what the name leads to.
    #[serde(default)]
    pub(crate) lookup: bool,
    /// The certificates that are shown to upstreams which ask for one.
    #[serde(default)]
    pub(crate) identities: Vec<UpstreamIdentity>,
}

/// A certificate and its key, PEM, under the name by which upstreams have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamIdentity {
    pub(crate) name: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Who asks.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum As {
    /// Somebody with a good certificate that names this SPIFFE ID.
    Identity(String),
    /// Somebody with the token of this name.
    Token(String),
    /// Somebody at this address who shows nothing, where that is enough.
    Address(IpAddr),
}

impl Query {
    /// The question.
    pub(crate) fn question(&self) -> Result<(Name, RecordType), Error> {
        let name = Name::from_text(&self.name)
            .map_err(|error| Error::invalid("query.name", format!("{}: {error}", self.name)))?;
        let kind = RecordType::from_text(&self.kind).ok_or_else(|| {
            let why =
                format!("{} is not a record type; give one such as A, AAAA or TYPE65", self.kind);
            Error::invalid("query.type", why)
        })?;
        Ok((name, kind))
    }

    /// When it is asked.
    pub(crate) fn when(&self) -> When {
        self.at.map_or(When::Now, When::At)
    }

    /// Who asks, and from where.
    pub(crate) fn identity(
        &self,
        subjects: &Subjects,
    ) -> Result<(ClientIdentity, SocketAddr), Error> {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let shown = |credential| (ClientIdentity { credential, by_network: false }, here);
        if self.expired && !matches!(self.client, Some(As::Identity(_))) {
            let why = "only an identity can have expired; give one in query.as";
            return Err(Error::invalid("query.expired", why));
        }
        let (identity, address) = match &self.client {
            None => (ClientIdentity::NETWORK, here),
            Some(As::Address(address)) => (ClientIdentity::NETWORK, *address),
            Some(As::Identity(text)) => {
                let id = SpiffeId::read(text).ok_or_else(|| {
                    let why = format!(
                        "{text:?} is not a SPIFFE ID such as spiffe://example.org/ns/shop/sa/web"
                    );
                    Error::invalid("query.as.identity", why)
                })?;
                shown(Credential::Certificate(Arc::new(Svid::assumed(id, self.expired))))
            }
            // Nobody knows a token that hashes to nothing but zeros: one that is not known.
            Some(As::Token(name)) => {
                shown(Credential::Token(subjects.digest(name).unwrap_or_default()))
            }
        };
        Ok((identity, SocketAddr::new(address, 1)))
    }
}
