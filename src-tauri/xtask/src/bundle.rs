//! `cargo xtask bundle [--check]`: this system's packages, and the proof that they are whole: each is installed into a clean Debian of its
//! own, by the tool its users have, and the app is started in it on a screen of its own until its page is ready.
//!
//! The clean systems hold nothing but the base and what the packages ask for, so that a library they forgot is missed. They lie in the
//! target directory; the base is made once.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::{
    setup,
    sh::{self, Error, command, run as sh_run},
    tools,
};

/// What the app logs when its page listens.
const READY: &str = "the page is ready";

/// How long the app may take for it, on a busy machine and with cold caches.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the .rpm must ask for: by the package's name, or by the library's, as one release of the packager does and another does not.
const NEEDED: [[&str; 2]; 3] = [["webkit2gtk4.1", "libwebkit2gtk-4.1.so"], ["gtk3", "libgtk-3.so"], ["alsa-lib", "libasound.so"]];

/// The screen that the clean systems share.
const SCREEN: &str = ":87";

pub fn run(arguments: &[String]) -> Result<(), Error> {
    let (check, arguments): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|argument| *argument == "--check");
    setup::ensure(&[])?;
    let cli = tools::ensure(&tools::TAURI_CLI)?;
    let kinds: &[&str] = if cfg!(target_os = "linux") { &["--bundles", "deb,rpm"] } else { &[] };
    sh_run(sh::command(&cli.to_string_lossy(), ["tauri", "build"]).args(kinds).args(arguments).current_dir(sh::root().join("src-tauri")))?;
    if check.is_empty() { Ok(()) } else { prove() }
}

/// Installs and starts what was built.
fn prove() -> Result<(), Error> {
    if !setup::is_debian() || !sh::works("unshare", &["--mount", "true"]) {
        eprintln!("skipped: the packages in a clean system (it takes Debian, and root)");
        return Ok(());
    }
    setup::ensure(setup::BUNDLE)?;
    let bundles = sh::target().join("release/bundle");
    let (deb, rpm) = (newest(&bundles.join("deb"), "deb")?, newest(&bundles.join("rpm"), "rpm")?);
    let systems = sh::target().join("clean-systems");
    let base = base(&systems)?;
    let screen = Screen::start()?;
    let with_deb = fresh(&base, &systems.join("deb"))?;
    install_deb(&with_deb, &deb)?;
    screen.start_app(&with_deb, "deb")?;
    // A Debian with the libraries that the .rpm asks a Fedora for: their names differ, what they are does not.
    let with_rpm = fresh(&base, &systems.join("rpm"))?;
    install_rpm(&with_rpm, &deb, &rpm)?;
    screen.start_app(&with_rpm, "rpm")?;
    for system in [with_deb, with_rpm] {
        sh_run(&mut command("rm", [Path::new("-rf"), &system]))?;
    }
    Ok(())
}

/// The package that was built last.
fn newest(folder: &Path, ending: &str) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let packages = entries.filter(|path| path.extension().is_some_and(|found| found == ending));
    let newest = packages.max_by_key(|path| fs::metadata(path).and_then(|about| about.modified()).ok());
    newest.ok_or_else(|| Error::Missing(format!("no .{ending} in {}", folder.display())))
}

/// A Debian of this release with nothing in it, made once.
fn base(systems: &Path) -> Result<PathBuf, Error> {
    let (base, part) = (systems.join("base"), systems.join("base.part"));
    if !base.exists() {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("stable").to_owned();
        sh_run(&mut command("rm", [Path::new("-rf"), &part]))?;
        fs::create_dir_all(systems).map_err(|source| Error::Start { program: format!("mkdir {}", systems.display()), source })?;
        sh_run(command("debootstrap", ["--variant=minbase", &suite]).arg(&part))?;
        sh_run(&mut command("mv", [&part, &base]))?;
    }
    Ok(base)
}

fn fresh(base: &Path, system: &Path) -> Result<PathBuf, Error> {
    sh_run(&mut command("rm", [Path::new("-rf"), system]))?;
    sh_run(&mut command("cp", [Path::new("-a"), base, system]))?;
    Ok(system.to_path_buf())
}

fn install_deb(system: &Path, deb: &Path) -> Result<(), Error> {
    sh_run(&mut command("cp", [deb, &system.join("visavis.deb")]))?;
    inside(system, "apt-get update -qq && apt-get install -y -qq --no-install-recommends /visavis.deb >/dev/null && rm /visavis.deb")?;
    complete(system)
}

