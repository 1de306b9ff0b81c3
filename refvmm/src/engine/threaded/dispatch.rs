//! The threaded dispatcher: each micro-op ends with a jump to the next one's handler. The only
//! module with unsafe code.
//!
//! What it relies on is established elsewhere and asserted here where a run begins:
//! - [`Program`] has checked that micro-ops name slots of the frame, that control stays among them,
//!   and how many cells addresses below their limits may lead to;
//! - other places are compared with the size of storage.
#![allow(unsafe_code)]
#![allow(clippy::inline_always, reason = "what is not inlined is no tail call")]

use super::ops::{MicroOp, Next, Place, code, execute};
use super::program::{Jump, Program};
use super::run::{Exit, Left, Run, turn, words};
use super::turn::Turn;

/// Runs a micro-op and those behind it; returns the one that left. The fourth argument is the value
/// that was set last: the slot it went to is slower to read.
pub(super) type Handler =
    unsafe fn(*const MicroOp, *mut u64, *mut u64, u64, u64, *mut Context) -> *const MicroOp;

/// What handlers need beside their arguments.
#[derive(Debug)]
pub(super) struct Context {
    run: *mut Run<'static>,
    /// What is known of each `TURN`.
    turns: *const Turn,
    /// Whether the mode must not change.
    bound: bool,
    taken: *mut u64,
    marks: *const u64,
    ops: *const MicroOp,
    /// Where control went back to last.
    head: *const MicroOp,
    jumps: *const Jump,
    size: u64,
    /// Places from which on there are four cells, for `RECALL`; 0 if the mode must not change.
    room: u64,
    /// The stamp of the translation context, and that of the first translation context.
    stamp: u32,
    first_stamp: u32,
    counter: u16,
    hand_over: bool,
    exit: Exit,
    budget: u64,
}

/// The arguments of handlers, as a place to work on.
struct Raw<const CHAINED: bool> {
    frame: *mut u64,
    storage: *mut u64,
    context: *mut Context,
    last: u64,
}

impl<const CHAINED: bool> Place for Raw<CHAINED> {
    #[inline(always)]
    fn first(&self, op: &MicroOp) -> u64 {
        if CHAINED { self.last } else { self.get(op.a) }
    }

    #[inline(always)]
    fn get(&self, slot: u16) -> u64 {
        // SAFETY: the program checked that the slot is in the frame.
        unsafe { *self.frame.add(usize::from(slot)) }
    }

    #[inline(always)]
    fn set(&mut self, slot: u16, value: u64) {
        // SAFETY: the program checked that the slot is in the frame.
        unsafe { *self.frame.add(usize::from(slot)) = value }
        self.last = value;
    }

    #[inline(always)]
    fn load(&self, place: u64) -> u64 {
        // SAFETY: micro-ops load below an access's limit, or below the size.
        unsafe { *self.storage.add(place as usize) }
    }

    #[inline(always)]
    fn store(&mut self, place: u64, value: u64) {
        // SAFETY: micro-ops store below an access's limit, or below the size.
        unsafe { *self.storage.add(place as usize) = value }
    }

    #[inline(always)]
    fn marks(&self, number: u64) -> u64 {
        // SAFETY: as for `load`; there is a mark for each cell, and a word more.
        unsafe { *(*self.context).marks.add(number as usize) }
    }

    #[inline(always)]
    fn get_far(&self, slot: u64) -> u64 {
        // SAFETY: the program checked that the whole file is in the frame.
        unsafe { *self.frame.add(slot as usize) }
    }

    #[inline(always)]
    fn set_far(&mut self, slot: u64, value: u64) {
        // SAFETY: the program checked that the whole file is in the frame.
        unsafe { *self.frame.add(slot as usize) = value }
    }

    #[inline(always)]
    fn size(&self) -> u64 {
        // SAFETY: the context outlives the run.
        unsafe { (*self.context).size }
    }
}

