//! Links for the Visavis that is running already: a second start brings its link here instead of opening windows of its own.
//!
//! Of all processes that keep their settings in one folder, the first holds the lock beside the door's file and answers at the loopback
//! port written there; when it ends, one that waits for the lock takes its place. A start without a link is none of the door's business:
//! it opens windows as ever. Whoever knocks shows a secret from the file, which only this user can read.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{folders::private, signal::MOST_LINK};

/// How long either side waits for the other, which is on the same machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest message, in bytes: the secret, a link, and the ends of their lines.
const MOST: u64 = MOST_LINK as u64 + 64;

const TAKEN: &[u8] = b"taken\n";

/// Where the door is and what opens it.
#[derive(Debug, PartialEq, Eq)]
struct Door {
    port: u16,
    secret: String,
}

impl Door {
    fn read(text: &str) -> Option<Self> {
        let (port, secret) = text.trim().split_once(' ')?;
        let hexadecimal = secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self { port: port.parse().ok()?, secret: secret.to_owned() }).filter(|_| hexadecimal)
    }

    fn write(&self) -> String {
        format!("{} {}\n", self.port, self.secret)
    }
}

/// Brings a link to the process that answers for this folder. Whether it took it; if not, nobody runs, and it is the caller's own.
pub fn bring(folder: &Path, link: &str) -> bool {
    if !is_held(folder) {
        return false;
    }
    let brought = knock(folder, link);
    if let Err(error) = &brought {
        tracing::warn!(%error, "the Visavis that is running does not answer");
    }
    brought.is_ok()
}

/// A lock goes with its process, however that ends; a file alone means nothing.
fn is_held(folder: &Path) -> bool {
    let lock = OpenOptions::new().write(true).open(lock_of(folder));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn knock(folder: &Path, link: &str) -> io::Result<()> {
    let mut text = String::new();
    File::open(door_of(folder))?.take(128).read_to_string(&mut text)?;
    let door = Door::read(&text).ok_or(io::ErrorKind::InvalidData)?;
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, door.port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A line is a line's end: a link with one in it is none, and the other side says so.
    let link: String = link.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_LINK).collect();
    stream.write_all(format!("{}\n{link}\n", door.secret).as_bytes())?;
    let mut answer = [0; TAKEN.len()];
    stream.read_exact(&mut answer)?;
    if answer == TAKEN { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Answers for this folder from when nobody else does, to the end of this process; each link goes to `opened`.
pub fn answer(folder: PathBuf, opened: impl Fn(String) + Send + 'static) {
    let answering = move || {
        if let Err(error) = wait_and_answer(&folder, &opened) {
            tracing::warn!(%error, "links that are opened later start a Visavis of their own");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("door".into()).spawn(answering) {
        tracing::warn!(%error, "no thread for the door");
    }
}

fn wait_and_answer(folder: &Path, opened: &dyn Fn(String)) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let lock = private(OpenOptions::new().create(true).truncate(false).write(true)).open(lock_of(folder))?;
    lock.lock()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let door = Door { port: listener.local_addr()?.port(), secret: format!("{:032x}", rand::random::<u128>()) };
    let fresh = folder.join(".door.new");
    // One that was left behind may have another owner's rights.
    let _ = fs::remove_file(&fresh);
    private(OpenOptions::new().create_new(true).write(true)).open(&fresh)?.write_all(door.write().as_bytes())?;
    fs::rename(&fresh, door_of(folder))?;
    for stream in listener.incoming() {
        match stream.and_then(|stream| receive(stream, &door.secret)) {
            Ok(link) => opened(link),
            Err(error) => tracing::debug!(%error, "somebody at the door"),
        }
    }
    Ok(())
}

/// The link of one who knocks; they are heard one after the other, each for [`PATIENCE`] at most.
fn receive(mut stream: TcpStream, secret: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new((&stream).take(MOST)).lines();
    let mut line = || lines.next().unwrap_or(Err(io::ErrorKind::UnexpectedEof.into()));
    if line()? != secret {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let link = line()?;
    stream.write_all(TAKEN)?;
    Ok(link)
}

fn door_of(folder: &Path) -> PathBuf {
    folder.join(".door")
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.join(".door.lock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::scratch::Scratch;
    use std::sync::mpsc;

    /// Answers here, and tells the links; returns once the door is open.
    fn answered(folder: &Scratch) -> mpsc::Receiver<String> {
        let (opened, links) = mpsc::channel();
        answer(folder.0.clone(), move |link| drop(opened.send(link)));
        while !door_of(&folder.0).exists() {
            std::thread::yield_now();
        }
        links
    }

    #[test]
    fn a_link_is_brought_to_who_answers_and_is_ones_own_where_nobody_does() {
        let folder = Scratch::new("door-brought");
        assert!(!bring(&folder.0, "visavis://join?1"));
        let links = answered(&folder);
        assert!(bring(&folder.0, "visavis://join?2") && bring(&folder.0, "visavis://join?a\r\nb"));
        assert_eq!([links.recv().unwrap(), links.recv().unwrap()], ["visavis://join?2", "visavis://join?a  b"]);
    }

    #[test]
    fn a_door_left_behind_by_a_process_that_is_gone_is_not_knocked_at() {
        let folder = Scratch::new("door-left");
        fs::create_dir_all(&folder.0).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let door = Door { port: listener.local_addr().unwrap().port(), secret: "0".repeat(32) };
        fs::write(door_of(&folder.0), door.write()).unwrap();
        fs::write(lock_of(&folder.0), "").unwrap();
        assert!(!bring(&folder.0, "visavis://join?1"));
        assert_eq!(listener.accept().map(drop).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn who_does_not_know_the_secret_opens_nothing() {
        let folder = Scratch::new("door-secret");
        let links = answered(&folder);
        let door = Door::read(&fs::read_to_string(door_of(&folder.0)).unwrap()).unwrap();
        for hostile in [b"visavis://join?1\nvisavis://join?1\n".to_vec(), vec![0xff; 100], vec![b'a'; 100_000], Vec::new()] {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).unwrap();
            // It may hang up before it has heard all.
            let _ = stream.write_all(&hostile);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert_eq!(answer, b"");
        }
        assert!(bring(&folder.0, "visavis://join?2"), "it goes on");
        assert_eq!(links.recv().unwrap(), "visavis://join?2");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_the_secret() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Scratch::new("door-private");
        let _links = answered(&folder);
        assert_eq!(fs::metadata(door_of(&folder.0)).unwrap().permissions().mode() & 0o077, 0);
    }
}
