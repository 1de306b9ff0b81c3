//! The trap sequence of the real machine: it reaches the monitor and takes nothing with it.
//!
//! **Statement** (P&G section 2: a trap saves the PSW and leaves the rest of E alone). For every state
//! of the real machine in user mode, the trap sequence changes no cell of the partition; and two states
//! that differ in E, P or the mapping still differ behind it, so the dispatcher can tell them apart.
//!
//! **Formula.** Arbitrary states before the sequence, with an arbitrary argument. The monitor's own
//! components of R and its storage are the same on both sides, clocks apart. Not each loss stands in the way of a monitor:
//! P must be found, the mapping where some instruction changes it directly, and the argument where a trap
//! has to be reflected from what is found. Where the sequence stores through the
//! monitor's own registers (a supervisor stack), the places are assumed to exist and to lie outside the
//! partition: the monitor sees to that, and the report prints it.
//!
//! **What a witness shows.** A state whose partition the sequence writes to, or two that it makes one.

use std::rc::Rc;

use model::interp::{Outcome, run_plain, take_trap};
use model::isa::{Class, Isa, Kind, Role, Slice, TrapId};
use model::state::State as Concrete;
use rustc_hash::{FxHashMap, FxHashSet};

use super::behaviour::in_virtual_mode;
use super::resource::is_resource;
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Storage, cell_count};
use crate::prove::replay::{Played, Replay, equal_bits};
use crate::prove::setting::Setting;
use crate::symbolic::execute::{self, TrapExit, after_trap};
use crate::symbolic::facts::Facts;
use crate::symbolic::known::KnownBits;
use crate::symbolic::state::{Layout, Region, Register, State};
use crate::symbolic::term::{Node, Term, Terms};

pub(crate) const STATEMENT: &str = "the trap sequence changes no cell of the partition, and two states that differ in E, \
     P or the mapping still differ behind it (P&G 1974, section 2)";

/// Where a trap sequence stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stores {
    /// In fixed cells, among those the monitor keeps.
    Fixed,
    /// Also where the monitor's own registers say.
    Own,
    /// Also elsewhere.
    Elsewhere,
}

/// An arbitrary state of the real machine in user mode, under any monitor.
fn real(problem: &mut Problem<'_>, setting: Setting<'_>) -> State {
    let fresh = problem.fresh();
    let user = in_virtual_mode(problem, setting, &fresh, VirtualMode::User);
    problem.keeping(&user, setting.kept)
}

/// Where the sequence of a trap stores, from user mode.
pub(crate) fn stores(setting: Setting<'_>, class: &Class, trap: TrapId) -> Stores {
    let isa = setting.isa;
    let mut problem = Problem::new(isa, class, Terms::default());
    let state = real(&mut problem, setting);
    let mut own = monitors_own(&mut problem, &state);
    let argument = argument(&mut problem);
    own.extend(argument);
    let (after, _) = behind(&mut problem, trap, argument, state, &Facts::default());
    let least = isa.least_cells();
    let of = |index: Term| match problem.terms.value(index) {
        Some(cell) if cell < least => Stores::Fixed,
        None if depends_only_on(&problem.terms, index, &own) => Stores::Own,
        _ => Stores::Elsewhere,
    };
    let all: Vec<Stores> = after.writes.iter().map(|w| of(w.index)).collect();
    let worst = [Stores::Elsewhere, Stores::Own].into_iter().find(|s| all.contains(s));
    worst.unwrap_or(Stores::Fixed)
}

/// The components of a state that belong to the monitor.
pub(super) fn monitors_own(problem: &mut Problem<'_>, state: &State) -> FxHashSet<Term> {
    let mut own = FxHashSet::default();
    for (id, register) in problem.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in register.slices.iter().filter(|s| is_resource(s)) {
            let part = model::isa::Part { register: id, low: slice.low, width: slice.width };
            own.insert(state.part(&mut problem.terms, part));
        }
    }
    own
}

