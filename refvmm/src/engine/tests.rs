//! All engines, side by side: random programs in random states of every specification that can
//! run guests. `REFVMM_CASES` sets the number of cases per specification.

use std::sync::Arc;

use model::bits::mask;
use model::diagnostic::Sources;
use model::interp::operand_condition;
use model::isa::{Class, Endian};

use super::{Dispatch, Engine, Interpreter, OnTrap, Stop, Threaded, Walk, Why};
use crate::cpu::Cpu;
use crate::decode::encode;
use crate::layout::MachineLayout;

/// Numbers from a seed.
pub(crate) struct Stream(pub(crate) u64);

impl Stream {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A value of some bits that likes edges, and numbers up to a given one.
    fn value(&mut self, width: u32, near: u64) -> u64 {
        let all = mask(width) as u64;
        let value = match self.below(12) {
            0 => 0,
            1 => 1,
            2 => all.wrapping_sub(self.below(4)),
            3 => (all >> 1).wrapping_add(self.below(2)),
            4 => self.bits(),
            5 => near.wrapping_sub(self.below(4)).wrapping_add(2),
            6 => self.below(near) << (self.below(4) * u64::from(width / 4)) | self.below(near),
            7 => self.below(near) & !1,
            8 => all.wrapping_sub(self.below(near)),
            _ => self.below(near),
        };
        value & all
    }
}

