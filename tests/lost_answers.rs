//! An answer that is lost loses nobody: whatever becomes of a write's answer, there is one
//! account, and the caller knows which, or is told that the outcome is not known. A POST is
//! never sent a second time without a look in between.

use std::time::Duration;

use host_harness::clock::TestClock;
use host_harness::contract::{AccountStatus, Deletion, Edits, Effect, Outcome, RetryAdvice};
use host_harness::provision::{Matching, provision};
use host_harness::{Component, Connection, Failure};
use simulated_8x8::{SimulatedTenant, Switch, Switches, TenantOptions};

use crate::stage::{
    ADA, codes, connector_on, draft, edits, is_active, lines, named, options, set_status, stored,
};

const NAME: &str = "Ada.Lovelace@Example.com";
/// One request, on the test's clock.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What becomes of a write, and whether it is carried out. `{}` is its method.
const FAULTS: [(&str, bool); 13] = [
    ("{}:cut-before-commit", false),
    ("{}:cut-after-commit", true),
    ("{}:cut-mid-answer", true),
    ("{}:500-before-commit", false),
    ("{}:500-after-commit", true),
    ("{}:502-before-commit", false),
    ("{}:502-after-commit", true),
    ("{}:503-before-commit", false),
    ("{}:503-after-commit", true),
    ("{}:504-after-commit", true),
    ("{}:408-after-commit", true),
    // Longer than the request may take.
    ("{}:delay-3600s", false),
    ("{}:late-3600s", true),
];

struct Play {
    clock: TestClock,
    tenant: SimulatedTenant,
    connection: Connection,
}

impl Play {
    async fn on(connector: &Component, clock: &TestClock, switches: impl Into<Switches>) -> Self {
        Self::with_method(connector, clock, switches, "auto").await
    }

    async fn with_method(
        connector: &Component,
        clock: &TestClock,
        switches: impl Into<Switches>,
        update_method: &str,
    ) -> Self {
        let tenant = SimulatedTenant::start(TenantOptions {
            switches: switches.into(),
            people: 3,
            ..TenantOptions::default()
        })
        .await
        .unwrap();
        let mut options = options(&tenant).setting("update-method", update_method);
        options.limits.request_time = TIMEOUT;
        let connection = connector.connect(options).await.unwrap();
        Self {
            clock: clock.clone(),
            tenant,
            connection,
        }
    }

    async fn hire(&self) -> Result<Outcome, Failure> {
        self.connection.create(&draft(&ADA)).await
    }

    /// Ada, without a fault.
    async fn ada(&self) -> String {
        let made = self.hire().await.unwrap();
        self.tenant.clear_log();
        made.account.id
    }

    /// Injects a fault for a method and runs an operation; where the answer does not come,
    /// time runs out as soon as the tenant has what it will get.
    async fn run<T>(&self, fault: &str, method: &str, operation: impl Future<Output = T>) -> T {
        let fault = fault.replace("{}", &method.to_lowercase());
        self.tenant.inject(fault.parse().unwrap());
        if !fault.contains("3600s") {
            return operation.await;
        }
        let committed = fault.contains("late");
        let arrived = async {
            // Bounded: a request over loopback takes a few turns of the loop.
            for _ in 0..1_000_000 {
                let log = self.tenant.log();
                let mut log = log.iter();
                if log.any(|received| received.method == method && received.committed == committed)
                {
                    self.clock.advance(TIMEOUT);
                    return;
                }
                tokio::task::yield_now().await;
            }
            panic!("{method} never arrived");
        };
        let (result, ()) = tokio::join!(operation, arrived);
        result
    }

    fn lines(&self) -> Vec<String> {
        lines(&self.tenant.log())
    }

    fn posts(&self) -> usize {
        let lines = self.lines();
        lines.iter().filter(|line| line.starts_with("POST")).count()
    }
}

