//! Mode sensitive instructions: behaviour sensitivity with x = 0 and m1 ≠ m2.
//!
//! **Statement** (P&G section 3). There are two states that differ in mode only, after the pair's
//! de-privileging map, and end visibly different although both keep M and R.
//!
//! Storage is compared through each side's own mapping, so a mapping that depends on M alone makes
//! no load mode sensitive.
//!
//! **What a witness shows.** The state in both modes, and the result that tells them apart.

use super::behaviour::compare;
use super::{Definition, Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::{Replay, deprivileged};
use crate::prove::setting::Setting;
use model::property::Property;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::ModeSensitive,
    statement: "there are two states that differ in mode only, and end visibly different (P&G 1974, section 3)",
    applies: |_| true,
    counts: |_| true,
    modes: &[],
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, _: VirtualMode) -> Obligation {
    let (supervisor, user) = problem.mode_pair(setting.pair);
    compare(problem, supervisor, user, &[], setting.profile)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    replay.starts_in_supervisor()
        && deprivileged(replay.isa(), replay.pair(), &a.before).registers == b.before.registers
        && replay.sees_equal_storage()
        && replay.results_differ(replay.literal())
}
