//! What nokhwa does not do on Linux: telling cameras from the other nodes of V4L2, names that last, and a device's state made such
//! that nokhwa can open it.

use std::io;
use std::path::PathBuf;

use v4l::capability::Flags;
use v4l::v4l_sys::v4l2_capability;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, FourCC, v4l2};

/// A node that pictures can be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Which `/dev/videoN`.
    pub index: u32,
    /// Where the device is plugged in, which lasts across restarts; unlike the index.
    pub bus: String,
    /// What the driver calls it.
    pub card: String,
}

/// The pixel formats that are understood, in V4L2's codes.
const KNOWN: [&[u8; 4]; 4] = [b"YUYV", b"NV12", b"RGB3", b"MJPG"];

/// The nodes that can capture, by index. One that may not be looked into is listed too, so that opening it says why.
pub fn nodes() -> Vec<Node> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut indices: Vec<u32> = entries.filter_map(|entry| index(&entry.file_name().to_string_lossy())).collect();
    indices.sort_unstable();
    indices.into_iter().filter_map(node).collect()
}

fn index(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("video")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn node(index: u32) -> Option<Node> {
    match open(index).and_then(|device| capability(&device)) {
        Ok(capability) => {
            let node = Node { index, bus: text(&capability.bus_info), card: text(&capability.card) };
            can_capture(capability.capabilities, capability.device_caps).then_some(node)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => locked(index),
        Err(_) => None,
    }
}

/// A node that may not be opened. Its flags are unknown then, but a device's first node is the camera.
fn locked(index: u32) -> Option<Node> {
    let read = |file: &str| std::fs::read_to_string(format!("/sys/class/video4linux/video{index}/{file}")).ok();
    let first = read("index")?.trim() == "0";
    first.then(|| Node { index, bus: format!("video{index}"), card: read("name").unwrap_or_default().trim().to_owned() })
}

/// Whether a node with these flags is a camera. A driver's metadata and output nodes share `all` with it; `own` is the node's alone.
fn can_capture(all: u32, own: u32) -> bool {
    let all = Flags::from(all);
    let flags = if all.contains(Flags::DEVICE_CAPS) { Flags::from(own) } else { all };
    flags.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING)
}

/// Opens a node and leaves it in a state that nokhwa can read: pixels it knows and a whole number of frames per second.
pub fn prepare(index: u32) -> io::Result<()> {
    let device = open(index)?;
    let mut format = device.format()?;
    if !known(format.fourcc) {
        let offered = device.enum_formats()?.into_iter().map(|offer| offer.fourcc).find(|&fourcc| known(fourcc));
        format.fourcc = offered.ok_or(io::ErrorKind::Unsupported)?;
        device.set_format(&format)?;
    }
    let interval = device.params()?.interval;
    if interval.numerator > 1 {
        device.set_params(&Parameters::with_fps((interval.denominator / interval.numerator).max(1)))?;
    }
    Ok(())
}

fn known(fourcc: FourCC) -> bool {
    KNOWN.iter().any(|code| fourcc == FourCC::new(code))
}

fn open(index: u32) -> io::Result<Device> {
    Device::with_path(PathBuf::from(format!("/dev/video{index}")))
}

/// The answer to VIDIOC_QUERYCAP. `Device::query_caps` panics on a name that is cut within a character.
fn capability(device: &Device) -> io::Result<v4l2_capability> {
    // SAFETY: the structure is plain data for which zeros are valid, and the request writes one such structure, nothing more.
    unsafe {
        let mut capability: v4l2_capability = std::mem::zeroed();
        v4l2::ioctl(device.handle().fd(), v4l2::vidioc::VIDIOC_QUERYCAP, (&raw mut capability).cast())?;
        Ok(capability)
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_that_stream_pictures_in_are_cameras() {
        let own = |flags: Flags| can_capture(Flags::all().bits(), flags.bits());
        assert!(own(Flags::VIDEO_CAPTURE | Flags::STREAMING | Flags::READ_WRITE));
        assert!(!own(Flags::META_CAPTURE | Flags::STREAMING));
        assert!(!own(Flags::VIDEO_OUTPUT | Flags::STREAMING));
        assert!(!own(Flags::VIDEO_M2M | Flags::STREAMING));
        assert!(!own(Flags::VIDEO_CAPTURE));
    }

    #[test]
    fn an_old_driver_speaks_for_its_only_node() {
        assert!(can_capture((Flags::VIDEO_CAPTURE | Flags::STREAMING).bits(), 0));
    }

    #[test]
    fn a_node_is_named_by_its_number() {
        assert_eq!((index("video12"), index("video"), index("video-1"), index("vbi0")), (Some(12), None, None, None));
    }

    #[test]
    fn a_name_ends_at_its_zero_and_may_be_cut_within_a_character() {
        assert_eq!(text(b"Webcam\0junk"), "Webcam");
        assert_eq!(text(b"Kam\xc3"), "Kam\u{fffd}");
    }
}
