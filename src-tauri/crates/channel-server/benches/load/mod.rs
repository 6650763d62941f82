//! A crowd for the channel service: thousands of members in a process of their own, on one thread.
//!
//! ```text
//! mod          the course of a run: fill, subscribe all to all, rest, relay, come and go, leave
//! report       what was measured
//! crowd        all members: what is due, what has come
//! member       one member's socket and life
//! tally        what was heard, counted
//! wire         WebSocket frames by hand
//! pacer        events spread evenly in time
//! process      the service's process, its memory and processor time
//! ```

mod crowd;
mod member;
mod pacer;
mod process;
mod report;
mod tally;
mod wire;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use crowd::Crowd;
use process::{Meter, Service, Watch};
pub use report::Report;

/// What a crowd does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub channels: usize,
    /// Members of each channel.
    pub seats: usize,
    /// Joins, publications, subscriptions and leaves that wait for their answer at once.
    pub in_flight: usize,
    /// Length of an offer and of an answer.
    pub sdp_bytes: usize,
    /// How long everyone rests, and then how long candidates are relayed.
    pub time: Duration,
    /// Candidates a second, of all members together.
    pub relayed_per_second: usize,
    /// Members who leave and come again, one after the other in each place in flight.
    pub returns: usize,
}

impl Plan {
    pub fn members(&self) -> usize {
        self.channels * self.seats
    }

    /// All to all in each channel.
    pub fn subscriptions(&self) -> usize {
        self.members() * (self.seats - 1)
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the service refused: {}: {}", .0.code, .0.message)]
    Refused(signal::Error),
    #[error("the service was not expected to send: {0}")]
    Unexpected(String),
    #[error("{most} open files are allowed here and {needed} are needed; raise the hard limit (ulimit -Hn)")]
    Descriptors { most: u64, needed: u64 },
    #[error("the service does not read")]
    Blocked,
    #[error("nothing happens any more, at {seen} of {total}")]
    Stalled { seen: usize, total: usize },
}

/// Runs a crowd against the service's program.
pub fn run(plan: Plan, program: &Path) -> Result<Report, Failure> {
    // The service inherits the limit, and needs as many.
    let (most, needed) = (channel_server::raise_descriptor_limit().unwrap_or(u64::MAX), plan.members() as u64 + 64);
    if most < needed {
        return Err(Failure::Descriptors { most, needed });
    }
    let service = Service::start(program)?;
    let id = service.id();
    let mut crowd = Crowd::new(plan, service.address)?;
    let mut report = Report::new(plan, process::memory(id));

    let meter = Meter::start(id);
    let began = Instant::now();
    crowd.work(plan.members(), Crowd::connect, |tally| tally.joined)?;
    report.on_filled(&meter, began, &crowd.tally, process::memory(id));

    let meter = Meter::start(id);
    crowd.work(plan.members(), Crowd::publish, |tally| tally.published)?;
    crowd.work(plan.subscriptions(), Crowd::subscribe, |tally| tally.subscriptions_answered)?;
    report.on_subscribed(&meter, process::memory(id));

    let (meter, watch) = (Meter::start(id), Watch::start(id));
    crowd.rest(Instant::now() + plan.time)?;
    report.on_rested(&meter, watch.stop());

    let (meter, watch) = (Meter::start(id), Watch::start(id));
    crowd.relay(plan.relayed_per_second, plan.time)?;
    report.on_relayed(&meter, watch.stop(), &crowd.tally);

    let (meter, watch) = (Meter::start(id), Watch::start(id));
    come_and_go(&mut crowd, plan)?;
    report.on_returned(&meter, watch.stop(), plan);

    let meter = Meter::start(id);
    crowd.work(plan.members(), Crowd::leave, |tally| tally.left)?;
    report.on_left(&meter, process::memory(id));
    report.finish(crowd.tally, process::memory(std::process::id()));
    Ok(report)
}

/// Members leave and come again, a few of them at a time.
fn come_and_go(crowd: &mut Crowd, plan: Plan) -> Result<(), Failure> {
    let mut gone = 0;
    while gone < plan.returns {
        let few = plan.in_flight.min(plan.returns - gone);
        let who = |nth: usize| (gone + nth) % plan.members();
        crowd.work(few, |crowd, nth| crowd.leave(who(nth)), |tally| tally.left)?;
        crowd.work(few, |crowd, nth| crowd.connect(who(nth)), |tally| tally.joined)?;
        gone += few;
    }
    Ok(())
}
