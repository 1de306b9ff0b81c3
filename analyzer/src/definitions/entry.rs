//! Trap entry: a trap from user mode leads to the monitor, whatever the guest did.
//!
//! **Statement** (P&G section 2: a trap loads a PSW that the supervisor has put there; the paper's machine
//! cannot do otherwise). From every state of the real machine in user mode, M behind the trap sequence is
//! the supervisor mode of the pair; and P and the mapping, through which the handler is fetched, depend
//! only on cells and components that no guest can write.
//!
//! **Formula.** Two parts. [`ask_depends`]: there are two states in user mode that agree in the monitor's
//! storage (the cells below k) and its components of R; the trap of the first enters the supervisor mode with
//! a window that is not empty, and that of the second leads to another mode, P or window; nor, in
//! [`ask_given`], does it fail to enter for another argument, or for another value of what the monitor has and
//! does not set. [`ask_enters`]:
//! there is a state from which all traps enter the supervisor mode. If the first has no model and the second
//! has one, its values of what belongs to the monitor are a choice under which every guest's trap leads to
//! the monitor.
//! Where the sequence loads or stores through the monitor's own components (a table of vectors, a
//! supervisor stack), the monitor keeps these places in its own storage and apart from each other.
//!
//! Where two states differ, [`ask_choice`] asks whether anything that belongs to the monitor makes them
//! agree, or, where one was led astray by what is given, [`ask_given_choice`] whether anything leads both to
//! the monitor, each with some argument. If nothing does, the trap is a *stray*: it counts neither for
//! *privileged* nor for the statewise condition.
//!
//! **What a witness shows.** Two guests' states, and the different places their trap leads to.

use std::rc::Rc;

use model::isa::{Class, Isa, Kind, Part, Role, Slice, TrapId};
use model::map::window;
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::behaviour::in_side;
use super::choice::is_chosen;
use super::sequence::{argument, arguments, behind, depends_only_on, monitors_own, sequel};
use super::{Obligation, Side};
use crate::decide::Query;
use crate::problem::{Problem, Run, cell_count};
use crate::replay::{Replay, deprivileged, equal_bits};
use crate::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, Region, State};
use crate::symbolic::term::{Array, Node, Term, Terms};
use crate::witness::Witness;

pub(crate) const STATEMENT: &str = "behind every trap from user mode, M is the supervisor mode of the pair, and P \
     and the mapping depend only on what no guest can write (P&G 1974, section 2)";

/// What guests can change, or what changes by itself.
fn is_guests(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::M | Role::P)
        || matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds | Kind::Time))
}

/// The real machine before a trap: the monitor's storage below k, guests above.
struct Scene {
    k: Term,
    q: Term,
    monitors: Array,
    premises: Vec<Term>,
}

impl Scene {
    fn new(problem: &mut Problem<'_>) -> Self {
        let isa = problem.isa;
        let width = isa.address_width();
        let q = problem.cells;
        let k = cell_count(isa, &mut problem.terms, 2);
        let least = problem.terms.constant(isa.least_cells(), width);
        let mut premises = problem.always.clone();
        premises.push(problem.terms.ule(least, k));
        premises.push(problem.terms.ule(k, q));
        Self { k, q, monitors: problem.array(), premises }
    }

    /// The state with its storage laid out; what guests have there is arbitrary.
    fn place(&self, problem: &mut Problem<'_>, mut state: State) -> State {
        let size = problem.terms.sub(self.q, self.k);
        let region = Region { base: self.k, size, array: problem.array() };
        state.layout =
            Rc::new(Layout { regions: vec![region], rest: self.monitors, cells: self.q });
        state
    }

    fn facts(&self, problem: &mut Problem<'_>) -> Facts {
        let mut facts = Facts::default();
        for premise in &self.premises {
            facts.assume(&mut problem.terms, *premise);
        }
        facts
    }
}

/// A state of the real machine in user mode.
pub(super) fn in_user(problem: &mut Problem<'_>, setting: Setting<'_>) -> State {
    let fresh = problem.fresh();
    let user = in_side(problem, setting, &fresh, Side::User);
    if setting.steady { user } else { problem.deprivileged(&user, setting.pair) }
}

/// Where a trap leads.
struct Entry {
    mode: Term,
    counter: Vec<Term>,
    window: (Term, Term),
    /// The sequence is unpredictable.
    strange: Term,
}

