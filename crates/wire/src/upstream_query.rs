//! The query that goes upstream: made from a name and a type, and from nothing else.

use crate::UDP_OCTETS;
use crate::edns::PADDING;
use crate::header::{HEADER, Header, IN, RD};
use crate::name::Name;
use crate::opt;
use crate::types::{Rcode, RecordType};

/// Appends a query for `name`, in lower case, and `kind`.
///
/// RD and DO are set, the class is IN and the EDNS payload size [`UDP_OCTETS`]. There is no other
/// flag and no other option than Padding, which makes the length a multiple of `block` octets
/// (RFC 8467 section 4.1: 128; 0 pads nothing; a block over 32,768 counts as that). So nothing that
/// a client chose, except name and type, can reach an upstream.
pub fn write_query(name: &Name, kind: RecordType, id: u16, block: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let header = Header { id, flags: RD, questions: 1, answers: 0, authorities: 0, additionals: 1 };
    out.extend_from_slice(&header.octets());
    out.extend_from_slice(name.as_wire());
    out[start + HEADER..].make_ascii_lowercase();
    out.extend_from_slice(&kind.0.to_be_bytes());
    out.extend_from_slice(&IN.to_be_bytes());
    let options = opt::begin(UDP_OCTETS, Rcode::NOERROR, true, out);
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
