//! The square where the image traps: the dispatcher recovers the guest.
//!
//! **Statement** (after P&G section 4, the dispatcher and the interpreters). For every guest state S
//! whose image traps under i, the dispatcher finds S again behind the real trap; or i(S) takes the
//! same trap with the same argument from a state B, and what the dispatcher finds is f(B).
//!
//! In the first case the interpreter `v_i` runs i on S, the guest's own trap sequence included, and
//! the allocator composes R′ by f: so f(i(S)) = `v_i`(f(S)). In the second the dispatcher only reflects
//! the trap. It is needed for traps that save the next instruction's P, and for traps that commit.
//!
//! **Formula.** The trap has rolled back what is not committed. The dispatcher reads E off the real
//! machine, and P off what is saved: that of the instruction itself, or that of the next where every
//! instruction that raises this trap is equally long. M, the resources and the mapping stand in the
//! control block, or are read off R′: so what the instruction commits must leave them alone.
//!
//! **What a witness shows.** A guest state and its image, which traps, and what of it is lost.

use std::collections::BTreeSet;

use model::isa::{Class, ExprKind, Isa, Kind, Role, Saves, Slice, Stmt, TrapId, TrapKind, every};
use model::map::{Partition, VmMap};
use model::state::State as Concrete;

use super::statewise::{Case, End, Guests, Map, Placed, is_placed, partition_differs, place};
use super::{Obligation, VirtualMode};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run};
use crate::prove::replay::{Replay, equal_bits};
use crate::prove::setting::Setting;
use crate::symbolic::execute::TrapExit;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;
use crate::symbolic::term::Term;

pub(crate) const STATEMENT: &str = "for every guest state S whose image traps, the dispatcher finds S \
     again, or i(S) takes the same trap (P&G 1974, section 4)";

/// How the dispatcher goes about a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It finds the guest again, or reflects the trap, whichever is right.
    Either,
    /// It finds the guest again, unless the saved P does not tell.
    Recover,
    /// It reflects the trap.
    Reflect,
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Either => "dispatch",
            Self::Recover => "dispatch-recover",
            Self::Reflect => "dispatch-reflect",
        }
    }
}

/// What must be as it was when the monitor takes over: M and R. A clock that the guest set and committed
/// before its trap is lost, although time is not compared.
fn is_control(slice: &Slice) -> bool {
    matches!(slice.role, Role::M | Role::R)
}

/// Whether statements can raise a trap of the wanted sort.
pub(crate) fn may_trap(statements: &[Stmt], wanted: &dyn Fn(TrapId) -> bool) -> bool {
    every(statements).any(|s| matches!(s, Stmt::Trap(id, _) if wanted(*id)))
}

/// Whether statements commit something before a trap.
pub(crate) fn commits(statements: &[Stmt]) -> bool {
    every(statements).any(|s| matches!(s, Stmt::Commit))
}

/// Whether a class is emulated from a virtual mode: it has a privilege trap, and the guest believes
/// to be in supervisor mode. All other traps are reflected.
pub(crate) fn is_emulated(isa: &Isa, class: &Class, side: VirtualMode) -> bool {
    let privilege = |id| isa.trap(id).kind == TrapKind::Privilege;
    side == VirtualMode::Supervisor && may_trap(&class.body.statements, &privilege)
}

/// Whether the saved P tells where the instruction stands.
pub(super) fn counter_tells(isa: &Isa, trap: TrapId) -> bool {
    let mut lengths = isa
        .classes
        .iter()
        .filter(|c| may_trap(&c.body.statements, &|id| id == trap))
        .map(|c| c.length);
    let first = lengths.next();
    isa.trap(trap).saves == Saves::This || lengths.all(|other| Some(other) == first)
}

/// Whether a dispatcher may have to go by what a trap left: where it finds the guest again it can run the
/// instruction anew, and learns the argument from that. Where the trap has one argument only, it needs no telling.
pub(crate) fn is_reflected_as_found(isa: &Isa, trap: TrapId) -> bool {
    let raises = |class: &&Class| may_trap(&class.body.statements, &|id| id == trap);
    let commits = |class: &Class| commits(&class.body.statements);
    isa.trap_argument > 0
        && !has_one_argument(isa, trap)
        && (isa.classes.iter().filter(raises).any(commits) || !counter_tells(isa, trap))
}

/// Whether all instructions that raise a trap do so with one constant argument.
fn has_one_argument(isa: &Isa, trap: TrapId) -> bool {
    let argument = |s: &Stmt| match s {
        Stmt::Trap(id, None) if *id == trap => Some(Some(0)),
        Stmt::Trap(id, Some(argument)) if *id == trap => Some(match argument.kind {
            ExprKind::Const(value) => Some(value),
            _ => None,
        }),
        _ => None,
    };
    let bodies = isa.classes.iter().map(|class| &*class.body).chain(&isa.unlisted);
    let bodies = bodies.chain(isa.all_fetches.iter().map(|fetch| &fetch.body));
    let all: BTreeSet<Option<u128>> =
        bodies.flat_map(|body| every(&body.statements)).filter_map(argument).collect();
    all.len() < 2 && !all.contains(&None)
}

