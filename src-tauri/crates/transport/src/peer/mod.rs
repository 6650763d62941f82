//! What both ends share.

pub mod event;
