//! Instructions that show whether a trap happened before them (profile `extended`).
//!
//! **Statement.** There are two states that differ only in components of E, storage apart, that the
//! trap sequence writes, and they end visibly different elsewhere: a trap that a monitor takes and
//! hides before the instruction can be seen. Load-locked and store-conditional are the classic example.
//!
//! **What a witness shows.** The component that a trap clears, and the result that tells.

use std::collections::BTreeSet;

use model::bits::mask;
use model::isa::{Isa, Pair, Profile, RegisterId, Role, Slice, Stmt};
use model::state::State;

use super::behaviour::{compare_but, in_side};
use super::{Definition, Obligation, Side};
use crate::problem::Problem;
use crate::replay::{Replay, keeps_mode_and_r, visibly_equal};

pub(crate) const DEFINITION: Definition = Definition {
    name: "trap-visible",
    statement: "there are two states that differ only in what a trap sequence writes of E, and end visibly \
                different (extended profile)",
    applies: |profile| profile == Profile::Extended,
    per_mode: true,
    ask,
    shown_by,
};

/// What some trap sequence writes of E, storage apart.
pub(super) fn written(isa: &Isa) -> Vec<(RegisterId, Slice)> {
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
    let slices = |id: RegisterId| isa.register(id).slices.iter().map(move |s| (id, s.clone()));
    all.into_iter().flat_map(slices).filter(|(_, slice)| slice.role == Role::E).collect()
}

fn ask(problem: &mut Problem<'_>, pair: &Pair, side: Side, profile: Profile) -> Obligation {
    let state = problem.fresh();
    let first = in_side(problem, &state, pair, side);
    let written = written(problem.isa);
    let second =
        problem.vary(&first, |id, slice| written.iter().any(|(w, s)| (*w, s) == (id, slice)));
    let differs = problem.differ(&first, &second, |slice| slice.role == Role::E);
    compare_but(problem, first, second, &[differs], profile, &written)
}

fn shown_by(replay: &Replay<'_>, _: Side, _: Profile) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let isa = replay.isa;
    let written = written(isa);
    // The second state with what a trap writes as in the first.
    let alike = |state: &State, like: &State| {
        let mut state = state.clone();
        for (id, slice) in &written {
            let bits = mask(slice.width) << slice.low;
            for i in 0..u128::from(isa.register(*id).len()) {
                let value = state.element(*id, i) & !bits | like.element(*id, i) & bits;
                state.set_element(*id, i, value);
            }
        }
        state
    };
    let (Some(x), Some(y)) = (a.after(isa, false), b.after(isa, false)) else { return false };
    alike(&b.before, &a.before).registers == a.before.registers
        && replay.differ_only(|s| s.role == Role::E)
        && keeps_mode_and_r(isa, a, x)
        && keeps_mode_and_r(isa, b, y)
        && !visibly_equal(isa, (a, x), (b, &alike(y, x)))
}
