//! admit: can we afford it, and does the network belong to us?
//!
//! Keyed on the address of the connection alone: nothing that the client can choose.

use std::net::IpAddr;
use std::ops::ControlFlow;

use super::End;
use crate::Reason;
use crate::network::Network;

/// Proof that the connection is one that is served.
pub struct Admitted(());

/// Lets in what comes from a served network (an open resolver is an amplifier, RFC 5358).
#[inline]
pub fn admit(served: &[Network], client: IpAddr) -> ControlFlow<End, Admitted> {
    if served.iter().any(|network| network.contains(client)) {
        ControlFlow::Continue(Admitted(()))
    } else {
        ControlFlow::Break(End::because(Reason::NetworkNotServed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_not_listed_is_refused() {
        let served = ["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        assert!(admit(&served, "192.0.2.9".parse().unwrap()).is_continue());
        assert!(admit(&served, "2001:db8::1".parse().unwrap()).is_continue());
        for outside in ["198.51.100.1", "127.0.0.1", "::1"] {
            match admit(&served, outside.parse().unwrap()) {
                ControlFlow::Break(end) => assert_eq!(end.reason, Reason::NetworkNotServed),
                ControlFlow::Continue(_) => panic!("{outside} was let in"),
            }
        }
        assert!(admit(&[], "127.0.0.1".parse().unwrap()).is_break());
    }
}
