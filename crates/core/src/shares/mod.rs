//! Shares: how much one client may hold of what all clients use together.
//!
//! | module | what it does |
//! | --- | --- |
//! | `owner` | on whose account something counts: an identity, and a network prefix |
//! | `counts` | who holds how much, and who may have more |
//! | `room` | places that are taken at once or not at all |
//! | `fair_room` | places that are waited for, in turns |
//! | `rates` | how often something may happen |
//! | `allowance` | how many octets go to an address that nobody proved |
//!
//! Nobody may hold more than their own limit, nor more than twice what is still free. However many
//! clients try, a part stays free for the next one: a third with one greedy client, a fifth with two
//! (dynamic thresholds after Choudhury and Hahne, 1998).

mod allowance;
mod counts;
mod fair_room;
mod owner;
mod rates;
mod room;

pub use allowance::Allowance;
pub use counts::{Full, Share};
pub use fair_room::{FairPlace, FairRoom};
pub use owner::{Owner, prefix};
pub use rates::Rates;
pub use room::{Place, Room};
