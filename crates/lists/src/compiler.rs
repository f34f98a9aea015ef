//! Compiling lists: line by line into entries, and all entries into one file.

use std::io::{self, BufReader, Cursor, Read};

use keyhole_names::Error;
use keyhole_names::list_file::{
    ALLOW, Action, Attributes, Effect, IMPORTANT, ListKind, MAX_EXPRESSIONS, MAX_LISTS,
    MAX_PATTERNS, MAX_SLOW, Matcher, Rewrite, SPECIFIC, sha256,
};
use keyhole_wire::Name;

use crate::builder::FileBuilder;
use crate::entry::{Findings, ListEntry, Scope, Target};
use crate::formats::{Format, LineReader, detect, is_web_page};
use crate::line::{Line, read_line};
use crate::protected_names::ProtectedNames;
use crate::report::{FileReport, ListReport, Report, VERSION};
use crate::skip_reason::SkipReason;

/// How much of a file is looked at to find its format.
const HEAD: u64 = 64 << 10;
/// The most files over all lists.
const MAX_FILES: usize = 65_535;
/// What stands for octets that are not UTF-8.
const BROKEN: char = char::REPLACEMENT_CHARACTER;
/// The byte order mark that some editors put first.
const MARK: char = '\u{feff}';

/// Compiles lists in memory: [`Compiler::begin_list`] for each list, [`Compiler::read_file`] for
/// each of its files, then [`Compiler::finish`].
pub struct Compiler {
    protected: ProtectedNames,
    kind: ListKind,
    reports: Vec<ListReport>,
    builder: FileBuilder,
    sources: usize,
    patterns: PatternCounts,
}

/// How many patterns were taken, for their limits.
#[derive(Default)]
struct PatternCounts {
    all: usize,
    expressions: usize,
    slow: usize,
}

/// Where a line stands.
struct LinePosition<'a> {
    path: &'a str,
    source: u16,
    line: u32,
    text: &'a [u8],
}

impl Compiler {
    /// Starts without lists. No block list may block a protected name.
    pub fn new(protected: &[Name]) -> Self {
        Self {
            protected: ProtectedNames::new(protected),
            kind: ListKind::Block,
            reports: Vec::new(),
            builder: FileBuilder::default(),
            sources: 0,
            patterns: PatternCounts::default(),
        }
    }

    /// Begins the next list; its id is the number of lists before it.
    pub fn begin_list(&mut self, name: &str, kind: ListKind) -> Result<(), Error> {
        if self.reports.len() == MAX_LISTS {
            return Err(Error::invalid("request.lists", format!("more than {MAX_LISTS} lists")));
        }
        self.kind = kind;
        self.reports.push(ListReport { name: name.to_owned(), ..ListReport::default() });
        Ok(())
    }

    /// Reads one file of the list that was begun last; no format means that the form of each line
    /// is found out, and what the line alone does not tell by the others.
    pub fn read_file(
        &mut self,
        path: &str,
        format: Option<Format>,
        mut reader: impl Read,
    ) -> Result<(), Error> {
        let too_many = || Error::invalid("request.lists", format!("more than {MAX_FILES} files"));
        let source = u16::try_from(self.sources).map_err(|_| too_many())?;
        if self.sources == MAX_FILES {
            return Err(too_many());
        }
        self.sources += 1;
        let failed = |error| Error::system(format!("read the list file {path}"), error);
        let mut head = Vec::new();
        reader.by_ref().take(HEAD).read_to_end(&mut head).map_err(failed)?;
        let reader_of_lines = match format {
            Some(format) => LineReader::strict(format),
            None => LineReader::mixed(detect(&head)),
        };
        let format = reader_of_lines.format();
        let mut place = LinePosition { path, source, line: 0, text: &[] };
        if is_web_page(&head) {
            place.text = &head;
            self.skip(SkipReason::WebPage, &place);
        } else {
            let mut lines =
                BufReader::with_capacity(HEAD as usize, Cursor::new(&head).chain(reader));
            self.read_lines(&mut lines, reader_of_lines, &mut place).map_err(failed)?;
        }
        let lines = place.line;
        if let Some(report) = self.reports.last_mut() {
            report.files.push(FileReport { path: path.to_owned(), format, lines });
        }
        Ok(())
    }