pub(crate) fn layout(name: &str) -> Arc<MachineLayout> {
    let path = format!("{}/../isa-specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    let loaded = model::load(&path, &open, &mut Sources::default()).expect("it loads");
    MachineLayout::new(loaded.isa).expect("it runs guests")
}

pub(crate) fn operands(class: &Class, near: u64, stream: &mut Stream) -> Option<Vec<u128>> {
    (0..64).find_map(|_| {
        let value = |o: &model::isa::Operand| {
            o.fixed.unwrap_or_else(|| u128::from(stream.value(o.width, near)))
        };
        let operands: Vec<u128> = class.operands.iter().map(value).collect();
        let held = class.when.as_ref().is_none_or(|c| operand_condition(c, &operands));
        held.then_some(operands)
    })
}

/// The cells of an instruction.
fn cells_of(layout: &MachineLayout, class: &Class, operands: &[u128]) -> Vec<u64> {
    let (word, pattern) = (encode(class, operands), class.pattern.as_ref());
    let (Some(word), Some(pattern)) = (word, pattern) else { return Vec::new() };
    let width = layout.isa.storage.width;
    let count = pattern.width / width;
    let cell = |i: u32| (word >> (i * width) & mask(width)) as u64;
    match layout.isa.endian {
        Endian::Big => (0..count).rev().map(cell).collect(),
        Endian::Little => (0..count).map(cell).collect(),
    }
}

/// Fills storage with instructions, some data, and new PSWs for the traps that lead somewhere.
fn fill(layout: &MachineLayout, cpu: &mut Cpu, near: u64, stream: &mut Stream) {
    let isa = &layout.isa;
    let mut cells: Vec<u64> = Vec::new();
    while cells.len() < cpu.storage.len() {
        if stream.once_in(8) {
            cells.push(stream.value(isa.storage.width, near));
            continue;
        }
        let class = &isa.classes[stream.below(isa.classes.len() as u64) as usize];
        let Some(operands) = operands(class, near, stream) else { continue };
        cells.extend(cells_of(layout, class, &operands));
    }
    cells.truncate(cpu.storage.len());
    for cell in isa.trap_cells.new.clone() {
        let Some(place) = cells.get_mut(cell as usize) else { break };
        *place = match (isa.storage.width, cell % 4) {
            (8, 0..=1) => 0,
            (8, 2) => stream.below(near >> 8),
            (8, _) => stream.bits() & 0xfe,
            (width, _) => stream.value(width, near),
        };
    }
    cpu.storage = cells;
}

/// A machine in a random state.
fn machine(layout: &MachineLayout, stream: &mut Stream) -> Cpu {
    let bytes = layout.isa.storage.width == 8 && !stream.once_in(3);
    let cells = 64 + stream.below(128) + if bytes { 1024 } else { 0 };
    let mut cpu = Cpu::new(layout, cells as usize);
    fill(layout, &mut cpu, cells, stream);
    stir(layout, &mut cpu, stream);
    cpu
}

/// Other registers and another window.
fn stir(layout: &MachineLayout, cpu: &mut Cpu, stream: &mut Stream) {
    let all = cpu.storage.len();
    cpu.window = if stream.once_in(3) {
        let start = stream.below(all as u64 / 2) as usize;
        start..all - stream.below((all - start) as u64) as usize
    } else {
        0..all
    };
    let near = cpu.cells();
    let mut slot = 0;
    for register in &layout.isa.registers {
        for _ in 0..register.len() {
            cpu.registers[slot] = stream.value(register.width, near);
            slot += 1;
        }
    }
    // Most often a roomy window in which P stands.
    if !stream.once_in(4) {
        if let Some(part) = layout.isa.relocation {
            let base = stream.below(near / 4 + 1) & if stream.once_in(2) { 0 } else { !0 };
            layout.part(part).set(&mut cpu.registers, base);
        }
        if let Some(part) = layout.isa.bounds {
            layout.part(part).set(&mut cpu.registers, near / 2 + stream.below(near / 2));
        }
        for bits in &layout.counter {
            bits.set(&mut cpu.registers, stream.below(near / 2) & !1);
        }
        // It has not halted.
        if layout.isa.halted.is_some() {
            for name in ["halted", "halt", "stopped"] {
                let found = layout.isa.register_ids().find(|(_, r)| r.name == name);
                if let Some(slot) = found.and_then(|(id, _)| layout.slot(id, 0)) {
                    cpu.registers[slot] = 0;
                }
            }
        }
    }
}

/// What can be told apart of a machine.
fn seen(cpu: &Cpu) -> (&[u64], &[u64], &[u64], &[u64]) {
    (&cpu.registers, &cpu.storage, &cpu.taken, &cpu.output)
}

fn cases() -> u64 {
    std::env::var("REFVMM_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
}

/// Every engine beside the interpreter.
fn engines(layout: &Arc<MachineLayout>) -> Vec<(&'static str, Box<dyn Engine>)> {
    vec![
        ("walk", Box::new(Walk::new(layout))),
        ("loop", Box::new(Threaded::with(layout, Dispatch::Loop))),
        ("threads", Box::new(Threaded::with(layout, Dispatch::Threads))),
        // Blocks, routines and the walk take turns.
        ("default", Box::new(Threaded::new(layout))),
    ]
}

/// Runs cases of one specification.
fn compare(name: &str) {
    let layout = layout(name);
    let mut oracle = Interpreter::new(&layout);
    let mut engines = engines(&layout);
    for case in 0..cases() {
        let mut stream = Stream(case ^ 0x5eed << 32);
        let mut cpu = machine(&layout, &mut stream);
        let mut copies: Vec<Cpu> = engines.iter().map(|_| cpu.clone()).collect();
        for (_, engine) in &mut engines {
            engine.forget();
        }
        for round in 0..6 {
            let fuel = [1, 1, 2, 3, 7, 20, 200][stream.below(7) as usize];
            let on_trap = if stream.once_in(2) { OnTrap::Deliver } else { OnTrap::HandOver };
            let before = cpu.clone();
            // As a control program interprets, or as it emulates.
            let mode = layout.isa.mode.filter(|_| stream.once_in(3)).map(|part| layout.part(part));
            let run = |engine: &mut dyn Engine, cpu: &mut Cpu| match mode {
                Some(mode) => engine.run_in_mode(cpu, fuel, on_trap, mode),
                None => engine.run(cpu, fuel, on_trap),
            };
            let stop: Stop = run(&mut oracle, &mut cpu);
            for ((engine, it), copy) in engines.iter_mut().zip(&mut copies) {
                let other = run(it.as_mut(), copy);
                let place = format!("{name}, case {case}, round {round}, {engine}, {on_trap:?}");
                let from = || {
                    let window = &before.window;
                    format!("{place}, fuel {fuel}, {window:?}: from {:?}", before.registers)
                };
                assert_eq!(stop, other, "{}", from());
                assert_eq!(seen(&cpu), seen(copy), "{}", from());
                assert_eq!(cpu.window, copy.window, "{}", from());
            }
            // A control program steps in: it changes registers, sometimes storage.
            if stop.why == Why::Fuel && !stream.once_in(4) {
                continue;
            }
            stir(&layout, &mut cpu, &mut stream);
            if stream.once_in(8) {
                let near = cpu.cells();
                fill(&layout, &mut cpu, near, &mut stream);
                for (_, engine) in &mut engines {
                    engine.forget();
                }
            }
            for copy in &mut copies {
                copy.registers.clone_from(&cpu.registers);
                copy.storage.clone_from(&cpu.storage);
                copy.window = cpu.window.clone();
            }
        }
    }
}

#[test]
fn g3_runs_alike() {
    compare("g3");
}

#[test]
fn variants_of_g3_run_alike() {
    for name in ["g3-jrst1", "g3-lra", "g3-popf", "g3-shrink", "g3-smode", "g3-stb"] {
        compare(name);
    }
}

#[test]
fn pdp10_runs_alike() {
    compare("pdp10");
}

#[test]
fn ka10_runs_alike() {
    compare("pdp10-ka10");
}

#[test]
fn m68000_runs_alike() {
    compare("m68000");
}

#[test]
fn m68010_runs_alike() {
    compare("m68010");
}

/// Classes of straight code, and classes with an operand that says where to go: absolutely, or from
/// the end of the instruction on and so much more.
struct Loops {
    name: &'static str,
    straight: &'static [&'static str],
    going: &'static [(&'static str, &'static str)],
    relative: Option<u64>,
}

const LOOPS: [Loops; 3] = [
    Loops {
        name: "g3",
        straight: &["addi", "add", "sub", "xor", "mul", "sltu", "slt", "lw", "sw", "li", "shr"],
        going: &[("bne", "imm"), ("beq", "imm"), ("blt", "imm"), ("bne", "imm")],
        relative: Some(0),
    },
    Loops {
        name: "pdp10",
        straight: &["add", "sub", "xor", "move", "movem", "exch", "hrl", "idiv", "cai", "skip"],
        going: &[("soj", "y"), ("aoj", "y"), ("jump", "y")],
        relative: None,
    },
    Loops {
        name: "m68010",
        straight: &["addq", "subq", "add", "eor", "move_dd", "moveq", "move_load", "move_store"],
        going: &[("dbra", "disp"), ("bra", "disp"), ("dbra", "disp")],
        relative: Some(2),
    },
];

impl Loops {
    /// A program that goes round in itself.
    fn program(&self, layout: &MachineLayout, at: u64, stream: &mut Stream) -> Vec<u64> {
        let pick = |all: usize, stream: &mut Stream| stream.below(all as u64) as usize;
        let chosen: Vec<(&str, Option<&str>)> = (0..12)
            .map(|i| {
                if i == 11 || stream.once_in(4) {
                    let (name, target) = self.going[pick(self.going.len(), stream)];
                    (name, Some(target))
                } else {
                    (self.straight[pick(self.straight.len(), stream)], None)
                }
            })
            .collect();
        let class = |name: &str| layout.isa.class(name).unwrap_or_else(|| panic!("no {name}"));
        let mut places = vec![at];
        for (name, _) in &chosen {
            let width = class(name).pattern.as_ref().map_or(0, |p| p.width);
            places.push(places[places.len() - 1] + u64::from(width / layout.isa.storage.width));
        }
        let mut cells = Vec::new();
        for (i, (name, target)) in chosen.iter().enumerate() {
            let class = class(name);
            let to = places[pick(chosen.len(), stream)];
            let end = places[i + 1];
            let to = self.relative.map_or(to, |by| to.wrapping_sub(end).wrapping_add(by));
            let value = |o: &model::isa::Operand| {
                let value = match (o.name.as_str(), o.width) {
                    (name, _) if Some(name) == *target => to,
                    ("i", _) => 0,
                    (_, ..=4) => stream.below(4),
                    (_, 5..=16) => stream.below(8).wrapping_sub(4),
                    _ => stream.below(at),
                };
                o.fixed.unwrap_or(u128::from(value) & mask(o.width))
            };
            let operands: Vec<u128> = class.operands.iter().map(value).collect();
            cells.extend(cells_of(layout, class, &operands));
        }
        cells
    }
}

#[test]
fn loops_run_alike() {
    for loops in &LOOPS {
        let layout = layout(loops.name);
        let mut walk = Walk::new(&layout);
        let mut engines = engines(&layout);
        for case in 0..cases() {
            let mut stream = Stream(case ^ 0x100b << 32);
            let mut cpu = Cpu::new(&layout, 2048);
            stir(&layout, &mut cpu, &mut stream);
            cpu.window = 0..2048;
            let at = 1536;
            for (part, value) in [(layout.isa.relocation, 0), (layout.isa.bounds, 2048)] {
                layout.part(part.expect("they have it")).set(&mut cpu.registers, value);
            }
            layout.counter[0].set(&mut cpu.registers, at);
            let program = loops.program(&layout, at, &mut stream);
            cpu.storage[at as usize..at as usize + program.len()].copy_from_slice(&program);
            let mut copies: Vec<Cpu> = engines.iter().map(|_| cpu.clone()).collect();
            for (_, engine) in &mut engines {
                engine.forget();
            }
            for fuel in [40, 1, 500, 7, 300] {
                let stop = walk.run(&mut cpu, fuel, OnTrap::HandOver);
                for ((engine, it), copy) in engines.iter_mut().zip(&mut copies) {
                    let other = it.run(copy, fuel, OnTrap::HandOver);
                    assert_eq!(stop, other, "{}, case {case}, {engine}", loops.name);
                    assert_eq!(seen(&cpu), seen(copy), "{}, case {case}, {engine}", loops.name);
                }
            }
        }
    }
}

/// Supervisor calls in a loop, and a supervisor that returns by the old PSW or one of its own. From
/// time to time PSWs are changed, so that what is remembered of them no longer holds.
#[test]
fn traps_run_alike() {
    const USER: u64 = 1 << 31;
    let layout = layout("g3");
    let word = |name: &str, imm: u64| {
        let class = layout.isa.class(name).expect("g3 has it");
        let value = |o: &model::isa::Operand| u128::from(if o.name == "imm" { imm } else { 0 });
        let operands: Vec<u128> = class.operands.iter().map(value).collect();
        encode(class, &operands).expect("it has an encoding") as u64
    };
    let mode = layout.part(layout.isa.mode.expect("g3 has modes"));
    let waiting = layout.isa.register_ids().find(|(_, r)| r.name == "waiting");
    let waiting = waiting.and_then(|(id, _)| layout.slot(id, 0)).expect("g3 can wait");
    let mut walk = Walk::new(&layout);
    let mut engines = engines(&layout);
    for case in 0..cases() {
        let mut stream = Stream(case ^ 0x7a9 << 32);
        let pick = |all: &[u64], stream: &mut Stream| all[stream.below(all.len() as u64) as usize];
        let mut cpu = Cpu::new(&layout, 2048);
        cpu.storage[4..12].copy_from_slice(&[0, 16, 0, 2048, USER, 0, 640, 512]);
        for cell in (16..32).chain(512..768) {
            cpu.storage[cell] = match stream.below(4) {
                0 if cell > 32 => word("jmp", stream.below(8)),
                _ if cell > 32 => word("svc", stream.below(4)),
                1 => word("lpsw", 8),
                _ => word("lpsw", 0),
            };
        }
        let isa = &layout.isa;
        for (part, value) in [(isa.mode, 1), (isa.relocation, 512), (isa.bounds, 512)] {
            layout.part(part.expect("g3 has it")).set(&mut cpu.registers, value);
        }
        let mut copies: Vec<Cpu> = engines.iter().map(|_| cpu.clone()).collect();
        for (_, engine) in &mut engines {
            engine.forget();
        }
        for round in 0..30 {
            let fuel = pick(&[1, 2, 20, 21, 60], &mut stream);
            let on_trap = if stream.once_in(6) { OnTrap::HandOver } else { OnTrap::Deliver };
            let bound = stream.once_in(6);
            let run = |engine: &mut dyn Engine, cpu: &mut Cpu| {
                if bound {
                    engine.run_in_mode(cpu, fuel, on_trap, mode)
                } else {
                    engine.run(cpu, fuel, on_trap)
                }
            };
            let stop = run(&mut walk, &mut cpu);
            for ((engine, it), copy) in engines.iter_mut().zip(&mut copies) {
                let place = format!("case {case}, round {round}, {engine}, {fuel} {on_trap:?}");
                assert_eq!(stop, run(it.as_mut(), copy), "{place}");
                assert_eq!(cpu.registers, copy.registers, "{place}");
                assert_eq!(cpu.storage[..12], copy.storage[..12], "{place}");
                assert_eq!(cpu.taken, copy.taken, "{place}");
            }
            let (cell, value) = match stream.below(10) {
                0 => (4, pick(&[0, 0, 1, USER], &mut stream)),
                1 => (5, pick(&[16, 17, 18, 24, stream.below(4)], &mut stream)),
                2 => (7, pick(&[2048, 1 << 20, 2000], &mut stream)),
                3 => (8, pick(&[USER, USER | 7, 0, 9], &mut stream)),
                4 => (9, stream.below(4)),
                5 => (10, pick(&[512, 640], &mut stream)),
                6 => (11, pick(&[512, 256], &mut stream)),
                7 => (stream.below(4) as usize, word("svc", 1)),
                _ => (12, 0),
            };
            for cpu in copies.iter_mut().chain([&mut cpu]) {
                cpu.storage[cell] = value;
                cpu.registers[waiting] = value & 1;
            }
            for (_, engine) in &mut engines {
                engine.forget_cell(cell);
            }
        }
    }
}

/// Puts an instruction of a class where P is, with operands that are neither 0 nor equal.
pub(crate) fn example(layout: &MachineLayout, class: &Class, cpu: &mut Cpu) -> Vec<u128> {
    let mut stream = Stream(7);
    let operands = (0..2000).find_map(|_| {
        let operands = operands(class, 200, &mut stream)?;
        let plain = class.operands.iter().zip(&operands).all(|(o, v)| {
            let indirect = o.width == 1 && o.name == "i";
            o.fixed.is_some() || (*v != 0) != indirect
        });
        plain.then_some(operands)
    });
    let operands = operands.or_else(|| self::operands(class, 200, &mut stream)).unwrap_or_default();
    for bits in &layout.counter {
        bits.set(&mut cpu.registers, 2048);
    }
    if let Some(part) = layout.isa.bounds {
        layout.part(part).set(&mut cpu.registers, 4096);
    }
    let cells = cells_of(layout, class, &operands);
    cpu.storage[2048..2048 + cells.len()].copy_from_slice(&cells);
    operands
}
