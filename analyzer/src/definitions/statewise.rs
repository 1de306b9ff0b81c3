//! The statewise condition: what a monitor really needs of an unprivileged instruction.
//!
//! **Statement** (after P&G section 4, the one-step homomorphism). For every guest state S that the
//! hardware will run, i(f(S)) traps to the monitor, or neither side traps and i(f(S)) = f(i(S)).
//! Where i(S) is unpredictable anything goes; where i(S) is defined, i(f(S)) must be. Where it may do several
//! things (`arbitrary`), whatever i(f(S)) does must be the image of one of them.
//! Restricted to guests in virtual user mode it is the exact condition for a hybrid monitor
//! (P&G section 6). S is in any mode, with any value of the other bits of M, that the assumptions
//! admit: not only in the pair's modes, and not only what de-privileging makes of a state.
//!
//! **Formula.** S has w cells, f(S) stands from cell k on in a machine of q ≥ k + w cells, with the
//! map f of [`model::map`]. Equality covers E, M, P, R and the control block, which direct execution
//! keeps: so the instruction must not change the virtual mode or the virtual resources.
//! In the profiles `literal` and `refined` a guest keeps l + b ≤ w, as the paper assumes; `extended`
//! drops this, and the control block also holds the virtual bound.
//!
//! **What a witness shows.** A guest state, its image, and where the square does not commute.

use std::rc::Rc;

use model::bits::{Op, mask};
use model::interp::Outcome;
use model::isa::{Isa, Kind, Part, Role, Slice};
use model::map::{Partition, VmMap, window};
use model::state::State as Concrete;

use super::behaviour::{in_virtual_mode, other_mode};
use super::resource::is_resource;
use super::{Obligation, VirtualMode, allocator};
use crate::decide::Query;
use crate::prove::problem::{Problem, Run, any_cell, cell_count};
use crate::prove::replay::{Played, Replay, equal_bits};
use crate::prove::setting::Setting;
use crate::symbolic::facts::Facts;
use crate::symbolic::state::{Layout, Region, State, pass_hits};
use crate::symbolic::term::{Term, Terms};

pub(crate) const STATEMENT: &str = "for every guest state S, the instruction traps in f(S), or \
     i(f(S)) = f(i(S)) (P&G 1974, section 4, one step)";

/// Where a guest's window lies, relative to its storage: the cases of f.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// It ends inside: nothing is clipped.
    Inside,
    /// It begins inside and ends outside.
    Clipped,
    /// It lies outside altogether: the real window is empty.
    Beyond,
    /// l + k does not fit the relocation component: R′ = (k, 0).
    Unfit,
}

/// Which guests the condition speaks of, and how they are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guests {
    /// The paper's: l + b ≤ w.
    Paper,
    /// All guests; the control block holds the virtual bound.
    All,
    /// A single guest at k = 0 under a monitor in high storage, with the trap cells shadowed; its
    /// window contains no trap cell.
    Unrelocated,
}

impl Case {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Clipped => "clipped",
            Self::Beyond => "beyond",
            Self::Unfit => "unfit",
        }
    }
}

impl Guests {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::All => "all",
            Self::Unrelocated => "unrelocated",
        }
    }

    /// Components of R beside the mapping that a real machine has one of and a guest another: the
    /// control block holds the guest's. Time is compared only where all guests are spoken of.
    pub(crate) fn owned(self, slice: &Slice) -> bool {
        is_resource(slice) || (self == Self::All && slice.kind == Some(Kind::Time))
    }

    /// The cases of f that have to be looked at.
    pub(crate) const fn cases(self) -> &'static [Case] {
        match self {
            Self::Paper => &[Case::Inside, Case::Unfit],
            Self::All => &[Case::Inside, Case::Clipped, Case::Beyond, Case::Unfit],
            Self::Unrelocated => &[Case::Inside],
        }
    }
}

/// What direct execution must leave alone, on the real machine and in the control block: M, and R
/// beside the mapping. Clocks are the monitor's too, although they are not compared.
pub(crate) fn monitors(slice: &Slice) -> bool {
    slice.role == Role::M || is_resource(slice) || slice.kind == Some(Kind::Time)
}

