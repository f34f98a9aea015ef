//! Cache and upstream together: one query per question, stale answers, remembered failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::{Duration, Instant};

use keyhole_core::Reason;
use keyhole_core::document::UpstreamProtocol;
use keyhole_core::lookup::{AnswerSource, Lookup};
use keyhole_core::options::CacheOptions;
use keyhole_core::upstream::{UpstreamSet, Upstreams};
use keyhole_wire::RecordType;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::message::ReceivedQuery;
use super::server::{Does, Server, Setup};
use super::{NEVER_MS, name, permit, prepare, soon};

const A: RecordType = RecordType::A;

/// What the upstream does, changed while the test runs.
#[derive(Clone)]
struct Mood(Arc<AtomicU8>);

const ANSWER: u8 = 0;
const SILENT: u8 = 1;
const SERVFAIL: u8 = 2;
const RESET: u8 = 3;

struct World {
    server: Server,
    mood: Mood,
    set: Arc<UpstreamSet>,
    lookup: Arc<Lookup>,
    _upstreams: Upstreams,
}

fn cache(stale: u32) -> CacheOptions {
    CacheOptions {
        octets: 1 << 20,
        min_ttl: 0,
        max_ttl: 86_400,
        max_negative_ttl: 3600,
        failure_ttl: 5,
        stale,
        prefetch: true,
    }
}

/// An upstream whose answers live for `ttl` seconds.
async fn world(ttl: u32, stale_after: Duration) -> World {
    let authority = Authority::new();
    let mood = Mood(Arc::new(AtomicU8::new(ANSWER)));
    let script = {
        let mood = mood.clone();
        move |asked: &ReceivedQuery| match mood.0.load(SeqCst) {
            ANSWER => Does::Says(asked.address(1, ttl)),
            SERVFAIL => Does::Says(asked.code(2)),
            RESET => Does::Resets,
            _ => Does::KeepsSilent,
        }
    };
    let server = Setup::new(UpstreamProtocol::Dot, &authority).run(script).await;
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let lookup = Arc::new(Lookup::with_stale_after(&cache(86_400), stale_after));
    World { server, mood, set, lookup, _upstreams: upstreams }
}

impl World {
    fn ready(&self, after: u64) -> Option<AnswerSource> {
        let now = Instant::now() + Duration::from_secs(after);
        self.lookup
            .ready(&permit(), &self.set, &name("a.example"), A, now)
            .map(|found| found.source)
    }

    async fn wait(&self) -> Result<AnswerSource, Reason> {
        // What is reset is asked again until then.
        let reset = self.mood.0.load(SeqCst) == RESET;
        let deadline = if reset { Instant::now() + Duration::from_secs(1) } else { soon() };
        let found = self.lookup.wait(&permit(), &self.set, &name("a.example"), A, deadline).await;
        found.map(|found| found.source).map_err(|failure| failure.reason)
    }

    /// Fills the cache with an answer of TTL 1 and waits until it has expired.
    async fn expired(stale_after: Duration) -> Self {
        let world = world(1, stale_after).await;
        assert_eq!(world.wait().await, Ok(AnswerSource::Forwarded));
        while world.ready(0) == Some(AnswerSource::Cached) {
            tokio::task::yield_now().await;
        }
        world
    }
}

#[tokio::test]
async fn an_answer_is_asked_for_once_and_then_comes_from_the_cache() {
    let world = world(300, Duration::from_secs(30)).await;
    assert_eq!(world.ready(0), None);
    assert_eq!(world.wait().await, Ok(AnswerSource::Forwarded));
    assert_eq!(world.ready(0), Some(AnswerSource::Cached));
    assert_eq!(world.wait().await, Ok(AnswerSource::Cached));
    assert_eq!(world.ready(301), None);
    assert_eq!(world.server.queries().len(), 1);
}

#[tokio::test]
async fn who_asks_the_same_meanwhile_waits_for_the_same_query() {
    let authority = Authority::new();
    let (open, gate) = watch::channel(false);
    let script = move |asked: &ReceivedQuery| Does::Waits(gate.clone(), asked.address(1, 300));
    let server = Setup::new(UpstreamProtocol::Doh, &authority).run(script).await;
    let (_upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    let lookup = Arc::new(Lookup::new(&cache(0)));
    let asking = || {
        let (lookup, set) = (Arc::clone(&lookup), Arc::clone(&set));
        async move { lookup.wait(&permit(), &set, &name("a.example"), A, soon()).await.is_ok() }
    };
    // The first to ask leaves before the answer comes; the others do not suffer.
    let first = tokio::spawn(asking());
    server.until(|server| server.queries().len() == 1).await;
    let mut others = JoinSet::new();
    for _ in 0..200 {
        others.spawn(asking());
    }
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.is_err());
    assert_eq!(lookup.under_way(), 1);
    open.send(true).unwrap();
    while let Some(answered) = others.join_next().await {
        assert!(answered.unwrap());
    }
    assert_eq!(server.queries().len(), 1);
    assert_eq!(lookup.under_way(), 0);
}

