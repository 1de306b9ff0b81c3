//! An oracle for small worlds: every definition, decided by looking at all states.
//!
//! It shares no code with the analyzer. It has the interpreter, which says what an instruction does
//! to a state, the map f as data, and the text of the definitions (P&G sections 3 and 4).
//!
//! **How all states are looked at.** A question is an ordinary function on states of which only
//! some values are chosen, a `World`. The interpreter tells which places an instruction reads and
//! writes. As soon as the answer needs a value that the world lacks, the question stops and names
//! it, and `exists` asks again with every value it can have. So no state is left out, and states
//! that differ only in places the instruction never touches are looked at once.
//!
//! **What two states share** is one value of the world: the window E|r by virtual address, and the
//! components that the definition wants equal. What the definition leaves free has an owner.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use model::bits::mask;
use model::interp::{self, Access, Outcome, Place, operand_condition, run_plain};
use model::isa::{
    Class, Expr, ExprKind, Isa, Kind, Pair, Part, Premise, Profile, RegisterId, Role, Slice, Stmt,
    TrapKind, VerdictWord,
};
use model::map::{Partition, VmMap, window};
use model::state::State;

/// Which of the two states of a question a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Both,
    First,
    Second,
}

/// A value that can be chosen freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Free {
    /// A slice of a register: register, element, lowest bit.
    Bits(Owner, RegisterId, u32, u32),
    /// A cell of E|r, by virtual address.
    Window(u128),
    /// A physical cell.
    Cell(Owner, u128),
}

/// The values chosen so far.
type World = BTreeMap<Free, u128>;

/// What the world lacks for an answer, and its width.
#[derive(Debug, Clone, Copy)]
struct Lacks(Free, u32);

type Asked<T> = Result<T, Lacks>;

/// Whether some world answers yes.
fn exists(world: &mut World, question: &dyn Fn(&World) -> Asked<bool>) -> bool {
    match question(world) {
        Ok(answer) => answer,
        Err(Lacks(free, width)) => (0..1u128 << width).any(|value| {
            world.insert(free, value);
            let found = exists(world, question);
            world.remove(&free);
            found
        }),
    }
}

/// One instruction with its operands, and the values of what the architecture leaves undefined.
struct Case<'c> {
    isa: &'c Isa,
    class: &'c Class,
    pair: &'c Pair,
    operands: Vec<u128>,
    choices: Vec<u128>,
}

/// One state of a question: places not chosen yet are 0 in it and stand in `lacks`.
struct Half {
    state: State,
    lacks: BTreeMap<Place, Lacks>,
}

/// What the instruction does to a state.
struct Run {
    outcome: Outcome,
    written: BTreeSet<Place>,
}

impl Half {
    /// Insists that a place is chosen.
    fn need(&self, place: Place) -> Asked<()> {
        self.lacks.get(&place).map_or(Ok(()), |lacks| Err(*lacks))
    }

    /// E|r: first cell and number of cells that exist.
    fn window(&self, isa: &Isa) -> Asked<(u128, u128)> {
        for id in window_registers(isa) {
            self.need(Place::Register(id, 0))?;
        }
        let (base, size) = window(isa, &self.state);
        Ok((base, size.min(self.state.cells.saturating_sub(base))))
    }

    /// Insists that all registers are chosen.
    fn need_registers(&self) -> Asked<()> {
        let registers = self.lacks.iter().filter(|(p, _)| matches!(p, Place::Register(..)));
        registers.map(|(_, lacks)| Err(*lacks)).next().unwrap_or(Ok(()))
    }

    /// The specification's assumptions hold.
    fn admitted(&self, isa: &Isa) -> bool {
        isa.assumptions.iter().all(|a| interp::value(&a.that, &self.state).is_true())
    }

