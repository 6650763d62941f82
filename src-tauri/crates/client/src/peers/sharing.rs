//! Two connections to one user, the camera's and the screen's, and what each may send of what their path carries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal::Uid;
use tokio::time::{Interval, interval};
use transport::{Publisher, Sharing};

/// How often the shares are looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// The connections that carry the camera, by the user at their other end.
#[derive(Clone, Debug, Default)]
pub(super) struct Cameras(Arc<Mutex<HashMap<Uid, Camera>>>);

#[derive(Clone, Debug)]
struct Camera {
    publisher: Arc<Publisher>,
    max_bps: u32,
}

impl Cameras {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, Camera>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, user: Uid, publisher: Arc<Publisher>, max_bps: u32) {
        self.lock().insert(user, Camera { publisher, max_bps });
    }

    /// Forgets that connection; one that has taken its place stays.
    pub fn remove(&self, user: &Uid, publisher: &Arc<Publisher>) {
        let mut cameras = self.lock();
        if cameras.get(user).is_some_and(|camera| Arc::ptr_eq(&camera.publisher, publisher)) {
            cameras.remove(user);
        }
    }
}

/// A screen's connection beside the camera's to the same user. Dropping it gives the camera all again.
pub(super) struct Beside {
    cameras: Cameras,
    user: Uid,
    max_bps: u32,
    camera: Option<(Camera, Sharing)>,
    looks: Interval,
}

impl Beside {
    /// For a screen's connection that may send `max_bps`. Inside a tokio runtime only.
    pub fn new(cameras: Cameras, user: Uid, max_bps: u32) -> Self {
        Self { cameras, user, max_bps, camera: None, looks: interval(INTERVAL) }
    }

    /// Bounds the camera's connection, if there is one, by what both are given now.
    pub fn share(&mut self, screen: &Publisher) {
        let camera = self.cameras.lock().get(&self.user).cloned();
        let known = self.camera.take().filter(|(known, _)| camera.as_ref().is_some_and(|it| Arc::ptr_eq(&it.publisher, &known.publisher)));
        self.camera = known.or_else(|| camera.map(|camera| (camera.clone(), Sharing::new(camera.max_bps, self.max_bps))));
        if let Some((camera, sharing)) = &mut self.camera {
            camera.publisher.set_max(sharing.camera_bps(camera.publisher.given(), screen.given(), Instant::now()));
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some((camera, _)) = &self.camera {
            camera.publisher.set_max(camera.max_bps);
        }
    }
}

/// When the shares are to be looked at again; never for a connection that is not a screen's.
pub(super) async fn next_share(beside: &mut Option<Beside>) -> &mut Beside {
    match beside {
        Some(beside) => {
            beside.looks.tick().await;
            beside
        }
        None => std::future::pending().await,
    }
}
