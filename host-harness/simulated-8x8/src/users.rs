//! The operations on users (RFC 7644 §3.3 to §3.6), as 8x8 does them: what a request means for
//! the store, and what is answered. No I/O; one call is one transaction.

use axum::http::header::{ALLOW, ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ScimType};
use super::listing::{self, ListRequest};
use super::patch::Patch;
use super::resource::{self, etag, location};
use super::rules::{self, Write};
use super::schema::{Names, SITE_URN, SITE_URN_8X8USER};
use super::store::{Store, View};
use super::stored::{Attributes, User};
use super::switches::{Switch, Switches};

/// What a request gets: an answer, or a refusal that becomes one.
pub(super) type Outcome = Result<Answer, Refusal>;

/// How the titles begin that another writer gives.
const TITLE_OF_ANOTHER: &str = "By another writer,";

/// Everything that requests read and change.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) store: Store,
    pub(super) switches: Switches,
    pub(super) sites: Vec<String>,
    pub(super) max_page: usize,
    /// The instance URL, for locations.
    pub(super) base: String,
}

/// What of a request's head matters to an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// Answer with the state before the latest change.
    pub(super) stale: bool,
}

impl Tenant {
    pub(super) fn names(&self) -> Names {
        let site_urn = if self.switches.contains(Switch::SiteUrn8x8User) {
            SITE_URN_8X8USER
        } else {
            SITE_URN
        };
        Names { site_urn }
    }

    pub(super) fn render(&self, user: &User) -> Value {
        resource::render(user, &self.base, &self.names(), &self.switches)
    }

    /// POST /Users: 201 with Location (RFC 7644 §3.3).
    pub(super) fn create(&mut self, body: &Value, head: Head<'_>) -> Outcome {
        let names = self.names();
        let asked = ListRequest::read(head.query, &names)?;
        let mut attributes = resource::read(body, &names, &self.switches)?;
        rules::settle(
            &mut attributes,
            None,
            Write::Whole,
            &self.sites,
            &self.switches,
        )?;
        self.check_name(&attributes, None)?;
        let user = self.store.insert(attributes, false, now());
        let answer = if self.switches.contains(Switch::CreateWithoutBody) {
            Answer::empty(StatusCode::CREATED)
        } else {
            let shown = asked.projection.apply(self.render(&user), &names);
            Answer::json(StatusCode::CREATED, shown)
        };
        let answer = if self.switches.contains(Switch::LocationMissing) {
            answer
        } else {
            answer.with_header(LOCATION, location(&user, &self.base))
        };
        Ok(self.versioned(answer, &user).committed())
    }

    /// GET /Users/{id} (RFC 7644 §3.4.1).
    pub(super) fn read(&self, id: &str, head: Head<'_>) -> Outcome {
        let names = self.names();
        let asked = ListRequest::read(head.query, &names)?;
        let user = self.visible(id, self.view(head))?;
        if self.switches.contains(Switch::Versions)
            && lists_etag(head.headers, "if-none-match", user)
        {
            return Ok(self.versioned(Answer::empty(StatusCode::NOT_MODIFIED), user));
        }
        let shown = asked.projection.apply(self.render(user), &names);
        Ok(self.versioned(Answer::json(StatusCode::OK, shown), user))
    }

    /// GET /Users (RFC 7644 §3.4.2).
    pub(super) fn list(&self, head: Head<'_>) -> Outcome {
        let names = self.names();
        let asked = ListRequest::read(head.query, &names)?;
        let list = listing::list(
            &asked,
            self.view(head),
            &names,
            &self.switches,
            self.max_page,
            |user| asked.projection.apply(self.render(user), &names),
        )?;
        Ok(Answer::json(StatusCode::OK, list))
    }

    /// PUT /Users/{id}: what is left out is cleared, but for `site` (RFC 7644 §3.5.1).
    pub(super) fn replace(&mut self, id: &str, body: &Value, head: Head<'_>) -> Outcome {
        if self.switches.contains(Switch::PutRefused) {
            return Ok(self.not_allowed("PUT is not supported.", "GET, PATCH, DELETE"));
        }
        let names = self.names();
        let asked = ListRequest::read(head.query, &names)?;
        let before = self.visible(id, self.store.now())?.clone();
        self.check_version(&before, head.headers)?;
        let attributes = resource::read(body, &names, &self.switches)?;
        let user = self.change(&before, attributes, Write::Whole)?;
        let shown = asked.projection.apply(self.render(&user), &names);
        let answer = Answer::json(StatusCode::OK, shown);
        Ok(self.versioned(answer, &user).committed())
    }