    fn read_lines(
        &mut self,
        lines: &mut impl io::BufRead,
        mut reader: LineReader,
        place: &mut LinePosition<'_>,
    ) -> io::Result<()> {
        let (mut buffer, mut findings) = (Vec::new(), Vec::new());
        while let Some(line) = read_line(lines, &mut buffer)? {
            place.line = place.line.saturating_add(1);
            let here = LinePosition { text: &buffer, ..*place };
            if line == Line::TooLong {
                self.skip(SkipReason::LineTooLong, &here);
                continue;
            }
            let text = String::from_utf8_lossy(&buffer);
            // Some files end lines with more than CR LF, or themselves with a mark of DOS.
            let text = text.trim_start_matches(MARK).trim_end_matches(char::is_control);
            reader.read(text, &mut findings);
            // What stands in a comment does no harm; what is left over is told as what it is.
            let is_text = !text.contains(|c: char| c == BROKEN || (c.is_control() && c != '\t'));
            let unread = findings.iter_mut().filter(|one| one.is_err() && !is_text);
            unread.for_each(|one| *one = Err(SkipReason::NotText));
            self.take_all(&mut findings, &here);
        }
        // It stands in no line: the last one is as good as any.
        let here = LinePosition { text: &[], ..*place };
        reader.finish(&mut findings);
        self.take_all(&mut findings, &here);
        Ok(())
    }

    fn take_all(&mut self, findings: &mut Findings, here: &LinePosition<'_>) {
        for finding in findings.drain(..) {
            if let Err(skip) = finding.and_then(|entry| self.take(entry, here)) {
                self.skip(skip, here);
            }
        }
    }

    fn skip(&mut self, skip: SkipReason, place: &LinePosition<'_>) {
        if let Some(report) = self.reports.last_mut() {
            report.skipped.add(skip, place.path, place.line, place.text);
        }
    }

    /// Takes one entry, unless it would do harm.
    fn take(&mut self, mut entry: ListEntry, place: &LinePosition<'_>) -> Result<(), SkipReason> {
        let matcher = match &entry.target {
            Target::Name(..) => None,
            Target::Pattern(pattern) => Some(Matcher::new(pattern)?),
        };
        let decides = entry.limits.effect == Effect::Decides;
        if self.kind == ListKind::Allow && entry.limits.rewrite != Rewrite::None {
            return Err(SkipReason::RewriteAllows);
        }
        let blocks = decides && entry.action == Action::Block && self.kind == ListKind::Block;
        if blocks {
            self.spare_protected(&mut entry, matcher.as_ref())?;
        }
        let mut flags = if entry.important { IMPORTANT } else { 0 };
        if entry.action == Action::Allow {
            flags |= ALLOW;
        }
        if entry.specific {
            flags |= SPECIFIC;
        }
        let list = self.reports.len() - 1;
        let limits = self.builder.limits(&entry.limits);
        let mut attributes = Attributes { flags, source: place.source, line: place.line, limits };
        match (&entry.target, matcher) {
            (Target::Name(name, scope), _) => {
                attributes.flags |= scope.flags();
                self.builder.add_name(list, name.as_wire(), attributes);
            }
            (Target::Pattern(pattern), Some(matcher)) => {
                if self.builder.has_pattern(list, pattern, &attributes) {
                    self.reports[list].duplicates += 1;
                    return Ok(());
                }
                self.patterns.count(&matcher)?;
                self.builder.add_pattern(list, pattern, attributes);
                self.reports[list].taken += 1;
            }
            (_, None) => {}
        }
        Ok(())
    }

    /// Spares the protected names that an entry means, and these alone. One that means nothing
    /// else is left out.
    fn spare_protected(
        &mut self,
        entry: &mut ListEntry,
        matcher: Option<&Matcher>,
    ) -> Result<(), SkipReason> {
        let spared = self.protected.blocked_by(entry, matcher);
        if spared.is_empty() {
            return Ok(());
        }
        if matches!(entry.target, Target::Name(_, Scope::Exact)) {
            return Err(SkipReason::Protected);
        }
        entry.limits.spared_names = spared;
        if let Some(report) = self.reports.last_mut() {
            report.spared += 1;
        }
        Ok(())
    }

    /// Gives the octets of the file and the report.
    pub fn finish(mut self) -> Result<(Vec<u8>, Report), Error> {
        let (file, names) = self.builder.finish(&mut self.reports)?;
        let report = Report {
            version: VERSION,
            sha256: sha256(&file),
            octets: file.len(),
            names,
            lists: self.reports,
        };
        Ok((file, report))
    }

    /// Makes every name have the same hash, for tests of collisions.
    #[cfg(test)]
    pub(crate) fn with_hash(mut self, hash: fn(&[u8]) -> u64) -> Self {
        self.builder.set_hash(hash);
        self
    }
}

impl PatternCounts {
    /// Counts one more pattern, if it is within the limits.
    fn count(&mut self, matcher: &Matcher) -> Result<(), SkipReason> {
        let is_expression = matcher.is_expression();
        let is_slow = matcher.is_slow();
        if self.all == MAX_PATTERNS || (is_expression && self.expressions == MAX_EXPRESSIONS) {
            return Err(SkipReason::PatternTooMany);
        }
        if is_slow && self.slow == MAX_SLOW {
            return Err(SkipReason::PatternTooSlow);
        }
        self.all += 1;
        self.expressions += usize::from(is_expression);
        self.slow += usize::from(is_slow);
        Ok(())
    }
}
