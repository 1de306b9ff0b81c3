//! Handing over: one step of the monitor's gives the processor to any guest.
//!
//! **Statement** (P&G 1974, section 4: the dispatcher gives the processor back; LPSW on the paper's machine). The
//! monitor has a state in supervisor mode, with its storage below k, and a place of its own for every bit of a guest's
//! P, M and mapping. *For all guests* above k: with the guest's bits at their places, an instruction that is fetched
//! from the monitor's storage [launches](super::launch) a guest, and P, M and the mapping are then those of this guest.
//! What no monitor sets — the clock, what guests have in storage — has any value. No assumption about what is the
//! monitor's is false behind the step.
//! The mode itself and what `deprivilege:` writes are as the map has them. That a bit has a value that no instruction
//! and no trap gives it is not asked for: P on a machine of aligned instructions. Nor is a guest whose mapping leaves
//! storage, or breaks an assumption.
//!
//! **Formula.** ∃ operands, state, places ∀ guests, by proposing and refuting. [`ask_step`] looks for one step, from
//! which the interpreter reads where each bit comes from. [`ask_refutation`] looks for a guest for which the same
//! operands, state and places do not do. That [`ask_step`] has no model is no proof that no program can hand over: it
//! looks at single steps.
//!
//! **What a witness shows.** The monitor's state with the guest's bits at their places.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::bits::mask;
use model::interp::{self, Access, Fetched, Place};
use model::isa::{Assumption, Expr, Isa, Kind, Pair, Part, RegisterId, Role, Slice};
use model::map::window;
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::choice::is_chosen;
use super::launch::{self, Launching, asked, goals, writes};
use super::resource::is_resource;
use super::resume::Aim;
use super::save::{self, Component, of_role, value};
use super::{Obligation, VirtualMode};
use crate::prove::problem::{Problem, Run, cell_count};
use crate::prove::replay::{Replay, equal_bits};
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::symbolic::execute::fetched;
use crate::symbolic::follows::follows;
use crate::symbolic::state::{Layout, Region, Register, State, Write};
use crate::symbolic::term::{Array, Term, Terms};

pub(crate) const STATEMENT: &str = "for one state of the monitor's, with places of its own for the bits of a guest's P, M \
     and mapping, one instruction that is fetched from its storage leads every guest that has its bits there to its own \
     P, M and mapping in user mode, whatever the clock and the guest's storage hold (P&G 1974, section 4)";

/// Cells that a proposal may take beside those of the traps.
const ROOM: u128 = 256;

/// Where the monitor keeps one bit of a guest's before the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bit {
    /// At a bit of a place, inverted or as it is.
    At { place: Place, bit: u32, inverted: bool },
    /// Nowhere: the step leads to this value, and guests have no other.
    Always(bool),
}

/// Where the monitor keeps a component of a guest's.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) component: Component,
    /// What is kept is the value less this.
    pub(crate) offset: u128,
    /// Lowest first.
    pub(crate) bits: Vec<Bit>,
}

/// Operands and a state of the monitor's, with the places of what is the guest's.
#[derive(Debug, Clone)]
pub(crate) struct Handover {
    pub(crate) witness: Box<Witness>,
    pub(crate) guest: Vec<Placed>,
    /// Components of the monitor's that may have any value before the step.
    pub(crate) free: Vec<Part>,
}

/// What a step that is proposed has to lead to, and from which clocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// All of these, and at least one of those.
    pub(crate) all: Vec<Aim>,
    pub(crate) some: Vec<Aim>,
    /// A state whose clocks it starts with.
    pub(crate) clocks: Option<Concrete>,
}

