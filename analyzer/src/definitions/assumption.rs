//! Whether guests keep a specification's assumption, and whether f does.
//!
//! **Statement.** A verdict speaks of the states that the assumptions admit. An assumption is an invariant
//! of guests iff no step breaks it: there is no admitted state, in any virtual mode, after whose step
//! ([`ask_step`]), or behind whose trap sequence ([`ask_trap`]), it is false. Where a guest can break it only
//! by a step that traps to the monitor, the monitor can watch it, and the verdict holds *while* it is true;
//! where a step breaks it that runs directly ([`ask_direct`]), nobody does.
//! It has to hold of images too: [`ask_image`] asks for a guest that it admits, whose image it does not.
//!
//! **What a witness shows.** The step, or the image, that the assumption is false of.

use model::interp;
use model::isa::{Isa, TrapId};
use model::map::{Partition, VmMap, window};
use model::state::State as Concrete;

use super::behaviour::{in_virtual_mode, other_mode};
use super::sequence::{argument, arguments, behind, sequel};
use super::statewise::{Placed, is_placed, place};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::definitions::statewise::{Case, Guests};
use crate::prove::problem::{Problem, Storage};
use crate::prove::replay::{Played, Replay};
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;

pub(crate) const STATEMENT: &str = "no step and no trap sequence of a guest makes an assumption of the specification false, \
     or the monitor sees it; and it is true of every image f(S)";

/// "There is a state, in this virtual mode, after whose step the assumption is false."
pub(crate) fn ask_step(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    index: usize,
) -> Obligation {
    let state = problem.fresh();
    let entry = in_virtual_mode(problem, setting, &state, side);
    let storage = Storage::Flat(problem.array());
    let run = problem.run(entry, storage);
    let mut premises = problem.always.clone();
    premises.extend(other_mode(problem, setting, &run.entry, side));
    premises.extend(&run.assumed);
    let after = problem.assumptions(&run.transition.after)[index];
    let broken = problem.terms.not(after);
    let goal = problem.terms.and(run.transition.completes, broken);
    let unknown = run.transition.unknown;
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

/// "There is a state, in this virtual mode, behind whose trap sequence the assumption is false."
pub(crate) fn ask_trap(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    index: usize,
    trap: TrapId,
) -> Obligation {
    let state = problem.fresh();
    let entry = in_virtual_mode(problem, setting, &state, side);
    let storage = Storage::Flat(problem.array());
    let entry = problem.laid_out(entry, storage);
    let argument = argument(problem);
    let (after, _) = behind(problem, trap, argument, entry.clone(), &Facts::default());
    let window = problem.window(&entry);
    let run = problem.at_rest(entry, window);
    let mut premises = problem.always.clone();
    premises.extend(other_mode(problem, setting, &run.entry, side));
    premises.extend(&run.assumed);
    let after = problem.assumptions(&after)[index];
    let goal = problem.terms.not(after);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

/// "There is a guest, in this virtual mode and case of f, whose step runs directly and after which the
/// assumption is false."
pub(crate) fn ask_direct(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    index: usize,
    case: Case,
) -> Obligation {
    let Placed { map, guest, real, windows, facts, mut premises } =
        place(problem, setting, side, setting.guests(), case);
    let guest = problem.run_with(guest, windows[0], facts.clone());
    let real = problem.run_with(real, windows[1], facts.clone());
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    // What the real machine does need not come of the same arbitrary values.
    let behaviours = problem.behaviours(&real, &facts, false);
    let completes = behaviours.iter().map(|run| run.transition.completes);
    let completes = problem.terms.any(completes);
    let after = problem.assumptions(&guest.transition.after)[index];
    let terms = &mut problem.terms;
    let broken = terms.not(after);
    let goal = terms.all([guest.transition.completes, completes, broken]);
    let unknown = terms.or(guest.transition.unknown, real.transition.unknown);
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest, real], unknown, first }
}

