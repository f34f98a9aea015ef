//! Policy: which names a client may ask for, and why.
//!
//! | module | what it does |
//! | --- | --- |
//! | `compiled_policy` | one policy, in the form in which packets ask it |
//! | `decide` | the precedence of rules, lists and default; used by `authorize` and `vet` |
//! | `address` | the same for the addresses in an answer |
//! | `alias_chain` | the same for a name and all that its aliases lead to |
//! | `name_in_chain` | one name of a chain: what is decided about |
//! | `permit` | the right to look a name up, which only a policy gives |
//! | `rules` | the rules of one policy, compiled |
//! | `pattern` | their regular expressions |
//! | `name_patterns` | names that a setting speaks of |
//! | `schedule` | when a rule acts |
//! | `span` | how long a rule acts, or a pause lasts |
//! | `block_answer` | how a blocked name is answered |
//! | `cause` | why it was decided so |
//! | `describe` | the same for people |
//! | `domains` | upstreams that are asked for some names alone |
//! | `trace` | the recorder of `explain` |
//! | `tunneling` | how much clients may tell a domain by names alone |

mod address;
mod alias_chain;
mod block_answer;
mod cause;
mod compiled_policy;
mod decide;
mod describe;
mod domains;
mod name_in_chain;
mod name_patterns;
mod pattern;
mod permit;
mod rules;
mod schedule;
mod span;
mod trace;
mod tunneling;

#[cfg(test)]
mod tests;

pub use alias_chain::{AliasChain, allowed_by_now, decide};
pub use block_answer::{BlockAnswer, GivenAnswer};
pub use cause::Cause;
pub use compiled_policy::Policy;
pub use decide::{Decision, Verdict};
pub use describe::{describe, yields_to_decision};
pub use domains::{Domain, Domains};
pub use name_patterns::NamePatterns;
pub use permit::{Permit, Permitted, Withheld, permit};
pub use rules::RuleSet;
pub use schedule::{Moment, Schedule};
pub use span::Span;
pub use trace::{InStage, Step, Trace};
pub use tunneling::{Spared, Tunneling};
