//! What is remembered of micro-ops that change the translation context: where they led last.

use super::alu::{Alu, alu};
use super::ops::{MicroOp, code, number};

/// Where a `TURN` led last: the same values of the registers that it may have changed, of which there
/// are three at most, lead from its block's translation context to the same one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// The last one is always 0,
    pub(super) slots: [u16; 4],
    /// and its value is 1 where it is not known yet.
    pub(super) values: [u64; 4],
    pub(super) recall: Recall,
    pub(super) context: u32,
    /// The micro-ops that are linked: the `TURN`, and the `RECALL` before it or the `TURN` again.
    pub(super) ops: [u32; 2],
    /// The P that their link is for, and whether it is for the translation context.
    pub(super) counter: u64,
    pub(super) linked: bool,
}

impl Turn {
    /// What a `TURN` starts with, and the `RECALL` before it, if there is one.
    pub(super) fn new(turn: &MicroOp, recall: Recall, ops: [u32; 2]) -> Self {
        Self {
            slots: turn.four(),
            values: [0, 0, 0, 1],
            recall,
            context: 0,
            ops,
            counter: 0,
            linked: false,
        }
    }

    /// Notes that it leads to a translation context, with the values in a frame; `load` gives four cells.
    pub(super) fn remember(
        &mut self,
        frame: &[u64],
        context: usize,
        load: impl FnOnce(u64) -> Option<[u64; 4]>,
    ) {
        self.values = self.slots.map(|slot| frame[usize::from(slot)]);
        self.context = context as u32;
        self.recall.remember(frame, load);
        self.unlink();
    }

    /// Marks the links as valid for P.
    pub(super) fn link(&mut self, counter: u64) {
        (self.counter, self.linked, self.recall.ready) = (counter, true, self.recall.known);
    }

    /// Invalidates the links.
    pub(super) fn unlink(&mut self) {
        (self.linked, self.recall.ready) = (false, false);
    }
}

/// What four loaded cells came to. P is one of them as it is; which bits of the others matter is
/// known, and what the registers become by them is remembered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recall {
    /// Where the cells are: a slot, and what is added to it; `None` if there is no `RECALL`.
    at: Option<(u16, u64)>,
    /// The bits that matter, and what they were.
    matters: [u64; 4],
    cells: [u64; 4],
    /// Whether that is known, and whether the link is for it.
    known: bool,
    pub(super) ready: bool,
    /// The first of four registers that change, one more, which of the cells is P, and the trap to
    /// count, from 1 on, or 0.
    pub(super) numbers: [u16; 4],
    /// What the registers become.
    pub(super) values: [u64; 4],
    pub(super) value: u64,
}

impl Recall {
    /// For micro-ops that begin with a load of four cells and end with a `TURN`, if all between
    /// depends on these cells only.
    pub(super) fn of(tail: &[MicroOp], counter: u16, zero: u16) -> Option<Self> {
        let [load, between @ .., turn] = tail else { return None };
        let loads = matches!(load.code, code::LOAD_FOUR | code::LOAD_FOUR_HERE);
        if !loads || turn.code != code::TURN || turn.b != 0 {
            return None;
        }
        let loaded = load.four();
        let mut it = Self { at: Some((load.a, load.k)), ..Self::default() };
        let cell = |slot: u16| loaded.iter().rposition(|loaded| *loaded == slot);
        let place = cell(counter)? as u16;
        let mut changed: Vec<u16> = Vec::new();
        for op in between {
            for slot in reads(op)? {
                match cell(slot) {
                    _ if slot == zero || changed.contains(&slot) => {}
                    Some(cell) if slot != counter => it.matters[cell] |= matters(op),
                    _ => return None,
                }
            }
            changed.push(op.d);
        }
        if changed.contains(&counter) {
            return None;
        }
        for (matters, slot) in it.matters.iter_mut().zip(loaded) {
            if slot < zero && slot != counter {
                *matters = u64::MAX;
                changed.push(slot);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        // Where the cells are is asked again at the end.
        let moved = load.a != zero && (changed.contains(&load.a) || loaded.contains(&load.a));
        let explained = |slot: u16| slot == zero || changed.contains(&slot);
        if moved || !turn.four().into_iter().all(explained) {
            return None;
        }
        changed.retain(|slot| *slot < zero);
        changed.push(counter);
        let changes = |slot: u16| changed.contains(&slot);
        let first = changed.iter().copied().find(|slot| (*slot..slot + 4).all(changes))?;
        let apart = |slot: &u16| *slot != counter && !(first..first + 4).contains(slot);
        let mut more = changed.iter().copied().filter(apart);
        it.numbers = [first, more.next().unwrap_or(zero), place, u16::try_from(turn.k).ok()?];
        more.next().is_none().then_some(it)
    }

    /// Notes what the registers became.
    fn remember(&mut self, frame: &[u64], load: impl FnOnce(u64) -> Option<[u64; 4]>) {
        self.known = false;
        let cells = self.at.and_then(|(a, k)| load(frame[usize::from(a)].wrapping_add(k)));
        if let Some(cells) = cells {
            self.cells = cells;
            let [first, more, ..] = self.numbers.map(usize::from);
            self.values = [0, 1, 2, 3].map(|i| frame[first + i]);
            self.value = frame[more];
            self.known = true;
        }
    }

    /// Whether cells come to the same as last time, if it is ready.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn knows(&self, cells: [u64; 4]) -> bool {
        let differs = |i: usize| (cells[i] ^ self.cells[i]) & self.matters[i];
        (differs(0) | differs(1) | differs(2) | differs(3)) == 0
    }
}

/// The slots that a micro-op reads, which does nothing but set one; else `None`.
fn reads(op: &MicroOp) -> Option<Vec<u16>> {
    Some(match op.code {
        ..code::IMMEDIATE => vec![op.a, op.b],
        code::IMMEDIATE..code::CONST | code::MOVE => vec![op.a],
        code::CONST => Vec::new(),
        code::SELECT => vec![op.a, op.b, op.k as u16],
        _ => return None,
    })
}

/// Which bits of what a micro-op reads matter.
fn matters(op: &MicroOp) -> u64 {
    if op.code == code::IMMEDIATE + number(Alu::Lshr) {
        alu(Alu::Shl, op.m, op.k, 64, u64::MAX)
    } else if op.code == code::IMMEDIATE + number(Alu::And) {
        op.k
    } else {
        u64::MAX
    }
}
