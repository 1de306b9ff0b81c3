//! What is known of storage: decoded blocks, by translation context and P, and which cells they stand in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use model::bits::mask;
use model::isa::Operand;
use rustc_hash::FxHashMap as HashMap;

use super::evaluate::{self, Known, Tree};
use super::fetch;
use super::ops::{MicroOp, code};
use super::pieces::Value;
use super::program::{Jump, Program};
use super::routines::Routines;
use super::run::{CONTEXTS, hash, words};
use super::select::{self, TEMPORARIES, Target};
use super::terms::Terms;
use crate::cpu::Cpu;
use crate::decode::Decoded;
use crate::engine::{OnTrap, walk};
use crate::layout::{Bits, MachineLayout};

/// Most instructions of a block.
const MOST_INSTRUCTIONS: usize = 48;

/// Sizes at which everything is forgotten.
const MOST_OPS: usize = 1 << 21;
const MOST_TERMS: usize = 1 << 20;
const MOST_CONTEXTS: usize = 1 << 9;

/// What decides how P is mapped, whether the machine has halted, and what a trap does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) values: Vec<u64>,
    pub(super) window: Range<usize>,
    pub(super) on_trap: OnTrap,
}

/// A translation context: the values of the control registers that matter, and a window.
#[derive(Debug)]
pub(super) struct TranslationContext {
    pub(super) key: Key,
    mode: u64,
    pub(super) halted: bool,
    pub(super) stamp: u32,
}

impl TranslationContext {
    /// A context keyed by the storage window alone.
    pub(super) fn of(window: Range<usize>, stamp: u32) -> Self {
        let key = Key { values: Vec::new(), window, on_trap: OnTrap::Deliver };
        Self { key, mode: 0, halted: false, stamp }
    }
}

/// An instruction of a block.
#[derive(Debug, Clone)]
pub(super) struct Instruction {
    /// First micro-op, from the block's first on.
    op: u32,
    pub(super) counter: u64,
    /// Its class, `None` for an opcode that no instruction lists.
    pub(super) decoded: Option<Decoded>,
}

/// Decoded instructions, one behind the other.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) first: u32,
    /// Its micro-ops.
    len: u32,
    pub(super) instructions: Vec<Instruction>,
    cells: Vec<usize>,
    name: Name,
}

/// A block's translation context and P, and whether it has one instruction only.
type Name = (usize, u64, bool);

/// Addresses whose executions are counted separately.
const PLACES: usize = 1024;

/// Most visits before micro-ops are made again of what is stored into all the time, or cannot be
/// fetched.
const MOST_PATIENCE: u16 = 1 << 14;

/// How often an address was executed since the cache was invalidated.
#[derive(Debug, Clone, Copy, Default)]
struct Visits {
    /// Generation in which the count was started.
    since: u32,
    count: u16,
    /// Executions needed before the next translation, where a block was stored into or could not be made; else 0.
    needed: u16,
}

/// The translation cache. Invalidated when storage is modified outside the engine.
#[derive(Debug)]
pub(super) struct Cache {
    layout: Arc<MachineLayout>,
    pub(super) counter: u16,
    mode: Option<Bits>,
    /// The bits whose values make a translation context.
    pub(super) bits: Vec<Bits>,
    terms: Terms,
    pub(super) program: Program,
    blocks: Vec<Block>,
    /// Copies of blocks that are reached with some slot set last.
    copies: HashMap<(u32, u16), u32>,
    /// The block of each micro-op.
    owner: Vec<u32>,
    by_name: HashMap<Name, u32>,
    owners: BTreeMap<usize, Vec<u32>>,
    /// Which cells hold decoded instructions, in bits; and of how many cells.
    pub(super) marks: Vec<u64>,
    cells: usize,
    pub(super) contexts: Vec<TranslationContext>,
    by_key: HashMap<Key, usize>,
    /// Translation contexts that were met last, by the values of their bits.
    pub(super) table: Box<[u32; CONTEXTS]>,
    generation: u32,
    /// What runs instructions once.
    pub(super) routines: Routines,
    /// By the low bits of P.
    visits: Box<[Visits; PLACES]>,
    since: u32,
    /// Executions of an address before it is translated.
    pub(super) patience: u16,
}

