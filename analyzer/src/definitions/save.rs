//! Saving registers: what the dispatcher has to do before it can do anything else.
//!
//! **Statement** (P&G section 4: the control program is a program of the machine). Behind a trap, registers of E
//! still hold what the guest has there. An instruction *saves* one of them if there are a place of the
//! monitor's and values of what is the monitor's, under which for every guest and every trap the instruction
//! completes in supervisor mode, the register stands at that place afterwards, and nothing else is changed but P. A
//! place is cells below the partition, or a component of kind resource that the trap has left as it was, or
//! has put the register into.
//! A register that was saved may be used from then on: it counts as the monitor's. No instruction is needed where
//! the sequence of each trap stores the register. Each register is looked at by itself: that one monitor with one
//! mapping saves all of them, at different places, is not asked.
//!
//! **Formula.** ∃ operands, place, monitor's values ∀ guests, by proposing and refuting. [`ask_proposal`] speaks of
//! known guests, whose registers are constants; that it has no model is a proof that the instruction does not
//! save the register. [`ask_refutation`] looks for a guest for which a proposal does not.
//! [`ask_merged`] looks for two guests that differ in the register alone and are one behind a trap but for it.
//! The place is the last cells of the monitor's storage; where that ends is arbitrary. What is tried first is that
//! the rest of it is zero, but for the cells of the trap sequence: that spares long ways through it.
//!
//! **What a witness shows.** Operands, the monitor's values and the place; a guest whose register is not found.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::bits::mask;
use model::isa::{Class, Endian, Isa, Kind, Part, RegisterId, Role, Slice, Stmt, TrapId, every};
use model::state::State as Concrete;

use super::Obligation;
use super::entry::in_user;
use super::launch::writes;
use super::sequence::{Stores, alike, argument, arguments, behind, sequel, stores};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, Storage, cell_count};
use crate::prove::replay::{Replay, deprivileged, equal_bits};
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, Region, Register, State, Write};
use crate::symbolic::term::{Array, Term};

pub(crate) const STATEMENT: &str = "behind every trap some instruction stores the register, taken by itself, at a place \
     that the guest has no part in, and changes nothing else but P (P&G 1974, section 4)";

/// A register of E, one of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) register: RegisterId,
    pub(crate) index: u32,
    pub(crate) slice: Slice,
}

/// What is asked of one instruction: to save a register behind any of these traps, when others are saved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'t> {
    pub(crate) traps: &'t [TrapId],
    pub(crate) saved: &'t [Component],
    pub(crate) component: &'t Component,
    pub(crate) place: Place,
}

/// Where a register is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The last cells of the monitor's storage.
    Cells,
    /// A component of kind resource.
    Component(Part),
}

/// The registers of E.
pub(crate) fn components(isa: &Isa) -> Vec<Component> {
    of_role(isa, Role::E)
}

/// The components of a role, those of register files one by one.
pub(crate) fn of_role(isa: &Isa, role: Role) -> Vec<Component> {
    let mut all = Vec::new();
    for (id, register) in isa.register_ids() {
        for slice in register.slices.iter().filter(|s| s.role == role) {
            let of = |index| Component { register: id, index, slice: slice.clone() };
            all.extend((0..register.len()).map(of));
        }
    }
    all
}

/// The places that a register may be saved at.
pub(crate) fn places(isa: &Isa, component: &Component) -> Vec<Place> {
    let mut all = vec![Place::Cells];
    for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        let fits = |s: &&Slice| s.kind == Some(Kind::Resource) && s.width >= component.slice.width;
        for slice in register.slices.iter().filter(fits) {
            let part = Part { register: id, low: slice.low, width: slice.width };
            all.push(Place::Component(part));
        }
    }
    all
}

