//! The receiving end of a subscription: offer, answer, candidates, and its media into a [`RemoteStream`].

use std::sync::Arc;

use session::Input;
use transport::{Endpoint, Subscriber, Tracks};

use super::{Line, Order, next_event, to_transport};
use crate::RemoteStream;
use crate::error;
use crate::remote::Connection;

/// Lives until the engine drops the connection's orders.
pub(super) async fn run(endpoint: Endpoint, tracks: Tracks, stream: RemoteStream, mut line: Line) {
    let (mut subscriber, offer) = match endpoint.subscribe(tracks).await {
        Ok(made) => made,
        Err(cause) => return line.failed(error::transport(&cause)).await,
    };
    let mut events = subscriber.take_events();
    let (video, audio) = (subscriber.take_video(), subscriber.take_audio());
    let subscriber = Arc::new(subscriber);
    stream.attach(Connection { subscriber: subscriber.clone(), video, audio });
    line.described(Ok(offer), offer_ready).await;
    loop {
        tokio::select! {
            order = line.orders.recv() => match order {
                Some(order) => carry_out(order, &subscriber, &line).await,
                None => break,
            },
            event = next_event(&mut events) => line.event(event).await,
        }
    }
    stream.detach(&subscriber);
    subscriber.close().await;
}

async fn carry_out(order: Order, subscriber: &Subscriber, line: &Line) {
    match order {
        Order::SetAnswer(answer) => {
            if let Err(cause) = subscriber.set_answer(answer.as_str()).await {
                line.failed(error::transport(&cause)).await;
            }
        }
        Order::AddCandidate(candidate) => {
            if let Err(cause) = subscriber.add_candidate(to_transport(candidate)).await {
                tracing::debug!(id = %line.id, %cause, "skipped a candidate");
            }
        }
        Order::RestartIce => line.described(subscriber.restart().await, offer_ready).await,
        Order::CheckPath => subscriber.suspect(),
        Order::AcceptRestart(_) | Order::Want(_) => tracing::warn!(id = %line.id, "a receiving end takes no offers and no wishes"),
    }
}

fn offer_ready(subscription: signal::SubscriptionId, offer: signal::Sdp) -> Input {
    Input::OfferReady { subscription, offer }
}
