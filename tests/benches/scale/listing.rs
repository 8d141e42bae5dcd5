//! A million accounts, page by page: how the host's memory grows.

use std::time::Instant;

use host_harness::{ConnectionOptions, StaticCredentials};

use crate::child::{PEOPLE, Served};
use crate::figures::{Target, Unit, row};
use crate::resident::{MIB, here};
use crate::stage::connector;

/// So many are listed before growth is looked at: by then every buffer has its size.
const SETTLED: usize = 10_000;

pub(crate) async fn measure() {
    let served = Served::start("pages", 1);
    let base = format!(
        "http://{}/udi/customers/customer-1/scim/v2",
        served.lines[0]
    );
    let mut options = ConnectionOptions::new()
        .setting("instance-url", base)
        .credentials(StaticCredentials::new().with("api-token", "a-token-of-nobody"));
    options.network.allow_loopback_http = true;
    let connection = connector().await.connect(options).await.unwrap();
    let mut listing = connection.listing();
    let (mut count, mut settled) = (0, 0.0);
    let begun = Instant::now();
    while let Some(account) = listing.next().await {
        account.unwrap();
        count += 1;
        if count == SETTLED {
            settled = here().0;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let (now, most) = here();
    assert_eq!(count, PEOPLE);
    let accounts = |count: usize| f64::from(u32::try_from(count).unwrap());
    let growth = (now - settled).max(0.0) / accounts(PEOPLE - SETTLED);
    row(
        "listing 1,000,000 accounts: the host's memory at most",
        Target::AtMost(96.0),
        most / MIB,
        Unit::MiB,
    );
    row(
        "growth for each account after the first 10,000",
        Target::AtMost(40.0),
        growth,
        Unit::Bytes,
    );
    row(
        "memory at 10,000 accounts",
        Target::Open,
        settled / MIB,
        Unit::MiB,
    );
    row(
        "accounts listed",
        Target::Open,
        accounts(count) / took,
        Unit::EachSecond,
    );
}
