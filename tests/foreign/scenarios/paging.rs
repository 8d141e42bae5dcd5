//! Everybody is listed once, or the listing says that it cannot.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use host_harness::contract::PageQuery;
use serde_json::json;

use crate::checks::Checks;
use crate::service::Service;
use crate::stage::text;

/// How many there are to be at least.
const PEOPLE: usize = 250;

pub(crate) async fn everybody(service: &Service, checks: &Checks) -> Option<()> {
    for number in 0..PEOPLE {
        let planted = service
            .plant(&json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("page-{number}@example.com"),
                "externalId": format!("P-{number}"),
                "name": {"givenName": "Page", "familyName": format!("Number {number}")},
                "active": number % 7 != 0,
            }))
            .await;
        checks.done(format!("user {number} is made"), planted)?;
    }
    let count = usize::try_from(service.count().await?).ok()?;
    checks.that("all are counted", count >= PEOPLE, &count);

    let listed: Result<Vec<_>, _> = service.connection.accounts().try_collect().await;
    if service.paging {
        let listed = checks.done("the list", listed)?;
        checks.same("as many as are counted", listed.len(), count);
        let ids: BTreeSet<_> = listed.iter().map(|account| &account.id).collect();
        checks.same("each once", ids.len(), count);
        let inactive = |number: &usize| number.is_multiple_of(7);
        let wanted = (0..PEOPLE).filter(inactive).count();
        let seen = listed.iter().filter(|account| {
            let named = |attribute: &host_harness::contract::Attribute| {
                attribute.name == "externalId" && format!("{:?}", attribute.values).contains("P-")
            };
            account.attributes.iter().any(named)
                && account.status == host_harness::contract::AccountStatus::Inactive
        });
        checks.same("with their status", seen.count(), wanted);
        for limit in [1, 10, 99] {
            let query = PageQuery {
                cursor: None,
                limit,
            };
            let page = checks.done("a page", service.connection.list(query).await)?;
            let seen = (page.accounts.len(), page.total.map(|total| total as usize));
            checks.same(
                format!("a page of {limit}"),
                seen,
                (limit as usize, Some(count)),
            );
        }
    } else {
        // A list that leaves people out would have them hired a second time.
        let failure = listed.err();
        let code = failure.as_ref().and_then(|failure| failure.code());
        checks.same(
            "a list without pages is refused",
            code,
            Some("paging-repeats"),
        );
    }
    for number in [0, 99, 100, 249] {
        let found = service
            .connection
            .find("externalId", &text(&format!("P-{number}")))
            .await;
        let found = checks.done(format!("find {number} among them"), found)?;
        checks.that(format!("found {number}"), found.is_some(), &number);
    }
    Some(())
}
