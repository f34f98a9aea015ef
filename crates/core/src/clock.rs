//! The wall clock, for what depends on the day and hour.
//!
//! What decides takes the time as a number; only who asks knows whether it is now. Nothing else in
//! the path of a query reads this clock: it may jump, and deadlines and ages must not.

use std::time::{SystemTime, UNIX_EPOCH};

/// When a query is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// When it is asked; the clock is read only where something depends on it.
    Now,
    /// At this second of Unix time.
    At(i64),
}

impl When {
    /// Seconds of Unix time.
    pub fn unix(self) -> i64 {
        let seconds = |span: std::time::Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        match self {
            Self::At(unix) => unix,
            Self::Now => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => seconds(since),
                Err(before) => -seconds(before.duration()),
            },
        }
    }
}
