//! Lists: filter and pages (RFC 7644 §3.4.2, RFC 9865), with every way in which the real
//! service may differ.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::answer::{Refusal, ScimType};
use super::filter::{self, Filter};
use super::projection::Projection;
use super::schema::Names;
use super::store::View;
use super::stored::User;
use super::switches::{Switch, Switches};

/// The schema of a list (RFC 7644 §3.4.2).
pub(super) const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What a list request asks for.
#[derive(Debug, Default)]
pub(super) struct ListRequest {
    filter: Option<String>,
    start_index: Option<usize>,
    count: Option<usize>,
    cursor: Option<String>,
    pub(super) projection: Projection,
}

impl ListRequest {
    /// Reads a query string.
    pub(super) fn read(query: &str, names: &Names) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let (mut attributes, mut excluded) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "filter" => request.filter = Some(value.into_owned()),
                "startIndex" => request.start_index = Some(whole_number("startIndex", &value)?),
                "count" => request.count = Some(whole_number("count", &value)?),
                "cursor" => request.cursor = Some(value.into_owned()),
                "attributes" => attributes = Some(value.into_owned()),
                "excludedAttributes" => excluded = Some(value.into_owned()),
                _ => {}
            }
        }
        request.projection = Projection::read(attributes.as_deref(), excluded.as_deref(), names)?;
        Ok(request)
    }

    /// The filter, as far as the switches let it count.
    fn wanted(&self, names: &Names, switches: &Switches) -> Result<Option<Filter>, Refusal> {
        let Some(text) = &self.filter else {
            return Ok(None);
        };
        if switches.contains(Switch::FilterRefused) {
            return Err(Refusal::filter("Filters are not supported."));
        }
        if switches.contains(Switch::FilterIgnored) {
            return Ok(None);
        }
        let filter = filter::parse(text, names)?;
        if switches.contains(Switch::ExternalIdFilterRefused) && !filter.asks_only("userName") {
            return Err(Refusal::filter("Only userName can be filtered on."));
        }
        Ok(Some(filter))
    }
}

/// A number; below zero counts as zero (RFC 7644 §3.4.2.4).
fn whole_number(name: &str, value: &str) -> Result<usize, Refusal> {
    let value = value.trim();
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::value(format!("{name} is no whole number.")));
    }
    if value.starts_with('-') {
        return Ok(0);
    }
    Ok(digits.parse().unwrap_or(usize::MAX))
}

/// Answers a list request; `show` renders one user.
pub(super) fn list(
    request: &ListRequest,
    view: View<'_>,
    names: &Names,
    switches: &Switches,
    max_page: usize,
    show: impl Fn(&User) -> Value,
) -> Result<Value, Refusal> {
    let filter = request.wanted(names, switches)?;
    let page = Page::of(request, switches, max_page)?;
    let hidden = |user: &User| user.from_console && switches.contains(Switch::ConsoleUsersHidden);
    let matches =
        |user: &User| !hidden(user) && filter.as_ref().is_none_or(|filter| filter.matches(user));
    let mut total = 0;
    let mut resources = Vec::new();
    let mut look_at = |user: &User| {
        if matches(user) {
            if total >= page.skip && resources.len() < page.take {
                resources.push(show(user));
            }
            total += 1;
        }
    };
    match filter.as_ref().and_then(Filter::key) {
        Some(key) => view.having(&key).into_iter().for_each(|user| look_at(user)),
        None => view.all().for_each(|user| look_at(user)),
    }
    Ok(page.answer(resources, total, switches))
}

/// Which part of the list is answered.
struct Page {
    skip: usize,
    take: usize,
    cursors: bool,
}

impl Page {
    fn of(request: &ListRequest, switches: &Switches, max_page: usize) -> Result<Self, Refusal> {
        if switches.contains(Switch::PagingIgnored) {
            return Ok(Self {
                skip: 0,
                take: usize::MAX,
                cursors: false,
            });
        }
        let cap = if switches.contains(Switch::PagesOf10) {
            max_page.min(10)
        } else {
            max_page
        };
        let take = request.count.unwrap_or(cap).min(cap);
        let cursors =
            switches.contains(Switch::CursorPaging) && !switches.contains(Switch::PageRepeats);
        let skip = if switches.contains(Switch::PageRepeats) {
            0
        } else if cursors {
            match request.cursor.as_deref() {
                None | Some("") => 0,
                Some(cursor) => read_cursor(cursor)?,
            }
        } else {
            request.start_index.unwrap_or(1).saturating_sub(1)
        };
        Ok(Self {
            skip,
            take,
            cursors,
        })
    }

    fn answer(&self, resources: Vec<Value>, total: usize, switches: &Switches) -> Value {
        let mut list = Map::new();
        list.insert("schemas".to_owned(), json!([LIST_SCHEMA]));
        if !switches.contains(Switch::TotalMissing) {
            list.insert("totalResults".to_owned(), json!(total));
        }
        list.insert("itemsPerPage".to_owned(), json!(resources.len()));
        if self.cursors {
            let next = self.skip.saturating_add(resources.len());
            if next < total && !resources.is_empty() {
                list.insert("nextCursor".to_owned(), json!(cursor(next)));
            }
        } else {
            let start_index = self.skip.saturating_add(1);
            list.insert("startIndex".to_owned(), json!(start_index));
        }
        if !(resources.is_empty() && switches.contains(Switch::EmptyListWithoutResources)) {
            list.insert("Resources".to_owned(), Value::Array(resources));
        }
        Value::Object(list)
    }
}

/// Cursors hold characters that have to be percent-encoded, as RFC 9865 allows.
fn cursor(position: usize) -> String {
    format!("next+{position:x}/=")
}

fn read_cursor(cursor: &str) -> Result<usize, Refusal> {
    cursor
        .strip_prefix("next+")
        .and_then(|rest| rest.strip_suffix("/="))
        .and_then(|position| usize::from_str_radix(position, 16).ok())
        .ok_or_else(|| Refusal::bad(ScimType::InvalidCursor, "The cursor is not one of ours."))
}
