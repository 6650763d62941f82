//! The log's files: where the platform keeps such, and never more than a few megabytes.
//!
//! A process writes one file and keeps the one before; several processes of a user write files of their own, known by their locks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::folders::private;

/// A file that has become longer than this makes room for the next, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// How many processes have files of their own at once; more than these log to standard error alone.
const MOST_PROCESSES: u32 = 8;

/// Clones write the same file.
#[derive(Clone)]
pub struct LogFile {
    shared: Arc<Mutex<Open>>,
    path: PathBuf,
}

struct Open {
    file: File,
    length: u64,
    most: u64,
    path: PathBuf,
    _lock: File,
}

impl LogFile {
    /// The first file in the folder that no other process writes; none, with the reason on standard error, where there is none to be had.
    pub fn open(folder: &Path) -> Option<Self> {
        match Self::try_open(folder, MOST_BYTES) {
            Ok(file) => file,
            Err(error) => {
                eprintln!("no log in {}: {error}", folder.display());
                None
            }
        }
    }

    fn try_open(folder: &Path, most: u64) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        for number in 1..=MOST_PROCESSES {
            let name = if number == 1 { "visavis".to_owned() } else { format!("visavis-{number}") };
            // A file of its own: some systems let nobody read what is locked.
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(format!(".{name}.lock")))?;
            if lock.try_lock().is_err() {
                continue;
            }
            let path = folder.join(format!("{name}.log"));
            let file = append(&path)?;
            let open = Open { length: file.metadata()?.len(), file, most, path: path.clone(), _lock: lock };
            return Ok(Some(Self { shared: Arc::new(Mutex::new(open)), path }));
        }
        Ok(None)
    }

    #[cfg(test)]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines that were written, as far as they lie in the file of now.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        /// Longer than that many lines ever are.
        const WINDOW: u64 = 64 * 1024;
        let _still = self.open_file();
        let read = || {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
            let mut bytes = Vec::new();
            file.take(WINDOW).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = read().unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn open_file(&self) -> MutexGuard<'_, Open> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user's alone: a log says whom they call.
fn append(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().create(true).append(true)).open(path)
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length + bytes.len() as u64 > self.most {
            fs::rename(&self.path, self.path.with_extension("old.log"))?;
            self.file = append(&self.path)?;
            self.length = 0;
        }
        self.length += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// One event's writer.
pub struct Line(LogFile);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.open_file().write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::scratch::Scratch;

    #[test]
    fn a_log_never_grows_beyond_two_files() {
        let folder = Scratch::new("logs-bounded");
        let log = LogFile::try_open(&folder.0, 1000).unwrap().unwrap();
        for number in 0..1000 {
            writeln!(log.make_writer(), "line {number:04}").unwrap();
        }
        let length = |name: &str| fs::metadata(folder.0.join(name)).unwrap().len();
        assert!(length("visavis.log") <= 1000 && length("visavis.old.log") <= 1000);
        assert_eq!(log.tail(2), ["line 0998", "line 0999"]);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 3, "two files and the lock");
    }

    #[test]
    fn processes_at_once_write_files_of_their_own_and_the_next_goes_on_with_the_first() {
        let folder = Scratch::new("logs-processes");
        let open = || LogFile::try_open(&folder.0, 1000).unwrap();
        let first = open().unwrap();
        writeln!(first.make_writer(), "before").unwrap();
        let others: Vec<LogFile> = (1..MOST_PROCESSES).map(|_| open().unwrap()).collect();
        assert!(others[0].path().ends_with("visavis-2.log") && open().is_none());
        drop(first);
        let next = open().unwrap();
        writeln!(next.make_writer(), "after").unwrap();
        assert_eq!(next.tail(9), ["before", "after"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_log_is_the_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Scratch::new("logs-private");
        let log = LogFile::open(&folder.0).unwrap();
        assert_eq!(fs::metadata(log.path()).unwrap().permissions().mode() & 0o077, 0);
    }
}
