//! Two public rules against tunnels, run beside the budgets on the same capture, for comparison.
//!
//! | word | who is conspicuous | from |
//! | --- | --- | --- |
//! | `long_names` | 100 distinct names longer than 52 octets within five minutes | scripts for Zeek |
//! | `sub_names` | 1,000 distinct names below one domain within a minute | rules for resolvers |
//!
//! Both say when, and neither bounds what leaves before. Their windows follow one another, as those
//! of the originals do.

use std::collections::HashSet;

use keyhole_wire::Name;

/// A rule: so many distinct names of more than so many octets in so many seconds.
struct Rule {
    seconds: u64,
    names: usize,
    longer_than: usize,
}

/// The words of the rules, in the order of [`Baselines::struck`].
pub const WORDS: [&str; 2] = ["long_names", "sub_names"];
const RULES: [Rule; 2] = [
    Rule { seconds: 300, names: 100, longer_than: 52 },
    Rule { seconds: 60, names: 1_000, longer_than: 0 },
];

/// The rules for one client and domain.
#[derive(Default)]
pub struct Baselines {
    windows: [Window; 2],
    seen: HashSet<Vec<u8>>,
    /// Octets of distinct names, also of those that a budget no longer charges.
    pub octets: u32,
}

#[derive(Default)]
struct Window {
    began: u64,
    names: HashSet<Vec<u8>>,
}

impl Baselines {
    /// Takes a query whose name has so many octets in front of the domain; which rules strike now.
    pub fn count(&mut self, name: &Name, octets: u32, seconds: u64) -> [bool; 2] {
        let mut struck = [false; 2];
        if self.seen.insert(name.as_wire().to_vec()) {
            self.octets += octets;
        }
        for ((window, rule), struck) in self.windows.iter_mut().zip(&RULES).zip(&mut struck) {
            *struck = octets > 0 && window.count(rule, name, seconds);
        }
        struck
    }
}

impl Window {
    fn count(&mut self, rule: &Rule, name: &Name, seconds: u64) -> bool {
        if seconds >= self.began + rule.seconds {
            *self = Self { began: seconds, names: HashSet::new() };
        }
        // The length of a name as text: without the length of its first label and the root.
        if name.as_wire().len().saturating_sub(2) > rule.longer_than {
            self.names.insert(name.as_wire().to_vec());
        }
        self.names.len() >= rule.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(rule: usize, length: usize, every: u64) -> Option<u64> {
        let mut baselines = Baselines::default();
        (0..2_000).find(|number| {
            let name = Name::from_text(&format!("{number:0length$}.example.org")).unwrap();
            baselines.count(&name, length as u32, number * every / 100)[rule]
        })
    }

    #[test]
    fn each_rule_needs_its_number_of_distinct_names_within_its_window() {
        assert_eq!(first(0, 60, 100), Some(99), "one long name a second");
        assert_eq!(first(0, 60, 400), None, "one in four seconds");
        assert_eq!(first(0, 10, 100), None, "short ones");
        assert_eq!(first(1, 10, 1), Some(999), "a hundred short names a second");
        assert_eq!(first(1, 10, 10), None, "ten a second");
    }
}
