//! Components that are made to hurt whoever compiles them or looks at them: each of them small in
//! some respect, and without a limit in another.

use fastrand::Rng;

const I32: u8 = 0x7f;
const END: u8 = 0x0b;
const LOCAL_GET: u8 = 0x20;
const LOCAL_SET: u8 = 0x21;
const I32_CONST: u8 = 0x41;
const I32_ADD: u8 = 0x6a;
const DROP: u8 = 0x1a;
const BLOCK: u8 = 0x02;
const LOOP: u8 = 0x03;
const IF: u8 = 0x04;
const BR: u8 = 0x0c;
const BR_IF: u8 = 0x0d;
const BR_TABLE: u8 = 0x0e;
const CALL: u8 = 0x10;
const EMPTY: u8 = 0x40;

/// A component by name.
pub(crate) struct Hurtful {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A function: its type, its locals of type i32, and its code.
type Function = (u32, u32, Vec<u8>);

fn leb(value: usize) -> Vec<u8> {
    let (mut value, mut bytes) = (value, Vec::new());
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn op(code: u8, operand: usize) -> Vec<u8> {
    [vec![code], leb(operand)].concat()
}

fn sized(bytes: Vec<u8>) -> Vec<u8> {
    [leb(bytes.len()), bytes].concat()
}

fn section(id: u8, bytes: Vec<u8>) -> Vec<u8> {
    [vec![id], sized(bytes)].concat()
}

fn list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<_> = items.into_iter().collect();
    [leb(items.len()), items.concat()].concat()
}

fn signature(params: usize, results: usize) -> Vec<u8> {
    let values = |count: usize| [leb(count), vec![I32; count]].concat();
    [vec![0x60], values(params), values(results)].concat()
}

/// A core module of these types and functions, and these sections: before the functions, between
/// them and their code, and after.
fn module_with(
    types: &[Vec<u8>],
    functions: &[Function],
    sections: [Vec<u8>; 2],
    last: Vec<u8>,
) -> Vec<u8> {
    let [imports, middle] = sections;
    let code = functions.iter().map(|(_, locals, code)| {
        let locals = match locals {
            0 => vec![0],
            count => [vec![1], leb(*count as usize), vec![I32]].concat(),
        };
        sized([locals, code.clone(), vec![END]].concat())
    });
    let kinds = functions.iter().map(|(kind, ..)| leb(*kind as usize));
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, list(types.to_vec())),
        imports,
        section(3, list(kinds)),
        middle,
        section(10, list(code)),
        last,
    ]
    .concat()
}

fn module(types: &[Vec<u8>], functions: &[Function]) -> Vec<u8> {
    module_with(types, functions, Default::default(), Vec::new())
}

/// A component with this inside, and the exports of a connector by name.
fn component(inside: &[Vec<u8>]) -> Vec<u8> {
    let export = |interface: &str| {
        let name = format!("provisioning:connector/{interface}@0.1.0");
        [vec![0], sized(name.into_bytes()), vec![5, 0, 0]].concat()
    };
    [
        b"\0asm\x0d\0\x01\0".to_vec(),
        section(5, vec![1, 1, 0]),
        section(11, list([export("manifest"), export("accounts")])),
        inside.concat(),
    ]
    .concat()
}

fn with_module(module: Vec<u8>) -> Vec<u8> {
    component(&[section(1, module)])
}

fn one_function(params: usize, locals: u32, code: Vec<u8>) -> Vec<u8> {
    with_module(module(&[signature(params, 0)], &[(0, locals, code)]))
}

/// The condition of a branch.
fn condition() -> Vec<u8> {
    op(LOCAL_GET, 0)
}

fn set(local: usize) -> Vec<u8> {
    [vec![I32_CONST, 1], op(LOCAL_SET, local)].concat()
}

/// Everything that is in the locals is wanted in the end.
fn use_all(locals: usize) -> Vec<u8> {
    let get = |local| [op(LOCAL_GET, local), vec![DROP]].concat();
    (0..locals).flat_map(get).collect()
}

fn in_block(code: Vec<u8>) -> Vec<u8> {
    [vec![BLOCK, EMPTY], code, vec![END]].concat()
}

/// Locals that are set between branches to one place.
fn set_between(params: usize, locals: usize, branches: usize) -> Vec<u8> {
    let all = params + locals;
    let code: Vec<u8> = (0..branches)
        .flat_map(|at| [condition(), op(BR_IF, 0), set(at % all)].concat())
        .collect();
    one_function(
        params,
        locals as u32,
        [in_block(code), use_all(all)].concat(),
    )
}