/// Raises the number of executions an address needs before it is translated again, after its block was invalidated.
fn cool(visits: &mut [Visits; PLACES], patience: u16, counter: u64) {
    let place = &mut visits[counter as usize % PLACES];
    place.count = 0;
    place.needed = patience.max(place.needed).saturating_mul(4).min(MOST_PATIENCE);
}

fn unmark(marks: &mut [u64], cell: usize) {
    marks[cell / 64] &= !(1 << (cell % 64));
}

impl Cache {
    /// For a machine whose P is one register; else `None`.
    pub(super) fn new(layout: &Arc<MachineLayout>) -> Option<Self> {
        let widths: Vec<u32> =
            layout.isa.registers.iter().flat_map(|r| (0..r.len()).map(|_| r.width)).collect();
        let [counter] = layout.counter.as_slice() else { return None };
        let whole = counter.mask == super::alu::low_bits(widths[counter.slot]);
        if !whole || layout.slots > 30_000 {
            return None;
        }
        let mode = layout.isa.mode.map(|part| layout.part(part));
        let bits = super::context::bits(layout, &widths, mode)?;
        let of = |slot: usize| {
            let mine = bits.iter().filter(|b: &&Bits| b.slot == slot);
            (mine.fold(0, |all, b| all | b.mask), widths[slot])
        };
        let terms = Terms::new((0..layout.slots).map(of).collect());
        let frame = layout.slots + 1;
        let most = frame + usize::from(TEMPORARIES);
        Some(Self {
            layout: Arc::clone(layout),
            counter: counter.slot as u16,
            mode,
            bits,
            terms,
            program: Program::new(
                counter.slot as u16,
                layout.slots as u16,
                frame..most,
                layout.isa.traps.len(),
            ),
            blocks: Vec::new(),
            copies: HashMap::default(),
            owner: Vec::new(),
            by_name: HashMap::default(),
            owners: BTreeMap::new(),
            marks: Vec::new(),
            cells: 0,
            contexts: Vec::new(),
            by_key: HashMap::default(),
            table: Box::new([u32::MAX; CONTEXTS]),
            generation: 0,
            routines: Routines::new(layout, counter.slot as u16, widths),
            visits: Box::new([Visits::default(); PLACES]),
            since: 0,
            patience: 0,
        })
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.terms = Terms::new(std::mem::take(&mut self.terms.context));
        self.program.clear();
        self.blocks.clear();
        self.copies.clear();
        self.owner.clear();
        self.by_name.clear();
        self.owners.clear();
        self.marks.clear();
        self.cells = 0;
        self.contexts.clear();
        self.by_key.clear();
        self.table.fill(u32::MAX);
        self.generation = 0;
        self.visits.fill(Visits::default());
    }

    /// Whether control has come to P often enough for micro-ops to be worth making.
    pub(super) fn is_warm(&mut self, counter: u64) -> bool {
        let it = &mut self.visits[counter as usize % PLACES];
        if it.since != self.since {
            *it = Visits { since: self.since, ..Visits::default() };
        }
        let warm = it.count >= self.patience.max(it.needed);
        it.count += u16::from(!warm);
        warm
    }

    /// Gets ready for a machine: nothing is kept of one of another size, nor too much.
    pub(super) fn prepare(&mut self, cpu: &Cpu) {
        let full = self.program.ops().len() > MOST_OPS
            || self.terms.len() > MOST_TERMS
            || self.contexts.len() > MOST_CONTEXTS
            || self.generation > 1 << 20;
        if full || self.cells != cpu.storage.len() {
            self.clear();
            self.cells = cpu.storage.len();
            self.marks.resize(words(self.cells), 0);
        }
    }