/// Whether a term's value follows from the allowed terms. Branches that are never taken do not count.
pub(super) fn depends_only_on(terms: &Terms, root: Term, allowed: &FxHashSet<Term>) -> bool {
    let mut open = vec![root];
    let mut seen = FxHashSet::default();
    let mut known = KnownBits::default();
    while let Some(t) = open.pop() {
        if allowed.contains(&t) || !seen.insert(t) {
            continue;
        }
        match terms.node(t) {
            Node::Variable(_) | Node::Select(..) => return false,
            Node::Ite(condition, then, otherwise) => match known.value(terms, *condition) {
                Some(1) => open.push(*then),
                Some(_) => open.push(*otherwise),
                None => open.extend(terms.children(t)),
            },
            _ => open.extend(terms.children(t)),
        }
    }
    true
}

/// An arbitrary argument, where traps have one.
pub(super) fn argument(problem: &mut Problem<'_>) -> Option<Term> {
    let width = problem.isa.trap_argument;
    (width > 0).then(|| problem.terms.variable(width))
}

/// The state behind the trap sequence, and when it is unpredictable.
pub(super) fn behind(
    problem: &mut Problem<'_>,
    trap: TrapId,
    argument: Option<Term>,
    before: State,
    facts: &Facts,
) -> (State, Term) {
    let when = problem.terms.bool(true);
    let exit = TrapExit { trap, when, argument, before };
    after_trap(problem.isa, &mut problem.terms, &exit, facts)
}

/// "There is a state from which the sequence writes to the partition, or is unpredictable."
pub(crate) fn ask_partition(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    stores: Stores,
) -> Obligation {
    let isa = problem.isa;
    let width = isa.address_width();
    let w = problem.cells;
    let q = cell_count(isa, &mut problem.terms, 1);
    let k = problem.terms.variable(model::bits::bits_for(isa.storage.cells));
    let k = problem.terms.zext(k, width);
    let mut premises = problem.always.clone();
    premises.extend(problem.size_bounds(q));
    let end = problem.terms.add(k, w);
    premises.push(problem.terms.ule(end, q));
    let least = problem.terms.constant(isa.least_cells(), width);
    premises.push(problem.terms.ule(least, k));

    let mut real = real(problem, setting);
    let (array, rest) = (problem.array(), problem.array());
    let regions = vec![Region { base: k, size: w, array }];
    real.layout = Rc::new(Layout { regions, rest, cells: q });
    let mut guest = real.clone();
    guest.layout = Rc::new(Layout { regions: Vec::new(), rest: array, cells: w });
    let mut facts = Facts::default();
    for premise in &premises {
        facts.assume(&mut problem.terms, *premise);
    }
    let argument = argument(problem);
    let (after, strange) = behind(problem, trap, argument, real.clone(), &facts);
    let mut wrong = vec![strange];
    for write in &after.writes {
        let terms = &mut problem.terms;
        let offset = terms.sub(write.index, k);
        let inside = terms.ult(offset, w);
        if stores == Stores::Own {
            premises.push(terms.not(inside));
            continue;
        }
        if facts.decide(terms, inside) == Some(false) {
            continue;
        }
        let old = real.load(terms, &facts, write.index);
        let new = after.load(terms, &facts, write.index);
        let changed = terms.ne(old, new);
        let changed = terms.and(inside, changed);
        wrong.push(terms.and(write.guard, changed));
    }
    let goal = problem.terms.any(wrong);
    let windows = [problem.window(&guest), problem.window(&real)];
    let runs = vec![problem.at_rest(guest, windows[0]), problem.at_rest(real, windows[1])];
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs, unknown, first: Some(k) }
}

/// What is looked for behind the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sought {
    /// Everything that is the guest's.
    State,
    /// P, without which no dispatcher can go on.
    Counter,
    /// The mapping, which a dispatcher must find where unprivileged code changes it.
    Mapping,
    /// E, which a monitor cannot put back unless it finds it.
    Registers,
}