    /// PATCH /Users/{id} (RFC 7644 §3.5.2).
    pub(super) fn patch(&mut self, id: &str, body: &Value, head: Head<'_>) -> Outcome {
        if self.switches.contains(Switch::PatchRefused) {
            let refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "PATCH is not implemented.");
            return Err(refusal);
        }
        if self.switches.contains(Switch::Patch405) {
            return Ok(self.not_allowed("PATCH is not supported.", "GET, PUT, DELETE"));
        }
        let names = self.names();
        let asked = ListRequest::read(head.query, &names)?;
        let before = self.visible(id, self.store.now())?.clone();
        self.check_version(&before, head.headers)?;
        let mut patch = Patch::read(body, &names, &self.switches)?;
        if self.switches.contains(Switch::PatchActiveOnly) {
            if !patch.touches_only_active() {
                return Err(Refusal::path("Only active can be patched."));
            }
        } else if self.switches.contains(Switch::PatchIgnoresOthers) {
            patch.keep_only_active();
        }
        let mut attributes = before.attributes.clone();
        patch.apply(&mut attributes, &names, &self.switches)?;
        let user = self.change(&before, attributes, Write::Patch)?;
        let answer = if self.switches.contains(Switch::PatchNoContent) {
            Answer::empty(StatusCode::NO_CONTENT)
        } else {
            let shown = asked.projection.apply(self.render(&user), &names);
            Answer::json(StatusCode::OK, shown)
        };
        Ok(self.versioned(answer, &user).committed())
    }

    /// DELETE /Users/{id}: 204, but 8x8 only deactivates (docs/8x8.md §2).
    pub(super) fn delete(&mut self, id: &str, head: Head<'_>) -> Outcome {
        let before = self.visible(id, self.store.now())?.clone();
        self.check_version(&before, head.headers)?;
        if self.switches.contains(Switch::DeleteReallyDeletes) {
            self.store.remove(id);
        } else {
            let mut attributes = before.attributes.clone();
            attributes.insert("active".to_owned(), json!(false));
            self.store.replace(id, attributes, now());
        }
        Ok(Answer::empty(StatusCode::NO_CONTENT).committed())
    }

    /// Checks the new attributes of a user and stores them.
    fn change(
        &mut self,
        before: &User,
        mut attributes: Attributes,
        write: Write,
    ) -> Result<User, Refusal> {
        rules::settle(
            &mut attributes,
            Some(&before.attributes),
            write,
            &self.sites,
            &self.switches,
        )?;
        if self.switches.contains(Switch::InactiveEditsRefused)
            && !before.is_active()
            && !differs_in_active_alone(&before.attributes, &attributes)
        {
            return Err(Refusal::mutability(
                "The user is deactivated; activate before changing anything else.",
            ));
        }
        self.check_name(&attributes, Some(before))?;
        self.store
            .replace(&before.id, attributes, now())
            .map(|user| user.as_ref().clone())
            .ok_or_else(|| no_such_user(&before.id))
    }

    /// Somebody else, an administrator say, gives the user that a path names another title.
    pub(super) fn write_of_another(&mut self, path: &str) {
        let user = path.rsplit_once("/Users/").and_then(|(_, id)| {
            let user = self.store.now().get(id)?;
            Some(user.as_ref().clone())
        });
        if let Some(mut user) = user {
            let title = format!("{TITLE_OF_ANOTHER} {}", user.version + 1);
            user.attributes.insert("title".to_owned(), json!(title));
            self.store.replace(&user.id, user.attributes, now());
        }
    }

    fn check_name(&self, attributes: &Attributes, holder: Option<&User>) -> Result<(), Refusal> {
        if self.switches.contains(Switch::NamesNotUnique) {
            return Ok(());
        }
        let name = attributes.get("userName").and_then(Value::as_str);
        let holder = holder.map(|user| user.id.as_str());
        if !name.is_some_and(|name| self.store.name_taken(name, holder)) {
            return Ok(());
        }
        if self.switches.contains(Switch::DuplicateIs400) {
            let status = StatusCode::BAD_REQUEST;
            return Err(Refusal::new(status, "userName already in use"));
        }
        Err(Refusal {
            status: StatusCode::CONFLICT,
            scim_type: Some(ScimType::Uniqueness),
            detail: "userName is already taken.".to_owned(),
        })
    }

    fn view(&self, head: Head<'_>) -> View<'_> {
        if head.stale {
            self.store.before_latest()
        } else {
            self.store.now()
        }
    }

    fn visible<'a>(&self, id: &str, view: View<'a>) -> Result<&'a User, Refusal> {
        let hidden = self.switches.contains(Switch::ConsoleUsersHidden);
        view.get(id)
            .map(AsRef::as_ref)
            .filter(|user| !(hidden && user.from_console))
            .ok_or_else(|| no_such_user(id))
    }

    /// If-Match (RFC 7644 §3.14), where there are versions.
    fn check_version(&self, user: &User, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.switches.contains(Switch::Versions)
            && headers.contains_key("if-match")
            && !lists_etag(headers, "if-match", user)
        {
            let status = StatusCode::PRECONDITION_FAILED;
            return Err(Refusal::new(status, "The user has changed meanwhile."));
        }
        Ok(())
    }

    fn versioned(&self, answer: Answer, user: &User) -> Answer {
        if self.switches.contains(Switch::Versions) {
            answer.with_header(ETAG, etag(user))
        } else {
            answer
        }
    }

    fn not_allowed(&self, detail: &str, allow: &str) -> Answer {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail)
            .into_answer(&self.switches)
            .with_header(ALLOW, allow)
    }
}

fn now() -> Timestamp {
    Timestamp::now()
        .round(jiff::Unit::Millisecond)
        .unwrap_or_else(|_| Timestamp::now())
}

fn no_such_user(id: &str) -> Refusal {
    Refusal::not_found(format!("User {} not found.", super::filter::shortened(id)))
}

fn differs_in_active_alone(before: &Attributes, after: &Attributes) -> bool {
    let without_active = |attributes: &Attributes| {
        let mut rest = attributes.clone();
        rest.remove("active");
        rest
    };
    without_active(before) == without_active(after)
}

/// Whether a header lists the user's version, or everything.
fn lists_etag(headers: &HeaderMap, name: &str, user: &User) -> bool {
    let current = etag(user);
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == opaque(&current))
}
