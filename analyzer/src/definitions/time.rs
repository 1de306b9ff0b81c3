//! Time sensitive instructions (profile `extended`; premise of Theorem 2 in every profile).
//!
//! **Statement.** There are two states that differ in components of R of kind time only, and end
//! visibly different. Theorem 2 asks for a monitor without timing dependencies (P&G section 4).
//!
//! **What a witness shows.** The clock that an instruction lets a guest see.

use model::isa::{Kind, Pair, Profile};

use super::behaviour::{compare, in_side, varied};
use super::{Definition, Obligation, Side};
use crate::problem::Problem;
use crate::replay::Replay;

pub(crate) const DEFINITION: Definition = Definition {
    name: "time-sensitive",
    statement: "there are two states that differ in time only, and end visibly different (P&G 1974, section 4)",
    applies: |_| true,
    per_mode: true,
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, _: Profile) -> Obligation {
    let state = problem.fresh();
    let first = in_side(problem, &state, pair, side);
    let (second, differs) = varied(problem, &first, |s| s.kind == Some(Kind::Time));
    compare(problem, first, second, &[differs], Profile::Refined)
}

fn shown_by(replay: &Replay<'_>, _: Side, _: Profile) -> bool {
    replay.differ_only(|s| s.kind == Some(Kind::Time)) && replay.results_differ(false)
}
