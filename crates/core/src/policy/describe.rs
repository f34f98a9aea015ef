//! Causes and steps for people, with documents and lines.

use keyhole_names::HashedName;
use keyhole_names::list_file::ListHit;
use keyhole_wire::{Name, RecordType};
use serde_json::{Value, json};

use super::cause::Cause;
use super::compiled_policy::Policy;
use super::name_in_chain::NameInChain;
use super::pattern;
use super::rules::{Rank, RuleContext};
use super::span::Span;
use super::trace::Step;
use crate::budgets::Strike;
use crate::document::{Action, DefaultDocument, MatchDocument, Mode, RuleDocument};
use crate::list_table::ListTable;
use crate::reason::Stage;

/// Describes a cause: the policy with its origin, and the rule with its origin, or the list with
/// its file, line and entry.
///
/// `hashed` is the name that was decided about; with it, a rule also names its match.
pub fn describe(
    lists: &ListTable,
    policy: &Policy,
    cause: Cause,
    hashed: Option<&HashedName>,
) -> Value {
    let (word, mut value) = match cause {
        Cause::Rule(rule) => {
            let document = policy.rules.rule(rule);
            let value = |document| rule_value(policy, rule, document, hashed);
            ("rule", document.map_or(json!({}), value))
        }
        Cause::List(hit) => ("list", hit_value(lists, &hit)),
        Cause::Record => ("record", json!({})),
        Cause::Rewrite(index) => ("rewrite", rewrite_value(policy, index)),
        Cause::Default => ("default", json!({ "default": default_word(policy.default) })),
        Cause::Mode => ("mode", json!({ "mode": policy.mode })),
        Cause::Pause => ("pause", json!({ "until": policy.paused.map(Span::end) })),
        Cause::PrivateAddresses => ("private_addresses", json!({})),
        Cause::Tunneling(strike) => {
            let Strike { level, octets, clients } = strike;
            ("tunneling", json!({ "level": level.word(), "octets": octets, "clients": clients }))
        }
        Cause::MissingDomains(domains) => ("missing_domains", json!({ "domains": domains })),
    };
    value["cause"] = json!(word);
    value["policy"] = json!(policy.name);
    value["policy_origin"] = json!(policy.origin);
    value
}

fn rewrite_value(policy: &Policy, index: u32) -> Value {
    policy.rewrites.get(index).map_or(json!({}), |rewrite| {
        let (name, target) = (rewrite.name.to_string(), rewrite.target.to_string());
        json!({ "rewrite": rewrite.title, "name": name, "target": target })
    })
}

/// The step of one rank of rules.
pub(super) fn rules_step(
    policy: &Policy,
    rank: Rank,
    acting: Option<u32>,
    name: &NameInChain<'_>,
    context: &RuleContext,
) -> Step {
    let (rules, hashed) = (&policy.rules, name.hashed);
    let of_rank = rules.rules().iter().filter(|rule| Rank::of(rule) == rank).count();
    let matching = rules.matching(rank, hashed, context.kind);
    let is_time = |rule: u32| rules.is_time(rule, context.moment);
    let enforces = |rule| rules.rule(rule).is_some_and(|rule| rule.mode == Mode::Enforce);
    let mut active = matching.iter().copied().filter(|&rule| is_time(rule)).peekable();
    let allows = acting.is_some_and(|rule| rules.action(rule) == Action::Allow);
    let result = match acting {
        Some(_) if allows => "allows",
        Some(_) => blocks_word(policy),
        None if matching.is_empty() => "no match",
        None if active.peek().is_none() => "not at this time",
        // What acts and yet did not, was paused.
        None if active.any(enforces) => "paused",
        None => "only observes",
    };
    let describe_rule = |&rule: &u32| {
        let document = rules.rule(rule)?;
        let mut value = rule_value(policy, rule, document, Some(hashed));
        if document.when.is_some() || document.during.is_some() {
            value["active"] = json!(is_time(rule));
        }
        Some(value)
    };
    let mut found: Vec<Value> = matching.iter().filter_map(describe_rule).collect();
    if let (Some(Cause::Rule(rule)), Some(document)) =
        (name.allowed_by, acting.and_then(|rule| rules.rule(rule)))
        && acting == Some(rule)
        && !matching.contains(&rule)
    {
        let mut value = rule_value(policy, rule, document, None);
        value["matched"] = document.matches.iter().map(match_text).collect();
        value["inherited"] = json!(true);
        found.push(value);
    }
    Step {
        stage: Stage::Authorize,
        what: rank.words().into(),
        result: result.into(),
        decides: acting.is_some() && (allows || policy.mode == Mode::Enforce),
        detail: json!({
            "policy": policy.name,
            "name": hashed.name().to_string(),
            "type": context.kind.to_string(),
            "rules": of_rank,
            "deciding_rule": acting,
            "matching": found,
        }),
    }
}

/// The step of the lists.
pub(super) fn lists_step(
    lists: &ListTable,
    policy: &Policy,
    hit: Option<&ListHit>,
    name: &NameInChain<'_>,
    is_paused: bool,
) -> Step {
    let hashed = name.hashed;
    let allows = hit.is_some_and(|hit| hit.action == Action::Allow);
    let enforces = hit.is_some() && policy.list_mode == Mode::Enforce;
    let acts = enforces && (allows || !is_paused);
    let decides = acts && (allows || policy.mode == Mode::Enforce);
    let result = match hit {
        None => "no match",
        Some(_) if !enforces => "only observes",
        Some(_) if !acts => "paused",
        Some(_) if allows => "allows",
        Some(_) => blocks_word(policy),
    };
    let mut found = entries(lists, policy, hashed);
    if let (Some(hit), Some(Cause::List(inherited))) = (hit, name.allowed_by)
        && *hit == inherited
    {
        let mut value = hit_value(lists, hit);
        value["inherited"] = json!(true);
        found.push(value);
    }
    let names: Vec<&str> = policy.list_ids.iter().map(|&list| lists.name(list)).collect();
    Step {
        stage: Stage::Authorize,
        what: "lists".into(),
        result: result.into(),
        decides,
        detail: json!({
            "policy": policy.name,
            "name": hashed.name().to_string(),
            "mode": policy.list_mode,
            "lists": names,
            "deciding_entry": hit.map(|hit| hit_value(lists, hit)),
            "entries": found,
        }),
    }
}

