//! The state of whoever takes events.

use super::memo::Memo;
use super::repeats::Window;

/// What is kept from one taking of events to the next.
#[derive(Default)]
pub(super) struct Taking {
    pub(super) memo: Memo,
    /// Room for lines, as long as nobody has it.
    pub(super) room: Vec<u8>,
    /// When the query of each entry arrived, its ring and its place there.
    pub(super) entries: Vec<(u64, usize, usize)>,
    pub(super) words: Vec<u64>,
    /// Windows of repeats: those that were taken, and empty ones to be given for others.
    pub(super) windows: Vec<Window>,
    pub(super) spare: Vec<Window>,
}
