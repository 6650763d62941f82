//! A client's text, parsed so that each mistake gets its own code: `signal` refuses a bad App ID as bad JSON, people need to read which.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use signal::{AppId, ChannelName, Code, Error, Invalid, Mode, Request, SessionKey, Uid, VERSION};

/// What is wrong with a message, and the request to answer; its id is 0 where none could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub id: u32,
    pub error: Error,
}

/// Total: any text is a request or a refusal. A join with the uid 0 asks for any uid, as in Agora's SDK.
pub fn parse(text: &str) -> Result<Request, Refusal> {
    let cause = match serde_json::from_str(text) {
        Ok(request) => return Ok(request),
        Err(cause) => cause,
    };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return Err(bad(0, &cause)) };
    let id = fields.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    if fields.get("op").is_none_or(|op| op != "join") {
        return Err(bad(id, &cause));
    }
    if fields.get("uid").is_some_and(|uid| uid == 0) {
        fields.remove("uid");
    }
    check_join(&fields).map_err(|error| Refusal { id, error })?;
    serde_json::from_value(Value::Object(fields)).map_err(|cause| bad(id, &cause))
}

/// The parser quotes what it does not know, which may be most of a long message.
fn bad(id: u32, cause: &serde_json::Error) -> Refusal {
    let cause: String = cause.to_string().chars().take(200).collect();
    Refusal { id, error: Error::new(Code::BadMessage, format!("Not a message of this protocol: {cause}.")) }
}

/// Refuses a version that this service does not speak.
pub fn check_version(version: u64) -> Result<(), Error> {
    if version == u64::from(VERSION) {
        return Ok(());
    }
    let message = format!("This service speaks version {VERSION} of the protocol, not {version}; update the older of the two.");
    Err(Error::new(Code::UnsupportedVersion, message))
}

/// The first mistake in a join; the version first, because another version may well have other fields.
fn check_join(fields: &Map<String, Value>) -> Result<(), Error> {
    check_version(fields.get("version").and_then(Value::as_u64).unwrap_or(0))?;
    take::<AppId>(fields, "app_id").ok_or(Invalid::AppId)?;
    take::<ChannelName>(fields, "channel").ok_or(Invalid::ChannelName)?;
    take::<Option<Uid>>(fields, "uid").ok_or(Invalid::Uid)?;
    take::<Option<SessionKey>>(fields, "session").ok_or(Invalid::Key)?;
    let parameter = |what| Error::new(Code::InvalidParameter, what);
    take::<Option<String>>(fields, "token").ok_or_else(|| parameter("A token is a text."))?;
    if fields.contains_key("mode") {
        take::<Mode>(fields, "mode").ok_or_else(|| parameter("The mode is \"rtc\" or \"live\"."))?;
    }
    Ok(())
}

/// A field's value; a missing one counts as null.
fn take<T: DeserializeOwned>(fields: &Map<String, Value>, name: &str) -> Option<T> {
    serde_json::from_value(fields.get(name).cloned().unwrap_or(Value::Null)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use signal::Command;

    fn join(changes: Value) -> Result<Request, Refusal> {
        let mut join = json!({"id": 9, "op": "join", "version": VERSION, "app_id": crate::DEFAULT_APP_ID, "channel": "demo"});
        for (name, value) in changes.as_object().unwrap() {
            join[name] = value.clone();
        }
        parse(&join.to_string())
    }

    #[test]
    fn each_malformed_value_of_a_join_has_its_code() {
        let cases = [
            (json!({"app_id": " 6697361766973206c6f63616c2061707"}), Code::InvalidVendorKey),
            (json!({"app_id": null}), Code::InvalidVendorKey),
            (json!({"channel": ""}), Code::InvalidChannelName),
            (json!({"channel": "a".repeat(65)}), Code::InvalidChannelName),
            (json!({"uid": -1}), Code::InvalidUid),
            (json!({"uid": 4294967296u64}), Code::InvalidUid),
            (json!({"uid": ""}), Code::InvalidUid),
            (json!({"session": "?"}), Code::InvalidParameter),
            (json!({"token": 7}), Code::InvalidParameter),
            (json!({"mode": "party"}), Code::InvalidParameter),
            (json!({"version": 70000, "channel": ""}), Code::UnsupportedVersion),
        ];
        for (changes, code) in cases {
            let refusal = join(changes.clone()).unwrap_err();
            assert_eq!((refusal.id, refusal.error.code), (9, code), "{changes}");
        }
    }

    #[test]
    fn the_uid_0_asks_for_any() {
        for uid in [json!(0), json!(null)] {
            assert!(matches!(join(json!({"uid": uid})), Ok(Request { id: 9, command: Command::Join { uid: None, .. } })));
        }
    }

    #[test]
    fn garbage_is_a_bad_message_and_keeps_its_id_if_it_has_one() {
        let id_and_code = |text: &str| parse(text).map_err(|refusal| (refusal.id, refusal.error.code));
        for garbage in ["", "null", "[]", "{}", "{\"id\": -1}", "{\"id\": 4294967296, \"op\": \"ping\"}", &"[".repeat(10_000)] {
            assert_eq!(id_and_code(garbage), Err((0, Code::BadMessage)), "{garbage}");
        }
        assert_eq!(id_and_code(r#"{"id": 3, "op": "dance"}"#), Err((3, Code::BadMessage)));
        let long = json!({"id": 3, "op": "x".repeat(100_000)}).to_string();
        assert!(parse(&long).unwrap_err().error.message.len() < 300);
        assert!(parse(r#"{"id": 3, "op": "ping"}"#).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_fields_of_a_join_are_parsed_without_panic(name in "version|app_id|channel|uid|session|token|mode|id|op", text in ".{0,40}", number: i64) {
            let _ = (join(json!({&name: text})), join(json!({&name: number})), join(json!({&name: [number]})));
        }
    }
}
