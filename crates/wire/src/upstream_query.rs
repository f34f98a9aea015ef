//! The query that goes upstream: made from a name and a type, and from nothing else.

use crate::UDP_OCTETS;
use crate::edns::{PADDING, TRACE_CONTEXT, TRACE_CONTEXT_OCTETS};
use crate::header::{CD, HEADER, Header, IN, RD};
use crate::name::Name;
use crate::opt;
use crate::types::{Rcode, RecordType};

/// What a query for an upstream says beside name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamForm {
    /// CD: the client checks DNSSEC itself and wants data that fails the check, too
    /// (RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
    /// With an OPT record. Without one for servers that do not know EDNS (RFC 6891 section 6.2.2).
    pub edns: bool,
    /// The length becomes a multiple of this, by an option of EDNS (RFC 8467 section 4.1: 128;
    /// 0 pads nothing; a block over 32,768 counts as that).
    pub block: usize,
    /// The trace that it belongs to: for a forwarder of our own alone, never for another upstream.
    pub trace_context: Option<[u8; TRACE_CONTEXT_OCTETS]>,
}

/// Appends a query for `name`, in lower case, and `kind`, as [`write_query_as`] with EDNS and
/// without CD.
pub fn write_query(name: &Name, kind: RecordType, id: u16, block: usize, out: &mut Vec<u8>) {
    let form = UpstreamForm { checking_disabled: false, edns: true, block, trace_context: None };
    write_query_as(name, kind, id, form, out);
}

/// Appends a query for `name`, in lower case, and `kind`.
///
/// RD and DO are set, the class is IN and the EDNS payload size [`UDP_OCTETS`]. There is no other
/// flag but CD and no other option than Padding, and for a forwarder of our own the trace context.
/// So nothing that a client chose, except name, type and CD, can reach an upstream.
pub fn write_query_as(
    name: &Name,
    kind: RecordType,
    id: u16,
    form: UpstreamForm,
    out: &mut Vec<u8>,
) {
    let UpstreamForm { checking_disabled, edns, block, trace_context } = form;
    let start = out.len();
    let flags = if checking_disabled { RD | CD } else { RD };
    let additionals = u16::from(edns);
    let header = Header { id, flags, questions: 1, answers: 0, authorities: 0, additionals };
    out.extend_from_slice(&header.octets());
    out.extend_from_slice(name.as_wire());
    out[start + HEADER..].make_ascii_lowercase();
    out.extend_from_slice(&kind.0.to_be_bytes());
    out.extend_from_slice(&IN.to_be_bytes());
    if !edns {
        return;
    }
    let options = opt::begin(UDP_OCTETS, Rcode::NOERROR, true, out);
    if let Some(context) = &trace_context {
        opt::push(TRACE_CONTEXT, &[context], out);
    }
    if block > 0 {
        let block = block.min(32_768);
        let len = out.len() - start + opt::OPTION;
        let padding = len.next_multiple_of(block) - len;
        opt::push(PADDING, &[], out);
        let length_at = out.len() - 2;
        out[length_at..].copy_from_slice(&(padding as u16).to_be_bytes());
        // Zero octets, as RFC 7830 section 3 asks.
        out.resize(out.len() + padding, 0);
    }
    opt::end(options, out);
}