    /// M or a component of R among those chosen is not what it was.
    fn changed(&self, isa: &Isa, run: &Run, after: &State, chosen: Chosen<'_>) -> Asked<bool> {
        for (place, id, i) in registers(&run.written) {
            for slice in isa.register(id).slices.iter().filter(|s| chosen(s)) {
                self.need(place)?;
                if bits(&self.state, id, i, slice) != bits(after, id, i, slice) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

type Chosen<'a> = &'a dyn Fn(&Slice) -> bool;

/// A slice's value.
fn bits(state: &State, id: RegisterId, i: u128, slice: &Slice) -> u128 {
    state.element(id, i) >> slice.low & mask(slice.width)
}

/// Sets a slice.
fn set_bits(state: &mut State, id: RegisterId, i: u128, slice: &Slice, value: u128) {
    let others = state.element(id, i) & !(mask(slice.width) << slice.low);
    state.set_element(id, i, others | value << slice.low);
}

/// The registers among places.
fn registers(places: &BTreeSet<Place>) -> impl Iterator<Item = (Place, RegisterId, u128)> + '_ {
    places.iter().filter_map(|place| match place {
        Place::Register(id, i) => Some((*place, *id, *i)),
        Place::Cell(_) => None,
    })
}

/// The cells among places.
fn cells(places: &BTreeSet<Place>) -> impl Iterator<Item = u128> + '_ {
    places.iter().filter_map(|place| match place {
        Place::Register(..) => None,
        Place::Cell(cell) => Some(*cell),
    })
}

/// Every slice of every register: register, element, slice.
fn all_slices(isa: &Isa) -> impl Iterator<Item = (RegisterId, u32, &Slice)> {
    isa.register_ids().flat_map(|(id, register)| {
        (0..register.len()).flat_map(move |i| register.slices.iter().map(move |s| (id, i, s)))
    })
}

/// The registers that decide where E|r lies.
fn window_registers(isa: &Isa) -> BTreeSet<RegisterId> {
    fn collect(e: &Expr, all: &mut BTreeSet<RegisterId>) {
        match &e.kind {
            ExprKind::Register(id) => drop(all.insert(*id)),
            ExprKind::Apply(_, operands) => operands.iter().for_each(|o| collect(o, all)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    if let Some(window) = &isa.window {
        collect(&window.base, &mut all);
        collect(&window.size, &mut all);
    }
    all
}

fn is_mode_or_r(slice: &Slice) -> bool {
    matches!(slice.role, Role::M | Role::R)
}

/// What a program sees of its registers.
fn is_visible(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::P)
}

/// The components of R beyond the mapping and time.
fn is_resource(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector | Kind::Identity | Kind::Device))
}

/// The slice is the mode itself, which every question fixes.
fn is_the_mode(isa: &Isa, id: RegisterId, slice: &Slice) -> bool {
    isa.mode == Some(Part { register: id, low: slice.low, width: slice.width })
}

/// Whether the machine ties components together: then all registers are chosen first.
fn ties(isa: &Isa, pair: &Pair) -> bool {
    !isa.assumptions.is_empty() || !pair.deprivilege.statements.is_empty()
}

impl Case<'_> {
    /// Runs the instruction; whatever it reads must be chosen. What a trap sequence does counts only
    /// with `literal`, and not for memory traps: otherwise the definitions ask no more than whether
    /// there is a trap.
    fn run(&self, half: &Half, literal: bool) -> Asked<Run> {
        let seen = RefCell::new(Vec::new());
        let outcome = interp::observed_step(
            self.isa,
            self.class,
            &self.operands,
            &half.state,
            &|id| self.choices[id.index()],
            &|access| seen.borrow_mut().push(access),
        );
        let mut written = BTreeSet::new();
        for access in seen.into_inner() {
            match access {
                Access::Read(place) => half.need(place)?,
                Access::Write(place) => drop(written.insert(place)),
                Access::Trap(id) if literal && self.isa.trap(id).kind != TrapKind::Memory => {}
                Access::Trap(_) => break,
            }
        }
        Ok(Run { outcome, written })
    }

    fn is_memory_trap(&self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Trap(id, _) if self.isa.trap(*id).kind == TrapKind::Memory)
    }

    /// The state after the instruction. Memory traps have none for the definitions; other traps
    /// have one in `literal`. A trap takes writes back, so what it may have restored is chosen.
    fn after<'r>(&self, half: &Half, run: &'r Run, literal: bool) -> Asked<Option<&'r State>> {
        match &run.outcome {
            Outcome::Step(after) => Ok(Some(after)),
            Outcome::Trap(_, after) if literal && !self.is_memory_trap(&run.outcome) => {
                for place in &run.written {
                    let restored = match *place {
                        Place::Register(id, i) => half.state.element(id, i) == after.element(id, i),
                        Place::Cell(cell) => half.state.load(cell) == after.load(cell),
                    };
                    if restored {
                        half.need(*place)?;
                    }
                }
                Ok(Some(after))
            }
            Outcome::Trap(..) | Outcome::Unpredictable | Outcome::Unknown => Ok(None),
        }
    }
}

/// What two states share of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// All of it, cell by cell.
    Cells,
    /// The contents of E|r, each side seen through its own mapping.
    Window,
}

type Varied<'a> = &'a dyn Fn(RegisterId, &Slice) -> bool;

