//! Addresses, by the longest prefix.
//!
//! Networks lie inside or beside each other, never across. So they are laid out flat, as ranges of
//! addresses that each have one answer, and finding one is a binary search: as fast for one length
//! of prefix as for all 129 of them.

use std::net::IpAddr;

use super::subject_match::SubjectMatch;
use crate::network::Network;

/// Networks of both families.
#[derive(Default)]
pub(super) struct Networks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// A network as it is gathered.
#[derive(Clone, Copy)]
pub(super) struct SubjectNetwork {
    pub(super) network: Network,
    /// What it says itself; what it leaves open is said by the networks around it.
    pub(super) found: SubjectMatch,
}

/// What holds from each start to the next; nothing before the first.
#[derive(Default)]
struct Ranges<A> {
    starts: Vec<A>,
    found: Vec<SubjectMatch>,
    /// The first start of each block of `starts`: few enough to stay in the processor's cache, so
    /// that a search waits for memory about twice.
    heads: Vec<A>,
}

/// Octets of a block.
const BLOCK: usize = 256;

/// A network by its first and last address as numbers.
type Span<A> = (A, A, SubjectNetwork);

/// Addresses as numbers.
trait Number: Ord + Copy {
    /// The next one; none behind the last.
    fn next(self) -> Option<Self>;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Networks {
    /// Lays networks out; no two are the same.
    pub(super) fn lay_out(networks: &[SubjectNetwork]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for &one in networks {
            match (one.network.first(), one.network.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    v4.push((first.to_bits(), last.to_bits(), one));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    v6.push((first.to_bits(), last.to_bits(), one));
                }
                _ => {}
            }
        }
        Self { v4: Ranges::lay_out(v4), v6: Ranges::lay_out(v6) }
    }

    #[inline]
    pub(super) fn find(&self, address: IpAddr) -> SubjectMatch {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        }
    }
}

impl<A: Number> Ranges<A> {
    const PER_BLOCK: usize = BLOCK / size_of::<A>();

    /// Goes over the addresses once, with the networks that are open at each place.
    fn lay_out(mut spans: Vec<Span<A>>) -> Self {
        // Wider ones first where several begin, so that every network comes after those around it.
        spans.sort_by(|(a, a_last, _), (b, b_last, _)| a.cmp(b).then(b_last.cmp(a_last)));
        let mut ranges = Self { starts: Vec::new(), found: Vec::new(), heads: Vec::new() };
        let mut open: Vec<(A, SubjectMatch)> = Vec::new();
        for (first, last, network) in spans {
            ranges.close(&mut open, |end| end < first);
            let around = open.last().map_or(SubjectMatch::default(), |(_, found)| *found);
            let SubjectMatch { named, choice } = network.found;
            let found =
                SubjectMatch { named: named.or(around.named), choice: choice.or(around.choice) };
            ranges.begin(first, found);
            open.push((last, found));
        }
        ranges.close(&mut open, |_| true);
        ranges.heads = ranges.starts.iter().step_by(Self::PER_BLOCK).copied().collect();
        ranges
    }

    /// Ends the innermost networks whose last address says so.
    fn close(&mut self, open: &mut Vec<(A, SubjectMatch)>, ends: impl Fn(A) -> bool) {
        while let Some((last, _)) = open.pop_if(|(last, _)| ends(*last)) {
            if let Some(behind) = last.next() {
                self.begin(
                    behind,
                    open.last().map_or(SubjectMatch::default(), |(_, found)| *found),
                );
            }
        }
    }

    /// From `start` on, `found` holds. Starts come in order; of equal ones the last counts.
    fn begin(&mut self, start: A, found: SubjectMatch) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.found.pop();
        }
        self.starts.push(start);
        self.found.push(found);
    }

    #[inline]
    fn find(&self, address: A) -> SubjectMatch {
        let before = |start: &A| *start <= address;
        let Some(block) = self.heads.partition_point(before).checked_sub(1) else {
            return SubjectMatch::default();
        };
        let first = block * Self::PER_BLOCK;
        let end = self.starts.len().min(first + Self::PER_BLOCK);
        // The head of the block is not behind the address, so at least one start is before it.
        let at = first + self.starts[first..end].partition_point(before) - 1;
        self.found[at]
    }
}
