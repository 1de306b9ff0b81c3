//! States of which only some values are chosen, and the questions that name what they lack.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use model::bits::mask;
use model::interp::{self, Access, Fetched, Outcome, Place};
use model::isa::{
    Body, Class, Expr, ExprKind, Fetch, Isa, Kind, LocalId, Pair, Part, RegisterId, Role, Slice,
    Stmt, TrapId, TrapKind,
};
use model::map::window;
use model::state::State;

/// Which of the two states of a question a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Both,
    First,
    Second,
}

/// A value that can be chosen freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Free {
    /// A slice of a register: register, element, lowest bit.
    Bits(Owner, RegisterId, u32, u32),
    /// A cell of E|r, by virtual address.
    Window(u128),
    /// A physical cell.
    Cell(Owner, u128),
}

/// The values chosen so far.
pub(super) type World = BTreeMap<Free, u128>;

/// What the world lacks for an answer, and its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lacks(pub(super) Free, pub(super) u32);

pub(super) type Asked<T> = Result<T, Lacks>;

/// Whether some world answers yes.
pub(super) fn exists(world: &mut World, question: &dyn Fn(&World) -> Asked<bool>) -> bool {
    exists_among(world, &|_| true, question) == Ok(true)
}

/// Whether some choice of the values in `own` answers yes; other values must be there.
pub(super) fn exists_among(
    world: &mut World,
    own: &dyn Fn(Free) -> bool,
    question: &dyn Fn(&World) -> Asked<bool>,
) -> Asked<bool> {
    let (free, width) = match question(world) {
        Err(Lacks(free, width)) if own(free) => (free, width),
        settled => return settled,
    };
    for value in 0..1u128 << width {
        world.insert(free, value);
        let found = exists_among(world, own, question);
        world.remove(&free);
        if found != Ok(false) {
            return found;
        }
    }
    Ok(false)
}

/// One instruction with its operands, and the values of what the architecture leaves open.
pub(super) struct Case<'c> {
    pub(super) isa: &'c Isa,
    pub(super) class: &'c Class,
    pub(super) pair: &'c Pair,
    pub(super) operands: Vec<u128>,
    pub(super) choices: Vec<u128>,
    /// Traps that lead to no monitor.
    pub(super) strays: &'c [TrapId],
}

/// One state of a question: places not chosen yet are 0 in it and stand in `lacks`.
pub(super) struct Half {
    pub(super) state: State,
    pub(super) lacks: BTreeMap<Place, Lacks>,
}

/// What the instruction does to a state.
pub(super) struct Run {
    pub(super) outcome: Outcome,
    pub(super) written: BTreeSet<Place>,
}

impl Half {
    /// Insists that a place is chosen.
    pub(super) fn need(&self, place: Place) -> Asked<()> {
        self.lacks.get(&place).map_or(Ok(()), |lacks| Err(*lacks))
    }

    /// E|r: first cell and number of cells that exist.
    pub(super) fn window(&self, isa: &Isa) -> Asked<(u128, u128)> {
        for id in window_registers(isa) {
            self.need(Place::Register(id, 0))?;
        }
        let (base, size) = window(isa, &self.state);
        Ok((base, size.min(self.state.cells.saturating_sub(base))))
    }

    /// Insists that registers are chosen that the machine ties to each other.
    pub(super) fn need_tied(&self, isa: &Isa, pair: &Pair) -> Asked<()> {
        for id in tied(isa, pair) {
            for i in 0..isa.register(id).len() {
                self.need(Place::Register(id, i.into()))?;
            }
        }
        Ok(())
    }

    /// The specification's assumptions hold.
    pub(super) fn admitted(&self, isa: &Isa) -> bool {
        isa.assumptions.iter().all(|a| interp::value(&a.that, &self.state).is_true())
    }

