//! Micro-ops: flat, with their operands in them; what each does, and the loop that runs them.

use super::alu::{ALL, Alu, alu};
use super::dispatch::Handler;
use super::mapping::Limits;

/// Number of an operation among the codes.
pub(super) const fn number(op: Alu) -> u8 {
    op as u8
}

const N: u8 = ALL.len() as u8;

/// What a micro-op is. First come the [`Alu`] operations on two slots, then those on a slot and a
/// number.
pub(super) mod code {
    use super::N;

    /// d = a op b
    pub(in super::super) const REGISTERS: u8 = 0;
    /// d = a op k
    pub(in super::super) const IMMEDIATE: u8 = N;
    /// d = k
    pub(in super::super) const CONST: u8 = 2 * N;
    /// d = a
    pub(in super::super) const MOVE: u8 = CONST + 1;
    /// d = a ≠ 0 ? b : slot k
    pub(in super::super) const SELECT: u8 = CONST + 2;
    /// d = the slot k + a, 0 if a ≥ m
    pub(in super::super) const ELEMENT: u8 = CONST + 3;
    /// the slot k + a = b, nothing if a ≥ m
    pub(in super::super) const SET_ELEMENT: u8 = CONST + 4;
    /// d = the cell that mapping c has for a + k
    pub(in super::super) const LOAD: u8 = CONST + 5;
    /// the cell that mapping c has for a + k = b
    pub(in super::super) const STORE: u8 = CONST + 6;
    /// d = the place that mapping c has for a + k
    pub(in super::super) const PLACE: u8 = CONST + 7;
    /// the b cells from place a + k on hold no decoded instruction
    pub(in super::super) const UNMARKED: u8 = CONST + 8;
    /// d = the cell at place a + k
    pub(in super::super) const LOAD_AT: u8 = CONST + 9;
    /// the cell at place a + k = b
    pub(in super::super) const STORE_AT: u8 = CONST + 10;
    /// goes on if a ≠ 0
    pub(in super::super) const TEST: u8 = CONST + 11;
    /// goes k further if a = 0
    pub(in super::super) const FORK: u8 = CONST + 12;
    /// P = k, to a block that is linked
    pub(in super::super) const GOTO: u8 = CONST + 13;
    /// to where P, which is set, leads; where it led last stands in the `GOTO` that follows
    pub(in super::super) const LEAP: u8 = CONST + 14;
    /// the same, and the regime may have changed; counts trap k − 1
    pub(in super::super) const TURN: u8 = CONST + 15;
    /// hands trap k with argument a over, or goes on with its sequence
    pub(in super::super) const TRAP: u8 = CONST + 16;
    /// walks the instruction
    pub(in super::super) const WALK: u8 = CONST + 17;
    /// the slots packed in m = the cells from place a + k on
    pub(in super::super) const LOAD_FOUR: u8 = CONST + 18;
    /// the cells from place a + k on = the slots packed in m
    pub(in super::super) const STORE_FOUR: u8 = CONST + 19;
    /// one of the two `GOTO` that follow; a op b, six operations from here on
    pub(in super::super) const BRANCH: u8 = CONST + 20;
    /// the same, a op k
    pub(in super::super) const BRANCH_IMMEDIATE: u8 = BRANCH + 6;
    /// d = a + k first, then the same, d op b
    pub(in super::super) const ADD_BRANCH: u8 = BRANCH_IMMEDIATE + 6;
    /// d = a op b; then to the first of the two if d is other than slot k
    pub(in super::super) const SET_BRANCH: u8 = ADD_BRANCH + 6;
    /// number of codes
    pub(in super::super) const COUNT: u8 = SET_BRANCH + 6;
}

/// What branches compare by.
pub(super) const BRANCHES: [Alu; 6] = [Alu::Eq, Alu::Ne, Alu::Ult, Alu::Uge, Alu::Slt, Alu::Sge];

/// A micro-op. `code` says what it means; `handler` is the same for the threaded dispatcher.
#[derive(Debug, Clone, Copy)]
pub(super) struct MicroOp {
    pub(super) handler: Handler,
    pub(super) k: u64,
    pub(super) m: u64,
    pub(super) d: u16,
    pub(super) a: u16,
    pub(super) b: u16,
    pub(super) c: u8,
    pub(super) code: u8,
}

impl MicroOp {
    /// Four slots that are packed in m.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn four(&self) -> [u16; 4] {
        [0, 16, 32, 48].map(|shift| (self.m >> shift) as u16)
    }

    /// How far it is from a `GOTO` to where it leads; 0 if it is not linked.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn distance(&self) -> i32 {
        self.m as i32
    }

    /// Under which stamp the link of a `GOTO` holds that follows a computed jump. Other links lead
    /// from a block to one of the same regime.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn stamp(&self) -> u32 {
        (self.m >> 32) as u32
    }

    /// Links a `GOTO`.
    pub(super) fn set_link(&mut self, stamp: u32, distance: i64) {
        self.m = u64::from(stamp) << 32 | u64::from(distance as u32);
    }
}

/// What micro-ops work on.
pub(super) trait Place {
    fn get(&self, slot: u16) -> u64;
    fn set(&mut self, slot: u16, value: u64);
    fn limits(&self, mapping: u8) -> Limits;
    fn load(&self, place: u64) -> u64;
    fn store(&mut self, place: u64, value: u64);
    fn marked(&self, place: u64) -> bool;
    /// A slot that is not known to exist.
    fn get_far(&self, slot: u64) -> u64;
    fn set_far(&mut self, slot: u64, value: u64);
    /// Number of cells of the installation.
    fn size(&self) -> u64;
}

