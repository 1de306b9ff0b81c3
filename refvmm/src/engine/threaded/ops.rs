//! Micro-ops: flat, with their operands in them; what each does, and the loop that runs them.

use super::alu::{ALL, Alu, alu};
use super::dispatch::Handler;

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
    /// d = the cell at the place of an address, a sum of a and a number: see [`super::Access`]
    pub(in super::super) const LOAD: u8 = CONST + 5;
    /// the cell at the place of an address = b
    pub(in super::super) const STORE: u8 = CONST + 6;
    /// d = the place of an address
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
    /// indirect jump that may change the translation context. m packs the register slots that may have changed; b = 1
    /// if there are more than three; counts trap k - 1. Once linked it behaves like `GOTO`, and its stamp indexes its
    /// inline cache entry
    pub(in super::super) const TURN: u8 = CONST + 15;
    /// hands trap k with argument a over, or goes on with its sequence
    pub(in super::super) const TRAP: u8 = CONST + 16;
    /// walks the instruction
    pub(in super::super) const WALK: u8 = CONST + 17;
    /// the slots packed in m = the cells from place a + k on
    pub(in super::super) const LOAD_FOUR: u8 = CONST + 18;
    /// the cells from place a + k on = the slots packed in m
    pub(in super::super) const STORE_FOUR: u8 = CONST + 19;
    /// the slots packed in m = the cells from place k on
    pub(in super::super) const LOAD_FOUR_HERE: u8 = CONST + 20;
    /// the cells from place k on = the slots packed in m
    pub(in super::super) const STORE_FOUR_HERE: u8 = CONST + 21;
    /// of the 64 cells from place 64 k on, those with a bit in m hold no decoded instruction
    pub(in super::super) const UNMARKED_HERE: u8 = CONST + 22;
    /// the four cells from a place on = the halves of k and m; see [`super::Constants`]
    pub(in super::super) const STORE_CONSTANTS: u8 = CONST + 23;
    /// inline cache for PSW loads: if the four cells from place a + k equal the cached ones, applies the cached
    /// registers and skips to the `TURN`. Linked like a `TURN`
    pub(in super::super) const RECALL: u8 = CONST + 24;
    /// one of the two `GOTO` that follow; a op b, six operations from here on
    pub(in super::super) const BRANCH: u8 = CONST + 25;
    /// the same, a op k
    pub(in super::super) const BRANCH_IMMEDIATE: u8 = BRANCH + 6;
    /// d = a + k first, then the same, d op b
    pub(in super::super) const ADD_BRANCH: u8 = BRANCH_IMMEDIATE + 6;
    /// d = a op b; then to the first of the two if d is other than slot k
    pub(in super::super) const SET_BRANCH: u8 = ADD_BRANCH + 6;
    /// d = a + b first, then d op slot k
    pub(in super::super) const SUM_BRANCH: u8 = SET_BRANCH + 6;
    /// number of codes
    pub(in super::super) const COUNT: u8 = SUM_BRANCH + 6;
}

/// Most cells that one micro-op looks at for decoded instructions.
pub(super) const UNMARKED: u64 = 64;

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

/// How an address leads to a place: of a sum of up to 32 bits, what lies below the limit lies from
/// the base on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) offset: u32,
    pub(super) mask: u32,
    pub(super) limits: Limits,
}

/// Addresses below the limit go to cells from the base on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) limit: u32,
    pub(super) base: u32,
}

/// Four cells with one word of marks, none of which holds a decoded instruction, and what they
/// become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Constants {
    pub(super) place: u16,
    pub(super) values: [u32; 4],
}

/// Four slots in one number.
pub(super) fn pack(slots: [u16; 4]) -> u64 {
    slots.iter().rev().fold(0, |all, slot| all << 16 | u64::from(*slot))
}

