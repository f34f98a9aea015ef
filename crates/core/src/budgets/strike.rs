//! What a budget says of a query, small enough to go along with every packet.

use super::{Charge, Level, Limits};

/// The most clients that a number has room for.
const MAX_CLIENTS: u32 = (1 << 10) - 1;

/// How far a budget was used up by a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What follows.
    pub level: Level,
    /// What was on the account with it: of the hour, or of the day where the day is used up. At
    /// [`Level::Split`] that of all clients together.
    pub octets: u32,
    /// About how many clients that were; 0 at other levels.
    pub clients: u32,
}

impl Strike {
    /// Of a query that cost this.
    pub fn new(limits: Limits, charge: &Charge) -> Self {
        let Charge { level, totals, together, .. } = *charge;
        if level == Level::Split {
            return Self { level, octets: together.octets, clients: together.clients };
        }
        let is_of_day = totals.hour <= limits.block && totals.day > limits.day;
        Self { level, octets: if is_of_day { totals.day } else { totals.hour }, clients: 0 }
    }

    /// As a number; [`Self::from_word`] reads it. Ten bits for the clients, 18 for the octets:
    /// more than any limit.
    pub fn word(self) -> u32 {
        let octets = self.octets.min((1 << 18) - 1);
        self.level as u32 | self.clients.min(MAX_CLIENTS) << 4 | octets << 14
    }

    /// What [`Self::word`] made; none for other numbers.
    pub fn from_word(word: u32) -> Option<Self> {
        let level = *Level::ALL.get((word & 0xf) as usize)?;
        Some(Self { level, octets: word >> 14, clients: word >> 4 & MAX_CLIENTS })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Together, Totals};
    use super::*;

    #[test]
    fn a_strike_says_the_sum_that_is_used_up_and_survives_as_a_number() {
        let limits = Limits { alert: 1, throttle: 2, block: 100, day: 150, split: None };
        let together = Together { octets: 9_000, clients: 12 };
        let strike = |level, hour, day| {
            let totals = Totals { hour, day };
            let charge = Charge { together, ..Charge::nothing(level, totals) };
            Strike::new(limits, &charge)
        };
        let octets = |hour, day| strike(Level::Block, hour, day).octets;
        assert_eq!((octets(120, 130), octets(120, 400), octets(90, 160)), (120, 120, 160));
        let split = strike(Level::Split, 20, 20);
        assert_eq!((split.octets, split.clients), (9_000, 12));
        for level in Level::ALL {
            for octets in [4 * 16_383, 4 * 4 * 16_383] {
                let strike = Strike { level, octets, clients: 1_023 };
                assert_eq!(Strike::from_word(strike.word()), Some(strike));
            }
        }
        assert_eq!(Strike::from_word(u32::MAX), None);
    }
}
