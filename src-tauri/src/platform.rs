//! What differs by operating system: what is set before the window system starts, and how a process is told to end.

/// Prepares this process. To be called first, while there is one thread.
pub fn prepare() {
    #[cfg(target_os = "linux")]
    linux::prepare();
}

/// Shows a folder in the desktop's file manager.
pub fn show_folder(folder: &std::path::Path) -> std::io::Result<()> {
    use std::process::{Command, Stdio};
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    std::fs::create_dir_all(folder)?;
    let mut shown = Command::new(program).arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Nobody waits for it, but the system wants its end heard.
    std::thread::spawn(move || drop(shown.wait()));
    Ok(())
}

/// Waits until the terminal or the system asks this process to end.
pub async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    /// WebKitGTK's switch for handing its pictures over in GPU buffers.
    const DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

    pub fn prepare() {
        if without_dmabuf(std::env::var_os(DMABUF).is_some(), has_render_node(Path::new("/dev/dri"))) {
            // SAFETY: no other thread runs yet that could read the environment.
            unsafe { std::env::set_var(DMABUF, "1") };
        }
    }

    /// Without a GPU the buffers cost copies and buy nothing; with one they are the fast way. A person's own setting stands.
    fn without_dmabuf(set: bool, gpu: bool) -> bool {
        !set && !gpu
    }

    fn has_render_node(folder: &Path) -> bool {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with("renderD"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn gpu_buffers_are_off_only_without_a_gpu_and_unless_set() {
            assert!(without_dmabuf(false, false));
            assert!(!without_dmabuf(false, true) && !without_dmabuf(true, false));
        }

        #[test]
        fn a_machine_without_the_folder_has_no_render_node() {
            assert!(!has_render_node(Path::new("/nonexistent")));
        }
    }
}