/// The handler of a code, for micro-ops whose slot a was set last or not.
///
/// # Safety
///
/// `op` is a micro-op of the program of a run, and the other pointers are those of the run.
unsafe fn handler_of<const CODE: u8, const CHAINED: bool>(
    op: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    last: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    let mut place = Raw::<CHAINED> { frame, storage, context, last };
    // SAFETY: the caller's; the program checked that what follows in the block exists, and that
    // links and jumps lead to blocks. Below `room` there are four cells; what a `RECALL` remembers
    // are registers that micro-ops name.
    unsafe {
        let next = match execute(CODE, &*op, &mut place) {
            Next::Skip(k) => op.add(k as usize),
            Next::Link(0) if (*op).distance() == 0 => {
                return unlinked(op, frame, storage, place.last, budget, context);
            }
            Next::Link(0) => return follow(op, frame, storage, place.last, budget, context),
            // Which way a branch goes is predicted, not computed: what follows need not wait.
            Next::Link(1) => {
                return follow(apart(op.add(1)), frame, storage, place.last, budget, context);
            }
            Next::Link(_) => return follow(op.add(2), frame, storage, place.last, budget, context),
            Next::Leap => return leap(op, frame, storage, place.last, budget, context),
            Next::Turn => {
                let state = &mut *context;
                if (*op).k > 0 {
                    *state.taken.add((*op).k as usize - 1) += 1;
                }
                let turn = &*state.turns.add((*op).stamp() as usize);
                let same = |i: usize| *frame.add(usize::from(turn.slots[i])) == turn.values[i];
                if state.bound || !(same(0) && same(1) && same(2) && same(3)) {
                    return turn_far(op, frame, storage, last, budget, context);
                }
                state.stamp = state.first_stamp + turn.context;
                let counter = *frame.add(usize::from(state.counter));
                if !turn.linked {
                    return leave(op, context, Exit::Leap, budget);
                }
                if counter == turn.counter && u64::from((*op).c) <= budget {
                    return go_on(op, frame, storage, last, budget, context);
                }
                return leap_far(op, frame, storage, counter, budget, context);
            }
            Next::Recall => {
                let state = &mut *context;
                let at = (*frame.add(usize::from((*op).a))).wrapping_add((*op).k);
                if at < state.room {
                    let turn = &*state.turns.add((*op).stamp() as usize);
                    let recall = &turn.recall;
                    let from = storage.add(at as usize);
                    if recall.ready && recall.knows(from.cast::<[u64; 4]>().read()) {
                        let [first, more, cell, taken] = recall.numbers.map(usize::from);
                        frame.add(first).cast::<[u64; 4]>().write(recall.values);
                        *frame.add(more) = recall.value;
                        let counter = *from.add(cell);
                        *frame.add(usize::from(state.counter)) = counter;
                        if taken > 0 {
                            *state.taken.add(taken - 1) += 1;
                        }
                        state.stamp = state.first_stamp + turn.context;
                        if counter == turn.counter && u64::from((*op).c) <= budget {
                            return go_on(op, frame, storage, last, budget, context);
                        }
                        return leap_far(op, frame, storage, counter, budget, context);
                    }
                }
                op.add(1)
            }
            Next::Trap if (*context).hand_over => return leave(op, context, Exit::Trap, budget),
            Next::Step | Next::Trap => op.add(1),
            Next::Walk => return leave(op, context, Exit::Walk, budget),
        };
        ((*next).handler)(next, frame, storage, place.last, budget, context)
    }
}

/// To a translation context that is not the one that it led to last.
#[cold]
#[inline(never)]
unsafe fn turn_far(
    op: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    _: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers; the program checked the slots of a `TURN`.
    unsafe {
        let state = &mut *context;
        let run = &mut *state.run;
        run.context = (state.stamp - state.first_stamp) as usize;
        let registers = std::slice::from_raw_parts(frame, run.program.frame());
        if !turn(run, registers) {
            return leave(op, context, Exit::Turn, budget);
        }
        state.stamp = run.stamp;
        // Where too many registers change, nothing is remembered.
        if (*op).b == 0 {
            let known = &run.program.turns()[(*op).stamp() as usize];
            let mut turn = known.get();
            turn.remember(registers, run.context, |at| {
                let from = (at < state.room).then(|| storage.add(at as usize))?;
                Some([0, 1, 2, 3].map(|i| *from.add(i)))
            });
            known.set(turn);
        }
        let counter = *frame.add(usize::from(state.counter));
        leap_far(op, frame, storage, counter, budget, context)
    }
}

/// Goes through a `GOTO`. If it is not linked, it leads to itself, and is run then.
#[inline(always)]
unsafe fn follow(
    goto: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    last: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers; links lead to blocks.
    unsafe {
        if u64::from((*goto).c) > budget {
            return unlinked(goto, frame, storage, last, budget, context);
        }
        go_on(goto, frame, storage, last, budget, context)
    }
}

/// Goes where a micro-op leads that is linked.
#[inline(always)]
unsafe fn go_on(
    link: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    last: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers; links lead to blocks.
    unsafe {
        let mut next = link.byte_offset((*link).distance() as isize);
        // A loop's next round need not wait for the pointer to its first micro-op: most often it is
        // where the last one began.
        if (*link).distance() < 0 {
            let head = (*context).head;
            if next == head {
                next = apart(head);
            } else {
                (*context).head = next;
            }
        }
        ((*next).handler)(next, frame, storage, last, budget - u64::from((*link).c), context)
    }
}