/// Between two POSTs stands a read.
fn looks_before_repeating(lines: &[String]) -> bool {
    let mut looked = true;
    for line in lines {
        if line.starts_with("POST") {
            if !looked {
                return false;
            }
            looked = false;
        } else if line.starts_with("GET") {
            looked = true;
        }
    }
    true
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_leaves_one_account_and_the_caller_knows_which() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for switches in [
        Switches::none(),
        Switch::NamesNotUnique.into(),
        Switch::FilterRefused.into(),
    ] {
        for (fault, carried_out) in FAULTS {
            let play = Play::on(&connector, &clock, switches.clone()).await;
            let made = play.run(fault, "POST", play.hire()).await;
            assert_eq!(play.posts(), 1, "{fault}: {:?}", play.lines());
            let adas = named(&play.tenant, NAME);
            assert_eq!(adas.len(), usize::from(carried_out), "{fault}");
            match made {
                Ok(outcome) => {
                    assert!(carried_out, "{fault} made nobody, and {outcome:?}");
                    assert_eq!(adas[0]["id"], *outcome.account.id);
                    assert_eq!(outcome.effect, Effect::Created);
                    assert!(codes(&outcome.notices).contains(&"answer-lost"));
                }
                Err(failure) => {
                    assert!(!carried_out, "{fault}: {failure:?}");
                    assert_eq!(failure.kind(), "outcome-unknown", "{fault}");
                    assert!(matches!(failure.retry(), RetryAdvice::AfterMs(_)));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_provision_that_is_run_again_after_a_lost_create_finds_it_or_makes_it_once() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for (fault, _) in FAULTS {
        // Not even where the tenant would take the name twice.
        let play = Play::on(&connector, &clock, Switch::NamesNotUnique).await;
        let (wanted, matching) = (draft(&ADA), Matching::default());
        let first = provision(&play.connection, &wanted, &matching);
        let _lost = play.run(fault, "POST", first).await;
        let again = provision(&play.connection, &wanted, &matching).await;
        let adas = named(&play.tenant, NAME);
        assert_eq!(adas.len(), 1, "{fault}");
        assert_eq!(adas[0]["id"], *again.unwrap().account.id, "{fault}");
        assert!(looks_before_repeating(&play.lines()), "{:?}", play.lines());
    }
}

#[tokio::test]
async fn a_create_that_no_read_shows_is_unknown_and_found_by_the_next_run() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    let play = Play::on(&connector, &clock, Switches::none()).await;
    for _ in 0..4 {
        play.tenant.inject("get:stale-read".parse().unwrap());
    }
    let failure = play
        .run("{}:cut-after-commit", "POST", play.hire())
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), "outcome-unknown");
    assert!(failure.message().contains("Look again"), "{failure}");
    assert_eq!(play.posts(), 1);

    let again = provision(&play.connection, &draft(&ADA), &Matching::default()).await;
    let outcome = again.unwrap();
    assert_eq!(outcome.effect, Effect::Unchanged);
    assert_eq!(named(&play.tenant, NAME).len(), 1);
    assert_eq!(play.posts(), 1);
}

#[tokio::test]
async fn a_stale_read_after_a_lost_create_is_looked_through() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for stale in 1..=3 {
        let play = Play::on(&connector, &clock, Switches::none()).await;
        for _ in 0..stale {
            play.tenant.inject("get:stale-read".parse().unwrap());
        }
        let made = play.run("{}:503-after-commit", "POST", play.hire()).await;
        assert_eq!(
            named(&play.tenant, NAME)[0]["id"],
            *made.unwrap().account.id
        );
    }
}