    /// Whether a translation context is the one that a machine is in.
    pub(super) fn is_current(&self, context: usize, cpu: &Cpu, on_trap: OnTrap) -> bool {
        self.contexts.get(context).is_some_and(|it| {
            let same =
                |(bits, value): (&Bits, &u64)| cpu.registers[bits.slot] & bits.mask == *value;
            let same_way = it.key.on_trap == on_trap && it.key.window == cpu.window;
            same_way && self.bits.iter().zip(&it.key.values).all(same)
        })
    }

    /// The translation context that a machine is in.
    pub(super) fn context(&mut self, cpu: &mut Cpu, on_trap: OnTrap) -> usize {
        let values = self.bits.iter().map(|b| cpu.registers[b.slot] & b.mask);
        let noted = hash(values.clone());
        let last = self.table[noted] as usize;
        if self.is_current(last, cpu, on_trap) {
            return last;
        }
        let key = Key { values: values.collect(), window: cpu.window.clone(), on_trap };
        if let Some(found) = self.by_key.get(&key) {
            self.table[noted] = *found as u32;
            return *found;
        }
        let index = self.contexts.len();
        let mode = self.mode.map_or(0, |bits| bits.get(&cpu.registers));
        let halted = walk::halted(&self.layout, cpu);
        let stamp = self.stamp(index);
        self.contexts.push(TranslationContext { key: key.clone(), mode, halted, stamp });
        self.by_key.insert(key, index);
        self.table[noted] = index as u32;
        index
    }

    fn stamp(&self, context: usize) -> u32 {
        self.generation * (2 * MOST_CONTEXTS as u32) + context as u32 + 1
    }

    pub(super) fn block(&self, index: u32) -> &Block {
        &self.blocks[index as usize]
    }

    /// The micro-ops of an instruction of a block.
    #[cfg(test)]
    pub(super) fn ops(&self, block: u32, at: usize) -> &[MicroOp] {
        let block = self.block(block);
        let all = &self.program.ops()[block.first as usize..];
        let end = block.instructions.get(at + 1).map_or(all.len(), |next| next.op as usize);
        &all[block.instructions[at].op as usize..end]
    }

    /// The block at P; `None` if what stands there cannot be decoded beforehand.
    pub(super) fn find(
        &mut self,
        cpu: &Cpu,
        context: usize,
        counter: u64,
        single: bool,
    ) -> Option<u32> {
        let name = (context, counter, single);
        let found = self.by_name.get(&name).copied();
        let block = found.or_else(|| self.decode(cpu, name));
        if block.is_none() {
            // Nothing can be fetched there.
            cool(&mut self.visits, self.patience, counter);
        }
        block
    }

    /// The block and the instruction that a micro-op belongs to.
    pub(super) fn owner(&self, op: usize) -> (&Block, usize) {
        let block = &self.blocks[self.owner[op] as usize];
        let at = op as u32 - block.first;
        (block, block.instructions.partition_point(|i| i.op <= at) - 1)
    }

    /// Links a `GOTO` to a block.
    pub(super) fn link(&mut self, op: usize, context: usize, mut block: u32) {
        if let Some(slot) = self.program.ops()[op].reached_with() {
            block = self.reached_with(block, slot);
        }
        let (stamp, block) = (self.contexts[context].stamp, &self.blocks[block as usize]);
        let count = block.instructions.len() as u16;
        self.program.link(op, stamp, block.first, count);
    }

    /// Notes where P leads.
    pub(super) fn note(&mut self, op: usize, context: usize, counter: u64, block: u32) {
        let (stamp, block) = (self.contexts[context].stamp, &self.blocks[block as usize]);
        let count = block.instructions.len() as u64;
        let jump = Jump { counter, stamp, first: block.first, count };
        self.program.note(jump);
        self.program.lead(op, jump);
    }

