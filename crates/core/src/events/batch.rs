//! Events that were taken together.

/// Events as lines, with what a reader would have to scan them for.
#[derive(Debug, Default)]
pub struct Batch {
    /// JSON lines, and a last line `{"lost": n}` where events were dropped.
    pub lines: Vec<u8>,
    /// How many of the lines hold events.
    pub events: u64,
    /// How many events were dropped.
    pub lost: u64,
    /// The lines of Keyhole's own queries, which no client sent.
    pub own: Vec<u8>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.own.is_empty()
    }
}
