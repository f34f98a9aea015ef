//! The exchanges with upstreams for one query, for its trace.

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rand;
use parking_lot::Mutex;

use super::error::ErrorKind;
use crate::document::UpstreamDocument;
use crate::trace_context::TraceContext;

/// Exchanges that are noted for one query; further ones are not.
const MAX_EXCHANGES: usize = 8;

/// What came of the exchanges of one query, as far as it has come.
#[derive(Debug)]
pub(crate) struct ExchangeLog {
    trace: TraceContext,
    /// Names of the upstreams that learn the trace: forwarders of our own.
    told: Arc<[String]>,
    exchanges: Mutex<Vec<Exchange>>,
}

/// One exchange.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) span_id: [u8; 8],
    /// The name of the document of the upstream.
    pub(crate) upstream: String,
    /// Its protocol, server name (or address) and port.
    pub(crate) server: (crate::document::UpstreamProtocol, String, u16),
    pub(crate) began: Instant,
    /// None where it was taken back, because another one was faster or nobody waits any more.
    pub(crate) ended: Option<Instant>,
    pub(crate) error: Option<&'static str>,
}

impl ExchangeLog {
    /// An empty log for a query with this trace. `told` are the upstreams that learn it.
    pub(crate) fn new(trace: TraceContext, told: Arc<[String]>) -> Arc<Self> {
        Arc::new(Self { trace, told, exchanges: Mutex::default() })
    }

    /// Notes that an exchange begins: its place for [`ExchangeLog::end`], and the trace that the
    /// upstream is to be told, if it is.
    pub(super) fn begin(
        &self,
        document: &UpstreamDocument,
    ) -> Option<(usize, Option<TraceContext>)> {
        let mut span_id = [0; 8];
        rand::fill(&mut span_id).ok()?;
        let mut exchanges = self.exchanges.lock();
        let place = exchanges.len();
        if place == MAX_EXCHANGES {
            return None;
        }
        let address = document.addresses.first();
        let name = &document.server_name;
        let host = Some(name).filter(|name| !name.is_empty()).cloned();
        let host = host.or_else(|| Some(address?.ip().to_string())).unwrap_or_default();
        exchanges.push(Exchange {
            span_id,
            upstream: document.name.clone(),
            server: (document.protocol, host, address.map_or(0, |address| address.port())),
            began: Instant::now(),
            ended: None,
            error: None,
        });
        let is_told = self.told.contains(&document.name);
        Some((place, is_told.then_some(TraceContext { span_id, ..self.trace })))
    }

    /// Notes how an exchange ended.
    pub(super) fn end(&self, place: usize, error: Option<ErrorKind>) {
        if let Some(exchange) = self.exchanges.lock().get_mut(place) {
            exchange.ended = Some(Instant::now());
            exchange.error = error.map(ErrorKind::word);
        }
    }

    /// The exchanges so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().clone()
    }
}
