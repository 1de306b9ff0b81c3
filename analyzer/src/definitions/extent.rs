//! Extent sensitive instructions (profile `extended`).
//!
//! **Statement.** There are two states with the same relocation, M, P and contents of the smaller
//! window that differ in bounds, neither traps, and they end visibly different. Such an instruction
//! can be innocuous by every definition of 1974, and yet it breaks equivalence once the monitor
//! clips bounds.
//!
//! **What a witness shows.** The two bounds, and the result that tells them apart.

use model::isa::{Kind, Pair, Profile};

use super::behaviour::{compare, in_side, varied};
use super::{Definition, Obligation, Side};
use crate::problem::Problem;
use crate::replay::Replay;

pub(crate) const DEFINITION: Definition = Definition {
    name: "extent-sensitive",
    statement: "there are two states that differ in bounds only, and end visibly different (extended profile)",
    applies: |profile| profile == Profile::Extended,
    per_mode: true,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, profile: Profile) -> Obligation {
    let state = problem.fresh();
    let first = in_side(problem, &state, pair, side);
    let (second, differs) = varied(problem, &first, |s| s.kind == Some(Kind::Bounds));
    compare(problem, first, second, &[differs], profile)
}

fn shown_by(replay: &Replay<'_>, _: Side, _: Profile) -> bool {
    replay.differ_only(|s| s.kind == Some(Kind::Bounds)) && replay.results_differ(false)
}