impl Sought {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::State => "saved",
            Self::Counter => "counter",
            Self::Mapping => "mapping",
            Self::Registers => "registers",
        }
    }

    fn includes(self, slice: &Slice) -> bool {
        match self {
            Self::State => is_guests(slice),
            Self::Counter => slice.role == Role::P,
            Self::Mapping => is_mapping(slice),
            Self::Registers => slice.role == Role::E,
        }
    }
}

/// "There are two states that differ in what is sought, and are one behind the sequence."
pub(crate) fn ask_saved(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    stores: Stores,
    sought: Sought,
) -> Obligation {
    let mut first = real(problem, setting);
    let rest = problem.array();
    first.layout = Rc::new(Layout { regions: Vec::new(), rest, cells: problem.cells });
    let argument = argument(problem);
    let mut facts = Facts::default();
    for premise in problem.always.clone() {
        facts.assume(&mut problem.terms, premise);
    }
    let (after_first, _) = behind(problem, trap, argument, first.clone(), &facts);
    // A register that the sequence leaves alone is kept; the states may differ in the others.
    let touched = |id: model::isa::RegisterId| {
        first.registers[id.index()] != after_first.registers[id.index()]
    };
    let second = problem.vary(&first, |id, s| touched(id) && is_guests(s) || is_time(s));
    let (after_second, _) = behind(problem, trap, argument, second.clone(), &facts);

    let mut premises = problem.always.clone();
    if stores == Stores::Own {
        for write in after_first.writes.iter().chain(&after_second.writes) {
            premises.push(problem.terms.ult(write.index, first.layout.cells));
        }
    }
    premises.extend(equal(problem, [&after_first, &after_second], &facts));
    let goal = problem.differ(&first, &second, |s| sought.includes(s));
    let windows = [problem.window(&first), problem.window(&second)];
    let runs = vec![problem.at_rest(first, windows[0]), problem.at_rest(second, windows[1])];
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs, unknown, first: None }
}

/// "The instruction completes in user mode, and changes the mapping."
pub(crate) fn ask_moves(problem: &mut Problem<'_>, setting: Setting<'_>) -> Obligation {
    let state = real(problem, setting);
    let storage = Storage::Flat(problem.array());
    let run = problem.run(state, storage);
    let changed = problem.differ(&run.entry, &run.transition.after, is_mapping);
    let goal = problem.terms.and(run.transition.completes, changed);
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

/// Whether the instruction changes the mapping of a concrete state in user mode.
pub(crate) fn moves_shown_by(replay: &Replay<'_>) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let moves = |after: &Concrete| !equal_bits(replay.isa(), &side.before, after, is_mapping);
    in_user(replay, &side.before) && side.after(replay.isa(), false).is_some_and(moves)
}

/// "A guest's own sequence shows two arguments, and that of the real machine does not."
pub(crate) fn ask_argument(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    stores: Stores,
) -> Obligation {
    let arguments = [argument(problem), argument(problem)];
    let real = real(problem, setting);
    let virtual_state = problem.fresh();
    let mut premises = problem.always.clone();
    let mut one = Vec::new();
    for state in [&real, &virtual_state] {
        let mut state = state.clone();
        let rest = problem.array();
        state.layout = Rc::new(Layout { regions: Vec::new(), rest, cells: problem.cells });
        let facts = Facts::default();
        let [a, b] = arguments.map(|it| behind(problem, trap, it, state.clone(), &facts));
        if stores == Stores::Own && one.is_empty() {
            for write in a.0.writes.iter().chain(&b.0.writes) {
                premises.push(problem.terms.ult(write.index, problem.cells));
            }
        }
        let all = equal(problem, [&a.0, &b.0], &facts);
        let same = problem.terms.all(all);
        let strange = problem.terms.or(a.1, b.1);
        one.push((state, same, problem.terms.not(strange)));
    }
    let [(real, merged, goes_on), (guest, same, is_defined)] =
        one.try_into().expect("there are two states");
    let told = problem.terms.not(same);
    let goal = problem.terms.all([merged, goes_on, told, is_defined]);
    let windows = [problem.window(&real), problem.window(&guest)];
    let runs = vec![problem.at_rest(real, windows[0]), problem.at_rest(guest, windows[1])];
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs, unknown, first: None }
}

