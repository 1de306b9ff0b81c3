//! Privileged instructions.
//!
//! **Statement** (P&G section 3). i is privileged iff for every pair of states S1 = ⟨e, s, p, r⟩ and
//! S2 = ⟨e, u, p, r⟩ in which neither i(S1) nor i(S2) memory-traps, i(S2) traps and i(S1) does not.
//! Profile `refined`: in every such pair i(S2) traps, and in at least one of them i(S1) completes.
//!
//! A trap counts if it leads to a monitor ([trap entry](super::entry)). Where i(S1) is unpredictable
//! nothing is asked of i(S2); where i(S1) is defined, an unpredictable i(S2) is no trap.
//!
//! **Formula.** A counterexample is one pair; a proof is the unsatisfiability of "there is a pair
//! in which i(S2) does not trap (literal: or i(S1) does)". The premise must be satisfiable, or the
//! instruction is vacuously privileged.
//!
//! **What a witness shows.** Against: the pair, with i(S2) completing in user mode.
//! For, in `refined`: a pair in which i(S1) completes and i(S2) traps.

use super::Obligation;
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::replay::{Replay, deprivileged};
use crate::prove::setting::Setting;

pub(crate) const STATEMENT: &str = "for every pair of states that differ in mode only and do not memory-trap, \
     the instruction traps to the monitor in user mode; and in supervisor mode it traps in none of them (literal), or \
     completes in at least one (P&G 1974, section 3)";

/// The parts of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Some pair is against.
    Against,
    /// Some pair is within the premise.
    Premise,
    /// Some pair has i(S1) completing and i(S2) trapping.
    Completing,
}

impl Part {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Against => "privileged/against",
            Self::Premise => "privileged/premise",
            Self::Completing => "privileged/completing",
        }
    }
}

pub(crate) fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, part: Part) -> Obligation {
    let [s1, s2] = in_both_modes(problem, setting);
    let mut premises = problem.always.clone();
    premises.extend(s1.assumed.iter().chain(&s2.assumed));
    let unknown = problem.terms.or(s1.transition.unknown, s2.transition.unknown);
    let d1 = problem.defined(&s1);
    let memory = s2.transition.memory_trap(&mut problem.terms, problem.isa);
    let excluded = problem.terms.or(memory, s2.transition.unknown);
    let included = problem.terms.not(excluded);
    let within = problem.terms.and(d1, included);
    let t1 = s1.transition.trap(&mut problem.terms);
    let t2 = problem.entering_trap(&s2);
    let asked = match part {
        Part::Against => {
            let completes = problem.terms.not(t2);
            if setting.literal() { problem.terms.or(completes, t1) } else { completes }
        }
        Part::Premise => problem.terms.bool(true),
        Part::Completing => problem.terms.and(s1.transition.completes, t2),
    };
    let goal = problem.terms.and(within, asked);
    Obligation { query: Query { premises, goal }, runs: vec![s1, s2], unknown, first: None }
}

/// S1 and S2, with what the instruction does to them.
fn in_both_modes(problem: &mut Problem<'_>, setting: Setting<'_>) -> [Run; 2] {
    if let Some(known) = &problem.in_both_modes {
        return known.clone();
    }
    let (supervisor, user) = problem.mode_pair(setting.pair);
    let storage = Storage::Flat(problem.array());
    let runs = [problem.run(supervisor, storage), problem.run(user, storage)];
    problem.in_both_modes = Some(runs.clone());
    runs
}

/// Whether played states answer a part of the question.
pub(crate) fn shown_by(replay: &Replay<'_>, part: Part) -> bool {
    match part {
        Part::Against => refuted_by(replay),
        Part::Premise => within(replay),
        Part::Completing => completed_by(replay),
    }
}

/// Whether played states refute that the instruction is privileged.
fn refuted_by(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    within(replay) && (!replay.enters(b) || (replay.literal() && a.traps()))
}

/// Whether played states show the existence that `refined` asks for.
fn completed_by(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    within(replay) && a.completes() && replay.enters(b)
}

/// Whether the states are a pair in the sense of the definition.
fn within(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    replay.starts_in_supervisor()
        && deprivileged(replay.isa(), replay.pair(), &a.before) == b.before
        && !a.memory_traps(replay.isa())
        && !a.undefined()
        && !b.memory_traps(replay.isa())
        && !b.unknown()
}
