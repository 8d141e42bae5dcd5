//! Accounts, outcomes and failures as the JSON that scripts rely on. The shapes are part of
//! the product's agreed outside.

use serde_json::{Map, Value as Json, json};

use crate::contract::{
    Account, AccountStatus, Attribute, AttributeSpec, CheckReport, Deletion, DeletionEffect,
    Effect, Manifest, Mutability, Notice, Operations, Outcome, Problem, RetryAdvice, SettingKind,
    Uniqueness, UpstreamAnswer, Value, ValueType,
};
use crate::failure::Failure;
use crate::inspection::{Inside, Inspection, Interface};
use crate::trace::SentRequest;

/// An account; single-valued attributes as scalars, multi-valued ones as arrays, as the
/// manifest has it.
#[must_use]
pub fn account(manifest: &Manifest, account: &Account) -> Json {
    json!({
        "id": account.id,
        "status": status(account.status),
        "attributes": attributes(manifest, &account.attributes),
        "version": account.version,
    })
}

/// `active` or `inactive`.
#[must_use]
pub fn status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "active",
        AccountStatus::Inactive => "inactive",
    }
}

/// Names and values: a single-valued attribute is a scalar, a multi-valued one an array.
#[must_use]
pub fn attributes(manifest: &Manifest, attributes: &[Attribute]) -> Json {
    let members = attributes.iter();
    let members: Map<String, Json> = members
        .map(|attribute| {
            (
                attribute.name.clone(),
                attribute_values(manifest, attribute),
            )
        })
        .collect();
    members.into()
}

fn attribute_values(manifest: &Manifest, attribute: &Attribute) -> Json {
    let multi_valued = manifest
        .attributes
        .iter()
        .find(|spec| spec.name == attribute.name)
        .map_or(attribute.values.len() != 1, |spec| spec.multi_valued);
    match attribute.values.as_slice() {
        [only] if !multi_valued => value(only),
        values => values.iter().map(value).collect(),
    }
}

/// One value of an attribute.
#[must_use]
pub fn value(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Boolean(boolean) => json!(boolean),
        Value::Integer(integer) => json!(integer),
    }
}

/// What create, update and the like came to.
#[must_use]
pub fn outcome(manifest: &Manifest, outcome: &Outcome) -> Json {
    json!({
        "effect": effect(outcome.effect),
        "account": account(manifest, &outcome.account),
        "notices": notices(&outcome.notices),
    })
}

/// `created`, `updated` or `unchanged`.
#[must_use]
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "created",
        Effect::Updated => "updated",
        Effect::Unchanged => "unchanged",
    }
}

/// Notices, in order.
#[must_use]
pub fn notices(notices: &[Notice]) -> Json {
    notices
        .iter()
        .map(|notice| {
            json!({
                "code": notice.code,
                "attribute": notice.attribute,
                "message": notice.message,
            })
        })
        .collect()
}

/// What delete came to.
#[must_use]
pub fn deletion(manifest: &Manifest, deletion: &Deletion) -> Json {
    match deletion {
        Deletion::Gone => json!({ "deletion": "gone" }),
        Deletion::Kept(kept) => json!({
            "deletion": "kept",
            "outcome": outcome(manifest, kept),
        }),
    }
}

/// What check came to; its notices are warnings.
#[must_use]
pub fn check(report: &CheckReport) -> Json {
    json!({
        "ok": true,
        "upstream": report.upstream,
        "writable": report.writable,
        "warnings": notices(&report.notices),
    })
}

/// The request that a dry run did not send; `None` where nothing would have been sent. A
/// body that is JSON is shown as such, any other as text.
#[must_use]
pub fn dry_run(request: Option<&SentRequest>) -> Json {
    let request = request.map(|request| {
        let body = request.body.as_deref().map(|bytes| {
            serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Json::from(String::from_utf8_lossy(bytes)))
        });
        let headers: Vec<Json> = request
            .headers
            .iter()
            .map(|line| json!({ "name": line.name, "value": line.value }))
            .collect();
        json!({
            "method": request.method,
            "url": request.url,
            "headers": headers,
            "body": body,
        })
    });
    json!({ "dry-run": { "request": request } })
}

