//! The contract's records as JSON, as `harness` writes them.

use serde_json::{Map, Value as Json, json};

use crate::provisioning::connector::accounts::CheckReport;
use crate::provisioning::connector::types::{
    Account, AccountStatus, Deletion, Effect, Failure, Notice, Outcome, RetryAdvice, Value,
};

pub(crate) fn account(account: &Account) -> Json {
    let attributes: Map<String, Json> = account
        .attributes
        .iter()
        .map(|attribute| {
            let values: Vec<Json> = attribute.values.iter().map(value).collect();
            let one = match values.as_slice() {
                [one] => one.clone(),
                _ => Json::Array(values),
            };
            (attribute.name.clone(), one)
        })
        .collect();
    let status = match account.status {
        AccountStatus::Active => "active",
        AccountStatus::Inactive => "inactive",
    };
    json!({
        "id": account.id,
        "status": status,
        "attributes": attributes,
        "version": account.version,
    })
}

pub(crate) fn outcome(outcome: &Outcome) -> Json {
    let effect = match outcome.effect {
        Effect::Created => "created",
        Effect::Updated => "updated",
        Effect::Unchanged => "unchanged",
    };
    json!({
        "effect": effect,
        "account": account(&outcome.account),
        "notices": notices(&outcome.notices),
    })
}

pub(crate) fn deletion(deletion: &Deletion) -> Json {
    match deletion {
        Deletion::Gone => json!({ "deletion": "gone" }),
        Deletion::Kept(kept) => json!({ "deletion": "kept", "outcome": outcome(kept) }),
    }
}

pub(crate) fn report(report: &CheckReport) -> Json {
    json!({
        "ok": true,
        "upstream": report.upstream,
        "writable": report.writable,
        "notices": notices(&report.notices),
    })
}

pub(crate) fn failure(failure: &Failure) -> Json {
    let problems: Vec<Json> = failure
        .problems
        .iter()
        .map(|problem| {
            json!({ "name": problem.name, "code": problem.code, "message": problem.message })
        })
        .collect();
    let retry = match failure.retry {
        RetryAdvice::Never => json!("never"),
        RetryAdvice::AfterMs(ms) => json!({ "after-ms": ms }),
        RetryAdvice::AfterRepair => json!("after-repair"),
    };
    let upstream = failure.upstream.as_ref().map(|upstream| {
        json!({
            "status": upstream.status,
            "code": upstream.code,
            "request-id": upstream.request_id,
        })
    });
    // `FailureKind::NotFound` in the contract's own spelling.
    let kind = format!("{:?}", failure.kind);
    let kind = kind.rsplit("::").next().unwrap_or_default();
    json!({ "failure": {
        "kind": kebab(kind),
        "code": failure.code,
        "message": failure.message,
        "problems": problems,
        "account": failure.account,
        "retry": retry,
        "upstream": upstream,
    } })
}

fn notices(notices: &[Notice]) -> Vec<Json> {
    let notice = |notice: &Notice| {
        json!({
            "code": notice.code,
            "attribute": notice.attribute,
            "message": notice.message,
        })
    };
    notices.iter().map(notice).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Boolean(boolean) => json!(boolean),
        Value::Integer(integer) => json!(integer),
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}
