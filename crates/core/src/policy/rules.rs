//! The rules of one policy, compiled so that a packet finds the deciding one with a few probes.

use std::sync::Arc;

use keyhole_names::HashedName;
use keyhole_names::NameMap;
use keyhole_wire::{Name, RecordType};

use super::block_answer::BlockAnswer;
use super::cause::Cause;
use super::pattern::{self, Patterns};
use super::schedule::{Moment, Schedule};
use super::span::Span;
use crate::document::{Action, MatchDocument, Mode, RuleDocument};
use crate::faults::Faults;

/// No rule.
const NONE: u32 = u32::MAX;

/// The precedence of a rule; the first rank with a hit decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    ImportantBlock,
    Decision,
    Allow,
    Block,
}

impl Rank {
    pub(super) const ALL: [Self; 4] =
        [Self::ImportantBlock, Self::Decision, Self::Allow, Self::Block];

    /// The words of `explain`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::ImportantBlock => "important block rules",
            Self::Decision => "decisions",
            Self::Allow => "allow rules",
            Self::Block => "block rules",
        }
    }

    pub(super) fn of(rule: &RuleDocument) -> Self {
        match (rule.action, rule.important) {
            _ if rule.decision => Self::Decision,
            (Action::Allow, _) => Self::Allow,
            (Action::Block, true) => Self::ImportantBlock,
            (Action::Block, false) => Self::Block,
        }
    }
}

/// The rules of one policy.
///
/// Each rule has a *place* in the order of precedence: by rank, then by its order in the document.
/// The rule that decides is the one with the smallest place among those that match.
pub struct RuleSet {
    /// As in the document, for explanation.
    rules: Vec<RuleDocument>,
    /// By place.
    placed: Vec<CompiledRule>,
    exact: NameMap<Vec<u32>>,
    below: NameMap<Vec<u32>>,
    /// Rules for the root name and for all below it; the root is no suffix that is hashed.
    at_root: Vec<u32>,
    below_root: Vec<u32>,
    patterns: Patterns,
    /// All schedules of the snapshot.
    schedules: Arc<[Schedule]>,
    /// Whether any rule has one, or acts for a while only.
    is_scheduled: bool,
    /// Whether any rule speaks of some record types only.
    has_types: bool,
}

/// What a match depends on, beside the name.
pub(super) struct RuleContext {
    pub(super) kind: RecordType,
    pub(super) moment: Moment,
    /// Whether block rules that are not important are only noted.
    pub(super) is_paused: bool,
}

/// One rule, compiled.
struct CompiledRule {
    /// Its index in the document.
    rule: u32,
    rank: Rank,
    observed: bool,
    /// The index of its schedule, or [`NONE`] where it always acts.
    when: u32,
    /// How long it acts; none for always.
    during: Option<Span>,
    /// Empty for all types.
    types: Box<[u16]>,
}

/// Places of the rules that matched, [`NONE`] for no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleMatches {
    acting: u32,
    observed: u32,
    /// A block rule that would act if blocking were not paused.
    paused: u32,
}

impl RuleSet {
    /// Compiles rules in document order; `path` is where they are in the snapshot.
    pub(crate) fn compile(
        rules: Vec<RuleDocument>,
        schedules: &Arc<[Schedule]>,
        path: &str,
        faults: &mut Faults,
    ) -> Self {
        let mut order: Vec<u32> = (0..rules.len() as u32).collect();
        order.sort_by_key(|&rule| (Rank::of(&rules[rule as usize]), rule));
        let mut index = Index::default();
        for (place, &rule) in order.iter().enumerate() {
            let path = format!("{path}[{rule}]");
            let rule = &rules[rule as usize];
            index.add(rule, place as u32, &path, faults);
            if let Some(when) = rule.when.filter(|when| *when >= schedules.len()) {
                let why = format!("schedule {when} of only {} ({})", schedules.len(), rule.origin);
                faults.add(format!("{path}.when"), why);
            }
        }
        let place = |rule: u32| {
            let document = &rules[rule as usize];
            let path = format!("{path}[{rule}].during");
            let during = document.during;
            place(rule, document, during.map(|d| Span::compile(d, &path, &document.origin, faults)))
        };
        let placed = order.into_iter().map(place).collect();
        let patterns = index.patterns(&rules, path, faults);
        let root = |map: &NameMap<Vec<u32>>| map.get_name(&Name::ROOT).cloned().unwrap_or_default();
        let (at_root, below_root) = (root(&index.exact), root(&index.below));
        let Index { exact, below, .. } = index;
        let is_scheduled = rules.iter().any(|r| r.when.is_some() || r.during.is_some());
        let has_types = rules.iter().any(|rule| !rule.types.is_empty());
        let schedules = Arc::clone(schedules);
        Self {
            rules,
            placed,
            exact,
            below,
            at_root,
            below_root,
            patterns,
            schedules,
            is_scheduled,
            has_types,
        }
    }

