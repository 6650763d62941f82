//! An invitation as one line: `visavis://join?appId=…&channel=…[&token=…][&server=…]`.
//!
//! A link comes from anywhere, so reading is total and bounded: any text is a [`Link`] whose parts are all valid, or a [`LinkError`].
//! Nothing in a link is ever done by itself; it fills in a form.

use std::fmt::Write;

use crate::{AppId, ChannelName, Code, Error};

/// The scheme that the system opens with Visavis.
pub const SCHEME: &str = "visavis";

/// The longest link that is looked at, in bytes: the longest token, each of its characters escaped, would still fit.
pub const MOST_LINK: usize = 16 * 1024;

/// The longest token in a link, in bytes.
const MOST_TOKEN: usize = 4096;

/// The longest address of a service, in bytes; a DNS name has at most 253.
const MOST_SERVER: usize = 300;

/// Where a call is.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    pub app_id: AppId,
    pub channel: ChannelName,
    pub token: Option<String>,
    /// `ws://HOST[:PORT]` or `wss://HOST[:PORT]`; none is the reader's own service.
    pub server: Option<String>,
}

impl std::fmt::Debug for Link {
    /// Leaves the token out, so that no log can carry it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("channel", &self.channel).field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why a text is no link that could be followed. It is the link's fault each time: ask for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("The link is too long to be an invitation of Visavis. Ask for a new one.")]
    TooLong,
    #[error("This is no invitation of Visavis: those begin with visavis://join?. Ask for a new one.")]
    OtherScheme,
    #[error("The link holds characters that no invitation has. Copy it again as a whole.")]
    Characters,
    #[error("The link names its {0} twice. Ask for a new one.")]
    Twice(&'static str),
    #[error("The link lacks its {0}. Copy it again as a whole.")]
    Lacks(&'static str),
    #[error("The App ID in the link is none: it has 32 hexadecimal characters. Copy the link again as a whole.")]
    AppId,
    #[error("The channel in the link has a name that none can have. Ask for a new link.")]
    Channel,
    #[error("What the link brings as token is none. Copy the link again as a whole.")]
    Token,
    #[error("The service in the link is no address of the form ws://HOST:PORT or wss://HOST:PORT. Ask for a new link.")]
    Server,
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::new(Code::LinkInvalid, error.to_string())
    }
}

impl Link {
    /// The link as text, in characters that survive any messenger.
    pub fn write(&self) -> String {
        let mut text = format!("{SCHEME}://join?appId={}&channel=", self.app_id);
        escape(self.channel.as_str(), &mut text);
        for (name, value) in [("token", &self.token), ("server", &self.server)] {
            if let Some(value) = value {
                let _ = write!(text, "&{name}=");
                escape(value, &mut text);
            }
        }
        text
    }

    /// Reads a link; what stands around it (white space, `<…>` of a mail) is let go. Parts of later versions are passed over.
    pub fn read(text: &str) -> Result<Self, LinkError> {
        if text.len() > MOST_LINK {
            return Err(LinkError::TooLong);
        }
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        let query = query(text).ok_or(LinkError::OtherScheme)?;
        if !query.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(LinkError::Characters);
        }
        let mut parts = Parts::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parts.take(name, unescape(value)?)?;
        }
        parts.link()
    }
}

/// What follows `visavis://join?`; the scheme's and the host's case mean nothing (RFC 3986, section 6.2.2.1), and some systems add a `/`.
fn query(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let (place, query) = rest.split_once('?')?;
    let place = place.strip_suffix('/').unwrap_or(place);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    (scheme.eq_ignore_ascii_case(SCHEME) && place.eq_ignore_ascii_case("join")).then_some(query)
}

/// A link's parts as they are found.
#[derive(Default)]
struct Parts {
    app_id: Option<String>,
    channel: Option<String>,
    token: Option<String>,
    server: Option<String>,
}

impl Parts {
    fn take(&mut self, name: &str, value: String) -> Result<(), LinkError> {
        let (called, slot) = match name {
            "appId" => ("App ID", &mut self.app_id),
            "channel" => ("channel", &mut self.channel),
            "token" => ("token", &mut self.token),
            "server" => ("service", &mut self.server),
            _ => return Ok(()),
        };
        if slot.replace(value).is_some() { Err(LinkError::Twice(called)) } else { Ok(()) }
    }

    fn link(self) -> Result<Link, LinkError> {
        let app_id = self.app_id.ok_or(LinkError::Lacks("App ID"))?.parse().map_err(|_| LinkError::AppId)?;
        let channel = self.channel.ok_or(LinkError::Lacks("channel"))?.parse().map_err(|_| LinkError::Channel)?;
        let token = self.token.filter(|token| !token.is_empty());
        let server = self.server.filter(|server| !server.is_empty());
        if !token.as_deref().is_none_or(is_token) {
            return Err(LinkError::Token);
        }
        if !server.as_deref().is_none_or(is_server) {
            return Err(LinkError::Server);
        }
        Ok(Link { app_id, channel, token, server })
    }
}

/// Whether a text is written as tokens are: their version and base64. What it is worth, the service says.
pub fn is_token(text: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    text.len() <= MOST_TOKEN && (text.starts_with("006") || text.starts_with("007")) && text.bytes().all(base64)
}

