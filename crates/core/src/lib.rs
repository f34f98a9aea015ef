//! The data plane of Keyhole: everything that must run per packet.

pub mod engine;
pub mod error;
pub mod lists;
pub mod names;
pub mod network;
pub mod options;
pub mod pipeline;
pub mod reason;
pub mod snapshot;
pub mod stages;

pub use error::Error;
pub use reason::Reason;
