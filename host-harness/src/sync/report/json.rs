//! The report as a JSON document.

use serde_json::{Value as Json, json};

use super::{Failed, Report};
use crate::json;
use crate::sync::error::SyncError;

impl Report {
    /// The document for scripts.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "report": {
                "tenant": self.tenant,
                "run": self.run,
                "began": self.began,
                "ended": self.ended,
                "counts": self.counts,
                "failures": self.failures.iter().map(failed).collect::<Json>(),
                "conflicts": self.conflicts,
                "skipped": self.skipped,
                "moved": self.moved,
                "rejected": self.rejected,
                "not-begun": self.not_begun,
                "notices": self.notices,
                "resolved": self.resolved,
                "stopped": self.stopped.as_ref().map(|stop| json!({
                    "kind": stop.kind(),
                    "message": stop.message(),
                })),
            }
        })
    }
}

fn failed(failed: &Failed) -> Json {
    let left = &failed.left;
    json!({
        "person": left.person,
        "line": left.line,
        "name": left.name,
        "account": left.account,
        "action": left.action,
        "kind": failed.kind,
        "message": left.reason,
        "advice": failed.advice,
    })
}

impl SyncError {
    /// The document for scripts: in the shape of any failure; what guards found beside it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let error = self;
        if let SyncError::Failed(failure) = error {
            return json::failure(failure);
        }
        let guards: Option<Json> = match error {
            SyncError::Stopped(stopped) => Some(
                stopped
                    .iter()
                    .map(|one| json!({ "guard": one.guard.name(), "found": one.found }))
                    .collect(),
            ),
            _ => None,
        };
        json!({ "failure": {
        "kind": error.kind(),
        "code": null,
        "message": error.to_string(),
        "problems": [],
        "account": null,
        "retry": "after-repair",
        "upstream": null,
        "guards": guards,
    } })
    }
}
