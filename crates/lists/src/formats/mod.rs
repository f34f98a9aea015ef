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
//! | | `server=/x/#` | an exception |
//! | `unbound` | `local-zone: "x" always_null` | `x` and every name below |
//! | | `local-data: "x A 0.0.0.0"` | `x` alone |
//! | `rpz` | `x CNAME .` | `x` alone; `*.x` means every name below |
//! | | `x CNAME rpz-passthru.` | an exception |
//!
//! In `dnsmasq`, `unbound` and `rpz` the line for the more specific name wins.

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

use crate::comment::is_comment;
use crate::entry::Findings;
use detect::form_of;
pub(crate) use detect::{detect, is_web_page};
pub use format::{Format, catalogue};

/// Reads the lines of one file; what a line means may depend on those before it.
pub(crate) struct LineReader {
    format: Format,
    /// Whether each line has the form that it looks like; `format` is for those of several forms.
    is_mixed: bool,
    zone: rpz::Zone,
    unbound: unbound::Settings,
}

impl LineReader {
    /// A reader for a file whose lines all have one format.
    pub(crate) fn strict(format: Format) -> Self {
        let (zone, unbound) = (rpz::Zone::default(), unbound::Settings::default());
        Self { format, is_mixed: false, zone, unbound }
    }

    /// A reader for a file with lines of any format, most of them of this one.
    pub(crate) fn mixed(format: Format) -> Self {
        Self { is_mixed: true, ..Self::strict(format) }
    }

    /// The format of the file, or of most of its lines.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Adds what the line says; a comment or an empty line says nothing.
    pub(crate) fn read(&mut self, line: &str, findings: &mut Findings) {
        let mut format = self.format;
        if self.zone.is_open() {
            format = Format::Rpz;
        } else if self.is_mixed {
            if is_comment(line) {
                return;
            }
            format = form_of(line, format);
        }
        match format {
            Format::Hosts => hosts::read(line, findings),
            // Lists mix names and wildcards, so that both formats are read as one.
            Format::Domains | Format::Wildcard => domains::read(line, findings),
            Format::Adblock => adblock::read(line, findings),
            Format::Dnsmasq => dnsmasq::read(line, findings),
            Format::Unbound => self.unbound.read(line, findings),
            Format::Rpz => self.zone.read(line, findings),
        }
    }

    /// Adds what only the whole file tells.
    pub(crate) fn finish(&mut self, findings: &mut Findings) {
        self.unbound.finish(findings);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use keyhole_names::Network;
    use keyhole_names::list_file::{Action, Effect, Pattern, Rewrite};

    use super::*;
    use crate::entry::{ListEntry, Scope, Target};

    /// What lines of one format say, in short: `block ||x`, or the name of the reason.
    pub(crate) fn said(format: Format, lines: &str) -> Vec<String> {
        said_by(LineReader::strict(format), lines)
    }

    /// What lines of any format say in a file with most lines of this one.
    pub(crate) fn said_mixed(format: Format, lines: &str) -> Vec<String> {
        said_by(LineReader::mixed(format), lines)
    }

    fn said_by(mut reader: LineReader, lines: &str) -> Vec<String> {
        let mut findings = Vec::new();
        for line in lines.lines() {
            reader.read(line, &mut findings);
        }
        reader.finish(&mut findings);
        findings
            .into_iter()
            .map(|finding| finding.map_or_else(|s| format!("{s:?}"), short))
            .collect()
    }

    fn short(entry: ListEntry) -> String {
        let action = match (entry.limits.effect, entry.action) {
            (Effect::Cancels, _) => "cancel",
            (Effect::Exempts, _) => "exempt",
            (_, Action::Block) => "block",
            (_, Action::Allow) => "allow",
        };
        let important = if entry.important { "!" } else { "" };
        let target = match entry.target {
            Target::Name(name, scope) => match (Network::from_name(&name), scope) {
                (Some(network), _) => format!("address {network}"),
                (None, Scope::Exact) => name.to_string(),
                (None, Scope::Below) => format!("*.{name}"),
                (None, Scope::AtAndBelow) => format!("||{name}"),
            },
            Target::Pattern(Pattern::Wildcard(text)) => format!("wildcard {text}"),
            Target::Pattern(Pattern::Regex(text)) => format!("regex {text}"),
        };
        let mut text = format!("{action}{important} {target}");
        let limits = entry.limits;
        if limits.rewrite != Rewrite::None {
            text += &format!(" {:?}", limits.rewrite);
        }
        let (types, except_types, names) = (limits.types, limits.except_types, limits.except_names);
        if !(types.is_empty() && except_types.is_empty() && names.is_empty()) {
            text += &format!(" {types:?} {except_types:?} {names:?}");
        }
        text
    }
}
