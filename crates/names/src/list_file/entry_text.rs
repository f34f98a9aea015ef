//! How an entry is written, in adblock syntax.

use keyhole_wire::RecordType;

use super::format::{Attributes, IMPORTANT};
use super::hit::Action;
use super::limits::{Effect, Limits};

/// An entry as text: the names that it means, with exception mark and modifiers.
pub(super) fn entry_text(text: &str, attributes: &Attributes, limits: Option<Limits>) -> String {
    let mark = if attributes.action() == Action::Allow { "@@" } else { "" };
    let mut modifiers = Vec::new();
    if attributes.flags & IMPORTANT != 0 {
        modifiers.push("important".to_owned());
    }
    if let Some(limits) = limits {
        let types = limits.types.iter().map(|&kind| RecordType(kind).to_string());
        let except = limits.except_types.iter().map(|&kind| format!("~{}", RecordType(kind)));
        let types: Vec<_> = types.chain(except).collect();
        let names: Vec<_> = limits.except_names.iter().map(ToString::to_string).collect();
        for (modifier, values) in [("dnstype", types), ("denyallow", names)] {
            if !values.is_empty() {
                modifiers.push(format!("{modifier}={}", values.join("|")));
            }
        }
        modifiers.extend(limits.rewrite.modifier().map(str::to_owned));
        if limits.effect == Effect::Cancels {
            modifiers.push("badfilter".to_owned());
        }
    }
    let sign = if modifiers.is_empty() { "" } else { "$" };
    format!("{mark}{text}{sign}{}", modifiers.join(","))
}
