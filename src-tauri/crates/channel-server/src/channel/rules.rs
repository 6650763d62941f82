//! Roles, the ends of tokens, and the operator's rules: what changes a member's standing.

use std::time::Instant;

use signal::{Code, Error, Event, LeaveReason, MayPublish, Mode, Name, Role, Success, Uid};

use super::{Answer, Channel, ConnectionId, Output, Parting};
use crate::{ban::Verdict, grant::Grant};

impl Channel {
    pub(super) fn on_set_role(&mut self, uid: &Uid, role: Role, now: Instant) -> Result<(), Error> {
        let Some(member) = self.members.get(uid) else { return Ok(()) };
        if member.mode == Mode::Rtc {
            return Err(Error::new(Code::InvalidOperation, "In rtc mode everyone is a host; roles are for live mode."));
        }
        if role == Role::Host {
            member.rights.grant.allow_hosting(now)?;
        }
        for source in member.streams.keys().copied().filter(|_| role == Role::Audience).collect::<Vec<_>>() {
            self.withdraw(uid, source);
        }
        // audience -> SetRole -> host, host -> SetRole -> audience
        self.take_role(uid, role);
        Ok(())
    }

    /// Makes someone a host or an audience member, and tells them and the others if that is new.
    pub(super) fn take_role(&mut self, uid: &Uid, role: Role) {
        let Some(member) = self.members.get_mut(uid).filter(|member| member.role != role) else { return };
        member.role = role;
        let (uid_told, name) = (uid.clone(), member.name.clone());
        self.tell_now(uid, Event::RoleChanged { role });
        self.tell_others(
            uid,
            match role {
                Role::Host => Event::PeerOnline { uid: uid_told, name },
                Role::Audience => Event::PeerLeave { uid: uid_told, reason: LeaveReason::BecomeAudience },
            },
        );
    }

    /// Goes by another name. An audience member does so unseen.
    pub(super) fn on_set_name(&mut self, uid: &Uid, name: Option<Name>) {
        let Some(member) = self.members.get_mut(uid).filter(|member| member.name != name) else { return };
        member.name.clone_from(&name);
        if member.is_host() {
            self.tell_others(uid, Event::PeerNamed { uid: uid.clone(), name });
        }
    }

    /// A renewed token, or why it is not one; then the grant before stays in force.
    pub(super) fn on_renew(&mut self, connection: ConnectionId, grant: Result<Grant, Error>, now: Instant) -> Answer {
        let grant = grant?;
        let known = self.connections.get(&connection).cloned();
        let Some((uid, member)) = known.and_then(|uid| self.members.get_mut(&uid).map(|member| (uid, member))) else {
            return Err(Error::new(Code::InvalidOperation, "This connection is in no channel; join first."));
        };
        member.hear(now);
        member.rights.replace(grant.under_bans_of(&member.rights.grant), now);
        self.enforce(&uid, now);
        Ok(Success::Done {})
    }

    /// Puts the operator's rules into effect on one member.
    pub(super) fn judge(&mut self, uid: &Uid, verdict: Verdict, now: Instant) {
        let Some(member) = self.members.get_mut(uid) else { return };
        match verdict.join {
            // here | away -> banned -> absent
            Some(ban) => self.expel(uid, ban.refusal(now), Parting::Banned),
            None => {
                member.rights.grant = member.rights.grant.under(verdict);
                self.enforce(uid, now);
            }
        }
    }

    /// Puts a member's grant into effect as of now.
    pub(super) fn enforce(&mut self, uid: &Uid, now: Instant) {
        let Some(member) = self.members.get_mut(uid) else { return };
        let rights = &mut member.rights;
        if rights.grant.is_over(now) {
            // here | away -> the token ends -> absent
            return self.expel(
                uid,
                Error::new(Code::DynamicKeyExpired, "Your token has expired; join again with a new one."),
                Parting::Expired,
            );
        }
        let (before, after) = (rights.may_publish, rights.grant.may_publish(now));
        let ending = rights.grant.end_to_tell(rights.told, now);
        rights.told = ending.or(rights.told);
        rights.may_publish = after;
        rights.due = rights.grant.next_change(rights.told, now);
        if before != after {
            self.on_may_publish(uid, before, after, now);
        }
        if let Some(end) = ending {
            let ms = end.saturating_duration_since(now).as_millis().try_into().unwrap_or(u64::MAX);
            self.tell_now(uid, Event::TokenWillExpire { ms });
        }
    }

    /// What a member may publish has changed: withdraws what they may not, and says so.
    fn on_may_publish(&mut self, uid: &Uid, before: MayPublish, after: MayPublish, now: Instant) {
        let Some(member) = self.members.get(uid) else { return };
        let lost = MayPublish { audio: before.audio && !after.audio, video: before.video && !after.video };
        let error = member.rights.grant.first_missing(lost, now);
        self.tell_now(uid, Event::MayPublishChanged { may_publish: after, error });
        for mut stream in self.members.get(uid).map(|member| member.streams.values().cloned().collect::<Vec<_>>()).unwrap_or_default() {
            let had = (stream.audio, stream.video);
            (stream.audio, stream.video) = (stream.audio && after.audio, stream.video && after.video);
            if !stream.audio && !stream.video {
                self.withdraw(uid, stream.id.source);
            } else if had != (stream.audio, stream.video) {
                if let Some(member) = self.members.get_mut(uid) {
                    member.streams.insert(stream.id.source, stream.clone());
                }
                self.tell_others(uid, Event::StreamUpdated { stream });
            }
        }
        if after == (MayPublish { audio: false, video: false }) && self.members.get(uid).is_some_and(|member| member.mode == Mode::Live) {
            // host -> nothing left to publish -> audience
            self.take_role(uid, Role::Audience);
        }
    }

    /// Ends every membership.
    pub(super) fn dismiss(&mut self, error: &Error) {
        for uid in self.members.keys().cloned().collect::<Vec<_>>() {
            self.expel(&uid, error.clone(), Parting::Dismissed);
        }
    }

    /// Ends a membership against its member's will, and closes their connection.
    fn expel(&mut self, uid: &Uid, error: Error, why: Parting) {
        self.tell_now(uid, Event::Removed { error });
        let connection = self.members.get(uid).and_then(|member| member.connection());
        self.remove(uid, LeaveReason::Quit);
        if let Some(connection) = connection {
            self.outputs.push(Output::Close { connection, why });
        }
    }
}
