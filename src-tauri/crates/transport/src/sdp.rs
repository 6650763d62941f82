//! Session descriptions: checks before the library reads a foreign one, and what a description says about tracks.

use std::borrow::Cow;

use std::net::IpAddr;

use crate::Error;
use crate::peer::event::Tracks;
use crate::peer::settings;

/// A browser's offer has about 6 KiB; a larger text is an attempt to hurt.
const MAX_DESCRIPTION: usize = 64 * 1024;
const MAX_CANDIDATE: usize = 1024;

/// Refuses what is no session description at all.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    if text.len() > MAX_DESCRIPTION {
        return Err(Error::Description(format!("{} bytes are more than {MAX_DESCRIPTION}", text.len())));
    }
    if !text.starts_with("v=0") {
        return Err(Error::Description("it does not begin with v=0".into()));
    }
    Ok(())
}

/// Refuses what is no candidate at all.
pub(crate) fn check_candidate(text: &str) -> Result<(), Error> {
    if text.len() > MAX_CANDIDATE {
        return Err(Error::Candidate(format!("{} bytes are more than {MAX_CANDIDATE}", text.len())));
    }
    Ok(())
}

/// Whether the candidate's address is a name of mDNS (draft-ietf-mmusic-mdns-ice-candidates).
pub(crate) fn is_mdns(candidate: &str) -> bool {
    candidate.split(' ').nth(4).is_some_and(|address| address.ends_with(".local"))
}

/// The name in the place of a candidate's address if it is one that browsers make: a UUID under `.local`. Whoever could have others
/// asked for would look around in a network that is not theirs.
pub(crate) fn hidden_name(candidate: &str) -> Option<&str> {
    let name = candidate.split(' ').nth(4)?;
    let uuid = name.strip_suffix(".local").filter(|uuid| uuid.len() == 36)?;
    let fits = |(at, byte): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    uuid.bytes().enumerate().all(fits).then_some(name)
}

/// The candidate with another address.
pub(crate) fn with_address(candidate: &str, address: IpAddr) -> String {
    let fields = candidate.split(' ').enumerate();
    fields.map(|(at, field)| if at == 4 { address.to_string() } else { field.to_owned() }).collect::<Vec<_>>().join(" ")
}

/// The tracks that whoever wrote `offer` is ready to receive.
pub(crate) fn wanted(offer: &str) -> Tracks {
    tracks(offer, |section| {
        let bundled = section.contains(&"a=bundle-only");
        let sends = section.iter().any(|line| matches!(*line, "a=sendonly" | "a=inactive"));
        !sends && (bundled || !is_rejected(section))
    })
}

/// The tracks that whoever wrote `answer` is going to send.
pub(crate) fn sent(answer: &str) -> Tracks {
    tracks(answer, |section| {
        let sends = !section.iter().any(|line| matches!(*line, "a=recvonly" | "a=inactive"));
        sends && !is_rejected(section)
    })
}

/// Sound that carries earlier sound along (RFC 2198).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Red {
    pub(crate) payload_type: u8,
    /// The payload type of what it carries.
    pub(crate) inner: u8,
}

/// The redundant sound that an answer agrees to, if it carries nothing but the section's Opus.
pub(crate) fn red(answer: &str) -> Option<Red> {
    let lines: Vec<&str> = answer.lines().map(str::trim_end).collect();
    let section = sections(&lines).find(|section| section[0].starts_with("m=audio") && !is_rejected(section))?;
    let payload_type = payload_type_named(section, "red")?;
    let inner = payload_type_named(section, "opus")?;
    let mut carried = parameters(section, payload_type)?.split('/').peekable();
    let known = carried.peek().is_some() && carried.all(|one| one.parse() == Ok(inner));
    known.then_some(Red { payload_type, inner })
}

/// Whether the sound (`kind` "audio") or the pictures ("video") of a description may come in a format called `name`.
pub(crate) fn has_format(text: &str, kind: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let is_kind = |section: &[&str]| section[0].strip_prefix("m=").is_some_and(|media| media.starts_with(kind));
    sections(&lines).any(|section| is_kind(section) && payload_type_named(section, name).is_some())
}

/// The SSRC of what is sent again of a track of sound. The library writes it for pictures only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoundAgain {
    pub(crate) of: u32,
    pub(crate) rtx: u32,
}