    /// M or a component of R among those chosen is not what it was.
    pub(super) fn changed(
        &self,
        isa: &Isa,
        run: &Run,
        after: &State,
        chosen: Chosen<'_>,
    ) -> Asked<bool> {
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

pub(super) type Chosen<'a> = &'a dyn Fn(&Slice) -> bool;

/// A slice's value.
pub(super) fn bits(state: &State, id: RegisterId, i: u128, slice: &Slice) -> u128 {
    state.element(id, i) >> slice.low & mask(slice.width)
}

/// Sets a slice.
pub(super) fn set_bits(state: &mut State, id: RegisterId, i: u128, slice: &Slice, value: u128) {
    let others = state.element(id, i) & !(mask(slice.width) << slice.low);
    state.set_element(id, i, others | value << slice.low);
}

/// The registers among places.
pub(super) fn registers(
    places: &BTreeSet<Place>,
) -> impl Iterator<Item = (Place, RegisterId, u128)> + '_ {
    places.iter().filter_map(|place| match place {
        Place::Register(id, i) => Some((*place, *id, *i)),
        Place::Cell(_) => None,
    })
}

/// The cells among places.
pub(super) fn cells(places: &BTreeSet<Place>) -> impl Iterator<Item = u128> + '_ {
    places.iter().filter_map(|place| match place {
        Place::Register(..) => None,
        Place::Cell(cell) => Some(*cell),
    })
}

/// Every slice of every register: register, element, slice.
pub(super) fn all_slices(isa: &Isa) -> impl Iterator<Item = (RegisterId, u32, &Slice)> {
    isa.register_ids().flat_map(|(id, register)| {
        (0..register.len()).flat_map(move |i| register.slices.iter().map(move |s| (id, i, s)))
    })
}

fn read_by(e: &Expr, all: &mut BTreeSet<RegisterId>) {
    match &e.kind {
        ExprKind::Register(id) => drop(all.insert(*id)),
        ExprKind::Element(id, index) => {
            all.insert(*id);
            read_by(index, all);
        }
        ExprKind::Load(inner) => read_by(inner, all),
        ExprKind::Apply(_, operands) => operands.iter().for_each(|o| read_by(o, all)),
        ExprKind::Const(_)
        | ExprKind::Local(_)
        | ExprKind::Operand(_)
        | ExprKind::CellCount
        | ExprKind::Choice(_) => {}
    }
}

/// The registers that an expression reads.
pub(super) fn registers_read(e: &Expr) -> BTreeSet<RegisterId> {
    let mut all = BTreeSet::new();
    read_by(e, &mut all);
    all
}

/// The registers that statements write, and those they read.
fn used_by(
    statements: &[Stmt],
    written: &mut BTreeSet<RegisterId>,
    read: &mut BTreeSet<RegisterId>,
) {
    for statement in statements {
        match statement {
            Stmt::Local(_, e) => read_by(e, read),
            Stmt::Register(id, e) => {
                written.insert(*id);
                read_by(e, read);
            }
            Stmt::Element(id, index, e) => {
                written.insert(*id);
                read_by(index, read);
                read_by(e, read);
            }
            Stmt::Store(cell, e) => {
                read_by(cell, read);
                read_by(e, read);
            }
            Stmt::If(condition, yes, no) => {
                read_by(condition, read);
                used_by(yes, written, read);
                used_by(no, written, read);
            }
            Stmt::Block(inner) => used_by(inner, written, read),
            Stmt::Trap(_, argument) => argument.iter().for_each(|e| read_by(e, read)),
            Stmt::Exit(_) | Stmt::Commit | Stmt::Unpredictable | Stmt::Unknown => {}
        }
    }
}

/// The registers that statements write.
pub(super) fn registers_written(statements: &[Stmt]) -> BTreeSet<RegisterId> {
    let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
    used_by(statements, &mut written, &mut read);
    written
}

/// Whether statements commit something before a trap.
pub(super) fn commits(statements: &[Stmt]) -> bool {
    statements.iter().any(|statement| match statement {
        Stmt::Commit => true,
        Stmt::If(_, yes, no) => commits(yes) || commits(no),
        Stmt::Block(inner) => commits(inner),
        _ => false,
    })
}

