//! Expressions of the rules, in CEL (the Common Expression Language): compiled once, checked
//! before anything runs, and evaluated for each person.

mod functions;
mod references;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use cel::{Context, Env, ExecutionError, Program, Value as Cel, extensions};
use jiff::civil::Date;

pub(crate) use self::functions::is_nothing;
use self::references::References;
use crate::nearest::nearest;

/// The longest expression, in characters.
const MOST_CHARACTERS: usize = 2_000;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    program: Program,
    columns: BTreeSet<String>,
    asked: BTreeSet<String>,
    constant: bool,
}

/// What an expression may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// `person`, a row of the roster, and `today`.
    Person,
    /// `account`, as the upstream shows it, and `today`.
    Account,
}

impl About {
    fn variable(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Account => "account",
        }
    }
}

/// What expressions are evaluated with: one person or one account, today.
pub(crate) struct Subject(Context<'static, 'static>);

impl Subject {
    pub(crate) fn new(about: About, members: HashMap<String, Cel>, today: Date) -> Self {
        let mut context = surroundings().context.new_inner_scope();
        context.add_variable_from_value(about.variable(), members);
        context.add_variable_from_value("today", today.to_string());
        Self(context)
    }
}

impl Expression {
    /// Compiles and checks.
    ///
    /// # Errors
    ///
    /// Every problem, as the rest of a sentence.
    pub(crate) fn compile(source: &str, about: About) -> Result<Self, Vec<String>> {
        if source.chars().count() > MOST_CHARACTERS {
            return Err(vec![format!(
                "the expression is longer than {MOST_CHARACTERS} characters"
            )]);
        }
        let program = surroundings().env.compile(source).map_err(|errors| {
            let mut problems: Vec<String> = errors
                .errors
                .iter()
                .take(3)
                .map(|error| syntax(source, error.pos.1, &error.msg))
                .collect();
            problems.dedup();
            problems
        })?;
        let mut references = References::new(about.variable());
        references.walk(program.expression());
        let problems = problems(&references, about);
        if problems.is_empty() {
            Ok(Self {
                program,
                columns: references.members,
                asked: references.asked,
                constant: references.is_constant,
            })
        } else {
            Err(problems)
        }
    }

    /// The columns of the roster that it names.
    pub(crate) fn columns(&self) -> &BTreeSet<String> {
        &self.columns
    }

    /// Those of them that a row need not have: `has(…)` asks for them.
    pub(crate) fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    /// Whether it gives the same for everybody.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    /// # Errors
    ///
    /// Why it has no value, as the rest of a sentence.
    pub(crate) fn evaluate(&self, subject: &Subject) -> Result<Cel, String> {
        let value = self.program.execute(&subject.0);
        value.map_err(|error| told(&error))
    }

    /// Yes or no.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate), and for any other value.
    pub(crate) fn holds(&self, subject: &Subject) -> Result<bool, String> {
        match self.evaluate(subject)? {
            Cel::Bool(holds) => Ok(holds),
            other => Err(format!(
                "it gives {} where true or false is due",
                kind(&other)
            )),
        }
    }

    /// The values, as texts; none where there is no value.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate), and for values that are no texts, numbers, or true or
    /// false.
    pub(crate) fn texts(&self, subject: &Subject) -> Result<Vec<String>, String> {
        let value = self.evaluate(subject)?;
        let items = match &value {
            Cel::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let given = items.iter().filter(|item| !is_nothing(item));
        given.map(text).collect()
    }

    /// One text; `None` where there is no value.
    ///
    /// # Errors
    ///
    /// As [`texts`](Self::texts), and for several.
    pub(crate) fn text(&self, subject: &Subject) -> Result<Option<String>, String> {
        let mut texts = self.texts(subject)?;
        match texts.len() {
            0 | 1 => Ok(texts.pop()),
            several => Err(format!("it gives {several} values where one is due")),
        }
    }

    /// A day; `None` where there is no value.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text), and for what is no date.
    pub(crate) fn date(&self, subject: &Subject) -> Result<Option<Date>, String> {
        match self.text(subject)? {
            None => Ok(None),
            Some(text) => functions::read_date(&text)
                .map(Some)
                .ok_or_else(|| functions::not_a_date(&text)),
        }
    }
}

/// What all expressions share.
struct Surroundings {
    env: Arc<Env>,
    context: Context<'static, 'static>,
}

fn surroundings() -> &'static Surroundings {
    static SURROUNDINGS: OnceLock<Surroundings> = OnceLock::new();
    SURROUNDINGS.get_or_init(|| {
        let mut env = Env::stdlib();
        // Both fail only for a name that is declared twice, which a test would show: each
        // function is called in one.
        let _ = env.add_extension(extensions::strings);
        let env = Arc::new(env);
        let mut context = Context::with_env(Arc::clone(&env));
        let _ = functions::declare(&mut context);
        Surroundings { env, context }
    })
}

