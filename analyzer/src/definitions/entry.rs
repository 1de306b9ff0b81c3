//! Trap entry: a trap from user mode leads to the monitor, whatever the guest did.
//!
//! **Statement** (P&G section 2: a trap loads a PSW that the supervisor has put there; the paper's machine
//! cannot do otherwise). From every state of the real machine in user mode, M behind the trap sequence is
//! the supervisor mode of the pair; and P, the mapping, and the instruction that is fetched there, the first
//! of the handler, depend only on cells and components that no guest can write. Nor has the machine halted.
//!
//! **Formula.** Two parts. [`ask_depends`]: there are two states in user mode that agree in the monitor's
//! storage (the cells below k) and its components of R; the trap of the first enters the supervisor mode with
//! a window that is not empty, where an instruction can be fetched, and that of the second leads to another
//! mode, P, window or instruction; nor, in
//! [`ask_given`], does it fail to enter for another argument, or for another value of what the monitor has and
//! does not set. [`ask_enters`]:
//! there is a state from which all traps enter the supervisor mode. If the first has no model and the second
//! has one, its values of what belongs to the monitor are a choice under which every guest's trap leads to
//! the monitor.
//! Where the sequence loads or stores through the monitor's own components (a table of vectors, a
//! supervisor stack), or the handler stands where the monitor's own says, the monitor keeps these places in
//! its own storage and apart from each other. There is room for a guest beside it: k < q.
//!
//! Where two states differ, [`ask_choice`] asks whether anything that belongs to the monitor makes them
//! agree, or, where one was led astray by what is given, [`ask_given_choice`] whether anything leads both to
//! the monitor, each with some argument. If nothing does, the trap is a *stray*: it counts neither for
//! *privileged* nor for the statewise condition.
//!
//! **What a witness shows.** Two guests' states, and the different places their trap leads to.

mod place;

use model::interp::{self, fetch};
use model::isa::{Class, Isa, Kind, Part, Role, Slice, TrapId};
use model::map::window;
use model::state::State as Concrete;
use rustc_hash::FxHashSet;

use super::behaviour::in_virtual_mode;
use super::choice::is_chosen;
use super::sequence::{argument, arguments, sequel};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run};
use crate::prove::replay::{Replay, deprivileged, equal_bits};
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::symbolic::state::State;
use crate::symbolic::term::{Node, Term, Terms};
pub(crate) use place::Handler;
use place::{Entry, Scene, counters, halted};

pub(crate) const STATEMENT: &str = "behind every trap from user mode, M is the supervisor mode of the pair, and P, \
     the mapping and the instruction fetched there depend only on what no guest can write (P&G 1974, section 2)";

/// What guests can change, or what changes by itself.
fn is_guests(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::M | Role::P)
        || matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds | Kind::Time))
}

/// A state of the real machine in user mode.
pub(super) fn in_user(problem: &mut Problem<'_>, setting: Setting<'_>) -> State {
    let fresh = problem.fresh();
    let user = in_virtual_mode(problem, setting, &fresh, VirtualMode::User);
    if setting.steady { user } else { problem.deprivileged(&user, setting.pair) }
}

/// "There are two states in user mode, with the same of the monitor's; the trap of the first enters the
/// supervisor mode, and that of the second leads to another place."
pub(crate) fn ask_depends(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
    handler: Handler,
) -> Obligation {
    let scene = Scene::new(problem, handler);
    let first = in_user(problem, setting);
    let second = problem.vary(&first, |_, s| is_guests(s));
    let second = problem.deprivileged(&second, setting.pair);
    finish(problem, setting, &scene, trap, [first, second], Arguments::One, |terms, q, [a, b]| {
        let enters = a.enters(terms, setting, q);
        let differs = a.differs(terms, &b);
        terms.and(enters, differs)
    })
}

