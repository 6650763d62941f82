//! A device that is kept open: when it is lost, the same one is tried again until it is back.
//!
//! Invariants: one thread a device, which passes its frames on and waits for nothing else; dropping a [`Kept`] closes the device and
//! joins the thread; the device is told lost once and back once, in turn.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media::capture::Error;

/// How to open a device, and what to do with what it gives.
pub(super) trait Device: Send + 'static {
    /// The open device. Dropping it ends its frames.
    type Handle: Send;
    type Frames: Send;

    fn open(&self) -> Result<(Self::Handle, Self::Frames), Error>;

    /// Passes frames on until they end, and says why they did.
    fn pump(&mut self, frames: Self::Frames) -> Error;

    fn on_lost(&mut self, error: &Error);

    fn on_back(&mut self);
}

/// An open device, or one that is waited for.
pub(super) struct Kept<D: Device> {
    shared: Arc<Shared<D::Handle>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<H> {
    state: Mutex<State<H>>,
    stopping: Condvar,
}

struct State<H> {
    /// `None` while the device is lost.
    handle: Option<H>,
    stopped: bool,
}

impl<H> Shared<H> {
    fn lock(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits that long; answers whether to stop.
    fn rest(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if state.stopped || left.is_zero() {
                return state.stopped;
            }
            state = self.stopping.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<D: Device> Kept<D> {
    /// Opens the device on this thread. Once it is lost, it is tried again every `retry`; without, it stays lost.
    pub fn open(name: &str, device: D, retry: Option<Duration>) -> Result<Self, Error> {
        let (handle, frames) = device.open()?;
        let shared = Arc::new(Shared { state: Mutex::new(State { handle: Some(handle), stopped: false }), stopping: Condvar::new() });
        let thread = std::thread::Builder::new().name(name.into()).spawn({
            let shared = shared.clone();
            move || run(device, frames, &shared, retry)
        });
        let thread = thread.map_err(|source| Error::Failed { device: name.into(), source: source.into() })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Reads something off the open device; `None` while it is lost.
    pub fn with<R>(&self, read: impl FnOnce(&D::Handle) -> R) -> Option<R> {
        self.shared.lock().handle.as_ref().map(read)
    }
}

impl<D: Device> Drop for Kept<D> {
    fn drop(&mut self) {
        let handle = {
            let mut state = self.shared.lock();
            state.stopped = true;
            state.handle.take()
        };
        self.shared.stopping.notify_all();
        drop(handle);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic hook; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

fn run<D: Device>(mut device: D, mut frames: D::Frames, shared: &Shared<D::Handle>, retry: Option<Duration>) {
    loop {
        let error = device.pump(frames);
        let lost = {
            let mut state = shared.lock();
            if state.stopped {
                return;
            }
            state.handle.take()
        };
        drop(lost);
        device.on_lost(&error);
        match retry.and_then(|retry| reopen(&device, shared, retry)) {
            Some(opened) => frames = opened,
            None => return,
        }
        device.on_back();
    }
}

/// The device's frames once it is back; `None` to stop.
fn reopen<D: Device>(device: &D, shared: &Shared<D::Handle>, retry: Duration) -> Option<D::Frames> {
    while !shared.rest(retry) {
        let Ok((handle, frames)) = device.open() else { continue };
        let mut state = shared.lock();
        if state.stopped {
            return None;
        }
        state.handle = Some(handle);
        return Some(frames);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender, channel};

    use super::*;

    /// What happens to a device, in order.
    #[derive(Debug, PartialEq)]
    enum Event {
        Frame(u32),
        Lost,
        Back,
    }

    /// A device whose openings are handed in by the test: frames, or nothing to find.
    struct Fake {
        openings: Mutex<Receiver<Option<Vec<u32>>>>,
        events: Sender<Event>,
    }

    impl Device for Fake {
        /// Ends the frames when it is dropped.
        type Handle = Sender<u32>;
        type Frames = (Receiver<u32>, Vec<u32>);

        fn open(&self) -> Result<(Self::Handle, Self::Frames), Error> {
            let missing = || Error::NotFound { device: "fake".into() };
            let openings = self.openings.lock().map_err(|_| missing())?;
            let frames = openings.recv().map_err(|_| missing())?.ok_or_else(missing)?;
            let (handle, end) = channel();
            Ok((handle, (end, frames)))
        }

        fn pump(&mut self, (end, frames): Self::Frames) -> Error {
            let forever = frames.is_empty();
            for frame in frames {
                self.events.send(Event::Frame(frame)).expect("the test listens");
            }
            if forever {
                let _ = end.recv();
            }
            Error::NotFound { device: "fake".into() }
        }

        fn on_lost(&mut self, _: &Error) {
            self.events.send(Event::Lost).expect("the test listens");
        }

        fn on_back(&mut self) {
            self.events.send(Event::Back).expect("the test listens");
        }
    }

    fn fake() -> (Fake, Sender<Option<Vec<u32>>>, Receiver<Event>) {
        let (openings_in, openings) = mpsc::channel();
        let (events_in, events) = mpsc::channel();
        (Fake { openings: Mutex::new(openings), events: events_in }, openings_in, events)
    }

    #[test]
    fn a_lost_device_is_tried_until_it_is_back() {
        let (device, openings, events) = fake();
        for opening in [Some(vec![1, 2]), None, None, Some(vec![3]), Some(vec![])] {
            openings.send(opening).expect("the device lives");
        }
        let kept = Kept::open("fake", device, Some(Duration::ZERO)).expect("opens");
        let seen: Vec<Event> = events.iter().take(7).collect();
        assert_eq!(seen, [Event::Frame(1), Event::Frame(2), Event::Lost, Event::Back, Event::Frame(3), Event::Lost, Event::Back]);
        drop(kept);
        assert_eq!(events.iter().count(), 0);
    }

    #[test]
    fn a_lost_window_stays_lost() {
        let (device, openings, events) = fake();
        openings.send(Some(vec![1])).expect("the device lives");
        openings.send(Some(vec![2])).expect("the device lives");
        let kept = Kept::open("fake", device, None).expect("opens");
        assert_eq!(events.iter().collect::<Vec<_>>(), [Event::Frame(1), Event::Lost]);
        assert!(kept.with(|_| ()).is_none());
    }

    #[test]
    fn dropping_an_open_device_tells_nothing() {
        let (device, openings, events) = fake();
        openings.send(Some(vec![])).expect("the device lives");
        let kept = Kept::open("fake", device, Some(Duration::ZERO)).expect("opens");
        assert!(kept.with(|_| ()).is_some());
        drop(kept);
        assert_eq!(events.iter().count(), 0);
    }

    #[test]
    fn dropping_a_lost_device_does_not_wait_for_the_next_try() {
        let (device, openings, events) = fake();
        openings.send(Some(vec![1])).expect("the device lives");
        let kept = Kept::open("fake", device, Some(Duration::from_secs(3600))).expect("opens");
        assert_eq!(events.iter().take(2).collect::<Vec<_>>(), [Event::Frame(1), Event::Lost]);
        assert!(kept.with(|_| ()).is_none());
        drop(kept);
    }

    #[test]
    fn a_device_that_does_not_open_at_first_is_an_error() {
        let (device, openings, _events) = fake();
        openings.send(None).expect("the device lives");
        assert!(matches!(Kept::open("fake", device, Some(Duration::ZERO)), Err(Error::NotFound { .. })));
    }
}
