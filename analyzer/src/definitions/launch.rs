//! Launching: the monitor can hand the processor to a guest, with what it keeps of its own bits.
//!
//! **Statement** (P&G section 2: the supervisor loads a PSW, and the machine goes on in the mode it says). Some
//! instruction leads from the supervisor mode of the pair to its user mode, with M and R as de-privileging
//! leaves them, with relocation beyond the monitor's own cells and a window that is not empty; the bits that the
//! monitor keeps are at their values before and after it; the components that decide where traps lead are at values at
//! which they lead to the monitor, the cells that traps use and the guest's window are as before, the machine has
//! not halted, and what is [fixed](super::fixed) is as a reset leaves it. The bits that are kept, that de-privileging sets, or that
//! let traps lead to the monitor can be brought to their values one after the other: a reset leaves a bit there and
//! no trap changes it, or some instruction in supervisor mode sets it and leaves those before it. Some instruction in
//! supervisor mode moves relocation and bounds. Where no instruction that is listed is known to enter user
//! mode at all, or to move the mapping, that there is one is an assumption: the specification may be a fragment.
//!
//! **Formula.** [`ask_launch`], [`ask_set`] and [`ask_map`] look for a step, one instruction at a time; [`ask_trap`]
//! for a state in user mode whose trap changes the bits.
//!
//! **What a witness shows.** The step that hands the processor over, that sets the bits, or that moves the mapping;
//! the state whose trap changes the bits.

use model::interp;
use model::isa::{Isa, Part, RegisterId, Stmt, TrapId, every};
use model::map::window;
use model::state::State as Concrete;

use super::behaviour::in_virtual_mode;
use super::choice::is_chosen;
use super::entry::in_user;
use super::sequence::{argument, arguments, behind, sequel};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::replay::{Replay, deprivileged};
use crate::prove::setting::Setting;
use crate::symbolic::execute;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;
use crate::symbolic::term::Term;

pub(crate) const STATEMENT: &str = "some instruction leads from the supervisor mode of the pair to its user mode, \
     with M and R as de-privileging leaves them, a mapping beyond the monitor's own cells, the bits that the monitor \
     keeps at their values, and neither the way of traps nor the guest's storage changed; and instructions set these bits one after the other, and the mapping (P&G 1974, \
     section 2)";

/// What a launching instruction has to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launching<'l> {
    /// Bits that have their values before and after it.
    pub(crate) kept: &'l [(Part, u128)],
    /// It leads to a state that de-privileging leaves as it is.
    pub(crate) image: bool,
    /// It leads to a mapping beyond the monitor's own cells.
    pub(crate) placed: bool,
    /// The machine goes on, traps lead to the monitor, and the cells that they use and the guest's storage are as before.
    pub(crate) leaves: bool,
}

/// Whether statements write a register.
pub(crate) fn writes(statements: &[Stmt], register: RegisterId) -> bool {
    every(statements).any(|s| s.writes() == Some(register))
}

/// Bits of a state are at their values.
pub(super) fn kept_in(problem: &mut Problem<'_>, state: &State, kept: &[(Part, u128)]) -> Term {
    let is_kept = |(part, value): &(Part, u128)| {
        let bits = state.part(&mut problem.terms, *part);
        let value = problem.terms.constant(*value, part.width);
        problem.terms.eq(bits, value)
    };
    let all: Vec<Term> = kept.iter().map(is_kept).collect();
    problem.terms.all(all)
}