/// What a guest is handed over with: P, M but for the mode and what de-privileging writes, and the mapping, where it is
/// the monitor's to place.
pub(crate) fn components(isa: &Isa, pair: &Pair, launching: Launching<'_>) -> Vec<Component> {
    let is_mode = |it: &Component| {
        let mode = |mode: Part| (mode.register, mode.low) == (it.register, it.slice.low);
        isa.mode.is_some_and(mode) || writes(&pair.deprivilege.statements, it.register)
    };
    let mode = of_role(isa, Role::M).into_iter().filter(|it| !is_mode(it));
    let mapping =
        of_role(isa, Role::R).into_iter().filter(|it| launching.placed && is_mapping(&it.slice));
    of_role(isa, Role::P).into_iter().chain(mapping).chain(mode).collect()
}

fn is_mapping(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
}

/// What a monitor neither sets nor maps.
fn is_given(slice: &Slice) -> bool {
    slice.role == Role::R && !is_chosen(slice) && !is_mapping(slice)
}

/// The monitor's state with its storage below k, laid out.
fn laid_out(problem: &mut Problem<'_>, state: &mut State, k: Term, [own, guests]: [Array; 2]) {
    let region = Region { base: problem.address(0), size: k, array: own };
    state.layout = Rc::new(Layout { regions: vec![region], rest: guests, cells: problem.cells });
}

/// The window lies beyond the monitor's storage and within storage; it is not empty.
fn is_placed(problem: &mut Problem<'_>, state: &State, k: Term) -> Term {
    if problem.isa.window.is_none() {
        return problem.terms.bool(true);
    }
    let (base, size) = problem.window(state);
    let terms = &mut problem.terms;
    let wide = terms.width(base) + 1;
    let [base, size, k, cells] = [base, size, k, problem.cells].map(|t| terms.zext(t, wide));
    let end = terms.add(base, size);
    let zero = terms.constant(0, wide);
    let all = [terms.ule(k, base), terms.ne(size, zero), terms.ule(end, cells)];
    terms.all(all)
}

/// Whether a concrete window lies there.
fn is_in_place(isa: &Isa, state: &Concrete, first: u128) -> bool {
    let (base, size) = window(isa, state);
    isa.window.is_none()
        || first <= base && size > 0 && base.checked_add(size).is_some_and(|it| it <= state.cells)
}

/// An instruction of the shortest length can be fetched from the monitor's storage.
fn is_fetched(problem: &mut Problem<'_>, run: &Run, k: Term, own: Array) -> Term {
    let isa = problem.isa;
    let Some(how) = isa.all_fetches.first() else { return problem.terms.bool(true) };
    let mut state = run.entry.clone();
    let guests = problem.array();
    laid_out(problem, &mut state, k, [own, guests]);
    let found = fetched(isa, &mut problem.terms, how, &state, &run.transition.facts);
    let mut all = vec![found.completes, problem.terms.not(found.strange)];
    for root in found.word.into_iter().chain([found.completes]) {
        all.push(ignores(problem, root, guests));
    }
    problem.terms.all(all)
}

/// A value does not depend on what guests have in storage.
fn ignores(problem: &mut Problem<'_>, root: Term, guests: Array) -> Term {
    let mut variables = FxHashSet::default();
    problem.terms.support(root, &mut variables);
    follows(&mut problem.terms, root, &variables, &|array| array != guests)
}

/// Whether an instruction can be fetched from the monitor's cells of a concrete state.
fn fetches(isa: &Isa, state: &Concrete, first: u128) -> bool {
    let Some(how) = isa.all_fetches.first() else { return true };
    let own = std::cell::Cell::new(true);
    let fetched = interp::observed_fetch(how, state, &|access| {
        if let Access::Read(Place::Cell(cell)) = access {
            // Beyond storage there is nothing.
            own.set(own.get() && (cell < first || cell >= state.cells));
        }
    });
    matches!(fetched, Fetched::Word(_)) && own.get()
}

/// What the step changes in storage is the monitor's.
fn leaves_guests(problem: &mut Problem<'_>, run: &Run, k: Term) -> Vec<Term> {
    let (after, facts) = (&run.transition.after, &run.transition.facts);
    let mut all = Vec::new();
    for write in after.writes.iter().skip(run.entry.writes.len()) {
        let terms = &mut problem.terms;
        let [was, is] = [&run.entry, after].map(|state| state.load(terms, facts, write.index));
        let (own, same) = (terms.ult(write.index, k), terms.eq(was, is));
        let spared = terms.or(own, same);
        all.push(terms.implies(write.guard, spared));
    }
    all
}

