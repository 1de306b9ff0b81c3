//! Instructions that mask a trap (profile `extended`).
//!
//! **Statement.** There are states S1 in supervisor and S2 in user mode, otherwise equal, such that
//! i(S1) takes a trap that is no memory trap and i(S2) completes: a trap the virtual machine needs
//! does not happen.
//!
//! **What a witness shows.** The pair, and the trap that only the supervisor gets.

use model::isa::Profile;
use model::property::Property;

use super::{Definition, Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::{Replay, deprivileged};
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::TrapMasked,
    statement: "there are two states that differ in mode only; the supervisor's traps, the user's completes \
                (extended profile)",
    applies: |profile| profile == Profile::Extended,
    counts: |_| true,
    modes: &[],
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, _: VirtualMode) -> Obligation {
    let (supervisor, user) = problem.mode_pair(setting.pair);
    let storage = Storage::Flat(problem.array());
    let s1 = problem.run(supervisor, storage);
    let s2 = problem.run(user, storage);
    let mut premises = problem.always.clone();
    premises.extend(s1.assumed.iter().chain(&s2.assumed));
    let trap = s1.transition.other_trap(&mut problem.terms, problem.isa);
    let goal = problem.terms.and(trap, s2.transition.completes);
    let unknown = problem.terms.or(s1.transition.unknown, s2.transition.unknown);
    Obligation { query: Query { premises, goal }, runs: vec![s1, s2], unknown, first: None }
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    replay.starts_in_supervisor()
        && deprivileged(replay.isa(), replay.pair(), &a.before) == b.before
        && a.traps()
        && !a.memory_traps(replay.isa())
        && b.completes()
}
