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

/// The side of a block of the number, in pixels: in the corner of any picture that is at least 320 pixels wide, and in the centre of one
/// that is 1280.
const BLOCK: usize = 32;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clips"))
}

/// A person reading, 48 kHz mono.
pub fn speech() -> PathBuf {
    folder().join("speech_48k.wav")
}

/// The film clip as Y4M of this size, with a frame number in every picture's corner, and again in its centre, which a tile of
/// another aspect does not crop away: there as large a part of the picture whatever its size; made once and kept.
///
/// # Panics
/// If ffmpeg is not there or fails.
pub fn y4m(width: u32, height: u32, fps: u32) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = std::env::temp_dir().join(format!("visavis-clip-3-{width}x{height}@{fps}.y4m"));
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

/// Copies the ten blocks of the number to the middle of the picture (`visavisProbe` reads them there), as large as there is room.
fn copy_to_centre(picture: &mut [u8], width: usize, height: usize) {
    let (luma, chroma) = picture.split_at_mut(width * height);
    let half = (width / 2, height / 2);
    let to = BLOCK * width / 1280;
    let planes = std::iter::once((luma, width, height, BLOCK, to))
        .chain(chroma.chunks_exact_mut(half.0 * half.1).map(|plane| (plane, half.0, half.1, BLOCK / 2, to / 2)));
    for (plane, width, height, from, to) in planes {
        let number: Vec<u8> = (0..10).map(|index| plane[from / 2 * width + index * from + from / 2]).collect();
        let corner = (height - to) / 2 * width + (width - 10 * to) / 2;
        for row in 0..to {
            for (index, value) in number.iter().enumerate() {
                plane[corner + row * width + index * to..][..to].fill(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_in_the_centre_takes_the_same_part_of_every_picture() {
        for (width, height) in [(1280, 720), (640, 360), (320, 180)] {
            let mut picture = vec![100; width * height * 3 / 2];
            media::frame_number::write(&mut picture, width as u32, height as u32, 0b1010_0101);
            copy_to_centre(&mut picture, width, height);
            let scale = width as f64 / 1280.0;
            let read = |block: f64| {
                let x = width as f64 / 2.0 + (block - 5.0 + 0.5) * 32.0 * scale;
                picture[height / 2 * width + x as usize] > 128
            };
            let bits: Vec<bool> = (0..10).map(|block| read(f64::from(block))).collect();
            assert_eq!(bits, [true, false, true, false, true, false, false, true, false, true], "{width}×{height}");
        }
    }
}
