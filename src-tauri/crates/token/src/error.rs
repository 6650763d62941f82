//! Why a token is not one, is refused, or cannot be built.

/// The text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it is longer than any token")]
    TooLong,
    #[error("it starts with neither 006 nor 007")]
    Version,
    #[error("its App ID is not 32 hexadecimal characters")]
    AppId,
    #[error("it is not base64")]
    Base64,
    #[error("it is not zlib data, or inflates to more than any token holds")]
    Zlib,
    #[error("it ends too early")]
    Truncated,
    #[error("bytes follow its end")]
    Trailing,
    #[error("a text in it is not UTF-8")]
    Text,
    #[error("its signature is not 32 bytes long")]
    Signature,
}

/// Why a token does not let its bearer in. A new token helps in every case; asking again with this one in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token cannot be read: {0}")]
    Malformed(#[from] Malformed),
    #[error("the token was not made with this project's certificate")]
    Forged,
    #[error("the token is for another App ID")]
    OtherApp,
    #[error("the token is for another channel")]
    OtherChannel,
    #[error("the token is for another uid")]
    OtherUid,
    #[error("the token does not allow joining a call")]
    NoJoin,
    /// `at` is in Unix seconds.
    #[error("the token expired at {at} (Unix time)")]
    Expired { at: u64 },
}

/// Why a token cannot be built: the caller's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("an App ID is 32 hexadecimal characters")]
    AppId,
    #[error("a certificate is 32 hexadecimal characters")]
    Certificate,
    #[error("a token speaks of one service at least")]
    NoService,
    #[error("a name, or the token as a whole, is too long")]
    TooLong,
    #[error("the time is beyond what a token can hold (the year 2106)")]
    Time,
}