/// An arbitrary state in a mode of the pair; in supervisor mode, with what a reset fixes.
pub(super) fn from(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> State {
    let mut fresh = problem.fresh();
    let fixed = setting.fixed.iter().filter(|_| side == VirtualMode::Supervisor);
    for (part, value) in fixed {
        let value = problem.terms.constant(*value, part.width);
        fresh.set_part(&mut problem.terms, *part, value);
    }
    in_virtual_mode(problem, setting, &fresh, side)
}

/// The instruction from such a state.
pub(super) fn run(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Run {
    let state = from(problem, setting, side);
    let storage = Storage::Flat(problem.array());
    problem.run(state, storage)
}

pub(super) fn asked(problem: &Problem<'_>, run: Run, goal: Term) -> Obligation {
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

/// "The instruction leads from the supervisor mode of the pair to its user mode."
pub(crate) fn ask_enter(problem: &mut Problem<'_>, setting: Setting<'_>) -> Obligation {
    let run = run(problem, setting, VirtualMode::Supervisor);
    let there = is_in_user(problem, setting, &run.transition.after);
    let goal = problem.terms.and(run.transition.completes, there);
    asked(problem, run, goal)
}

fn is_in_user(problem: &mut Problem<'_>, setting: Setting<'_>, state: &State) -> Term {
    let Some(part) = problem.isa.mode else { return problem.terms.bool(true) };
    let mode = state.part(&mut problem.terms, part);
    let user = problem.terms.constant(setting.pair.user.1, part.width);
    problem.terms.eq(mode, user)
}

/// "The instruction launches a guest."
pub(crate) fn ask_launch(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    launching: Launching<'_>,
) -> Obligation {
    let run = run(problem, setting, VirtualMode::Supervisor);
    let mut all = goals(problem, setting, &run, launching);
    all.push(kept_in(problem, &run.entry, launching.kept));
    let goal = problem.terms.all(all);
    asked(problem, run, goal)
}

/// What is true of a run that launches a guest, where the bits that are kept have their values before it.
pub(super) fn goals(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    run: &Run,
    launching: Launching<'_>,
) -> Vec<Term> {
    let after = &run.transition.after;
    let kept = kept_in(problem, after, launching.kept);
    let mut all = vec![run.transition.completes, kept];
    if launching.leaves {
        all.push(runs_on(problem, after));
        all.push(kept_in(problem, after, setting.vectors));
        all.extend(leaves_storage(problem, run));
    }
    all.push(is_in_user(problem, setting, after));
    if launching.image {
        let image = problem.deprivileged(after, setting.pair);
        for (id, register) in problem.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in &register.slices {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let [is, wanted] = [after, &image].map(|it| it.part(&mut problem.terms, part));
                all.push(problem.terms.eq(is, wanted));
            }
        }
    }
    if launching.placed {
        for (part, least) in mapping(problem.isa) {
            all.push(at_least(problem, after, part, least));
        }
    }
    all
}

/// The machine has not halted.
fn runs_on(problem: &mut Problem<'_>, state: &State) -> Term {
    let isa = problem.isa;
    let Some(halted) = &isa.halted else { return problem.terms.bool(true) };
    let halted = execute::value(isa, &mut problem.terms, halted, state, &[]);
    problem.terms.not(halted)
}

/// The instruction changes neither the cells that traps use nor the window that it leads to.
fn leaves_storage(problem: &mut Problem<'_>, run: &Run) -> Vec<Term> {
    let (after, facts) = (&run.transition.after, &run.transition.facts);
    let least = problem.address(problem.isa.least_cells());
    let (base, size) = problem.window(after);
    let mut all = Vec::new();
    for write in &after.writes {
        let terms = &mut problem.terms;
        let [was, is] = [&run.entry, after].map(|state| state.load(terms, facts, write.index));
        let same = terms.eq(was, is);
        let offset = terms.sub(write.index, base);
        let (of_traps, guests) = (terms.ult(write.index, least), terms.ult(offset, size));
        let others = terms.or(of_traps, guests);
        let spoils = terms.and(write.guard, others);
        all.push(terms.implies(spoils, same));
    }
    all
}

/// Whether a concrete machine has not halted.
fn has_not_halted(replay: &Replay<'_>, state: &Concrete) -> bool {
    replay.isa().halted.as_ref().is_none_or(|halted| !interp::value(halted, state).is_true())
}

/// Whether a concrete step changes neither the cells that traps use nor the window that it leads to.
fn storage_left(isa: &Isa, before: &Concrete, after: &Concrete) -> bool {
    let (base, size) = window(isa, after);
    let spared = |cell: u128| {
        cell >= isa.least_cells() && !(base..base.saturating_add(size)).contains(&cell)
    };
    let mut cells = before.storage.keys().chain(after.storage.keys());
    cells.all(|cell| spared(*cell) || before.load(*cell) == after.load(*cell))
}

/// The components of the mapping, with the least value that each has for a guest whose window is not empty and
/// begins at its cell 0.
pub(crate) fn mapping(isa: &Isa) -> impl Iterator<Item = (Part, u128)> {
    let relocation = isa.relocation.map(|part| (part, isa.least_cells()));
    relocation.into_iter().chain(isa.bounds.map(|part| (part, 1)))
}

fn at_least(problem: &mut Problem<'_>, state: &State, part: Part, least: u128) -> Term {
    let value = state.part(&mut problem.terms, part);
    // Where it does not fit, no guest has a place.
    if least >> part.width.min(127) != 0 {
        return problem.terms.bool(false);
    }
    let least = problem.terms.constant(least, part.width);
    problem.terms.ule(least, value)
}

/// "The instruction, in supervisor mode, moves a component of the mapping to where a guest may be."
pub(crate) fn ask_map(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    (part, least): (Part, u128),
) -> Obligation {
    let run = run(problem, setting, VirtualMode::Supervisor);
    let [before, after] =
        [&run.entry, &run.transition.after].map(|state| state.part(&mut problem.terms, part));
    let same = problem.terms.eq(before, after);
    let moved = problem.terms.not(same);
    let there = at_least(problem, &run.transition.after, part, least);
    let goal = problem.terms.all([run.transition.completes, moved, there]);
    asked(problem, run, goal)
}

/// "The instruction, in supervisor mode, gives these bits their value, which they did not have, and leaves those that
/// are held; it is fetched, and so is one behind it." After a trap, if one is given, the monitor's own is what that
/// has left, but for what is held.
pub(crate) fn ask_set(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    kept: (Part, u128),
    held: &[(Part, u128)],
    trap: Option<TrapId>,
) -> Obligation {
    let mut state = from(problem, setting, VirtualMode::Supervisor);
    let mut trapped = None;
    if let Some(trap) = trap {
        let user = in_user(problem, setting);
        let user = problem.keeping(&user, setting.kept);
        let storage = Storage::Flat(problem.array());
        let user = problem.laid_out(user, storage);
        let argument = argument(problem);
        let (left, strange) = behind(problem, trap, argument, user.clone(), &Facts::default());
        for part in own(problem.isa) {
            let value = left.part(&mut problem.terms, part);
            state.set_part(&mut problem.terms, part, value);
        }
        state = problem.keeping(&state, held);
        let window = problem.window(&user);
        let defined = problem.terms.not(strange);
        trapped = Some((problem.at_rest(user, window), defined));
    }
    let storage = Storage::Flat(problem.array());
    let run = problem.run(state, storage);
    let after = &run.transition.after;
    let before = kept_in(problem, &run.entry, &[kept]);
    let mut all = vec![run.transition.completes, problem.terms.not(before)];
    all.push(kept_in(problem, after, &[kept]));
    all.push(runs_on(problem, after));
    for state in [&run.entry, after] {
        all.push(kept_in(problem, state, held));
        all.push(is_fetched(problem, state, &run.transition.facts));
    }
    all.extend(trapped.iter().map(|(_, defined)| *defined));
    let goal = problem.terms.all(all);
    let mut obligation = asked(problem, run, goal);
    if let Some((user, _)) = trapped {
        obligation.query.premises.extend(&user.assumed);
        obligation.runs.insert(0, user);
    }
    obligation
}

/// The components that are the monitor's choice, those of single registers.
fn own(isa: &Isa) -> impl Iterator<Item = Part> {
    isa.register_ids().filter(|(_, r)| r.count.is_none()).flat_map(|(register, it)| {
        let chosen = it.slices.iter().filter(|s| is_chosen(s));
        chosen.map(move |s| Part { register, low: s.low, width: s.width })
    })
}

/// An instruction of the shortest length can be fetched.
fn is_fetched(problem: &mut Problem<'_>, state: &State, facts: &Facts) -> Term {
    let isa = problem.isa;
    let Some(how) = isa.all_fetches.first() else { return problem.terms.bool(true) };
    let found = execute::fetched(isa, &mut problem.terms, how, state, facts);
    let defined = problem.terms.not(found.strange);
    problem.terms.and(found.completes, defined)
}

fn has_instruction(isa: &Isa, state: &Concrete) -> bool {
    let is_word = |how| matches!(interp::fetch(how, state), interp::Fetched::Word(_));
    isa.all_fetches.first().is_none_or(is_word)
}

/// "There is a state in user mode, with what every monitor keeps, whose trap leaves these bits at another value", or one that has them at theirs.
pub(crate) fn ask_trap(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    kept: (Part, u128),
    trap: TrapId,
    had: bool,
) -> Obligation {
    let state = in_user(problem, setting);
    let state = problem.keeping(&state, setting.kept);
    let storage = Storage::Flat(problem.array());
    let entry = problem.laid_out(state, storage);
    let argument = argument(problem);
    let (after, strange) = behind(problem, trap, argument, entry.clone(), &Facts::default());
    let before = if had { kept_in(problem, &entry, &[kept]) } else { problem.terms.bool(true) };
    let after = kept_in(problem, &after, &[kept]);
    let other = problem.terms.not(after);
    let lost = problem.terms.or(other, strange);
    let goal = problem.terms.and(before, lost);
    let window = problem.window(&entry);
    let run = problem.at_rest(entry, window);
    asked(problem, run, goal)
}

pub(super) fn has(state: &Concrete, kept: &[(Part, u128)]) -> bool {
    kept.iter().all(|(part, value)| state.part(*part) == *value)
}

/// Where the step of a concrete state in a mode of the pair leads.
pub(super) fn step<'r>(
    replay: &'r Replay<'_>,
    from: VirtualMode,
) -> Option<(&'r Concrete, &'r Concrete)> {
    let [.., side] = replay.sides.as_slice() else { return None };
    let inside = |part| from.admits(replay.pair(), side.before.part(part));
    let inside = replay.isa().mode.is_none_or(inside)
        && (from != VirtualMode::Supervisor || has(&side.before, replay.setting.fixed));
    Some((&side.before, side.after(replay.isa(), false)?)).filter(|_| inside)
}

fn has_user_mode(replay: &Replay<'_>, state: &Concrete) -> bool {
    replay.isa().mode.is_none_or(|part| state.part(part) == replay.pair().user.1)
}

/// Whether the step of a concrete state enters the user mode of the pair.
pub(crate) fn enter_shown_by(replay: &Replay<'_>) -> bool {
    step(replay, VirtualMode::Supervisor).is_some_and(|(_, after)| has_user_mode(replay, after))
}

/// Whether the step of a concrete state launches a guest.
pub(crate) fn launch_shown_by(replay: &Replay<'_>, launching: Launching<'_>) -> bool {
    step(replay, VirtualMode::Supervisor).is_some_and(|(before, _)| has(before, launching.kept))
        && start_shown_by(replay, launching)
}

/// The same, where the bits that are kept may have any value before it.
pub(super) fn start_shown_by(replay: &Replay<'_>, launching: Launching<'_>) -> bool {
    let is_image = |state: &Concrete| {
        deprivileged(replay.isa(), replay.pair(), state).registers == state.registers
    };
    let is_placed =
        |state: &Concrete| mapping(replay.isa()).all(|(part, least)| state.part(part) >= least);
    let is_left = |before: &Concrete, after: &Concrete| {
        has_not_halted(replay, after)
            && has(after, replay.setting.vectors)
            && storage_left(replay.isa(), before, after)
    };
    step(replay, VirtualMode::Supervisor).is_some_and(|(before, after)| {
        has(after, launching.kept)
            && (!launching.leaves || is_left(before, after))
            && has_user_mode(replay, after)
            && (!launching.image || is_image(after))
            && (!launching.placed || is_placed(after))
    })
}

/// Whether the step of a concrete state sets these bits and leaves those that are held.
pub(crate) fn set_shown_by(
    replay: &Replay<'_>,
    kept: (Part, u128),
    held: &[(Part, u128)],
    trap: Option<TrapId>,
) -> bool {
    let isa = replay.isa();
    let own: Vec<Part> = own(isa).collect();
    let left_by = |trap: TrapId, before: &Concrete| {
        let [user, _] = replay.sides.as_slice() else { return false };
        let is_left = |argument| {
            let mut left = sequel(isa, trap, argument, &user.before)?;
            for (part, value) in held {
                left.set_part(*part, *value);
            }
            Some(own.iter().all(|part| left.part(*part) == before.part(*part)))
        };
        let user_mode = replay.pair().user.1;
        isa.mode.is_none_or(|part| user.before.part(part) == user_mode)
            && has(&user.before, replay.setting.kept)
            && arguments(isa).any(|argument| is_left(argument) == Some(true))
    };
    step(replay, VirtualMode::Supervisor).is_some_and(|(before, after)| {
        !has(before, &[kept])
            && has(after, &[kept])
            && [before, after].into_iter().all(|it| has(it, held) && has_instruction(isa, it))
            && has_not_halted(replay, after)
            && trap.is_none_or(|trap| left_by(trap, before))
    })
}

/// Whether the step of a concrete state moves a component of the mapping to where a guest may be.
pub(crate) fn map_shown_by(replay: &Replay<'_>, (part, least): (Part, u128)) -> bool {
    step(replay, VirtualMode::Supervisor).is_some_and(|(before, after)| {
        before.part(part) != after.part(part) && after.part(part) >= least
    })
}

/// Whether the trap of a concrete state in user mode, which may have to have these bits, leaves them at another value.
pub(crate) fn trap_shown_by(
    replay: &Replay<'_>,
    kept: (Part, u128),
    trap: TrapId,
    had: bool,
) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let changes = |argument| {
        sequel(isa, trap, argument, &side.before).is_none_or(|after| !has(&after, &[kept]))
    };
    let user = replay.pair().user.1;
    isa.mode.is_none_or(|part| side.before.part(part) == user)
        && has(&side.before, replay.setting.kept)
        && (!had || has(&side.before, &[kept]))
        && arguments(isa).any(changes)
}
