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
mod hosts;
mod modifiers;
mod rpz;
mod unbound;
mod wildcard;

use serde::{Deserialize, Serialize};

use crate::entry::{Findings, ListEntry};
pub(crate) use detect::{detect, is_web_page};

/// A format of a list file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Format {
    Hosts,
    Domains,
    Wildcard,
    Adblock,
    Dnsmasq,
    Unbound,
    Rpz,
}

impl Format {
    /// Every format, in the order in which they are told apart.
    pub const ALL: &'static [Self] = &[
        Self::Hosts,
        Self::Domains,
        Self::Wildcard,
        Self::Adblock,
        Self::Dnsmasq,
        Self::Unbound,
        Self::Rpz,
    ];

    /// The word for it in documents and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Domains => "domains",
            Self::Wildcard => "wildcard",
            Self::Adblock => "adblock",
            Self::Dnsmasq => "dnsmasq",
            Self::Unbound => "unbound",
            Self::Rpz => "rpz",
        }
    }
}

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
            Format::Domains => domains::read(line, findings),
            Format::Wildcard => wildcard::read(line, findings),
            Format::Adblock => adblock::read(line, findings),
            Format::Dnsmasq => dnsmasq::read(line, findings),
            Format::Unbound => unbound::read(line, findings),
            Format::Rpz => self.zone.read(line, findings),
        }
    }
}

/// Blocks the names that a text gives, in the scope that the format means.
fn block_name(text: &str, scope: crate::entry::Scope, findings: &mut Findings) {
    findings.push(
        crate::name_syntax::read_name(text)
            .map(|name| ListEntry::block(crate::entry::Target::Name(name, scope))),
    );
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::entry::{Scope, Target};
    use keyhole_names::list_file::{Action, Pattern};

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
