//! Lines of a list, read one by one with a limit, so that no input can take memory.

use std::io::{self, BufRead};

/// The most octets that a line may have; a longer one is skipped, whatever its length.
pub(crate) const MAX_LINE: usize = 4096;

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The buffer holds the whole line.
    Whole,
    /// The line is too long; the buffer holds its start.
    TooLong,
}

/// Reads the next line into `buffer`, or gives none at the end. CR LF ends a line like LF.
pub(crate) fn read_line(
    reader: &mut impl BufRead,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Line>> {
    buffer.clear();
    let (mut line, mut seen) = (Line::Whole, false);
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            break;
        }
        seen = true;
        let end = available.iter().position(|&octet| octet == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        let free = MAX_LINE - buffer.len();
        if part.len() > free {
            line = Line::TooLong;
        }
        buffer.extend_from_slice(&part[..part.len().min(free)]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
    }
    Ok(seen.then_some(line))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8]) -> Vec<(Line, Vec<u8>)> {
        let mut reader = BufReader::with_capacity(7, text);
        let (mut all, mut buffer) = (Vec::new(), Vec::new());
        while let Some(line) = read_line(&mut reader, &mut buffer).unwrap() {
            all.push((line, buffer.clone()));
        }
        all
    }

    #[test]
    fn lines_end_with_lf_or_cr_lf_or_the_file() {
        let expected = ["one", "", "two three four", "last"];
        let found = lines(b"one\r\n\ntwo three four\nlast");
        assert!(found.iter().all(|(line, _)| *line == Line::Whole));
        assert!(found.iter().map(|(_, text)| text.as_slice()).eq(expected.map(str::as_bytes)));
        assert_eq!(lines(b"").len(), 0);
    }

    #[test]
    fn a_line_of_a_megabyte_costs_four_kibibytes_and_hides_nothing_behind_it() {
        let mut text = vec![b'a'; 1 << 20];
        text.extend_from_slice(b"\nnext");
        let found = lines(&text);
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0].0, found[0].1.len()), (&Line::TooLong, MAX_LINE));
        assert_eq!(found[1], (Line::Whole, b"next".to_vec()));
    }
}
