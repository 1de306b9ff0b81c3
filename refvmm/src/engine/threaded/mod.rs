//! The default engine: the checked semantics, partially evaluated per decoded instruction into
//! flat micro-ops, in blocks.
//!
//! instruction → [`evaluate`] (a tree of [`terms`], operands and P known) → [`select`] (micro-ops)
//! → [`program`] (checked) → [`run`] or [`dispatch`] (the same micro-ops, with and without checks).
//!
//! Whatever is rare or not expressed is left to the walk, one instruction at a time, before the
//! micro-ops of that instruction have changed anything.

mod alu;
mod cache;
mod change;
mod context;
mod dispatch;
mod emit;
mod evaluate;
mod fetch;
mod mapping;
mod operators;
mod ops;
mod pieces;
mod program;
mod routines;
mod run;
mod select;
mod step;
mod terms;
mod turn;

use std::sync::Arc;

use model::isa::TrapId;

use super::{Engine, OnTrap, Raised, Stop, Walk, Why};
use crate::cpu::Cpu;
use crate::layout::{Bits, MachineLayout};
use cache::Cache;
use run::{Exit, Left, Run};

/// Instructions after which control comes back from micro-ops, at the latest: tail calls need not
/// be optimised for the stack to be bounded.
const SLICE: u64 = 4096;

/// Executions of an address before it is translated.
const PATIENCE: u16 = 2;

/// Executions of a class before its template is compiled.
const PATIENCE_OF_ROUTINES: u8 = 16;

/// How micro-ops are dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// By a loop, without unsafe code.
    Loop,
    /// Each jumps to the next.
    Threads,
}

/// Runs instructions as micro-ops.
#[derive(Debug)]
pub struct Threaded {
    layout: Arc<MachineLayout>,
    dispatch: Dispatch,
    /// None for machines whose P is not one register.
    cache: Option<Cache>,
    walk: Walk,
    /// The translation context of the last run.
    context: usize,
    stored: Vec<usize>,
    operands: Vec<u128>,
}

impl Threaded {
    /// An engine for a machine; threaded where the compiler optimises. What runs only once or twice
    /// is walked: making micro-ops costs as much as walking a few hundred instructions.
    pub fn new(layout: &Arc<MachineLayout>) -> Self {
        let safe = cfg!(any(debug_assertions, miri));
        let mut it = Self::with(layout, if safe { Dispatch::Loop } else { Dispatch::Threads });
        if let Some(cache) = &mut it.cache {
            cache.patience = PATIENCE;
            cache.routines.patience = PATIENCE_OF_ROUTINES;
        }
        it
    }

    /// An engine with a dispatcher of choice, which makes micro-ops of everything at once.
    pub fn with(layout: &Arc<MachineLayout>, dispatch: Dispatch) -> Self {
        Self {
            layout: Arc::clone(layout),
            dispatch,
            cache: Cache::new(layout),
            walk: Walk::new(layout),
            context: 0,
            stored: Vec::new(),
            operands: Vec::new(),
        }
    }

    /// Runs instructions as long as the bits of M, if any are given, have a value.
    fn run_while(
        &mut self,
        cpu: &mut Cpu,
        fuel: u64,
        on_trap: OnTrap,
        mode: Option<&(Bits, u64)>,
    ) -> Stop {
        let Some(cache) = &mut self.cache else {
            return match mode {
                Some((mode, _)) => self.walk.run_in_mode(cpu, fuel, on_trap, *mode),
                None => self.walk.run(cpu, fuel, on_trap),
            };
        };
        let slots = cpu.registers.len();
        let mut going = Going {
            layout: &self.layout,
            cache,
            cpu,
            dispatch: self.dispatch,
            on_trap,
            mode,
            context: self.context,
            left: fuel,
            stored: &mut self.stored,
            operands: &mut self.operands,
        };
        let why = going.run();
        let (left, context) = (going.left, going.context);
        self.context = context;
        cpu.registers.truncate(slots);
        Stop { steps: fuel - left, why }
    }
}