/// f over terms.
pub(super) struct Map {
    pub(super) data: VmMap,
    pub(super) k: Term,
    pub(super) w: Term,
    /// The image of the entry's window, by the case at hand.
    pub(super) known: ((Term, Term), (Term, Term)),
    /// R′ does not show where the guest's window lies.
    pub(super) hidden: bool,
}

/// A guest state and its image, before anything runs.
pub(super) struct Placed {
    pub(super) map: Map,
    pub(super) guest: State,
    pub(super) real: State,
    /// E|r of the guest and of its image.
    pub(super) windows: [(Term, Term); 2],
    pub(super) facts: Facts,
    pub(super) premises: Vec<Term>,
}

/// "There is a guest state, in this mode and case, for which the square does not commute."
/// The machine must have a mapping.
pub(crate) fn ask(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
) -> Obligation {
    broken_square(problem, setting, side, (guests, case), &[], false)
}

/// The same of guests whose windows f places as it should.
pub(crate) fn ask_placed(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
) -> Obligation {
    broken_square(problem, setting, side, (guests, case), &[], true)
}

/// The same under a monitor that keeps bits of its own at fixed values.
pub(crate) fn ask_keeping(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    case: Case,
    kept: &[(Part, u128)],
) -> Obligation {
    broken_square(problem, setting, side, (setting.guests(), case), kept, false)
}

fn broken_square(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    (guests, case): (Guests, Case),
    kept: &[(Part, u128)],
    placed: bool,
) -> Obligation {
    let Placed { map, guest, real, windows, facts, mut premises } =
        place(problem, setting, side, guests, case);
    if placed {
        let misplaced = allocator::is_wrong(&mut problem.terms, &map, windows, case);
        premises.push(problem.terms.not(misplaced));
    }
    let real = problem.keeping(&real, kept);
    let guest = problem.run_with(guest, windows[0], facts.clone());
    let behaviours = problem.behaviours(&guest, &facts, false);
    let real = problem.run_with(real, windows[1], facts);
    premises.extend(guest.assumed.iter().chain(&real.assumed));
    let breaks = |guest: &Run| square_breaks(problem, &map, guest, &real, guests);
    let all: Vec<Term> = behaviours.iter().map(breaks).collect();
    let goal = problem.terms.all(all);
    let unknown = behaviours.iter().chain([&real]).map(|run| run.transition.unknown);
    let unknown = problem.terms.any(unknown);
    let first = Some(map.k);
    Obligation { query: Query { premises, goal }, runs: vec![guest, real], unknown, first }
}

