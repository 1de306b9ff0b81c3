//! Time sensitive instructions (profile `extended`; premise of Theorem 2 in every profile).
//!
//! **Statement.** There are two states that differ in components of R of kind time only, and end
//! visibly different. Theorem 2 asks for a monitor without timing dependencies (P&G section 4).
//!
//! **What a witness shows.** The clock that an instruction lets a guest see.

use model::isa::{Kind, Profile};
use model::property::Property;

use super::behaviour::{compare_in_place, in_virtual_mode, varied};
use super::{Definition, Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::TimeSensitive,
    statement: "there are two states that differ in time only, and end visibly different (P&G 1974, section 4)",
    applies: |_| true,
    counts: |profile| profile == Profile::Extended,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let state = problem.fresh();
    let first = in_virtual_mode(problem, setting, &state, side);
    let (second, differs) = varied(problem, &first, |s| s.kind == Some(Kind::Time));
    compare_in_place(problem, first, second, &[differs], Profile::Refined)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    replay.differ_only(|s| s.kind == Some(Kind::Time))
        && replay.has_equal_storage()
        && replay.results_differ(false)
}
