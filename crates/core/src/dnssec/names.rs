//! Names as DNSSEC sees them: labels counted from the root, in canonical order.

use std::cmp::Ordering;

use keyhole_wire::Name;

/// Labels without the root.
pub(super) fn count(name: &Name) -> usize {
    name.labels().count()
}

/// The last so many labels of a name.
pub(super) fn suffix(name: &Name, keep: usize) -> Name {
    let mut rest = name.as_wire();
    for _ in keep..count(name) {
        rest = rest.get(1 + usize::from(rest[0])..).unwrap_or(&[0]);
    }
    // A suffix of a name that begins at a label is a name.
    Name::from_wire(rest).unwrap_or(Name::ROOT)
}

/// The name above; none above the root.
pub(super) fn parent(name: &Name) -> Option<Name> {
    count(name).checked_sub(1).map(|keep| suffix(name, keep))
}

/// Whether the first label is `*` (RFC 4592 section 2.1.1).
pub(super) fn is_wildcard(name: &Name) -> bool {
    name.labels().next() == Some(b"*")
}

/// The wildcard directly below a name; none where that would be too long to be a name.
pub(super) fn wildcard(encloser: &Name) -> Option<Name> {
    let mut wire = vec![1, b'*'];
    wire.extend_from_slice(encloser.as_wire());
    Name::from_wire(&wire).ok()
}

/// The canonical order of names in lower case (RFC 4034 section 6.1).
pub(super) fn compare(one: &Name, other: &Name) -> Ordering {
    let labels = |name: &Name| name.labels().map(<[u8]>::to_vec).collect::<Vec<_>>();
    labels(one).iter().rev().cmp(labels(other).iter().rev())
}

/// How many labels two names in lower case share, counted from the root.
pub(super) fn shared(one: &Name, other: &Name) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.labels().collect(), other.labels().collect());
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}
