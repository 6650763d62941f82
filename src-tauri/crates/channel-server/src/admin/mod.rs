//! What whoever runs the service may do over HTTP, by the admin key: make tokens, kick and ban, count.
//!
//! ```text
//! POST /v1/token               a token, for servers that would rather not build one      token
//! POST /v1/ban                 a kick or a ban                                           bans
//! GET /v1/ban/{app_id}         a project's rules in force
//! DELETE /v1/ban/{app_id}/{id} ends a rule early
//! GET /v1/channels             channels and how many are in them                         channels
//! ```
//!
//! Every answer is JSON, every refusal `{code, message}`.

mod bans;
mod channels;
mod key;
mod token;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use signal::{Code, Error, Uid};

use crate::routes::Shared;
pub use key::{AdminKey, WeakKey};

/// The longest body that is read, in bytes.
const MOST_BODY: usize = 16 * 1024;

pub fn router(shared: Shared) -> Router<Shared> {
    Router::new()
        .route("/v1/token", post(token::make))
        .route("/v1/ban", post(bans::add))
        .route("/v1/ban/{app_id}", get(bans::list))
        .route("/v1/ban/{app_id}/{id}", delete(bans::end))
        .route("/v1/channels", get(channels::list))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(shared, authorize))
}

/// Lets the bearer of the key pass. A service without a key has no admin side.
async fn authorize(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some(key) = &shared.service.config.admin_key else {
        let message = "This service has no admin key, and so no admin side; start it with --admin-key-file.";
        return refusal(StatusCode::NOT_FOUND, Error::new(Code::NotSupported, message));
    };
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, presented) = header.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("Bearer") || !key.is(presented.trim()) {
        let message = "This takes the service's admin key, as \"Authorization: Bearer KEY\".";
        let refusal = refusal(StatusCode::UNAUTHORIZED, Error::new(Code::NoAuthorized, message));
        return ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response();
    }
    next.run(request).await
}

/// What a handler answers: a value as JSON, or why not.
type Answer<T> = Result<Json<T>, Refused>;

struct Refused(Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.0.code {
            Code::InvalidVendorKey => StatusCode::NOT_FOUND,
            Code::StaticUseDynamicKey => StatusCode::CONFLICT,
            Code::ServiceTooHeavy | Code::ServiceNotReady => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        refusal(status, self.0)
    }
}

fn refusal(status: StatusCode, error: Error) -> Response {
    (status, Json(error)).into_response()
}

/// A body's value; unknown fields are refused, so that a slip in one is not passed over.
fn body<T: DeserializeOwned>(bytes: Result<Bytes, BytesRejection>) -> Result<T, Refused> {
    let invalid = |what: String| Error::new(Code::InvalidParameter, what);
    let bytes = bytes.map_err(|_| invalid(format!("The body cannot be read, or is longer than {MOST_BODY} bytes.")))?;
    Ok(serde_json::from_slice(&bytes).map_err(|cause| {
        let cause: String = cause.to_string().chars().take(200).collect();
        invalid(format!("The body is not what is expected here: {cause}."))
    })?)
}

/// A user as Agora's servers name one: `uid` by number (0: nobody in particular) or text, `account` by text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u32),
    Text(String),
}

fn user(uid: Option<Name>, account: Option<String>) -> Result<Option<Uid>, Error> {
    match (uid, account) {
        (Some(_), Some(_)) => Err(Error::new(Code::InvalidParameter, "A user is named by uid or by account, not by both.")),
        (None | Some(Name::Number(0)), None) => Ok(None),
        (Some(Name::Number(number)), None) => Ok(Some(Uid::number(number)?)),
        (Some(Name::Text(account)), None) | (None, Some(account)) => Ok(Some(Uid::account(&account)?)),
    }
}