    /// A rule by its index in the document.
    pub fn rule(&self, rule: u32) -> Option<&RuleDocument> {
        self.rules.get(rule as usize)
    }

    /// What a rule of this set does.
    pub(super) fn action(&self, rule: u32) -> Action {
        self.rules[rule as usize].action
    }

    /// How a name that a rule of this set blocks is answered.
    pub(super) fn answer(&self, rule: u32) -> BlockAnswer {
        (&self.rules[rule as usize].answer).into()
    }

    /// All rules in document order.
    pub fn rules(&self) -> &[RuleDocument] {
        &self.rules
    }

    /// Whether what these rules say depends on the time.
    #[inline]
    pub(super) fn is_scheduled(&self) -> bool {
        self.is_scheduled
    }

    /// Whether any rule speaks of some record types only.
    #[inline]
    pub(super) fn has_types(&self) -> bool {
        self.has_types
    }

    /// Whether a rule speaks of some record types only.
    pub(super) fn is_typed(&self, rule: u32) -> bool {
        !self.rules[rule as usize].types.is_empty()
    }

    /// Adds the record types that rules for this name single out, by number.
    pub(super) fn named_types(&self, hashed: &HashedName, types: &mut Vec<u16>) {
        if !self.has_types {
            return;
        }
        let mut add = |place: u32| types.extend(&self.placed[place as usize].types);
        self.visit_names(hashed, &mut add);
        self.patterns.visit(hashed, add);
    }

    /// The schedule of a rule that does not always act.
    pub(super) fn schedule(&self, rule: &RuleDocument) -> Option<&Schedule> {
        self.schedules.get(rule.when?)
    }

    /// How long a rule acts, by its index; none for always.
    pub(super) fn during(&self, rule: u32) -> Option<Span> {
        self.placed.iter().find(|p| p.rule == rule)?.during
    }

    /// Finds the acting and the observed rule of highest precedence. Does not allocate unless an
    /// expression matches. A rule in `allowed_by` counts as one that matches.
    pub(super) fn find(
        &self,
        hashed: &HashedName,
        context: &RuleContext,
        allowed_by: Option<Cause>,
    ) -> RuleMatches {
        let acting = match allowed_by {
            Some(Cause::Rule(rule)) => self.place_of(rule),
            _ => NONE,
        };
        let mut matches = RuleMatches { acting, observed: NONE, paused: NONE };
        self.visit_names(hashed, |place| self.take(&mut matches, place, context));
        // Only a rule before the one already found can change the outcome.
        if self.patterns.first < matches.acting {
            self.patterns.visit(hashed, |place| self.take(&mut matches, place, context));
        }
        matches
    }

    /// The place of a rule, by its index.
    fn place_of(&self, rule: u32) -> u32 {
        let place = self.placed.iter().position(|placed| placed.rule == rule);
        place.map_or(NONE, |place| place as u32)
    }

    /// Takes a rule that matches the name, if it comes before those found and its time is now.
    #[inline]
    fn take(&self, matches: &mut RuleMatches, place: u32, context: &RuleContext) {
        let rule = &self.placed[place as usize];
        let best = if rule.observed {
            &mut matches.observed
        } else if context.is_paused && rule.rank == Rank::Block {
            &mut matches.paused
        } else {
            &mut matches.acting
        };
        if place < *best && rule.speaks_of(context.kind) && self.is_active(rule, context.moment) {
            *best = place;
        }
    }

    #[inline]
    fn is_active(&self, rule: &CompiledRule, moment: Moment) -> bool {
        let schedule = || self.schedules.get(rule.when as usize);
        (rule.when == NONE || schedule().is_some_and(|s| s.is_active(moment)))
            && rule.during.is_none_or(|during| during.holds(moment))
    }

    /// Whether the time of a rule, by its index, is now; for explanation.
    pub(super) fn is_time(&self, rule: u32, moment: Moment) -> bool {
        self.placed.iter().any(|p| p.rule == rule && self.is_active(p, moment))
    }