impl SoundAgain {
    /// The answer with the pair (RFC 5576 §4.2, RFC 4588 §8), if it agrees to send sound again and names the track.
    pub(crate) fn write(self, answer: &str) -> String {
        let Self { of, rtx } = self;
        let first = format!("a=ssrc:{of} ");
        match answer.find(&first).filter(|_| has_format(answer, "audio", "rtx")) {
            Some(at) => format!("{}a=ssrc-group:FID {of} {rtx}\r\na=ssrc:{rtx} cname:stream\r\n{}", &answer[..at], &answer[at..]),
            None => answer.to_owned(),
        }
    }
}

/// Whether whoever wrote a description knows deep redundancy in Opus as we do.
pub(crate) fn knows_dred(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let section = sections(&lines).find(|section| section[0].starts_with("m=audio"));
    let opus = section.and_then(|section| parameters(section, payload_type_named(section, "opus")?));
    opus.is_some_and(|parameters| parameters.split(';').any(|parameter| parameter.trim() == settings::DRED))
}

/// The description as the library may read it. Where Opus's parameters contradict ours and those of redundant sound or of retransmissions do
/// not, the library takes the closer match for all there is, and the call has no Opus: such a description does without the repairs.
pub(crate) fn without_lone_repairs(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let contradicts = |section: &&[&str]| {
        let theirs = payload_type_named(section, "opus").map(|opus| parameters(section, opus).unwrap_or_default());
        theirs.is_some_and(|theirs| contradict(theirs, &settings::opus().sdp_fmtp_line))
    };
    let Some(section) = sections(&lines).filter(|section| section[0].starts_with("m=audio")).find(contradicts) else {
        return Cow::Borrowed(text);
    };
    let repairs = ["red", "rtx"].into_iter().filter_map(|name| Some((payload_type_named(section, name)?, name)));
    Cow::Owned(repairs.fold(text.to_owned(), |text, (number, name)| {
        text.replace(&format!("a=rtpmap:{number} {name}/"), &format!("a=rtpmap:{number} unused/"))
    }))
}

/// Whether two lists of parameters have one by the same name and of different value.
fn contradict(one: &str, other: &str) -> bool {
    let pairs = |line| str::split(line, ';').filter_map(|parameter| parameter.trim().split_once('='));
    pairs(one).any(|(name, value)| pairs(other).any(|(same, another)| name.eq_ignore_ascii_case(same) && value != another))
}

/// The payload type of the section's first format called `name`.
fn payload_type_named(section: &[&str], name: &str) -> Option<u8> {
    section.iter().find_map(|line| {
        let (number, format) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        let called = format.split('/').next()?.eq_ignore_ascii_case(name);
        number.parse().ok().filter(|number| called && *number < 128)
    })
}

/// What the section says of a payload type besides its name.
fn parameters<'a>(section: &[&'a str], payload_type: u8) -> Option<&'a str> {
    section.iter().find_map(|line| {
        let (number, parameters) = line.strip_prefix("a=fmtp:")?.split_once(' ')?;
        (number.parse() == Ok(payload_type)).then_some(parameters)
    })
}

fn tracks(text: &str, counts: impl Fn(&[&str]) -> bool) -> Tracks {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut tracks = Tracks { audio: false, video: false };
    for section in sections(&lines) {
        match section[0].split(' ').next() {
            Some("m=audio") => tracks.audio |= counts(section),
            Some("m=video") => tracks.video |= counts(section),
            _ => {}
        }
    }
    tracks
}

/// The media sections, each from its `m=` line on.
fn sections<'a, 'b>(lines: &'b [&'a str]) -> impl Iterator<Item = &'b [&'a str]> {
    let starts: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].starts_with("m=")).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([lines.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &lines[start..end])
}

