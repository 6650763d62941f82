//! Descriptions and candidates of other implementations, and some made to hurt.

mod common;

use common::{BOTH, endpoint, ms, negotiate, outcome, world};
use transport::runtime::sim::Link;
use transport::{Candidate, Error, Tracks};

/// What Chromium offers for two receive-only transceivers, abridged to what differs from ours: more codecs, RTX, its own
/// payload types and extensions.
fn browser_offer(direction: &str) -> String {
    let mut lines = vec![
        "v=0".to_owned(),
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1".to_owned(),
        "s=-".to_owned(),
        "t=0 0".to_owned(),
        "a=group:BUNDLE 0 1".to_owned(),
        "a=extmap-allow-mixed".to_owned(),
        "a=msid-semantic: WMS".to_owned(),
    ];
    let transport = |mid: &str| {
        [
            "c=IN IP4 0.0.0.0".to_owned(),
            "a=rtcp:9 IN IP4 0.0.0.0".to_owned(),
            "a=ice-ufrag:EsAw".to_owned(),
            "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y".to_owned(),
            "a=ice-options:trickle".to_owned(),
            "a=fingerprint:sha-256 EE:CE:2B:04:6B:2D:9B:5D:7B:7C:8F:B4:3D:86:5F:1C:6D:57:9A:40:A5:0B:D1:54:0B:D5:8C:F8:2B:27:5C:5B"
                .to_owned(),
            "a=setup:actpass".to_owned(),
            format!("a=mid:{mid}"),
            "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01".to_owned(),
            "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid".to_owned(),
            format!("a={direction}"),
            "a=rtcp-mux".to_owned(),
            "a=rtcp-rsize".to_owned(),
        ]
    };
    lines.push("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126".to_owned());
    lines.extend(transport("0"));
    lines.extend(
        [
            "a=rtpmap:111 opus/48000/2",
            "a=rtcp-fb:111 transport-cc",
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "a=rtpmap:63 red/48000/2",
            "a=fmtp:63 111/111",
            "a=rtpmap:9 G722/8000",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:13 CN/8000",
            "a=rtpmap:110 telephone-event/48000",
            "a=rtpmap:126 telephone-event/8000",
        ]
        .map(String::from),
    );
    lines.push("m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114 39 40 45".to_owned());
    lines.extend(transport("1"));
    for (number, name) in [("96", "VP8"), ("103", "H264"), ("107", "H264"), ("109", "H264"), ("39", "H264"), ("45", "AV1")] {
        lines.push(format!("a=rtpmap:{number} {name}/90000"));
        for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
            lines.push(format!("a=rtcp-fb:{number} {feedback}"));
        }
    }
    lines.extend(
        [
            "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
            "a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
            "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            "a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
            "a=rtpmap:104 rtx/90000",
            "a=fmtp:104 apt=103",
            "a=rtpmap:108 rtx/90000",
            "a=fmtp:108 apt=107",
            "a=rtpmap:114 rtx/90000",
            "a=fmtp:114 apt=109",
            "a=rtpmap:40 rtx/90000",
            "a=fmtp:40 apt=39",
        ]
        .map(String::from),
    );
    lines.join("\r\n") + "\r\n"
}

/// Our answer to `offer`.
fn answer(offer: &str, tracks: Tracks) -> Result<String, Error> {
    let (sim, _, b) = world(1, Link::default());
    sim.run(async {
        let (publisher, answer) = endpoint(&b).publish(offer, tracks, 500_000, 1_000_000).await?;
        publisher.close().await;
        Ok(answer)
    })
}

/// The section of `kind` in a description.
fn section<'a>(text: &'a str, kind: &str) -> &'a str {
    let start = text.find(&format!("m={kind}")).expect("the section exists");
    let rest = &text[start..];
    rest[2..].find("\r\nm=").map_or(rest, |end| &rest[..end + 2])
}

