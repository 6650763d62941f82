//! Agora's published vectors, and what must not pass for a token.

use proptest::prelude::*;

use super::*;

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CHANNEL: &str = "7d72365eb983485397e3e3f9d460bdda";
const UID: &str = "2882341273";
const ISSUED: u32 = 1111111;

const V006_UID: &str =
    "006970CA35de60c44645bbae8a215061b33IACV0fZUBw+72cVoL9eyGGh3Q6Poi8bgjwVLnyKSJyOXR7dIfRBXoFHlEAABAAAAR/QQAAEAAQCvKDdW";
const V006_ANYONE: &str =
    "006970CA35de60c44645bbae8a215061b33IACw1o7htY6ISdNRtku3p9tjTPi0jCKf9t49UHJhzCmL6bdIfRAAAAAAEAABAAAAR/QQAAEAAQCvKDdW";
const V007_UID: &str = "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj";
const V007_ANYONE: &str = "007eJxTYLhzZP08Lxa1Pg57+TcXb/3cZ3wi4V6kbpbOog0G2dOYk20UGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiQwMADacImo=";
const V007_MULTI: &str = "007eJxTYHh8IPKzTvBdf9ce8bk7G61vs06oca1e815/ot4+x7rfjDIKDJbmBs6OxqYpqWYGySYmZiamSUmJqRaJRoamBmaGScbG7l8EGCKYGBgYGRgYWIEkCxCD+ExgkhlMsoBJBQbzFHMjYzPT1CRLC2MTC1NjS/NU41TjNMsUEzODpJSURC4GIwsLI2MTQyNzYyagORCTkEVZ4KKsWOXZgWIQm1HF//8HAL01L5I=";

fn credentials() -> Credentials {
    Credentials::new(APP_ID, "5CFd2fd1755d40ecb72977518be15d3b").unwrap()
}

