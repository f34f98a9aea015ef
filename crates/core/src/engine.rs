//! The engine: what all workers share, and their life.

/// What all workers share.
pub struct Core {}