/// "There is a guest, in this virtual mode and case of f, of which the assumptions hold, and this one not
/// of its image."
pub(crate) fn ask_image(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    index: usize,
    case: Case,
) -> Obligation {
    let Placed { map, guest, real, windows, mut premises, .. } =
        place(problem, setting, side, setting.guests(), case);
    let guest = problem.at_rest(guest, windows[0]);
    let real = problem.at_rest(real, windows[1]);
    premises.extend(&guest.assumed);
    let goal = problem.terms.not(real.assumed[index]);
    let unknown = problem.terms.bool(false);
    // A witness is the guest: what it shows is that its image is not admitted.
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest], unknown, first }
}

/// "There is an admitted state in user mode that de-privileging changes."
pub(crate) fn ask_steady(problem: &mut Problem<'_>, setting: Setting<'_>) -> Obligation {
    let fresh = problem.fresh();
    let user = problem.in_mode(&fresh, setting.pair.user.1);
    let storage = Storage::Flat(problem.array());
    let user = problem.laid_out(user, storage);
    let image = problem.deprivileged(&user, setting.pair);
    let window = problem.window(&user);
    let run = problem.at_rest(user, window);
    let mut premises = problem.always.clone();
    premises.extend(&run.assumed);
    let goal = problem.differ_exactly(&run.entry, &image, |_| true);
    let unknown = problem.terms.bool(false);
    Obligation { query: Query { premises, goal }, runs: vec![run], unknown, first: None }
}

fn is_broken(isa: &Isa, index: usize, state: &Concrete) -> bool {
    !interp::value(&isa.assumptions[index].that, state).is_true()
}

fn in_mode(replay: &Replay<'_>, side: VirtualMode) -> bool {
    let mode = |part| side.admits(replay.pair(), replay.sides[0].before.part(part));
    replay.isa().mode.is_none_or(mode)
}

/// Whether a concrete state's step breaks the assumption.
pub(crate) fn step_shown_by(replay: &Replay<'_>, side: VirtualMode, index: usize) -> bool {
    let [run] = replay.sides.as_slice() else { return false };
    let broken = |after: &Concrete| is_broken(replay.isa(), index, after);
    in_mode(replay, side) && run.after(replay.isa(), false).is_some_and(broken)
}

/// Whether a concrete state's trap breaks the assumption.
pub(crate) fn trap_shown_by(
    replay: &Replay<'_>,
    side: VirtualMode,
    index: usize,
    trap: TrapId,
) -> bool {
    let [run] = replay.sides.as_slice() else { return false };
    let isa = replay.isa();
    let behind = |argument| sequel(isa, trap, argument, &run.before);
    in_mode(replay, side)
        && arguments(isa).filter_map(behind).any(|after| is_broken(isa, index, &after))
}

/// Whether a concrete guest breaks the assumption, and the monitor does not see it.
pub(crate) fn direct_shown_by(replay: &Replay<'_>, side: VirtualMode, index: usize) -> bool {
    let [guest, _] = replay.sides.as_slice() else { return false };
    let broken = |after: &Concrete| is_broken(replay.isa(), index, after);
    is_placed(replay, side, replay.setting.guests())
        && replay.behaviours(1, false).iter().any(Played::completes)
        && guest.after(replay.isa(), false).is_some_and(broken)
}

/// Whether the assumption is false of a concrete guest's image.
pub(crate) fn image_shown_by(replay: &Replay<'_>, side: VirtualMode, index: usize) -> bool {
    let ([guest], Some(map)) = (replay.sides.as_slice(), VmMap::of(replay.isa())) else {
        return false;
    };
    let (isa, guest) = (replay.isa(), &guest.before);
    let partition = Partition { first: replay.first, cells: guest.cells };
    let (l, b) = window(isa, guest);
    let placed = replay.setting.guests() == Guests::All || l + b <= guest.cells;
    let monitor = Concrete::zero(isa, partition.first.saturating_add(guest.cells));
    let image = map.apply(isa, replay.pair(), partition, guest, &monitor);
    placed
        && in_mode(replay, side)
        && isa.least_cells() <= partition.first
        && is_broken(isa, index, &image)
}

/// Whether de-privileging changes a concrete state in user mode.
pub(crate) fn unsteady_shown_by(replay: &Replay<'_>) -> bool {
    let [run] = replay.sides.as_slice() else { return false };
    let image = crate::prove::replay::deprivileged(replay.isa(), replay.pair(), &run.before);
    in_mode(replay, VirtualMode::User) && image.registers != run.before.registers
}