impl MicroOp {
    /// The access that is packed in k and m.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn access(&self) -> Access {
        let limits = Limits { limit: self.m as u32, base: (self.m >> 32) as u32 };
        Access { offset: self.k as u32, mask: (self.k >> 32) as u32, limits }
    }

    /// The same with an access.
    pub(super) fn with_access(self, it: Access) -> Self {
        let pack = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        let Limits { limit, base } = it.limits;
        Self { k: pack(it.offset, it.mask), m: pack(limit, base), ..self }
    }

    /// The constants that are packed in a, k and m.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn constants(&self) -> Constants {
        let (k, m) = (self.k, self.m);
        let values = [k as u32, (k >> 32) as u32, m as u32, (m >> 32) as u32];
        Constants { place: self.a, values }
    }

    /// The same with constants.
    pub(super) fn with_constants(self, it: Constants) -> Self {
        let pack = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        let Constants { place, values: [one, two, three, four] } = it;
        Self { a: place, k: pack(one, two), m: pack(three, four), ..self }
    }

    /// Four slots that are packed in m.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn four(&self) -> [u16; 4] {
        [0, 16, 32, 48].map(|shift| (self.m >> shift) as u16)
    }

    /// The slot that was set last, behind it, if that is known.
    pub(super) fn last(&self, before: Option<u16>) -> Option<u16> {
        match self.code {
            ..=code::ELEMENT | code::LOAD | code::PLACE | code::LOAD_AT | code::ADD_BRANCH.. => {
                Some(self.d)
            }
            code::SET_ELEMENT | code::LOAD_FOUR | code::LOAD_FOUR_HERE => None,
            _ => before,
        }
    }

    /// The slot that was set last where a `GOTO` is reached.
    pub(super) fn reached_with(&self) -> Option<u16> {
        (self.code == code::GOTO && self.b == 1).then_some(self.d)
    }

    /// How many bytes it is from a `GOTO` to where it leads; 0 if it is not linked.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn distance(&self) -> i32 {
        self.m as i32
    }

    /// Under which stamp the link of a `GOTO` holds that follows a computed jump. Other links lead
    /// from a block to one of the same translation context.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn stamp(&self) -> u32 {
        (self.m >> 32) as u32
    }

    /// Links a `GOTO` to what is so many micro-ops away.
    pub(super) fn set_link(&mut self, stamp: u32, distance: i64) {
        let bytes = distance * size_of::<Self>() as i64;
        self.m = u64::from(stamp) << 32 | u64::from(bytes as u32);
    }

    /// How many micro-ops it is from a `GOTO` to where it leads.
    pub(super) fn away(&self) -> isize {
        (self.m as i32 as isize) / size_of::<Self>() as isize
    }
}

/// What micro-ops work on.
pub(super) trait Place {
    fn get(&self, slot: u16) -> u64;
    /// The slot a.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn first(&self, op: &MicroOp) -> u64 {
        self.get(op.a)
    }
    fn set(&mut self, slot: u16, value: u64);
    fn load(&self, place: u64) -> u64;
    fn store(&mut self, place: u64, value: u64);
    /// The marks of the 64 cells of a number.
    fn marks(&self, number: u64) -> u64;
    /// A slot that is not known to exist.
    fn get_far(&self, slot: u64) -> u64;
    fn set_far(&mut self, slot: u64, value: u64);
    /// Number of cells of the installation.
    fn size(&self) -> u64;
}

/// Whether the cell at a place holds a decoded instruction.
#[inline(always)]
#[allow(clippy::inline_always)]
fn marked<P: Place>(at: &P, place: u64) -> bool {
    at.marks(place / 64) >> (place % 64) & 1 != 0
}

/// Whether one of up to 64 cells does.
#[inline(always)]
#[allow(clippy::inline_always)]
fn some_marked<P: Place>(at: &P, first: u64, count: u64) -> bool {
    let (word, bit) = (first / 64, first % 64);
    let marks = at.marks(word) >> bit | at.marks(word + 1) << 1 << (63 - bit);
    marks << (64 - count) != 0
}