/// A table of branches to nested blocks, with locals set on the way out.
fn wide_table(targets: usize, depth: usize, locals: usize) -> Vec<u8> {
    let table = list((0..targets).map(|at| leb(at % depth)));
    let mut code = [condition(), vec![BR_TABLE], table, leb(0)].concat();
    for at in 0..depth {
        code = [in_block(code), set(1 + at % locals)].concat();
    }
    one_function(1, locals as u32, [code, use_all(locals)].concat())
}

fn nested(kind: u8, depth: usize, locals: usize) -> Vec<u8> {
    let mut code = Vec::new();
    for at in 0..depth {
        if kind == IF {
            code.extend(condition());
        }
        code.extend([kind, EMPTY]);
        code.extend(set(1 + at % locals));
    }
    for at in 0..depth {
        code.extend(condition());
        code.extend(op(BR_IF, at % (depth - at)));
        code.push(END);
    }
    one_function(1, locals as u32, [code, use_all(locals)].concat())
}

fn straight(bytes: usize) -> Vec<u8> {
    let step = [vec![I32_CONST, 1], vec![I32_ADD]].concat();
    let code = [condition(), step.repeat(bytes / step.len()), vec![DROP]].concat();
    one_function(1, 0, code)
}

/// Values that stay on the stack while there are branches.
fn tall_stack(values: usize, branches: usize) -> Vec<u8> {
    let push = condition().repeat(values);
    let branch = in_block([condition(), op(BR_IF, 0)].concat()).repeat(branches);
    let drop = vec![DROP; values];
    one_function(1, 0, [push, branch, drop].concat())
}

fn many_functions(count: usize, code: &[u8]) -> Vec<u8> {
    let functions = vec![(0, 0, code.to_vec()); count];
    with_module(module(&[signature(1, 0)], &functions))
}

/// Calls that hand over and give back a thousand values.
fn wide_calls(calls: usize) -> Vec<u8> {
    const WIDE: usize = 1_000;
    let give = [I32_CONST, 1].repeat(WIDE);
    let call = op(CALL, 0).repeat(calls);
    let functions = [
        (0, 0, give.clone()),
        (1, 0, [give, call, vec![DROP; WIDE]].concat()),
    ];
    with_module(module(
        &[signature(WIDE, WIDE), signature(1, 0)],
        &functions,
    ))
}

/// Branches that each hand over a thousand values.
fn wide_branches(values: usize, branches: usize) -> Vec<u8> {
    let push = [I32_CONST, 1].repeat(values);
    let branch = [condition(), op(BR_IF, 0)].concat().repeat(branches);
    let block = [vec![BLOCK, 1], push, branch, vec![END]].concat();
    let code = [block, vec![DROP; values]].concat();
    with_module(module(
        &[signature(1, 0), signature(0, values)],
        &[(0, 0, code)],
    ))
}

/// Whatever is valid, at random.
fn any(rng: &mut Rng, length: usize) -> Vec<u8> {
    let locals = rng.usize(2..400);
    let (mut code, mut open) = (Vec::new(), 0);
    for _ in 0..length {
        match rng.u8(0..12) {
            0 | 1 => {
                code.extend([[BLOCK, LOOP][rng.usize(0..2)], EMPTY]);
                open += 1;
            }
            2 => {
                code.extend(condition());
                code.extend([IF, EMPTY]);
                open += 1;
            }
            3 | 4 if open > 0 => {
                code.push(END);
                open -= 1;
            }
            5 | 6 if open > 0 => {
                code.extend(condition());
                code.extend(op(BR_IF, rng.usize(0..open)));
            }
            7 if open > 0 => {
                let targets = rng.usize(1..50);
                code.extend(in_block(
                    [
                        condition(),
                        vec![BR_TABLE],
                        list((0..targets).map(|_| leb(rng.usize(0..=open)))),
                        leb(rng.usize(0..=open)),
                    ]
                    .concat(),
                ));
            }
            8 if open > 0 && rng.u8(0..20) == 0 => {
                code.extend(in_block(op(BR, rng.usize(0..=open))));
            }
            _ => {
                let from = op(LOCAL_GET, rng.usize(0..locals));
                let more = [vec![I32_CONST, rng.u8(0..64)], vec![I32_ADD]].concat();
                code.extend([from, more, op(LOCAL_SET, rng.usize(0..locals))].concat());
            }
        }
    }
    code.extend(vec![END; open]);
    one_function(1, locals as u32, [code, use_all(locals)].concat())
}

/// Components in each other, each of which makes two of the one before.
fn doubled(times: usize) -> Vec<u8> {
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    let outer = |index: usize| section(6, list([[vec![0x04, 0x02, 1], leb(index)].concat()]));
    let twice = section(5, list(vec![[vec![0, 0], leb(0)].concat(); 2]));
    let mut inside = vec![section(4, empty.clone())];
    for at in 0..times {
        inside.push(section(
            4,
            [empty.clone(), outer(at), twice.clone()].concat(),
        ));
    }
    inside.push(section(5, list([[vec![0], leb(times), leb(0)].concat()])));
    component(&inside)
}