/// The registers that decide where E|r lies.
pub(super) fn window_registers(isa: &Isa) -> BTreeSet<RegisterId> {
    let mut all = BTreeSet::new();
    if let Some(window) = &isa.window {
        read_by(&window.base, &mut all);
        read_by(&window.size, &mut all);
    }
    all
}

/// The registers that some trap sequence writes.
pub(super) fn trap_written(isa: &Isa) -> BTreeSet<RegisterId> {
    let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
    for trap in &isa.traps {
        used_by(&trap.sequence.statements, &mut written, &mut read);
    }
    written
}

/// The registers that decide where traps lead, as far as it can be seen from the text: what the sequences, the address
/// function and fetching read.
pub(super) fn read_by_traps(isa: &Isa) -> BTreeSet<RegisterId> {
    let (mut written, mut read) = (BTreeSet::new(), window_registers(isa));
    for trap in &isa.traps {
        used_by(&trap.sequence.statements, &mut written, &mut read);
    }
    for fetch in &isa.all_fetches {
        used_by(&fetch.body.statements, &mut written, &mut read);
    }
    read
}

/// The registers that assumptions or the de-privileging map tie to each other.
fn tied(isa: &Isa, pair: &Pair) -> BTreeSet<RegisterId> {
    let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
    used_by(&pair.deprivilege.statements, &mut written, &mut read);
    isa.assumptions.iter().for_each(|a| read_by(&a.that, &mut read));
    written.union(&read).copied().collect()
}

pub(super) fn is_mode_or_r(slice: &Slice) -> bool {
    matches!(slice.role, Role::M | Role::R)
}

/// What a program sees of its registers.
pub(super) fn is_visible(slice: &Slice) -> bool {
    matches!(slice.role, Role::E | Role::P)
}

/// The components of R beyond the mapping and time.
pub(super) fn is_resource(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector | Kind::Identity | Kind::Device))
}

/// What direct execution must leave alone: M, and R beside the mapping, clocks included.
pub(super) fn is_monitors(slice: &Slice) -> bool {
    slice.role == Role::M || is_resource(slice) || slice.kind == Some(Kind::Time)
}

/// What a monitor sets as it likes.
pub(super) fn is_chosen(slice: &Slice) -> bool {
    matches!(slice.kind, Some(Kind::Resource | Kind::TrapVector))
}

/// The slice is the mode itself, which every question fixes.
pub(super) fn is_the_mode(isa: &Isa, id: RegisterId, slice: &Slice) -> bool {
    isa.mode == Some(Part { register: id, low: slice.low, width: slice.width })
}

/// The arguments that traps can have.
pub(super) fn arguments(isa: &Isa) -> impl Iterator<Item = u128> + use<> {
    0..=mask(isa.trap_argument)
}

