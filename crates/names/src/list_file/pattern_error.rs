//! Why a pattern of a list cannot be used.

/// Why a pattern is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// The expression is not valid, or linear-time matching cannot do it.
    Invalid,
    /// The expression is too large.
    TooLarge,
    /// It would match nearly every name.
    TooBroad,
    /// It has fewer than three fixed characters.
    TooShort,
}
