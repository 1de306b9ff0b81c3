//! Micro-ops that were checked once: the unchecked dispatcher relies on what is checked here.

use std::cell::Cell;
use std::ops::Range;

use super::alu::ALL;
use super::dispatch::handler;
use super::ops::{Limits, MicroOp, UNMARKED, code, pack};
use super::turn::{Recall, Turn};

/// Number of entries of the table of computed jumps.
pub(super) const JUMPS: usize = 1024;

/// Where a P leads.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Jump {
    pub(super) counter: u64,
    pub(super) stamp: u32,
    /// First micro-op of the block, and its instructions.
    pub(super) first: u32,
    pub(super) count: u64,
}

/// Micro-ops, of which
/// - slots lie in the frame, and accesses lead to the cells there were,
/// - control stays inside a block until some micro-op leaves it,
/// - links lead to the starts of blocks; where a `GOTO` is not linked, it leads to itself.
#[derive(Debug)]
pub(super) struct Program {
    ops: Vec<MicroOp>,
    jumps: Box<[Jump]>,
    turns: Vec<Cell<Turn>>,
    /// Micro-ops that are linked.
    linked: Vec<u32>,
    /// The slot of P, and the one that is always 0.
    counter: u16,
    zero: u16,
    /// Slots of the frame that micro-ops name, and most of them.
    frame: usize,
    most: usize,
    /// Traps there are.
    traps: usize,
    /// Cells that accesses may lead to.
    cells: u64,
}

/// Lets micro-ops take what was set last from where it was computed, not from its slot.
fn chain(block: &mut [MicroOp], mut last: Option<u16>) {
    // Where forks lead.
    let mut apart = Vec::new();
    for (i, op) in block.iter_mut().enumerate() {
        if let Some((_, there)) = apart.iter().find(|(to, _)| *to == i) {
            last = *there;
        }
        op.handler = handler(op.code, last == Some(op.a));
        if op.code == code::GOTO {
            (op.d, op.b) = (last.unwrap_or(0), last.is_some().into());
        }
        last = op.last(last);
        if op.code == code::FORK {
            apart.push((i + op.k as usize, last));
        }
    }
}

