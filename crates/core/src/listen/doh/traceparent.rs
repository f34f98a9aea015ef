//! The header `traceparent` of a request (W3C Trace Context section 3.2).

use http::Request;

use crate::options::Options;
use crate::trace_context::TraceContext;

/// The header, in lower case as HTTP/2 demands.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The trace that a request says it belongs to. None where traces are off, and for a header that is
/// there twice or cannot be read, which is as if it were absent (section 3.2.2.3).
pub(super) fn trace_of<B>(request: &Request<B>, options: &Options) -> Option<TraceContext> {
    options.traces.as_ref()?;
    let mut found = request.headers().get_all(TRACEPARENT).iter();
    match (found.next(), found.next()) {
        (Some(header), None) => TraceContext::from_header(header.as_bytes()),
        _ => None,
    }
}
