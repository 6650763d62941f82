//! A channel service on a free port, in this process.

use std::net::SocketAddr;

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A running service; dropping it stops it.
pub struct Service {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts a service with the default project on a free loopback port.
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// Starts a service with this configuration on a free loopback port.
    pub async fn start_with(config: channel_server::Config) -> Self {
        Self::run("127.0.0.1:0".parse().expect("an address"), config).await
    }

    /// Starts a service at an address.
    ///
    /// # Panics
    /// If the address is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::run(address, channel_server::Config::default()).await
    }

    async fn run(address: SocketAddr, config: channel_server::Config) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = channel_server::serve(listener, config, async move {
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move { serving.await.expect("the service serves") });
        Self { address, stop: Some(stop), task: Some(task) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that clients take.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops the service and waits until its port is free.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            task.await.expect("the service ends cleanly");
        }
    }
}
