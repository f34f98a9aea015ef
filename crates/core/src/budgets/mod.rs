//! Budgets of name octets: how much a client may tell a registered domain by the names that it asks
//! for.
//!
//! A tunnel must put what it carries into names that were not asked before. So the octets of distinct
//! names bound what can leave, whatever the encoding, and need no guess about how a name looks.
//!
//! | module | what it does |
//! | --- | --- |
//! | `registered_domain` | which part of a name its owner registered, and how long the rest is |
//! | `limits` | what budgets allow, and how far they are used up |
//! | `price` | what a question or an answer costs |
//! | `slots` | sums over the last hour and day, in overlapping windows |
//! | `names` | which names were asked |
//! | `answers` | what answers tell a client, on the same account |
//! | `pairs` | how many octets each client told each domain |
//! | `domains` | what all clients together told each domain: a channel that is split over many |
//! | `cells` | how many distinct things were met, in fixed memory |
//! | `existence` | whether what a client asked for exists |
//! | `misses` | which clients ask for many domains that do not exist |
//! | `held` | how much of a table each client uses, which decides who has to yield |
//! | `strike` | what is said of a query whose budget is used up |
//! | `throttle` | how often a new name may pass when a budget is nearly used up |
//! | `watched` | a table of what is worth watching among very much more |
//! | `shipped` | domains that are known to need many names |
//!
//! Memory is fixed and all words are atomic: all workers share one account of each client. A worker
//! waits for another only to begin an account that is not there yet. What is forgotten when a table is full can only make a sum too large, and it is
//! the client with the most entries that pays for it.

mod answers;
mod cells;
mod domains;
mod existence;
mod held;
mod limits;
mod misses;
mod names;
mod pairs;
mod price;
mod registered_domain;
mod shipped;
mod slots;
mod strike;
mod throttle;
mod watched;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher, RandomState};

use keyhole_wire::{Name, RecordType};

pub use answers::may_carry;
use domains::{Domains, Told};
pub use domains::{SplitLimit, Together};
pub use existence::Existence;
pub use limits::{Level, Limits};
pub use misses::Missed;
use misses::Misses;
use names::{Names, Seen};
use pairs::Pairs;
pub use pairs::Totals;
use price::Price;
pub use registered_domain::RegisteredDomain;
pub use shipped::shipped;
use slots::Slots;
pub use strike::Strike;
use throttle::Throttle;

/// Pairs of a client and a domain that are counted at once: 6 MiB.
const PAIRS: usize = 1 << 18;
/// Names that are remembered at once: 7 MiB.
const NAMES: usize = 7 << 17;
/// Domains that are watched at once for what all clients together tell them: 0.7 MB.
const DOMAINS: usize = 1 << 9;

/// Clients that are watched at once for domains that do not exist: 0.3 MB.
const MISSING: usize = 1 << 13;

/// The least that a distinct name counts. Below, its place among others would say more than it does.
const MIN_CHARGE: u32 = 8;
/// What another type than those of addresses adds: its number has two octets.
const TYPE_CHARGE: u32 = 2;

/// What one client adds at most to what all together tell a domain, in octets of an hour, but for the
/// name that reaches it: however high its own limits are, no few clients use up what is for all.
const MAX_OF_ONE: u32 = 1_024;

/// A question, as budgets see it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The number of the client; nobody outside may know how it is made.
    pub client: u64,
    /// Whether nobody else can have asked in its name.
    pub is_proved: bool,
    /// The name in lower case.
    pub name: &'a Name,
    /// What part of it is registered.
    pub domain: RegisteredDomain,
    /// The record type.
    pub kind: RecordType,
    /// Seconds since the budgets were made.
    pub seconds: u64,
}

