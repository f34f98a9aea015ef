//! The formats in which lists are published, one file each.
//!
//! | format | a line | means |
//! | --- | --- | --- |
//! | `hosts` | `0.0.0.0 x` | `x` alone |
//! | `domains` | `x` | `x` alone |
//! | `wildcard` | `*.x` | `x` and every name below it |
//! | `adblock` | `\|\|x^` | `x` and every name below |
//! | | `\|x^`, plain `x` | `x` alone |
//! | | `@@...` | an exception: allows what the rest means |
//! | `dnsmasq` | `address=/x/`, `local=/x/`, `server=/x/` | `x` and every name below |
//! | `unbound` | `local-zone: "x" always_null` | `x` and every name below |
//! | | `local-data: "x A 0.0.0.0"` | `x` alone |
//! | `rpz` | `x CNAME .` | `x` alone; `*.x` means every name below |
//! | | `x CNAME rpz-passthru.` | an exception |

mod adblock;
mod detect;
mod dnsmasq;
mod domains;
mod format;
mod hosts;
mod modifiers;
mod rpz;
mod unbound;
mod wildcard;

use crate::entry::Findings;
pub(crate) use detect::{detect, is_web_page};
pub use format::{Format, catalogue};

/// Reads the lines of one file; what a line means may depend on those before it.
pub(crate) struct LineReader {
    format: Format,
    zone: rpz::Zone,
}

impl LineReader {
    /// A reader at the start of a file.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, zone: rpz::Zone::default() }
    }

    /// Adds what the line says; a comment or an empty line says nothing.
    pub(crate) fn read(&mut self, line: &str, findings: &mut Findings) {
        match self.format {
            Format::Hosts => hosts::read(line, findings),
            // Lists mix names and wildcards, so that both formats are read as one.
            Format::Domains | Format::Wildcard => domains::read(line, findings),
            Format::Adblock => adblock::read(line, findings),
            Format::Dnsmasq => dnsmasq::read(line, findings),
            Format::Unbound => unbound::read(line, findings),
            Format::Rpz => self.zone.read(line, findings),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use keyhole_names::list_file::{Action, Pattern};

    use super::*;
    use crate::entry::{ListEntry, Scope, Target};

    /// What a line says, in short: `block at-and-below x`, or the phrase of the reason.
    pub(crate) fn said(format: Format, lines: &str) -> Vec<String> {
        let mut reader = LineReader::new(format);
        let mut findings = Vec::new();
        for line in lines.lines() {
            reader.read(line, &mut findings);
        }
        findings
            .into_iter()
            .map(|finding| finding.map_or_else(|s| format!("{s:?}"), short))
            .collect()
    }

    fn short(entry: ListEntry) -> String {
        let action = if entry.action == Action::Block { "block" } else { "allow" };
        let important = if entry.important { "!" } else { "" };
        let target = match entry.target {
            Target::Name(name, Scope::Exact) => name.to_string(),
            Target::Name(name, Scope::Below) => format!("*.{name}"),
            Target::Name(name, Scope::AtAndBelow) => format!("||{name}"),
            Target::Pattern(Pattern::Wildcard(text)) => format!("wildcard {text}"),
            Target::Pattern(Pattern::Regex(text)) => format!("regex {text}"),
        };
        let mut text = format!("{action}{important} {target}");
        if !entry.limits.is_empty() {
            let limits = entry.limits;
            text +=
                &format!(" {:?} {:?} {:?}", limits.types, limits.except_types, limits.except_names);
        }
        text
    }
}
