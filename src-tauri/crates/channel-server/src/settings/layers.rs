//! Flags over variables over file over defaults. Pure, but for [`read_file`].

use std::{fs, io};

use clap::{Args, Command, FromArgMatches};

use super::Settings;

/// Why the settings cannot be used. Always the operator's to mend; the sentence says where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path}: {source}")]
    File { path: String, source: Box<toml::de::Error> },
    #[error("the environment has a setting that cannot be used: {0}")]
    Environment(clap::Error),
    #[error("{0}")]
    Contradiction(String),
}

impl Settings {
    /// The one precedence. `variables` are the environment's, `file` is what [`Settings::from_toml`] read.
    pub fn layered(flags: Self, variables: Self, file: Self) -> Self {
        flags.over(variables).over(file).over(Self::defaults())
    }

    /// The settings among the environment's variables: `VISAVIS_MAX_MEMBERS` is `--max-members`. An empty one is not set.
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let command = Self::augment_args(Command::new("environment").no_binary_name(true).disable_help_flag(true));
        let names: Vec<(String, String)> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(|long| (format!("VISAVIS_{}", long.to_uppercase().replace('-', "_")), format!("--{long}")))
            .collect();
        let flags = variables.into_iter().filter(|(_, value)| !value.is_empty()).filter_map(|(variable, value)| {
            let (_, flag) = names.iter().find(|(name, _)| *name == variable)?;
            Some(format!("{flag}={value}"))
        });
        let matches = command.try_get_matches_from(flags.collect::<Vec<_>>()).map_err(Error::Environment)?;
        Self::from_arg_matches(&matches).map_err(Error::Environment)
    }

    /// Reads what a file says; `path` is for the error, which names the line. Keys that are not settings are refused.
    pub fn from_toml(path: &str, text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|source| Error::File { path: path.to_owned(), source: Box::new(source) })
    }

    /// Reads a file of settings.
    pub fn read_file(path: &str) -> Result<Self, Error> {
        Self::from_toml(path, &read(path)?)
    }

    /// As a file would say it, with secrets as asterisks.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are texts, numbers and lists of them")
    }

    /// These where they say something, `below` elsewhere.
    fn over(self, below: Self) -> Self {
        /// Names every field, so that a new one cannot be forgotten here.
        macro_rules! first {
            ($($field:ident)*) => {{
                let Self { $($field),* } = self;
                Self { $($field: $field.or(below.$field)),* }
            }};
        }
        first!(
            listen listen_tls listen_private tls_certificate tls_key allow_origin trusted_proxy
            projects admin_key admin_key_file stun turn turn_secret turn_secret_file turn_ttl
            max_connections connections_per_minute max_channels max_members max_subscriptions max_joins messages_per_second max_mistakes
            max_bans max_queue handshake_limit request_limit join_limit silence_limit
            drain log
        )
    }
}

pub(super) fn read(path: &str) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn flags(line: &[&str]) -> Settings {
        Line::try_parse_from(["channel-server"].iter().chain(line)).unwrap().settings
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::from_environment(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    fn file(text: &str) -> Result<Settings, String> {
        Settings::from_toml("server.toml", text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
        let said = |by_flag: bool, by_variable: bool, by_file: bool| {
            let flags = flags(if by_flag { &["--max-members", "1"] } else { &[] });
            let variables = environment(if by_variable { &[("VISAVIS_MAX_MEMBERS", "2")] } else { &[] }).unwrap();
            Settings::layered(flags, variables, file(if by_file { "max-members = 3" } else { "" }).unwrap()).max_members
        };
        assert_eq!(said(true, true, true), Some(1));
        assert_eq!(said(false, true, true), Some(2));
        assert_eq!(said(false, false, true), Some(3));
        assert_eq!(said(false, false, false), Some(crate::Limits::default().members));
    }

    #[test]
    fn every_setting_is_a_flag_a_variable_and_a_key_of_one_name() {
        let text = |flag: &str| match flag {
            "listen" | "listen-tls" | "listen-private" => ("127.0.0.1:1,[::1]:2", r#"["127.0.0.1:1", "[::1]:2"]"#),
            "trusted-proxy" => ("10.0.0.0/8,127.0.0.1", r#"["10.0.0.0/8", "127.0.0.1"]"#),
            "allow-origin" | "stun" | "turn" => ("a:b,c:d", r#"["a:b", "c:d"]"#),
            "log" => ("json", "\"json\""),
            "projects" | "admin-key" | "admin-key-file" => ("x", "\"x\""),
            name if name.contains("secret") || name.starts_with("tls-") => ("x", "\"x\""),
            _ => ("7", "7"),
        };
        let command = Settings::augment_args(Command::new("all"));
        let mut seen = 0;
        for long in command.get_arguments().filter_map(|argument| argument.get_long()) {
            let (by_line, by_file) = text(long);
            let expected = flags(&[&format!("--{long}={by_line}")]);
            assert_ne!(expected, Settings::default(), "{long}");
            let variable = format!("VISAVIS_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(environment(&[(&variable, by_line)]).unwrap(), expected, "{variable}");
            assert_eq!(file(&format!("{long} = {by_file}")).unwrap(), expected, "{long}");
            seen += 1;
        }
        assert!(seen > 20);
    }

    #[test]
    fn a_key_that_is_no_setting_is_refused_with_its_line() {
        let error = file("max-members = 3\nmax-menbers = 4\n").unwrap_err();
        assert!(error.contains("server.toml") && error.contains("line 2") && error.contains("max-menbers"), "{error}");
        let error = file("log = \"text\"\njoin-limit = \"soon\"\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
        assert!(file("join-limit = -1").is_err());
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named_and_an_empty_one_is_not_set() {
        let error = environment(&[("VISAVIS_MAX_MEMBERS", "many")]).unwrap_err().to_string();
        assert!(error.contains("--max-members") && error.contains("many"), "{error}");
        let ignored = environment(&[("VISAVIS_MAX_MEMBERS", ""), ("VISAVIS_LIVE", "1"), ("PATH", "/bin")]).unwrap();
        assert_eq!(ignored, Settings::default());
    }

    #[test]
    fn what_is_printed_reads_back_and_hides_secrets() {
        let settings =
            Settings::layered(flags(&["--turn-secret", "north", "--listen", "[::]:1"]), Settings::default(), Settings::default());
        let text = settings.to_toml();
        assert!(!text.contains("north") && text.contains("turn-secret = \"***\""), "{text}");
        let again = file(&text).unwrap();
        assert_eq!(Settings { turn_secret: None, ..again }, Settings { turn_secret: None, ..settings });
    }
}
