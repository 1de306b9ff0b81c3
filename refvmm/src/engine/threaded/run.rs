//! A run through micro-ops, and the loop that does it without unsafe code.

use super::cache::TranslationContext;
use super::ops::{MicroOp, Next, Place, execute};
use super::program::Program;
use crate::layout::Bits;

/// Number of entries of the table of translation contexts.
pub(super) const CONTEXTS: usize = 64;

/// What a run through micro-ops works on.
pub(super) struct Run<'a> {
    /// Registers, a zero, temporaries.
    pub(super) frame: &'a mut [u64],
    pub(super) storage: &'a mut [u64],
    /// Which cells hold decoded instructions, in bits.
    pub(super) marks: &'a [u64],
    pub(super) program: &'a Program,
    /// What links must say to be valid.
    pub(super) stamp: u32,
    /// The slot of P.
    pub(super) counter: u16,
    pub(super) hand_over: bool,
    /// Leaves where the bits of M have another value.
    pub(super) mode: Option<&'a (Bits, u64)>,
    /// Traps taken.
    pub(super) taken: &'a mut [u64],
    /// The translation context; the stamp is its.
    pub(super) context: usize,
    /// All translation contexts, the bits that make them, and where they are found.
    pub(super) contexts: &'a [TranslationContext],
    pub(super) bits: &'a [Bits],
    pub(super) table: &'a [u32; CONTEXTS],
}

/// Number of words that hold the marks of so many cells; one more is never looked at in vain.
pub(super) fn words(cells: usize) -> usize {
    cells / 64 + 2
}

/// Where a translation context is noted, by the values of its bits.
#[inline]
pub(super) fn hash(values: impl Iterator<Item = u64>) -> usize {
    let mix =
        |all: u64, value: u64| (all.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    (values.fold(0, mix) >> 58) as usize % CONTEXTS
}

/// Looks at the translation context after it may have changed; false if that is better done elsewhere.
pub(super) fn turn(run: &mut Run<'_>, frame: &[u64]) -> bool {
    let bits = run.bits;
    let is_now = |it: &TranslationContext| {
        bits.iter().zip(&it.key.values).all(|(b, value)| frame[b.slot] & b.mask == *value)
    };
    let Some(now) = run.contexts.get(run.context) else { return false };
    if is_now(now) {
        run.stamp = now.stamp;
        return true;
    }
    if run.mode.is_some_and(|(bits, value)| bits.get(frame) != *value) {
        return false;
    }
    let same_way = |it: &TranslationContext| {
        it.key.on_trap == now.key.on_trap && it.key.window == now.key.window
    };
    let usable = |it: &TranslationContext| is_now(it) && !it.halted && same_way(it);
    let values = bits.iter().map(|b| frame[b.slot] & b.mask);
    let found = run.table[hash(values)] as usize;
    if !run.contexts.get(found).is_some_and(usable) {
        return false;
    }
    run.context = found;
    run.stamp = run.contexts[found].stamp;
    true
}

/// Why a run through micro-ops left them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// A `GOTO` is not linked, or the budget does not reach; P is set.
    Unlinked,
    /// No block is known for P, or the budget does not reach.
    Leap,
    /// The translation context may have changed; P is set.
    Turn,
    /// A trap is handed over; P is not set.
    Trap,
    /// The instruction is to be walked; P is not set.
    Walk,
}

/// How a run through micro-ops was left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    pub(super) exit: Exit,
    /// The micro-op that left.
    pub(super) op: usize,
    /// What is left of the budget, after all instructions of the last block.
    pub(super) budget: u64,
}

impl Place for Run<'_> {
    fn get(&self, slot: u16) -> u64 {
        self.frame[usize::from(slot)]
    }

    fn set(&mut self, slot: u16, value: u64) {
        self.frame[usize::from(slot)] = value;
    }

    fn load(&self, place: u64) -> u64 {
        self.storage[place as usize]
    }

    fn store(&mut self, place: u64, value: u64) {
        self.storage[place as usize] = value;
    }

    fn marks(&self, number: u64) -> u64 {
        self.marks[number as usize]
    }

    fn get_far(&self, slot: u64) -> u64 {
        self.frame[slot as usize]
    }

    fn set_far(&mut self, slot: u64, value: u64) {
        self.frame[slot as usize] = value;
    }

    fn size(&self) -> u64 {
        self.storage.len() as u64
    }
}

/// Runs from a block's first micro-op on.
pub(super) fn run(run: &mut Run<'_>, first: u32, mut budget: u64) -> Left {
    let program = run.program;
    let ops: &[MicroOp] = program.ops();
    let counter = usize::from(run.counter);
    let mut at = first as usize;
    loop {
        let op = &ops[at];
        let exit = match execute(op.code, op, run) {
            Next::Skip(k) => {
                at += k as usize;
                continue;
            }
            Next::Link(k) => {
                at += k as usize;
                let goto = &ops[at];
                let count = u64::from(goto.c);
                if goto.distance() != 0 && count <= budget {
                    budget -= count;
                    at = at.wrapping_add_signed(goto.away());
                    continue;
                }
                run.frame[counter] = goto.k;
                Exit::Unlinked
            }
            next @ (Next::Leap | Next::Turn) => {
                if next == Next::Turn {
                    if op.k > 0 {
                        run.taken[op.k as usize - 1] += 1;
                    }
                    let frame = std::mem::take(&mut run.frame);
                    let known = turn(run, frame);
                    run.frame = frame;
                    if !known {
                        return Left { exit: Exit::Turn, op: at, budget };
                    }
                }
                let to = run.frame[counter];
                if next == Next::Leap && ops[at + 1].k == to {
                    at += 1;
                    let goto = &ops[at];
                    let count = u64::from(goto.c);
                    if goto.stamp() == run.stamp && count <= budget {
                        budget -= count;
                        at = at.wrapping_add_signed(goto.away());
                        continue;
                    }
                    return Left { exit: Exit::Unlinked, op: at, budget };
                }
                let jump = &program.jumps()[Program::hash(to, run.stamp)];
                if jump.counter == to && jump.stamp == run.stamp && jump.count <= budget {
                    budget -= jump.count;
                    at = jump.first as usize;
                    continue;
                }
                Exit::Leap
            }
            Next::Trap if run.hand_over => Exit::Trap,
            Next::Step | Next::Trap | Next::Recall => {
                at += 1;
                continue;
            }
            Next::Walk => Exit::Walk,
        };
        return Left { exit, op: at, budget };
    }
}