/// An arbitrary guest state in this mode and case, and its image.
pub(super) fn place(
    problem: &mut Problem<'_>,
    setting: Setting<'_>,
    side: VirtualMode,
    guests: Guests,
    case: Case,
) -> Placed {
    let isa = problem.isa;
    let (Some(data), Some(relocation), Some(bounds)) = (VmMap::of(isa), isa.relocation, isa.bounds)
    else {
        unreachable!("asked only of machines with a mapping");
    };
    let width = data.width;
    let w = problem.cells;
    let q = cell_count(isa, &mut problem.terms, 1);
    let narrow_k = if guests == Guests::Unrelocated {
        problem.terms.constant(0, relocation.width)
    } else {
        let k = problem.terms.variable(relocation.width);
        problem.terms.suggest(k, isa.storage.cells / 2);
        k
    };
    let k = problem.terms.zext(narrow_k, width);

    // The guest.
    let fresh = problem.fresh();
    let mut guest = in_virtual_mode(problem, setting, &fresh, side);
    let (l, b) = problem.window(&guest);
    let array = problem.array();
    guest.layout = Rc::new(Layout { regions: Vec::new(), rest: array, cells: w });

    let mut premises = problem.always.clone();
    premises.extend(other_mode(problem, setting, &guest, side));
    premises.extend(problem.size_bounds(q));
    let terms = &mut problem.terms;
    let end = terms.add(k, w);
    premises.push(terms.ule(end, q));
    if guests != Guests::Unrelocated {
        let least = terms.constant(isa.least_cells(), width);
        premises.push(terms.ule(least, k));
    }
    let (inside, image) = case_of_f(
        terms,
        &data,
        (l, b, k, w),
        narrow_k,
        case,
        (relocation, bounds),
        isa.storage.cells,
    );
    premises.extend(inside);
    if guests != Guests::All {
        let top = terms.add(l, b);
        premises.push(terms.ule(top, w));
        if case == Case::Unfit {
            // With w ≤ l this leaves an empty window.
            let zero = terms.constant(0, width);
            let beyond = terms.ule(w, l);
            let empty = terms.eq(b, zero);
            premises.push(terms.implies(beyond, empty));
        }
    }
    if guests == Guests::Unrelocated {
        premises.push(window_avoids_trap_cells(problem, (l, b)));
    }
    let mut facts = Facts::default();
    for premise in &premises {
        facts.assume(&mut problem.terms, *premise);
    }

    // Its image.
    let real = if side == VirtualMode::User && setting.steady {
        guest.clone()
    } else {
        problem.deprivileged(&guest, setting.pair)
    };
    let real = problem.vary(&real, |_, s| guests.owned(s));
    let real = problem.with(&real, Some(relocation), image.0);
    let mut real = problem.with(&real, Some(bounds), image.1);
    let mut regions = vec![Region { base: k, size: w, array }];
    if guests == Guests::Unrelocated {
        let base = problem.terms.constant(0, width);
        let size = problem.terms.constant(isa.trap_cells.end(), width);
        let shadow = problem.array();
        regions.insert(0, Region { base, size, array: shadow });
    }
    let rest = problem.array();
    real.layout = Rc::new(Layout { regions, rest, cells: q });
    let real_window = problem.window(&real);
    let map = Map { data, k, w, known: ((l, b), image), hidden: case == Case::Unfit };
    Placed { map, guest, real, windows: [(l, b), real_window], facts, premises }
}

/// The premises of a case, and the image (relocation, bounds) of the window in it.
pub(crate) fn case_of_f(
    terms: &mut Terms,
    data: &VmMap,
    (l, b, k, w): (Term, Term, Term, Term),
    narrow_k: Term,
    case: Case,
    (relocation, bounds): (Part, Part),
    cells: u128,
) -> (Vec<Term>, (Term, Term)) {
    let operands = [l, b, k, w];
    let fits = over(terms, &data.fits, &operands);
    let inside = over(terms, &data.inside, &operands);
    let unclipped = over(terms, &data.unclipped, &operands);
    let mut premises = match case {
        Case::Inside => vec![fits, unclipped],
        Case::Clipped => vec![fits, inside, terms.not(unclipped)],
        Case::Beyond => vec![fits, terms.not(inside), terms.not(unclipped)],
        Case::Unfit => vec![terms.not(fits)],
    };
    if case == Case::Unfit {
        // Where relocation reaches all storage, l + k ≥ 2^n ≥ q ≥ k + w: the window lies beyond the
        // guest's storage. This follows from the premises and saves finding it out.
        let small = cells <= model::bits::mask(relocation.width) + 1;
        if small {
            let beyond = terms.ule(w, l);
            premises.push(beyond);
        }
    }
    if case != Case::Unfit {
        // l + k fits the relocation component: the sum is its own integer value there.
        let narrow_l = terms.extract(l, 0, relocation.width);
        terms.add_exact(narrow_l, narrow_k);
    }
    let mut facts = Facts::default();
    for premise in &premises {
        facts.assume(terms, *premise);
    }
    let base = over(terms, &data.relocation, &operands);
    let base = facts.restrict(terms, base);
    let size = over(terms, &data.bounds, &operands);
    let mut size = facts.restrict(terms, size);
    if case == Case::Clipped {
        // A name for w − l, with its value as an integer.
        let clipped = terms.variable(bounds.width);
        let same = terms.eq(clipped, size);
        let wide = terms.zext(clipped, data.width);
        let top = terms.add(wide, l);
        let exact = terms.eq(top, w);
        premises.extend([same, exact]);
        size = clipped;
    }
    (premises, (base, size))
}

