//! Filters as RFC 7644 §3.4.2.2 writes them, read into a tree. Attribute names, operators and
//! `and`, `or`, `not` are read in any case. [`super::matching`] says what a filter matches.
//!
//! Attributes that the tenant does not have are refused (`invalidFilter`), so that a client with
//! a wrong name hears of it.

use jiff::Timestamp;
use serde_json::Value;

use super::answer::Refusal;
use super::schema::{Attribute, Kind, Names, Target};

/// How deep parentheses, `not` and brackets may nest.
const MAX_DEPTH: usize = 50;

/// A filter, its attributes resolved.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    Present(Target),
    Compare {
        target: Target,
        operator: Operator,
        operand: Operand,
    },
    /// `emails[type eq "work"]`: one element matches the whole inner filter.
    Element {
        target: Target,
        inner: Box<Filter>,
    },
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

/// The comparisons of RFC 7644 §3.4.2.2, Table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    fn named(word: &str) -> Option<Self> {
        const ALL: [(&str, Operator); 9] = [
            ("eq", Operator::Eq),
            ("ne", Operator::Ne),
            ("co", Operator::Co),
            ("sw", Operator::Sw),
            ("ew", Operator::Ew),
            ("gt", Operator::Gt),
            ("ge", Operator::Ge),
            ("lt", Operator::Lt),
            ("le", Operator::Le),
        ];
        ALL.iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, operator)| *operator)
    }
}

/// What is compared with, brought into the form that the attribute is compared in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// Already folded where the attribute has no case.
    Text(String),
    Boolean(bool),
    Instant(Timestamp),
    Null,
}

/// Lower case, for values whose case does not matter (RFC 7643 §2.2, `caseExact`).
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Reads a whole filter.
pub(super) fn parse(text: &str, names: &Names) -> Result<Filter, Refusal> {
    let mut parser = Parser {
        rest: text,
        names,
        inside: None,
        depth: 0,
    };
    let filter = parser.or()?;
    parser.skip_blanks();
    if parser.rest.is_empty() {
        Ok(filter)
    } else {
        Err(parser.unexpected())
    }
}

/// Reads the filter at the start of `text` up to the `]` that ends it, for the elements of
/// `attribute`; gives what follows the bracket.
pub(super) fn parse_bracketed<'a>(
    text: &'a str,
    names: &Names,
    attribute: &'static Attribute,
) -> Result<(Filter, &'a str), Refusal> {
    let mut parser = Parser {
        rest: text,
        names,
        inside: Some(attribute),
        depth: 0,
    };
    let filter = parser.or()?;
    parser.skip_blanks();
    match parser.rest.strip_prefix(']') {
        Some(rest) => Ok((filter, rest)),
        None => Err(parser.unexpected()),
    }
}

struct Parser<'a, 'n> {
    rest: &'a str,
    names: &'n Names,
    /// The attribute whose brackets we are in.
    inside: Option<&'static Attribute>,
    depth: usize,
}

