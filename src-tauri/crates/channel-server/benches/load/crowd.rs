//! All members on one thread and one poll: what each does is little, and a task or a thread a member would cost more than the member.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use serde_json::{Value, json};
use signal::{Event, Incoming};

use super::{
    Failure, Plan,
    member::{Member, Route, Stage},
    pacer::Pacer,
    tally::{Kind, Tally},
    wire::{self, Frame},
};

/// Nothing has come for so long though something is due: the service hangs, or has lost it.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Crowd {
    pub tally: Tally,
    plan: Plan,
    address: SocketAddr,
    members: Vec<Member>,
    poll: Poll,
    events: Events,
    /// Each member's sign of life in its turn.
    pings: Pacer,
    /// The zero of the times that candidates carry.
    epoch: Instant,
    sdp: String,
    input: Vec<u8>,
    chunk: Vec<u8>,
    output: Vec<u8>,
}

impl Crowd {
    pub fn new(plan: Plan, address: SocketAddr) -> Result<Self, Failure> {
        let now = Instant::now();
        let interval = Duration::from_millis(signal::PING_INTERVAL_MS);
        Ok(Self {
            tally: Tally::default(),
            plan,
            address,
            members: (0..plan.members()).map(|_| Member::absent(now)).collect(),
            poll: Poll::new()?,
            events: Events::with_capacity(256),
            pings: Pacer::new(plan.members() as f64 / interval.as_secs_f64(), now),
            epoch: now,
            sdp: "v".repeat(plan.sdp_bytes),
            input: Vec::new(),
            chunk: vec![0; 64 * 1024],
            output: Vec::new(),
        })
    }

    /// The members in the order of their coming: the first of every channel, then the second of every channel.
    fn index(&self, channel: usize, seat: usize) -> usize {
        seat * self.plan.channels + channel
    }

    /// Starts `total` things by `begin`, at most `in_flight` at once, until as many have shown up in `done`.
    pub fn work(
        &mut self,
        total: usize,
        mut begin: impl FnMut(&mut Self, usize) -> Result<(), Failure>,
        done: impl Fn(&Tally) -> usize,
    ) -> Result<(), Failure> {
        let (before, mut begun, mut seen, mut progress) = (done(&self.tally), 0, 0, Instant::now());
        while seen < total {
            while begun < total && begun - seen < self.plan.in_flight {
                begin(self, begun)?;
                begun += 1;
            }
            self.turn(Instant::now() + Duration::from_millis(10))?;
            let now_seen = done(&self.tally) - before;
            if now_seen > seen {
                (seen, progress) = (now_seen, Instant::now());
            } else if progress.elapsed() > PATIENCE {
                return Err(Failure::Stalled { seen, total });
            }
        }
        Ok(())
    }