/// What a question cost, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What to do with the question.
    pub level: Level,
    /// Whether this is the question with which the pair becomes noted.
    pub is_first: bool,
    /// What it added to the sum of the hour, in octets.
    pub octets: u32,
    /// The sums with it, in octets.
    pub totals: Totals,
    /// Whether another pair was forgotten for it.
    pub forgot: bool,
    /// What all clients together told the domain with it, as far as that was looked at.
    pub together: Together,
    /// Whether this is the question with which they told it more than one channel may carry.
    pub is_first_split: bool,
    /// Whether that is a limit that acts, and those told it so much that surely asked themselves.
    pub split_acts: bool,
}

/// The budgets of all clients.
pub struct Budgets {
    seed: RandomState,
    names: Names,
    pairs: Pairs,
    throttle: Throttle,
    domains: Domains,
    misses: Misses,
}

impl Budgets {
    /// Empty ones, in 16 MB.
    pub fn new() -> Self {
        Self::sized(PAIRS, NAMES, DOMAINS, MISSING)
    }

    /// Small ones, for few questions.
    pub fn small() -> Self {
        Self::sized(64, 256, 8, 8)
    }

    /// Powers of two, at least 8; any multiple of that for names.
    fn sized(pairs: usize, names: usize, domains: usize, missing: usize) -> Self {
        Self {
            seed: RandomState::new(),
            names: Names::new(names),
            pairs: Pairs::new(pairs),
            throttle: Throttle::new(),
            domains: Domains::new(domains),
            misses: Misses::new(missing),
        }
    }

    /// Charges a question to its client, unless `is_spared` says that it does not count, which is
    /// asked only where it matters.
    ///
    /// Where the budget acts (`acts`), what is held back does not leave and so is not charged, but for
    /// the one name that uses the budget up: it stays used up until what filled it is an hour old.
    #[inline]
    pub fn charge(
        &self,
        asked: &Asked<'_>,
        limits: Limits,
        acts: bool,
        is_spared: impl FnOnce() -> bool,
    ) -> Charge {
        let at = Slots::at(asked.seconds);
        let hashes = self.hashes(asked);
        let before = self.pairs.totals(hashes.pair(), at);
        let price = self.price(asked, &hashes, at);
        if price.is_nothing() && before.hour < limits.throttle && before.day <= limits.day {
            return Charge::nothing(limits.level(before), before);
        }
        if is_spared() {
            return Charge::nothing(Level::Free, before);
        }
        if limits.is_over(before) || price.is_nothing() {
            return Charge::nothing(limits.level(before), before);
        }
        let told = limits.split.and_then(|limit| Some((limit, self.told(asked, price)?)));
        if let Some((limit, told)) = told.filter(|(limit, _)| limit.acts) {
            let together = self.domains.counted(&told, at).proved;
            if limit.is_over(together) {
                let nothing = Charge::nothing(Level::Split, before);
                return Charge { together, split_acts: true, ..nothing };
            }
        }
        let is_throttled = before.hour + price.hour > limits.throttle
            && !limits.is_over(before.with(price.hour, price.day))
            && !self.throttle.take(hashes.pair, asked.seconds);
        if is_throttled && acts {
            return Charge::nothing(Level::Throttle, before);
        }
        let paid = self.pay(asked, &hashes, at);
        let (totals, forgot) = self.pairs.add(hashes.pair(), at, paid.hour, paid.day);
        let mut level = if is_throttled { Level::Throttle } else { Level::Free };
        level = level.max(limits.level(totals));
        let is_first = before.hour < limits.alert && totals.hour >= limits.alert;
        let (mut together, mut is_first_split) = (Together::default(), false);
        let mut split_acts = false;
        if let Some((limit, told)) = told {
            // A client that is conspicuous by itself makes no channel of many, and none makes one alone.
            let (earlier, now) = match before.hour < limits.alert.min(MAX_OF_ONE) {
                true => self.domains.tell(&told, at),
                false => [self.domains.counted(&told, at); 2].into(),
            };
            together = now.all();
            is_first_split = limit.is_over(together) && !limit.is_over(earlier.all());
            split_acts = limit.acts && limit.is_over(now.proved);
            if (split_acts || limit.is_over(together)) && !is_first {
                level = level.max(Level::Split);
            }
        }
        let octets = paid.hour;
        Charge { level, is_first, octets, totals, forgot, together, is_first_split, split_acts }
    }

