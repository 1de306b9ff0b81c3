//! Instructions that show whether a trap happened before them (profile `extended`).
//!
//! **Statement.** There are two states that differ only in components of E, storage apart, that the
//! trap sequence writes, and they end visibly different: a trap that a monitor takes and hides
//! before the instruction can be seen. Load-locked and store-conditional are the classic example.
//!
//! **What a witness shows.** The component that a trap clears, and the result that tells.

use std::collections::BTreeSet;

use model::isa::{Isa, Pair, Profile, RegisterId, Role, Stmt};
use model::state::State;

use super::behaviour::{compare, in_side};
use super::{Definition, Obligation, Side};
use crate::problem::Problem;
use crate::replay::Replay;

pub(crate) const DEFINITION: Definition = Definition {
    name: "trap-visible",
    statement: "there are two states that differ only in what a trap sequence writes of E, and end visibly \
                different (extended profile)",
    applies: |profile| profile == Profile::Extended,
    per_mode: true,
    ask,
    shown_by,
};

/// The registers that some trap sequence writes.
fn written(isa: &Isa) -> BTreeSet<RegisterId> {
    fn collect(statements: &[Stmt], all: &mut BTreeSet<RegisterId>) {
        for statement in statements {
            match statement {
                Stmt::Register(id, _) | Stmt::Element(id, ..) => {
                    all.insert(*id);
                }
                Stmt::If(_, yes, no) => {
                    collect(yes, all);
                    collect(no, all);
                }
                Stmt::Block(inner) => collect(inner, all),
                Stmt::Local(..)
                | Stmt::Store(..)
                | Stmt::Exit(_)
                | Stmt::Trap(..)
                | Stmt::Commit
                | Stmt::Unpredictable
                | Stmt::Unknown => {}
            }
        }
    }
    let mut all = BTreeSet::new();
    isa.traps.iter().for_each(|trap| collect(&trap.sequence.statements, &mut all));
    all
}

fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, profile: Profile) -> Obligation {
    let state = problem.fresh();
    let first = in_side(problem, &state, pair, side);
    let written = written(problem.isa);
    let second = problem.vary(&first, |id, slice| slice.role == Role::E && written.contains(&id));
    compare(problem, first, second, &[], profile)
}

fn shown_by(replay: &Replay<'_>, _: Side, _: Profile) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let written = written(replay.isa);
    let kept = |state: &State| {
        let all = state.of_role(replay.isa, |_| true);
        let all = all.filter(|(id, _, slice, _)| slice.role != Role::E || !written.contains(id));
        all.map(|(_, _, _, value)| value).collect::<Vec<_>>()
    };
    kept(&a.before) == kept(&b.before)
        && replay.differ_only(|s| s.role == Role::E)
        && replay.results_differ(false)
}
