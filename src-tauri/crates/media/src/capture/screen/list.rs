//! What there is to choose from.

use std::time::{Duration, Instant};

use super::{Look, pixels, system};
use crate::capture::Error;

/// The most windows that are listed: more than anybody looks through.
const MOST: usize = 64;
/// The longest title, in characters. A window says of itself what it likes.
const LONGEST_TITLE: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Screen,
    Window,
}

impl Kind {
    /// What the ids of its kind begin with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Screen => "screen:",
            Self::Window => "window:",
        }
    }
}

/// A screen or a window, as a person would choose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// What [`Camera::open`](crate::capture::Camera::open) takes; it is good until the desktop's session ends.
    pub id: String,
    pub kind: Kind,
    /// Never empty.
    pub title: String,
    /// The program that a window belongs to.
    pub app: Option<String>,
    pub width: u32,
    pub height: u32,
    /// A PNG of at most 320×180 pixels.
    pub thumbnail: Option<Vec<u8>>,
}

/// Screens first, then windows, those in front first. Small pictures are made for as long as `patience`; what has none by then goes
/// without. It waits for the desktop: not for async code.
pub fn list(patience: Duration) -> Result<Vec<Screen>, Error> {
    let end = Instant::now() + patience;
    let mut listed = Vec::new();
    let mut screens = 0;
    for mut found in system::all()?.into_iter().filter(|found| found.width > 1 && found.height > 1).take(MOST) {
        screens += u32::from(found.kind == Kind::Screen);
        let looked = (Instant::now() < end).then(|| found.grab.look());
        let thumbnail = match looked {
            Some(Ok(Look::Picture(picture))) => pixels::thumbnail(&picture),
            Some(Ok(Look::Hidden)) | None => None,
            // It went while it was listed.
            Some(Err(Error::NotFound { .. })) => continue,
            Some(Err(error)) => {
                tracing::debug!(id = found.id, %error, "no small picture");
                None
            }
        };
        let app = shown(&found.app);
        let title = shown(&found.title).or_else(|| app.clone());
        let title = title.unwrap_or_else(|| if found.kind == Kind::Screen { format!("Screen {screens}") } else { "Window".into() });
        listed.push(Screen { id: found.id, kind: found.kind, title, app, width: found.width, height: found.height, thumbnail });
    }
    Ok(listed)
}

/// The title of what has this id, if it is there.
pub fn title(id: &str) -> Option<String> {
    let found = system::all().ok()?.into_iter().find(|found| found.id == id)?;
    shown(&found.title).or_else(|| shown(&found.app))
}

/// What of a text can be shown on a line; `None` if nothing.
fn shown(text: &str) -> Option<String> {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(shown("  Notes\n\u{7}\t "), Some("Notes".into()));
        assert_eq!(shown(" \n "), None);
        assert_eq!(shown(&"€".repeat(10_000)).map(|title| title.chars().count()), Some(LONGEST_TITLE));
    }
}
