//! Routines: micro-ops of one class each, for every P, mode, mapping and operand. What runs once is
//! run by them; they depend on the specification alone, so that nothing makes them stale.
//!
//! Operands stand in slots behind the registers and the zero. Where a class has too many ways with all of them
//! open, routines are made for the values of its narrow operands, or of all.

use std::ops::Range;
use std::sync::Arc;

use model::isa::Operand;
use rustc_hash::FxHashMap as HashMap;

use super::cache::TranslationContext;
use super::evaluate::{self, Evaluator, Known, Tree};
use super::fetch;
use super::ops::code;
use super::pieces::Value;
use super::program::Program;
use super::select::{self, TEMPORARIES, Target};
use super::terms::{Kind, Term, Terms};
use crate::cpu::Cpu;
use crate::engine::walk;
use crate::layout::MachineLayout;

/// Operands up to so many bits are known when a routine is made: none, flags, fields, all.
const KNOWN: [u32; 4] = [0, 1, 4, 128];

/// Sizes at which all routines are forgotten.
const MOST_OPS: usize = 1 << 18;
const MOST_ROUTINES: usize = 1 << 16;
const MOST_WINDOWS: usize = 64;

/// What links of routines would have to say; nothing is linked.
pub(super) const STAMP: u32 = 1;

/// What is known of a routine.
#[derive(Debug, Clone, Copy)]
enum State {
    /// How often it was asked for.
    Visited(u8),
    /// Its first micro-op.
    Made(u32),
    /// It cannot be made with so many operands open.
    Never,
}

/// The routines for one window of storage.
#[derive(Debug)]
struct Set {
    /// The one translation context.
    context: TranslationContext,
    /// By length of instructions.
    fetches: Vec<State>,
    /// By class, with all operands open; the last one is that of opcodes that nothing lists.
    classes: Vec<State>,
    /// By class, how many operands are known, and their values.
    special: HashMap<(usize, usize, u128), State>,
}

/// The routines of a machine.
#[derive(Debug)]
pub(super) struct Routines {
    layout: Arc<MachineLayout>,
    counter: u16,
    /// First slot for operands and what is fetched, and number of them.
    pub(super) operands: u16,
    count: u16,
    terms: Terms,
    pub(super) program: Program,
    /// By window, and which is that of the machine that runs.
    sets: Vec<Set>,
    current: usize,
    /// Whether the machine has halted, if that is a term.
    halted: Option<Term>,
    /// Visits before a routine is made.
    pub(super) patience: u8,
}

impl Routines {
    /// For a machine whose P is one register, of so many bits.
    pub(super) fn new(layout: &Arc<MachineLayout>, counter: u16, mut widths: Vec<u32>) -> Self {
        let operands = widths.len() as u16 + 1;
        let most = layout.isa.classes.iter().map(|class| class.operands.len()).max().unwrap_or(0);
        // A word of 128 bits, and whether it was fetched. Behind all, whether something was printed.
        let count = most.max(3) as u16 + 1;
        let frame = usize::from(operands + count);
        widths.resize(frame, 64);
        let terms = Terms::new(widths.into_iter().map(|width| (0, width)).collect());
        let most = frame + usize::from(TEMPORARIES);
        let mut it = Self {
            layout: Arc::clone(layout),
            counter,
            operands,
            count,
            terms,
            program: Program::new(counter, operands - 1, frame..most, layout.isa.traps.len()),
            sets: Vec::new(),
            current: 0,
            halted: None,
            patience: 0,
        };
        it.clear();
        it
    }

    /// No routines.
    fn clear(&mut self) {
        self.terms = Terms::new(std::mem::take(&mut self.terms.context));
        self.program.clear();
        self.sets.clear();
        let layout = Arc::clone(&self.layout);
        let (known, at) = (self.known(&layout), self.at());
        let mut evaluator = Evaluator::new(known, &mut self.terms, &[], &at);
        self.halted = layout.isa.halted.as_ref().and_then(|e| evaluator.expression(e));
    }

    /// Gets ready for a machine.
    pub(super) fn prepare(&mut self, cpu: &Cpu) {
        let is_its = |set: &Set| set.context.key.window == cpu.window;
        let full =
            self.program.ops().len() > MOST_OPS || self.program.cells() > cpu.storage.len() as u64;
        if full || !self.sets.get(self.current).is_some_and(is_its) {
            let found = self.sets.iter().position(is_its).filter(|_| !full);
            self.current = found.unwrap_or_else(|| self.open(cpu.window.clone(), full));
        }
    }

    /// Gets ready for another window.
    fn open(&mut self, window: Range<usize>, full: bool) -> usize {
        if full || self.sets.len() >= MOST_WINDOWS {
            self.clear();
        }
        self.sets.push(Set {
            context: TranslationContext::of(window, STAMP),
            fetches: vec![State::Visited(u8::MAX); self.layout.isa.fetches.len()],
            classes: vec![State::Visited(0); self.layout.isa.classes.len() + 1],
            special: HashMap::default(),
        });
        self.sets.len() - 1
    }

    /// The one translation context of the machine that runs.
    pub(super) fn context(&self) -> &TranslationContext {
        &self.sets[self.current].context
    }