/// Leaves at a `GOTO`.
#[cold]
#[inline(never)]
unsafe fn unlinked(
    goto: *const MicroOp,
    frame: *mut u64,
    _: *mut u64,
    _: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers.
    unsafe {
        *frame.add(usize::from((*context).counter)) = (*goto).k;
        leave(goto, context, Exit::Unlinked, budget)
    }
}

/// Goes where P leads.
#[inline(always)]
unsafe fn leap(
    op: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    last: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers.
    unsafe {
        let counter = *frame.add(usize::from((*context).counter));
        // Most often it is where it led last: that can be predicted.
        let goto = op.add(1);
        if (*goto).k == counter && (*goto).stamp() == (*context).stamp {
            return follow(apart(goto), frame, storage, last, budget, context);
        }
        leap_far(op, frame, storage, counter, budget, context)
    }
}

/// Goes where P leads, as the table of jumps says.
#[inline(never)]
unsafe fn leap_far(
    op: *const MicroOp,
    frame: *mut u64,
    storage: *mut u64,
    counter: u64,
    budget: u64,
    context: *mut Context,
) -> *const MicroOp {
    // SAFETY: as for handlers; the table of jumps leads to blocks.
    unsafe {
        let jump = &*(*context).jumps.add(Program::hash(counter, (*context).stamp));
        let fits = jump.counter == counter && jump.stamp == (*context).stamp;
        if !fits || jump.count > budget {
            return leave(op, context, Exit::Leap, budget);
        }
        let next = (*context).ops.add(jump.first as usize);
        ((*next).handler)(next, frame, storage, counter, budget - jump.count, context)
    }
}

/// The same pointer, by a way of its own.
#[inline(always)]
fn apart(mut op: *const MicroOp) -> *const MicroOp {
    #[cfg(all(not(miri), any(target_arch = "x86_64", target_arch = "aarch64")))]
    // SAFETY: it does nothing.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) op, options(pure, readonly, nostack, preserves_flags));
    }
    op
}

#[inline(always)]
unsafe fn leave(
    op: *const MicroOp,
    context: *mut Context,
    exit: Exit,
    budget: u64,
) -> *const MicroOp {
    // SAFETY: the context outlives the run.
    unsafe {
        (*context).exit = exit;
        (*context).budget = budget;
    }
    op
}

/// What is seldom run keeps the arguments of handlers, for a jump to be enough to get there.
#[used]
static SELDOM: [Handler; 3] = [unlinked, turn_far, leap_far];

macro_rules! handlers {
    ($($code:literal)*) => { [$([handler_of::<$code, false>, handler_of::<$code, true>]),*] };
}

/// The handlers, by code.
static HANDLERS: [[Handler; 2]; code::COUNT as usize] = handlers!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
    35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66
    67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96
);

/// The handler of a code; `chained` where the slot a was set last.
pub(super) fn handler(code: u8, chained: bool) -> Handler {
    HANDLERS[usize::from(code)][usize::from(chained)]
}

/// Runs from a block's first micro-op on.
#[inline]
pub(super) fn run(run: &mut Run<'_>, first: u32, budget: u64) -> Left {
    let program = run.program;
    assert!(run.frame.len() >= program.frame());
    assert!(run.storage.len() as u64 >= program.cells());
    assert!(run.marks.len() >= words(run.storage.len()));
    assert!((first as usize) < program.ops().len());
    assert!(run.taken.len() >= program.traps());
    let mut context = Context {
        run: std::ptr::from_mut(run).cast(),
        turns: program.turns().as_ptr().cast(),
        bound: run.mode.is_some(),
        taken: run.taken.as_mut_ptr(),
        marks: run.marks.as_ptr(),
        ops: program.ops().as_ptr(),
        head: program.ops().as_ptr(),
        jumps: program.jumps().as_ptr(),
        size: run.storage.len() as u64,
        room: if run.mode.is_some() { 0 } else { run.storage.len().saturating_sub(3) as u64 },
        stamp: run.stamp,
        first_stamp: run.stamp - run.context as u32,
        counter: run.counter,
        hand_over: run.hand_over,
        exit: Exit::Walk,
        budget,
    };
    let run = context.run;
    // SAFETY: the micro-op is one of the program's, the pointers are those of the run, and what
    // handlers rely on was asserted above; `turn` keeps it so. While micro-ops run, frame and
    // storage are reached through these pointers, or through the run they came from.
    let at = unsafe {
        let (frame, storage) = ((*run).frame.as_mut_ptr(), (*run).storage.as_mut_ptr());
        let start = context.ops.add(first as usize);
        let op = ((*start).handler)(start, frame, storage, 0, budget, &raw mut context);
        op.offset_from_unsigned(context.ops)
    };
    // SAFETY: no micro-op runs any more.
    unsafe { (*run).context = (context.stamp - context.first_stamp) as usize };
    Left { exit: context.exit, op: at, budget: context.budget }
}
