//! Instructions that show whether a trap happened before them (profile `extended`).
//!
//! **Statement.** There are a state, and the same with some registers of E as the sequence of a trap leaves
//! them, that are one state behind the sequence; and the second ends as the first never does, whatever comes of
//! what is left open: a trap that a monitor takes and hides before the instruction can be seen, because
//! the monitor cannot put back what the sequence loses. Load-locked and store-conditional are the classic
//! example; a store-conditional that may fail at any time shows nothing by failing.
//!
//! **Formula.** Only components may differ that no component and no stored value keeps as they were. Where
//! four bits or fewer are left open, the first state ends in each way that they allow; where there are
//! more, they are the same for both states.
//!
//! **What a witness shows.** The component that a trap loses, and the result that tells.

use model::interp::Outcome;
use model::isa::{Part, Profile, RegisterId, Role, Slice, TrapId};
use model::property::Property;
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::behaviour::in_virtual_mode;
use super::sequence::{argument, arguments, behind, same_behind, sequel};
use super::{Definition, Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::replay::{Played, Replay, keeps_mode_and_r};
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Register, State, Write};
use crate::symbolic::term::{Node, Term, Terms};

pub(crate) const DEFINITION: Definition = Definition {
    property: Property::TrapVisible,
    statement: "with what a trap sequence loses of E as the sequence leaves it, a state ends as it never does \
                otherwise, whatever comes of what is left open (extended profile)",
    applies: |profile| profile == Profile::Extended,
    counts: |_| true,
    modes: &VirtualMode::PAIR,
    ask,
    shown_by,
};

/// A component of E, and which register of a file it is.
type Component = (RegisterId, Slice, Option<u32>);

/// The components of E, storage apart, whose value before the sequence of a trap stands nowhere
/// behind it as it was.
fn not_kept(problem: &mut Problem<'_>, entry: &State, trap: TrapId) -> Vec<Component> {
    let isa = problem.isa;
    let argument = argument(problem);
    let (after, _) = behind(problem, trap, argument, entry.clone(), &Facts::default());
    let mut kept = FxHashSet::default();
    for (id, register) in isa.register_ids() {
        match &after.registers[id.index()] {
            Register::Single(_) => {
                for slice in &register.slices {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let value = after.part(&mut problem.terms, part);
                    pieces(&problem.terms, value, &mut kept);
                }
            }
            Register::File(_, writes) => {
                for write in writes {
                    pieces(&problem.terms, write.value, &mut kept);
                }
            }
        }
    }
    for write in &after.writes {
        pieces(&problem.terms, write.value, &mut kept);
    }
    let mut all = Vec::new();
    for (id, register) in isa.register_ids() {
        for slice in register.slices.iter().filter(|s| s.role == Role::E) {
            match &after.registers[id.index()] {
                Register::Single(_) => {
                    let part = Part { register: id, low: slice.low, width: slice.width };
                    let before = entry.part(&mut problem.terms, part);
                    if !kept.contains(&before) {
                        all.push((id, slice.clone(), None));
                    }
                }
                Register::File(array, writes) => {
                    for write in writes {
                        let before = problem.terms.select(*array, write.index);
                        let index = problem.terms.value(write.index).map(|i| i as u32);
                        if !kept.contains(&before) {
                            all.push((id, slice.clone(), index));
                        }
                    }
                }
            }
        }
    }
    all
}

/// The terms that stand in a value as they are.
fn pieces(terms: &Terms, value: Term, all: &mut FxHashSet<Term>) {
    let mut open = vec![value];
    while let Some(t) = open.pop() {
        if all.insert(t) && matches!(terms.node(t), Node::Concat(..) | Node::Zext(..)) {
            open.extend(terms.children(t));
        }
    }
}

/// The state with some components arbitrary, and that one of them is another.
fn varied(problem: &mut Problem<'_>, state: &State, chosen: &[Component]) -> (State, Term) {
    let mut other = state.clone();
    let mut differs = Vec::new();
    for (id, slice, index) in chosen {
        let register = problem.isa.register(*id);
        if register.count.is_none() {
            let part = Part { register: *id, low: slice.low, width: slice.width };
            let value = problem.terms.variable(slice.width);
            let before = state.part(&mut problem.terms, part);
            differs.push(problem.terms.ne(before, value));
            other.set_part(&mut problem.terms, part, value);
            continue;
        }
        // One register of a file, or an arbitrary one.
        let width = model::bits::bits_for(u128::from(register.len()) - 1);
        let index = match index {
            Some(index) => problem.terms.constant(u128::from(*index), width),
            None => problem.terms.variable(width),
        };
        let value = problem.terms.variable(register.width);
        let before = state.element(&mut problem.terms, problem.isa, *id, index);
        differs.push(problem.terms.ne(before, value));
        let guard = problem.terms.bool(true);
        if let Register::File(_, writes) = &mut other.registers[id.index()] {
            writes.push(Write { guard, index, value });
        }
    }
    let differs = problem.terms.any(differs);
    (other, differs)
}

