//! Where this app's own pages come from, and nobody else's.

use tauri::{AppHandle, Url};

/// The page's origin by platform: Linux and macOS have a scheme of their own, Windows a host.
const BUILT_IN: [&str; 3] = ["tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"];

/// The origins of this app's pages; in development that can be a server of its own.
pub fn own(handle: &AppHandle) -> Vec<String> {
    let server = handle.config().build.dev_url.as_ref().filter(|_| tauri::is_dev());
    BUILT_IN.iter().map(|origin| (*origin).to_owned()).chain(server.map(of)).collect()
}

/// A URL's origin as browsers send it. The `url` crate knows none for schemes like Tauri's.
pub fn of(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |url: &str| of(&url.parse().unwrap());
        assert_eq!(origin("tauri://localhost/index.html"), "tauri://localhost");
        assert_eq!(origin("http://127.0.0.1:1430/?a#b"), "http://127.0.0.1:1430");
        assert_eq!(origin("https://example.org:443/"), "https://example.org");
        assert_eq!(origin("data:text/html,x"), "data://");
    }
}
