//! What a budget says of a query, small enough to go along with every packet.

use super::{Level, Limits, Totals};

/// How far a budget was used up by a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What follows.
    pub level: Level,
    /// What was on the account with it: of the hour, or of the day where the day is used up.
    pub octets: u32,
}

impl Strike {
    /// Of these sums.
    pub fn new(level: Level, limits: Limits, totals: Totals) -> Self {
        let is_of_day = totals.hour <= limits.block && totals.day > limits.day;
        Self { level, octets: if is_of_day { totals.day } else { totals.hour } }
    }

    /// As a number; [`Self::from_word`] reads it. No sum has more than 24 bits.
    pub fn word(self) -> u32 {
        self.level as u32 | self.octets << 8
    }

    /// What [`Self::word`] made; none for other numbers.
    pub fn from_word(word: u32) -> Option<Self> {
        let level = *Level::ALL.get((word & 0xff) as usize)?;
        Some(Self { level, octets: word >> 8 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strike_says_the_sum_that_is_used_up_and_survives_as_a_number() {
        let limits = Limits { alert: 1, throttle: 2, block: 100, day: 150 };
        let octets = |hour, day| Strike::new(Level::Block, limits, Totals { hour, day }).octets;
        assert_eq!((octets(120, 130), octets(120, 400), octets(90, 160)), (120, 120, 160));
        for level in Level::ALL {
            let strike = Strike { level, octets: 4 * 16_383 };
            assert_eq!(Strike::from_word(strike.word()), Some(strike));
        }
        assert_eq!(Strike::from_word(u32::MAX), None);
    }
}
