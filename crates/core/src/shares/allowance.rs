//! How many octets more than 1.5 for each that came may go over UDP to an address that nobody proved.
//!
//! Whoever forges the address of another makes us send to it (RFC 5358). An answer of at most 1.5 times
//! its question always goes. What a larger one has above that comes out of an allowance of its
//! network, which is refilled at a fixed rate: stubs that know no cookies live on it, and a flood uses
//! it up at once.
//!
//! The addresses of this machine pay nothing: no kernel takes them from outside (RFC 1122 section 3.2.1.3,
//! RFC 4291 section 2.5.3), so only who is on it can write them.
//!
//! Memory is fixed and nothing waits: an account is the time at which it will be even again (the
//! generic cell rate algorithm, ITU-T I.371). Networks that share an account only have less.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use super::owner::prefix;

/// Accounts: 128 KiB.
const ACCOUNTS: usize = 1 << 14;
/// An account that has rested holds what it gets in this time.
const AHEAD: u64 = 4_000_000_000;

/// The accounts of all networks, shared by all workers.
pub struct Allowance {
    /// Nanoseconds for half an octet; none where there is no allowance.
    step: Option<u64>,
    seed: RandomState,
    /// When each will be even, in nanoseconds since the engine began.
    even_at: Box<[AtomicU64]>,
}

impl Allowance {
    /// So many octets a second for each network; 0 for none.
    pub fn new(per_second: u32) -> Self {
        // At least one, so that no rate is without an end.
        let step = (per_second > 0).then(|| (500_000_000 / u64::from(per_second)).max(1));
        let even_at = (0..ACCOUNTS).map(|_| AtomicU64::new(0)).collect();
        Self { step, seed: RandomState::default(), even_at }
    }

    /// Whether an answer of `answered` octets to a question of `asked` may go to a network; what it
    /// has above 1.5 is on its account then. `now` is in nanoseconds since the engine began.
    #[inline]
    pub fn take(&self, client: IpAddr, asked: usize, answered: usize, now: u64) -> bool {
        let more = (2 * answered as u64).saturating_sub(3 * asked as u64);
        if more == 0 || client.to_canonical().is_loopback() {
            return true;
        }
        let Some(step) = self.step else { return false };
        let place = self.seed.hash_one(prefix(client)) as usize & (ACCOUNTS - 1);
        // One step for reading and changing: no other worker's answer is lost in between.
        let booked = |even_at: u64| {
            let even_at = even_at.max(now) + more * step;
            (even_at - now <= AHEAD).then_some(even_at)
        };
        self.even_at[place].fetch_update(Ordering::Relaxed, Ordering::Relaxed, booked).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_network_has_its_allowance_once_and_then_its_rate() {
        let accounts = Allowance::new(1_000);
        let answers =
            |last, now| (0..).take_while(|_| accounts.take(address(last), 40, 160, now)).count();
        assert_eq!(answers(1, 0), 40, "4,000 octets, 100 of each answer");
        assert_eq!(answers(2, 0), 40, "another network");
        assert_eq!(answers(1, SECOND), 10);
        assert_eq!(answers(1, 3_600 * SECOND), 40);
        assert!((0..1_000).all(|_| accounts.take(address(1), 40, 60, 0)), "just 1.5");
    }

    #[test]
    fn without_an_allowance_no_answer_has_more_than_one_and_a_half() {
        let accounts = Allowance::new(0);
        assert!(accounts.take(address(1), 41, 61, 0) && !accounts.take(address(1), 41, 62, 0));
        assert!(!accounts.take(address(1), 41, 62, 3_600 * SECOND));
    }

    #[test]
    fn who_is_on_this_machine_pays_nothing() {
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let (accounts, local) = (Allowance::new(0), local.parse().unwrap());
            assert!((0..1_000).all(|_| accounts.take(local, 40, 1_232, 0)), "{local}");
        }
        let other = "::ffff:192.0.2.1".parse().unwrap();
        assert!(!Allowance::new(0).take(other, 40, 1_232, 0));
    }

    #[test]
    fn over_a_flood_no_more_comes_back_than_one_and_a_half_whatever_the_workers_do_at_once() {
        let (accounts, rate) = (Allowance::new(64 * 1_024), 64 * 1_024);
        let flood = |_| {
            let (mut asked, mut answered) = (0, 0);
            // Ten seconds of 10,000 questions a second in each of two threads.
            for number in 0..100_000_u64 {
                let passes = accounts.take(address(1), 40, 1_232, number * 100_000);
                (asked, answered) = (asked + 40, answered + if passes { 1_232 } else { 40 });
            }
            (asked, answered)
        };
        let told = std::thread::scope(|scope| {
            let workers = [1, 2].map(|number| scope.spawn(move || flood(number)));
            workers.map(|worker| worker.join().unwrap())
        });
        let [asked, answered] = [told[0].0 + told[1].0, told[0].1 + told[1].1];
        // Every answer that passed has 1,172 octets above 1.5; the rest has 40 for 40.
        let most = asked + (10 + 4) * rate * 1_232 / 1_172;
        assert!(answered <= most && 2 * answered <= 3 * asked, "{answered} for {asked}");
    }
}
