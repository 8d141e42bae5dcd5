//! Characters that a person cannot see, or that make a line say something else than it holds.

/// Control characters, and those that turn the reading direction or end a line and so make it say
/// something else. What names something to a machine, such as an account's id, has none.
pub(crate) fn is_wild(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// Those, and whatever has no shape of its own: two names may differ by it without a difference
/// that anybody could see. Unicode's `Default_Ignorable_Code_Point`, the marks of interlinear
/// notes, and the code points that are never characters.
pub(crate) fn is_unseen(character: char) -> bool {
    is_wild(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// One line, cut to so many bytes.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut line = String::new();
    push_clean(&mut line, text, most);
    line
}

/// Adds a text to a line that is fit for people, up to so many bytes of the line.
pub(crate) fn push_clean(line: &mut String, text: &str, most: usize) {
    for character in text.chars() {
        if line.len() + character.len_utf8() > most {
            return;
        }
        line.push(match character {
            '\n' | '\t' => ' ',
            c if is_unseen(c) => '\u{fffd}',
            c => c,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_the_direction_or_cannot_be_seen_is_known() {
        for wild in [
            '\0', '\u{7}', '\u{8}', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}',
            '\u{9d}', '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}',
            '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
            '\u{2069}', '\u{206a}', '\u{206f}',
        ] {
            assert!(
                is_wild(wild) && is_unseen(wild),
                "{}",
                wild.escape_unicode()
            );
        }
        for unseen in [
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{2064}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{ffff}',
            '\u{fdd0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{10ffff}',
        ] {
            assert!(
                !is_wild(unseen) && is_unseen(unseen),
                "{}",
                unseen.escape_unicode()
            );
        }
    }

    #[test]
    fn letters_of_every_script_are_seen() {
        for text in [
            "Zoë Łukasz",
            "אדה",
            "عمر",
            "李娜",
            "ひなた",
            "अनीता",
            "→ · … “x” ✓ 😀",
            "ADA 1-2_3",
        ] {
            assert!(!text.contains(is_unseen), "{text}");
        }
    }
}
