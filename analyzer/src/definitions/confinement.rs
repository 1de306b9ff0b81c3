//! Confinement: unprivileged code reaches storage through its mapping only, and writes nothing that
//! belongs to the monitor.
//!
//! **Statement.** An instruction is unconfined iff there are two states in user mode that agree in
//! everything but the storage outside E|r, in which it completes, and it changes M, a component of R
//! beside the mapping (clocks included) or a cell outside E|r, or the results are visibly different.
//! On the machine of P&G section 2 no instruction is: the paper assumes it silently. Where it fails,
//! resource control does. The trap sequence is exempt. The states are those that a monitor sets up: their
//! window ends inside storage.
//!
//! **What a witness shows.** What the instruction changes outside, or the cell outside that it shows.

use model::isa::{Part, Role, Slice};
use model::property::Property;

use super::behaviour::in_virtual_mode;
use super::statewise::monitors;
use super::{Definition, Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::replay::{Replay, equal_bits, visibly_equal};
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::term::Term;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::Unconfined,
    statement: "there is a state in user mode in which the instruction completes, and reads or writes storage \
                outside its window, or writes the mode or a component of the monitor's",
    applies: |_| true,
    counts: |_| false,
    modes: &[VirtualMode::User],
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    ask_keeping(problem, setting, side, &[])
}

/// The same under a monitor that keeps bits of its own at fixed values.
pub(crate) fn ask_keeping(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    kept: &[(Part, u128)],
) -> Obligation {
    let state = problem.fresh();
    let entry = in_virtual_mode(problem, setting, &state, side);
    let entry = problem.keeping(&entry, kept);
    let window = problem.array();
    let runs: Vec<Run> = [entry.clone(), entry]
        .map(|entry| {
            let outside = problem.array();
            problem.run(entry, Storage::Windowed { window, outside })
        })
        .into();
    let mut premises = problem.always.clone();
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    premises.push(ends_inside(problem, &runs[0]));
    let [a, b] = [&runs[0], &runs[1]];
    let (x, y) = (&a.transition.after, &b.transition.after);
    let changed = problem.differ(&a.entry, x, monitors);
    let shown = problem.visible_difference((a, x), (b, y));
    let goal = complete_and(problem, a, b, changed, shown);
    let unknown = problem.terms.or(a.transition.unknown, b.transition.unknown);
    Obligation { query: Query { premises, goal }, runs, unknown, first: None }
}

/// The same for two known states, without anything left to choose.
pub(super) fn fails_exactly(problem: &mut Problem<'_>, a: &Run, b: &Run) -> Term {
    let (x, y) = (&a.transition.after, &b.transition.after);
    let changed = problem.differ_exactly(&a.entry, x, monitors);
    let mut shown = vec![problem.differ_exactly(x, y, |s| matches!(s.role, Role::E | Role::P))];
    let (base, size) = a.window;
    let facts = Facts::default();
    for write in x.writes.iter().chain(&y.writes) {
        let terms = &mut problem.terms;
        let offset = terms.sub(write.index, base);
        let inside = terms.ult(offset, size);
        let [x, y] = [x, y].map(|after| after.load(terms, &facts, write.index));
        let different = terms.ne(x, y);
        shown.push(terms.and(inside, different));
    }
    let shown = problem.terms.any(shown);
    let wrong = complete_and(problem, a, b, changed, shown);
    let inside = ends_inside(problem, a);
    problem.terms.and(inside, wrong)
}

/// Both complete, and something of the monitor's is changed, or a cell outside, or shows.
fn complete_and(problem: &mut Problem<'_>, a: &Run, b: &Run, changed: Term, shown: Term) -> Term {
    let spilled = writes_outside(problem, a);
    let terms = &mut problem.terms;
    let wrong = terms.any([changed, spilled, shown]);
    terms.all([a.transition.completes, b.transition.completes, wrong])
}

/// The window ends inside storage. Addresses are wide enough for the sum.
fn ends_inside(problem: &mut Problem<'_>, run: &Run) -> Term {
    let terms = &mut problem.terms;
    let (base, size) = run.window;
    let end = terms.add(base, size);
    terms.ule(end, run.entry.layout.cells)
}

/// Some cell outside E|r is another one after the instruction.
fn writes_outside(problem: &mut Problem<'_>, run: &Run) -> Term {
    let terms = &mut problem.terms;
    let after = &run.transition.after;
    let facts = &run.transition.facts;
    let (base, size) = run.window;
    let mut wrong = Vec::new();
    for write in &after.writes {
        let offset = terms.sub(write.index, base);
        let inside = terms.ult(offset, size);
        if facts.decide(terms, inside) == Some(true) {
            continue;
        }
        let outside = terms.not(inside);
        let old = run.entry.load(terms, facts, write.index);
        let new = after.load(terms, facts, write.index);
        let changed = terms.ne(old, new);
        wrong.push(terms.all([write.guard, outside, changed]));
    }
    terms.any(wrong)
}

pub(crate) fn shown_by(replay: &Replay<'_>, side: VirtualMode) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let (Some(x), Some(y)) = (a.after(replay.isa(), false), b.after(replay.isa(), false)) else {
        return false;
    };
    let mode = |state: &model::state::State| {
        replay.isa().mode.is_none_or(|part| side.admits(replay.pair(), state.part(part)))
    };
    let (base, size) = model::map::window(replay.isa(), &a.before);
    let outside = |state: &model::state::State| {
        let cells = state.storage.iter().map(|(cell, value)| (*cell, *value));
        cells.filter(|(cell, _)| *cell < base || *cell - base >= size).collect::<Vec<_>>()
    };
    let all = |_: &Slice| true;
    mode(&a.before)
        && base + size <= a.before.cells
        && a.before.cells == b.before.cells
        && equal_bits(replay.isa(), &a.before, &b.before, all)
        && replay.sees_equal_storage()
        && (!equal_bits(replay.isa(), &a.before, x, monitors)
            || outside(&a.before) != outside(x)
            || !visibly_equal(replay.isa(), (a, x), (b, y)))
}
