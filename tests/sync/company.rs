//! The company of `examples/`: four months, one after the other, and after each the tenant holds
//! what `expected/` says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host_harness::clock::TestClock;
use serde_json::{Value as Json, json};
use simulated_8x8::Switches;

use super::town::{Town, conflicts, written};
use crate::stage::{is_active, stored};

/// A person's account, by the names of the attributes.
type Held = BTreeMap<String, String>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company")
}

/// Everybody with an employee number, by it.
fn tenant(town: &Town) -> BTreeMap<String, Held> {
    let users = town.stage.tenant.users();
    let people = users.iter().filter_map(|user| {
        let number = user["externalId"].as_str()?.to_owned();
        let mut held = stored(user);
        held.retain(|name, _| name != "externalId" && name != "locale" && name != "timezone");
        let status = if is_active(user) {
            "active"
        } else {
            "inactive"
        };
        held.insert("status".to_owned(), status.to_owned());
        Some((number, held))
    });
    let count = users.iter().filter(|user| user["externalId"].is_string());
    let count = count.count();
    let people: BTreeMap<_, _> = people.collect();
    assert_eq!(people.len(), count, "somebody has two accounts");
    people
}

fn expected(month: &str) -> BTreeMap<String, Held> {
    let path = folder().join("expected").join(format!("{month}.csv"));
    let mut file = csv::Reader::from_path(path).unwrap();
    let rows = file.deserialize::<Held>().map(|row| {
        let mut row = row.unwrap();
        (row.remove("employee_id").unwrap(), row)
    });
    rows.collect()
}

/// A date of 2026, in days since its first.
fn day(days: u64) -> Duration {
    Duration::from_secs((20_454 + days) * 86_400 + 43_200)
}

#[tokio::test]
async fn four_months_of_a_company_end_as_expected_and_the_second_runs_send_nothing() {
    let start = SystemTime::UNIX_EPOCH + day(4);
    let clock = TestClock::new(start);
    let mut town = Town::on(clock, Switches::none(), 0).await;
    town.rules = std::fs::read_to_string(folder().join("rules.toml")).unwrap();
    // Somebody who runs the tenant, and somebody whom they made by hand.
    let tenant_of = &town.stage.tenant;
    let by_hand = |name: &str, given: &str, family: &str| -> Json {
        json!({
            "userName": name,
            "name": {"givenName": given, "familyName": family},
            "emails": [{"type": "work", "value": name}],
        })
    };
    let january = expected("2026-01");
    let first = &january["E0001"];
    tenant_of.add_console_user(by_hand("admin@company.example", "Ad", "Min"));
    let made = by_hand(
        &first["userName"],
        &first["givenName"],
        &first["familyName"],
    );
    tenant_of.add_console_user(made);

    // Created, updated, reactivated, deactivated; conflicts and rows that cannot be read.
    let months = [
        ("2026-01", 4, [473, 1, 0, 0], 0),
        ("2026-02", 32, [18, 18, 0, 10], 0),
        ("2026-03", 60, [8, 1, 2, 1], 4),
        ("2026-04", 95, [6, 1, 1, 7], 0),
    ];
    let mut today = 4;
    for (month, date, due, doubtful) in months {
        town.clock.advance(day(date) - day(today));
        today = date;
        let roster = std::fs::read_to_string(folder().join(format!("{month}.csv"))).unwrap();
        let report = town.try_text(&roster).await.unwrap();
        assert_eq!(written(&report), due, "{month}: {report:#?}");
        assert_eq!(conflicts(&report).len(), doubtful, "{month}: {report:#?}");
        let (held, due) = (tenant(&town), expected(month));
        for (number, due) in &due {
            assert_eq!(held.get(number), Some(due), "{month}: {number}");
        }
        assert_eq!(
            held.len(),
            due.len(),
            "{month}: somebody is there who should not be"
        );

        town.stage.tenant.clear_log();
        let again = town.try_text(&roster).await.unwrap();
        assert_eq!(written(&again), [0; 4], "{month}");
        assert_eq!(town.stage.writes(), [""; 0], "{month}");
    }
    let admin = crate::stage::named(&town.stage.tenant, "admin@company.example");
    assert!(is_active(&admin[0]) && admin.len() == 1, "{admin:?}");
}
