//! What the allocator owes: f keeps every guest within its partition, and can be undone.
//!
//! **Statement** (P&G section 4: resource control, and f is one-one). For every guest state S the
//! window of f(S) lies inside the cells k to k + w − 1; and where nothing is clipped, the guest's window
//! is read off the real one.
//!
//! **Formula.** The image of [statewise](super::statewise), without a step: after every emulated
//! instruction the allocator composes R′ by f anew, so this is all it has to be right about.
//!
//! **What a witness shows.** A guest whose window reaches outside, or is not found again.

use model::map::{Partition, VmMap, window};

use super::statewise::{Case, Guests, Map, Placed, is_placed, place};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::term::{Term, Terms};

pub(crate) const STATEMENT: &str = "for every guest state S, the window of f(S) lies inside the partition, and where \
     nothing is clipped the guest's window is read off it (P&G 1974, section 4)";

/// "There is a guest, in this mode and case, whose image reaches outside or is not one-one."
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
) -> Obligation {
    let Placed { map, guest, real, windows, mut premises, .. } =
        place(problem, setting, side, guests, case);
    let guest = problem.at_rest(guest, windows[0]);
    let real = problem.at_rest(real, windows[1]);
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    let terms = &mut problem.terms;
    let goal = is_wrong(terms, &map, windows, case);
    let unknown = terms.bool(false);
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest, real], unknown, first }
}

/// The image reaches outside its partition, or is not one-one.
pub(super) fn is_wrong(
    terms: &mut Terms,
    map: &Map,
    [(l, b), (base, size)]: [(Term, Term); 2],
    case: Case,
) -> Term {
    let zero = terms.constant(0, terms.width(size));
    let some = terms.ne(size, zero);
    let below = terms.ult(base, map.k);
    let partition_end = terms.add(map.k, map.w);
    let end = terms.add(base, size);
    let above = terms.ult(partition_end, end);
    let outside = terms.or(below, above);
    let mut wrong = vec![terms.and(some, outside)];
    if case == Case::Inside {
        let place = terms.add(l, map.k);
        wrong.push(terms.ne(base, place));
        wrong.push(terms.ne(size, b));
    }
    terms.any(wrong)
}

/// Whether concrete states are such a guest and its image.
pub(crate) fn shown_by(replay: &Replay<'_>, side: VirtualMode, guests: Guests) -> bool {
    let isa = replay.isa();
    let ([guest, real], Some(map)) = (replay.sides.as_slice(), VmMap::of(isa)) else {
        return false;
    };
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    let (own, seen) = (window(isa, &guest.before), window(isa, &real.before));
    let (base, size) = seen;
    let inside =
        partition.first <= base && base + size <= partition.first + partition.cells || size == 0;
    let found = !map.is_exact(own, partition) || VmMap::undo(seen, partition) == own;
    is_placed(replay, side, guests) && !(inside && found)
}
