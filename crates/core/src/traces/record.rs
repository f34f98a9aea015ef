//! A recorded query as a line of JSON.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keyhole_wire::Name;
use serde_json::{Value, json};

use super::recording::Recording;
use crate::client_identity::Credential;
use crate::document::LogLevel;
use crate::events::Event;
use crate::reason::Stage;
use crate::trace_context::hex;
use crate::upstream::Exchange;

/// Why a query is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Sampled,
    Refused,
    Failed,
    Slow,
}

impl Why {
    const fn word(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Slow => "slow",
        }
    }
}

/// Turns moments into nanoseconds of Unix time, by the clock as it is set now.
struct Clock {
    now: Instant,
    unix: u64,
}

impl Clock {
    fn new() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { now: Instant::now(), unix: nanos(unix) }
    }

    fn unix(&self, moment: Instant) -> u64 {
        self.unix.saturating_sub(nanos(self.now.saturating_duration_since(moment)))
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The line: ids in hexadecimal digits, times in nanoseconds of Unix time, `seconds` as the
/// histograms count them. With [`LogLevel::Anonymous`] it has neither name nor client.
pub(super) fn line(
    recording: &Recording,
    event: &Event<'_>,
    (why, level): (Why, LogLevel),
    took: Duration,
) -> Vec<u8> {
    let clock = Clock::new();
    let Recording { context, parent, arrived, exchanges, .. } = recording;
    let Event { sender, question, context: under, reason, .. } = *event;
    let policy = under.snapshot.and_then(|snapshot| snapshot.policies.get(under.policy?));
    let is_full = level == LogLevel::Full;
    let name = question.filter(|_| is_full).map(|question| question.hashed.name());
    let exchanges = exchanges.as_ref().map(|log| log.exchanges()).unwrap_or_default();
    let document = json!({
        "trace": hex(&context.trace_id),
        "span": hex(&context.span_id),
        "parent": parent.map(|parent| hex(&parent.span_id)),
        "why": why.word(),
        "began": clock.unix(*arrived),
        "ended": clock.unix,
        "seconds": took.as_secs_f64(),
        "waited": event.waited.is_some(),
        "transport": sender.transport.word(),
        "client": is_full.then(|| sender.client.ip().to_string()),
        "identity": identity(event).filter(|_| is_full),
        "policy": policy.map(|policy| &policy.name),
        "name": name.map(Name::to_string),
        "type": question.map(|question| question.kind().to_string()),
        "outcome": reason.outcome(),
        "reason": reason.word(),
        "stage": reason.stage(),
        "snapshot": under.snapshot.map(|snapshot| snapshot.number),
        "stages": stages(recording, &clock),
        "exchanges": exchanges.iter().map(|one| exchange(one, &clock)).collect::<Vec<_>>(),
    });
    let mut line = document.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The SPIFFE ID that the client has shown.
fn identity<'e>(event: &Event<'e>) -> Option<&'e str> {
    match &event.sender.identity.credential {
        Credential::Certificate(svid) => Some(svid.id.as_str()),
        Credential::Mesh(id) => Some(id.as_str()),
        Credential::Nothing | Credential::Token(_) | Credential::Unreadable => None,
    }
}

/// Each stage that was timed, with its beginning and its end: a stage ends where the next one begins.
/// A query that was not chosen when it arrived has few times, and those before them say nothing.
fn stages(recording: &Recording, clock: &Clock) -> Vec<Value> {
    let began = Stage::ALL.iter().zip(recording.began);
    let is_complete = recording.began[Stage::Parse as usize].is_some();
    let timed: Vec<(Stage, u64)> = began
        .filter_map(|(stage, began)| Some((*stage, clock.unix(began?))))
        .filter(|(stage, _)| is_complete || *stage as usize >= Stage::Fetch as usize)
        .collect();
    let ends = timed.iter().skip(1).map(|(_, began)| *began).chain([clock.unix]);
    timed.iter().zip(ends).map(|((stage, began), ended)| json!([stage, began, ended])).collect()
}

fn exchange(one: &Exchange, clock: &Clock) -> Value {
    let (protocol, server, port) = &one.server;
    json!({
        "span": hex(&one.span_id),
        "upstream": one.upstream,
        "protocol": protocol,
        "server": server,
        "port": port,
        "began": clock.unix(one.began),
        "ended": one.ended.map(|ended| clock.unix(ended)),
        "seconds": one.ended.map(|ended| (ended - one.began).as_secs_f64()),
        "error": one.error,
    })
}
