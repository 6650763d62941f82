//! Errors as they cross the wire and reach the page: `{code, message}`.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The codes of Agora's Web SDK that this service and its clients use, and a few of our own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The App ID is malformed, unknown or disabled.
    InvalidVendorKey = "INVALID_VENDOR_KEY",
    InvalidChannelName = "INVALID_CHANNEL_NAME",
    InvalidUid = "ERR_INVALID_UID",
    /// The uid is taken, or of the other kind (number, account) than the channel's.
    UidConflict = "UID_CONFLICT",
    TooManyUsers = "ERR_TOO_MANY_USERS",
    /// The project has a certificate and the join brought no token.
    DynamicUseStaticKey = "ERR_DYNAMIC_USE_STATIC_KE",
    /// A token was brought to a project without a certificate.
    StaticUseDynamicKey = "ERR_STATIC_USE_DYANMIC_KE",
    DynamicKeyExpired = "DYNAMIC_KEY_EXPIRED",
    DynamicKeyTimeout = "DYNAMIC_KEY_TIMEOUT",
    /// The token is for another App ID, channel or uid, or lacks the privilege.
    NoAuthorized = "NO_AUTHORIZED",
    /// Joined already.
    RepeatJoin = "ERR_REPEAT_JOIN",
    JoinTooFrequent = "JOIN_TOO_FREQUENT",
    JoinChannelTimeout = "ERR_JOIN_CHANNEL_TIMEOUT",
    /// The service, or something in it, holds as much as it may.
    ServiceTooHeavy = "K_SERVICE_TOO_HEAVY",
    UidBanned = "K_UID_BANNED",
    IpBanned = "K_IP_BANNED",
    ChannelBanned = "K_CHANNEL_BANNED",
    /// The service is shutting down or not up yet.
    ServiceNotReady = "K_SERVICE_NOT_READY",
    /// The call makes no sense in this state.
    InvalidOperation = "INVALID_OPERATION",
    InvalidParameter = "INVALID_PARAMETER",
    /// The channel service cannot be reached, or the connection to it broke.
    SocketError = "SOCKET_ERROR",
    SocketDisconnected = "SOCKET_DISCONNECTED",
    LeaveMsgTimeout = "LEAVE_MSG_TIMEOUT",
    StreamAlreadyPublished = "STREAM_ALREADY_PUBLISHED",
    StreamNotYetPublished = "STREAM_NOT_YET_PUBLISHED",
    InvalidLocalStream = "INVALID_LOCAL_STREAM",
    PublishStreamFailed = "PUBLISH_STREAM_FAILED",
    /// A publish is under way.
    StillOnPublishing = "STILL_ON_PUBLISHING",
    EnableDualStreamFailed = "ENABLE_DUALSTREAM_FAILED",
    DisableDualStreamFailed = "DISABLE_DUALSTREAM_FAILED",
    InvalidRemoteStream = "INVALID_REMOTE_STREAM",
    NoSuchRemoteStream = "NO_SUCH_REMOTE_STREAM",
    SubscribeStreamFailed = "SUBSCRIBE_STREAM_FAILED",
    UnsubscribeStreamFailed = "UNSUBSCRIBE_STREAM_FAILED",
    PeerConnectionFailed = "PEERCONNECTION_FAILED",
    RequestAbort = "REQUEST_ABORT",
    /// No such camera or microphone; the page shows it as "Media access:NotFoundError".
    DevicesNotFound = "DEVICES_NOT_FOUND",
    /// The device is busy or cannot do what was asked; "Media access:NotReadableError".
    MediaOptionInvalid = "MEDIA_OPTION_INVALID",
    PermissionDenied = "PERMISSION_DENIED",
    /// A codec, format or feature that this build does not have.
    NotSupported = "NOT_SUPPORTED",
    /// This desktop lets no program see its screens.
    SharingScreenNotSupport = "SHARING_SCREEN_NOT_SUPPORT",
    /// Ours: client and service speak different versions of this protocol.
    UnsupportedVersion = "UNSUPPORTED_VERSION",
    /// Ours: a message was not JSON of this protocol, or too long.
    BadMessage = "BAD_MESSAGE",
    /// Ours: the port is held by something that is not a channel service.
    PortTaken = "PORT_TAKEN",
    /// Ours: the projects' file cannot be read or written, or has a mistake.
    ProjectsFile = "PROJECTS_FILE",
    /// Ours: a text is no invitation.
    LinkInvalid = "LINK_INVALID",
    /// Ours: the settings' file cannot be read or written, or is of a later version.
    SettingsFile = "SETTINGS_FILE",
    InternalError = "ERR_INTERNAL_ERROR",
}

impl Code {
    /// Whether it says that a rule of the service's operator keeps the user out.
    pub fn is_ban(self) -> bool {
        matches!(self, Self::UidBanned | Self::IpBanned | Self::ChannelBanned)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code and a sentence that says what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    pub code: Code,
    pub message: String,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<crate::Invalid> for Error {
    fn from(invalid: crate::Invalid) -> Self {
        let code = match invalid {
            crate::Invalid::AppId => Code::InvalidVendorKey,
            crate::Invalid::ChannelName => Code::InvalidChannelName,
            crate::Invalid::Uid => Code::InvalidUid,
            crate::Invalid::Key => Code::InvalidParameter,
        };
        let text = invalid.to_string();
        let (first, rest) = text.split_at(1);
        Self::new(code, format!("{}{rest}.", first.to_uppercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_bans_are_bans_and_nothing_else_is() {
        let bans: Vec<_> = Code::ALL.iter().filter(|code| code.is_ban()).map(|code| code.as_str()).collect();
        assert_eq!(bans, ["K_UID_BANNED", "K_IP_BANNED", "K_CHANNEL_BANNED"]);
    }

    #[test]
    fn every_code_keeps_its_text_over_the_wire() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
    }
}
