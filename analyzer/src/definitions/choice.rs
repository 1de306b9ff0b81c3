//! The choice of the monitor's own bits, against states that are known to break a square or confinement.
//!
//! **Statement** (P&G section 4: f leaves the monitor's resources to the monitor). There are values of the
//! components of kind resource and trap-vector, admitted by the assumptions, under which no known state
//! breaks a square, or escapes its window.
//!
//! **Formula.** The known states are constants, with their storage; only the monitor's components are
//! variables. So the results are compared exactly, without anything else to choose.
//!
//! **What a witness shows.** The values.

use std::rc::Rc;

use model::isa::{Class, Kind, Part, Slice};
use model::map::{Partition, VmMap};
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::statewise::{self, Map};
use super::{Obligation, VirtualMode, confinement, entry};
use crate::decide::Query;
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, State};
use crate::symbolic::term::{Term, Terms};
use crate::theorems::choice::{Assignment, Known, Need};

pub(crate) const STATEMENT: &str = "there are values of the components of kind resource and trap-vector under which the square \
     of every instruction commutes for every guest state S, and every instruction is confined \
     (P&G 1974, section 4: resources are the monitor's)";

/// Components that a monitor sets as it likes.
pub(crate) fn is_chosen(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector))
}

/// "There are values of the monitor's own under which no known state breaks what it was known to break",
/// those of excluded assignments aside.
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    known: &[Known],
    excluded: &[Assignment],
) -> Obligation {
    let keeper = entry::in_user(problem, setting);
    let storage = Storage::Flat(problem.array());
    let window = problem.window(&keeper);
    let keeper = problem.laid_out(keeper, storage);
    let keeper = problem.at_rest(keeper, window);
    let mut all = Vec::new();
    for known in known {
        let breaks = breaks(problem, setting, known, &keeper.entry);
        all.push(problem.terms.not(breaks));
    }
    for assignment in excluded {
        let mut same = Vec::new();
        for (part, value) in assignment {
            let kept = keeper.entry.part(&mut problem.terms, *part);
            let value = problem.terms.constant(*value, part.width);
            same.push(problem.terms.eq(kept, value));
        }
        let same = problem.terms.all(same);
        all.push(problem.terms.not(same));
    }
    let mut premises = problem.always.clone();
    premises.extend(&keeper.assumed);
    let goal = problem.terms.all(all);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![keeper], unknown, first: None }
}

/// The monitor's components that it depends on whether known states break anything.
pub(crate) fn relevant(setting: Setting<'_>, class: &Class, known: &[Known]) -> Vec<Part> {
    let mut problem = Problem::of(setting, class, Terms::default());
    let keeper = entry::in_user(&mut problem, setting);
    let mut support = FxHashSet::default();
    for known in known {
        let breaks = breaks(&mut problem, setting, known, &keeper);
        problem.terms.support(breaks, &mut support);
    }
    let mut all = Vec::new();
    for (id, register) in setting.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in register.slices.iter().filter(|s| is_chosen(s)) {
            let part = Part { register: id, low: slice.low, width: slice.width };
            if support.contains(&keeper.part(&mut problem.terms, part)) {
                all.push(part);
            }
        }
    }
    all
}

/// A known state, with the monitor's components of `keeper`, is admitted and breaks what it is known for.
fn breaks(problem: &mut Problem<'_>, setting: Setting<'_>, known: &Known, keeper: &State) -> Term {
    let class = &problem.isa.classes[known.class];
    let asked = (problem.class, problem.operands.clone(), problem.choices.clone());
    let constants = |terms: &mut Terms, values: &[(u128, u32)]| -> Vec<Term> {
        values.iter().map(|(value, width)| terms.constant(*value, *width)).collect()
    };
    let operands = class.operands.iter().zip(&known.witness.operands);
    let operands: Vec<_> = operands.map(|(operand, (_, value))| (*value, operand.width)).collect();
    let choices = class.body.choices.iter().zip(&known.witness.choices);
    let choices: Vec<_> = choices.map(|(choice, value)| (*value, choice.width)).collect();
    problem.operands = constants(&mut problem.terms, &operands);
    problem.choices = constants(&mut problem.terms, &choices);
    problem.class = class;
    let broken = match known.need {
        Need::Square => breaks_square(problem, setting, &known.witness, keeper),
        Need::Confinement => escapes(problem, &known.witness, keeper),
    };
    (problem.class, problem.operands, problem.choices) = asked;
    broken.unwrap_or_else(|| problem.terms.bool(false))
}