/// What an assumption speaks of.
#[derive(PartialEq, Eq)]
enum Subject {
    /// The guest's P, M or mapping.
    Guest,
    /// The mode and what is the monitor's.
    Monitor,
    /// Something else.
    Other,
}

fn subject(isa: &Isa, components: &[Component], that: &Expr) -> Subject {
    let mut named = BTreeSet::new();
    that.registers(&mut named);
    let is_guests = |id: &RegisterId| components.iter().any(|it| it.register == *id);
    let is_monitors = |id: &RegisterId| {
        isa.register(*id).slices.iter().all(|s| s.role == Role::M || is_resource(s))
    };
    if named.iter().any(is_guests) {
        Subject::Guest
    } else if named.iter().all(is_monitors) {
        Subject::Monitor
    } else {
        Subject::Other
    }
}

/// The registers of the monitor's that assumptions speak of.
pub(crate) fn assumed(isa: &Isa, components: &[Component]) -> BTreeSet<RegisterId> {
    let mut named = BTreeSet::new();
    own_assumptions(isa, components).for_each(|a| a.that.registers(&mut named));
    named
}

/// What holds of the state behind the step that a guest does not bring with it.
fn own_assumptions<'i>(
    isa: &'i Isa,
    components: &[Component],
) -> impl Iterator<Item = &'i Assumption> {
    isa.assumptions.iter().filter(|a| subject(isa, components, &a.that) == Subject::Monitor)
}

/// The same of a symbolic state.
fn keeps_own(problem: &mut Problem<'_>, components: &[Component], state: &State) -> Vec<Term> {
    let isa = problem.isa;
    let all = problem.assumptions(state);
    let own = isa.assumptions.iter().map(|a| subject(isa, components, &a.that) == Subject::Monitor);
    own.zip(all).filter(|(own, _)| *own).map(|(_, holds)| holds).collect()
}

/// Whether the specification's assumptions admit a guest, those about the monitor aside.
fn admitted(isa: &Isa, components: &[Component], guest: &Concrete) -> bool {
    let speaks = |a: &&Assumption| subject(isa, components, &a.that) == Subject::Guest;
    isa.assumptions.iter().filter(speaks).all(|a| interp::value(&a.that, guest).is_true())
}

/// "The instruction launches some guest from the monitor's storage, and leads to what is wanted."
pub(crate) fn ask_step(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    launching: Launching<'_>,
    low: &BTreeMap<u128, u128>,
    wanted: &Wanted,
) -> Obligation {
    let isa = problem.isa;
    let all_cells = problem.address(isa.storage.cells);
    let asked_cells = std::mem::replace(&mut problem.cells, all_cells);
    let k = cell_count(isa, &mut problem.terms, isa.storage.cells);
    let [own, guests] = [problem.array(), problem.array()];
    let mut state = launch::from(problem, setting, VirtualMode::Supervisor);
    laid_out(problem, &mut state, k, [own, guests]);
    let mut premises = Vec::new();
    let [least, most] = [0, ROOM].map(|more| problem.address(isa.least_cells() + more));
    premises.push(problem.terms.ule(least, k));
    premises.push(problem.terms.ule(k, most));
    for cell in isa.trap_cells.new.clone() {
        let at = problem.address(cell);
        let is = problem.terms.select(own, at);
        let known = low.get(&cell).copied().unwrap_or(0);
        let known = problem.terms.constant(known, isa.storage.width);
        premises.push(problem.terms.eq(is, known));
    }
    let run = stepped(problem, state, &premises);
    let mut all = goals(problem, setting, &run, launching);
    if launching.placed {
        all.push(is_placed(problem, &run.transition.after, k));
        all.push(is_fetched(problem, &run, k, own));
    }
    all.extend(leaves_guests(problem, &run, k));
    let after = &run.transition.after;
    let components = components(isa, setting.pair, launching);
    all.extend(keeps_own(problem, &components, after));
    let mut roots = vec![run.transition.completes];
    roots.extend(components.iter().map(|component| value(problem, after, component)));
    all.extend(roots.into_iter().map(|root| ignores(problem, root, guests)));
    all.extend(wanted.all.iter().map(|aim| aim.term(problem, after)));
    if !wanted.some.is_empty() {
        let some: Vec<Term> = wanted.some.iter().map(|aim| aim.term(problem, after)).collect();
        all.push(problem.terms.any(some));
    }
    if let Some(like) = &wanted.clocks {
        for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in register.slices.iter().filter(|s| is_given(s)) {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let is = run.entry.part(&mut problem.terms, part);
                let known = problem.terms.constant(like.part(part), part.width);
                all.push(problem.terms.eq(is, known));
            }
        }
    }
    let goal = problem.terms.all(all);
    problem.cells = asked_cells;
    let mut obligation = asked(problem, run, goal);
    obligation.query.premises.extend(premises);
    obligation.first = Some(k);
    obligation
}

