//! A runtime in memory: one thread, a clock that jumps from event to event, and a network with delay, jitter, loss
//! and rate ([`network`]). A minute's call takes some hundred milliseconds and meets the same losses every time.
//!
//! ICE and DTLS still draw random values of their own, so tests assert what holds for every run, not exact times.

mod host;
mod network;
mod tcp;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use webrtc::runtime::Runtime;

use host::Host;
pub use network::{Datagram, Link};
use network::{HostId, Network};
use tcp::Listeners;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type TaskId = u64;
/// The future that [`Sim::run`] drives; spawned tasks count from 1.
const MAIN: TaskId = 0;

/// The simulated world.
#[derive(Clone)]
pub struct Sim {
    world: Arc<World>,
}

/// A spawned task; empty while it is being polled.
#[derive(Default)]
struct Slot {
    task: Option<Task>,
    queued: bool,
}

struct State {
    now: Instant,
    next: u64,
    tasks: HashMap<TaskId, Slot>,
    ready: VecDeque<TaskId>,
    timers: BTreeMap<(Instant, u64), Waker>,
    network: Network,
    listeners: Listeners,
}

struct World {
    state: Mutex<State>,
}

struct TaskWaker {
    id: TaskId,
    world: Weak<World>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(world) = self.world.upgrade() {
            world.state().queue(self.id);
        }
    }
}

impl Sim {
    /// A world whose network draws its losses from `seed`.
    pub fn new(seed: u64) -> Self {
        let now = Instant::now();
        let mut tasks = HashMap::new();
        tasks.insert(MAIN, Slot::default());
        let network = Network::new(seed);
        let (ready, timers, listeners) = (VecDeque::new(), BTreeMap::new(), Listeners::default());
        let state = State { now, next: 1, tasks, ready, timers, network, listeners };
        Self { world: Arc::new(World { state: Mutex::new(state) }) }
    }

    /// The runtime of a new machine. Machines are numbered from 0 in the order they are made.
    pub fn host(&self) -> Arc<dyn Runtime> {
        let id = self.world.state().network.add_host();
        Arc::new(Host::new(Arc::clone(&self.world), id))
    }

    /// The way from one machine to another; perfect until set.
    pub fn set_link(&self, from: HostId, to: HostId, link: Link) {
        self.world.state().network.set_link(from, to, link);
    }

    /// Lets `filter` decide about every datagram: false loses it.
    pub fn set_filter(&self, filter: impl FnMut(&Datagram) -> bool + Send + 'static) {
        self.world.state().network.set_filter(Box::new(filter));
    }

    /// How many sockets and listeners are open.
    pub fn sockets(&self) -> usize {
        let state = self.world.state();
        state.network.sockets() + state.listeners.count()
    }

    /// The clock's reading.
    pub fn now(&self) -> Instant {
        self.world.state().now
    }

    /// Runs the world until `future` is done.
    ///
    /// # Panics
    /// If nothing can happen any more while `future` waits.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let waker = Waker::from(Arc::new(TaskWaker { id: MAIN, world: Arc::downgrade(&self.world) }));
        let mut future = pin!(future);
        self.world.state().queue(MAIN);
        loop {
            while let Some(id) = self.world.take_ready() {
                if id != MAIN {
                    self.world.poll_task(id);
                } else if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return value;
                }
            }
            assert!(self.world.advance(), "the simulated world has come to rest");
        }
    }

    /// Completes after `duration` on the world's clock.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        Sleep::new(Arc::clone(&self.world), duration)
    }
}