    /// The rule of the rank that acts, by its index in the document.
    pub(super) fn acting(&self, matches: RuleMatches, rank: Rank) -> Option<u32> {
        self.placed.get(matches.acting as usize).filter(|p| p.rank == rank).map(|p| p.rule)
    }

    /// The first rule that evaluation passes on its way to the acting rule, by its index, because
    /// it is only observed or paused.
    pub(super) fn skipped(&self, matches: RuleMatches) -> Option<u32> {
        let first = matches.observed.min(matches.paused);
        let place = Some(first).filter(|&skipped| skipped < matches.acting)?;
        self.placed.get(place as usize).map(|p| p.rule)
    }

    /// Every rule of a rank that matches, at whatever time, in order; for explanation.
    pub(super) fn matching(&self, rank: Rank, hashed: &HashedName, kind: RecordType) -> Vec<u32> {
        let mut places = Vec::new();
        self.visit_names(hashed, |place| places.push(place));
        self.patterns.visit(hashed, |place| places.push(place));
        places.sort_unstable();
        places.dedup();
        let placed = places.into_iter().map(|place| &self.placed[place as usize]);
        placed.filter(|p| p.rank == rank && p.speaks_of(kind)).map(|p| p.rule).collect()
    }

    #[inline]
    fn visit_names(&self, hashed: &HashedName, mut visit: impl FnMut(u32)) {
        // The whole name comes first and is asked exactly; every later suffix is an ancestor.
        let mut map = &self.exact;
        for suffix in hashed.suffixes() {
            if let Some(places) = map.get(&suffix) {
                places.iter().copied().for_each(&mut visit);
            }
            map = &self.below;
        }
        let root = if hashed.name().is_root() { &self.at_root } else { &self.below_root };
        root.iter().copied().for_each(&mut visit);
    }
}

impl RuleMatches {
    /// Whether a block rule would have decided but for the pause.
    #[inline]
    pub(super) fn is_paused(self) -> bool {
        self.paused < self.acting
    }
}

impl CompiledRule {
    #[inline]
    fn speaks_of(&self, kind: RecordType) -> bool {
        self.types.is_empty() || self.types.contains(&kind.0)
    }
}

fn place(rule: u32, document: &RuleDocument, during: Option<Span>) -> CompiledRule {
    CompiledRule {
        rule,
        rank: Rank::of(document),
        observed: document.mode == Mode::Observe,
        when: document.when.map_or(NONE, |index| index as u32),
        during,
        types: document.types.as_slice().into(),
    }
}

/// What is gathered while rules are read.
#[derive(Default)]
struct Index {
    exact: NameMap<Vec<u32>>,
    below: NameMap<Vec<u32>>,
    /// Expressions: the indices of rule and match, and the place.
    expressions: Vec<(String, u32)>,
}

impl Index {
    fn add(&mut self, rule: &RuleDocument, place: u32, path: &str, faults: &mut Faults) {
        if rule.action == Action::Allow && rule.important {
            faults.add(format!("{path}.important"), "only a block rule can be important");
        }
        if rule.decision && rule.important {
            faults.add(format!("{path}.decision"), "a decision comes after important rules");
        }
        if rule.matches.is_empty() {
            faults.add(format!("{path}.matches"), "the rule names nothing; give at least one name");
        }
        for (index, pattern) in rule.matches.iter().enumerate() {
            if let Err(why) = self.add_match(pattern, place) {
                faults.add(format!("{path}.matches[{index}]"), format!("{why} ({})", rule.origin));
            }
        }
    }

    fn add_match(&mut self, pattern: &MatchDocument, place: u32) -> Result<(), String> {
        let (map, text) = match pattern {
            MatchDocument::Exact(text) => (&mut self.exact, text),
            MatchDocument::Below(text) => (&mut self.below, text),
            MatchDocument::Regex(text) => {
                pattern::check(text)?;
                self.expressions.push((text.clone(), place));
                return Ok(());
            }
        };
        let name = keyhole_names::read_name(text).map_err(|error| format!("{text:?}: {error}"))?;
        map.entry(&name, Vec::new).push(place);
        Ok(())
    }

    fn patterns(&self, rules: &[RuleDocument], path: &str, faults: &mut Faults) -> Patterns {
        let patterns: Vec<_> =
            self.expressions.iter().map(|(text, place)| (text.as_str(), *place)).collect();
        Patterns::compile(&patterns).unwrap_or_else(|why| {
            let origin = rules.first().map_or("", |rule| &rule.origin);
            faults.add(path, format!("{why} (from {origin} on)"));
            Patterns::none()
        })
    }
}
