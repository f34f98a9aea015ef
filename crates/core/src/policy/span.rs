//! A time with a beginning and an end: a pause, or how long a rule acts.

use super::schedule::Moment;
use crate::date;
use crate::document::SpanDocument;
use crate::faults::Faults;

/// From one second of Unix time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    from: i64,
    until: i64,
}

impl Span {
    /// Compiles a document; `path` is where it is in the snapshot, `origin` what a person knows of
    /// it.
    pub(crate) fn compile(
        document: SpanDocument,
        path: &str,
        origin: &str,
        faults: &mut Faults,
    ) -> Self {
        let SpanDocument { from, until } = document;
        if until <= from {
            faults.add(path, format!("it is over before it begins: {from} to {until} ({origin})"));
        }
        Self { from, until }
    }

    /// Whether it is that time. Before it begins it is not, so that a clock that was put back does
    /// not make it longer.
    #[inline]
    pub(crate) fn holds(self, moment: Moment) -> bool {
        self.from <= moment.unix() && moment.unix() < self.until
    }

    /// Seconds from its beginning to its end.
    pub(crate) fn seconds(self) -> i64 {
        self.until.saturating_sub(self.from)
    }

    /// When it ends, in UTC (RFC 3339).
    pub fn end(self) -> String {
        format!("{}Z", date::words(self.until))
    }
}
