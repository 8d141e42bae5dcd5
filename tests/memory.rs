//! What the memory of a kept sandbox holds. No host shows a guest's memory, so the guest is asked: the
//! mutant of the 8x8 connector, which is that connector and can look (`tests/mutant/src/memory.rs`).

use std::sync::Arc;

use host_harness::clock::SystemClock;
use host_harness::{Component, Connection, ConnectionOptions};

use crate::stage;

pub(crate) const MUTANT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mutant.wasm"));
/// So that the question does not put there what it asks for.
const MASK: u8 = 0x55;

/// Options for a connection that can be asked.
pub(crate) fn asked(options: ConnectionOptions) -> ConnectionOptions {
    options.setting("fault", "memory")
}

pub(crate) async fn connector() -> Component {
    let host = stage::host(Arc::new(SystemClock::new()));
    Component::from_bytes(&host, MUTANT).await.unwrap()
}

pub(crate) async fn holds(connection: &Connection, text: &str) -> bool {
    let masked: String = text
        .bytes()
        .map(|byte| format!("{:02x}", byte ^ MASK))
        .collect();
    answer(connection, &format!("holds-{masked}")).await == "true"
}

/// Of 4 KiB, those that hold anything but zeros.
pub(crate) async fn pages_touched(connection: &Connection) -> u64 {
    answer(connection, "touched").await.parse().unwrap()
}

async fn answer(connection: &Connection, question: &str) -> String {
    let answer = connection.get(&format!("memory-{question}")).await;
    answer.unwrap_err().message()
}