impl Case<'_> {
    /// The same instruction with every value of what may come out otherwise each time; with `all`, of
    /// everything that is left open, where that is few bits.
    pub(super) fn alternatives(&self, all: bool) -> Vec<Self> {
        let open = &self.class.body.choices;
        let all = all && open.iter().map(|c| c.width).sum::<u32>() <= 4;
        let mut found = vec![Vec::new()];
        for (choice, value) in open.iter().zip(&self.choices) {
            let varies = choice.arbitrary || all;
            let values = if varies { 0..1 << choice.width } else { *value..value + 1 };
            let longer = |t: &Vec<u128>| -> Vec<Vec<u128>> {
                values.clone().map(|v| t.iter().copied().chain([v]).collect()).collect()
            };
            found = found.iter().flat_map(longer).collect();
        }
        let of = |choices| Self { operands: self.operands.clone(), choices, ..*self };
        found.into_iter().map(of).collect()
    }

    /// Runs the instruction; whatever it reads must be chosen. What a trap sequence does counts only
    /// with `literal`, and not for memory traps: otherwise the definitions ask no more than whether
    /// there is a trap.
    pub(super) fn run(&self, half: &Half, literal: bool) -> Asked<Run> {
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

    /// The trap sequence of a trap that is taken in a state; none where it is unpredictable.
    pub(super) fn sequel(
        &self,
        trap: TrapId,
        argument: u128,
        half: &Half,
    ) -> Asked<Option<(State, BTreeSet<Place>)>> {
        let argument =
            Expr { width: self.isa.trap_argument.max(1), kind: ExprKind::Const(argument) };
        let mut class = self.class.clone();
        class.operands = Vec::new();
        class.advance = std::sync::Arc::default();
        let statements = vec![Stmt::Trap(trap, Some(argument))];
        class.body = Body { statements, ..Body::default() }.into();
        let seen = RefCell::new(Vec::new());
        let outcome =
            interp::observed_step(self.isa, &class, &[], &half.state, &|_| 0, &|access| {
                seen.borrow_mut().push(access);
            });
        let mut written = BTreeSet::new();
        for access in seen.into_inner() {
            match access {
                // What was written before is known.
                Access::Read(place) if written.contains(&place) => {}
                Access::Read(place) => half.need(place)?,
                Access::Write(place) => drop(written.insert(place)),
                Access::Trap(_) => {}
            }
        }
        Ok(match outcome {
            Outcome::Trap(_, after) => Some((after, written)),
            Outcome::Step(_) | Outcome::Unpredictable | Outcome::Unknown => None,
        })
    }

    /// What is fetched behind a trap sequence, which wrote some places of the state that it was taken in.
    pub(super) fn fetched(
        &self,
        how: &Fetch,
        after: &State,
        written: &BTreeSet<Place>,
        half: &Half,
    ) -> Asked<Option<u128>> {
        for place in self.fetching(how, after).iter().filter(|place| !written.contains(place)) {
            half.need(*place)?;
        }
        Ok(match interp::fetch(how, after) {
            Fetched::Word(word) => Some(word),
            Fetched::Trap(_) | Fetched::Unpredictable | Fetched::Unknown => None,
        })
    }

    /// What fetching in a state comes to.
    pub(super) fn fetch(&self, how: &Fetch, half: &Half) -> Asked<Fetched> {
        for place in self.fetching(how, &half.state) {
            half.need(place)?;
        }
        Ok(interp::fetch(how, &half.state))
    }

    /// What fetching in a state reads.
    fn fetching(&self, how: &Fetch, state: &State) -> Vec<Place> {
        let local = LocalId(how.body.locals.len() as u32);
        let mut body = how.body.clone();
        body.locals.push(how.word.width);
        body.statements.push(Stmt::Local(local, how.word.clone()));
        let mut class = self.class.clone();
        (class.operands, class.advance) = (Vec::new(), std::sync::Arc::default());
        class.body = body.into();
        let seen = RefCell::new(Vec::new());
        interp::observed_step(self.isa, &class, &[], state, &|_| 0, &|access| {
            seen.borrow_mut().push(access);
        });
        // A trap's own sequence is no part of the fetch.
        let fetch = seen.into_inner().into_iter();
        let fetch = fetch.take_while(|access| !matches!(access, Access::Trap(_)));
        let read = |access| match access {
            Access::Read(place) => Some(place),
            Access::Write(_) | Access::Trap(_) => None,
        };
        fetch.filter_map(read).collect()
    }

    /// A trap is taken that leads to the monitor.
    pub(super) fn enters(&self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Trap(id, _) if !self.strays.contains(id))
    }

    pub(super) fn is_memory_trap(&self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Trap(id, _) if self.isa.trap(*id).kind == TrapKind::Memory)
    }

    /// The state after the instruction. Memory traps have none for the definitions; other traps
    /// have one in `literal`. A trap takes writes back, so what it may have restored is chosen.
    pub(super) fn after<'r>(
        &self,
        half: &Half,
        run: &'r Run,
        literal: bool,
    ) -> Asked<Option<&'r State>> {
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
