//! What is known of zones: their keys, or that they have none, each for as long as the records that
//! say so may be kept and their signatures are valid.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use keyhole_wire::Name;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use super::key::Key;
use super::signature::Window;

/// Octets of what is known of all names: some thousand zones with ordinary keys. A zone with many
/// large keys weighs what it takes, and pushes out others of its kind.
const MAX_OCTETS: u64 = 2 << 20;
/// Octets of an entry beside its name and keys; what the store and the allocator add.
const OVERHEAD: usize = 192;
/// The longest that anything is known without asking again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest that it is known that there is no DS record: a zone that is signed from now on is
/// validated from then on. RFC 2308 section 5 names one to three hours for what is denied.
const MAX_DENIAL: Duration = Duration::from_secs(3600);

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
        Self::within(LONGEST, link, ttl, window, now)
    }

    /// The same for what is known because there is no DS record.
    pub(super) fn denied(link: Link, ttl: u32, window: Window, now: Instant) -> Self {
        Self::within(MAX_DENIAL, link, ttl, window, now)
    }

    fn within(longest: Duration, link: Link, ttl: u32, window: Window, now: Instant) -> Self {
        let until = now + Duration::from_secs(u64::from(ttl)).min(longest);
        Self { link, until, window }
    }
}

/// Weighs what is known of a name by the memory that it takes.
#[derive(Clone)]
struct InOctets;

impl Weighter<Box<[u8]>, Arc<Known>> for InOctets {
    fn weight(&self, name: &Box<[u8]>, known: &Arc<Known>) -> u64 {
        let keys = match &known.link {
            Link::Cut(zone) => zone.keys.iter().map(Key::octets).sum(),
            Link::Inside | Link::Unsigned => 0,
        };
        (name.len() + keys + OVERHEAD) as u64
    }
}

/// What is known by one set of anchors from one set of upstreams.
pub(super) struct Zones {
    known: Cache<Box<[u8]>, Arc<Known>, InOctets, RandomState>,
}

impl Default for Zones {
    fn default() -> Self {
        let sizes = OptionsBuilder::new()
            .estimated_items_capacity(64)
            .weight_capacity(MAX_OCTETS)
            .build()
            .expect("both required sizes are given");
        let (hasher, life) = (RandomState::default(), DefaultLifecycle::default());
        Self { known: Cache::with_options(sizes, InOctets, hasher, life) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_with_many_large_keys_take_no_more_memory_than_others() {
        let (zones, now) = (Zones::default(), Instant::now());
        let window = Window { from: 0, until: 1 << 30 };
        let key = [&[1, 1, 3, 8][..], &[7; 516]].concat();
        let name = |number: u32| Name::from_text(&format!("z{number}.example")).unwrap();
        for number in 0..2_000 {
            let keys = (0..32).filter_map(|_| Key::read(&key)).collect();
            let zone = Arc::new(Zone { apex: name(number), keys });
            zones.put(&name(number), Known::new(Link::Cut(zone), 3_600, window, now));
        }
        assert!(zones.known.weight() <= MAX_OCTETS, "of 33 megabytes");
        assert!(zones.get(&name(1_999), now, 9).is_some(), "the last one is known");
        let ordinary = |number: u32| Known::new(Link::Inside, 3_600 + number, window, now);
        let zones = Zones::default();
        (0..4_096).for_each(|number| zones.put(&name(number), ordinary(number)));
        assert_eq!(zones.known.len(), 4_096);
    }

    #[test]
    fn what_is_denied_is_known_for_an_hour_at_most_and_a_key_for_a_day() {
        let (zones, now) = (Zones::default(), Instant::now());
        let (name, week) = (Name::from_text("example").unwrap(), 7 * 24 * 3_600);
        let window = Window { from: 0, until: 1 << 30 };
        let holds = |known: Known| {
            zones.put(&name, known);
            let at = |hours: u64| now + Duration::from_secs(hours * 3_600) - Duration::from_secs(1);
            [1, 2, 24, 25].map(|hours| zones.get(&name, at(hours), 9).is_some())
        };
        let denied = Known::denied(Link::Unsigned, week, window, now);
        assert_eq!(holds(denied), [true, false, false, false]);
        assert_eq!(holds(Known::new(Link::Unsigned, week, window, now)), [true, true, true, false]);
    }
}