/// Each component of the second state is that of the first, or what the sequence of a trap leaves of it.
fn is_left(
    problem: &mut Problem<'_>,
    trap: TrapId,
    argument: Option<Term>,
    [first, second]: [&State; 2],
    components: &[Component],
) -> Term {
    let (left, _) = behind(problem, trap, argument, first.clone(), &Facts::default());
    let mut all = Vec::new();
    for (id, slice, index) in components {
        let terms = &mut problem.terms;
        let register = problem.isa.register(*id);
        let values: Vec<[Term; 3]> = if register.count.is_none() {
            let part = Part { register: *id, low: slice.low, width: slice.width };
            vec![[first, &left, second].map(|state| state.part(terms, part))]
        } else {
            let width = model::bits::bits_for(u128::from(register.len()) - 1);
            let indices = match index {
                Some(index) => *index..*index + 1,
                None => 0..register.len(),
            };
            let at = |i: u32| {
                let index = terms.constant(i.into(), width);
                [first, &left, second].map(|state| state.element(terms, problem.isa, *id, index))
            };
            indices.map(at).collect()
        };
        for [before, after, now] in values {
            let kept = problem.terms.eq(now, before);
            let left = problem.terms.eq(now, after);
            all.push(problem.terms.or(kept, left));
        }
    }
    problem.terms.all(all)
}

fn ask(problem: &mut Problem<'_>, setting: Setting<'_>, side: VirtualMode) -> Obligation {
    let isa = problem.isa;
    let fresh = problem.fresh();
    let first = in_virtual_mode(problem, setting, &fresh, side);
    let user = in_virtual_mode(problem, setting, &fresh, VirtualMode::User);
    let mut lost: Vec<(TrapId, Vec<Component>)> = Vec::new();
    for index in 0..isa.traps.len() {
        let trap = TrapId(index as u32);
        let components = not_kept(problem, &user, trap);
        if !components.is_empty() {
            lost.push((trap, components));
        }
    }
    let mut components: Vec<Component> = Vec::new();
    for component in lost.iter().flat_map(|(_, components)| components) {
        if !components.contains(component) {
            components.push(component.clone());
        }
    }
    let (second, differs) = varied(problem, &first, &components);
    let array = problem.array();
    let runs: Vec<Run> =
        [first, second].map(|entry| problem.run(entry, Storage::Flat(array))).into();
    let mut premises = problem.always.clone();
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    premises.push(differs);
    let facts = problem.known();
    let others = problem.behaviours(&runs[0], &facts, true);
    let end = &runs[1].transition.after;
    let mut told = Vec::new();
    for (trap, _) in &lost {
        let argument = argument(problem);
        let entries = [&runs[0].entry, &runs[1].entry];
        let mut all = vec![
            same_behind(problem, *trap, argument, entries),
            is_left(problem, *trap, argument, entries, &components),
        ];
        for run in &others {
            let one = same_behind(problem, *trap, argument, [&run.transition.after, end]);
            let behaviour = problem.terms.and(run.transition.completes, one);
            all.push(problem.terms.not(behaviour));
        }
        told.push(problem.terms.all(all));
    }
    let mut all = vec![problem.terms.any(told)];
    for run in &runs {
        all.push(run.transition.completes);
        let after = run.transition.after.clone();
        all.push(problem.keeps_mode_and_r(run, &after));
    }
    let goal = problem.terms.all(all);
    let unknown = problem.terms.or(runs[0].transition.unknown, runs[1].transition.unknown);
    Obligation { query: Query { premises, goal }, runs, unknown, first: None }
}

fn shown_by(replay: &Replay<'_>, side: VirtualMode) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let (Some(x), Some(y)) = (a.after(isa, false), b.after(isa, false)) else { return false };
    let tells = |trap: TrapId, argument: Option<u128>| {
        let behind = |state: &Concrete| sequel(isa, trap, argument, state);
        let same = |p: &Concrete, q: &Concrete| behind(p).is_some() && behind(p) == behind(q);
        let known = |it: &Played| matches!(&it.outcome, Outcome::Step(end) if same(end, y));
        let left = |left: Concrete| {
            let bits = |state: &Concrete| -> Vec<u128> {
                state.of_role(isa, |s| s.role == Role::E).map(|(.., bits)| bits).collect()
            };
            let (before, left, now) = (bits(&a.before), bits(&left), bits(&b.before));
            now.iter().zip(before.iter().zip(&left)).all(|(n, (b, l))| n == b || n == l)
        };
        same(&a.before, &b.before)
            && behind(&a.before).is_some_and(left)
            && !replay.behaviours(0, true).iter().any(known)
    };
    let mut traps = (0..isa.traps.len()).map(|i| TrapId(i as u32));
    let mode = isa.mode.is_none_or(|part| side.admits(replay.pair(), a.before.part(part)));
    mode && replay.differ_only(|s| s.role == Role::E)
        && replay.has_equal_storage()
        && keeps_mode_and_r(isa, a, x)
        && keeps_mode_and_r(isa, b, y)
        && traps.any(|trap| arguments(isa).any(|argument| tells(trap, argument)))
}