/// Two states: what they share and what they differ in.
struct Two<'c> {
    case: &'c Case<'c>,
    /// Number of cells, q.
    cells: u128,
    modes: [u128; 2],
    /// The slices in which the states are to differ, beyond the mode.
    varied: Option<Varied<'c>>,
    /// They may be equal there, too.
    may_be_equal: bool,
    sharing: Sharing,
}

impl Two<'_> {
    fn varies(&self, id: RegisterId, slice: &Slice) -> bool {
        self.varied.is_some_and(|varied| varied(id, slice))
    }

    fn free(&self, owner: Owner, id: RegisterId, i: u32, slice: &Slice) -> Free {
        let owner = if self.varies(id, slice) { owner } else { Owner::Both };
        Free::Bits(owner, id, i, slice.low)
    }

    /// The two states; `None` if the world is none of those the definition speaks of.
    fn states(&self, world: &World) -> Asked<Option<[Half; 2]>> {
        let Case { isa, pair, .. } = *self.case;
        let zero = State::zero(isa, self.cells);
        let mut halves = [zero.clone(), zero].map(|state| Half { state, lacks: BTreeMap::new() });
        for (owner, half) in [Owner::First, Owner::Second].into_iter().zip(&mut halves) {
            for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| !is_the_mode(isa, *id, s)) {
                let free = self.free(owner, id, i, slice);
                if let Some(value) = world.get(&free) {
                    set_bits(&mut half.state, id, i.into(), slice, *value);
                } else {
                    let place = Place::Register(id, i.into());
                    half.lacks.entry(place).or_insert(Lacks(free, slice.width));
                }
            }
        }
        if ties(isa, pair) {
            halves.iter().try_for_each(Half::need_registers)?;
        }
        for (half, mode) in halves.iter_mut().zip(self.modes) {
            isa.mode.into_iter().for_each(|part| half.state.set_part(part, mode));
        }
        if self.modes[0] != self.modes[1] {
            let before = halves[1].state.clone();
            halves[1].state = run_plain(&pair.deprivilege, &before);
            for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| self.varies(*id, s)) {
                let value = bits(&before, id, i.into(), slice);
                set_bits(&mut halves[1].state, id, i.into(), slice, value);
            }
        }
        self.choose_storage(world, &mut halves);
        Ok(halves.iter().all(|half| half.admitted(isa)).then_some(halves))
    }

    fn choose_storage(&self, world: &World, halves: &mut [Half; 2]) {
        let isa = self.case.isa;
        let windows = match self.sharing {
            Sharing::Cells => None,
            Sharing::Window => {
                Some(halves[0].window(isa).and_then(|a| Ok((a, halves[1].window(isa)?))))
            }
        };
        let free = |cell: u128, second: bool| -> Asked<Free> {
            let Some(windows) = windows else { return Ok(Free::Cell(Owner::Both, cell)) };
            let (a, b) = windows?;
            let base = if second { b.0 } else { a.0 };
            let owner = if second { Owner::Second } else { Owner::First };
            let common = a.1.min(b.1);
            Ok(match cell.checked_sub(base) {
                Some(address) if address < common => Free::Window(address),
                _ => Free::Cell(owner, cell),
            })
        };
        for (second, half) in [false, true].into_iter().zip(halves) {
            for cell in 0..self.cells {
                let chosen = free(cell, second).and_then(|free| {
                    world.get(&free).copied().ok_or(Lacks(free, isa.storage.width))
                });
                match chosen {
                    Ok(value) => half.state.store(cell, value),
                    Err(lacks) => drop(half.lacks.insert(Place::Cell(cell), lacks)),
                }
            }
        }
    }

    /// Whether the states really differ in what varies.
    fn differ(&self, world: &World) -> Asked<bool> {
        let isa = self.case.isa;
        if self.may_be_equal {
            return Ok(true);
        }
        let mut answer = Ok(self.varied.is_none());
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| self.varies(*id, s)) {
            let both = [Owner::First, Owner::Second].map(|o| self.free(o, id, i, slice));
            match both.map(|free| world.get(&free).ok_or(Lacks(free, slice.width))) {
                [Ok(a), Ok(b)] if a != b => return Ok(true),
                [Ok(_), Ok(_)] => {}
                [Err(lacks), _] | [_, Err(lacks)] => answer = Err(lacks),
            }
        }
        answer
    }

    /// Whether the cells a trap loads the new PSW from are equal.
    fn same_new_psw(&self, [a, b]: &[Half; 2]) -> Asked<bool> {
        for cell in self.case.isa.trap_cells.new.clone() {
            let place = Place::Cell(cell);
            a.need(place)?;
            b.need(place)?;
            if a.state.load(cell) != b.state.load(cell) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// "Both keep M and R, and end visibly different": e1|r ≠ e2|r⊕x or p1 ≠ p2, where E includes
    /// the registers. Without `literal` neither side may trap.
    fn visibly_different(&self, world: &World, literal: bool) -> Asked<bool> {
        let isa = self.case.isa;
        if matches!(self.differ(world), Ok(false)) {
            return Ok(false);
        }
        let Some(halves) = self.states(world)? else { return Ok(false) };
        if literal && matches!(self.same_new_psw(&halves), Ok(false)) {
            return Ok(false);
        }
        let mut runs = Vec::new();
        for half in &halves {
            let run = self.case.run(half, literal)?;
            match self.case.after(half, &run, literal)? {
                Some(after) if !half.changed(isa, &run, after, &is_mode_or_r)? => {
                    let after = after.clone();
                    runs.push((run, after));
                }
                _ => return Ok(false),
            }
        }
        let [a, b] = [0, 1].map(|i| (&halves[i], &runs[i].0.written, &runs[i].1));
        if !(self.registers_differ(a, b)? || self.windows_differ(a, b)?) {
            return Ok(false);
        }
        Ok(self.differ(world)? && (!literal || self.same_new_psw(&halves)?))
    }

    /// A register that neither side writes is equal in both states: they share it.
    fn registers_differ(&self, a: Ended<'_>, b: Ended<'_>) -> Asked<bool> {
        let written: BTreeSet<Place> = a.1.union(b.1).copied().collect();
        for (place, id, i) in registers(&written) {
            let seen = |s: &&Slice| is_visible(s) && !self.varies(id, s);
            for slice in self.case.isa.register(id).slices.iter().filter(seen) {
                for (half, mine, _) in [a, b] {
                    if !mine.contains(&place) {
                        half.need(place)?;
                    }
                }
                if bits(a.2, id, i, slice) != bits(b.2, id, i, slice) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// So is a cell of the common prefix of both windows.
    fn windows_differ(&self, a: Ended<'_>, b: Ended<'_>) -> Asked<bool> {
        let isa = self.case.isa;
        if cells(a.1).chain(cells(b.1)).next().is_none() {
            return Ok(false);
        }
        let (wa, wb) = (a.0.window(isa)?, b.0.window(isa)?);
        for address in 0..wa.1.min(wb.1) {
            let (x, y) = (Place::Cell(wa.0 + address), Place::Cell(wb.0 + address));
            match (a.1.contains(&x), b.1.contains(&y)) {
                (false, false) => continue,
                (true, true) => {}
                (true, false) => b.0.need(y)?,
                (false, true) => a.0.need(x)?,
            }
            if a.2.load(wa.0 + address) != b.2.load(wb.0 + address) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What happens to both states, if neither memory-traps nor has no defined outcome.
    fn proper_outcomes(&self, world: &World) -> Asked<Option<[Outcome; 2]>> {
        let Some([a, b]) = self.states(world)? else { return Ok(None) };
        let proper = |outcome: &Outcome| {
            !self.case.is_memory_trap(outcome)
                && matches!(outcome, Outcome::Step(_) | Outcome::Trap(..))
        };
        let x = self.case.run(&a, false)?.outcome;
        if !proper(&x) {
            return Ok(None);
        }
        let y = self.case.run(&b, false)?.outcome;
        Ok(proper(&y).then_some([x, y]))
    }

    /// i(S1) is defined, without a memory trap, and M or R is not what it was.
    fn control_changes(&self, world: &World, literal: bool) -> Asked<bool> {
        let Some([half, _]) = self.states(world)? else { return Ok(false) };
        let run = self.case.run(&half, literal)?;
        match self.case.after(&half, &run, literal)? {
            Some(after) => half.changed(self.case.isa, &run, after, &is_mode_or_r),
            None => Ok(false),
        }
    }
}

/// A side at the end: where it began, what was written, the state after.
type Ended<'a> = (&'a Half, &'a BTreeSet<Place>, &'a State);

fn traps(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Trap(..))
}

fn completes(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Step(_))
}

/// One square: the guest's state S and its image f(S).
struct Square<'c> {
    case: &'c Case<'c>,
    map: &'c VmMap,
    /// Where the guest stands: k and w.
    partition: Partition,
    /// Number of real cells, q.
    cells: u128,
    /// The guest's virtual mode.
    mode: u128,
    /// Guests need not keep l + b ≤ w, and the control block holds the virtual b.
    extended: bool,
}

impl Square<'_> {
    /// The monitor's own components: R beyond the mapping. Time is compared in `extended` only.
    fn is_monitors(&self, slice: &Slice) -> bool {
        is_resource(slice) || (self.extended && slice.kind == Some(Kind::Time))
    }

    /// S, and f(S) in a machine where everything that is the monitor's is arbitrary.
    fn states(&self, world: &World) -> Asked<Option<[Half; 2]>> {
        let Case { isa, pair, .. } = *self.case;
        let Partition { first, cells } = self.partition;
        let half = |state| Half { state, lacks: BTreeMap::new() };
        let mut guest = half(State::zero(isa, cells));
        let mut real = half(State::zero(isa, self.cells));
        for (id, i, slice) in all_slices(isa).filter(|(id, _, s)| !is_the_mode(isa, *id, s)) {
            let own = self.is_monitors(slice);
            let owners = if own { [Owner::First, Owner::Second] } else { [Owner::Both; 2] };
            for (owner, side) in owners.into_iter().zip([&mut guest, &mut real]) {
                let free = Free::Bits(owner, id, i, slice.low);
                if let Some(value) = world.get(&free) {
                    set_bits(&mut side.state, id, i.into(), slice, *value);
                } else {
                    let place = Place::Register(id, i.into());
                    side.lacks.entry(place).or_insert(Lacks(free, slice.width));
                }
            }
        }
        isa.mode.into_iter().for_each(|part| guest.state.set_part(part, self.mode));
        if ties(isa, pair) {
            guest.need_registers()?;
            real.need_registers()?;
        }
        for cell in 0..self.cells {
            // The guest's cells stand at k and the following; the others are the monitor's.
            let address = cell.checked_sub(first).filter(|address| *address < cells);
            let free =
                address.map_or(Free::Cell(Owner::Second, cell), |a| Free::Cell(Owner::Both, a));
            let lacks = Lacks(free, isa.storage.width);
            match (world.get(&free), address) {
                (Some(value), Some(address)) => guest.state.store(address, *value),
                (Some(value), None) => real.state.store(cell, *value),
                (None, address) => {
                    if let Some(address) = address {
                        guest.lacks.insert(Place::Cell(address), lacks);
                    }
                    real.lacks.insert(Place::Cell(cell), lacks);
                }
            }
        }
        // The real mapping is chosen as soon as the guest's window is.
        for part in [isa.relocation, isa.bounds].into_iter().flatten() {
            let place = Place::Register(part.register, 0);
            match guest.window(isa) {
                Err(lacks) => drop(real.lacks.insert(place, lacks)),
                Ok(_) if isa.register(part.register).slices.len() == 1 => {
                    real.lacks.remove(&place);
                }
                Ok(_) => {}
            }
        }
        real.state = self.map.apply(isa, pair, self.partition, &guest.state, &real.state);
        let admitted = guest.admitted(isa) && real.admitted(isa);
        let inside = !matches!(self.keeps_inside(&guest), Ok(false));
        Ok((admitted && inside).then_some([guest, real]))
    }

    /// The paper's assumption about guests: l + b ≤ w.
    fn keeps_inside(&self, guest: &Half) -> Asked<bool> {
        if self.extended {
            return Ok(true);
        }
        guest.window(self.case.isa)?;
        let (l, b) = window(self.case.isa, &guest.state);
        Ok(l + b <= self.partition.cells)
    }

    /// i(f(S)) does not trap, and i(S) does, or i(f(S)) is not f(i(S)).
    fn breaks(&self, world: &World) -> Asked<bool> {
        let Some([guest, real]) = self.states(world)? else { return Ok(false) };
        let b = self.case.run(&real, false)?;
        let Outcome::Step(real_after) = &b.outcome else { return Ok(false) };
        let a = self.case.run(&guest, false)?;
        let broken = match &a.outcome {
            Outcome::Trap(..) => true,
            Outcome::Unpredictable | Outcome::Unknown => false,
            Outcome::Step(guest_after) => {
                self.need_what_one_side_writes((&guest, &a.written), (&real, &b.written))?;
                self.control_block_fails((&guest, &a, guest_after), (&real, &b, real_after))?
                    || self.image(guest_after, &real.state, real_after) != *real_after
            }
        };
        Ok(broken && self.keeps_inside(&guest)?)
    }

    /// What neither side writes stays equal, and what both write is compared; else the place must
    /// be chosen. So must components of M and R: they are compared with what they were.
    fn need_what_one_side_writes(
        &self,
        (guest, by_guest): (&Half, &BTreeSet<Place>),
        (real, by_real): (&Half, &BTreeSet<Place>),
    ) -> Asked<()> {
        let isa = self.case.isa;
        let k = self.partition.first;
        let image = |place: &Place| match *place {
            Place::Cell(cell) => Place::Cell(k + cell),
            register @ Place::Register(..) => register,
        };
        let as_real: BTreeSet<Place> = by_guest.iter().map(image).collect();
        let settled = |place: &Place| match place {
            Place::Register(id, _) => !isa.register(*id).slices.iter().any(is_mode_or_r),
            Place::Cell(_) => true,
        };
        for place in by_guest {
            if !(by_real.contains(&image(place)) && settled(place)) {
                guest.need(*place)?;
                real.need(image(place))?;
            }
        }
        for place in by_real {
            if !(as_real.contains(place) && settled(place)) {
                real.need(*place)?;
                if let Place::Register(..) = place {
                    guest.need(*place)?;
                }
            }
        }
        Ok(())
    }

    /// f(i(S)), where what belongs to the monitor is what it was.
    fn image(&self, guest_after: &State, real_before: &State, real_after: &State) -> State {
        let Case { isa, pair, .. } = *self.case;
        let mut image = self.map.apply(isa, pair, self.partition, guest_after, real_before);
        if !self.extended {
            for (id, i, slice) in all_slices(isa).filter(|(.., s)| s.kind == Some(Kind::Time)) {
                let now = bits(real_after, id, i.into(), slice);
                set_bits(&mut image, id, i.into(), slice, now);
            }
        }
        image
    }

    /// The control block holds the virtual M and the virtual resources, and direct execution keeps
    /// it. It also holds the virtual mapping where the real one does not show it. In `extended` it
    /// holds the virtual b, which changes with the real one.
    fn control_block_fails(&self, guest: Moved<'_>, real: Moved<'_>) -> Asked<bool> {
        let isa = self.case.isa;
        let (half, run, after) = guest;
        let held = |s: &Slice| s.role == Role::M || self.is_monitors(s);
        if half.changed(isa, run, after, &held)? {
            return Ok(true);
        }
        let (Some(l), Some(b)) = (isa.relocation, isa.bounds) else { return Ok(false) };
        let mapping = |state: &State| (state.part(l), state.part(b));
        let touched = [run, real.1].map(|run| {
            [l, b].iter().any(|part| run.written.contains(&Place::Register(part.register, 0)))
        });
        if touched == [false, false] {
            return Ok(false);
        }
        half.window(isa)?;
        let before = mapping(&half.state);
        let fits = before.0 + self.partition.first <= mask(l.width);
        if window(isa, &half.state) != before || !fits {
            return Ok(before != mapping(after));
        }
        let (real_before, real_after) = (real.0.state.part(b), real.2.part(b));
        let expected = if real_before == real_after { before.1 } else { real_after };
        Ok(self.extended && after.part(b) != expected)
    }
}

/// Where a side began, what was done, and the state after.
type Moved<'a> = (&'a Half, &'a Run, &'a State);

