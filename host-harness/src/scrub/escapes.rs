//! Text without its escapes: percent-encoding, the escapes of JSON and of languages like it, the
//! entities of HTML and XML, and the quoted-printable of mail.
//!
//! All but the last are decoded in one pass, since a text seldom says which of them it uses, or those
//! of one [kind](Kinds) alone. Quoted-printable has a pass of its own: `token=ab12` is no escape to
//! anything else, and would hide what stands behind the `=`. Encodings inside encodings take a pass each. Nothing is kept of where a byte came from: a find is rare,
//! and then one more pass over the same text ([`origins`]) says it.

use std::ops::Range;

use memchr::{memchr, memchr3};

/// The longest name of an entity that is known here.
const LONGEST_NAME: usize = 16;

/// The names that HTML has for ASCII characters, and so for everything that a header can hold.
const NAMES: [(&[u8], u8); 46] = [
    (b"AMP", b'&'),
    (b"DiacriticalGrave", b'`'),
    (b"GT", b'>'),
    (b"Hat", b'^'),
    (b"LT", b'<'),
    (b"NewLine", b'\n'),
    (b"QUOT", b'"'),
    (b"Tab", b'\t'),
    (b"UnderBar", b'_'),
    (b"VerticalLine", b'|'),
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"bsol", b'\\'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"commat", b'@'),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"grave", b'`'),
    (b"gt", b'>'),
    (b"lbrace", b'{'),
    (b"lbrack", b'['),
    (b"lcub", b'{'),
    (b"lowbar", b'_'),
    (b"lpar", b'('),
    (b"lsqb", b'['),
    (b"lt", b'<'),
    (b"midast", b'*'),
    (b"nbsp", b' '),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"period", b'.'),
    (b"plus", b'+'),
    (b"quest", b'?'),
    (b"quot", b'"'),
    (b"rbrace", b'}'),
    (b"rbrack", b']'),
    (b"rcub", b'}'),
    (b"rpar", b')'),
    (b"rsqb", b']'),
    (b"semi", b';'),
    (b"sol", b'/'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
];

/// Those of them that are older than the semicolon.
const OLDEST_NAMES: [(&[u8], u8); 8] = [
    (b"AMP", b'&'),
    (b"GT", b'>'),
    (b"LT", b'<'),
    (b"QUOT", b'"'),
    (b"amp", b'&'),
    (b"gt", b'>'),
    (b"lt", b'<'),
    (b"quot", b'"'),
];

/// Kinds of escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    /// All that are read together.
    pub(super) const ALL: Self = Self(0b1111);
    pub(super) const QUOTED_PRINTABLE: Self = Self(0b1_0000);

    /// Of an escape that begins with this byte.
    fn of(first: u8) -> Self {
        Self(match first {
            b'%' => 1,
            b'\\' => 2,
            b'&' => 4,
            b'=' => 16,
            _ => 8,
        })
    }

    /// Each kind, but for this one where it is one alone.
    pub(super) fn others(self) -> impl Iterator<Item = Self> {
        let kinds = [1, 2, 4, 8].into_iter().map(Self);
        kinds.filter(move |kind| *kind != self)
    }

    fn has(self, kind: Self) -> bool {
        self.0 & kind.0 != 0
    }
}

/// Whether a text holds a byte that escapes begin with, and so may look like one itself.
pub(super) fn is_unusual(text: &[u8]) -> bool {
    memchr3(b'%', b'\\', b'&', text).is_some()
}

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Meant {
    Byte(u8),
    Character(char),
    /// Nothing: every other byte of UTF-16 is 0 where a text is ASCII.
    Nothing,
}

/// A part of a text: an escape, or what stands between two.
enum Part {
    Plain(Range<usize>),
    Escape(Range<usize>, Meant),
}