#[test]
fn a_browsers_offer_is_answered_with_its_own_payload_types() {
    let answer = answer(&browser_offer("recvonly"), BOTH).expect("an answer");
    let (audio, video) = (section(&answer, "audio"), section(&answer, "video"));
    assert!(audio.starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"), "{audio}");
    assert!(audio.contains("a=rtpmap:63 red/48000/2") && audio.contains("a=fmtp:63 111/111"), "{audio}");
    assert!(video.starts_with("m=video 9 UDP/TLS/RTP/SAVPF 109 114\r\n"), "{video}");
    assert!(
        video.contains("a=rtpmap:114 rtx/90000") && video.contains("a=fmtp:114 apt=109") && video.contains("a=ssrc-group:FID "),
        "{video}"
    );
    for part in [audio, video] {
        assert!(part.contains("a=sendonly") && part.contains("a=ssrc:") && part.contains("transport-wide-cc"), "{part}");
        assert!(part.contains("a=setup:active") && part.contains("transport-cc"), "{part}");
    }
    for feedback in ["nack\r\n", "nack pli", "ccm fir"] {
        assert!(video.contains(&format!("a=rtcp-fb:109 {feedback}")), "{video}");
    }
    assert!(answer.contains("a=group:BUNDLE 0 1"), "{answer}");
}

#[test]
fn parity_for_pictures_is_agreed_on_between_us_alone() {
    let (sim, a, _) = world(1, Link::default());
    let ours = sim.run(async { endpoint(&a).subscribe(BOTH).await.expect("an offer").1 });
    let agreed = answer(&ours, BOTH).expect("an answer");
    assert!(section(&agreed, "video").contains("flexfec/90000") && agreed.contains("a=ssrc-group:FEC-FR "), "{agreed}");
    let theirs = answer(&browser_offer("recvonly"), BOTH).expect("an answer");
    assert!(!theirs.contains("flexfec") && !theirs.contains("FEC-FR"), "{theirs}");
}

#[test]
fn deep_redundancy_of_sound_is_agreed_on_between_us_alone() {
    let (sim, a, b) = world(1, Link::default());
    let (ours, theirs) = sim.run(async {
        let ours = endpoint(&a).subscribe(BOTH).await.expect("an offer").1;
        let mut known = Vec::new();
        for offer in [ours.as_str(), &browser_offer("recvonly")] {
            let (publisher, _) = endpoint(&b).publish(offer, BOTH, 500_000, 1_000_000).await.expect("an answer");
            known.push(publisher.knows_dred());
            publisher.close().await;
        }
        (known[0], known[1])
    });
    assert!(ours && !theirs);
}

#[test]
fn opus_is_answered_whatever_becomes_of_its_redundancy() {
    let offer = browser_offer("recvonly");
    for offer in [offer.replace("useinbandfec=1", "useinbandfec=0"), offer.replace("red/", "x/")] {
        let answer = answer(&offer, BOTH).expect("an answer");
        assert!(section(&answer, "audio").starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), "{answer}");
    }
}

#[test]
fn an_offer_to_send_and_receive_is_answered_with_sending_only() {
    let answer = answer(&browser_offer("sendrecv"), BOTH).expect("an answer");
    assert!(section(&answer, "audio").contains("a=sendonly") && section(&answer, "video").contains("a=sendonly"), "{answer}");
}

#[test]
fn a_track_that_is_not_published_is_answered_inactive() {
    let answer = answer(&browser_offer("recvonly"), Tracks { audio: true, video: false }).expect("an answer");
    assert!(section(&answer, "audio").contains("a=sendonly"), "{answer}");
    assert!(!section(&answer, "video").contains("a=sendonly"), "{answer}");
}

#[test]
fn an_offer_with_one_of_our_codecs_gets_that_track() {
    let answer = answer(&browser_offer("recvonly").replace("H264", "H265"), BOTH).expect("an answer");
    assert!(section(&answer, "audio").contains("a=sendonly"), "{answer}");
    assert!(!section(&answer, "video").contains("a=sendonly"), "{answer}");
}