/// The step of the default; `default` is what it says in this case.
pub(super) fn default_step(policy: &Policy, default: DefaultDocument) -> Step {
    let allows = default == DefaultDocument::Allow;
    Step {
        stage: Stage::Authorize,
        what: "default".into(),
        result: if allows { "allows".into() } else { blocks_word(policy).into() },
        decides: allows || policy.mode == Mode::Enforce,
        detail: json!({
            "policy": policy.name,
            "origin": policy.origin,
            "default": default_word(policy.default),
        }),
    }
}

/// The step of a local record that lists and default do not block.
pub(super) fn record_step(policy: &Policy, origin: Option<&str>) -> Step {
    Step {
        stage: Stage::Authorize,
        what: "local records".into(),
        result: "allows".into(),
        decides: true,
        detail: json!({ "policy": policy.name, "origin": origin }),
    }
}

/// The step of a pause, whether it is its time or not.
pub(super) fn pause_step(policy: &Policy, pause: Span, is_paused: bool) -> Step {
    Step {
        stage: Stage::Authorize,
        what: "pause of blocking".into(),
        result: if is_paused { format!("until {}", pause.end()).into() } else { "over".into() },
        decides: false,
        detail: json!({ "policy": policy.name, "until": pause.end() }),
    }
}

/// The step of a policy that lets through what it would have blocked.
pub(super) fn mode_step(policy: &Policy) -> Step {
    Step {
        stage: Stage::Authorize,
        what: "mode of the policy".into(),
        result: "only observes".into(),
        decides: true,
        detail: json!({ "policy": policy.name, "origin": policy.origin }),
    }
}

/// Whether a decision to allow a name has precedence over what blocks it.
pub fn yields_to_decision(policy: &Policy, cause: Cause) -> bool {
    match cause {
        Cause::Rule(rule) => policy.rules.rule(rule).is_some_and(|rule| !rule.important),
        Cause::List(_) => true,
        Cause::Default
        | Cause::Record
        | Cause::Rewrite(_)
        | Cause::Mode
        | Cause::Pause
        | Cause::PrivateAddresses
        | Cause::Tunneling(_)
        | Cause::MissingDomains(_) => false,
    }
}

/// What comes of a block.
fn blocks_word(policy: &Policy) -> &'static str {
    match policy.mode {
        Mode::Enforce => "blocks",
        Mode::Observe => "would block",
    }
}

fn rule_value(
    policy: &Policy,
    index: u32,
    rule: &RuleDocument,
    hashed: Option<&HashedName>,
) -> Value {
    let types: Vec<String> = rule.types.iter().map(|&kind| RecordType(kind).to_string()).collect();
    let mut value = json!({
        "rule": index,
        "action": rule.action,
        "important": rule.important,
        "mode": rule.mode,
        "types": types,
        "origin": rule.origin,
    });
    if rule.action == Action::Block {
        value["answer"] = json!(rule.answer);
    }
    if let Some(schedule) = policy.rules.schedule(rule) {
        value["when"] = json!(schedule.words);
    }
    if let Some(during) = policy.rules.during(index) {
        value["until"] = json!(during.end());
    }
    if let Some(hashed) = hashed {
        let hits = rule.matches.iter().filter(|pattern| is_match(pattern, hashed));
        value["matched"] = hits.map(match_text).collect();
    }
    value
}

/// Whether one match of a rule means the name; for explanation only.
fn is_match(pattern: &MatchDocument, hashed: &HashedName) -> bool {
    let name = hashed.name();
    let same = |text: &str, below: bool| {
        Name::from_text(text)
            .is_ok_and(|parent| name.is_at_or_below(&parent) && (*name != parent) == below)
    };
    match pattern {
        MatchDocument::Exact(text) => same(text, false),
        MatchDocument::Below(text) => same(text, true),
        MatchDocument::Regex(text) => pattern::finds(text, hashed),
    }
}

/// A match as a person writes it in a document.
fn match_text(pattern: &MatchDocument) -> String {
    match pattern {
        MatchDocument::Exact(text) => text.clone(),
        MatchDocument::Below(text) => format!("*.{text}"),
        MatchDocument::Regex(text) => format!("/{text}/"),
    }
}

pub(super) fn hit_value(lists: &ListTable, hit: &ListHit) -> Value {
    let file = lists.file();
    json!({
        "list": lists.name(hit.list),
        "file": file.map(|file| file.file_path(hit)),
        "line": hit.line,
        "action": hit.action,
        "important": hit.important,
        "entry": file.map(|file| file.pattern(hit)),
    })
}

/// Every entry of the lists in use that speaks of the name, for some type.
fn entries(lists: &ListTable, policy: &Policy, hashed: &HashedName) -> Vec<Value> {
    lists.search(&policy.lists, hashed).iter().map(|hit| hit_value(lists, hit)).collect()
}

fn default_word(default: DefaultDocument) -> &'static str {
    match default {
        DefaultDocument::Allow => "allow",
        DefaultDocument::Deny => "deny",
    }
}
