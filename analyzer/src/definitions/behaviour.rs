//! Behaviour sensitive instructions, the general case, and what its special cases share.
//!
//! **Statement** (P&G section 3). i is behaviour sensitive iff there are x, S1 = ⟨e|r, m1, p, r⟩ and
//! S2 = ⟨e|r⊕x, m2, p, r⊕x⟩ with the same window contents, i(S1) = ⟨e1|r, m1, p1, r⟩ and
//! i(S2) = ⟨e2|r⊕x, m2, p2, r⊕x⟩, neither memory-trapping, and e1|r ≠ e2|r⊕x or p1 ≠ p2.
//!
//! Both after-states keep M and R: what changes them is control sensitive already. Where an instruction may do
//! several things (`arbitrary`), none of those of S1 ends as that of S2.
//! This file asks the case x ≠ 0 together with m1 ≠ m2; the cases with one of them are
//! [location](super::location) and [mode](super::mode) sensitivity.
//!
//! **What a witness shows.** Two states that only differ in relocation and mode, and end visibly
//! different.

use model::isa::{Profile, Slice};
use model::property::Property;

use super::{Definition, Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::replay::{Replay, deprivileged};
use crate::prove::setting::Setting;
use crate::symbolic::state::State;
use crate::symbolic::term::Term;

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::BehaviourSensitive,
    statement: "there are two states that differ in relocation and mode only, and end visibly different \
                (P&G 1974, section 3)",
    applies: |_| true,
    counts: |_| true,
    modes: &[],
    ask,
    shown_by,
};

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, _: VirtualMode) -> Obligation {
    let (supervisor, user) = problem.mode_pair(setting.pair);
    let (user, moved) = relocated(problem, &user);
    compare(problem, supervisor, user, &[moved], setting.profile)
}

fn shown_by(replay: &Replay<'_>, _: VirtualMode) -> bool {
    let ([a, b], Some(part)) = (replay.sides.as_slice(), replay.isa().relocation) else {
        return false;
    };
    let user = deprivileged(replay.isa(), replay.pair(), &a.before);
    let (mut moved, place) = (user.clone(), b.before.part(part));
    moved.set_part(part, place);
    replay.starts_in_supervisor()
        && user.part(part) != place
        && moved.registers == b.before.registers
        && replay.sees_equal_storage()
        && replay.results_differ(replay.literal())
}

/// The state in one of the pair's modes; any other mode is left as it is, and is a premise
/// ([`other_mode`]).
pub(super) fn in_virtual_mode(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    state: &State,
    side: VirtualMode,
) -> State {
    match side {
        VirtualMode::Supervisor => problem.in_mode(state, setting.pair.supervisor.1),
        // What de-privileging makes of a state is simpler, where that is every state in user mode.
        VirtualMode::User if setting.steady => problem.deprivileged(state, setting.pair),
        VirtualMode::User => problem.in_mode(state, setting.pair.user.1),
        VirtualMode::Other => state.clone(),
    }
}

/// What a state in none of the pair's modes takes.
pub(super) fn other_mode(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    state: &State,
    side: VirtualMode,
) -> Vec<Term> {
    let (Some(part), VirtualMode::Other) = (problem.isa.mode, side) else { return Vec::new() };
    let mode = state.part(&mut problem.terms, part);
    let pair = [setting.pair.supervisor.1, setting.pair.user.1];
    pair.map(|value| {
        let value = problem.terms.constant(value, part.width);
        problem.terms.ne(mode, value)
    })
    .into()
}

/// The state with the chosen bits arbitrary, and the condition that some of them differ.
pub(super) fn varied(
    problem: &mut Problem<'_>,
    state: &State,
    chosen: impl Fn(&Slice) -> bool,
) -> (State, Term) {
    let other = problem.vary(state, |_, slice| chosen(slice));
    let differs = problem.differ(state, &other, chosen);
    (other, differs)
}

/// The state with r ⊕ x in place of r, and the condition x ≠ 0.
pub(super) fn relocated(problem: &mut Problem<'_>, state: &State) -> (State, Term) {
    let Some(part) = problem.isa.relocation else {
        return (state.clone(), problem.terms.bool(false));
    };
    let other = problem.terms.variable(part.width);
    problem.terms.suggest(other, problem.isa.storage.cells / 32);
    let here = state.part(&mut problem.terms, part);
    let moved = problem.terms.ne(here, other);
    (problem.with(state, Some(part), other), moved)
}

