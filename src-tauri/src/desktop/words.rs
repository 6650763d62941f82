//! The few sentences that stand outside the page: in the tray and in notices. The page has its own, in ui/i18n.

use super::{arrivals::Notice, calls::Summary};
use crate::settings::values::Language;

/// A language that this app speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    English,
    Chinese,
}

impl Words {
    /// As chosen, or else as the system is set; `system` is its language tag.
    pub fn choose(language: Language, system: Option<&str>) -> Self {
        match language {
            Language::English => Self::English,
            Language::Chinese => Self::Chinese,
            Language::System if system.is_some_and(|tag| tag.to_ascii_lowercase().starts_with("zh")) => Self::Chinese,
            Language::System => Self::English,
        }
    }

    /// As the system is set now.
    pub fn now(language: Language) -> Self {
        Self::choose(language, sys_locale::get_locale().as_deref())
    }

    fn pick(self, english: &'static str, chinese: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    pub fn show(self) -> &'static str {
        self.pick("Show Visavis", "显示 Visavis")
    }

    pub fn microphone(self) -> &'static str {
        self.pick("Mute microphone", "静音麦克风")
    }

    pub fn camera(self) -> &'static str {
        self.pick("Turn camera off", "关闭摄像头")
    }

    pub fn leave(self) -> &'static str {
        self.pick("Leave call", "离开通话")
    }

    pub fn quit(self) -> &'static str {
        self.pick("Quit", "退出")
    }

    /// What the tray says where the pointer rests on it.
    pub fn status(self, summary: Summary) -> &'static str {
        match (summary.in_call, summary.microphone_muted) {
            (false, _) => "Visavis",
            (true, Some(true)) => self.pick("Visavis: in a call, muted", "Visavis：通话中，已静音"),
            (true, _) => self.pick("Visavis: in a call", "Visavis：通话中"),
        }
    }

    /// Who came into a channel.
    pub fn came(self, notice: &Notice) -> String {
        let Notice { uid, name, others } = notice;
        let who = name.clone().unwrap_or_else(|| uid.to_string());
        match (self, others) {
            (Self::English, 0) => format!("{who} joined"),
            (Self::English, 1) => format!("{who} and one other joined"),
            (Self::English, others) => format!("{who} and {others} others joined"),
            (Self::Chinese, 0) => format!("{who} 加入了通话"),
            (Self::Chinese, others) => format!("{who} 和另外 {others} 人加入了通话"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Uid;

    #[test]
    fn the_language_is_the_chosen_one_or_the_systems() {
        assert_eq!(Words::choose(Language::System, Some("zh-Hans-CN")), Words::Chinese);
        assert_eq!(Words::choose(Language::System, Some("de-CH")), Words::English);
        assert_eq!(Words::choose(Language::System, None), Words::English);
        assert_eq!(Words::choose(Language::Chinese, Some("en")), Words::Chinese);
    }

    #[test]
    fn whoever_came_is_named_and_the_others_are_counted() {
        let notice = |name: Option<&str>, others| Notice { uid: Uid::Number(7), name: name.map(str::to_owned), others };
        let came = |others| Words::English.came(&notice(Some("Ana"), others));
        assert_eq!([came(0), came(1), came(98)], ["Ana joined", "Ana and one other joined", "Ana and 98 others joined"]);
        assert_eq!(Words::Chinese.came(&notice(None, 0)), "7 加入了通话", "who goes by no name");
    }
}
