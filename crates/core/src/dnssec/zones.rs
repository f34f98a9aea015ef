//! What is known of zones: their keys, or that they have none, each for as long as the records that
//! say so may be kept and their signatures are valid.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use keyhole_wire::Name;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, UnitWeighter};

use super::key::Key;
use super::signature::Window;

/// Names of which something is known; with the keys of ordinary zones two megabytes.
const MAX_KNOWN: usize = 4096;
/// The longest that anything is known without asking again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A signed zone.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    pub(super) keys: Vec<Key>,
}

/// What a name is in the chain of trust.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// A signed zone begins here.
    Cut(Arc<Zone>),
    /// It belongs to the zone above.
    Inside,
    /// What is here and below is not signed.
    Unsigned,
}

/// A link, and how long it holds.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) link: Link,
    until: Instant,
    window: Window,
}

impl Known {
    /// A link by records with this TTL in seconds, whose signatures are valid so long.
    pub(super) fn new(link: Link, ttl: u32, window: Window, now: Instant) -> Self {
        let until = now + Duration::from_secs(u64::from(ttl)).min(LONGEST);
        Self { link, until, window }
    }
}

/// What is known by one set of anchors from one set of upstreams.
pub(super) struct Zones {
    known: Cache<Box<[u8]>, Arc<Known>, UnitWeighter, RandomState>,
}

impl Default for Zones {
    fn default() -> Self {
        let sizes = OptionsBuilder::new()
            .estimated_items_capacity(64)
            .weight_capacity(MAX_KNOWN as u64)
            .build()
            .expect("both required sizes are given");
        let (hasher, life) = (RandomState::default(), DefaultLifecycle::default());
        Self { known: Cache::with_options(sizes, UnitWeighter, hasher, life) }
    }
}

impl fmt::Debug for Zones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zones({})", self.known.len())
    }
}

impl Zones {
    /// What a name is, if that is known and holds at this moment, also by the wall clock: a
    /// signature that has expired since proves nothing any more.
    pub(super) fn get(&self, name: &Name, now: Instant, unix: u32) -> Option<Link> {
        let known = self.known.get(name.as_wire())?;
        (now < known.until && known.window.check(unix).is_ok()).then(|| known.link.clone())
    }

    pub(super) fn put(&self, name: &Name, known: Known) {
        self.known.insert(name.as_wire().into(), Arc::new(known));
    }
}
