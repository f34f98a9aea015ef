use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode, RecordType};

use crate::policy::Permitted;

use super::{Cache, FailedLookup, Freshness, KeyRef};
use crate::dnssec::Security;
use crate::options::CacheOptions;
use crate::reason::Reason;

const A: RecordType = RecordType::A;

fn options() -> CacheOptions {
    CacheOptions {
        octets: 1 << 20,
        min_ttl: 0,
        max_ttl: 86_400,
        max_negative_ttl: 3600,
        failure_ttl: 5,
        stale: 86_400,
        prefetch: true,
    }
}

fn example() -> Name {
    Name::from_text("www.example.org").unwrap()
}

fn address(ttl: u32) -> Arc<Answer> {
    let name = example();
    let built = AnswerBuilder::new(&name, A, Rcode::NOERROR).push(&name, A, ttl, &[192, 0, 2, 1]);
    Arc::new(built.finish().unwrap())
}

fn missing(ttl: u32) -> Arc<Answer> {
    let built = AnswerBuilder::new(&example(), A, Rcode::NXDOMAIN);
    Arc::new(built.soa(&Name::from_text("example.org").unwrap(), ttl).finish().unwrap())
}

fn servfail() -> Arc<Answer> {
    Arc::new(AnswerBuilder::new(&example(), A, Rcode::SERVFAIL).finish().unwrap())
}

fn outage() -> FailedLookup {
    FailedLookup { reason: Reason::UpstreamUnreachable, answer: None, upstream: None }
}

fn spoken() -> FailedLookup {
    FailedLookup { reason: Reason::Forwarded, answer: Some(servfail()), upstream: Some(0) }
}

/// Whole seconds from `start` for which the entry stays as it is at the start.
fn lasts(cache: &Cache, key: KeyRef<'_>, start: Instant) -> u64 {
    let at = |seconds| {
        let entry = cache.get(Permitted::TEST, key);
        entry.map_or(Freshness::Gone, |entry| entry.freshness(start + secs(seconds)))
    };
    let first = at(0);
    (1..200_000).find(|seconds| at(*seconds) != first).unwrap()
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn an_answer_is_fresh_for_its_ttl_and_then_stale_for_the_window() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    cache.store(key, address(300), 0, 0, Security::Unchecked, now);
    let entry = cache.get(Permitted::TEST, key).unwrap();
    for (after, expected) in [
        (0, Freshness::Fresh),
        (299, Freshness::Fresh),
        (300, Freshness::Stale),
        (86_699, Freshness::Stale),
        (86_700, Freshness::Gone),
    ] {
        assert_eq!(entry.freshness(now + secs(after)), expected, "after {after} s");
    }
    assert_eq!(entry.cached().unwrap().age(now + Duration::from_millis(41_900)), 41);
}

#[test]
fn ttls_are_held_within_the_limits() {
    let limits = CacheOptions { min_ttl: 60, max_ttl: 600, max_negative_ttl: 120, ..options() };
    let (cache, now, name) = (Cache::new(&limits), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    for (answer, age, expected) in [
        (address(5), 0, 60),
        (address(0), 0, 60),
        (address(300), 0, 300),
        (address(300), 100, 200),
        (address(7000), 0, 600),
        (missing(5), 0, 60),
        (missing(1000), 0, 120),
    ] {
        cache.store(key, answer, 0, age, Security::Unchecked, now);
        assert_eq!(lasts(&cache, key, now), expected);
    }
}

#[test]
fn what_must_not_be_kept_takes_the_old_entry_away() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    let no_soa = AnswerBuilder::new(&name, A, Rcode::NXDOMAIN).finish().unwrap();
    for answer in [address(0), Arc::new(no_soa)] {
        cache.store(key, address(300), 0, 0, Security::Unchecked, now);
        cache.store(key, answer, 0, 0, Security::Unchecked, now);
        assert!(cache.get(Permitted::TEST, key).is_none());
    }
}

#[test]
fn sets_types_and_names_do_not_share_entries() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    cache.store(KeyRef::new(1, &name, A), address(300), 0, 0, Security::Unchecked, now);
    let other = Name::from_text("ww.wexample.org").unwrap();
    assert!(cache.get(Permitted::TEST, KeyRef::new(1, &name, A)).is_some());
    assert!(cache.get(Permitted::TEST, KeyRef::new(2, &name, A)).is_none());
    assert!(cache.get(Permitted::TEST, KeyRef::new(1, &name, RecordType::AAAA)).is_none());
    assert!(cache.get(Permitted::TEST, KeyRef::new(1, &other, A)).is_none());
}