/// Whether two arguments are told apart behind the sequence of the second concrete state, and not behind that
/// of the first, which is in user mode.
pub(crate) fn argument_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let [real, guest] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let behind = |argument, side: &Played| sequel(isa, trap, argument, &side.before);
    // What the real sequence leaves, with what the guest's leaves for the first such argument.
    let mut found: FxHashMap<Concrete, Concrete> = FxHashMap::default();
    let tells = |argument| {
        let (Some(left), Some(shown)) = (behind(argument, real), behind(argument, guest)) else {
            return false;
        };
        *found.entry(left).or_insert_with(|| shown.clone()) != shown
    };
    in_user(replay, &real.before) && arguments(isa).any(tells)
}

/// What it takes that two states are one behind the sequence of a trap.
pub(super) fn same_behind(
    problem: &mut Problem<'_>,
    trap: TrapId,
    argument: Option<Term>,
    states: [&State; 2],
) -> Term {
    let facts = Facts::default();
    let [a, b] = states.map(|state| behind(problem, trap, argument, state.clone(), &facts));
    let mut all = equal(problem, [&a.0, &b.0], &facts);
    all.extend([a.1, b.1].map(|strange| problem.terms.not(strange)));
    problem.terms.all(all)
}

/// "There are two states that differ in P alone, and the instruction behind them is one." For traps that save its P.
pub(crate) fn ask_advanced(problem: &mut Problem<'_>, setting: Setting<'_>) -> Obligation {
    let is_counter = |s: &Slice| s.role == Role::P;
    let first = real(problem, setting);
    let second = problem.vary(&first, |_, s| is_counter(s));
    let states = [first, second].map(|state| {
        let storage = Storage::Flat(problem.array());
        problem.laid_out(state, storage)
    });
    let (isa, class) = (problem.isa, problem.class);
    let [a, b] = states.each_ref().map(|state| {
        execute::run_plain(isa, &mut problem.terms, &class.advance, state, &Facts::default())
    });
    let differ = problem.differ(&states[0], &states[1], is_counter);
    let apart = problem.differ(&a, &b, is_counter);
    let one = problem.terms.not(apart);
    let goal = problem.terms.and(differ, one);
    let mut premises = problem.always.clone();
    let runs = states.map(|state| {
        let window = problem.window(&state);
        problem.at_rest(state, window)
    });
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: runs.into(), unknown, first: None }
}

/// Whether two concrete states differ in P alone, and not in that of the instruction behind them.
pub(crate) fn advanced_shown_by(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let counter = |s: &Slice| s.role == Role::P;
    let next = |side: &Played| run_plain(&replay.class.advance, &side.before);
    let (a_next, b_next) = (next(a), next(b));
    equal_bits(isa, &a.before, &b.before, |s| !counter(s))
        && !equal_bits(isa, &a.before, &b.before, counter)
        && equal_bits(isa, &a_next, &b_next, counter)
        && in_user(replay, &a.before)
}

