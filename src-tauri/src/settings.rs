//! What a person has chosen: one file for all windows and processes of a user.
//!
//! ```text
//! values     the settings as the page sees them
//! document   the file's text: reading, migration, changes (pure)
//! geometry   a window's place on monitors that may have changed (pure)
//! store      the file on the disk, and whom it tells
//! ```

pub mod document;
pub mod geometry;
pub mod store;
pub mod values;

pub use store::Store;
pub use values::Settings;