/// A port of zero rejects a section (RFC 3264 §6).
fn is_rejected(section: &[&str]) -> bool {
    section[0].split(' ').nth(1) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Tracks = Tracks { audio: true, video: true };
    const SOUND: Tracks = Tracks { audio: true, video: false };

    fn description(audio: &str, video: &str) -> String {
        format!("v=0\r\ns=-\r\nm=audio {audio}\r\na=mid:0\r\nm=video {video}\r\na=mid:1\r\n")
    }

    #[test]
    fn an_offer_wants_what_it_does_not_only_send() {
        assert_eq!(wanted(&description("9 X 111\r\na=recvonly", "9 X 102\r\na=recvonly")), BOTH);
        assert_eq!(wanted(&description("9 X 111\r\na=sendrecv", "9 X 102\r\na=sendonly")), SOUND);
        assert_eq!(wanted(&description("9 X 111", "9 X 102\r\na=inactive")), SOUND);
    }

    #[test]
    fn a_section_without_a_port_is_wanted_only_in_a_bundle() {
        assert_eq!(wanted(&description("9 X 111", "0 X 102")), SOUND);
        assert_eq!(wanted(&description("9 X 111", "0 X 102\r\na=bundle-only")), BOTH);
    }

    #[test]
    fn an_answer_sends_what_it_neither_rejects_nor_only_receives() {
        assert_eq!(sent(&description("9 X 111\r\na=sendonly", "9 X 102\r\na=sendrecv")), BOTH);
        assert_eq!(sent(&description("9 X 111\r\na=sendonly", "0 X 102\r\na=sendonly")), SOUND);
        assert_eq!(sent(&description("9 X 111\r\na=sendonly", "9 X 102\r\na=inactive")), SOUND);
    }

    fn with_red(opus: &str, red: &str) -> String {
        let lines = format!("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 {opus}\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 {red}");
        description(&format!("111 63\r\n{lines}"), "9 X 102")
    }

    #[test]
    fn redundant_sound_is_agreed_on_if_it_carries_opus() {
        let agreed = Some(Red { payload_type: 63, inner: 111 });
        assert_eq!(red(&with_red("minptime=10", "111/111")), agreed);
        assert_eq!(red(&with_red("minptime=10", "111/111/111")), agreed);
        assert_eq!(red(&with_red("minptime=10", "0/5")), None);
        assert_eq!(red(&with_red("minptime=10", "")), None);
        assert_eq!(red(&description("9 X 111", "9 X 102")), None);
    }

    #[test]
    fn the_answer_names_what_is_sent_again_of_sound_if_that_is_agreed_on() {
        let again = SoundAgain { of: 7, rtx: 8 };
        let answer = |format: &str| description(&format!("111 104\r\na=rtpmap:104 {format}/48000/2\r\na=ssrc:7 cname:stream"), "9 X 102");
        let written = again.write(&answer("rtx"));
        assert!(written.contains("\r\na=ssrc-group:FID 7 8\r\na=ssrc:8 cname:stream\r\na=ssrc:7 cname:stream\r\n"), "{written}");
        assert_eq!(again.write(&answer("telephone-event")), answer("telephone-event"));
    }

    #[test]
    fn repairs_of_sound_do_not_stay_where_opus_has_to_go() {
        let good = with_red("minptime=10;useinbandfec=1", "111/111");
        assert_eq!(without_lone_repairs(&good), good);
        let changed = without_lone_repairs(&with_red("minptime=10;useinbandfec=0", "111/111")).into_owned();
        assert!(red(&changed).is_none() && changed.contains("a=rtpmap:111 opus/48000/2"), "{changed}");
        let again = with_red("useinbandfec=0\r\na=rtpmap:104 rtx/48000/2\r\na=fmtp:104 apt=111", "111/111");
        assert!(has_format(&again, "audio", "rtx") && !has_format(&again, "video", "rtx"));
        assert!(!has_format(&without_lone_repairs(&again), "audio", "rtx"));
    }

    #[test]
    fn what_is_no_description_is_refused() {
        assert!(check("").is_err());
        assert!(check("GET / HTTP/1.1").is_err());
        assert!(check(&format!("v=0{}", " ".repeat(MAX_DESCRIPTION))).is_err());
        assert!(check("v=0\r\n").is_ok());
        assert!(check_candidate(&"x".repeat(MAX_CANDIDATE + 1)).is_err());
    }

    #[test]
    fn a_browsers_hidden_address_is_known_by_its_name() {
        assert!(is_mdns("candidate:1 1 udp 2113937151 0af1b2c3-1111-2222-3333-444455556666.local 50000 typ host"));
        assert!(!is_mdns("candidate:1 1 udp 2113937151 192.168.0.7 50000 typ host"));
        assert!(!is_mdns(""));
    }

    #[test]
    fn only_what_a_browser_names_is_asked_for_in_the_network() {
        let candidate = |name: &str| format!("candidate:1 1 udp 2113937151 {name} 50000 typ host generation 0");
        let good = candidate("0af1b2c3-1111-4222-8333-444455556666.local");
        assert_eq!(hidden_name(&good), Some("0af1b2c3-1111-4222-8333-444455556666.local"));
        for name in
            ["printer.local", "0af1b2c3-1111-4222-8333-444455556666.example", "0af1b2c3x1111-4222-8333-444455556666.local", "192.0.2.1", ""]
        {
            assert_eq!(hidden_name(&candidate(name)), None, "{name}");
        }
        let resolved = with_address(&good, IpAddr::from([192, 0, 2, 7]));
        assert_eq!(resolved, "candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0");
    }
}
