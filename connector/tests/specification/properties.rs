//! What holds for every value, and not just for those that somebody thought of.

use std::cell::Cell;

use connector_8x8::contract::{PageQuery, SettingValue};
use connector_8x8::scim::equals;
use connector_8x8::settings::Tenant;
use connector_8x8::transport::{Request, Response, Transport, TransportFailure};
use fluent_uri::Uri;
use proptest::prelude::*;

use crate::script::{BASE, json_answer, setting, somebody};

fn tenant() -> Tenant {
    Tenant::from_settings(&[setting("instance-url", BASE)]).unwrap()
}

/// A service that caps its pages and may not count.
struct Pager {
    people: usize,
    cap: usize,
    counts: bool,
    asked: Cell<usize>,
}

impl Transport for &Pager {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        self.asked.set(self.asked.get() + 1);
        let url = Uri::parse(request.url.as_str()).unwrap();
        let query = url.query().unwrap().as_str();
        let given = |name: &str| -> usize {
            let found = query
                .split('&')
                .find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
            found.unwrap().parse().unwrap()
        };
        let start = given("startIndex") - 1;
        let end = (start + given("count").min(self.cap)).min(self.people);
        let page: Vec<_> = (start.min(end)..end).map(somebody).collect();
        let mut body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "Resources": page,
        });
        if self.counts {
            body["totalResults"] = self.people.into();
        }
        json_answer(200, &body)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Read by somebody else's parser, an id is one segment and a value one parameter.
    #[test]
    fn a_url_holds_what_was_put_in(id in any::<String>(), value in any::<String>()) {
        let text = tenant().url(&["Users", &id], &[("filter", &value), ("count", "1")]);
        let url = Uri::parse(text.as_str()).unwrap();
        let base = Uri::parse(BASE).unwrap();
        prop_assert_eq!(url.authority().unwrap().as_str(), base.authority().unwrap().as_str());
        let below = url.path().as_str().strip_prefix(base.path().as_str()).unwrap();
        let segments: Vec<_> = below.split('/').collect();
        prop_assert_eq!(segments.len(), 3);
        let decoded = |text: &str| {
            let text = fluent_uri::pct_enc::EStr::<fluent_uri::pct_enc::encoder::Data>::new(text).unwrap();
            text.decode().to_string().unwrap().into_owned()
        };
        prop_assert_eq!(decoded(segments[2]), id.clone());
        let query = url.query().unwrap().as_str().strip_prefix("filter=").unwrap();
        let (filter, _) = query.split_once("&count=1").unwrap();
        prop_assert_eq!(decoded(filter), value);
        prop_assert_eq!(tenant().path_below(&text), Some(vec!["Users".to_owned(), id]));
    }

    /// A filter's value is one JSON string, whatever is in it.
    #[test]
    fn a_filter_ends_where_its_value_does(value in any::<String>()) {
        let filter = equals("userName", &value);
        let literal = filter.strip_prefix("userName eq ").unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(literal).unwrap(), value);
    }

    #[test]
    fn everybody_is_listed_once_however_a_service_caps_and_counts(
        people in 0_usize..130, cap in 1_usize..40, limit in 1_u32..60, counts: bool,
    ) {
        let pager = Pager { people, cap, counts, asked: Cell::new(0) };
        let mut ids = Vec::new();
        let mut cursor = None;
        loop {
            let connection = connector_8x8::connection::Connection::open(
                &[setting("instance-url", BASE)], None, &pager,
            ).unwrap();
            let page = connection.list(&PageQuery { cursor, limit }).unwrap();
            prop_assert!(page.accounts.len() <= limit as usize);
            ids.extend(page.accounts.into_iter().map(|account| account.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let all: Vec<_> = (0..people).map(|number| format!("id-{number}")).collect();
        prop_assert_eq!(ids, all);
        // No page is asked for twice, but for the one that shows that there is no more.
        prop_assert!(pager.asked.get() <= people.div_ceil(cap.min(limit as usize)) + 1);
    }

    #[test]
    fn settings_make_a_tenant_or_name_what_is_wrong(
        url in any::<String>(), id in any::<String>(), schema in any::<String>(), method in any::<String>(),
    ) {
        let settings = [("instance-url", url), ("customer-id", id), ("site-schema", schema), ("update-method", method)]
            .map(|(name, value)| SettingValue { name: name.into(), value });
        if let Err(problems) = Tenant::from_settings(&settings) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(settings.iter().any(|setting| setting.name == problem.name));
            }
        }
    }

    /// Whatever is pasted of the same URL, with whatever blanks around it, names one base.
    #[test]
    fn a_pasted_url_names_one_base(
        id in "[A-Za-z0-9]{1,20}", host in "[a-z]{1,10}(\\.[a-z0-9]{1,8}){1,3}",
        more in prop::sample::select(vec!["", "/", "/scim", "/scim/v2", "/scim/v2/", "/scim/v2/Users", "/scim/v2/Users/"]),
        before in "[ \t\n]{0,3}", after in "[ \t\n]{0,3}",
    ) {
        let pasted = format!("{before}https://{host}/udi/customers/{id}{more}{after}");
        let tenant = Tenant::from_settings(&[setting("instance-url", &pasted)]).unwrap();
        prop_assert_eq!(tenant.base(), format!("https://{host}/udi/customers/{id}/scim/v2"));
        prop_assert_eq!(tenant.customer_id(), id);
    }
}
