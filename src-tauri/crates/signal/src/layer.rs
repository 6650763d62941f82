//! Which picture a subscription carries: Agora's dual stream and its fallback.
//!
//! A publisher may offer a second, smaller picture of a stream. What a subscriber wants goes to the publisher
//! ([`Command::Want`](crate::Command::Want)); what it gets at the moment comes back ([`Command::Carry`](crate::Command::Carry)). A
//! client or service that does not know these messages drops them: everyone then gets the one picture, as before.

use serde::{Deserialize, Serialize};

use crate::{Code, Error};

/// Agora's stream types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamType {
    /// 0: the picture as published.
    #[default]
    High,
    /// 1: the small one.
    Low,
}

/// What a subscription may be given where the network does not carry what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// 0: nothing else.
    Off,
    /// 1: the small picture.
    #[default]
    Low,
    /// 2: the small picture, then sound only.
    Sound,
}

/// What a subscriber wants of a stream's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    #[serde(default)]
    pub stream_type: StreamType,
    #[serde(default)]
    pub fallback: Fallback,
}

/// What a subscription carries at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    #[default]
    High,
    Low,
    /// Sound only.
    Sound,
}

impl Layer {
    /// The picture of that layer, if it has one.
    pub fn picture(self) -> Option<StreamType> {
        match self {
            Self::High => Some(StreamType::High),
            Self::Low => Some(StreamType::Low),
            Self::Sound => None,
        }
    }
}

impl From<StreamType> for Layer {
    fn from(stream_type: StreamType) -> Self {
        match stream_type {
            StreamType::High => Self::High,
            StreamType::Low => Self::Low,
        }
    }
}

impl TryFrom<u8> for StreamType {
    type Error = Error;

    /// Agora's numbers; others answer [`Code::InvalidParameter`].
    fn try_from(number: u8) -> Result<Self, Error> {
        match number {
            0 => Ok(Self::High),
            1 => Ok(Self::Low),
            _ => Err(Error::new(Code::InvalidParameter, format!("A stream type is 0 (high) or 1 (low), not {number}."))),
        }
    }
}

impl TryFrom<u8> for Fallback {
    type Error = Error;

    /// Agora's numbers; others answer [`Code::InvalidParameter`].
    fn try_from(number: u8) -> Result<Self, Error> {
        match number {
            0 => Ok(Self::Off),
            1 => Ok(Self::Low),
            2 => Ok(Self::Sound),
            _ => {
                let message = format!("A fallback is 0 (none), 1 (low stream) or 2 (low stream, then sound only), not {number}.");
                Err(Error::new(Code::InvalidParameter, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_numbers_are_agoras() {
        assert_eq!([0, 1].map(StreamType::try_from), [Ok(StreamType::High), Ok(StreamType::Low)]);
        assert_eq!([0, 1, 2].map(Fallback::try_from), [Ok(Fallback::Off), Ok(Fallback::Low), Ok(Fallback::Sound)]);
        assert_eq!(StreamType::try_from(2).map_err(|error| error.code), Err(Code::InvalidParameter));
        assert_eq!(Fallback::try_from(3).map_err(|error| error.code), Err(Code::InvalidParameter));
    }

    #[test]
    fn what_is_not_said_is_agoras_default() {
        let want: Want = serde_json::from_value(json!({})).unwrap();
        assert_eq!(want, Want { stream_type: StreamType::High, fallback: Fallback::Low });
        let low = Want { stream_type: StreamType::Low, fallback: Fallback::Sound };
        assert_eq!(serde_json::to_value(low).unwrap(), json!({"stream_type": "low", "fallback": "sound"}));
    }
}
