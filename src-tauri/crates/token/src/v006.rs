//! Version 006: `"006" appId base64(string(signature) u32 crc32(channel) u32 crc32(uid) string(message))`, where the message is
//! `u32 salt, u32 ends, map privileges`. Channel and uid are not in it: whoever verifies has to know them.
//!
//! The format's own weakness: its signature covers channel and uid without a border between them, so the bearer of a token for
//! `room1` and `23` may forge the checksums for `room12` and `3`. Version 007 has no such gap.

use crate::{
    BuildError, Credentials, Malformed, Privileges, Version,
    bytes::{Reader, Writer},
    credentials::is_hex32,
    envelope,
    mac::{self, Signature},
};

/// What the bearer may do, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub salt: u32,
    /// Unix seconds; the builders write 24 h after the issue.
    pub ends: u32,
    /// Unix seconds.
    pub privileges: Privileges,
}

/// A token taken apart, its signature not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub app_id: String,
    pub message: Message,
    channel_crc: u32,
    uid_crc: u32,
    signature: Signature,
    signed: Vec<u8>,
}

/// A token for a channel and a uid; the uid is decimal, an account, or empty for anyone.
pub fn build(credentials: &Credentials, channel: &str, uid: &str, message: &Message) -> Result<String, BuildError> {
    let mut signed = Writer::default();
    signed.u32(message.salt);
    signed.u32(message.ends);
    signed.map(&message.privileges)?;
    let signed = signed.into_bytes();
    let mut content = Writer::default();
    content.bytes(&sign(credentials, channel, uid, &signed))?;
    content.u32(crc32fast::hash(channel.as_bytes()));
    content.u32(crc32fast::hash(uid.as_bytes()));
    content.bytes(&signed)?;
    envelope::encode(&format!("{}{}", Version::V006.as_str(), credentials.app_id()), &content.into_bytes())
}

/// Total, like all parsers here.
pub fn parse(token: &str) -> Result<Token, Malformed> {
    envelope::check_length(token)?;
    let rest = token.strip_prefix(Version::V006.as_str()).ok_or(Malformed::Version)?;
    let (app_id, content) = rest.split_at_checked(32).filter(|(app_id, _)| is_hex32(app_id)).ok_or(Malformed::AppId)?;
    let content = envelope::decode(content)?;
    let mut content = Reader::new(&content);
    let signature = mac::signature(content.bytes()?)?;
    let (channel_crc, uid_crc) = (content.u32()?, content.u32()?);
    let signed = content.bytes()?;
    content.end()?;
    let mut reader = Reader::new(signed);
    let message = Message { salt: reader.u32()?, ends: reader.u32()?, privileges: reader.map()? };
    reader.end()?;
    Ok(Token { app_id: app_id.to_owned(), message, channel_crc, uid_crc, signature, signed: signed.to_owned() })
}

impl Token {
    /// Whether the checksum speaks for this channel. It is not signed: it can refuse a token, never vouch for one.
    pub fn names_channel(&self, channel: &str) -> bool {
        self.channel_crc == crc32fast::hash(channel.as_bytes())
    }

    /// As [`Self::names_channel`], for a uid.
    pub fn names_uid(&self, uid: &str) -> bool {
        self.uid_crc == crc32fast::hash(uid.as_bytes())
    }

    /// Whether the token was made with these credentials for this channel and uid.
    pub fn is_signed_by(&self, credentials: &Credentials, channel: &str, uid: &str) -> bool {
        mac::same(&self.signature, &sign(credentials, channel, uid, &self.signed))
    }
}

fn sign(credentials: &Credentials, channel: &str, uid: &str, signed: &[u8]) -> Signature {
    mac::sign(credentials.certificate(), &[credentials.app_id().as_bytes(), channel.as_bytes(), uid.as_bytes(), signed])
}
