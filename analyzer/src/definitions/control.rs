//! Control sensitive instructions.
//!
//! **Statement** (P&G section 3). i is control sensitive iff there is a state S1 = ⟨e1, m1, p1, r1⟩
//! with i(S1) = S2 = ⟨e2, m2, p2, r2⟩ without a memory trap, and r1 ≠ r2 or m1 ≠ m2.
//! Profile `refined` excludes every trap, not only memory traps.
//!
//! **What a witness shows.** One state, in the given mode, and the component of M or R that changes.

use model::isa::Role;
use model::property::Property;

use super::behaviour::in_virtual_mode;
use super::{Definition, Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::{Replay, equal_bits};
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::ControlSensitive,
    statement: "there is a state in which the instruction completes and changes the mode or R (P&G 1974, section 3)",
    applies: |_| true,
    counts: |_| true,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let state = problem.fresh();
    let entry = in_virtual_mode(problem, setting, &state, side);
    let storage = Storage::Flat(problem.array());
    let run = problem.run(entry, storage);
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let mut happens = run.transition.completes;
    let mut after = run.transition.after.clone();
    if setting.literal() {
        let (with_traps, strange) = problem.outcome(&run);
        let trap = run.transition.other_trap(&mut problem.terms, problem.isa);
        let strange = problem.terms.not(strange);
        happens = problem.terms.or(happens, trap);
        happens = problem.terms.and(happens, strange);
        after = with_traps;
    }
    let changed = problem.differ(&run.entry, &after, |s| matches!(s.role, Role::M | Role::R));
    let goal = problem.terms.and(happens, changed);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

fn shown_by(replay: &Replay<'_>, side: VirtualMode) -> bool {
    let [run] = replay.sides.as_slice() else { return false };
    let mode = replay.isa().mode.map(|part| run.before.part(part));
    let changed = |after| {
        !equal_bits(replay.isa(), &run.before, after, |s| matches!(s.role, Role::M | Role::R))
    };
    mode.is_some_and(|mode| side.admits(replay.pair(), mode))
        && run.after(replay.isa(), replay.literal()).is_some_and(changed)
}
