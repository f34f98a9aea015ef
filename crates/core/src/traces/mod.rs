//! Traces: how long each stage of some queries took, for OpenTelemetry.
//!
//! The packet path only marks and times. Which query is recorded is decided when it arrives, by a
//! counter of its worker; slow, refused and failed queries are recorded in any case, with the times
//! that are known of them. What is recorded waits as text in a short queue until it is taken, and is
//! dropped and counted where that is full. A policy that logs nothing has no traces.
//!
//! | standard | what is taken from it |
//! |---|---|
//! | W3C Trace Context | ids, and what `traceparent` says |
//! | OpenTelemetry, TraceIdRatioBased | the half of a trace id that decides about its sampling |

mod choice;
mod queue;
mod record;
mod recording;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Error;
use crate::arrival::{Arrival, Sender};
use crate::client_identity::Credential;
use crate::document::LogLevel;
use crate::events::Event;
use crate::options::TraceOptions;
use crate::question::Question;
use crate::reason::Outcome;
use crate::trace_context::TraceContext;
use choice::Choice;
use queue::Queue;
use record::Why;
pub use recording::{MayTime, Recorder, Recording};

/// What is recorded and was not taken yet.
pub struct Traces {
    choice: Choice,
    slow: Duration,
    resolvers: Box<[String]>,
    forwarders: Arc<[String]>,
    /// Those chosen by share, those recorded in any case, and those of clients that were turned
    /// away, as many as strangers like: none crowds out another.
    sampled: Queue,
    kept: Queue,
    turned_away: Queue,
}

impl Traces {
    /// Nothing recorded yet.
    ///
    /// # Errors
    /// The system gives no random octets.
    pub fn new(options: &TraceOptions, workers: usize) -> Result<Self, Error> {
        Ok(Self {
            choice: Choice::new(options.share, workers)?,
            slow: Duration::from_millis(options.slow_ms),
            resolvers: options.resolvers.clone().into(),
            forwarders: options.forwarders.clone().into(),
            sampled: Queue::default(),
            kept: Queue::default(),
            turned_away: Queue::default(),
        })
    }

    /// Decides about a query that has arrived: what to record it with, or nothing.
    #[inline]
    pub fn begin(&self, arrival: &Arrival<'_>) -> Option<Box<Recording>> {
        let is_alone = arrival.sender.trace.is_none() && self.resolvers.is_empty();
        if is_alone && !self.choice.takes_next(arrival.sender.worker) {
            return None;
        }
        self.begin_chosen(arrival, is_alone)
    }

    #[cold]
    fn begin_chosen(&self, arrival: &Arrival<'_>, is_alone: bool) -> Option<Box<Recording>> {
        let Arrival { packet, ref sender, now } = *arrival;
        if is_alone {
            return Some(Recording::new(self.choice.sampled(), None, now));
        }
        let is_believed = self.believes(sender);
        if let Some(parent) = sender.trace {
            return self
                .is_sampled(&parent, is_believed)
                .then(|| Recording::new(self.choice.below(&parent, true), Some(parent), now));
        }
        match Some(packet).filter(|_| is_believed).and_then(find_option) {
            Some(parent) if parent.is_sampled => {
                Some(Recording::new(self.choice.below(&parent, true), Some(parent), now).guessed())
            }
            Some(_) => None,
            None => self
                .choice
                .takes_next(sender.worker)
                .then(|| Recording::new(self.choice.sampled(), None, now)),
        }
    }

