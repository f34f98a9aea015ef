//! The snapshot: everything that Python decided, in the form in which packets ask it.

pub mod document;