impl State {
    fn queue(&mut self, id: TaskId) {
        if let Some(slot) = self.tasks.get_mut(&id)
            && !std::mem::replace(&mut slot.queued, true)
        {
            self.ready.push_back(id);
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, task: Task) -> TaskId {
        let mut state = self.state();
        let id = state.number();
        state.tasks.insert(id, Slot { task: Some(task), queued: false });
        state.queue(id);
        id
    }

    fn take_ready(&self) -> Option<TaskId> {
        let mut state = self.state();
        let id = state.ready.pop_front()?;
        if let Some(slot) = state.tasks.get_mut(&id) {
            slot.queued = false;
        }
        Some(id)
    }

    fn poll_task(self: &Arc<Self>, id: TaskId) {
        let task = self.state().tasks.get_mut(&id).and_then(|slot| slot.task.take());
        let Some(mut task) = task else { return };
        let waker = Waker::from(Arc::new(TaskWaker { id, world: Arc::downgrade(self) }));
        let done = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut state = self.state();
        let aborted = match state.tasks.get_mut(&id) {
            Some(slot) if !done => {
                slot.task = Some(task);
                return;
            }
            _ => state.tasks.remove(&id),
        };
        // A task's destructor may come back here.
        drop(state);
        drop(aborted);
    }

    /// Jumps to the next event and lets it happen; false if there is none.
    fn advance(&self) -> bool {
        let mut wakers = Vec::new();
        {
            let mut state = self.state();
            let timer = state.timers.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = [timer, state.network.next_arrival()].into_iter().flatten().min() else { return false };
            state.now = state.now.max(next);
            let now = state.now;
            while let Some(entry) = state.timers.first_entry().filter(|entry| entry.key().0 <= now) {
                wakers.push(entry.remove());
            }
            state.network.deliver(now, &mut wakers);
        }
        wakers.into_iter().for_each(Waker::wake);
        true
    }
}

/// A timer on the world's clock.
struct Sleep {
    world: Arc<World>,
    until: Instant,
    key: Option<(Instant, u64)>,
}

impl Sleep {
    fn new(world: Arc<World>, duration: Duration) -> Self {
        let until = world.state().now + duration;
        Self { world, until, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let world = Arc::clone(&self.world);
        let mut state = world.state();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| (self.until, state.number()));
        self.key = Some(key);
        state.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.key.and_then(|key| self.world.state().timers.remove(&key));
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// Sends `count` datagrams of 100 bytes a millisecond apart over `link`; when each arrived, in order.
    fn arrivals(seed: u64, link: Link, count: u32) -> Vec<(u32, Duration)> {
        let sim = Sim::new(seed);
        let (a, b) = (sim.host(), sim.host());
        sim.set_link(0, 1, link);
        let wrap = |host: &Arc<dyn Runtime>| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback exists");
            host.wrap_udp_socket(socket).expect("memory only")
        };
        let (from, to) = (wrap(&a), wrap(&b));
        let target = to.local_addr().expect("bound");
        let start = sim.now();
        let clock = sim.clone();
        a.spawn(Box::pin(async move {
            for number in 0..count {
                let mut datagram = [0; 100];
                datagram[..4].copy_from_slice(&number.to_be_bytes());
                from.send_to(&datagram, target).await.expect("memory only");
                clock.sleep(ms(1)).await;
            }
        }));
        let mut arrived = Vec::new();
        sim.run(async {
            let end = sim.sleep(ms(u64::from(count) + 10_000));
            let mut end = pin!(end);
            loop {
                let mut buffer = [0; 2000];
                tokio::select! { biased;
                    received = to.recv_from(&mut buffer) => {
                        assert_eq!(received.expect("memory only").0, 100);
                        let number = u32::from_be_bytes(buffer[..4].try_into().expect("four bytes"));
                        arrived.push((number, sim.now() - start));
                    }
                    () = &mut end => break,
                }
            }
        });
        arrived
    }

    #[test]
    fn a_minute_passes_at_once() {
        let sim = Sim::new(1);
        let start = sim.now();
        sim.run(sim.sleep(ms(60_000)));
        assert_eq!(sim.now() - start, ms(60_000));
    }

    #[test]
    fn a_link_delays_by_its_delay() {
        let link = Link { delay: ms(30), ..Link::default() };
        assert_eq!(arrivals(1, link, 3), [(0, ms(30)), (1, ms(31)), (2, ms(32))]);
    }

    #[test]
    fn a_link_loses_its_share_and_the_same_ones_for_the_same_seed() {
        let link = Link { loss: 0.3, ..Link::default() };
        let arrived = arrivals(7, link, 2_000);
        assert!((1_330..1_470).contains(&arrived.len()), "{}", arrived.len());
        assert_eq!(arrived, arrivals(7, link, 2_000));
        assert_ne!(arrived, arrivals(8, link, 2_000));
    }

    #[test]
    fn a_slow_link_spaces_datagrams_and_drops_what_its_queue_cannot_hold() {
        // 128 bytes with IP and UDP headers at 512 kb/s are 2 ms; they come each millisecond.
        let link = Link { rate_bps: Some(512_000), queue: ms(50), ..Link::default() };
        let arrived = arrivals(1, link, 1_000);
        assert!((500..=550).contains(&arrived.len()), "{}", arrived.len());
        assert!(arrived.windows(2).all(|pair| pair[1].1 - pair[0].1 >= ms(2)));
    }

    #[test]
    fn jitter_keeps_the_order() {
        let link = Link { delay: ms(10), jitter: ms(20), ..Link::default() };
        let arrived = arrivals(3, link, 500);
        assert_eq!(arrived.len(), 500);
        assert!(arrived.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(arrived.iter().any(|(number, at)| *at > ms(u64::from(*number) + 20)));
    }
}