/// Whether an instruction may put a register at a place: it writes the one, and reads the other or one that the
/// sequences of traps write, which may have put it there.
pub(crate) fn may_save(isa: &Isa, class: &Class, component: &Component, place: Place) -> bool {
    let statements = &class.body.statements;
    let written = match place {
        Place::Cells => every(statements).any(|s| matches!(s, Stmt::Store(..))),
        Place::Component(part) => writes(statements, part.register),
    };
    let mut read = BTreeSet::new();
    every(statements).flat_map(Stmt::expressions).for_each(|e| e.registers(&mut read));
    let holds = |id: &RegisterId| {
        *id == component.register
            || isa.register(*id).slices.iter().any(|s| s.role == Role::E)
                && isa.traps.iter().any(|trap| writes(&trap.sequence.statements, *id))
    };
    written && read.iter().any(holds)
}

/// What is the guest's in the real machine, or changes by itself: storage and the mapping apart, which the monitor has
/// composed.
fn is_guests(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::M | Role::P) || is_time(slice)
}

fn is_time(slice: &Slice) -> bool {
    slice.kind == Some(Kind::Time)
}

/// What tells states apart behind a trap, E aside.
fn tells(slice: &Slice) -> bool {
    slice.role != Role::E && !is_time(slice)
}

/// Cells that a register takes.
fn cells_of(isa: &Isa, slice: &Slice) -> u128 {
    u128::from(slice.width.div_ceil(isa.storage.width))
}

/// Cells of the place.
fn own_cells(isa: &Isa, task: Task<'_>) -> u128 {
    if task.place == Place::Cells { cells_of(isa, &task.component.slice) } else { 0 }
}

/// The state with the guest's storage above k, and the monitor's below.
fn place(problem: &mut Problem<'_>, mut state: State, k: Term, arrays: [Array; 3]) -> State {
    let size = problem.terms.sub(problem.cells, k);
    let [low, guests, monitors] = arrays;
    let (base, least) = (problem.address(0), problem.address(problem.isa.least_cells()));
    let low = Region { base, size: least, array: low };
    let regions = vec![low, Region { base: k, size, array: guests }];
    state.layout = Rc::new(Layout { regions, rest: monitors, cells: problem.cells });
    state
}

/// "There are operands and values of the monitor's with which the instruction saves the register, of each of
/// these guests."
pub(crate) fn ask_proposal(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    task: Task<'_>,
    known: &[Concrete],
    plain: bool,
) -> Obligation {
    let isa = problem.isa;
    let k = cell_count(isa, &mut problem.terms, 2);
    let width = isa.address_width();
    let least = isa.least_cells() + cells_of(isa, &task.component.slice);
    let least = problem.terms.constant(least, width);
    let mut premises = problem.always.clone();
    premises.push(problem.terms.ule(least, k));
    premises.push(problem.terms.ule(k, problem.cells));
    let keeper = in_user(problem, setting);
    let keeper = problem.keeping(&keeper, setting.kept);
    let low = problem.array();
    let monitors = if plain {
        problem.terms.known_array(isa.storage.width, BTreeMap::new())
    } else {
        problem.array()
    };
    let unused = problem.array();
    let keeper = place(problem, keeper, k, [low, unused, monitors]);
    let mut all = Vec::new();
    for guest in known {
        let mut state = problem.constants(guest);
        for (id, register) in isa.register_ids() {
            for slice in register.slices.iter().filter(|s| !is_guests(s)) {
                copy(problem, &mut state, &keeper, id, slice);
            }
        }
        let guests = problem.terms.known_array(isa.storage.width, guest.storage.clone());
        let state = place(problem, state, k, [low, guests, monitors]);
        all.push(saves(problem, setting, task, &keeper, &state, k));
    }
    let window = problem.window(&keeper);
    let keeper = problem.at_rest(keeper, window);
    premises.extend(&keeper.assumed);
    let goal = problem.terms.all(all);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![keeper], unknown, first: Some(k) }
}

