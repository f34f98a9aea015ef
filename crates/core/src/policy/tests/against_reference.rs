//! The compiled policy decides as the plainest reading of its document does.

use proptest::prelude::*;

use super::*;
use crate::document::{ScheduleDocument, SpanDocument};

/// The schedule that acts at [`ANYTIME`]; the other one does not.
const ACTIVE: usize = 0;
/// The end of a rule that has ended by [`ANYTIME`], which is second 0.
const OVER: i64 = -1;

/// The types that rules name, and one that none names.
const KINDS: [u16; 3] = [1, 28, 16];

/// A schedule of the day of [`ANYTIME`], a Thursday, and one of all other days.
fn schedules() -> Arc<[Schedule]> {
    let days = [vec![3], vec![0, 1, 2, 4, 5, 6]];
    let document = |days| ScheduleDocument {
        days,
        begins: 0,
        ends: 0,
        offsets: vec![(0, 0)],
        words: String::new(),
    };
    let mut faults = Faults::default();
    let documents = days.into_iter().map(document).collect();
    Schedule::compile_all(documents, "schedules", &mut faults).into()
}

/// How the policy is, beside its rules.
#[derive(Clone, Copy, Debug)]
struct Way {
    deny: bool,
    paused: bool,
}

/// One rule after the other, by text.
fn reference(rules: &[RuleDocument], way: Way, name: &str, kind: u16) -> Decision {
    let (mut verdict, noted) = weighed(rules, way, name, kind);
    let is_typed =
        |cause| matches!(cause, Cause::Rule(rule) if !rules[rule as usize].types.is_empty());
    let allows = |other: &u16| {
        *other != kind && matches!(weighed(rules, way, name, *other).0, Verdict::Allow(_))
    };
    // No answer may deny a name that has an allowed type, but for a rule that was written so.
    match verdict {
        Verdict::Block(cause, BlockAnswer::Nxdomain) if KINDS.iter().any(allows) => {
            verdict = Verdict::Block(cause, BlockAnswer::NoData);
        }
        Verdict::Block(cause, BlockAnswer::Refused)
            if !is_typed(cause) && KINDS.iter().any(allows) =>
        {
            verdict = Verdict::Block(cause, BlockAnswer::NoData);
        }
        _ => {}
    }
    Decision { verdict, would_block: noted.flatten() }
}

/// The same for a policy that only observes.
fn observing_reference(rules: &[RuleDocument], way: Way, name: &str, kind: u16) -> Decision {
    match weighed(rules, way, name, kind) {
        (Verdict::Block(cause, _), noted) => Decision {
            verdict: Verdict::Allow(Cause::Mode),
            would_block: noted.unwrap_or(Some(cause)),
        },
        (verdict, noted) => Decision { verdict, would_block: noted.flatten() },
    }
}

/// The verdict, and the first that only observes: the block that it would be, or none.
fn weighed(
    rules: &[RuleDocument],
    way: Way,
    name: &str,
    kind: u16,
) -> (Verdict, Option<Option<Cause>>) {
    let mut noted = None;
    let mut by_pause = false;
    let rank = |rule: &RuleDocument| match (rule.action, rule.important) {
        _ if rule.decision => 1,
        (Action::Block, true) => 0,
        (Action::Allow, _) => 2,
        (Action::Block, false) => 3,
    };
    for wanted in 0..4 {
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rank(rule) == wanted) {
            let cause = Cause::Rule(index as u32);
            let is_over = rule.during.as_ref().is_some_and(|during| during.until == OVER);
            let is_time = rule.when.is_none_or(|when| when == ACTIVE) && !is_over;
            let speaks = is_time && (rule.types.is_empty() || rule.types.contains(&kind));
            if !speaks || !rule.matches.iter().any(|wanted| matches(wanted, name)) {
                continue;
            }
            match (rule.mode, rule.action) {
                (Mode::Observe, action) => {
                    noted.get_or_insert((action == Action::Block).then_some(cause));
                }
                (Mode::Enforce, action) if way.paused && wanted == 3 => {
                    by_pause = true;
                    noted.get_or_insert((action == Action::Block).then_some(cause));
                }
                (Mode::Enforce, action) => {
                    let verdict = match action {
                        Action::Allow => Verdict::Allow(cause),
                        Action::Block => Verdict::Block(cause, (&rule.answer).into()),
                    };
                    return (verdict, noted);
                }
            }
        }
    }
    let verdict = match way {
        Way { deny: true, .. } => Verdict::Block(Cause::Default, BlockAnswer::Refused),
        _ if by_pause => Verdict::Allow(Cause::Pause),
        _ => Verdict::Allow(Cause::Default),
    };
    (verdict, noted)
}

