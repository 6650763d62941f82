//! The handle that applications hold.

use std::sync::Arc;
use std::time::Instant;

use signal::{AppId, ChannelName, Error, Fallback, Mode, Name, Role, StreamId, StreamType, Uid};
use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::{Command, Engine, Handles, Snapshot};
use crate::error;
use crate::{CallStats, Codec, Config, ConnectionState, Events, LocalStream, LowStream, RemoteStream, SubscribeOptions};

/// A user in at most one channel. Clones are the same client; dropping the last one leaves the channel.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: mpsc::Sender<Command>,
    snapshot: watch::Receiver<Snapshot>,
}

impl Client {
    /// Commands that wait for the engine; callers beyond wait themselves.
    const COMMANDS: usize = 64;

    /// A client of the channel service on this machine. Must be called inside a tokio runtime.
    pub fn new(mode: Mode, codec: Codec) -> (Self, Events) {
        Self::with_config(Config { mode, codec, ..Config::default() })
    }

    /// A client by `config`. Must be called inside a tokio runtime.
    pub fn with_config(config: Config) -> (Self, Events) {
        let (commands, command_queue) = mpsc::channel(Self::COMMANDS);
        let (event_sender, events) = mpsc::channel(Events::CAPACITY);
        let (snapshot_sender, snapshot) = watch::channel(Snapshot::default());
        let handles = Handles { commands: command_queue, events: event_sender, snapshot: snapshot_sender };
        tokio::spawn(Engine::new(config, handles).run());
        (Self { shared: Arc::new(Shared { commands, snapshot }) }, Events::new(events))
    }

    /// Sets the project for the next [`join`](Self::join): 32 hexadecimal characters.
    pub async fn init(&self, app_id: &str) -> Result<(), Error> {
        let app_id: AppId = app_id.parse().map_err(Error::from)?;
        self.send(Command::Init { app_id }).await
    }

    /// Enters a channel; answers the uid, which the service assigns when none is given. An empty token is none.
    pub async fn join(&self, token: Option<&str>, channel: &str, uid: Option<Uid>) -> Result<Uid, Error> {
        let channel: ChannelName = channel.parse().map_err(Error::from)?;
        let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
        self.ask(|reply| Command::Join { token, channel, uid, reply }).await
    }

    /// Sets the name that others read beside this user's uid; before [`join`](Self::join), or in the channel, where they hear of it. It is
    /// cleaned and cut to 64 characters ([`signal::Name::clean`]); an empty one takes it back.
    pub async fn set_name(&self, name: &str) -> Result<(), Error> {
        let name = Name::clean(name);
        self.ask(|reply| Command::SetName { name, reply }).await
    }

    /// Leaves the channel; a join under way is cut short. Whatever it answers, the channel is left.
    pub async fn leave(&self) -> Result<(), Error> {
        self.ask(|reply| Command::Leave { reply }).await
    }

    /// Offers a stream to the channel; answers when the service has confirmed it.
    pub async fn publish(&self, stream: &LocalStream) -> Result<(), Error> {
        let stream = stream.outgoing();
        self.ask(|reply| Command::Publish { stream, reply }).await
    }

    /// Takes a stream back; its devices stay open.
    pub async fn unpublish(&self, stream: &LocalStream) -> Result<(), Error> {
        let stream = stream.outgoing();
        self.ask(|reply| Command::Unpublish { stream, reply }).await
    }

    /// Asks for a stream of somebody else, or for other tracks of one that is subscribed already; answers when its media flows.
    /// [`PEERCONNECTION_FAILED`](signal::Code::PeerConnectionFailed) says that no media came for a while; the client goes on
    /// trying until [`unsubscribe`](Self::unsubscribe), and `StreamSubscribed` tells when it succeeds.
    pub async fn subscribe(&self, stream: &StreamId, options: SubscribeOptions) -> Result<(), Error> {
        let stream = stream.clone();
        self.ask(|reply| Command::Subscribe { stream, options, reply }).await
    }