/// An expression of f over terms for l, b, k, w.
fn over(terms: &mut Terms, e: &model::isa::Expr, operands: &[Term]) -> Term {
    use model::isa::ExprKind;
    match &e.kind {
        ExprKind::Const(value) => terms.constant(*value, e.width),
        ExprKind::Operand(id) => operands[id.index()],
        ExprKind::Apply(op, inner) => {
            let inner: Vec<Term> = inner.iter().map(|i| over(terms, i, operands)).collect();
            terms.apply(*op, &inner, e.width)
        }
        ExprKind::Local(_)
        | ExprKind::Register(_)
        | ExprKind::Element(..)
        | ExprKind::Load(_)
        | ExprKind::CellCount
        | ExprKind::Choice(_) => unreachable!("f is an expression over its operands"),
    }
}

/// The guest's window contains no trap cell.
fn window_avoids_trap_cells(problem: &mut Problem<'_>, (l, _): (Term, Term)) -> Term {
    let width = problem.isa.address_width();
    let end = problem.terms.constant(problem.isa.trap_cells.end(), width);
    problem.terms.ule(end, l)
}

impl Map {
    /// The image of a window.
    fn image(&self, terms: &mut Terms, facts: &Facts, window: (Term, Term)) -> (Term, Term) {
        if self.known.0 == window {
            return self.known.1;
        }
        let operands = [window.0, window.1, self.k, self.w];
        let base = over(terms, &self.data.relocation, &operands);
        let size = over(terms, &self.data.bounds, &operands);
        (facts.restrict(terms, base), facts.restrict(terms, size))
    }
}

/// i(f(S)) does not trap to the monitor, and i(S) is defined, and i(f(S)) is not f(i(S)).
fn square_breaks(
    problem: &mut Problem<'_>,
    map: &Map,
    guest: &Run,
    real: &Run,
    guests: Guests,
) -> Term {
    let (s, s1) = (&guest.entry, &guest.transition.after);
    let (r, r1) = (&real.entry, &real.transition.after);
    let wrong = [
        // The control block: virtual mode and virtual resources stay what they are.
        problem.differ(s, s1, monitors),
        // The real machine: user mode, and the monitor's resources untouched.
        problem.differ(r, r1, monitors),
        problem.differ(s1, r1, |x| matches!(x.role, Role::E | Role::P)),
        mapping_differs(problem, map, guest, real, guests),
        storage_differs(problem, map, guest, real),
    ];
    goes_wrong(problem, guest, real, wrong)
}

/// The same for known states, without anything left to choose: every register of a file and every cell
/// that is written are compared.
pub(super) fn breaks_exactly(
    problem: &mut Problem<'_>,
    map: &Map,
    guest: &Run,
    real: &Run,
    guests: Guests,
) -> Term {
    let (s, s1) = (&guest.entry, &guest.transition.after);
    let (r, r1) = (&real.entry, &real.transition.after);
    let mut storage = Vec::new();
    let facts = Facts::default();
    for write in &s1.writes {
        let terms = &mut problem.terms;
        let inside = terms.ult(write.index, map.w);
        let there = terms.add(map.k, write.index);
        let (mine, real) = (s1.load(terms, &facts, write.index), r1.load(terms, &facts, there));
        let different = terms.ne(mine, real);
        storage.push(terms.and(inside, different));
    }
    for write in &r1.writes {
        let terms = &mut problem.terms;
        let offset = terms.sub(write.index, map.k);
        let inside = terms.ult(offset, map.w);
        let now = r1.load(terms, &facts, write.index);
        let (mine, old) = (s1.load(terms, &facts, offset), r.load(terms, &facts, write.index));
        let expected = terms.ite(inside, mine, old);
        storage.push(terms.ne(now, expected));
    }
    let wrong = [
        problem.differ_exactly(s, s1, monitors),
        problem.differ_exactly(r, r1, monitors),
        problem.differ_exactly(s1, r1, |x| matches!(x.role, Role::E | Role::P)),
        mapping_differs(problem, map, guest, real, guests),
        problem.terms.any(storage),
    ];
    goes_wrong(problem, guest, real, wrong)
}

