//! The cells, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::answers::Answers;
use crate::attack::{Attack, Due};
use crate::bodies::BODIES;
use crate::operations::{SCENARIOS, Scenario};
use crate::service::Role;

const HEAVY_STATUSES: [u16; 4] = [200, 400, 404, 503];

#[derive(Debug, Default)]
struct Tally {
    /// Scenario and exchange → cells.
    reached: BTreeMap<(usize, usize, &'static str), usize>,
    skipped: usize,
    used: BTreeSet<usize>,
    /// What went wrong → how often, and the first cell.
    wrong: BTreeMap<String, (usize, String)>,
    /// With `HOSTILE_SHOW` set: what came of each class of cells.
    seen: BTreeMap<String, BTreeSet<String>>,
}

impl Tally {
    fn wrong(&mut self, what: String, cell: String) {
        self.wrong.entry(what).or_insert((0, cell)).0 += 1;
    }

    fn add(&mut self, other: Self) {
        self.reached.extend(other.reached);
        self.skipped += other.skipped;
        self.used.extend(other.used);
        for (what, (count, cell)) in other.wrong {
            self.wrong.entry(what).or_insert((0, cell)).0 += count;
        }
        for (cell, outcomes) in other.seen {
            self.seen.entry(cell).or_default().extend(outcomes);
        }
    }
}

pub(crate) fn run() {
    let started = Instant::now();
    let answers = Answers::read();
    // Megabytes and deep nesting take a thousand times as long as the rest: they go with the
    // statuses below, after which a body is read in different ways, and with all of them where
    // HOSTILE_ALL is set.
    let everything = std::env::var_os("HOSTILE_ALL").is_some();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get().min(4)) {
            scope.spawn(|| {
                while let Some(scenario) = SCENARIOS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = SCENARIOS.iter().position(|one| one.label == scenario.label);
                    let tally = play(&answers, at.unwrap(), scenario, everything);
                    total.lock().unwrap().add(tally);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    report(&answers, &total, started);
}

fn play(answers: &Answers, at: usize, scenario: &Scenario, everything: bool) -> Tally {
    let mut tally = Tally::default();
    let right = scenario.service(None);
    let (outcome, wrong) = scenario.run(&right);
    if wrong.is_some() {
        tally.wrong(
            format!("{}: {outcome} {wrong:?} without an attack", scenario.label),
            String::new(),
        );
        return tally;
    }
    let roles = right.roles.borrow().clone();
    for (exchange, (role, right)) in roles.into_iter().enumerate() {
        for (body_at, body) in BODIES.iter().enumerate() {
            // Where the right answer is a refusal there is no user in it to spoil.
            if right >= 400 && !body.stands_alone() {
                continue;
            }
            for (class, status) in answers.all_statuses() {
                if body.heavy && !HEAVY_STATUSES.contains(&status) && !everything {
                    tally.skipped += 1;
                    continue;
                }
                let body_class = body.class(due(role));
                for &takes_effect in effects(role, class, body_class) {
                    for persists in [false, true] {
                        let attack = Attack {
                            at: exchange,
                            persists,
                            status,
                            body: &BODIES[body_at],
                            takes_effect,
                        };
                        cell(
                            answers,
                            scenario,
                            (role, class, body_class),
                            attack,
                            &mut tally,
                        );
                        *tally
                            .reached
                            .entry((at, exchange, role.name()))
                            .or_default() += 1;
                    }
                }
            }
        }
    }
    tally
}

/// What the exchange is answered with in this role, when all is well.
fn due(role: Role) -> Due {
    match role {
        Role::Users | Role::Search | Role::Holder => Due::Users,
        Role::User | Role::ProofOfChange | Role::ProofOfDeletion => Due::User,
        Role::Creation => Due::Creation,
        Role::Change | Role::Deletion => Due::Write,
        Role::Configuration => Due::Configuration,
        Role::ProofOfCreation => Due::User,
    }
}

/// Whether a write can have been done, or not done, under this answer. A success that shows
/// the very account that was asked for is taken at its word: no one could tell.
fn effects(role: Role, status: &str, body: &str) -> &'static [bool] {
    let shows = matches!(body, "right" | "inactive" | "two values");
    match status {
        _ if !role.is_write() => &[true],
        "success" | "promised" if shows => &[true],
        "success" | "promised" | "unmodified" | "timeout" | "failing" => &[true, false],
        "not implemented" if role != Role::Change => &[true, false],
        _ => &[false],
    }
}

fn cell(
    answers: &Answers,
    scenario: &Scenario,
    (role, status, body): (Role, &str, &str),
    attack: Attack,
    tally: &mut Tally,
) {
    let effect = role.is_write().then_some(attack.takes_effect);
    let stays = if attack.persists {
        "and stays so"
    } else {
        "once"
    };
    let class = format!("{} | {status} | {body} | {effect:?} | {stays}", role.name());
    let name = format!(
        "{}, exchange {} ({}): {} with “{}”, {stays}",
        scenario.label,
        attack.at + 1,
        role.name(),
        attack.status,
        attack.body.name
    );
    let service = scenario.service(Some(attack));
    let ended = catch_unwind(AssertUnwindSafe(|| scenario.run(&service)));
    let Ok((outcome, wrong)) = ended else {
        return tally.wrong(format!("panic: {class}"), name);
    };
    if let Some(wrong) = wrong {
        tally.wrong(format!("{wrong}: {class}"), name.clone());
    }
    if !answers.contract_allows(scenario.operation, &outcome) {
        let what = format!(
            "the contract has no {outcome} for {}: {status}",
            scenario.operation
        );
        tally.wrong(what, name.clone());
    }
    if std::env::var_os("HOSTILE_SHOW").is_some() {
        tally
            .seen
            .entry(class.clone())
            .or_default()
            .insert(outcome.clone());
    }
    match answers.rule(role.name(), status, body, effect) {
        Err(no_rule) => tally.wrong(no_rule, name),
        Ok(at) => {
            tally.used.insert(at);
            if !answers.rules[at].allows(attack.persists, &outcome) {
                let rule = &answers.rules[at].text;
                let scenario = scenario.label;
                tally.wrong(
                    format!("{outcome} is not in “{rule}”, {stays}: {scenario} {class}"),
                    name,
                );
            }
        }
    }
}

fn report(answers: &Answers, total: &Tally, started: Instant) {
    for (class, outcomes) in &total.seen {
        println!("{class} => {outcomes:?}");
    }
    for ((scenario, exchange, role), cells) in &total.reached {
        let label = SCENARIOS[*scenario].label;
        println!("{label}: exchange {}, {role}: {cells} cells", exchange + 1);
    }
    println!(
        "{} cells, {} bodies, {} statuses, {:.1} s; {} cells of large bodies left out, whose \
         statuses were run with all smaller ones (HOSTILE_ALL=1 runs them, too)",
        total.reached.values().sum::<usize>(),
        BODIES.len(),
        answers.all_statuses().count(),
        started.elapsed().as_secs_f32(),
        total.skipped,
    );
    for (what, (count, cell)) in &total.wrong {
        println!("WRONG {count} × {what}\n      such as {cell}");
    }
    assert!(
        total.wrong.is_empty(),
        "{} things are wrong",
        total.wrong.len()
    );
    let unused = answers.rules.iter().enumerate();
    let unused: Vec<_> = unused
        .filter(|(at, _)| !total.used.contains(at))
        .map(|(_, rule)| &rule.text)
        .collect();
    assert!(unused.is_empty(), "rules that no cell needs: {unused:#?}");
}
