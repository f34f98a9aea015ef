//! How many answers the connections of an upstream bring before it ends them.
//!
//! Some servers end each connection after some answers, and a few after one. What was put to it
//! beyond that is lost and has to be repeated, and one connection after the other would take longer
//! than clients wait. So as long as connections live shortly, each one gets as many queries as it
//! brings answers, and more of them are open at once.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Connections that are open at once.
const USUAL_OPEN: usize = 2;
/// The same while they live shortly. Clients are to keep them few (RFC 7766 section 6.2.2).
const MAX_OPEN: usize = 8;
/// Queries under way on one connection from which on a second one is opened. A connection that
/// brings as many answers does not live shortly.
const BUSY: usize = 100;
/// Connections in a row that were ended with queries under way: one may be chance.
const ENDED: usize = 2;
/// The last ends from which it is told how many answers a connection brings.
const REMEMBERED: usize = size_of::<u32>();

/// What the last connections of one upstream show.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// How many answers each of the last ones brought that were ended early: an octet for each, the
    /// last one lowest, and 0 for none.
    ended: AtomicU32,
}

/// How many connections there may be, and how many queries each one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Connections that are open at once.
    pub(super) open: usize,
    /// Queries under way on one from which on another one is opened.
    pub(super) busy: usize,
    /// Answers that one brings, if connections live shortly.
    brings: Option<usize>,
}

impl Lives {
    /// A connection was ended with queries under way after so many answers, at least one. Many
    /// answers are a long life, whatever those before it brought.
    pub(super) fn ended_early(&self, answers: usize) {
        if answers >= BUSY {
            return self.ended.store(0, Relaxed);
        }
        // The oldest one falls out. It is less than BUSY, so it fits into an octet.
        let brought = u32::from(u8::try_from(answers.max(1)).unwrap_or(u8::MAX));
        let push = |ended: u32| Some(ended << u8::BITS | brought);
        let _ = self.ended.fetch_update(Relaxed, Relaxed, push);
    }

    /// A connection has brought so many answers. More than the others did show that it lives longer.
    pub(super) fn has_brought(&self, answers: usize) {
        let (ended, most) = self.shown();
        if ended > 0 && answers > most {
            self.ended.store(0, Relaxed);
        }
    }

    /// How many of the last connections were ended early, and the most answers that one brought.
    fn shown(&self) -> (usize, usize) {
        let brought: [u8; REMEMBERED] = self.ended.load(Relaxed).to_be_bytes();
        let ended = brought.iter().filter(|&&answers| answers > 0).count();
        (ended, brought.into_iter().max().map_or(0, usize::from))
    }

    /// What follows for the connections.
    pub(super) fn room(&self) -> Room {
        let (ended, brings) = self.shown();
        if ended < ENDED {
            return Room { open: USUAL_OPEN, busy: BUSY, brings: None };
        }
        Room { open: MAX_OPEN, busy: brings, brings: Some(brings) }
    }
}

impl Room {
    /// Queries that a connection takes at once, of as many as its protocol admits, after so many
    /// answers. One always goes there: only so it shows that it lives longer.
    pub(super) fn capacity(&self, admitted: usize, answers: usize) -> usize {
        let left = self.brings.map_or(usize::MAX, |brings| brings.saturating_sub(answers).max(1));
        admitted.min(left)
    }

    /// Connections to open for so many queries that wait for one, beside those that are open.
    pub(super) fn openings(&self, waiting: usize) -> usize {
        self.brings.map_or(1, |brings| waiting.div_ceil(brings).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_ended_after_a_few_answers_get_so_many_queries_and_company() {
        let lives = Lives::default();
        let usual = lives.room();
        assert_eq!((usual.open, usual.busy, usual.capacity(1000, 7)), (2, 100, 1000));
        assert_eq!(usual.openings(300), 1);
        lives.ended_early(9);
        assert_eq!(lives.room(), usual, "once may be chance");
        lives.ended_early(10);
        let short = lives.room();
        assert_eq!((short.open, short.busy), (8, 10));
        assert_eq!([0, 4, 10, 11].map(|answers| short.capacity(1000, answers)), [10, 6, 1, 1]);
        assert_eq!(short.capacity(3, 0), 3, "never more than the protocol admits");
        assert_eq!([0, 1, 10, 11].map(|waiting| short.openings(waiting)), [1, 1, 1, 2]);
    }

    #[test]
    fn one_connection_that_brings_more_ends_it() {
        let lives = Lives::default();
        let usual = lives.room();
        (0..3).for_each(|_| lives.ended_early(1));
        lives.has_brought(1);
        assert_eq!(lives.room().open, 8);
        lives.has_brought(2);
        assert_eq!(lives.room(), usual);
    }

    #[test]
    fn an_upstream_that_restarts_after_many_answers_is_no_such_one() {
        let lives = Lives::default();
        let usual = lives.room();
        (0..9).for_each(|_| lives.ended_early(5000));
        assert_eq!(lives.room(), usual);
    }

    #[test]
    fn one_long_life_does_not_hide_the_short_ones_after_it() {
        let lives = Lives::default();
        let usual = lives.room();
        (0..3).for_each(|_| lives.ended_early(2));
        lives.ended_early(100);
        assert_eq!(lives.room(), usual, "it brought many");
        lives.ended_early(99);
        lives.ended_early(2);
        assert_eq!(lives.room().busy, 99);
        (0..4).for_each(|_| lives.ended_early(1));
        assert_eq!((lives.room().open, lives.room().busy), (8, 1), "only the last ones count");
    }
}
