//! The tables of `docs/answers.md`, read from the page itself, so that page and test cannot part.

use std::collections::BTreeSet;

use crate::attack::Due;

const PAGE: &str = include_str!("../../../docs/answers.md");

#[derive(Debug)]
pub(crate) struct Answers {
    statuses: Vec<(String, Vec<u16>)>,
    /// The body, and its class for each thing that can be due.
    bodies: Vec<[&'static str; 5]>,
    operations: Vec<(&'static str, BTreeSet<&'static str>)>,
    pub(crate) rules: Vec<Rule>,
}

/// A row: what may come of a class of cells.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) text: String,
    exchanges: Words,
    statuses: Words,
    bodies: Words,
    took_effect: Option<bool>,
    once: BTreeSet<&'static str>,
    always: BTreeSet<&'static str>,
}

/// `any`, or some.
#[derive(Debug)]
struct Words(Option<BTreeSet<&'static str>>);

impl Words {
    fn read(cell: &'static str) -> Self {
        Self((cell != "any").then(|| words(cell)))
    }

    fn hold(&self, word: &str) -> bool {
        self.0.as_ref().is_none_or(|words| words.contains(word))
    }
}

fn words(cell: &'static str) -> BTreeSet<&'static str> {
    cell.split(", ").filter(|word| !word.is_empty()).collect()
}

/// The rows of the table below a heading, without its head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, below) = PAGE
        .split_once(&format!("## {heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

impl Answers {
    pub(crate) fn read() -> Self {
        let plain = |cell: &'static str| cell.trim_matches('`');
        let statuses = table("Statuses").into_iter().map(|row| {
            let codes = row[1]
                .split(' ')
                .map(|code| code.parse().unwrap())
                .collect();
            (row[0].to_owned(), codes)
        });
        let bodies = table("Bodies").into_iter();
        let operations = table("Operations").into_iter();
        let rules = table("Rules").into_iter().map(|row| Rule {
            text: row[..4].join(" | "),
            exchanges: Words::read(row[0]),
            statuses: Words::read(row[1]),
            bodies: Words::read(row[2]),
            took_effect: match row[3] {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            once: words(row[4]),
            always: words(row[5]),
        });
        Self {
            statuses: statuses.collect(),
            bodies: bodies
                .map(|row| [plain(row[0]), row[1], row[2], row[3], row[4]])
                .collect(),
            operations: operations.map(|row| (row[0], words(row[1]))).collect(),
            rules: rules.collect(),
        }
    }

    pub(crate) fn all_statuses(&self) -> impl Iterator<Item = (&str, u16)> {
        self.statuses
            .iter()
            .flat_map(|(class, codes)| codes.iter().map(|code| (class.as_str(), *code)))
    }

    pub(crate) fn body_class(&self, body: &str, due: Due) -> &'static str {
        let row = self.bodies.iter().find(|row| row[0] == body);
        let row = row.unwrap_or_else(|| panic!("the page does not name the body {body}"));
        match due {
            Due::Users => row[1],
            Due::User => row[2],
            Due::Creation => row[3],
            Due::Write => row[4],
            Due::Configuration => "any",
        }
    }

    /// The one rule for a cell.
    pub(crate) fn rule(
        &self,
        exchange: &str,
        status: &str,
        body: &str,
        took_effect: Option<bool>,
    ) -> Result<usize, String> {
        let applies = |rule: &Rule| {
            rule.exchanges.hold(exchange)
                && rule.statuses.hold(status)
                && rule.bodies.hold(body)
                && (rule.took_effect.is_none() || rule.took_effect == took_effect)
        };
        let rules = self.rules.iter().enumerate();
        let found: Vec<_> = rules
            .filter(|(_, rule)| applies(rule))
            .map(|(at, _)| at)
            .collect();
        match found.as_slice() {
            [one] => Ok(*one),
            _ => Err(format!(
                "{} rules for {exchange} | {status} | {body} | {took_effect:?}",
                found.len()
            )),
        }
    }

    /// Whether the contract lets this operation end so.
    pub(crate) fn contract_allows(&self, operation: &str, outcome: &str) -> bool {
        let of = |name: &str| {
            let row = self.operations.iter().find(|(named, _)| *named == name);
            row.is_some_and(|(_, outcomes)| outcomes.contains(outcome))
        };
        of("every operation") || of(operation)
    }
}

impl Rule {
    pub(crate) fn allows(&self, persists: bool, outcome: &str) -> bool {
        let allowed = if persists { &self.always } else { &self.once };
        allowed.contains(outcome)
    }
}
