//! The cookie that clients of PulseAudio and of PipeWire's sound server show: a file of 256 bytes. A server on the same machine goes by the
//! user alone and takes any, but none that is shorter. PulseAudio's own library makes one where there is none; cpal's client does not, and
//! is refused where no other program has been there before.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// How long a cookie is, in bytes.
const LENGTH: usize = 256;

/// Makes the user's cookie if there is none; says whether it did.
pub fn make() -> bool {
    let Some(home) = std::env::home_dir() else { return false };
    let [own, old] = [".config/pulse/cookie", ".pulse-cookie"].map(|name| home.join(name));
    if std::env::var_os("PULSE_COOKIE").is_some_and(|path| Path::new(&path).exists()) || own.exists() || old.exists() {
        return false;
    }
    let made = make_at(&own);
    if let Err(error) = &made {
        tracing::debug!(%error, "no cookie for the sound server");
    }
    made.is_ok()
}

/// Whole or not at all: another program may read it at any moment, or make one itself, which then stays.
fn make_at(path: &Path) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = folder.join(format!("cookie.{:08x}", rand::random::<u32>()));
    let written = (OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh))
        .and_then(|mut file| file.write_all(&rand::random::<[u8; LENGTH]>()))
        .and_then(|()| fs::hard_link(&fresh, path));
    let removed = fs::remove_file(&fresh);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_cookie_is_made_once_for_its_user_alone() {
        let home = std::env::temp_dir().join(format!("visavis-cookie-{}", std::process::id()));
        let path = home.join("pulse/cookie");
        make_at(&path).expect("a folder of ours");
        let cookie = fs::read(&path).expect("it is there");
        assert_eq!(cookie.len(), LENGTH);
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(make_at(&path).map_err(|error| error.kind()), Err(io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(&path).expect("it is there"), cookie, "what is there stays");
        assert_eq!(fs::read_dir(home.join("pulse")).expect("a folder").count(), 1, "nothing else is left");
        fs::remove_dir_all(home).expect("a folder of ours");
    }
}