    /// absent -> connecting
    pub fn connect(&mut self, index: usize) -> Result<(), Failure> {
        let mut socket = TcpStream::connect(self.address)?;
        self.poll.registry().register(&mut socket, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        self.members[index].connect(socket, Instant::now());
        Ok(())
    }

    /// Publishes a member's camera.
    pub fn publish(&mut self, index: usize) -> Result<(), Failure> {
        let stream = json!({"id": {"uid": index + 1}, "audio": true, "video": true});
        self.ask(index, Kind::Publish, "publish", json!({"stream": stream}))
    }

    /// Starts the `nth` subscription: all to all in each channel, the channels in turn.
    pub fn subscribe(&mut self, nth: usize) -> Result<(), Failure> {
        let (channel, pair) = (nth % self.plan.channels, nth / self.plan.channels);
        let (subscriber, other) = (pair / (self.plan.seats - 1), pair % (self.plan.seats - 1));
        let publisher = if other < subscriber { other } else { other + 1 };
        let subscription = format!("{channel:016x}{subscriber:08x}{publisher:08x}");
        let (from, to) = (self.index(channel, subscriber), self.index(channel, publisher));
        for end in [from, to] {
            self.members[end].routes.push(Route { subscription: subscription.clone(), sent: 0, received: 0 });
        }
        let fields = json!({"subscription": subscription, "stream": {"uid": to + 1}, "offer": self.sdp});
        self.ask(from, Kind::Subscribe, "subscribe", fields)
    }

    /// here -> leaving
    pub fn leave(&mut self, index: usize) -> Result<(), Failure> {
        let leave = json!({"id": Kind::Leave as u32, "op": "leave"}).to_string();
        self.members[index].leave(&leave)
    }

    /// Does nothing but live on.
    pub fn rest(&mut self, until: Instant) -> Result<(), Failure> {
        while Instant::now() < until {
            self.turn(until)?;
        }
        Ok(())
    }

    /// Sends candidates over all subscriptions, both ways, evenly in time, and waits for the last to arrive.
    pub fn relay(&mut self, per_second: usize, time: Duration) -> Result<(), Failure> {
        let total = (per_second as f64 * time.as_secs_f64()) as usize;
        let mut pacer = Pacer::new(per_second as f64, Instant::now());
        for nth in 0..total {
            let due = pacer.next();
            while Instant::now() < due {
                self.turn(due)?;
            }
            pacer.advance();
            self.send_candidate(nth, due)?;
            // A generator that has fallen behind still has to read.
            if nth % 64 == 0 {
                self.turn(due)?;
            }
        }
        let last = Instant::now() + PATIENCE;
        while self.tally.candidates_received < self.tally.candidates_sent && Instant::now() < last {
            self.turn(Instant::now() + Duration::from_millis(10))?;
        }
        Ok(())
    }

    fn send_candidate(&mut self, nth: usize, due: Instant) -> Result<(), Failure> {
        let index = nth % self.members.len();
        let member = &mut self.members[index];
        let count = member.routes.len().max(1);
        let Some(route) = member.routes.get_mut((nth / self.plan.members()) % count) else { return Ok(()) };
        route.sent += 1;
        let stamp = (due - self.epoch).as_nanos();
        let text = format!(
            r#"{{"id":{},"op":"candidate","subscription":"{}","candidate":{{"candidate":"candidate:{} 1 udp 2122260223 192.168.1.23 54321 typ host ufrag {stamp} end","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}}}}"#,
            Kind::Candidate as u32,
            route.subscription,
            route.sent,
        );
        self.tally.candidates_sent += 1;
        self.tally.lateness.push(due.elapsed().as_secs_f64() * 1000.0);
        self.send(index, &text)
    }

    fn ask(&mut self, index: usize, kind: Kind, op: &str, mut fields: Value) -> Result<(), Failure> {
        fields["id"] = (kind as u32).into();
        fields["op"] = op.into();
        self.send(index, &fields.to_string())
    }

    fn send(&mut self, index: usize, text: &str) -> Result<(), Failure> {
        self.output.clear();
        wire::put_text(text, &mut self.output);
        self.members[index].write(&self.output)
    }

    /// Waits for what comes until `until` at most, and takes it in. Signs of life go out when they are due.
    fn turn(&mut self, until: Instant) -> Result<(), Failure> {
        let now = Instant::now();
        while self.pings.next() <= now {
            let index = self.pings.advance() % self.members.len();
            if self.members[index].stage == Stage::Here {
                self.ask(index, Kind::Ping, "ping", json!({}))?;
            }
        }
        let wait = until.min(self.pings.next()).saturating_duration_since(now);
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(1));
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            self.on_event(event.token().0, event.is_read_closed())?;
        }
        self.events = events;
        Ok(())
    }

    fn on_event(&mut self, index: usize, ends: bool) -> Result<(), Failure> {
        let member = &mut self.members[index];
        match member.stage {
            Stage::Absent => return Ok(()),
            // connecting -> connected -> upgrading
            Stage::Connecting => {
                if member.is_connected()? {
                    member.stage = Stage::Upgrading;
                    member.write(wire::upgrade().as_bytes())?;
                }
                return Ok(());
            }
            _ => {}
        }
        let mut input = std::mem::take(&mut self.input);
        let open = member.read(&mut input, &mut self.chunk, ends)?;
        let taken = self.take_all(index, &input)?;
        if taken < input.len() {
            self.members[index].keep(&input[taken..]);
        }
        input.clear();
        self.input = input;
        if !open {
            self.on_end(index)?;
        }
        Ok(())
    }

    fn on_end(&mut self, index: usize) -> Result<(), Failure> {
        if self.members[index].stage != Stage::Leaving {
            return Err(Failure::Unexpected(format!("member {index} lost its connection")));
        }
        // leaving -> closed -> absent
        self.members[index].disappear();
        self.tally.left += 1;
        Ok(())
    }

    /// Takes in whole frames; how many bytes they were.
    fn take_all(&mut self, index: usize, input: &[u8]) -> Result<usize, Failure> {
        let mut taken = 0;
        if self.members[index].stage == Stage::Upgrading {
            let Some(length) = wire::take_upgrade(input)? else { return Ok(0) };
            taken = length;
            // upgrading -> open -> joining
            self.members[index].stage = Stage::Joining;
            let channel = format!("channel {}", index % self.plan.channels);
            let fields =
                json!({"version": signal::VERSION, "app_id": channel_server::DEFAULT_APP_ID, "channel": channel, "uid": index + 1});
            self.ask(index, Kind::Join, "join", fields)?;
        }
        while let Some((frame, length)) = wire::take(&input[taken..])? {
            taken += length;
            match frame {
                Frame::Text(text) => self.on_text(index, text)?,
                Frame::Close if self.members[index].stage == Stage::Leaving => {}
                Frame::Close => return Err(Failure::Unexpected(format!("member {index} was closed"))),
                Frame::Other => {}
            }
        }
        Ok(taken)
    }

    fn on_text(&mut self, index: usize, text: &str) -> Result<(), Failure> {
        // The two kinds of messages that come by the thousand are taken apart by hand.
        if let Some(id) = text.strip_prefix(r#"{"id":"#).and_then(|rest| rest.strip_suffix(r#","ok":{}}"#)) {
            self.tally.on_done(id.parse().map_err(|_| Failure::Unexpected(text.into()))?);
            return Ok(());
        }
        if text.contains(r#""event":"candidate""#) {
            return self.on_candidate(index, text);
        }
        let message = serde_json::from_str(text).map_err(|_| Failure::Unexpected(text.into()))?;
        let member = &mut self.members[index];
        if let Incoming::Event(Event::Subscribe { subscription, .. }) = &message {
            let fields = json!({"subscription": subscription, "answer": self.sdp});
            return self.ask(index, Kind::Answer, "answer", fields);
        }
        self.tally.on_message(message)?;
        if member.stage == Stage::Joining {
            // joining -> joined -> here
            member.stage = Stage::Here;
            let now = Instant::now();
            self.tally.joined += 1;
            self.tally.joins.push(((now - member.began).as_secs_f64() * 1000.0, now));
        }
        Ok(())
    }

    fn on_candidate(&mut self, index: usize, text: &str) -> Result<(), Failure> {
        let between = |before: &str, after: char| text.split_once(before).and_then(|(_, rest)| rest.split(after).next());
        let subscription = between(r#""subscription":""#, '"').unwrap_or_default();
        let number = between("\"candidate:", ' ').and_then(|number| number.parse::<u64>().ok());
        let stamp = between("ufrag ", ' ').and_then(|stamp| stamp.parse().ok()).map(Duration::from_nanos);
        let route = self.members[index].routes.iter_mut().find(|route| route.subscription == subscription);
        let (Some(route), Some(number), Some(stamp)) = (route, number, stamp) else { return Err(Failure::Unexpected(text.into())) };
        route.received += 1;
        self.tally.candidates_received += 1;
        self.tally.candidates_out_of_order += usize::from(number != route.received);
        self.tally.relays.push((self.epoch.elapsed().saturating_sub(stamp)).as_secs_f64() * 1000.0);
        Ok(())
    }
}
