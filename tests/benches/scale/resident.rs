//! How much memory a process has resident, by what Linux says of it.

/// Of this process, in bytes: now, and at most so far.
pub(crate) fn here() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    (field(&status, "VmRSS:"), field(&status, "VmHWM:"))
}

fn field(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.expect("a size in KiB") * 1024.0
}

pub(crate) const MIB: f64 = 1024.0 * 1024.0;