fn deep_components(depth: usize) -> Vec<u8> {
    let mut inner = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..depth {
        inner = [b"\0asm\x0d\0\x01\0".to_vec(), section(4, inner)].concat();
    }
    component(&[section(4, inner)])
}

fn named(name: &str, data: Vec<u8>) -> Vec<u8> {
    section(0, [sized(name.as_bytes().to_vec()), data].concat())
}

fn producers(values: usize) -> Vec<u8> {
    let value = [0, 0].repeat(values);
    let field = [sized(b"language".to_vec()), leb(values), value].concat();
    component(&[named("producers", list([field]))])
}

fn data(segments: usize, bytes: usize) -> Vec<u8> {
    let memory = section(5, vec![1, 0, 1]);
    let segment = [vec![0, I32_CONST, 0, END], sized(vec![7; bytes])].concat();
    let all = section(11, [leb(segments), segment.repeat(segments)].concat());
    with_module(module_with(
        &[signature(0, 0)],
        &[(0, 0, vec![])],
        [vec![], memory],
        all,
    ))
}

fn elements(segments: usize, count: usize) -> Vec<u8> {
    let table = section(4, [vec![1, 0x70, 0], leb(count.max(1))].concat());
    let entry = [vec![0, I32_CONST, 0, END], leb(count), vec![0; count]].concat();
    let all = section(9, [leb(segments), entry.repeat(segments)].concat());
    with_module(module_with(
        &[signature(0, 0)],
        &[(0, 0, vec![])],
        [vec![], [table, all].concat()],
        vec![],
    ))
}

fn globals(count: usize) -> Vec<u8> {
    let global = [I32, 1, I32_CONST, 1, END].repeat(count);
    let all = section(6, [leb(count), global].concat());
    with_module(module_with(
        &[signature(0, 0)],
        &[(0, 0, vec![])],
        [vec![], all],
        vec![],
    ))
}

fn exports(count: usize) -> Vec<u8> {
    let export = |at: usize| [sized(format!("{at}").into_bytes()), vec![0, 0]].concat();
    let all = section(7, list((0..count).map(export)));
    with_module(module_with(
        &[signature(0, 0)],
        &[(0, 0, vec![])],
        [vec![], all],
        vec![],
    ))
}

fn imports(count: usize) -> Vec<u8> {
    let import = |at: usize| {
        [
            sized(b"m".to_vec()),
            sized(format!("{at}").into_bytes()),
            vec![0, 0],
        ]
        .concat()
    };
    let all = section(2, list((0..count).map(import)));
    with_module(module_with(
        &[signature(0, 0)],
        &[(0, 0, vec![])],
        [all, vec![]],
        vec![],
    ))
}

fn types(count: usize) -> Vec<u8> {
    with_module(module(&vec![signature(1, 1); count], &[]))
}

fn component_imports(count: usize) -> Vec<u8> {
    let import = |at: usize| [vec![0], sized(format!("a{at}").into_bytes()), vec![1, 0]].concat();
    let kind = section(7, vec![1, 0x40, 0, 1, 0]);
    component(&[kind, section(10, list((0..count).map(import)))])
}

fn modules(count: usize) -> Vec<u8> {
    let inside = module(&[signature(1, 0)], &[(0, 0, vec![])]);
    component(&vec![section(1, inside); count])
}

fn sections(count: usize) -> Vec<u8> {
    component(&[[0, 1, 0].repeat(count)])
}

/// Many small functions: nothing of it is unusual, and it takes the compiler some seconds.
pub(crate) fn long() -> Vec<u8> {
    let code = [vec![I32_CONST, 1], condition(), vec![I32_ADD, DROP]].concat();
    many_functions(60_000, &code.repeat(20))
}

/// A component, with more than 1 MiB of code beside its own, in a module that is instantiated so
/// often.
pub(crate) fn enlarged(component: &[u8], instances: usize) -> Vec<u8> {
    let mut depth = 0_i32;
    let mut modules = 0;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } => {
                modules += usize::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    let function = (0, 0, [I32_CONST, 1, DROP].repeat(10_000));
    let inside = module(&[signature(1, 0)], &vec![function; 40]);
    let instance = [vec![0], leb(modules), leb(0)].concat();
    [
        component.to_vec(),
        section(1, inside),
        section(2, list(vec![instance; instances])),
    ]
    .concat()
}