#[test]
fn failures_that_an_upstream_spoke_are_kept_longer_each_time_up_to_five_minutes() {
    let (cache, mut now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    let mut lengths = Vec::new();
    for _ in 0..8 {
        cache.fail(key, spoken(), now);
        lengths.push(lasts(&cache, key, now));
        now += secs(*lengths.last().unwrap());
    }
    assert_eq!(lengths, [5, 10, 20, 40, 80, 160, 300, 300]);
    cache.store(key, address(1), 0, 0, Security::Unchecked, now);
    now += secs(90_000);
    cache.fail(key, spoken(), now);
    assert_eq!(lasts(&cache, key, now), 5, "an answer ends the row of failures");
}

#[test]
fn an_outage_is_remembered_for_seconds_only() {
    let (cache, mut now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    for expected in [1, 2, 4, 4, 4] {
        cache.fail(key, outage(), now);
        assert_eq!(lasts(&cache, key, now), expected);
        now += secs(expected);
    }
}

#[test]
fn a_failure_beside_an_expired_answer_lets_it_serve_unasked_for_thirty_seconds() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    cache.store(key, address(10), 0, 0, Security::Unchecked, now);
    let late = now + secs(20);
    cache.fail_expired(key, outage(), late);
    let entry = cache.get(Permitted::TEST, key).unwrap();
    assert_eq!(entry.freshness(late), Freshness::StaleUnasked);
    assert_eq!(entry.freshness(late + secs(29)), Freshness::StaleUnasked);
    assert_eq!(entry.freshness(late + secs(30)), Freshness::Stale);
    cache.fail_expired(key, outage(), late + secs(10));
    assert!(
        Arc::ptr_eq(&entry, &cache.get(Permitted::TEST, key).unwrap()),
        "one failure is marked once"
    );
}

#[test]
fn a_failed_refresh_does_not_touch_a_fresh_answer() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    cache.store(key, address(100), 0, 0, Security::Unchecked, now);
    cache.fail(key, outage(), now + secs(95));
    let entry = cache.get(Permitted::TEST, key).unwrap();
    assert_eq!(entry.freshness(now + secs(99)), Freshness::Fresh);
    assert_eq!(entry.freshness(now + secs(101)), Freshness::StaleUnasked);
}

#[test]
fn without_stale_answers_a_failed_refresh_is_remembered_no_longer_than_any_failure() {
    let cache = Cache::new(&CacheOptions { stale: 0, ..options() });
    let (now, name) = (Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    cache.store(key, address(100), 0, 0, Security::Unchecked, now);
    cache.fail(key, outage(), now + secs(99));
    let entry = cache.get(Permitted::TEST, key).unwrap();
    assert_eq!(entry.freshness(now + secs(99)), Freshness::Fresh);
    assert_eq!(entry.freshness(now + secs(100)), Freshness::Gone);
}

#[test]
fn a_hot_entry_asks_to_be_fetched_once_in_the_last_tenth_of_its_time() {
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    cache.store(key, address(100), 0, 0, Security::Unchecked, now);
    let entry = cache.get(Permitted::TEST, key).unwrap();
    let due = |after| entry.count_hit(now + secs(after));
    assert_eq!([1, 2, 3, 4, 50, 89].map(due), [false; 6]);
    assert!(due(91));
    assert!(!due(92), "only one of them fetches");
    cache.store(key, address(100), 0, 0, Security::Unchecked, now);
    let entry = cache.get(Permitted::TEST, key).unwrap();
    assert!(!entry.count_hit(now + secs(95)), "a name that nobody asks for is not hot");
}

#[test]
fn of_flights_that_end_at_once_none_takes_away_what_another_one_brought() {
    const TIMES: u32 = 20_000;
    let (cache, now, name) = (Cache::new(&options()), Instant::now(), example());
    let key = KeyRef::new(1, &name, A);
    let fails = || (0..TIMES).for_each(|_| cache.fail(key, outage(), now));
    std::thread::scope(|scope| {
        scope.spawn(fails);
        fails();
    });
    let count = cache.get(Permitted::TEST, key).unwrap().failure().unwrap().count;
    assert_eq!(count, 2 * TIMES, "each one makes the next pause longer");
    std::thread::scope(|scope| {
        scope.spawn(fails);
        for _ in 0..TIMES {
            let answer = address(60);
            cache.store(key, Arc::clone(&answer), 0, 0, Security::Unchecked, now);
            let entry = cache.get(Permitted::TEST, key).unwrap();
            assert!(Arc::ptr_eq(&entry.cached().unwrap().answer, &answer), "it is not lost");
        }
    });
}
