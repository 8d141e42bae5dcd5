//! What compiling a function takes, by its looks. It is no bound: that is the business of the
//! [`Compiler`](crate::compiler::Compiler). But it is there before anything is compiled, so that
//! what is made to hurt is refused at once and for a reason that can be told.

use wasmparser::{BlockType, FunctionBody, Operator, Result, TypeSectionReader};

/// Of so many branch arguments in one function, their square counts one: a thousand locals, each
/// set between two of a thousand branches to one place, take the compiler 20 s, and with four
/// thousand branches 14 min.
const ARGUMENTS_SQUARED: u64 = 20_000;
/// Likewise of a function's bytes.
const BYTES_SQUARED: u64 = 1 << 17;

/// The signatures of a module, and those of its functions in their order.
#[derive(Default)]
pub(super) struct Signatures {
    /// Of each type: parameters and results; none of each where it is no function's.
    types: Vec<(u32, u32)>,
    functions: Vec<u32>,
    next: usize,
}

/// What is found in a function's code.
pub(super) struct Found {
    pub(super) effort: u64,
    /// The proposal of WebAssembly that it uses and that no connector needs.
    pub(super) foreign: Option<&'static str>,
}

impl Signatures {
    pub(super) fn types(&mut self, section: TypeSectionReader<'_>) -> Result<()> {
        for group in section {
            for kind in group?.types() {
                let arity = match &kind.composite_type.inner {
                    wasmparser::CompositeInnerType::Func(kind) => {
                        (count(kind.params()), count(kind.results()))
                    }
                    _ => (0, 0),
                };
                self.types.push(arity);
            }
        }
        Ok(())
    }

    pub(super) fn functions(
        &mut self,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<()> {
        for kind in section {
            self.functions.push(kind?);
        }
        Ok(())
    }

    fn of(&self, kind: u32) -> (u32, u32) {
        let index = usize::try_from(kind).unwrap_or(usize::MAX);
        self.types.get(index).copied().unwrap_or_default()
    }

    /// What a block takes and leaves.
    fn of_block(&self, kind: BlockType) -> (u32, u32) {
        match kind {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(kind) => self.of(kind),
        }
    }

    /// Looks at the next function's code.
    pub(super) fn next(&mut self, body: &FunctionBody<'_>) -> Result<Found> {
        let kind = self.functions.get(self.next).copied();
        self.next += 1;
        let (params, results) = kind.map_or((0, 0), |kind| self.of(kind));
        of_function(self, (params, results), body)
    }
}

fn count<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}

/// A construct that is open: a place where branches join.
struct Join {
    is_loop: bool,
    /// Values that each branch hands over.
    arity: u64,
    /// Ways that lead there.
    ways: u64,
    /// How many locals had been set when it began.
    set_before: u64,
}

impl Join {
    /// The values that may be another on each of the ways there, taken together: for each way,
    /// what it hands over, and the locals that are set in the construct.
    fn arguments(&self, locals: u64, set: u64) -> u64 {
        let set = set.saturating_sub(self.set_before).min(locals);
        self.ways.saturating_mul(set.saturating_add(self.arity))
    }
}

/// The sum of three things: the values that the compiler follows through the function, times the
/// places where they may come from two sides, each of these as often as loops lie around it; the
/// square of the values that branches hand over; and the square of its size.
fn of_function(
    signatures: &Signatures,
    (params, results): (u32, u32),
    body: &FunctionBody<'_>,
) -> Result<Found> {
    let mut locals = u64::from(params).saturating_add(1);
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(u64::from(group?.0));
    }
    let (mut joins, mut arguments, mut set, mut loops) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut foreign = None;
    let mut open = vec![Join {
        is_loop: false,
        arity: results.into(),
        ways: 1,
        set_before: 0,
    }];
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let operator = operators.read()?;
        if foreign.is_none() {
            foreign = foreign_proposal(&operator);
        }
        let mut begin = |is_loop: bool, ways: u64, kind: BlockType| {
            let (takes, leaves) = signatures.of_block(kind);
            open.push(Join {
                is_loop,
                arity: if is_loop { takes } else { leaves }.into(),
                ways,
                set_before: set,
            });
        };
        let here = match &operator {
            Operator::Loop { blockty } => {
                begin(true, 1, *blockty);
                loops += 1;
                1
            }
            Operator::Block { blockty } => {
                begin(false, 1, *blockty);
                0
            }
            Operator::If { blockty } => {
                begin(false, 2, *blockty);
                1
            }
            Operator::End => {
                if let Some(join) = open.pop() {
                    loops -= u64::from(join.is_loop);
                    arguments = arguments.saturating_add(join.arguments(locals, set));
                }
                0
            }
            Operator::LocalSet { .. } | Operator::LocalTee { .. } => {
                set += 1;
                0
            }
            Operator::Else => 1,
            Operator::Return => {
                lead(&mut open, None);
                1
            }
            Operator::BrTable { targets } => {
                let mut ways = 1;
                lead(&mut open, Some(targets.default()));
                for target in targets.targets() {
                    lead(&mut open, Some(target?));
                    ways += 1;
                }
                ways
            }
            other => match branch(other) {
                Some(depth) => {
                    lead(&mut open, Some(depth));
                    1
                }
                None => 0,
            },
        };
        joins = joins.saturating_add(here * (1 + loops));
    }
    let bytes = body.range().len() as u64;
    let effort = locals
        .saturating_mul(joins)
        .saturating_add(arguments.saturating_mul(arguments) / ARGUMENTS_SQUARED)
        .saturating_add(bytes.saturating_mul(bytes) / BYTES_SQUARED);
    Ok(Found { effort, foreign })
}