#[tokio::test]
async fn a_create_that_was_told_to_wait_waits_as_long_as_asked_and_is_sent_again() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    let play = Play::on(&connector, &clock, Switches::none()).await;
    let _earlier = clock.take_sleeps();
    let made = play.run("{}:429-retry-after-7", "POST", play.hire()).await;
    assert_eq!(clock.take_sleeps(), [Duration::from_secs(7)]);
    assert_eq!(made.unwrap().effect, Effect::Created);
    assert_eq!(named(&play.tenant, NAME).len(), 1);

    // Longer than the operation has: said at once, nothing is slept.
    let play = Play::on(&connector, &clock, Switches::none()).await;
    let failure = play
        .run("{}:429-retry-after-3600", "POST", play.hire())
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), "rate-limited");
    assert_eq!(failure.retry(), RetryAdvice::AfterMs(3_600_000));
    assert!(clock.take_sleeps().is_empty());
}

/// An edit, what it is sent as, and whether it may be sent twice.
struct Write {
    name: &'static str,
    update_method: &'static str,
    method: &'static str,
    edits: fn() -> Edits,
    repeatable: bool,
}

const WRITES: [Write; 5] = [
    Write {
        name: "a value replaced",
        update_method: "auto",
        method: "PATCH",
        edits: || edits(&[("title", "Countess")]),
        repeatable: true,
    },
    Write {
        name: "a value cleared",
        update_method: "auto",
        method: "PATCH",
        edits: || edits(&[("workPhone", "")]),
        repeatable: true,
    },
    Write {
        name: "the whole user",
        update_method: "put",
        method: "PUT",
        edits: || edits(&[("title", "Countess"), ("mobilePhone", "")]),
        repeatable: false,
    },
    Write {
        name: "the status",
        update_method: "auto",
        method: "PATCH",
        edits: || set_status(AccountStatus::Inactive),
        repeatable: true,
    },
    // Services that do not look for it first would have it twice.
    Write {
        name: "an element added",
        update_method: "patch",
        method: "PATCH",
        edits: || edits(&[("workPhone", "+44 20 7946 0018")]),
        repeatable: false,
    },
];

