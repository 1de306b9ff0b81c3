//! Fixed components: what stays as a reset leaves it, whatever runs.
//!
//! **Statement.** Components of M (the mode apart) and of R, kinds resource and trap-vector, are *fixed* if from
//! every state, in any mode, in which all of them have the values that a reset gives them, no instruction and no trap
//! sequence changes one. A state that the machine can come to has them at these values, so a step from another one is
//! none that a monitor can rely on.
//!
//! **Formula.** [`ask_step`] looks for an instruction that changes the component, [`ask_trap`] for a trap.
//!
//! **What a witness shows.** The state whose step or trap changes it.

use model::interp;
use model::isa::{Isa, Kind, Part, Role, TrapId};
use model::state::State as Concrete;

use super::Obligation;
use super::launch::{asked, has, kept_in};
use super::sequence::{argument, arguments, behind, sequel};
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::Replay;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;

pub(crate) const STATEMENT: &str = "from every state in which all fixed components have the values that a reset gives \
     them, no instruction in any mode and no trap sequence changes one of them";

/// What may be fixed, with the values after a reset.
pub(crate) fn candidates(isa: &Isa) -> Vec<(Part, u128)> {
    let reset = interp::run_plain(&isa.reset, &Concrete::zero(isa, isa.storage.cells));
    let mut all = Vec::new();
    for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in &register.slices {
            let part = Part { register: id, low: slice.low, width: slice.width };
            let stays = match slice.role {
                Role::M => isa.mode != Some(part),
                Role::R => matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector)),
                Role::E | Role::P => false,
            };
            all.extend(stays.then(|| (part, reset.part(part))));
        }
    }
    all
}

/// Any state, in any mode, with components at their values.
fn state_with(problem: &mut Problem<'_>, fixed: &[(Part, u128)]) -> State {
    let mut state = problem.fresh();
    for (part, value) in fixed {
        let value = problem.terms.constant(*value, part.width);
        state.set_part(&mut problem.terms, *part, value);
    }
    let storage = Storage::Flat(problem.array());
    problem.laid_out(state, storage)
}

/// "The instruction, from a state in which all of `fixed` have their values, changes one of them, or has when it
/// traps."
pub(crate) fn ask_step(
    problem: &mut Problem<'_>,
    one: (Part, u128),
    fixed: &[(Part, u128)],
) -> Obligation {
    let state = state_with(problem, fixed);
    let window = problem.window(&state);
    let facts = problem.known();
    let run = problem.run_with(state, window, facts);
    let exits = run.transition.traps.iter().map(|exit| (exit.when, exit.before.clone()));
    let ends: Vec<_> =
        exits.chain([(run.transition.completes, run.transition.after.clone())]).collect();
    let mut changes = problem.terms.bool(false);
    for (when, end) in ends {
        let same = kept_in(problem, &end, &[one]);
        let changed = problem.terms.not(same);
        let changed = problem.terms.and(when, changed);
        changes = problem.terms.or(changes, changed);
    }
    asked(problem, run, changes)
}

/// "The sequence of the trap, from a state in which all of `fixed` have their values, changes one of them."
pub(crate) fn ask_trap(
    problem: &mut Problem<'_>,
    one: (Part, u128),
    fixed: &[(Part, u128)],
    trap: TrapId,
) -> Obligation {
    let entry = state_with(problem, fixed);
    let argument = argument(problem);
    let (after, strange) = behind(problem, trap, argument, entry.clone(), &Facts::default());
    let same = kept_in(problem, &after, &[one]);
    let ordinary = problem.terms.not(strange);
    let other = problem.terms.not(same);
    let changed = problem.terms.and(ordinary, other);
    let window = problem.window(&entry);
    let run = problem.at_rest(entry, window);
    asked(problem, run, changed)
}

/// Whether the step of a concrete state changes the component.
pub(crate) fn step_shown_by(
    replay: &Replay<'_>,
    one: (Part, u128),
    fixed: &[(Part, u128)],
) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let raised = side.raised.as_ref().map(|it| &it.state);
    let end = side.after(replay.isa(), false).or(raised);
    has(&side.before, fixed) && end.is_some_and(|end| !has(end, &[one]))
}

/// Whether the trap of a concrete state changes the component.
pub(crate) fn trap_shown_by(
    replay: &Replay<'_>,
    one: (Part, u128),
    fixed: &[(Part, u128)],
    trap: TrapId,
) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let changes =
        |it| sequel(isa, trap, it, &side.before).is_some_and(|after| !has(&after, &[one]));
    has(&side.before, fixed) && arguments(isa).any(changes)
}
