//! Which web pages may open a connection. A native client sends no `Origin` and is always let in; a page's browser always sends one,
//! and without this rule any page on the web could talk to a service on the visitor's own machine.

/// A list of origins, each `scheme://host`, `scheme://host:port`, or `scheme://host:*` for any port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Default for Origins {
    /// The app's own page on every platform, and pages served from this machine.
    fn default() -> Self {
        Self::new(["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost", "http://localhost:*", "http://127.0.0.1:*"])
    }
}

impl Origins {
    pub fn new<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// These and one more.
    pub fn with(mut self, pattern: impl Into<String>) -> Self {
        self.0.push(pattern.into());
        self
    }

    /// Whether a request with this `Origin` header (none: a native client) may connect.
    pub fn allow(&self, origin: Option<&str>) -> bool {
        origin.is_none_or(|origin| self.0.iter().any(|pattern| matches(pattern, origin)))
    }
}

fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.strip_suffix(":*") {
        None => pattern == origin,
        Some(host) => origin.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)),
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_client_and_a_page_of_this_machine_may_connect() {
        let origins = Origins::default();
        assert!(origins.allow(None));
        for ours in ["tauri://localhost", "http://tauri.localhost", "http://localhost", "http://localhost:1420", "http://127.0.0.1:80"] {
            assert!(origins.allow(Some(ours)), "{ours}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_may_not() {
        let origins = Origins::default();
        let strangers = [
            "",
            "null",
            "https://example.org",
            "http://localhost.example.org",
            "http://localhost:80.example.org",
            "http://localhost:",
            "http://127.0.0.12:80",
        ];
        for stranger in strangers {
            assert!(!origins.allow(Some(stranger)), "{stranger}");
        }
        assert!(origins.with("https://example.org").allow(Some("https://example.org")));
    }
}
