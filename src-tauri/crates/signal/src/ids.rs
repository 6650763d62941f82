//! Names and numbers, each valid by construction.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not the id it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("an App ID is 32 hexadecimal characters")]
    AppId,
    #[error(
        "a channel name has 1 to 64 characters out of letters, digits, space and ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ {{ }} | ~ ,"
    )]
    ChannelName,
    #[error("a uid is a whole number from 1 to 4294967295, or a text of 1 to 255 printable ASCII characters")]
    Uid,
    #[error("a subscription or session id is 16 to 64 hexadecimal characters")]
    Key,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $invalid:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err($invalid) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A project's id: 32 hexadecimal characters, case kept.
    AppId, Invalid::AppId, |t| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit())
);
text_id!(
    /// A channel's name: 1 to 64 characters of Agora's 89.
    ChannelName, Invalid::ChannelName,
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b" !#$%&()+-:;<=.>?@[]^_{}|~,".contains(&b))
);
text_id!(
    /// One subscription of one subscriber, drawn at random by the subscriber (16 to 64 hexadecimal characters).
    SubscriptionId, Invalid::Key, is_key
);
text_id!(
    /// What a client shows to come back as itself; a secret between it and the service.
    SessionKey, Invalid::Key, is_key
);

fn is_key(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppId({})", self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelName({:?})", self.0)
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriptionId({})", self.0)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// A user's id in a channel: a number, or an account (a text). JSON carries it as one or the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawUid", into = "RawUid")]
pub enum Uid {
    /// 1 to 2³² − 1.
    Number(u32),
    /// 1 to 255 printable ASCII characters.
    Account(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawUid {
    Number(u32),
    Account(String),
}

impl Uid {
    /// A numeric uid; 0 is not one (it asks the service to assign).
    pub fn number(number: u32) -> Result<Self, Invalid> {
        if number == 0 { Err(Invalid::Uid) } else { Ok(Self::Number(number)) }
    }

    /// A string account.
    pub fn account(account: &str) -> Result<Self, Invalid> {
        let valid = (1..=255).contains(&account.len()) && account.bytes().all(|b| (0x20..0x7f).contains(&b));
        if valid { Ok(Self::Account(account.to_owned())) } else { Err(Invalid::Uid) }
    }
}

impl TryFrom<RawUid> for Uid {
    type Error = Invalid;
    fn try_from(raw: RawUid) -> Result<Self, Invalid> {
        match raw {
            RawUid::Number(number) => Self::number(number),
            RawUid::Account(account) => Self::account(&account),
        }
    }
}

impl From<Uid> for RawUid {
    fn from(uid: Uid) -> Self {
        match uid {
            Uid::Number(number) => Self::Number(number),
            Uid::Account(account) => Self::Account(account),
        }
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Account(account) => account.fmt(f),
        }
    }
}

/// What a stream shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamSource {
    #[default]
    Camera,
    Screen,
}

/// A published stream: its publisher and what it shows. A user has at most one of each source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    pub uid: Uid,
    #[serde(default)]
    pub source: StreamSource,
}

impl StreamId {
    pub fn camera(uid: Uid) -> Self {
        Self { uid, source: StreamSource::Camera }
    }
}

impl fmt::Display for StreamId {
    /// The quick start's stream id: the uid, with `-screen` behind it for a screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            StreamSource::Camera => self.uid.fmt(f),
            StreamSource::Screen => write!(f, "{}-screen", self.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_app_id_is_32_hexadecimal_characters() {
        assert!("970CA35de60c44645bbae8a215061b33".parse::<AppId>().is_ok());
        for bad in ["", " 970CA35de60c44645bbae8a215061b33", "970CA35de60c44645bbae8a215061b3g", "970CA35de60c44645bbae8a215061b3"] {
            assert_eq!(bad.parse::<AppId>(), Err(Invalid::AppId), "{bad:?}");
        }
    }

    #[test]
    fn a_channel_name_has_one_to_64_of_89_characters() {
        let alphabet: String = (0u8..=127).map(char::from).filter(|c| c.to_string().parse::<ChannelName>().is_ok()).collect();
        assert_eq!(alphabet.len(), 89);
        assert!("a".repeat(64).parse::<ChannelName>().is_ok());
        for bad in ["", "\"", "'", "*", "/", "\\", "`", "é", &"a".repeat(65)] {
            assert_eq!(bad.parse::<ChannelName>(), Err(Invalid::ChannelName), "{bad:?}");
        }
    }

    #[test]
    fn a_uid_is_a_number_or_an_account_and_json_keeps_which() {
        assert_eq!(serde_json::from_str::<Uid>("7").unwrap(), Uid::Number(7));
        assert_eq!(serde_json::from_str::<Uid>("\"7\"").unwrap(), Uid::Account("7".into()));
        for bad in ["0", "-1", "4294967296", "1.5", "\"\"", "\"é\"", "null", "[]"] {
            assert!(serde_json::from_str::<Uid>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_without_panic(text in ".{0,300}") {
            let _ = (text.parse::<AppId>(), text.parse::<ChannelName>(), Uid::account(&text), text.parse::<SubscriptionId>());
        }
    }
}
