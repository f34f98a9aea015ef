//! Messages on a stream: two octets of length, then the message (RFC 1035 section 4.2.2).

/// Octets of a DNS header: a shorter message cannot be answered (RFC 1035 section 4.1.1).
pub(super) const HEADER: usize = 12;

/// What lies at the start of what was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A whole message; it takes two octets more than its length.
    Whole(&'a [u8]),
    /// The rest of the message is yet to come.
    Partial,
    /// A length too small for any message: the stream is out of step, or was never DNS.
    Nonsense,
}

/// Looks at the first frame.
pub(super) fn first(octets: &[u8]) -> Frame<'_> {
    let Some((length, rest)) = octets.split_first_chunk::<2>() else { return Frame::Partial };
    let length = usize::from(u16::from_be_bytes(*length));
    if length < HEADER {
        return Frame::Nonsense;
    }
    rest.get(..length).map_or(Frame::Partial, Frame::Whole)
}

/// Appends a frame whose message `write` appends, and says what `write` said. When it appends
/// nothing, or more than a length can say, nothing is left.
pub(super) fn append<T>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    let said = write(out);
    match u16::try_from(out.len() - start - 2) {
        Ok(length) if length > 0 => {
            out[start..start + 2].copy_from_slice(&length.to_be_bytes());
        }
        _ => out.truncate(start),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_when_its_last_octet_is_there() {
        let mut octets = vec![0, 12];
        octets.extend_from_slice(&[7; 12]);
        assert_eq!(first(&octets), Frame::Whole(&[7; 12]));
        for length in 0..octets.len() {
            assert_eq!(first(&octets[..length]), Frame::Partial);
        }
    }

    #[test]
    fn a_length_below_a_header_is_nonsense() {
        for length in 0..12 {
            assert_eq!(first(&[0, length, 1, 2, 3]), Frame::Nonsense);
        }
    }

    #[test]
    fn an_empty_or_oversized_message_leaves_no_frame() {
        let mut out = vec![1];
        append(&mut out, |_| ());
        append(&mut out, |out| out.resize(out.len() + 65_536, 0));
        assert_eq!(out, [1]);
        append(&mut out, |out| out.push(9));
        assert_eq!(out, [1, 0, 1, 9]);
    }
}
