//! Whom the operator keeps out, of what, and for how long. Pure: no clock, no channel.
//!
//! Rules are Agora's kicking rules. They live in memory, as everything here does: a restart forgets them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::{Duration, Instant},
};

use signal::{AppId, ChannelName, Code, Error, Uid};

/// What a rule can take away; Agora's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    JoinChannel,
    PublishAudio,
    PublishVideo,
}

/// Whom a rule names: everyone in the project to whom all of what is given applies. At least one of the three has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub app_id: AppId,
    pub channel: Option<ChannelName>,
    pub uid: Option<Uid>,
    pub ip: Option<IpAddr>,
}

/// A kick or a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub target: Target,
    /// At least one.
    pub privileges: BTreeSet<Privilege>,
    /// [`Duration::ZERO`] removes those who are there and lets them come back: a kick. At most [`LONGEST`].
    pub duration: Duration,
}

/// The longest ban: Agora's.
pub const LONGEST: Duration = Duration::from_secs(86_430);

/// What [`Service::ban`](crate::Service::ban) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// By which the rule can be ended early; of no use for a kick, which is over already.
    pub id: u64,
    /// How many members were removed, or lost the right to publish.
    pub members: usize,
}

/// A rule in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: u64,
    pub rule: Rule,
    pub until: Instant,
}

/// Someone in a channel, or about to be; a uid that the service has yet to draw is `None` and cannot be named by a rule.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub app_id: &'a AppId,
    pub channel: &'a ChannelName,
    pub uid: Option<&'a Uid>,
    pub ip: IpAddr,
}

/// Until when each privilege is taken from someone, and with which code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub join: Option<Ban>,
    pub audio: Option<Ban>,
    pub video: Option<Ban>,
}

/// One privilege's ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    pub code: Code,
    pub until: Instant,
}

impl Ban {
    /// What someone reads whom it keeps out.
    pub fn refusal(&self, now: Instant) -> Error {
        let what = match self.code {
            Code::IpBanned => "Your address is banned",
            Code::ChannelBanned => "This channel is closed",
            _ => "You are banned",
        };
        let left = spoken(self.until.saturating_duration_since(now));
        Error::new(self.code, format!("{what} by who runs the service, for another {left}."))
    }
}

impl Rule {
    /// The same with its address in the family that peers' addresses are given in.
    pub fn canonical(mut self) -> Self {
        self.target.ip = self.target.ip.map(|ip| ip.to_canonical());
        self
    }

    fn check(&self) -> Result<(), Error> {
        let Target { channel, uid, ip, .. } = &self.target;
        let what = if channel.is_none() && uid.is_none() && ip.is_none() {
            "A rule names a channel, a uid or an address; to close a whole project, disable it."
        } else if self.privileges.is_empty() {
            "A rule takes at least one of join_channel, publish_audio and publish_video."
        } else if self.duration > LONGEST {
            "A rule lasts 86430 seconds at most."
        } else if self.duration.is_zero() && !self.privileges.contains(&Privilege::JoinChannel) {
            "A rule without a duration is a kick, which takes join_channel; give the rule a duration."
        } else {
            return Ok(());
        };
        Err(Error::new(Code::InvalidParameter, what))
    }
}

impl Target {
    /// Whether the rule is about this member.
    pub fn names(&self, subject: &Subject) -> bool {
        self.app_id == *subject.app_id
            && self.channel.as_ref().is_none_or(|channel| channel == subject.channel)
            && self.uid.as_ref().is_none_or(|uid| Some(uid) == subject.uid)
            && self.ip.is_none_or(|ip| ip == subject.ip)
    }

    /// Agora's code for whom it keeps out, by the most personal that it names.
    pub fn code(&self) -> Code {
        match self {
            Self { uid: Some(_), .. } => Code::UidBanned,
            Self { ip: Some(_), .. } => Code::IpBanned,
            _ => Code::ChannelBanned,
        }
    }

    /// Every target that names a subject: as many look-ups, however many rules there are.
    fn all_naming(subject: &Subject) -> impl Iterator<Item = Self> {
        let Subject { app_id, channel, uid, ip } = *subject;
        (1u8..8).filter(move |bits| uid.is_some() || bits & 2 == 0).map(move |bits| Self {
            app_id: app_id.clone(),
            channel: (bits & 1 != 0).then(|| channel.clone()),
            uid: uid.filter(|_| bits & 2 != 0).cloned(),
            ip: (bits & 4 != 0).then_some(ip),
        })
    }
}