/// Where control goes after a micro-op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// To the next one.
    Step,
    /// Some micro-ops further.
    Skip(u64),
    /// Through the `GOTO` so many micro-ops further.
    Link(u64),
    /// To the block at P.
    Leap,
    /// To the block at P, once the regime was looked at.
    Turn,
    /// A trap is handed over, or its sequence follows.
    Trap,
    /// To the walk.
    Walk,
}

/// Runs one micro-op. Nothing was changed by its instruction where it says `Walk`.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(super) fn execute<P: Place>(code: u8, op: &MicroOp, place: &mut P) -> Next {
    if code < code::IMMEDIATE {
        let (x, y) = (place.get(op.a), place.get(op.b));
        place.set(op.d, alu(ALL[code as usize], x, y, u32::from(op.c), op.m));
        return Next::Step;
    }
    if code < code::CONST {
        let kind = ALL[(code - code::IMMEDIATE) as usize];
        place.set(op.d, alu(kind, place.get(op.a), op.k, u32::from(op.c), op.m));
        return Next::Step;
    }
    if code >= code::BRANCH {
        let kind = BRANCHES[((code - code::BRANCH) % 6) as usize];
        let mut x = place.get(op.a);
        let adds = (code::ADD_BRANCH..code::SET_BRANCH).contains(&code);
        if adds {
            x = x.wrapping_add(op.k) & op.m;
            place.set(op.d, x);
        }
        let immediate = (code::BRANCH_IMMEDIATE..code::ADD_BRANCH).contains(&code);
        let y = if immediate { op.k } else { place.get(op.b) };
        let mut holds = alu(kind, x, y, u32::from(op.c), 1) != 0;
        if code >= code::SET_BRANCH {
            let truth = u64::from(holds);
            place.set(op.d, truth);
            holds = truth != place.get(op.k as u16);
        }
        return Next::Link(if holds { 1 } else { 2 });
    }
    match code {
        code::CONST => place.set(op.d, op.k),
        code::MOVE => place.set(op.d, place.get(op.a)),
        code::SELECT => {
            let chosen = if place.get(op.a) != 0 { op.b } else { op.k as u16 };
            place.set(op.d, place.get(chosen));
        }
        code::ELEMENT => {
            let index = place.get(op.a);
            let value = if index < op.m { place.get_far(op.k + index) } else { 0 };
            place.set(op.d, value);
        }
        code::SET_ELEMENT => {
            let index = place.get(op.a);
            if index < op.m {
                place.set_far(op.k + index, place.get(op.b));
            }
        }
        code::LOAD => {
            let address = place.get(op.a).wrapping_add(op.k) & op.m;
            let limits = place.limits(op.c);
            if address >= limits.limit {
                return Next::Walk;
            }
            place.set(op.d, place.load(limits.base + address));
        }
        code::STORE => {
            let address = place.get(op.a).wrapping_add(op.k) & op.m;
            let limits = place.limits(op.c);
            if address >= limits.limit || place.marked(limits.base + address) {
                return Next::Walk;
            }
            place.store(limits.base + address, place.get(op.b));
        }
        code::PLACE => {
            let address = place.get(op.a).wrapping_add(op.k) & op.m;
            let limits = place.limits(op.c);
            if address >= limits.limit {
                return Next::Walk;
            }
            place.set(op.d, limits.base + address);
        }
        code::UNMARKED => {
            let first = place.get(op.a).wrapping_add(op.k);
            let end = first.wrapping_add(u64::from(op.b));
            if end > place.size() {
                return Next::Walk;
            }
            let marked = |any: bool, at: u64| any | place.marked(at);
            let any = if op.b == 4 {
                (0..4).fold(false, |any, i| marked(any, first + i))
            } else {
                (first..end).fold(false, marked)
            };
            if any {
                return Next::Walk;
            }
        }
        code::LOAD_AT => {
            let at = place.get(op.a).wrapping_add(op.k);
            // Its place was checked before.
            let value = if at < place.size() { place.load(at) } else { 0 };
            place.set(op.d, value);
        }
        code::STORE_AT => {
            let at = place.get(op.a).wrapping_add(op.k);
            if at < place.size() {
                place.store(at, place.get(op.b));
            }
        }
        code::LOAD_FOUR => {
            let at = place.get(op.a).wrapping_add(op.k);
            if at < place.size().saturating_sub(3) {
                let [a, b, c, d] = op.four();
                let [w, x, y, z] = [0, 1, 2, 3].map(|i| place.load(at + i));
                place.set(a, w);
                place.set(b, x);
                place.set(c, y);
                place.set(d, z);
            }
        }
        code::STORE_FOUR => {
            let at = place.get(op.a).wrapping_add(op.k);
            if at < place.size().saturating_sub(3) {
                let [w, x, y, z] = op.four().map(|slot| place.get(slot));
                place.store(at, w);
                place.store(at + 1, x);
                place.store(at + 2, y);
                place.store(at + 3, z);
            }
        }
        code::TEST => {
            if place.get(op.a) == 0 {
                return Next::Walk;
            }
        }
        code::FORK => {
            if place.get(op.a) == 0 {
                return Next::Skip(op.k);
            }
        }
        code::GOTO => return Next::Link(0),
        code::LEAP => return Next::Leap,
        code::TURN => return Next::Turn,
        code::TRAP => return Next::Trap,
        _ => return Next::Walk,
    }
    Next::Step
}
