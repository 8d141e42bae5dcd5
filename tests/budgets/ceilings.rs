//! The file of ceilings: held against what was measured, or written from it.

use std::fmt::Write as _;

/// The file, for messages; its folder is the package's.
const FILE: &str = "tests/budgets.toml";
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.toml");

/// The table whose figures only a whole build shows; `.ci/build-costs` holds it.
const OF_BUILDS: &str = "processor-seconds";

/// A figure that was measured.
pub(super) struct Figure {
    table: &'static str,
    name: String,
    value: u64,
    room: Room,
}

/// How far above the figure a new ceiling is.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// For what a change elsewhere may move a little.
    TwoPercent,
    /// For what is raised by anything new, and is not to grow unseen.
    FivePercent,
    /// For what is counted by hand.
    None,
}

impl Figure {
    pub(super) fn new(table: &'static str, name: &str, value: u64, room: Room) -> Self {
        Self {
            table,
            name: name.to_owned(),
            value,
            room,
        }
    }

    fn ceiling(&self) -> u64 {
        match self.room {
            Room::TwoPercent => self.value + self.value / 50,
            Room::FivePercent => self.value + self.value / 20,
            Room::None => self.value,
        }
    }

    fn is(&self, entry: &Entry<'_>) -> bool {
        self.table == entry.table && self.name == entry.name
    }
}

/// A line `name = 1_234 # why`.
struct Entry<'a> {
    line: usize,
    table: &'a str,
    name: &'a str,
    ceiling: u64,
    why: Option<&'a str>,
}

fn entries(text: &str) -> Vec<Entry<'_>> {
    let (mut table, mut entries) = ("", Vec::new());
    for (number, line) in text.lines().enumerate() {
        let (content, why) = match line.split_once('#') {
            Some((content, why)) => (content.trim(), Some(why.trim())),
            None => (line.trim(), None),
        };
        if let Some(name) = content.strip_prefix('[') {
            table = name.trim_end_matches(']');
        } else if let Some((name, ceiling)) = content.split_once('=') {
            let ceiling = ceiling.trim().replace('_', "");
            entries.push(Entry {
                line: number + 1,
                table,
                name: name.trim(),
                ceiling: ceiling
                    .parse()
                    .unwrap_or_else(|_| panic!("{FILE}:{}: no number: {line}", number + 1)),
                why,
            });
        }
    }
    entries
}

/// Fails with all that is above its ceiling. With `BUDGETS=write` the file is written instead;
/// `BUDGETS_REASON` is then what stands on the lines that rise.
pub(super) fn hold(figures: &[Figure]) {
    let text = std::fs::read_to_string(PATH).unwrap_or_default();
    if std::env::var("BUDGETS").is_ok_and(|value| value == "write") {
        let reason = std::env::var("BUDGETS_REASON").unwrap_or_default();
        std::fs::write(PATH, written(&text, figures, &reason)).unwrap();
        return;
    }
    let trouble = trouble(&text, figures);
    assert!(
        trouble.is_empty(),
        "\n{}\n\nWhat is dearer for a good reason gets a new ceiling, with the reason on its \
         line: BUDGETS=write BUDGETS_REASON='…' and this test once more.\n",
        trouble.join("\n")
    );
}

fn trouble(text: &str, figures: &[Figure]) -> Vec<String> {
    let entries = entries(text);
    let mut trouble = Vec::new();
    for figure in figures {
        let (name, value) = (&figure.name, figure.value);
        let Some(entry) = entries.iter().find(|entry| figure.is(entry)) else {
            let table = figure.table;
            trouble.push(format!("{FILE}: {name} in [{table}], {value}, has no line"));
            continue;
        };
        if value > entry.ceiling {
            trouble.push(format!(
                "{FILE}:{}: {name} in [{}] is {}, and its ceiling {}",
                entry.line,
                entry.table,
                grouped(value),
                grouped(entry.ceiling)
            ));
        }
    }
    for entry in entries.iter().filter(|entry| entry.table != OF_BUILDS) {
        if !figures.iter().any(|figure| figure.is(entry)) {
            let Entry { line, name, .. } = entry;
            trouble.push(format!("{FILE}:{line}: nothing measures {name}"));
        }
    }
    trouble
}

/// The file with new ceilings. What stands before the first table stays, and so do the reasons.
fn written(text: &str, figures: &[Figure], reason: &str) -> String {
    let head = text.lines().take_while(|line| !line.starts_with('['));
    let mut out = head.collect::<Vec<_>>().join("\n").trim_end().to_owned();
    let entries = entries(text);
    let mut tables = Vec::new();
    for figure in figures {
        if !tables.contains(&figure.table) {
            tables.push(figure.table);
        }
    }
    for table in tables {
        let _ = write!(out, "\n\n[{table}]");
        for figure in figures.iter().filter(|figure| figure.table == table) {
            let ceiling = figure.ceiling();
            let _ = write!(out, "\n{} = {}", figure.name, grouped(ceiling));
            let before = entries.iter().find(|entry| figure.is(entry));
            match before {
                Some(before) if figure.value > before.ceiling => {
                    let from = grouped(before.ceiling);
                    let reason = if reason.is_empty() { "why?" } else { reason };
                    let _ = write!(out, " # raised from {from}: {reason}");
                }
                Some(Entry { why: Some(why), .. }) => {
                    let _ = write!(out, " # {why}");
                }
                _ => {}
            }
        }
    }
    let of_builds = text
        .lines()
        .skip_while(|line| line.trim() != format!("[{OF_BUILDS}]"))
        .enumerate()
        .take_while(|(index, line)| *index == 0 || !line.starts_with('['));
    let of_builds: Vec<&str> = of_builds.map(|(_, line)| line).collect();
    if !of_builds.is_empty() {
        let _ = write!(out, "\n\n{}", of_builds.join("\n").trim_end());
    }
    out.trim_start().to_owned() + "\n"
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

#[test]
fn what_is_above_its_ceiling_is_named_by_its_line() {
    let text = "# Ceilings.\n\n[fuel]\nget = 1_000\nlist = 10 # long\n";
    let figures = [
        Figure::new("fuel", "get", 1_234_567, Room::TwoPercent),
        Figure::new("fuel", "find", 1, Room::TwoPercent),
    ];
    assert_eq!(
        trouble(text, &figures),
        [
            "tests/budgets.toml:4: get in [fuel] is 1_234_567, and its ceiling 1_000",
            "tests/budgets.toml: find in [fuel], 1, has no line",
            "tests/budgets.toml:5: nothing measures list",
        ]
    );
}

#[test]
fn a_ceiling_that_rises_carries_its_reason_and_one_that_falls_keeps_it() {
    let text = "# Ceilings.\n\n[fuel]\nget = 1_000\nlist = 10_000 # long\n\n[requests]\nget = 1\n\n\
                [processor-seconds]\ndemo = 1_000 # a crate\n";
    let figures = [
        Figure::new("fuel", "get", 2_000, Room::TwoPercent),
        Figure::new("fuel", "list", 5_000, Room::TwoPercent),
        Figure::new("requests", "get", 1, Room::None),
    ];
    let anew = written(text, &figures, "two checks");
    assert_eq!(
        anew,
        "# Ceilings.\n\n[fuel]\nget = 2_040 # raised from 1_000: two checks\n\
         list = 5_100 # long\n\n[requests]\nget = 1\n\n\
         [processor-seconds]\ndemo = 1_000 # a crate\n"
    );
    assert_eq!(trouble(&anew, &figures), [""; 0]);
}