#[tokio::test]
async fn followers_do_not_hang_when_the_runtime_of_the_leader_ends() {
    let world = world(300, Duration::from_secs(30)).await;
    world.mood.0.store(SILENT, SeqCst);
    let (lookup, set) = (Arc::clone(&world.lookup), Arc::clone(&world.set));
    let (name_, until) = (name("a.example"), soon());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let leader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let permit = permit();
            tokio::select! {
                found = lookup.wait(&permit, &set, &name_, A, until) => panic!("{found:?}"),
                _ = ended => {}
            }
        });
    });
    world.server.until(|server| server.queries().len() == 1).await;
    let follower = tokio::spawn({
        let (lookup, set) = (Arc::clone(&world.lookup), Arc::clone(&world.set));
        async move {
            lookup.wait(&permit(), &set, &name_, A, until).await.map_err(|failure| failure.reason)
        }
    });
    tokio::task::yield_now().await;
    end.send(()).unwrap();
    leader.join().unwrap();
    assert_eq!(follower.await.unwrap().unwrap_err(), Reason::InternalError);
    world.mood.0.store(ANSWER, SeqCst);
    assert_eq!(world.wait().await, Ok(AnswerSource::Forwarded));
}

#[tokio::test]
async fn a_failure_is_remembered_and_not_asked_again() {
    for (mood, first) in
        [(SERVFAIL, Ok(AnswerSource::Forwarded)), (RESET, Err(Reason::UpstreamUnreachable))]
    {
        let world = world(300, Duration::from_secs(30)).await;
        world.mood.0.store(mood, SeqCst);
        assert_eq!(world.wait().await, first);
        let asked = world.server.queries().len();
        world.mood.0.store(ANSWER, SeqCst);
        assert_eq!(world.wait().await, Err(Reason::CachedFailure));
        assert_eq!(world.ready(0), None);
        assert_eq!(world.server.queries().len(), asked);
    }
}

#[tokio::test]
async fn an_expired_answer_serves_when_asking_again_fails() {
    for mood in [SERVFAIL, RESET] {
        let world = World::expired(Duration::from_secs(30)).await;
        world.mood.0.store(mood, SeqCst);
        assert_eq!(world.wait().await, Ok(AnswerSource::Stale));
        let asked = world.server.queries().len();
        // For the next 30 seconds nobody asks again.
        assert_eq!(world.ready(0), Some(AnswerSource::Stale));
        assert_eq!(world.wait().await, Ok(AnswerSource::Stale));
        assert_eq!(world.server.queries().len(), asked);
        assert_eq!(world.ready(31), None);
        let found =
            world.lookup.ready(&permit(), &world.set, &name("a.example"), A, Instant::now());
        assert_eq!(found.unwrap().ttl_cap, Some(30));
    }
}

#[tokio::test]
async fn an_expired_answer_serves_when_asking_again_takes_long() {
    let world = World::expired(Duration::from_millis(50)).await;
    world.mood.0.store(SILENT, SeqCst);
    assert_eq!(world.wait().await, Ok(AnswerSource::Stale));
    assert_eq!(world.lookup.under_way(), 1, "the query goes on");
    assert_eq!(world.ready(0), Some(AnswerSource::Stale), "the next client does not wait");
}

#[tokio::test]
async fn an_expired_answer_does_not_serve_while_upstream_answers() {
    let world = World::expired(Duration::from_secs(30)).await;
    assert_eq!(world.wait().await, Ok(AnswerSource::Forwarded));
}

#[tokio::test]
async fn a_hot_answer_is_fetched_again_before_it_expires() {
    let world = world(100, Duration::from_secs(30)).await;
    assert_eq!(world.wait().await, Ok(AnswerSource::Forwarded));
    let name = name("a.example");
    let late = Instant::now() + Duration::from_secs(95);
    let refreshes: Vec<_> = (0..6)
        .map(|_| world.lookup.ready(&permit(), &world.set, &name, A, late).unwrap().refresh)
        .collect();
    assert_eq!(refreshes.iter().filter(|due| **due).count(), 1);
    world.lookup.refresh(&permit(), &world.set, &name, A);
    world.lookup.refresh(&permit(), &world.set, &name, A);
    world.server.until(|server| server.queries().len() == 2).await;
}

#[tokio::test]
async fn sets_of_other_upstreams_share_nothing_and_equal_sets_share_all() {
    let authority = Authority::new();
    let one = Server::answering(UpstreamProtocol::Dot, &authority, 1).await;
    let two = Server::answering(UpstreamProtocol::Dot, &authority, 2).await;
    let lookup = Lookup::new(&cache(0));
    let (_first, set) = prepare(&[one.document(&authority)], NEVER_MS);
    let (_second, other) = prepare(&[two.document(&authority)], NEVER_MS);
    let (_third, same) = prepare(&[one.document(&authority)], 100);
    let question = name("a.example");
    assert!(lookup.wait(&permit(), &set, &question, A, soon()).await.is_ok());
    assert!(lookup.ready(&permit(), &other, &question, A, Instant::now()).is_none());
    assert!(lookup.ready(&permit(), &same, &question, A, Instant::now()).is_some());
    let (_fourth, pair) = prepare(&[one.document(&authority), two.document(&authority)], 100);
    let (_fifth, swapped) = prepare(&[two.document(&authority), one.document(&authority)], 100);
    assert_ne!(pair.id(), swapped.id());
}

#[tokio::test]
async fn an_unchanged_upstream_keeps_its_connections_across_snapshots() {
    let authority = Authority::new();
    let server = Server::answering(UpstreamProtocol::Doh, &authority, 1).await;
    let (upstreams, set) = prepare(&[server.document(&authority)], NEVER_MS);
    super::ask(&set, "a.example").await.unwrap();
    let document = super::set_document(1, 77, 777);
    let next = upstreams.prepare(&[server.document(&authority)], &[document]).unwrap().remove(0);
    drop(set);
    super::ask(&next, "b.example").await.unwrap();
    assert_eq!(server.connections(), 1);
    drop(next);
    assert_eq!(upstreams.stats().as_array().unwrap().len(), 0);
}