/// "There is a guest whose register the instruction, with proposed operands and values, does not save."
pub(crate) fn ask_refutation(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    task: Task<'_>,
    proposed: &Witness,
) -> Obligation {
    let isa = problem.isa;
    let env = &proposed.before[0];
    let constant = |(o, value): (&model::isa::Operand, &(String, u128))| {
        problem.terms.constant(value.1, o.width)
    };
    let operands = problem.class.operands.iter().zip(&proposed.operands).map(constant).collect();
    let asked = (std::mem::replace(&mut problem.operands, operands), problem.cells);
    problem.cells = problem.address(env.cells);
    let k = problem.address(proposed.first.unwrap_or(0));
    let keeper = problem.constants(env);
    let state = problem.vary(&keeper, |_, s| is_guests(s));
    let state = problem.in_mode(&state, setting.pair.user.1);
    let state = problem.deprivileged(&state, setting.pair);
    let monitors = problem.terms.known_array(isa.storage.width, env.storage.clone());
    let guests = problem.array();
    let arrays = [monitors, guests, monitors];
    let keeper = place(problem, keeper, k, arrays);
    let state = place(problem, state, k, arrays);
    let saved = saves(problem, setting, task, &keeper, &state, k);
    let goal = problem.terms.not(saved);
    let window = problem.window(&state);
    let run = problem.at_rest(state, window);
    (problem.operands, problem.cells) = asked;
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: Some(k) }
}

/// "There are two states in user mode that differ in the register alone, and behind one of the traps in E at most."
pub(crate) fn ask_merged(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    traps: &[TrapId],
    it: &Component,
) -> Obligation {
    let first = in_user(problem, setting);
    let first = problem.keeping(&first, setting.kept);
    let storage = Storage::Flat(problem.array());
    let first = problem.laid_out(first, storage);
    let mut second = problem.vary(&first, |_, s| is_time(s));
    let other = problem.terms.variable(it.slice.width);
    let before = value(problem, &first, it);
    set(problem, &mut second, it, other);
    let mut merged = Vec::new();
    let mut premises = problem.always.clone();
    for trap in traps {
        let argument = argument(problem);
        let facts = Facts::default();
        let [(a, strange), (b, as_strange)] =
            [&first, &second].map(|state| behind(problem, *trap, argument, state.clone(), &facts));
        let mut different = vec![strange, as_strange, problem.differ_exactly(&a, &b, tells)];
        if stores(setting, problem.class, *trap) == Stores::Own {
            // The monitor keeps its stack where there are cells.
            for write in a.writes.iter().chain(&b.writes) {
                premises.push(problem.terms.ult(write.index, problem.cells));
            }
        }
        for write in a.writes.iter().chain(&b.writes) {
            let [x, y] = [&a, &b].map(|s| s.load(&mut problem.terms, &facts, write.index));
            different.push(problem.terms.ne(x, y));
        }
        let different = problem.terms.any(different);
        merged.push(problem.terms.not(different));
    }
    let merged = problem.terms.any(merged);
    let differs = problem.terms.ne(before, other);
    let goal = problem.terms.and(differs, merged);
    let runs: Vec<Run> = [first, second]
        .into_iter()
        .map(|state| {
            let window = problem.window(&state);
            problem.at_rest(state, window)
        })
        .collect();
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs, unknown, first: None }
}

/// Whether two concrete states differ in the register alone, and behind one of the traps in E at most.
pub(crate) fn merged_shown_by(replay: &Replay<'_>, traps: &[TrapId], it: &Component) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let (isa, a, b) = (replay.isa(), &a.before, &b.before);
    let mut same = b.clone();
    same.set_element(it.register, it.index.into(), a.element(it.register, it.index.into()));
    let merges = |trap: &TrapId| {
        arguments(isa).any(|argument| {
            let [x, y] = [a, b].map(|state| sequel(isa, *trap, argument, state));
            x.zip(y).is_some_and(|(x, y)| equal_bits(isa, &x, &y, tells) && x.storage == y.storage)
        })
    };
    let differ = read(a, it) != read(b, it);
    differ && alike(isa, &same, a) && traps.iter().any(merges)
}

