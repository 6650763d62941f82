//! What a member who is away would have been told of their subscriptions: an offer that comes while its publisher changes networks
//! need not be asked for again.

use signal::{Event, MAX_MESSAGE};

/// Events in order, bounded in bytes. One too many and all are lost: the subscriptions they belong to are then tried anew by their subscribers.
#[derive(Debug, Default)]
pub struct Mail {
    events: Vec<Event>,
    bytes: usize,
    full: bool,
}

impl Mail {
    const MOST_BYTES: usize = MAX_MESSAGE;

    pub fn push(&mut self, event: Event) {
        self.bytes += serde_json::to_string(&event).map_or(Self::MOST_BYTES, |text| text.len());
        self.full |= self.bytes > Self::MOST_BYTES;
        if self.full {
            self.events.clear();
        } else {
            self.events.push(event);
        }
    }

    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_mail_is_none() {
        let event = Event::Unsubscribe { subscription: "0123456789abcdef".parse().unwrap() };
        let mut mail = Mail::default();
        for _ in 0..10 {
            mail.push(event.clone());
        }
        for _ in 0..Mail::MOST_BYTES / 10 {
            mail.push(event.clone());
        }
        assert!(mail.into_events().is_empty());
    }
}