    pub async fn unsubscribe(&self, stream: &StreamId) -> Result<(), Error> {
        let stream = stream.clone();
        self.ask(|reply| Command::Unsubscribe { stream, reply }).await
    }

    /// Offers a small picture of what is published besides, for subscribers who want it or cannot take more: `enableDualStream`.
    pub async fn enable_dual_stream(&self) -> Result<(), Error> {
        self.ask(|reply| Command::SetDualStream { on: true, reply }).await
    }

    /// Offers the one picture again, which everyone gets.
    pub async fn disable_dual_stream(&self) -> Result<(), Error> {
        self.ask(|reply| Command::SetDualStream { on: false, reply }).await
    }

    /// What the small picture is like; after [`join`](Self::join), before [`publish`](Self::publish).
    pub async fn set_low_stream_parameter(&self, low: LowStream) -> Result<(), Error> {
        self.ask(|reply| Command::SetLowStream { low, reply }).await
    }

    /// Which picture of a subscribed stream is wanted; the large one else. `StreamTypeChanged` tells when another comes. A publisher
    /// without dual stream sends the one it has.
    pub async fn set_remote_video_stream_type(&self, stream: &StreamId, stream_type: StreamType) -> Result<(), Error> {
        let stream = stream.clone();
        self.ask(|reply| Command::Want { stream, stream_type: Some(stream_type), fallback: None, reply }).await
    }

    /// What may come of a subscribed stream when the network does not carry more; the small picture else. `StreamTypeChanged` and
    /// `StreamFallback` tell what does.
    pub async fn set_stream_fallback_option(&self, stream: &StreamId, fallback: Fallback) -> Result<(), Error> {
        let stream = stream.clone();
        self.ask(|reply| Command::Want { stream, stream_type: None, fallback: Some(fallback), reply }).await
    }

    /// In `live` mode, where everyone enters as audience: becomes a host, or an audience member, whose streams are taken back.
    /// Publishing makes a host as well, and the last unpublish an audience member. `ClientRoleChanged` tells of every change.
    pub async fn set_client_role(&self, role: Role) -> Result<(), Error> {
        self.ask(|reply| Command::SetRole { role, reply }).await
    }

    /// From now on [`VolumeIndicator`](crate::Event::VolumeIndicator) tells every 2 s how loud everybody is.
    pub async fn enable_audio_volume_indicator(&self) -> Result<(), Error> {
        self.send(Command::IndicateVolume).await
    }

    /// Stays in the channel by another token, which has to be for the same App ID, channel and uid. If it is refused, the one before
    /// stays in force. While the service is away this waits for its return.
    pub async fn renew_token(&self, token: &str) -> Result<(), Error> {
        let token = token.to_owned();
        self.ask(|reply| Command::RenewToken { token, reply }).await
    }

    /// Plays the remote streams at another speaker: an id of [`media::playback::speakers`], `"default"` or `"none"`. Nothing is missed, and
    /// if it does not open, the one before stays. One that is lost later is waited for, at the default speaker.
    pub async fn set_speaker(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        self.ask(|reply| Command::SetSpeaker { id, reply }).await
    }

    /// Plays a short chime at a speaker, the call's or another; answers when it was heard out.
    pub async fn test_speaker(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        self.ask(|reply| Command::TestSpeaker { id, reply }).await
    }

    pub fn connection_state(&self) -> ConnectionState {
        self.shared.snapshot.borrow().state
    }

    /// This user's id in the channel.
    pub fn uid(&self) -> Option<Uid> {
        self.shared.snapshot.borrow().uid.clone()
    }

    /// The subscribed streams, connected or not.
    pub fn streams(&self) -> Vec<RemoteStream> {
        self.shared.snapshot.borrow().remote.clone()
    }

    /// Everything an overlay or a report shows, at this moment.
    pub fn stats(&self) -> CallStats {
        let snapshot = self.shared.snapshot.borrow().clone();
        CallStats::collect(&snapshot, Instant::now())
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        self.shared.commands.send(command).await.map_err(|_| error::engine_gone())
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.unwrap_or_else(|_| Err(error::engine_gone()))
    }
}
