//! screen: does the question carry data out?
//!
//! It comes before `fetch`: afterwards the data has left. Two marks of a tunnel show in a single
//! question; budgets of bytes over time need more than one.

use std::ops::ControlFlow;

use keyhole_wire::RecordType;

use super::End;
use crate::Reason;
use crate::policy::Permit;
use crate::question::Question;

/// A permit for a question that may leave.
pub struct Screened(Permit);

impl Screened {
    /// The permit.
    pub fn into_permit(self) -> Permit {
        self.0
    }
}

/// Stops types that carry arbitrary bytes and that only tunnels ask for.
#[inline]
pub fn screen(question: &Question, permit: Permit) -> ControlFlow<End, Screened> {
    if carries_anything(question.kind()) {
        let mut end = End::because(Reason::TunnelType);
        end.cause = Some(permit.cause());
        end.would_block = permit.would_block();
        return ControlFlow::Break(end);
    }
    ControlFlow::Continue(Screened(permit))
}

/// NULL (RFC 1035 section 3.3.10: anything at all) and the numbers for private use (RFC 6895
/// section 3.1: 65280 to 65534) are what tunnels prefer; no application asks them of a resolver.
fn carries_anything(kind: RecordType) -> bool {
    kind == RecordType::NULL || (65280..=65534).contains(&kind.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_carry_anything_are_stopped() {
        for (kind, stopped) in [(10, true), (65399, true), (65535, false), (1, false), (65, false)]
        {
            assert_eq!(carries_anything(RecordType(kind)), stopped, "{kind}");
        }
    }
}
