//! What differs by operating system: what is set before the window system starts, and how a process is told to end.

/// Prepares this process. To be called first, while there is one thread.
pub fn prepare() {
    #[cfg(target_os = "linux")]
    linux::prepare();
}

/// Whether WebGL would be software, as far as the system tells.
pub fn draws_in_software() -> bool {
    #[cfg(target_os = "linux")]
    return !linux::has_gpu();
    #[cfg(not(target_os = "linux"))]
    false
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

    /// What is set without a GPU. WebKitGTK hands its pictures over in GPU buffers, which then cost copies and buy nothing; and this process,
    /// which draws nothing, loads a software OpenGL of 20 MB, GDK to look for better kinds of windows and WebKitGTK to ask for the device's name.
    const WITHOUT_GPU: [(&str, &str); 3] =
        [("WEBKIT_DISABLE_DMABUF_RENDERER", "1"), ("GDK_GL", "disable"), ("WEBKIT_WEB_RENDER_DEVICE_FILE", "/dev/dri/renderD128")];

    pub fn prepare() {
        for (name, value) in missing(has_gpu(), |name| std::env::var_os(name).is_some()) {
            // SAFETY: no other thread runs yet that could read the environment.
            unsafe { std::env::set_var(name, value) };
        }
    }

    /// What is to be set. A person's own settings stand.
    fn missing(gpu: bool, is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'static str, &'static str)> {
        WITHOUT_GPU.into_iter().filter(move |(name, _)| !gpu && !is_set(name))
    }

    pub fn has_gpu() -> bool {
        has_render_node(Path::new("/dev/dri"))
    }

    fn has_render_node(folder: &Path) -> bool {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with("renderD"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn graphics_are_left_alone_with_a_gpu_and_where_a_person_has_set_them() {
            assert_eq!(missing(true, |_| false).count(), 0);
            assert_eq!(missing(false, |_| false).count(), WITHOUT_GPU.len());
            assert_eq!(missing(false, |name| name == "GDK_GL").map(|(name, _)| name).filter(|name| *name == "GDK_GL").count(), 0);
        }

        #[test]
        fn a_machine_without_the_folder_has_no_render_node() {
            assert!(!has_render_node(Path::new("/nonexistent")));
        }
    }
}