    /// A query that waits for an upstream: what it is recorded with, also where it was not chosen,
    /// because it may become slow or fail. None where its policy logs nothing.
    pub fn wait(
        &self,
        recording: Option<Box<Recording>>,
        (sender, question, now): (&Sender<'_>, &Question, Instant),
        level: LogLevel,
    ) -> Option<Box<Recording>> {
        if level == LogLevel::None {
            return None;
        }
        let mut recording = recording.unwrap_or_else(|| {
            let parent = self.parent(sender, question);
            Recording::new(self.unsampled(parent.as_ref()), parent, now)
        });
        // What the forwarder records has the name, so that it belongs to no trace that may not.
        let told = match level {
            LogLevel::Full => Arc::clone(&self.forwarders),
            LogLevel::Anonymous | LogLevel::None => Arc::default(),
        };
        recording.wait(told);
        Some(recording)
    }

    /// Takes in a query that ended after so long, if it is to be recorded.
    #[inline]
    pub fn end(&self, recording: Option<Box<Recording>>, event: &Event<'_>, took: Duration) {
        let is_sampled = recording.as_ref().is_some_and(|one| one.context.is_sampled);
        let outcome = event.reason.outcome();
        let is_bad = matches!(outcome, Outcome::Refused | Outcome::Failed);
        if is_sampled || is_bad || took >= self.slow {
            self.keep(recording, event, took);
        }
    }

    #[cold]
    fn keep(&self, recording: Option<Box<Recording>>, event: &Event<'_>, took: Duration) {
        let level = event.level();
        if event.is_own || level == LogLevel::None {
            return;
        }
        let sampled = recording.as_ref().is_some_and(|one| one.context.is_sampled);
        let why = match event.reason.outcome() {
            _ if sampled => Why::Sampled,
            Outcome::Refused => Why::Refused,
            Outcome::Failed => Why::Failed,
            _ => Why::Slow,
        };
        let queue = if event.reason.is_turned_away() {
            &self.turned_away
        } else if sampled {
            &self.sampled
        } else {
            &self.kept
        };
        if !queue.has_room() {
            return queue.count_limited();
        }
        let recording = recording.unwrap_or_else(|| {
            let parent = event
                .question
                .map_or(event.sender.trace, |question| self.parent(&event.sender, question));
            let began = event.ended - event.waited.unwrap_or_default();
            Recording::new(self.unsampled(parent.as_ref()), parent, began)
        });
        queue.push(record::line(&recording, event, (why, level), took));
    }

    /// Takes at most so many of each kind as JSON lines.
    pub fn take(&self, most: usize) -> Vec<u8> {
        let mut lines = self.sampled.take(most);
        lines.extend(self.kept.take(most));
        lines.extend(self.turned_away.take(most));
        lines
    }

    /// `recorded`: those that were put into the queue; `limited`: those that found it full.
    pub fn stats(&self) -> Value {
        let counts = [&self.sampled, &self.kept, &self.turned_away].map(Queue::counts);
        let recorded: u64 = counts.iter().map(|one| one.0).sum();
        let limited: u64 = counts.iter().map(|one| one.1).sum();
        json!({ "recorded": recorded, "limited": limited })
    }

    /// A client's own word that it records a trace would make its queries dearer for us, so that
    /// only resolvers of our own are believed; for others the id decides.
    fn is_sampled(&self, parent: &TraceContext, is_believed: bool) -> bool {
        if is_believed { parent.is_sampled } else { self.choice.takes(parent) }
    }

    /// The span that a query belongs to, as the header says, or the option of a resolver of ours.
    fn parent(&self, sender: &Sender<'_>, question: &Question) -> Option<TraceContext> {
        let option = question.query.edns.as_ref().and_then(|edns| edns.trace_context);
        sender.trace.or_else(|| {
            let option = option.filter(|_| self.believes(sender))?;
            TraceContext::from_option(&option)
        })
    }

    fn unsampled(&self, parent: Option<&TraceContext>) -> TraceContext {
        match parent {
            Some(parent) => self.choice.below(parent, false),
            None => self.choice.unsampled(),
        }
    }

    fn believes(&self, sender: &Sender<'_>) -> bool {
        let id = match &sender.identity.credential {
            Credential::Certificate(svid) => &svid.id,
            Credential::Mesh(id) => id,
            Credential::Nothing | Credential::Token(_) | Credential::Unreadable => return false,
        };
        self.resolvers.iter().any(|one| one == id.as_str())
    }
}

/// What looks like the option in a message that is not parsed yet.
fn find_option(packet: &[u8]) -> Option<TraceContext> {
    const HEAD: [u8; 4] = [0xfe, 0x1e, 0, keyhole_wire::TRACE_CONTEXT_OCTETS as u8];
    let at = packet.windows(HEAD.len()).position(|four| four == HEAD)? + HEAD.len();
    TraceContext::from_option(packet.get(at..)?.first_chunk()?)
}