impl<'a> Parser<'a, '_> {
    fn or(&mut self) -> Result<Filter, Refusal> {
        let mut terms = vec![self.and()?];
        while self.keyword("or") {
            terms.push(self.and()?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut terms = vec![self.term()?];
        while self.keyword("and") {
            terms.push(self.term()?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, Refusal> {
        self.skip_blanks();
        if self.rest.starts_with('(') {
            return self.parenthesised();
        }
        if let (Some(word), Some(after)) = (self.rest.get(..3), self.rest.get(3..))
            && word.eq_ignore_ascii_case("not")
            && after.trim_start_matches(' ').starts_with('(')
        {
            self.rest = after.trim_start_matches(' ');
            return Ok(Filter::Not(Box::new(self.parenthesised()?)));
        }
        self.attribute_expression()
    }

    fn parenthesised(&mut self) -> Result<Filter, Refusal> {
        self.deeper()?;
        self.expect('(')?;
        let inner = self.or()?;
        self.skip_blanks();
        self.expect(')')?;
        self.depth -= 1;
        Ok(inner)
    }

    fn attribute_expression(&mut self) -> Result<Filter, Refusal> {
        let written = self.attribute_path();
        if written.is_empty() {
            return Err(self.unexpected());
        }
        let target = self.resolve(written)?;
        if self.rest.starts_with('[') {
            return self.element(target);
        }
        self.comparison(target, written)
    }

    /// What follows `emails`, from the bracket on. A sub-attribute after the bracket is beyond
    /// the RFC's grammar for filters, but Entra sends it.
    fn element(&mut self, target: Target) -> Result<Filter, Refusal> {
        if self.inside.is_some() {
            return Err(Refusal::filter("A value filter inside a value filter."));
        }
        if !target.attribute.multi_valued
            || target.part.is_some()
            || target.attribute.parts().is_empty()
        {
            return Err(Refusal::filter(format!(
                "{} takes no value filter.",
                target.attribute.name
            )));
        }
        self.expect('[')?;
        self.inside = Some(target.attribute);
        let inner = self.or()?;
        self.skip_blanks();
        self.expect(']')?;
        let inner = if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            let written = self.attribute_path();
            let part = self.resolve(written)?;
            let compared = self.comparison(part, written)?;
            Filter::And(vec![inner, compared])
        } else {
            inner
        };
        self.inside = None;
        Ok(Filter::Element {
            target,
            inner: Box::new(inner),
        })
    }

    fn comparison(&mut self, target: Target, written: &str) -> Result<Filter, Refusal> {
        let target = with_default_part(target);
        self.skip_blanks();
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(target));
        }
        let operator = Operator::named(word)
            .ok_or_else(|| Refusal::filter(format!("After {written} an operator is missing.")))?;
        self.skip_blanks();
        let value = self.literal()?;
        let operand = operand(&target, operator, value)?;
        Ok(Filter::Compare {
            target,
            operator,
            operand,
        })
    }

    fn resolve(&self, written: &str) -> Result<Target, Refusal> {
        match self.inside {
            Some(attribute) => attribute.part(written).map(|attribute| Target {
                extension: None,
                attribute,
                part: None,
            }),
            None => self.names.resolve(written),
        }
        .ok_or_else(|| Refusal::filter(format!("There is no attribute {}.", shortened(written))))
    }

    fn attribute_path(&mut self) -> &'a str {
        self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '_' | '-' | '$'))
    }

    fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphabetic())
    }

    /// A JSON value: a string, a number, `true`, `false` or `null`.
    fn literal(&mut self) -> Result<Value, Refusal> {
        let end = if self.rest.starts_with('"') {
            string_end(self.rest).ok_or_else(|| Refusal::filter("A string does not end."))?
        } else {
            self.rest.find([' ', ')', ']']).unwrap_or(self.rest.len())
        };
        let (literal, rest) = self.rest.split_at(end);
        let value: Value = serde_json::from_str(literal)
            .map_err(|_| Refusal::filter(format!("{} is no JSON value.", shortened(literal))))?;
        if value.is_object() || value.is_array() {
            return Err(Refusal::filter("Only simple values can be compared with."));
        }
        self.rest = rest;
        Ok(value)
    }

    /// Takes a keyword that stands between blanks, or between a blank and a parenthesis.
    fn keyword(&mut self, keyword: &str) -> bool {
        let rest = self.rest.trim_start_matches(' ');
        if let (Some(word), Some(after)) = (rest.get(..keyword.len()), rest.get(keyword.len()..))
            && rest.len() < self.rest.len()
            && word.eq_ignore_ascii_case(keyword)
            && after.starts_with([' ', '('])
        {
            self.rest = after;
            return true;
        }
        false
    }

    fn deeper(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::filter(format!(
                "The filter nests more than {MAX_DEPTH} deep."
            )));
        }
        Ok(())
    }

    fn expect(&mut self, wanted: char) -> Result<(), Refusal> {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.unexpected()),
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn unexpected(&self) -> Refusal {
        if self.rest.is_empty() {
            Refusal::filter("The filter ends too early.")
        } else {
            Refusal::filter(format!("Unexpected: {}", shortened(self.rest)))
        }
    }
}

fn one_or(mut terms: Vec<Filter>, many: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match (terms.len(), terms.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            terms.extend(last);
            many(terms)
        }
    }
}

/// `emails co "@"` means `emails.value` (RFC 7644 §3.4.2.2); `name eq …` means nothing.
fn with_default_part(mut target: Target) -> Target {
    if target.part.is_none() && target.attribute.multi_valued {
        target.part = target.attribute.part("value");
    }
    target
}

/// Brings a value into the form the attribute is compared in; refuses what cannot be compared.
fn operand(target: &Target, operator: Operator, value: Value) -> Result<Operand, Refusal> {
    let leaf = target.part.unwrap_or(target.attribute);
    let refused = || {
        Err(Refusal::filter(format!(
            "{} cannot be compared in this way.",
            leaf.name
        )))
    };
    let equality = matches!(operator, Operator::Eq | Operator::Ne);
    match (leaf.kind, value) {
        (Kind::Complex(_) | Kind::Integer, _) => refused(),
        (_, Value::Null) if equality => Ok(Operand::Null),
        (Kind::Boolean, Value::Bool(value)) if equality => Ok(Operand::Boolean(value)),
        (Kind::DateTime, Value::String(text)) => match (operator, text.parse::<Timestamp>()) {
            (Operator::Co | Operator::Sw | Operator::Ew, _) => Ok(Operand::Text(fold(&text))),
            (_, Ok(instant)) => Ok(Operand::Instant(instant)),
            (_, Err(_)) => Err(Refusal::filter(format!(
                "{} is no date and time.",
                shortened(&text)
            ))),
        },
        (Kind::Text | Kind::Reference, Value::String(text)) if leaf.case_exact => {
            Ok(Operand::Text(text))
        }
        (Kind::Text | Kind::Reference, Value::String(text)) => Ok(Operand::Text(fold(&text))),
        _ => refused(),
    }
}

/// Where a JSON string that starts the text ends, the closing quotation mark included.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(position + 1),
            _ => {}
        }
    }
    None
}

/// Enough of a text to recognise it by.
pub(super) fn shortened(text: &str) -> String {
    const ENOUGH: usize = 60;
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
