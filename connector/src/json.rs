//! JSON (RFC 8259): a tree that borrows from the body it was read from, and its text.
//!
//! Numbers are kept as they are spelled, since what is not understood goes back unchanged.
//! Written here because the usual crate, with its maps, its floating-point numbers and its
//! error messages, made up a fifth of the component; the tests hold this one against it.

use alloc::borrow::Cow;

use crate::prelude::*;

/// How deep values may stand in one another: the stack is small, and nobody's user is deep.
const MAX_DEPTH: usize = 127;

/// Bytes that a text gets at once: a user's fit, and growing would copy them again and again.
const USUAL_TEXT: usize = 1 << 10;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are JSON's own")]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is spelled.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// An object, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    /// Reads a body, which holds one value and nothing else.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader {
            text: core::str::from_utf8(body).ok()?,
            at: 0,
        };
        let value = reader.value(MAX_DEPTH)?;
        reader.skip_blanks();
        (reader.at == body.len()).then_some(value)
    }

    /// A text's value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An object's members.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// An array's items; none where it is no array.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// As it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(USUAL_TEXT);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => quote(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    separate(index, out);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(Object(members)) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    separate(index, out);
                    quote(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// A copy that needs the body no longer. The guest has no other, since each costs bytes.
    #[must_use]
    pub fn owned(&self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => Json::Number(owned(number)),
            Self::Text(text) => Json::Text(owned(text)),
            Self::Array(items) => Json::Array(items.iter().map(Json::owned).collect()),
            Self::Object(object) => Json::Object(object.owned()),
        }
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> Object<'a> {
    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The member of this name. Of several the last one, as most read it (RFC 8259 §4).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        let mut members = self.0.iter().rev();
        let (_, value) = members.find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Each member.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Cow<'a, str>, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Puts a member at the end, instead of those of its name.
    pub fn insert(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        self.remove(&name);
        self.0.push((name, value));
    }

    /// Takes out the member of this name; of several the last one, and drops the others.
    pub fn remove(&mut self, name: &str) -> Option<Json<'a>> {
        let mut found = None;
        self.0.retain_mut(|(key, value)| {
            let named = key == name;
            if named {
                found = Some(core::mem::replace(value, Json::Null));
            }
            !named
        });
        found
    }

    /// Keeps the members whose value passes.
    pub fn retain(&mut self, keep: impl Fn(&Json<'a>) -> bool) {
        self.0.retain(|(_, value)| keep(value));
    }

    /// A copy that needs the body no longer.
    #[must_use]
    pub fn owned(&self) -> Object<'static> {
        let members = self.0.iter();
        let copies = members.map(|(name, value)| (owned(name), value.owned()));
        Object(copies.collect())
    }
}

/// A copy that needs nothing any longer.
pub fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

/// A text in quotes.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let plain = plain_run(rest.as_bytes());
        let (plain, after) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(plain);
        let Some(byte) = after.bytes().next() else {
            break;
        };
        rest = after.get(1..).unwrap_or_default();
        let short = match byte {
            b'"' | b'\\' => byte,
            8 => b'b',
            0xc => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.push_str("\\u00");
                out.push(if byte < 0x10 { '0' } else { '1' });
                out.extend(char::from_digit(u32::from(byte) % 0x10, 0x10));
                continue;
            }
        };
        out.push('\\');
        out.push(char::from(short));
    }
    out.push('"');
}

/// Whether a byte stands for itself within a text.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// How many bytes stand for themselves from the beginning on. Most of a body is texts, so that
/// eight are looked at together: a byte's highest bit is set where it was below what is taken
/// from it, which one above may only be after it.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let mut at = 0;
    let (eights, _) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        let found = below(word, b' ') | is(word, b'"') | is(word, b'\\');
        let found = found & (ONES << 7);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| is_plain(*byte)) {
        at += 1;
    }
    at
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        self.skip_blanks();
        match self.peek()? {
            b'"' => self.string().map(Json::Text),
            b'{' => self.object(depth.checked_sub(1)?).map(Json::Object),
            b'[' => self.array(depth.checked_sub(1)?).map(Json::Array),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number().map(Json::Number),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Object<'a>> {
        let mut members = Vec::new();
        while self.goes_on(members.is_empty(), b'}')? {
            self.skip_blanks();
            let name = self.string()?;
            self.skip_blanks();
            self.take(b':').then_some(())?;
            members.push((name, self.value(depth)?));
        }
        Some(Object(members))
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Json<'a>>> {
        let mut items = Vec::new();
        while self.goes_on(items.is_empty(), b']')? {
            items.push(self.value(depth)?);
        }
        Some(items)
    }

    /// Reads what stands before an item or after the last one: a bracket, a comma, the end.
    fn goes_on(&mut self, first: bool, end: u8) -> Option<bool> {
        if first {
            self.at += 1;
        }
        self.skip_blanks();
        if self.take(end) {
            return Some(false);
        }
        (first || self.take(b',')).then_some(true)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.take(b'"').then_some(())?;
        let plain = self.plain()?;
        if self.take(b'"') {
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while !self.take(b'"') {
            self.take(b'\\').then_some(())?;
            text.push(self.escape()?);
            text.push_str(self.plain()?);
        }
        Some(Cow::Owned(text))
    }

    /// A piece of a text, up to whatever needs a look.
    fn plain(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let plain = rest.get(..plain_run(rest.as_bytes()))?;
        self.at += plain.len();
        Some(plain)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.code_unit()?;
                let pair = (0xd800..0xdc00).contains(&unit);
                if !pair {
                    return char::from_u32(unit);
                }
                (self.take(b'\\') && self.take(b'u')).then_some(())?;
                let low = self.code_unit()?.checked_sub(0xdc00)?;
                (low < 0x400).then_some(())?;
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)?
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 0x10 + char::from(self.peek()?).to_digit(0x10)?;
            self.at += 1;
        }
        Some(unit)
    }

    fn number(&mut self) -> Option<Cow<'a, str>> {
        let from = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        self.text.get(from..self.at).map(Cow::Borrowed)
    }

    fn digits(&mut self) -> Option<()> {
        let digits = self.run(|byte| byte.is_ascii_digit())?;
        (!digits.is_empty()).then_some(())
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        let found = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(value)
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The bytes from here on that pass.
    fn run(&mut self, passes: impl Fn(u8) -> bool) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let length = rest.bytes().position(|byte| !passes(byte));
        let run = rest.get(..length.unwrap_or(rest.len()))?;
        self.at += run.len();
        Some(run)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    // A call for each byte would be a third of the time, and no smaller.
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