    /// Forgets the blocks that stand in a cell.
    pub(super) fn forget_cell(&mut self, cell: usize) {
        if self.marks.get(cell / 64).is_none_or(|marks| marks >> (cell % 64) & 1 == 0) {
            return;
        }
        for block in self.owners.remove(&cell).unwrap_or_default() {
            let it = &self.blocks[block as usize];
            if self.by_name.get(&it.name) == Some(&block) {
                self.by_name.remove(&it.name);
                // What changes again and again is not worth micro-ops each time.
                cool(&mut self.visits, self.patience, it.name.1);
            }
            for other in &it.cells {
                if let Some(owners) = self.owners.get_mut(other) {
                    owners.retain(|b| *b != block);
                    if owners.is_empty() {
                        self.owners.remove(other);
                        unmark(&mut self.marks, *other);
                    }
                }
            }
        }
        unmark(&mut self.marks, cell);
        self.renew();
    }

    /// Forgets which blocks stand where. What does not depend on storage is kept.
    pub(super) fn forget(&mut self) {
        self.since = self.since.wrapping_add(1);
        if self.by_name.is_empty() {
            return;
        }
        self.by_name.clear();
        for (cell, _) in std::mem::take(&mut self.owners) {
            unmark(&mut self.marks, cell);
        }
        self.renew();
    }

    /// Has all links made anew.
    fn renew(&mut self) {
        self.generation += 1;
        self.program.unlink();
        for index in 0..self.contexts.len() {
            self.contexts[index].stamp = self.stamp(index);
        }
    }

    fn decode(&mut self, cpu: &Cpu, name: Name) -> Option<u32> {
        let (context, mut counter, single) = name;
        let most = if single { 1 } else { MOST_INSTRUCTIONS };
        let mut ops: Vec<MicroOp> = Vec::new();
        let mut instructions = Vec::new();
        let mut cells = Vec::new();
        let falls = loop {
            let Some((decoded, places)) = self.fetch(cpu, context, counter) else { break true };
            cells.extend(places);
            let (tree, next) = self.evaluate(context, decoded.as_ref(), counter);
            let op = ops.len() as u32;
            let (mut code, falls) = self.select(cpu, context, &tree, next);
            if let Some(last) = ops.last()
                && select::join(last, &mut code, self.layout.slots as u16)
            {
                ops.pop();
            }
            ops.extend(code);
            instructions.push(Instruction { op, counter, decoded });
            match next {
                Some(next) if falls => counter = next,
                _ => break false,
            }
            if instructions.len() == most {
                break true;
            }
        };
        if instructions.is_empty() {
            return None;
        }
        if falls {
            ops.push(select::goto(counter));
        }
        if let [only] = ops.as_slice()
            && only.code == code::GOTO
        {
            // A jump to itself has somewhere to go.
            let zero = self.layout.slots as u16;
            ops.insert(0, MicroOp { d: zero, a: zero, ..select::op(code::MOVE) });
        }
        cells.sort_unstable();
        cells.dedup();
        let index = self.append(&ops, None, Block { first: 0, len: 0, instructions, cells, name });
        for cell in &self.blocks[index as usize].cells {
            self.marks[cell / 64] |= 1 << (cell % 64);
            self.owners.entry(*cell).or_default().push(index);
        }
        self.by_name.insert(name, index);
        Some(index)
    }

    /// Appends the micro-ops of a block.
    fn append(&mut self, ops: &[MicroOp], reached_with: Option<u16>, block: Block) -> u32 {
        let index = self.blocks.len() as u32;
        let first = self.program.append(ops, reached_with);
        self.owner.resize(self.program.ops().len(), index);
        self.blocks.push(Block { first, len: ops.len() as u32, ..block });
        index
    }