/// The place of an address, if it is below the limit.
#[inline(always)]
#[allow(clippy::inline_always)]
fn place_of<P: Place>(op: &MicroOp, at: &P) -> Option<u64> {
    let it = op.access();
    let address = (at.first(op) as u32).wrapping_add(it.offset) & it.mask;
    (address < it.limits.limit).then(|| u64::from(it.limits.base.wrapping_add(address)))
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn load_four<P: Place>(op: &MicroOp, place: &mut P, at: u64) {
    for (i, slot) in (0..).zip(op.four()) {
        place.set(slot, place.load(at + i));
    }
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn store_four<P: Place>(op: &MicroOp, place: &mut P, at: u64) {
    for (i, slot) in (0..).zip(op.four()) {
        place.store(at + i, place.get(slot));
    }
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
    /// To the block at P, once the translation context was looked at.
    Turn,
    /// To where the `TURN` led last, if the cells say so, else to the next one.
    Recall,
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
        let (x, y) = (place.first(op), place.get(op.b));
        place.set(op.d, alu(ALL[code as usize], x, y, u32::from(op.c), op.m));
        return Next::Step;
    }
    if code < code::CONST {
        let kind = ALL[(code - code::IMMEDIATE) as usize];
        place.set(op.d, alu(kind, place.first(op), op.k, u32::from(op.c), op.m));
        return Next::Step;
    }
    if code >= code::BRANCH {
        let kind = BRANCHES[((code - code::BRANCH) % 6) as usize];
        let mut x = place.first(op);
        let adds = (code::ADD_BRANCH..code::SET_BRANCH).contains(&code);
        let sums = code >= code::SUM_BRANCH;
        if adds || sums {
            x = x.wrapping_add(if adds { op.k } else { place.get(op.b) }) & op.m;
            place.set(op.d, x);
        }
        let immediate = (code::BRANCH_IMMEDIATE..code::ADD_BRANCH).contains(&code);
        let y = match op.k {
            k if immediate => k,
            k if sums => place.get(k as u16),
            _ => place.get(op.b),
        };
        let mut holds = alu(kind, x, y, u32::from(op.c), 1) != 0;
        if code >= code::SET_BRANCH && !sums {
            let truth = u64::from(holds);
            place.set(op.d, truth);
            holds = truth != place.get(op.k as u16);
        }
        return Next::Link(if holds { 1 } else { 2 });
    }
    match code {
        code::CONST => place.set(op.d, op.k),
        code::MOVE => place.set(op.d, place.first(op)),
        code::SELECT => {
            let chosen = if place.first(op) != 0 { op.b } else { op.k as u16 };
            place.set(op.d, place.get(chosen));
        }
        code::ELEMENT => {
            let index = place.first(op);
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
            let Some(at) = place_of(op, place) else { return Next::Walk };
            place.set(op.d, place.load(at));
        }
        code::STORE => {
            let Some(at) = place_of(op, place) else { return Next::Walk };
            if marked(place, at) {
                return Next::Walk;
            }
            place.store(at, place.get(op.b));
        }
        code::PLACE => {
            let Some(at) = place_of(op, place) else { return Next::Walk };
            place.set(op.d, at);
        }
        code::UNMARKED => {
            let first = place.get(op.a).wrapping_add(op.k);
            let count = u64::from(op.b);
            let inside = place.size().checked_sub(count).is_some_and(|last| first <= last);
            if !inside || some_marked(place, first, count) {
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
                load_four(op, place, at);
            }
        }
        code::LOAD_FOUR_HERE => load_four(op, place, op.k),
        code::STORE_FOUR_HERE => store_four(op, place, op.k),
        code::UNMARKED_HERE => {
            if place.marks(op.k) & op.m != 0 {
                return Next::Walk;
            }
        }
        code::STORE_CONSTANTS => {
            let Constants { place: at, values } = op.constants();
            let at = u64::from(at);
            if place.marks(at / 64) >> (at % 64) & 15 != 0 {
                return Next::Walk;
            }
            for (cell, value) in (at..).zip(values) {
                place.store(cell, u64::from(value));
            }
        }
        code::RECALL => return Next::Recall,
        code::STORE_FOUR => {
            let at = place.get(op.a).wrapping_add(op.k);
            if at < place.size().saturating_sub(3) {
                store_four(op, place, at);
            }
        }
        code::TEST => {
            if place.first(op) == 0 {
                return Next::Walk;
            }
        }
        code::FORK => {
            if place.first(op) == 0 {
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
