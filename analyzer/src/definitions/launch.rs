//! Launching: the monitor can hand the processor to a guest, with what it keeps of its own bits.
//!
//! **Statement** (P&G section 2: the supervisor loads a PSW, and the machine goes on in the mode it says). Some
//! instruction leads from the supervisor mode of the pair to its user mode, with M and R as de-privileging
//! leaves them, and the bits that the monitor keeps are at their values before and after it. Each bit that is
//! kept, that de-privileging sets, or that lets traps lead to the monitor is at its value for good, since a reset
//! leaves it there and no trap changes it, or some instruction in supervisor mode sets it. Where a specification
//! lists no instruction that enters user mode at all, that there is one is an assumption: it may be a
//! fragment.
//!
//! **Formula.** [`ask_launch`] and [`ask_set`] look for a step, one instruction at a time; [`ask_trap`] for
//! a state in user mode whose trap changes the bits.
//!
//! **What a witness shows.** The step that hands the processor over, or that sets the bits; the state whose trap
//! changes them.

use model::isa::{Class, Part, Stmt, TrapId};
use model::state::State as Concrete;

use super::behaviour::in_side;
use super::entry::in_user;
use super::sequence::{argument, arguments, behind, sequel};
use super::{Obligation, Side};
use crate::decide::Query;
use crate::problem::{Problem, Run, Storage};
use crate::replay::{Replay, deprivileged};
use crate::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;
use crate::symbolic::term::{Term, Terms};

pub(crate) const STATEMENT: &str = "some instruction leads from the supervisor mode of the pair to its user mode, \
     with M and R as de-privileging leaves them and the bits that the monitor keeps at their values, and something \
     sets each of them (P&G 1974, section 2)";

/// Whether statements write a register.
pub(crate) fn writes(statements: &[Stmt], register: model::isa::RegisterId) -> bool {
    statements.iter().any(|s| match s {
        Stmt::Register(id, _) | Stmt::Element(id, ..) => *id == register,
        Stmt::If(_, yes, no) => writes(yes, register) || writes(no, register),
        Stmt::Block(inner) => writes(inner, register),
        Stmt::Local(..)
        | Stmt::Store(..)
        | Stmt::Trap(..)
        | Stmt::Exit(_)
        | Stmt::Commit
        | Stmt::Unpredictable
        | Stmt::Unknown => false,
    })
}

/// Bits of a state are at their values.
fn kept_in(problem: &mut Problem<'_>, state: &State, kept: &[(Part, u128)]) -> Term {
    let is_kept = |(part, value): &(Part, u128)| {
        let bits = state.part(&mut problem.terms, *part);
        let value = problem.terms.constant(*value, part.width);
        problem.terms.eq(bits, value)
    };
    let all: Vec<Term> = kept.iter().map(is_kept).collect();
    problem.terms.all(all)
}

/// The instruction from an arbitrary state in supervisor mode.
fn run(problem: &mut Problem<'_>, setting: Setting<'_>) -> Run {
    let fresh = problem.fresh();
    let state = in_side(problem, setting, &fresh, Side::Supervisor);
    let storage = Storage::Flat(problem.array());
    problem.run(state, storage)
}

fn asked(problem: &Problem<'_>, run: Run, goal: Term) -> Obligation {
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

/// "The instruction leads from a state in supervisor mode to user mode, with these bits kept", and to a state
/// that de-privileging leaves as it is.
pub(crate) fn ask_launch(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    kept: &[(Part, u128)],
    image: bool,
) -> Obligation {
    let run = run(problem, setting);
    let after = &run.transition.after;
    let before = kept_in(problem, &run.entry, kept);
    let kept = kept_in(problem, after, kept);
    let user = match problem.isa.mode {
        Some(part) => {
            let mode = after.part(&mut problem.terms, part);
            let user = problem.terms.constant(setting.pair.user.1, part.width);
            problem.terms.eq(mode, user)
        }
        None => problem.terms.bool(true),
    };
    let mut all = vec![run.transition.completes, before, kept, user];
    if image {
        let after = run.transition.after.clone();
        let image = problem.deprivileged(&after, setting.pair);
        for (id, register) in problem.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in &register.slices {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let [is, wanted] = [&after, &image].map(|it| it.part(&mut problem.terms, part));
                all.push(problem.terms.eq(is, wanted));
            }
        }
    }
    let goal = problem.terms.all(all);
    asked(problem, run, goal)
}

