//! The values of settings that need a type of their own.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A span of time as operators write it: `10` or `0.5`, in seconds; at most some thirty years.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(f64);

const MOST: f64 = 1e9;

impl Seconds {
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64().min(MOST))
    }
}

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if (0.0..=MOST).contains(&seconds) { Ok(Self(seconds)) } else { Err("a time is a number of seconds, 0 to 1000000000") }
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<f64>().map_err(|_| "a time is a number of seconds")?.try_into()
    }
}

/// A secret. It is read like a text and printed as asterisks.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Hidden(String);

impl Hidden {
    /// What must not be printed.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Hidden {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_or_not_and_never_less_than_none() {
        assert_eq!("0.5".parse::<Seconds>().unwrap().duration(), Duration::from_millis(500));
        assert_eq!("10".parse::<Seconds>().unwrap().duration(), Duration::from_secs(10));
        for bad in ["", "-1", "NaN", "inf", "1e10", "10s"] {
            assert!(bad.parse::<Seconds>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret: Hidden = "north".parse().unwrap();
        assert_eq!((format!("{secret:?}").as_str(), secret.reveal()), ("***", "north"));
    }
}