/// The registers of two states are equal, clocks apart, and the cells that either wrote: who looks at a clock finds
/// that it has moved on.
fn equal(problem: &mut Problem<'_>, states: [&State; 2], facts: &Facts) -> Vec<Term> {
    let isa = problem.isa;
    let terms = &mut problem.terms;
    let mut all = Vec::new();
    for (id, register) in isa.register_ids() {
        let [a, b] = states.map(|s| &s.registers[id.index()]);
        if let (Register::Single(a), Register::Single(b)) = (a, b) {
            if !register.slices.iter().any(is_time) {
                all.push(terms.eq(*a, *b));
                continue;
            }
            for slice in register.slices.iter().filter(|s| !is_time(s)) {
                let [x, y] = [a, b].map(|t| terms.extract(*t, slice.low, slice.width));
                all.push(terms.eq(x, y));
            }
        } else if a != b {
            let width = model::bits::bits_for(register.len() as u128);
            for i in 0..register.len() {
                let index = terms.constant(i as u128, width);
                let [x, y] = states.map(|s| s.element(terms, isa, id, index));
                all.push(terms.eq(x, y));
            }
        }
    }
    for write in states.iter().flat_map(|s| &s.writes) {
        let [x, y] = states.map(|s| s.load(terms, facts, write.index));
        all.push(terms.eq(x, y));
    }
    all
}

/// What the dispatcher has to find behind the sequence.
fn is_guests(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::P) || is_mapping(slice)
}

fn is_time(slice: &Slice) -> bool {
    slice.kind == Some(Kind::Time)
}

fn is_mapping(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
}

/// The arguments a trap can have; of wide ones, the first.
pub(super) fn arguments(isa: &Isa) -> impl Iterator<Item = Option<u128>> + use<> {
    (0..=model::bits::mask(isa.trap_argument.min(16))).map(Some)
}

/// The state behind the sequence; none where it is unpredictable.
pub(super) fn sequel(
    isa: &Isa,
    trap: TrapId,
    argument: Option<u128>,
    before: &Concrete,
) -> Option<Concrete> {
    match take_trap(isa, trap, argument, before.clone()) {
        Outcome::Trap(_, after) => Some(after),
        Outcome::Step(_) | Outcome::Unpredictable | Outcome::Unknown => None,
    }
}

/// Whether a state of the real machine stands in the pair's user mode, with the bits that every monitor keeps.
fn in_user(replay: &Replay<'_>, state: &Concrete) -> bool {
    replay.isa().mode.is_none_or(|mode| state.part(mode) == replay.pair().user.1)
        && replay.setting.kept.iter().all(|(part, value)| state.part(*part) == *value)
}

/// Whether the sequence, from a concrete state, writes to the partition or goes astray.
pub(crate) fn partition_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let [guest, real] = replay.sides.as_slice() else { return false };
    let (first, end) = (replay.first, replay.first + guest.before.cells);
    let placed = replay.isa().least_cells() <= first && end <= real.before.cells;
    let spills = |argument| {
        sequel(replay.isa(), trap, argument, &real.before).is_none_or(|after| {
            !after.storage.range(first..end).eq(real.before.storage.range(first..end))
        })
    };
    placed && in_user(replay, &real.before) && arguments(replay.isa()).any(spills)
}

/// Whether two concrete states are one but for their clocks.
pub(super) fn alike(isa: &Isa, a: &Concrete, b: &Concrete) -> bool {
    equal_bits(isa, a, b, |s| !is_time(s)) && a.storage == b.storage && a.cells == b.cells
}

/// Whether two concrete states differ before the sequence and not behind it.
pub(crate) fn saved_shown_by(replay: &Replay<'_>, trap: TrapId, sought: Sought) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let (a, b) = (&a.before, &b.before);
    let isa = replay.isa();
    let comparable = equal_bits(isa, a, b, |s| !is_guests(s) && !is_time(s))
        && a.storage == b.storage
        && a.cells == b.cells;
    let one = |argument| {
        let behind = |state| sequel(isa, trap, argument, state);
        behind(a).zip(behind(b)).is_some_and(|(a, b)| alike(isa, &a, &b))
    };
    let differ = !equal_bits(isa, a, b, |s| sought.includes(s));
    comparable && differ && in_user(replay, a) && arguments(isa).any(one)
}