fn breaks_square(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    witness: &Witness,
    keeper: &State,
) -> Option<Term> {
    let isa = setting.isa;
    let [before, image] = witness.before.as_slice() else { return None };
    let (data, l, b) = (VmMap::of(isa)?, isa.relocation?, isa.bounds?);
    let partition = Partition { first: witness.first.unwrap_or(0), cells: before.cells };
    let guest = constant(problem, before);
    let real = kept_by(problem, image, keeper);
    let [own, seen] = [&guest, &real].map(|state| problem.window(state));
    let placed = (real.part(&mut problem.terms, l), real.part(&mut problem.terms, b));
    let map = Map {
        k: problem.address(partition.first),
        w: problem.address(partition.cells),
        known: (own, placed),
        hidden: statewise::is_hidden(isa, before, partition),
        data,
    };
    let guest = problem.run_with(guest, own, Facts::default());
    let behaviours = problem.behaviours(&guest, &Facts::default(), false);
    let real = problem.run_with(real, seen, Facts::default());
    let guests = setting.guests();
    let breaks = |guest| statewise::breaks_exactly(problem, &map, guest, &real, guests);
    let mut all: Vec<Term> = behaviours.iter().map(breaks).collect();
    all.extend(&real.assumed);
    Some(problem.terms.all(all))
}

fn escapes(problem: &mut Problem<'_>, witness: &Witness, keeper: &State) -> Option<Term> {
    let [a, b] = witness.before.as_slice() else { return None };
    let [a, b] = [a, b].map(|state| {
        let state = kept_by(problem, state, keeper);
        let window = problem.window(&state);
        problem.run_with(state, window, Facts::default())
    });
    let broken = confinement::fails_exactly(problem, &a, &b);
    let all: Vec<Term> = a.assumed.iter().chain(&b.assumed).copied().chain([broken]).collect();
    Some(problem.terms.all(all))
}

/// A concrete state with the monitor's components of `keeper`.
fn kept_by(problem: &mut Problem<'_>, state: &Concrete, keeper: &State) -> State {
    let mut kept = constant(problem, state);
    for (id, register) in problem.isa.register_ids() {
        for slice in register.slices.iter().filter(|s| is_chosen(s)) {
            if register.count.is_some() {
                kept.registers[id.index()] = keeper.registers[id.index()].clone();
            } else {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let value = keeper.part(&mut problem.terms, part);
                kept.set_part(&mut problem.terms, part, value);
            }
        }
    }
    kept
}

/// A concrete state with its storage.
fn constant(problem: &mut Problem<'_>, state: &Concrete) -> State {
    let mut all = problem.constants(state);
    let cells = problem.address(state.cells);
    let rest = problem.terms.known_array(problem.isa.storage.width, state.storage.clone());
    all.layout = Rc::new(Layout { regions: Vec::new(), rest, cells });
    all
}

/// Whether no known state breaks anything once the monitor's components are those of a state.
pub(crate) fn shown_by(replay: &Replay<'_>, known: &[Known], excluded: &[Assignment]) -> bool {
    let [keeper] = replay.sides.as_slice() else { return false };
    let setting = replay.setting;
    let breaks = |known: &Known| {
        let mut known = known.clone();
        for real in known.real() {
            for (id, i, slice, bits) in keeper.before.of_role(setting.isa, is_chosen) {
                let others = !(model::bits::mask(slice.width) << slice.low);
                let kept = real.element(id, i as u128) & others;
                real.set_element(id, i as u128, kept | bits << slice.low);
            }
        }
        is_broken(setting, &known)
    };
    let is_excluded = |assignment: &Assignment| {
        assignment.iter().all(|(part, value)| keeper.before.part(*part) == *value)
    };
    !excluded.iter().any(is_excluded) && !known.iter().any(breaks)
}

/// Whether what is known of the states is so, in the interpreter.
pub(crate) fn is_broken(setting: Setting<'_>, known: &Known) -> bool {
    let replay = known.witness.replay(setting, &setting.isa.classes[known.class]);
    replay.admitted()
        && match known.need {
            Need::Square => statewise::refuted_by(&replay, known.side, setting.guests()),
            Need::Confinement => confinement::shown_by(&replay, VirtualMode::User),
        }
}