/// "There is a guest state, in this mode and case, whose image traps and is not found again."
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
    way: Way,
) -> Obligation {
    let Placed { map, guest, real, windows, facts, mut premises } =
        place(problem, setting, side, guests, case);
    let real = problem.run_with(real, windows[1], facts.clone());
    let mut losses = Vec::new();
    let entering = |exit: &&TrapExit| !setting.strays.contains(&exit.trap);
    for exit in real.transition.traps.iter().filter(entering) {
        let lost = match way {
            Way::Reflect => problem.terms.bool(true),
            Way::Either | Way::Recover => is_lost(problem, &map, &guest, &real, exit, &facts),
        };
        let lost = problem.terms.and(exit.when, lost);
        if !problem.terms.is_false(lost) {
            losses.push((exit, lost));
        }
    }
    // The guest's own step matters only where reflection could help.
    let guest = if losses.is_empty() {
        problem.at_rest(guest, windows[0])
    } else {
        problem.run_with(guest, windows[0], facts.clone())
    };
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    let mut wrong = Vec::new();
    for (exit, lost) in losses {
        let mut all = vec![lost];
        let reflects = way != Way::Recover || !counter_tells(problem.isa, exit.trap);
        let own = guest.transition.traps.iter().filter(|own| reflects && own.trap == exit.trap);
        for own in own {
            let differs = reflection_differs(problem, &map, (&guest, own), (&real, exit), &facts);
            let absent = problem.terms.not(own.when);
            all.push(problem.terms.or(absent, differs));
        }
        wrong.push(problem.terms.all(all));
    }
    let goal = problem.terms.any(wrong);
    let unknown = problem.terms.or(guest.transition.unknown, real.transition.unknown);
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest, real], unknown, first }
}

/// The state before the trap sequence does not show the guest's.
fn is_lost(
    problem: &mut Problem<'_>,
    map: &Map,
    guest: &State,
    real: &Run,
    exit: &TrapExit,
    facts: &Facts,
) -> Term {
    let by_length = problem.isa.trap(exit.trap).saves == Saves::Next;
    let tells = counter_tells(problem.isa, exit.trap);
    let registers = problem
        .differ(guest, &exit.before, |s| s.role == Role::E || (s.role == Role::P && !by_length));
    let control = problem.differ(&real.entry, &exit.before, is_control);
    let before = [guest, &exit.before].map(|state| End { state, facts, when: exit.when });
    let storage = partition_differs(problem, map, before, &real.entry);
    let counter = problem.terms.bool(!tells);
    problem.terms.any([registers, control, storage, counter])
}

/// The guest's own trap has another argument, or comes from a state whose image is not the real one.
fn reflection_differs(
    problem: &mut Problem<'_>,
    map: &Map,
    (guest, own): (&Run, &TrapExit),
    (real, exit): (&Run, &TrapExit),
    facts: &Facts,
) -> Term {
    let visible = |s: &Slice| matches!(s.role, Role::E | Role::P);
    let mut wrong = vec![
        problem.differ(&own.before, &exit.before, visible),
        problem.differ(&guest.entry, &own.before, is_control),
        problem.differ(&real.entry, &exit.before, is_control),
    ];
    let before = [own, exit].map(|e| End { state: &e.before, facts, when: e.when });
    wrong.push(partition_differs(problem, map, before, &real.entry));
    if own.argument.is_some() || exit.argument.is_some() {
        let none = problem.terms.constant(0, problem.isa.trap_argument);
        let (x, y) = (own.argument.unwrap_or(none), exit.argument.unwrap_or(none));
        wrong.push(problem.terms.ne(x, y));
    }
    problem.terms.any(wrong)
}

/// Whether played states are a guest that is not found again behind its image's trap.
pub(crate) fn shown_by(replay: &Replay<'_>, side: VirtualMode, guests: Guests, way: Way) -> bool {
    is_placed(replay, side, guests) && !lost(replay, way).is_empty()
}

/// What is lost behind a real trap, in words; empty if nothing is, or the guest takes the same trap.
pub(crate) fn lost(replay: &Replay<'_>, way: Way) -> Vec<&'static str> {
    let isa = replay.isa();
    let ([guest, real], Some(map)) = (replay.sides.as_slice(), VmMap::of(isa)) else {
        return Vec::new();
    };
    let Some(raised) = real.raised.as_ref().filter(|_| replay.enters(real)) else {
        return Vec::new();
    };
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    let image = |state: &Concrete| map.apply(isa, replay.pair(), partition, state, &real.before);
    let same =
        |a: &Concrete, b: &Concrete, chosen: fn(&Slice) -> bool| equal_bits(isa, a, b, chosen);
    let reflects = guest.raised.as_ref().is_some_and(|own| {
        let found = image(&own.state);
        own.trap == raised.trap
            && own.argument.unwrap_or(0) == raised.argument.unwrap_or(0)
            && same(&guest.before, &own.state, is_control)
            && same(&real.before, &raised.state, is_control)
            && same(&found, &raised.state, |s| s.kind != Some(Kind::Time))
            && found.storage == raised.state.storage
    });
    let reflected = way != Way::Recover || !counter_tells(isa, raised.trap);
    if reflects && reflected {
        return Vec::new();
    }
    if way == Way::Reflect {
        return vec!["the guest does not take the trap"];
    }
    let before = image(&guest.before);
    let saved = match isa.trap(raised.trap).saves {
        Saves::This => same(&before, &raised.state, |s| s.role == Role::P),
        Saves::Next => counter_tells(isa, raised.trap),
    };
    let checks = [
        (
            same(&before, &raised.state, |s| s.role == Role::E),
            "the trap leaves registers changed, and the monitor cannot undo it",
        ),
        (
            before.storage == raised.state.storage,
            "the trap leaves storage changed, and the monitor cannot undo it",
        ),
        (saved, "the saved P does not tell which instruction trapped"),
        (
            same(&real.before, &raised.state, is_control),
            "the real mode, mapping or resources change before the trap",
        ),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}
