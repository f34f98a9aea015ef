//! The way of a query: ten verbs, one direction.
//!
//! ```text
//! receive -> parse -> admit -> identify -> authorize -> screen -> fetch -> vet -> reply -> record
//! ```
//!
//! Any of them may end the query, which jumps forward to `reply` and always to `record`. What can
//! be answered without waiting is answered by [`begin`] in place; the rest goes on in [`complete`].
//! Both catch panics and lead to `stages_in_order`, where the order is written down.

mod panic_guard;
mod pending;
mod progress;
mod stages_in_order;
mod traced;

pub use panic_guard::{begin, complete};
pub use pending::Pending;
pub use progress::{EndSummary, Progress, ReplyInfo};
pub use stages_in_order::begin_traced;
pub use traced::complete_traced;

#[cfg(test)]
mod tests;
