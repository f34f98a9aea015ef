//! How much the clients of a policy may tell a registered domain by names alone.

use keyhole_names::{HashedName, NameMap};

use super::schedule::Moment;
use crate::budgets::{Limits, SplitLimit, shipped};
use crate::document::{Mode, SplitDocument, TunnelingDocument};
use crate::faults::Faults;

/// The largest budget: what one slot of a sum surely holds (16 KiB less some).
const MAX_BUDGET: u32 = 16_000;

/// The budgets of a policy, compiled.
pub struct Tunneling {
    /// Whether they act, or only record what they would have done.
    pub acts: bool,
    /// What they are.
    pub limits: Limits,
    exempt: NameMap<Exempt>,
}

struct Exempt {
    reason: String,
    until: i64,
}

/// Why a name needs no budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spared<'a> {
    /// The policy exempts the domain, for this reason and until this second of Unix time.
    Exempt(&'a str, i64),
    /// It is one of the domains that Keyhole ships.
    Shipped(&'static str),
}

impl Tunneling {
    /// Compiles a document; `path` is where it is in the snapshot. In a policy that only observes,
    /// so do its budgets.
    pub(crate) fn compile(
        document: TunnelingDocument,
        policy: Mode,
        path: &str,
        origin: &str,
        faults: &mut Faults,
    ) -> Self {
        let TunnelingDocument { mode, alert, throttle, block, day, split, exempt } = document;
        let acts = mode == Mode::Enforce && policy == Mode::Enforce;
        let split = split.map(|SplitDocument { mode, octets }| {
            if !(1..=MAX_BUDGET).contains(&octets) {
                let why = format!("octets are 1 to {MAX_BUDGET}, not {octets} ({origin})");
                faults.add(format!("{path}.split"), why);
            }
            SplitLimit { octets, acts: acts && mode == Mode::Enforce }
        });
        let limits = Limits { alert, throttle, block, day, split };
        let is_ascending = alert <= throttle && throttle <= block && block <= day;
        if !is_ascending || alert == 0 || day > MAX_BUDGET {
            let why = format!(
                "alert, throttle, block and day ascend from 1 to {MAX_BUDGET}, not {alert}, \
                 {throttle}, {block}, {day} ({origin})"
            );
            faults.add(path, why);
        }
        let mut domains = NameMap::default();
        for (index, one) in exempt.into_iter().enumerate() {
            match keyhole_names::read_name(&one.domain) {
                Ok(name) => {
                    let (reason, until) = (one.reason, one.until);
                    domains.entry(&name, || Exempt { reason, until });
                }
                Err(error) => {
                    let why = format!("{:?}: {error} ({origin})", one.domain);
                    faults.add(format!("{path}.exempt[{index}]"), why);
                }
            }
        }
        Self { acts, limits, exempt: domains }
    }

    /// Whether anything depends on the time of day.
    #[inline]
    pub(super) fn is_timed(&self) -> bool {
        !self.exempt.is_empty()
    }

    /// Why a name needs no budget at this moment; none where it needs one.
    pub fn spares(&self, hashed: &HashedName, moment: Moment) -> Option<Spared<'_>> {
        let mut own = hashed.suffixes().filter_map(|suffix| self.exempt.get(&suffix));
        own.find(|exempt| moment.unix() < exempt.until)
            .map(|exempt| Spared::Exempt(&exempt.reason, exempt.until))
            .or_else(|| shipped(hashed).map(Spared::Shipped))
    }
}

#[cfg(test)]
mod tests {
    use keyhole_wire::Name;

    use super::*;
    use crate::document::ExemptDocument;

    fn compiled(limits: [u32; 4], domains: &[&str], faults: &mut Faults) -> Tunneling {
        let [alert, throttle, block, day] = limits;
        let exempt = domains.iter().map(|domain| ExemptDocument {
            domain: (*domain).to_owned(),
            reason: "measured".to_owned(),
            until: 1_000,
        });
        let (mode, exempt) = (Mode::Enforce, exempt.collect());
        let split = Some(SplitDocument { mode, octets: block });
        let document = TunnelingDocument { mode, alert, throttle, block, day, split, exempt };
        Tunneling::compile(document, Mode::Enforce, "tunneling", "p.yaml:1", faults)
    }

    #[test]
    fn an_exemption_covers_the_domain_and_all_below_until_its_end() {
        let mut faults = Faults::default();
        let tunneling = compiled([1, 2, 3, 4], &["cdn.example.org"], &mut faults);
        assert!(faults.is_empty());
        let spares = |name: &str, unix| {
            tunneling.spares(&HashedName::new(&Name::from_text(name).unwrap()), Moment::at(unix))
        };
        assert_eq!(spares("a.b.cdn.example.org", 999), Some(Spared::Exempt("measured", 1_000)));
        assert!(spares("cdn.example.org", 0).is_some());
        assert_eq!(spares("cdn.example.org", 1_000), None);
        assert_eq!(spares("example.org", 0), None);
        assert!(matches!(spares("x.fbcdn.net", 5_000), Some(Spared::Shipped(_))));
    }

    #[test]
    fn budgets_that_do_not_ascend_or_are_too_large_are_faults() {
        for limits in [[0, 2, 3, 4], [3, 2, 3, 4], [1, 4, 3, 4], [1, 2, 5, 4], [1, 2, 3, 16_001]] {
            let mut faults = Faults::default();
            compiled(limits, &[], &mut faults);
            assert!(!faults.is_empty(), "{limits:?}");
        }
        let mut faults = Faults::default();
        compiled([1, 1, 1, 1], &["a..b"], &mut faults);
        assert!(!faults.is_empty());
    }
}
