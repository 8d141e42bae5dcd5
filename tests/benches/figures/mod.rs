//! How figures are printed: as rows of the table in `docs/performance.md`.

/// Where a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// None was set.
    Open,
}

/// What a figure counts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Micros,
    Millis,
    Times,
    Percent,
    MiB,
    KiB,
    Bytes,
    EachSecond,
    Count,
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Micros => format!("{value:.1} µs"),
            Self::Millis => format!("{value:.1} ms"),
            Self::Times => format!("{value:.2} ×"),
            Self::Percent => format!("{value:.0} %"),
            Self::MiB => format!("{value:.1} MiB"),
            Self::KiB => format!("{value:.1} KiB"),
            Self::Bytes => format!("{value:.1} bytes"),
            Self::EachSecond => format!("{value:.0}/s"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// The head of the table.
pub(crate) fn head() {
    println!("\n| Figure | Target | Measured | |\n|---|---|---|---|");
}

/// One row.
pub(crate) fn row(figure: &str, target: Target, measured: f64, unit: Unit) {
    let (wanted, reached) = match target {
        Target::AtMost(most) => (format!("≤ {}", unit.show(most)), measured <= most),
        Target::AtLeast(least) => (format!("≥ {}", unit.show(least)), measured >= least),
        Target::Open => (String::new(), true),
    };
    let verdict = if reached { "" } else { "not reached" };
    println!(
        "| {figure} | {wanted} | {} | {verdict} |",
        unit.show(measured)
    );
}

/// The middle one.
pub(crate) fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    assert!(!values.is_empty(), "a median of nothing");
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}
