//! Pictures as Y4M files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use client::VideoFrame;

/// Pictures of one stream, as `NAME.y4m`. A Y4M file has one picture size: pictures of another size are scaled to the first one's,
/// unless a new take begins with them, which then gets a file of its own: `NAME-2.y4m`, `NAME-3.y4m` and so on.
pub struct Y4m {
    /// The path of the first file without its ending.
    stem: PathBuf,
    files: u32,
    current: Option<Current>,
    /// The next picture is the first of a take.
    begins: bool,
}

struct Current {
    file: BufWriter<File>,
    width: u32,
    height: u32,
}

impl Y4m {
    pub fn new(stem: PathBuf) -> Self {
        Self { stem, files: 0, current: None, begins: true }
    }

    /// What follows is a new take: the stream was published or subscribed to again.
    pub fn begin(&mut self) {
        self.begins = true;
    }

    /// Appends a picture.
    pub fn write(&mut self, frame: &VideoFrame) -> io::Result<()> {
        let (width, height) = (frame.width(), frame.height());
        let begins = std::mem::replace(&mut self.begins, false);
        let fits = self.current.as_ref().is_some_and(|current| !begins || (current.width, current.height) == (width, height));
        if !fits {
            self.complete()?;
            self.current = Some(self.create(width, height)?);
        }
        let Current { file, width, height } = self.current.as_mut().expect("it was made if there was none");
        let frame = frame.scaled(*width, *height).map_err(io::Error::other)?;
        file.write_all(b"FRAME\n")?;
        file.write_all(frame.data())
    }

    /// Makes the file whole for now; more may follow.
    pub fn complete(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |current| current.file.flush())
    }

    fn create(&mut self, width: u32, height: u32) -> io::Result<Current> {
        self.files += 1;
        let mut name = self.stem.file_name().unwrap_or_default().to_owned();
        name.push(if self.files > 1 { format!("-{}.y4m", self.files) } else { ".y4m".into() });
        let mut file = BufWriter::new(File::create(self.stem.with_file_name(name))?);
        writeln!(file, "YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg")?;
        Ok(Current { file, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_take_of_the_same_size_goes_on_in_the_file_and_another_size_gets_its_own() {
        let folder = std::env::temp_dir().join(format!("visavis-y4m-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // A uid may hold a dot.
        let mut pictures = Y4m::new(folder.join("ana.b"));
        let frame = |width: u32, height: u32| VideoFrame::black(width, height, Instant::now()).unwrap();
        for (begins, width, height) in [(true, 16, 8), (false, 32, 16), (true, 16, 8), (true, 32, 16), (false, 16, 8), (true, 16, 8)] {
            if begins {
                pictures.begin();
            }
            pictures.write(&frame(width, height)).unwrap();
        }
        pictures.complete().unwrap();
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let length = |pictures: usize, width: usize, height: usize| {
            format!("YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n").len() + pictures * (6 + width * height * 3 / 2)
        };
        let lengths = ["ana.b.y4m", "ana.b-2.y4m", "ana.b-3.y4m"].map(|name| read(name).len());
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(lengths, [length(3, 16, 8), length(2, 32, 16), length(1, 16, 8)]);
    }
}
