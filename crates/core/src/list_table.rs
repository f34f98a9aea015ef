//! The lists of a snapshot: the compiled file, and what a hit on each list means.

use std::net::IpAddr;

use keyhole_names::HashedName;
use keyhole_names::list_file::{Action, ListFile, ListHit, ListKind, ListMask};
use keyhole_wire::RecordType;

use crate::document::{ListDocument, ListFileDocument};
use crate::faults::Faults;

/// The lists of a snapshot. Without lists it is empty.
#[derive(Default)]
pub struct ListTable {
    /// None when no policy uses a list.
    file: Option<ListFile>,
    /// By the ids of the lists in the file.
    kinds: Vec<ListKind>,
    names: Vec<String>,
}

impl ListTable {
    /// Opens the file of a snapshot document and compares it with the lists that are named there.
    pub(crate) fn open(
        file: Option<&ListFileDocument>,
        lists: Vec<ListDocument>,
        is_used: bool,
        faults: &mut Faults,
    ) -> Self {
        let file = open_file(file, &lists, is_used, faults);
        let kinds = lists.iter().map(|list| list.kind).collect();
        Self { file, kinds, names: lists.into_iter().map(|list| list.name).collect() }
    }

    /// The lists of this file, one kind and name for each.
    #[cfg(test)]
    pub(crate) fn of(file: ListFile, kinds: Vec<ListKind>, names: Vec<String>) -> Self {
        Self { file: Some(file), kinds, names }
    }

    /// What the lists in use say about a question; see [`ListFile::decide`].
    #[inline]
    pub fn decide(
        &self,
        in_use: &ListMask,
        hashed: &HashedName,
        kind: RecordType,
    ) -> Option<ListHit> {
        self.file.as_ref()?.decide(in_use, &self.kinds, hashed, kind)
    }

    /// What the lists in use say about an address in an answer; see [`ListFile::decide_address`].
    #[inline]
    pub fn decide_address(
        &self,
        in_use: &ListMask,
        address: IpAddr,
        kind: RecordType,
    ) -> Option<ListHit> {
        self.file.as_ref()?.decide_address(in_use, &self.kinds, address, kind)
    }

    /// Whether any entry speaks of some record types only.
    #[inline]
    pub fn has_types(&self) -> bool {
        self.file.as_ref().is_some_and(ListFile::has_types)
    }

    /// Adds the record types that entries for this name single out; see [`ListFile::named_types`].
    pub fn named_types(&self, in_use: &ListMask, hashed: &HashedName, types: &mut Vec<u16>) {
        if let Some(file) = &self.file {
            file.named_types(in_use, hashed, types);
        }
    }

    /// Every entry of the lists in use that speaks of the name for some type. On an allow list
    /// every entry allows.
    pub fn search(&self, in_use: &ListMask, hashed: &HashedName) -> Vec<ListHit> {
        let mut hits = self.file.as_ref().map(|file| file.search(hashed)).unwrap_or_default();
        hits.retain(|hit| in_use.contains(hit.list));
        for hit in &mut hits {
            if self.kinds.get(hit.list) == Some(&ListKind::Allow) {
                hit.action = Action::Allow;
            }
        }
        hits
    }

    /// The name of a list; empty if there is no such list.
    pub fn name(&self, list: usize) -> &str {
        self.names.get(list).map_or("", String::as_str)
    }

    /// The names of all lists by id.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The file, for what a person wants to know of a hit.
    pub fn file(&self) -> Option<&ListFile> {
        self.file.as_ref()
    }
}

fn open_file(
    file: Option<&ListFileDocument>,
    lists: &[ListDocument],
    is_used: bool,
    faults: &mut Faults,
) -> Option<ListFile> {
    let path = "snapshot.list_file";
    let Some(document) = file else {
        if is_used {
            faults.add(path, "a policy uses lists, but no compiled lists are given");
        }
        return None;
    };
    let file = ListFile::open(&document.path, &document.sha256)
        .map_err(|error| faults.add_error(path, error))
        .ok()?;
    if file.list_count() != lists.len() {
        faults.add(
            path,
            format!(
                "the file holds {} lists, the snapshot names {}; compile the lists again",
                file.list_count(),
                lists.len()
            ),
        );
    }
    // Another order would give block lists the meaning of allow lists.
    for (index, list) in lists.iter().enumerate().take(file.list_count()) {
        let found = file.list_name(index);
        if found != list.name {
            faults.add(
                format!("snapshot.lists[{index}].name"),
                format!("{:?}, but the file holds {found:?}; compile the lists again", list.name),
            );
        }
    }
    Some(file)
}
