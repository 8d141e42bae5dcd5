//! Settings of any text make a tenant or problems; and whatever tenant they make, no id and no
//! value leaves its base.

#![no_main]

use connector_8x8::contract::SettingValue;
use connector_8x8::settings::Tenant;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["instance-url", "customer-id", "site-schema", "update-method"];

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let (id, value) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let settings: Vec<_> = lines
        .take(8)
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            let name = match name {
                "0" | "1" | "2" | "3" => NAMES[usize::from(name.as_bytes()[0] - b'0')],
                other => other,
            };
            SettingValue {
                name: name.to_owned(),
                value: value.to_owned(),
            }
        })
        .collect();
    match Tenant::from_settings(&settings) {
        Err(problems) => assert!(!problems.is_empty(), "refused without a problem"),
        Ok(tenant) => {
            let base = tenant.base();
            assert!(base.is_ascii() && base.ends_with("/scim/v2"), "{base}");
            assert!(base.contains(&format!("/customers/{}/", tenant.customer_id())), "{base}");
            let url = tenant.url(&["Users", id], &[("filter", value)]);
            assert!(url.is_ascii());
            let rest = url.strip_prefix(base).expect("below the base");
            let (path, query) = rest.split_once('?').expect("one question mark");
            assert_eq!(path.matches('/').count(), 2, "{path}");
            assert!(!query.contains(['&', '#', '+', ' ', '"']), "{query}");
            let own = vec!["Users".to_owned(), id.to_owned()];
            assert_eq!(tenant.path_below(&url), Some(own));
            // A base that is pasted again is the same base.
            let again = [SettingValue {
                name: NAMES[0].to_owned(),
                value: base.to_owned(),
            }];
            assert_eq!(Tenant::from_settings(&again).expect("its own base").base(), base);
        }
    }
});