/// Whether a class is privileged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileged {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// No pair of states is within the definition's premise.
    Vacuous,
}

/// A property in supervisor mode and in user mode.
pub type PerMode = [bool; 2];

/// Everything the definitions say about one class, one pair, in one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the properties of the definitions, by name")]
pub struct Findings {
    pub profile: Profile,
    pub privileged: Privileged,
    pub control_sensitive: PerMode,
    pub location_sensitive: PerMode,
    pub mode_sensitive: bool,
    /// The general case: relocation and mode differ.
    pub both_sensitive: bool,
    pub resource_sensitive: PerMode,
    pub extent_sensitive: PerMode,
    pub time_sensitive: PerMode,
    pub trap_masked: bool,
    pub trap_visible: PerMode,
    /// The square breaks for a guest in this virtual mode.
    pub square_breaks: PerMode,
}

fn either(both: PerMode) -> bool {
    both[0] || both[1]
}

impl Findings {
    /// There are x, S1, S2 …: the general definition of behaviour sensitivity.
    pub fn behaviour_sensitive(&self) -> bool {
        either(self.location_sensitive) || self.mode_sensitive || self.both_sensitive
    }

    /// Control or behaviour sensitive, or in a class that the profile adds.
    pub fn sensitive(&self) -> bool {
        either(self.control_sensitive)
            || self.behaviour_sensitive()
            || either(self.resource_sensitive)
            || either(self.extent_sensitive)
            || self.trap_masked
            || either(self.trap_visible)
            || self.profile == Profile::Extended && either(self.time_sensitive)
    }