/// The instruction from a state that is laid out.
fn stepped(problem: &mut Problem<'_>, state: State, premises: &[Term]) -> Run {
    let window = problem.window(&state);
    let mut facts = problem.known();
    for premise in premises {
        facts.assume(&mut problem.terms, *premise);
    }
    problem.run_with(state, window, facts)
}

/// Whether a concrete step is one of those that [`ask_step`] looks for.
pub(crate) fn step_shown_by(
    replay: &Replay<'_>,
    launching: Launching<'_>,
    low: &BTreeMap<u128, u128>,
    wanted: &Wanted,
) -> bool {
    let isa = replay.isa();
    let Some((before, after)) = launch::step(replay, VirtualMode::Supervisor) else { return false };
    let clocks = |like: &Concrete| equal_bits(isa, before, like, is_given);
    isa.trap_cells.new.clone().all(|cell| before.load(cell) == low.get(&cell).copied().unwrap_or(0))
        && launches(replay, launching, before, after)
        && (!launching.placed || is_in_place(isa, after, replay.first))
        && own_assumptions(isa, &components(isa, replay.pair(), launching))
            .all(|a| interp::value(&a.that, after).is_true())
        && wanted.all.iter().all(|aim| aim.is_met(after))
        && (wanted.some.is_empty() || wanted.some.iter().any(|aim| aim.is_met(after)))
        && wanted.clocks.as_ref().is_none_or(clocks)
}

/// Whether a concrete step launches a guest from the monitor's cells and leaves all others.
fn launches(
    replay: &Replay<'_>,
    launching: Launching<'_>,
    before: &Concrete,
    after: &Concrete,
) -> bool {
    let first = replay.first;
    launch::start_shown_by(replay, launching)
        && (!launching.placed || fetches(replay.isa(), before, first))
        && before.storage.range(first..).eq(after.storage.range(first..))
}