impl Verdict {
    /// Adds what a rule takes until an instant; the longest counts.
    pub fn add(&mut self, rule: &Rule, until: Instant) {
        let ban = Ban { code: rule.target.code(), until };
        for privilege in &rule.privileges {
            let place = match privilege {
                Privilege::JoinChannel => &mut self.join,
                Privilege::PublishAudio => &mut self.audio,
                Privilege::PublishVideo => &mut self.video,
            };
            if place.is_none_or(|old| old.until < until) {
                *place = Some(ban);
            }
        }
    }
}

/// The rules in force; at most as many as it was made for.
#[derive(Debug)]
pub struct List {
    most: usize,
    next_id: u64,
    rules: BTreeMap<u64, Standing>,
    by_target: HashMap<Target, Vec<u64>>,
}

impl List {
    pub fn new(most: usize) -> Self {
        Self { most, next_id: 1, rules: BTreeMap::new(), by_target: HashMap::new() }
    }

    /// Takes a rule in and answers its id; a kick gets one too, but is not kept.
    pub fn add(&mut self, rule: Rule, now: Instant) -> Result<u64, Error> {
        rule.check()?;
        let rule = rule.canonical();
        self.forget_ended(now);
        let id = self.next_id;
        if !rule.duration.is_zero() {
            if self.rules.len() >= self.most {
                return Err(Error::new(Code::ServiceTooHeavy, format!("{} rules are in force already; end some first.", self.most)));
            }
            self.by_target.entry(rule.target.clone()).or_default().push(id);
            let until = now + rule.duration;
            self.rules.insert(id, Standing { id, rule, until });
        }
        self.next_id += 1;
        Ok(id)
    }

    /// Ends a rule of a project, and gives it back.
    pub fn remove(&mut self, app_id: &AppId, id: u64) -> Option<Rule> {
        self.rules.get(&id).filter(|standing| standing.rule.target.app_id == *app_id)?;
        self.drop_rule(id)
    }

    /// A project's rules in force, oldest first.
    pub fn of(&self, app_id: &AppId, now: Instant) -> Vec<Standing> {
        self.rules.values().filter(|standing| standing.rule.target.app_id == *app_id && standing.until > now).cloned().collect()
    }

    /// What the rules leave a subject.
    pub fn verdict(&self, subject: &Subject, now: Instant) -> Verdict {
        let mut verdict = Verdict::default();
        if self.rules.is_empty() {
            return verdict;
        }
        for id in Target::all_naming(subject).filter_map(|target| self.by_target.get(&target)).flatten() {
            if let Some(standing) = self.rules.get(id).filter(|standing| standing.until > now) {
                verdict.add(&standing.rule, standing.until);
            }
        }
        verdict
    }

    fn forget_ended(&mut self, now: Instant) {
        let ended: Vec<u64> = self.rules.values().filter(|standing| standing.until <= now).map(|standing| standing.id).collect();
        for id in ended {
            self.drop_rule(id);
        }
    }

    fn drop_rule(&mut self, id: u64) -> Option<Rule> {
        let standing = self.rules.remove(&id)?;
        if let Some(ids) = self.by_target.get_mut(&standing.rule.target) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_target.remove(&standing.rule.target);
            }
        }
        Some(standing.rule)
    }
}

