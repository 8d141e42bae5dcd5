//! Raises the limit that the variable `PROTECTION_OFF` names, as `limit-` and its key: it is as good
//! as none, and the tests that show what it is for must fail. The limits are an embedder's to
//! choose, so that nothing in the host has to be patched for that.

use std::time::Duration;

use host_harness::{HostOptions, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};

const LONG: Duration = Duration::from_secs(3_600);
const MOST_STACK: usize = 8 << 20;

fn raised() -> Option<String> {
    let name = std::env::var("PROTECTION_OFF").ok()?;
    Some(name.strip_prefix("limit-")?.to_owned())
}

pub(super) fn raise_of_host(options: &mut HostOptions) {
    if raised().as_deref() == Some("stack") {
        options.stack_bytes = MOST_STACK;
    }
    raise(&mut options.limits);
}

pub(super) fn raise(limits: &mut Limits) {
    let Some(key) = raised() else {
        return;
    };
    match key.as_str() {
        "cpu" => limits.cpu = LONG,
        "fuel" => limits.fuel = None,
        "memory" => limits.memory = MOST_MEMORY,
        "table-elements" => limits.table_elements = MOST_TABLE_ELEMENTS,
        "operation-time" => limits.operation_time = LONG,
        "request-time" => limits.request_time = LONG,
        "requests" => limits.requests = u32::MAX,
        "request-bytes" => limits.request_bytes = usize::MAX,
        "sent-bytes" => limits.sent_bytes = usize::MAX,
        "response-bytes" => limits.response_bytes = usize::MAX,
        "received-bytes" => limits.received_bytes = usize::MAX,
        "headers" => limits.headers = usize::MAX,
        "header-bytes" => limits.header_bytes = 256 << 10,
        "log-messages" => limits.log_messages = u32::MAX,
        "log-bytes" => limits.log_bytes = usize::MAX,
        "result-bytes" => limits.result_bytes = usize::MAX,
        "pages" => limits.pages = u32::MAX,
        "listing-accounts" => limits.listing_accounts = u64::MAX,
        "listing-bytes" => limits.listing_bytes = u64::MAX,
        "handles" => limits.handles = 1_000_000,
        _ => {}
    }
}