/// Whether a text is the address of a channel service: `ws://` or `wss://`, a host, maybe a port, and nothing else.
pub fn is_server(text: &str) -> bool {
    let Some(place) = text.strip_prefix("ws://").or_else(|| text.strip_prefix("wss://")).filter(|_| text.len() <= MOST_SERVER) else {
        return false;
    };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", rest),
        Some(_) => return false,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let named = !host.is_empty()
        && !host.starts_with(['-', '.'])
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let numbered = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|number| number != 0));
    named && numbered && !port.contains('+')
}

/// Escapes all but the unreserved characters (RFC 3986, section 2.3).
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// A `+` is a plus: this is no web form.
fn unescape(text: &str) -> Result<String, LinkError> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).ok_or(LinkError::Characters)?;
        let digits = std::str::from_utf8(digits).map_err(|_| LinkError::Characters)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| LinkError::Characters)?);
        rest = &rest[2..];
    }
    let text = String::from_utf8(bytes).map_err(|_| LinkError::Characters)?;
    if text.chars().any(char::is_control) { Err(LinkError::Characters) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";

    fn link(channel: &str) -> Link {
        Link { app_id: APP_ID.parse().unwrap(), channel: channel.parse().unwrap(), token: None, server: None }
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let full = Link { token: Some("007eJxTYA+/==".into()), server: Some("wss://calls.example:443".into()), ..link("a b&c=d?e#f+g%h") };
        for link in [link("demo"), full] {
            let text = link.write();
            assert_eq!(Link::read(&text), Ok(link), "{text}");
        }
        assert_eq!(link("demo").write(), format!("visavis://join?appId={APP_ID}&channel=demo"));
    }

    #[test]
    fn a_link_is_found_in_what_systems_and_mails_make_of_it() {
        for text in [
            format!("VISAVIS://Join/?appId={APP_ID}&channel=demo"),
            format!("  <visavis://join?channel=demo&appId={APP_ID}>\n"),
            format!("visavis://join?appId={APP_ID}&channel=demo&token=&server=&later=%20#fragment"),
        ] {
            assert_eq!(Link::read(&text), Ok(link("demo")), "{text}");
        }
    }

    #[test]
    fn what_is_no_link_is_refused_with_its_reason() {
        let with = |rest: &str| format!("visavis://join?appId={APP_ID}&channel=demo{rest}");
        for (text, reason) in [
            ("https://example.org/join?appId=1".to_owned(), LinkError::OtherScheme),
            (format!("javascript://join?appId={APP_ID}&channel=demo"), LinkError::OtherScheme),
            ("visavis://delete?all".to_owned(), LinkError::OtherScheme),
            (String::new(), LinkError::OtherScheme),
            (with("&token=<script>alert(1)</script>"), LinkError::Token),
            (with("&token=006a\u{202e}b"), LinkError::Characters),
            (with("&token=006%0d%0aHost:x"), LinkError::Characters),
            (with("&token=%"), LinkError::Characters),
            (with("&token=%zz"), LinkError::Characters),
            (with("&token=%ff"), LinkError::Characters),
            (with("&channel=other"), LinkError::Twice("channel")),
            (with("&server=javascript:alert(1)"), LinkError::Server),
            (with("&server=ws://user@host"), LinkError::Server),
            (with("&server=ws://host:0"), LinkError::Server),
            (with("&server=ws://host/path"), LinkError::Server),
            (with("&server=ws://[::1"), LinkError::Server),
            (format!("visavis://join?channel=demo&appId={}", &APP_ID[1..]), LinkError::AppId),
            (format!("visavis://join?appId={APP_ID}&channel=%22onload"), LinkError::Channel),
            ("visavis://join?channel=demo".to_owned(), LinkError::Lacks("App ID")),
            (format!("visavis://join?appId={APP_ID}"), LinkError::Lacks("channel")),
            (with(&"a".repeat(MOST_LINK)), LinkError::TooLong),
        ] {
            assert_eq!(Link::read(&text), Err(reason), "{text:.120}");
        }
    }

    #[test]
    fn a_service_is_a_host_with_or_without_a_port() {
        for good in ["ws://192.168.1.7:47880", "wss://calls.example", "ws://[fe80::1]:47880", "ws://my-host.local"] {
            assert!(is_server(good), "{good}");
        }
        for bad in ["ws://", "ws://:80", "ws://a:b", "ws://a:65536", "ws://a:+1", "http://a", "ws://[zz]", "ws://a b", "ws://é"] {
            assert!(!is_server(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_link_or_a_reason(text in ".{0,400}") {
            let _ = Link::read(&text);
            let _ = Link::read(&format!("visavis://join?appId={APP_ID}&channel=demo&{text}"));
        }

        #[test]
        fn whatever_is_read_is_written_and_read_the_same(channel in "[a-z !#%&+=?^~,]{1,64}", token in "00[67][A-Za-z0-9+/=]{0,200}") {
            let link = Link { token: Some(token), ..link(&channel) };
            prop_assert_eq!(Link::read(&link.write()), Ok(link));
        }
    }
}
