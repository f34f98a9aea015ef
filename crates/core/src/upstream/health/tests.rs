use super::super::error::ErrorKind;
use super::*;

fn refusal() -> UpstreamError {
    UpstreamError::connecting(
        "192.0.2.1:853".parse().unwrap(),
        &std::io::ErrorKind::ConnectionRefused.into(),
    )
}

#[test]
fn pauses_grow_but_stay_short_enough_to_recover_within_five_seconds() {
    let mut health = Health::new();
    let now = Instant::now();
    for _ in 0..50 {
        health.refused(&refusal(), now, 1.0);
    }
    assert!(!health.is_healthy());
    assert!(health.backoff_error(now + Duration::from_millis(400)).is_some());
    assert!(health.backoff_error(now + Duration::from_millis(600)).is_none());
    let now = now + BRIEFLY;
    health.refused(&refusal(), now, 1.0);
    assert!(health.backoff_error(now + Duration::from_millis(2400)).is_some());
    assert!(health.backoff_error(now + Duration::from_millis(2600)).is_none());
}

#[test]
fn a_probe_is_due_once_per_pause_and_an_answer_ends_the_pause() {
    let mut health = Health::new();
    let now = Instant::now();
    health.refused(&refusal(), now, 0.0);
    assert!(!health.take_probe(now));
    let later = now + Duration::from_millis(200);
    assert!(health.take_probe(later));
    assert!(!health.take_probe(later));
    assert!(health.backoff_error(later).is_none());
    health.answered(now);
    assert!(health.is_healthy());
    assert_eq!(health.last_error(), Some("connection refused at 192.0.2.1:853"));
}

#[test]
fn who_refuses_everything_is_set_aside_until_it_answers_something() {
    let mut health = Health::new();
    let now = Instant::now();
    for _ in 0..REFUSED_QUERIES {
        assert!(health.is_healthy());
        health.failed_to_resolve(now);
        health.refused_query(now, 0.5);
    }
    health.failed_to_resolve(now);
    assert!(!health.is_healthy());
    health.answered(now);
    assert!(health.is_healthy());
}

#[test]
fn who_asks_for_time_is_left_alone_so_long_but_not_for_ever() {
    let mut health = Health::new();
    let now = Instant::now();
    let hour = Duration::from_secs(3600);
    health.turned_away(&UpstreamError::busy_there("429", Some(hour)), now, 0.5);
    health.answered(now);
    assert!(!health.is_healthy());
    assert_eq!(health.asked_pause(now), Some(MAX_RETRY_AFTER));
    let later = now + MAX_RETRY_AFTER;
    assert_eq!(health.asked_pause(later), None);
    health.answered(later);
    assert!(health.is_healthy());
}

#[test]
fn an_upstream_fails_briefly_until_it_answers_or_some_seconds_are_over() {
    let mut health = Health::new();
    let now = Instant::now();
    assert!(!health.fails_briefly(now));
    health.refused(&refusal(), now, 0.5);
    health.refused(&refusal(), now + BRIEFLY / 2, 0.5);
    assert!(health.fails_briefly(now + BRIEFLY / 2));
    assert!(!health.fails_briefly(now + BRIEFLY));
    health.answered(now);
    assert!(!health.fails_briefly(now));
    health.refused(&UpstreamError::new(ErrorKind::Unreachable, "no HTTP/2"), now, 0.5);
    assert!(!health.fails_briefly(now), "that does not pass");
}

#[test]
fn one_slow_name_does_not_make_an_upstream_unhealthy() {
    let mut health = Health::new();
    let now = Instant::now();
    let mut is_silent = |text: &str| {
        health.was_silent(&Name::from_text(text).unwrap(), now, 0.5);
        !health.is_healthy()
    };
    // Programs ask for several types at once, and more than once.
    assert!(!["a.example"; 5].into_iter().any(&mut is_silent));
    assert!(!is_silent("b.example"));
    assert!(is_silent("c.example"));
    health.answered(now);
    assert!(health.is_healthy());
    // Who asks for one name alone notices too, after some seconds.
    let name = Name::from_text("a.example").unwrap();
    for seconds in [0, 1, 2, 4] {
        assert!(health.is_healthy());
        health.was_silent(&name, now + Duration::from_secs(seconds), 0.5);
    }
    assert!(!health.is_healthy());
}