fn problems(references: &References, about: About) -> Vec<String> {
    let variable = about.variable();
    let mut problems = Vec::new();
    for name in &references.variables {
        if name != variable && name != "today" {
            problems.push(format!(
                "there is no `{name}`: a column is `{variable}.{name}`, and a constant text stands \
                 in quotes of its own, '\"{name}\"'"
            ));
        }
    }
    for name in &references.functions {
        let known = functions::KNOWN;
        let operator = name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        if operator || known.contains(&name.as_str()) {
            continue;
        }
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        problems.push(format!("there is no function `{name}`; {hint}"));
    }
    if references.is_whole {
        problems.push(format!(
            "`{variable}` alone is no value: name a column of it"
        ));
    }
    if references.depth > 2 {
        problems.push("loops stand within loops within loops".to_owned());
    }
    problems
}

/// What the parser says, less the list of all that it would have taken.
fn syntax(source: &str, column: isize, message: &str) -> String {
    let message = message.split(" expecting ").next().unwrap_or(message);
    let message = message.replace("'<EOF>'", "the end");
    format!(
        "`{}` is no expression: at character {column}, {}",
        functions::shortened(source),
        message.trim().to_lowercase()
    )
}

/// An error of the interpreter, in the words of somebody who fills in a roster.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("the row has no `{name}`"),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        ExecutionError::NoSuchOverload(overload) => format!(
            "`{}` does not go with {}",
            overload.function().trim_matches(['_', '@']),
            overload.argument_types().join(" and ")
        ),
        ExecutionError::UnsupportedBinaryOperator(name, a, b) => {
            format!("`{name}` does not go with {} and {}", kind(a), kind(b))
        }
        ExecutionError::ValuesNotComparable(a, b) => {
            format!("{} cannot be compared with {}", kind(a), kind(b))
        }
        ExecutionError::UndeclaredReference(name) => format!("there is no `{name}`"),
        ExecutionError::IndexOutOfBounds(_) => "the list is shorter than that".to_owned(),
        ExecutionError::UnexpectedType { got, want } => {
            format!("it has {} where {} is due", type_name(got), type_name(want))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a division by zero".to_owned()
        }
        // Its own words hold values, in the interpreter's notation.
        _ => "it cannot be evaluated".to_owned(),
    }
}

/// A type of the interpreter's.
fn type_name(name: &str) -> &str {
    let known = [
        ("Null", "nothing"),
        ("String", "a text"),
        ("i64", "a number"),
        ("Int", "a number"),
        ("Float", "a number with a fraction"),
        ("Bool", "true or false"),
        ("List", "a list"),
        ("Map", "a map"),
    ];
    let found = known.iter().find(|(known, _)| name.contains(known));
    found.map_or("something else", |(_, told)| told)
}

fn text(value: &Cel) -> Result<String, String> {
    match value {
        Cel::String(text) => Ok(text.trim().to_owned()),
        Cel::Int(number) => Ok(number.to_string()),
        Cel::UInt(number) => Ok(number.to_string()),
        Cel::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("it gives {} where a text is due", kind(other))),
    }
}

fn kind(value: &Cel) -> &'static str {
    match value {
        Cel::List(_) => "a list",
        Cel::Map(_) => "a map",
        Cel::Int(_) | Cel::UInt(_) => "a number",
        Cel::Float(_) => "a number with a fraction",
        Cel::String(_) => "a text",
        Cel::Bool(_) => "true or false",
        Cel::Null => "nothing",
        _ => "something else",
    }
}

/// JSON as CEL has it; a whole number stays one.
pub(crate) fn from_json(value: &serde_json::Value) -> Cel {
    use serde_json::Value as Json;

    match value {
        Json::Null => Cel::Null,
        Json::Bool(flag) => Cel::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cel::Int(number),
            (None, Some(number)) => Cel::Float(number),
            (None, None) => Cel::Null,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(from_json).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            let members = members.iter();
            let members: HashMap<String, Cel> = members
                .map(|(name, value)| (name.clone(), from_json(value)))
                .collect();
            members.into()
        }
    }
}

#[cfg(test)]
mod tests;
