//! Privileged instructions.
//!
//! **Statement** (P&G section 3). i is privileged iff for every pair of states S1 = ⟨e, s, p, r⟩ and
//! S2 = ⟨e, u, p, r⟩ in which neither i(S1) nor i(S2) memory-traps, i(S2) traps and i(S1) does not.
//! Profile `refined`: in every such pair i(S2) traps, and in at least one of them i(S1) completes.
//!
//! **Formula.** A counterexample is one pair; a proof is the unsatisfiability of "there is a pair
//! in which i(S2) does not trap (literal: or i(S1) does)". The premise must be satisfiable, or the
//! instruction is vacuously privileged.
//!
//! **What a witness shows.** Against: the pair, with i(S2) completing in user mode.
//! For, in `refined`: a pair in which i(S1) completes and i(S2) traps.

use model::isa::{Pair, Profile};

use super::Obligation;
use crate::decide::Query;
use crate::problem::{Problem, Run, Storage};
use crate::replay::{Replay, deprivileged};
use crate::symbolic::term::Term;

pub(crate) const STATEMENT: &str = "for every pair of states that differ in mode only and do not memory-trap, \
     the instruction traps in user mode (P&G 1974, section 3)";

/// The parts of the question: each is an obligation over the same pair of states.
pub(crate) struct Questions {
    runs: Vec<Run>,
    unknown: Term,
    /// Some pair is within the premise.
    pub(crate) premise: Query,
    /// Some pair is against.
    pub(crate) against: Query,
    /// Some pair has i(S1) completing and i(S2) trapping.
    pub(crate) completing: Query,
}

impl Questions {
    /// One of the queries as an obligation.
    pub(crate) fn obligation(self, goal: Query) -> Obligation {
        Obligation { query: goal, runs: self.runs, unknown: self.unknown, first: None }
    }
}

pub(crate) fn ask(problem: &mut Problem<'_>, pair: &Pair, profile: Profile) -> Questions {
    let (supervisor, user) = problem.mode_pair(pair);
    let storage = Storage::Flat(problem.array());
    let s1 = problem.run(supervisor, storage);
    let s2 = problem.run(user, storage);
    let mut premises = problem.always.clone();
    premises.extend(s1.assumed.iter().chain(&s2.assumed));
    let unknown = problem.terms.or(s1.transition.unknown, s2.transition.unknown);
    let (d1, d2) = (problem.defined(&s1), problem.defined(&s2));
    let within = problem.terms.and(d1, d2);
    let t1 = s1.transition.trap(&mut problem.terms);
    let t2 = s2.transition.trap(&mut problem.terms);
    let completes = problem.terms.not(t2);
    let wrong =
        if profile == Profile::Literal { problem.terms.or(completes, t1) } else { completes };
    let wrong = problem.terms.and(within, wrong);
    let right = problem.terms.and(s1.transition.completes, t2);
    let right = problem.terms.and(within, right);
    let query = |goal: Term| Query { premises: premises.clone(), goal };
    let (premise, against, completing) = (query(within), query(wrong), query(right));
    Questions { runs: vec![s1, s2], unknown, premise, against, completing }
}

/// Whether played states refute that the instruction is privileged.
pub(crate) fn refuted_by(replay: &Replay<'_>, profile: Profile) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    within(replay) && (b.completes() || (profile == Profile::Literal && a.traps()))
}

/// Whether played states show the existence that `refined` asks for.
pub(crate) fn completed_by(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    within(replay) && a.completes() && b.traps()
}

/// Whether the states are a pair in the sense of the definition.
pub(crate) fn within(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let proper = |side: &crate::replay::Played| !side.memory_traps(replay.isa) && !side.strange();
    deprivileged(replay.isa, replay.pair, &a.before) == b.before && proper(a) && proper(b)
}