/// Some that are over in moments, for every run of the tests.
pub(crate) fn few() -> Vec<Hurtful> {
    [
        (
            "1,000 locals set between 1,000 branches",
            set_between(1, 999, 1_000),
        ),
        (
            "1,000 parameters set between 1,000 branches",
            set_between(1_000, 0, 1_000),
        ),
        (
            "400 locals set between 400 branches",
            set_between(1, 399, 400),
        ),
        ("a table of 100,000 branches", wide_table(100_000, 100, 100)),
        ("loops in each other, 1,000", nested(LOOP, 1_000, 50)),
        ("100 calls of 1,000 values", wide_calls(100)),
        (
            "2,000 branches of 1,000 values",
            wide_branches(1_000, 2_000),
        ),
        ("components that double 30 times", doubled(30)),
        ("1,000,000 producers", producers(1_000_000)),
        ("2,000,000 custom sections", sections(2_000_000)),
        ("at random", any(&mut Rng::with_seed(1), 3_000)),
    ]
    .map(|(name, bytes)| Hurtful {
        name: name.to_owned(),
        bytes,
    })
    .into()
}

/// All of them.
pub(crate) fn all() -> Vec<Hurtful> {
    let mut all = few();
    let mut add = |name: String, bytes: Vec<u8>| all.push(Hurtful { name, bytes });
    for (params, locals, branches) in [
        (1, 199, 200),
        (1, 599, 600),
        (1, 799, 800),
        (1, 999, 4_000),
        (1, 49_000, 1_000),
        (1, 99, 30_000),
        (600, 0, 600),
        (1_000, 0, 300),
    ] {
        add(
            format!("{params} + {locals} locals set between {branches} branches"),
            set_between(params, locals, branches),
        );
    }
    for (targets, depth, locals) in [
        (10_000, 1_000, 10),
        (1_000_000, 10, 10),
        (1_000_000, 2, 2_000),
        (3_000, 3_000, 3_000),
    ] {
        add(
            format!("a table of {targets} branches to {depth} places, {locals} locals"),
            wide_table(targets, depth, locals),
        );
    }
    for (name, kind) in [("blocks", BLOCK), ("loops", LOOP), ("ifs", IF)] {
        for (depth, locals) in [(300, 300), (3_000, 30), (30_000, 2), (500_000, 1)] {
            add(
                format!("{depth} {name} in each other, {locals} locals"),
                nested(kind, depth, locals),
            );
        }
    }
    for bytes in [100_000, 1_000_000, 7_000_000] {
        add(format!("one function of {bytes} bytes"), straight(bytes));
    }
    for (values, branches) in [(1_000, 10_000), (10_000, 10_000), (100_000, 1_000)] {
        add(
            format!("{values} values on the stack, {branches} branches"),
            tall_stack(values, branches),
        );
    }
    let little = [condition(), vec![DROP]].concat();
    let more = [vec![I32_CONST, 1], condition(), vec![I32_ADD, DROP]]
        .concat()
        .repeat(20);
    for (count, code) in [
        (100_000, &little),
        (199_999, &little),
        (600_000, &little),
        (100_000, &more),
    ] {
        add(
            format!("{count} functions of {} bytes", code.len()),
            many_functions(count, code),
        );
    }
    for calls in [1_000, 10_000] {
        add(format!("{calls} calls of 1,000 values"), wide_calls(calls));
    }
    for (values, branches) in [(1_000, 300), (1_000, 100_000), (100, 10_000)] {
        add(
            format!("{branches} branches of {values} values"),
            wide_branches(values, branches),
        );
    }
    add("30 MB of data".to_owned(), data(1, 30_000_000));
    add("100,000 segments of data".to_owned(), data(100_000, 100));
    add(
        "100,000 segments of elements".to_owned(),
        elements(100_000, 5),
    );
    add("3,000,000 elements".to_owned(), elements(1, 3_000_000));
    add("1,000,000 globals".to_owned(), globals(1_000_000));
    add("200,000 exports".to_owned(), exports(200_000));
    add("200,000 imports".to_owned(), imports(200_000));
    add("900,000 types".to_owned(), types(900_000));
    add(
        "90,000 imports of the component".to_owned(),
        component_imports(90_000),
    );
    add("990 modules".to_owned(), modules(990));
    add("components that double 12 times".to_owned(), doubled(12));
    add(
        "components in each other, 900".to_owned(),
        deep_components(900),
    );
    add("6,000,000 producers".to_owned(), producers(6_000_000));
    add(
        "10,000,000 custom sections".to_owned(),
        sections(10_000_000),
    );
    for seed in 2..12 {
        let mut rng = Rng::with_seed(seed);
        let length = rng.usize(1_000..30_000);
        add(format!("at random, seed {seed}"), any(&mut rng, length));
    }
    all
}
