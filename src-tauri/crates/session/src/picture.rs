//! What is wanted of a stream's picture, and what its publisher says is carried.

use signal::{Command, Fallback, Layer, StreamId, StreamType, SubscriptionId, Want};

use crate::desk::Wire;
use crate::output::Event;

#[derive(Debug, Default)]
pub(crate) struct Picture {
    want: Want,
    /// Something was asked for: publishers have to hear of it, though it may be the default again.
    asked: bool,
    layer: Layer,
    /// The last picture that was carried.
    stream_type: StreamType,
}

impl Picture {
    /// The application wants this from now on; what it does not name stays.
    pub fn want(&mut self, stream_type: Option<StreamType>, fallback: Option<Fallback>) {
        self.want = Want { stream_type: stream_type.unwrap_or(self.want.stream_type), fallback: fallback.unwrap_or(self.want.fallback) };
        self.asked = true;
    }

    /// Tells the publisher over a subscription that it knows.
    pub fn tell(&self, subscription: &SubscriptionId, wire: &mut Wire) {
        if self.asked {
            wire.tell(Command::Want { subscription: subscription.clone(), want: self.want });
        }
    }

    /// The subscription carries this from now on.
    pub fn carries(&mut self, layer: Layer, stream: &StreamId, wire: &mut Wire) {
        let before = std::mem::replace(&mut self.layer, layer);
        if (before == Layer::Sound) != (layer == Layer::Sound) {
            wire.desk.event(Event::StreamFallback { stream: stream.clone(), sound_only: layer == Layer::Sound });
        }
        let Some(stream_type) = layer.picture() else { return };
        if std::mem::replace(&mut self.stream_type, stream_type) != stream_type {
            wire.desk.event(Event::StreamTypeChanged { stream: stream.clone(), stream_type });
        }
    }
}