/// A failure of any kind; a dry run's request in its own shape.
#[must_use]
pub fn failure(failure: &Failure) -> Json {
    if let Failure::DryRun(request) = failure {
        return dry_run(Some(request));
    }
    let mut fields = json!({
        "kind": failure.kind(),
        "code": failure.code(),
        "message": failure.message(),
        "problems": problems(failure.problems()),
        "account": failure.account(),
        "retry": retry(failure.retry()),
        "upstream": failure.upstream().map(upstream),
    });
    if let (Some(limit), Some(fields)) = (failure.limit(), fields.as_object_mut()) {
        fields.insert("limit".to_owned(), limit.name().into());
    }
    json!({ "failure": fields })
}

fn problems(problems: &[Problem]) -> Json {
    problems
        .iter()
        .map(|problem| {
            json!({
                "name": problem.name,
                "code": problem.code,
                "message": problem.message,
            })
        })
        .collect()
}

fn retry(advice: RetryAdvice) -> Json {
    match advice {
        RetryAdvice::Never => json!("never"),
        RetryAdvice::AfterRepair => json!("after-repair"),
        RetryAdvice::AfterMs(ms) => json!({ "after-ms": ms }),
    }
}

fn upstream(answer: &UpstreamAnswer) -> Json {
    json!({
        "status": answer.status,
        "code": answer.code,
        "request-id": answer.request_id,
    })
}

/// What a connector says of itself.
#[must_use]
pub fn manifest(manifest: &Manifest) -> Json {
    let settings = manifest.settings.iter().map(|setting| {
        let (kind, choices) = match &setting.kind {
            SettingKind::Text => ("text", None),
            SettingKind::BaseUrl(_) => ("base-url", None),
            SettingKind::Boolean => ("boolean", None),
            SettingKind::Choice(choices) => ("choice", Some(choices)),
        };
        json!({
            "name": setting.name,
            "title": setting.title,
            "help": setting.help,
            "kind": kind,
            "choices": choices,
            "required": setting.required,
            "default": setting.default,
        })
    });
    let credentials = manifest.credentials.iter().map(|credential| {
        json!({
            "name": credential.name,
            "title": credential.title,
            "help": credential.help,
            "base-url": credential.base_url,
        })
    });
    json!({
        "id": manifest.id,
        "title": manifest.title,
        "version": manifest.version,
        "setup": manifest.setup,
        "settings": settings.collect::<Json>(),
        "credentials": credentials.collect::<Json>(),
        "headers": manifest.headers,
        "attributes": manifest.attributes.iter().map(attribute_spec).collect::<Json>(),
        "lookup-keys": manifest.lookup_keys,
        "identity-key": manifest.identity_key,
        "operations": operations(manifest),
        "deletion": deletion_effect(manifest),
        "max-page-size": manifest.max_page_size,
        "quirks": notices(&manifest.quirks),
    })
}

fn attribute_spec(spec: &AttributeSpec) -> Json {
    let value_type = match spec.value_type {
        ValueType::Text => "text",
        ValueType::Boolean => "boolean",
        ValueType::Integer => "integer",
    };
    let uniqueness = match spec.uniqueness {
        Uniqueness::None => "none",
        Uniqueness::WithinTenant => "within-tenant",
        Uniqueness::Global => "global",
    };
    json!({
        "name": spec.name,
        "title": spec.title,
        "help": spec.help,
        "path": spec.path,
        "value-type": value_type,
        "format": spec.format,
        "multi-valued": spec.multi_valued,
        "required": spec.required,
        "case-exact": spec.case_exact,
        "sensitive": spec.sensitive,
        "mutability": mutability(spec.mutability),
        "uniqueness": uniqueness,
        "choices": spec.choices,
        "max-length": spec.max_length,
    })
}

/// `read-write`, `read-only`, `set-once` or `write-only`.
#[must_use]
pub fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadWrite => "read-write",
        Mutability::ReadOnly => "read-only",
        Mutability::SetOnce => "set-once",
        Mutability::WriteOnly => "write-only",
    }
}

/// The names of the operations that a connector claims.
#[must_use]
pub fn operations(manifest: &Manifest) -> Vec<&'static str> {
    [
        (Operations::LIST, "list"),
        (Operations::GET, "get"),
        (Operations::FIND, "find"),
        (Operations::CREATE, "create"),
        (Operations::UPDATE, "update"),
        (Operations::SET_STATUS, "set-status"),
        (Operations::DELETE, "delete"),
    ]
    .into_iter()
    .filter(|(flag, _)| manifest.operations.contains(*flag))
    .map(|(_, name)| name)
    .collect()
}

