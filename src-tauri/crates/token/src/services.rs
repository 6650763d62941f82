//! What a 007 token may speak of.

use crate::{
    BuildError, Malformed, Privileges,
    bytes::{Reader, Writer},
};

/// A service and its privileges, each with its validity in seconds after the token's issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub privileges: Privileges,
    pub body: Body,
}

/// Which service, and for whom. An empty uid, account or user stands for anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Calls. Privileges: 1 join, 2 publish audio, 3 publish video, 4 publish data.
    Rtc { channel: String, uid: String },
    /// Messages. 1 login.
    Rtm { user: String },
    /// 1 mix streams, 2 raw streams.
    Streaming { channel: String, account: String },
    /// 1 login.
    Fpa,
    /// 1 user, 2 app.
    Chat { user: String },
    /// 1 publish, 2 play.
    Fcdn { channel: String, account: String },
    /// 1 room user, 2 user, 3 app.
    Apaas { room: String, user: String, role: i16 },
}

impl Body {
    /// The number by which tokens name and sort the service.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Rtc { .. } => 1,
            Self::Rtm { .. } => 2,
            Self::Streaming { .. } => 3,
            Self::Fpa => 4,
            Self::Chat { .. } => 5,
            Self::Fcdn { .. } => 6,
            Self::Apaas { .. } => 7,
        }
    }
}

impl Service {
    /// The next service, or `None` if its kind is unknown: its length is then unknown too, and so is all that follows.
    pub(crate) fn read(reader: &mut Reader) -> Result<Option<Self>, Malformed> {
        let kind = reader.u16()?;
        if !(1..=7).contains(&kind) {
            return Ok(None);
        }
        let privileges = reader.map()?;
        let body = match kind {
            1 => Body::Rtc { channel: reader.text()?, uid: reader.text()? },
            2 => Body::Rtm { user: reader.text()? },
            3 => Body::Streaming { channel: reader.text()?, account: reader.text()? },
            4 => Body::Fpa,
            5 => Body::Chat { user: reader.text()? },
            6 => Body::Fcdn { channel: reader.text()?, account: reader.text()? },
            _ => Body::Apaas { room: reader.text()?, user: reader.text()?, role: reader.i16()? },
        };
        Ok(Some(Self { privileges, body }))
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), BuildError> {
        writer.u16(self.body.kind());
        writer.map(&self.privileges)?;
        let texts: &[&str] = match &self.body {
            Body::Fpa => &[],
            Body::Rtm { user } | Body::Chat { user } => &[user],
            Body::Rtc { channel, uid: user } | Body::Streaming { channel, account: user } | Body::Fcdn { channel, account: user } => {
                &[channel, user]
            }
            Body::Apaas { room, user, .. } => &[room, user],
        };
        texts.iter().try_for_each(|text| writer.bytes(text.as_bytes()))?;
        if let Body::Apaas { role, .. } = self.body {
            writer.i16(role);
        }
        Ok(())
    }
}