    /// A block for where it is reached with some slot set last; a copy, if that is of use.
    fn reached_with(&mut self, block: u32, slot: u16) -> u32 {
        if let Some(copy) = self.copies.get(&(block, slot)) {
            return *copy;
        }
        let it = self.block(block);
        let range = it.first as usize..(it.first + it.len) as usize;
        let ops = &self.program.ops()[range.clone()];
        let before = ops.iter().take_while(|op| op.last(Some(slot)) == Some(slot));
        let next = ops.get(before.clone().count());
        let copy = if before.chain(next).any(|op| op.a == slot) {
            let Block { instructions, name, .. } = it;
            let (instructions, name) = (instructions.clone(), *name);
            let block = Block { first: 0, len: 0, instructions, cells: Vec::new(), name };
            let ops = self.program.copy(range);
            self.append(&ops, Some(slot), block)
        } else {
            block
        };
        self.copies.insert((block, slot), copy);
        copy
    }

    /// The instruction at P and its cells.
    fn fetch(
        &mut self,
        cpu: &Cpu,
        context: usize,
        counter: u64,
    ) -> Option<(Option<Decoded>, Vec<usize>)> {
        let layout = Arc::clone(&self.layout);
        let at = self.at(counter);
        let known = Known {
            layout: &layout,
            counter: self.counter,
            mode: self.mode.map(|bits| (bits, self.contexts[context].mode)),
            context: &self.bits,
            traps_are_rare: true,
            told: None,
        };
        let (terms, width) = (&mut self.terms, layout.isa.storage.width);
        let mut places = Vec::new();
        let mut operands = Vec::new();
        let class = layout.decoder.instruction(&layout.isa, &mut operands, |i| {
            let fetch = &layout.isa.fetches[i];
            let found = fetch::fetch(known, terms, &fetch.body, &fetch.word, &at);
            let (conditions, cells) = found.ok_or(())?;
            let value = |terms: &Terms, t| {
                let settled = terms.settled(t);
                settled.then(|| terms.value(t, &cpu.registers, cpu.cells())).ok_or(())
            };
            for condition in conditions {
                if value(terms, condition)? == 0 {
                    return Err(());
                }
            }
            places.clear();
            let mut word = 0;
            for cell in cells {
                let place = cpu.place(value(terms, cell)?).ok_or(())?;
                places.push(place);
                word = word << width | u128::from(cpu.storage[place]);
            }
            Ok(word)
        });
        Some((class.ok()?.map(|class| Decoded { class, operands }), places))
    }

    fn evaluate(
        &mut self,
        context: usize,
        decoded: Option<&Decoded>,
        counter: u64,
    ) -> (Tree, Option<u64>) {
        let layout = Arc::clone(&self.layout);
        let (class, operands) = match decoded {
            Some(it) => (&layout.isa.classes[it.class], it.operands.as_slice()),
            None => match &layout.unlisted {
                Some(class) => (class, [].as_slice()),
                None => return (Tree::Walk, None),
            },
        };
        let at = self.at(counter);
        let number = |(o, value): (&Operand, &u128)| {
            Value::constant(&mut self.terms, value & mask(o.width), o.width)
        };
        let operands: Vec<Value> = class.operands.iter().zip(operands).map(number).collect();
        let known = Known {
            layout: &layout,
            counter: self.counter,
            mode: self.mode.map(|bits| (bits, self.contexts[context].mode)),
            context: &self.bits,
            traps_are_rare: true,
            told: None,
        };
        evaluate::instruction(known, &mut self.terms, class, &operands, &at)
    }

    /// P as a number.
    fn at(&mut self, counter: u64) -> Value {
        let width = self.terms.context[usize::from(self.counter)].1;
        Value::constant(&mut self.terms, u128::from(counter), width)
    }

    fn select(
        &mut self,
        cpu: &Cpu,
        context: usize,
        tree: &Tree,
        next: Option<u64>,
    ) -> (Vec<MicroOp>, bool) {
        let mut target = Target {
            terms: &mut self.terms,
            zero: self.layout.slots as u16,
            operands: 0,
            counter: self.counter,
            cpu,
            on_trap: Some(self.contexts[context].key.on_trap),
        };
        select::select(&mut target, tree, next)
    }
}
