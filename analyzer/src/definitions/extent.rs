//! Extent sensitive instructions (profile `extended`).
//!
//! **Statement.** There are two states with the same relocation, M, P and contents of the smaller
//! window that differ in bounds, neither traps, and they end visibly different. Such an instruction
//! can be innocuous by every definition of 1974, and yet it breaks equivalence once the monitor
//! clips bounds.
//!
//! **What a witness shows.** The two bounds, and the result that tells them apart.

use model::isa::{Kind, Profile};
use model::property::Property;

use super::behaviour::{compare_in_place, in_virtual_mode, varied};
use super::{Definition, Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::ExtentSensitive,
    statement: "there are two states that differ in bounds only, and end visibly different (extended profile)",
    applies: |profile| profile == Profile::Extended,
    counts: |_| true,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let state = problem.fresh();
    let first = in_virtual_mode(problem, setting, &state, side);
    let (second, differs) = varied(problem, &first, |s| s.kind == Some(Kind::Bounds));
    compare_in_place(problem, first, second, &[differs], setting.profile)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    replay.differ_only(|s| s.kind == Some(Kind::Bounds))
        && replay.has_equal_storage()
        && replay.results_differ(false)
}