    /// What a question tells its domain; none where the name is no news within the hour.
    #[inline]
    fn told(&self, asked: &Asked<'_>, price: Price) -> Option<Told> {
        let octets = asked.domain.octets();
        // What remains without the type is the name.
        if octets == 0 || price.hour < MIN_CHARGE {
            return None;
        }
        let (rest, domain) = asked.domain.split(asked.name);
        let hash = |before: u64, part: &[u8]| {
            let mut hasher = self.seed.build_hasher();
            hasher.write_u64(before);
            hasher.write(part);
            hasher.finish()
        };
        let [proved, unproved] = [0, 1].map(|account| hash(account, domain));
        Some(Told {
            proved,
            unproved,
            is_proved: asked.is_proved,
            name: hash(proved, rest),
            client: asked.client,
            octets: octets.max(MIN_CHARGE),
        })
    }

    /// What is on the account, in octets.
    pub fn totals(&self, asked: &Asked<'_>) -> Totals {
        self.pairs.totals(self.hashes(asked).pair(), Slots::at(asked.seconds))
    }

    /// What the tables take, in octets.
    pub fn octets(&self) -> usize {
        let pairs = self.pairs.octets() + self.throttle.octets();
        self.names.octets() + pairs + self.domains.octets() + self.misses.octets()
    }

    /// The hashes are keyed, so that nobody can make two names share one.
    #[inline]
    fn hashes(&self, asked: &Asked<'_>) -> Hashes {
        let (rest, domain) = asked.domain.split(asked.name);
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(asked.client);
        hasher.write(domain);
        let pair = hasher.finish();
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(pair);
        hasher.write(rest);
        Hashes { client: held::number(asked.client), pair, name: hasher.finish() }
    }

    fn of_type(&self, name: u64, kind: RecordType) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(name);
        hasher.write_u16(kind.0);
        hasher.finish()
    }

    /// What the question would cost now.
    #[inline]
    fn price(&self, asked: &Asked<'_>, hashes: &Hashes, at: Slots) -> Price {
        self.sum(asked, hashes, |names, hash| names.seen(hash, hashes.client, at))
    }

    /// The same, and remembers it. Of two workers that meet a new name at once, one pays.
    #[inline]
    fn pay(&self, asked: &Asked<'_>, hashes: &Hashes, at: Slots) -> Price {
        self.sum(asked, hashes, |names, hash| names.remember(hash, hashes.client, at))
    }

    #[inline]
    fn sum(&self, asked: &Asked<'_>, hashes: &Hashes, seen: impl Fn(&Names, u64) -> Seen) -> Price {
        let mut price = Price::default();
        let octets = asked.domain.octets();
        if octets > 0 {
            price.add(octets.max(MIN_CHARGE), seen(&self.names, hashes.name));
        }
        if carries_by_type(asked.kind) {
            let hash = self.of_type(hashes.name, asked.kind);
            price.add(TYPE_CHARGE, seen(&self.names, hash));
        }
        price
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the type itself may say something: clients ask for these three side by side.
fn carries_by_type(kind: RecordType) -> bool {
    !matches!(kind, RecordType::A | RecordType::AAAA | RecordType::HTTPS)
}

/// What a question is known by in the tables.
struct Hashes {
    client: u16,
    pair: u64,
    name: u64,
}

impl Hashes {
    fn pair(&self) -> pairs::Pair {
        pairs::Pair { hash: self.pair, client: self.client }
    }
}

impl Charge {
    fn nothing(level: Level, totals: Totals) -> Self {
        Self {
            level,
            is_first: false,
            octets: 0,
            totals,
            forgot: false,
            together: Together::default(),
            is_first_split: false,
            split_acts: false,
        }
    }
}
