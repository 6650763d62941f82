//! The sending end of a subscription: answer, candidates, and the media of an [`Outgoing`] stream.

use std::sync::Arc;

use session::Input;
use signal::{Sdp, StreamSource, Uid};
use transport::{Endpoint, Publisher, Tracks};

use super::sharing::{Beside, Cameras, next_share};
use super::{Line, Order, next_event, to_transport};
use crate::error;
use crate::local::Outgoing;

/// Lives until the engine drops the connection's orders.
pub(super) async fn run(endpoint: Endpoint, cameras: Cameras, subscriber: Uid, offer: Sdp, stream: Outgoing, mut line: Line) {
    let tracks = {
        let state = stream.state();
        let state = state.borrow();
        Tracks { audio: state.audio, video: state.video }
    };
    let bitrates = stream.bitrates();
    let (mut publisher, answer) = match endpoint.publish(offer.as_str(), tracks, bitrates.start_bps, bitrates.max_bps).await {
        Ok(made) => made,
        Err(cause) => return line.failed(error::transport(&cause)).await,
    };
    let mut events = publisher.take_events();
    let publisher = Arc::new(publisher);
    let mut beside = match stream.source() {
        StreamSource::Screen => Some(Beside::new(cameras.clone(), subscriber.clone(), bitrates.max_bps)),
        StreamSource::Camera => {
            cameras.add(subscriber.clone(), publisher.clone(), bitrates.max_bps);
            None
        }
    };
    let mut layers = stream.add(line.id.clone(), publisher.clone());
    line.described(Ok(answer), answer_ready).await;
    loop {
        tokio::select! {
            order = line.orders.recv() => match order {
                Some(order) => carry_out(order, &publisher, &stream, &line).await,
                None => break,
            },
            Ok(()) = layers.changed() => {
                let layer = *layers.borrow_and_update();
                line.report(Input::Carries { subscription: line.id.clone(), layer }).await;
            }
            beside = next_share(&mut beside) => beside.share(&publisher),
            event = next_event(&mut events) => {
                if let Some(event) = &event {
                    stream.on_event(&line.id, event);
                }
                line.event(event).await;
            }
        }
    }
    cameras.remove(&subscriber, &publisher);
    stream.remove(&line.id);
    publisher.close().await;
}

async fn carry_out(order: Order, publisher: &Publisher, stream: &Outgoing, line: &Line) {
    match order {
        Order::AcceptRestart(offer) => line.described(publisher.restart(offer.as_str()).await, answer_ready).await,
        Order::AddCandidate(candidate) => {
            if let Err(cause) = publisher.add_candidate(to_transport(candidate)).await {
                tracing::debug!(id = %line.id, %cause, "skipped a candidate");
            }
        }
        Order::Want(want) => stream.want(&line.id, want),
        Order::SetAnswer(_) | Order::RestartIce | Order::CheckPath => {
            tracing::warn!(id = %line.id, "a sending end makes no offers");
        }
    }
}

fn answer_ready(subscription: signal::SubscriptionId, answer: signal::Sdp) -> Input {
    Input::AnswerReady { subscription, answer }
}
