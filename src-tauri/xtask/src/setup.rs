//! The system packages: installed by apt on Debian and Ubuntu, named elsewhere.

use crate::sh::{self, Error};

/// A Debian package and what needs it.
#[derive(Clone, Copy)]
pub struct Package {
    name: &'static str,
    why: &'static str,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why }
}

/// What building and running the app takes.
pub const BUILD: &[Package] = &[
    package("build-essential", "C and C++ compilers for the codecs"),
    package("pkg-config", "finds the system libraries"),
    package("cmake", "builds Opus"),
    package("nasm", "the assembler of OpenH264's fast paths"),
    package("clang", "reads the kernel's camera headers"),
    package("libclang-dev", "reads the kernel's camera headers"),
    package("libwebkit2gtk-4.1-dev", "the app's webview"),
    package("librsvg2-dev", "the app's icons"),
    package("libxdo-dev", "the app's window"),
    package("libayatana-appindicator3-1", "the app's icon in the tray"),
    package("libasound2-dev", "microphones and speakers"),
    package("libxcb1-dev", "reads screens and windows to share"),
    package("libxcb-randr0-dev", "reads screens and windows to share"),
    package("libpipewire-0.3-dev", "the screen library's other ways to the desktop"),
    package("libgbm-dev", "the screen library's other ways to the desktop"),
    package("libegl-dev", "the screen library's other ways to the desktop"),
    package("libwayland-dev", "the screen library's other ways to the desktop"),
];

/// What the tests take on top of it.
pub const TEST: &[Package] = &[
    package("xvfb", "a screen for the WebDriver tests"),
    package("webkit2gtk-driver", "drives the webview"),
    package("dbus-x11", "a session bus for the app under test"),
    package("openbox", "lists the windows that a test shares"),
    package("imagemagick", "the window that a test shares"),
    package("xdotool", "resizes that window"),
    package("x11-utils", "gives that window its title"),
    package("chromium", "the other side of the interoperability tests"),
    package("chromium-driver", "drives it"),
    package("ffmpeg", "turns the test clip into raw video"),
    package("coturn", "the TURN server that a call has to go through"),
    package("iproute2", "hosts that do not see each other, and slow links"),
    package("nftables", "links that lose packets"),
    package("pulseaudio", "a room whose microphone hears the speaker"),
    package("nodejs", "runs the page's unit tests"),
    package("python3-pip", "fetches Agora's token builders, to compare with"),
];

/// What the VM with cameras and sound cards takes.
pub const VM: &[Package] = &[
    package("qemu-system-x86", "a machine with cameras and sound cards"),
    package("busybox-static", "starts that machine"),
    package("cpio", "packs its first file system"),
    package("kmod", "finds its kernel modules"),
];

/// What installing the packages into a clean system and starting them there takes.
pub const BUNDLE: &[Package] = &[
    package("debootstrap", "a clean system to install the packages into"),
    package("rpm", "installs the .rpm there"),
    package("xvfb", "a screen for the app in it"),
    package("ffmpeg", "a picture of that screen, to be looked at"),
];

/// Sees to it that the packages for building, and `more`, are there.
///
/// Fails with a sentence that names what is missing where this program cannot install it.
pub fn ensure(more: &[Package]) -> Result<(), Error> {
    if !cfg!(target_os = "linux") {
        return elsewhere();
    }
    let wanted = || BUILD.iter().chain(more);
    if !sh::works("apt-get", &["--version"]) {
        let names: Vec<_> = wanted().map(|p| p.name).collect();
        eprintln!(
            "note: no apt here, so nothing is installed; if the build fails, install this system's packages for: {}",
            names.join(" ")
        );
        return Ok(());
    }
    let missing: Vec<Package> = wanted().filter(|p| !installed(p.name)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing {} system packages:", missing.len());
    for package in &missing {
        eprintln!("  {:<24} {}", package.name, package.why);
    }
    install(&missing)
}

/// Whether the package, or what it stands for, is there, or is better not to be. Ubuntu's `chromium` is a snap, which apt cannot install without snapd: it is
/// done without.
fn installed(name: &str) -> bool {
    let by_dpkg = std::process::Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", name]).output();
    let there = by_dpkg.is_ok_and(|o| o.stdout == b"installed");
    there
        || (name.starts_with("chromium") && is("ubuntu"))
        || (name == "chromium" && sh::works("chromium", &["--version"]))
        || (name == "chromium-driver" && sh::works("chromedriver", &["--version"]))
        // It would drive out PipeWire, which a desktop's sound goes through: the test that wants it is done without.
        || (name == "pulseaudio" && sh::works("pipewire", &["--version"]))
        || (name == "nodejs" && sh::works("node", &["--version"]))
        || (name == "python3-pip" && sh::works("python3", &["-m", "pip", "--version"]))
}

fn is(distribution: &str) -> bool {
    let id = format!("ID={distribution}");
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == id))
}

/// Whether this is Debian itself.
pub fn is_debian() -> bool {
    is("debian")
}

fn install(missing: &[Package]) -> Result<(), Error> {
    let names: Vec<&str> = missing.iter().map(|p| p.name).collect();
    let by_hand = || Error::Missing(format!("needs root to install packages; run: sudo apt-get install {}", names.join(" ")));
    let is_root = std::process::Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    let prefix: &[&str] = if is_root { &[] } else { &["sudo"] };
    if !is_root && !sh::works("sudo", &["--version"]) {
        return Err(by_hand());
    }
    let apt = |arguments: &[&str]| {
        let words: Vec<&str> = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
        sh::run(&mut sh::command(words[0], &words[1..]))
    };
    apt(&["update", "-qq"]).map_err(|_| by_hand())?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"][..], &names].concat()).map_err(|_| by_hand())?;
    if names.contains(&"coturn") {
        // Its package starts a relay for the whole network, where there is systemd; the tests start one of their own.
        let words: Vec<&str> = [prefix, &["systemctl", "disable", "--now", "coturn"]].concat();
        sh::works(words[0], &words[1..]);
    }
    Ok(())
}

/// macOS and Windows: the compilers come from the vendor's installer, so what lacks is named.
fn elsewhere() -> Result<(), Error> {
    let wanted: &[(&str, &[&str], &str)] = if cfg!(target_os = "macos") {
        &[
            ("xcode-select", &["-p"], "Xcode's command line tools: xcode-select --install"),
            ("cmake", &["--version"], "CMake: brew install cmake"),
            ("nasm", &["--version"], "NASM: brew install nasm"),
        ]
    } else {
        &[
            ("cmake", &["--version"], "CMake: winget install Kitware.CMake"),
            ("nasm", &["-v"], "NASM: winget install NASM.NASM"),
            ("clang", &["--version"], "LLVM: winget install LLVM.LLVM"),
        ]
    };
    let missing: Vec<&str> =
        wanted.iter().filter(|(program, arguments, _)| !sh::works(program, arguments)).map(|(_, _, how)| *how).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing(format!("please install first:\n  {}", missing.join("\n  ")))) }
}