/// `removes` or `deactivates`.
#[must_use]
pub fn deletion_effect(manifest: &Manifest) -> &'static str {
    match manifest.deletion {
        DeletionEffect::Removes => "removes",
        DeletionEffect::Deactivates => "deactivates",
    }
}

fn inside(inside: &Inside) -> Json {
    let ranges = |ranges: &[(u64, Option<u64>)]| {
        ranges
            .iter()
            .map(|(from, to)| json!({ "initial": from, "maximum": to }))
            .collect::<Json>()
    };
    json!({
        "modules": inside.modules,
        "memories": ranges(&inside.memories),
        "tables": ranges(&inside.tables),
        "code-bytes": inside.code_bytes,
        "compile-effort": inside.compile_effort,
        "compile-effort-limit": inside.compile_effort_limit,
        "data-bytes": inside.data_bytes,
        "custom-sections": inside
            .custom_sections
            .iter()
            .map(|(name, size)| json!({ "name": name, "size": size }))
            .collect::<Json>(),
        "producers": inside
            .producers
            .iter()
            .map(|(field, name, version)| {
                json!({ "field": field, "name": name, "version": version })
            })
            .collect::<Json>(),
        "annotations": inside
            .annotations
            .iter()
            .map(|(name, value)| (name.clone(), Json::from(value.clone())))
            .collect::<Map<_, _>>(),
    })
}

fn interfaces(interfaces: &[Interface]) -> Json {
    interfaces
        .iter()
        .map(|interface| {
            json!({
                "name": interface.name,
                "functions": interface
                    .functions
                    .iter()
                    .map(|function| json!({ "name": function.name, "type": function.signature }))
                    .collect::<Json>(),
                "others": interface.others,
                "unlisted": interface.unlisted,
            })
        })
        .collect()
}

/// What a component is from the outside.
#[must_use]
pub fn inspection(inspection: &Inspection) -> Json {
    json!({
        "imports": inspection.imports,
        "exports": inspection.exports,
        "imported": interfaces(&inspection.imported),
        "exported": interfaces(&inspection.exported),
        "invalid": inspection.invalid,
        "size": inspection.size,
        "sha256": inspection.sha256,
        "contract-only": inspection.contract_only,
        "beyond": inspection.beyond,
        "missing": inspection.missing,
        "inside": inside(&inspection.inside),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{self, FailureKind};

    #[test]
    fn a_failure_has_the_agreed_shape() {
        let taken = Failure::Connector(Box::new(contract::Failure {
            kind: FailureKind::AlreadyExists,
            code: None,
            message: "Taken.".to_owned(),
            problems: vec![Problem {
                name: "userName".to_owned(),
                code: "taken".to_owned(),
                message: "Taken.".to_owned(),
            }],
            retry: RetryAdvice::AfterMs(1000),
            account: None,
            upstream: Some(UpstreamAnswer {
                status: 409,
                code: Some("uniqueness".to_owned()),
                request_id: None,
            }),
        }));
        assert_eq!(
            failure(&taken),
            json!({"failure": {
                "kind": "already-exists", "code": null, "message": "Taken.",
                "problems": [{"name": "userName", "code": "taken", "message": "Taken."}],
                "account": null, "retry": {"after-ms": 1000},
                "upstream": {"status": 409, "code": "uniqueness", "request-id": null}
            }})
        );
    }

    #[test]
    fn a_dry_run_shows_its_request() {
        let planned = SentRequest {
            method: "PATCH".to_owned(),
            url: "https://h.example/Users/1".to_owned(),
            headers: vec![contract::Header {
                name: "accept".to_owned(),
                value: "a".to_owned(),
            }],
            body: Some(br#"{"a":1}"#.to_vec()),
        };
        assert_eq!(
            failure(&Failure::DryRun(Box::new(planned))),
            json!({"dry-run": {"request": {
                "method": "PATCH", "url": "https://h.example/Users/1",
                "headers": [{"name": "accept", "value": "a"}], "body": {"a": 1}
            }}})
        );
        assert_eq!(dry_run(None), json!({"dry-run": {"request": null}}));
    }
}
