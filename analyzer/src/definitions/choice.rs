//! The choice of the monitor's own bits, against states that are known to break a square.
//!
//! **Statement** (P&G section 4: f leaves the monitor's resources to the monitor). There are values of the
//! components of kind resource and trap-vector, admitted by the assumptions, under which no known guest
//! state breaks a square.
//!
//! **Formula.** The known states are constants, with their storage; only the monitor's components are
//! variables. So the squares are compared exactly, without anything else to choose.
//!
//! **What a witness shows.** The values.

use std::rc::Rc;

use model::isa::{Class, Kind, Part, Slice};
use model::map::{Partition, VmMap};
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::statewise::{self, Map};
use super::{Obligation, entry};
use crate::decide::Query;
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, State};
use crate::symbolic::term::{Term, Terms};
use crate::theorems::choice::{Assignment, Known};

pub(crate) const STATEMENT: &str = "there are values of the components of kind resource and trap-vector under which the square \
     of every instruction commutes for every guest state S (P&G 1974, section 4: resources are the monitor's)";

/// Components that a monitor sets as it likes.
pub(crate) fn is_chosen(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector))
}

/// "There are values of the monitor's own under which no known state breaks a square", those of
/// excluded assignments aside.
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

/// The monitor's components that it depends on whether known states break squares.
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

/// A known state, with the monitor's components of `keeper`, is admitted and breaks its square.
fn breaks(problem: &mut Problem<'_>, setting: Setting<'_>, known: &Known, keeper: &State) -> Term {
    let isa = setting.isa;
    let witness = &known.witness;
    let ([before, image], Some(data)) = (witness.before.as_slice(), VmMap::of(isa)) else {
        return problem.terms.bool(false);
    };
    let partition = Partition { first: witness.first.unwrap_or(0), cells: before.cells };
    let mut states = [before, image].map(|state| constant(problem, state));
    for (id, register) in isa.register_ids() {
        for slice in register.slices.iter().filter(|s| is_chosen(s)) {
            if register.count.is_some() {
                states[1].registers[id.index()] = keeper.registers[id.index()].clone();
            } else {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let value = keeper.part(&mut problem.terms, part);
                states[1].set_part(&mut problem.terms, part, value);
            }
        }
    }
    let [guest, real] = states;
    let [own, seen] = [&guest, &real].map(|state| problem.window(state));
    let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else {
        return problem.terms.bool(false);
    };
    let placed = (real.part(&mut problem.terms, l), real.part(&mut problem.terms, b));
    let map = Map {
        k: problem.address(partition.first),
        w: problem.address(partition.cells),
        known: (own, placed),
        hidden: statewise::is_hidden(isa, before, partition),
        data,
    };
    let class = &problem.isa.classes[known.class];
    let asked = (problem.class, problem.operands.clone(), problem.choices.clone());
    let terms = &mut problem.terms;
    problem.operands = class
        .operands
        .iter()
        .zip(&witness.operands)
        .map(|(o, (_, value))| terms.constant(*value, o.width))
        .collect();
    problem.choices = class
        .body
        .choices
        .iter()
        .zip(&witness.choices)
        .map(|(choice, value)| terms.constant(*value, choice.width))
        .collect();
    problem.class = class;
    let guest = problem.run_with(guest, own, Facts::default());
    let behaviours = problem.behaviours(&guest, &Facts::default(), false);
    let real = problem.run_with(real, seen, Facts::default());
    (problem.class, problem.operands, problem.choices) = asked;
    let guests = setting.guests();
    let breaks = |guest| statewise::breaks_exactly(problem, &map, guest, &real, guests);
    let all: Vec<Term> = behaviours.iter().map(breaks).collect();
    let broken = problem.terms.all(all);
    let admitted = problem.terms.all(real.assumed.iter().copied());
    problem.terms.and(admitted, broken)
}

/// A concrete state with its storage.
fn constant(problem: &mut Problem<'_>, state: &Concrete) -> State {
    let mut all = problem.constants(state);
    let cells = problem.address(state.cells);
    let rest = problem.terms.known_array(problem.isa.storage.width, state.storage.clone());
    all.layout = Rc::new(Layout { regions: Vec::new(), rest, cells });
    all
}

/// Whether no known state breaks its square once the monitor's components are those of a state.
pub(crate) fn shown_by(replay: &Replay<'_>, known: &[Known], excluded: &[Assignment]) -> bool {
    let [keeper] = replay.sides.as_slice() else { return false };
    let setting = replay.setting;
    let breaks = |known: &Known| {
        let mut witness = known.witness.clone();
        let Some(real) = witness.before.get_mut(1) else { return false };
        for (id, i, slice, bits) in keeper.before.of_role(setting.isa, is_chosen) {
            let kept = real.element(id, i as u128) & !(model::bits::mask(slice.width) << slice.low);
            real.set_element(id, i as u128, kept | bits << slice.low);
        }
        let replay = witness.replay(setting, &setting.isa.classes[known.class]);
        replay.admitted() && statewise::refuted_by(&replay, known.side, setting.guests())
    };
    let is_excluded = |assignment: &Assignment| {
        assignment.iter().all(|(part, value)| keeper.before.part(*part) == *value)
    };
    !excluded.iter().any(is_excluded) && !known.iter().any(breaks)
}