/// "There is a guest that the proposed step does not lead to its own P, M and mapping."
pub(crate) fn ask_refutation(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    launching: Launching<'_>,
    proposed: &Handover,
) -> Obligation {
    let isa = problem.isa;
    let (env, first) = (&proposed.witness.before[0], proposed.witness.first.unwrap_or(0));
    let constant = |(o, value): (&model::isa::Operand, &(String, u128))| {
        problem.terms.constant(value.1, o.width)
    };
    let operands = problem.class.operands.iter().zip(&proposed.witness.operands);
    let operands = operands.map(constant).collect();
    let cells = problem.address(env.cells);
    let before = (
        std::mem::replace(&mut problem.operands, operands),
        std::mem::replace(&mut problem.cells, cells),
    );
    let k = problem.address(first);
    let own = problem.terms.known_array(isa.storage.width, env.storage.clone());
    let guests = problem.array();
    let state = problem.constants(env);
    let is_free = |id: RegisterId, s: &Slice| {
        let part = Part { register: id, low: s.low, width: s.width };
        is_given(s) || proposed.free.contains(&part)
    };
    let mut state = problem.vary(&state, is_free);
    let guest = brought(problem, proposed);
    put(problem, &mut state, env, proposed, &guest);
    laid_out(problem, &mut state, k, [own, guests]);
    let run = stepped(problem, state, &[]);
    let mut target = problem.in_mode(&run.transition.after, setting.pair.user.1);
    for (component, [wanted, _]) in &guest {
        save::set(problem, &mut target, component, *wanted);
    }
    let components: Vec<Component> = guest.iter().map(|(it, _)| it.clone()).collect();
    let mut premises = Vec::new();
    if launching.placed {
        premises.push(is_placed(problem, &target, k));
    }
    let assumptions = problem.assumptions(&target);
    for (assumption, holds) in isa.assumptions.iter().zip(assumptions) {
        if subject(isa, &components, &assumption.that) == Subject::Guest {
            premises.push(holds);
        }
    }
    let mut all = goals(problem, setting, &run, launching);
    if launching.placed {
        all.push(is_fetched(problem, &run, k, own));
    }
    all.extend(leaves_guests(problem, &run, k));
    let after = &run.transition.after;
    for (component, [wanted, _]) in &guest {
        let is = value(problem, after, component);
        all.push(problem.terms.eq(is, *wanted));
    }
    all.extend(keeps_own(problem, &components, after));
    let led = problem.terms.all(all);
    let goal = problem.terms.not(led);
    (problem.operands, problem.cells) = before;
    let mut obligation = asked(problem, run, goal);
    obligation.query.premises.extend(premises);
    obligation.first = Some(k);
    obligation
}

/// What an arbitrary guest has in its components, and what is kept of each.
fn brought(problem: &mut Problem<'_>, proposed: &Handover) -> Vec<(Component, [Term; 2])> {
    let mut all = Vec::new();
    for placed in &proposed.guest {
        let terms = &mut problem.terms;
        let width = placed.component.slice.width;
        let any = terms.variable(width);
        let pieces = placed.bits.iter().enumerate().map(|(i, bit)| match bit {
            Bit::Always(value) => Piece::Known(*value),
            Bit::At { .. } => Piece::Of(any, i as u32, false),
        });
        let pieces: Vec<Piece> = pieces.collect();
        let kept = assembled(terms, &pieces);
        let offset = terms.constant(placed.offset, width);
        all.push((placed.component.clone(), [terms.add(kept, offset), kept]));
    }
    all
}

/// One bit of a value that is put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Known(bool),
    /// A bit of a term, inverted or as it is.
    Of(Term, u32, bool),
}

/// A value of bits, lowest first.
fn assembled(terms: &mut Terms, pieces: &[Piece]) -> Term {
    let follows = |a: &Piece, b: &Piece| match (a, b) {
        (Piece::Known(_), Piece::Known(_)) => true,
        (Piece::Of(t, i, n), Piece::Of(u, j, m)) => (t, i + 1, n) == (u, *j, m),
        _ => false,
    };
    let mut whole: Option<Term> = None;
    for run in pieces.chunk_by(follows) {
        let width = run.len() as u32;
        let part = match run[0] {
            Piece::Known(_) => {
                let ones = run.iter().enumerate().filter(|(_, p)| **p == Piece::Known(true));
                let value = ones.fold(0, |value, (i, _)| value | 1u128 << i);
                terms.constant(value, width)
            }
            Piece::Of(t, low, inverted) => {
                let bits = terms.extract(t, low, width);
                if inverted { terms.not(bits) } else { bits }
            }
        };
        whole = Some(whole.map_or(part, |low| terms.concat(part, low)));
    }
    whole.unwrap_or_else(|| terms.bool(false))
}

