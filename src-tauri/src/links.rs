//! Invitations as links (`visavis://join?…`): what the page makes, reads and is opened with. What a link is, [`crate::signal::Link`] says.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    error::invalid_parameter,
    signal::{self, Code, Error, LinkError},
    types::Problem,
};

/// A call to be joined, as a link names it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Link")]
pub struct PageLink {
    pub app_id: String,
    pub channel: String,
    #[serde(default)]
    pub token: Option<String>,
    /// The channel service; none: the reader's own.
    #[serde(default)]
    pub server: Option<String>,
}

impl std::fmt::Debug for PageLink {
    /// Leaves the token out, so that no log can carry it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("channel", &self.channel).field("server", &self.server).finish_non_exhaustive()
    }
}

impl From<signal::Link> for PageLink {
    fn from(link: signal::Link) -> Self {
        Self { app_id: link.app_id.into(), channel: link.channel.into(), token: link.token, server: link.server }
    }
}

/// What was opened: a link, or why the text is none; neither where nothing was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct OpenedLink {
    pub link: Option<PageLink>,
    pub problem: Option<Problem>,
}

impl OpenedLink {
    pub fn of(text: &str) -> Self {
        match read(text) {
            Ok(link) => Self { link: Some(link), problem: None },
            Err(error) => Self { link: None, problem: Some(error.into()) },
        }
    }
}

/// A link that waits for a page to take it; a later one takes its place.
#[derive(Default)]
pub struct Waiting(Mutex<Option<OpenedLink>>);

impl Waiting {
    pub fn new(text: Option<&str>) -> Self {
        Self(Mutex::new(text.map(OpenedLink::of)))
    }

    pub fn put(&self, opened: OpenedLink) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
    }

    /// The link, once.
    pub fn take(&self) -> OpenedLink {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

/// Reads a link from anywhere.
pub fn read(text: &str) -> Result<PageLink, Error> {
    Ok(signal::Link::read(text)?.into())
}

/// Writes a link at `now_unix` seconds. A token goes along only if it is one that ends, and has not: a link stays in other people's mails.
pub fn make(link: PageLink, now_unix: u64) -> Result<String, Error> {
    let token = link.token.filter(|token| !token.is_empty());
    if let Some(token) = &token {
        let end = channel_server::tokens::claimed_end(token).filter(|_| signal::is_token(token));
        let end = end.ok_or_else(|| Error::new(Code::LinkInvalid, LinkError::Token.to_string()))?;
        if end < now_unix {
            return Err(Error::new(Code::LinkInvalid, "The token is over, so that a link with it would let nobody in. Make a new one."));
        }
    }
    let server = link.server.filter(|server| !server.is_empty());
    if server.as_deref().is_some_and(|server| !signal::is_server(server)) {
        return Err(invalid_parameter("A service in a link is ws://HOST:PORT or wss://HOST:PORT."));
    }
    let link = signal::Link { app_id: link.app_id.parse()?, channel: link.channel.parse()?, token, server };
    Ok(link.write())
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel_server::{projects::Project, tokens};

    const NOW: u64 = 1_800_000_000;
    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";

    fn link() -> PageLink {
        PageLink { app_id: APP_ID.into(), channel: "a b".into(), token: None, server: Some("wss://calls.example".into()) }
    }

    fn token(expire: u64) -> String {
        let project = Project::secured(APP_ID.parse().unwrap(), "5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        let order = tokens::Order {
            channel: "a b".parse().unwrap(),
            uid: None,
            role: tokens::Role::Publisher,
            expire,
            version: tokens::Version::V007,
        };
        tokens::issue(&project, &order, NOW, 1).unwrap().token
    }

    #[test]
    fn a_link_is_made_and_read_the_same_with_and_without_a_token() {
        for link in [link(), PageLink { token: Some(token(600)), ..link() }] {
            assert_eq!(read(&make(link.clone(), NOW).unwrap()).unwrap(), link);
        }
    }

    #[test]
    fn a_token_that_is_over_or_is_none_goes_into_no_link() {
        for (token, at) in [(token(600), NOW + 601), ("secret".into(), NOW), ("006secret".into(), NOW)] {
            let made = make(PageLink { token: Some(token), ..link() }, at);
            assert_eq!(made.unwrap_err().code, Code::LinkInvalid);
        }
    }

    #[test]
    fn a_hostile_text_is_opened_as_a_problem_with_a_sentence() {
        let opened = OpenedLink::of("javascript:alert(1)");
        assert_eq!((opened.link, opened.problem.unwrap().code.as_str()), (None, "LINK_INVALID"));
    }

    #[test]
    fn a_link_is_taken_once() {
        let waiting = Waiting::new(Some(&make(link(), NOW).unwrap()));
        assert_eq!((waiting.take().link, waiting.take()), (Some(link()), OpenedLink::default()));
    }

    #[test]
    fn no_log_carries_a_links_token() {
        assert!(
            !format!("{:?}", OpenedLink { link: Some(PageLink { token: Some("007secret".into()), ..link() }), problem: None })
                .contains("secret")
        );
    }
}