impl Program {
    /// For machines with P in a slot, and frames of so many slots at least, and at most; behind the
    /// first slots stands one that is always 0.
    pub(super) fn new(counter: u16, zero: u16, sizes: Range<usize>, traps: usize) -> Self {
        let jumps = vec![Jump::default(); JUMPS].into_boxed_slice();
        Self {
            ops: Vec::new(),
            jumps,
            turns: Vec::new(),
            linked: Vec::new(),
            counter,
            zero,
            frame: sizes.start,
            most: sizes.end,
            traps,
            cells: 0,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.ops.clear();
        self.linked.clear();
        self.jumps.fill(Jump::default());
        self.turns.clear();
        self.cells = 0;
    }

    pub(super) fn ops(&self) -> &[MicroOp] {
        &self.ops
    }

    pub(super) fn jumps(&self) -> &[Jump] {
        &self.jumps
    }

    pub(super) fn turns(&self) -> &[Cell<Turn>] {
        &self.turns
    }

    pub(super) fn frame(&self) -> usize {
        self.frame
    }

    pub(super) fn traps(&self) -> usize {
        self.traps
    }

    /// Number of cells that a machine must have to run them.
    pub(super) fn cells(&self) -> u64 {
        self.cells
    }

    /// Appends a block that is reached with some slot set last; returns its first micro-op.
    pub(super) fn append(&mut self, block: &[MicroOp], reached_with: Option<u16>) -> u32 {
        for (i, op) in block.iter().enumerate() {
            let named = self.check(block, i, op);
            self.frame = self.frame.max(named as usize);
        }
        let first = self.ops.len() as u32;
        self.ops.extend_from_slice(block);
        chain(&mut self.ops[first as usize..], reached_with);
        let ops = &mut self.ops[first as usize..];
        let mut recall = None;
        for i in 0..ops.len() {
            match ops[i].code {
                code::RECALL => recall = Some(i),
                code::TURN => {
                    let index = self.turns.len() as u32;
                    let at = recall.take();
                    let known = at.map_or_else(Recall::default, |at| {
                        let known = Recall::of(&ops[at + 1..=i], self.counter, self.zero);
                        known.expect("what it remembers is known by four cells")
                    });
                    let both = [i, at.unwrap_or(i)];
                    let turn = Turn::new(&ops[i], known, both.map(|i| first + i as u32));
                    self.turns.push(Cell::new(turn));
                    for i in both {
                        ops[i].set_link(index, 0);
                    }
                }
                _ => {}
            }
        }
        first
    }

    /// Notes that cells below a number must be there.
    fn reach(&mut self, end: u64) {
        self.cells = self.cells.max(end);
    }

    /// The micro-ops of a block as they are before anything is linked.
    pub(super) fn copy(&self, block: Range<usize>) -> Vec<MicroOp> {
        let mut copy = self.ops[block].to_vec();
        for op in &mut copy {
            match op.code {
                code::GOTO | code::RECALL => (op.m, op.c) = (0, 0),
                code::TURN => {
                    op.m = pack(self.turns[op.stamp() as usize].get().slots);
                    op.c = 0;
                }
                _ => {}
            }
        }
        copy
    }

    /// Checks a micro-op; returns how many slots the frame must have.
    fn check(&mut self, block: &[MicroOp], i: usize, op: &MicroOp) -> u64 {
        // There, b is a number of cells.
        let counts = op.code == code::UNMARKED;
        assert!(!counts || (1..=UNMARKED).contains(&u64::from(op.b)), "too many cells");
        let b = if counts { 0 } else { op.b };
        // There, a is a place.
        let a = if op.code == code::STORE_CONSTANTS { 0 } else { op.a };
        let select = op.code == code::SELECT || op.code >= code::SET_BRANCH;
        let select = if select { op.k } else { 0 };
        let slots = [u64::from(op.d), u64::from(a), u64::from(b), select];
        let file = if matches!(op.code, code::ELEMENT | code::SET_ELEMENT) {
            op.k.saturating_add(op.m)
        } else {
            0
        };
        let fours = matches!(
            op.code,
            code::LOAD_FOUR
                | code::LOAD_FOUR_HERE
                | code::STORE_FOUR
                | code::STORE_FOUR_HERE
                | code::TURN
        );
        let packed = op.four().map(|slot| if fours { u64::from(slot) } else { 0 });
        match op.code {
            code::LOAD_FOUR_HERE | code::STORE_FOUR_HERE => self.reach(op.k.saturating_add(4)),
            code::STORE_CONSTANTS => {
                let place = op.constants().place;
                assert!(place % 64 <= 60, "marks in two words");
                self.reach(u64::from(place) + 4);
            }
            // Of the words of marks, one more is there.
            code::UNMARKED_HERE => self.reach(op.k.saturating_mul(64)),
            _ => {}
        }
        let last = slots.into_iter().chain(packed).fold(0, u64::max);
        let named = file.max(last.saturating_add(1));
        assert!(named <= self.most as u64, "a slot is outside the frame");
        let maps = matches!(op.code, code::LOAD | code::STORE | code::PLACE);
        if maps {
            let Limits { limit, base } = op.access().limits;
            let end = base.checked_add(limit).expect("cells have numbers of 32 bits");
            self.reach(end.into());
        }
        assert!(op.code < code::COUNT, "no such micro-op");
        let trap = match op.code {
            code::TURN => op.k.saturating_sub(1),
            code::TRAP => op.k,
            _ => 0,
        };
        assert!(trap < self.traps.max(1) as u64, "no such trap");
        assert!(op.code != code::TURN || op.k == 0 || self.traps > 0, "no such trap");
        // Control stays inside the block.
        let ends = matches!(op.code, code::GOTO | code::WALK | code::TURN);
        let computed = op.code == code::LEAP;
        let reach = match op.code {
            code::FORK => op.k.max(1),
            _ if op.code >= code::BRANCH => 2,
            _ => u64::from(!ends),
        };
        assert!(((block.len() - i) as u64) > reach, "control leaves the block");
        if op.code >= code::BRANCH {
            let links = [1, 2].map(|k| block[i + k].code == code::GOTO);
            assert!(links == [true, true], "a branch leads nowhere");
        }
        assert!(!computed || block[i + 1].code == code::GOTO, "no place for where it led last");
        assert!(op.c <= 64 && usize::from(code::IMMEDIATE) == ALL.len(), "no such width");
        named
    }

    /// Links a `GOTO` to a block. Where it follows a computed jump, the link holds under a stamp.
    pub(super) fn link(&mut self, op: usize, stamp: u32, first: u32, count: u16) {
        assert!((first as usize) < self.ops.len(), "no such block");
        if let Some(goto) = self.ops.get_mut(op).filter(|goto| goto.code == code::GOTO) {
            if goto.distance() == 0 {
                self.linked.push(op as u32);
            }
            goto.set_link(stamp, i64::from(first) - op as i64);
            goto.c = count as u8;
        }
    }

    /// Number of micro-ops noted as linked.
    #[cfg(test)]
    pub(super) fn links(&self) -> usize {
        self.linked.len()
    }

    /// Takes back all links.
    pub(super) fn unlink(&mut self) {
        for op in self.linked.drain(..) {
            let op = &mut self.ops[op as usize];
            if op.code == code::GOTO {
                op.m = 0;
            } else {
                self.turns[op.stamp() as usize].get_mut().unlink();
                op.set_link(op.stamp(), 0);
            }
            op.c = 0;
        }
    }

    /// Notes behind a computed jump where it led, unless that is noted already.
    pub(super) fn lead(&mut self, op: usize, jump: Jump) {
        if matches!(self.ops[op].code, code::TURN | code::RECALL) {
            let index = self.ops[op].stamp();
            let turn = self.turns[index as usize].get_mut();
            turn.link(jump.counter);
            for op in turn.ops {
                let it = &mut self.ops[op as usize];
                if it.distance() == 0 {
                    self.linked.push(op);
                }
                it.set_link(index, i64::from(jump.first) - i64::from(op));
                it.c = jump.count as u8;
            }
            return;
        }
        if let Some(goto) = self.ops.get_mut(op + 1).filter(|it| it.code == code::GOTO)
            && goto.stamp() != jump.stamp
        {
            goto.k = jump.counter;
            self.link(op + 1, jump.stamp, jump.first, jump.count as u16);
        }
    }

    /// Where a P is noted.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn hash(counter: u64, stamp: u32) -> usize {
        (counter as usize ^ (stamp as usize).wrapping_mul(41)) % JUMPS
    }

    /// Notes where a P leads, as long as a stamp lasts.
    pub(super) fn note(&mut self, jump: Jump) {
        assert!((jump.first as usize) < self.ops.len(), "no such block");
        self.jumps[Self::hash(jump.counter, jump.stamp)] = jump;
    }
}