/// Puts a guest's bits at their places in the monitor's state.
fn put(
    problem: &mut Problem<'_>,
    state: &mut State,
    env: &Concrete,
    proposed: &Handover,
    guest: &[(Component, [Term; 2])],
) {
    let isa = problem.isa;
    let mut places: BTreeMap<Place, Vec<Piece>> = BTreeMap::new();
    for (placed, (_, [_, kept])) in proposed.guest.iter().zip(guest) {
        for (i, bit) in placed.bits.iter().enumerate() {
            let Bit::At { place, bit, inverted } = *bit else { continue };
            let pieces = places.entry(place).or_insert_with(|| held(isa, state, env, place));
            pieces[bit as usize] = Piece::Of(*kept, i as u32, inverted);
        }
    }
    for (place, pieces) in places {
        let value = assembled(&mut problem.terms, &pieces);
        let guard = problem.terms.bool(true);
        match place {
            Place::Cell(cell) => {
                let index = problem.address(cell);
                state.writes.push(Write { guard, index, value });
            }
            Place::Register(id, index) => match &mut state.registers[id.index()] {
                Register::Single(t) => *t = value,
                Register::File(_, writes) => {
                    let last = u128::from(isa.register(id).len()) - 1;
                    let index = problem.terms.constant(index, model::bits::bits_for(last));
                    writes.push(Write { guard, index, value });
                }
            },
        }
    }
}

/// What a place holds, bit by bit, before the guest's bits are put there.
fn held(isa: &Isa, state: &State, env: &Concrete, place: Place) -> Vec<Piece> {
    let known =
        |value: u128, width: u32| (0..width).map(move |i| Piece::Known(value >> i & 1 == 1));
    match place {
        Place::Cell(cell) => known(env.load(cell), isa.storage.width).collect(),
        Place::Register(id, index) => {
            let width = isa.register(id).width;
            match &state.registers[id.index()] {
                Register::Single(t) => (0..width).map(|i| Piece::Of(*t, i, false)).collect(),
                Register::File(..) => known(env.element(id, index), width).collect(),
            }
        }
    }
}

/// What the guest that stands at the places of a state brings.
pub(crate) fn guest(state: &Concrete, proposed: &Handover) -> Vec<Aim> {
    let of = |placed: &Placed| {
        let bit = |(i, bit): (usize, &Bit)| {
            let is = match *bit {
                Bit::Always(value) => value,
                Bit::At { place, bit, inverted } => (at(state, place) >> bit & 1 == 1) != inverted,
            };
            u128::from(is) << i
        };
        let kept: u128 = placed.bits.iter().enumerate().map(bit).sum();
        let mask = mask(placed.component.slice.width);
        let value = kept.wrapping_add(placed.offset) & mask;
        Aim { component: placed.component.clone(), mask, value }
    };
    proposed.guest.iter().map(of).collect()
}

/// What a place holds.
pub(crate) fn at(state: &Concrete, place: Place) -> u128 {
    match place {
        Place::Register(id, index) => state.element(id, index),
        Place::Cell(cell) => state.load(cell),
    }
}

/// Whether the guest of a concrete state is not led to its own P, M and mapping.
pub(crate) fn refutation_shown_by(
    replay: &Replay<'_>,
    launching: Launching<'_>,
    proposed: &Handover,
) -> bool {
    let isa = replay.isa();
    let [side] = replay.sides.as_slice() else { return false };
    let aims = guest(&side.before, proposed);
    let components: Vec<Component> = aims.iter().map(|aim| aim.component.clone()).collect();
    let after = side.after(isa, false);
    let mut target = after.unwrap_or(&side.before).clone();
    isa.mode.into_iter().for_each(|mode| target.set_part(mode, replay.pair().user.1));
    for aim in &aims {
        save::write(&mut target, &aim.component, aim.value);
    }
    let led = after.is_some_and(|after| {
        launches(replay, launching, &side.before, after)
            && aims.iter().all(|aim| aim.is_met(after))
            && own_assumptions(isa, &components).all(|a| interp::value(&a.that, after).is_true())
    });
    (!launching.placed || is_in_place(isa, &target, replay.first))
        && admitted(isa, &components, &target)
        && !led
}
