//! Which OpenH264 encodes and decodes: the one that is built from source with this program, or a binary of Cisco's.
//!
//! Cisco pays the H.264 patents' licence for its own binaries only, and only where they were fetched on the machine itself; so a person
//! may name such a file. It must be one whose SHA-256 the binding knows: another build would have other structures in memory.

use std::{path::Path, sync::OnceLock};

use openh264_sys2::DynamicAPI;

static LIBRARY: OnceLock<DynamicAPI> = OnceLock::new();

/// Why a file is not used. It is the file's fault each time: fetch the one for this system from <https://www.openh264.org>.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error("{0} is no binary of Cisco's OpenH264 2.6 for this system that Visavis knows ({1}). Fetch that file again from Cisco.")]
    Unknown(String, String),
    #[error("OpenH264 is in use already; name the file when Visavis starts")]
    Late,
}

/// Encodes and decodes with Cisco's binary in this file from now on. To be called before the first frame.
pub fn use_binary(path: &Path) -> Result<(), LibraryError> {
    let library = DynamicAPI::from_blob_path(path).map_err(|error| LibraryError::Unknown(path.display().to_string(), error.to_string()))?;
    LIBRARY.set(library).map_err(|_| LibraryError::Late)
}

/// The library that is used.
pub(crate) fn library() -> &'static DynamicAPI {
    LIBRARY.get_or_init(DynamicAPI::from_source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_ciscos_is_never_loaded() {
        let folder = std::env::temp_dir().join(format!("visavis-openh264-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("libopenh264.so");
        std::fs::write(&file, b"\x7fELF and nothing else").unwrap();
        assert!(use_binary(&file).unwrap_err().to_string().contains("Fetch that file again"));
        assert!(use_binary(&folder.join("missing")).is_err());
        // The one from source is used all the same.
        assert!(matches!(library(), DynamicAPI::Source(_)));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
