//! Fetching: the instruction that the real machine executes is the guest's.
//!
//! **Statement.** For every guest state S, fetching an instruction in f(S) traps to the monitor, or it gives
//! the bits that fetching in S gives. With this the statewise condition, which speaks of an instruction and
//! its operands, speaks of what a machine with its program in storage does.
//!
//! **Formula.** S and f(S) as in [statewise](super::statewise); `fetch` of the specification, or `mem[P; length]`,
//! on both sides.
//!
//! **What a witness shows.** A guest and its image, where the real machine executes something else.

use model::interp::{Fetched, fetch};
use model::isa::Fetch;

use super::statewise::{Case, Guests, Placed, is_placed, place};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::Problem;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::execute::fetched;

pub(crate) const STATEMENT: &str = "for every guest state S, fetching in f(S) traps to the monitor, or gives the bits \
     that fetching in S gives";

/// "There is a guest state, in this mode and case, whose image fetches something else."
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
    how: &Fetch,
) -> Obligation {
    let Placed { map, guest, real, windows, facts, mut premises } =
        place(problem, setting, side, guests, case);
    let own = fetched(problem.isa, &mut problem.terms, how, &guest, &facts);
    let seen = fetched(problem.isa, &mut problem.terms, how, &real, &facts);
    let terms = &mut problem.terms;
    let strays = seen.traps.iter().filter(|(trap, _)| setting.strays.contains(trap));
    let strays: Vec<_> = strays.map(|(_, when)| *when).collect();
    let astray = terms.any(strays);
    let differs = match (own.word, seen.word) {
        (Some(x), Some(y)) => {
            let other = terms.ne(x, y);
            let absent = terms.not(own.completes);
            terms.or(absent, other)
        }
        _ => terms.bool(true),
    };
    let differs = terms.and(seen.completes, differs);
    let wrong = terms.any([astray, differs, seen.strange]);
    // Where the guest's own fetch is not defined anything goes.
    let defined = terms.not(own.strange);
    let goal = terms.and(defined, wrong);
    let guest = problem.at_rest(guest, windows[0]);
    let real = problem.at_rest(real, windows[1]);
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    let unknown = problem.terms.bool(false);
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest, real], unknown, first }
}

/// Whether concrete states are a guest and its image, and something else is fetched.
pub(crate) fn shown_by(
    replay: &Replay<'_>,
    side: VirtualMode,
    guests: Guests,
    how: &Fetch,
) -> bool {
    let [guest, real] = replay.sides.as_slice() else { return false };
    let strange = |it: &Fetched| matches!(it, Fetched::Unpredictable | Fetched::Unknown);
    let (own, seen) = (fetch(how, &guest.before), fetch(how, &real.before));
    let same = match (&own, &seen) {
        (_, Fetched::Trap(raised)) => !replay.setting.strays.contains(&raised.trap),
        (Fetched::Word(x), Fetched::Word(y)) => x == y,
        _ => false,
    };
    is_placed(replay, side, guests) && !strange(&own) && !same
}