    /// The routine that fetches the word of an instruction of the n-th length.
    pub(super) fn fetch(&mut self, length: usize, cpu: &Cpu) -> Option<u32> {
        match self.sets[self.current].fetches[length] {
            State::Made(first) => Some(first),
            State::Never => None,
            State::Visited(_) => {
                let layout = Arc::clone(&self.layout);
                let (known, at) = (self.known(&layout), self.at());
                let it = &layout.isa.fetches[length];
                let tree = fetch::routine(known, &mut self.terms, it, &at, self.operands);
                let made = self.make(&tree, cpu);
                self.sets[self.current].fetches[length] = made.map_or(State::Never, State::Made);
                made
            }
        }
    }

    /// The routine of a class, with the operands that an instruction has.
    #[inline]
    pub(super) fn find(
        &mut self,
        class: Option<usize>,
        operands: &[u128],
        cpu: &Cpu,
    ) -> Option<u32> {
        let index = class.unwrap_or(self.layout.isa.classes.len());
        match self.sets[self.current].classes[index] {
            State::Made(first) => Some(first),
            State::Never => self.find_special(index, operands, cpu),
            State::Visited(often) => {
                if often < self.patience {
                    self.sets[self.current].classes[index] = State::Visited(often + 1);
                    return None;
                }
                let made = self.class(index, operands, 0, cpu);
                self.sets[self.current].classes[index] = made.map_or(State::Never, State::Made);
                made.or_else(|| self.find_special(index, operands, cpu))
            }
        }
    }

    /// A routine for the values of some operands.
    fn find_special(&mut self, class: usize, operands: &[u128], cpu: &Cpu) -> Option<u32> {
        for level in 1..KNOWN.len() {
            let Some(values) = self.values(class, operands, level) else { continue };
            let name = (class, level, values);
            let special = &mut self.sets[self.current].special;
            if special.len() > MOST_ROUTINES {
                special.clear();
            }
            match special.entry(name).or_insert(State::Visited(0)) {
                State::Made(first) => return Some(*first),
                State::Never => {}
                State::Visited(often) if *often < self.patience => {
                    *often += 1;
                    return None;
                }
                State::Visited(_) => {
                    let made = self.class(class, operands, level, cpu);
                    let state = made.map_or(State::Never, State::Made);
                    self.sets[self.current].special.insert(name, state);
                    if made.is_some() {
                        return made;
                    }
                }
            }
        }
        None
    }

    /// The values of the operands that are known at a level, if there are any.
    fn values(&self, class: usize, operands: &[u128], level: usize) -> Option<u128> {
        let class = self.layout.isa.classes.get(class)?;
        let known = |o: &&Operand| o.width <= KNOWN[level];
        let widths = class.operands.iter().filter(known).map(|o| o.width);
        let width: u32 = widths.sum();
        let all = class.operands.iter().zip(operands).filter(|(o, _)| known(o));
        let append = |key: u128, (o, value): (&Operand, &u128)| {
            key.checked_shl(o.width).unwrap_or(0) | value
        };
        (0 < width && width <= 128).then(|| all.fold(0, append))
    }

    fn class(&mut self, class: usize, values: &[u128], level: usize, cpu: &Cpu) -> Option<u32> {
        let layout = Arc::clone(&self.layout);
        let class = layout.isa.classes.get(class).or(layout.unlisted.as_ref())?;
        let mut operands = Vec::new();
        for (i, (operand, value)) in (0..).zip(class.operands.iter().zip(values)) {
            let width = operand.width;
            operands.push(if width <= KNOWN[level] {
                Value::constant(&mut self.terms, *value, width)
            } else if width <= 64 {
                let slot = self.terms.leaf(Kind::Slot(self.operands + i), width);
                Value::of(&mut self.terms, slot, width)
            } else {
                return None;
            });
        }
        let (known, at) = (self.known(&layout), self.at());
        let (tree, _) = evaluate::instruction(known, &mut self.terms, class, &operands, &at);
        self.make(&tree, cpu)
    }

    fn make(&mut self, tree: &Tree, cpu: &Cpu) -> Option<u32> {
        let mut target = Target {
            terms: &mut self.terms,
            zero: self.operands - 1,
            operands: self.count,
            counter: self.counter,
            cpu,
            on_trap: None,
        };
        let (ops, _) = select::select(&mut target, tree, None);
        let made = ops.first().is_some_and(|op| op.code != code::WALK);
        made.then(|| self.program.append(&ops, None))
    }

    fn known<'a>(&self, layout: &'a MachineLayout) -> Known<'a> {
        let (mode, context) = (None, [].as_slice());
        let told = Some(self.told());
        Known { layout, counter: self.counter, mode, context, traps_are_rare: false, told }
    }

    /// The slot that becomes 1 where the console is written.
    pub(super) fn told(&self) -> u16 {
        self.operands + self.count - 1
    }

    /// P.
    fn at(&mut self) -> Value {
        let term = self.terms.slot(self.counter);
        let width = self.terms.width(term);
        Value::of(&mut self.terms, term, width)
    }

    /// Whether the machine has halted.
    pub(super) fn halted(&self, cpu: &mut Cpu) -> bool {
        match self.halted {
            Some(it) => self.terms.value(it, &cpu.registers, cpu.cells()) != 0,
            None => walk::halted(&self.layout, cpu),
        }
    }
}