fn matches(wanted: &MatchDocument, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match wanted {
        MatchDocument::Exact(text) => name == *text,
        MatchDocument::Below(text) if text == "." => name != ".",
        MatchDocument::Below(text) => name.ends_with(&format!(".{text}")),
        MatchDocument::Regex(text) => regex::Regex::new(text).unwrap().is_match(&name),
    }
}

/// Few labels, so that names meet often.
fn name() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "ab", "ba"]);
    prop_oneof![
        1 => Just(".".to_owned()),
        20 => prop::collection::vec(label, 1..5).prop_map(|labels| labels.join(".")),
    ]
}

fn wanted() -> impl Strategy<Value = MatchDocument> {
    let regexes = vec!["^a", "b$", "a.*b", r"^(a|b)\.", r"\.ab\.", "^ab$", "z"];
    prop_oneof![
        4 => name().prop_map(MatchDocument::Exact),
        4 => name().prop_map(MatchDocument::Below),
        1 => prop::sample::select(regexes).prop_map(|r| MatchDocument::Regex(r.to_owned())),
    ]
}

fn any_rule() -> impl Strategy<Value = RuleDocument> {
    let kinds = prop::collection::vec(prop::sample::select(vec![1u16, 28]), 0..2);
    let when = prop::option::of(0..2_usize);
    let matches = prop::collection::vec(wanted(), 1..4);
    let during = prop::option::of(prop::sample::select(vec![OVER, 1]));
    let times = (when, during);
    let answer = prop::sample::select(vec![
        AnswerDocument::Nxdomain,
        AnswerDocument::Refused,
        AnswerDocument::Null,
    ]);
    (0..5u8, matches, kinds, any::<bool>(), answer, times).prop_map(
        |(rank, matches, types, observe, answer, (when, until))| RuleDocument {
            action: if rank % 2 == 1 { Action::Allow } else { Action::Block },
            important: rank == 0,
            decision: rank >= 3,
            during: until.map(|until| SpanDocument { from: -9, until }),
            matches,
            types,
            answer,
            mode: if observe { Mode::Observe } else { Mode::Enforce },
            when,
            origin: String::new(),
        },
    )
}

proptest! {
    #[test]
    fn a_compiled_policy_decides_as_its_document_reads(
        rules in prop::collection::vec(any_rule(), 0..12),
        (deny, paused) in (any::<bool>(), any::<bool>()),
        names in prop::collection::vec((name(), any::<bool>()), 1..12),
        kind in prop::sample::select(KINDS.to_vec()),
    ) {
        let mut policy = policy_at(rules.clone(), &schedules());
        let way = Way { deny, paused };
        policy.paused = paused.then(|| span(-1, 1));
        policy.default = if deny { DefaultDocument::Deny } else { DefaultDocument::Allow };
        for (name, upper) in names {
            let asked = if upper { name.to_ascii_uppercase() } else { name };
            let expected = reference(&rules, way, &asked, kind);
            let plain = decided(&policy, &asked, RecordType(kind));
            prop_assert_eq!(plain, expected, "{}", asked);
            let mut steps = Vec::new();
            let kind = RecordType(kind);
            let name = hashed(&asked);
            let traced = decide(&no_lists(), &policy, &name, kind, ANYTIME, &mut steps);
            prop_assert_eq!(traced, expected, "traced {}", asked);
            prop_assert!(steps.last().is_some_and(|step| step.decides));
            prop_assert_eq!(steps.iter().filter(|step| step.decides).count(), 1);
            policy.mode = Mode::Observe;
            let expected = observing_reference(&rules, way, &asked, kind.0);
            let observing = decided(&policy, &asked, kind);
            policy.mode = Mode::Enforce;
            prop_assert_eq!(observing, expected, "observing {}", asked);
        }
    }
}
