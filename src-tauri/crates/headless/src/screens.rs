//! What can be shared.

use std::time::Duration;

use client::{
    Error,
    media::capture::{
        Kind,
        screen::{self, Screen},
    },
};
use serde_json::json;

/// Writes a line for each screen and window.
pub fn print() -> Result<(), Error> {
    // No small pictures: a terminal shows none.
    for screen in screen::list(Duration::ZERO).map_err(|error| client::describe(Kind::Screen, &error))? {
        let Screen { id, title, app, width, height, .. } = screen;
        println!("{}", json!({"id": id, "title": title, "app": app, "width": width, "height": height}));
    }
    Ok(())
}
