//! The part of the snapshot that says what happens to names, and when.

use std::net::IpAddr;

pub use keyhole_names::list_file::Action;
use serde::{Deserialize, Serialize};

/// One rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    /// Allow or block.
    pub action: Action,
    /// Names; one hit is enough.
    pub matches: Vec<MatchDocument>,
    /// Record types by number; empty means all.
    pub types: Vec<u16>,
    /// How a blocked name is answered; without meaning for allow.
    pub answer: AnswerDocument,
    /// Whether it acts or only records.
    pub mode: Mode,
    /// The index of the schedule at whose times it acts; none for always.
    pub when: Option<usize>,
    /// Outside of this time it is as if absent; none for always.
    pub during: Option<SpanDocument>,
    /// A block rule that no allow rule overrides.
    pub important: bool,
    /// Somebody's decision about a name, before all rules but important ones, whatever it does.
    pub decision: bool,
    /// Where it was declared, such as `policy.yaml:12 Policy/base spec.rules[2]`.
    pub origin: String,
}

/// Whether something acts or only records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Mode {
    Enforce,
    Observe,
}

/// Which names a rule means.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MatchDocument {
    /// This name alone.
    Exact(String),
    /// Every name below this one, not the name itself (`*.example.org`).
    Below(String),
    /// Names whose lower-case text without the last dot this expression finds; linear time.
    Regex(String),
}

/// How a blocked name is answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerDocument {
    /// The name does not exist; no data where the policy allows it for another type.
    Nxdomain,
    /// The name has no records of the type.
    Nodata,
    /// Refused.
    Refused,
    /// `0.0.0.0` and `::`; no data for other types.
    Null,
    /// This address for its own type; no data for other types.
    Address(IpAddr),
}

/// When a rule acts: on some days, from one minute of the day to another, in one time zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDocument {
    /// Days of the week on which a span begins, 0 for Monday to 6 for Sunday.
    pub days: Vec<u8>,
    /// The minute of the day at which it begins, 0 to 1439.
    pub begins: u16,
    /// The minute of the day at which it ends; not above `begins` means on the next day.
    pub ends: u16,
    /// The zone as steps: from this second of Unix time on, so many seconds east of UTC. Ascending;
    /// before the first one its offset holds too.
    pub offsets: Vec<(i64, i32)>,
    /// In words, for explanation.
    pub words: String,
}

/// From one second of Unix time to another: the first one belongs to it, the last one does not.
///
/// It has a beginning so that a clock that was put back, as that of a machine without a battery,
/// does not make it longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SpanDocument {
    /// When it begins.
    pub from: i64,
    /// When it is over.
    pub until: i64,
}
