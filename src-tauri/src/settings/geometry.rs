//! Where a window was, and where it may be now that the monitors may be others. Pure arithmetic in physical pixels.

use serde::{Deserialize, Serialize};

/// A window's place. Sizes are those of the page, without the frame that the system draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
    #[serde(default)]
    pub maximized: bool,
}

/// A monitor's part that windows may cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

/// The least of a window's upper edge that has to be on a monitor, so that a hand can take it there: a title bar's height, and a bit.
const GRIP: (i64, i64) = (120, 40);

/// The longest side that is believed, in pixels.
const MOST: u32 = 16_384;

/// The place for a window that was at `wanted`: there, if enough of it is on a monitor; else, in the same size, in the middle of the first
/// one. Never larger than the monitor and, where that has the room, never smaller than `least`. None without a monitor or a sensible wish.
pub fn place(wanted: Geometry, monitors: &[Area], least: (u32, u32)) -> Option<Geometry> {
    let sensible = (1..=MOST).contains(&wanted.width) && (1..=MOST).contains(&wanted.height);
    let home = monitors.iter().find(|monitor| grips(&wanted, monitor));
    let monitor = home.or(monitors.first()).filter(|monitor| sensible && monitor.width > 0 && monitor.height > 0)?;
    let width = wanted.width.max(least.0).min(monitor.width);
    let height = wanted.height.max(least.1).min(monitor.height);
    let (x, y) = match home {
        Some(_) => (wanted.x, wanted.y),
        None => (middle(monitor.x, monitor.width, width), middle(monitor.y, monitor.height, height)),
    };
    Some(Geometry { x, y, width, height, maximized: wanted.maximized })
}

fn grips(window: &Geometry, monitor: &Area) -> bool {
    let overlap = |at: i32, length: i64, from: i32, room: u32| {
        let end = (i64::from(at) + length).min(i64::from(from) + i64::from(room));
        end - i64::from(at).max(i64::from(from))
    };
    let across = overlap(window.x, window.width.into(), monitor.x, monitor.width);
    let down = overlap(window.y, GRIP.1, monitor.y, monitor.height);
    across >= GRIP.0.min(window.width.into()) && down >= GRIP.1 / 2 && window.y >= monitor.y.saturating_sub(GRIP.1 as i32 / 2)
}

fn middle(from: i32, room: u32, length: u32) -> i32 {
    let middle = i64::from(from) + (i64::from(room) - i64::from(length)) / 2;
    middle.clamp(i32::MIN.into(), i32::MAX.into()).try_into().unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEFT: Area = Area { x: 0, y: 0, width: 1920, height: 1080 };
    const RIGHT: Area = Area { x: 1920, y: 0, width: 2560, height: 1440 };
    const LEAST: (u32, u32) = (480, 560);

    fn window(x: i32, y: i32) -> Geometry {
        Geometry { x, y, width: 1000, height: 700, maximized: false }
    }

    #[test]
    fn a_window_comes_back_where_it_was() {
        for at in [window(100, 50), window(2000, 300), window(-400, 0), window(1500, 900)] {
            assert_eq!(place(at, &[LEFT, RIGHT], LEAST), Some(at));
        }
    }

    #[test]
    fn a_window_of_a_monitor_that_is_gone_comes_to_the_middle_of_another() {
        assert_eq!(place(window(2500, 300), &[LEFT], LEAST), Some(window(460, 190)));
        assert_eq!(place(window(0, -500), &[LEFT], LEAST), Some(window(460, 190)));
        assert_eq!(place(window(i32::MAX, i32::MIN), &[LEFT], LEAST), Some(window(460, 190)));
    }

    #[test]
    fn a_window_is_never_larger_than_its_monitor_nor_smaller_than_its_least() {
        let large = Geometry { width: 5000, height: 4000, maximized: true, ..window(0, 0) };
        assert_eq!(place(large, &[LEFT], LEAST).map(|at| (at.width, at.height, at.maximized)), Some((1920, 1080, true)));
        let small = Geometry { width: 10, height: 10, ..window(0, 0) };
        assert_eq!(place(small, &[LEFT], LEAST).map(|at| (at.width, at.height)), Some(LEAST));
    }

    #[test]
    fn nonsense_and_no_monitor_leave_the_place_to_the_system() {
        assert_eq!(place(Geometry { width: 0, ..window(0, 0) }, &[LEFT], LEAST), None);
        assert_eq!(place(Geometry { height: u32::MAX, ..window(0, 0) }, &[LEFT], LEAST), None);
        assert_eq!(place(window(0, 0), &[], LEAST), None);
    }

    proptest! {
        #[test]
        fn wherever_it_was_a_hand_can_take_it(x: i32, y: i32, width in 1..MOST, height in 1..MOST) {
            let wanted = Geometry { x, y, width, height, maximized: false };
            let placed = place(wanted, &[LEFT, RIGHT], LEAST).unwrap();
            prop_assert!(grips(&placed, &LEFT) || grips(&placed, &RIGHT), "{placed:?}");
        }
    }
}