/// Bits of one state in another.
fn copy(problem: &mut Problem<'_>, to: &mut State, from: &State, id: RegisterId, slice: &Slice) {
    if matches!(to.registers[id.index()], Register::File(..)) {
        to.registers[id.index()] = from.registers[id.index()].clone();
    } else {
        let part = Part { register: id, low: slice.low, width: slice.width };
        let value = from.part(&mut problem.terms, part);
        to.set_part(&mut problem.terms, part, value);
    }
}

/// The value of a component.
pub(super) fn value(problem: &mut Problem<'_>, state: &State, it: &Component) -> Term {
    if problem.isa.register(it.register).count.is_some() {
        let index = index(problem, it);
        state.element(&mut problem.terms, problem.isa, it.register, index)
    } else {
        let part = Part { register: it.register, low: it.slice.low, width: it.slice.width };
        state.part(&mut problem.terms, part)
    }
}

/// Gives a component a value.
pub(super) fn set(problem: &mut Problem<'_>, state: &mut State, it: &Component, value: Term) {
    if let Register::File(..) = state.registers[it.register.index()] {
        let (guard, index) = (problem.terms.bool(true), index(problem, it));
        if let Register::File(_, writes) = &mut state.registers[it.register.index()] {
            writes.push(Write { guard, index, value });
        }
    } else {
        let part = Part { register: it.register, low: it.slice.low, width: it.slice.width };
        state.set_part(&mut problem.terms, part, value);
    }
}

fn index(problem: &mut Problem<'_>, it: &Component) -> Term {
    let last = u128::from(problem.isa.register(it.register).len()) - 1;
    problem.terms.constant(it.index.into(), model::bits::bits_for(last))
}

/// Behind each of the traps of a guest, the instruction saves the register.
fn saves(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    task: Task<'_>,
    keeper: &State,
    guest: &State,
    k: Term,
) -> Term {
    let sought = value(problem, guest, task.component);
    let cells = problem.address(own_cells(problem.isa, task));
    let mut all = Vec::new();
    for trap in task.traps {
        let argument = argument(problem);
        let facts = Facts::default();
        let (mut entry, strange) = behind(problem, *trap, argument, guest.clone(), &facts);
        for it in task.saved {
            let monitors = value(problem, keeper, it);
            set(problem, &mut entry, it, monitors);
        }
        all.push(problem.terms.not(strange));
        if let Some(part) = problem.isa.mode {
            let mode = entry.part(&mut problem.terms, part);
            let supervisor = problem.terms.constant(setting.pair.supervisor.1, part.width);
            all.push(problem.terms.eq(mode, supervisor));
        }
        let window = problem.window(&entry);
        let run = problem.run_with(entry, window, facts.clone());
        for run in problem.behaviours(&run, &facts, true) {
            all.extend(&run.assumed);
            all.push(run.transition.completes);
            let after = &run.transition.after;
            all.push(keeps(problem, &run, task.place));
            for it in components(problem.isa).iter().filter(|it| *it != task.component) {
                let (before, after) = (value(problem, &run.entry, it), value(problem, after, it));
                all.push(problem.terms.eq(before, after));
            }
            for write in after.writes.iter().skip(run.entry.writes.len()) {
                let terms = &mut problem.terms;
                let from = terms.sub(k, cells);
                let offset = terms.sub(write.index, from);
                let inside = terms.ult(offset, cells);
                let old = run.entry.load(terms, &run.transition.facts, write.index);
                let new = after.load(terms, &run.transition.facts, write.index);
                let same = terms.eq(new, old);
                let spoils = terms.or(inside, same);
                all.push(terms.implies(write.guard, spoils));
            }
            let found = is_found(problem, &run, keeper, sought, task, k);
            all.push(found);
        }
    }
    problem.terms.all(all)
}

/// M and R, the place apart, are after the instruction what they were before.
fn keeps(problem: &mut Problem<'_>, run: &Run, place: Place) -> Term {
    let mut after = run.transition.after.clone();
    if let Place::Component(part) = place {
        let before = run.entry.part(&mut problem.terms, part);
        after.set_part(&mut problem.terms, part, before);
    }
    let changed =
        problem.differ_exactly(&run.entry, &after, |s| matches!(s.role, Role::M | Role::R));
    problem.terms.not(changed)
}