/// The text without its escapes of these kinds, and those that it has; `None` where it has none.
pub(super) fn unescaped(text: &[u8], kinds: Kinds) -> Option<(Vec<u8>, Kinds)> {
    let mut clear = Vec::new();
    let mut found = Kinds(0);
    parts(text, kinds, |part| match part {
        Part::Plain(range) => clear.extend_from_slice(text.get(range).unwrap_or_default()),
        Part::Escape(range, meant) => {
            if found == Kinds(0) {
                clear.reserve(text.len());
            }
            found.0 |= Kinds::of(text.get(range.start).copied().unwrap_or(0)).0;
            match meant {
                Meant::Byte(byte) => clear.push(byte),
                Meant::Character(c) => {
                    clear.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Meant::Nothing => {}
            }
        }
    });
    (found != Kinds(0)).then_some((clear, found))
}

/// Where in `text` these parts of its unescaped form come from, whole escapes each. The ranges are
/// in order and do not overlap.
pub(super) fn origins(text: &[u8], kinds: Kinds, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found = Vec::with_capacity(ranges.len());
    let mut wanted = ranges.iter();
    let mut next = wanted.next();
    let (mut out, mut start) = (0_usize, None);
    parts(text, kinds, |part| {
        let (from, length, plain) = match &part {
            Part::Plain(range) => (range.clone(), range.len(), true),
            Part::Escape(range, meant) => {
                let length = match meant {
                    Meant::Byte(_) => 1,
                    Meant::Character(c) => c.len_utf8(),
                    Meant::Nothing => 0,
                };
                (range.clone(), length, false)
            }
        };
        while let Some(range) = next {
            if start.is_none() && (out..out + length).contains(&range.start) {
                start = Some(if plain {
                    from.start + (range.start - out)
                } else {
                    from.start
                });
            }
            let (Some(began), true) = (start, range.end <= out + length) else {
                break;
            };
            let ended = if plain {
                from.start + (range.end - out)
            } else {
                from.end
            };
            found.push(began..ended);
            start = None;
            next = wanted.next();
        }
        out += length;
    });
    found
}

fn parts(text: &[u8], kinds: Kinds, mut each: impl FnMut(Part)) {
    // Asked once: it is not among the three that are looked for together.
    let has_nul = kinds != Kinds::QUOTED_PRINTABLE && memchr(0, text).is_some();
    let next = |from: usize| {
        let rest = text.get(from..)?;
        let at = if kinds == Kinds::QUOTED_PRINTABLE {
            memchr(b'=', rest)
        } else if has_nul {
            rest.iter()
                .position(|b| matches!(b, 0 | b'%' | b'\\' | b'&'))
        } else {
            memchr3(b'%', b'\\', b'&', rest)
        };
        Some(from + at?)
    };
    let (mut plain, mut from) = (0, 0);
    while let Some(at) = next(from) {
        match text.get(at..).and_then(|rest| escape(rest, kinds)) {
            Some((taken, meant)) => {
                if plain < at {
                    each(Part::Plain(plain..at));
                }
                each(Part::Escape(at..at + taken, meant));
                from = at + taken;
                plain = from;
            }
            None => from = at + 1,
        }
    }
    if plain < text.len() {
        each(Part::Plain(plain..text.len()));
    }
}

/// The escape that a text begins with: its length, and what it stands for.
fn escape(text: &[u8], kinds: Kinds) -> Option<(usize, Meant)> {
    let (first, rest) = text.split_first()?;
    if !kinds.has(Kinds::of(*first)) {
        return None;
    }
    let (taken, meant) = match first {
        0 => (0, Meant::Nothing),
        b'%' => percent(rest)?,
        b'\\' => backslash(rest)?,
        b'=' => quoted_printable(rest)?,
        _ => entity(rest)?,
    };
    Some(match meant {
        Meant::Byte(0) | Meant::Character('\0') => (taken + 1, Meant::Nothing),
        meant => (taken + 1, meant),
    })
}

fn percent(rest: &[u8]) -> Option<(usize, Meant)> {
    if let [b'u' | b'U', digits @ ..] = rest {
        let (code, taken) = number(digits, 16, 4, 4)?;
        return Some((taken + 1, character(code)?));
    }
    let (code, taken) = number(rest, 16, 2, 2)?;
    Some((taken, Meant::Byte(u8::try_from(code).ok()?)))
}

fn backslash(rest: &[u8]) -> Option<(usize, Meant)> {
    let (first, digits) = rest.split_first()?;
    Some(match first {
        b'u' => {
            let (code, taken) = unicode(digits)?;
            (taken + 1, character(code)?)
        }
        b'U' => {
            let (code, taken) = number(digits, 16, 8, 8)?;
            (taken + 1, character(code)?)
        }
        b'x' | b'X' => match digits {
            [b'{', digits @ ..] => {
                let (code, taken) = in_braces(digits, 16)?;
                (taken + 2, character(code)?)
            }
            _ => {
                let (code, taken) = number(digits, 16, 2, 2)?;
                (taken + 1, Meant::Byte(u8::try_from(code).ok()?))
            }
        },
        b'o' => {
            let (code, taken) = in_braces(digits.strip_prefix(b"{")?, 8)?;
            (taken + 2, character(code)?)
        }
        b'0'..=b'7' => {
            let (code, taken) = number(rest, 8, 1, 3)?;
            (taken, Meant::Byte(u8::try_from(code).ok()?))
        }
        b'n' => (1, Meant::Byte(b'\n')),
        b'r' => (1, Meant::Byte(b'\r')),
        b't' => (1, Meant::Byte(b'\t')),
        other if other.is_ascii_punctuation() => (1, Meant::Byte(*other)),
        _ => return None,
    })
}

/// What follows `\u`: four digits, another four where they are half a character, or any number in
/// braces.
fn unicode(digits: &[u8]) -> Option<(u32, usize)> {
    if let [b'{', digits @ ..] = digits {
        let (code, taken) = in_braces(digits, 16)?;
        return Some((code, taken + 1));
    }
    let (code, taken) = number(digits, 16, 4, 4)?;
    if !(0xd800..0xdc00).contains(&code) {
        return Some((code, taken));
    }
    let [b'\\', b'u', low @ ..] = digits.get(taken..)? else {
        return None;
    };
    let (low, _) = number(low, 16, 4, 4)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((0x1_0000 + ((code - 0xd800) << 10) + low, taken + 6))
}

/// What follows `{`, with the brace that closes it.
fn in_braces(digits: &[u8], radix: u32) -> Option<(u32, usize)> {
    let (code, taken) = number(digits, radix, 1, 8)?;
    (digits.get(taken) == Some(&b'}')).then_some((code, taken + 1))
}

/// What follows `=`: two digits, or the end of a line that goes on in the next.
fn quoted_printable(rest: &[u8]) -> Option<(usize, Meant)> {
    match rest {
        [b'\r', b'\n', ..] => return Some((2, Meant::Nothing)),
        [b'\n', ..] => return Some((1, Meant::Nothing)),
        _ => {}
    }
    let (code, taken) = number(rest, 16, 2, 2)?;
    Some((taken, Meant::Byte(u8::try_from(code).ok()?)))
}

fn entity(rest: &[u8]) -> Option<(usize, Meant)> {
    if let [b'#', digits @ ..] = rest {
        let (code, taken) = match digits {
            [b'x' | b'X', digits @ ..] => {
                let (code, taken) = number(digits, 16, 1, 8)?;
                (code, taken + 1)
            }
            _ => {
                let length = digits.iter().take(10).take_while(|b| b.is_ascii_digit());
                let length = length.count();
                let text = std::str::from_utf8(digits.get(..length)?).ok()?;
                (text.parse().ok()?, length)
            }
        };
        // Browsers read it without the semicolon too.
        let closed = usize::from(digits.get(taken) == Some(&b';'));
        return Some((1 + taken + closed, character(code)?));
    }
    let most = rest.get(..rest.len().min(LONGEST_NAME + 1))?;
    let named = memchr(b';', most).and_then(|end| {
        let name = most.get(..end)?;
        let (_, meant) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some((end + 1, Meant::Byte(*meant)))
    });
    // These four browsers read without the semicolon too.
    named.or_else(|| {
        let known = OLDEST_NAMES.iter().find(|(name, _)| rest.starts_with(name));
        known.map(|(name, meant)| (name.len(), Meant::Byte(*meant)))
    })
}

fn character(code: u32) -> Option<Meant> {
    char::from_u32(code).map(Meant::Character)
}

/// A number of `least` to `most` digits, eight at most, and how many there were.
fn number(text: &[u8], radix: u32, least: usize, most: usize) -> Option<(u32, usize)> {
    let digits = text.iter().take(most);
    let (mut code, mut count) = (0_u32, 0);
    for digit in digits.map_while(|byte| char::from(*byte).to_digit(radix)) {
        code = code.checked_mul(radix)?.checked_add(digit)?;
        count += 1;
    }
    (count >= least).then_some((code, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clear(text: &str) -> String {
        let clear = unescaped(text.as_bytes(), Kinds::ALL);
        String::from_utf8(clear.map_or_else(|| text.into(), |(clear, _)| clear)).unwrap()
    }

    #[test]
    fn every_spelling_of_a_character_is_read() {
        for spelled in [
            "%3D",
            "%3d",
            "%u003d",
            "\\u003d",
            "\\u003D",
            "\\u{3d}",
            "\\U0000003D",
            "\\x3d",
            "\\x{3d}",
            "\\x{003D}",
            "\\075",
            "\\75",
            "\\o{75}",
            "\\=",
            "&#61;",
            "&#061;",
            "&#61",
            "&#x3d;",
            "&#X3D;",
            "&equals;",
        ] {
            assert_eq!(clear(&format!("<{spelled}>")), "<=>", "{spelled}");
        }
        assert_eq!(clear(r"\ud83d\ude00 \u00e9"), "\u{1f600} \u{e9}");
        assert_eq!(clear("a\0b\0"), "ab");
        assert_eq!(clear("a&ampb &lt= \\0"), "a&b <= ");
        let mail = unescaped(b"a=3Db=\r\nc=\nd =zz", Kinds::QUOTED_PRINTABLE);
        assert_eq!(mail.unwrap().0, b"a=bcd =zz");
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [
            "100%",
            "%zz",
            "a & b",
            "&unknown;",
            "&;",
            "\\",
            "\\q",
            "\\u12",
            "&#;",
            "\\ud800x",
            "\\x{3d",
            "\\x{}",
            "\\777",
            "\\8",
            "token=ab12",
        ] {
            assert!(unescaped(text.as_bytes(), Kinds::ALL).is_none(), "{text}");
        }
    }

    #[test]
    fn a_part_of_the_clear_text_leads_back_to_whole_escapes() {
        let text = br"ab%3Dc\u00e9d&amp;";
        let (clear, _) = unescaped(text, Kinds::ALL).unwrap();
        assert_eq!(clear, "ab=c\u{e9}d&".as_bytes());
        let spelled: Vec<&[u8]> = [0..1, 1..3, 3..5, 6..8]
            .into_iter()
            .flat_map(|range| origins(text, Kinds::ALL, &[range]))
            .map(|range| &text[range])
            .collect();
        assert_eq!(spelled, [&b"a"[..], b"b%3D", br"c\u00e9", b"d&amp;"]);
        assert_eq!(
            origins(text, Kinds::ALL, &[0..2, 2..3, 3..4]),
            [0..2, 2..5, 5..6]
        );
    }
}
