//! Resource sensitive instructions (profiles `refined` and `extended`).
//!
//! **Statement.** There are two states that agree in E|r, P, M and the mapping, differ in components
//! of R of kind resource, trap-vector, identity or device, and end visibly different although both
//! keep M and R. The 1974 paper has no such components; IA-32's SGDT is the classic example.
//!
//! **What a witness shows.** The resource that an instruction lets a guest see.

use model::isa::{Kind, Pair, Profile, Slice};

use super::behaviour::{compare, in_side, varied};
use super::{Definition, Obligation, Side};
use crate::problem::Problem;
use crate::replay::Replay;

pub(crate) const DEFINITION: Definition = Definition {
    name: "resource-sensitive",
    statement: "there are two states that differ in components of R other than the mapping and time, \
                and end visibly different (refined profile)",
    applies: |profile| profile != Profile::Literal,
    per_mode: true,
    ask,
    shown_by,
};

/// The components of R that belong to the monitor, beyond the mapping and time.
pub(crate) fn is_resource(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector | Kind::Identity | Kind::Device))
}

fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, profile: Profile) -> Obligation {
    let state = problem.fresh();
    let first = in_side(problem, &state, pair, side);
    let (second, differs) = varied(problem, &first, is_resource);
    compare(problem, first, second, &[differs], profile)
}

fn shown_by(replay: &Replay<'_>, _: Side, _: Profile) -> bool {
    replay.differ_only(is_resource) && replay.results_differ(false)
}