/// "1 h 5 min", "40 s": a time left as people say it, rounded up.
pub fn spoken(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => match seconds.div_ceil(60) {
            minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
            minutes => format!("{} h {} min", minutes / 60, minutes % 60),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app_id() -> AppId {
        crate::DEFAULT_APP_ID.parse().unwrap()
    }

    fn uid(n: u32) -> Uid {
        Uid::number(n).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn target() -> Target {
        Target { app_id: app_id(), channel: None, uid: None, ip: None }
    }

    fn rule(target: Target, privilege: Privilege, seconds: u64) -> Rule {
        Rule { target, privileges: [privilege].into(), duration: Duration::from_secs(seconds) }
    }

    fn verdict(list: &List, channel: &str, n: u32, last: u8, now: Instant) -> Verdict {
        let (app_id, channel, uid) = (app_id(), channel.parse().unwrap(), uid(n));
        list.verdict(&Subject { app_id: &app_id, channel: &channel, uid: Some(&uid), ip: address(last) }, now)
    }

    #[test]
    fn a_rule_names_whoever_has_all_that_it_says() {
        let now = Instant::now();
        let demo = || Some("demo".parse().unwrap());
        let cases = [
            (Target { uid: Some(uid(7)), ..target() }, Code::UidBanned, [true, true, false, true]),
            (Target { uid: Some(uid(7)), channel: demo(), ..target() }, Code::UidBanned, [true, false, false, true]),
            (Target { channel: demo(), ..target() }, Code::ChannelBanned, [true, false, true, true]),
            (Target { ip: Some(address(1)), ..target() }, Code::IpBanned, [true, true, true, false]),
            (Target { ip: Some(address(1)), uid: Some(uid(7)), channel: demo(), ..target() }, Code::UidBanned, [true, false, false, false]),
        ];
        for (target, code, named) in cases {
            let mut list = List::new(10);
            list.add(rule(target.clone(), Privilege::JoinChannel, 60), now).unwrap();
            let found = [("demo", 7, 1), ("other", 7, 1), ("demo", 8, 1), ("demo", 7, 2)].map(|(channel, n, last)| {
                let (app_id, channel, uid) = (app_id(), channel.parse().unwrap(), uid(n));
                let subject = Subject { app_id: &app_id, channel: &channel, uid: Some(&uid), ip: address(last) };
                let by_list = list.verdict(&subject, now).join.map(|ban| ban.code);
                assert_eq!(by_list.is_some(), target.names(&subject), "the index and the rule agree");
                by_list
            });
            assert_eq!(found, named.map(|named| named.then_some(code)), "{target:?}");
        }
    }

    #[test]
    fn a_ban_ends_with_its_time_and_the_longest_counts() {
        let now = Instant::now();
        let mut list = List::new(10);
        let seven = || Target { uid: Some(uid(7)), ..target() };
        list.add(rule(seven(), Privilege::PublishAudio, 60), now).unwrap();
        list.add(rule(seven(), Privilege::PublishAudio, 30), now).unwrap();
        let audio = |seconds| verdict(&list, "demo", 7, 1, now + Duration::from_secs(seconds)).audio;
        assert_eq!(audio(59), Some(Ban { code: Code::UidBanned, until: now + Duration::from_secs(60) }));
        assert_eq!(audio(60), None);
        let refusal = audio(1).unwrap().refusal(now + Duration::from_secs(1));
        assert_eq!(refusal.message, "You are banned by who runs the service, for another 59 s.");
        assert_eq!(verdict(&list, "demo", 7, 1, now).join, None);
    }

    #[test]
    fn a_kick_is_over_at_once_and_a_rule_can_be_ended_by_its_project_only() {
        let now = Instant::now();
        let mut list = List::new(10);
        let seven = || Target { uid: Some(uid(7)), ..target() };
        list.add(rule(seven(), Privilege::JoinChannel, 0), now).unwrap();
        assert_eq!(verdict(&list, "demo", 7, 1, now), Verdict::default());
        let id = list.add(rule(seven(), Privilege::JoinChannel, 60), now).unwrap();
        assert_eq!(list.of(&app_id(), now).len(), 1);
        assert!(list.remove(&"0".repeat(32).parse().unwrap(), id).is_none());
        assert!(list.remove(&app_id(), id).is_some() && list.remove(&app_id(), id).is_none());
        assert_eq!(verdict(&list, "demo", 7, 1, now), Verdict::default());
        assert!(list.by_target.is_empty());
    }

    #[test]
    fn the_list_is_bounded_and_what_has_ended_makes_room() {
        let now = Instant::now();
        let mut list = List::new(1);
        let seven = || rule(Target { uid: Some(uid(7)), ..target() }, Privilege::JoinChannel, 60);
        list.add(seven(), now).unwrap();
        assert_eq!(list.add(seven(), now).unwrap_err().code, Code::ServiceTooHeavy);
        assert!(list.add(seven(), now + Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn a_rule_without_a_name_a_privilege_or_an_end_is_refused() {
        let seven = || Target { uid: Some(uid(7)), ..target() };
        let refused = [
            rule(target(), Privilege::JoinChannel, 60),
            Rule { privileges: BTreeSet::new(), ..rule(seven(), Privilege::JoinChannel, 60) },
            rule(seven(), Privilege::PublishAudio, 0),
            rule(seven(), Privilege::JoinChannel, 86_431),
        ];
        for rule in refused {
            assert_eq!(List::new(10).add(rule, Instant::now()).unwrap_err().code, Code::InvalidParameter);
        }
    }

    #[test]
    fn an_address_is_the_same_in_both_families() {
        let now = Instant::now();
        let mut list = List::new(10);
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        list.add(rule(Target { ip: Some(mapped), ..target() }, Privilege::JoinChannel, 60), now).unwrap();
        assert!(verdict(&list, "demo", 7, 1, now).join.is_some());
    }

    #[test]
    fn a_time_left_is_said_shortly() {
        let said = [0, 40, 121, 3_600, 7_201, 86_400].map(|seconds| spoken(Duration::from_secs(seconds)));
        assert_eq!(said, ["0 s", "40 s", "3 min", "60 min", "2 h 1 min", "24 h"]);
    }
}
