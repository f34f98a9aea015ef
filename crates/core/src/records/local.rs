//! What is said without any upstream.

use std::sync::Arc;

use keyhole_wire::{Answer, Name, Synthetic, ZoneAt};

/// An alias: owner, target and TTL in seconds.
pub type Link = (Name, Name, u32);

/// What is said here, without any upstream.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "lives on the stack for the time of one query")]
pub enum Local {
    /// Records, or aliases that end without any.
    Answer(Arc<Answer>),
    /// An address, no data, or no such name, without aliases.
    Synthetic {
        /// What goes on the wire.
        what: Synthetic,
        /// Seconds for which it may be cached.
        ttl: u32,
        /// The zone here to which the name belongs, whose SOA record a negative answer shows.
        zone: Option<ZoneAt>,
    },
    /// Aliases that leave the local data: ask for `target` and put `chain` before the answer.
    Alias {
        /// From the question on, at least one.
        chain: Arc<[Link]>,
        /// The target of the last alias.
        target: Name,
    },
}