fn claim(uid: Option<&'static str>) -> Claim<'static> {
    Claim { channel: CHANNEL, uid }
}

fn at_issue(token: &str, claim: Claim) -> Result<Access, Refusal> {
    verify(token, &credentials(), claim, ISSUED.into())
}

fn rtc(uid: &str, privileges: &[(u16, u32)]) -> Service {
    Service { privileges: privileges.iter().copied().collect(), body: Body::Rtc { channel: CHANNEL.into(), uid: uid.into() } }
}

fn grant(services: Vec<Service>) -> v007::Grant {
    v007::Grant { issued: ISSUED, expire: 600, salt: 1, services }
}

fn inflated(token: &str) -> Vec<u8> {
    envelope::inflate(&envelope::decode(&token[3..]).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_006_token_is_built_to_the_letter() {
    let message = v006::Message { salt: 1, ends: ISSUED, privileges: [(1, 1446455471)].into() };
    assert_eq!(v006::build(&credentials(), CHANNEL, UID, &message).unwrap(), V006_UID);
    assert_eq!(v006::build(&credentials(), CHANNEL, "", &message).unwrap(), V006_ANYONE);
    assert_eq!(v006::parse(V006_UID).unwrap().message, message);
}

/// The compressed bytes differ between implementations of zlib, what they inflate to does not.
#[test]
fn a_007_token_is_built_to_the_inflated_byte() {
    let one = |uid| v007::build(&credentials(), &grant(vec![rtc(uid, &[(1, 600)])])).unwrap();
    assert_eq!(inflated(&one(UID)), inflated(V007_UID));
    assert_eq!(inflated(&one("")), inflated(V007_ANYONE));
    assert_eq!(v007::parse(V007_UID).unwrap().grant, grant(vec![rtc(UID, &[(1, 600)])]));
    let bytes = inflated(V007_UID);
    assert_eq!(bytes.len(), 138);
    assert!(hex(&bytes).starts_with("200016a0b84c5a5e82cbf74fb813d09f59c54bdac9c06120580539ac97578e958b1a2000"));
    let anyone = inflated(V007_ANYONE);
    assert_eq!((anyone.len(), hex(&anyone[2..34])), (128, "dcc4af9e4a04268e083f1fecd1daf9be33c860de592d6a2ca2b0306b9603633c".into()));
}

#[test]
fn a_007_token_of_many_services_is_read_and_built_again() {
    let all = [(1, 600), (2, 600), (3, 600), (4, 600)];
    let parsed = v007::parse(V007_MULTI).unwrap();
    assert!(parsed.is_signed_by(&credentials()));
    assert_eq!(parsed.grant.services[0], rtc(UID, &all));
    let kinds: Vec<u16> = parsed.grant.services.iter().map(|service| service.body.kind()).collect();
    assert_eq!(kinds, [1, 2, 4, 5, 7]);
    let apaas = Service { privileges: [(2, 600)].into(), body: Body::Apaas { room: String::new(), user: UID.into(), role: -1 } };
    assert_eq!(parsed.grant.services[4], apaas);
    let mut shuffled = parsed.grant.clone();
    shuffled.services.reverse();
    assert_eq!(inflated(&v007::build(&credentials(), &shuffled).unwrap()), inflated(V007_MULTI), "services are sorted by kind");
}

#[test]
fn a_token_lets_its_user_in_and_one_for_anyone_everybody() {
    for token in [V006_UID, V007_UID, V007_MULTI] {
        assert!(at_issue(token, claim(Some(UID))).is_ok());
        assert_eq!(at_issue(token, claim(Some("7"))), Err(Refusal::OtherUid));
        assert_eq!(at_issue(token, claim(None)), Err(Refusal::OtherUid));
    }
    for token in [V006_ANYONE, V007_ANYONE] {
        for uid in [Some(UID), Some("ann"), None] {
            assert!(at_issue(token, claim(uid)).is_ok());
        }
    }
}

#[test]
fn a_token_for_another_channel_project_or_certificate_is_refused() {
    let other_app = Credentials::new(&APP_ID.to_lowercase(), "5CFd2fd1755d40ecb72977518be15d3b").unwrap();
    let other_certificate = Credentials::new(APP_ID, "5cfd2fd1755d40ecb72977518be15d3b").unwrap();
    for token in [V006_UID, V006_ANYONE, V007_UID, V007_ANYONE, V007_MULTI] {
        assert_eq!(at_issue(token, Claim { channel: "other", uid: Some(UID) }), Err(Refusal::OtherChannel));
        assert_eq!(verify(token, &other_app, claim(Some(UID)), 0), Err(Refusal::OtherApp), "the case counts");
        assert_eq!(verify(token, &other_certificate, claim(Some(UID)), 0), Err(Refusal::Forged), "here too");
    }
}

#[test]
fn channel_and_uid_of_a_006_token_keep_their_border() {
    let message = v006::Message { salt: 1, ends: ISSUED, privileges: [(1, 0)].into() };
    let token = v006::build(&credentials(), "room1", "23", &message).unwrap();
    assert!(at_issue(&token, Claim { channel: "room1", uid: Some("23") }).is_ok());
    assert!(at_issue(&token, Claim { channel: "room12", uid: Some("3") }).is_err());
}

#[test]
fn a_token_ends_after_its_last_second() {
    for token in [V007_UID, V007_MULTI] {
        let end = u64::from(ISSUED) + 600;
        assert!(verify(token, &credentials(), claim(Some(UID)), end).is_ok());
        assert_eq!(verify(token, &credentials(), claim(Some(UID)), end + 1), Err(Refusal::Expired { at: end }));
    }
    // Privileges of 006 beyond the token's own end, 24 h after its issue, count as that.
    assert_eq!(verify(V006_UID, &credentials(), claim(Some(UID)), u64::from(ISSUED) + 1), Err(Refusal::Expired { at: ISSUED.into() }));
}

#[test]
fn a_privilege_of_0_has_no_limit_of_its_own_and_none_outlives_a_day() {
    let access = |expire, privileges: &[(u16, u32)]| {
        let token = v007::build(&credentials(), &v007::Grant { expire, ..grant(vec![rtc(UID, privileges)]) }).unwrap();
        at_issue(&token, claim(Some(UID))).unwrap()
    };
    let issued = u64::from(ISSUED);
    let short = access(600, &[(1, 0), (2, 60), (3, 6000)]);
    let ends = [(Privilege::Join, issued + 600), (Privilege::PublishAudio, issued + 60), (Privilege::PublishVideo, issued + 600)];
    assert_eq!((short.expires_at, short.privileges), (issued + 600, ends.into()));
    let long = access(u32::MAX, &[(1, u32::MAX)]);
    assert_eq!((long.expires_at, long.privileges[&Privilege::Join]), (issued + LONGEST, issued + LONGEST));

    let message = v006::Message { salt: 1, ends: ISSUED, privileges: [(1, 0)].into() };
    let token = v006::build(&credentials(), CHANNEL, UID, &message).unwrap();
    assert_eq!(at_issue(&token, claim(Some(UID))).unwrap().privileges, [(Privilege::Join, issued)].into());
}

#[test]
fn without_the_join_privilege_or_a_service_for_calls_nobody_joins() {
    let built = |service| v007::build(&credentials(), &grant(vec![service])).unwrap();
    assert_eq!(at_issue(&built(rtc(UID, &[(2, 600)])), claim(Some(UID))), Err(Refusal::NoJoin));
    let chat = Service { privileges: [(1, 600)].into(), body: Body::Chat { user: UID.into() } };
    assert_eq!(at_issue(&built(chat), claim(Some(UID))), Err(Refusal::NoJoin));
    assert_eq!(v007::build(&credentials(), &grant(vec![])), Err(BuildError::NoService));
}

#[test]
fn of_repeated_services_the_fitting_one_counts() {
    let elsewhere = Service { body: Body::Rtc { channel: "other".into(), uid: UID.into() }, ..rtc(UID, &[(1, 600)]) };
    let token = v007::build(&credentials(), &grant(vec![elsewhere, rtc("7", &[(1, 600)]), rtc(UID, &[(1, 60)])])).unwrap();
    assert_eq!(at_issue(&token, claim(Some(UID))).unwrap().privileges, [(Privilege::Join, u64::from(ISSUED) + 60)].into());
    assert_eq!(at_issue(&token, claim(Some("8"))), Err(Refusal::OtherUid));
}

#[test]
fn a_wildcard_channel_is_any_channel() {
    let any = Service { body: Body::Rtc { channel: "*".into(), uid: String::new() }, ..rtc("", &[(1, 600)]) };
    let token = v007::build(&credentials(), &grant(vec![any])).unwrap();
    assert!(at_issue(&token, claim(None)).is_ok());
}

#[test]
fn an_unknown_service_ends_the_reading_and_not_the_token() {
    let mut content = bytes::Writer::default();
    let mut info = bytes::Writer::default();
    info.bytes(APP_ID.as_bytes()).unwrap();
    [ISSUED, 600, 1].into_iter().for_each(|number| info.u32(number));
    info.u16(3);
    rtc(UID, &[(1, 600)]).clone().write(&mut info).unwrap();
    info.u16(99);
    info.raw(b"nobody knows");
    let info = info.into_bytes();
    let key = mac::sign(&1u32.to_le_bytes(), &[&mac::sign(&ISSUED.to_le_bytes(), &[credentials().certificate()])]);
    content.bytes(&mac::sign(&key, &[&info])).unwrap();
    content.raw(&info);
    let token = envelope::encode("007", &envelope::deflate(&content.into_bytes())).unwrap();
    assert!(at_issue(&token, claim(Some(UID))).is_ok());
    assert_eq!(v007::parse(&token).unwrap().grant.services, [rtc(UID, &[(1, 600)])]);
}

#[test]
fn what_is_no_token_says_why() {
    let cases = [
        ("", Malformed::Version),
        ("005abc", Malformed::Version),
        ("006970CA35de60c44645bbae8a21506", Malformed::AppId),
        ("006970CA35de60c44645bbae8a21506éé", Malformed::AppId),
        ("006970CA35de60c44645bbae8a215061b33!!", Malformed::Base64),
        ("006970CA35de60c44645bbae8a215061b33", Malformed::Truncated),
        ("007AAAA", Malformed::Zlib),
    ];
    for (token, why) in cases {
        assert_eq!(at_issue(token, claim(None)), Err(Refusal::Malformed(why)), "{token:?}");
    }
    for version in ["006", "007"] {
        let long = format!("{version}{}", "A".repeat(MOST_TEXT));
        assert_eq!(at_issue(&long, claim(None)), Err(Refusal::Malformed(Malformed::TooLong)));
    }
    let bomb = envelope::encode("007", &envelope::deflate(&vec![0; 1 << 20])).unwrap();
    assert_eq!(at_issue(&bomb, claim(None)), Err(Refusal::Malformed(Malformed::Zlib)));
}

#[test]
fn credentials_are_32_hexadecimal_characters_and_keep_the_secret() {
    assert_eq!(Credentials::new("short", APP_ID), Err(BuildError::AppId));
    assert_eq!(Credentials::new(APP_ID, &APP_ID.replace('9', "g")), Err(BuildError::Certificate));
    assert!(!format!("{:?}", credentials()).contains("5CFd"));
}

/// Flips one bit of the bytes under a token's base64.
fn flipped(token: &str, bit: usize) -> String {
    let at = if token.starts_with("006") { 35 } else { 3 };
    let mut bytes = envelope::decode(&token[at..]).unwrap();
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    envelope::encode(&token[..at], &bytes).unwrap()
}

#[test]
fn a_flipped_bit_is_never_a_token_with_other_contents() {
    for token in [V006_UID, V006_ANYONE, V007_UID, V007_ANYONE, V007_MULTI] {
        let genuine = at_issue(token, claim(Some(UID))).unwrap();
        for bit in 0..token.len() * 6 {
            // Bits that zlib pads with may flip without any effect.
            if let Ok(access) = at_issue(&flipped(token, bit), claim(Some(UID))) {
                assert_eq!(access, genuine);
            }
        }
        for length in 0..token.len() {
            assert!(at_issue(&token[..length], claim(Some(UID))).is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_token_or_refused(text in "(006|007|)[ -~é]{0,300}", tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let packed = envelope::encode("007", &envelope::deflate(&tail)).unwrap();
        let bare = envelope::encode(&format!("006{APP_ID}"), &tail).unwrap();
        for token in [text, packed, bare] {
            prop_assert!(verify(&token, &credentials(), claim(Some(UID)), 0).is_err());
        }
    }

    #[test]
    fn any_unsigned_contents_of_a_007_token_are_parsed_without_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut content = inflated(V007_MULTI);
        let keep = content.len() - tail.len().min(content.len());
        content.truncate(keep.max(80));
        content.extend(tail);
        let _ = v007::parse(&envelope::encode("007", &envelope::deflate(&content)).unwrap());
    }

    #[test]
    fn what_is_issued_is_accepted_until_it_ends(
        old: bool, publisher: bool, channel in "[a-z ]{1,64}", uid in "|[0-9]{1,9}|[ -~]{1,255}", now in 1_000_000_000u64..4_000_000_000, expire in 1u32..100_000, salt: u32,
    ) {
        let version = if old { Version::V006 } else { Version::V007 };
        let role = if publisher { Role::Publisher } else { Role::Subscriber };
        let token = issue(&credentials(), &Order { version, channel: &channel, uid: &uid, role, expire }, now, salt).unwrap();
        let claim = Claim { channel: &channel, uid: Some(&uid) };
        let end = now + u64::from(expire).min(LONGEST);
        let access = verify(&token, &credentials(), claim, end).unwrap();
        prop_assert_eq!(access.allows(Privilege::PublishVideo, end), publisher);
        prop_assert_eq!(verify(&token, &credentials(), claim, end + 1), Err(Refusal::Expired { at: end }));
    }

    #[test]
    fn any_grant_survives_the_text(issued: u32, expire: u32, salt: u32, services in prop::collection::vec(service(), 1..6)) {
        let mut grant = v007::Grant { issued, expire, salt, services };
        let token = v007::parse(&v007::build(&credentials(), &grant).unwrap()).unwrap();
        grant.services.sort_by_key(|service| service.body.kind());
        prop_assert!(token.is_signed_by(&credentials()));
        prop_assert_eq!(token.grant, grant);
    }
}

fn service() -> impl Strategy<Value = Service> {
    let name = || "[ -~]{0,64}|é";
    let body = prop_oneof![
        (name(), name()).prop_map(|(channel, uid)| Body::Rtc { channel, uid }),
        name().prop_map(|user| Body::Rtm { user }),
        (name(), name()).prop_map(|(channel, account)| Body::Streaming { channel, account }),
        Just(Body::Fpa),
        name().prop_map(|user| Body::Chat { user }),
        (name(), name()).prop_map(|(channel, account)| Body::Fcdn { channel, account }),
        (name(), name(), any::<i16>()).prop_map(|(room, user, role)| Body::Apaas { room, user, role }),
    ];
    (prop::collection::btree_map(any::<u16>(), any::<u32>(), 0..5), body).prop_map(|(privileges, body)| Service { privileges, body })
}
