//! Why a camera or microphone cannot be used, by whose fault.

use std::path::PathBuf;

/// The cause underneath, whichever library it came from.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a camera or microphone did not open, or stopped. `device` is the id it was opened by.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such device: the choice is stale, or nothing is plugged in. A retry helps once it is plugged in.
    #[error("there is no device {device:?}")]
    NotFound { device: String },
    /// Another program holds the device. A retry helps once that program lets go.
    #[error("the device {device:?} is in use by another program")]
    Busy { device: String },
    /// The system refuses access. A retry helps once the person allows it.
    #[error("access to the device {device:?} was refused")]
    Denied { device: String },
    /// The device offers nothing that can be read. A retry does not help.
    #[error("the device {device:?} offers no usable format")]
    Unsupported {
        device: String,
        #[source]
        source: Option<Cause>,
    },
    /// The file cannot be read or is not what its name says. A retry does not help.
    #[error("the file {} cannot be used: {source}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// This desktop lets no program see its screens. A retry does not help.
    #[error("screens cannot be captured: {source}")]
    NoScreens {
        #[source]
        source: Cause,
    },
    /// The device or its driver failed. A retry may help.
    #[error("the device {device:?} failed: {source}")]
    Failed {
        device: String,
        #[source]
        source: Cause,
    },
}