    /// The same with all states in user mode; mode sensitivity is no part of it.
    pub fn user_sensitive(&self) -> bool {
        self.control_sensitive[1]
            || self.location_sensitive[1]
            || self.resource_sensitive[1]
            || self.extent_sensitive[1]
            || self.trap_visible[1]
            || self.profile == Profile::Extended && self.time_sensitive[1]
    }
}

/// All values of some widths, as tuples.
fn tuples(widths: &[u32]) -> Vec<Vec<u128>> {
    widths.iter().fold(vec![Vec::new()], |all, width| {
        let longer = |t: &Vec<u128>| -> Vec<Vec<u128>> {
            (0..1 << width).map(|v| t.iter().copied().chain([v]).collect()).collect()
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The instruction with all its operands and all values left undefined.
fn cases<'c>(isa: &'c Isa, class: &'c Class, pair: &'c Pair) -> Vec<Case<'c>> {
    let widths: Vec<u32> = class.operands.iter().map(|o| o.width).collect();
    let held = |t: &Vec<u128>| {
        class.operands.iter().zip(t).all(|(o, v)| o.fixed.is_none_or(|fixed| fixed == *v))
    };
    let mut all = Vec::new();
    for operands in tuples(&widths).into_iter().filter(held) {
        if class.when.as_ref().is_none_or(|when| operand_condition(when, &operands)) {
            for choices in tuples(&class.body.choices) {
                all.push(Case { isa, class, pair, operands: operands.clone(), choices });
            }
        }
    }
    all
}

/// The registers that some trap sequence writes.
fn trap_written(isa: &Isa) -> BTreeSet<RegisterId> {
    fn collect(statements: &[Stmt], all: &mut BTreeSet<RegisterId>) {
        for statement in statements {
            match statement {
                Stmt::Register(id, _) | Stmt::Element(id, ..) => drop(all.insert(*id)),
                Stmt::If(_, yes, no) => [yes, no].into_iter().for_each(|list| collect(list, all)),
                Stmt::Block(inner) => collect(inner, all),
                _ => {}
            }
        }
    }
    let mut all = BTreeSet::new();
    isa.traps.iter().for_each(|trap| collect(&trap.sequence.statements, &mut all));
    all
}

/// How "two states that differ in resources" is read, and likewise in bounds, in time, and in what
/// a trap writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it stands. On a machine without a clock nothing is time sensitive.
    Strict,
    /// The states may also be equal there. Then what reads storage outside the window, which is
    /// arbitrary on each side, is sensitive in every such sense.
    Loose,
}

/// One class, one pair: everything the questions range over.
struct Judge<'c> {
    cases: Vec<Case<'c>>,
    /// Numbers of cells, q.
    sizes: Vec<u128>,
    /// Supervisor and user.
    modes: [u128; 2],
    literal: bool,
    reading: Reading,
}

