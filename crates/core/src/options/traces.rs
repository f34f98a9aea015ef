//! Which queries are recorded for traces, and whose traces go on here.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::spiffe_id::SpiffeId;

/// An hour: nothing is slower, for a query has a deadline.
const MAX_SLOW_MS: u64 = 3_600_000;

/// Which queries are recorded for traces, and whose traces go on here.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TraceOptions {
    /// The share of queries that are recorded with the times of all stages, from 0 to 1.
    pub share: f64,
    /// A query that takes so many milliseconds is recorded in any case.
    pub slow_ms: u64,
    /// Names of the upstreams that are forwarders of our own and learn the trace of a query.
    pub forwarders: Vec<String>,
    /// SPIFFE IDs of the resolvers whose traces go on here, as they say.
    pub resolvers: Vec<String>,
}

impl TraceOptions {
    /// Checks the ranges, and that a forwarder passes nothing on.
    pub(super) fn check(&self, is_forwarder: bool) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(Error::invalid("options.traces.share", "give a number from 0 to 1"));
        }
        if !(1..=MAX_SLOW_MS).contains(&self.slow_ms) {
            let why = format!("give a number from 1 to {MAX_SLOW_MS}");
            return Err(Error::invalid("options.traces.slow_ms", why));
        }
        if is_forwarder && !self.forwarders.is_empty() {
            let why = "a forwarder tells no upstream about a trace; leave it empty";
            return Err(Error::invalid("options.traces.forwarders", why));
        }
        match self.resolvers.iter().enumerate().find(|(_, id)| SpiffeId::read(id).is_none()) {
            None => Ok(()),
            Some((index, id)) => Err(Error::invalid(
                format!("options.traces.resolvers[{index}]"),
                format!("{id:?} is no SPIFFE ID, such as spiffe://example.org/ns/dns/sa/resolver"),
            )),
        }
    }
}