impl Entry {
    /// Behind the sequence of a trap. `apart` takes what the monitor sees to, where the sequence loads
    /// and stores through the monitor's own components.
    fn of(
        problem: &mut Problem<'_>,
        scene: &Scene,
        (trap, argument): (TrapId, Option<Term>),
        state: &State,
        apart: &mut Vec<Term>,
    ) -> Self {
        let mut facts = scene.facts(problem);
        let (after, strange) = behind(problem, trap, argument, state.clone(), &facts);
        let entry = Self::read(problem, &after, strange);
        let mut own = monitors_own(problem, state);
        own.extend(argument);
        let roots = entry.counter.iter().copied().chain([
            entry.mode,
            entry.window.0,
            entry.window.1,
            entry.strange,
        ]);
        let loads = loads(&problem.terms, roots.collect(), scene.monitors);
        let terms = &mut problem.terms;
        let mut places = Vec::new();
        let owned = |terms: &Terms, index: Term| {
            terms.value(index).is_none() && depends_only_on(terms, index, &own)
        };
        for &load in &loads {
            if owned(terms, load) {
                places.push(terms.ult(load, scene.k));
            }
        }
        for store in after.writes.iter().map(|w| w.index) {
            if owned(terms, store) {
                places.push(terms.ult(store, scene.k));
                places.extend(loads.iter().map(|load| terms.ne(store, *load)));
            }
        }
        if places.is_empty() {
            return entry;
        }
        for place in &places {
            facts.assume(terms, *place);
        }
        apart.extend(places);
        let (after, strange) = behind(problem, trap, argument, state.clone(), &facts);
        Self::read(problem, &after, strange)
    }

    fn read(problem: &mut Problem<'_>, after: &State, strange: Term) -> Self {
        let isa = problem.isa;
        let mut counter = Vec::new();
        for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in register.slices.iter().filter(|s| s.role == Role::P) {
                let part = Part { register: id, low: slice.low, width: slice.width };
                counter.push(after.part(&mut problem.terms, part));
            }
        }
        let mode = match isa.mode {
            Some(part) => after.part(&mut problem.terms, part),
            None => problem.terms.bool(false),
        };
        Self { mode, counter, window: problem.window(after), strange }
    }

    fn differs(&self, terms: &mut Terms, other: &Self) -> Term {
        let mut wrong = vec![
            terms.ne(self.mode, other.mode),
            terms.ne(self.window.0, other.window.0),
            terms.ne(self.window.1, other.window.1),
            self.strange,
            other.strange,
        ];
        wrong.extend(self.counter.iter().zip(&other.counter).map(|(x, y)| terms.ne(*x, *y)));
        terms.any(wrong)
    }

    /// It is in the supervisor mode, and something can be fetched there.
    fn enters(&self, terms: &mut Terms, setting: Setting<'_>, q: Term) -> Term {
        let supervisor = terms.constant(setting.pair.supervisor.1, terms.width(self.mode));
        let zero = terms.constant(0, terms.width(self.window.1));
        let all = [
            terms.eq(self.mode, supervisor),
            terms.ne(self.window.1, zero),
            terms.ult(self.window.0, q),
            terms.not(self.strange),
        ];
        terms.all(all)
    }
}

/// The cells of an array that occur in terms.
fn loads(terms: &Terms, mut open: Vec<Term>, array: Array) -> Vec<Term> {
    let mut seen = FxHashSet::default();
    let mut all = Vec::new();
    while let Some(t) = open.pop() {
        if seen.insert(t) {
            if let Node::Select(of, index) = terms.node(t)
                && *of == array
            {
                all.push(*index);
            }
            open.extend(terms.children(t));
        }
    }
    all
}

/// "There are two states in user mode, with the same of the monitor's; the trap of the first enters the
/// supervisor mode, and that of the second leads to another place."
pub(crate) fn ask_depends(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
) -> Obligation {
    let scene = Scene::new(problem);
    let first = in_user(problem, setting);
    let second = problem.vary(&first, |_, s| is_guests(s));
    let second = problem.deprivileged(&second, setting.pair);
    finish(problem, &scene, trap, [first, second], Arguments::One, |terms, q, [a, b]| {
        let enters = a.enters(terms, setting, q);
        let differs = a.differs(terms, &b);
        terms.and(enters, differs)
    })
}

/// "There are two states in user mode, with the same of what the monitor sets; the trap of the first enters the
/// supervisor mode, and that of the second, with whatever argument, does not." What the monitor has and does
/// not set, such as the number of its processor, may be another for the second.
pub(crate) fn ask_given(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
) -> Obligation {
    let scene = Scene::new(problem);
    let first = in_user(problem, setting);
    let second = problem.vary(&first, |_, s| !is_chosen(s));
    let second = problem.deprivileged(&second, setting.pair);
    finish(problem, &scene, trap, [first, second], Arguments::Own, |terms, q, [a, b]| {
        let enters = a.enters(terms, setting, q);
        let other = b.enters(terms, setting, q);
        let fails = terms.not(other);
        terms.and(enters, fails)
    })
}

