//! A window opens where the last one was closed, as far as the monitors are still there: [`place`] decides, this asks and tells Tauri.

use tauri::{AppHandle, Window, utils::config::WindowConfig};

use crate::settings::{
    Store,
    geometry::{Area, Geometry, place},
};

/// Call windows are remembered; the small one on top is not.
pub const REMEMBERED: &str = "main";

/// Puts a window that is about to be built where it was.
pub fn restore(handle: &AppHandle, config: &mut WindowConfig, geometry: Geometry) {
    let monitors = handle.available_monitors().unwrap_or_default();
    let areas: Vec<Area> = monitors
        .iter()
        .map(|monitor| {
            let area = monitor.work_area();
            Area { x: area.position.x, y: area.position.y, width: area.size.width, height: area.size.height }
        })
        .collect();
    let scale = |area: Option<&Area>| {
        let index = areas.iter().position(|other| Some(other) == area).unwrap_or(0);
        monitors.get(index).map_or(1.0, |monitor| monitor.scale_factor())
    };
    let first = scale(areas.first());
    let least = |side: Option<f64>| (side.unwrap_or_default() * first).round() as u32;
    let Some(placed) = place(geometry, &areas, (least(config.min_width), least(config.min_height))) else { return };
    let home = areas.iter().find(|area| {
        let inside = |at: i32, from: i32, room: u32| (i64::from(from)..i64::from(from) + i64::from(room)).contains(&i64::from(at));
        inside(placed.x, area.x, area.width) && inside(placed.y, area.y, area.height)
    });
    // Monitors and places are in physical pixels, a configuration is in logical ones.
    let scale = scale(home);
    (config.x, config.y) = (Some(f64::from(placed.x) / scale), Some(f64::from(placed.y) / scale));
    (config.width, config.height) = (f64::from(placed.width) / scale, f64::from(placed.height) / scale);
    config.maximized = placed.maximized;
}

/// Keeps where a window is now. A maximised one keeps the place that it goes back to.
pub fn remember(window: &Window, store: &Store) {
    if !window.label().starts_with(REMEMBERED) || window.is_minimized().unwrap_or(false) || window.is_fullscreen().unwrap_or(false) {
        return;
    }
    let (Ok(position), Ok(size)) = (window.outer_position(), window.inner_size()) else { return };
    let now = Geometry { x: position.x, y: position.y, width: size.width, height: size.height, maximized: false };
    let kept = match window.is_maximized().unwrap_or(false) {
        true => Geometry { maximized: true, ..store.geometry().unwrap_or(now) },
        false => now,
    };
    store.set_geometry(kept);
}
