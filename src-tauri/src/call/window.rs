//! The handle to a window's call.

use std::{path::PathBuf, sync::Arc};

use channel_server::projects::Projects;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    input::{Input, Ticket},
    output::Answer,
    task::Task,
};
use crate::{
    devices::Catalogue,
    events::PageEvent,
    frames::Streams,
    nearby::NearbyCall,
    service::Place,
    settings::Settings,
    signal::{Code, Error},
    stats::CallStats,
    types::CallState,
};

/// Where events go; false when the page is gone.
pub type Page = Box<dyn Fn(PageEvent) -> bool + Send>;

/// How many orders may wait for the task.
const QUEUE: usize = 64;

/// What a window needs from the app.
#[derive(Clone)]
pub struct Setup {
    /// The only authorities to trust for TLS, if not the system's.
    pub ca: Option<PathBuf>,
    /// The channel service's address, and whether it is there.
    pub place: watch::Receiver<Place>,
    /// The speaker that was chosen since the start, or with it; none: the one that the settings have, if it is there.
    pub speaker: Option<String>,
    pub catalogue: Catalogue,
    /// Changes whenever the projects do.
    pub projects: watch::Receiver<Arc<Projects>>,
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Changes whenever other calls are near.
    pub nearby: watch::Receiver<Arc<Vec<NearbyCall>>>,
    /// Hears what the pages are told, whether there is a page or not. It must not wait.
    pub onlooker: Arc<dyn Fn(&PageEvent) + Send + Sync>,
}

/// What the handle asks of the task.
pub enum Order {
    Command {
        input: Box<dyn FnOnce(Ticket) -> Input + Send>,
        reply: oneshot::Sender<Result<Answer, Error>>,
    },
    State(oneshot::Sender<CallState>),
    Stats(oneshot::Sender<CallStats>),
    Volume {
        stream: String,
        volume: u8,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    Name {
        name: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    Speaker {
        id: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    TestSpeaker {
        id: Option<String>,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    Renew {
        token: String,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Events go here, too, in the place of the page of the same label.
    Page {
        label: String,
        page: Page,
    },
    /// Answered with whether any page heard it.
    Tell {
        event: Box<PageEvent>,
        reply: oneshot::Sender<bool>,
    },
}

/// The handle. Dropping it leaves the call.
pub struct Window {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Window {
    /// Starts a window's task. Must be called inside a tokio runtime.
    pub fn start(setup: Setup, streams: Streams) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        let task = tokio::spawn(Task::new(setup, streams).run(queue));
        Self { orders, task }
    }

    /// Gives the machine an input and waits for its answer.
    pub async fn command(&self, input: impl FnOnce(Ticket) -> Input + Send + 'static) -> Result<Answer, Error> {
        self.ask(|reply| Order::Command { input: Box::new(input), reply }).await?
    }

    pub async fn state(&self) -> Result<CallState, Error> {
        self.ask(Order::State).await
    }

    pub async fn stats(&self) -> Result<CallStats, Error> {
        self.ask(Order::Stats).await
    }

    /// Sets how loud a remote stream is played, 0 to 100.
    pub async fn set_volume(&self, stream: String, volume: u8) -> Result<(), Error> {
        self.ask(|reply| Order::Volume { stream, volume, reply }).await?
    }

    /// Goes on by another token; answers when the service has taken it.
    pub async fn renew_token(&self, token: String) -> Result<(), Error> {
        self.ask(|reply| Order::Renew { token, reply }).await?
    }

    /// Goes by another name in the call; answers when the service has taken it.
    pub async fn set_name(&self, name: String) -> Result<(), Error> {
        self.ask(|reply| Order::Name { name, reply }).await?
    }

    /// Plays this and later calls at another speaker; if it does not open, at the one before.
    pub async fn set_speaker(&self, id: String) -> Result<(), Error> {
        self.ask(|reply| Order::Speaker { id, reply }).await?
    }

    /// Plays a chime there, or at this window's speaker; answers when it was heard out.
    pub async fn test_speaker(&self, id: Option<String>) -> Result<(), Error> {
        self.ask(|reply| Order::TestSpeaker { id, reply }).await?
    }

    /// Sends events here from now on, the state first; a page of the same label hears no more.
    pub async fn set_page(&self, label: &str, page: Page) -> Result<(), Error> {
        self.orders.send(Order::Page { label: label.to_owned(), page }).await.map_err(|_| closing())
    }

    /// Tells the pages something that does not come from the call. Whether any heard it.
    pub async fn tell(&self, event: PageEvent) -> bool {
        self.ask(|reply| Order::Tell { event: Box::new(event), reply }).await.unwrap_or(false)
    }

    /// Leaves the call, stops the devices, and waits for both.
    pub async fn close(self) {
        drop(self.orders);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a window's task failed");
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| closing())?;
        answer.await.map_err(|_| closing())
    }
}

fn closing() -> Error {
    Error::new(Code::RequestAbort, "The window is closing.")
}
