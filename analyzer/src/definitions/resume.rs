//! Resuming: the guest goes on with what it had in its registers and in P.
//!
//! **Statement** (P&G section 4: the dispatcher gives the processor back to the guest). A component of E or P, taken
//! by itself, is *resumed* if each of its bits is 0 after one step that [launches](super::launch) a guest, and 1
//! after another. A value that no instruction in supervisor or user mode gives a bit, and no trap, is not asked for: P on
//! a machine of aligned instructions.
//!
//! **Formula.** [`ask`] looks for a launching step that leaves bits at values, [`ask_given`] for a step that gives
//! a bit its value.
//!
//! **What a witness shows.** The step.

use model::interp;
use model::isa::{Isa, TrapId};
use model::state::State as Concrete;

use super::launch::{self, Launching};
use super::save::{Component, read, value};
use super::sequence::{argument, arguments, behind, sequel};
use super::{Obligation, VirtualMode};
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;
use crate::symbolic::term::Term;

pub(crate) const STATEMENT: &str = "each bit of the component, taken by itself, has either value behind some step \
     that launches a guest, but for values that no instruction gives it (P&G 1974, section 4)";

/// Bits of a component, and the values they are to have.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    pub(crate) component: Component,
    pub(crate) mask: u128,
    pub(crate) value: u128,
}

impl Aim {
    /// Whether a state has the bits at their values.
    pub(super) fn term(&self, problem: &mut Problem<'_>, state: &State) -> Term {
        let width = self.component.slice.width;
        let bits = value(problem, state, &self.component);
        let [mask, wanted] = [self.mask, self.value].map(|v| problem.terms.constant(v, width));
        let bits = problem.terms.and(bits, mask);
        problem.terms.eq(bits, wanted)
    }

    pub(crate) fn is_met(&self, state: &Concrete) -> bool {
        read(state, &self.component) & self.mask == self.value
    }
}

/// "The instruction launches a guest, and these bits have their values behind it."
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    launching: Launching<'_>,
    aims: &[Aim],
) -> Obligation {
    let run = launch::run(problem, setting, VirtualMode::Supervisor);
    let mut all = launch::goals(problem, setting, &run, launching);
    all.push(launch::kept_in(problem, &run.entry, launching.kept));
    all.extend(aims.iter().map(|aim| aim.term(problem, &run.transition.after)));
    let goal = problem.terms.all(all);
    launch::asked(problem, run, goal)
}

pub(crate) fn shown_by(replay: &Replay<'_>, launching: Launching<'_>, aims: &[Aim]) -> bool {
    launch::step(replay, VirtualMode::Supervisor)
        .is_some_and(|(_, after)| aims.iter().all(|aim| aim.is_met(after)))
        && launch::launch_shown_by(replay, launching)
}

/// "The instruction gives some of these bits their values, of which none had its own", in a state that the assumptions
/// admit.
pub(crate) fn ask_given(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    aims: &[Aim],
) -> Obligation {
    let run = launch::run(problem, setting, side);
    let given = given(problem, &run.entry, &run.transition.after, aims);
    let goal = problem.terms.and(run.transition.completes, given);
    launch::asked(problem, run, goal)
}

/// Some of these bits have their values after, and none had before: by induction, where there is no such step, none
/// ever has.
fn given(problem: &mut Problem<'_>, before: &State, after: &State, aims: &[Aim]) -> Term {
    let [had, has] = [before, after].map(|state| {
        let met: Vec<Term> = aims.iter().map(|aim| aim.term(problem, state)).collect();
        problem.terms.any(met)
    });
    let mut all = problem.assumptions(after);
    all.extend([problem.terms.not(had), has]);
    problem.terms.all(all)
}

fn is_given(isa: &Isa, before: &Concrete, after: &Concrete, aims: &[Aim]) -> bool {
    !aims.iter().any(|aim| aim.is_met(before))
        && aims.iter().any(|aim| aim.is_met(after))
        && isa.assumptions.iter().all(|a| interp::value(&a.that, after).is_true())
}

pub(crate) fn given_shown_by(replay: &Replay<'_>, side: VirtualMode, aims: &[Aim]) -> bool {
    launch::step(replay, side)
        .is_some_and(|(before, after)| is_given(replay.isa(), before, after, aims))
}

/// "The sequence of the trap gives some of these bits their values, of which none had its own."
pub(crate) fn ask_given_by_trap(
    problem: &mut Problem<'_>,
    trap: TrapId,
    aims: &[Aim],
) -> Obligation {
    let state = problem.fresh();
    let storage = Storage::Flat(problem.array());
    let state = problem.laid_out(state, storage);
    let argument = argument(problem);
    let (after, strange) = behind(problem, trap, argument, state.clone(), &Facts::default());
    let given = given(problem, &state, &after, aims);
    let defined = problem.terms.not(strange);
    let goal = problem.terms.and(defined, given);
    let window = problem.window(&state);
    let run = problem.at_rest(state, window);
    launch::asked(problem, run, goal)
}

pub(crate) fn given_by_trap_shown_by(replay: &Replay<'_>, trap: TrapId, aims: &[Aim]) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let given = |argument| {
        sequel(replay.isa(), trap, argument, &side.before)
            .is_some_and(|after| is_given(replay.isa(), &side.before, &after, aims))
    };
    arguments(replay.isa()).any(given)
}
