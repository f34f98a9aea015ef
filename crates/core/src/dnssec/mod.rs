//! DNSSEC: whether an answer is what the owner of its zone signed.
//!
//! Validation looks at an answer once, before it goes into the cache, and works within fixed limits
//! ([`Work`](work)): what an attacker's zone asks for beyond them fails that one question. Signatures
//! are judged by the wall clock at the moment of use, also those of keys that are remembered.
//!
//! | standard | what is taken from it |
//! | --- | --- |
//! | RFC 4033 to 4035, 6840 | signatures, the chain of trust, NSEC |
//! | RFC 5155, RFC 9276 | NSEC3, and how many iterations of it are worth the work |
//! | RFC 5702, 6605, 8080 | RSA with SHA-2, ECDSA, Ed25519 |
//! | RFC 6672 | DNAME, and the CNAME made from it |
//! | RFC 7646 | negative trust anchors |
//! | RFC 8914 | which extended error says what is wrong |

mod chain;
mod counts;
mod denial;
mod key;
mod names;
mod nsec;
mod nsec3;
mod proof;
mod rrset;
mod rules;
mod signature;
mod validate;
mod work;
mod zones;

use std::sync::Arc;

use keyhole_wire::{Answer, Name, RecordType};

pub use counts::Counts;
pub use rules::Rules;
pub use validate::{Checked, validate};
pub use work::{MAX_HASHES, MAX_SIGNATURES};

use crate::reason::Reason;

/// What validation found out about an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Nobody looked.
    #[default]
    Unchecked,
    /// Every record is signed by a key that an anchor leads to.
    Secure,
    /// It is proved that the zone is not signed, or no anchor is above it.
    Insecure,
    /// It is not what the zone signed, or that could not be found out; the reason says which.
    Failed(Reason),
}

/// Where validation gets DS and DNSKEY records.
pub trait Fetch: Sync {
    /// What an upstream says without having checked it (CD, RFC 6840 section 5.9).
    ///
    /// # Errors
    /// [`Reason::Overloaded`] if who asks has no turn or no time left, which says nothing of the
    /// zone; [`Reason::DnssecIndeterminate`] if the upstream fails.
    fn fetch(
        &self,
        name: &Name,
        kind: RecordType,
    ) -> impl Future<Output = Result<Arc<Answer>, Reason>> + Send;

    /// Gives what else waits on this thread its turn: signatures cost processor time.
    fn pause(&self) -> impl Future<Output = ()> + Send;

    /// Has it asked for anew the next time: what was said led nowhere.
    fn forget(&self, name: &Name, kind: RecordType);
}