fn install_rpm(system: &Path, deb: &Path, rpm: &Path) -> Result<(), Error> {
    let requires = said(command("rpm", ["-qp", "--requires"]).arg(rpm))?;
    for [package, library] in NEEDED {
        if !requires.lines().any(|line| line.starts_with(package) || line.starts_with(library)) {
            return Err(Error::Missing(format!("the .rpm does not ask for {package}; it asks for:\n{requires}")));
        }
    }
    let depends = said(command("dpkg-deb", ["--field"]).arg(deb).arg("Depends"))?;
    // Of alternatives, the first that this release has.
    let names: Vec<String> = depends.trim().split(',').map(|names| format!("'{}'", names.trim())).collect();
    inside(
        system,
        &format!(
            "apt-get update -qq; for names in {}; do (IFS='|'; for name in $names; do name=$(echo $name | cut -d' ' -f1); \
             apt-get install -y -qq --no-install-recommends $name >/dev/null 2>&1 && exit 0; done; echo \"no $names\"; exit 1) || exit 1; done",
            names.join(" ")
        ),
    )?;
    sh_run(command("rpm", ["--root"]).arg(system).args(["--initdb"]))?;
    sh_run(command("rpm", ["--root"]).arg(system).args(["--install", "--nodeps"]).arg(rpm))?;
    complete(system)
}

/// Every library is there, and a link of ours opens the app.
fn complete(system: &Path) -> Result<(), Error> {
    inside(system, "! ldd /usr/bin/visavis | grep 'not found'")?;
    inside(system, "grep -qx 'MimeType=x-scheme-handler/visavis;' /usr/share/applications/Visavis.desktop")?;
    inside(system, "grep -qx 'Exec=visavis %u' /usr/share/applications/Visavis.desktop")
}

/// Runs a shell's line in the system, with the mounts it needs for as long as it runs.
fn inside(system: &Path, line: &str) -> Result<(), Error> {
    sh_run(&mut chrooted(system, line))
}

fn chrooted(system: &Path, line: &str) -> Command {
    let mounts = "for place in proc dev sys; do mount --rbind /$place \"$0/$place\"; done; mkdir -p \"$0/tmp/.X11-unix\"; \
                  [ ! -d /tmp/.X11-unix ] || mount --bind /tmp/.X11-unix \"$0/tmp/.X11-unix\"; exec chroot \"$0\" /bin/sh -c \"$1\"";
    let mut chrooted = command("unshare", ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts]);
    chrooted.arg(system).arg(line).env_clear();
    chrooted.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
    chrooted.env("HOME", "/root").env("LANG", "C.UTF-8");
    chrooted
}

fn said(command: &mut Command) -> Result<String, Error> {
    let program = format!("{command:?}");
    let output = command.output().map_err(|source| Error::Start { program: program.clone(), source })?;
    if !output.status.success() {
        return Err(Error::Failed { program, status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A screen that ends with this.
struct Screen(Child);

impl Screen {
    fn start() -> Result<Self, Error> {
        let mut screen = command("Xvfb", [SCREEN, "-screen", "0", "1100x800x24", "-nolisten", "tcp"]);
        screen.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(screen.spawn().map_err(|source| Error::Start { program: "Xvfb".into(), source })?))
    }

    /// Starts the installed app and waits until its page is ready.
    fn start_app(&self, system: &Path, kind: &str) -> Result<(), Error> {
        let mut app = chrooted(system, "exec visavis --camera pattern --microphone tone --speaker none");
        app.env("DISPLAY", SCREEN).env("NO_AT_BRIDGE", "1").stdout(Stdio::null()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut app = app.spawn().map_err(|source| Error::Start { program: "visavis".into(), source })?;
        let (line, lines) = mpsc::channel();
        let log = app.stderr.take().expect("standard error is piped");
        std::thread::spawn(move || BufReader::new(log).lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let mut log = Vec::new();
        let ready = loop {
            match lines.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(text) if text.contains(READY) => break true,
                Ok(text) => log.push(text),
                Err(_) => break false,
            }
        };
        let took = started.elapsed();
        if ready {
            self.look(kind);
        }
        // Its processes end with it: see `--kill-child`.
        let _ = app.kill();
        let _ = app.wait();
        if ready {
            eprintln!("the app from the .{kind} was ready after {:.1} s", took.as_secs_f64());
            return Ok(());
        }
        Err(Error::Missing(format!(
            "the app from the .{kind} was not ready after {:.0} s; it said:\n{}",
            took.as_secs_f64(),
            log.join("\n")
        )))
    }

    /// A picture to be looked at, once the page has had a second to be drawn. Without one the proof stands all the same.
    fn look(&self, kind: &str) {
        let folder = sh::root().join("tests/output");
        let _ = fs::create_dir_all(&folder);
        std::thread::sleep(Duration::from_secs(1));
        let picture = folder.join(format!("bundle-{kind}.png"));
        let mut look =
            command("ffmpeg", ["-loglevel", "error", "-y", "-f", "x11grab", "-video_size", "1100x800", "-i", SCREEN, "-frames:v", "1"]);
        let _ = sh_run(look.arg(picture));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
