//! The ten stages of a query, one file each.

pub mod receive;
