//! The test clips as devices take them.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// A function body that defines `visavisProbe(canvas)` on a page: the frame number in the canvas, or null.
pub const READ_NUMBER: &str = include_str!("canvas.js");

/// The side of a block of the number, in pixels of a picture that is at least 320 pixels wide.
const BLOCK: usize = 32;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clips"))
}

/// A person reading, 48 kHz mono.
pub fn speech() -> PathBuf {
    folder().join("speech_48k.wav")
}

/// The film clip as Y4M of this size, with a frame number in every picture's corner, and again in its centre, which a tile of
/// another aspect does not crop away; made once and kept.
///
/// # Panics
/// If ffmpeg is not there or fails.
pub fn y4m(width: u32, height: u32, fps: u32) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = std::env::temp_dir().join(format!("visavis-clip-2-{width}x{height}@{fps}.y4m"));
    if path.exists() {
        return path;
    }
    let scale = format!("scale={width}:{height}:flags=lanczos,fps={fps}");
    let source = folder().join("big_buck_bunny_720p.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-v", "error", "-i"])
        .arg(source)
        .args(["-vf", &scale, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut decoder = ffmpeg.spawn().expect("ffmpeg runs");
    let mut raw = decoder.stdout.take().expect("its output is piped");
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut out = std::io::BufWriter::new(fs::File::create(&part).expect("the temporary folder is writable"));
    writeln!(out, "YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg").expect("the disk has room");
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let mut picture = vec![0; (width * height + 2 * chroma) as usize];
    for number in 0..=u8::MAX {
        if raw.read_exact(&mut picture).is_err() {
            break;
        }
        media::frame_number::write(&mut picture, width, height, number);
        copy_to_centre(&mut picture, width as usize, height as usize);
        out.write_all(b"FRAME\n").and_then(|()| out.write_all(&picture)).expect("the disk has room");
    }
    drop(raw);
    let _ = decoder.wait();
    out.into_inner().expect("the disk has room");
    fs::rename(&part, &path).expect("a finished clip gets its name");
    path
}

/// Copies the ten blocks of the number to the middle of the picture (`visavisProbe` reads them there).
fn copy_to_centre(picture: &mut [u8], width: usize, height: usize) {
    let (luma, chroma) = picture.split_at_mut(width * height);
    let half = (width / 2, height / 2);
    let planes = std::iter::once((luma, width, height, BLOCK))
        .chain(chroma.chunks_exact_mut(half.0 * half.1).map(|plane| (plane, half.0, half.1, BLOCK / 2)));
    for (plane, width, height, block) in planes {
        let target = (height - block) / 2 * width + (width - 10 * block) / 2;
        for row in 0..block {
            plane.copy_within(row * width..row * width + 10 * block, target + row * width);
        }
    }
}
