//! Names whose addresses are those of another name: the restricted entry of a search engine.
//!
//! A rewrite is no local record: it allows nothing, and a local record of the name comes first. The
//! target is looked up and vetted like that of any alias. HTTPS and SVCB have no data, because such
//! a record could lead a client to other addresses without asking for them (RFC 9460 section 3).
//! Other types are those of the name itself.

use std::sync::Arc;

use keyhole_names::{HashedName, NameMap};
use keyhole_wire::{AnswerBuilder, Name, Rcode, RecordType, Synthetic, ZoneAt};

use super::local::Local;
use crate::document::RewriteDocument;
use crate::faults::Faults;

/// Seconds for which the alias may be cached: a changed policy acts soon.
const TTL: u32 = 300;

/// Rewritten names that are seen together.
#[derive(Default)]
pub struct Rewrites {
    all: Vec<Rewrite>,
    by_name: NameMap<u32>,
}

/// One name, and whose addresses it gets.
pub struct Rewrite {
    /// The name that is asked for.
    pub name: Name,
    /// The name whose addresses it gets.
    pub target: Name,
    /// What rewrites it, for people.
    pub title: String,
}

impl Rewrites {
    /// Compiles them; `path` is where they are in the snapshot.
    pub(crate) fn compile(
        documents: &[RewriteDocument],
        path: &str,
        faults: &mut Faults,
    ) -> Arc<Self> {
        let mut compiled = Self::default();
        for (index, document) in documents.iter().enumerate() {
            if let Err(why) = compiled.add(document) {
                faults.add(format!("{path}[{index}]"), why);
            }
        }
        for (index, one) in compiled.all.iter().enumerate() {
            if compiled.by_name.get_name(&one.target).is_some() {
                let why =
                    format!("{} leads to {}, which is rewritten itself", one.name, one.target);
                faults.add(format!("{path}[{index}]"), why);
            }
        }
        Arc::new(compiled)
    }

    fn add(&mut self, document: &RewriteDocument) -> Result<(), String> {
        let read = |text: &str| {
            keyhole_names::read_name(text).map_err(|error| format!("{text:?}: {error}"))
        };
        let (name, target) = (read(&document.name)?, read(&document.target)?);
        if name.is_root() || target.is_root() {
            return Err("the root is neither rewritten nor a target".to_owned());
        }
        if self.by_name.get_name(&name).is_some() {
            return Err(format!("{name} twice"));
        }
        let index = self.all.len() as u32;
        self.by_name.entry(&name, || index);
        self.all.push(Rewrite { name, target, title: document.title.clone() });
        Ok(())
    }

    /// The index of the rewrite of a name. Costs a probe, and nothing where there are none.
    #[inline]
    pub fn find(&self, hashed: &HashedName) -> Option<u32> {
        if self.all.is_empty() {
            return None;
        }
        hashed.suffixes().next().and_then(|whole| self.by_name.get(&whole)).copied()
    }

    /// The same where it has something to say about the type.
    #[inline]
    pub fn find_for(&self, hashed: &HashedName, kind: RecordType) -> Option<u32> {
        self.find(hashed).filter(|_| {
            matches!(
                kind,
                RecordType::A
                    | RecordType::AAAA
                    | RecordType::CNAME
                    | RecordType::HTTPS
                    | RecordType::SVCB
            )
        })
    }

    /// The rewrite with this index.
    pub fn get(&self, index: u32) -> Option<&Rewrite> {
        self.all.get(index as usize)
    }

    /// What is said about a name and type; none leaves it to others.
    pub fn answer(&self, hashed: &HashedName, kind: RecordType) -> Option<(&Rewrite, Local)> {
        let rewrite = self.get(self.find_for(hashed, kind)?)?;
        let local = match kind {
            RecordType::A | RecordType::AAAA => Local::Alias {
                chain: [(*hashed.name(), rewrite.target, TTL)].into(),
                target: rewrite.target,
            },
            RecordType::CNAME => {
                let name = hashed.name();
                let answer = AnswerBuilder::new(name, kind, Rcode::NOERROR)
                    .push_name(name, kind, TTL, &rewrite.target)
                    .finish()
                    .ok()?;
                Local::Answer(Arc::new(answer))
            }
            RecordType::HTTPS | RecordType::SVCB => {
                Local::Synthetic { what: Synthetic::NoData, ttl: TTL, zone: Some(ZoneAt(0)) }
            }
            _ => return None,
        };
        Some((rewrite, local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(rewrites: &[(&str, &str)]) -> (Arc<Rewrites>, String) {
        let document = |&(name, target): &(&str, &str)| RewriteDocument {
            name: name.into(),
            target: target.into(),
            title: "safe search: test".into(),
        };
        let documents: Vec<_> = rewrites.iter().map(document).collect();
        let mut faults = Faults::default();
        let compiled = Rewrites::compile(&documents, "rewrites", &mut faults);
        (compiled, faults.into_result("", ()).err().map_or_else(String::new, |e| e.to_string()))
    }

    #[test]
    fn a_name_alone_is_rewritten_whatever_its_case_and_nothing_above_or_below() {
        let (rewrites, fault) = compile(&[("www.search.example", "safe.search.example")]);
        assert_eq!(fault, "");
        for (text, wanted) in [
            ("www.search.example", true),
            ("WWW.search.EXAMPLE", true),
            ("search.example", false),
            ("a.www.search.example", false),
            ("safe.search.example", false),
            (".", false),
        ] {
            let hashed = HashedName::new(&Name::from_text(text).unwrap());
            assert_eq!(rewrites.find(&hashed).is_some(), wanted, "{text}");
        }
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        for (rewrites, fault) in [
            (&[(".", "a.example")][..], "rewrites[0]: the root"),
            (&[("a.example", ".")], "rewrites[0]: the root"),
            (&[("a..example", "b.example")], "rewrites[0]: \"a..example\""),
            (&[("a.example", "b.example"), ("A.example", "c.example")], "rewrites[1]: A.example"),
            (&[("a.example", "b.example"), ("b.example", "c.example")], "rewritten itself"),
        ] {
            let found = compile(rewrites).1;
            assert!(found.contains(fault), "{found}");
        }
    }
}