#[test]
fn an_offer_without_our_codecs_is_refused() {
    let offer = browser_offer("recvonly").replace("H264", "H265").replace("opus", "speex");
    let refused = answer(&offer, BOTH);
    assert!(matches!(refused, Err(Error::NoCommonCodec)), "{refused:?}");
}

#[test]
fn an_offer_that_wants_nothing_is_refused() {
    assert!(matches!(answer(&browser_offer("inactive"), BOTH), Err(Error::NoCommonCodec)));
    assert!(matches!(answer(&browser_offer("sendonly"), BOTH), Err(Error::NoCommonCodec)));
}

#[test]
fn broken_offers_are_errors() {
    let offer = browser_offer("recvonly");
    let mut broken: Vec<String> = vec![String::new(), "v=0".into(), "v=0\r\nm=".into(), "\0".repeat(1_000), "v=0\r\n".repeat(20_000)];
    // Cut short after each line, each line missing, each line doubled, each value emptied or replaced.
    let lines: Vec<&str> = offer.lines().collect();
    for index in 0..lines.len() {
        broken.push(lines[..index].join("\r\n"));
        let mut missing = lines.clone();
        missing.remove(index);
        broken.push(missing.join("\r\n") + "\r\n");
        for replacement in ["a=", "a=mid:", "m=video 0", "a=rtpmap:x y/z", "a=extmap:0 ", "a=fmtp:999 apt=999", "a=ssrc:x", "\u{fffd}"] {
            let mut replaced = lines.clone();
            replaced[index] = replacement;
            broken.push(replaced.join("\r\n") + "\r\n");
        }
    }
    let (sim, _, b) = world(1, Link::default());
    sim.run(async {
        let endpoint = endpoint(&b);
        for offer in &broken {
            if let Ok((publisher, _)) = endpoint.publish(offer, BOTH, 500_000, 1_000_000).await {
                publisher.close().await;
            }
        }
        println!("{} broken offers, {} contained panics", broken.len(), endpoint.contained_panics());
        // Refused connections close in the background.
        sim.sleep(ms(1_000)).await;
        assert_eq!(sim.sockets(), 0);
    });
}

#[test]
fn a_broken_answer_is_an_error_and_the_right_one_still_counts() {
    let (sim, a, b) = world(1, Link::default());
    sim.run(async {
        let (subscriber, offer) = endpoint(&a).subscribe(BOTH).await.expect("an offer");
        let (_publisher, answer) = endpoint(&b).publish(&offer, BOTH, 500_000, 1_000_000).await.expect("an answer");
        assert!(matches!(subscriber.set_answer("v=1").await, Err(Error::Description(_))));
        assert!(subscriber.set_answer("v=0\r\nm=audio\r\n").await.is_err());
        subscriber.set_answer(&answer).await.expect("a good answer");
    });
}

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.to_owned(), sdp_mid: Some("0".into()), sdp_mline_index: Some(0), username_fragment: None }
}

#[test]
fn hidden_addresses_and_the_end_of_candidates_are_taken_in_silence_and_broken_candidates_are_errors() {
    let (sim, a, b) = world(1, Link::default());
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        let hidden = "candidate:1 1 udp 2113937151 0af1b2c3-1111-2222-3333-444455556666.local 50000 typ host";
        for good in ["", "candidate:", hidden, "candidate:2 1 udp 2113937150 192.0.2.1 50000 typ host"] {
            ends.publisher.add_candidate(candidate(good)).await.expect(good);
        }
        let long = "x".repeat(10_000);
        for bad in ["candidate:1 1 udp", "\0", long.as_str(), "candidate:1 1 udp 1 999.0.0.1 1 typ host"] {
            let refused = ends.publisher.add_candidate(candidate(bad)).await;
            assert!(matches!(refused, Err(Error::Candidate(_))), "{bad:?}: {refused:?}");
        }
        outcome(&mut ends).await.expect("connected all the same");
    });
}
