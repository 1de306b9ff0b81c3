//! Three kernels and the trap round trip on g3: the engines beside an interpreter written by hand.

#![allow(missing_docs, reason = "the macros of the harness define items without documentation")]

#[path = "kernels/peer.rs"]
mod peer;

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::diagnostic::Sources;
use peer::Peer;
use refvmm::cpu::Cpu;
use refvmm::decode::encode;
use refvmm::engine::{Dispatch, Engine, Interpreter, OnTrap, Threaded, Walk};
use refvmm::layout::MachineLayout;

const CELLS: u64 = 65536;

fn layout() -> Arc<MachineLayout> {
    let path = format!("{}/../isa-specs/g3.yaml", env!("CARGO_MANIFEST_DIR"));
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    let loaded = model::load(&path, &open, &mut Sources::default()).expect("g3 loads");
    MachineLayout::new(loaded.isa).expect("g3 runs guests")
}

/// A program, its place in storage, and the PSW it starts with.
struct Kernel {
    name: &'static str,
    at: u64,
    words: Vec<u64>,
    user: bool,
    pc: u64,
    base: u64,
    bound: u64,
}

struct Assembler<'a>(&'a MachineLayout);

impl Assembler<'_> {
    /// An instruction by its operands' names.
    fn word(&self, name: &str, operands: &[(&str, i64)]) -> u64 {
        let class = self.0.isa.class(name).expect("g3 has it");
        let value = |o: &model::isa::Operand| {
            let given = operands.iter().find(|(n, _)| *n == o.name).map_or(0, |(_, v)| *v);
            u128::from(given as u64) & model::bits::mask(o.width)
        };
        let values: Vec<u128> = class.operands.iter().map(value).collect();
        encode(class, &values).expect("it has an encoding") as u64
    }

    fn three(&self, name: &str, d: i64, s: i64, t: i64) -> u64 {
        self.word(name, &[("d", d), ("s", s), ("t", t)])
    }

    fn li(&self, d: i64, imm: i64) -> u64 {
        self.word("li", &[("d", d), ("imm", imm)])
    }

    fn addi(&self, d: i64, s: i64, imm: i64) -> u64 {
        self.word("addi", &[("d", d), ("s", s), ("imm", imm)])
    }

    fn lw(&self, d: i64, s: i64, imm: i64) -> u64 {
        self.word("lw", &[("d", d), ("s", s), ("imm", imm)])
    }

    fn sw(&self, t: i64, s: i64, imm: i64) -> u64 {
        self.word("sw", &[("t", t), ("s", s), ("imm", imm)])
    }

    fn branch(&self, name: &str, s: i64, t: i64, imm: i64) -> u64 {
        self.word(name, &[("s", s), ("t", t), ("imm", imm)])
    }

    fn jmp(&self, imm: i64) -> u64 {
        self.word("jmp", &[("imm", imm)])
    }

    fn arithmetic(&self) -> Kernel {
        let words = vec![
            self.li(1, 1),
            self.li(2, 7),
            self.li(3, 20000),
            // loop:
            self.three("add", 1, 1, 2),
            self.three("xor", 4, 1, 3),
            self.three("mul", 5, 4, 2),
            self.three("sub", 6, 5, 1),
            self.three("or", 2, 2, 6),
            self.addi(3, 3, -1),
            self.branch("bne", 3, 0, -7),
            self.jmp(8),
        ];
        Kernel { name: "arithmetic", at: 8, words, user: false, pc: 8, base: 0, bound: CELLS }
    }

    fn copy(&self) -> Kernel {
        let words = vec![
            self.li(1, 1000),
            self.li(2, 9000),
            self.li(3, 4000),
            // loop:
            self.lw(4, 1, 0),
            self.sw(4, 2, 0),
            self.addi(1, 1, 1),
            self.addi(2, 2, 1),
            self.addi(3, 3, -1),
            self.branch("bne", 3, 0, -6),
            self.jmp(0),
        ];
        Kernel { name: "copy", at: 4096, words, user: true, pc: 0, base: 4096, bound: 16384 }
    }

    fn sieve(&self) -> Kernel {
        let words = vec![
            self.li(1, 0),
            self.li(6, 8000),
            self.li(5, 1),
            // clear:
            self.sw(0, 1, 2000),
            self.addi(1, 1, 1),
            self.branch("blt", 1, 6, -3),
            self.li(1, 2),
            self.li(7, 90),
            // outer:
            self.lw(4, 1, 2000),
            self.branch("bne", 4, 0, 4),
            self.three("add", 2, 1, 1),
            // inner:
            self.sw(5, 2, 2000),
            self.three("add", 2, 2, 1),
            self.branch("blt", 2, 6, -3),
            self.addi(1, 1, 1),
            self.branch("blt", 1, 7, -8),
            self.jmp(0),
        ];
        Kernel { name: "sieve", at: 4096, words, user: true, pc: 0, base: 4096, bound: 16384 }
    }

    /// The handler is in cell 8; supervisor calls stand in the window of a user. One call in a loop
    /// is three instructions a round, many calls come from as many places.
    fn traps(&self, name: &'static str, calls: i64) -> Kernel {
        let mut words = vec![self.word("lpsw", &[("s", 0), ("imm", 0)])];
        words.resize(1024 - 8, 0);
        for i in 0..calls {
            words.push(self.word("svc", &[("imm", i)]));
        }
        words.push(self.jmp(0));
        Kernel { name, at: 8, words, user: true, pc: 0, base: 1024, bound: 4096 }
    }
}

