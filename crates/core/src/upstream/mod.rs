//! Upstreams: who answers what Keyhole cannot, asked encrypted, authenticated and without delay.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 8484 | DoH: POST, identifier 0, media type, age of cached answers |
//! | RFC 7858, RFC 7766 | DoT and TCP: many queries on one connection, answers in any order |
//! | RFC 8310 | the strict profile: no proof, no query; nothing falls back to the clear |
//! | RFC 5280 section 5 | revocation lists, where a document gives some |
//! | X509-SVID | upstreams known by a SPIFFE ID instead of a name |
//! | RFC 7830, RFC 8467 | queries padded to 128 octets |

mod asking;
mod attempts;
mod connect;
mod connection;
mod counters;
mod doh;
mod error;
mod exchange;
mod exchange_log;
mod health;
mod http_head;
mod identity;
mod lives;
mod open;
mod pin;
mod pool;
mod quote;
mod repeat;
mod server;
mod server_certificate;
mod server_name;
mod set;
mod silence;
mod spiffe;
mod stream;
mod trust;

use std::sync::{Arc, Weak};

use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use serde_json::Value;

pub(crate) use attempts::Noting;
pub use attempts::UpstreamAnswer;
pub(crate) use error::ErrorKind;
pub(crate) use exchange_log::{Exchange, ExchangeLog};
use identity::Identities;
pub use server::Upstream;
pub use set::UpstreamSet;

use crate::Error;
use crate::dnssec::Rules;
use crate::document::{UpstreamDocument, UpstreamSetDocument, ValidationDocument};

/// All upstreams of the process. Connections outlive snapshots: an upstream whose document stays
/// as it was keeps its connections, health and counters.
#[derive(Default)]
pub struct Upstreams {
    identities: Identities,
    known: Mutex<Vec<Weak<Upstream>>>,
}

impl Upstreams {
    /// No upstreams, no identities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the documents and makes sets of them, in their order. Connects to nothing and
    /// changes nothing for sets in use.
    ///
    /// # Errors
    /// The first fault of the documents, with its place in the snapshot.
    pub fn prepare(
        &self,
        upstreams: &[UpstreamDocument],
        sets: &[UpstreamSetDocument],
    ) -> Result<Vec<Arc<UpstreamSet>>, Error> {
        let mut known = self.known.lock();
        known.retain(|upstream| upstream.strong_count() > 0);
        let mut ready = Vec::with_capacity(upstreams.len());
        for (index, document) in upstreams.iter().enumerate() {
            let same = known
                .iter()
                .filter_map(Weak::upgrade)
                .find(|upstream| upstream.document() == document);
            let upstream = match same {
                Some(upstream) => upstream,
                None => {
                    let place = format!("snapshot.upstreams[{index}]");
                    let made = Arc::new(Upstream::new(&place, document, &self.identities)?);
                    known.push(Arc::downgrade(&made));
                    made
                }
            };
            ready.push(upstream);
        }
        sets.iter().enumerate().map(|(index, set)| prepare_set(index, set, &ready)).collect()
    }

    /// Gives an identity its certificate chain and key, both PEM. New connections show it at once;
    /// connections that show an older one end with the queries on them.
    ///
    /// # Errors
    /// Text that is no PEM, or a key that does not fit the certificate; the old one stays.
    pub fn install_identity(
        &self,
        name: &str,
        certificate_pem: &[u8],
        key_pem: &[u8],
    ) -> Result<(), Error> {
        self.identities.install(name, certificate_pem, key_pem)?;
        for upstream in self.known.lock().iter().filter_map(Weak::upgrade) {
            upstream.renew(name);
        }
        Ok(())
    }

    /// One object per upstream in use: `name`, `protocol`, `asked`, `answered`, `refused` of these,
    /// `failed` by kind, `flawed_messages`, `handshakes`, `connections`, `rtt` (moving average in
    /// seconds), `round_trips` (histogram), `healthy`, `last_error` (plain words or null),
    /// `certificate` (what it showed last, or null).
    pub fn stats(&self) -> Value {
        let known = self.known.lock();
        known.iter().filter_map(Weak::upgrade).map(|upstream| upstream.stats()).collect()
    }
}

fn prepare_set(
    index: usize,
    document: &UpstreamSetDocument,
    upstreams: &[Arc<Upstream>],
) -> Result<Arc<UpstreamSet>, Error> {
    let place = |field: &str| format!("snapshot.upstream_sets[{index}].{field}");
    if document.upstreams.is_empty() {
        return Err(Error::invalid(place("upstreams"), "name at least one upstream"));
    }
    for (field, value) in [("hedge_ms", document.hedge_ms), ("timeout_ms", document.timeout_ms)] {
        if !(1..=60_000).contains(&value) {
            return Err(Error::invalid(place(field), "give 1 to 60000 milliseconds"));
        }
    }
    let named = |upstream: &usize| {
        upstreams.get(*upstream).map(Arc::clone).ok_or_else(|| {
            let why = format!("there is no upstream {upstream}; there are {}", upstreams.len());
            Error::invalid(place("upstreams"), why)
        })
    };
    let upstreams = document.upstreams.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let validation = document.validation.as_ref();
    let rules = validation.map(|validation| Rules::read(&place("validation"), validation));
    let rules = rules.transpose()?.map(Arc::new);
    let vouches = !rules.as_ref().is_some_and(|rules| rules.acts());
    let make = |checking_disabled: bool, rules: Option<Arc<Rules>>, unchecked| {
        let validation = validation.filter(|_| !checking_disabled);
        let id = set_id(&upstreams, (checking_disabled, vouches), validation);
        let (document, upstreams) = (document.clone(), upstreams.clone());
        Arc::new(UpstreamSet {
            id,
            document,
            upstreams,
            checking_disabled,
            vouches,
            rules,
            unchecked,
        })
    };
    Ok(make(false, rules, Some(make(true, None, None))))
}

/// A number that sets share only if their upstreams are the same in the same order, by all that
/// their documents say: a cache entry must never serve a set with other upstreams. Nor may data
/// that was not checked serve who relies on the check (RFC 4035 section 4.7), here or upstream.
fn set_id(
    upstreams: &[Arc<Upstream>],
    (checking_disabled, vouches): (bool, bool),
    validation: Option<&ValidationDocument>,
) -> u64 {
    let mut context = Context::new(&SHA256);
    if checking_disabled {
        context.update(b"checking disabled");
    }
    if !vouches {
        context.update(b"not vouched for");
    }
    if let Some(validation) = validation {
        context.update(b"validated");
        context.update(&serde_json::to_vec(validation).expect("a document is plain data"));
    }
    for upstream in upstreams {
        let text = serde_json::to_vec(upstream.document()).expect("a document is plain data");
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(&text);
    }
    let digest = context.finish();
    let first = digest.as_ref().first_chunk().expect("SHA-256 has 32 octets");
    u64::from_be_bytes(*first)
}
