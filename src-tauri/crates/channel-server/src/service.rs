//! All channels of a service, and who may enter them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use signal::{AppId, ChannelName, Code, Error, Mode, Name, SessionKey, Uid};
use tokio::sync::watch;

use crate::{
    Config, admission, ban,
    channel::{ConnectionId, Join},
    clock,
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
    pub name: Option<Name>,
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

    /// Completes when time matters to somebody: there is a connection, or a channel that one may come back to.
    pub async fn inhabited(&self) {
        if self.lock().is_empty() {
            // The sender is `self`, so waiting cannot fail.
            let _ = self.connections.subscribe().wait_for(|count| *count > 0).await;
        }
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
    fn enter(&self, key: &Key, outbox: &Outbox, mut join: Join, now: Instant) -> Result<(Arc<Live>, Uid), Code> {
        let mut channels = self.lock();
        // Under the lock of the channels: a rule that is being made sees this member, or this join sees the rule.
        if let Err(error) = self.judge(key, &mut join, now) {
            let code = error.code;
            outbox.reply(join.id, Err(error));
            return Err(code);
        }
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

    /// What the operator's rules leave of a join, now that nobody can change them before it is done.
    fn judge(&self, (app_id, channel): &Key, join: &mut Join, now: Instant) -> Result<(), Error> {
        admission::project(&self.config.projects.current(), app_id)?;
        let subject = ban::Subject { app_id, channel, uid: join.uid.as_ref(), ip: join.peer };
        let verdict = self.lock_bans().verdict(&subject, now);
        if let Some(ban) = verdict.join {
            return Err(ban.refusal(now));
        }
        join.grant = join.grant.under(verdict);
        Ok(())
    }

    /// Puts a rule in force at once: those it names lose what it takes from them. Nobody it names joins or publishes until it ends.
    pub fn ban(&self, rule: ban::Rule, now: Instant) -> Result<ban::Effect, Error> {
        let id = self.lock_bans().add(rule.clone(), now)?;
        let rule = rule.canonical();
        let members = self.lives_of(&rule.target).iter().map(|live| self.judge_all(live, Some(&rule), now)).sum();
        tracing::info!(app_id = %rule.target.app_id, id, members, seconds = rule.duration.as_secs(), "rule made");
        Ok(ban::Effect { id, members })
    }

    /// Ends a rule of a project early. Whether there was one.
    pub fn unban(&self, app_id: &AppId, id: u64, now: Instant) -> bool {
        let Some(ended) = self.lock_bans().remove(app_id, id) else { return false };
        for live in self.lives_of(&ended.target) {
            self.judge_all(&live, None, now);
        }
        true
    }

    /// A project's rules in force.
    pub fn bans(&self, app_id: &AppId, now: Instant) -> Vec<ban::Standing> {
        self.lock_bans().of(app_id, now)
    }

    /// The channels that a rule may be about.
    fn lives_of(&self, target: &ban::Target) -> Vec<Arc<Live>> {
        let channels = self.lock();
        let named = channels
            .iter()
            .filter(|((app_id, channel), _)| *app_id == target.app_id && target.channel.as_ref().is_none_or(|named| named == channel));
        named.map(|(_, live)| live.clone()).collect()
    }

    /// Puts the rules into effect in a channel, and one that may be over already: a kick. How many that one names.
    fn judge_all(&self, live: &Live, newest: Option<&ban::Rule>, now: Instant) -> usize {
        let (app_id, channel) = live.key();
        let mut named = 0;
        live.judge(now, |uid, ip| {
            let subject = ban::Subject { app_id, channel, uid: Some(uid), ip };
            let mut verdict = self.lock_bans().verdict(&subject, now);
            if let Some(rule) = newest.filter(|rule| rule.target.names(&subject)) {
                verdict.add(rule, now + rule.duration);
                named += 1;
            }
            verdict
        });
        named
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
        let moment = clock::moment(now);
        let grant = admission::admit(&self.config.projects.current(), claim, moment)?;
        Ok(Join {
            connection,
            id: request.id,
            peer: request.peer,
            uid: request.uid,
            mode: request.mode,
            session: request.session,
            name: request.name,
            grant,
            ice: self.handout.at(moment.wall.as_secs()),
            fresh_session: format!("{:032x}", rand::random::<u128>()).parse().expect("32 hexadecimal digits are a key"),
            fresh_uid: rand::random(),
        })
    }

    /// Checks a renewed token like that of a join, for the member it has to be for, and answers it. Whether the connection is still in
    /// the channel.
    pub fn renew(&self, live: &Live, connection: ConnectionId, id: u32, token: &str, now: Instant) -> bool {
        let (app_id, channel) = live.key();
        let grant = match live.member(connection) {
            Some(uid) => {
                let claim = admission::Claim { app_id, channel, uid: Some(&uid), token: Some(token) };
                admission::admit(&self.config.projects.current(), claim, clock::moment(now))
            }
            None => Err(Error::new(Code::InvalidOperation, "This connection is in no channel; join first.")),
        };
        if let Err(error) = &grant {
            tracing::info!(%channel, code = %error.code, "renewal refused");
        }
        live.renew(connection, id, grant, now)
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

    /// Hands everyone servers with credentials as of `now_unix` seconds since the epoch.
    pub fn renew_servers(&self, now_unix: u64) {
        let handout = self.handout.at(now_unix);
        let all: Vec<Arc<Live>> = self.lock().values().cloned().collect();
        for live in &all {
            live.renew_servers(&handout);
        }
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

    /// The channels and how many are in each.
    pub fn occupied(&self) -> Vec<(Key, usize)> {
        let all: Vec<Arc<Live>> = self.lock().values().cloned().collect();
        all.iter().map(|live| (live.key().clone(), live.members())).collect()
    }

    /// Removes everyone whose project is no longer there or no longer enabled.
    pub fn dismiss_outcast(&self, now: Instant) {
        let projects = self.config.projects.current();
        let all: Vec<Arc<Live>> = self.lock().values().cloned().collect();
        for live in all {
            if let Err(error) = admission::project(&projects, &live.key().0) {
                live.dismiss(error, now);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Live>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