/// "Something that belongs to the monitor makes the trap of two known states lead to one place, in
/// supervisor mode."
pub(crate) fn ask_choice(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    known: &Witness,
) -> Obligation {
    let scene = Scene::new(problem);
    let states = chosen_anew(problem, known);
    finish(problem, &scene, trap, states, Arguments::One, |terms, q, [a, b]| {
        let differs = a.differs(terms, &b);
        let same = terms.not(differs);
        let enters = a.enters(terms, setting, q);
        terms.and(same, enters)
    })
}

/// "Something that belongs to the monitor leads the trap of each of two known states, with some argument, to the
/// supervisor mode."
pub(crate) fn ask_given_choice(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    known: &Witness,
) -> Obligation {
    let scene = Scene::new(problem);
    let states = chosen_anew(problem, known);
    finish(problem, &scene, trap, states, Arguments::Own, |terms, q, [a, b]| {
        let first = a.enters(terms, setting, q);
        let second = b.enters(terms, setting, q);
        terms.and(first, second)
    })
}

/// Two known states with anything for what the monitor chooses, the same in both.
fn chosen_anew(problem: &mut Problem<'_>, known: &Witness) -> [State; 2] {
    let first = problem.constants(&known.before[0]);
    let first = problem.vary(&first, |_, s| is_chosen(s));
    let mut second = problem.constants(&known.before[1]);
    for (id, register) in problem.isa.register_ids() {
        for slice in register.slices.iter().filter(|s| is_chosen(s)) {
            if register.count.is_some() {
                second.registers[id.index()] = first.registers[id.index()].clone();
            } else {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let value = first.part(&mut problem.terms, part);
                second.set_part(&mut problem.terms, part, value);
            }
        }
    }
    [first, second]
}

/// Whether two traps have one argument.
#[derive(Clone, Copy)]
enum Arguments {
    One,
    Own,
}

/// Two states before a trap, and what is asked of the places that it leads to.
fn finish(
    problem: &mut Problem<'_>,
    scene: &Scene,
    trap: TrapId,
    states: [State; 2],
    arguments: Arguments,
    goal: impl FnOnce(&mut Terms, Term, [Entry; 2]) -> Term,
) -> Obligation {
    let first = argument(problem);
    let second = match arguments {
        Arguments::One => first,
        Arguments::Own => argument(problem),
    };
    let mut premises = scene.premises.clone();
    let states = states.map(|state| scene.place(problem, state));
    let [a, b] = &states;
    let entries = [(a, first), (b, second)]
        .map(|(state, argument)| Entry::of(problem, scene, (trap, argument), state, &mut premises));
    let goal = goal(&mut problem.terms, scene.q, entries);
    let runs: Vec<Run> = states.into_iter().map(|state| at_rest(problem, state)).collect();
    premises.extend(runs.iter().flat_map(|run| &run.assumed));
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs, unknown, first: Some(scene.k) }
}

fn at_rest(problem: &mut Problem<'_>, state: State) -> Run {
    let window = problem.window(&state);
    problem.at_rest(state, window)
}

/// "There is a state in user mode, with these bits kept, from which all these traps enter the supervisor
/// mode."
pub(crate) fn ask_enters(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    traps: &[TrapId],
    kept: &[(Part, u128)],
) -> Obligation {
    let scene = Scene::new(problem);
    let state = in_user(problem, setting);
    let state = scene.place(problem, state);
    let mut premises = scene.premises.clone();
    for (part, value) in kept {
        let bits = state.part(&mut problem.terms, *part);
        let value = problem.terms.constant(*value, part.width);
        premises.push(problem.terms.eq(bits, value));
    }
    let mut all = Vec::new();
    for trap in traps {
        let argument = argument(problem);
        let entry = Entry::of(problem, &scene, (*trap, argument), &state, &mut premises);
        all.push(entry.enters(&mut problem.terms, setting, scene.q));
    }
    let goal = problem.terms.all(all);
    let run = at_rest(problem, state);
    premises.extend(&run.assumed);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: Some(scene.k) }
}

/// The components that the monitor sets, as far as they matter for where traps lead.
pub(crate) fn relevant(setting: Setting<'_>, class: &Class, traps: &[TrapId]) -> Vec<Part> {
    let mut problem = Problem::new(setting.isa, class, Terms::default());
    let scene = Scene::new(&mut problem);
    let state = in_user(&mut problem, setting);
    let state = scene.place(&mut problem, state);
    let mut open = Vec::new();
    for trap in traps {
        let argument = argument(&mut problem);
        let entry = Entry::of(&mut problem, &scene, (*trap, argument), &state, &mut Vec::new());
        open.push(entry.enters(&mut problem.terms, setting, scene.q));
    }
    let mut seen = FxHashSet::default();
    while let Some(t) = open.pop() {
        if seen.insert(t) {
            open.extend(problem.terms.children(t));
        }
    }
    let mut all = Vec::new();
    for (id, register) in setting.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in register.slices.iter().filter(|s| is_chosen(s)) {
            let part = Part { register: id, low: slice.low, width: slice.width };
            let value = state.part(&mut problem.terms, part);
            if seen.contains(&value) {
                all.push(part);
            }
        }
    }
    all
}

