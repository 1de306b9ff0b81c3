//! Every guest, assembled and run by the interpreter alone, prints what is expected of it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use model::diagnostic::Sources;
use model::interp::{Outcome, run_plain, step, take_trap, value};
use model::isa::{Class, Isa, RegisterId, TrapId, TrapKind};
use model::state::State;
use refvmm::asm::assemble;
use refvmm::decode::decode;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Halted,
    OutOfSteps,
}

fn load(name: &str) -> Isa {
    let path = format!("{}/../isa-specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    model::load(&path, &open, &mut Sources::default()).expect("the specification loads").isa
}

/// The guests of a machine, by name.
fn guests(isa: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests").join(isa);
    let entries = std::fs::read_dir(folder).expect("the folder of guests exists");
    let mut all: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "s"));
    all.sort();
    all
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn register(isa: &Isa, name: &str) -> Option<RegisterId> {
    isa.register_ids().find(|(_, r)| r.name == name).map(|(id, _)| id)
}

/// A machine after its reset with a program in storage.
fn boot(isa: &Isa, name: &str, text: &str, cells: u128) -> State {
    let mut sources = Sources::default();
    let image = assemble(isa, name, text, &mut sources).unwrap_or_else(|errors| {
        let all: Vec<_> = errors.iter().map(|e| e.render(&sources, false)).collect();
        panic!("{}", all.join("\n"))
    });
    let mut state = State::zero(isa, cells);
    for (cell, value) in image.cells {
        assert!(cell < cells, "{name} needs more than {cells} cells");
        state.store(cell, value);
    }
    run_plain(&isa.reset, &state)
}

/// Fetches through the window and runs one instruction.
fn cycle(isa: &Isa, unlisted: &Class, state: &State) -> State {
    let pc = register(isa, "pc").map_or(0, |id| state.register(id));
    let window = isa.window.as_ref().expect("a machine with modes");
    let (base, size) = (value(&window.base, state).value, value(&window.size, state).value);
    let outcome = if pc < size && base + pc < state.cells {
        let width = isa.storage.width;
        let decoded = decode(isa, state.load(base + pc), width);
        let class = decoded.as_ref().map_or(unlisted, |d| &isa.classes[d.class]);
        let operands = decoded.as_ref().map_or(&[][..], |d| &d.operands);
        step(isa, class, operands, state, &|_| 0)
    } else {
        let memory = isa.traps.iter().position(|t| t.kind == TrapKind::Memory);
        take_trap(isa, TrapId(memory.expect("a memory trap") as u32), None, state.clone())
    };
    match outcome {
        Outcome::Step(state) | Outcome::Trap(_, state) => state,
        other => panic!("{other:?} at {pc}"),
    }
}

/// Runs until the machine halts: how it ended, what it printed, and the last state.
fn run(isa: &Isa, mut state: State, steps: u32) -> (End, String, State) {
    let body = isa.unlisted.clone().expect("an outcome of unlisted opcodes");
    let unlisted = Class {
        body: body.into(),
        operands: Vec::new(),
        pattern: None,
        when: None,
        ..isa.classes[0].clone()
    };
    let console = register(isa, "console").zip(register(isa, "printed"));
    let mut text = String::new();
    for _ in 0..steps {
        if isa.halted.as_ref().is_some_and(|h| value(h, &state).is_true()) {
            return (End::Halted, text, state);
        }
        let next = cycle(isa, &unlisted, &state);
        if let Some((console, printed)) = console
            && next.register(printed) != state.register(printed)
        {
            text.push(char::from(next.register(console) as u8));
        }
        state = next;
    }
    (End::OutOfSteps, text, state)
}

/// Guests that never halt.
const ENDLESS: [&str; 2] = ["no-vector", "trap-loop"];

/// Storage that every guest fits in.
const CELLS: u128 = 16384;

#[test]
fn g3_guests_print_what_is_expected() {
    let isa = load("g3");
    let mut wrong = String::new();
    for path in guests("g3") {
        let name = stem(&path);
        if name.starts_with("kernel-") {
            continue;
        }
        let state = boot(&isa, &name, &read(&path), CELLS);
        let endless = ENDLESS.contains(&name.as_str());
        let (end, text, _) = run(&isa, state, if endless { 2_000 } else { 200_000 });
        let expected = if endless { End::OutOfSteps } else { End::Halted };
        if end != expected || text != read(&path.with_extension("out")) {
            writeln!(wrong, "{name}: {end:?}, printed\n{text}").expect("text");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The kernels run for millions of instructions; here a few rounds are compared with the same
/// computation, which at full length gives the expected output.
#[test]
fn kernels_compute_what_they_should() {
    let isa = load("g3");
    let mut seen = Vec::new();
    for path in guests("g3") {
        let name = stem(&path);
        let checksum = match name.as_str() {
            "kernel-arithmetic" => arithmetic,
            "kernel-copy" => copy,
            "kernel-sieve" => sieve,
            "kernel-traps" => |rounds: u32, _: u32| rounds,
            _ => continue,
        };
        let text = read(&path);
        let (rounds, size) = (constant(&text, "rounds"), constant(&text, "size"));
        let full = checksum(rounds, size);
        assert_eq!(format!("{full:08x}\n"), read(&path.with_extension("out")), "{name}");
        let small = 40.min(size);
        let text = text
            .replace(&format!("rounds = {rounds} "), "rounds = 3 ")
            .replace(&format!("size = {size} "), &format!("size = {small} "));
        let (end, shown, _) = run(&isa, boot(&isa, &name, &text, CELLS), 20_000);
        assert_eq!(shown, format!("{:08x}\n", checksum(3, small)), "{name}");
        assert_eq!(end, End::Halted, "{name}");
        seen.push(name);
    }
    assert_eq!(seen.len(), 4);
}

/// The value of a line `name = value`, 0 if there is none.
fn constant(text: &str, name: &str) -> u32 {
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(" = "));
    let word = line.and_then(|l| l.split_whitespace().next());
    word.map_or(0, |w| w.parse().expect("a number"))
}

fn arithmetic(rounds: u32, _: u32) -> u32 {
    (0..rounds).fold(1u32, |x, _| {
        let y = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        y ^ y >> 16
    })
}

fn copy(rounds: u32, size: u32) -> u32 {
    (0..rounds).fold(0, |sum, round| sum + (0..size).map(|i| i ^ round).sum::<u32>())
}

fn sieve(rounds: u32, size: u32) -> u32 {
    let prime = |n: &u32| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    rounds.wrapping_mul((2..size).filter(prime).sum())
}

#[test]
fn pdp10_guests_leave_what_is_expected() {
    let isa = load("pdp10");
    for path in guests("pdp10") {
        let (end, _, state) = run(&isa, boot(&isa, &stem(&path), &read(&path), CELLS), 20_000);
        let data = register(&isa, "data").map_or(0, |id| state.register(id));
        let mut shown = String::new();
        writeln!(shown, "data {data}").expect("text");
        assert_eq!(shown, read(&path.with_extension("out")), "{}", path.display());
        assert_eq!(end, End::Halted, "{}", path.display());
    }
}