impl Judge<'_> {
    /// Whether some instance of a question about two states has the answer yes.
    fn ask(
        &self,
        modes: [u128; 2],
        (varied, may_be_equal): (Option<Varied<'_>>, bool),
        sharing: Sharing,
        question: &dyn Fn(&Two<'_>, &World) -> Asked<bool>,
    ) -> bool {
        self.cases.iter().any(|case| {
            self.sizes.iter().any(|&cells| {
                let two = Two { case, cells, modes, varied, may_be_equal, sharing };
                exists(&mut World::new(), &|world| question(&two, world))
            })
        })
    }

    /// "There is a pair of states that differ in mode only, without memory traps, such that …"
    fn pair_with(&self, wanted: &dyn Fn(&Outcome, &Outcome) -> bool) -> bool {
        self.ask(self.modes, (None, false), Sharing::Cells, &|two, world| {
            Ok(two.proper_outcomes(world)?.is_some_and(|[a, b]| wanted(&a, &b)))
        })
    }

    /// P&G: for every such pair, i(S2) traps and i(S1) does not. `refined`: for every such pair i(S2)
    /// traps, and in one i(S1) completes.
    fn privileged(&self) -> Privileged {
        if self.pair_with(&|a, b| completes(b) || self.literal && traps(a)) {
            Privileged::No
        } else if !self.pair_with(&|_, _| true) {
            Privileged::Vacuous
        } else if self.literal || self.pair_with(&|a, b| completes(a) && traps(b)) {
            Privileged::Yes
        } else {
            Privileged::No
        }
    }

    /// "There are two states in these modes that differ in … and end visibly different."
    fn different(&self, modes: [u128; 2], varied: Option<Varied<'_>>, literal: bool) -> bool {
        self.ask(modes, (varied, false), Sharing::Window, &|two, world| {
            two.visibly_different(world, literal)
        })
    }

    /// Sensitive to what the profiles add: here the reading matters.
    fn added(&self, varied: Varied<'_>) -> PerMode {
        let varied = (Some(varied), self.reading == Reading::Loose);
        self.modes.map(|mode| {
            self.ask([mode, mode], varied, Sharing::Window, &|two, world| {
                two.visibly_different(world, false)
            })
        })
    }

    fn control_sensitive(&self) -> PerMode {
        self.modes.map(|mode| {
            self.ask([mode, mode], (None, false), Sharing::Cells, &|two, world| {
                two.control_changes(world, self.literal)
            })
        })
    }
}

/// Judges one class by every definition the profile knows.
pub fn judge(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    reading: Reading,
) -> Findings {
    let (literal, extended) = (profile == Profile::Literal, profile == Profile::Extended);
    let sizes: Vec<u128> = (isa.least_cells()..=isa.storage.cells).collect();
    let modes = [pair.supervisor.1, pair.user.1];
    let judge = Judge { cases: cases(isa, class, pair), sizes, modes, literal, reading };
    let relocation = |_, s: &Slice| s.kind == Some(Kind::Relocation);
    let bounds = |_, s: &Slice| s.kind == Some(Kind::Bounds);
    let time = |_, s: &Slice| s.kind == Some(Kind::Time);
    let resource = |_, s: &Slice| is_resource(s);
    let written = trap_written(isa);
    let of_traps = |id, s: &Slice| s.role == Role::E && written.contains(&id);
    let never = [false; 2];
    let map = VmMap::of(isa);
    let square = |case: &Case<'_>, mode| {
        map.as_ref().is_some_and(|map| breaks(case, map, &judge.sizes, mode, extended))
    };
    Findings {
        profile,
        privileged: judge.privileged(),
        control_sensitive: judge.control_sensitive(),
        location_sensitive: modes
            .map(|mode| judge.different([mode, mode], Some(&relocation), literal)),
        mode_sensitive: judge.different(modes, None, literal),
        both_sensitive: judge.different(modes, Some(&relocation), literal),
        resource_sensitive: if literal { never } else { judge.added(&resource) },
        extent_sensitive: if extended { judge.added(&bounds) } else { never },
        time_sensitive: judge.added(&time),
        trap_masked: extended && judge.pair_with(&|a, b| traps(a) && completes(b)),
        trap_visible: if extended { judge.added(&of_traps) } else { never },
        square_breaks: modes.map(|mode| judge.cases.iter().any(|case| square(case, mode))),
    }
}