/// Whether a concrete state is a guest's on the real machine.
fn is_real(replay: &Replay<'_>, state: &Concrete) -> bool {
    let image = deprivileged(replay.isa(), replay.pair(), state);
    image.registers == state.registers
        && replay.isa().least_cells() <= replay.first
        && replay.first <= state.cells
}

/// Whether two concrete states agree in what belongs to the monitor.
fn agree(replay: &Replay<'_>, a: &Concrete, b: &Concrete) -> bool {
    is_real(replay, a)
        && is_real(replay, b)
        && a.cells == b.cells
        && equal_bits(replay.isa(), a, b, |s| !is_guests(s))
        && a.storage.range(..replay.first).eq(b.storage.range(..replay.first))
}

/// Whether two states behind a trap are at different places.
fn apart(isa: &Isa, a: Option<&Concrete>, b: Option<&Concrete>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    isa.mode.is_some_and(|part| a.part(part) != b.part(part))
        || !equal_bits(isa, a, b, |s| s.role == Role::P)
        || window(isa, a) != window(isa, b)
}

/// Whether a state behind a trap is the monitor's.
fn entered(setting: Setting<'_>, state: &Concrete) -> bool {
    let (base, size) = window(setting.isa, state);
    setting.isa.mode.is_some_and(|part| state.part(part) == setting.pair.supervisor.1)
        && size > 0
        && base < state.cells
}

/// Whether concrete states show that the place depends on the guest.
pub(crate) fn depends_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let differs = |argument| {
        let [x, y] = [a, b].map(|side| sequel(replay.isa(), trap, argument, &side.before));
        apart(replay.isa(), x.as_ref(), y.as_ref())
            && x.is_some_and(|state| entered(replay.setting, &state))
    };
    agree(replay, &a.before, &b.before) && arguments(replay.isa()).any(differs)
}

/// Whether concrete states show that some argument, or what the monitor does not set, leads astray.
pub(crate) fn given_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    chosen_alike(replay)
        && arguments(replay.isa()).any(|argument| enters(replay, trap, argument, &a.before))
        && !arguments(replay.isa()).all(|argument| enters(replay, trap, argument, &b.before))
}

/// Whether what belongs to the monitor leads the trap of each of two states to it, with some argument.
pub(crate) fn given_choice_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let any = |state| arguments(replay.isa()).any(|argument| enters(replay, trap, argument, state));
    chosen_alike(replay) && replay.sides.iter().all(|side| any(&side.before))
}

/// Whether two guests' states agree in what the monitor sets.
fn chosen_alike(replay: &Replay<'_>) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let (a, b) = (&a.before, &b.before);
    is_real(replay, a)
        && is_real(replay, b)
        && a.cells == b.cells
        && equal_bits(replay.isa(), a, b, is_chosen)
        && a.storage.range(..replay.first).eq(b.storage.range(..replay.first))
}

/// Whether a trap of a state leads to the monitor.
fn enters(replay: &Replay<'_>, trap: TrapId, argument: Option<u128>, state: &Concrete) -> bool {
    sequel(replay.isa(), trap, argument, state).is_some_and(|it| entered(replay.setting, &it))
}

/// Whether what belongs to the monitor makes the trap of two states lead to one place.
pub(crate) fn choice_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let same = |argument| {
        let [x, y] = [a, b].map(|side| sequel(replay.isa(), trap, argument, &side.before));
        !apart(replay.isa(), x.as_ref(), y.as_ref())
            && x.is_some_and(|state| entered(replay.setting, &state))
    };
    agree(replay, &a.before, &b.before) && arguments(replay.isa()).any(same)
}

/// Whether all these traps enter the supervisor mode from a concrete state with these bits kept.
pub(crate) fn enters_shown_by(
    replay: &Replay<'_>,
    traps: &[TrapId],
    kept: &[(Part, u128)],
) -> bool {
    let [side] = replay.sides.as_slice() else { return false };
    let leads = |trap: &TrapId| {
        arguments(replay.isa()).any(|argument| enters(replay, *trap, argument, &side.before))
    };
    is_real(replay, &side.before)
        && kept.iter().all(|(part, value)| side.before.part(*part) == *value)
        && traps.iter().all(leads)
}
