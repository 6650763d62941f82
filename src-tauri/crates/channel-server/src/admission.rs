//! May this client join, and what may it publish? Pure: projects and token in, a [`Grant`] or a refusal out.

use signal::{AppId, ChannelName, Code, Error, StreamInfo, Uid};

use crate::Project;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub audio: bool,
    pub video: bool,
}

impl Grant {
    pub const ALL: Self = Self { audio: true, video: true };

    /// Whether a stream with these tracks may be published.
    pub fn allow_publishing(&self, stream: &StreamInfo) -> Result<(), Error> {
        for (wanted, allowed, track) in [(stream.audio, self.audio, "sound"), (stream.video, self.video, "video")] {
            if wanted && !allowed {
                return Err(Error::new(
                    Code::NoAuthorized,
                    format!("Your token does not allow you to publish {track}; ask for one that does."),
                ));
            }
        }
        Ok(())
    }
}

/// What a client says of itself when it joins.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    pub app_id: &'a AppId,
    pub channel: &'a ChannelName,
    pub uid: Option<&'a Uid>,
    pub token: Option<&'a str>,
}

/// Checks a claim against the projects, at `now_unix` seconds since the epoch. A project without a certificate takes no notice of a token.
pub fn admit(projects: &[Project], claim: Claim, now_unix: u64) -> Result<Grant, Error> {
    let project = projects.iter().find(|project| project.app_id == *claim.app_id).ok_or_else(|| refused("is not known to this service"))?;
    if !project.enabled {
        return Err(refused("is disabled"));
    }
    match &project.certificate {
        None => Ok(Grant::ALL),
        Some(certificate) => verify(certificate, claim, now_unix),
    }
}

fn verify(_certificate: &str, _claim: Claim, _now_unix: u64) -> Result<Grant, Error> {
    Err(Error::new(Code::NotSupported, "This service cannot verify tokens yet."))
}

fn refused(what: &str) -> Error {
    Error::new(Code::InvalidVendorKey, format!("This App ID {what}. Check it for a slip, or ask who runs the service."))
}
