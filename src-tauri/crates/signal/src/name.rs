//! The name that a user goes by: what other people read beside the uid.
//!
//! It is a claim of its own user and proves nothing. Invariant: a [`Name`] is never empty and has at most [`Name::MAX`] characters, none of
//! which moves, hides or reverses the text around it; whatever text comes in, [`Name::clean`] makes one of it or says that nothing is left.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A cleaned name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

impl Name {
    /// The most characters (Unicode scalar values).
    pub const MAX: usize = 64;
    /// The most bytes, as UTF-8.
    pub const MAX_BYTES: usize = 4 * Self::MAX;

    /// What of `text` can be shown as a name: without characters that are not seen, white space as single spaces, and cut to
    /// [`MAX`](Self::MAX) characters, not within an emoji or a letter and its marks. `None` if nothing is left.
    pub fn clean(text: &str) -> Option<Self> {
        // No more is read of a long text than a name could need: marks and hidden characters may fill some of it.
        let shown = text.chars().take(16 * Self::MAX).map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_hidden(*c));
        let mut name: Vec<char> = Vec::with_capacity(Self::MAX + 1);
        for c in shown {
            if c == ' ' && name.last().is_none_or(|last| *last == ' ') {
                continue;
            }
            if name.len() == Self::MAX {
                cut(&mut name, c);
                break;
            }
            name.push(c);
        }
        let name: String = name.into_iter().collect();
        // A joiner or a mark without anything before it would cling to what stands before the name.
        let name = name.trim_start_matches(|c| c == ' ' || clings(c)).trim_end();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Removes what belongs together with `next`, the first character that does not fit; all of it is kept if it is all one cluster.
fn cut(name: &mut Vec<char>, next: char) {
    let joined = |before: char, after: char| clings(after) || before == ZERO_WIDTH_JOINER || is_flag(before) && is_flag(after);
    let mut after = next;
    let mut end = name.len();
    while end > 0 && joined(name[end - 1], after) {
        after = name[end - 1];
        end -= 1;
    }
    if end > 0 {
        name.truncate(end);
    }
}

const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Halves of a flag: two of them make one picture.
fn is_flag(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// Characters that change the one before: joiners, variation selectors, skin tones, tags, and the common combining marks.
fn clings(c: char) -> bool {
    matches!(c,
        ZERO_WIDTH_JOINER | '\u{200C}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}'
        | '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{064B}'..='\u{065F}' | '\u{0E31}'
        | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}' | '\u{093A}'..='\u{094D}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Characters that are not seen but do something: controls, direction marks, overrides and isolates, separators, fillers, and what stands
/// for nothing (Unicode's categories Cc and Co, and of Cf and its like all but what emoji and scripts are joined with).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFF}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E001F}'
            | '\u{E0080}'..='\u{E0FFF}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// A name as a message carries it, cleaned while it is read; what is not shown is none.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(Name::clean))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({:?})", self.0)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &str) -> String {
        Name::clean(text).map(String::from).unwrap_or_default()
    }

    #[test]
    fn a_name_is_trimmed_and_its_spaces_are_single() {
        assert_eq!(clean("  Ana \t María\n\u{3000}del Sol "), "Ana María del Sol");
        assert_eq!(clean("安娜"), "安娜");
    }

    #[test]
    fn what_shows_nothing_is_no_name() {
        for nothing in
            ["", "  \n\t", "\u{202E}\u{2066}", "\u{200B}\u{FEFF}\u{00AD}", "\u{3164}", "\0\x07\x1b", "\u{200D}\u{FE0F}", "\u{301}"]
        {
            assert_eq!(Name::clean(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_would_turn_the_text_around_is_left_out() {
        assert_eq!(clean("Ana\u{202E}gpj.exe\u{202C}"), "Anagpj.exe");
        assert_eq!(clean("\u{2067}Ana\u{2069}\u{200F}\u{061C}"), "Ana");
        assert_eq!(clean("A\u{0007}n\u{0085}a\u{009B}31m"), "An a31m");
        assert_eq!(clean("عمر שלום"), "عمر שלום", "scripts that run from right to left are names like others");
    }

    #[test]
    fn markup_stays_text() {
        assert_eq!(clean("<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>");
    }

    #[test]
    fn ten_thousand_emoji_are_cut_to_64_characters() {
        assert_eq!(clean(&"😀".repeat(10_000)), "😀".repeat(64));
        let families = clean(&"👨\u{200D}👩\u{200D}👧\u{200D}👦".repeat(10_000));
        assert_eq!(families, "👨\u{200D}👩\u{200D}👧\u{200D}👦".repeat(9), "63 characters: the tenth family would be cut in half");
    }

    #[test]
    fn an_emoji_a_flag_and_a_letter_with_its_marks_are_not_cut_in_half() {
        let long = "a".repeat(63);
        assert_eq!(clean(&format!("{long}👍\u{1F3FD}")), long);
        assert_eq!(clean(&format!("{long}🇩🇪")), long);
        assert_eq!(clean(&format!("{long}e\u{301}")), long);
        assert_eq!(clean(&format!("{long}é")), format!("{long}é"));
    }

    #[test]
    fn one_endless_cluster_is_cut_all_the_same() {
        assert_eq!(clean(&format!("a{}", "\u{301}".repeat(10_000))).chars().count(), 64);
        assert_eq!(clean(&"🇩".repeat(1000)).chars().count(), 64);
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_name_or_none_and_cleaning_again_changes_nothing(text in "\\PC{0,90}|.{0,90}|[\u{200b}-\u{206f}ab 🇩👍\u{301}]{0,90}") {
            if let Some(name) = Name::clean(&text) {
                let shown = name.as_str();
                prop_assert!((1..=Name::MAX).contains(&shown.chars().count()) && shown.len() <= Name::MAX_BYTES);
                prop_assert_eq!(shown.trim(), shown);
                prop_assert!(!shown.chars().any(is_hidden));
                prop_assert_eq!(Name::clean(shown), Some(name));
            }
        }
    }
}
