//! Sets of names: names with their hashes, maps by name, and the compiled list file.
//!
//! All of it is what a packet needs to find a name, and what writes such a set needs to know of it.
//! Nothing here waits or knows a clock.

mod address_name;
pub mod error;
mod hashed_name;
pub mod list_file;
mod name_map;

pub use address_name::{Network, is_address_name, read_name};
pub use error::Error;
pub use hashed_name::{HashedName, Suffix, Text, hash_wire};
pub use name_map::NameMap;