/// Whether the square breaks for some guest of w cells at k in a machine of q ≥ k + w cells.
fn breaks(case: &Case<'_>, map: &VmMap, sizes: &[u128], mode: u128, extended: bool) -> bool {
    let reach = case.isa.relocation.map_or(0, |part| mask(part.width));
    for (&w, &q) in sizes.iter().flat_map(|w| sizes.iter().map(move |q| (w, q))) {
        for first in case.isa.least_cells()..=q.saturating_sub(w).min(reach) {
            let partition = Partition { first, cells: w };
            let square = Square { case, map, partition, cells: q, mode, extended };
            if exists(&mut World::new(), &|world| square.breaks(world)) {
                return true;
            }
        }
    }
    false
}

/// Theorem 1 or 3 for one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theorem {
    /// Whether the set inclusion holds.
    pub premise: Premise,
    /// Whether the monitor can be built under the standard map.
    pub verdict: VerdictWord,
    /// The classes that break the premise, by index.
    pub offending: Vec<usize>,
    /// The unprivileged classes whose square does not commute, by index.
    pub refuting: Vec<usize>,
}

/// Theorem 1, or with `hybrid` Theorem 3, from the findings about all classes.
pub fn theorem(all: &[Findings], hybrid: bool) -> Theorem {
    let sensitive = |f: &Findings| if hybrid { f.user_sensitive() } else { f.sensitive() };
    let breaks = |f: &Findings| if hybrid { f.square_breaks[1] } else { either(f.square_breaks) };
    let indices = |wanted: &dyn Fn(&Findings) -> bool| -> Vec<usize> {
        (0..all.len()).filter(|i| wanted(&all[*i])).collect()
    };
    let offending = indices(&|f| sensitive(f) && f.privileged == Privileged::No);
    let refuting = indices(&|f| breaks(f) && f.privileged != Privileged::Yes);
    let premise = if all.iter().all(|f| f.privileged == Privileged::Vacuous) {
        Premise::Vacuous
    } else if offending.is_empty() {
        Premise::Holds
    } else {
        Premise::Fails
    };
    let verdict = match premise {
        Premise::Vacuous => VerdictWord::Vacuous,
        Premise::Holds => VerdictWord::Holds,
        Premise::Fails | Premise::Undecided if refuting.is_empty() => VerdictWord::Holds,
        Premise::Fails | Premise::Undecided => VerdictWord::Refuted,
    };
    Theorem { premise, verdict, offending, refuting }
}
