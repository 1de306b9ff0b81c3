//! Resource sensitive instructions (profiles `refined` and `extended`).
//!
//! **Statement.** There are two states that agree in E, P, M and the mapping, differ in components
//! of R of kind resource, trap-vector, identity or device, and end visibly different although both
//! keep M and R. The 1974 paper has no such components; IA-32's SGDT is the classic example.
//!
//! **What a witness shows.** The resource that an instruction lets a guest see.

use model::isa::{Kind, Profile, Slice};
use model::property::Property;

use super::behaviour::{compare_in_place, in_virtual_mode, varied};
use super::{Definition, Obligation, VirtualMode};
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::ResourceSensitive,
    statement: "there are two states that differ in components of R other than the mapping and time, \
                and end visibly different (refined profile)",
    applies: |profile| profile != Profile::Literal,
    counts: |_| true,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

/// The components of R that belong to the monitor, beyond the mapping and time.
pub(crate) fn is_resource(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector | Kind::Identity | Kind::Device))
}

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let state = problem.fresh();
    let first = in_virtual_mode(problem, setting, &state, side);
    let (second, differs) = varied(problem, &first, is_resource);
    compare_in_place(problem, first, second, &[differs], setting.profile)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    replay.differ_only(is_resource) && replay.has_equal_storage() && replay.results_differ(false)
}