/// One way more to a construct, counted from the innermost; out of the function without a number.
fn lead(open: &mut [Join], depth: Option<u32>) {
    let depth = depth.and_then(|depth| usize::try_from(depth).ok());
    let last = open.len().saturating_sub(1);
    let index = depth.map_or(0, |depth| last.saturating_sub(depth));
    if let Some(join) = open.get_mut(index) {
        join.ways = join.ways.saturating_add(1);
    }
}

/// Where a branch of another kind leads. Those of proposals that are off are counted all the same.
fn branch(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::Br { relative_depth }
        | Operator::BrIf { relative_depth }
        | Operator::BrOnNull { relative_depth }
        | Operator::BrOnNonNull { relative_depth }
        | Operator::BrOnCast { relative_depth, .. }
        | Operator::BrOnCastFail { relative_depth, .. } => Some(*relative_depth),
        _ => None,
    }
}

/// What [`GUEST_FEATURES`](crate::engine::GUEST_FEATURES) say of operators: wasmparser's own
/// reader takes those of every proposal, and its validator comes when the code is compiled.
macro_rules! belongs {
    (mvp) => {
        None
    };
    (sign_extension) => {
        None
    };
    (saturating_float_to_int) => {
        None
    };
    (bulk_memory) => {
        None
    };
    (reference_types) => {
        None
    };
    (simd) => {
        None
    };
    ($other:ident) => {
        Some(stringify!($other))
    };
}

macro_rules! foreign {
    ($(@$proposal:ident $name:ident $({ $($field:ident: $kind:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        fn foreign_proposal(operator: &Operator<'_>) -> Option<&'static str> {
            match operator {
                $(Operator::$name { .. } => belongs!($proposal),)*
                _ => Some("a newer proposal"),
            }
        }
    };
}

wasmparser::for_each_operator!(foreign);

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    fn found(module: &str) -> Found {
        let bytes = wat::parse_str(format!("(module {module})")).unwrap();
        let mut signatures = Signatures::default();
        for payload in Parser::new(0).parse_all(&bytes) {
            match payload.unwrap() {
                Payload::TypeSection(section) => signatures.types(section).unwrap(),
                Payload::FunctionSection(section) => signatures.functions(section).unwrap(),
                Payload::CodeSectionEntry(body) => return signatures.next(&body).unwrap(),
                _ => {}
            }
        }
        panic!("{module}")
    }

    fn effort(function: &str) -> u64 {
        found(&format!("(func {function})")).effort
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

    #[test]
    fn parameters_are_locals_and_every_kind_of_branch_is_one() {
        assert_eq!(effort("(param i32 i32) (block (br 0))"), 3);
        assert_eq!(effort("(param i32) (return)"), 2);
        for (kind, branch) in [
            ("(ref null $f)", "(br_on_null 0 (local.get 0)) drop"),
            (
                "(ref null $f)",
                "(block (result (ref $f)) (br_on_non_null 0 (local.get 0)) return) drop",
            ),
            (
                "anyref",
                "(block (result i31ref) (br_on_cast 0 anyref i31ref (local.get 0)) unreachable) drop",
            ),
        ] {
            let text = format!("(type $f (func)) (func (param {kind}) (block {branch}))");
            assert!(found(&text).effort >= 2, "{text}");
        }
    }

    fn set_between(locals: usize, branches: usize) -> String {
        let set: String = (0..branches)
            .map(|at| {
                format!(
                    "(br_if 0 (local.get 0)) (local.set {} (i32.const 1))",
                    at % locals
                )
            })
            .collect();
        format!(
            "(param i32) (local {}) (block {set})",
            "i32 ".repeat(locals)
        )
    }

    #[test]
    fn locals_that_are_set_between_branches_to_one_place_count_by_the_square() {
        let small = effort(&set_between(100, 100));
        let large = effort(&set_between(1_000, 1_000));
        assert!(small < 20_000, "{small}");
        assert!(large > 20_000_000, "{large}");
    }

    #[test]
    fn what_a_branch_hands_over_counts_as_well() {
        let results = "i32 ".repeat(1_000);
        let values = "(i32.const 1) ".repeat(1_000);
        let branches = "(br_if 0 (i32.const 1)) ".repeat(1_000);
        let function = format!("(block (result {results}) {values} {branches}) unreachable");
        assert!(effort(&function) > 20_000_000);
    }

    #[test]
    fn operators_of_other_proposals_are_named() {
        for (module, proposal) in [
            ("(func return_call 0)", "tail_call"),
            (
                "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
                "function_references",
            ),
            (
                "(memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0))))",
                "threads",
            ),
            (
                "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
                "relaxed_simd",
            ),
            ("(func (drop (ref.i31 (i32.const 1))))", "gc"),
            ("(tag $t) (func (throw $t))", "exceptions"),
        ] {
            assert_eq!(found(module).foreign, Some(proposal), "{module}");
        }
        let used = "(memory 1) (table 1 funcref) (func (result i32)
            (memory.copy (i32.const 0) (i32.const 0) (i32.const 1))
            (drop (i32.extend8_s (i32.trunc_sat_f32_s (f32.const 1))))
            (drop (ref.null func)) (table.size 0)
            (drop (i8x16.splat (i32.const 1))))";
        assert_eq!(found(used).foreign, None);
    }
}
