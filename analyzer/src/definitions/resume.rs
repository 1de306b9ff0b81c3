//! Resuming: the guest goes on with what it had in its registers and in P.
//!
//! **Statement** (P&G section 4: the dispatcher gives the processor back to the guest). A component of E or P, taken
//! by itself, is *resumed* if each of its bits is 0 after one step that [launches](super::launch) a guest, and 1
//! after another. A value that no instruction in supervisor or user mode gives a bit is not asked for: P on a
//! machine of aligned instructions.
//!
//! **Formula.** [`ask`] looks for a launching step that leaves bits at values, [`ask_given`] for a step that gives
//! a bit its value.
//!
//! **What a witness shows.** The step.

use super::launch::{self, Launching};
use super::save::{Component, read, value};
use super::{Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
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
    fn term(&self, problem: &mut Problem<'_>, state: &State) -> Term {
        let width = self.component.slice.width;
        let bits = value(problem, state, &self.component);
        let [mask, wanted] = [self.mask, self.value].map(|v| problem.terms.constant(v, width));
        let bits = problem.terms.and(bits, mask);
        problem.terms.eq(bits, wanted)
    }

    fn is_met(&self, state: &model::state::State) -> bool {
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
    all.extend(aims.iter().map(|aim| aim.term(problem, &run.transition.after)));
    let goal = problem.terms.all(all);
    launch::asked(problem, run, goal)
}

pub(crate) fn shown_by(replay: &Replay<'_>, launching: Launching<'_>, aims: &[Aim]) -> bool {
    launch::step(replay, VirtualMode::Supervisor)
        .is_some_and(|(_, after)| aims.iter().all(|aim| aim.is_met(after)))
        && launch::launch_shown_by(replay, launching)
}

/// "The instruction gives some of these bits their values, which they did not have."
pub(crate) fn ask_given(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    aims: &[Aim],
) -> Obligation {
    let run = launch::run(problem, setting, side);
    let mut given = problem.terms.bool(false);
    for aim in aims {
        let before = aim.term(problem, &run.entry);
        let other = problem.terms.not(before);
        let after = aim.term(problem, &run.transition.after);
        let one = problem.terms.and(other, after);
        given = problem.terms.or(given, one);
    }
    let goal = problem.terms.and(run.transition.completes, given);
    launch::asked(problem, run, goal)
}

pub(crate) fn given_shown_by(replay: &Replay<'_>, side: VirtualMode, aims: &[Aim]) -> bool {
    launch::step(replay, side).is_some_and(|(before, after)| {
        aims.iter().any(|aim| !aim.is_met(before) && aim.is_met(after))
    })
}
