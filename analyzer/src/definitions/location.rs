//! Location sensitive instructions: behaviour sensitivity with x ≠ 0 and m1 = m2.
//!
//! **Statement** (P&G section 3). There are two states that differ in relocation only, see the same
//! storage, and end visibly different.
//!
//! **What a witness shows.** The two places of one window, and the result that tells them apart.

use model::isa::Kind;
use model::property::Property;

use super::behaviour::{compare, in_virtual_mode, relocated};
use super::{Definition, Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::LocationSensitive,
    statement: "there are two states that differ in relocation only, and end visibly different \
                (P&G 1974, section 3)",
    applies: |_| true,
    counts: |_| true,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let state = problem.fresh();
    let first = in_virtual_mode(problem, setting, &state, side);
    let (second, moved) = relocated(problem, &first);
    compare(problem, first, second, &[moved], setting.profile)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    replay.differ_only(|s| s.kind == Some(Kind::Relocation))
        && replay.sees_equal_storage()
        && replay.results_differ(replay.literal())
}