/// "There are two states in user mode, with the same of what the monitor sets; the trap of the first enters the
/// supervisor mode, and that of the second, with whatever argument, does not." What the monitor has and does
/// not set, such as the number of its processor, may be another for the second. Where P is what cells of the
/// monitor's hold, they hold the same for both.
pub(crate) fn ask_given(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    trap: TrapId,
) -> Obligation {
    let scene = Scene::new(problem, Handler::Own);
    let first = in_user(problem, setting);
    let second = problem.vary(&first, |_, s| !is_chosen(s));
    let second = problem.deprivileged(&second, setting.pair);
    finish(problem, setting, &scene, trap, [first, second], Arguments::Own, |terms, q, [a, b]| {
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
    handler: Handler,
) -> Obligation {
    let scene = Scene::new(problem, handler);
    let states = chosen_anew(problem, known);
    finish(problem, setting, &scene, trap, states, Arguments::One, |terms, q, [a, b]| {
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
    let scene = Scene::new(problem, Handler::Anywhere);
    let states = chosen_anew(problem, known);
    finish(problem, setting, &scene, trap, states, Arguments::Own, |terms, q, [a, b]| {
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

/// Whether P behind a trap is what cells of the monitor's hold, as it is.
fn holds_counter(setting: Setting<'_>, class: &Class, trap: TrapId) -> bool {
    let mut problem = Problem::new(setting.isa, class, Terms::default());
    let scene = Scene::new(&mut problem, Handler::Unasked);
    let state = in_user(&mut problem, setting);
    let state = scene.place(&mut problem, state);
    let raised = (trap, argument(&mut problem));
    let mut open = Entry::of(&mut problem, &scene, raised, &state, None, &mut Vec::new()).counter;
    while let Some(t) = open.pop() {
        match *problem.terms.node(t) {
            Node::Select(array, _) if array == scene.monitors => {}
            Node::Concat(..) | Node::Extract(..) => open.extend(problem.terms.children(t)),
            _ => return false,
        }
    }
    true
}

/// Two states before a trap, and what is asked of the places that it leads to.
fn finish(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    scene: &Scene,
    trap: TrapId,
    states: [State; 2],
    arguments: Arguments,
    goal: impl FnOnce(&mut Terms, Term, [Entry; 2]) -> Term,
) -> Obligation {
    let argument_of_first = argument(problem);
    let mut premises = scene.premises.clone();
    let states = states.map(|state| scene.place(problem, state));
    let [a, b] = &states;
    let raised = (trap, argument_of_first);
    let first = Entry::of(problem, scene, raised, a, None, &mut premises);
    let second = match arguments {
        Arguments::One => Entry::of(problem, scene, raised, b, Some(&first), &mut premises),
        Arguments::Own => {
            let raised = (trap, argument(problem));
            // Where the monitor's cells hold P, they may hold the same for every argument.
            let like = holds_counter(setting, problem.class, trap).then_some(&first);
            // The guest chooses its argument: that it is one for which the handler is the monitor's is not
            // for the monitor to see to.
            let anywhere = Scene { handler: Handler::Anywhere, ..scene.clone() };
            Entry::of(problem, &anywhere, raised, b, like, &mut premises)
        }
    };
    let goal = goal(&mut problem.terms, scene.q, [first, second]);
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
/// mode", with a handler that is the monitor's, or one that stands anywhere.
pub(crate) fn ask_enters(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    traps: &[TrapId],
    kept: &[(Part, u128)],
    handler: Handler,
) -> Obligation {
    let scene = Scene::new(problem, handler);
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
        let entry = Entry::of(problem, &scene, (*trap, argument), &state, None, &mut premises);
        all.push(entry.enters(&mut problem.terms, setting, scene.q));
    }
    let goal = problem.terms.all(all);
    let run = at_rest(problem, state);
    premises.extend(&run.assumed);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: Some(scene.k) }
}

/// The components that the monitor sets, as far as they matter for where traps lead, with those that say
/// whether the machine has halted or without.
pub(crate) fn relevant(
    setting: Setting<'_>,
    class: &Class,
    traps: &[TrapId],
    halting: bool,
) -> Vec<Part> {
    let mut problem = Problem::new(setting.isa, class, Terms::default());
    let scene = Scene::new(&mut problem, Handler::Own);
    let state = in_user(&mut problem, setting);
    let state = scene.place(&mut problem, state);
    let mut open = Vec::new();
    for trap in traps {
        let argument = argument(&mut problem);
        let mut entry =
            Entry::of(&mut problem, &scene, (*trap, argument), &state, None, &mut Vec::new());
        if !halting {
            entry.strange = problem.terms.bool(false);
        }
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
        && replay.first < state.cells
}

/// Whether two concrete states agree in what belongs to the monitor.
fn agree(replay: &Replay<'_>, a: &Concrete, b: &Concrete) -> bool {
    is_real(replay, a)
        && is_real(replay, b)
        && a.cells == b.cells
        && equal_bits(replay.isa(), a, b, |s| !is_guests(s))
        && a.storage.range(..replay.first).eq(b.storage.range(..replay.first))
}

/// Whether two states behind a trap are at different places, or something else is fetched there.
fn apart(isa: &Isa, handler: Handler, a: Option<&Concrete>, b: Option<&Concrete>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    if stopped(isa, a) || stopped(isa, b) {
        return true;
    }
    isa.mode.is_some_and(|part| a.part(part) != b.part(part))
        || !equal_bits(isa, a, b, |s| s.role == Role::P)
        || window(isa, a) != window(isa, b)
        || handler != Handler::Unasked
            && isa.all_fetches.iter().any(|how| match (fetch(how, a), fetch(how, b)) {
                (interp::Fetched::Word(x), interp::Fetched::Word(y)) => x != y,
                (interp::Fetched::Trap(_), interp::Fetched::Trap(_)) => false,
                _ => true,
            })
}

/// Whether the machine has halted.
fn stopped(isa: &Isa, state: &Concrete) -> bool {
    halted(isa).is_some_and(|halted| interp::value(halted, state).is_true())
}

/// Whether a state behind a trap is the monitor's, and an instruction can be fetched there.
fn entered(setting: Setting<'_>, handler: Handler, state: &Concrete) -> bool {
    let (base, size) = window(setting.isa, state);
    let is_word = |how| matches!(fetch(how, state), interp::Fetched::Word(_));
    if stopped(setting.isa, state) {
        return false;
    }
    setting.isa.mode.is_some_and(|part| state.part(part) == setting.pair.supervisor.1)
        && size > 0
        && base < state.cells
        && (handler == Handler::Unasked || setting.isa.all_fetches.first().is_none_or(is_word))
}

/// Whether concrete states show that the place depends on the guest.
pub(crate) fn depends_shown_by(replay: &Replay<'_>, trap: TrapId, handler: Handler) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let differs = |argument| {
        let [x, y] = [a, b].map(|side| sequel(replay.isa(), trap, argument, &side.before));
        apart(replay.isa(), handler, x.as_ref(), y.as_ref())
            && x.is_some_and(|state| entered(replay.setting, handler, &state))
    };
    agree(replay, &a.before, &b.before) && arguments(replay.isa()).any(differs)
}

/// Whether concrete states show that some argument, or what the monitor does not set, leads astray.
pub(crate) fn given_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    chosen_alike(replay) && given(replay, trap, false)
}

/// Whether what belongs to the monitor leads the trap of each of two states to it, with some argument.
pub(crate) fn given_choice_shown_by(replay: &Replay<'_>, trap: TrapId) -> bool {
    chosen_alike(replay) && given(replay, trap, true)
}

/// Whether the trap of the first of two states enters with some argument, and that of the second does so, or
/// does not, with some argument: at the same P, where cells of the monitor's hold it.
fn given(replay: &Replay<'_>, trap: TrapId, enters: bool) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let setting = replay.setting;
    let same_counter = holds_counter(setting, replay.class, trap);
    let behind = |argument, state| sequel(setting.isa, trap, argument, state);
    let second = |first: &Concrete, argument| {
        let Some(mut other) = behind(argument, &b.before) else { return false };
        if same_counter {
            let counters = counters(setting.isa).into_iter();
            counters.for_each(|part| other.set_part(part, first.part(part)));
        }
        entered(setting, Handler::Anywhere, &other)
    };
    arguments(setting.isa).any(|argument| {
        let first =
            behind(argument, &a.before).filter(|state| entered(setting, Handler::Anywhere, state));
        first.is_some_and(|first| {
            arguments(setting.isa).any(|other| second(&first, other) == enters)
        })
    })
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
    sequel(replay.isa(), trap, argument, state)
        .is_some_and(|it| entered(replay.setting, Handler::Anywhere, &it))
}

/// Whether what belongs to the monitor makes the trap of two states lead to one place.
pub(crate) fn choice_shown_by(replay: &Replay<'_>, trap: TrapId, handler: Handler) -> bool {
    let [a, b] = replay.sides.as_slice() else { return false };
    let same = |argument| {
        let [x, y] = [a, b].map(|side| sequel(replay.isa(), trap, argument, &side.before));
        !apart(replay.isa(), handler, x.as_ref(), y.as_ref())
            && x.is_some_and(|state| entered(replay.setting, handler, &state))
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
