//! Whether a specification's assumption survives a step.
//!
//! **Statement.** There is a state, in the given mode, in which all assumptions hold and after which
//! this one does not. If there is none from user mode, direct execution preserves the assumption;
//! otherwise a monitor has to maintain it, and reports say so.
//!
//! **What a witness shows.** The step that breaks the assumption.

use model::interp;
use model::isa::Pair;

use super::behaviour::in_side;
use super::{Obligation, Side};
use crate::decide::Query;
use crate::problem::{Problem, Storage};
use crate::replay::Replay;

pub(crate) fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, index: usize) -> Obligation {
    let state = problem.fresh();
    let entry = in_side(problem, &state, pair, side);
    let storage = Storage::Flat(problem.array());
    let run = problem.run(entry, storage);
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let after = problem.assumptions(&run.transition.after)[index];
    let broken = problem.terms.not(after);
    let goal = problem.terms.and(run.transition.completes, broken);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

pub(crate) fn broken_by(replay: &Replay<'_>, index: usize) -> bool {
    let [run] = replay.sides.as_slice() else { return false };
    let broken = |after| !interp::value(&replay.isa.assumptions[index].that, after).is_true();
    run.after(replay.isa, false).is_some_and(broken)
}