/// Whether the tenant holds what an edit asks for, and nothing else of Ada's changed.
fn done(play: &Play, id: &str, before: &serde_json::Value, write: &Write) -> Option<bool> {
    use host_harness::contract::{Change, Value};

    let after = play.tenant.user(id).unwrap();
    let asked = (write.edits)();
    let mut wanted = stored(before);
    for change in asked.changes {
        match change {
            Change::Set(set) => {
                let [Value::Text(value)] = set.values.as_slice() else {
                    panic!("one text");
                };
                wanted.insert(set.name, value.clone());
            }
            Change::Clear(name) => {
                wanted.remove(&name);
            }
            other => panic!("{other:?}"),
        }
    }
    let active = asked.status != Some(AccountStatus::Inactive);
    if stored(&after) == wanted && is_active(&after) == active {
        return Some(true);
    }
    let untouched = stored(&after) == stored(before) && is_active(&after) == is_active(before);
    untouched.then_some(false)
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_once_or_unknown() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for write in &WRITES {
        for (fault, carried_out) in FAULTS {
            let what = format!("{}, {fault}", write.name);
            let play =
                Play::with_method(&connector, &clock, Switches::none(), write.update_method).await;
            let ada = play.ada().await;
            if !write.repeatable {
                let without = edits(&[("workPhone", "")]);
                play.connection.update(&ada, &without).await.unwrap();
                play.tenant.clear_log();
            }
            let before = play.tenant.user(&ada).unwrap();
            let asked = (write.edits)();
            let update = play.connection.update(&ada, &asked);
            let result = play.run(fault, write.method, update).await;
            let writes = play.lines();
            let writes = writes.iter().filter(|line| !line.starts_with("GET"));
            let (writes, done) = (writes.count(), done(&play, &ada, &before, write));
            match result {
                Ok(outcome) => {
                    assert_eq!(done, Some(true), "{what}: {outcome:?}");
                    assert_eq!(outcome.effect, Effect::Updated, "{what}");
                }
                Err(failure) => {
                    assert!(!write.repeatable && !carried_out, "{what}: {failure:?}");
                    assert_eq!(failure.kind(), "outcome-unknown", "{what}");
                    assert_eq!(failure.account(), Some(ada.as_str()), "{what}");
                    assert_eq!(done, Some(false), "{what}");
                }
            }
            assert!(write.repeatable || writes == 1, "{what}: {writes} writes");
        }
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_found_out_by_reading() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for switches in [Switches::none(), Switch::DeleteReallyDeletes.into()] {
        for (fault, _) in FAULTS {
            let play = Play::on(&connector, &clock, switches.clone()).await;
            let ada = play.ada().await;
            let deletion = play
                .run(fault, "DELETE", play.connection.delete(&ada))
                .await
                .unwrap();
            match (deletion, play.tenant.user(&ada)) {
                (Deletion::Gone, None) => {}
                (Deletion::Kept(outcome), Some(user)) => {
                    assert!(!is_active(&user), "{fault}");
                    assert_eq!(outcome.account.status, AccountStatus::Inactive);
                }
                other => panic!("{fault}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_stale_read_after_an_accepted_change_is_no_sign_that_it_was_ignored() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for switches in [
        Switches::from(Switch::PatchNoContent),
        [Switch::PatchNoContent, Switch::PutRefused].into(),
    ] {
        let play = Play::on(&connector, &clock, switches).await;
        let ada = play.ada().await;
        // The first read is the one before the write, which nothing makes stale.
        let change = edits(&[("title", "Countess")]);
        play.tenant
            .inject("patch:204-after-commit".parse().unwrap());
        let update = play.connection.update(&ada, &change);
        let stale = async {
            for _ in 0..1_000_000 {
                if play.lines().iter().any(|line| line.starts_with("GET")) {
                    play.tenant.inject("get:stale-read".parse().unwrap());
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let (result, ()) = tokio::join!(update, stale);
        let outcome = result.unwrap();
        assert_eq!(outcome.effect, Effect::Updated);
        let writes = play.lines();
        assert!(
            !writes.iter().any(|line| line.starts_with("PUT")),
            "{writes:?}"
        );
        assert_eq!(play.tenant.user(&ada).unwrap()["title"], "Countess");
    }
}

#[tokio::test]
async fn a_read_that_fails_in_passing_is_sent_again() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    for fault in [
        "get:cut-before-commit",
        "get:cut-mid-answer",
        "get:500",
        "get:502",
        "get:503-retry-after-5",
        "get:429-retry-after-5",
        "get:504",
    ] {
        let play = Play::on(&connector, &clock, Switches::none()).await;
        let ada = play.ada().await;
        play.tenant.inject(fault.parse().unwrap());
        play.tenant.inject(fault.parse().unwrap());
        let wanted = draft(&ADA);
        let outcome = provision(&play.connection, &wanted, &Matching::default()).await;
        let outcome = outcome.unwrap_or_else(|failure| panic!("{fault}: {failure:?}"));
        assert_eq!(outcome.account.id, ada);
        assert_eq!(outcome.effect, Effect::Unchanged);
    }
}

#[tokio::test]
async fn an_upstream_that_never_answers_ends_with_the_operations_time() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    let play = Play::on(&connector, &clock, Switches::none()).await;
    for _ in 0..200 {
        play.tenant
            .inject("get:503-retry-after-60".parse().unwrap());
    }
    let failure = play.connection.check().await.unwrap_err();
    assert_eq!(failure.kind(), "unavailable");
    assert!(play.lines().len() <= 4, "{:?}", play.lines());
}

#[tokio::test]
async fn a_lost_create_whose_reads_fail_too_is_unknown() {
    let clock = TestClock::default();
    let connector = connector_on(&clock).await;
    let play = Play::on(&connector, &clock, Switches::none()).await;
    for _ in 0..200 {
        play.tenant.inject("get:503".parse().unwrap());
    }
    let failure = play
        .run("{}:cut-after-commit", "POST", play.hire())
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), "outcome-unknown", "{failure:?}");
    assert_eq!(play.posts(), 1);
    assert_eq!(named(&play.tenant, NAME).len(), 1);
}
