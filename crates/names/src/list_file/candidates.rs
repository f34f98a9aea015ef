//! The entries that speak of a name, and which of them decides.

use super::format::{Attributes, BELOW, SPECIFIC};
use super::hit::{Action, ListHit, rank};
use super::limits::{Effect, Rewrite};

/// An entry of a list in use that speaks of the name and type in question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) hit: ListHit,
    pub(super) attributes: Attributes,
    /// How specific it is: its labels count, and then whether it is for that name alone.
    specificity: usize,
    effect: Effect,
    rewrite: Rewrite,
}

impl Candidate {
    /// An entry for a name of this many labels; for a pattern, 0.
    pub(super) fn new(
        hit: ListHit,
        attributes: Attributes,
        labels: usize,
        effect: Effect,
        rewrite: Rewrite,
    ) -> Self {
        let is_exact = attributes.flags & BELOW == 0;
        let specificity = 2 * labels + usize::from(is_exact);
        Self { hit, attributes, specificity, effect, rewrite }
    }

    fn is_specific(&self) -> bool {
        self.attributes.flags & SPECIFIC != 0
    }

    /// Whether it is more than a plain block or exception.
    fn is_special(&self) -> bool {
        self.is_specific() || self.effect != Effect::Decides || self.rewrite != Rewrite::None
    }
}

/// All entries that speak of the name, longest name first and then by list, patterns last.
#[derive(Default)]
pub(super) struct Candidates {
    all: Vec<Candidate>,
    has_special: bool,
}

impl Candidates {
    /// Adds the next one.
    #[inline]
    pub(super) fn add(&mut self, candidate: Candidate) {
        self.has_special |= candidate.is_special();
        self.all.push(candidate);
    }

    /// The entry that decides; `cancels` tells whether a `$badfilter` takes back another entry.
    pub(super) fn decide(
        mut self,
        cancels: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Option<ListHit> {
        if self.has_special {
            self.cancel(cancels);
            self.keep_most_specific();
            self.exempt();
        }
        let mut best: Option<ListHit> = None;
        for Candidate { hit, .. } in self.all {
            if best.is_none_or(|best| rank(&hit) > rank(&best)) {
                best = Some(hit);
            }
        }
        best
    }

    fn cancel(&mut self, cancels: impl Fn(&Candidate, &Candidate) -> bool) {
        let (cancelers, mut rest): (Vec<_>, Vec<_>) =
            self.all.iter().copied().partition(|one: &Candidate| one.effect == Effect::Cancels);
        rest.retain(|one| !cancelers.iter().any(|by| cancels(by, one)));
        self.all = rest;
    }

    /// Where a format says that the more specific entry wins, the others of its list are dropped.
    fn keep_most_specific(&mut self) {
        let all = self.all.clone();
        self.all.retain(|one| {
            let is_beaten_by = |other: &Candidate| {
                other.is_specific()
                    && other.hit.list == one.hit.list
                    && other.specificity > one.specificity
            };
            !(one.is_specific() && all.iter().any(is_beaten_by))
        });
    }

    /// Drops the blocks that an exception takes out without allowing them, and such exceptions.
    fn exempt(&mut self) {
        let all = self.all.clone();
        self.all.retain(|one| {
            let is_exempt = one.hit.action == Action::Block && all.iter().any(|by| by.exempts(one));
            !is_exempt && one.effect == Effect::Decides && !one.is_rewrite_exception()
        });
    }
}

impl Candidate {
    /// `@@...$dnsrewrite`: it takes out what lists answer by `$dnsrewrite`, and nothing else.
    fn is_rewrite_exception(&self) -> bool {
        self.rewrite != Rewrite::None && self.hit.action == Action::Allow
    }

    fn exempts(&self, block: &Self) -> bool {
        let by_list = self.effect == Effect::Exempts
            && self.hit.list == block.hit.list
            && self.hit.important >= block.hit.important;
        // With a value it is about rewrites to that value.
        let by_rewrite = self.is_rewrite_exception()
            && block.rewrite != Rewrite::None
            && (self.rewrite == Rewrite::Any || self.rewrite == block.rewrite);
        by_list || by_rewrite
    }
}
