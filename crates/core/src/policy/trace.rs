//! The recorder of `explain`: the functions that decide also record their steps.

use std::borrow::Cow;

use serde::Serialize;

use crate::reason::Stage;

/// Takes the steps of a decision in the order in which they happen.
pub trait Trace {
    /// Records one step. `make` runs only when steps are recorded; otherwise it costs
    /// nothing.
    fn step(&mut self, make: impl FnOnce() -> Step);

    /// The query goes on with this stage.
    #[inline(always)]
    fn enter(&mut self, _stage: Stage) {}
}

/// Records nothing: for packets.
impl Trace for () {
    #[inline(always)]
    fn step(&mut self, _make: impl FnOnce() -> Step) {}
}

impl Trace for Vec<Step> {
    fn step(&mut self, make: impl FnOnce() -> Step) {
        self.push(make());
    }
}

impl<T: Trace> Trace for &mut T {
    #[inline(always)]
    fn step(&mut self, make: impl FnOnce() -> Step) {
        (**self).step(make);
    }

    #[inline(always)]
    fn enter(&mut self, stage: Stage) {
        (**self).enter(stage);
    }
}

/// One step of a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The stage that took it.
    pub stage: Stage,
    /// What was looked at, such as `allow rules`.
    pub what: Cow<'static, str>,
    /// What came of it, such as `blocks` or `no match`.
    pub result: Cow<'static, str>,
    /// Whether the stage ended here; otherwise it went on with the next step.
    pub decides: bool,
    /// Names, rules, lists and places in documents that a person may want to look up.
    pub detail: serde_json::Value,
}

/// Records under another stage: `vet` asks the policy about the targets of an answer with the
/// function of `authorize`.
pub struct InStage<'a, T> {
    /// The stage that asks.
    pub stage: Stage,
    /// Where the steps go.
    pub trace: &'a mut T,
}

impl<T: Trace> Trace for InStage<'_, T> {
    #[inline(always)]
    fn step(&mut self, make: impl FnOnce() -> Step) {
        let stage = self.stage;
        self.trace.step(|| Step { stage, ..make() });
    }
}
