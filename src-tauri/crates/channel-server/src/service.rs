//! All channels of a service, and who may enter them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use signal::{AppId, ChannelName, Code, Error, Mode, SessionKey, Uid};
use tokio::sync::watch;

use crate::{
    Config, admission, ban,
    channel::{ConnectionId, Join},
    gate::Gate,
    live::{Key, Live},
    metrics::Metrics,
    outbox::Outbox,
    request,
    turn::Handout,
};

/// Lock order: the map of channels, then a channel. A channel is created, entered and dropped under the map's lock, so nobody enters
/// one that is just being dropped.
pub struct Service {
    pub config: Config,
    pub gate: Arc<Gate>,
    pub metrics: Metrics,
    handout: Handout,
    channels: Mutex<HashMap<Key, Arc<Live>>>,
    bans: Mutex<ban::List>,
    next_connection: AtomicU64,
    connections: watch::Sender<usize>,
}

/// Where a service is in its life; it only moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// Nobody enters any more.
    Draining,
    /// Connections are closed.
    Stopping,
}

/// `signal::Command::Join` with its request's id, and where it came from.
pub struct JoinRequest {
    pub id: u32,
    pub peer: IpAddr,
    pub version: u16,
    pub app_id: AppId,
    pub channel: ChannelName,
    pub token: Option<String>,
    pub uid: Option<Uid>,
    pub mode: Mode,
    pub session: Option<SessionKey>,
}

/// Counts a connection for as long as it exists.
pub struct Counted(Arc<Service>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.send_modify(|count| *count -= 1);
    }
}

impl Service {
    pub fn new(config: Config) -> Self {
        Self {
            gate: Arc::new(Gate::new(&config)),
            metrics: Metrics::default(),
            handout: Handout::new(&config),
            bans: Mutex::new(ban::List::new(config.limits.bans)),
            config,
            channels: Mutex::default(),
            next_connection: AtomicU64::new(1),
            connections: watch::Sender::new(0),
        }
    }

    pub fn count_connection(self: &Arc<Self>) -> (ConnectionId, Counted) {
        self.connections.send_modify(|count| *count += 1);
        (ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed)), Counted(self.clone()))
    }

    /// Completes when no connection is left.
    pub async fn deserted(&self) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.connections.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Answers a join. The channel, if it was entered.
    pub fn join(&self, outbox: &Outbox, request: JoinRequest, now: Instant) -> Option<Arc<Live>> {
        let id = request.id;
        let key = (request.app_id.clone(), request.channel.clone());
        let entered = match self.admit(outbox.id(), request, now) {
            Ok(join) => self.enter(&key, outbox, join, now),
            Err(error) => {
                let code = error.code;
                outbox.reply(id, Err(error));
                Err(code)
            }
        };
        self.metrics.joined(entered.as_ref().map(|_| ()).map_err(|code| *code));
        match entered {
            Ok((live, uid)) => {
                tracing::info!(channel = %key.1, %uid, connection = outbox.id().0, "joined");
                Some(live)
            }
            Err(code) => {
                tracing::info!(channel = %key.1, %code, "join refused");
                None
            }
        }
    }

    /// Enters the channel, a new one if need be. The code of the answer if not.
    fn enter(&self, key: &Key, outbox: &Outbox, join: Join, now: Instant) -> Result<(Arc<Live>, Uid), Code> {
        let mut channels = self.lock();
        let live = match channels.get(key) {
            Some(live) => live.clone(),
            None if channels.len() >= self.config.limits.channels => {
                let code = Code::ServiceTooHeavy;
                outbox.reply(join.id, Err(Error::new(code, "The service holds as many channels as it may; try again later.")));
                return Err(code);
            }
            None => {
                let live = Arc::new(Live::new(key.clone(), &self.config));
                channels.insert(key.clone(), live.clone());
                live
            }
        };
        let entered = live.join(outbox, join, now);
        if entered.is_err() && live.is_empty() {
            channels.remove(key);
        }
        entered.map(|uid| (live, uid))
    }

    /// Puts a rule in force at once: those it names lose what it takes from them. Nobody it names joins or publishes until it ends.
    #[allow(dead_code, reason = "the HTTP side is on its way")]
    pub fn ban(&self, rule: ban::Rule, now: Instant) -> Result<ban::Effect, Error> {
        let id = self.lock_bans().add(rule, now)?;
        Ok(ban::Effect { id, members: 0 })
    }

    /// Ends a rule of a project early. Whether there was one.
    #[allow(dead_code, reason = "the HTTP side is on its way")]
    pub fn unban(&self, app_id: &AppId, id: u64) -> bool {
        self.lock_bans().remove(app_id, id)
    }

    /// A project's rules in force.
    #[allow(dead_code, reason = "the HTTP side is on its way")]
    pub fn bans(&self, app_id: &AppId, now: Instant) -> Vec<ban::Standing> {
        self.lock_bans().of(app_id, now)
    }

    /// What the channel need not know of: version, project and token.
    fn admit(&self, connection: ConnectionId, request: JoinRequest, now: Instant) -> Result<Join, Error> {
        request::check_version(request.version.into())?;
        let claim = admission::Claim {
            app_id: &request.app_id,
            channel: &request.channel,
            uid: request.uid.as_ref(),
            token: request.token.as_deref(),
        };
        let now_unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let grant = admission::admit(&self.config.projects, claim, now_unix)?;
        let subject = ban::Subject { app_id: &request.app_id, channel: &request.channel, uid: request.uid.as_ref(), ip: request.peer };
        if let Some(ban) = self.lock_bans().verdict(&subject, now).join {
            return Err(ban.refusal(now));
        }
        Ok(Join {
            connection,
            id: request.id,
            uid: request.uid,
            mode: request.mode,
            session: request.session,
            grant,
            ice: self.handout.at(now_unix),
            fresh_session: format!("{:032x}", rand::random::<u128>()).parse().expect("32 hexadecimal digits are a key"),
            fresh_uid: rand::random(),
        })
    }

    /// Removes a channel that the last one has left.
    pub fn drop_if_empty(&self, live: &Live) {
        let mut channels = self.lock();
        if live.is_empty() && channels.get(live.key()).is_some_and(|known| std::ptr::eq(&**known, live)) {
            channels.remove(live.key());
        }
    }

    /// Lets time pass in every channel.
    pub fn tick(&self, now: Instant) {
        let all: Vec<Arc<Live>> = self.lock().values().cloned().collect();
        for live in &all {
            live.tick(now);
        }
        self.lock().retain(|_, live| !live.is_empty());
    }

    fn lock_bans(&self) -> MutexGuard<'_, ban::List> {
        self.bans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// WebSockets that are open.
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Channels, and members of all of them.
    pub fn count(&self) -> (usize, usize) {
        let all: Vec<Arc<Live>> = self.lock().values().cloned().collect();
        (all.len(), all.iter().map(|live| live.members()).sum())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Live>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
