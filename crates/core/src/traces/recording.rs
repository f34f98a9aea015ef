//! The times of one query.

use std::sync::Arc;
use std::time::Instant;

use crate::policy::{Step, Trace};
use crate::question::Question;
use crate::reason::Stage;
use crate::trace_context::TraceContext;
use crate::upstream::ExchangeLog;

/// The times of one query, and its place in a trace.
pub struct Recording {
    /// The span of the query.
    pub(super) context: TraceContext,
    pub(super) parent: Option<TraceContext>,
    pub(super) arrived: Instant,
    /// When each stage began, in the order of the stages.
    pub(super) began: [Option<Instant>; Stage::ALL.len()],
    pub(super) exchanges: Option<Arc<ExchangeLog>>,
    /// Whether the parent was read out of a message that was not parsed yet.
    is_guess: bool,
}

impl Recording {
    /// A query that arrived then.
    pub(super) fn new(
        context: TraceContext,
        parent: Option<TraceContext>,
        arrived: Instant,
    ) -> Box<Self> {
        let mut began = [None; Stage::ALL.len()];
        began[Stage::Receive as usize] = Some(arrived);
        Box::new(Self { context, parent, arrived, began, exchanges: None, is_guess: false })
    }

    /// The same, with a parent that is to be checked once the message is parsed.
    pub(super) fn guessed(mut self: Box<Self>) -> Box<Self> {
        self.is_guess = true;
        self
    }

    /// Whether the parent that was guessed is there, now that the message is parsed.
    fn is_confirmed(&mut self, question: &Question) -> bool {
        if !self.is_guess {
            return true;
        }
        let option = question.query.edns.as_ref().and_then(|edns| edns.trace_context);
        let option = option.and_then(|option| TraceContext::from_option(&option));
        let Some(parent) = option.filter(|parent| parent.is_sampled) else { return false };
        self.parent = Some(parent);
        self.context.trace_id = parent.trace_id;
        true
    }

    /// The query goes on with a stage.
    fn enter(&mut self, stage: Stage) {
        self.began[stage as usize] = Some(Instant::now());
    }

    /// The query waits for an upstream; `told` are the upstreams that learn of its trace.
    pub(super) fn wait(&mut self, told: Arc<[String]>) {
        let place = &mut self.began[Stage::Fetch as usize];
        *place = place.or_else(|| Some(Instant::now()));
        self.exchanges = Some(ExchangeLog::new(self.context, told));
    }

    /// Where its exchanges are noted, if it waits.
    pub(crate) fn log(&self) -> Option<Arc<ExchangeLog>> {
        self.exchanges.clone()
    }
}

/// Times the stages of a query, if it is recorded.
pub struct Recorder(pub Option<Box<Recording>>);

impl Trace for Recorder {
    #[inline]
    fn step(&mut self, _make: impl FnOnce() -> Step) {}

    #[inline]
    fn enter(&mut self, stage: Stage) {
        if let Some(recording) = &mut self.0 {
            recording.enter(stage);
        }
    }
}

/// A recorder that may have times for traces; those of `explain` and of most packets have none.
pub trait MayTime: Trace {
    /// The message is parsed.
    #[inline(always)]
    fn parsed(&mut self, _question: &Question) {}

    /// What was recorded, once.
    #[inline(always)]
    fn take_recording(&mut self) -> Option<Box<Recording>> {
        None
    }
}

impl MayTime for () {}

impl MayTime for Vec<Step> {}

impl MayTime for Recorder {
    fn parsed(&mut self, question: &Question) {
        if self.0.as_mut().is_some_and(|recording| !recording.is_confirmed(question)) {
            self.0 = None;
        }
    }

    fn take_recording(&mut self) -> Option<Box<Recording>> {
        self.0.take()
    }
}

impl<T: MayTime> MayTime for &mut T {
    #[inline(always)]
    fn parsed(&mut self, question: &Question) {
        (**self).parsed(question);
    }

    #[inline(always)]
    fn take_recording(&mut self) -> Option<Box<Recording>> {
        (**self).take_recording()
    }
}