/// Both complete and something is wrong, or the real machine does something else than trap or complete
/// as it should.
fn goes_wrong(problem: &mut Problem<'_>, guest: &Run, real: &Run, wrong: [Term; 5]) -> Term {
    let astray = problem.stray_trap(real);
    let terms = &mut problem.terms;
    let wrong = terms.any(wrong);
    let both = terms.and(guest.transition.completes, real.transition.completes);
    let broken = terms.and(both, wrong);
    let guest_traps = guest.transition.trap(terms);
    let lost_trap = terms.and(guest_traps, real.transition.completes);
    let defined = terms.or(guest_traps, guest.transition.completes);
    let astray = terms.or(astray, real.transition.unpredictable);
    let astray = terms.and(defined, astray);
    terms.any([broken, lost_trap, astray])
}

/// R of i(f(S)) is not R of f(i(S)), or the virtual mapping in the control block is wrong.
fn mapping_differs(
    problem: &mut Problem<'_>,
    map: &Map,
    guest: &Run,
    real: &Run,
    guests: Guests,
) -> Term {
    let isa = problem.isa;
    let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else { return problem.terms.bool(false) };
    let (s1, r1) = (&guest.transition.after, &real.transition.after);
    let after = problem.window(s1);
    let hidden = is_hidden_in(problem, map, guest, (l, b));
    let terms = &mut problem.terms;
    let image = map.image(terms, &guest.transition.facts, after);
    let real_now = (r1.part(terms, l), r1.part(terms, b));
    let mut wrong = vec![terms.ne(real_now.0, image.0), terms.ne(real_now.1, image.1)];
    let (before_l, before_b) = (guest.entry.part(terms, l), guest.entry.part(terms, b));
    let (after_l, after_b) = (s1.part(terms, l), s1.part(terms, b));
    // Where the real mapping does not show the virtual one, the control block holds it.
    for changed in [terms.ne(before_l, after_l), terms.ne(before_b, after_b)] {
        wrong.push(terms.and(hidden, changed));
    }
    if guests == Guests::All {
        // The virtual bound: as it was if the real one is, else the real one.
        let real_before = real.entry.part(terms, b);
        let unchanged = terms.eq(real_before, real_now.1);
        let expected = terms.ite(unchanged, before_b, real_now.1);
        let differs = terms.ne(after_b, expected);
        let shown = terms.not(hidden);
        wrong.push(terms.and(shown, differs));
    }
    terms.any(wrong)
}

/// The real mapping does not show where the guest's window lies: what [`is_hidden`] says of a state.
fn is_hidden_in(problem: &mut Problem<'_>, map: &Map, guest: &Run, (l, b): (Part, Part)) -> Term {
    let width = map.data.width;
    let wide = |terms: &mut Terms, part: Term| terms.zext(part, width);
    let terms = &mut problem.terms;
    let own = (guest.entry.part(terms, l), guest.entry.part(terms, b));
    let seen = (wide(terms, own.0), wide(terms, own.1));
    if map.hidden || seen == guest.window {
        return terms.bool(map.hidden);
    }
    let flipped =
        (terms.apply(Op::Not, &[own.0], l.width), terms.apply(Op::Not, &[own.1], b.width));
    let other = problem.with(&guest.entry, Some(l), flipped.0);
    let other = problem.with(&other, Some(b), flipped.1);
    let (window, terms) = (problem.window(&other), &mut problem.terms);
    let flipped = (wide(terms, flipped.0), wide(terms, flipped.1));
    let differ = [
        terms.ne(guest.window.0, seen.0),
        terms.ne(guest.window.1, seen.1),
        terms.ne(window.0, flipped.0),
        terms.ne(window.1, flipped.1),
    ];
    terms.any(differ)
}

/// Some cell of the partition is not the guest's, or some cell outside is written.
fn storage_differs(problem: &mut Problem<'_>, map: &Map, guest: &Run, real: &Run) -> Term {
    let after = [guest, real].map(|run| {
        let it = &run.transition;
        End { state: &it.after, facts: &it.facts, when: it.completes }
    });
    partition_differs(problem, map, after, &real.entry)
}

/// A state that a run comes to, when, and what is known there.
pub(super) struct End<'e> {
    pub(super) state: &'e State,
    pub(super) facts: &'e Facts,
    pub(super) when: Term,
}

