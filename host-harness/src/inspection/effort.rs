//! What compiling a function takes, by its looks. The compiler cannot be stopped once it has
//! begun, and a few kilobytes can be made to keep it busy for hours, so what would take it long is
//! refused before.

use wasmparser::{FunctionBody, Operator, Result};

/// The values that the compiler follows through a function times the places where they may
/// come from two sides, each of these as often as loops lie around it: it asks at each such place
/// of each local which value it has there, and once more in every loop around it.
pub(super) fn of_function(body: &FunctionBody<'_>) -> Result<u64> {
    let mut locals: u64 = 1;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(u64::from(group?.0));
    }
    let mut joins: u64 = 0;
    // Of each construct that is open: whether it is a loop.
    let mut open = Vec::new();
    let mut loops: u64 = 0;
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let here = match operators.read()? {
            Operator::Loop { .. } => {
                open.push(true);
                loops += 1;
                1
            }
            Operator::Block { .. } => {
                open.push(false);
                0
            }
            Operator::If { .. } => {
                open.push(false);
                1
            }
            Operator::End => {
                loops -= u64::from(open.pop().unwrap_or(false));
                0
            }
            Operator::Else | Operator::Br { .. } | Operator::BrIf { .. } => 1,
            Operator::BrTable { targets } => u64::from(targets.len()) + 1,
            _ => 0,
        };
        joins = joins.saturating_add(here * (1 + loops));
    }
    Ok(locals.saturating_mul(joins))
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    fn effort(function: &str) -> u64 {
        let bytes = wat::parse_str(format!("(module (func {function}))")).unwrap();
        let body = Parser::new(0).parse_all(&bytes).find_map(|payload| {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else {
                return None;
            };
            Some(body)
        });
        of_function(&body.unwrap()).unwrap()
    }

    #[test]
    fn it_grows_with_locals_joins_and_the_loops_around_them() {
        assert_eq!(effort(""), 0);
        assert_eq!(effort("(local i32 i32 i32)"), 0);
        assert_eq!(effort("(block (br 0))"), 1);
        assert_eq!(effort("(local i32) (block (br 0))"), 2);
        assert_eq!(
            effort("(local i32) (block (br_if 0 (i32.const 1)) (br 0))"),
            4
        );
        assert_eq!(
            effort("(local i32) (block (br_table 0 0 0 (i32.const 1)))"),
            6
        );
        // The loop counts within itself, and so does what is in it.
        assert_eq!(effort("(loop)"), 2);
        assert_eq!(effort("(loop (loop))"), 2 + 3);
        assert_eq!(effort("(loop (block (br 0)))"), 2 + 2);
        assert_eq!(effort("(loop) (block (br 0))"), 2 + 1);
    }
}
