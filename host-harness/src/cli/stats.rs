//! `--stats`: what each operation used up, one row a name, since a listing is an operation
//! a page.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use comfy_table::CellAlignment;
use serde_json::{Value as Json, json};

use super::output::{Output, shown, table};
use crate::trace::{Exchange, Observer, OperationStats};

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Stats(Mutex<Vec<Row>>);

/// All operations of one name.
#[derive(Debug)]
struct Row {
    count: u64,
    sum: OperationStats,
}

impl Observer for Stats {
    fn exchange(&self, _: &Exchange) {}

    fn operation(&self, stats: &OperationStats) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match rows
            .iter_mut()
            .find(|row| row.sum.operation == stats.operation)
        {
            Some(row) => row.add(stats),
            None => rows.push(Row {
                count: 1,
                sum: stats.clone(),
            }),
        }
    }
}

impl Stats {
    /// Says it on stderr.
    pub(super) fn tell(&self, output: Output) {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if output.is_json() {
            let stats: Json = rows.iter().map(Row::document).collect();
            output.note(json!({ "stats": stats }).to_string());
        } else if rows.is_empty() {
            output.note("No operation ran.");
        } else {
            let mut cells = table(&[
                "operation",
                "count",
                "requests",
                "sent",
                "received",
                "fuel",
                "memory",
                "guest",
                "host",
                "waiting",
                "wire",
                "total",
            ]);
            for row in rows.iter() {
                cells.add_row(row.cells());
            }
            for column in cells.column_iter_mut().skip(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            output.note(shown(&cells).trim_end());
        }
    }
}

impl Row {
    fn add(&mut self, stats: &OperationStats) {
        self.count += 1;
        let sum = &mut self.sum;
        sum.requests = sum.requests.saturating_add(stats.requests);
        sum.sent_bytes = sum.sent_bytes.saturating_add(stats.sent_bytes);
        sum.received_bytes = sum.received_bytes.saturating_add(stats.received_bytes);
        sum.fuel = sum.fuel.zip(stats.fuel).map(|(a, b)| a.saturating_add(b));
        sum.memory_peak = sum.memory_peak.max(stats.memory_peak);
        sum.guest += stats.guest;
        sum.wire += stats.wire;
        sum.waiting += stats.waiting;
        sum.host += stats.host;
    }

    fn document(&self) -> Json {
        let Self { count, sum } = self;
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let total = us(sum.total());
        let (guest, waiting, wire) = (us(sum.guest), us(sum.waiting), us(sum.wire));
        json!({
            "operation": sum.operation,
            "count": count,
            "requests": sum.requests,
            "sent-bytes": sum.sent_bytes,
            "received-bytes": sum.received_bytes,
            "fuel": sum.fuel,
            "memory-peak-bytes": sum.memory_peak,
            "guest-us": guest,
            // The rest, so that the parts make the whole in microseconds too.
            "host-us": total - guest - waiting - wire,
            "waiting-us": waiting,
            "wire-us": wire,
            "total-us": total,
        })
    }

    fn cells(&self) -> Vec<String> {
        let Self { count, sum } = self;
        let time = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        vec![
            sum.operation.to_owned(),
            count.to_string(),
            sum.requests.to_string(),
            format!("{} B", sum.sent_bytes),
            format!("{} B", sum.received_bytes),
            sum.fuel
                .map_or_else(|| "not counted".to_owned(), |fuel| fuel.to_string()),
            format!("{} KiB", sum.memory_peak.div_ceil(1 << 10)),
            time(sum.guest),
            time(sum.host),
            time(sum.waiting),
            time(sum.wire),
            time(sum.total()),
        ]
    }
}
