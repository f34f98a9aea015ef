//! What a policy leaves to its upstreams.

use keyhole_names::HashedName;
use keyhole_wire::RecordType;

/// Which names with a special use are not answered here, because upstreams serve them.
pub trait Forwarding {
    /// Whether upstreams are asked for a name in a zone with a special use whose own name takes
    /// `zone_octets` on the wire.
    fn forwards(&self, hashed: &HashedName, kind: RecordType, zone_octets: usize) -> bool;

    /// Whether names that upstreams of their own are asked for lie below this one.
    fn lies_above(&self, hashed: &HashedName) -> bool;
}
