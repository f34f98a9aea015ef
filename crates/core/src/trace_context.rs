//! Which trace a query belongs to: W3C Trace Context, as a header and as an option of EDNS.

use keyhole_wire::TRACE_CONTEXT_OCTETS;

/// Octets of the header in version 00.
const HEADER: usize = "00-00000000000000000000000000000000-0000000000000000-00".len();
/// The flag that says that the caller records the trace (section 3.2.2.5.1).
const SAMPLED: u8 = 1;

/// A trace, and the span in it that a query belongs to. Neither id is ever zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The id of the trace.
    pub trace_id: [u8; 16],
    /// The id of the span.
    pub span_id: [u8; 8],
    /// Whether the trace is recorded there.
    pub is_sampled: bool,
}

impl TraceContext {
    /// Reads the header `traceparent`; none for one that is not valid (section 3.2.2). Of later
    /// versions, the parts that are known are read (section 3.2.4).
    pub fn from_header(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(HEADER)?;
        let mut parts = head.split(|&octet| octet == b'-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = read_hex(version)?;
        let is_known = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let [flags] = read_hex(flags)?;
        let context = Self {
            trace_id: read_hex(trace_id)?,
            span_id: read_hex(span_id)?,
            is_sampled: flags & SAMPLED != 0,
        };
        context.checked().filter(|_| is_known && parts.next().is_none())
    }

    /// The header.
    pub fn header(&self) -> String {
        let flags = if self.is_sampled { "01" } else { "00" };
        format!("00-{}-{}-{flags}", hex(&self.trace_id), hex(&self.span_id))
    }

    /// Reads the data of the option; none for ids of zero.
    pub fn from_option(data: &[u8; TRACE_CONTEXT_OCTETS]) -> Option<Self> {
        let (trace_id, rest) = data.split_first_chunk()?;
        let (span_id, flags) = rest.split_first_chunk()?;
        let is_sampled = flags[0] & SAMPLED != 0;
        Self { trace_id: *trace_id, span_id: *span_id, is_sampled }.checked()
    }

    /// The data of the option: trace id, span id and flags.
    pub fn option(&self) -> [u8; TRACE_CONTEXT_OCTETS] {
        let mut data = [0; TRACE_CONTEXT_OCTETS];
        data[..16].copy_from_slice(&self.trace_id);
        data[16..24].copy_from_slice(&self.span_id);
        data[24] = u8::from(self.is_sampled);
        data
    }

    /// The half of the trace id that decides about sampling by share, as OpenTelemetry does
    /// (TraceIdRatioBased): the same for everybody who sees the trace.
    pub fn lot(&self) -> u64 {
        let [_, _, _, _, _, _, _, _, lot @ ..] = self.trace_id;
        u64::from_be_bytes(lot)
    }

    fn checked(self) -> Option<Self> {
        (self.trace_id != [0; 16] && self.span_id != [0; 8]).then_some(self)
    }
}

/// Octets in hexadecimal digits, in lower case.
pub fn hex(octets: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(octets)
}

fn read_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    data_encoding::HEXLOWER.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_and_an_option_say_the_same() {
        let context = TraceContext::from_header(VALID.as_bytes()).unwrap();
        assert_eq!(context.header(), VALID);
        assert_eq!(TraceContext::from_option(&context.option()), Some(context));
        assert_eq!(context.lot(), 0x8448_eb21_1c80_319c);
    }

    #[test]
    fn later_versions_may_have_more_behind_the_flags() {
        let later = VALID.replacen("00", "01", 1);
        assert!(TraceContext::from_header(later.as_bytes()).is_some());
        assert!(TraceContext::from_header(format!("{later}-more").as_bytes()).is_some());
        assert!(TraceContext::from_header(format!("{later}more").as_bytes()).is_none());
        assert!(TraceContext::from_header(format!("{VALID}-more").as_bytes()).is_none());
    }

    #[test]
    fn what_the_standard_forbids_is_no_trace() {
        for wrong in [
            "",
            "00",
            &VALID.replacen("00", "ff", 1),
            &VALID.to_uppercase(),
            &VALID.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &VALID.replace("b7ad6b7169203331", &"0".repeat(16)),
            &VALID.replace("-01", "-0x"),
            &VALID.replace("-b7ad", "bb7ad"),
        ] {
            assert_eq!(TraceContext::from_header(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(TraceContext::from_option(&[0; TRACE_CONTEXT_OCTETS]), None);
    }
}
