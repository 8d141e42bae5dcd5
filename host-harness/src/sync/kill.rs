//! For tests: `HOST_HARNESS_KILL=POINT:N` makes the program kill itself, as `kill -9` would, when it
//! comes to a point for the Nth time. In programs built without the feature `testing` there is
//! no such thing.

/// A point between two steps of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The write is decided, and nobody was told.
    Decided,
    /// The journal has the intent.
    Intended,
    /// The answer has come, and the journal does not have it.
    Answered,
}

#[cfg(not(feature = "testing"))]
pub(crate) fn passing(_: Point) {}

#[cfg(feature = "testing")]
pub(crate) fn passing(point: Point) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ORDER: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let name = match point {
        Point::Decided => "before-intent",
        Point::Intended => "before-send",
        Point::Answered => "before-outcome",
    };
    let order = ORDER.get_or_init(|| {
        let order = std::env::var("HOST_HARNESS_KILL").ok()?;
        let (point, passage) = order.split_once(':')?;
        Some((point.to_owned(), passage.parse().ok()?))
    });
    let Some((wanted, passage)) = order else {
        return;
    };
    if wanted == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *passage {
        let process = std::process::id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-9", &process])
            .status();
        // Nothing more happens, even where there is no such program.
        std::process::abort();
    }
}
