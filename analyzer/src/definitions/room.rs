//! Room: there is a guest to speak of.
//!
//! **Statement.** In each virtual mode whose code runs directly there are a guest state S that the assumptions
//! admit, with a window of at least one cell in its own storage, and an image f(S) in a real machine with room for
//! the monitor's cells and the guest's. Where there is none, what is said of all guests is said of nothing, and
//! the verdict is vacuous.
//!
//! **Formula.** S and f(S) as in [statewise](super::statewise), where nothing is clipped and b > 0.
//!
//! **What a witness shows.** Such a guest and its image.

use model::isa::Part;
use model::map::{Partition, VmMap, window};

use super::statewise::{Case, Guests, Placed, is_placed, place};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;

pub(crate) const STATEMENT: &str = "in each virtual mode whose code runs directly there is a guest state S that the \
     assumptions admit, with at least one cell in its window, and an image f(S) beside the monitor's cells";

/// "There is a guest in this mode whose window is mapped as it is, under a monitor that keeps bits of its own."
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    kept: &[(Part, u128)],
) -> Obligation {
    let Placed { map, guest, real, windows, mut premises, .. } =
        place(problem, setting, side, guests, Case::Inside);
    let real = problem.keeping(&real, kept);
    let guest = problem.at_rest(guest, windows[0]);
    let real = problem.at_rest(real, windows[1]);
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    let terms = &mut problem.terms;
    let (_, size) = windows[0];
    let zero = terms.constant(0, terms.width(size));
    let goal = terms.ne(size, zero);
    let unknown = terms.bool(false);
    Obligation {
        query: Query { premises, goal },
        runs: vec![guest, real],
        unknown,
        first: Some(map.k),
    }
}

/// Whether concrete states are such a guest and its image.
pub(crate) fn shown_by(
    replay: &Replay<'_>,
    side: VirtualMode,
    guests: Guests,
    kept: &[(Part, u128)],
) -> bool {
    let isa = replay.isa();
    let ([guest, real], Some(map)) = (replay.sides.as_slice(), VmMap::of(isa)) else {
        return false;
    };
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    let own = window(isa, &guest.before);
    let keeps = kept.iter().all(|(part, value)| real.before.part(*part) == *value);
    is_placed(replay, side, guests) && keeps && own.1 > 0 && map.is_exact(own, partition)
}