/// "The instruction, in supervisor mode, gives these bits their value, which they did not have."
pub(crate) fn ask_set(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    kept: (Part, u128),
) -> Obligation {
    let run = run(problem, setting);
    let before = kept_in(problem, &run.entry, &[kept]);
    let other = problem.terms.not(before);
    let after = kept_in(problem, &run.transition.after, &[kept]);
    let goal = problem.terms.all([run.transition.completes, other, after]);
    asked(problem, run, goal)
}

/// "There is a state in user mode, with these bits at their value, whose trap leaves them at another."
pub(crate) fn ask_trap(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    kept: (Part, u128),
    trap: TrapId,
) -> Obligation {
    let state = in_user(problem, setting);
    let storage = Storage::Flat(problem.array());
    let entry = problem.laid_out(state, storage);
    let argument = argument(problem);
    let (after, strange) = behind(problem, trap, argument, entry.clone(), &Facts::default());
    let before = kept_in(problem, &entry, &[kept]);
    let after = kept_in(problem, &after, &[kept]);
    let other = problem.terms.not(after);
    let lost = problem.terms.or(other, strange);
    let goal = problem.terms.and(before, lost);
    let window = problem.window(&entry);
    let run = problem.at_rest(entry, window);
    asked(problem, run, goal)
}

fn has(state: &Concrete, kept: &[(Part, u128)]) -> bool {
    kept.iter().all(|(part, value)| state.part(*part) == *value)
}

/// Where the step of a concrete state in supervisor mode leads.
fn step<'r>(replay: &'r Replay<'_>) -> Option<(&'r Concrete, &'r Concrete)> {
    let [side] = replay.sides.as_slice() else { return None };
    let supervisor = replay.pair().supervisor.1;
    let inside = replay.isa().mode.is_none_or(|part| side.before.part(part) == supervisor);
    Some((&side.before, side.after(replay.isa(), false)?)).filter(|_| inside)
}

/// Whether the step of a concrete state leads to user mode, with these bits kept.
pub(crate) fn launch_shown_by(replay: &Replay<'_>, kept: &[(Part, u128)], image: bool) -> bool {
    let user = replay.pair().user.1;
    let in_user = |state: &Concrete| replay.isa().mode.is_none_or(|part| state.part(part) == user);
    let is_image = |state: &Concrete| {
        deprivileged(replay.isa(), replay.pair(), state).registers == state.registers
    };
    step(replay).is_some_and(|(before, after)| {
        has(before, kept) && has(after, kept) && in_user(after) && (!image || is_image(after))
    })
}

/// The bits that de-privileging sets, with their values; the mode aside.
pub(crate) fn set_by_deprivileging(setting: Setting<'_>, class: &Class) -> Vec<(Part, u128)> {
    let mut problem = Problem::new(setting.isa, class, Terms::default());
    let state = problem.fresh();
    let image = problem.deprivileged(&state, setting.pair);
    let mut all = Vec::new();
    for (id, register) in setting.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in &register.slices {
            let bits = slice.low..slice.low + slice.width;
            for part in bits.map(|low| Part { register: id, low, width: 1 }) {
                let value = image.part(&mut problem.terms, part);
                let value = problem.terms.value(value);
                let is_mode = setting.isa.mode.is_some_and(|mode| {
                    mode.register == id && (mode.low..mode.low + mode.width).contains(&part.low)
                });
                all.extend(value.filter(|_| !is_mode).map(|value| (part, value)));
            }
        }
    }
    all
}

/// Whether the step of a concrete state sets these bits.
pub(crate) fn set_shown_by(replay: &Replay<'_>, kept: (Part, u128)) -> bool {
    step(replay).is_some_and(|(before, after)| !has(before, &[kept]) && has(after, &[kept]))
}

/// Whether the trap of a concrete state in user mode changes these bits.
pub(crate) fn trap_shown_by(replay: &Replay<'_>, kept: (Part, u128), trap: TrapId) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let changes = |argument| {
        sequel(isa, trap, argument, &side.before).is_none_or(|after| !has(&after, &[kept]))
    };
    let user = replay.pair().user.1;
    isa.mode.is_none_or(|part| side.before.part(part) == user)
        && has(&side.before, &[kept])
        && arguments(isa).any(changes)
}
