//! One line of the report.

use crate::text::clean;

/// Text of a component or a file, which may be anything, in one line of the report.
pub(super) fn line(text: &str) -> String {
    const MOST: usize = 2_000;
    let mut line = clean(text, MOST);
    if line.len() < text.len() && text.len() > MOST {
        line.push('…');
    }
    line
}