/// The value stands at the place; if that is a component, what the instruction has overwritten was the monitor's,
/// or the same.
fn is_found(
    problem: &mut Problem<'_>,
    run: &Run,
    keeper: &State,
    sought: Term,
    task: Task<'_>,
    k: Term,
) -> Term {
    let (isa, after) = (problem.isa, &run.transition.after);
    let (slice, width) = (&task.component.slice, isa.address_width());
    let terms = &mut problem.terms;
    match task.place {
        Place::Cells => {
            let n = cells_of(isa, slice);
            let mut joined: Option<Term> = None;
            for i in 0..n {
                let offset = if isa.endian == Endian::Little { i + 1 } else { n - i };
                let offset = terms.constant(offset, width);
                let at = terms.sub(k, offset);
                let cell = after.load(terms, &run.transition.facts, at);
                joined = Some(joined.map_or(cell, |high| terms.concat(high, cell)));
            }
            let bits = terms.extract(joined.expect("there is a cell"), 0, slice.width);
            terms.eq(bits, sought)
        }
        Place::Component(part) => {
            let value = after.part(terms, part);
            let bits = terms.extract(value, 0, slice.width);
            let (left, was) = (run.entry.part(terms, part), keeper.part(terms, part));
            let (untouched, there) = (terms.eq(left, was), terms.eq(left, value));
            let free = terms.or(untouched, there);
            let found = terms.eq(bits, sought);
            terms.and(found, free)
        }
    }
}

/// Two guests to begin with, whose registers are all different.
pub(crate) fn strangers(setting: Setting<'_>) -> Vec<Concrete> {
    let isa = setting.isa;
    let one = |seed: u128| {
        let mut state = Concrete::zero(isa, isa.storage.cells);
        for (id, i, slice, _) in Concrete::zero(isa, 1).of_role(isa, is_guests) {
            // Multiples of an odd number whose bits look random (the golden ratio).
            let n = 1 + seed + 2 * (u128::from(id.index() as u32) * 64 + i as u128);
            let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 64;
            let bits = bits & mask(slice.width);
            let old = state.element(id, i as u128) & !(mask(slice.width) << slice.low);
            state.set_element(id, i as u128, old | bits << slice.low);
        }
        deprivileged(isa, setting.pair, &state)
    };
    vec![one(0), one(1)]
}

/// The value of a component in a concrete state.
pub(crate) fn read(state: &Concrete, it: &Component) -> u128 {
    state.element(it.register, it.index.into()) >> it.slice.low & mask(it.slice.width)
}

/// Gives a component of a concrete state a value.
pub(super) fn write(state: &mut Concrete, it: &Component, value: u128) {
    let (index, bits) = (it.index.into(), mask(it.slice.width) << it.slice.low);
    let others = state.element(it.register, index) & !bits;
    state.set_element(it.register, index, others | value << it.slice.low & bits);
}

/// Whether an instruction, with concrete values of the monitor's, saves a concrete guest's register behind a
/// trap.
fn saves_concretely(
    replay: &Replay<'_>,
    task: Task<'_>,
    (env, guest): (&Concrete, &Concrete),
    (trap, argument): (TrapId, Option<u128>),
) -> bool {
    let isa = replay.isa();
    let Some(mut entry) = sequel(isa, trap, argument, guest) else { return false };
    for it in task.saved {
        let bits = read(env, it) << it.slice.low;
        let old = entry.element(it.register, it.index.into());
        let old = old & !(mask(it.slice.width) << it.slice.low);
        entry.set_element(it.register, it.index.into(), old | bits);
    }
    let supervisor = replay.pair().supervisor.1;
    let admitted = |a: &model::isa::Assumption| model::interp::value(&a.that, &entry).is_true();
    if isa.mode.is_some_and(|part| entry.part(part) != supervisor)
        || !isa.assumptions.iter().all(admitted)
    {
        return false;
    }
    replay.behaviours_from(&entry, true).iter().all(|played| {
        let Some(after) = played.after(isa, false) else { return false };
        is_saved(replay, task, [env, guest, &entry, after])
    })
}

