//! Names that a setting of a policy speaks of, compiled.

use keyhole_names::HashedName;
use keyhole_names::NameMap;

use super::pattern::{self, Patterns};
use crate::document::MatchDocument;
use crate::faults::Faults;

/// Names, all names below others, and expressions.
pub struct NamePatterns {
    exact: NameMap<()>,
    below: NameMap<()>,
    expressions: Patterns,
}

impl NamePatterns {
    /// Compiles them; `path` is where they are in the snapshot.
    pub(crate) fn compile(
        matches: &[MatchDocument],
        path: &str,
        origin: &str,
        faults: &mut Faults,
    ) -> Self {
        let (mut exact, mut below) = (NameMap::default(), NameMap::default());
        let mut expressions: Vec<(&str, u32)> = Vec::new();
        for (index, one) in matches.iter().enumerate() {
            let added = match one {
                MatchDocument::Exact(text) => add(&mut exact, text),
                MatchDocument::Below(text) => add(&mut below, text),
                MatchDocument::Regex(text) => {
                    pattern::check(text).map(|()| expressions.push((text, index as u32)))
                }
            };
            if let Err(why) = added {
                faults.add(format!("{path}[{index}]"), format!("{why} ({origin})"));
            }
        }
        let expressions = Patterns::compile(&expressions).unwrap_or_else(|why| {
            faults.add(path, format!("{why} ({origin})"));
            Patterns::none()
        });
        Self { exact, below, expressions }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty() && self.expressions.is_empty()
    }

    /// Whether a name is one of them. Costs nothing where there are none.
    #[inline]
    pub fn has(&self, hashed: &HashedName) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut found = hashed.suffixes().enumerate().any(|(above, suffix)| {
            // The whole name comes first and is asked exactly; every later suffix is an ancestor.
            let map = if above == 0 { &self.exact } else { &self.below };
            map.get(&suffix).is_some()
        });
        if !found {
            self.expressions.visit(hashed, |_| found = true);
        }
        found
    }
}

fn add(map: &mut NameMap<()>, text: &str) -> Result<(), String> {
    let name = keyhole_names::read_name(text).map_err(|error| format!("{text:?}: {error}"))?;
    map.entry(&name, || ());
    Ok(())
}

#[cfg(test)]
mod tests {
    use keyhole_wire::Name;

    use super::*;

    #[test]
    fn a_name_is_found_as_a_rule_would_find_it() {
        let matches = [
            MatchDocument::Exact("a.example".to_owned()),
            MatchDocument::Below("plex.example".to_owned()),
            MatchDocument::Regex("^nas[0-9]".to_owned()),
        ];
        let mut faults = Faults::default();
        let names = NamePatterns::compile(&matches, "names", "p.yaml:1", &mut faults);
        let has = |text: &str| names.has(&HashedName::new(&Name::from_text(text).unwrap()));
        for name in ["a.example", "A.EXAMPLE.", "x.plex.example", "y.x.plex.example", "nas1.test"] {
            assert!(has(name), "{name}");
        }
        for name in ["x.a.example", "plex.example", "example", ".", "xnas1.test"] {
            assert!(!has(name), "{name}");
        }
        let none = NamePatterns::compile(&[], "names", "", &mut faults);
        assert!(!none.has(&HashedName::new(&Name::from_text("a.example").unwrap())));
    }
}
