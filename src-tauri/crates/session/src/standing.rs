//! What the service lets this user be: host or audience, by a token that may be renewed.
//!
//! Invariant: the application hears of every change of its role once; a renewal is answered once, and one that the loss of the
//! connection cut short is settled by the way back, which tries the newest token first.

use signal::{Code, Command, Error, Joined, Mode, Role};

use crate::CallId;
use crate::desk::{Desk, Wire};
use crate::link::Purpose;
use crate::output::Event;

#[derive(Debug)]
pub(crate) struct Standing {
    mode: Mode,
    role: Role,
    token: Option<String>,
    renewal: Option<Renewal>,
}

/// A renewal that waits for the way back to the service.
#[derive(Debug)]
struct Renewal {
    call: CallId,
    token: String,
}

impl Standing {
    pub fn new(mode: Mode, token: Option<String>, role: Role) -> Self {
        Self { mode, role, token, renewal: None }
    }

    /// The token to come back with: the newest.
    pub fn token(&self) -> Option<&str> {
        self.renewal.as_ref().map(|renewal| renewal.token.as_str()).or(self.token.as_deref())
    }

    pub fn set_role(&mut self, call: CallId, role: Role, wire: &mut Wire) {
        if self.mode == Mode::Rtc {
            return wire.desk.refuse(call, Code::InvalidOperation, "In rtc mode everyone is a host; join in live mode to have roles.");
        }
        if !wire.is_online() {
            return wire.desk.refuse(call, Code::SocketDisconnected, "The channel service is away; set the role when it is back.");
        }
        wire.ask(Command::SetRole { role }, Purpose::SetRole { call: Some(call) });
    }

    /// The service answered; without a call it was asked to restore the role.
    pub fn on_role_set(&mut self, call: Option<CallId>, result: Result<(), Error>, desk: &mut Desk) {
        match (call, result) {
            (Some(call), Ok(())) => desk.done(call),
            (Some(call), Err(error)) => desk.fail(call, error),
            (None, Ok(())) => {}
            // host -> the service is back and does not make a host again -> audience
            (None, Err(error)) => {
                self.on_role(Role::Audience, desk);
                desk.event(Event::Error { error });
            }
        }
    }

    /// The service says what this user is.
    pub fn on_role(&mut self, role: Role, desk: &mut Desk) {
        if std::mem::replace(&mut self.role, role) != role {
            desk.event(Event::ClientRoleChanged { role });
        }
    }

    pub fn renew(&mut self, call: CallId, token: String, wire: &mut Wire) {
        if wire.is_online() {
            wire.ask(Command::RenewToken { token: token.clone() }, Purpose::Renew { call, token });
        } else {
            self.keep_renewal(call, token, wire.desk);
        }
    }

    pub fn on_renewed(&mut self, call: CallId, token: String, result: Result<(), Error>, desk: &mut Desk) {
        match result {
            Ok(()) => {
                self.token = Some(token);
                desk.done(call);
            }
            Err(error) => desk.fail(call, error),
        }
    }

    /// The service is away, or lost before it answered: the way back carries the token.
    pub fn keep_renewal(&mut self, call: CallId, token: String, desk: &mut Desk) {
        if let Some(older) = self.renewal.replace(Renewal { call, token }) {
            desk.abort(older.call, "a newer renewal");
        }
    }

    /// The service refused the way back. Whether that was about a renewal: the token before may still do.
    pub fn refuse_renewal(&mut self, error: &Error, desk: &mut Desk) -> bool {
        let Some(renewal) = self.renewal.take() else { return false };
        desk.fail(renewal.call, error.clone());
        true
    }

    /// The service took us back: as what it knows us, or, if it forgot everyone, as what we were.
    pub fn come_back(&mut self, joined: &Joined, wire: &mut Wire) {
        if let Some(Renewal { call, token }) = self.renewal.take() {
            self.on_renewed(call, token, Ok(()), wire.desk);
        }
        if joined.resumed {
            self.on_role(joined.role, wire.desk);
        } else if self.mode == Mode::Live && self.role == Role::Host {
            wire.ask(Command::SetRole { role: Role::Host }, Purpose::SetRole { call: None });
        }
    }

    pub fn is_audience(&self) -> bool {
        self.role == Role::Audience
    }

    pub fn end(self, by: &str, desk: &mut Desk) {
        if let Some(renewal) = self.renewal {
            desk.abort(renewal.call, by);
        }
    }
}