impl Engine for Threaded {
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop {
        self.run_while(cpu, fuel, on_trap, None)
    }

    fn run_in_mode(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap, mode: Bits) -> Stop {
        let now = mode.get(&cpu.registers);
        self.run_while(cpu, fuel, on_trap, Some(&(mode, now)))
    }

    fn forget(&mut self) {
        if let Some(cache) = &mut self.cache {
            cache.forget();
        }
    }

    fn forget_cell(&mut self, cell: usize) {
        if let Some(cache) = &mut self.cache {
            cache.forget_cell(cell);
        }
    }
}

/// A run of the engine.
struct Going<'a> {
    layout: &'a MachineLayout,
    cache: &'a mut Cache,
    cpu: &'a mut Cpu,
    dispatch: Dispatch,
    on_trap: OnTrap,
    /// Stops where the bits of M have another value.
    mode: Option<&'a (Bits, u64)>,
    context: usize,
    left: u64,
    stored: &'a mut Vec<usize>,
    operands: &'a mut Vec<u128>,
}

impl Going<'_> {
    fn run(&mut self) -> Why {
        loop {
            // What is met for the first time is not worth looking at the translation context.
            if self.left == 0 || !self.cache.is_warm(self.counter()) {
                if self.cache.routines.halted(self.cpu) {
                    return Why::Halted;
                }
                if self.left == 0 || !self.is_in_mode() {
                    return Why::Fuel;
                }
                if let Err(why) = self.step() {
                    return why;
                }
                continue;
            }
            self.cache.prepare(self.cpu);
            if !self.cache.is_current(self.context, self.cpu, self.on_trap) {
                self.context = self.cache.context(self.cpu, self.on_trap);
            }
            if self.cache.contexts[self.context].halted {
                return Why::Halted;
            }
            if !self.is_in_mode() {
                return Why::Fuel;
            }
            let done = match self.find() {
                Some(block) => self.block(block),
                None => self.step(),
            };
            if let Err(why) = done {
                return why;
            }
        }
    }

    fn is_in_mode(&self) -> bool {
        self.mode.is_none_or(|(bits, value)| bits.get(&self.cpu.registers) == *value)
    }

    fn counter(&self) -> u64 {
        self.cpu.registers[usize::from(self.cache.counter)]
    }

    /// The block at P that the fuel lasts for.
    fn find(&mut self) -> Option<u32> {
        let counter = self.counter();
        if self.left > 1 {
            let block = self.cache.find(self.cpu, self.context, counter, false)?;
            if self.cache.block(block).instructions.len() as u64 <= self.left {
                return Some(block);
            }
        }
        self.cache.find(self.cpu, self.context, counter, true)
    }

    /// Runs from a block on until something is to be looked at.
    fn block(&mut self, block: u32) -> Result<(), Why> {
        let it = self.cache.block(block);
        let (first, count) = (it.first, it.instructions.len() as u64);
        let slice = self.left.min(SLICE.max(count));
        let kept = self.left - slice;
        let frame = self.cache.program.frame();
        if self.cpu.registers.len() < frame {
            self.cpu.registers.resize(frame, 0);
        }
        let context = &self.cache.contexts[self.context];
        let mut run = Run {
            frame: &mut self.cpu.registers,
            storage: &mut self.cpu.storage,
            marks: &self.cache.marks,
            program: &self.cache.program,
            stamp: context.stamp,
            counter: self.cache.counter,
            hand_over: self.on_trap == OnTrap::HandOver,
            taken: &mut self.cpu.taken,
            mode: self.mode,
            context: self.context,
            contexts: &self.cache.contexts,
            bits: &self.cache.bits,
            table: &self.cache.table,
        };
        let Left { exit, op, budget } = match self.dispatch {
            Dispatch::Loop => run::run(&mut run, first, slice - count),
            Dispatch::Threads => dispatch::run(&mut run, first, slice - count),
        };
        self.context = run.context;
        self.left = kept + budget;
        match exit {
            Exit::Unlinked | Exit::Leap => {
                if self.left > 1 {
                    let counter = self.counter();
                    if let Some(next) = self.cache.find(self.cpu, self.context, counter, false) {
                        if exit == Exit::Leap {
                            self.cache.note(op, self.context, counter, next);
                        } else {
                            self.cache.link(op, self.context, next);
                        }
                    }
                }
                Ok(())
            }
            Exit::Turn => Ok(()),
            Exit::Trap => {
                let it = self.cache.program.ops()[op];
                let argument = self.cpu.registers[usize::from(it.a)];
                self.back_to(op);
                let trap = TrapId(it.k as u32);
                Err(Why::Trap(Raised { trap, argument, committed: false }))
            }
            Exit::Walk => self.walk(op),
        }
    }

    /// Sets P to the instruction of a micro-op, which was not run, and returns the fuel of it and
    /// those behind it in its block.
    fn back_to(&mut self, op: usize) {
        let (block, at) = self.cache.owner(op);
        self.left += (block.instructions.len() - at) as u64;
        self.cpu.registers[usize::from(self.cache.counter)] = block.instructions[at].counter;
    }

    /// Walks an instruction.
    fn walk(&mut self, op: usize) -> Result<(), Why> {
        self.back_to(op);
        let (block, at) = self.cache.owner(op);
        let decoded = block.instructions[at].decoded.clone();
        let (class, operands) = decoded.map(|it| (it.class, it.operands)).unzip();
        self.walk_decoded(class, &operands.unwrap_or_default())?;
        self.left -= 1;
        Ok(())
    }

    fn forget_stored(&mut self) {
        for cell in self.stored.drain(..) {
            self.cache.forget_cell(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::alu::Alu;
    use super::ops::{code, number};
    use super::{Cache, Cpu, Dispatch, Engine, OnTrap, SLICE, Threaded};
    use crate::engine::tests::{example, layout};

    /// Classes whose instructions are always walked, and those that are walked on some path.
    fn walked(name: &str, mode: u64) -> (Vec<String>, Vec<String>, usize) {
        let layout = layout(name);
        let mut cache = Cache::new(&layout).expect("P is one register");
        let (mut always, mut sometimes) = (Vec::new(), Vec::new());
        for class in &layout.isa.classes {
            let mut cpu = Cpu::new(&layout, 4096);
            example(&layout, class, &mut cpu);
            if let Some(part) = layout.isa.mode {
                layout.part(part).set(&mut cpu.registers, mode);
            }
            cache.clear();
            cache.prepare(&cpu);
            let context = cache.context(&mut cpu, OnTrap::Deliver);
            let counter = cpu.registers[usize::from(cache.counter)];
            let Some(block) = cache.find(&cpu, context, counter, true) else {
                always.push(format!("{} (not decoded)", class.name));
                continue;
            };
            let ops = cache.ops(block, 0);
            if ops.first().is_some_and(|op| op.code == code::WALK) {
                always.push(class.name.clone());
            } else if ops.iter().any(|op| op.code == code::WALK) {
                sometimes.push(class.name.clone());
            }
        }
        (always, sometimes, layout.isa.classes.len())
    }

    /// The codes of a block of g3 in user mode.
    fn codes(words: &[u64]) -> Vec<u8> {
        let layout = layout("g3");
        let mut cache = Cache::new(&layout).expect("P is one register");
        let mut cpu = Cpu::new(&layout, 4096);
        cpu.storage[64..64 + words.len()].copy_from_slice(words);
        let parts = [(layout.isa.mode, 1), (layout.isa.relocation, 64), (layout.isa.bounds, 2048)];
        for (part, value) in parts {
            let part = part.expect("g3 has modes, relocation and bounds");
            layout.part(part).set(&mut cpu.registers, value);
        }
        cache.prepare(&cpu);
        let context = cache.context(&mut cpu, OnTrap::Deliver);
        let block = cache.find(&cpu, context, 0, false).expect("it is decoded");
        let count = cache.block(block).instructions.len();
        (0..count).flat_map(|i| cache.ops(block, i)).map(|op| op.code).collect()
    }

    #[test]
    fn loops_have_no_micro_op_too_many() {
        let add = code::IMMEDIATE + number(Alu::Add);
        let end = [code::GOTO, code::GOTO];
        // lw r4, 0(r1) · sw r4, 0(r2) · addi r1, r1, 1 · addi r2, r2, 1 · addi r3, r3, -1
        // bne r3, r0, ->the first
        let words = [0x0184_0000, 0x0288_0000, 0x0824_0001, 0x0848_0001, 0x086c_ffff, 0x160c_fffa];
        let copy = [code::LOAD, code::STORE, add, add, code::ADD_BRANCH + 1];
        assert_eq!(codes(&words), [copy.as_slice(), &end].concat());
        // sw r5, 100(r3) · add r3, r3, r5 · sltu r2, r3, r4 · bne r2, r0, ->the first
        let words = [0x02ac_0064, 0x076e_8000, 0x144e_0000, 0x1608_fffc];
        let sum = code::REGISTERS + number(Alu::Add);
        let strike = [code::STORE, sum, code::SET_BRANCH + 2];
        assert_eq!(codes(&words), [strike.as_slice(), &end].concat());
    }

    #[test]
    fn a_trap_stores_constants_and_recalls_where_it_leads() {
        let shift = code::IMMEDIATE + number(Alu::Lshr);
        // svc 3: mode and `waiting` are set where the new PSW is not as it was.
        let missed = [code::LOAD_FOUR_HERE, shift, code::CONST, code::TURN];
        let hit = [code::STORE_CONSTANTS, code::RECALL];
        assert_eq!(codes(&[0x1b00_0003]), [hit.as_slice(), &missed].concat());
    }

    #[test]
    fn long_runs_note_each_link_once() {
        let layout = layout("g3");
        let mut engine = Threaded::with(&layout, Dispatch::Loop);
        let mut cpu = Cpu::new(&layout, 4096);
        let bounds = layout.part(layout.isa.bounds.expect("g3 has bounds"));
        bounds.set(&mut cpu.registers, 4096);
        // addi r1, r1, 1 · jmp 0
        cpu.storage[..2].copy_from_slice(&[0x0824_0001, 0x1800_0000]);
        let stop = engine.run(&mut cpu, 100 * SLICE, OnTrap::Deliver);
        assert_eq!((stop.steps, cpu.registers[1]), (100 * SLICE, 50 * SLICE));
        assert!(engine.cache.expect("P is one register").program.links() < 4);
    }

    #[test]
    fn every_class_has_a_routine() {
        for name in ["g3", "pdp10", "pdp10-ka10", "m68000", "m68010"] {
            let layout = layout(name);
            let mut cache = Cache::new(&layout).expect("P is one register");
            let routines = &mut cache.routines;
            for (i, class) in layout.isa.classes.iter().enumerate() {
                let mut cpu = Cpu::new(&layout, 4096);
                let operands = example(&layout, class, &mut cpu);
                routines.prepare(&cpu);
                let mut lengths = 0..layout.isa.fetches.len();
                assert!(lengths.all(|n| routines.fetch(n, &cpu).is_some()), "{name}");
                let found = routines.find(Some(i), &operands, &cpu);
                assert!(found.is_some(), "{name}: {}", class.name);
            }
        }
    }

    #[test]
    fn most_classes_become_micro_ops() {
        for (name, most) in
            [("g3", 1), ("pdp10", 2), ("pdp10-ka10", 2), ("m68000", 0), ("m68010", 0)]
        {
            for mode in [0, 1] {
                let (always, sometimes, all) = walked(name, mode);
                assert!(sometimes.is_empty() && all > 30, "{name}: {sometimes:?}");
                assert!(always.len() <= most, "{name}: {always:?}");
            }
        }
    }
}
