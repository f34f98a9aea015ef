//! What became of each line: the report of a compilation.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::formats::Format;
use crate::skip_reason::SkipReason;

/// The version of requests and reports; another one is an error.
pub(crate) const VERSION: u32 = 1;
/// The most examples of skipped lines for each list.
const MAX_EXAMPLES: usize = 20;
/// The most characters of a line in an example.
const MAX_TEXT: usize = 100;
/// Characters without a shape of their own, among them those that turn the direction of writing.
const MARKS: [RangeInclusive<char>; 4] = [
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];

/// The report of a compilation.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Always 1.
    pub version: u32,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: String,
    /// The size of the file.
    pub octets: usize,
    /// Distinct names over all lists, patterns not counted.
    pub names: usize,
    /// The lists in the order of the request.
    pub lists: Vec<ListReport>,
}

/// What became of the lines of one list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListReport {
    /// The name of the list.
    pub name: String,
    /// Entries that are in the file: names and patterns.
    pub taken: usize,
    /// Entries that an earlier line of the list has said already.
    pub duplicates: usize,
    /// Entries in the file that spare a name which serves Keyhole itself, and that name alone.
    pub spared: usize,
    /// Entries that are not in the file.
    pub skipped: Skipped,
    /// The files of the list.
    pub files: Vec<FileReport>,
}

/// Lines and names that were left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// How many for each reason.
    pub by_reason: BTreeMap<&'static str, usize>,
    /// The first ones.
    pub examples: Vec<Example>,
}

/// One line that was left out.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// The path of the file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The line, cut to 100 characters, with what is not printable escaped.
    pub text: String,
    /// Why it was left out.
    pub reason: &'static str,
}

/// One file of a list.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path.
    pub path: String,
    /// The format as it was read.
    pub format: Format,
    /// How many lines it has.
    pub lines: u32,
}

impl Skipped {
    /// Counts a line and keeps it as an example while there are few.
    pub(crate) fn add(&mut self, skip: SkipReason, file: &str, line: u32, text: &[u8]) {
        self.count += 1;
        *self.by_reason.entry(skip.phrase()).or_default() += 1;
        if self.examples.len() < MAX_EXAMPLES {
            let (file, text) = (file.to_owned(), printable(text));
            self.examples.push(Example { file, line, text, reason: skip.phrase() });
        }
    }
}

/// The start of a line for a terminal or a page: control characters and characters that change the
/// direction of writing are escaped.
fn printable(line: &[u8]) -> String {
    let start = &line[..line.len().min(4 * MAX_TEXT)];
    let mut text = String::new();
    for (count, letter) in String::from_utf8_lossy(start).trim().chars().enumerate() {
        if count == MAX_TEXT {
            text.push('…');
            break;
        }
        if letter.is_control() || MARKS.iter().any(|marks| marks.contains(&letter)) {
            text.extend(letter.escape_unicode());
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_short_and_printable() {
        assert_eq!(printable(b"a\x1b[31m\0b"), r"a\u{1b}[31m\u{0}b");
        assert_eq!(printable("a\u{202e}b".as_bytes()), r"a\u{202e}b");
        assert_eq!(printable(&[b'x'; 5000]).chars().count(), 101);
    }

    #[test]
    fn examples_end_where_counting_goes_on() {
        let mut skipped = Skipped::default();
        for line in 1..=50 {
            skipped.add(SkipReason::NotAName, "a.txt", line, b"?");
        }
        assert_eq!((skipped.count, skipped.examples.len()), (50, 20));
        assert_eq!(skipped.by_reason["not a name"], 50);
    }
}