/// Whether the register of a guest stands at its place behind an instruction, and all else is as before.
fn is_saved(
    replay: &Replay<'_>,
    task: Task<'_>,
    [env, guest, before, after]: [&Concrete; 4],
) -> bool {
    let isa = replay.isa();
    let mut others = after.clone();
    if let Place::Component(part) = task.place {
        others.set_part(part, before.part(part));
    }
    let kept = equal_bits(isa, before, &others, |s| matches!(s.role, Role::M | Role::R))
        && components(isa)
            .iter()
            .all(|it| it == task.component || read(before, it) == read(after, it));
    let (slice, k, n) = (&task.component.slice, replay.first, own_cells(isa, task));
    let holds = |bits: u128| bits & mask(slice.width) == read(guest, task.component);
    let elsewhere = |state: &Concrete| -> Vec<(u128, u128)> {
        let all = state.storage.iter().map(|(cell, value)| (*cell, *value));
        all.filter(|(cell, _)| !(k - n..k).contains(cell)).collect()
    };
    let found = match task.place {
        Place::Cells => holds((0..n).fold(0, |high, i| {
            let offset = if isa.endian == Endian::Little { i + 1 } else { n - i };
            high << isa.storage.width | after.load(k - offset)
        })),
        Place::Component(part) => {
            holds(after.part(part))
                && [env.part(part), after.part(part)].contains(&before.part(part))
        }
    };
    kept && found && elsewhere(before) == elsewhere(after)
}

/// Whether concrete values of the monitor's save the register of each of these guests.
pub(crate) fn proposal_shown_by(replay: &Replay<'_>, task: Task<'_>, known: &[Concrete]) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let (isa, env) = (replay.isa(), &side.before);
    let least = isa.least_cells() + cells_of(isa, &task.component.slice);
    let saved = |known: &Concrete| {
        let guest = guest_under(replay, env, known);
        task.traps.iter().all(|trap| {
            arguments(isa).any(|it| saves_concretely(replay, task, (env, &guest), (*trap, it)))
        })
    };
    (least..=env.cells).contains(&replay.first) && known.iter().all(saved)
}

/// A known guest's state in the real machine that is the monitor's.
fn guest_under(replay: &Replay<'_>, env: &Concrete, known: &Concrete) -> Concrete {
    let mut state = env.clone();
    for (id, i, slice, bits) in known.of_role(replay.isa(), is_guests) {
        let old = state.element(id, i as u128) & !(mask(slice.width) << slice.low);
        state.set_element(id, i as u128, old | bits << slice.low);
    }
    let mut storage: BTreeMap<u128, u128> =
        env.storage.range(..replay.first).map(|(cell, value)| (*cell, *value)).collect();
    storage.extend(known.storage.iter().map(|(cell, value)| (replay.first + cell, *value)));
    state.storage = storage;
    state
}

/// A guest's state in the real machine, as it is known: its storage from cell 0 on.
pub(crate) fn known_from(state: &Concrete, first: u128) -> Concrete {
    let storage =
        state.storage.range(first..).map(|(cell, value)| (cell - first, *value)).collect();
    Concrete { storage, ..state.clone() }
}

/// Whether a concrete guest's register is not saved under a proposal.
pub(crate) fn refutation_shown_by(replay: &Replay<'_>, task: Task<'_>, proposed: &Witness) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let env = &proposed.before[0];
    let guest = guest_under(replay, env, &known_from(&side.before, replay.first));
    let fails = |trap: &TrapId| {
        arguments(replay.isa())
            .any(|it| !saves_concretely(replay, task, (env, &guest), (*trap, it)))
    };
    // What is the monitor's is constant, and no part of the model.
    (&guest.registers, guest.cells) == (&side.before.registers, side.before.cells)
        && task.traps.iter().any(fails)
}