/// Some cell of the partition in the second state is not what the first, a guest's, has there; or
/// some cell outside is not what it was in the entry state of the real machine.
pub(super) fn partition_differs(
    problem: &mut Problem<'_>,
    map: &Map,
    [guest, real]: [End<'_>; 2],
    entry: &State,
) -> Term {
    let (s1, r1) = (guest.state, real.state);
    if s1.writes.is_empty() && r1.writes.is_empty() {
        return problem.terms.bool(false);
    }
    let facts = [guest.facts, real.facts];
    let terms = &mut problem.terms;
    let cell = any_cell(problem.isa, terms);
    let inside = terms.ult(cell, map.w);
    let load = |terms: &mut Terms, facts: &Facts, state: &State, at: Term| {
        let mut facts = facts.clone();
        facts.assume(terms, inside);
        state.load(terms, &facts, at)
    };
    let mine = load(terms, facts[0], s1, cell);
    let place = terms.add(map.k, cell);
    let real_cell = load(terms, facts[1], r1, place);
    pass_hits(terms, [(s1, cell, guest.when), (r1, place, real.when)]);
    let different = terms.ne(mine, real_cell);
    let shadowed = entry.layout.regions.len() > 1;
    let mut wrong = vec![terms.and(inside, different)];
    if shadowed {
        // The trap cells are shadowed: the guest's stand elsewhere, and its window avoids them.
        let own = entry.layout.regions[0].size;
        let visible = terms.ule(own, cell);
        wrong[0] = terms.and(wrong[0], visible);
    }
    for write in &r1.writes {
        let offset = terms.sub(write.index, map.k);
        let outside = terms.ult(offset, map.w);
        let outside = terms.not(outside);
        let known = facts[1].decide(terms, outside);
        if known == Some(false) {
            continue;
        }
        // What stands there in the end: a later store may put back what was there.
        let old = entry.load(terms, facts[1], write.index);
        let new = r1.load(terms, facts[1], write.index);
        let changed = terms.ne(old, new);
        let changed = terms.and(outside, changed);
        wrong.push(terms.and(write.guard, changed));
    }
    terms.any(wrong)
}

/// Whether played states, the guest's and its image, refute the condition.
pub(crate) fn refuted_by(replay: &Replay<'_>, side: VirtualMode, guests: Guests) -> bool {
    is_placed(replay, side, guests) && !broken(replay, guests).is_empty()
}

/// Whether the second state is the image of the first, an admitted guest's in the given mode.
pub(crate) fn is_placed(replay: &Replay<'_>, side: VirtualMode, guests: Guests) -> bool {
    let isa = replay.isa();
    let ([guest, real], Some(map)) = (replay.sides.as_slice(), VmMap::of(isa)) else {
        return false;
    };
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    let mode = isa.mode.map(|part| guest.before.part(part));
    let in_mode = mode.is_some_and(|mode| side.admits(replay.pair(), mode));
    let (l, b) = window(isa, &guest.before);
    let admitted = guests == Guests::All || l + b <= partition.cells;
    let image = map.apply(isa, replay.pair(), partition, &guest.before, &real.before);
    let is_image = equal_but(&image, &real.before, shadow(replay, guests))
        && partition.first + partition.cells <= real.before.cells
        && in_mode;
    admitted && is_image
}

/// What is wrong with a square, in words; empty if it commutes or the image traps.
pub(crate) fn broken(replay: &Replay<'_>, guests: Guests) -> Vec<&'static str> {
    let isa = replay.isa();
    let ([_, real], Some(map)) = (replay.sides.as_slice(), VmMap::of(isa)) else {
        return Vec::new();
    };
    if replay.enters(real) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for guest in replay.behaviours(0, false) {
        wrong = broken_by(replay, &map, &guest, real, guests);
        if wrong.is_empty() {
            break;
        }
    }
    wrong
}

/// The same for one of the things that the guest's instruction may do.
fn broken_by(
    replay: &Replay<'_>,
    map: &VmMap,
    guest: &Played,
    real: &Played,
    guests: Guests,
) -> Vec<&'static str> {
    let isa = replay.isa();
    if guest.strange() {
        return Vec::new();
    }
    let Some(r1) = real.after(isa, false) else {
        return match real.outcome {
            Outcome::Trap(..) => vec!["the trap does not lead to the monitor"],
            Outcome::Unpredictable => {
                vec!["what the guest is to see is defined, and what the real machine does is not"]
            }
            Outcome::Step(_) | Outcome::Unknown => Vec::new(),
        };
    };
    let Some(s1) = guest.after(isa, false) else {
        return vec!["the guest's trap does not happen"];
    };
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    let end = partition.first + partition.cells;
    let outside = |state: &Concrete| {
        let all = state.storage.iter().filter(|(c, _)| **c < partition.first || **c >= end);
        all.map(|(c, v)| (*c, *v)).collect::<Vec<_>>()
    };
    let is_mode = |x: &model::isa::Slice| x.role == Role::M;
    let resources = |x: &model::isa::Slice| monitors(x) && !is_mode(x);
    let visible = |x: &model::isa::Slice| matches!(x.role, Role::E | Role::P);
    let expected = map.apply(isa, replay.pair(), partition, s1, r1);
    let same =
        |chosen: &dyn Fn(&model::isa::Slice) -> bool| equal_bits(isa, &expected, r1, |x| chosen(x));
    let checks = [
        (
            equal_bits(isa, &guest.before, s1, is_mode),
            "the guest's mode changes and the monitor does not learn of it",
        ),
        (
            equal_bits(isa, &guest.before, s1, resources),
            "the guest's resources change and the monitor does not learn of it",
        ),
        (
            virtual_mapping_kept(replay, guests, s1, r1),
            "the guest's mapping changes and the monitor does not learn of it",
        ),
        (
            equal_bits(isa, &real.before, r1, monitors),
            "the real mode or the monitor's resources change",
        ),
        (outside(&real.before) == outside(r1), "storage outside the guest's changes"),
        (same(&visible), "registers or P are not the guest's"),
        (same(&|x| !visible(x)), "the real mapping is not the image of the guest's"),
        (
            equal_storage(&expected, r1, shadow(replay, guests)),
            "the guest's storage is not what it should be",
        ),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

/// Number of low cells that are shadowed.
fn shadow(replay: &Replay<'_>, guests: Guests) -> u128 {
    if guests == Guests::Unrelocated { replay.isa().trap_cells.end() } else { 0 }
}

/// Equality but for shadowed cells.
fn equal_but(a: &Concrete, b: &Concrete, shadow: u128) -> bool {
    a.registers == b.registers && equal_storage(a, b, shadow)
}

fn equal_storage(a: &Concrete, b: &Concrete, shadow: u128) -> bool {
    a.storage.range(shadow..).eq(b.storage.range(shadow..))
}

/// The virtual mapping is right after a direct step: read off the real one, or kept in the control
/// block where the real one does not show it.
fn virtual_mapping_kept(replay: &Replay<'_>, guests: Guests, s1: &Concrete, r1: &Concrete) -> bool {
    let isa = replay.isa();
    let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else { return true };
    let [guest, real] = replay.sides.as_slice() else { return true };
    let before = (guest.before.part(l), guest.before.part(b));
    let partition = Partition { first: replay.first, cells: guest.before.cells };
    if is_hidden(isa, &guest.before, partition) {
        return before == (s1.part(l), s1.part(b));
    }
    let unchanged = real.before.part(b) == r1.part(b);
    let expected = if unchanged { before.1 } else { r1.part(b) };
    guests != Guests::All || s1.part(b) == expected
}

/// Whether the real mapping does not show a guest's: the control block holds it.
pub(super) fn is_hidden(isa: &Isa, guest: &Concrete, partition: Partition) -> bool {
    let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else { return false };
    // Two values for each: the window may equal relocation and bounds by chance.
    let mut other = guest.clone();
    other.set_part(l, guest.part(l) ^ mask(l.width));
    other.set_part(b, guest.part(b) ^ mask(b.width));
    let shows = |state: &Concrete| window(isa, state) == (state.part(l), state.part(b));
    let fits = VmMap::of(isa).is_none_or(|map| map.shows(window(isa, guest), partition));
    !fits || !shows(guest) || !shows(&other)
}