/// Two states with equal windows and arbitrary storage outside; both keep M and R and end
/// visibly different. Memory traps are excluded, and unless the profile is literal every trap.
pub(super) fn compare(
    problem: &mut Problem<'_>,
    first: State,
    second: State,
    premises: &[Term],
    profile: Profile,
) -> Obligation {
    let window = problem.array();
    let runs = [first, second].map(|entry| {
        let outside = problem.array();
        problem.run(entry, Storage::Windowed { window, outside })
    });
    compare_runs(problem, runs.into(), premises, profile)
}

/// The same for two states with the same mapping and the same storage, also outside the window: what
/// differs in the results comes from what differs in the registers.
pub(super) fn compare_in_place(
    problem: &mut Problem<'_>,
    first: State,
    second: State,
    premises: &[Term],
    profile: Profile,
) -> Obligation {
    let array = problem.array();
    let runs = [first, second].map(|entry| problem.run(entry, Storage::Flat(array)));
    compare_runs(problem, runs.into(), premises, profile)
}

/// Two runs that keep M and R and end visibly different.
pub(super) fn compare_runs(
    problem: &mut Problem<'_>,
    runs: Vec<Run>,
    premises: &[Term],
    profile: Profile,
) -> Obligation {
    let mut all = problem.always.clone();
    all.extend(runs.iter().flat_map(|r| &r.assumed));
    all.extend(premises);
    let literal = profile == Profile::Literal;
    if literal {
        all.extend(new_psw_agrees(problem, &runs[0].entry, &runs[1].entry));
    }
    let ends = [0, 1].map(|i| end(problem, &runs[i], literal));
    let different = problem.visible_difference((&runs[0], &ends[0].0), (&runs[1], &ends[1].0));
    let mut unknown = vec![runs[0].transition.unknown, runs[1].transition.unknown];
    let goal = if problem.terms.is_false(different) {
        // Equal results settle the question by themselves.
        different
    } else {
        let mut goal = vec![different, ends[0].1, ends[1].1];
        let facts = problem.known();
        let mut others = problem.behaviours(&runs[0], &facts, false);
        others.pop();
        for other in others {
            let (after, happens) = end(problem, &other, literal);
            let different = problem.visible_difference((&other, &after), (&runs[1], &ends[1].0));
            let terms = &mut problem.terms;
            goal.push(terms.implies(happens, different));
            let strange = terms.or(other.transition.unpredictable, other.transition.unknown);
            goal.push(terms.not(strange));
            unknown.push(other.transition.unknown);
        }
        problem.terms.all(goal)
    };
    let unknown = problem.terms.any(unknown);
    Obligation { query: Query { premises: all, goal }, runs, unknown, first: None }
}

/// The state after an instruction that keeps M and R, and when it comes to that.
fn end(problem: &mut Problem<'_>, run: &Run, literal: bool) -> (State, Term) {
    let completes = run.transition.completes;
    let (after, happens) = if literal {
        let (after, strange) = problem.outcome(run);
        let trap = run.transition.other_trap(&mut problem.terms, problem.isa);
        let terms = &mut problem.terms;
        let (happens, defined) = (terms.or(completes, trap), terms.not(strange));
        (after, terms.and(happens, defined))
    } else {
        (run.transition.after.clone(), completes)
    };
    let keeps = problem.keeps_mode_and_r(run, &after);
    let happens = problem.terms.and(happens, keeps);
    (after, happens)
}

/// The cells a trap loads the new PSW from are equal, or every trap would look location sensitive.
fn new_psw_agrees(problem: &mut Problem<'_>, a: &State, b: &State) -> Vec<Term> {
    let width = problem.isa.address_width();
    let cells = problem.isa.trap_cells.new.clone();
    // A table of vectors may be long; what a class reads of it is little, but which is not known here.
    let cells: Vec<u128> = cells.take(64).collect();
    let facts = crate::symbolic::facts::Facts::default();
    let mut all = Vec::new();
    for cell in cells {
        let cell = problem.terms.constant(cell, width);
        let x = a.load(&mut problem.terms, &facts, cell);
        let y = b.load(&mut problem.terms, &facts, cell);
        all.push(problem.terms.eq(x, y));
    }
    all
}
