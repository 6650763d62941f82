//! Whole tracks against hostile packets, reports and pauses: no panic, render times in order, everything polled dry.
#![no_main]

use std::time::{Duration, Instant, UNIX_EPOCH};

use fuzz::receive::Packet;
use fuzz::receive::audio::Audio;
use fuzz::receive::video::{Output, Video};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Packet { step: u16, later: u32, marker: bool, payload: Vec<u8> },
    AnyPacket { sequence: u16, timestamp: u32, payload: Vec<u8> },
    SenderReport { ntp: u64, timestamp: u32 },
    Wait(u16),
    Rtt(u16),
    ExtraDelay(u16),
    RequireKeyframe,
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut video, mut audio) = (Video::new(), Audio::new());
    let (mut now, mut sequence, mut timestamp) = (Instant::now(), 0u16, 0u32);
    let mut last_render = None;
    for step in steps {
        match step {
            Step::Packet { step, later, marker, payload } => {
                sequence = sequence.wrapping_add(step % 8);
                timestamp = timestamp.wrapping_add(later % 10_000);
                let packet = Packet { sequence, timestamp, marker, payload: payload.into() };
                video.on_packet(packet.clone(), now);
                audio.on_packet(packet, now);
            }
            Step::AnyPacket { sequence, timestamp, payload } => {
                let packet = Packet { sequence, timestamp, marker: true, payload: payload.into() };
                video.on_packet(packet.clone(), now);
                audio.on_packet(packet, now);
            }
            Step::SenderReport { ntp, timestamp } => {
                video.on_sender_report(ntp, timestamp, now, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
                audio.on_sender_report(ntp, timestamp, now, UNIX_EPOCH);
            }
            Step::Wait(ms) => now += Duration::from_millis(ms.into()),
            Step::Rtt(ms) => {
                video.set_rtt(Duration::from_millis(ms.into()));
                audio.set_rtt(Duration::from_millis(ms.into()));
            }
            Step::ExtraDelay(ms) => {
                video.set_extra_delay(Duration::from_millis(ms.into()));
                audio.set_minimum_delay(Duration::from_millis(ms.into()));
            }
            Step::RequireKeyframe => video.require_keyframe(now),
        }
        for poll in 0.. {
            assert!(poll < 10_000, "never waits");
            match video.poll(now) {
                Output::Frame(frame) => {
                    assert!(last_render <= Some(frame.render_at));
                    last_render = Some(frame.render_at);
                }
                Output::Wait(_) => break,
                Output::Nack(sequences) => assert!(sequences.len() <= 512),
                Output::RequestKeyframe => {}
            }
        }
        audio.poll_nack(now);
        audio.pull(now);
        let _ = (video.report(now), audio.report(now), video.stats(), audio.stats());
    }
});
