//! What went wrong with a device, as a code and a sentence that says what to do.

use media::capture::{Error as Cause, Kind};
use signal::{Code, Error};

/// The error of a device of this kind.
pub fn describe(kind: Kind, cause: &Cause) -> Error {
    let (name, without) = match kind {
        Kind::Camera => ("camera", "You can still join with sound."),
        Kind::Microphone => ("microphone", "You can still join with picture, and hear the others."),
        Kind::Speaker => ("speaker", "You can still see the others."),
        Kind::Screen => return screen(cause),
    };
    match cause {
        Cause::NoScreens { .. } => screen(cause),
        Cause::NotFound { .. } => Error::new(Code::DevicesNotFound, format!("No {name} found. {without}")),
        Cause::Busy { .. } => {
            Error::new(Code::MediaOptionInvalid, format!("Another program uses the {name}. Close it there, then try again. {without}"))
        }
        Cause::Denied { .. } => {
            Error::new(Code::PermissionDenied, format!("This app may not use the {name}. Allow it in the system's settings. {without}"))
        }
        Cause::Unsupported { .. } => {
            Error::new(Code::MediaOptionInvalid, format!("The {name} delivers nothing that this app can read. Choose another. {without}"))
        }
        Cause::File { path, source } => {
            Error::new(Code::MediaOptionInvalid, format!("The file {} cannot be used: {source}. Choose another.", path.display()))
        }
        Cause::Failed { source, .. } => {
            Error::new(Code::MediaOptionInvalid, format!("The {name} failed: {source}. Plug it in again or choose another. {without}"))
        }
    }
}

/// The error of a screen or window that is shared.
fn screen(cause: &Cause) -> Error {
    match cause {
        Cause::NotFound { .. } => {
            Error::new(Code::DevicesNotFound, "What was to be shared is not there any more. Choose another screen or window.")
        }
        Cause::NoScreens { source } => {
            Error::new(Code::SharingScreenNotSupport, format!("Screens cannot be shared here: {source}. The call goes on without."))
        }
        Cause::Denied { .. } => {
            Error::new(Code::PermissionDenied, "This app may not see the screen. Allow it in the system's settings, then try again.")
        }
        Cause::Busy { .. } | Cause::Unsupported { .. } => {
            Error::new(Code::MediaOptionInvalid, "The screen or window cannot be read. Choose another.")
        }
        Cause::File { .. } => describe(Kind::Camera, cause),
        Cause::Failed { source, .. } => {
            Error::new(Code::MediaOptionInvalid, format!("The screen or window cannot be read: {source}. Choose another."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_camera_still_means_sound() {
        let error = describe(Kind::Camera, &Cause::NotFound { device: "camera:front".into() });
        assert_eq!(error, Error::new(Code::DevicesNotFound, "No camera found. You can still join with sound."));
    }

    #[test]
    fn busy_and_forbidden_devices_are_told_apart() {
        let device = String::from("microphone:desk");
        assert_eq!(describe(Kind::Microphone, &Cause::Busy { device: device.clone() }).code, Code::MediaOptionInvalid);
        assert_eq!(describe(Kind::Microphone, &Cause::Denied { device }).code, Code::PermissionDenied);
    }

    #[test]
    fn an_unusable_file_is_named() {
        let error = describe(Kind::Camera, &Cause::File { path: "/clips/cut.y4m".into(), source: "it has no frame".into() });
        assert_eq!(error.message, "The file /clips/cut.y4m cannot be used: it has no frame. Choose another.");
    }
}
