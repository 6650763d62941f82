//! What a run measured. Memory in bytes, times in milliseconds, processor time in cores; figures that only Linux tells may be missing.

use std::time::Instant;

use serde::Serialize;

use super::{
    Plan,
    process::{Cores, Memory, Meter},
    tally::Tally,
};

#[derive(Debug, Serialize)]
pub struct Report {
    pub bench: &'static str,
    pub members: usize,
    pub channels: usize,
    pub subscriptions: usize,
    pub machine_cores: usize,
    /// Of the empty service.
    pub empty: Option<Memory>,
    pub join: Join,
    pub subscribe: Phase,
    pub rest: Phase,
    pub relay: Relay,
    pub returns: Returns,
    pub leave: Phase,
    /// The load generator's own memory, after all this.
    pub generator: Option<Memory>,
    pub heard: Tally,
    pub goals: Goals,
}

/// A stretch of a run.
#[derive(Debug, Default, Serialize)]
pub struct Phase {
    pub seconds: f64,
    pub cores: Option<Cores>,
    /// At its end.
    pub memory: Option<Memory>,
    /// PSS above the empty service's, for each member.
    pub bytes_a_member: Option<f64>,
    /// PSS once a second.
    pub pss: Vec<u64>,
    /// By how much the mean PSS of the last third is above that of the second, in percent; in the first, queues and caches find their size.
    pub growth_percent: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub struct Join {
    #[serde(flatten)]
    pub phase: Phase,
    pub per_second: f64,
    /// The fewest joins in any second that lies in the phase as a whole.
    pub slowest_second: Option<usize>,
    pub ms: Percentiles,
    /// The service's processor time for a connection, its upgrade and its join.
    pub service_cpu_us: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub struct Relay {
    #[serde(flatten)]
    pub phase: Phase,
    pub per_second: f64,
    pub lost: usize,
    /// From when a candidate was due to its arrival: both ways through the kernel, the service, and the generator's own delays.
    pub ms: Percentiles,
    /// The generator's own part of that which it can tell: how late it sent.
    pub sent_late_ms: Percentiles,
    pub service_cpu_us: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub struct Returns {
    #[serde(flatten)]
    pub phase: Phase,
    /// Joins, and as many leaves before them.
    pub per_second: f64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

/// What the service has to reach, and whether it did.
#[derive(Debug, Default, Serialize)]
pub struct Goals {
    pub members_10000_in_2000_channels: bool,
    pub joins_5000_a_second: bool,
    pub relay_20000_a_second_p99_20_ms: bool,
    pub memory_20_kb_a_member: Option<bool>,
    pub memory_flat: Option<bool>,
}

/// PSS may grow by this much from the second third of a phase to its last and still be called flat, in percent.
const FLAT: f64 = 2.0;

impl Phase {
    fn new(meter: &Meter, memory: Option<Memory>, pss: Vec<u64>, empty: Option<Memory>, members: usize) -> Self {
        let third = pss.len() / 3;
        let mean = |samples: &[u64]| samples.iter().sum::<u64>() as f64 / samples.len() as f64;
        let growth_percent = (third > 0).then(|| (mean(&pss[pss.len() - third..]) / mean(&pss[third..2 * third]) - 1.0) * 100.0);
        let bytes_a_member = memory.zip(empty).map(|(now, empty)| (now.pss as f64 - empty.pss as f64) / members as f64);
        Self { seconds: meter.elapsed().as_secs_f64(), cores: meter.cores(), memory, bytes_a_member, pss, growth_percent }
    }

    /// The service's processor time for each of `count` things, in microseconds.
    fn each_us(&self, count: usize) -> Option<f64> {
        Some(self.cores?.service * self.seconds * 1e6 / count as f64)
    }
}

impl Percentiles {
    fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied();
        Self { p50: at(0.5).unwrap_or_default(), p99: at(0.99).unwrap_or_default(), max: at(1.0).unwrap_or_default() }
    }
}

impl Report {
    pub fn new(plan: Plan, empty: Option<Memory>) -> Self {
        Self {
            bench: "service",
            members: plan.members(),
            channels: plan.channels,
            subscriptions: plan.subscriptions(),
            machine_cores: std::thread::available_parallelism().map_or(0, Into::into),
            empty,
            join: Join::default(),
            subscribe: Phase::default(),
            rest: Phase::default(),
            relay: Relay::default(),
            returns: Returns::default(),
            leave: Phase::default(),
            generator: None,
            heard: Tally::default(),
            goals: Goals::default(),
        }
    }

    pub fn on_filled(&mut self, meter: &Meter, began: Instant, tally: &Tally, memory: Option<Memory>) {
        let phase = self.phase(meter, memory, Vec::new());
        let seconds = tally.joins.last().map_or(0.0, |(_, last)| (*last - began).as_secs_f64());
        let mut each_second = vec![0; seconds as usize];
        for (_, at) in &tally.joins {
            if let Some(count) = each_second.get_mut((*at - began).as_secs() as usize) {
                *count += 1;
            }
        }
        self.join = Join {
            per_second: self.members as f64 / seconds,
            slowest_second: each_second.into_iter().min(),
            ms: Percentiles::of(tally.joins.iter().map(|(ms, _)| *ms)),
            service_cpu_us: phase.each_us(self.members),
            phase,
        };
    }

    pub fn on_subscribed(&mut self, meter: &Meter, memory: Option<Memory>) {
        self.subscribe = self.phase(meter, memory, Vec::new());
    }

    pub fn on_rested(&mut self, meter: &Meter, pss: Vec<u64>) {
        self.rest = self.phase(meter, None, pss);
    }

    pub fn on_relayed(&mut self, meter: &Meter, pss: Vec<u64>, tally: &Tally) {
        let phase = self.phase(meter, None, pss);
        self.relay = Relay {
            per_second: tally.candidates_received as f64 / phase.seconds,
            lost: tally.candidates_sent - tally.candidates_received,
            ms: Percentiles::of(tally.relays.iter().copied()),
            sent_late_ms: Percentiles::of(tally.lateness.iter().copied()),
            service_cpu_us: phase.each_us(tally.candidates_received),
            phase,
        };
    }

    pub fn on_returned(&mut self, meter: &Meter, pss: Vec<u64>, plan: Plan) {
        let phase = self.phase(meter, None, pss);
        self.returns = Returns { per_second: plan.returns as f64 / phase.seconds, phase };
    }

    pub fn on_left(&mut self, meter: &Meter, memory: Option<Memory>) {
        self.leave = self.phase(meter, memory, Vec::new());
    }

    pub fn finish(&mut self, heard: Tally, generator: Option<Memory>) {
        let most = |phases: &[&Phase]| phases.iter().filter_map(|phase| phase.growth_percent).reduce(f64::max);
        let memory = [&self.join.phase, &self.subscribe, &self.rest, &self.relay.phase, &self.returns.phase];
        self.goals = Goals {
            members_10000_in_2000_channels: self.members >= 10_000 && self.channels >= 2_000 && heard.joined >= self.members,
            joins_5000_a_second: self.join.per_second >= 5_000.0,
            relay_20000_a_second_p99_20_ms: self.relay.per_second >= 19_900.0 && self.relay.lost == 0 && self.relay.ms.p99 <= 20.0,
            memory_20_kb_a_member: memory.iter().filter_map(|phase| phase.bytes_a_member).reduce(f64::max).map(|most| most <= 20_000.0),
            memory_flat: most(&[&self.rest, &self.relay.phase, &self.returns.phase]).map(|growth| growth <= FLAT),
        };
        (self.heard, self.generator) = (heard, generator);
    }

    fn phase(&self, meter: &Meter, memory: Option<Memory>, pss: Vec<u64>) -> Phase {
        let at_the_end = memory.or(pss.last().map(|pss| Memory { pss: *pss, anonymous: 0 }));
        Phase::new(meter, at_the_end, pss, self.empty, self.members)
    }
}
