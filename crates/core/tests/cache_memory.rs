//! The memory bound of the cache, measured from outside: what the process really holds.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use keyhole_core::Reason;
use keyhole_core::cache::{Cache, FailedLookup, KeyRef};
use keyhole_core::dnssec::Security;
use keyhole_core::options::CacheOptions;
use keyhole_wire::{AnswerBuilder, Name, Rcode, RecordType};

const BOUND: u64 = 32 << 20;
const A: RecordType = RecordType::A;

/// Octets that the process holds in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn fill(cache: &Cache, kind: &str, insert: impl Fn(&Cache, KeyRef<'_>, &Name)) {
    for number in 0..150_000 {
        let name = Name::from_text(&format!("{kind}-{number}.example.org")).unwrap();
        insert(cache, KeyRef::new(1, &name, A), &name);
    }
}

#[test]
fn the_cache_holds_no_more_memory_than_it_was_given() {
    let options = CacheOptions {
        octets: BOUND,
        min_ttl: 0,
        max_ttl: 86_400,
        max_negative_ttl: 3600,
        failure_ttl: 5,
        stale: 86_400,
        prefetch: true,
    };
    let now = Instant::now();
    let before = resident();
    let cache = Cache::new(&options);
    // Small failures first: they are nearly all bookkeeping.
    fill(&cache, "failure", |cache, key, _| {
        let failing =
            FailedLookup { reason: Reason::UpstreamTimeout, answer: None, upstream: None };
        cache.fail(key, failing, now);
    });
    let small = (resident() - before, cache.octets(), cache.entries());
    fill(&cache, "answer", |cache, key, name| {
        let mut answer = AnswerBuilder::new(name, A, Rcode::NOERROR);
        for last in 0..name.as_wire()[8] % 8 + 1 {
            answer = answer.push(name, A, 300, &[192, 0, 2, last]);
        }
        cache.store(key, Arc::new(answer.finish().unwrap()), 0, 0, Security::Unchecked, now);
    });
    let mixed = (resident() - before, cache.octets(), cache.entries());
    for (held, weighed, entries) in [small, mixed] {
        println!("{entries} entries: {weighed} octets by weight, {held} held");
        assert!(weighed <= BOUND);
        assert!(weighed > BOUND * 9 / 10, "the cache is full");
        assert!(held <= BOUND, "{held} octets held for {BOUND}");
    }
}