fn storage(kernel: &Kernel) -> Vec<u64> {
    let mut cells = vec![0; CELLS as usize];
    let at = kernel.at as usize;
    cells[at..at + kernel.words.len()].copy_from_slice(&kernel.words);
    // The new PSW: supervisor, cell 8, all of storage.
    cells[4..8].copy_from_slice(&[0, 8, 0, CELLS]);
    cells
}

fn cpu(layout: &MachineLayout, kernel: &Kernel) -> Cpu {
    let mut cpu = Cpu::new(layout, CELLS as usize);
    let mut state = cpu.state(layout);
    for (cell, value) in (0..).zip(storage(kernel)) {
        state.store(cell, u128::from(value));
    }
    cpu.set_state(&state);
    let slot = |name: &str| {
        let id = layout.isa.register_ids().find(|(_, r)| r.name == name).map(|(id, _)| id);
        layout.slot(id.expect("g3 has it"), 0).expect("it has a slot")
    };
    cpu.registers[slot("mode")] = u64::from(kernel.user);
    cpu.registers[slot("pc")] = kernel.pc;
    cpu.registers[slot("base")] = kernel.base;
    cpu.registers[slot("bound")] = kernel.bound;
    cpu
}

fn peer(kernel: &Kernel) -> Peer {
    let mut peer = Peer::new(storage(kernel).into_iter().map(|c| c as u32).collect());
    peer.user = kernel.user;
    peer.pc = kernel.pc as u32;
    peer.base = kernel.base as u32;
    peer.bound = kernel.bound as u32;
    peer
}

/// Engines and peer end in the same state.
fn agree(layout: &Arc<MachineLayout>, kernel: &Kernel) {
    let (mut cpu, mut peer) = (cpu(layout, kernel), peer(kernel));
    let stop = Threaded::new(layout).run(&mut cpu, 100_001, OnTrap::Deliver);
    assert_eq!(stop.steps, peer.run(100_001));
    assert_eq!(cpu.registers[..8], peer.r.map(u64::from), "{}", kernel.name);
    assert_eq!(cpu.taken.iter().sum::<u64>(), peer.taken, "{}", kernel.name);
    let cells: Vec<u64> = peer.memory.iter().map(|c| u64::from(*c)).collect();
    assert!((0..CELLS).all(|c| cpu.load(c) == cells[c as usize]), "{}", kernel.name);
}

fn kernels(c: &mut Criterion) {
    let layout = layout();
    let assembler = Assembler(&layout);
    let all = [
        assembler.arithmetic(),
        assembler.copy(),
        assembler.sieve(),
        assembler.traps("trap", 1),
        assembler.traps("traps", 31),
    ];
    for kernel in &all {
        agree(&layout, kernel);
        let mut group = c.benchmark_group(kernel.name);
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        let mut engine = |name: &str, engine: &mut dyn Engine, fuel: u64| {
            let mut cpu = cpu(&layout, kernel);
            group.throughput(Throughput::Elements(fuel));
            group.bench_function(name, |b| {
                b.iter(|| engine.run(&mut cpu, fuel, OnTrap::Deliver));
            });
        };
        let threads = Dispatch::Threads;
        engine("threaded", &mut Threaded::with(&layout, threads), 1_000_000);
        engine("loop", &mut Threaded::with(&layout, Dispatch::Loop), 1_000_000);
        engine("walk", &mut Walk::new(&layout), 10_000);
        engine("interpreter", &mut Interpreter::new(&layout), 10);
        let mut peer = peer(kernel);
        group.throughput(Throughput::Elements(1_000_000));
        group.bench_function("peer", |b| b.iter(|| peer.run(1_000_000)));
        group.finish();
    }
}

/// One instruction at a time, as a control program interprets them.
fn single_steps(c: &mut Criterion) {
    let layout = layout();
    let kernel = Assembler(&layout).copy();
    let mut cpu = cpu(&layout, &kernel);
    let mut engine = Threaded::with(&layout, Dispatch::Threads);
    c.bench_function("single step", |b| b.iter(|| engine.run(&mut cpu, 1, OnTrap::HandOver)));
}

criterion_group!(benches, kernels, single_steps);
criterion_main!(benches);
